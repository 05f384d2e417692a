"""What lies in and around each box, measured. No verdict and no threshold on ink: ``rules`` decides."""

from __future__ import annotations

from dataclasses import dataclass, fields

import cv2
import numpy as np

from ballotscan.model import Mark
from ballotscan.vision.align import Alignment, local_maps, places
from ballotscan.vision.arrays import Bools, Floats
from ballotscan.vision.boxes import RAYS, SHIFTS, STEP_MM, BoxPrints, Zone, profiles
from ballotscan.vision.page import Page
from ballotscan.vision.patches import inside_share, sample, sample_at
from ballotscan.vision.shapes import tell_shapes, view

AGREE_MM = 0.15
"""Outlines of one neighbourhood lie within this of each other on paper that is not torn or folded."""


MEASURES = tuple(field.name for field in fields(Mark))[2:]  # after question and option


@dataclass(frozen=True)
class Outlines:
    """Where each box's printed outline is. ``centres_px`` (N, 2) continuous scan px; ``maps`` (N, 2, 2)
    local mm to scan px; ``fit`` (N,) correlation of the outline's profiles, -1 to 1; ``shift_mm`` (N, 2)
    found against the page fit."""

    centres_px: Floats
    maps: Floats
    fit: Floats
    shift_mm: Floats


def find_outlines(page: Page, alignment: Alignment) -> Outlines:
    """Find each printed outline again near where the page fit puts it; neighbours steady one another."""
    boxes = alignment.reference.boxes
    expected = places(alignment, boxes.centres_mm)
    maps = local_maps(alignment.matrix, boxes.centres_mm)
    patches = sample(page.fine, expected * page.fine_scale, maps * page.fine_scale, boxes.grid)
    found, fits = _best_shift(profiles((255 - patches).astype(np.float32)), boxes.profiles)
    found_mm, fit = found[::-1].T * STEP_MM, fits.min(axis=0)  # rows tell of y, columns of x
    shift = _agree(boxes.neighbours, found_mm, fit)
    centres = expected + (maps @ shift[:, :, None])[:, :, 0]
    return Outlines(centres, maps, fit, shift)


def _best_shift(seen: Floats, printed: Floats) -> tuple[Floats, Floats]:
    """Shift in samples (with fraction) at which profiles (2, N, S) agree best with the print, which is there
    at every shift (2, N, SHIFTS, S), and the correlation: two (2, N)."""
    size = seen.shape[2]
    length = size - SHIFTS + 1
    into = np.arange(size)[:, None] - np.arange(SHIFTS)
    within = ((into >= 0) & (into < length)).astype(np.float32)  # (S, SHIFTS): what each shift covers
    plain = (seen - seen.mean(axis=2, keepdims=True)).reshape(-1, size)
    spread = plain**2 @ within - (plain @ within) ** 2 / length
    products = np.einsum("nks,ns->nk", printed.reshape(len(plain), SHIFTS, -1), plain)
    scores = products / np.sqrt(np.maximum(spread, 1e-6))
    each, best = np.arange(len(scores)), scores.argmax(axis=1)
    middle = best.clip(1, SHIFTS - 2)
    before, here, after = (scores[each, middle + step] for step in (-1, 0, 1))
    bend = np.minimum(before - 2 * here + after, -1e-6)
    part = np.where(best == middle, 0.5 * (before - after) / bend, 0.0)
    shift = best + part - SHIFTS // 2
    return shift.reshape(2, -1), scores[each, best].reshape(2, -1)


def _agree(neighbours: Floats, found_mm: Floats, fit: Floats) -> Floats:
    """Each box's shift, steadied by its neighbours: the mean around it, weighted by distance and fit.

    A mark drawn over an outline can pull one box's own fit; it cannot pull its neighbours'. Outliers
    against the neighbourhood's own first mean are left out of the second.
    """
    near = neighbours * np.maximum(fit, 0.0) ** 4
    first = near @ found_mm / (near.sum(axis=1, keepdims=True) + 1e-6)
    miss_x, miss_y = (found_mm[:, axis] - first[:, axis, None] for axis in (0, 1))
    near = near * np.exp((-0.5 / AGREE_MM**2) * (miss_x**2 + miss_y**2))
    return near @ found_mm / (near.sum(axis=1, keepdims=True) + 1e-3)


