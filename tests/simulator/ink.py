"""Ink on paper: strokes in millimetres become darkness on a page.

A group of strokes is drawn finely (four times the page's resolution) on a patch of its own, made coarser by
area, roughened by the grain of the paper and multiplied into the page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from tests.simulator.hands import Pen, Rng, Stroke

FINE = 4
"""Times the page's resolution at which strokes are drawn: 1200 dpi on a 300 dpi page, 0.02 mm."""
SHIFT_BITS = 4
GRAIN_SIZE_PX = 512
MM_PER_INCH = 25.4


@dataclass(frozen=True)
class PastedInk:
    """Ink cut from a real scan: ``alpha`` (h, w) and its own ``rgb`` (h, w, 3), both 0 to 1, over ``rect_mm``
    (x, y, w, h) of the page."""

    rect_mm: tuple[float, float, float, float]
    alpha: NDArray[np.float32]
    rgb: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Fluid:
    """A dab of correction fluid: white, over whatever was there."""

    centre_mm: tuple[float, float]
    axes_mm: tuple[float, float]  # half of its length and height
    angle_deg: float


Group = list[Stroke] | PastedInk | Fluid
"""Ink that belongs together: one mark, one correction, one word."""

Patch = tuple[int, int, NDArray[np.float32]]
"""Left and top in page px, and the share (h, w) of light that stays."""


def ink_points(group: Group) -> NDArray[np.float64]:
    """Where the ink of a group lies, (N, 2) mm: the pen's middle line, or the dark pixels of pasted ink."""
    if isinstance(group, PastedInk):
        x_mm, y_mm, w_mm, h_mm = group.rect_mm
        rows, columns = np.nonzero(group.alpha > 0.4)
        height, width = group.alpha.shape
        return np.column_stack([x_mm + (columns + 0.5) / width * w_mm, y_mm + (rows + 0.5) / height * h_mm])
    if isinstance(group, Fluid):
        return np.zeros((0, 2))
    return np.vstack([stroke.points_mm for stroke in group]) if group else np.zeros((0, 2))


@cache
def _grain() -> NDArray[np.float32]:
    """A tile of paper grain, 0 to 1: valleys the pencil does not reach."""
    rng = np.random.default_rng(20180806)
    noise = rng.normal(size=(GRAIN_SIZE_PX, GRAIN_SIZE_PX)).astype(np.float32)
    noise = 0.6 * noise + 0.8 * cv2.GaussianBlur(noise, (0, 0), 1.0, borderType=cv2.BORDER_REFLECT) * 3
    return np.asarray(1 / (1 + np.exp(-1.8 * noise)), np.float32)


def _layer(
    stroke: Stroke, origin_px: NDArray[np.float64], shape: tuple[int, int], px_per_mm: float
) -> NDArray[np.uint8]:
    """One stroke's coverage, 0 to 255, on a fine patch of ``shape``."""
    layer = np.zeros(shape, np.uint8)
    points = ((stroke.points_mm * px_per_mm - origin_px) * (1 << SHIFT_BITS)).round().astype(int)
    thick = np.maximum(1, (stroke.width_mm * px_per_mm).round().astype(int))
    value = (stroke.flow * 255).astype(int)
    for index in range(len(points) - 1):
        start, end = points[index], points[index + 1]
        cv2.line(
            layer, (int(start[0]), int(start[1])), (int(end[0]), int(end[1])),
            int(value[index]), int(thick[index]), cv2.LINE_8, SHIFT_BITS,
        )  # fmt: skip
    return layer


def _pasted(group: PastedInk, dpi: int, weights: tuple[float, float, float]) -> Patch:
    """Real ink at the page's resolution, by subpixel affine resampling."""
    x_px, y_px, w_px, h_px = (value * dpi / MM_PER_INCH for value in group.rect_mm)
    left, top = int(np.floor(x_px)), int(np.floor(y_px))
    size = (int(np.ceil(x_px + w_px)) - left, int(np.ceil(y_px + h_px)) - top)
    taken = group.alpha * (1 - group.rgb @ np.array(weights, np.float32))
    scale_x, scale_y = w_px / taken.shape[1], h_px / taken.shape[0]
    matrix = np.array([
        [scale_x, 0, x_px - left + scale_x / 2 - 0.5],
        [0, scale_y, y_px - top + scale_y / 2 - 0.5],
    ])  # fmt: skip
    if scale_x < 0.9:
        taken = cv2.GaussianBlur(taken, (0, 0), 0.4 / scale_x)
    return left, top, np.asarray(1 - cv2.warpAffine(taken, matrix, size, flags=cv2.INTER_LINEAR), np.float32)


