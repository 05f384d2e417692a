"""Faults of the stack and pages that are no ballot: what must be flagged or refused as a whole.

Pages go through the reader and through ``rules.sheets.pair_sides`` as in a scan. Where only the number of
sheets can tell (a sheet without serial that never became an image), ``scan --expect`` is what flags it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial

from ballotscan.forms.load import shipped_templates
from ballotscan.forms.prints import FormPrint, load_print
from ballotscan.model import PageRef, Sha256
from ballotscan.reading import SideNotRead, read_side
from ballotscan.rules.sheets import PagePlace, SheetPlan, pair_sides
from ballotscan.vision.reference import Reference
from tests.accuracy.reading import as_opened
from tests.simulator import ScannedSide, SimulatedSheet, simulate_sheet
from tests.simulator.plain_pages import draw_letter, draw_other_form
from tests.simulator.sheets import scan_unwritten

SERIALS = ("7KQ2M9XA", "B4TWZ3PE", "H8RN5CVD")
OTHER = {"appendix-i": "hue-2019", "hue-2019": "appendix-i"}


@dataclass(frozen=True, slots=True)
class StackResult:
    """How many sheets (or foreign pages) were wrong in themselves, and how many of them nothing told."""

    wrong: int
    missed: int
    positions: int
    sides: int
    said: str  # what flagged it


@cache
def _print(template: str, serial: str | None) -> FormPrint:
    return load_print(shipped_templates() / template, serial)


def _sheets(template: str, seed: int, serials: bool) -> list[SimulatedSheet]:
    """Three sheets of the office, each with its serial if asked for."""
    return [
        simulate_sheet(_print(template, SERIALS[number] if serials else None), seed * 3 + number, "office")
        for number in range(3)
    ]


def _place(number: int, scanned: ScannedSide, references: Sequence[Reference]) -> PagePlace:
    """One page read, as ``scan`` would put it into the stack."""
    reading = read_side(as_opened(scanned), scanned.bitonal, references)
    read = not isinstance(reading, SideNotRead)
    return PagePlace(
        key=number,
        ref=PageRef("stack.pdf", number + 1, Sha256("")),
        form=reading.form,
        edition=reading.edition,
        side=reading.side,
        serial=None if isinstance(reading, SideNotRead) else reading.serial,
        read=read,
        reason=reading.reason if isinstance(reading, SideNotRead) else None,
        place=number,
    )


def _pair(pages: Sequence[ScannedSide], references: Sequence[Reference]) -> list[SheetPlan]:
    places = [_place(number, scanned, references) for number, scanned in enumerate(pages)]
    sides_of = {reference.form.id: len(reference.form.sides) for reference in references}
    return pair_sides(places, sides_of)


def _outcome(
    pages: Sequence[ScannedSide], plans: Sequence[SheetPlan], fault: range, counted: int
) -> StackResult:
    """``fault``: pages that are no whole sheet of their own. ``counted``: sheets the office put in."""
    whole = [plan for plan in plans if plan.reason is None]
    wrong = [plan for plan in whole if any(page is not None and page.key in fault for page in plan.pages)]
    by_count = len(plans) != counted
    reasons = sorted({plan.reason.value for plan in plans if plan.reason is not None})
    said = "+".join(reasons) or ("count" if by_count else "")
    missed = 0 if reasons or by_count else max(1, len(wrong))
    return StackResult(1, missed, sum(len(page.boxes) for page in pages), len(pages), said)


def _double_feed(template: str, seed: int, references: Sequence[Reference], serials: bool) -> StackResult:
    """Two sheets as one: the front of the upper, the back of the lower; of one-sided sheets one is gone."""
    first, second, third = _sheets(template, seed, serials)
    if len(first.sides) == 1:
        pages = [first.sides[0], third.sides[0]]
        return _outcome(pages, _pair(pages, references), range(0), 3)
    pages = [first.sides[0], second.sides[1], *third.sides]
    return _outcome(pages, _pair(pages, references), range(2), 3)


def _missing(template: str, seed: int, references: Sequence[Reference], lost: int) -> StackResult:
    """The second of three sheets without its side ``lost``; of one-sided sheets the whole sheet."""
    first, second, third = _sheets(template, seed, False)
    kept = [scanned for scanned in second.sides if scanned.side != lost and len(second.sides) > 1]
    pages = [*first.sides, *kept, *third.sides]
    fault = range(len(first.sides), len(first.sides) + len(kept))
    return _outcome(pages, _pair(pages, references), fault, 3)


def _doubled(template: str, seed: int, references: Sequence[Reference]) -> StackResult:
    """The last side of the first of two sheets twice."""
    first, second, _ = _sheets(template, seed, False)
    pages = [*first.sides, first.sides[-1], *second.sides]
    count = len(first.sides)
    return _outcome(pages, _pair(pages, references), range(count, count + 1), 2)


def _foreign(scanned: ScannedSide, references: Sequence[Reference]) -> StackResult:
    """A page that is no side of the form must not be read as one."""
    reading = read_side(as_opened(scanned), scanned.bitonal, references)
    positions = len(references[0].side.boxes)
    if isinstance(reading, SideNotRead):
        return StackResult(1, 0, positions, 1, reading.reason.value)
    return StackResult(1, 1, positions, 1, "")


def _other_form(template: str, seed: int, references: Sequence[Reference]) -> StackResult:
    return _foreign(scan_unwritten(draw_other_form(), seed)[0], references)


def _letter(template: str, seed: int, references: Sequence[Reference]) -> StackResult:
    return _foreign(scan_unwritten(draw_letter(), seed)[0], references)


def _other_template(template: str, seed: int, references: Sequence[Reference]) -> StackResult:
    return _foreign(simulate_sheet(_print(OTHER[template], None), seed, "office").sides[0], references)


FAULTS: Mapping[str, Callable[[str, int, Sequence[Reference]], StackResult]] = {
    "double_feed_serials": partial(_double_feed, serials=True),
    "double_feed": partial(_double_feed, serials=False),
    "front_missing": partial(_missing, lost=1),
    "back_missing": partial(_missing, lost=2),
    "back_doubled": _doubled,
    "other_template": _other_template,
    "other_form": _other_form,
    "letter": _letter,
}


def run_stack(fault: str, template: str, seed: int, references: Sequence[Reference]) -> StackResult:
    """Make one stack with the named fault and say whether anything told."""
    return FAULTS[fault](template, seed, references)
