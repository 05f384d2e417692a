"""Reads a table from CSV, XLSX or JSON into texts, strictly: nothing is guessed, nothing is dropped."""

from __future__ import annotations

import csv
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, time
from itertools import islice
from pathlib import Path
from typing import Any, Final, NoReturn
from unicodedata import normalize

from ballotscan.errors import BallotscanError
from ballotscan.i18n import gettext as _
from ballotscan.i18n import why

LARGEST_FILE_BYTES: Final = 200_000_000
LARGEST_UNPACKED_BYTES: Final = 1_000_000_000  # a workbook is a ZIP file: what it unpacks to
_DELIMITERS: Final = ",;\t|"
_LOOKED_AT: Final = 50  # rows from which a CSV file's delimiter is told
_LISTS: Final = ("results", "value", "responses")
"""Where JSON exports keep their rows: KoboToolbox, ODK Central, LimeSurvey. Else the file is a list."""


@dataclass(frozen=True, slots=True)
class Row:
    """``number`` is where a person finds it: the line of a sheet or CSV, the place in a JSON list."""

    number: int
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Table:
    """Texts by column, composed (NFC) and without blanks around them; an empty cell is an empty text."""

    file: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]


def read_table(path: Path) -> Table:
    """The table in a file, by its ending. Raises ``BallotscanError`` naming file and line."""
    readers = {".csv": _read_csv, ".txt": _read_csv, ".xlsx": _read_xlsx, ".json": _read_json}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        _refuse(path, _("this is neither CSV nor XLSX nor JSON."), _("Export it again as one of these."))
    try:
        if path.stat().st_size > LARGEST_FILE_BYTES:
            _refuse(path, _("the file is too large."), _("Export a shorter span of days."))
        lines = list(reader(path))
    except OSError as fault:
        reason = why(fault)
        _refuse(path, _("the file cannot be read: {reason}.").format(reason=reason), "")
    return _table(path, lines)


def _table(path: Path, lines: Sequence[tuple[int, Sequence[str]]]) -> Table:
    """The first line names the columns; a line that is wholly empty is none."""
    if not lines:
        _refuse(path, _("the file holds no table."), _("Export it again."))
    columns = tuple(heading(name) for name in lines[0][1])
    while columns and not columns[-1]:
        columns = columns[:-1]
    for place, name in enumerate(columns, start=1):
        if not name:
            _refuse(path, _("column {number} has no name.").format(number=place), _("Give it one."))
        if columns.index(name) != place - 1:
            _refuse(
                path,
                _("two columns are named '{column}'.").format(column=name),
                _("Rename one of them in the form tool or in the file."),
            )
    rows = []
    for number, cells in lines[1:]:
        texts = [_plain(cell) for cell in cells]
        if not any(texts):
            continue
        if any(texts[len(columns) :]):
            _refuse(
                path,
                _("row {row} has more cells than there are columns.").format(row=number),
                _("Its texts may hold the separator without quotes: export it again."),
            )
        padded = [*texts, *[""] * len(columns)]
        rows.append(Row(number, dict(zip(columns, padded, strict=False))))
    return Table(path.name, columns, tuple(rows))


def heading(text: str) -> str:
    """A column's name on one line: form tools break it, and put blanks that do not break into it."""
    return " ".join(_plain(text).split())


def _plain(text: str) -> str:
    return normalize("NFC", text).replace("\0", "").strip()


def _refuse(path: Path, reason: str, remedy: str) -> NoReturn:
    raise BallotscanError(f"{path}: {reason}", remedy)


def _read_csv(path: Path) -> Iterator[tuple[int, Sequence[str]]]:
    data = path.read_bytes()
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as fault:
        line = data[: fault.start].count(b"\n") + 1
        _refuse(
            path,
            _("line {line} is not UTF-8 text.").format(line=line),
            _("Save it as 'CSV UTF-8', or as XLSX."),
        )
    lines = text.splitlines(keepends=True)
    start = 1
    if lines and lines[0].strip().lower() in {f"sep={each}" for each in _DELIMITERS}:  # Excel's own hint
        del lines[0]
        start = 2
    above = start - 1
    reader = csv.reader(lines, delimiter=_delimiter(lines), strict=True)
    try:
        for cells in reader:
            yield start, cells
            start = above + reader.line_num + 1
    except csv.Error as fault:
        _refuse(path, _("line {line}: {reason}.").format(line=start, reason=fault), _("Export it again."))


def _delimiter(lines: Sequence[str]) -> str:
    """The one that cuts the first rows into equally many cells, the most of them: texts hold commas too."""
    found = []
    for delimiter in _DELIMITERS:
        rows: list[list[str]] = []
        with suppress(csv.Error):  # cut wrongly, a quote may open a cell that never ends
            rows = list(islice(csv.reader(lines, delimiter=delimiter), _LOOKED_AT))
        widths = {len(row) for row in rows if row}
        found.append((len(widths) == 1 and widths != {1}, len(rows[0]) if rows else 0, delimiter))
    return max(found, key=lambda each: each[:2])[2]


def _read_xlsx(path: Path) -> Iterator[tuple[int, Sequence[str]]]:
    """The first worksheet, formulas by their last values."""
    import openpyxl

    try:
        with zipfile.ZipFile(path) as packed:
            if sum(each.file_size for each in packed.infolist()) > LARGEST_UNPACKED_BYTES:
                _refuse(path, _("the file is too large."), _("Export a shorter span of days."))
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        lines = [
            (number, [_text(cell) for cell in cells])
            for number, cells in enumerate(book.worksheets[0].iter_rows(values_only=True), start=1)
        ]
        book.close()
    except (zipfile.BadZipFile, KeyError, ValueError, IndexError, TypeError) as fault:
        _refuse(
            path,  # what the library says may hold a cell's text
            _("this workbook cannot be read: {reason}.").format(reason=type(fault).__name__),
            _("Export it again."),
        )
    yield from lines


def _text(value: Any) -> str:
    """A cell as text: whole numbers without a point, days and times as in ISO 8601."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case float() if value.is_integer():
            return str(int(value))
        case datetime() | date() | time():
            return value.isoformat()
        case list() | tuple():
            return ";".join(_text(each) for each in value)
        case _:
            return str(value)


def _read_json(path: Path) -> Iterator[tuple[int, Sequence[str]]]:
    try:
        data = json.loads(path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError:
        _refuse(path, _("the file is not UTF-8 text."), _("Export it again."))
    except json.JSONDecodeError as fault:
        _refuse(
            path,
            _("line {line}: {reason}.").format(line=fault.lineno, reason=fault.msg),
            _("Export it again."),
        )
    found = data
    if isinstance(data, dict):
        found = next((data[name] for name in _LISTS if isinstance(data.get(name), list)), None)
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        _refuse(path, _("no list of rows is found in it."), _("Export it again."))
    flat = [dict(_flat(each)) for each in found]
    columns = list(dict.fromkeys(name for each in flat for name in each))
    yield 0, columns
    for number, each in enumerate(flat, start=1):
        yield number, [each.get(name, "") for name in columns]


def _flat(values: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    """Nested groups as one name, parts joined by ``/`` as KoboToolbox writes them."""
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{name}/")
        elif isinstance(value, list) and any(isinstance(each, dict | list) for each in value):
            yield f"{before}{name}", json.dumps(value, ensure_ascii=False)
        else:
            yield f"{before}{name}", _text(value)
