"""How often each kind of verdict is right: the counts behind ``ballotscan/rules/confidence.py``.

    python -m tests.accuracy.confidence [--sheets N]

N sheets of every condition and optical class, by turns of both templates, from seeds 8,100,000 and up, which
the bench never uses. Prints, for each reason and number of boxes proposed, how many proposals were right;
``strong`` where one box is proposed that holds at least half the hand's usual ink.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence

from ballotscan.forms.prints import FormPrint
from ballotscan.model import Answer, SideReading
from ballotscan.reading import SideNotRead, read_side
from ballotscan.rules.answers import decide_answers
from ballotscan.rules.confidence import STRONG
from ballotscan.rules.hand import study_hands
from ballotscan.vision.reference import Reference
from tests.accuracy.reading import load_shipped, references_of
from tests.accuracy.rows import ROWS, TEMPLATES, Row
from tests.simulator import SimulatedSheet, simulate_sheet

SEEDS_FROM = 8_100_000

Kind = tuple[str, str]


def read_sides(sheet: SimulatedSheet, references: Sequence[Reference]) -> list[SideReading | None]:
    """Every side of a sheet, None where it was not read as itself."""
    found = (read_side(side.grey, side.bitonal, references) for side in sheet.sides)
    return [
        None if isinstance(reading, SideNotRead) or reading.side != side.side else reading
        for side, reading in zip(sheet.sides, found, strict=True)
    ]


def kind_of(answer: Answer, readings: Sequence[SideReading | None]) -> Kind:
    """The reason (of an accepted answer its outcome), and what is proposed."""
    reason = answer.reason.value if answer.reason else f"accepted {answer.outcome.value}"
    if len(answer.codes) != 1:
        return reason, "none" if not answer.codes else "many"
    hand = study_hands(readings)[answer.side]
    reading = readings[answer.side - 1]
    place = (answer.question, answer.codes[0])
    inks = {(mark.question, mark.option): mark.ink for mark in (reading.marks if reading else ())}
    return reason, "one, strong" if hand.known and inks.get(place, 0.0) >= STRONG * hand.ink else "one"


def kinds_of_row(
    row: Row, template: tuple[FormPrint, Sequence[Reference]], seeds: Sequence[int]
) -> Iterator[tuple[Kind, bool]]:
    """Every answer of a row's sheets: its kind, and whether it is right."""
    form_print, references = template
    for number, seed in enumerate(seeds):
        way = row.way(number)
        if way.stack:
            continue
        sheet = simulate_sheet(form_print, seed, row.condition, way.effects)
        readings = read_sides(sheet, references)
        for answer in decide_answers(form_print.form, readings):
            yield kind_of(answer, readings), answer.codes == sheet.truth.answer(answer.question).codes


def main(arguments: Sequence[str] | None = None) -> int:
    """Count and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.accuracy.confidence")
    parser.add_argument("--sheets", type=int, default=12)
    sheets = parser.parse_args(arguments).sheets
    counts: dict[Kind, list[int]] = defaultdict(lambda: [0, 0])
    for template in TEMPLATES:
        form_print = load_shipped(template)
        loaded = form_print, references_of(form_print)
        pages = [row for row in ROWS if not row.name.startswith("marks")]
        for number, row in enumerate(pages):
            first = SEEDS_FROM + 1_000 * number
            for kind, right in kinds_of_row(row, loaded, range(first, first + sheets)):
                counts[kind][0] += 1
                counts[kind][1] += right
    for (reason, proposed), (count, right) in sorted(counts.items()):
        sys.stdout.write(f"{reason:24} {proposed:12} {right:6} of {count:6} right, {right / count:.4f}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
