"""Fields of chance, made once: every page takes a window of them from a place of its own."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from tests.simulator.hands import Rng

SIZE_PX = (4096, 3072)
"""Rows and columns: larger than A4 at 300 dpi."""

NOISE_UNIT, NOISE_MIDDLE = 20, 128
"""Levels of ``noise`` that are one spread, and its level of no noise: it is cut off at six spreads."""

BLOTCH_UNIT = 60
"""Levels of ``blotches`` that are one spread."""

BLOTCH_PX = 8


@cache
def noise() -> NDArray[np.uint8]:
    """Noise, a little correlated along rows as a scanner's is."""
    drawn = np.random.default_rng(4003).standard_normal(size=SIZE_PX, dtype=np.float32)
    drawn += 0.5 * np.roll(drawn, 1, axis=1)
    levels = drawn * (NOISE_UNIT / drawn.std()) + NOISE_MIDDLE
    return np.asarray(np.clip(np.rint(levels), 0, 255), np.uint8)


@cache
def blotches() -> NDArray[np.uint8]:
    """How far smooth noise is from its mean, with blotches about BLOTCH_PX wide."""
    rng = np.random.default_rng(4004)
    coarse = rng.standard_normal((SIZE_PX[0] // BLOTCH_PX, SIZE_PX[1] // BLOTCH_PX), dtype=np.float32)
    smooth = cv2.resize(coarse, SIZE_PX[::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.convertScaleAbs(smooth, alpha=BLOTCH_UNIT), np.uint8)


def window(field: NDArray[np.uint8], rng: Rng, height: int, width: int) -> NDArray[np.uint8]:
    """A window (height, width) from a place of its own; a page too large for the field gets it several
    times over."""
    if height > field.shape[0] - 64 or width > field.shape[1] - 64:
        field = np.tile(field, (height // field.shape[0] + 2, width // field.shape[1] + 2))
    top, left = int(rng.integers(field.shape[0] - height)), int(rng.integers(field.shape[1] - width))
    return field[top : top + height, left : left + width]