@dataclass(frozen=True)
class Measured:
    """The marks of a side in the order of the form's boxes, and what they were measured against: the usual
    grey of the paper (1 white) and the darkness of the print (1 black)."""

    marks: tuple[Mark, ...]
    paper: float
    print_dark: float


def measure_marks(page: Page, alignment: Alignment) -> Measured:
    """Measure every box of the side."""
    boxes = alignment.reference.boxes
    if not len(boxes.rects_mm):
        return Measured((), 1.0, 1.0)
    outlines = find_outlines(page, alignment)
    paper = _paper(page, outlines)
    close = _darkness(page, outlines, boxes, paper)
    means = (boxes.shares @ close[:, :, None])[:, :, 0]
    sides = np.sort(means[:, :4] / boxes.outline_blank, axis=1)
    own_print = max(float(np.median(sides)), LEAST_PRINT)
    ink = close / own_print - boxes.print
    scores = _inside_scores(ink, boxes)
    scores |= _surround_scores(_along_rays(page, outlines, boxes, paper, own_print))
    scores |= _shapes(page, outlines, boxes, (paper, own_print), scores)
    half_mm = float(boxes.rects_mm[:, 2:].max()) / 2
    scores |= {
        "ink": np.where(boxes.lettered, _beyond(ink, boxes), means[:, 4] / own_print - boxes.inside_print),
        "outline": outlines.fit,
        "weakest_side": sides[:, 0] / own_print,
        "next_side": sides[:, 1] / own_print,
        "shift_x_mm": outlines.shift_mm[:, 0],
        "shift_y_mm": outlines.shift_mm[:, 1],
        "held": inside_share((page.height_px, page.width_px), outlines.centres_px, outlines.maps, half_mm),
    }
    rows = np.stack([scores[name] for name in MEASURES], axis=1).astype(float).round(3).tolist()
    side = alignment.reference.side
    marks = tuple(
        Mark(place.question, place.option, *row) for place, row in zip(side.boxes, rows, strict=True)
    )
    return Measured(marks, round(float(np.median(paper)) / 255, 3), round(own_print, 3))


LEAST_PRINT = 0.05
"""Print paler than this is no unit to measure ink in."""


