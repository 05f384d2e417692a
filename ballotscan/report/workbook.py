"""The workbook: every table of the report on its own sheet, what people wrote, and a row for every ballot."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import Any, Final

from ballotscan.i18n import gettext as _
from ballotscan.report.document import Document, Grid
from ballotscan.report.rows import Ballots
from ballotscan.report.wording import decimal_mark
from ballotscan.store.csv_files import safe_cell

_COUNT: Final = r"\d{1,3}(?:[.,]\d{3})+|\d+"
_SHARE: Final = r"\d+[.,]\d+"
_ONE: Final = re.compile(rf"(?P<count>{_COUNT})|(?P<percent>{_SHARE})%|(?P<decimal>{_SHARE})")
_COUNT_AND_SHARE: Final = re.compile(rf"({_COUNT}) \(({_SHARE})%\)")
_INTERVAL: Final = re.compile(rf"({_SHARE})–({_SHARE})%")
_NOTHING: Final = ("", "-", "*")
_WIDEST: Final = 60  # characters of a column

Opinions = Sequence[tuple[str, str, str]]
"""Ballot, channel and text."""
Cell = tuple[str, str | float | int]
"""A look's name and what stands there."""


def report_xlsx(document: Document, ballots: Sequence[Ballots], opinions: Opinions = ()) -> bytes:
    """The workbook's bytes. Counts, shares and the ends of intervals are numbers, each in a cell of its own;
    texts never begin a formula.
    """
    import xlsxwriter

    out = io.BytesIO()
    # Row by row and out of memory at once: a million answers are a matter of seconds.
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    book = xlsxwriter.Workbook(out, options)
    looks = _looks(book)
    tables = [(f"{n}. {_sheet_name(grid.caption)}"[:31], grid) for n, grid in enumerate(document.grids(), 1)]
    _contents(_sheet(book, _("Contents"), document), document, tables, looks)
    for name, grid in tables:
        _grid_sheet(_sheet(book, name, document), grid, looks)
    if opinions:
        _opinion_sheet(_sheet(book, _("Opinions"), document), opinions, looks)
    for each in ballots:
        _ballot_sheet(_sheet(book, (_("Ballots") + " " + each.form.id)[:31], document), each, looks)
    book.close()
    return out.getvalue()


def _looks(book: Any) -> dict[str, Any]:
    plain = {"border": 1, "valign": "vcenter"}
    middle = plain | {"align": "center"}
    return {
        "title": book.add_format({"bold": True, "font_size": 13}),
        "head": book.add_format(middle | {"bold": True, "text_wrap": True, "bg_color": "#DDE6F0"}),
        "text": book.add_format(plain | {"text_wrap": True}),
        "cell": book.add_format(middle),
        "count": book.add_format(middle | {"num_format": "#,##0"}),
        "percent": book.add_format(middle | {"num_format": "0.00%"}),
        "tenth": book.add_format(middle | {"num_format": "0.0%"}),
        "decimal": book.add_format(middle | {"num_format": "0.00"}),
        "stamp": book.add_format({"bold": True, "font_color": "#B00020"}),
        "link": book.get_default_url_format(),
    }


def _sheet(book: Any, name: str, document: Document) -> Any:
    """A sheet that prints on A4, as wide as it is, with the stamp on every page."""
    sheet = book.add_worksheet(name)
    sheet.set_paper(9)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.set_header(f'&C&P&R&"Times New Roman,Bold"&12{document.stamp}')
    return sheet


def _sheet_name(caption: str) -> str:
    return re.sub(r"[\[\]:*?/\\']", " ", caption)


def _contents(sheet: Any, document: Document, tables: Sequence[tuple[str, Grid]], looks: Any) -> None:
    sheet.set_column(0, 0, 100)
    sheet.write_string(0, 0, document.title, looks["title"])
    if document.stamp:
        sheet.write_string(1, 0, document.stamp, looks["stamp"])
    for line, (name, grid) in enumerate(tables, start=3):
        sheet.write_url(line, 0, f"internal:'{name}'!A1", looks["link"], grid.caption)


