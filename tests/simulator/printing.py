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
    out = _halftone(page, float(rng.uniform(*condition.halftone)), rng) if any(condition.halftone) else page
    out = _grow(out, gain)
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
    if any(condition.copy_border_mm):
        _black_border(out, condition.copy_border_mm, rng)
    return np.asarray(out, np.uint8)


def _halftone(page: NDArray[np.uint8], share: float, rng: Rng) -> NDArray[np.uint8]:
    """A tint of screened dots that takes ``share`` of the light; a coarser scan turns it into moire."""
    period_px = float(rng.uniform(3.0, 6.0))
    angle = float(rng.choice([0.0, 15.0, 45.0])) * np.pi / 180
    y, x = np.mgrid[0 : page.shape[0], 0 : page.shape[1]].astype(np.float32)
    one = np.cos(2 * np.pi / period_px * (x * np.cos(angle) + y * np.sin(angle)))
    other = np.cos(2 * np.pi / period_px * (y * np.cos(angle) - x * np.sin(angle)))
    dots = (one + other) / 2 > 1 - 2.2 * share
    return np.asarray(np.where(dots, np.minimum(page, 60), page), np.uint8)


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
