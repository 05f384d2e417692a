"""The test deck's charts, measured: what the scanner does to greys, lines, edges and places. Judges nothing.

All targets are found through the page's own print (``map_px`` of the reading), made exact by the crosses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from scipy.ndimage import median_filter

from ballotscan.forms.deck import EDGE_DEG, Target
from ballotscan.forms.form import Rect
from ballotscan.model import ScannerMeasures
from ballotscan.vision.align import project
from ballotscan.vision.arrays import Floats, Grey
from ballotscan.vision.page import MM_PER_INCH

INSET_MM: Final = 2.0
"""Left out along a patch's edges: blur of a poor scan, and what the page fit may be off."""

CROSS_MM: Final = 1.5
"""How far from its place a cross is looked for: feed stretch of 0.8 % over half a page is 1.2 mm."""

LAMP_STEP_MM: Final = 10.0
STREAK_FLANK_MM: Final = 4.0
"""A streak is thinner than this, and the lamp's fall-off far wider."""

STREAK_SPREADS: Final = 6.0
LEAST_STREAK: Final = 5.0
"""Levels, and spreads of the columns' own means, by which a column differs from its flanks: the mean of 100
rows has a tenth of the noise, and an even sensor's columns differ by 0.3 % (one level)."""

DOT_SEEN: Final = 0.12
"""Of the contrast between paper and black: a 0.35 mm dot keeps 0.3 at 150 dpi; what a filter took keeps 0."""

DOT_SEARCH_MM: Final = 0.7

EDGE_REACH_MM: Final = 1.2
EDGE_BIN_MM: Final = 0.02
"""The slanted edge puts pixels of 0.17 mm (150 dpi) at every hundredth of a millimetre from it."""


@dataclass(frozen=True)
class _Scan:
    """The page (H, W) and the map from the deck's millimetres to its continuous pixels."""

    grey: Grey
    map_px: Floats
    bitonal: bool

    @property
    def px_per_mm(self) -> float:
        return float(np.sqrt(abs(np.linalg.det(self.map_px[:2, :2]))))


def measure_charts(
    grey: Grey,
    map_px: Sequence[float],
    targets: Sequence[Target],
    *,
    bitonal: bool,
    dpi_tag: float | None,
    jpeg_quality: int | None,
) -> ScannerMeasures:
    """Measure side 1 of the deck on a page (H, W), upright or upside down; ``map_px`` is the reader's."""
    rough = _Scan(grey, np.array(map_px, np.float64).reshape(3, 3), bitonal)
    places_mm, places_px = _find_crosses(rough, targets)
    even, feed_mm = _even_map(places_mm, places_px)
    scan = _Scan(grey, cv2.findHomography(places_mm, places_px)[0], bitonal)
    strips = [t.rect for t in targets if t.kind == "white"]
    lamp, white = _lamp(scan, strips)
    levels = {
        t: _level(scan, t.rect) / _light_at(lamp, strips[0], t.rect)
        for t in targets
        if t.kind in ("step", "colour")
    }
    steps = tuple((float(t.value), level) for t, level in levels.items() if t.kind == "step")
    black = min(level for _grey, level in steps)
    contrast = max(white - black, 1.0)
    dots = [_dot_contrast(scan, t.rect, dark=t.kind == "dot") / contrast for t in targets if t.kind == "dot"]
    holes = [_dot_contrast(scan, t.rect, dark=False) / contrast for t in targets if t.kind == "hole"]
    dark, bright = _streaks(scan, strips, next(t.rect for t in targets if t.kind == "band"))
    edge_x, edge_y = _edges(scan, [t.rect for t in targets if t.kind == "edge"])
    return ScannerMeasures(
        bitonal=bitonal,
        dpi_tag=dpi_tag,
        jpeg_quality=jpeg_quality,
        dpi_x=round(float(np.hypot(*even[:, 0])) * MM_PER_INCH, 2),
        dpi_y=round(float(np.hypot(*even[:, 1])) * MM_PER_INCH, 2),
        skew_deg=round(_within_half_turn(_angle_deg(even[:, 0])), 3),
        shear_deg=round(_within_half_turn(_angle_deg(even[:, 1]) - _angle_deg(even[:, 0]) - 90), 3),
        feed_mm=round(feed_mm, 3),
        white=round(white, 1),
        black=round(black, 1),
        gamma=round(_gamma(steps, white), 3),
        steps=tuple((grey, round(level, 1)) for grey, level in steps),
        colours=tuple(
            (t.value, round((white - level) / contrast, 3))
            for t, level in levels.items()
            if t.kind == "colour"
        ),
        lamp=tuple(round(float(value), 3) for value in lamp),
        lamp_loss=round(float(1 - lamp.min()), 3),
        noise=round(_noise(scan, strips), 2),
        edge_x_mm=round(edge_x, 3),
        edge_y_mm=round(edge_y, 3),
        lines=_line_contrasts(scan, targets, contrast),
        dark_streaks_mm=dark,
        bright_streaks_mm=bright,
        dots_lost=sum(each < DOT_SEEN for each in dots),
        dots=len(dots),
        holes_lost=sum(each < DOT_SEEN for each in holes),
        holes=len(holes),
    )


