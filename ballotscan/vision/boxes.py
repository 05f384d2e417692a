"""The boxes of a side as the blank form prints them: looks and zones, made once per process."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ballotscan.forms.form import Side
from ballotscan.vision.arrays import Bools, Floats, Grey, Indices
from ballotscan.vision.page import MM_PER_INCH
from ballotscan.vision.patches import Grid, make_grid, sample

STEP_MM = 0.2
"""Sampling of a box. 0.25 mm read as well as 0.17 mm in the experiments of DECISIONS.md; 0.2 mm keeps two
samples on the thinnest pen line (0.4 mm)."""

AROUND_STEP_MM = 0.4
"""Sampling of what surrounds it, from the copy at half the resolution: only strokes are looked for there."""

NEAR_MM = 0.9
"""The near surroundings, in which a stroke that overshoots its box is still the box's own."""

SURROUND_MM = 3.8
"""How far around a box is looked: hand-drawn circles reach 1.35 box sides from the centre."""

OUTLINE_SEARCH_MM = 0.8
"""How far from the page fit an outline is looked for: what feed stretch and folds leave over."""

INSET_MM = 0.25
"""Print blurs this far in a 150 dpi scan (one and a half pixels); nearer ink is not told from print.
Inside, what the blank prints (the outline itself) is left out besides."""

PRINTED = 0.12
"""Darkness of the blank above which a sample counts as print and is left out of the zones for ink."""

RAYS = 48
"""The surroundings are looked at along rays, every 7.5 degrees, so that ink all round (a circle) is told
from a stroke at one side."""

BLUR_MM = 0.07
"""Half a pixel at 150 dpi and the lens of an ordinary scanner, as a Gaussian's sigma."""


@dataclass(frozen=True)
class Zone:
    """Samples of each box's patch: ``index`` (N, K) into the flattened patch, ``used`` (N, K) where real."""

    index: Indices
    used: Bools


@dataclass(frozen=True)
class Look:
    """Patches of the blank: ``print`` (N, S * S) its darkness, 0 to 1, grown by a sample."""

    grid: Grid
    print: Floats


@dataclass(frozen=True)
class BoxPrints:
    """``rects_mm`` (N, 4) x, y, w, h; ``centres_mm`` (N, 2); ``outline_blank`` (N, 4) the darkness of each
    printed side on the blank; ``inside_span`` (N, 2) width and height of the inside, in samples."""

    rects_mm: Floats
    centres_mm: Floats
    close: Look  # the box and its near surroundings
    wide: Look  # all its surroundings
    rows: Floats  # (N, S) profile of the blank's darkness down the close look
    columns: Floats  # (N, S) and across it
    outline_blank: Floats
    outline: tuple[Zone, ...]  # top, right, bottom, left, in the close look
    inside: Zone  # in the close look
    near: Zone  # in the close look
    rays: Zone  # in the wide look; K = RAYS * samples along a ray
    inside_span: Indices


def make_box_prints(blank: Grey, dpi: float, side: Side) -> BoxPrints:
    """Look at every box of a blank side (grey, ``dpi``)."""
    rects = np.array([[b.rect.x_mm, b.rect.y_mm, b.rect.w_mm, b.rect.h_mm] for b in side.boxes]).reshape(
        -1, 4
    )
    centres = rects[:, :2] + rects[:, 2:] / 2
    largest = float(rects[:, 2:].max()) / 2 if len(rects) else 2.5
    close = make_grid(largest + NEAR_MM, STEP_MM)
    wide = make_grid(largest + SURROUND_MM, AROUND_STEP_MM)
    seen_close, seen_wide = (_darkness(blank, dpi, centres, grid) for grid in (close, wide))
    rows, columns = profiles(seen_close)
    inside, near = _inside_and_near(rects, centres, close, seen_close)
    sides = _outline_sides(rects, close, seen_close)
    shown = np.where(sides, seen_close[:, None], 0).sum(axis=(2, 3)) / np.maximum(sides.sum(axis=(2, 3)), 1)
    return BoxPrints(
        rects_mm=rects,
        centres_mm=centres,
        close=Look(close, _spread(seen_close).reshape(len(rects), close.size**2)),
        wide=Look(wide, _spread(seen_wide).reshape(len(rects), wide.size**2)),
        rows=rows,
        columns=columns,
        outline_blank=np.maximum(shown, 0.1),
        outline=tuple(_zone(sides[:, number]) for number in range(4)),
        inside=_zone(inside),
        near=_zone(near),
        rays=_rays(rects, centres, wide, seen_wide),
        inside_span=np.stack([inside.any(axis=1).sum(axis=1), inside.any(axis=2).sum(axis=1)], axis=1),
    )


def profiles(patches: Floats) -> tuple[Floats, Floats]:
    """Mean darkness along rows and along columns of patches (N, S, S), over their middle two thirds, where
    the sides of the box itself run: two (N, S)."""
    size = patches.shape[1]
    cut = size // 6
    return patches[:, :, cut : size - cut].mean(axis=2), patches[:, cut : size - cut, :].mean(axis=1)


