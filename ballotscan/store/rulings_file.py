"""Reading back the review file that a person filled in: every row is right, or nothing is taken in."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from unicodedata import normalize

from ballotscan.errors import UsageError
from ballotscan.i18n import gettext as _
from ballotscan.i18n import why
from ballotscan.model import Outcome, Ruling, SheetId, Status
from ballotscan.store.csv_files import plain_cell
from ballotscan.store.rows import AnswerRow, QuestionCodes

_NEEDED: Final = ("sheet", "question", "ruling")
_SEPARATORS: Final = ",;\t"  # what Excel writes, by the country's settings
BLANK: Final = frozenset({"blank", "trống", "trong"})
INVALID: Final = frozenset({"invalid", "không hợp lệ", "khong hop le"})
_LARGEST_BYTES: Final = 64 * 1024 * 1024  # two years of a province's doubtful answers; more is a wrong file


@dataclass(frozen=True, slots=True)
class FileRow:
    """One row: its number as a spreadsheet shows it, and its cells by column."""

    number: int
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ReadFile:
    """The rulings of a file, and a line for each fault in it. With any fault, nothing may be taken in."""

    rulings: tuple[Ruling, ...]
    faults: tuple[str, ...]


Questions = Mapping[tuple[str, str], Sequence[QuestionCodes]]
AnswersOfBatch = Callable[[str], Sequence[AnswerRow]]


def read_rulings(
    path: Path, by: str, reason: str, questions: Questions, answers_of_batch: AnswersOfBatch
) -> ReadFile:
    """Check each row of a review file against the answers as they stand; rows without a ruling are left out.

    ``reason`` serves the rows that give none, but for answers that the machine accepted: whoever sets one of
    those aside says why, row by row. ``answers_of_batch`` looks up a batch's answers. Raises ``UsageError``
    if the file as a whole cannot be read.
    """
    filled = [row for row in read_rows(path) if row.cells["ruling"] or row.cells.get("ruling_reason")]
    batches = dict.fromkeys(row.cells["sheet"].rpartition("/")[0] for row in filled)
    answers = {(row.sheet, row.question): row for batch in batches for row in answers_of_batch(batch)}
    codes = {(*form, asked.question): asked for form, known in questions.items() for asked in known}
    rulings: dict[tuple[str, str], Ruling] = {}
    faults = []
    for row in filled:
        try:
            ruling = _ruling(row, by, reason, answers, codes)
            if (ruling.sheet, ruling.question) in rulings:
                raise _RowError("question", _("this answer stands in the file twice"))
        except _RowError as fault:
            faults.append(
                _("{file}: row {row}, column {column}: {fault}.").format(
                    file=path, row=row.number, column=fault.column, fault=fault.text
                )
            )
        else:
            rulings[ruling.sheet, ruling.question] = ruling
    return ReadFile(tuple(rulings.values()), tuple(faults))


class _RowError(Exception):
    """What is wrong with one row, in which column."""

    def __init__(self, column: str, text: str) -> None:
        super().__init__(text)
        self.column = column
        self.text = text


def _ruling(
    row: FileRow,
    by: str,
    reason: str,
    answers: Mapping[tuple[SheetId, str], AnswerRow],
    codes: Mapping[tuple[str, str, str], QuestionCodes],
) -> Ruling:
    sheet, question = SheetId(row.cells["sheet"]), row.cells["question"]
    answer = answers.get((sheet, question))
    if answer is None:
        known = any(key[0] == sheet for key in answers)
        if not known:
            raise _RowError("sheet", _("there is no sheet '{sheet}'").format(sheet=sheet))
        raise _RowError("question", _("the sheet has no question '{question}'").format(question=question))
    accepted = answer.status == Status.ACCEPTED and answer.outcome != Outcome.RULED
    if accepted and not row.cells.get("ruling_reason"):
        raise _RowError("ruling_reason", _("this answer was accepted: its row must say why it is ruled on"))
    asked = codes.get((answer.form, answer.edition, question))
    if asked is None:
        raise _RowError("question", _("the codes of this question are not known"))
    why = row.cells.get("ruling_reason") or reason
    if not why:
        raise _RowError("ruling_reason", _("a reason is missing"))
    chosen, invalid = _decision(row.cells["ruling"], asked)
    return Ruling(sheet=sheet, question=question, codes=chosen, invalid=invalid, by=by, reason=why)


def _decision(text: str, asked: QuestionCodes) -> tuple[tuple[str, ...], bool]:
    """The codes in printed order, and whether the answer is invalid."""
    if not text:
        raise _RowError("ruling", _("a reason is given, but no ruling"))
    word = " ".join(text.casefold().split())
    if text not in asked.codes and word in BLANK:
        return (), False
    if text not in asked.codes and word in INVALID:
        return (), True
    named = [part.strip() for part in text.split("|")]
    for code in named:
        if code not in asked.codes:
            raise _RowError(
                "ruling",
                _("this is none of the codes {codes}, nor blank or invalid").format(
                    codes=" ".join(asked.codes)
                ),
            )
    if len(set(named)) < len(named):
        raise _RowError("ruling", _("a code is named twice"))
    if len(named) > 1 and not asked.multiple:
        raise _RowError("ruling", _("the question takes one answer: name one code, or write invalid"))
    return tuple(code for code in asked.codes if code in named), False


# --- the file --------------------------------------------------------------------------------------------


def read_rows(path: Path, needed: Sequence[str] = _NEEDED) -> list[FileRow]:
    """The rows of a CSV file as Excel or this program wrote it, cells trimmed and without their guards.

    Raises ``UsageError`` naming the file, and the row where there is one.
    """
    text = _text(path)
    if text.lower().startswith("sep="):
        text = text.partition("\n")[2]
    header = text.split("\n", 1)[0]
    separator = max(_SEPARATORS, key=header.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        rows = list(reader)
    except csv.Error as fault:
        raise UsageError(
            _("{file}: line {line}: this is no CSV: {reason}.").format(
                file=path, line=reader.line_num, reason=fault
            ),
            _("Save it again as CSV UTF-8."),
        ) from fault
    columns = [_cell(name).casefold() for name in rows[0]] if rows else []
    _check_columns(path, columns, needed)
    return [
        FileRow(number, _cells(path, number, columns, cells))
        for number, cells in enumerate(rows[1:], start=2)
        if any(cell.strip() for cell in cells)
    ]


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise UsageError(_("{file}: the file is too large for rulings.").format(file=path))
        content = path.read_bytes()
    except OSError as fault:
        raise UsageError(
            _("{file}: the file cannot be read: {reason}.").format(file=path, reason=why(fault)),
            _("Check the name."),
        ) from fault
    utf16 = content[:2] in (b"\xff\xfe", b"\xfe\xff")
    try:
        return normalize("NFC", content.decode("utf-16" if utf16 else "utf-8-sig"))
    except UnicodeDecodeError as fault:
        raise UsageError(
            _("{file}: the text is not UTF-8.").format(file=path), _("In Excel, save it as 'CSV UTF-8'.")
        ) from fault


def _check_columns(path: Path, columns: Sequence[str], needed: Sequence[str]) -> None:
    for name in needed:
        if columns.count(name) != 1:
            raise UsageError(
                _("{file}: row 1: the column '{column}' must be there once.").format(file=path, column=name),
                _("Begin with the file of 'ballotscan export review' or 'ballotscan audit draw'."),
            )


def _cells(path: Path, number: int, columns: Sequence[str], cells: Sequence[str]) -> dict[str, str]:
    if len(cells) > len(columns) and any(cells[len(columns) :]):
        raise UsageError(
            _("{file}: row {row}: there are more cells than columns.").format(file=path, row=number),
            _("Put text that holds a separator in quotation marks."),
        )
    padded = [*cells, *[""] * (len(columns) - len(cells))]
    return {name: _cell(cell) for name, cell in zip(columns, padded, strict=False)}


def _cell(text: str) -> str:
    return plain_cell(text).strip()
