"""The workbook: every table of the report on a sheet of its own, and every ballot as one row."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import Any, Final

from ballotscan.i18n import gettext as _
from ballotscan.report.document import Document, Grid
from ballotscan.report.rows import Ballots
from ballotscan.store.csv_files import safe_cell

_NUMBER: Final = re.compile(r"-?\d+")


def report_xlsx(document: Document, ballots: Sequence[Ballots]) -> bytes:
    """The workbook's bytes. Counts are numbers; shares stand as the report writes them."""
    import xlsxwriter

    out = io.BytesIO()
    # Row by row and out of memory at once: a million answers are a matter of seconds.
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    book = xlsxwriter.Workbook(out, options)
    looks = {
        "title": book.add_format({"bold": True, "font_size": 13}),
        "head": book.add_format(
            {"bold": True, "border": 1, "text_wrap": True, "align": "center", "valign": "vcenter"}
        ),
        "text": book.add_format({"border": 1, "text_wrap": True, "valign": "vcenter"}),
        "cell": book.add_format({"border": 1, "align": "center", "valign": "vcenter"}),
        "stamp": book.add_format({"bold": True, "font_color": "#B00020"}),
    }
    for place, grid in enumerate(document.grids(), start=1):
        _grid_sheet(book.add_worksheet(_("Table {number}").format(number=place)), grid, document.stamp, looks)
    for each in ballots:
        _ballot_sheet(book.add_worksheet((_("Ballots") + " " + each.form.id)[:31]), each, looks)
    book.close()
    return out.getvalue()


def _grid_sheet(sheet: Any, grid: Grid, stamp: str, looks: dict[str, Any]) -> None:
    sheet.set_column(0, 0, 48)
    sheet.set_column(1, len(grid.head) - 1, 16)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.write_string(0, 0, grid.caption, looks["title"])
    if stamp:
        sheet.write_string(0, 1, stamp, looks["stamp"])
    for column, name in enumerate(grid.head):
        sheet.write_string(2, column, name, looks["head"])
    for line, row in enumerate(grid.rows, start=3):
        for column, text in enumerate(row):
            plain = text.replace(".", "").replace(",", "") if column else text
            if column and _NUMBER.fullmatch(plain) and not re.search(r"[.,]\d\d?$", text):
                sheet.write_number(line, column, int(plain), looks["cell"])
            else:
                sheet.write_string(line, column, safe_cell(text), looks["cell" if column else "text"])
    if grid.note:
        sheet.write_string(3 + len(grid.rows), 0, grid.note)


def _ballot_sheet(sheet: Any, ballots: Ballots, looks: dict[str, Any]) -> None:
    sheet.freeze_panes(1, 1)
    for column, name in enumerate(ballots.columns):
        sheet.write_string(0, column, name, looks["head"])
    for line, row in enumerate(ballots.rows, start=1):
        for column, text in enumerate(row):
            if text.isdigit() and len(text) < 10:
                sheet.write_number(line, column, int(text))
            elif text:
                sheet.write_string(line, column, safe_cell(text))
