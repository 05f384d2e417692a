"""Things that lie on the paper or were done to it: seals, folds, notes, holes, coffee, tape.

Each works in place on one channel of the composed page: (H, W) reflectance, 255 = white.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ballotscan.forms.form import Rect
from tests.simulator.hands import Rng

Page = NDArray[np.uint8]
Point = tuple[int, int]
MM_PER_INCH = 25.4


@dataclass(frozen=True, slots=True)
class Surface:
    """What a thing lies on. ``channel`` is 0, 1, 2 for red, green, blue or 3 for grey."""

    channel: int
    dpi: int
    boxes: Sequence[Rect]

    @property
    def px_per_mm(self) -> float:
        return self.dpi / MM_PER_INCH


def _darken(page: Page, cover: NDArray[np.uint8], taken: float) -> None:
    """Take ``taken`` of the light where ``cover`` is 255, less where it is less."""
    left, top, wide, high = cv2.boundingRect(cover)
    part = np.s_[top : top + high, left : left + wide]
    stays = 255 - cover[part].astype(np.float32) * taken
    page[part] = (page[part] * (stays / 255)).astype(np.uint8)


def _near_a_box(page: Page, rng: Rng, on: Surface, reach_mm: float) -> Point:
    """A place within ``reach_mm`` of the middle of some box; anywhere where the page has no boxes."""
    if not on.boxes:
        return int(rng.uniform(0.2, 0.8) * page.shape[1]), int(rng.uniform(0.2, 0.8) * page.shape[0])
    rect = on.boxes[int(rng.integers(len(on.boxes)))]
    x_mm = rect.x_mm + rect.w_mm / 2 + float(rng.uniform(-reach_mm, reach_mm))
    y_mm = rect.y_mm + rect.h_mm / 2 + float(rng.uniform(-reach_mm, reach_mm))
    return round(x_mm * on.px_per_mm), round(y_mm * on.px_per_mm)


# ---------------------------------------------------------------------------------------------------------
# Seals


RED_SEAL = (0.85, 0.30, 0.35, 0.45)
BLACK_SEAL = (0.2, 0.2, 0.2, 0.2)


def _print_seal(page: Page, rng: Rng, on: Surface, centre: Point, reflectance: Sequence[float]) -> None:
    """A round seal, 32 to 38 mm: two rings, signs between them, a star."""
    px = on.px_per_mm
    radius = int(rng.uniform(16, 19) * px)
    ink = np.zeros_like(page)
    for share, thick in ((1.0, 0.9), (0.72, 0.4)):
        cv2.circle(ink, centre, int(radius * share), 255, max(1, int(thick * px)), cv2.LINE_AA)
    for angle in np.linspace(0, 2 * np.pi, 26):
        at = (int(centre[0] + 0.86 * radius * np.cos(angle)), int(centre[1] + 0.86 * radius * np.sin(angle)))
        cv2.circle(ink, at, int(0.9 * px), 255, max(1, int(0.5 * px)), cv2.LINE_AA)
    cv2.drawMarker(ink, centre, 255, cv2.MARKER_STAR, int(0.7 * radius), max(1, int(1.2 * px)))
    _darken(page, ink, (1 - reflectance[on.channel]) * 0.8)


def _stamp(page: Page, rng: Rng, on: Surface) -> None:
    """A red seal somewhere on the lower half: red ink is bright in the red channel."""
    centre = (int(rng.uniform(0.3, 0.8) * page.shape[1]), int(rng.uniform(0.5, 0.85) * page.shape[0]))
    _print_seal(page, rng, on, centre, RED_SEAL)


def _seal_on_boxes(page: Page, rng: Rng, on: Surface) -> None:
    _print_seal(page, rng, on, _near_a_box(page, rng, on, 14), RED_SEAL)


def _black_seal_on_boxes(page: Page, rng: Rng, on: Surface) -> None:
    _print_seal(page, rng, on, _near_a_box(page, rng, on, 14), BLACK_SEAL)


# ---------------------------------------------------------------------------------------------------------
# Corners, holes, staples, folds


def _turn_corner(page: Page, reach: int, corner: Point, level: int) -> None:
    """Cover the triangle at a corner (0 or 1 from the left, 0 or 1 from the top) and draw its edge."""
    height, width = page.shape
    x, y = corner[0] * width, corner[1] * height
    along_x, along_y = (-reach if corner[0] else reach), (-reach if corner[1] else reach)
    triangle = np.array([[x, y], [x + along_x, y], [x, y + int(along_y * 0.9)]])
    cv2.fillConvexPoly(page, triangle, level)
    ends = [(int(point[0]), int(point[1])) for point in triangle[1:]]
    cv2.line(page, ends[0], ends[1], 150, 3, cv2.LINE_AA)


def _dog_ear(page: Page, rng: Rng, on: Surface) -> None:
    """A lower corner folded over: a triangle of plain paper and the shadow of its edge."""
    reach = int(rng.uniform(15, 28) * on.px_per_mm)
    left = rng.random() < 0.5
    _turn_corner(page, reach, (0 if left else 1, 1), 225)


def _deep_dog_ear(page: Page, rng: Rng, on: Surface) -> None:
    """Any corner, folded over so far that it may cover boxes."""
    corner = (int(rng.integers(2)), int(rng.integers(2)))
    _turn_corner(page, int(rng.uniform(35, 75) * on.px_per_mm), corner, 225)


def _torn_corner(page: Page, rng: Rng, on: Surface) -> None:
    """Any corner missing: the lid shows."""
    corner = (int(rng.integers(2)), int(rng.integers(2)))
    _turn_corner(page, int(rng.uniform(25, 70) * on.px_per_mm), corner, int(rng.choice([20, 150, 250])))


def _holes(page: Page, rng: Rng, on: Surface) -> None:
    """Two punch holes of 5.5 mm, 80 mm apart, at the left edge; the lid's grey shows."""
    px = on.px_per_mm
    for offset in (-40, 40):
        at = (int(12 * px), int(page.shape[0] / 2 + offset * px))
        cv2.circle(page, at, int(2.75 * px), 70, -1, cv2.LINE_AA)