def make_patch(
    group: Group, pen: Pen, dpi: int, weights: tuple[float, float, float], rng: Rng
) -> Patch | None:
    """The share of light that stays where the ink of ``group`` lies; ``weights`` of red, green, blue."""
    if isinstance(group, PastedInk):
        return _pasted(group, dpi, weights)
    if not group or isinstance(group, Fluid):
        return None
    left, top, taken = _coverage(group, pen, dpi, rng)
    return left, top, 1 - taken * np.float32(1 - float(np.dot(pen.rgb, weights)))


def _coverage(strokes: Sequence[Stroke], pen: Pen, dpi: int, rng: Rng) -> Patch:
    """Share of light taken away if the ink were black, 0 to 1."""
    points = np.vstack([stroke.points_mm for stroke in strokes])
    margin_mm = max(float(stroke.width_mm.max()) for stroke in strokes) + 3 * pen.bleed_mm + 0.2
    px_per_mm = dpi / MM_PER_INCH
    low = np.floor((points.min(axis=0) - margin_mm) * px_per_mm).astype(int)
    high = np.ceil((points.max(axis=0) + margin_mm) * px_per_mm).astype(int)
    width, height = (int(value) for value in high - low)
    clear = np.ones((height, width), np.float32)
    for stroke in strokes:
        reach_mm = float(stroke.width_mm.max()) + 0.1
        first = np.floor((stroke.points_mm.min(axis=0) - reach_mm) * px_per_mm).astype(int)
        x, y = first - low
        wide, high_px = np.ceil((stroke.points_mm.max(axis=0) + reach_mm) * px_per_mm).astype(int) - first
        fine = _layer(stroke, first * float(FINE), (int(high_px) * FINE, int(wide) * FINE), px_per_mm * FINE)
        small = cv2.resize(fine, (int(wide), int(high_px)), interpolation=cv2.INTER_AREA)
        clear[y : y + high_px, x : x + wide] *= 1 - small.astype(np.float32) / 255
    taken = 1 - clear
    if pen.bleed_mm * px_per_mm > 0.3:
        taken = cv2.GaussianBlur(taken, (0, 0), pen.bleed_mm * px_per_mm)
    top, left = (int(value) for value in rng.integers(0, GRAIN_SIZE_PX, 2))
    rows = (np.arange(height) + top) % GRAIN_SIZE_PX
    columns = (np.arange(width) + left) % GRAIN_SIZE_PX
    taken *= 1 - pen.grain * _grain()[np.ix_(rows, columns)]
    return int(low[0]), int(low[1]), np.asarray(taken, np.float32)


def put_group(
    page: NDArray[np.uint8], group: Group, pen: Pen, dpi: int, weights: tuple[float, float, float], rng: Rng
) -> None:
    """Lay one group on ``page`` (H, W) in place: ink takes light away, fluid covers."""
    if isinstance(group, Fluid):
        px = dpi / MM_PER_INCH
        centre = (round(group.centre_mm[0] * px), round(group.centre_mm[1] * px))
        axes = (round(group.axes_mm[0] * px), round(group.axes_mm[1] * px))
        cv2.ellipse(page, centre, axes, group.angle_deg, 0, 360, 253, -1, cv2.LINE_AA)
        return
    patch = make_patch(group, pen, dpi, weights, rng)
    if patch is not None:
        put_ink(page, patch)


def put_ink(page: NDArray[np.uint8], patch: Patch) -> None:
    """Multiply a patch into ``page`` (H, W) in place; what lies off the page is lost."""
    left, top, stays = patch
    height, width = page.shape
    x0, y0 = max(0, left), max(0, top)
    x1, y1 = min(width, left + stays.shape[1]), min(height, top + stays.shape[0])
    if x0 >= x1 or y0 >= y1:
        return
    part = stays[y0 - top : y1 - top, x0 - left : x1 - left]
    page[y0:y1, x0:x1] = (page[y0:y1, x0:x1] * part).round().astype(np.uint8)
