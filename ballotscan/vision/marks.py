"""What lies in and around each box, measured. No verdict and no threshold on ink: ``rules`` decides."""

from __future__ import annotations

from dataclasses import dataclass, fields

import cv2
import numpy as np

from ballotscan.model import Mark
from ballotscan.vision.align import Alignment, local_maps, places
from ballotscan.vision.arrays import Bools, Floats, Grey
from ballotscan.vision.boxes import OUTLINE_SEARCH_MM, RAYS, STEP_MM, BoxPrints, Look, Zone, profiles
from ballotscan.vision.page import Page
from ballotscan.vision.patches import inside_share, sample

NEIGHBOURS_MM = 18.0
"""Width of the Gaussian over which outlines found agree with their neighbours: a row or two of boxes."""

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
    patches = sample(page.fine, expected * page.fine_scale, maps * page.fine_scale, boxes.close.grid)
    rows, columns = profiles((255 - patches).astype(np.float32))
    shift_y, fit_y = _best_shift(rows, boxes.rows)
    shift_x, fit_x = _best_shift(columns, boxes.columns)
    found = np.stack([shift_x, shift_y], axis=1) * STEP_MM
    fit = np.minimum(fit_x, fit_y)
    shift = _agree(boxes.centres_mm, found, fit)
    centres = expected + (maps @ shift[:, :, None])[:, :, 0]
    return Outlines(centres, maps, fit, shift)


def _best_shift(seen: Floats, printed: Floats) -> tuple[Floats, Floats]:
    """Shift in samples (with fraction) at which profiles (N, S) agree best with the print, and how well."""
    reach = round(OUTLINE_SEARCH_MM / STEP_MM)
    inner = printed[:, reach:-reach]
    inner = inner - inner.mean(axis=1, keepdims=True)
    inner /= np.linalg.norm(inner, axis=1, keepdims=True) + 1e-6
    windows = np.lib.stride_tricks.sliding_window_view(seen, inner.shape[1], axis=1)
    spread = np.sqrt(
        np.maximum((windows**2).sum(axis=2) - windows.shape[2] * windows.mean(axis=2) ** 2, 1e-6)
    )
    scores = np.einsum("nks,ns->nk", windows, inner) / spread
    best = scores.argmax(axis=1)
    index = np.arange(len(scores))
    middle = best.clip(1, scores.shape[1] - 2)
    before, here, after = scores[index, middle - 1], scores[index, middle], scores[index, middle + 1]
    bend = before - 2 * here + after
    part = np.where((best == middle) & (bend < -1e-6), 0.5 * (before - after) / np.minimum(bend, -1e-6), 0.0)
    return best + part - reach, scores[index, best].astype(np.float64)


