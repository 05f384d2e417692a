"""The boxes of a side as the blank form prints them: looks and zones, made once per process."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ballotscan.forms.form import Side
from ballotscan.vision.arrays import Bools, Floats, Grey, Indices
from ballotscan.vision.page import MM_PER_INCH
from ballotscan.vision.patches import Grid, make_grid, sample
from ballotscan.vision.shapes import view_blank

STEP_MM = 0.2
"""Sampling of a box. 0.25 mm read as well as 0.17 mm in the experiments of DECISIONS.md; 0.2 mm keeps two
samples on the thinnest pen line (0.4 mm)."""

AROUND_STEP_MM = 0.4
"""Sampling of what surrounds it, from the copy at half the resolution: only strokes are looked for there."""

NEAR_MM = 0.9
"""The near surroundings, in which a stroke that overshoots its box is still the box's own."""

SURROUND_MM = 3.8
"""How far around a box is looked: hand-drawn circles reach 1.35 box sides from the centre."""

SHIFTS = 9
"""An outline is looked for at so many places a sample apart: 0.8 mm either way of the page fit, what feed
stretch and folds leave over."""

INSET_MM = 0.25
"""Print blurs this far in a 150 dpi scan (one and a half pixels); nearer ink is not told from print.
Inside, what the blank prints (the outline itself) is left out besides."""

PRINTED = 0.12
"""Darkness of the blank above which a sample counts as print and is left out of the zones for ink."""

LEAST_FREE = 0.14
"""An inside of which less than this share is white holds a printed letter: bubbles with capital letters leave
0.02 to 0.13, circles with figures and boxes more."""

RAYS = 48
"""The surroundings are looked at along rays, every 7.5 degrees, so that ink all round (a circle) is told
from a stroke at one side."""

BLUR_MM = 0.07
"""Half a pixel at 150 dpi and the lens of an ordinary scanner, as a Gaussian's sigma."""


NEIGHBOURS_MM = 18.0
"""Width of the Gaussian over which outlines found agree with their neighbours: a row or two of boxes."""


@dataclass(frozen=True)
class Zone:
    """Some samples of each box's patch: ``index`` (N, K) into all patches one after the other, ``used``
    (N, K) where real."""

    index: Indices
    used: Bools


@dataclass(frozen=True)
class Rays:
    """Where each box's rays are sampled, outwards step by step, RAYS samples a step: ``points_mm`` (N, 2, K),
    x and y from its centre, ``used`` (N, K) where ink there would be the box's own, ``print`` (N, K) the
    blank's darkness."""

    points_mm: Floats
    used: Bools
    print: Floats


@dataclass(frozen=True)
class BoxPrints:
    """``rects_mm`` (N, 4) x, y, w, h; ``centres_mm`` (N, 2); ``print`` (N, S * S) the darkness of the blank
    in ``grid``, 0 to 1, grown by a sample; ``outline_blank`` (N, 4) the darkness of each printed side.

    ``shares`` (N, 5, S * S) times a patch are its means over the top, right, bottom and left side and over
    the inside; ``inside_print`` (N,) is that last mean of the print. ``reach`` (4, N, K) counts each sample
    of the inside from the left, right, top and bottom edge of the patch, from 1. ``view`` is of
    ``shapes.view_blank``.
    """

    rects_mm: Floats
    centres_mm: Floats
    neighbours: Floats  # (N, N) how much each box's shift says of another's
    grid: Grid  # the box and its near surroundings
    print: Floats
    profiles: Floats  # (2, N, SHIFTS, S) down the rows and across the columns, at every shift
    outline_blank: Floats
    shares: Floats
    inside: Zone
    lettered: Bools  # (N,) a letter is printed inside
    inside_print: Floats
    inside_span: Indices  # (N, 2) width and height, in samples
    reach: NDArray[np.uint8]
    near: Zone
    rays: Rays  # all its surroundings
    view: Floats


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
    grown = _spread(seen_close).reshape(len(rects), -1)
    inside, near, lettered = _inside_and_near(rects, centres, close, seen_close)
    sides = _outline_sides(rects, close, seen_close)
    shares = _shares(np.concatenate([sides, inside[:, None]], axis=1))
    flat_seen = seen_close.reshape(len(rects), -1, 1)
    gap = ((centres[:, None] - centres[None]) ** 2).sum(axis=2)
    zone = _zone(inside)
    return BoxPrints(
        rects_mm=rects,
        centres_mm=centres,
        neighbours=np.exp(-0.5 * gap / NEIGHBOURS_MM**2).astype(np.float32),
        grid=close,
        print=grown,
        profiles=_at_every_shift(profiles(seen_close)),
        outline_blank=np.maximum((shares[:, :4] @ flat_seen)[:, :, 0], 0.1),
        shares=shares,
        inside=zone,
        lettered=lettered,
        inside_print=(shares[:, 4:] @ grown[:, :, None])[:, 0, 0],
        inside_span=np.stack([inside.any(axis=1).sum(axis=1), inside.any(axis=2).sum(axis=1)], axis=1),
        reach=_reach(zone, close.size),
        near=_zone(near),
        rays=_rays(rects, centres, wide, seen_wide),
        view=view_blank(blank, dpi, rects),
    )


