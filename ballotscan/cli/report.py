"""``ballotscan report``: a period's documents."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

from ballotscan.cli.giving import enter
from ballotscan.cli.options import Database, Rule
from ballotscan.errors import BallotscanError, ExitCode, UsageError
from ballotscan.i18n import gettext as _
from ballotscan.settings import Settings, load_settings, template_folders

if TYPE_CHECKING:
    from ballotscan.report.document import Document
    from ballotscan.report.figures import Figures
    from ballotscan.report.rows import Ballots
    from ballotscan.store.database import Store

Format = Literal["docx", "pdf", "notice-a4", "notice-a3", "html", "xlsx", "csv", "json", "sav"]
_ENDINGS: Final = {"notice-a4": ".a4.pdf", "notice-a3": ".a3.pdf"}


def report(
    *,
    period: Annotated[
        str, typer.Argument(help=_("The period, as 2023Q1 or two dates A..B."), metavar="PERIOD")
    ],
    kind: Annotated[
        Format | None,
        typer.Option("--format", help=_("Only this document; by default the programme's whole set.")),
    ] = None,
    template: Annotated[
        Path | None,
        typer.Option("--template", help=_("A Word file of your own to write into."), metavar="FILE"),
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option("--folder", help=_("Where to; by default bao-cao-PERIOD."), metavar="FOLDER"),
    ] = None,
    rule: Rule = None,
    db: Database = None,
) -> None:
    """Write the documents of a period from one set of figures."""
    if template is not None and not template.is_file():
        raise UsageError(_("{file}: there is no such file.").format(file=template))
    settings = load_settings(db)

    from ballotscan.closing import check_before_tally
    from ballotscan.programme.load import programme_in
    from ballotscan.rules.periods import parse_period
    from ballotscan.store.database import open_store

    programme = programme_in(settings.folder)
    wanted = parse_period(period, rule or (programme.period_rule if programme else settings.period_rule))
    with open_store(settings.database, settings.folder, create=False) as store:
        check_before_tally(store)
        from ballotscan.report.figures import gather, plain_programme

        programme = programme or plain_programme(store, settings.period_rule)
        figures = gather(store, programme, template_folders(settings), wanted, settings.least_cell)
        target = folder or Path(f"bao-cao-{wanted.name.replace('..', '-den-')}")
        kinds = (kind,) if kind else programme.reports
        written = _write(store, settings, figures, kinds, target, template)
        enter(store, "report", *written)
    for file in written:
        typer.echo(_("{file}: written.").format(file=file))
    raise typer.Exit(ExitCode.LEFT_OPEN if figures.tally.awaiting_answers else ExitCode.OK)


def _write(
    store: Store,
    settings: Settings,
    figures: Figures,
    kinds: tuple[str, ...],
    folder: Path,
    template: Path | None,
) -> list[Path]:
    """Write each document; returns the files in that order."""
    from ballotscan.report.content import write_report

    today = date.today()  # noqa: DTZ011  the office's own calendar
    ballots = _ballots(store, figures) if {"xlsx", "sav"} & set(kinds) else ()
    document = write_report(figures, _language(), today)
    stem = f"{figures.programme.id}-{figures.period.name.replace('..', '-den-')}"
    written: list[Path] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for kind in kinds:
            written += _write_one(kind, folder / stem, settings, figures, ballots, document, template, today)
    except OSError as fault:
        raise BallotscanError(
            _("{file}: the file cannot be written: {reason}.").format(file=folder, reason=fault.strerror),
            _("Choose another place, or close the program that has it open."),
        ) from fault
    return written


def _ballots(store: Store, figures: Figures) -> Sequence[Ballots]:
    from ballotscan.report.rows import read_ballots

    return read_ballots(store, figures)


def _write_one(
    kind: str,
    stem: Path,
    settings: Settings,
    figures: Figures,
    ballots: Sequence[Ballots],
    document: Document,
    template: Path | None,
    today: date,
) -> list[Path]:
    file = stem.with_name(stem.name + _ENDINGS.get(kind, f".{kind}"))
    match kind:
        case "docx":
            from ballotscan.report.docx import report_docx

            file.write_bytes(report_docx(document, template))
        case "pdf":
            from ballotscan.report.pdf import report_pdf

            file.write_bytes(report_pdf(document))
        case "notice-a4" | "notice-a3":
            from ballotscan.report.notice import write_notice
            from ballotscan.report.pdf import notice_pdf

            paper: Literal["a4", "a3"] = "a3" if kind == "notice-a3" else "a4"
            file.write_bytes(notice_pdf(write_notice(figures, document, paper, today)))
        case "html":
            from ballotscan.report.html import report_html

            file.write_text(report_html(document), encoding="utf-8", newline="\n")
        case _:
            return _write_data(kind, stem, settings, figures, ballots, document)
    return [file]


def _write_data(
    kind: str,
    stem: Path,
    settings: Settings,
    figures: Figures,
    ballots: Sequence[Ballots],
    document: Document,
) -> list[Path]:
    from ballotscan.report import open_data
    from ballotscan.tally.small_cells import mask_tally

    file = stem.with_name(f"{stem.name}.{kind}")
    if kind == "xlsx":
        from ballotscan.report.workbook import report_xlsx

        file.write_bytes(report_xlsx(document, ballots))
        return [file]
    if kind == "sav":
        files = []
        for each in ballots:
            files.append(stem.with_name(f"{stem.name}-{each.form.id}.sav"))
            open_data.write_sav(files[-1], each)
        return files
    masked = mask_tally(figures.tally, settings.least_cell, settings.mask_one_way)
    schema = stem.with_name(f"{stem.name}.{kind}-schema.json")
    if kind == "csv":
        file.write_text(open_data.open_csv(masked), encoding="utf-8", newline="")
        schema.write_text(open_data.csv_schema(), encoding="utf-8")
    else:
        file.write_text(open_data.open_json(figures, masked), encoding="utf-8")
        schema.write_text(open_data.json_schema(), encoding="utf-8")
    return [file, schema]


def _language() -> str:
    import os

    return os.environ.get("LANGUAGE", "en")
