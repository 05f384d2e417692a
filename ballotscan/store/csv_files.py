"""The CSV files people and programs take away: answers, pages, and what awaits review.

UTF-8 with a byte order mark (Excel needs it), CR LF, comma, quotes where needed; rows in the order of
batches, sheets and questions; written beside the target and renamed, so that nobody ever finds half a file.

No cell can start a formula. An apostrophe is put before ``= + - @``, tab, carriage return, their full-width
twins and the apostrophe itself, where one of these begins a cell or follows ``; , tab`` or a line break (an
office whose list separator is the semicolon would else begin a new cell there). Taking away one apostrophe at
each such place gives the text back exactly: see ``plain_cell``.
"""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ballotscan.errors import StoreError, UsageError
from ballotscan.i18n import gettext as _
from ballotscan.i18n import why
from ballotscan.store.rows import AnswerRow, PageRow, QuestionCodes

if TYPE_CHECKING:
    from _csv import Writer

ANSWER_COLUMNS: Final = (
    "file",
    "page",
    "side",
    "sheet",
    "batch",
    "template",
    "question",
    "answer",
    "outcome",
    "status",
    "confidence",
    "reason",
)
PAGE_COLUMNS: Final = (
    "batch",
    "file",
    "page",
    "state",
    "reason",
    "detail",
    "sheet",
    "side",
    "template",
    "edition",
    "serial",
)
REVIEW_COLUMNS: Final = (
    "sheet",
    "question",
    "file",
    "page",
    "side",
    "batch",
    "template",
    "answer",
    "outcome",
    "confidence",
    "reason",
    "codes",
    "ruling",
    "ruling_reason",
)
RULED_INVALID: Final = "ruled_invalid"
"""The reason of an answer that a person ruled invalid: without it, it would look like a blank."""

_BOUNDARY: Final = r"(?:^|(?<=[;,\t\r\n]))"
_GUARDED: Final = re.compile(_BOUNDARY + r"(?=[=+\-@\t\r'＝＋－＠])")
_GUARD: Final = re.compile(r"(^|[;,\t\r\n])'")

Cell = str | int | float | None


def safe_cell(text: str) -> str:
    """A text as a cell that no spreadsheet takes for a formula."""
    return _GUARDED.sub("'", text)


def plain_cell(text: str) -> str:
    """The text that ``safe_cell`` was given."""
    return _GUARD.sub(r"\1", text)


def write_answers(path: Path, rows: Iterable[AnswerRow]) -> int:
    """One row per question of each sheet; returns their number. ``answer`` in review is only a proposal."""
    return write_csv(path, ANSWER_COLUMNS, (_answer_cells(row) for row in rows))


def _answer_cells(row: AnswerRow) -> tuple[Cell, ...]:
    return (
        row.file,
        row.page,
        row.side,
        row.sheet,
        row.batch,
        row.form,
        row.question,
        row.codes,
        row.outcome,
        row.status,
        _score(row.confidence),
        RULED_INVALID if row.invalid else row.reason,
    )


def write_answers_wide(path: Path, rows: Iterable[AnswerRow]) -> int:
    """One row per sheet, one column per question; returns the number of rows.

    A cell holds the codes, joined by ``|`` and empty for blank; with ``?`` before it, it is a proposal that
    awaits review; with ``!`` it was ruled invalid. Where sheets of several forms meet, a question's column
    bears the form's name too.
    """
    sheets: dict[str, tuple[AnswerRow, dict[tuple[str, str], str]]] = {}
    columns: dict[tuple[str, str], None] = {}
    for row in rows:
        columns[row.form, row.question] = None
        sheets.setdefault(row.sheet, (row, {}))[1][row.form, row.question] = _wide_cell(row)
    several = len({form for form, _question in columns}) > 1
    names = [f"{form}:{question}" if several else question for form, question in columns]
    header = ("sheet", "batch", "template", "edition", *names)
    return write_csv(
        path,
        header,
        (
            (first.sheet, first.batch, first.form, first.edition, *(cells.get(column) for column in columns))
            for first, cells in sheets.values()
        ),
    )


def _wide_cell(row: AnswerRow) -> str:
    if row.status == "review":
        return f"?{row.codes}"
    return f"!{row.codes}" if row.invalid else row.codes


def write_pages(path: Path, rows: Iterable[PageRow]) -> int:
    """Every page that came in, with its state and reason; returns their number."""
    return write_csv(
        path,
        PAGE_COLUMNS,
        (
            (
                row.batch,
                row.file,
                row.page,
                row.state,
                row.reason,
                row.detail,
                row.sheet,
                row.side,
                row.form,
                row.edition,
                row.serial,
            )
            for row in rows
        ),
    )


def write_review(
    path: Path,
    rows: Iterable[AnswerRow],
    questions: Mapping[tuple[str, str], Sequence[QuestionCodes]],
) -> int:
    """What awaits a person: the machine's proposal, the codes there are, and two empty columns to fill in."""
    codes = {
        (form, edition, question.question): "|".join(question.codes)
        for (form, edition), asked in questions.items()
        for question in asked
    }
    return write_csv(
        path,
        REVIEW_COLUMNS,
        (
            (
                row.sheet,
                row.question,
                row.file,
                row.page,
                row.side,
                row.batch,
                row.form,
                row.codes,
                row.outcome,
                _score(row.confidence),
                row.reason,
                codes.get((row.form, row.edition, row.question), ""),
                "",
                "",
            )
            for row in rows
        ),
    )


def _score(confidence: float) -> str:
    return f"{confidence:.3f}"


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> int:
    """Write a whole file or none; returns the number of rows below the header.

    Raises ``StoreError`` if it cannot be written, ``UsageError`` if it would overwrite something else.
    """
    if path.exists() and (path.is_dir() or path.suffix.lower() not in (".csv", ".txt")):
        raise UsageError(
            _("{file}: this exists and is no CSV file.").format(file=path), _("Choose another name for -o.")
        )
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with temporary.open("w", encoding="utf-8-sig", newline="") as file:
            count = _write_rows(csv.writer(file, lineterminator="\r\n"), header, rows)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as fault:
        raise StoreError(
            _("{file}: the file cannot be written: {reason}.").format(file=path, reason=why(fault)),
            _("Choose another place, or close the program that has it open."),
        ) from fault
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
    return count


def _write_rows(writer: Writer, header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> int:
    writer.writerow([safe_cell(name) for name in header])
    count = 0
    for row in rows:
        writer.writerow([safe_cell(cell) if isinstance(cell, str) else cell for cell in row])
        count += 1
    return count
