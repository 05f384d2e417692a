"""Sheets whose sides were marked by two hands: how many are noticed, and how many honest sheets are taken for
one of them.

Every sheet is simulated and read; then backs are exchanged among the sheets of a condition, as if a back and
the next front were lost. Stacks with a side lost at their end are drawn from the same sheets, laid the way
that the order of their pages says and the other. From the command line:

    python -m tests.faults.hands --write
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import cv2

from ballotscan import ENGINE
from ballotscan.model import SideReading
from ballotscan.reading import read_side
from ballotscan.rules.two_hands import ENOUGH, apart, plainly_one, strokes
from tests.accuracy.reading import as_opened, load_shipped, references_of
from tests.simulator import simulate_sheet

FORM: Final = "appendix-i"  # the shipped form that has two sides
SEEDS: Final = {"clean": 9_220_000, "office": 9_200_000, "hard": 9_210_000}
SHEETS: Final = {"clean": 180, "office": 400, "hard": 300}
"""The limits of ``two_hands`` were set on these very sheets."""
SHIFTS: Final = (1, 2, 5)  # whose back a front gets
STACKS: Final = 4_000
RESULTS: Final = Path(__file__).with_name("hands.json")

Sheet = tuple[SideReading, SideReading]


def read_sheets(condition: str, numbers: Sequence[int]) -> list[Sheet]:
    """Both sides of the simulated sheets of these numbers; without those of which a side is not read."""
    form_print = load_shipped(FORM)
    references = references_of(form_print)
    found = []
    for number in numbers:
        scanned = simulate_sheet(form_print, SEEDS[condition] + number, condition).sides
        sides = [read_side(as_opened(each), each.bitonal, references) for each in scanned]
        if len(sides) == 2 and isinstance(sides[0], SideReading) and isinstance(sides[1], SideReading):
            found.append((sides[0], sides[1]))
    return found


def measure(sheets: Sequence[Sheet], stacks: int = STACKS) -> dict[str, Any]:
    """How often the two sides of one sheet, and of two sheets, are told to be by two hands."""
    usual = [(strokes(front), strokes(back)) for front, back in sheets]
    table = [[apart(front, back) for _, back in usual] for front, _ in usual]
    count = len(sheets)
    honest = [value for n in range(count) if (value := table[n][n]) is not None]
    mixed = [
        value for n in range(count) for by in SHIFTS if (value := table[n][(n + by) % count]) is not None
    ]
    right, wrong = _stacks(table, stacks)
    return {
        "sheets": count,
        "enough_marks": len(honest),
        "false_alarms": sum(value > 1 for value in honest),
        "most_unlike": round(max(honest), 2),
        "mixed": len(mixed),
        "mixed_noticed": round(sum(value > 1 for value in mixed) / len(mixed), 3),
        "stacks": stacks,
        "sheets_a_stack": 2 * ENOUGH,
        "stacks_told": round(right / stacks, 4) if stacks else 0,
        "stacks_told_wrongly": wrong,
    }


def _stacks(table: Sequence[Sequence[float | None]], stacks: int) -> tuple[int, int]:
    """Of stacks with a side lost at the end: how many are plainly so, and how many plainly the other way."""
    chance = random.Random(len(table))
    right = wrong = 0
    for _ in range(stacks):
        stack = chance.choices(range(len(table)), k=2 * ENOUGH + 1)
        joined = [table[one][one] for one in stack[:-1]]
        apart = [table[other][one] for one, other in pairwise(stack)]
        right += plainly_one(joined, apart)
        wrong += plainly_one(apart, joined)
    return right, wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--write", action="store_true", help="keep the outcome in hands.json")
    given = parser.parse_args()
    cv2.setNumThreads(1)
    outcome: dict[str, Any] = {"engine": ENGINE, "seeds": SEEDS}
    for condition, count in SHEETS.items():
        outcome[condition] = measure(read_sheets(condition, range(count)))
        sys.stdout.write(f"{condition}: {json.dumps(outcome[condition])}\n")
        sys.stdout.flush()
    if given.write:
        RESULTS.write_text(json.dumps(outcome, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
