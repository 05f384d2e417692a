"""Small pictures around each box, taken straight from the scan through the alignment.

The page is never flattened for reading: only the boxes and what surrounds them are sampled, in millimetres.
"""

from __future__ import annotations

from dataclasses import dataclass

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
    along_x = mm_to_px[:, :, 0, None].astype(np.float32) * grid.steps_mm  # (N, 2, size)
    along_y = mm_to_px[:, :, 1, None].astype(np.float32) * grid.steps_mm
    along_y += (centres_px[:, :, None] - 0.5).astype(np.float32)  # OpenCV counts from pixel centres
    where = along_x[:, :, None, :] + along_y[:, :, :, None]
    columns, rows = (np.ascontiguousarray(where[:, axis]).reshape(-1, grid.size) for axis in (0, 1))
    patches = cv2.remap(image, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return patches.reshape(len(centres_px), grid.size, grid.size)


def inside_share(shape: tuple[int, int], centres_px: Floats, mm_to_px: Floats, half_mm: float) -> Floats:
    """Share (N,) of the corners of a square of ``half_mm`` around each centre that lie in the image."""
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half_mm
    where = centres_px[:, None, :] + corners @ mm_to_px.transpose(0, 2, 1)
    height, width = shape
    held = (where >= 0).all(axis=2) & (where[..., 0] <= width) & (where[..., 1] <= height)
    return held.mean(axis=1)
