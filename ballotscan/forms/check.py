"""Whether the places of a form's boxes can be read at all: on the paper, apart, and one for each option."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Final

from ballotscan.errors import TemplateError
from ballotscan.forms.form import BoxPlace, Rect, Side
from ballotscan.forms.source import Source
from ballotscan.i18n import gettext as _

SMALLEST_BOX_MM: Final = 2.0  # at 150 dpi 12 px: less leaves no inside to measure
LARGEST_BOX_MM: Final = 20.0
SMALLEST_GAP_MM: Final = (
    0.5  # between the outlines of two boxes: the reader looks for each within that distance
)
SLACK_MM: Final = 0.001  # of rounding


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with the geometry, as a sentence, and with which box ("question/option")."""

    reason: str
    box: str | None = None


def check_sides(place: Path, source: Source, sides: Sequence[Side], lines: Mapping[str, int]) -> None:
    """Raise ``TemplateError`` for the first fault; ``lines`` tells where each box is stated."""
    for fault in find_faults(source, sides):
        line = lines.get(fault.box or "", 1)
        raise TemplateError(f"{place}:{line}: {fault.reason}", _("Change the layout or the list of boxes."))


def find_faults(source: Source, sides: Sequence[Side]) -> Iterator[Fault]:
    """Every fault there is: what is missing, doubled, off the page, too small or too near."""
    if [side.number for side in sides] != list(range(1, source.sides + 1)):
        yield Fault(
            _("{stated} sides are stated, {found} found.").format(stated=source.sides, found=len(sides))
        )
    yield from _box_names(source, sides)
    yield from _field_names(source, sides)
    for side in sides:
        for box in side.boxes:
            yield from _box_faults(side, box)
        for field in side.fields:
            if not inside(field.rect, side):
                where = {"side": side.number, "field": field.field}
                yield Fault(_("side {side}: the field {field} leaves the page.").format(**where))
        yield from _overlaps(side)


def inside(rect: Rect, side: Side) -> bool:
    """Whether the whole rectangle lies on the side's paper."""
    return (
        rect.x_mm >= -SLACK_MM
        and rect.y_mm >= -SLACK_MM
        and rect.x_mm + rect.w_mm <= side.width_mm + SLACK_MM
        and rect.y_mm + rect.h_mm <= side.height_mm + SLACK_MM
    )


def gap_mm(one: Rect, other: Rect) -> float:
    """The free way between two rectangles, along the axis that parts them most; negative if they overlap."""
    across = max(one.x_mm - other.x_mm - other.w_mm, other.x_mm - one.x_mm - one.w_mm)
    down = max(one.y_mm - other.y_mm - other.h_mm, other.y_mm - one.y_mm - one.h_mm)
    return max(across, down)


def box_name(box: BoxPlace) -> str:
    """A box as people find it: its question and option."""
    return f"{box.question}/{box.option}"


def _box_names(source: Source, sides: Sequence[Side]) -> Iterator[Fault]:
    """Boxes without an option, options without a box, and questions that spread over two sides."""
    placed = Counter(box_name(box) for side in sides for box in side.boxes)
    asked = {f"{question.id}/{option.code}" for question in source.questions for option in question.options}
    for name in sorted(asked - set(placed)):
        yield Fault(_("the box {box} is nowhere on the form.").format(box=name), name)
    for name, count in sorted(placed.items()):
        if name not in asked:
            yield Fault(_("the box {box} belongs to no option of the source.").format(box=name), name)
        elif count > 1:
            yield Fault(
                _("the box {box} stands on the form {count} times.").format(box=name, count=count), name
            )
    for question in source.questions:
        on = {side.number for side in sides for box in side.boxes if box.question == question.id}
        if len(on) > 1:
            yield Fault(_("the question {question} spreads over two sides.").format(question=question.id))


def _field_names(source: Source, sides: Sequence[Side]) -> Iterator[Fault]:
    declared = {field.id for field in source.fields}
    placed = {field.field for side in sides for field in side.fields}
    for name in sorted(declared - placed):
        yield Fault(_("the field {field} is nowhere on the form.").format(field=name))
    for name in sorted(placed - declared):
        yield Fault(_("the field {field} is not in the source.").format(field=name))


def _box_faults(side: Side, box: BoxPlace) -> Iterator[Fault]:
    name = box_name(box)
    if not inside(box.rect, side):
        yield Fault(_("side {side}: the box {box} leaves the page.").format(side=side.number, box=name), name)
    if not all(SMALLEST_BOX_MM <= length <= LARGEST_BOX_MM for length in (box.rect.w_mm, box.rect.h_mm)):
        reason = _("side {side}: the box {box} is not {least:g} to {most:g} mm wide and high.")
        limits = {"least": SMALLEST_BOX_MM, "most": LARGEST_BOX_MM}
        yield Fault(reason.format(side=side.number, box=name, **limits), name)


def _overlaps(side: Side) -> Iterator[Fault]:
    for one, other in combinations(side.boxes, 2):
        if gap_mm(one.rect, other.rect) < SMALLEST_GAP_MM:
            names = {"one": box_name(one), "other": box_name(other)}
            reason = _("side {side}: the boxes {one} and {other} overlap or touch.")
            yield Fault(reason.format(side=side.number, **names), names["other"])
