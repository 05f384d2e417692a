"""``ballotscan box``: minutes of opening ballot boxes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from unicodedata import normalize

import typer

from ballotscan.cli.giving import writing
from ballotscan.cli.options import Database
from ballotscan.errors import UsageError
from ballotscan.i18n import gettext as _
from ballotscan.i18n import language_in_use
from ballotscan.settings import load_settings

app = typer.Typer()


@app.command(help=_("Enter the minute of opening a box, from a small YAML file."))
def record(
    *,
    file: Annotated[Path, typer.Argument(help=_("The minute's file."), metavar="FILE")],
    reason: Annotated[
        str, typer.Option("--reason", help=_("Why an earlier minute is replaced."), metavar="TEXT")
    ] = "",
    db: Database = None,
) -> None:
    """Append the minute to the record; an earlier one of the same box and day stays beside it."""
    settings = load_settings(db)

    from ballotscan.opening import faults_of, read_minute
    from ballotscan.store.database import open_store
    from ballotscan.tally.render import box_line

    with open_store(settings.database, settings.folder) as store:
        minute = read_minute(file, store.box_openings())
        added = store.add_box_opening(minute, normalize("NFC", reason).strip())
    typer.echo(box_line(minute))
    for line in faults_of(minute):
        typer.echo(_("Warning: {message}").format(message=line))
    if not added:
        typer.echo(_("It was entered before: nothing added."))


@app.command(help=_("Draw the minute of a box as a PDF to print and sign."))
def minute(
    *,
    box: Annotated[str, typer.Argument(help=_("The box, as its minute names it."), metavar="BOX")],
    output: Annotated[Path, typer.Option("--output", "-o", help=_("The PDF to write."), metavar="FILE")],
    db: Database = None,
) -> None:
    """The box's last minute, with the sheets found in the scan beside."""
    settings = load_settings(db)

    from ballotscan.programme.load import programme_in
    from ballotscan.report.figures import plain_programme
    from ballotscan.report.minutes import write_minute
    from ballotscan.report.pdf import report_pdf
    from ballotscan.store.database import open_store

    with open_store(settings.database, settings.folder, create=False) as store:
        every = store.box_openings()
        found = [each for each in every if each.box == normalize("NFC", box).strip()]
        if not found:
            raise UsageError(
                _("There is no minute of a box '{box}'.").format(box=box),
                _("Boxes: {names}.").format(names=", ".join(each.box for each in every) or "-"),
            )
        alone = sum(each.batch == found[-1].batch for each in every) == 1
        scanned = any(batch.name == found[-1].batch for batch in store.batches())
        sheets = store.balance(found[-1].batch).papers if alone and scanned else None
        programme = programme_in(settings.folder) or plain_programme(store, settings.period_rule)
    document = write_minute(found[-1], sheets, programme, language_in_use())
    with writing(output):
        output.write_bytes(report_pdf(document))
    typer.echo(_("{file}: written.").format(file=output))
