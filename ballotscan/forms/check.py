"""Whether the places of a form's boxes can be read at all: on the paper, apart, and one for each option."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
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


def check_sides(place: Path, source: Source, sides: Sequence[Side]) -> None:
    """Raise ``TemplateError`` for the first fault of the geometry, naming file, side and box."""
    for fault in find_faults(source, sides):
        raise TemplateError(f"{place}:1: {fault}", _("Change the layout or the list of boxes."))


def find_faults(source: Source, sides: Sequence[Side]) -> Iterator[str]:
    """Every fault as a sentence: what is missing, doubled, off the page, too small or too near."""
    if [side.number for side in sides] != list(range(1, source.sides + 1)):
        yield _("{stated} sides are stated, {found} found.").format(stated=source.sides, found=len(sides))
    yield from _amiss(source, sides)
    for side in sides:
        for box in side.boxes:
            yield from _box_faults(side, box)
        for field in side.fields:
            if not inside(field.rect, side):
                yield _("side {side}: the field {field} leaves the page.").format(
                    side=side.number, field=field.field
                )
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


def _amiss(source: Source, sides: Sequence[Side]) -> Iterator[str]:
    """Boxes without an option, options without a box, and questions that spread over two sides."""
    placed = Counter((box.question, box.option) for side in sides for box in side.boxes)
    asked = {(question.id, option.code) for question in source.questions for option in question.options}
    for question, option in sorted(asked - set(placed)):
        yield _("the box {box} is nowhere on the form.").format(box=f"{question}/{option}")
    for (question, option), count in sorted(placed.items()):
        if (question, option) not in asked:
            yield _("the box {box} belongs to no option of the source.").format(box=f"{question}/{option}")
        elif count > 1:
            yield _("the box {box} stands on the form {count} times.").format(
                box=f"{question}/{option}", count=count
            )
    fields = {field.id for field in source.fields}
    laid = {field.field for side in sides for field in side.fields}
    for name in sorted(fields - laid):
        yield _("the field {field} is nowhere on the form.").format(field=name)
    for name in sorted(laid - fields):
        yield _("the field {field} is not in the source.").format(field=name)
    for asked_question in source.questions:
        on = {side.number for side in sides for box in side.boxes if box.question == asked_question.id}
        if len(on) > 1:
            yield _("the question {question} spreads over two sides.").format(question=asked_question.id)


def _box_faults(side: Side, box: BoxPlace) -> Iterator[str]:
    where = {"side": side.number, "box": box_name(box)}
    if not inside(box.rect, side):
        yield _("side {side}: the box {box} leaves the page.").format(**where)
    if not all(SMALLEST_BOX_MM <= length <= LARGEST_BOX_MM for length in (box.rect.w_mm, box.rect.h_mm)):
        yield _("side {side}: the box {box} is not {least:g} to {most:g} mm wide and high.").format(
            least=SMALLEST_BOX_MM, most=LARGEST_BOX_MM, **where
        )


def _overlaps(side: Side) -> Iterator[str]:
    for one, other in combinations(side.boxes, 2):
        if gap_mm(one.rect, other.rect) < SMALLEST_GAP_MM:
            yield _("side {side}: the boxes {one} and {other} overlap or touch.").format(
                side=side.number, one=box_name(one), other=box_name(other)
            )
