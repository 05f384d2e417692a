"""A photographed or bent page laid flat, so that it can be read as if it had been scanned.

A telephone is held at an angle and paper curls: a turn, a size and a shift are no longer near enough for the
patches of ``align`` to be found. Points of the print are then matched one by one (SIFT: Lowe, IJCV 60(2),
2004; compared as RootSIFT: Arandjelović & Zisserman, CVPR 2012), a homography is laid through those that
agree (USAC, MAGSAC++ of OpenCV), and a cubic in x and y through what it leaves. Whether the page laid flat is
the form is for the ordinary alignment to say: nothing is believed here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from ballotscan.forms.form import Rect
from ballotscan.vision.align import Matrix, local_maps, project
from ballotscan.vision.arrays import Floats, Grey
from ballotscan.vision.features import Features, find_features
from ballotscan.vision.page import A4_LONG_MM, MM_PER_INCH, Page
from ballotscan.vision.reference import Reference

FEATURES_DPI = 100.0
"""Of the page, guessed; of a sheet that fills two thirds of its picture that is 67 dpi, and the references'
points are taken at 75."""

DISTINCT = 0.85
"""A point is matched where its nearest is nearer than the next by this factor (Lowe: 0.8). Columns of like
boxes repeat themselves; the homography sorts out what is left."""

LEAST_AGREEING = 75
"""Matches that agree on one place of the form. Bent, blurred and shaded pages of the forms 97 and more, most
500; other forms and letters up to 59, and those 59 lie where they like."""

AGREEING_MM = 3.0
"""How far from the homography a match may lie to count: paper that curls by 9 mm over half its width leaves
more than half of its matches within."""

CUBIC = tuple((i, j) for i in range(4) for j in range(4 - i))
"""Powers of x and y. Squares alone leave up to 0.8 mm on curled pages, fourth powers gain nothing."""

STEADY = 1e-4
"""Weight against large coefficients, where a part of the page shows no print."""

ROUNDS, TUKEY = 12, 4.685

SPREAD_OF_MEDIAN, LEAST_SPREAD_MM = 0.85, 0.02
"""Of normal errors in two axes the median distance is 1.18 standard deviations of one; a page without any
error must not lose its points."""

GRID_PX = 16
"""The bend is worked out at every 16th pixel and drawn straight between: it is smooth over centimetres."""


@dataclass(frozen=True)
class Bend:
    """Where the form lies in a picture: template mm, moved by a cubic, through a homography to scan px."""

    reference: Reference
    matrix: Matrix
    powers: Floats  # (len(CUBIC), 2) mm

    def places(self, points_mm: Floats) -> Floats:
        """Where template points (N, 2) in mm lie in the scan, in continuous px (N, 2)."""
        return project(self.matrix, points_mm + _cubic(points_mm, self.reference) @ self.powers)

    def nearest_matrix(self) -> Matrix:
        """The homography from template mm to scan px that comes nearest over the whole side."""
        side = self.reference.side
        across, down = np.linspace(0, side.width_mm, 9), np.linspace(0, side.height_mm, 9)
        grid = np.stack(np.meshgrid(across, down), axis=-1).reshape(-1, 2)
        matrix, _used = cv2.findHomography(grid, self.places(grid), 0)
        return np.asarray(matrix, np.float64)

    def held(self, rects: Sequence[Rect], shape: tuple[int, int]) -> Floats:
        """Share (N,) of the corners of each rectangle (template mm) that lie in a picture (height, width)."""
        unit = np.array([[0, 0], [1, 0], [1, 1], [0, 1]])
        corners = np.array([unit * (r.w_mm, r.h_mm) + (r.x_mm, r.y_mm) for r in rects]).reshape(-1, 2)
        at = self.places(corners)
        inside = (at >= 0).all(axis=1) & (at[:, 0] <= shape[1]) & (at[:, 1] <= shape[0])
        return np.asarray(inside.reshape(-1, 4).mean(axis=1))


def find_bend(page: Page, references: Sequence[Reference]) -> Bend | None:
    """The side whose print has most points in common with the page, and how it lies; None where there are
    too few. Half a second: only for pages that the ordinary alignment does not fit."""
    seen = _features_of(page)
    found = [_find_one(seen, reference) for reference in references]
    agreeing, bend = max(found, key=lambda each: each[0], default=(0, None))
    return bend if agreeing >= LEAST_AGREEING else None


def _features_of(page: Page) -> Features:
    """Points of the print, in px of the scan."""
    guessed_dpi = max(page.fine.shape) / A4_LONG_MM * MM_PER_INCH
    shrink = min(1.0, FEATURES_DPI / guessed_dpi)
    small = cv2.resize(page.fine, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    scale = np.array([small.shape[1] / page.width_px, small.shape[0] / page.height_px])
    found = find_features(small)
    return Features(found.points / scale, found.descriptors)


def _find_one(seen: Features, reference: Reference) -> tuple[int, Bend | None]:
    """How many points agree with a side of a form, and how it lies by them."""
    form_mm, scan_px = _matched(reference.features, seen)
    if len(form_mm) < LEAST_AGREEING:
        return len(form_mm), None
    px_per_mm = float(np.sqrt(np.prod(np.ptp(scan_px, axis=0) / np.maximum(np.ptp(form_mm, axis=0), 1.0))))
    matrix, agrees = cv2.findHomography(form_mm, scan_px, cv2.USAC_MAGSAC, AGREEING_MM * px_per_mm)
    if matrix is None:
        return 0, None
    matrix = np.asarray(matrix, np.float64)
    left = project(np.linalg.inv(matrix), scan_px) - form_mm
    powers = _smooth(_cubic(form_mm, reference), left, agrees.ravel().astype(float))
    return int(agrees.sum()), Bend(reference, matrix, powers)


def _matched(form: Features, seen: Features) -> tuple[Floats, Floats]:
    """Points (N, 2) of the form and of the page that are each other's nearest, and distinctly so."""
    if min(len(form.points), len(seen.points)) < 2:
        return np.zeros((0, 2)), np.zeros((0, 2))
    alike = seen.descriptors @ form.descriptors.T
    order = np.argpartition(alike, -2, axis=1)[:, -2:]
    two = np.sort(np.take_along_axis(alike, order, axis=1), axis=1)
    next_best, best = (np.sqrt(np.maximum(2 - 2 * two, 0))).T
    nearest = alike.argmax(axis=1)
    mutual = alike.argmax(axis=0)[nearest] == np.arange(len(nearest))
    kept = np.flatnonzero(mutual & (best < DISTINCT * next_best))
    return form.points[nearest[kept]], seen.points[kept]


