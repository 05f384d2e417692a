"""A person fills in the review file; it is taken in whole or not at all."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ballotscan.errors import UsageError
from ballotscan.forms.form import BoxPlace, Form, MarkPolicy, Option, Question, Rect, Side
from ballotscan.model import Ruling, SheetId, SheetState
from ballotscan.store import csv_files
from ballotscan.store.database import Store
from ballotscan.store.rows import Scope
from ballotscan.store.rulings_file import ReadFile, read_rulings
from tests.unit.store.makers import fill, page, ref, settings, sha, sheet

COLUMNS = csv_files.REVIEW_COLUMNS


def form(codes: str = "12345", form_hash: str = "h") -> Form:
    options = tuple(Option(code, f"label {code}") for code in codes)
    questions = tuple(
        Question(name, f"text {name}", name == "3", True, options, None, (), False) for name in "123"
    )
    boxes = tuple(BoxPlace(name, code, Rect(1, 1, 4, 4)) for name in "123" for code in codes)
    return Form(
        id="hue",
        edition="2019",
        title="",
        language="vi",
        valid_from=None,
        valid_to=None,
        sides=(Side(1, 210, 297, boxes, ()),),
        questions=questions,
        fields=(),
        policy=MarkPolicy((), (), ()),
        lists=(),
        linh_vuc_question=None,
        has_codes=False,
        hash=form_hash,
    )


@pytest.fixture
def filled(store: Store) -> Store:
    store.keep_form(form())
    fill(store, doubtful=("2", "3"))
    return store


def export(store: Store, folder: Path) -> list[dict[str, str]]:
    path = folder / "review.csv"
    csv_files.write_review(path, store.answer_rows(in_review=True), store.questions())
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def write(folder: Path, rows: list[dict[str, str]], **how: str) -> Path:
    """As a spreadsheet would save it."""
    path = folder / "filled.csv"
    with path.open("w", encoding=how.get("encoding", "utf-8-sig"), newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, delimiter=how.get("delimiter", ","))
        writer.writeheader()
        writer.writerows(rows)
    return path


def take(store: Store, path: Path, reason: str = "") -> ReadFile:
    return read_rulings(
        path, "Lan", reason, store.questions(), lambda batch: list(store.answer_rows(Scope(batch=batch)))
    )


def decide(rows: list[dict[str, str]], *rulings: str, reason: str = "seen on paper") -> list[dict[str, str]]:
    return [
        row | {"ruling": ruling, "ruling_reason": reason} for row, ruling in zip(rows, rulings, strict=False)
    ]


def test_the_review_file_says_what_can_be_answered(filled: Store, tmp_path: Path) -> None:
    rows = export(filled, tmp_path)
    assert [(row["sheet"], row["question"], row["answer"], row["codes"]) for row in rows] == [
        ("box/00001", "2", "1", "1|2|3|4|5"),
        ("box/00001", "3", "1", "1|2|3|4|5"),
    ]
    assert all(row["ruling"] == row["ruling_reason"] == "" for row in rows)


@pytest.mark.parametrize(
    "how",
    [{}, {"delimiter": ";"}, {"delimiter": "\t", "encoding": "utf-16"}, {"encoding": "utf-8"}],
    ids=["comma", "semicolon", "unicode text", "no mark"],
)
def test_filled_in_and_taken_in(filled: Store, tmp_path: Path, how: dict[str, str]) -> None:
    rows = decide(export(filled, tmp_path), "4", "5|2")
    read = take(filled, write(tmp_path, rows, **how))
    assert read.faults == ()
    assert filled.add_rulings(read.rulings) == 2
    settled = {row.question: row for row in filled.answer_rows() if row.sheet == "box/00001"}
    assert (settled["2"].codes, settled["2"].outcome, settled["2"].status) == ("4", "ruled", "accepted")
    assert settled["3"].codes == "2|5"  # in printed order
    balance = filled.balance("box")
    assert (balance.sheets_review, balance.sheets_read, balance.holds) == (0, 3, True)
    assert export(filled, tmp_path) == []
    assert [a.codes for a in filled.answers_of(SheetId("box/00001"))] == [("1",)] * 3  # the machine's stay


@pytest.mark.parametrize(
    ("word", "invalid"),
    [("blank", False), ("Trống", False), ("INVALID", True), ("không  hợp lệ", True), ("khong hop le", True)],
)
def test_words_for_blank_and_invalid(filled: Store, tmp_path: Path, word: str, invalid: bool) -> None:
    read = take(filled, write(tmp_path, decide(export(filled, tmp_path), word)))
    assert [(ruling.codes, ruling.invalid) for ruling in read.rulings] == [((), invalid)]


def test_a_partly_filled_file_settles_what_is_filled(filled: Store, tmp_path: Path) -> None:
    rows = export(filled, tmp_path)
    read = take(filled, write(tmp_path, [*decide(rows, "4"), rows[1]]))
    assert filled.add_rulings(read.rulings) == 1
    assert filled.balance("box").sheets_review == 1
    assert [row["question"] for row in export(filled, tmp_path)] == ["3"]


def test_the_same_file_again_adds_nothing(filled: Store, tmp_path: Path) -> None:
    path = write(tmp_path, decide(export(filled, tmp_path), "4", "5"))
    assert [filled.add_rulings(take(filled, path).rulings) for _again in range(2)] == [2, 0]


def test_a_later_ruling_supersedes(filled: Store, tmp_path: Path) -> None:
    rows = export(filled, tmp_path)
    filled.add_rulings(take(filled, write(tmp_path, decide(rows, "4"))).rulings)
    filled.add_rulings(take(filled, write(tmp_path, decide(rows, "2", reason="looked again"))).rulings)
    assert {row.codes for row in filled.answer_rows() if row.outcome == "ruled"} == {"2"}
    with filled._reading() as connection:
        found = connection.exec_driver_sql(
            "SELECT codes, reason, superseded_by FROM rulings ORDER BY key"
        ).all()
    assert [(row[0], row[1], row[2] is None) for row in found] == [
        ("4", "seen on paper", False),
        ("2", "looked again", True),
    ]


def rows_with(**changes: str) -> Callable[[list[dict[str, str]]], list[dict[str, str]]]:
    return lambda rows: [decide(rows, "4")[0] | changes]


FAULTS = [
    (rows_with(sheet="box/00099"), "row 2, column sheet: there is no sheet 'box/00099'"),
    (rows_with(sheet=""), "row 2, column sheet: there is no sheet ''"),
    (rows_with(question="9"), "row 2, column question: the sheet has no question '9'"),
    (
        rows_with(question="1", ruling_reason=""),
        "row 2, column ruling_reason: this answer was accepted: its row must say why it is ruled on",
    ),
    (
        rows_with(ruling="7"),
        "row 2, column ruling: this is none of the codes 1 2 3 4 5, nor blank or invalid",
    ),
    (rows_with(ruling="1|2"), "row 2, column ruling: the question takes one answer"),
    (rows_with(ruling="1|"), "row 2, column ruling: this is none of the codes"),
    (rows_with(question="3", ruling="1|1"), "row 2, column ruling: a code is named twice"),
    (rows_with(ruling=""), "row 2, column ruling: a reason is given, but no ruling"),
    (rows_with(ruling_reason=""), "row 2, column ruling_reason: a reason is missing"),
    (
        lambda rows: decide([rows[0], rows[0]], "4", "4"),
        "row 3, column question: this answer stands in the file twice",
    ),
]


@pytest.mark.parametrize(("change", "line"), FAULTS)
def test_each_fault_names_file_row_and_column(
    filled: Store,
    tmp_path: Path,
    change: Callable[[list[dict[str, str]]], list[dict[str, str]]],
    line: str,
) -> None:
    path = write(tmp_path, change(export(filled, tmp_path)))
    (fault,) = take(filled, path).faults
    assert fault.startswith(f"{path}: {line}")


def test_an_accepted_answer_is_ruled_on_by_its_own_reason(filled: Store, tmp_path: Path) -> None:
    path = write(
        tmp_path, rows_with(question="1", ruling_reason="the cross is the child's")(export(filled, tmp_path))
    )
    (ruling,) = take(filled, path, reason="").rulings
    before = filled.answers_of(ruling.sheet)
    filled.add_rulings([ruling])
    (row,) = [r for r in filled.answer_rows() if (r.sheet, r.question) == (ruling.sheet, "1")]
    assert (row.codes, row.outcome, row.status) == ("4", "ruled", "accepted")
    assert filled.answers_of(ruling.sheet) == before  # the machine's own, kept beside


def test_one_reason_may_serve_all_rows(filled: Store, tmp_path: Path) -> None:
    path = write(tmp_path, decide(export(filled, tmp_path), "4", "5", reason=""))
    assert {ruling.reason for ruling in take(filled, path, reason="board of 3 April").rulings} == {
        "board of 3 April"
    }


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"", "the column 'sheet' must be there once"),
        (b"sheet,question\n", "the column 'ruling' must be there once"),
        (b"sheet,sheet,question,ruling\n", "the column 'sheet' must be there once"),
        (b"sheet,question,ruling\nbox/00001,2,4,more\n", "row 2: there are more cells than columns"),
        (b'sheet,question,ruling\n"box/00001,2,4\n', "line 2: this is no CSV"),
        ("sheet,question,ruling\nbox/1,2,tr\xf4ng".encode("latin-1"), "the text is not UTF-8"),
        (b"PK\x03\x04\xff\xfe\x00", "the text is not UTF-8"),
    ],
)
def test_files_that_are_none(tmp_path: Path, filled: Store, content: bytes, line: str) -> None:
    path = tmp_path / "wrong.csv"
    path.write_bytes(content)
    with pytest.raises(UsageError) as caught:
        take(filled, path)
    assert str(caught.value).startswith(f"{path}: ")
    assert line in str(caught.value)


def test_a_missing_file(tmp_path: Path, filled: Store) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        take(filled, tmp_path / "nothing.csv")


def test_excels_own_first_line_is_passed_over(tmp_path: Path, filled: Store) -> None:
    path = tmp_path / "filled.csv"
    path.write_bytes(b"sep=;\r\nsheet;question;ruling\r\nbox/00001;2;4\r\n;;\r\n")
    assert [ruling.codes for ruling in take(filled, path, "paper").rulings] == [("4",)]


def test_rulings_need_a_name_and_a_reason(filled: Store) -> None:
    for who, why in (("", "paper"), ("Lan", " ")):
        with pytest.raises(UsageError, match="needs a name and a reason"):
            filled.add_rulings([Ruling(SheetId("box/00001"), "2", ("1",), False, who, why)])


def test_nothing_half_ruled(filled: Store) -> None:
    good = Ruling(SheetId("box/00001"), "2", ("1",), False, "Lan", "paper")
    before = filled.verify_chain()
    for bad in (replace(good, question="9"), replace(good, sheet=SheetId("nowhere"))):
        with pytest.raises(UsageError):
            filled.add_rulings([good, bad])
    assert filled.verify_chain() == before


def test_a_form_may_not_change_its_questions(filled: Store) -> None:
    entries = filled.verify_chain().entries
    filled.keep_form(form())
    assert filled.verify_chain().entries == entries
    filled.keep_form(form(form_hash="redrawn"))
    assert filled.verify_chain().entries == entries + 1
    with pytest.raises(UsageError, match="edition 2019 was used before with other questions"):
        filled.keep_form(form(codes="123"))


def test_nothing_on_a_sheet_held_back_counts_until_each_answer_is_ruled(store: Store) -> None:
    """Even if the machine was sure of its answers: the sheet is not whole."""
    store.keep_form(form())
    store.start_batch(settings(), "test 1")
    store.add_file("box", "scan.pdf", sha("scan.pdf"), 1)
    keys = store.add_pages("box", [page(1)])
    store.add_sheets("box", [(sheet(ref(1), None, state=SheetState.INCOMPLETE), tuple(keys))])
    assert {row.status for row in store.answer_rows()} == {"review"}
    assert all(each.endswith("?") for row in store.counted()[1] for each in row.answers.split(","))
    for left, question in ((2, "1"), (1, "2"), (0, "3")):
        store.add_rulings([Ruling(SheetId("box/00001"), question, ("1",), False, "Lan", "from the paper")])
        assert len(list(store.answer_rows(in_review=True))) == left
        assert store.balance("box").sheets_incomplete == (1 if left else 0)
    assert store.balance("box").sheets_read == 1
    assert store.check_projections() == ()
