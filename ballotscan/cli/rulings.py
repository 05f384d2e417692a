"""``ballotscan import rulings``: what people decided about doubtful answers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final, NoReturn

import typer

from ballotscan.cli.options import Database
from ballotscan.errors import UsageError
from ballotscan.i18n import gettext as _
from ballotscan.settings import load_settings

app = typer.Typer()

_FAULTS_SHOWN: Final = 20  # one screen


@app.command(help=_("Take in a filled-in review file: all of it, or nothing if a row is wrong."))
def rulings(
    *,
    file: Annotated[Path, typer.Argument(help=_("The file of 'export review', filled in."), metavar="FILE")],
    by: Annotated[str, typer.Option("--by", help=_("Who decided."), metavar="NAME")],
    reason: Annotated[
        str, typer.Option("--reason", help=_("The reason where a row gives none."), metavar="TEXT")
    ] = "",
    db: Database = None,
) -> None:
    """Append the rulings of a file beside the machine's readings."""
    from ballotscan.store.database import open_store
    from ballotscan.store.rows import Scope
    from ballotscan.store.rulings_file import read_rulings

    if not by.strip():
        raise UsageError(_("--by: the name is empty."), _("Name the person who decided."))
    settings = load_settings(db)
    with open_store(settings.database, settings.folder, create=False) as store:
        read = read_rulings(
            file,
            by.strip(),
            reason.strip(),
            store.questions(),
            lambda batch: list(store.answer_rows(Scope(batch=batch))),
        )
        if read.faults:
            refuse_rows(file, read.faults)
        added = store.add_rulings(read.rulings)
        left = sum(1 for _row in store.answer_rows(in_review=True))
    known = len(read.rulings) - added
    typer.echo(
        _("{file}: {added} rulings added, {known} known already.").format(file=file, added=added, known=known)
    )
    typer.echo(_("Answers that still await review: {count}.").format(count=left))


def refuse_rows(file: Path, faults: Sequence[str]) -> NoReturn:
    """Say what is wrong, one line a row, and raise ``UsageError``."""
    for fault in faults[:_FAULTS_SHOWN]:
        typer.echo(fault, err=True)
    raise UsageError(
        _("{file}: {count} rows are wrong; nothing was imported.").format(file=file, count=len(faults)),
        _("Correct them and import the file again."),
    )