def _hole_in_box(page: Page, rng: Rng, on: Surface) -> None:
    """A sheet filed the wrong way: a punch hole over or beside a box, before a dark or a light lid."""
    level = int(rng.choice([25, 70, 240]))
    at = _near_a_box(page, rng, on, 3.0)
    cv2.circle(page, at, int(2.75 * on.px_per_mm), level, -1, cv2.LINE_AA)
    cv2.circle(page, at, int(2.75 * on.px_per_mm), 150, 2, cv2.LINE_AA)


def _draw_staple(page: Page, on: Surface, start: NDArray[np.float64], end: NDArray[np.float64]) -> None:
    """The wire, and the shadow it throws downwards."""
    px = on.px_per_mm
    shadow = np.zeros_like(page)
    down = np.array([0.3, 0.7]) * px
    ends = [tuple(map(int, point)) for point in (start + down, end + down)]
    cv2.line(shadow, ends[0], ends[1], 255, max(1, int(1.0 * px)), cv2.LINE_AA)
    _darken(page, np.asarray(cv2.GaussianBlur(shadow, (0, 0), 0.35 * px), np.uint8), 0.45)
    cv2.line(page, tuple(map(int, start)), tuple(map(int, end)), 60, max(1, int(0.6 * px)), cv2.LINE_AA)


def _staple(page: Page, rng: Rng, on: Surface) -> None:
    px = on.px_per_mm
    start = np.array([rng.uniform(8, 14), rng.uniform(8, 14)]) * px
    _draw_staple(page, on, start, start + np.array([10.0, -6.0]) * px)


def _staple_on_box(page: Page, rng: Rng, on: Surface) -> None:
    middle = np.array(_near_a_box(page, rng, on, 4.0), np.float64)
    angle = float(rng.uniform(-0.8, 0.8))
    half = 5.5 * on.px_per_mm * np.array([np.cos(angle), np.sin(angle)])
    _draw_staple(page, on, middle - half, middle + half)


