"""The list of sheets to fetch, filled in from the paper and read back: no answer of the record is in it."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ballotscan.audit.work import Paper, PaperAnswer, Reading, questions_of
from ballotscan.errors import UsageError
from ballotscan.i18n import gettext as _
from ballotscan.store.csv_files import safe_cell
from ballotscan.store.rulings_file import BLANK, INVALID, FileRow, read_rows

if TYPE_CHECKING:
    from ballotscan.store.reviews import Reviews

COLUMNS: Final = ("number", "batch", "place", "sheet", "question", "codes", "answer")
MISSING: Final = frozenset({"missing", "không thấy", "khong thay"})
VOID: Final = frozenset({"void", "không tính", "khong tinh"})


def list_text(reviews: Reviews, papers: Sequence[Paper]) -> str:
    """The list as CSV: a row for each question of each sheet, ``answer`` empty."""
    written = io.StringIO(newline="")
    rows = csv.writer(written, lineterminator="\r\n")
    rows.writerow(COLUMNS)
    for paper in papers:
        about = (paper.number, safe_cell(paper.batch), paper.place, safe_cell(paper.sheet))
        for asked in questions_of(reviews, paper.sheet) if paper.sheet else ():
            rows.writerow((*about, asked.question, "|".join(asked.codes), ""))
        if not paper.sheet:
            rows.writerow((*about, "", "", ""))
    return "\ufeff" + written.getvalue()


def read_list(path: Path, by: str) -> list[Reading]:
    """A list that was filled in. Sheets of which nothing is filled in are left out.

    Raises ``UsageError`` naming the row.
    """
    by_paper: dict[tuple[str, int], list[FileRow]] = defaultdict(list)
    for row in read_rows(path, needed=("batch", "place", "question", "answer")):
        by_paper[row.cells["batch"], _place(path, row)].append(row)
    readings = []
    for at, rows in by_paper.items():
        filled = [row for row in rows if row.cells["answer"]]
        if filled:
            readings.append(_reading(path, at, rows, filled, by))
    return readings


def _place(path: Path, row: FileRow) -> int:
    text = row.cells["place"]
    if not text.isdecimal():
        raise _fault(path, row, "place", _("this is no place in a stack"))
    return int(text)


def _reading(
    path: Path, at: tuple[str, int], rows: Sequence[FileRow], filled: Sequence[FileRow], by: str
) -> Reading:
    words = {row.cells["answer"].casefold() for row in filled}
    for state, known in (("missing", MISSING), ("void", VOID)):
        if words & known:
            if words - known:
                raise _fault(
                    path, filled[0], "answer", _("the sheet has answers and is {state}").format(state=state)
                )
            return Reading(at, state, {}, by)
    answers: dict[str, PaperAnswer] = {}
    for row in rows:
        question = row.cells["question"]
        if not row.cells["answer"]:
            raise _fault(path, row, "answer", _("nothing is filled in: write the code, blank or invalid"))
        if question in answers:
            raise _fault(path, row, "question", _("this question stands in the file twice"))
        answers[question] = answer_of(row.cells["answer"])
    return Reading(at, "found", answers, by)


def answer_of(text: str) -> PaperAnswer:
    """What a person wrote for an answer."""
    word = " ".join(text.casefold().split())
    if word in BLANK:
        return PaperAnswer((), False)
    if word in INVALID:
        return PaperAnswer((), True)
    return PaperAnswer(tuple(part.strip() for part in text.split("|")), False)


def _fault(path: Path, row: FileRow, column: str, text: str) -> UsageError:
    return UsageError(
        _("{file}: row {row}, column {column}: {fault}.").format(
            file=path, row=row.number, column=column, fault=text
        ),
        _("Nothing was entered."),
    )