def _paper(page: Page, outlines: Outlines) -> Floats:
    """Grey level of the paper around each box (N, 1)."""
    coarse = (outlines.centres_px * np.array(page.coarse_scale) - 0.5).astype(np.float32)
    paper = cv2.remap(
        page.paper, coarse[:, 0], coarse[:, 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.maximum(paper.reshape(-1, 1).astype(np.float32), 1.0)


def _darkness(page: Page, outlines: Outlines, boxes: BoxPrints, paper: Floats) -> Floats:
    """Darkness (N, S * S) of each box's patch against the local paper: 0 paper, 1 black."""
    scale = page.fine_scale
    patches = sample(page.fine, outlines.centres_px * scale, outlines.maps * scale, boxes.grid)
    return 1 - patches.reshape(len(patches), -1) / paper


def _along_rays(page: Page, outlines: Outlines, boxes: BoxPrints, paper: Floats, own_print: float) -> Floats:
    """Ink (N, K) along each box's rays in print's darkness; 0 where none would be its own."""
    scale, rays = page.fine_scale / 2, boxes.rays
    seen = sample_at(page.half, outlines.centres_px * scale, outlines.maps * scale, rays.points_mm)
    return ((1 - seen / paper) / own_print - rays.print).clip(0) * rays.used


LEAST_SEEN = 0.035
"""Where neither inside, near nor around a box a spot is as dark as this, there is nothing to look at twice:
light pencil makes 0.1 and more, the grain of paper 0.03."""


def _shapes(
    page: Page, outlines: Outlines, boxes: BoxPrints, units: tuple[Floats, float], scores: dict[str, Floats]
) -> dict[str, Floats]:
    """What each box looks like; ``units`` are the paper's grey and the print's darkness."""
    paper, own_print = units
    darkest = np.maximum(np.maximum(scores["peak"], scores["near_peak"]), scores["ring_peak"] / 2)
    seen = darkest > LEAST_SEEN
    scale, sides_mm = page.fine_scale, boxes.rects_mm[seen, 2:].mean(axis=1)
    grey = view(page.fine, outlines.centres_px[seen] * scale, outlines.maps[seen] * scale, sides_mm)
    return tell_shapes((1 - grey / paper[seen][:, :, None]) / own_print, boxes.view, seen)


def _taken(values: Floats, zone: Zone) -> Floats:
    """The samples of a zone (N, K), minus infinity where there is none."""
    return np.where(zone.used, values.take(zone.index), np.float32(-np.inf))


def _inside_scores(ink: Floats, boxes: BoxPrints) -> dict[str, Floats]:
    soft = _soften(ink, boxes.grid.size)
    inside = _taken(soft, boxes.inside)
    peak = _top(inside)
    strong = inside > 0.5 * np.maximum(peak, 1e-3)[:, None]
    return {
        "peak": peak,
        "cover": strong.sum(axis=1) / np.maximum(boxes.inside.used.sum(axis=1), 1),
        "extent": _extent(strong, boxes),
        "near_peak": _top(_taken(soft, boxes.near)),
    }


def _beyond(ink: Floats, boxes: BoxPrints) -> Floats:
    """Mean ink (N,) where it is darker than the print: over a letter, which is grown, most of it is not."""
    if not boxes.lettered.any():
        return np.zeros(len(ink))
    return _taken(ink, boxes.inside).clip(0).sum(axis=1) / np.maximum(boxes.inside.used.sum(axis=1), 1)


def _soften(ink: Floats, size: int) -> Floats:
    """Mean of three by three samples (0.6 mm), so that single specks and noise do not make a peak."""
    tall = ink.reshape(-1, size)  # patches below one another: their edges, far from any box, run together
    return cv2.blur(tall, (3, 3)).reshape(len(ink), -1)


def _top(samples: Floats) -> Floats:
    """The mean of the darkest twentieth: a pen line across a box, but no single speck. Boxes with fewer
    samples than that (minus infinity stands for the others) are taken whole."""
    count = max(samples.shape[1] // 20, 1)
    darkest = np.partition(samples, samples.shape[1] - count, axis=1)[:, -count:]
    there = np.isfinite(darkest)
    return np.where(there, darkest, 0).clip(0).sum(axis=1) / np.maximum(there.sum(axis=1), 1)


def _extent(strong: Bools, boxes: BoxPrints) -> Floats:
    """The longer side of the strong ink's bounding box as a share of the inside's."""
    left, right, top, bottom = (boxes.reach * strong).max(axis=2).astype(int)
    spans = np.stack([left + right, top + bottom], axis=1) - boxes.grid.size
    return (spans / np.maximum(boxes.inside_span, 1)).max(axis=1).clip(0)  # no strong ink: below 0


def _surround_scores(ink: Floats) -> dict[str, Floats]:
    """Ink met along each ray outwards: in three directions of five at least, in the strongest, and running
    off the edge of the surroundings in two opposite directions at once.

    Neighbouring rays are taken by threes, so that a gap of a pen lift does not open a circle. Rays that the
    form's own print leaves no room for count as empty.
    """
    along = ink.reshape(len(ink), -1, RAYS)
    by_threes = np.sort(_by_threes(along.max(axis=1)), axis=1)
    far = _by_threes(along[:, -FAR_SAMPLES:].max(axis=1))
    around = np.maximum(far, np.maximum(np.roll(far, 1, axis=1), np.roll(far, -1, axis=1)))
    opposite = np.roll(around, RAYS // 6, axis=1)
    return {
        "encircled": by_threes[:, by_threes.shape[1] * 2 // 5],
        "ring_peak": by_threes[:, -1],
        "through": np.minimum(far, opposite).max(axis=1),
    }


def _by_threes(rays: Floats) -> Floats:
    """The most of every three neighbouring rays (N, RAYS / 3)."""
    return rays.reshape(len(rays), -1, 3).max(axis=2)


FAR_SAMPLES = 3
"""The outermost 1.2 mm: a stroke that starts in a box seldom gets there, a fold or a stain goes on."""
