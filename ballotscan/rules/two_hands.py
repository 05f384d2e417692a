"""Whether the sides of one sheet were marked by one hand. Plain Python over readings.

Sides without a serial are joined by their order in the stack. Where exactly the back of one sheet and the
front of the next are lost, order shows nothing; that two hands marked the two sides may. It is a net with
wide meshes: people who press, and mark, alike are not told apart. What passes it only a count by hand shows.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Final

from ballotscan.model import SideReading
from ballotscan.rules.hand import LEAST_INK_ALONE

LEAST_MARKS: Final = 3
"""Clear marks that a side needs to show its hand."""

CLEAR: Final = 0.9
"""How surely a mark is an ordinary one (``Mark.choice``) to speak for its hand."""

MOST_INK, MOST_COVER = 1.1, 0.17
"""By how much two sides of one sheet may differ: in the natural logarithm of a usual mark's ink (three times
as much), and in the share of the box that it covers. Of honest sheets none differs by more, see
``tests/faults/hands.json``. A mark's darkness tells less: a scanner's two lamps show it too differently."""

ENOUGH, TIMES = 10, 1.5
"""So many neighbours of either way to lay a stack tell which is right, where they differ by so many times as
much the one way. Of 4,000 stacks with a side lost at the end none was told wrongly."""


@dataclass(frozen=True, slots=True)
class Strokes:
    """A usual mark of one side."""

    log_ink: float
    cover: float


def hands_differ(sides: Sequence[SideReading]) -> bool:
    """Whether two sides of a sheet differ more than those of any honest sheet. A serial on all of them
    leaves no doubt."""
    if all(side.serial for side in sides):
        return False
    return any((unlike(one, other) or 0.0) > 1 for one, other in pairwise(sides))


def plainly_one(joined: Iterable[float | None], apart: Iterable[float | None]) -> bool:
    """Whether the neighbours that were joined to sheets are plainly by one hand, against those that were not.

    Both are what ``unlike`` says of neighbours in the stack.
    """
    ours, others = ([min(value, 2.0) for value in values if value is not None] for values in (joined, apart))
    enough = min(len(ours), len(others)) >= ENOUGH
    return enough and sum(others) / len(others) > TIMES * sum(ours) / len(ours)


def unlike(one: SideReading, other: SideReading) -> float | None:
    """How differently two sides are marked: 0 the same, above 1 by two hands; None where one has too few
    marks to tell."""
    return apart(strokes(one), strokes(other))


def apart(here: Strokes | None, there: Strokes | None) -> float | None:
    """``unlike`` of two usual marks."""
    if here is None or there is None:
        return None
    return max(
        abs(here.log_ink - there.log_ink) / MOST_INK,
        abs(here.cover - there.cover) / MOST_COVER,
    )


def strokes(side: SideReading) -> Strokes | None:
    """A side's usual mark; None where it has too few clear ones."""
    clear = [mark for mark in side.marks if mark.choice > CLEAR and mark.ink > LEAST_INK_ALONE]
    if len(clear) < LEAST_MARKS:
        return None
    return Strokes(
        median(math.log(mark.ink) for mark in clear),
        median(mark.cover for mark in clear),
    )
