"""Small pictures around each box, taken straight from the scan through the alignment.

The page is never flattened for reading: only the boxes and what surrounds them are sampled, in millimetres.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ballotscan.vision.arrays import Floats, Grey

STEP_MM = 0.2
"""Sampling step. 0.25 mm read as well as 0.17 mm in the experiments of DECISIONS.md; 0.2 mm keeps two
samples on the thinnest pen line (0.4 mm)."""


@dataclass(frozen=True)
class Grid:
    """A square of samples around a centre: ``offsets_mm`` (size * size, 2), rows first."""

    size: int
    offsets_mm: Floats


def make_grid(half_mm: float) -> Grid:
    """Samples from ``-half_mm`` to ``half_mm`` in both directions, one of them on the centre."""
    reach = int(np.ceil(half_mm / STEP_MM))
    steps = np.arange(-reach, reach + 1) * STEP_MM
    x, y = np.meshgrid(steps, steps)
    return Grid(len(steps), np.stack([x.ravel(), y.ravel()], axis=1).astype(np.float32))


def sample(
    image: Grey,
    centres_px: Floats,
    mm_to_px: Floats,
    grid: Grid,
) -> Grey:
    """Grey patches (N, size, size) around ``centres_px`` (N, 2, continuous px of ``image``).

    ``mm_to_px`` (N, 2, 2) is the local map of a step in mm to a step in px. Outside the image the nearest
    pixel is repeated; ``inside_share`` tells how much of a patch is real.
    """
    where = _where(centres_px, mm_to_px, grid)
    patches = cv2.remap(
        image, where[..., 0], where[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return patches.reshape(len(centres_px), grid.size, grid.size)


def _where(centres_px: Floats, mm_to_px: Floats, grid: Grid) -> Floats:
    """Sample positions as OpenCV counts them (pixel centres at whole numbers), (N * size, size, 2)."""
    steps = grid.offsets_mm @ mm_to_px.transpose(0, 2, 1).astype(np.float32)
    where = steps + (centres_px[:, None, :] - 0.5).astype(np.float32)
    return where.reshape(-1, grid.size, 2)


def inside_share(shape: tuple[int, int], centres_px: Floats, mm_to_px: Floats, half_mm: float) -> Floats:
    """Share (N,) of the corners of a square of ``half_mm`` around each centre that lie in the image."""
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half_mm
    where = centres_px[:, None, :] + corners @ mm_to_px.transpose(0, 2, 1)
    height, width = shape
    held = (where >= 0).all(axis=2) & (where[..., 0] <= width) & (where[..., 1] <= height)
    return held.mean(axis=1)
