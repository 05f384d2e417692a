"""The boxes of a side as the blank form prints them: looks and zones, made once per process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from ballotscan.forms.form import Side
from ballotscan.vision.arrays import Bools, Floats, Grey, Indices
from ballotscan.vision.page import MM_PER_INCH
from ballotscan.vision.patches import STEP_MM, Grid, make_grid, sample

SURROUND_MM = 3.8
"""How far around a box is looked: hand-drawn circles reach 1.35 box sides from the centre."""

OUTLINE_SEARCH_MM = 0.8
"""How far from the page fit an outline is looked for: what feed stretch and folds leave over."""

INSET_MM = 0.25
"""Print blurs this far in a 150 dpi scan (one and a half pixels); nearer ink is not told from print.
Inside, what the blank prints (the outline itself) is left out besides."""

PRINTED = 0.12
"""Darkness of the blank above which a sample counts as print and is left out of the zones for ink."""

NEAR_MM = 0.9
"""The near ring, in which a stroke that overshoots its box is still the box's own."""

RAYS = 48
"""The surroundings are also looked at along rays, every 7.5 degrees, so that ink all round (a circle) is
told from a stroke at one side."""


@dataclass(frozen=True)
class Zone:
    """Samples of each box's patch: ``index`` (N, K) into the flattened patch, ``used`` (N, K) where real."""

    index: Indices
    used: Bools


@dataclass(frozen=True)
class BoxPrints:
    """``rects_mm`` (N, 4) x, y, w, h; ``centres_mm`` (N, 2); ``blank`` (N, S * S) darkness of the form's
    own print around each box, 0 to 1, grown by a sample; ``outline_blank`` (N, 4) of its four sides."""

    rects_mm: Floats
    centres_mm: Floats
    search_grid: Grid
    search_rows: Floats  # (N, S) profile of the blank's darkness down the box
    search_columns: Floats  # (N, S) and across it
    grid: Grid
    blank: Floats
    outline_blank: Floats
    outline: tuple[Zone, ...]  # top, right, bottom, left
    inside: Zone
    middle: Zone
    near: Zone
    ring: Zone
    rays: Zone  # K = RAYS * samples along a ray
    inside_span: Indices  # (N, 2) width and height of the inside, in samples


def make_box_prints(blank: Grey, dpi: float, side: Side) -> BoxPrints:
    """Look at every box of a blank side (grey, ``dpi``)."""
    rects = np.array([[b.rect.x_mm, b.rect.y_mm, b.rect.w_mm, b.rect.h_mm] for b in side.boxes]).reshape(
        -1, 4
    )
    centres = rects[:, :2] + rects[:, 2:] / 2
    largest = float(rects[:, 2:].max()) / 2 if len(rects) else 2.5
    search_grid = make_grid(largest + OUTLINE_SEARCH_MM + 0.4)
    grid = make_grid(largest + SURROUND_MM)
    search = _darkness(blank, dpi, centres, search_grid)
    look = _darkness(blank, dpi, centres, grid)
    rows, columns = profiles(search)
    return BoxPrints(
        rects_mm=rects,
        centres_mm=centres,
        search_grid=search_grid,
        search_rows=rows,
        search_columns=columns,
        grid=grid,
        blank=_spread(look).reshape(len(rects), -1),
        **_zones(rects, centres, grid, look),
    )


def profiles(patches: Floats) -> tuple[Floats, Floats]:
    """Mean darkness along rows and along columns of patches (N, S, S), over their middle two thirds, where
    the sides of the box itself run: two (N, S)."""
    size = patches.shape[1]
    cut = size // 6
    return patches[:, :, cut : size - cut].mean(axis=2), patches[:, cut : size - cut, :].mean(axis=1)


def _darkness(blank: Grey, dpi: float, centres: Floats, grid: Grid) -> Floats:
    """The blank's darkness around each centre, blurred to what a scan at about 150 dpi shows."""
    soft = cv2.GaussianBlur(blank, (0, 0), BLUR_MM * dpi / MM_PER_INCH)
    scale = dpi / MM_PER_INCH
    maps = np.tile(np.eye(2) * scale, (len(centres), 1, 1))
    return 1 - sample(soft, centres * scale, maps, grid).astype(np.float32) / 255


BLUR_MM = 0.07
"""Half a pixel at 150 dpi and the lens of an ordinary scanner, as a Gaussian's sigma."""


def _spread(look: Floats) -> Floats:
    """The print grown by one sample, so that print found 0.1 mm off leaves no false ink."""
    return np.stack([cv2.dilate(each, np.ones((3, 3), np.uint8)) for each in look]) if len(look) else look


