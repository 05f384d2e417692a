"""``ballotscan verify``: the independent checker, and the tables beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from ballotscan.cli.options import Database
from ballotscan.i18n import gettext as _
from ballotscan.settings import is_url, load_settings


def verify(
    *,
    anchor: Annotated[
        Optional[list[str]],  # noqa: UP045  typer reads the annotation when the command is built
        typer.Option("--anchor", help=_("A head kept elsewhere, as a report prints it."), metavar="HEAD"),
    ] = None,
    key: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option("--key", help=_("Trust only these keys: a key file or a public key."), metavar="KEY"),
    ] = None,
    db: Database = None,
) -> None:
    """Check the whole record; name the first thing that is wrong."""
    settings = load_settings(db)

    from ballotscan import verify as checker
    from ballotscan.closing import fault_text, refuse_differing
    from ballotscan.errors import NotVerifiedError, StoreError
    from ballotscan.keys import public_key
    from ballotscan.store.database import open_store

    trusted = [public_key(text) for text in key or []]
    if not is_url(settings.database) and not Path(settings.database).is_file():
        open_store(settings.database, settings.folder, create=False)  # says so: there is nothing to verify
    try:
        found = checker.verify(settings.database, settings.folder, anchor or [], trusted)
        with open_store(settings.database, settings.folder, create=False) as store:
            refuse_differing(store.check_projections())
    except checker.Fault as fault:
        raise NotVerifiedError(
            _("Not verified: {what}.").format(what=fault_text(fault)),
            _("Keep the file as it is, and take the last backup that verifies."),
        ) from fault
    except StoreError as fault:  # the ledger is whole, but the tables beside it are damaged
        raise NotVerifiedError(fault.message, fault.remedy) from fault
    typer.echo(
        _("Verified: {entries} entries, {originals} originals.").format(
            entries=found.entries, originals=found.originals
        )
    )
    for seq, period, signers in found.closes:
        typer.echo(
            _("Entry {seq}, period {period}: signed by {signers}").format(
                seq=seq, period=period, signers="; ".join(signers)
            )
        )
    typer.echo(_("Head: {head}").format(head=checker.shown_head(found.head)))
