"""What drivers do to "improve" a scan before anybody sees it. Ink may be gone afterwards."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Points = NDArray[np.float64]

SPECK_MM = 0.4
"""Drivers take away what is smaller than 3 to 5 pixels at 200 to 300 dpi; this is a strong setting."""

REMOVED_BELOW = 0.28
"""Background removal turns into white what takes less than this share of the paper's light."""


def _despeckle(image: Pixels, dpi: int) -> Pixels:
    """Take away dark parts that are smaller than a speck in both directions."""
    size = SPECK_MM / 25.4 * dpi
    _, labels, stats, _ = cv2.connectedComponentsWithStats((image < 128).astype(np.uint8), connectivity=8)
    small = (stats[:, cv2.CC_STAT_WIDTH] <= size) & (stats[:, cv2.CC_STAT_HEIGHT] <= size)
    return np.asarray(np.where(small[labels] & (image < 128), 255, image), np.uint8)


def _fill_holes(image: Pixels, dpi: int) -> Pixels:
    """Fill light parts inside dark ones: the same the other way round."""
    return 255 - _despeckle(255 - image, dpi)


def _remove_background(image: Pixels, dpi: int) -> Pixels:
    """Pale becomes white; what is left is stretched."""
    paper = float(np.percentile(image[::7, ::7], 70))
    levels = np.arange(256) / max(paper, 1.0)
    whitened = np.clip(levels / (1 - REMOVED_BELOW), 0, 1) ** 1.2
    return np.asarray(cv2.LUT(image, (255 * whitened).round().astype(np.uint8)), np.uint8)


FILTERS: Mapping[str, Callable[[Pixels, int], Pixels]] = {
    "despeckle": _despeckle,
    "fill_holes": _fill_holes,
    "remove_background": _remove_background,
}


def _crop(image: Pixels, points_px: Points) -> tuple[Pixels, Points]:
    """Cut to what is as light as paper, as drivers find a sheet before a black lid; the edge is missed by
    up to a few pixels."""
    grey = image if image.ndim == 2 else image[..., 1]
    light = cv2.morphologyEx((grey > 110).astype(np.uint8), cv2.MORPH_OPEN, np.ones((25, 25), np.uint8))
    rows, columns = np.flatnonzero(light.any(axis=1)), np.flatnonzero(light.any(axis=0))
    if not rows.size:
        return image, points_px
    top, left = int(rows[0]) + 2, int(columns[0]) + 2
    cut = image[top : int(rows[-1]) - 1, left : int(columns[-1]) - 1]
    return np.ascontiguousarray(cut), points_px - np.array([left, top])


def clean_up(image: Pixels, points_px: Points, names: Sequence[str], dpi: int) -> tuple[Pixels, Points]:
    """The image after the named filters ("crop" or one of FILTERS), and points in it moved along."""
    for name in names:
        if name == "crop":
            image, points_px = _crop(image, points_px)
        else:
            image = FILTERS[name](image, dpi)
    return image, points_px