def _fold_through_box(page: Page, rng: Rng, on: Surface) -> None:
    """Up to three creases from edge to edge, nearly straight, each through or close by some box."""
    height, width = page.shape
    for _ in range(int(rng.integers(1, 4))):
        x, y = _near_a_box(page, rng, on, 2.5)
        lean = float(rng.normal(0, 0.015))
        across = rng.random() < 0.6
        ends = (
            ((0, y - lean * x), (width, y + lean * (width - x)))
            if across
            else ((x - lean * y, 0), (x + lean * (height - y), height))
        )
        crease = np.zeros_like(page)
        start, end = ((int(p[0]), int(p[1])) for p in ends)
        cv2.line(crease, start, end, 255, int(rng.integers(1, 4)), cv2.LINE_AA)
        rough = cv2.resize(
            rng.uniform(0.3, 1.0, (height // 24, width // 24)).astype(np.float32), (width, height)
        )
        cover = (crease.astype(np.float32) * rough).astype(np.uint8)
        _darken(page, cover, float(rng.uniform(0.12, 0.5)))


# ---------------------------------------------------------------------------------------------------------
# Wet and dirty


def _coffee(page: Page, rng: Rng, on: Surface) -> None:
    """A ring of coffee, 60 to 75 mm wide."""
    reflectance = (0.80, 0.70, 0.55, 0.72)[on.channel]
    px = on.px_per_mm
    centre = (int(rng.uniform(0.3, 0.7) * page.shape[1]), int(rng.uniform(0.3, 0.7) * page.shape[0]))
    ink = np.zeros_like(page)
    cv2.circle(ink, centre, int(rng.uniform(30, 38) * px), 255, int(2.5 * px), cv2.LINE_AA)
    cv2.circle(ink, centre, int(rng.uniform(20, 30) * px), 90, -1, cv2.LINE_AA)
    _darken(page, np.asarray(cv2.blur(ink, (15, 15)), np.uint8), 1 - reflectance)


def _blob(page: Page, rng: Rng, centre: Point, radius: float) -> NDArray[np.uint8]:
    """A ragged blot, filled."""
    angles = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    knots = rng.normal(1, 0.18, 10)
    reach = radius * np.interp(angles, np.linspace(0, 2 * np.pi, 11), np.append(knots, knots[0]))
    outline = np.column_stack([centre[0] + reach * np.cos(angles), centre[1] + reach * np.sin(angles)])
    cover = np.zeros_like(page)
    cv2.fillPoly(cover, [outline.astype(np.int32)], 255)
    return cover


def _wet(page: Page, rng: Rng, on: Surface) -> None:
    """A patch that got wet and dried: a veil over 20 to 60 mm with a darker rim."""
    px = on.px_per_mm
    cover = _blob(page, rng, _near_a_box(page, rng, on, 15), float(rng.uniform(12, 30) * px))
    rim = cv2.morphologyEx(cover, cv2.MORPH_GRADIENT, np.ones((5, 5), np.uint8))
    _darken(
        page, np.asarray(cv2.GaussianBlur(cover, (0, 0), 0.8 * px), np.uint8), float(rng.uniform(0.05, 0.2))
    )
    _darken(
        page, np.asarray(cv2.GaussianBlur(rim, (0, 0), 0.25 * px), np.uint8), float(rng.uniform(0.1, 0.35))
    )


def _fingerprint(page: Page, rng: Rng, on: Surface) -> None:
    """Two to five prints of a dirty finger, 13 x 18 mm, ridges 0.5 mm apart."""
    px = on.px_per_mm
    for _ in range(int(rng.integers(2, 6))):
        x, y = _near_a_box(page, rng, on, 8)
        left, top = max(0, x - int(8 * px)), max(0, y - int(11 * px))
        part = page[top : y + int(11 * px), left : x + int(8 * px)]
        local_y, local_x = np.mgrid[top : top + part.shape[0], left : left + part.shape[1]].astype(np.float32)
        way = np.hypot(local_x - x, (local_y - y - 4 * px) * 0.7) / (0.5 * px)
        ridges = 0.5 + 0.5 * np.sin(2 * np.pi * way)
        inside = ((local_x - x) / (6.5 * px)) ** 2 + ((local_y - y) / (9 * px)) ** 2
        veil = np.clip(1.4 - 1.4 * inside, 0, 1)
        part[:] = (part * (1 - float(rng.uniform(0.1, 0.45)) * veil * ridges)).astype(np.uint8)


def _dirt(page: Page, rng: Rng, on: Surface) -> None:
    """Smears of a dirty roller or hand: soft dark strokes, 10 to 60 mm long."""
    px = on.px_per_mm
    for _ in range(int(rng.integers(2, 7))):
        x, y = _near_a_box(page, rng, on, 10)
        angle, half = float(rng.uniform(0, np.pi)), float(rng.uniform(5, 30)) * px
        away = (int(half * np.cos(angle)), int(half * np.sin(angle)))
        cover = np.zeros_like(page)
        thick = max(1, int(rng.uniform(1, 6) * px))
        cv2.line(cover, (x - away[0], y - away[1]), (x + away[0], y + away[1]), 255, thick)
        small = cv2.GaussianBlur(cv2.resize(cover, None, fx=0.25, fy=0.25), (0, 0), 0.3 * px)
        soft = cv2.resize(small, (page.shape[1], page.shape[0]))
        _darken(page, np.asarray(soft, np.uint8), float(rng.uniform(0.04, 0.2)))


# ---------------------------------------------------------------------------------------------------------
# Laid over the page


def _lay(page: Page, on: Surface, at: Point, size_mm: tuple[float, float], level: int) -> None:
    """Something flat and opaque with a shadow along its lower edge; ``at`` is its top left."""
    right, low = at[0] + int(size_mm[0] * on.px_per_mm), at[1] + int(size_mm[1] * on.px_per_mm)
    cv2.rectangle(page, at, (right, low), level, -1)
    cv2.line(page, (at[0], low), (right, low), 170, 3, cv2.LINE_AA)


def _note(page: Page, rng: Rng, on: Surface) -> None:
    """A sticky note, 51 x 38 mm, over part of the page."""
    at = (int(rng.uniform(0.45, 0.7) * page.shape[1]), int(rng.uniform(0.3, 0.7) * page.shape[0]))
    _lay(page, on, at, (51, 38), (250, 240, 140, 228)[on.channel])


def _note_on_boxes(page: Page, rng: Rng, on: Surface) -> None:
    """The same where it surely covers a box, wholly or in part."""
    x, y = _near_a_box(page, rng, on, 2)
    at = (x - int(rng.uniform(1, 50) * on.px_per_mm), y - int(rng.uniform(1, 37) * on.px_per_mm))
    _lay(page, on, at, (51, 38), (250, 240, 140, 228)[on.channel])


def _label(page: Page, rng: Rng, on: Surface) -> None:
    """A white sticker, 38 x 21 mm, near a box, with a number on it."""
    x, y = _near_a_box(page, rng, on, 8)
    at = (x - int(rng.uniform(0, 38) * on.px_per_mm), y - int(rng.uniform(0, 21) * on.px_per_mm))
    _lay(page, on, at, (38, 21), 253)
    base = (at[0] + int(4 * on.px_per_mm), at[1] + int(13 * on.px_per_mm))
    cv2.putText(
        page, str(int(rng.integers(1000, 9999))), base, cv2.FONT_HERSHEY_SIMPLEX, 2.2, 40, 5, cv2.LINE_AA
    )


def _clip(page: Page, rng: Rng, on: Surface) -> None:
    """A paper clip of 8 x 32 mm that came in from an edge, with its shadow."""
    px = on.px_per_mm
    x = int(rng.uniform(0.1, 0.9) * page.shape[1])
    cover = np.zeros_like(page)
    for wide, top, low in ((8, -3, 29), (6, 3, 25)):
        half = int(wide / 2 * px)
        cv2.line(cover, (x - half, int(top * px)), (x - half, int(low * px)), 255, int(0.9 * px))
        cv2.line(cover, (x + half, int(top * px)), (x + half, int(low * px)), 255, int(0.9 * px))
        cv2.ellipse(cover, (x, int(low * px)), (half, half), 0, 0, 180, 255, int(0.9 * px), cv2.LINE_AA)
    _darken(page, cover, 0.65)


def _tape(page: Page, rng: Rng, on: Surface) -> None:
    """Clear tape, 19 mm wide, from edge to edge over a tear: a light veil, its edges, the tear below."""
    px = on.px_per_mm
    _, y = _near_a_box(page, rng, on, 10)
    width = page.shape[1]
    top, low = max(0, y - int(9.5 * px)), y + int(9.5 * px)
    page[top:low] = (page[top:low] * float(rng.uniform(0.88, 0.97))).astype(np.uint8)
    for edge in (top, low):
        cv2.line(page, (0, edge), (width, edge), 175, 2, cv2.LINE_AA)
    x = np.linspace(0, width, 60)
    tear = np.column_stack([x, y + np.cumsum(rng.normal(0, 0.5 * px, 60))]).astype(np.int32)
    cv2.polylines(page, [tear], False, 150, int(rng.integers(1, 3)), cv2.LINE_AA)


def _creases(page: Page, rng: Rng, on: Surface) -> None:
    """A sheet that was crumpled and smoothed out: facets lit unevenly, and the creases between them."""
    height, width = page.shape
    facets = cv2.Subdiv2D((0, 0, width, height))
    for x, y in rng.uniform(0.001, 0.999, (60, 2)) * np.array([width, height]):
        facets.insert((float(x), float(y)))
    veil, cover = np.full_like(page, 255), np.zeros_like(page)
    for outline in facets.getVoronoiFacetList([])[0]:
        corners = np.asarray(outline).round().astype(np.int32)
        cv2.fillConvexPoly(veil, corners, int(255 * (1 - 0.05 * rng.uniform(0, 1))))
        cv2.polylines(
            cover, [corners], True, int(rng.integers(60, 256)), int(rng.integers(1, 4)), cv2.LINE_AA
        )
    page[:] = cv2.multiply(page, cv2.blur(veil, (9, 9)), scale=1 / 255)
    _darken(page, cover, float(rng.uniform(0.08, 0.3)))


def _correction_fluid(page: Page, rng: Rng, on: Surface) -> None:
    """White patches, 8 to 14 mm long, over whatever is there."""
    px = on.px_per_mm
    for _ in range(int(rng.integers(1, 4))):
        at = (int(rng.uniform(0.5, 0.9) * page.shape[1]), int(rng.uniform(0.3, 0.8) * page.shape[0]))
        axes = (int(rng.uniform(4, 7) * px), int(rng.uniform(2, 3.5) * px))
        cv2.ellipse(page, at, axes, float(rng.uniform(-20, 20)), 0, 360, 255, -1, cv2.LINE_AA)


OBJECTS: Mapping[str, Callable[[Page, Rng, Surface], None]] = {
    "stamp": _stamp,
    "seal_on_boxes": _seal_on_boxes,
    "black_seal_on_boxes": _black_seal_on_boxes,
    "dog_ear": _dog_ear,
    "deep_dog_ear": _deep_dog_ear,
    "torn_corner": _torn_corner,
    "holes": _holes,
    "hole_in_box": _hole_in_box,
    "staple": _staple,
    "staple_on_box": _staple_on_box,
    "fold_through_box": _fold_through_box,
    "coffee": _coffee,
    "wet": _wet,
    "fingerprint": _fingerprint,
    "dirt": _dirt,
    "note": _note,
    "note_on_boxes": _note_on_boxes,
    "label": _label,
    "clip": _clip,
    "tape": _tape,
    "creases": _creases,
    "correction_fluid": _correction_fluid,
}