def _agree(centres_mm: Floats, found_mm: Floats, fit: Floats) -> Floats:
    """Each box's shift, steadied by its neighbours: the mean around it, weighted by distance and fit.

    A mark drawn over an outline can pull one box's own fit; it cannot pull its neighbours'. Outliers
    against the neighbourhood's own first mean are left out of the second.
    """
    gap = ((centres_mm[:, None] - centres_mm[None]) ** 2).sum(axis=2)
    near = np.exp(-0.5 * gap / NEIGHBOURS_MM**2) * np.maximum(fit, 0.0)[None, :] ** 4
    first = near @ found_mm / (near.sum(axis=1, keepdims=True) + 1e-6)
    miss = np.hypot(*(found_mm[None, :] - first[:, None]).transpose(2, 0, 1))
    near = near * np.exp(-0.5 * (miss / AGREE_MM) ** 2)
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
    close = _darkness(page.fine, page.fine_scale, outlines, boxes.close, paper)
    wide = _darkness(page.half, page.fine_scale / 2, outlines, boxes.wide, paper)
    sides = np.stack([_mean(close, side) for side in boxes.outline], axis=1) / boxes.outline_blank
    own_print = max(float(np.median(sides)), LEAST_PRINT)
    scores = _inside_scores(close / own_print - boxes.close.print, boxes)
    scores |= _surround_scores(wide / own_print - boxes.wide.print, boxes)
    half_mm = float(boxes.rects_mm[:, 2:].max()) / 2
    scores |= {
        "outline": outlines.fit,
        "weakest_side": sides.min(axis=1) / own_print,
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


def _darkness(image: Grey, scale: float, outlines: Outlines, look: Look, paper: Floats) -> Floats:
    """Darkness (N, S * S) of each patch against the local paper: 0 paper, 1 black."""
    patches = sample(image, outlines.centres_px * scale, outlines.maps * scale, look.grid)
    return 1 - patches.reshape(len(patches), -1) / paper


def _mean(values: Floats, zone: Zone) -> Floats:
    """Mean (N,) of patches (N, S * S) over a zone; 0 where the zone is empty."""
    taken = np.take_along_axis(values, zone.index, axis=1)
    return (taken * zone.used).sum(axis=1) / np.maximum(zone.used.sum(axis=1), 1)


def _taken(values: Floats, zone: Zone) -> Floats:
    """The samples of a zone (N, K), minus infinity where there is none."""
    return np.where(zone.used, np.take_along_axis(values, zone.index, axis=1), -np.inf)


def _inside_scores(ink: Floats, boxes: BoxPrints) -> dict[str, Floats]:
    soft = _soften(ink, boxes.close.grid.size)
    inside = _taken(soft, boxes.inside)
    peak = _top(inside)
    strong = inside > 0.5 * np.maximum(peak, 1e-3)[:, None]
    return {
        "ink": _mean(ink, boxes.inside),
        "peak": peak,
        "cover": strong.sum(axis=1) / np.maximum(boxes.inside.used.sum(axis=1), 1),
        "extent": _extent(strong, boxes),
        "near_peak": _top(_taken(soft, boxes.near)),
    }


def _soften(ink: Floats, size: int) -> Floats:
    """Mean of three by three samples (0.6 mm), so that single specks and noise do not make a peak."""
    tall = ink.reshape(-1, size)  # patches below one another: their edges, far from any box, run together
    return cv2.blur(tall, (3, 3)).reshape(len(ink), -1)


def _top(samples: Floats) -> Floats:
    """The mean of the darkest twentieth: a pen line across a box, but no single speck."""
    count = max(samples.shape[1] // 20, 1)
    darkest = np.partition(samples, samples.shape[1] - count, axis=1)[:, -count:]
    return np.maximum(darkest, 0).mean(axis=1)


def _extent(strong: Bools, boxes: BoxPrints) -> Floats:
    """The longer side of the strong ink's bounding box as a share of the inside's."""
    row, column = np.divmod(boxes.inside.index, boxes.close.grid.size)
    spans = [
        np.where(strong, place, -1).max(axis=1) - np.where(strong, place, 10**6).min(axis=1) + 1
        for place in (column, row)
    ]
    share = np.stack(spans, axis=1) / np.maximum(boxes.inside_span, 1)
    return np.where(strong.any(axis=1), share.max(axis=1), 0.0)


def _surround_scores(ink: Floats, boxes: BoxPrints) -> dict[str, Floats]:
    """Ink met along each ray outwards: in three directions of five at least, in the strongest, and running
    off the edge of the surroundings in two opposite directions at once.

    Neighbouring rays are taken by threes, so that a gap of a pen lift does not open a circle. Rays that the
    form's own print leaves no room for count as empty.
    """
    along = np.maximum(_taken(ink, boxes.rays), 0).reshape(len(ink), RAYS // 3, 3, -1)
    by_threes = along.max(axis=(2, 3))
    ordered = np.sort(by_threes, axis=1)
    far = along[:, :, :, -FAR_SAMPLES:].max(axis=(2, 3))
    around = np.maximum(far, np.maximum(np.roll(far, 1, axis=1), np.roll(far, -1, axis=1)))
    opposite = np.roll(around, RAYS // 6, axis=1)
    return {
        "encircled": ordered[:, ordered.shape[1] * 2 // 5],
        "ring_peak": ordered[:, -1],
        "through": np.minimum(far, opposite).max(axis=1),
    }


FAR_SAMPLES = 3
"""The outermost 1.2 mm: a stroke that starts in a box seldom gets there, a fold or a stain goes on."""
