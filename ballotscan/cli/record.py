"""``ballotscan void``, ``rebuild``, ``backup`` and ``restore``: the care of the record."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from unicodedata import normalize

import typer

from ballotscan.cli.options import Database
from ballotscan.errors import NotVerifiedError, StoreError, UsageError
from ballotscan.i18n import gettext as _
from ballotscan.settings import Settings, is_url, load_settings


def void(
    *,
    sheet: Annotated[
        str,
        typer.Argument(help=_("The sheet, as exports name it, or a row: box/00041..00080."), metavar="SHEET"),
    ],
    reason: Annotated[str, typer.Option("--reason", help=_("Why it must not count."), metavar="TEXT")],
    by: Annotated[str, typer.Option("--by", help=_("Who decided."), metavar="NAME")],
    second: Annotated[str, typer.Option("--second", help=_("Who agreed."), metavar="NAME")],
    same_as: Annotated[
        str,
        typer.Option(
            "--same-as", help=_("The sheet, or row, of which it is a second scan."), metavar="SHEET"
        ),
    ] = "",
    db: Database = None,
) -> None:
    """Take sheets out of every count; they stay in the record and in the balance."""
    settings = load_settings(db)

    from ballotscan.model import SheetId
    from ballotscan.rules.duplicates import name_sheets
    from ballotscan.store.database import open_store

    said = [normalize("NFC", text).strip() for text in (by, second, reason)]
    chosen, others = (name_sheets(normalize("NFC", text).strip()) for text in (sheet, same_as))
    if same_as and len(others) != len(chosen):
        raise UsageError(
            _("--same-as: {one} sheets cannot be {other}.").format(one=len(chosen), other=len(others)),
            _("Name as many, in the same order; a row may run backwards."),
        )
    pairs: dict[SheetId, str] = dict.fromkeys(chosen, "") | dict(zip(chosen, others, strict=False))
    with open_store(settings.database, settings.folder, create=False) as store:
        store.void_all(pairs, *said)
    for each in pairs:
        typer.echo(_("Sheet {sheet} is void. It stays in the record and in the balance.").format(sheet=each))


def rebuild(*, db: Database = None) -> None:
    """Make all tables anew from the ledger, and say which differed."""
    settings = load_settings(db)

    from ballotscan.store.database import open_store

    with open_store(settings.database, settings.folder, create=False) as store:
        report = store.verify_chain()
        if not report.whole:
            raise NotVerifiedError(
                _("Entry {seq} of the record was changed: nothing was rebuilt.").format(seq=report.seq),
                _("Take the last backup that verifies."),
            )
        differing = store.rebuild_projections()
        left = store.check_projections()
    if left:  # made twice from the same entries, and not the same: a fault of the program
        raise NotVerifiedError(
            _("The tables came out otherwise twice: {tables}.").format(tables=", ".join(left))
        )
    if differing:
        typer.echo(
            _("These tables differed and were made anew: {tables}.").format(tables=", ".join(differing))
        )
    typer.echo(_("Every table agrees with the {count} entries of the record.").format(count=report.entries))


def backup(
    *,
    file: Annotated[Path, typer.Argument(help=_("The copy to be made."), metavar="FILE")],
    db: Database = None,
) -> None:
    """Copy the record and its originals to another place, and verify the copy."""
    settings = load_settings(db)
    _refuse_server(settings)

    from ballotscan.store.backup import copy_record
    from ballotscan.store.database import open_store

    open_store(settings.database, settings.folder, create=False).close()
    head, count = copy_record(Path(settings.database), settings.folder, file)
    _verify_copy(file, head)
    typer.echo(_("{file}: copied with {count} originals, and verified.").format(file=file, count=count))
    _print_head(head)


def restore(
    *,
    file: Annotated[Path, typer.Argument(help=_("The copy that 'backup' made."), metavar="FILE")],
    db: Database = None,
) -> None:
    """Put a backup in place where there is no database; refuse one that does not verify."""
    settings = load_settings(db)
    _refuse_server(settings)
    if not file.is_file():
        raise UsageError(_("{file}: there is no such file.").format(file=file), _("Check its name."))

    from ballotscan.store.backup import bring_back, copy_record, head_of_manifest

    head = head_of_manifest(file)
    if head is None:
        raise StoreError(
            _("{file}: its manifest is not beside it.").format(file=file),
            _("Copy FILE, FILE.manifest and the folder originals together."),
        )
    _verify_copy(file, head)
    target = Path(settings.database)
    head, count = copy_record(file, file.parent, target)
    _verify_copy(target, head)
    for path in bring_back(target, settings.folder):
        typer.echo(_("{file}: put back.").format(file=path))
    typer.echo(_("{file}: restored with {count} originals, and verified.").format(file=target, count=count))
    _print_head(head)
    typer.echo(_("Compare this head with the last report: what came after it must be scanned again."))


def _refuse_server(settings: Settings) -> None:
    if is_url(settings.database):
        raise UsageError(
            _("Only a database in a file can be copied so."),
            _("Use the server's own pg_dump and pg_restore, then 'ballotscan verify --anchor'."),
        )


def _verify_copy(copy: Path, head: str) -> None:
    """The independent checker over a copy and the originals beside it; its head must be in the chain."""
    from ballotscan import verify
    from ballotscan.closing import fault_text

    try:
        verify.verify(str(copy), copy.absolute().parent, [head])
    except verify.Fault as fault:
        raise NotVerifiedError(
            _("{file}: not verified: {what}.").format(file=copy, what=fault_text(fault)),
            _("Do not rely on this copy."),
        ) from fault


def _print_head(head: str) -> None:
    from ballotscan.verify import shown_head

    typer.echo(_("Head: {head}").format(head=shown_head(head)))
