"""A picture of what was seen: the page laid upright, every box with its score and what was made of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Literal

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ballotscan.forms.form import Form, Rect, Side
from ballotscan.model import SideReading
from ballotscan.privacy import WRITTEN_IN
from ballotscan.vision.arrays import Grey
from ballotscan.vision.flat import cut_out, grown
from ballotscan.vision.page import MM_PER_INCH

Verdict = Literal["chosen", "empty", "doubtful"]

OVERLAY_DPI = 150.0

COLOURS: Mapping[Verdict, tuple[int, int, int]] = {
    "chosen": (0, 120, 40),
    "empty": (110, 150, 200),
    "doubtful": (200, 30, 30),
}
FIELD_COLOUR = (150, 110, 0)
MASK_GREY = 200
MASK_MARGIN_MM = 3.0
"""Letters hang below a ruled line and stand out at its ends; boxes lie further away than that."""

LINE_PX = 3
LETTER_PX = 13
LINE_OF_HEAD_PX = 22


def mask_fields(scan: Grey, form: Form, reading: SideReading) -> Grey:
    """The scan with every field that people write in painted over: what they wrote may say who they are."""
    masked = scan.copy()
    matrix = np.array(reading.map_px).reshape(3, 3)
    written_in = {field.id for field in form.fields if field.kind in WRITTEN_IN}
    for place in form.sides[reading.side - 1].fields:
        if place.field not in written_in:
            continue
        area = grown(place.rect, MASK_MARGIN_MM)
        corners = [[x, y, 1.0] for x, y in _corners(area)]
        at_px = np.array(corners) @ matrix.T
        cv2.fillConvexPoly(masked, np.round(at_px[:, :2] / at_px[:, 2:]).astype(np.int32), MASK_GREY)
    return masked


def _corners(rect: Rect) -> tuple[tuple[float, float], ...]:
    right, bottom = rect.x_mm + rect.w_mm, rect.y_mm + rect.h_mm
    return (rect.x_mm, rect.y_mm), (right, rect.y_mm), (right, bottom), (rect.x_mm, bottom)


def draw_overlay(
    scan: Grey,
    side: Side,
    reading: SideReading,
    verdicts: Mapping[tuple[str, str], Verdict],
    head: Sequence[str],
) -> bytes:
    """The side as a PNG at 150 dpi, ``head`` in lines above it.

    Each box is outlined where it was found, with its ink in hundredths of the sheet's own print; ``verdicts``
    by (question, option) give the colour.
    """
    matrix = np.array(reading.map_px).reshape(3, 3)
    flat = cut_out(scan, matrix, Rect(0, 0, side.width_mm, side.height_mm), OVERLAY_DPI)
    picture = Image.fromarray(cv2.cvtColor(flat, cv2.COLOR_GRAY2RGB))
    draw = ImageDraw.Draw(picture)
    small = letters(LETTER_PX)
    marks = {(mark.question, mark.option): mark for mark in reading.marks}
    for place in side.boxes:
        mark = marks[place.question, place.option]
        colour = COLOURS[verdicts.get((place.question, place.option), "doubtful")]
        left, top, right, bottom = _px(place.rect, mark.shift_x_mm, mark.shift_y_mm)
        box = (left - LINE_PX, top - LINE_PX, right + LINE_PX, bottom + LINE_PX)
        draw.rectangle(box, outline=colour, width=LINE_PX if colour != COLOURS["empty"] else 1)
        draw.text((left, bottom + LINE_PX), f"{100 * mark.ink:.0f}", fill=colour, font=small)
    for field in side.fields:
        draw.rectangle(_px(field.rect, 0, 0), outline=FIELD_COLOUR)
    return _with_head(picture, head)


def _px(rect: Rect, shift_x_mm: float, shift_y_mm: float) -> tuple[float, float, float, float]:
    scale = OVERLAY_DPI / MM_PER_INCH
    left, top = (rect.x_mm + shift_x_mm) * scale, (rect.y_mm + shift_y_mm) * scale
    return left, top, left + rect.w_mm * scale, top + rect.h_mm * scale


def _with_head(picture: Image.Image, head: Sequence[str]) -> bytes:
    from io import BytesIO

    above = LINE_OF_HEAD_PX * len(head) + 10
    whole = Image.new("RGB", (picture.width, picture.height + above), "white")
    whole.paste(picture, (0, above))
    draw = ImageDraw.Draw(whole)
    for number, line in enumerate(head):
        draw.text((10, 5 + number * LINE_OF_HEAD_PX), line, fill="black", font=letters(16))
    buffer = BytesIO()
    whole.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


@cache
def letters(size_px: int) -> ImageFont.FreeTypeFont:
    """The forms' own font at a size in pixels; it has every Vietnamese letter."""
    font = files("fontpkg_be_vietnam_pro") / "files" / "BeVietnamPro-Medium.ttf"
    return ImageFont.truetype(str(font), size_px)
