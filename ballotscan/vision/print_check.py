"""Whether all that the form prints is really on the page: another edition prints something else somewhere."""

from __future__ import annotations

import cv2
import numpy as np

from ballotscan.vision.align import Alignment, flatten_half
from ballotscan.vision.page import Page

PRINTED = 60
"""Grey levels below white from which a pixel of the blank at 75 dpi counts as print."""

PRESENT = 0.3
"""Share of the blank's darkness that must be seen within 0.7 mm of it: toner half gone still shows that, and
a feed that stretches the page by 0.8 % stays within."""

WINDOW_PX = 13
"""4.4 mm at 75 dpi, a line of text: print is missed by the line, not by the speck."""

LEAST_PRINT, LEAST_MISSING = 0.08, 0.5
"""A window counts where this share of it is print, and as missing where this share of its print is gone:
other text covers a third of what was there by chance."""


def missing_print_mm2(page: Page, alignment: Alignment, print_dark: float) -> float:
    """Area in mm2 over which the blank's print is not to be seen. Ink upon print does not count: print below
    a stamp is still dark. ``print_dark`` is how dark this scan shows what the form prints black."""
    blank = alignment.reference.half
    seen = flatten_half(page, alignment)
    paper = cv2.dilate(seen, np.ones((15, 15), np.uint8))
    darkness = cv2.dilate(cv2.subtract(paper, seen), np.ones((5, 5), np.uint8)).astype(np.float32)
    wanted = (255 - blank).astype(np.float32) * (paper.astype(np.float32) / 255) * print_dark
    printed = blank < 255 - PRINTED
    gone = printed & (darkness < PRESENT * wanted)
    share = cv2.blur(printed.astype(np.float32), (WINDOW_PX, WINDOW_PX))
    lost = cv2.blur(gone.astype(np.float32), (WINDOW_PX, WINDOW_PX))
    missing = (share > LEAST_PRINT) & (lost > LEAST_MISSING * share)
    fx, fy = alignment.reference.tiles_half.px_per_mm
    return float(missing.sum() / fx / fy)