def _cubic(points_mm: Floats, reference: Reference) -> Floats:
    """Powers of points (N, 2) up to the third (N, len(CUBIC)), the side's longer half being 1."""
    half = np.array([reference.side.width_mm, reference.side.height_mm]) / 2
    x, y = ((points_mm - half) / half.max()).T
    return np.stack([x**i * y**j for i, j in CUBIC], axis=1)


def _smooth(design: Floats, left_mm: Floats, weight: Floats) -> Floats:
    """Coefficients (K, 2) of what the homography left (N, 2), robust against wrong matches (Tukey), from the
    matches that agree with it (``weight`` 1) outwards."""
    for _ in range(ROUNDS):
        weighted = design * weight[:, None]
        powers = np.linalg.solve(weighted.T @ design + STEADY * np.eye(design.shape[1]), weighted.T @ left_mm)
        miss = np.hypot(*(left_mm - design @ powers).T)
        scale = SPREAD_OF_MEDIAN * float(np.median(miss[weight > 0])) + LEAST_SPREAD_MM
        weight = np.clip(1 - (miss / (TUKEY * scale)) ** 2, 0, None) ** 2
    return powers


def lay_flat(grey: Grey, bend: Bend) -> Grey:
    """The side upright, cut to its edges, at the resolution it has in the scan (H, W)."""
    side = bend.reference.side
    middle = np.array([[side.width_mm / 2, side.height_mm / 2]])
    px_per_mm = float(np.sqrt(abs(np.linalg.det(local_maps(bend.nearest_matrix(), middle)[0]))))
    columns, rows = round(side.width_mm * px_per_mm), round(side.height_mm * px_per_mm)
    x = (np.arange(columns // GRID_PX + 2) * GRID_PX + GRID_PX / 2) / px_per_mm
    y = (np.arange(rows // GRID_PX + 2) * GRID_PX + GRID_PX / 2) / px_per_mm
    grid = np.stack(np.meshgrid(x, y), axis=-1)
    where = bend.places(grid.reshape(-1, 2)).reshape(grid.shape) - 0.5  # OpenCV counts from pixel centres
    maps = [
        cv2.resize(where[..., axis].astype(np.float32), None, fx=GRID_PX, fy=GRID_PX)[:rows, :columns]
        for axis in (0, 1)
    ]
    return cv2.remap(grey, maps[0], maps[1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
