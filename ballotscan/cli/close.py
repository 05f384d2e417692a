"""``ballotscan close`` and ``ballotscan amend``: what two persons sign."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional
from unicodedata import normalize

import typer

from ballotscan.cli.giving import writing
from ballotscan.cli.keys import ask_signer
from ballotscan.cli.options import Database, Rule
from ballotscan.i18n import gettext as _
from ballotscan.settings import load_settings, retention_of, template_folders

if TYPE_CHECKING:
    from ballotscan.closing import Wanted

PeriodName = Annotated[
    str, typer.Argument(help=_("The period: 2023-03, 2023Q1, 2023H1, 2023, or 2023-01-01..2023-02-28."))
]
Operator = Annotated[Path, typer.Option("--operator", help=_("The operator's key file."), metavar="FILE")]
Auditor = Annotated[Path, typer.Option("--auditor", help=_("The auditor's key file."), metavar="FILE")]
Unit = Annotated[str, typer.Option("--unit", help=_("Only this unit's batches."), metavar="NAME")]
Picture = Annotated[
    Optional[Path],  # noqa: UP045  typer reads the annotation when the command is built
    typer.Option("--qr", help=_("Also write the head as a QR code to this PNG file."), metavar="FILE"),
]


def close(
    *,
    period: PeriodName,
    operator: Operator,
    auditor: Auditor,
    unit: Unit = "",
    reason_unbalanced: Annotated[
        str,
        typer.Option(
            "--reason-unbalanced",
            help=_("Why a batch has another number of sheets than expected."),
            metavar="TEXT",
        ),
    ] = "",
    qr: Picture = None,
    rule: Rule = None,
    db: Database = None,
) -> None:
    """Sign a period's balance and tally; from then on nothing enters it."""
    settings = load_settings(db)
    retention_of(settings)
    wanted = _wanted(period, rule or settings.period_rule, unit, reason_unbalanced)

    from ballotscan.closing import close_period
    from ballotscan.store.database import open_store

    signers = (ask_signer(operator, "operator"), ask_signer(auditor, "auditor"))
    with open_store(settings.database, settings.folder) as store:
        head = close_period(store, settings, template_folders(settings), wanted, signers)
    typer.echo(
        _("Closed: {period}, {first} to {last}, signed by {operator} and {auditor}.").format(
            period=wanted.period.name,
            first=wanted.period.first,
            last=wanted.period.last,
            operator=signers[0].name,
            auditor=signers[1].name,
        )
    )
    _print_head(head, qr)


def amend(
    *,
    period: PeriodName,
    reason: Annotated[
        str, typer.Option("--reason", help=_("Why the period must be opened again."), metavar="TEXT")
    ],
    operator: Operator,
    auditor: Auditor,
    unit: Unit = "",
    qr: Picture = None,
    rule: Rule = None,
    db: Database = None,
) -> None:
    """Open a closed period again under two signatures; its close stays in the record."""
    settings = load_settings(db)
    wanted = _wanted(period, rule or settings.period_rule, unit, reason)

    from ballotscan.closing import amend_period
    from ballotscan.store.database import open_store

    signers = (ask_signer(operator, "operator"), ask_signer(auditor, "auditor"))
    with open_store(settings.database, settings.folder, create=False) as store:
        head = amend_period(store, settings, wanted, signers)
    typer.echo(
        _("Open again: {period}. Add what is missing, then close it anew.").format(period=wanted.period.name)
    )
    _print_head(head, qr)


def _wanted(period: str, rule: str, unit: str, reason: str) -> Wanted:
    from ballotscan.closing import Wanted
    from ballotscan.rules.periods import parse_period

    return Wanted(
        parse_period(period, rule), normalize("NFC", unit).strip(), normalize("NFC", reason).strip()
    )


def _print_head(head: str, picture: Path | None) -> None:
    """The head as it goes on the paper report: 16 groups of 4, and a QR code of the same."""
    import io

    import segno

    from ballotscan.verify import shown_head

    typer.echo(_("Head: {head}").format(head=shown_head(head)))
    code = segno.make(head.upper(), error="m", micro=False)
    drawn = io.StringIO()
    code.terminal(drawn, compact=True, border=2)
    typer.echo(drawn.getvalue())
    if picture is not None:
        signed = _("The period is signed all the same; 'ballotscan verify' prints the head again.")
        with writing(picture, signed):
            code.save(str(picture), kind="png", scale=8, border=4)
    typer.echo(_("Print the head on the report, and keep it where the database is not: it is the anchor."))
