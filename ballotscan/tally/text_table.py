"""Tables of plain text, as wide as a screen or a page.

Without ``rich``, which took 0.3 s of a tally's 2 s: half to be loaded, half to lay out 480 lines.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import Final

_NARROWEST: Final = 7  # of a column of numbers: 100.00 and a blank
_HEADING: Final = 12  # headings of numbers are broken at words from so many letters on
_LEAST_TEXT: Final = 19  # the first column keeps so many letters, however narrow the screen
_GAP: Final = "  "


class TextTable:
    """Texts on the left, folded where they are too long; all else are numbers, on the right."""

    def __init__(self, *headings: str, caption: str = "") -> None:
        self._headings = headings
        self._caption = caption
        self._rows: list[Sequence[str]] = []

    def add_row(self, *cells: str) -> None:
        self._rows.append(cells)

    def add_section(self) -> None:
        """An empty line, if rows follow."""
        self._rows.append(())

    def lines(self, width: int) -> Iterator[str]:
        """The table in at most so many letters a line, if its numbers leave enough for the texts."""
        headings = [textwrap.wrap(heading, _HEADING) or [""] for heading in self._headings[1:]]
        numbers = [
            max(_NARROWEST, *map(len, heading), *(len(row[place]) for row in self._rows if row))
            for place, heading in enumerate(headings, start=1)
        ]
        left = max(_LEAST_TEXT, width - sum(len(_GAP) + number for number in numbers))
        first = textwrap.wrap(self._headings[0], left)
        height = max(len(first), *map(len, headings))
        for line in range(height):
            cells = [_from_below(part, line, height) for part in (first, *headings)]
            yield _line(cells, left, numbers)
        yield "─" * (left + sum(len(_GAP) + number for number in numbers))
        rows = self._rows[:-1] if self._rows and not self._rows[-1] else self._rows
        for row in rows:
            yield from _row(row, left, numbers) if row else [""]
        if self._caption:
            yield self._caption


def _from_below(parts: Sequence[str], line: int, height: int) -> str:
    """What stands in a line of so many where a heading's parts end in the last."""
    place = line - (height - len(parts))
    return parts[place] if place >= 0 else ""


def _row(cells: Sequence[str], left: int, numbers: Sequence[int]) -> Iterator[str]:
    text, *rest = cells
    if len(text) <= left:
        yield _line(cells, left, numbers)
        return
    indent = " " * (len(text) - len(text.lstrip()) + 2)
    start, *more = textwrap.wrap(text, left, subsequent_indent=indent, drop_whitespace=True)
    yield _line([start, *rest], left, numbers)
    yield from more


def _line(cells: Sequence[str], left: int, numbers: Sequence[int]) -> str:
    fitted = [cell.rjust(number) for cell, number in zip(cells[1:], numbers, strict=True)]
    return _GAP.join([cells[0].ljust(left), *fitted]).rstrip()
