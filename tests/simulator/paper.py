"""The sheet of paper: tone, unevenness, specks, folds, the other side shining through, and things on it.

Everything works in place or by value on one channel of the composed page: (H, W) reflectance, 255 = white.
``dpi`` is the page's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from tests.simulator.conditions import Condition
from tests.simulator.hands import Rng

Page = NDArray[np.uint8]
MM_PER_INCH = 25.4


def show_through(page: Page, other: Page, share: float) -> Page:
    """The other side's darkness, mirrored and blurred by the paper, at ``share`` of its strength."""
    small = cv2.resize(other, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    soft = cv2.flip(cv2.GaussianBlur(small, (0, 0), 1.2), 1)
    veil = cv2.resize(soft, (page.shape[1], page.shape[0]), interpolation=cv2.INTER_LINEAR)
    table = (255 - (255 - np.arange(256)) * share).round().astype(np.uint8)
    return np.asarray(cv2.multiply(page, cv2.LUT(veil, table), scale=1 / 255), np.uint8)


def _shade(page: Page, rng: Rng, depth: float) -> Page:
    """Slow unevenness of tone over the page."""
    field = cv2.resize(rng.normal(size=(5, 4)).astype(np.float32), (page.shape[1] // 8, page.shape[0] // 8),
                       interpolation=cv2.INTER_CUBIC)  # fmt: skip
    veil = np.clip(255 * (1 - depth * (0.5 + 0.5 * np.clip(field, -1, 1))), 0, 255).astype(np.uint8)
    veil = cv2.resize(veil, (page.shape[1], page.shape[0]), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.multiply(page, veil, scale=1 / 255), np.uint8)


def _specks(page: Page, rng: Rng, count: int, dpi: int) -> None:
    """Dust and fibres, 0.1 to 0.4 mm."""
    for _ in range(count):
        x, y = int(rng.integers(page.shape[1])), int(rng.integers(page.shape[0]))
        radius = max(1, round(float(rng.uniform(0.04, 0.15)) * dpi / MM_PER_INCH))
        level = int(rng.integers(70, 210))
        patch = page[max(0, y - radius) : y + radius, max(0, x - radius) : x + radius]
        np.minimum(patch, level, out=patch)


def _fold(page: Page, at_px: int, across: bool, strength: float, rng: Rng) -> None:
    """A crease: a bright and a dark line side by side, a pixel or two wide each, broken here and there."""
    length = page.shape[1] if across else page.shape[0]
    width = int(rng.integers(1, 4))
    rough = 1 + 0.5 * rng.normal(size=(length // 16 + 2))
    along = np.repeat(np.clip(rough, 0, 2), 16)[:length] * strength
    band = page[at_px : at_px + width, :] if across else page[:, at_px : at_px + width].T
    band[:] = np.clip(band * (1 - along), 0, 255).astype(np.uint8)


def age_paper(page: Page, condition: Condition, rng: Rng, dpi: int) -> Page:
    """Specks, folds and slow shading. The tone itself is laid on by the scanner's curve."""
    depth = float(rng.uniform(*condition.shading))
    out = _shade(page, rng, depth) if depth > 0.003 else page
    _specks(out, rng, int(rng.uniform(*condition.specks)), dpi)
    if rng.random() < condition.fold_share:
        for part, across in ((0.5, True), (0.25, True), (0.75, True), (0.5, False)):
            if rng.random() < 0.45:
                size = out.shape[0] if across else out.shape[1]
                at_px = int(size * part + rng.normal(0, 0.012 * size))
                _fold(out, at_px, across, float(rng.uniform(*condition.fold_strength)), rng)
    return out


# ---------------------------------------------------------------------------------------------------------
# Things on the paper. ``channel`` is 0, 1, 2 for red, green, blue or 3 for grey.


def _stamp(page: Page, rng: Rng, channel: int, dpi: int) -> None:
    """A round red seal, 32 to 38 mm, somewhere on the lower half: red ink is bright in the red channel."""
    reflectance = (0.85, 0.30, 0.35, 0.45)[channel]
    px = dpi / MM_PER_INCH
    centre = (int(rng.uniform(0.3, 0.8) * page.shape[1]), int(rng.uniform(0.5, 0.85) * page.shape[0]))
    radius = int(rng.uniform(16, 19) * px)
    ink = np.zeros_like(page)
    for share, thick in ((1.0, 0.9), (0.72, 0.4)):
        cv2.circle(ink, centre, int(radius * share), 255, max(1, int(thick * px)), cv2.LINE_AA)
    for angle in np.linspace(0, 2 * np.pi, 26):
        at = (int(centre[0] + 0.86 * radius * np.cos(angle)), int(centre[1] + 0.86 * radius * np.sin(angle)))
        cv2.circle(ink, at, int(0.9 * px), 255, max(1, int(0.5 * px)), cv2.LINE_AA)
    cv2.drawMarker(ink, centre, 255, cv2.MARKER_STAR, int(0.7 * radius), max(1, int(1.2 * px)))
    dark = 255 - (ink.astype(np.float32) * (1 - reflectance) * 0.8)
    page[:] = (page * (dark / 255)).astype(np.uint8)


def _dog_ear(page: Page, rng: Rng, channel: int, dpi: int) -> None:
    """A corner folded over: a triangle of plain paper and the shadow of its edge."""
    reach = int(rng.uniform(15, 28) * dpi / MM_PER_INCH)
    height, width = page.shape
    corner = np.array([[width, height], [width - reach, height], [width, height - int(reach * 0.9)]])
    if rng.random() < 0.5:
        corner[:, 0] = width - corner[:, 0]
    cv2.fillConvexPoly(page, corner, 225)
    cv2.line(page, tuple(map(int, corner[1])), tuple(map(int, corner[2])), 150, 3, cv2.LINE_AA)


def _holes(page: Page, rng: Rng, channel: int, dpi: int) -> None:
    """Two punch holes of 5.5 mm, 80 mm apart, at the left edge; the lid's grey shows."""
    px = dpi / MM_PER_INCH
    for offset in (-40, 40):
        at = (int(12 * px), int(page.shape[0] / 2 + offset * px))
        cv2.circle(page, at, int(2.75 * px), 70, -1, cv2.LINE_AA)


def _staple(page: Page, rng: Rng, channel: int, dpi: int) -> None:
    px = dpi / MM_PER_INCH
    start = np.array([rng.uniform(8, 14), rng.uniform(8, 14)]) * px
    end = start + np.array([10.0, -6.0]) * px
    cv2.line(page, tuple(map(int, start)), tuple(map(int, end)), 60, max(1, int(0.6 * px)), cv2.LINE_AA)


def _coffee(page: Page, rng: Rng, channel: int, dpi: int) -> None:
    """A ring of coffee, 60 to 75 mm wide."""
    reflectance = (0.80, 0.70, 0.55, 0.72)[channel]
    px = dpi / MM_PER_INCH
    centre = (int(rng.uniform(0.3, 0.7) * page.shape[1]), int(rng.uniform(0.3, 0.7) * page.shape[0]))
    ink = np.zeros_like(page)
    cv2.circle(ink, centre, int(rng.uniform(30, 38) * px), 255, int(2.5 * px), cv2.LINE_AA)
    cv2.circle(ink, centre, int(rng.uniform(20, 30) * px), 90, -1, cv2.LINE_AA)
    ink = cv2.blur(ink, (15, 15))
    page[:] = (page * (1 - ink.astype(np.float32) / 255 * (1 - reflectance))).astype(np.uint8)


def _note(page: Page, rng: Rng, channel: int, dpi: int) -> None:
    """A sticky note, 51 x 38 mm, over part of the page."""
    level = (250, 240, 140, 228)[channel]
    px = dpi / MM_PER_INCH
    x, y = int(rng.uniform(0.45, 0.7) * page.shape[1]), int(rng.uniform(0.3, 0.7) * page.shape[0])
    width, height = int(51 * px), int(38 * px)
    cv2.rectangle(page, (x, y), (x + width, y + height), level, -1)
    cv2.line(page, (x, y + height), (x + width, y + height), 170, 3, cv2.LINE_AA)


def _correction_fluid(page: Page, rng: Rng, channel: int, dpi: int) -> None:
    """White patches, 8 to 14 mm long, over whatever is there."""
    px = dpi / MM_PER_INCH
    for _ in range(int(rng.integers(1, 4))):
        at = (int(rng.uniform(0.5, 0.9) * page.shape[1]), int(rng.uniform(0.3, 0.8) * page.shape[0]))
        axes = (int(rng.uniform(4, 7) * px), int(rng.uniform(2, 3.5) * px))
        cv2.ellipse(page, at, axes, float(rng.uniform(-20, 20)), 0, 360, 255, -1, cv2.LINE_AA)


OBJECTS: Mapping[str, Callable[[Page, Rng, int, int], None]] = {
    "stamp": _stamp,
    "dog_ear": _dog_ear,
    "holes": _holes,
    "staple": _staple,
    "coffee": _coffee,
    "note": _note,
    "correction_fluid": _correction_fluid,
}
