"""A report's documents as files: one function for each kind, all from one set of figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from ballotscan.i18n import language_in_use
from ballotscan.report.content import write_report
from ballotscan.report.document import Document
from ballotscan.report.figures import Figures
from ballotscan.report.rows import Ballots
from ballotscan.settings import Settings


@dataclass(frozen=True, slots=True)
class Plan:
    """What the documents are written from. ``template``: the office's own Word file. ``unmasked``: whether
    the workbook shows what people wrote as it is stored.
    """

    figures: Figures
    ballots: Sequence[Ballots]
    settings: Settings
    today: date
    template: Path | None = None
    unmasked: bool = False


def write_files(plan: Plan, kinds: Sequence[str], folder: Path) -> list[Path]:
    """Write these kinds into a folder; returns the files. Raises ``OSError`` where one cannot be written."""
    document = write_report(plan.figures, language_in_use(), plan.today)
    stem = f"{plan.figures.programme.id}-{plan.figures.period.name.replace('..', '-den-')}"
    folder.mkdir(parents=True, exist_ok=True)
    return [file for kind in kinds for file in _WRITERS[kind](plan, document, folder / stem)]


def _docx(plan: Plan, document: Document, stem: Path) -> list[Path]:
    from ballotscan.report.docx import report_docx
    from ballotscan.report.own_template import fill_template, values_of

    if plan.template is None:
        return _bytes(stem, ".docx", report_docx(document))
    values = values_of(plan.figures, document)
    return _bytes(stem, ".docx", fill_template(plan.template, document, values))


def _pdf(_plan: Plan, document: Document, stem: Path) -> list[Path]:
    from ballotscan.report.pdf import report_pdf

    return _bytes(stem, ".pdf", report_pdf(document))


def _notice_a4(plan: Plan, document: Document, stem: Path) -> list[Path]:
    from ballotscan.report.notice import write_notice
    from ballotscan.report.pdf import notice_pdf

    return _bytes(stem, ".a4.pdf", notice_pdf(write_notice(plan.figures, document, "a4")))


def _notice_a3(plan: Plan, document: Document, stem: Path) -> list[Path]:
    from ballotscan.report.notice import write_notice
    from ballotscan.report.pdf import notice_pdf

    return _bytes(stem, ".a3.pdf", notice_pdf(write_notice(plan.figures, document, "a3")))


def _minutes(plan: Plan, document: Document, stem: Path) -> list[Path]:
    """One for each box of the period; none where no minute was entered."""
    from ballotscan.report.minutes import boxes_of, file_name, write_minute
    from ballotscan.report.pdf import report_pdf

    written: list[Path] = []
    for box, sheets in boxes_of(plan.figures.tally.batches):
        minute = write_minute(box, sheets, plan.figures.programme, document.language)
        written += _bytes(stem, f"-bien-ban-{file_name(box)}.pdf", report_pdf(minute))
    return written


def _html(_plan: Plan, document: Document, stem: Path) -> list[Path]:
    from ballotscan.report.html import report_html

    return _bytes(stem, ".html", report_html(document).encode())


def _xlsx(plan: Plan, document: Document, stem: Path) -> list[Path]:
    from ballotscan.report.workbook import report_xlsx

    opinions = [
        (each.ballot, each.channel, each.text if plan.unmasked else each.masked)
        for each in plan.figures.opinions
    ]
    return _bytes(stem, ".xlsx", report_xlsx(document, plan.ballots, opinions))


def _csv(plan: Plan, _document: Document, stem: Path) -> list[Path]:
    from ballotscan.report.open_data import csv_schema, masked_tally, open_csv

    masked = masked_tally(plan.figures, plan.settings)
    data = _bytes(stem, ".csv", open_csv(masked).encode())
    return data + _bytes(stem, ".csv-schema.json", csv_schema().encode())


def _json(plan: Plan, _document: Document, stem: Path) -> list[Path]:
    from ballotscan.report.open_data import json_schema, masked_tally, open_json

    masked = masked_tally(plan.figures, plan.settings)
    data = _bytes(stem, ".json", open_json(plan.figures, masked).encode())
    return data + _bytes(stem, ".json-schema.json", json_schema().encode())


def _sav(plan: Plan, _document: Document, stem: Path) -> list[Path]:
    from ballotscan.report.open_data import write_sav

    files = []
    for each in plan.ballots:
        files.append(stem.with_name(f"{stem.name}-{each.form.id}.sav"))
        write_sav(files[-1], each)
    return files


def _bytes(stem: Path, ending: str, data: bytes) -> list[Path]:
    file = stem.with_name(stem.name + ending)
    file.write_bytes(data)
    return [file]


_WRITERS: Final[Mapping[str, Callable[[Plan, Document, Path], list[Path]]]] = {
    "docx": _docx,
    "pdf": _pdf,
    "notice-a4": _notice_a4,
    "notice-a3": _notice_a3,
    "minutes": _minutes,
    "html": _html,
    "xlsx": _xlsx,
    "csv": _csv,
    "json": _json,
    "sav": _sav,
}
