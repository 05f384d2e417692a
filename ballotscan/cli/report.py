"""``ballotscan report``: a period's documents."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ballotscan.cli.giving import check_asker, enter, writing
from ballotscan.cli.options import By, Database, Rule, ShowText
from ballotscan.errors import ExitCode, UsageError
from ballotscan.i18n import gettext as _
from ballotscan.settings import Settings, load_settings, template_folders

if TYPE_CHECKING:
    from ballotscan.programme.load import Programme
    from ballotscan.report.figures import Figures
    from ballotscan.rules.periods import Period
    from ballotscan.store.database import Store

Format = Literal["docx", "pdf", "notice-a4", "notice-a3", "minutes", "html", "xlsx", "csv", "json", "sav"]


def report(
    *,
    period: Annotated[
        str, typer.Argument(help=_("The period, as 2023Q1 or two dates A..B."), metavar="PERIOD")
    ] = "",
    kind: Annotated[
        Format | None,
        typer.Option("--format", help=_("Only this document; by default the programme's whole set.")),
    ] = None,
    template: Annotated[
        Path | None,
        typer.Option("--template", help=_("A Word file of your own with placeholders."), metavar="FILE"),
    ] = None,
    new_template: Annotated[
        Path | None,
        typer.Option(
            "--new-template",
            help=_("Write a Word file with every placeholder, to begin your own with."),
            metavar="FILE",
        ),
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option("--folder", help=_("Where to; by default bao-cao-PERIOD."), metavar="FOLDER"),
    ] = None,
    show_text: ShowText = False,
    by: By = "",
    rule: Rule = None,
    db: Database = None,
) -> None:
    """Write the documents of a period from one set of figures."""
    if new_template is not None:
        _write_template(new_template)
        return
    if not period:
        raise UsageError(_("It is not said of which period."), _("Name one: ballotscan report 2023Q1"))
    if template is not None and not template.is_file():
        raise UsageError(_("{file}: there is no such file.").format(file=template))
    asker = check_asker(show_text, by)
    settings = load_settings(db)

    from ballotscan.closing import check_before_tally
    from ballotscan.programme.load import programme_in
    from ballotscan.rules.periods import parse_period
    from ballotscan.store.database import open_store

    programme = programme_in(settings.folder)
    wanted = parse_period(period, rule or (programme.period_rule if programme else settings.period_rule))
    with open_store(settings.database, settings.folder, create=False) as store:
        check_before_tally(store)
        if asker:
            _check_auditor(store, asker)
        figures = _figures(store, settings, programme, wanted)
        target = folder or Path(f"bao-cao-{wanted.name.replace('..', '-den-')}")
        written = _write(store, settings, figures, kind, target, template, unmasked=bool(asker))
        enter(store, "report", *written, by=asker)
    for file in written:
        typer.echo(_("{file}: written.").format(file=file))
    raise typer.Exit(ExitCode.LEFT_OPEN if figures.tally.awaiting_answers else ExitCode.OK)


def _figures(store: Store, settings: Settings, programme: Programme | None, period: Period) -> Figures:
    from ballotscan.report.figures import gather, plain_programme

    programme = programme or plain_programme(store, settings.period_rule)
    return gather(store, programme, template_folders(settings), period, settings.least_cell)


def _write(
    store: Store,
    settings: Settings,
    figures: Figures,
    kind: str | None,
    folder: Path,
    template: Path | None,
    *,
    unmasked: bool,
) -> list[Path]:
    from ballotscan.report.files import Plan, write_files
    from ballotscan.report.rows import read_ballots

    kinds = (kind,) if kind else figures.programme.reports
    ballots = read_ballots(store, figures) if {"xlsx", "sav"} & set(kinds) else ()
    today = date.today()  # noqa: DTZ011  the office's own calendar
    plan = Plan(figures, ballots, settings, today, template, unmasked)
    with writing(folder):
        return write_files(plan, kinds, folder)


def _check_auditor(store: Store, name: str) -> None:
    """What people wrote is shown as it is to auditors only."""
    from ballotscan.store import users

    with store.looking() as connection:
        roles = users.person(connection, name, "").roles
    if "auditor" not in roles:
        raise UsageError(
            _("{name} has no account as auditor.").format(name=name),
            _("Only an auditor may see what people wrote unmasked."),
        )


def _write_template(file: Path) -> None:
    from ballotscan.report.own_template import example_template

    if file.exists():
        raise UsageError(_("{file}: the file exists.").format(file=file), _("Name another one."))
    with writing(file):
        file.write_bytes(example_template())
    typer.echo(_("{file}: written.").format(file=file))