# --- places ------------------------------------------------------------------------------------------------


def _find_crosses(scan: _Scan, targets: Sequence[Target]) -> tuple[Floats, Floats]:
    """Middles of the crosses: (N, 2) mm on the deck and (N, 2) continuous px where they are in the scan."""
    at = [t.rect for t in targets if t.kind == "cross"]
    mm = np.array([(r.x_mm + r.w_mm / 2, r.y_mm + r.h_mm / 2) for r in at])
    found = mm + np.array([_cross_shift_mm(scan, middle) for middle in mm])
    return mm, project(scan.map_px, found)


def _cross_shift_mm(scan: _Scan, middle_mm: Floats) -> Floats:
    """How far a cross lies off its place: where columns and rows beside its middle are darkest."""
    shift = np.zeros(2)
    for _round in range(2):  # the second from where the first found it
        for axis in (0, 1):
            shift[axis] += _line_shift_mm(scan, middle_mm + shift, axis)
    return shift


def _line_shift_mm(scan: _Scan, middle_mm: Floats, axis: int) -> float:
    """Offset along ``axis`` of the arm that crosses it, from the darkness 1.5 to 3.5 mm on either side."""
    step_mm = 0.25 / scan.px_per_mm
    across = np.arange(-CROSS_MM, CROSS_MM, step_mm)
    along = np.concatenate([np.arange(-3.5, -1.5, 0.1), np.arange(1.5, 3.5, 0.1)])
    a, b = np.meshgrid(across, along)
    offsets = np.stack([a, b] if axis == 0 else [b, a], axis=-1)
    profile = 255 - np.median(_sample(scan, middle_mm + offsets), axis=0)
    weight = np.clip(profile - profile.min() - 0.5 * np.ptp(profile), 0, None)
    near = np.abs(across - across[profile.argmax()]) < 0.6
    weight = weight * near
    return float((across * weight).sum() / weight.sum()) if weight.sum() > 0 else 0.0


def _even_map(mm: Floats, px: Floats) -> tuple[Floats, float]:
    """The straight map (2, 2) of px per mm that fits best, and the most that any place is off it, in mm."""
    design = np.column_stack([mm, np.ones(len(mm))])
    solved = np.linalg.lstsq(design, px, rcond=None)[0]
    off = np.hypot(*(px - design @ solved).T)
    linear = solved[:2].T
    return linear, float(off.max() / np.sqrt(abs(np.linalg.det(linear))))


def _angle_deg(direction: Floats) -> float:
    return float(np.degrees(np.arctan2(direction[1], direction[0])))


