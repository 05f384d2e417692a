"""A dispatch list against what came back: who is to be reminded. Names stay in the office's own files."""

from __future__ import annotations

import csv
import io
from collections.abc import Set
from pathlib import Path
from typing import Final

from ballotscan.errors import BallotscanError
from ballotscan.i18n import gettext as _
from ballotscan.imports.mapping import folded
from ballotscan.imports.tables import Table

NO: Final = {"", "0", "khong", "chua", "n", "no", "false"}
YES: Final = {"1", "x", "v", "co", "roi", "da tra", "da nhan", "y", "yes", "true"}
_FORMULA_STARTS: Final = ("=", "+", "-", "@")


def remaining(path: Path, table: Table, returned: str | None, answered: Set[int] | None) -> tuple[str, int]:
    """The rows of those who have not answered, as CSV, and how many they are.

    ``answered`` are numbers of rows; without, the column ``returned`` holds a mark (x, có, 1) for each that
    came back. Raises ``BallotscanError`` naming file, row and column for a mark that is neither yes nor no.
    """
    if answered is None:
        answered = _marked(path, table, returned or "")
    left = [row for row in table.rows if row.number not in answered]
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(table.columns)
    writer.writerows([_plain(row.cells[column]) for column in table.columns] for row in left)
    return "\ufeff" + out.getvalue(), len(left)


def check_column(path: str, table: Table, column: str) -> str:
    """The column's own name. Raises ``BallotscanError`` where there is none."""
    for name in table.columns:
        if folded(name) == folded(column):
            return name
    raise BallotscanError(
        _("{file}: there is no column '{column}'.").format(file=path, column=column),
        _("Columns: {names}.").format(names=", ".join(table.columns)),
    )


def _marked(path: Path, table: Table, returned: str) -> Set[int]:
    column = check_column(str(path), table, returned)
    found = set()
    for row in table.rows:
        mark = folded(row.cells[column])
        if mark in YES:
            found.add(row.number)
        elif mark not in NO:
            raise BallotscanError(
                _("{file}, row {row}, column '{column}': neither yes nor no.").format(
                    file=path, row=row.number, column=column
                ),
                _("Write x for what came back, and nothing else."),
            )
    return found


def _plain(text: str) -> str:
    """No cell may start a formula, but a telephone number keeps its +."""
    digits = text[1:].replace(" ", "").replace(".", "")
    return f"'{text}" if text.startswith(_FORMULA_STARTS) and not digits.isdigit() else text
