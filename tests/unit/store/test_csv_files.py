"""What is exported is exact, safe in a spreadsheet, and whole."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest

from ballotscan.errors import StoreError, UsageError
from ballotscan.model import Outcome, Reason, Ruling, SheetId, SheetState, Status
from ballotscan.store import csv_files
from ballotscan.store.database import Store
from tests.unit.store.makers import answer, bad_page, fill, page, ref, settings, sha, sheet

HEADER = "file,page,side,sheet,batch,template,question,answer,outcome,status,confidence,reason"


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def test_answers_byte_for_byte(store: Store, tmp_path: Path) -> None:
    fill(store, pages=1)
    path = tmp_path / "answers.csv"
    assert csv_files.write_answers(path, store.answer_rows()) == 3
    lines = [
        HEADER,
        "box.pdf,1,1,box/00001,box,hue,1,1,one,accepted,0.990,",
        "box.pdf,1,1,box/00001,box,hue,2,1,unsure,review,0.410,faint",
        "box.pdf,1,1,box/00001,box,hue,3,1,one,accepted,0.990,",
    ]
    assert path.read_bytes() == b"\xef\xbb\xbf" + "".join(f"{line}\r\n" for line in lines).encode()
    assert [item.name for item in tmp_path.iterdir() if item.suffix in (".part", ".csv")] == ["answers.csv"]


def test_blank_several_and_ruled(store: Store, tmp_path: Path) -> None:
    store.start_batch(settings())
    store.add_file("box", "scan.pdf", sha("scan.pdf"), 1)
    keys = store.add_pages("box", [page(1)])
    answers = (
        replace(answer("1"), outcome=Outcome.BLANK, codes=()),
        replace(
            answer("2", open_=True), outcome=Outcome.SEVERAL, codes=("1", "3"), reason=Reason.SEVERAL_MARKS
        ),
        answer("3", open_=True),
        answer("4", open_=True),
    )
    one = replace(sheet(ref(1), state=SheetState.REVIEW), answers=answers)
    store.add_sheets("box", [(one, tuple(keys))])
    box = SheetId("box/00001")
    store.add_rulings(
        [Ruling(box, "3", ("2",), False, "Lan", "paper"), Ruling(box, "4", (), True, "Lan", "torn")]
    )
    path = tmp_path / "answers.csv"
    csv_files.write_answers(path, store.answer_rows())
    columns = ("answer", "outcome", "status", "reason")
    assert [tuple(row[name] for name in columns) for row in read(path)] == [
        ("", "blank", "accepted", ""),
        ("1|3", "several", "review", "several_marks"),
        ("2", "ruled", "accepted", "faint"),
        ("", "ruled", "accepted", "ruled_invalid"),
    ]
    csv_files.write_answers_wide(path, store.answer_rows())
    assert read(path) == [
        {"sheet": "box/00001", "batch": "box", "template": "hue", "edition": "2019"}
        | {"1": "", "2": "?1|3", "3": "2", "4": "!"}
    ]


def test_wide_with_two_forms_names_the_form(store: Store, tmp_path: Path) -> None:
    fill(store, pages=1)
    store.add_file("box", "b.pdf", sha("b.pdf"), 1)
    keys = store.add_pages("box", [page(1, file="b.pdf")])
    store.add_sheets("box", [(replace(sheet(ref(1, "b.pdf")), form="other"), tuple(keys))])
    path = tmp_path / "wide.csv"
    assert csv_files.write_answers_wide(path, store.answer_rows()) == 2
    assert list(read(path)[0])[4:] == ["hue:1", "hue:2", "hue:3", "other:1", "other:2", "other:3"]


def test_pages_show_where_each_went(store: Store, tmp_path: Path) -> None:
    fill(store, pages=2)
    store.add_file("box", "bad.pdf", sha("bad.pdf"), 0)
    store.add_pages("box", [bad_page(0, file="bad.pdf", reason=Reason.DAMAGED_FILE)])
    path = tmp_path / "pages.csv"
    csv_files.write_pages(path, store.page_rows())
    columns = ("file", "page", "state", "reason", "detail", "sheet", "side", "template")
    assert [tuple(row[name] for name in columns) for row in read(path)] == [
        ("box.pdf", "1", "review", "", "", "box/00001", "1", "hue"),
        ("box.pdf", "2", "read", "", "", "box/00002", "1", "hue"),
        ("bad.pdf", "0", "set_aside", "damaged_file", "no end", "", "", ""),
    ]


DANGEROUS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1", "a;=1", "a,=1", "a\n=1", "'=1", "'", "''"]


@pytest.mark.parametrize("text", DANGEROUS)
def test_no_cell_begins_a_formula(text: str, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    csv_files.write_csv(path, ["name"], [[text]])
    (row,) = read(path)
    for separator in ";,\t\r\n":
        for part in row["name"].split(separator):
            assert part[:1] not in ("=", "+", "-", "@", "＝")
    assert csv_files.plain_cell(row["name"]) == text


def test_other_files_are_not_overwritten(tmp_path: Path) -> None:
    scan = tmp_path / "scan.pdf"
    scan.write_bytes(b"a scan")
    for path in (scan, tmp_path):
        with pytest.raises(UsageError, match="no CSV file"):
            csv_files.write_csv(path, ["a"], [])
    assert scan.read_bytes() == b"a scan"


def test_a_failed_export_leaves_the_former_file(tmp_path: Path) -> None:
    path = tmp_path / "answers.csv"
    csv_files.write_csv(path, ["a"], [["1"]])
    before = path.read_bytes()
    with pytest.raises(ZeroDivisionError):
        csv_files.write_csv(path, ["a"], ([1 / n] for n in (1, 0)))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"x\.csv: the file cannot be written"):
        csv_files.write_csv(tmp_path / "nowhere" / "x.csv", ["a"], [])


def test_the_missing_side_still_has_rows(store: Store, tmp_path: Path) -> None:
    store.start_batch(settings())
    store.add_file("box", "scan.pdf", sha("scan.pdf"), 1)
    keys = store.add_pages("box", [page(1)])
    half = sheet(ref(1), None, doubtful=("1", "2", "3"), state=SheetState.INCOMPLETE)
    store.add_sheets("box", [(half, tuple(keys))])
    path = tmp_path / "answers.csv"
    csv_files.write_answers(path, store.answer_rows())
    assert [(row["file"], row["page"], row["status"]) for row in read(path)] == [("", "", Status.REVIEW)] * 3
