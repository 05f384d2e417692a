"""The print as a printer or copier leaves it: toner, grown or shrunk lines, mottle, a copy of a copy."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from tests.simulator.conditions import Condition
from tests.simulator.hands import Rng


def _blotches(rng: Rng, shape: tuple[int, int], cell_px: int) -> NDArray[np.float32]:
    """Noise of unit spread with blotches about ``cell_px`` wide, (H, W)."""
    rows, columns = shape[0] // cell_px + 3, shape[1] // cell_px + 3
    noise = rng.normal(size=(rows, columns)).astype(np.float32)
    return cv2.resize(noise, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR)


def _grow(page: NDArray[np.uint8], gain: float) -> NDArray[np.uint8]:
    """Print grown (gain > 0) or shrunk, about ``gain`` px each side: blur, then a steeper curve shifted."""
    soft = cv2.GaussianBlur(page, (0, 0), 0.7 + abs(gain))
    levels = np.arange(256) / 255.0
    curve = 1 / (1 + np.exp(-9.0 * (levels - 0.5 - 0.35 * gain)))
    low, high = curve[0], curve[-1]
    return cv2.LUT(soft, ((curve - low) / (high - low) * 255).round().astype(np.uint8))


def print_page(page: NDArray[np.uint8], condition: Condition, rng: Rng) -> NDArray[np.uint8]:
    """``page`` is the master (H, W), 255 = paper. Gives the printed reflectance in the same scale."""
    gain = float(rng.uniform(*condition.line_gain))
    toner = float(rng.uniform(*condition.toner))
    mottle = float(rng.uniform(*condition.print_mottle))
    copied = rng.random() < condition.copied
    out = _grow(page, gain)
    if copied:
        out = _grow(out, float(rng.uniform(-0.3, 0.5)))
    light = np.arange(256) / 255.0
    out = cv2.LUT(out, ((toner + (1 - toner) * light) * 255).round().astype(np.uint8))
    if mottle > 0.01:
        shape = (out.shape[0], out.shape[1])
        fade = cv2.convertScaleAbs(_blotches(rng, shape, 8), alpha=mottle * 60)
        out = cv2.add(out, cv2.multiply(cv2.bitwise_not(out), fade, scale=1 / 255))
    if copied:
        out = _dirty(out, rng)
    return np.asarray(out, np.uint8)


def _dirty(page: NDArray[np.uint8], rng: Rng) -> NDArray[np.uint8]:
    """The grey veil and pepper of a copier's glass."""
    veil = float(rng.uniform(0.94, 1.0))
    out = cv2.convertScaleAbs(page, alpha=veil)
    for _ in range(int(rng.integers(20, 250))):
        x, y = int(rng.integers(out.shape[1])), int(rng.integers(out.shape[0]))
        cv2.circle(out, (x, y), int(rng.integers(0, 3)), int(rng.integers(60, 200)), -1)
    return np.asarray(out, np.uint8)
