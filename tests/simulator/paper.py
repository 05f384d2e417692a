"""The sheet of paper: tone, unevenness, specks, folds, and the other side coming through.

Everything works in place or by value on one channel of the composed page: (H, W) reflectance, 255 = white.
``dpi`` is the page's.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from tests.simulator.conditions import Condition
from tests.simulator.hands import Rng

Page = NDArray[np.uint8]
Veil = NDArray[np.float32]

SHADE_PX = 16
"""Shading is kept at this part of the page's size; it changes over centimetres."""

MM_PER_INCH = 25.4


def show_through(page: Page, other: Page, share: float) -> Page:
    """The other side's darkness, mirrored and blurred by the paper, at ``share`` of its strength."""
    small = cv2.resize(other, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    soft = cv2.flip(cv2.GaussianBlur(small, (0, 0), 1.2), 1)
    pale = cv2.convertScaleAbs(soft, alpha=share, beta=255 * (1 - share))
    veil = cv2.resize(pale, (page.shape[1], page.shape[0]), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.multiply(page, veil, scale=1 / 255), np.uint8)


def bleed_through(page: Page, other_ink: Page, share: float) -> Page:
    """Ink that soaks through: the other side's strokes alone, mirrored, in spots where the paper drank most.

    ``other_ink`` is 255 where the other side has no ink.
    """
    veil = cv2.flip(cv2.GaussianBlur(other_ink, (0, 0), 2.0), 1)
    taken = np.clip((255 - veil.astype(np.float32)) * 1.3 - 60, 0, 255) * share
    return np.asarray(page * (1 - taken / 255), np.uint8)


def _shade(rng: Rng, shape: tuple[int, ...], depth: float) -> Veil:
    """Slow unevenness of tone over the page: the share of light that stays, at a SHADE_PX-th of its size."""
    size = (shape[1] // SHADE_PX, shape[0] // SHADE_PX)
    field = cv2.resize(rng.normal(size=(5, 4)).astype(np.float32), size, interpolation=cv2.INTER_CUBIC)
    return np.asarray(1 - depth * (0.5 + 0.5 * np.clip(field, -1, 1)), np.float32)


def _specks(page: Page, rng: Rng, count: int, dpi: int) -> None:
    """Dust and fibres, 0.1 to 0.4 mm."""
    for _ in range(count):
        x, y = int(rng.integers(page.shape[1])), int(rng.integers(page.shape[0]))
        radius = max(1, round(float(rng.uniform(0.04, 0.15)) * dpi / MM_PER_INCH))
        level = int(rng.integers(70, 210))
        patch = page[max(0, y - radius) : y + radius, max(0, x - radius) : x + radius]
        np.minimum(patch, level, out=patch)


def _fold(page: Page, at_px: int, across: bool, strength: float, rng: Rng) -> None:
    """A crease: a bright and a dark line side by side, a pixel or two wide each, broken here and there."""
    length = page.shape[1] if across else page.shape[0]
    width = int(rng.integers(1, 4))
    rough = 1 + 0.5 * rng.normal(size=(length // 16 + 2))
    along = np.repeat(np.clip(rough, 0, 2), 16)[:length] * strength
    band = page[at_px : at_px + width, :] if across else page[:, at_px : at_px + width].T
    band[:] = np.clip(band * (1 - along), 0, 255).astype(np.uint8)


def age_paper(page: Page, condition: Condition, rng: Rng, dpi: int) -> Veil | None:
    """Specks and folds, in place. Gives the slow shading, if any, which is laid on when the page is lit; the
    tone itself is laid on by the scanner's curve."""
    depth = float(rng.uniform(*condition.shading))
    veil = _shade(rng, page.shape, depth) if depth > 0.003 else None
    _specks(page, rng, int(rng.uniform(*condition.specks)), dpi)
    if rng.random() < condition.fold_share:
        for part, across in ((0.5, True), (0.25, True), (0.75, True), (0.5, False)):
            if rng.random() < 0.45:
                size = page.shape[0] if across else page.shape[1]
                at_px = int(size * part + rng.normal(0, 0.012 * size))
                _fold(page, at_px, across, float(rng.uniform(*condition.fold_strength)), rng)
    return veil