def _zones(rects: Floats, centres: Floats, grid: Grid, look: Floats) -> dict[str, Any]:
    offsets = grid.offsets_mm.reshape(grid.size, grid.size, 2)
    x, y = offsets[..., 0][None], offsets[..., 1][None]
    half_w, half_h = rects[:, 2, None, None] / 2, rects[:, 3, None, None] / 2
    free = _spread(look) < PRINTED
    outwards = np.maximum(np.abs(x) - half_w, np.abs(y) - half_h)  # mm outside the outline, negative inside
    inside = (outwards < -INSET_MM) & free
    around = (outwards > INSET_MM) & (outwards <= SURROUND_MM) & free & ~_other_boxes(rects, centres, offsets)
    sides = _outline_sides(x, y, half_w, half_h, look)
    shown = np.where(sides, look[:, None], 0).sum(axis=(2, 3)) / np.maximum(sides.sum(axis=(2, 3)), 1)
    return {
        "outline_blank": shown.astype(np.float32),
        "outline": tuple(_zone(sides[:, side]) for side in range(4)),
        "inside": _zone(inside),
        "middle": _zone(inside & (np.abs(x) < half_w / 2) & (np.abs(y) < half_h / 2)),
        "near": _zone(around & (outwards <= NEAR_MM)),
        "ring": _zone(around),
        "rays": _rays(rects, grid, around),
        "inside_span": np.stack([inside.any(axis=1).sum(axis=1), inside.any(axis=2).sum(axis=1)], axis=1),
    }


def _zone(mask: Bools) -> Zone:
    """The samples of masks (N, S, S) as indices, filled up to the longest."""
    rows = [np.flatnonzero(each) for each in mask]
    longest = max((len(row) for row in rows), default=0) or 1
    index = np.zeros((len(rows), longest), np.intp)
    used = np.zeros((len(rows), longest), bool)
    for number, row in enumerate(rows):
        index[number, : len(row)] = row
        used[number, : len(row)] = True
    return Zone(index, used)


def _rays(rects: Floats, grid: Grid, around: Bools) -> Zone:
    """Samples along rays from each box's outline outwards."""
    angles = np.arange(RAYS) * 2 * np.pi / RAYS
    ray = np.stack([np.cos(angles), np.sin(angles)], axis=1)  # (RAYS, 2)
    to_edge = (rects[:, None, 2:] / 2 / np.maximum(np.abs(ray), 1e-6)).min(axis=2)  # (N, RAYS) mm
    along = np.arange(INSET_MM, SURROUND_MM, STEP_MM)
    points = (to_edge[:, :, None] + along)[..., None] * ray[None, :, None, :]  # (N, RAYS, R, 2)
    cell = np.rint(points / STEP_MM).astype(np.intp) + grid.size // 2
    held = ((cell >= 0) & (cell < grid.size)).all(axis=3)
    cell = cell.clip(0, grid.size - 1)
    index = (cell[..., 1] * grid.size + cell[..., 0]).reshape(len(rects), -1)
    used = held.reshape(len(rects), -1) & np.take_along_axis(around.reshape(len(rects), -1), index, axis=1)
    return Zone(index, used)


def _outline_sides(
    x: Floats,
    y: Floats,
    half_w: Floats,
    half_h: Floats,
    look: Floats,
) -> Bools:
    """The samples on each printed side of each box: the darkest band within the outline's reach."""
    reach = 2 * STEP_MM
    within_w, within_h = np.abs(x) < half_w - reach, np.abs(y) < half_h - reach
    bands = [
        (np.abs(y + half_h - 0.15) < reach) & within_w,
        (np.abs(x - half_w + 0.15) < reach) & within_h,
        (np.abs(y - half_h + 0.15) < reach) & within_w,
        (np.abs(x + half_w - 0.15) < reach) & within_h,
    ]
    sides = np.stack(np.broadcast_arrays(*bands), axis=1)
    darkest = np.where(sides, look[:, None], 0).max(axis=(2, 3), keepdims=True)
    return sides & (look[:, None] > 0.6 * darkest)


def _other_boxes(rects: Floats, centres: Floats, offsets: Floats) -> Bools:
    """Samples around each box that belong to another box (grown by the inset)."""
    taken = np.zeros((len(rects), *offsets.shape[:2]), bool)
    for index, centre in enumerate(centres):
        near = (np.abs(centres - centre).max(axis=1) < 20) & (np.arange(len(centres)) != index)
        for other, rect in zip(centres[near], rects[near], strict=True):
            gap = np.abs(offsets - (other - centre)) - (rect[2:] / 2 + INSET_MM)
            taken[index] |= (gap < 0).all(axis=2)
    return taken
