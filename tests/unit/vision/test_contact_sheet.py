"""Contact sheets: each box is cut where it was found, and the border lies where verdicts part."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ballotscan.forms.form import BoxPlace, Rect, Side
from ballotscan.gallery import _border
from ballotscan.vision.contact_sheet import (
    CROP_MM,
    CROP_PX,
    PER_PAGE,
    Caption,
    cut_boxes,
    draw_contact_sheet,
)
from ballotscan.vision.overlay import COLOURS
from tests.unit.store.makers import mark, side_reading

PX_PER_MM = 8.0


@pytest.mark.parametrize("shift_mm", [0.0, 1.5])
def test_a_box_is_cut_where_it_was_found(shift_mm: float) -> None:
    scan = np.full((400, 600), 255, np.uint8)
    left, top = round((30 + shift_mm) * PX_PER_MM), round(20 * PX_PER_MM)
    scan[top : top + 32, left : left + 32] = 0
    side = Side(1, 75, 50, (BoxPlace("1", "1", Rect(30, 20, 4, 4)),), ())
    found = replace(mark(), shift_x_mm=shift_mm, shift_y_mm=0.0)
    reading = replace(side_reading(marks=(found,)), map_px=(PX_PER_MM, 0, 0, 0, PX_PER_MM, 0, 0, 0, 1))
    (crop,) = cut_boxes(scan, side, reading, reading.marks)
    assert crop.shape == (CROP_PX, CROP_PX)
    rows, columns = np.nonzero(crop < 128)
    middle, half = CROP_PX / 2 - 0.5, 2 * CROP_PX / CROP_MM
    assert (rows.mean(), columns.mean()) == pytest.approx((middle, middle), abs=1)
    assert rows.max() - rows.min() + 1 == pytest.approx(2 * half, abs=2)


def test_beyond_the_scan_is_white() -> None:
    side = Side(1, 75, 50, (BoxPlace("1", "1", Rect(900, 20, 4, 4)),), ())
    reading = side_reading(marks=(mark(),))
    assert cut_boxes(np.zeros((50, 50), np.uint8), side, reading, reading.marks).min() == 255


def test_a_page_shows_every_crop_in_its_colour() -> None:
    crops = np.full((PER_PAGE, CROP_PX, CROP_PX), 200, np.uint8)
    captions = [Caption("1.0", "12 A5.3", "chosen" if number else "doubtful") for number in range(PER_PAGE)]
    page = draw_contact_sheet(crops, captions, ["one", "two"])
    shown = {colour: count for count, colour in page.getcolors(1 << 20) or ()}
    assert shown[200, 200, 200] >= PER_PAGE * CROP_PX**2
    assert 700 <= shown[COLOURS["doubtful"]] < 1400
    assert shown[COLOURS["chosen"]] >= 700 * (PER_PAGE - 1)
    assert COLOURS["empty"] not in shown


@pytest.mark.parametrize(
    ("verdicts", "border"),
    [
        ("eeecc", 3),
        ("eeeddcc", 4),
        ("ecececcc", 3),
        ("eee", 3),
        ("ccc", 0),
        ("dd", 1),
    ],
)
def test_the_border(verdicts: str, border: int) -> None:
    codes = np.array(["edc".index(letter) for letter in verdicts], np.uint8)
    assert _border(codes) == border
