"""Dust on the scanner's glass draws a line down the image, through print, paper and boxes alike.

A streak is dark, thin, exactly along the columns of the image, and there where the form prints nothing. It is
painted out before marks are measured, so that it is neither a mark nor hides one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from ballotscan.vision.align import Alignment, project
from ballotscan.vision.arrays import Bools, Grey, Indices
from ballotscan.vision.page import MM_PER_INCH, Page
from ballotscan.vision.reference import HALF_DPI

FLANK_PX = 3
"""A streak is darker than what lies 1 mm to its left and to its right."""

LEAST_CONTRAST = 4
"""Grey levels by which it must be darker: twice the noise of a scan at 75 dpi."""

WINDOW_MM = 60.0
LEAST_SHARE = 0.6
"""Looked for where a column is darker than its flanks over this share of 60 mm; a hand-drawn line is never
that straight, and printed lines are told by the next condition."""

EVERY_ROW = 3
"""One row in a millimetre is looked at."""

LEAST_FREE_SHARE, LEAST_FREE = 0.85, 15
"""Of the places in the window where the form prints nothing (at least so many), the share that is dark."""

WIDEN_PX = 1
"""Painted out with one column more on either side: the streak's soft edge."""


@dataclass(frozen=True)
class Streak:
    """Columns ``left`` to ``right`` (exclusive) and rows ``top`` to ``bottom`` of the half-size copy."""

    left: int
    right: int
    top: int
    bottom: int


def find_streaks(page: Page, alignment: Alignment) -> list[Streak]:
    """Every streak of the page, by column."""
    dark = _darker_than_flanks(page.half[::EVERY_ROW])
    window = round(WINDOW_MM * HALF_DPI / MM_PER_INCH / EVERY_ROW)
    share = cv2.blur(dark, (1, window), borderType=cv2.BORDER_CONSTANT)
    columns = np.flatnonzero(share.max(axis=0) > LEAST_SHARE * 255)
    if not columns.size:
        return []
    runs = np.split(columns, np.flatnonzero(np.diff(columns) > 1) + 1)
    places = [_darkest_column(share, run, window) for run in runs]
    free = _unprinted(page, alignment, places)
    return [
        Streak(int(run[0]) - WIDEN_PX, int(run[-1]) + 1 + WIDEN_PX, int(rows[0]) * EVERY_ROW,
               int(rows[-1] + 1) * EVERY_ROW)
        for run, (_column, rows), unprinted in zip(runs, places, free, strict=True)
        if _is_dark_throughout(dark[rows[0] : rows[-1] + 1, run[0] : run[-1] + 1], unprinted)
    ]  # fmt: skip


def _darker_than_flanks(half: Grey) -> Grey:
    """255 where a pixel is darker than both its flanks by the least contrast, else 0."""
    flanks = cv2.min(half[:, : -2 * FLANK_PX], half[:, 2 * FLANK_PX :])
    darker = cv2.subtract(flanks, half[:, FLANK_PX:-FLANK_PX])
    dark = np.zeros(half.shape, np.uint8)
    dark[:, FLANK_PX:-FLANK_PX] = cv2.threshold(darker, LEAST_CONTRAST, 255, cv2.THRESH_BINARY)[1]
    return dark


def _darkest_column(share: Grey, run: Indices, window: int) -> tuple[int, Indices]:
    """The darkest of neighbouring columns, and the rows over which it may be a streak."""
    part = share[:, run[0] : run[-1] + 1]
    column = int(part.max(axis=0).argmax())
    rows = np.flatnonzero(part[:, column] > LEAST_SHARE * 255)
    top, bottom = max(0, int(rows[0]) - window // 2), min(len(share), int(rows[-1]) + window // 2)
    return int(run[0]) + column, np.arange(top, bottom)


def _is_dark_throughout(dark: Grey, unprinted: Bools) -> bool:
    """Whether some columns are dark at nearly all places where the form prints nothing."""
    seen: Bools = np.asarray(dark.any(axis=1))[unprinted]
    return seen.size >= LEAST_FREE and float(seen.mean()) >= LEAST_FREE_SHARE


def _unprinted(page: Page, alignment: Alignment, places: list[tuple[int, Indices]]) -> list[Bools]:
    """Which rows of each column lie on the sheet, where the blank prints nothing within a millimetre."""
    reference = alignment.reference
    columns = np.repeat([column for column, _rows in places], [len(rows) for _column, rows in places])
    all_rows = np.concatenate([rows for _column, rows in places]) * EVERY_ROW
    points = (np.stack([columns, all_rows], axis=1) + 0.5) * 2 / page.fine_scale
    at = project(np.linalg.inv(alignment.matrix), points) * np.array(reference.tiles_half.px_per_mm)
    height, width = reference.unprinted.shape
    x, y = at[:, 0].astype(int), at[:, 1].astype(int)
    on_sheet = (x >= 0) & (y >= 0) & (x < width) & (y < height)
    free = on_sheet & reference.unprinted[y.clip(0, height - 1), x.clip(0, width - 1)]
    return np.split(free, np.cumsum([len(rows) for _column, rows in places])[:-1])


def paint_out(page: Page, streaks: list[Streak]) -> Page:
    """The page with every streak replaced by what lies beside it. The copies are new."""
    if not streaks:
        return page
    fine, half = page.fine.copy(), page.half.copy()
    for streak in streaks:
        _bridge(half, streak, 1)
        _bridge(fine, streak, 2)
    return replace(page, fine=fine, half=half)


def _bridge(image: Grey, streak: Streak, times: int) -> None:
    """Give each row of a streak the lighter of what lies to its left and right, in place.

    The lighter, because an outline or a letter may stand close beside the streak: ink is rather lost in
    these 0.7 mm than made up.
    """
    height, width = image.shape
    left, right = max(1, streak.left * times), min(width - 1, streak.right * times)
    rows = slice(streak.top * times, min(height, streak.bottom * times))
    image[rows, left:right] = np.maximum(image[rows, left - 1], image[rows, right])[:, None]