def _grid_sheet(sheet: Any, grid: Grid, looks: dict[str, Any]) -> None:
    names: list[list[Cell]] = [[("text", row[0])] for row in grid.rows]
    columns = [([grid.head[0]], names)]
    columns += [_column(grid.head[n], [row[n] for row in grid.rows]) for n in range(1, len(grid.head))]
    heads = [head for names, _cells in columns for head in names]
    lines = [[cell for _names, cells in columns for cell in cells[line]] for line in range(len(grid.rows))]
    _set_widths(sheet, heads, lines)
    sheet.freeze_panes(3, 1)
    sheet.repeat_rows(2)
    sheet.write_string(0, 0, grid.caption, looks["title"])
    for place, name in enumerate(heads):
        sheet.write_string(2, place, name, looks["head"])
    for number, line in enumerate(lines, start=3):
        for place, (look, value) in enumerate(line):
            if isinstance(value, str):
                sheet.write_string(number, place, safe_cell(value), looks[look])
            else:
                sheet.write_number(number, place, value, looks[look])
    if grid.note:
        sheet.write_string(3 + len(lines), 0, grid.note)


def _column(name: str, texts: Sequence[str]) -> tuple[list[str], list[list[Cell]]]:
    """A table's column as one of the workbook, or as two where a cell holds two numbers."""
    if any(_COUNT_AND_SHARE.fullmatch(text) for text in texts):
        return [name, f"{name}, %"], [_pair(_COUNT_AND_SHARE, text, ("count", "percent")) for text in texts]
    if any(_INTERVAL.fullmatch(text) for text in texts):
        heads = [_("{name}, from").format(name=name), _("{name}, to").format(name=name)]
        return heads, [_pair(_INTERVAL, text, ("tenth", "tenth")) for text in texts]
    return [name], [[_cell(text)] for text in texts]


def _pair(pattern: re.Pattern[str], text: str, looks: tuple[str, str]) -> list[Cell]:
    found = pattern.fullmatch(text)
    if found is None:
        return [_cell(text), ("cell", text if text in _NOTHING else "")]
    return [(look, _number(look, part)) for look, part in zip(looks, found.groups(), strict=True)]


def _cell(text: str) -> Cell:
    found = _ONE.fullmatch(text)
    if found is None or found.lastgroup is None:
        return "cell", text
    return found.lastgroup, _number(found.lastgroup, found[found.lastgroup])


def _number(look: str, text: str) -> float | int:
    """What a number's text means: marks of thousands dropped, percent as a share of 1."""
    if look == "count":
        return int(re.sub(r"[.,]", "", text))
    value = text.replace(decimal_mark(), ".")
    # moved by its digits, so that 85.54 % is 0.8554 and not what a division leaves
    return float(value) if look == "decimal" else float(f"{value}e-2")


def _set_widths(sheet: Any, heads: Sequence[str], lines: Sequence[Sequence[Cell]]) -> None:
    for place, head in enumerate(heads):
        longest = max([len(str(line[place][1])) for line in lines] + [max(len(w) for w in head.split())])
        sheet.set_column(place, place, min(_WIDEST, max(longest + 3, 11)))


def _opinion_sheet(sheet: Any, opinions: Opinions, looks: dict[str, Any]) -> None:
    heads = (_("Ballot"), _("Channel"), _("Opinion"))
    for place, (name, width) in enumerate(zip(heads, (40, 18, 90), strict=True)):
        sheet.set_column(place, place, width)
        sheet.write_string(0, place, name, looks["head"])
    sheet.freeze_panes(1, 1)
    sheet.repeat_rows(0)
    for line, row in enumerate(opinions, start=1):
        for place, text in enumerate(row):
            sheet.write_string(line, place, safe_cell(text), looks["text"])


def _ballot_sheet(sheet: Any, ballots: Ballots, looks: dict[str, Any]) -> None:
    sheet.set_column(0, 0, 44)
    sheet.set_column(1, len(ballots.columns) - 1, 11)
    sheet.freeze_panes(1, 1)
    sheet.repeat_rows(0)
    if ballots.rows:
        sheet.autofilter(0, 0, len(ballots.rows), len(ballots.columns) - 1)
    for column, name in enumerate(ballots.columns):
        sheet.write_string(0, column, name, looks["head"])
    for line, row in enumerate(ballots.rows, start=1):
        for column, text in enumerate(row):
            if text.isdigit() and len(text) < 10:
                sheet.write_number(line, column, int(text))
            elif text:
                sheet.write_string(line, column, safe_cell(text))
