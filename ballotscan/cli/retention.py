"""``ballotscan retention``: the scans that were kept long enough, and their removal."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated
from unicodedata import normalize

import typer

from ballotscan.cli.options import Database
from ballotscan.errors import UsageError
from ballotscan.i18n import gettext as _
from ballotscan.settings import load_settings, retention_of

if TYPE_CHECKING:
    from ballotscan.store.rows import Due


def retention(
    *,
    remove: Annotated[
        str, typer.Option("--remove", help=_("Remove the scans of this batch."), metavar="BATCH")
    ] = "",
    by: Annotated[str, typer.Option("--by", help=_("Who decided."), metavar="NAME")] = "",
    second: Annotated[str, typer.Option("--second", help=_("Who agreed."), metavar="NAME")] = "",
    reason: Annotated[
        str, typer.Option("--reason", help=_("By which decision they are removed."), metavar="TEXT")
    ] = "",
    db: Database = None,
) -> None:
    """List what is due; or take one batch's scans off the disk, while all that was read from them stays."""
    settings = load_settings(db)
    months = retention_of(settings)

    from ballotscan.store.database import open_store

    said = [normalize("NFC", text).strip() for text in (remove, by, second, reason)]
    with open_store(settings.database, settings.folder, create=False) as store:
        due = store.due(months, datetime.now().astimezone().date())
        if not remove:
            _print_due(due, months)
            return
        batch = next((each for each in due if each.batch == said[0]), None)
        if batch is None:
            raise UsageError(
                _("There is no batch '{batch}' whose scans are due.").format(batch=remove),
                _("'ballotscan retention' lists those that are."),
            )
        count = store.remove_originals(batch, *said[1:])
    typer.echo(
        _("{batch}: {count} originals removed. Their hashes and all that was read from them stay.").format(
            batch=batch.batch, count=count
        )
    )
    typer.echo(_("Backups still hold them: remove them there too."))


def _print_due(due: list[Due], months: int) -> None:
    if not due:
        typer.echo(_("No scans have been kept for {months} months yet.").format(months=months))
    for batch in due:
        line = _("{batch}: received {received}, due since {since}, {count} originals")
        if not batch.closed:
            line = _("{batch}: received {received}, due since {since}, {count} originals; period not closed")
        typer.echo(
            line.format(
                batch=batch.batch, received=batch.received, since=batch.since, count=len(batch.originals)
            )
        )
