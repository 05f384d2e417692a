"""Which sheets are scans of a paper that is in the record already. Plain Python over pairs found alike.

Vision says how alike two sides are (``vision.trace``); here it is decided what follows for sheets:

- A whole sheet alike to an earlier one that counts is held back until a person decides; the earlier one keeps
  counting. So no paper counts twice, and none is dropped.
- A sheet that could not be read or is incomplete, and is alike to a whole one, is replaced by that one.
- Three or more in a row alike to as many in a row, in either order, are one finding: a stack fed twice.
  Only in such a row sheets with next to nothing on them are taken for the same too: alone they cannot be told
  from other empty ballots.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from ballotscan.model import SheetId

SURE: Final = 0.9
"""From this likeness on two sides are one paper: of 10,000 honest sheets, half of them from offices that
answered alike, the nearest two came to 0.86."""

LIKE, LEAD = 0.6, 0.2
"""And from this likeness on if it is by so much more than to any third: a hand's sheets are all alike to
one another (lead 0.17 at most), but of the rescans below SURE the least lead was 0.31."""

_UNLIKE: Final = 0.35  # twins' median is 0.25, the worst rescans of readable sides 0.5

MARKS: Final = 4
"""Marks a side needs for that. With fewer, two strangers' strokes may fall alike by chance."""

ROW: Final = 3
"""So many alike in a row are a stack fed twice, not single sheets."""

_HOLE: Final = 5  # sheets with next to nothing on them that a row may reach across

DAYS: Final = 366
"""How far apart two batches' days may lie: the longest reporting period."""


_RANGE: Final = re.compile(r"(.+)/(\d+)\.\.(\d+)", re.ASCII)


class Place(NamedTuple):
    """A sheet by its batch and its number in it."""

    batch: str
    number: int

    @property
    def id(self) -> str:
        return f"{self.batch}/{self.number:05d}"


@dataclass(frozen=True, slots=True)
class Alike:
    """Two sheets of which the sides ``likeness`` names (side: how alike) could be compared."""

    later: Place
    former: Place
    likeness: Mapping[int, float]

    @property
    def best(self) -> float:
        return max(self.likeness.values())

    @property
    def contradicted(self) -> bool:
        """Whether some other side of the two is not the same."""
        return min(self.likeness.values()) < _UNLIKE


@dataclass(frozen=True, slots=True)
class Row:
    """Sheets in a row and those they are scans of, first to first; a single pair is a row of one."""

    later: tuple[Place, ...]
    former: tuple[Place, ...]

    @property
    def is_stack(self) -> bool:
        return len(self.later) >= ROW


def is_same(likeness: float, lead: float) -> bool:
    """Whether two sides are scans of one paper."""
    return likeness >= SURE or (likeness >= LIKE and lead >= LEAD)


def choose_former(pairs: Iterable[Alike], order: Mapping[Place, int]) -> dict[Place, Place]:
    """For each later sheet the earliest it is a scan of; ``order`` is that in which sheets came in."""
    found: dict[Place, Place] = {}
    for pair in pairs:
        known = found.get(pair.later)
        if known is None or order[pair.former] < order[known]:
            found[pair.later] = pair.former
    return found


def find_rows(former_of: Mapping[Place, Place], marked: Collection[Place]) -> list[Row]:
    """Cut the pairs into rows. ``marked`` are the sheets with marks enough to be compared alone: a row of ROW
    or more goes on across others, and takes them in.
    """
    rows: list[list[tuple[Place, Place]]] = []
    step = 0
    for later in sorted(former_of):
        pair = later, former_of[later]
        between = _joins(rows[-1][-1], pair, step, marked) if rows else None
        if between is None:
            rows.append([pair])
            step = 0
            continue
        rows[-1] += [*between, pair]
        step = _sign(pair[1].number - rows[-1][-2][1].number)
    return [
        Row(tuple(one for one, _ in row), tuple(other for _, other in row))
        for found in rows
        for row in _firm(found, former_of)
    ]


def _joins(
    last: tuple[Place, Place], pair: tuple[Place, Place], step: int, marked: Collection[Place]
) -> list[tuple[Place, Place]] | None:
    """The sheets between two pairs of one row, which runs by ``step``; None if they are of none."""
    (late, form), (later, former) = last, pair
    gap, way = later.number - late.number, former.number - form.number
    if (late.batch, form.batch) != (later.batch, former.batch) or abs(way) != gap or gap > _HOLE + 1:
        return None
    sign = _sign(way)
    if step not in (0, sign):
        return None
    between = [
        (Place(late.batch, late.number + by), Place(form.batch, form.number + by * sign))
        for by in range(1, gap)
    ]
    return between if all(one not in marked and other not in marked for one, other in between) else None


def _firm(
    row: Sequence[tuple[Place, Place]], former_of: Mapping[Place, Place]
) -> list[Sequence[tuple[Place, Place]]]:
    """A row as it is, or its pairs one by one where too few of them were found by their marks."""
    found = [pair for pair in row if pair[0] in former_of]
    return [row] if len(found) >= ROW else [[pair] for pair in found]


def _sign(number: int) -> int:
    return (number > 0) - (number < 0)


def name_sheets(text: str) -> list[SheetId]:
    """The sheets that a text names: one, or a row as in ``box/00041..00080``, which may run backwards."""
    row = _RANGE.fullmatch(text)
    if row is None:
        return [SheetId(text)] if text else []
    first, last = int(row[2]), int(row[3])
    step = 1 if first <= last else -1
    return [SheetId(Place(row[1], number).id) for number in range(first, last + step, step)]
