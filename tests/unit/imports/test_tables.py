"""Tables from CSV, XLSX and JSON: the same rows whatever the file, and every refusal names its place."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import openpyxl
import pytest

from ballotscan.errors import BallotscanError
from ballotscan.imports.tables import read_table

ROWS = [["id", "câu 1"], ["1", "Hài lòng"], ["2", ""]]


def write(path: Path, rows: list[list[str]], delimiter: str = ",", encoding: str = "utf-8-sig") -> Path:
    path.write_text("\r\n".join(delimiter.join(row) for row in rows) + "\r\n", encoding=encoding)
    return path


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_the_same_rows_whatever_the_file(tmp_path: Path, delimiter: str, encoding: str) -> None:
    table = read_table(write(tmp_path / "a.csv", ROWS, delimiter, encoding))
    assert table.columns == ("id", "câu 1")
    assert [(row.number, dict(row.cells)) for row in table.rows] == [
        (2, {"id": "1", "câu 1": "Hài lòng"}),
        (3, {"id": "2", "câu 1": ""}),
    ]


def test_a_workbook_gives_numbers_and_times_as_texts(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (
        ["id", "at", "ok"],
        [1, datetime.fromisoformat("2023-03-01T08:30"), True],
        [None, None, None],
        [2.5, "x", None],
    ):
        sheet.append(row)
    book.save(tmp_path / "a.xlsx")
    table = read_table(tmp_path / "a.xlsx")
    assert [(row.number, *row.cells.values()) for row in table.rows] == [
        (2, "1", "2023-03-01T08:30:00", "true"),
        (4, "2.5", "x", ""),
    ]


@pytest.mark.parametrize(
    "data",
    [
        [{"id": 1, "g": {"q": "4"}}, {"id": 2, "g/q": ["a", "b"]}],
        {"results": [{"id": 1, "g/q": "4"}, {"id": 2, "g": {"q": ["a", "b"]}}]},
        {"value": [{"id": 1, "g": {"q": 4}}, {"id": 2, "g": {"q": "a;b"}}]},
    ],
)
def test_json_groups_are_one_name(tmp_path: Path, data: object) -> None:
    (tmp_path / "a.json").write_text(json.dumps(data), encoding="utf-8")
    table = read_table(tmp_path / "a.json")
    assert [row.cells["g/q"] for row in table.rows] == ["4", "a;b"]


def test_a_quoted_line_break_keeps_the_rows_own_number(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('id,text\n1,"two\nlines"\n2,x\n', encoding="utf-8")
    assert [(row.number, row.cells["id"]) for row in read_table(tmp_path / "a.csv").rows] == [
        (2, "1"),
        (4, "2"),
    ]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.doc", b"x", "neither CSV nor XLSX nor JSON"),
        ("a.csv", b"", "no table"),
        ("a.csv", b"id,id\n1,2\n", "two columns are named 'id'"),
        ("a.csv", b"id,,x\n1,2,3\n", "column 2 has no name"),
        ("a.csv", b"id,x\n1,2,3\n", "row 2 has more cells"),
        ("a.csv", "id\nà\n".encode("cp1258"), "line 2 is not UTF-8"),
        ("a.csv", b'id,x\n1,"open\n', "line 2"),
        ("a.xlsx", b"PK nothing", "cannot be read"),
        ("a.json", b'{"results": 1}', "no list of rows"),
        ("a.json", b'[{"id": 1},\n{]', "line 2"),
    ],
)
def test_what_is_no_table_is_refused_by_name(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BallotscanError, match=said) as refusal:
        read_table(tmp_path / name)
    assert name in refusal.value.message


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BallotscanError, match=r"gone\.csv"):
        read_table(tmp_path / "gone.csv")
