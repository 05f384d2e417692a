"""Contact sheets: boxes cut out of scans, many to a page, each with its caption and a frame in its colour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from ballotscan.forms.form import Rect, Side
from ballotscan.model import Mark, SideReading
from ballotscan.vision.arrays import Grey
from ballotscan.vision.flat import cut_out
from ballotscan.vision.overlay import COLOURS, LINE_OF_HEAD_PX, Verdict, letters
from ballotscan.vision.page import MM_PER_INCH

CROP_MM, CROP_PX = 8.0, 64
"""A box of 4 mm with 2 mm around it, at 203 dpi: as sharp as most scans are."""

COLUMNS, ROWS = 16, 17
PER_PAGE = COLUMNS * ROWS
CELL_W_PX, CELL_H_PX = 76, 96
MARGIN_PX = 20
FRAME_PX = 3
CAPTION_PX = 10


@dataclass(frozen=True, slots=True)
class Caption:
    """What stands below a crop, and what was made of the box."""

    score: str
    place: str
    verdict: Verdict


def cut_boxes(scan: Grey, side: Side, reading: SideReading, marks: Sequence[Mark]) -> Grey:
    """The marks' boxes where they were found, as pictures (N, CROP_PX, CROP_PX); white beyond the scan."""
    matrix = np.array(reading.map_px).reshape(3, 3)
    places = {(place.question, place.option): place.rect for place in side.boxes}
    crops = [
        cut_out(
            scan, matrix, _around(places[mark.question, mark.option], mark), CROP_PX / CROP_MM * MM_PER_INCH
        )
        for mark in marks
    ]
    return np.stack(crops) if crops else np.empty((0, CROP_PX, CROP_PX), np.uint8)


def _around(rect: Rect, mark: Mark) -> Rect:
    """The square of CROP_MM around a box; a larger box shows its middle."""
    x_mm = rect.x_mm + rect.w_mm / 2 + mark.shift_x_mm
    y_mm = rect.y_mm + rect.h_mm / 2 + mark.shift_y_mm
    return Rect(x_mm - CROP_MM / 2, y_mm - CROP_MM / 2, CROP_MM, CROP_MM)


def draw_contact_sheet(crops: Grey, captions: Sequence[Caption], head: Sequence[str]) -> Image.Image:
    """One page of at most PER_PAGE crops (N, CROP_PX, CROP_PX), in rows from the top left."""
    top = MARGIN_PX + LINE_OF_HEAD_PX * len(head)
    size = (2 * MARGIN_PX + COLUMNS * CELL_W_PX, top + ROWS * CELL_H_PX + MARGIN_PX)
    page = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(page)
    for number, line in enumerate(head):
        draw.text(
            (MARGIN_PX, MARGIN_PX // 2 + number * LINE_OF_HEAD_PX), line, fill="black", font=letters(15)
        )
    font = letters(CAPTION_PX)
    for number, (crop, caption) in enumerate(zip(crops, captions, strict=True)):
        row, column = divmod(number, COLUMNS)
        left, upper = MARGIN_PX + column * CELL_W_PX, top + row * CELL_H_PX
        colour = COLOURS[caption.verdict]
        draw.rectangle(
            (left, upper, left + CROP_PX + 2 * FRAME_PX, upper + CROP_PX + 2 * FRAME_PX), fill=colour
        )
        page.paste(Image.fromarray(np.asarray(crop)), (left + FRAME_PX, upper + FRAME_PX))
        below = upper + CROP_PX + 2 * FRAME_PX
        draw.text((left, below), caption.score, fill=colour, font=font)
        draw.text((left, below + CAPTION_PX + 1), caption.place, fill="black", font=font)
    return page
