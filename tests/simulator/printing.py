"""The print as a printer or copier leaves it: toner, grown or shrunk lines, mottle, a copy of a copy."""

from __future__ import annotations

from collections import OrderedDict

import cv2
import numpy as np
from numpy.typing import NDArray

from tests.simulator.conditions import Condition
from tests.simulator.fields import BLOTCH_UNIT, blotches, window
from tests.simulator.hands import Rng

GAIN_STEP_PX = 0.05
"""Growth of the print is drawn in steps of 0.004 mm, so that one grown print serves many sheets."""

MOST_KEPT = 48
"""Grown prints kept in memory, 9 MB each for A4 at 300 dpi."""

_kept: OrderedDict[tuple[int, float], tuple[NDArray[np.uint8], NDArray[np.uint8]]] = OrderedDict()


def _grow(page: NDArray[np.uint8], gain: float) -> NDArray[np.uint8]:
    """Print grown (gain > 0) or shrunk, about ``gain`` px each side: blur, then a steeper curve shifted."""
    soft = cv2.GaussianBlur(page, (0, 0), 0.7 + abs(gain))
    levels = np.arange(256) / 255.0
    curve = 1 / (1 + np.exp(-9.0 * (levels - 0.5 - 0.35 * gain)))
    low, high = curve[0], curve[-1]
    return cv2.LUT(soft, ((curve - low) / (high - low) * 255).round().astype(np.uint8))


def _grown_dark(page: NDArray[np.uint8], gain: float) -> NDArray[np.uint8]:
    """Darkness of ``page`` grown by ``gain``; kept for the next sheet of the same page."""
    key = (id(page), gain)
    if key not in _kept:
        _kept[key] = (
            page,
            cv2.bitwise_not(_grow(page, gain)),
        )  # the page is held so that its id stays its own
        if len(_kept) > MOST_KEPT:
            _kept.popitem(last=False)
    _kept.move_to_end(key)
    return _kept[key][1]


def print_page(page: NDArray[np.uint8], condition: Condition, rng: Rng) -> NDArray[np.uint8]:
    """``page`` is the master (H, W), 255 = paper. Gives the printed reflectance in the same scale."""
    gain = round(float(rng.uniform(*condition.line_gain)) / GAIN_STEP_PX) * GAIN_STEP_PX
    toner = float(rng.uniform(*condition.toner))
    mottle = float(rng.uniform(*condition.print_mottle))
    copied = rng.random() < condition.copied
    if any(condition.halftone):
        screened = _halftone(page, float(rng.uniform(*condition.halftone)), rng)
        dark = cv2.bitwise_not(_grow(screened, gain))
    else:
        dark = _grown_dark(page, gain)
    if copied:
        dark = cv2.bitwise_not(_grow(cv2.bitwise_not(dark), float(rng.uniform(-0.3, 0.5))))
    if mottle > 0.01:
        fade = window(blotches(), rng, *dark.shape)
        stays = cv2.convertScaleAbs(fade, alpha=-mottle * 60 / BLOTCH_UNIT, beta=255)
        dark = cv2.multiply(dark, stays, scale=(1 - toner) / 255)
    else:
        dark = cv2.convertScaleAbs(dark, alpha=1 - toner)
    out = cv2.bitwise_not(dark)
    if copied:
        out = _dirty(out, rng)
    if any(condition.copy_border_mm):
        _black_border(out, condition.copy_border_mm, rng)
    return np.asarray(out, np.uint8)


def _halftone(page: NDArray[np.uint8], share: float, rng: Rng) -> NDArray[np.uint8]:
    """A tint of screened dots that takes ``share`` of the light; a coarser scan turns it into moire."""
    period_px = float(rng.uniform(3.0, 6.0))
    angle = float(rng.choice([0.0, 15.0, 45.0])) * np.pi / 180
    across, down = (
        2 * np.pi / period_px * part * np.arange(max(page.shape), dtype=np.float32)
        for part in (np.cos(angle), np.sin(angle))
    )
    dots = _wave(across, down, page.shape) + _wave(-down, across, page.shape) > 2 * (1 - 2.2 * share)
    return np.asarray(cv2.min(page, np.where(dots, np.uint8(60), np.uint8(255))), np.uint8)


def _wave(
    by_x: NDArray[np.float32], by_y: NDArray[np.float32], shape: tuple[int, ...]
) -> NDArray[np.float32]:
    """cos(by_x + by_y) over the page (H, W), from cosines and sines of its columns and rows."""
    columns, rows = by_x[None, : shape[1]], by_y[: shape[0], None]
    return np.asarray(np.cos(rows) * np.cos(columns) - np.sin(rows) * np.sin(columns), np.float32)


def _black_border(page: NDArray[np.uint8], widths_mm: tuple[float, float], rng: Rng) -> None:
    """What a copier's open lid prints round the sheet, at one to four edges, in place."""
    height, width = page.shape
    level = int(rng.integers(25, 60))
    for edge in rng.permutation(4)[: int(rng.integers(1, 5))]:
        wide = int(float(rng.uniform(*widths_mm)) / 210 * width)
        parts = (np.s_[:wide], np.s_[height - wide :], np.s_[:, :wide], np.s_[:, width - wide :])
        page[parts[int(edge)]] = level


def _dirty(page: NDArray[np.uint8], rng: Rng) -> NDArray[np.uint8]:
    """The grey veil and pepper of a copier's glass."""
    veil = float(rng.uniform(0.94, 1.0))
    out = cv2.convertScaleAbs(page, alpha=veil)
    for _ in range(int(rng.integers(20, 250))):
        x, y = int(rng.integers(out.shape[1])), int(rng.integers(out.shape[0]))
        cv2.circle(out, (x, y), int(rng.integers(0, 3)), int(rng.integers(60, 200)), -1)
    return np.asarray(out, np.uint8)
