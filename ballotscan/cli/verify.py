"""``ballotscan verify``: the independent checker, and the tables beside it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from ballotscan.cli.options import Database
from ballotscan.i18n import gettext as _
from ballotscan.settings import Settings, is_url, load_settings, template_folders

if TYPE_CHECKING:
    from ballotscan.verify import Report


def verify(
    files: Annotated[
        Optional[list[Path]],  # noqa: UP045  typer reads the annotation when the command is built
        typer.Argument(help=_("Exports and tallies, to be checked too."), metavar="FILE"),
    ] = None,
    *,
    anchor: Annotated[
        Optional[list[str]],  # noqa: UP045
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
    found, unused = _checked(settings, anchor or [], key or [], files or [])
    for line in _lines(found, unused, len(files or [])):
        typer.echo(line)


def _checked(
    settings: Settings, anchors: list[str], keys: list[str], files: list[Path]
) -> tuple[Report, list[str]]:
    """What the checker found right, and the templates with which nothing was read. Raises
    ``NotVerifiedError``."""
    from ballotscan import verify as checker
    from ballotscan.closing import fault_text, refuse_differing
    from ballotscan.errors import NotVerifiedError, StoreError, TemplateError
    from ballotscan.forms.load import check_templates
    from ballotscan.keys import public_key
    from ballotscan.store.database import open_store

    trusted = [public_key(text) for text in keys]
    if not is_url(settings.database) and not Path(settings.database).is_file():
        open_store(settings.database, settings.folder, create=False)  # says so: there is nothing to verify
    try:
        found = checker.verify(settings.database, settings.folder, anchors, trusted, files)
        with open_store(settings.database, settings.folder, create=False) as store:
            refuse_differing(store.check_projections())
            return found, check_templates(store.template_files(), template_folders(settings))
    except checker.Fault as fault:
        raise NotVerifiedError(
            _("Not verified: {what}.").format(what=fault_text(fault)),
            _("Keep the file as it is, and take the last backup that verifies."),
        ) from fault
    except (StoreError, TemplateError) as fault:  # the ledger is whole, but not what lies beside it
        raise NotVerifiedError(fault.message, fault.remedy) from fault


def _lines(found: Report, unused: list[str], files: int) -> Iterator[str]:
    """What is right, in words."""
    from ballotscan.verify import shown_head

    verified = _("Verified: {entries} entries, {originals} originals.")
    yield verified.format(entries=found.entries, originals=found.originals)
    for seq, period, signers in found.closes:
        closed = _("Entry {seq}, period {period}: signed by {signers}")
        yield closed.format(seq=seq, period=period, signers="; ".join(signers))
    for seq, name, public in found.new_keys:
        new_key = _("Entry {seq}: a new key of {name}, vouched for by the other signer: {key}")
        yield new_key.format(seq=seq, name=name, key=public)
    for seq, batch, day, count in found.removed:
        removed = _("Entry {seq}: {count} originals of {batch} were removed by retention on {day}")
        yield removed.format(seq=seq, count=count, batch=batch, day=day)
    if found.alone:
        yield _("Answers settled by one person alone: {count}").format(count=found.alone)
    for template in unused:
        yield _("{template}: nothing was read with this edition").format(template=template)
    if files:
        yield _("Files as they were written: {count}").format(count=files)
    yield _("Head: {head}").format(head=shown_head(found.head))