def _darkness(blank: Grey, dpi: float, centres: Floats, grid: Grid) -> Floats:
    """The blank's darkness around each centre (N, S, S), as a scan at the grid's resolution shows it."""
    soft = cv2.GaussianBlur(blank, (0, 0), max(BLUR_MM, 0.35 * grid.step_mm) * dpi / MM_PER_INCH)
    scale = dpi / MM_PER_INCH
    maps = np.tile(np.eye(2) * scale, (len(centres), 1, 1))
    return 1 - sample(soft, centres * scale, maps, grid).astype(np.float32) / 255


def _spread(seen: Floats) -> Floats:
    """The print grown by one sample, so that print found 0.1 mm off leaves no false ink."""
    return np.stack([cv2.dilate(each, np.ones((3, 3), np.uint8)) for each in seen]) if len(seen) else seen


def _outwards(rects: Floats, grid: Grid) -> Floats:
    """Millimetres outside each box's outline (N, S, S), negative inside."""
    across, down = np.abs(grid.steps_mm)[None, None, :], np.abs(grid.steps_mm)[None, :, None]
    return np.maximum(across - rects[:, 2, None, None] / 2, down - rects[:, 3, None, None] / 2)


def _inside_and_near(rects: Floats, centres: Floats, grid: Grid, seen: Floats) -> tuple[Bools, Bools]:
    free = _spread(seen) < PRINTED
    outwards = _outwards(rects, grid)
    own = outwards < _to_other_boxes(rects, centres, grid)
    near = (outwards > INSET_MM) & (outwards <= NEAR_MM) & free & own
    return (outwards < -INSET_MM) & free, near


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


def _rays(rects: Floats, centres: Floats, grid: Grid, seen: Floats) -> Zone:
    """Samples along rays from each box's outline outwards, where the blank prints nothing and no other box
    is nearer: what lies nearer to another box is that one's."""
    outwards = _outwards(rects, grid)
    own = outwards < _to_other_boxes(rects, centres, grid)
    free = (outwards > INSET_MM) & (_spread(seen) < PRINTED) & own
    angles = np.arange(RAYS) * 2 * np.pi / RAYS
    ray = np.stack([np.cos(angles), np.sin(angles)], axis=1)  # (RAYS, 2)
    to_edge = (rects[:, None, 2:] / 2 / np.maximum(np.abs(ray), 1e-6)).min(axis=2)  # (N, RAYS) mm
    along = np.arange(INSET_MM, SURROUND_MM, grid.step_mm)
    points = (to_edge[:, :, None] + along)[..., None] * ray[None, :, None, :]  # (N, RAYS, R, 2)
    cell = np.rint(points / grid.step_mm).astype(np.intp) + grid.size // 2
    held = ((cell >= 0) & (cell < grid.size)).all(axis=3)
    cell = cell.clip(0, grid.size - 1)
    index = (cell[..., 1] * grid.size + cell[..., 0]).reshape(len(rects), -1)
    used = held.reshape(len(rects), -1) & np.take_along_axis(free.reshape(len(rects), -1), index, axis=1)
    return Zone(index, used)


def _outline_sides(rects: Floats, grid: Grid, seen: Floats) -> Bools:
    """The samples on each printed side of each box (N, 4, S, S): the darkest band within its reach."""
    x, y = grid.steps_mm[None, None, :], grid.steps_mm[None, :, None]
    half_w, half_h = rects[:, 2, None, None] / 2, rects[:, 3, None, None] / 2
    reach, line = 2 * grid.step_mm, 0.15  # half of an outline of 0.3 mm
    within_w, within_h = np.abs(x) < half_w - reach, np.abs(y) < half_h - reach
    bands = [
        (np.abs(y + half_h - line) < reach) & within_w,
        (np.abs(x - half_w + line) < reach) & within_h,
        (np.abs(y - half_h + line) < reach) & within_w,
        (np.abs(x + half_w - line) < reach) & within_h,
    ]
    sides = np.stack(np.broadcast_arrays(*bands), axis=1)
    darkest = np.where(sides, seen[:, None], 0).max(axis=(2, 3), keepdims=True)
    return sides & (seen[:, None] > 0.6 * darkest)


def _to_other_boxes(rects: Floats, centres: Floats, grid: Grid) -> Floats:
    """Distance in mm from each sample (N, S, S) to the outline of the nearest other box, negative inside."""
    far = 1e6
    nearest = np.full((len(rects), grid.size, grid.size), far)
    reach = float(np.abs(grid.steps_mm).max()) * 3
    for index, centre in enumerate(centres):
        near = (np.abs(centres - centre).max(axis=1) < reach) & (np.arange(len(centres)) != index)
        for other, rect in zip(centres[near] - centre, rects[near], strict=True):
            across = np.abs(grid.steps_mm - other[0])[None, :] - rect[2] / 2
            down = np.abs(grid.steps_mm - other[1])[:, None] - rect[3] / 2
            nearest[index] = np.minimum(nearest[index], np.maximum(across, down))
    return nearest