def profiles(patches: Floats) -> Floats:
    """Means of patches (N, S, S) along their rows and along their columns (2, N, S), over their middle two
    thirds, where the sides of the box itself run."""
    size = patches.shape[1]
    cut = size // 6
    along = np.zeros(size, np.float32)
    along[cut : size - cut] = 1 / (size - 2 * cut)
    return np.stack([patches @ along, along @ patches])


def _at_every_shift(printed: Floats) -> Floats:
    """The middle of profiles (2, N, S), freed of its mean and brought to norm 1, at each of its SHIFTS
    places: (2, N, SHIFTS, S), 0 beside it."""
    size, length = printed.shape[2], printed.shape[2] - SHIFTS + 1
    inner = printed[:, :, SHIFTS // 2 :][:, :, :length]
    inner = inner - inner.mean(axis=2, keepdims=True)
    inner /= np.linalg.norm(inner, axis=2, keepdims=True) + 1e-6
    shifted = np.zeros((*printed.shape[:2], SHIFTS, size), np.float32)
    for shift in range(SHIFTS):
        shifted[:, :, shift, shift : shift + length] = inner
    return shifted


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


def _inside_and_near(rects: Floats, centres: Floats, grid: Grid, seen: Floats) -> tuple[Bools, Bools, Bools]:
    """The samples (N, S, S) inside and near each box that the form leaves white, and which boxes (N,) hold a
    letter. Where a letter is printed
    inside and leaves hardly any, all of the inside is taken: what is darker than the letter's print is
    ink."""
    free = _spread(seen) < PRINTED
    outwards = _outwards(rects, grid)
    own = outwards < _to_other_boxes(rects, centres, grid)
    near = (outwards > INSET_MM) & (outwards <= NEAR_MM) & free & own
    inside = outwards < -INSET_MM
    white = inside & free
    lettered = white.sum(axis=(1, 2)) < LEAST_FREE * inside.sum(axis=(1, 2))
    return np.where(lettered[:, None, None], outwards < -2 * INSET_MM, white), near, lettered


def _zone(mask: Bools) -> Zone:
    """The samples of masks (N, S, S) as indices, filled up to the longest."""
    count = mask.sum(axis=(1, 2))
    used = np.arange(max(1, count.max(initial=0))) < count[:, None]
    index = np.zeros(used.shape, np.intp)
    index[used] = np.flatnonzero(mask)
    return Zone(index, used)


def _shares(masks: Bools) -> Floats:
    """Weights (N, M, S * S) that take the mean over masks (N, M, S, S); of an empty mask 0."""
    flat = masks.reshape(*masks.shape[:2], -1)
    return (flat / np.maximum(flat.sum(axis=2, keepdims=True), 1)).astype(np.float32)


def _reach(zone: Zone, size: int) -> NDArray[np.uint8]:
    """How far the samples of a zone lie from the left, right, top and bottom edge (4, N, K), from 1."""
    row, column = np.divmod(zone.index % size**2, size)
    return np.stack([column + 1, size - column, row + 1, size - row]).astype(np.uint8)


def _rays(rects: Floats, centres: Floats, grid: Grid, seen: Floats) -> Rays:
    """Samples along rays from each box's outline outwards, where the blank prints nothing and no other box
    is nearer: what lies nearer to another box is that one's."""
    outwards = _outwards(rects, grid)
    own = outwards < _to_other_boxes(rects, centres, grid)
    free = (outwards > INSET_MM) & (_spread(seen) < PRINTED) & own
    angles = np.arange(RAYS) * 2 * np.pi / RAYS
    ray = np.stack([np.cos(angles), np.sin(angles)], axis=1)  # (RAYS, 2)
    to_edge = (rects[:, None, 2:] / 2 / np.maximum(np.abs(ray), 1e-6)).min(axis=2)  # (N, RAYS) mm
    along = np.arange(INSET_MM, SURROUND_MM, grid.step_mm)
    points = (to_edge[:, None] + along[:, None])[..., None] * ray  # (N, R, RAYS, 2)
    cell = np.rint(points / grid.step_mm).astype(np.intp).reshape(len(rects), -1, 2)
    held = (np.abs(cell) <= grid.size // 2).all(axis=2)
    column, row = np.moveaxis((cell + grid.size // 2).clip(0, grid.size - 1), 2, 0)
    each = np.arange(len(rects))[:, None]
    used = held & free[each, row, column]
    return Rays(
        (cell.transpose(0, 2, 1) * grid.step_mm).astype(np.float32), used, _spread(seen)[each, row, column]
    )


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