def _within_half_turn(angle_deg: float) -> float:
    """The same tilt between -90 and 90 degrees: upside down is no skew."""
    return (angle_deg + 90) % 180 - 90


# --- levels ------------------------------------------------------------------------------------------------


def _sample(scan: _Scan, points_mm: Floats) -> Floats:
    """Levels (rows, columns) at places (rows, columns, 2) of the deck, bilinear between pixels."""
    points = (project(scan.map_px, points_mm.reshape(-1, 2)) - 0.5).reshape(points_mm.shape)
    x, y = np.ascontiguousarray(np.moveaxis(points, -1, 0), np.float32)
    seen = cv2.remap(scan.grey, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return seen.astype(np.float64)


def _grid(rect: Rect, inset_mm: float, step_mm: float) -> Floats:
    """Places (rows, columns, 2) inside a rectangle."""
    x = np.arange(rect.x_mm + inset_mm, rect.x_mm + rect.w_mm - inset_mm, step_mm)
    y = np.arange(rect.y_mm + inset_mm, rect.y_mm + rect.h_mm - inset_mm, step_mm)
    return np.stack(np.meshgrid(x, y), axis=-1)


def _level(scan: _Scan, rect: Rect) -> float:
    """Of a patch: the mean down each column, as printers mix greys from dots, and of these the middle half,
    which a streak does not move."""
    columns = np.sort(_sample(scan, _grid(rect, INSET_MM, 0.7 / scan.px_per_mm)).mean(axis=0))
    return float(columns[len(columns) // 4 : len(columns) - len(columns) // 4].mean())


def _gamma(steps: Sequence[tuple[float, float]], white: float) -> float:
    """Slope of log level over log printed grey, freed of what light black itself throws back.

    From 30 to 90 %: darker steps hang on the toner, and paler ones on the paper.
    """
    lit = [(grey, level / white) for grey, level in steps if 0.3 <= grey <= 0.9 and level > 0]
    if len(lit) < 3:
        return 0.0
    x, y = np.log([grey for grey, _level in lit]), np.log([level for _grey, level in lit])
    return float((x * y).sum() / (x * x).sum())


def _lamp(scan: _Scan, strips: Sequence[Rect]) -> tuple[Floats, float]:
    """The paper's level across the page in steps of LAMP_STEP_MM, 1 the brightest; and that level."""
    columns = []
    for rect in strips:
        grid = _grid(rect, INSET_MM, 0.5)
        columns.append(np.median(_sample(scan, grid), axis=0))
    profile = np.mean(columns, axis=0)
    per_step = round(LAMP_STEP_MM / 0.5)
    count = len(profile) // per_step
    levels = np.median(profile[: count * per_step].reshape(count, per_step), axis=1)
    brightest = max(float(levels.max()), 1.0)
    return levels / brightest, brightest


def _light_at(lamp: Floats, strip: Rect, rect: Rect) -> float:
    """The lamp's share of light over a patch: tone is measured as if the lamp were even."""
    middles = strip.x_mm + INSET_MM + (np.arange(len(lamp)) + 0.5) * LAMP_STEP_MM
    return float(np.interp(rect.x_mm + rect.w_mm / 2, middles, lamp))


def _noise(scan: _Scan, strips: Sequence[Rect]) -> float:
    """Standard deviation among the very pixels of little squares of paper; the median over them.

    Taken from the pixels below the squares' medians: those above may be cut off at white.
    """
    half_px = max(3, round(1.0 * scan.px_per_mm))
    spreads = []
    for rect in strips:
        for x_mm in np.arange(rect.x_mm + 10, rect.x_mm + rect.w_mm - 10, 6.0):
            x, y = project(scan.map_px, np.array([[x_mm, rect.y_mm + rect.h_mm / 2]]))[0].astype(int)
            square = scan.grey[y - half_px : y + half_px, x - half_px : x + half_px]
            if square.size:
                below = np.median(square) - square[square <= np.median(square)].astype(np.float64)
                spreads.append(float(np.sqrt((below**2).mean())))
    return float(np.median(spreads)) if spreads else 0.0


# --- fine print --------------------------------------------------------------------------------------------


def _line_contrasts(
    scan: _Scan, targets: Sequence[Target], contrast: float
) -> tuple[tuple[float, float], ...]:
    """For each width, the contrast of the weaker direction against that of paper and solid black."""
    found: dict[float, float] = {}
    for target in targets:
        if target.kind in ("upright", "lying"):
            seen = _sample(scan, _grid(target.rect, 1.0, 0.5 / scan.px_per_mm))
            profile = np.median(seen, axis=0 if target.kind == "upright" else 1)
            low, high = np.percentile(profile, (10, 90))
            width = float(target.value)
            found[width] = min(found.get(width, 9.0), float(high - low) / contrast)
    return tuple((width, round(value, 3)) for width, value in sorted(found.items(), reverse=True))


def _dot_contrast(scan: _Scan, rect: Rect, *, dark: bool) -> float:
    """By how many levels the darkest (or brightest) spot near a dot's place stands out from around it."""
    x, y = rect.x_mm + rect.w_mm / 2, rect.y_mm + rect.h_mm / 2
    near = Rect(x - DOT_SEARCH_MM, y - DOT_SEARCH_MM, 2 * DOT_SEARCH_MM, 2 * DOT_SEARCH_MM)
    far = Rect(x - 2, y - 2, 4, 4)
    seen = _sample(scan, _grid(near, 0.0, 0.5 / scan.px_per_mm))
    around = float(np.median(_sample(scan, _grid(far, 0.0, 0.2))))
    return around - float(seen.min()) if dark else float(seen.max()) - around


def _edges(scan: _Scan, rects: Sequence[Rect]) -> tuple[float, float]:
    """Mean distance in mm over which the slanted squares' edges rise from 10 to 90 %: across x, across y."""
    widths: dict[int, list[float]] = {0: [], 1: []}
    for rect in rects:
        for axis in (0, 1):
            for sign in (-1, 1):
                widths[axis].append(_edge_width_mm(scan, rect, axis, sign))
    return float(np.median(widths[0])), float(np.median(widths[1]))


def _edge_width_mm(scan: _Scan, rect: Rect, axis: int, sign: int) -> float:
    """Of one edge: the very pixels near it, put in order of their distance from it (ISO 12233)."""
    middle = np.array([rect.x_mm + rect.w_mm / 2, rect.y_mm + rect.h_mm / 2])
    slant = np.deg2rad(EDGE_DEG)
    outward = np.array([np.cos(slant), np.sin(slant)]) * sign
    if axis == 1:
        outward = np.array([-np.sin(slant), np.cos(slant)]) * sign
    along = np.array([-outward[1], outward[0]])
    centre_px = project(scan.map_px, (middle + outward * rect.w_mm / 2)[None])[0]
    reach_px = int(np.ceil((rect.w_mm / 2 + 1) * scan.px_per_mm))
    rows, columns = (
        np.mgrid[-reach_px:reach_px, -reach_px:reach_px] + centre_px[::-1].astype(int)[:, None, None]
    )
    held = (rows >= 0) & (columns >= 0) & (rows < scan.grey.shape[0]) & (columns < scan.grey.shape[1])
    rows, columns = rows[held], columns[held]
    at_mm = project(np.linalg.inv(scan.map_px), np.stack([columns + 0.5, rows + 0.5], axis=-1)) - middle
    distance = at_mm @ outward - rect.w_mm / 2
    near = (np.abs(distance) < EDGE_REACH_MM) & (np.abs(at_mm @ along) < rect.w_mm / 2 - 3)
    return _rise_mm(distance[near], scan.grey[rows[near], columns[near]].astype(np.float64))


def _rise_mm(distance_mm: Floats, level: Floats) -> float:
    """The 10 to 90 % width of an edge from dark (below 0) to light; 2 * EDGE_REACH_MM where there is none."""
    bins = np.arange(-EDGE_REACH_MM, EDGE_REACH_MM, EDGE_BIN_MM)
    index = np.digitize(distance_mm, bins) - 1
    total = np.bincount(index, level, len(bins))
    count = np.bincount(index, minlength=len(bins))
    filled = count > 0
    if filled.sum() < len(bins) / 4:
        return 2 * EDGE_REACH_MM
    profile = np.interp(bins, bins[filled], total[filled] / count[filled])
    profile = np.convolve(np.pad(profile, 2, "edge"), np.ones(5) / 5, "valid")
    low, high = np.median(profile[:15]), np.median(profile[-15:])
    if high - low < 10:
        return 2 * EDGE_REACH_MM
    rising = np.maximum.accumulate((profile - low) / (high - low))
    return float((np.searchsorted(rising, 0.9) - np.searchsorted(rising, 0.1)) * EDGE_BIN_MM)


# --- streaks -----------------------------------------------------------------------------------------------


def _streaks(scan: _Scan, strips: Sequence[Rect], band: Rect) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Where a line is darker than its flanks in all paper strips, or lighter in them or in the black band."""
    paper = [_against_flanks(*_columns(scan, rect)) for rect in strips]
    darker = -np.max(paper, axis=0)
    lighter = np.maximum(np.min(paper, axis=0), _against_flanks(*_columns(scan, band)))
    return _runs_mm(scan, darker), _runs_mm(scan, lighter)


def _columns(scan: _Scan, rect: Rect) -> tuple[Floats, Floats]:
    """Each image column's median within a strip (W,), and whether the column meets the strip at all."""
    width = scan.grey.shape[1]
    inset = Rect(rect.x_mm + 1, rect.y_mm + 1, rect.w_mm - 2, rect.h_mm - 2)
    corners = np.array([
        (inset.x_mm + a * inset.w_mm, inset.y_mm + b * inset.h_mm) for a in (0, 1) for b in (0, 1)
    ])  # fmt: skip
    px = project(scan.map_px, corners).reshape(2, 2, 2)
    ends_x = px[:, :, 0].mean(axis=1)
    x = np.arange(width) + 0.5
    order = np.argsort(ends_x)
    one, other = (np.interp(x, ends_x[order], px[order, side, 1]) for side in (0, 1))
    top, low = np.minimum(one, other), np.maximum(one, other)
    means = np.zeros(width)
    met = (x > ends_x.min()) & (x < ends_x.max())
    rows = np.linspace(0, 1, 120)
    at = (top[met] + rows[:, None] * (low[met] - top[met])).clip(0, scan.grey.shape[0] - 1).astype(int)
    means[met] = np.median(scan.grey[at, np.flatnonzero(met)], axis=0)
    return means, met


def _against_flanks(means: Floats, met: Floats) -> Floats:
    """Each column's level above its neighbourhood's median, in units of the least that counts (W,)."""
    above = np.zeros(len(means))
    inner = means[met]
    if inner.size < 50:
        return above
    window = max(9, round(STREAK_FLANK_MM / 210 * inner.size)) | 1
    rest = inner - median_filter(inner, window, mode="nearest")
    spread = 1.4826 * float(np.median(np.abs(rest)))
    above[met] = rest / max(LEAST_STREAK, STREAK_SPREADS * spread)
    return above


def _runs_mm(scan: _Scan, above: Floats) -> tuple[float, ...]:
    """Middles of the runs of columns that stand out, in mm from the left edge of the scan: where to clean."""
    columns = np.flatnonzero(above > 1)
    runs = np.split(columns, np.flatnonzero(np.diff(columns) > 2) + 1) if columns.size else []
    return tuple(round((float(run.mean()) + 0.5) / scan.px_per_mm, 1) for run in runs)
