"""Known ink on the blank, measured."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from ballotscan.forms.load import shipped_templates
from ballotscan.forms.prints import load_print
from ballotscan.model import Mark
from ballotscan.vision.align import align
from ballotscan.vision.marks import measure_marks
from ballotscan.vision.page import make_page
from ballotscan.vision.reference import Reference, build_references
from ballotscan.vision.streaks import find_streaks, paint_out

PX_PER_MM = 300 / 25.4


@cache
def reference() -> Reference:
    return build_references(load_print(shipped_templates() / "appendix-i"))[1]


def measured(picture: NDArray[np.uint8]) -> dict[tuple[str, str], Mark]:
    page = make_page(picture)
    found = align(page, [reference()])
    assert found is not None
    return {(mark.question, mark.option): mark for mark in measure_marks(page, found).marks}


def drawn(kind: str, grey: int = 40, box: int = 12) -> tuple[tuple[str, str], dict[tuple[str, str], Mark]]:
    """One mark of a kind in one box of a blank, 0.5 mm thick."""
    place = reference().side.boxes[box]
    picture = reference().blank.copy()
    left, top = place.rect.x_mm * PX_PER_MM, place.rect.y_mm * PX_PER_MM
    right, bottom = left + place.rect.w_mm * PX_PER_MM, top + place.rect.h_mm * PX_PER_MM
    inset = 8
    a, b = (round(left) + inset, round(top) + inset), (round(right) - inset, round(bottom) - inset)
    c, d = (round(left) + inset, round(bottom) - inset), (round(right) - inset, round(top) + inset)
    middle = (round((left + right) / 2), round((top + bottom) / 2))
    if kind in ("cross", "slash"):
        cv2.line(picture, c, d, grey, 6, cv2.LINE_AA)
    if kind == "cross":
        cv2.line(picture, a, b, grey, 6, cv2.LINE_AA)
    if kind == "fill":
        cv2.rectangle(picture, a, b, grey, -1)
    if kind == "circle":
        cv2.circle(picture, middle, round(right - left) * 85 // 100, grey, 6, cv2.LINE_AA)
    if kind == "dot":
        cv2.circle(picture, middle, 4, grey, -1, cv2.LINE_AA)
    return (place.question, place.option), measured(picture)


def test_an_empty_form_has_no_ink() -> None:
    for mark in measured(reference().blank).values():
        assert abs(mark.ink) < 0.01 and mark.peak < 0.03 and mark.ring_peak < 0.05
        assert mark.outline > 0.9 and mark.weakest_side > 0.8 and mark.held == 1


@pytest.mark.parametrize(("kind", "least_ink"), [("slash", 0.08), ("cross", 0.15), ("fill", 0.6)])
def test_marks_inside_a_box_show_there_and_nowhere_else(kind: str, least_ink: float) -> None:
    where, marks = drawn(kind)
    assert marks[where].ink > least_ink and marks[where].extent > 0.8
    assert max(abs(mark.ink) for key, mark in marks.items() if key != where) < 0.01


def test_more_ink_is_more() -> None:
    inks = [drawn(kind)[1][reference().side.boxes[12].question, reference().side.boxes[12].option].ink
            for kind in ("dot", "slash", "cross", "fill")]  # fmt: skip
    assert inks == sorted(inks)


def test_a_circle_is_seen_all_round_and_not_inside() -> None:
    where, marks = drawn("circle")
    assert marks[where].encircled > 0.4 and abs(marks[where].ink) < 0.02
    assert max(mark.encircled for key, mark in marks.items() if key != where) < 0.1


def test_the_same_mark_measures_the_same_in_the_first_and_the_last_box() -> None:
    """No box of a row is treated differently (VVSG 2.0, 1.1.6-J)."""
    row = [index for index, place in enumerate(reference().side.boxes) if place.question == "B3_1"]
    inks = []
    for index in row:
        where, marks = drawn("cross", 90, index)
        inks.append(marks[where].ink)
    assert max(inks) - min(inks) < 0.02


def test_ink_is_counted_against_the_print_not_against_black() -> None:
    """A scan with half the contrast gives the same numbers."""
    where, marks = drawn("cross")
    picture = reference().blank.copy()
    pale = (255 - (255 - picture.astype(np.float32)) * 0.5).astype(np.uint8)
    place = reference().side.boxes[12]
    left, top = (round(v * PX_PER_MM) for v in (place.rect.x_mm, place.rect.y_mm))
    side = round(place.rect.w_mm * PX_PER_MM)
    grey = 255 - (255 - 40) // 2
    cv2.line(pale, (left + 8, top + side - 8), (left + side - 8, top + 8), grey, 6, cv2.LINE_AA)
    cv2.line(pale, (left + 8, top + 8), (left + side - 8, top + side - 8), grey, 6, cv2.LINE_AA)
    assert measured(pale)[where].ink == pytest.approx(marks[where].ink, abs=0.03)


def test_a_box_painted_over_has_lost_its_outline() -> None:
    place = reference().side.boxes[12]
    picture = reference().blank.copy()
    left, top = (round(v * PX_PER_MM) for v in (place.rect.x_mm, place.rect.y_mm))
    side = round(place.rect.w_mm * PX_PER_MM)
    picture[top - 20 : top + side + 20, left - 20 : left + side // 2] = 255
    assert measured(picture)[place.question, place.option].weakest_side < 0.2


def test_a_dust_streak_is_painted_out_and_a_mark_below_it_stays() -> None:
    where, plain = drawn("cross")
    place = reference().side.boxes[12]
    picture = reference().blank.copy()
    left, top = (round(v * PX_PER_MM) for v in (place.rect.x_mm, place.rect.y_mm))
    side = round(place.rect.w_mm * PX_PER_MM)
    cv2.line(picture, (left + 8, top + side - 8), (left + side - 8, top + 8), 40, 6, cv2.LINE_AA)
    cv2.line(picture, (left + 8, top + 8), (left + side - 8, top + side - 8), 40, 6, cv2.LINE_AA)
    column = left + side // 2 + 6
    picture[:, column : column + 4] = np.minimum(picture[:, column : column + 4], 120)
    page = make_page(picture)
    found = align(page, [reference()])
    assert found is not None
    streaks = find_streaks(page, found)
    assert len(streaks) == 1 and abs(streaks[0].left - column / 4) < 4
    marks = {(m.question, m.option): m for m in measure_marks(paint_out(page, streaks), found).marks}
    assert 0.5 * plain[where].ink < marks[where].ink < 1.1 * plain[where].ink
    same_column = [m for key, m in marks.items() if key != where and key[1] == place.option]
    assert max(mark.ink for mark in same_column) < 0.02


def test_a_printed_table_line_is_no_streak() -> None:
    page = make_page(reference().blank)
    found = align(page, [reference()])
    assert found is not None
    assert find_streaks(page, found) == []
