"""A scanned page and its smaller copies.

Positions are *continuous*: the top left corner of the image is (0, 0) and the first pixel's centre is
(0.5, 0.5), so that a copy at half the size has exactly half the coordinates. Only the sampling functions
of OpenCV, which count from pixel centres, need the half pixel taken off again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import cv2
import numpy as np

from ballotscan.vision.arrays import Floats, Grey

MM_PER_INCH = 25.4

A4_LONG_MM = 297.0

COARSE_DPI = 37.5
"""Text lines are still separate (a 10 pt line is 5 px) and a whole A4 side is 310 x 439 px."""

FINE_MIN_DPI = 140.0
"""Halved no further: a 0.3 mm outline keeps 1.6 px at 140 dpi. Reading at 150 dpi lost nothing against
300 dpi in the experiments of DECISIONS.md."""

PAPER_WINDOW_PX = 9
"""6 mm at 37.5 dpi: wider than any box (4 to 5 mm) and any printed stroke, so that closing leaves paper."""

SIGNAL_LIMIT = 100.0
"""Darkness is cut here so that a black border weighs no more than print."""


@dataclass(frozen=True)
class Page:
    """``fine`` is ``fine_scale`` times the scan's size, ``half`` half of that, ``coarse`` is the print
    signal (darkness beyond the local paper) at ``coarse_scale`` (x, y) times the scan's size, and ``paper``
    the local paper level at the same size."""

    width_px: int
    height_px: int
    fine: Grey
    fine_scale: float
    half: Grey
    coarse: Floats
    paper: Grey
    coarse_scale: tuple[float, float]


class Scan(Protocol):
    """A page as its file holds it: ``grey`` (H, W) may be decoded only when asked for; ``small`` is that or
    a half or a quarter of it, still fine enough to read; ``size_px`` is the width and height of ``grey``."""

    @property
    def size_px(self) -> tuple[int, int]: ...
    @property
    def small(self) -> Grey: ...
    @property
    def grey(self) -> Grey: ...


@dataclass(frozen=True)
class Picture:
    """Pixels that are at hand, as a scan."""

    grey: Grey

    @property
    def size_px(self) -> tuple[int, int]:
        return self.grey.shape[1], self.grey.shape[0]

    @property
    def small(self) -> Grey:
        return self.grey


def as_scan(pixels: Grey | Scan) -> Scan:
    """Pixels that are at hand, or a scan as it is."""
    return Picture(pixels) if isinstance(pixels, np.ndarray) else pixels


def make_page(pixels: Grey | Scan) -> Page:
    """Make the copies of a page, 0 black to 255 white, of any resolution from 100 dpi.

    The resolution is guessed from the long side being that of A4; the alignment finds the real one.
    """
    scan = as_scan(pixels)
    width, height = scan.size_px
    guessed_dpi = max(height, width) / A4_LONG_MM * MM_PER_INCH
    fine, fine_scale = scan.small, 1 / round(max(width, height) / max(scan.small.shape))
    while guessed_dpi * fine_scale / 2 >= FINE_MIN_DPI:
        fine, fine_scale = halve(fine), fine_scale / 2
    half = halve(fine)
    small = _to_coarse(half, guessed_dpi * fine_scale / 2)
    coarse, paper = print_signal(small)
    shrunk = (small.shape[1] / half.shape[1], small.shape[0] / half.shape[0])
    scale = (shrunk[0] * fine_scale / 2, shrunk[1] * fine_scale / 2)
    return Page(width, height, fine, fine_scale, half, coarse, paper, scale)


def _to_coarse(half: Grey, guessed_dpi: float) -> Grey:
    """The smallest copy, at COARSE_DPI or, where halving comes near that, simply halved: that is faster."""
    if abs(guessed_dpi / 2 / COARSE_DPI - 1) < NEAR_ENOUGH:
        return halve(half)
    scale = COARSE_DPI / guessed_dpi
    size = (max(1, round(half.shape[1] * scale)), max(1, round(half.shape[0] * scale)))
    return cv2.resize(half, size, interpolation=cv2.INTER_AREA)


NEAR_ENOUGH = 0.07
"""The size of the page is looked for in any case; this much more still fits the field of the spectra."""


def halve(grey: Any) -> Any:
    """Half the size, each pixel the mean of four. An odd last row or column is dropped: the exact halving
    is ten times as fast as the general one."""
    height, width = (grey.shape[0] // 2) * 2, (grey.shape[1] // 2) * 2
    return cv2.resize(grey[:height, :width], (width // 2, height // 2), interpolation=cv2.INTER_AREA)


def print_signal(small: Grey) -> tuple[Floats, Grey]:
    """Darkness of print and ink beyond the local paper (a black-hat), and that paper."""
    kernel = np.ones((PAPER_WINDOW_PX, PAPER_WINDOW_PX), np.uint8)
    paper = cv2.morphologyEx(small, cv2.MORPH_CLOSE, kernel)
    signal = cv2.subtract(paper, small).astype(np.float32)
    return np.minimum(signal, SIGNAL_LIMIT), paper
