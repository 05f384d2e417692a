"""Small pictures around each box, taken straight from the scan through the alignment.

The page is never flattened for reading: only the boxes and what surrounds them are sampled, in millimetres.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from ballotscan.vision.arrays import Floats, Grey


@dataclass(frozen=True)
class Grid:
    """A square of ``size`` times ``size`` samples around a centre, ``step_mm`` apart; ``steps_mm`` (size,)
    are the offsets along either side."""

    size: int
    step_mm: float
    steps_mm: Floats

    @cached_property
    def places(self) -> Floats:
        """x and y of every sample in mm, row by row, and 1: (3, size * size)."""
        y, x = np.meshgrid(self.steps_mm, self.steps_mm, indexing="ij")
        return np.stack([x.ravel(), y.ravel(), np.ones(x.size)]).astype(np.float32)


def make_grid(half_mm: float, step_mm: float) -> Grid:
    """Samples from at least ``-half_mm`` to ``half_mm`` in both directions, one of them on the centre."""
    reach = int(np.ceil(half_mm / step_mm - 1e-9))
    steps = (np.arange(-reach, reach + 1) * step_mm).astype(np.float32)
    return Grid(len(steps), step_mm, steps)


def sample(image: Grey, centres_px: Floats, mm_to_px: Floats, grid: Grid) -> Grey:
    """Grey patches (N, size, size) around ``centres_px`` (N, 2, continuous px of ``image``).

    ``mm_to_px`` (N, 2, 2) is the local map of a step in mm to a step in px. Outside the image the nearest
    pixel is repeated; ``inside_share`` tells how much of a patch is real.
    """
    maps = np.concatenate([mm_to_px, centres_px[:, :, None] - 0.5], axis=2).astype(np.float32)
    columns, rows = (maps[:, axis] @ grid.places for axis in (0, 1))
    return _look_up(image, columns, rows).reshape(len(centres_px), grid.size, grid.size)


def sample_at(image: Grey, centres_px: Floats, mm_to_px: Floats, points_mm: Floats) -> Grey:
    """Grey (N, K) at ``points_mm`` (N, 2, K), x and y, from each centre; the rest as in ``sample``."""
    where = mm_to_px.astype(np.float32) @ points_mm + (centres_px[:, :, None] - 0.5).astype(np.float32)
    return _look_up(image, where[:, 0], where[:, 1])


def _look_up(image: Grey, columns: Floats, rows: Floats) -> Grey:
    """The image between its pixels, which OpenCV counts from their centres."""
    return cv2.remap(image, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def inside_share(shape: tuple[int, int], centres_px: Floats, mm_to_px: Floats, half_mm: float) -> Floats:
    """Share (N,) of the corners of a square of ``half_mm`` around each centre that lie in the image."""
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half_mm
    where = centres_px[:, None, :] + corners @ mm_to_px.transpose(0, 2, 1)
    height, width = shape
    held = (where >= 0).all(axis=2) & (where[..., 0] <= width) & (where[..., 1] <= height)
    return held.mean(axis=1)
