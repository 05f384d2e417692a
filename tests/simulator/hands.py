"""Pens and hands: how one person marks. Everything is geometry in millimetres; ``ink.py`` puts it on paper.

A ``Hand`` is drawn once per sheet and kept over it: one writer has one pen, one habit, one size, one slant.
The ranges come from looking at hand-made marks on real scanned forms (ball pens, felt pens, pencils):
crosses of two strokes or one looped stroke, ticks whose tail leaves the box, hatched and solid fills.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]  # (N, 2), x and y in mm, y down
Rng = np.random.Generator

STEP_MM = 0.15
"""Distance between neighbouring points of a stroke: below half of the thinnest pen's width."""


@dataclass(frozen=True, slots=True)
class Pen:
    """``rgb`` is the reflectance of the full ink in the scanner's red, green and blue, 0 to 1."""

    kind: str
    rgb: tuple[float, float, float]
    width_mm: float
    flow: float  # mean share of the paper's light that full ink would take away which is taken, 0 to 1
    grain: float  # how much the paper's grain shows through: pencil much, gel none
    skip: float  # chance per millimetre that a ball pen skips
    blob: float  # extra ink where the pen rests: start and end of a stroke
    bleed_mm: float  # spread into the paper


@dataclass(frozen=True, slots=True)
class Stroke:
    """One touch of the pen: ``points_mm`` (N, 2), ``width_mm`` (N,), ``flow`` (N,) 0 to 1."""

    points_mm: Points
    width_mm: NDArray[np.float64]
    flow: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Hand:
    """What stays the same while one person fills in one sheet."""

    pen: Pen
    habit: str  # the shape this person makes
    second_habit: str  # and now and then another
    second_share: float
    size: float  # of the mark against the box
    size_spread: float
    aspect: float
    slant_deg: float
    bias: tuple[float, float]  # where the marks tend to sit, in box sides from the centre
    sloppiness: float  # spread of that place, in box sides
    tremor_mm: float
    bend: float  # how curved the strokes are
    joined: float  # share of crosses made in one looped stroke
    overshoot: float  # length of a tick's tail, in box sides
    flick: float  # how much a quick stroke fades towards its end
    pressure_spread: float
    cancel: str  # how this person takes a mark back: circle, scribble or strike
    circle_radius: float  # of circles round a box, in box sides
    hatch_gap: float  # between the lines of a fill, in widths of the pen
    hatch_deg: float
    hatch_layers: int


def _uniform(rng: Rng, low: float, high: float) -> float:
    return float(rng.uniform(low, high))


BLUES = ((0.13, 0.19, 0.55), (0.10, 0.16, 0.50), (0.20, 0.27, 0.66), (0.16, 0.30, 0.68))
BLACKS = ((0.12, 0.12, 0.13), (0.17, 0.17, 0.19), (0.22, 0.21, 0.22))
GREENS = ((0.12, 0.50, 0.28), (0.20, 0.58, 0.36))
MARKERS = ((0.93, 0.95, 0.30), (0.55, 0.93, 0.42), (0.45, 0.80, 0.94))
REDS = ((0.74, 0.15, 0.17), (0.80, 0.22, 0.22))


def _pick(rng: Rng, values: tuple[tuple[float, float, float], ...]) -> tuple[float, float, float]:
    return values[int(rng.integers(len(values)))]


def _ballpoint(rng: Rng) -> Pen:
    colours = BLUES if rng.random() < 0.7 else BLACKS
    return Pen(
        "ballpoint", _pick(rng, colours), _uniform(rng, 0.28, 0.50), _uniform(rng, 0.66, 0.95),
        grain=_uniform(rng, 0.1, 0.4), skip=_uniform(rng, 0.0, 0.02), blob=_uniform(rng, 0.0, 0.5),
        bleed_mm=0.0,
    )  # fmt: skip


def _gel(rng: Rng) -> Pen:
    colours = BLUES if rng.random() < 0.5 else BLACKS
    return Pen(
        "gel", _pick(rng, colours), _uniform(rng, 0.35, 0.70), _uniform(rng, 0.88, 1.0),
        grain=_uniform(rng, 0.0, 0.08), skip=0.0, blob=_uniform(rng, 0.1, 0.4),
        bleed_mm=_uniform(rng, 0.0, 0.04),
    )  # fmt: skip


def _felt(rng: Rng) -> Pen:
    colours = BLUES if rng.random() < 0.35 else BLACKS
    return Pen(
        "felt", _pick(rng, colours), _uniform(rng, 0.6, 1.2), _uniform(rng, 0.80, 1.0),
        grain=_uniform(rng, 0.0, 0.15), skip=0.0, blob=_uniform(rng, 0.2, 0.6),
        bleed_mm=_uniform(rng, 0.03, 0.10),
    )  # fmt: skip


def _pencil(rng: Rng) -> Pen:
    grey = _uniform(rng, 0.28, 0.42)
    return Pen(
        "pencil", (grey, grey, grey), _uniform(rng, 0.3, 0.7), _uniform(rng, 0.55, 0.95),
        grain=_uniform(rng, 0.5, 0.8), skip=0.0, blob=_uniform(rng, 0.0, 0.2), bleed_mm=0.0,
    )  # fmt: skip


def _light_pencil(rng: Rng) -> Pen:
    grey = _uniform(rng, 0.40, 0.55)
    return Pen(
        "light_pencil", (grey, grey, grey), _uniform(rng, 0.3, 0.5), _uniform(rng, 0.22, 0.45),
        grain=_uniform(rng, 0.6, 0.9), skip=0.0, blob=0.0, bleed_mm=0.0,
    )  # fmt: skip


def _failing(rng: Rng) -> Pen:
    return Pen(
        "failing_ballpoint", _pick(rng, BLUES + BLACKS), _uniform(rng, 0.22, 0.35), _uniform(rng, 0.3, 0.6),
        grain=_uniform(rng, 0.4, 0.7), skip=_uniform(rng, 0.1, 0.35), blob=0.0, bleed_mm=0.0,
    )  # fmt: skip


def _red(rng: Rng) -> Pen:
    return Pen(
        "red_ballpoint", _pick(rng, REDS), _uniform(rng, 0.3, 0.5), _uniform(rng, 0.75, 0.95),
        grain=_uniform(rng, 0.1, 0.3), skip=0.01, blob=0.2, bleed_mm=0.0,
    )  # fmt: skip


def _green(rng: Rng) -> Pen:
    return Pen(
        "green_ballpoint", _pick(rng, GREENS), _uniform(rng, 0.3, 0.5), _uniform(rng, 0.7, 0.95),
        grain=_uniform(rng, 0.1, 0.3), skip=0.01, blob=0.2, bleed_mm=0.0,
    )  # fmt: skip


def _shiny_gel(rng: Rng) -> Pen:
    """Gel ink that mirrors the lamp: half of it comes out bright."""
    return replace(_gel(rng), kind="shiny_gel", flow=_uniform(rng, 0.4, 0.7), grain=_uniform(rng, 0.3, 0.5))


def _highlighter(rng: Rng) -> Pen:
    return Pen(
        "highlighter", _pick(rng, MARKERS), _uniform(rng, 2.0, 3.5), _uniform(rng, 0.7, 0.95),
        grain=0.05, skip=0.0, blob=0.1, bleed_mm=0.1,
    )  # fmt: skip


PENS: Mapping[str, Callable[[Rng], Pen]] = {
    "ballpoint": _ballpoint,
    "gel": _gel,
    "felt": _felt,
    "pencil": _pencil,
    "light_pencil": _light_pencil,
    "failing_ballpoint": _failing,
    "red_ballpoint": _red,
    "green_ballpoint": _green,
    "shiny_gel": _shiny_gel,
    "highlighter": _highlighter,
}


def choose(rng: Rng, weights: Mapping[str, float]) -> str:
    """One name, drawn by weight."""
    total = sum(weights.values())
    return str(rng.choice(list(weights), p=[weight / total for weight in weights.values()]))


def make_hand(
    rng: Rng, pens: Mapping[str, float], habits: Mapping[str, float], cancels: Mapping[str, float]
) -> Hand:
    """Draw one writer. The three mappings weigh kinds of pen, shapes of mark and ways of taking one back."""
    habit = choose(rng, habits)
    plain = {name: weight for name, weight in habits.items() if name in ("x", "tick", "slash", "fill")}
    careful = rng.random() < 0.6
    return Hand(
        pen=PENS[choose(rng, pens)](rng),
        habit=habit,
        second_habit=choose(rng, plain) if habit in plain else habit,
        second_share=_uniform(rng, 0.0, 0.08) if rng.random() < 0.5 else 0.0,
        size=float(np.clip(rng.normal(0.95, 0.2), 0.6, 1.4)),
        size_spread=_uniform(rng, 0.04, 0.16),
        aspect=_uniform(rng, 0.8, 1.25),
        slant_deg=float(rng.normal(4, 8)),
        bias=(float(rng.normal(0, 0.06)), float(rng.normal(0, 0.06))),
        sloppiness=_uniform(rng, 0.03, 0.09) if careful else _uniform(rng, 0.09, 0.18),
        tremor_mm=_uniform(rng, 0.0, 0.05) if rng.random() < 0.85 else _uniform(rng, 0.05, 0.18),
        bend=_uniform(rng, 0.0, 0.16),
        joined=1.0 if rng.random() < 0.18 else _uniform(rng, 0.0, 0.1),
        overshoot=_uniform(rng, 0.7, 1.9),
        flick=_uniform(rng, 0.0, 0.6),
        pressure_spread=_uniform(rng, 0.03, 0.14),
        cancel=choose(rng, cancels),
        circle_radius=_uniform(rng, 0.78, 1.2),
        hatch_gap=_uniform(rng, 0.6, 1.9),
        hatch_deg=float(rng.choice([90, 45, -45, 0])),
        hatch_layers=int(rng.integers(1, 3)),
    )


# ---------------------------------------------------------------------------------------------------------
# From corners to strokes


def _smooth_noise(rng: Rng, count: int, reach: int) -> NDArray[np.float64]:
    """Noise of unit spread whose neighbours within ``reach`` points hang together."""
    knots = rng.normal(size=max(2, count // max(1, reach) + 3))
    positions = np.linspace(0, len(knots) - 1.001, count)
    low = positions.astype(int)
    part = positions - low
    part = part * part * (3 - 2 * part)
    return knots[low] * (1 - part) + knots[low + 1] * part


def _bezier(corners: Points, count: int) -> Points:
    """A smooth curve through ``corners`` (Catmull-Rom), ``count`` points."""
    if len(corners) == 2:
        along = np.linspace(0, 1, count)[:, None]
        return corners[0] * (1 - along) + corners[1] * along
    padded = np.vstack([2 * corners[0] - corners[1], corners, 2 * corners[-1] - corners[-2]])
    places = np.linspace(0, len(corners) - 1 - 1e-9, count)
    index = places.astype(int)
    t = (places - index)[:, None]
    p0, p1, p2, p3 = (padded[index + offset] for offset in range(4))
    return 0.5 * (
        2 * p1 + (p2 - p0) * t + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2 + (3 * p1 - p0 - 3 * p2 + p3) * t**3
    )


def _length(points: Points) -> float:
    return float(np.hypot(*np.diff(points, axis=0).T).sum())


def _stroke(rng: Rng, hand: Hand, corners: Points, flick: float = 0.0, press: float = 1.0) -> Stroke:
    """A pen's way through ``corners`` (mm): curved, trembling, with pressure that comes and goes."""
    count = max(8, int(_length(corners) / STEP_MM))
    points = _bezier(corners, count)
    tremor = np.column_stack([_smooth_noise(rng, count, 5), _smooth_noise(rng, count, 5)])
    points = points + tremor * hand.tremor_mm
    along = np.linspace(0, 1, count)
    pressure = press * (1 + hand.pressure_spread * _smooth_noise(rng, count, 12))
    pressure *= 1 - flick * along**3
    pressure *= np.clip(0.55 + along * 6, 0, 1)
    ends = np.exp(-along * count * STEP_MM / 0.25) + 0.6 * np.exp(-(1 - along) * count * STEP_MM / 0.25)
    pressure += hand.pen.blob * 0.35 * ends * (rng.random() < 0.5)
    flow = hand.pen.flow * np.clip(0.1 + 0.9 * pressure, 0.02, 1.15)
    for _ in range(rng.poisson(hand.pen.skip * count * STEP_MM)):
        start = int(rng.integers(count))
        flow[start : start + int(rng.integers(1, 6))] *= _uniform(rng, 0.0, 0.5)
    width = hand.pen.width_mm * np.clip(0.5 + 0.5 * pressure, 0.35, 1.3)
    return Stroke(points, width, np.clip(flow, 0.0, 1.0))


def _bent(rng: Rng, hand: Hand, start: Points, end: Points) -> Points:
    """Three corners: a line from ``start`` to ``end`` that sags a little to one side."""
    middle = (start + end) / 2
    across = np.array([start[1] - end[1], end[0] - start[0]])
    return np.array([start, middle + across * rng.normal(0, 0.5) * hand.bend, end])


def _jitter(rng: Rng, corners: list[tuple[float, float]], spread: float) -> Points:
    return np.array(corners) + rng.normal(0, spread, (len(corners), 2))


def _place(
    rng: Rng, hand: Hand, unit: Points, centre: Points, side_mm: float, *, free: float = 1.0
) -> Points:
    """From box sides round the origin to millimetres on the paper, in this hand's size, slant and place."""
    size = float(np.clip(hand.size * (1 + rng.normal(0, hand.size_spread)), 0.5, 1.5)) * side_mm
    angle = np.deg2rad(hand.slant_deg + rng.normal(0, 3))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    shaped = unit * np.array([np.sqrt(hand.aspect), 1 / np.sqrt(hand.aspect)])
    off = np.clip(np.array(hand.bias) + rng.normal(0, hand.sloppiness, 2) * free, -0.4, 0.4)
    return shaped @ turn.T * size + centre + off * side_mm


Shape = Callable[[Rng, Hand, Points, float, float], list[Stroke]]


def _x(rng: Rng, hand: Hand, centre: Points, side_mm: float, press: float) -> list[Stroke]:
    down = _jitter(rng, [(-0.48, -0.48), (0.48, 0.48)], 0.06)
    up = _jitter(rng, [(0.48, -0.48), (-0.48, 0.48)], 0.06)
    if rng.random() < hand.joined:
        loop = _jitter(rng, [(0.62, 0.25), (0.58, -0.3)], 0.08)
        unit = np.vstack([down[:1], down[1:] * 0.9, loop, up[:1], up[1:]])
        placed = _place(rng, hand, unit, centre, side_mm)
        return [_stroke(rng, hand, placed, hand.flick * 0.5, press)]
    placed = _place(rng, hand, np.vstack([down, up]), centre, side_mm)
    order = [placed[:2], placed[2:]] if rng.random() < 0.7 else [placed[2:], placed[:2]]
    return [_stroke(rng, hand, _bent(rng, hand, p[0], p[1]), hand.flick * 0.4, press) for p in order]


def _tick(rng: Rng, hand: Hand, centre: Points, side_mm: float, press: float) -> list[Stroke]:
    tail = hand.overshoot * (1 + rng.normal(0, 0.12))
    start = _jitter(rng, [(-0.42, -0.05)], 0.07)
    corner = _jitter(rng, [(-0.08, 0.38)], 0.06)
    lift = np.deg2rad(rng.normal(52, 6))
    end = corner + np.array([[np.cos(lift), -np.sin(lift)]]) * tail
    placed = _place(rng, hand, np.vstack([start, corner, end]), centre, side_mm)
    count = 12
    turn = np.vstack([
        _bezier(_bent(rng, hand, placed[0], placed[1]), count)[:-1],
        _bezier(_bent(rng, hand, placed[1], placed[2]), count),
    ])  # fmt: skip
    return [_stroke(rng, hand, turn, hand.flick, press)]


def _slash(rng: Rng, hand: Hand, centre: Points, side_mm: float, press: float) -> list[Stroke]:
    reach = _uniform(rng, 0.45, 0.65)
    unit = _jitter(rng, [(reach, -reach), (-reach, reach)], 0.05)
    placed = _place(rng, hand, unit, centre, side_mm)
    return [_stroke(rng, hand, _bent(rng, hand, placed[0], placed[1]), hand.flick * 0.5, press)]


def _zigzag(rng: Rng, half: float, gap: float, wild: float, angle_deg: float) -> Points:
    """Hatching from -half to half, lines ``gap`` apart (in box sides), their ends irregular by ``wild``."""
    rows = np.arange(-half, half + 1e-6, min(gap, 2 * half))
    ends = np.where(np.arange(len(rows)) % 2 == 0, -half, half) * (1 + rng.normal(0, wild, len(rows)))
    unit = np.column_stack([ends, rows + rng.normal(0, gap * 0.3, len(rows))])
    angle = np.deg2rad(angle_deg + rng.normal(0, 8))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return unit @ turn.T


def _fill(rng: Rng, hand: Hand, centre: Points, side_mm: float, press: float) -> list[Stroke]:
    gap = max(0.06, hand.pen.width_mm / side_mm * hand.hatch_gap)
    strokes = []
    for layer in range(hand.hatch_layers):
        unit = _zigzag(rng, 0.46, gap, 0.10, hand.hatch_deg + 60 * layer) / max(0.85, hand.size)
        strokes.append(_stroke(rng, hand, _place(rng, hand, unit, centre, side_mm, free=0.5), 0.0, press))
    return strokes


def _loop(rng: Rng, radius: float, turns: float, uneven: float) -> Points:
    count = int(14 * turns) + 2
    angles = np.linspace(0, 2 * np.pi * turns, count) + _uniform(rng, 0, 2 * np.pi)
    reach = radius * (1 + uneven * _smooth_noise(rng, count, 4))
    drift = np.linspace(-0.5, 0.5, count)[:, None] * rng.normal(0, 0.12, 2) * radius
    return np.column_stack([np.cos(angles) * reach, np.sin(angles) * reach]) + drift


def _circle(rng: Rng, hand: Hand, centre: Points, side_mm: float, press: float) -> list[Stroke]:
    radius = hand.circle_radius * (1 + rng.normal(0, 0.06))
    unit = _loop(rng, radius, _uniform(rng, 0.97, 1.25), 0.04) * np.array([_uniform(rng, 0.95, 1.25), 1.0])
    off = rng.normal(0, 0.06, 2) * side_mm
    return [_stroke(rng, hand, unit * side_mm + centre + off, hand.flick * 0.3, press)]


def _dot(rng: Rng, hand: Hand, centre: Points, side_mm: float, press: float) -> list[Stroke]:
    unit = _loop(rng, _uniform(rng, 0.06, 0.16), _uniform(rng, 1.5, 3.5), 0.3)
    return [_stroke(rng, hand, _place(rng, hand, unit, centre, side_mm), 0.0, press)]


def _scribble(rng: Rng, hand: Hand, centre: Points, side_mm: float, press: float) -> list[Stroke]:
    count = int(rng.integers(14, 26))
    unit = rng.uniform(-0.55, 0.55, (count, 2))
    return [_stroke(rng, hand, _place(rng, hand, unit, centre, side_mm), 0.0, press)]


def _label(rng: Rng, hand: Hand, centre: Points, side_mm: float, press: float) -> list[Stroke]:
    """A ring round the words beside the box: the ink begins half a box away and stays out of the next."""
    round_the_words = _loop(rng, 1.0, _uniform(rng, 0.97, 1.2), 0.04) * np.array([0.68, 0.6])
    placed = (round_the_words + np.array([1.5, 0.0]) + rng.normal(0, 0.05, 2)) * side_mm + centre
    return [_stroke(rng, hand, placed, hand.flick * 0.3, press)]


def _arrow(rng: Rng, hand: Hand, centre: Points, side_mm: float, press: float) -> list[Stroke]:
    """A line that comes from the right and points at the box, with a head just outside or just inside."""
    tip = np.array([_uniform(rng, 0.35, 0.75), _uniform(rng, -0.2, 0.2)])
    tail = tip + np.array([_uniform(rng, 1.0, 1.5), _uniform(rng, -0.5, 0.5)])
    head = tip + np.array([[0.35, -0.3], [0.0, 0.0], [0.35, 0.3]])
    shaft = np.array([tail, tip]) * side_mm + centre
    return [
        _stroke(rng, hand, _bent(rng, hand, shaft[0], shaft[1]), 0.0, press),
        _stroke(rng, hand, _jitter(rng, [(x, y) for x, y in head], 0.03) * side_mm + centre, 0.0, press),
    ]


SHAPES: Mapping[str, Shape] = {
    "x": _x,
    "tick": _tick,
    "slash": _slash,
    "fill": _fill,
    "circle": _circle,
    "dot": _dot,
    "scribble": _scribble,
    "label": _label,
    "arrow": _arrow,
}


def draw_mark(
    rng: Rng, hand: Hand, shape: str, centre_mm: Points, side_mm: float, *, press: float = 1.0
) -> list[Stroke]:
    """The strokes of one mark of ``shape`` on the box whose centre and mean side are given."""
    lift = float(np.clip(press * (1 + rng.normal(0, hand.pressure_spread)), 0.05, 1.3))
    return SHAPES[shape](rng, hand, centre_mm, side_mm, lift)


def draw_cancel(rng: Rng, hand: Hand, how: str, centre_mm: Points, side_mm: float) -> list[Stroke]:
    """Taking a mark back: a circle round it, a scribble over it, a line through it, or a rubber's smudge."""
    if how == "circle":
        return _circle(rng, hand, centre_mm, side_mm, 1.0)
    if how == "erase":
        return [_smudge(rng, centre_mm, side_mm)]
    if how == "strike":
        reach = _uniform(rng, 0.8, 1.2) * side_mm
        ends = centre_mm + np.array([[-reach, 0.0], [reach, 0.0]]) + rng.normal(0, 0.08 * side_mm, (2, 2))
        return [_stroke(rng, hand, _bent(rng, hand, ends[0], ends[1]), 0.0, 1.0) for _ in range(2)]
    half = _uniform(rng, 0.5, 0.75)
    gap = max(0.1, hand.pen.width_mm / side_mm * _uniform(rng, 0.9, 1.8))
    angle = float(rng.choice([90, 45, -45, 0]))
    layers = [_zigzag(rng, half, gap, 0.15, angle + 60 * layer) for layer in range(int(rng.integers(1, 3)))]
    return [_stroke(rng, hand, layer * side_mm + centre_mm, 0.0, 1.0) for layer in layers]


def _smudge(rng: Rng, centre_mm: Points, side_mm: float) -> Stroke:
    """What a rubber leaves: broad grey rubbing over the box."""
    points = _bezier(_zigzag(rng, 0.6, 0.35, 0.2, 45.0) * side_mm + centre_mm, 40)
    flow = np.full(len(points), _uniform(rng, 0.02, 0.09))
    return Stroke(points, np.full(len(points), _uniform(rng, 1.2, 2.2)), flow)


def draw_dot(rng: Rng, hand: Hand, at_mm: Points) -> list[Stroke]:
    """A place where the pen rested: 0.2 to 0.6 mm wide."""
    unit = _loop(rng, _uniform(rng, 0.02, 0.12), _uniform(rng, 0.6, 1.5), 0.3)
    return [_stroke(rng, hand, unit + at_mm, 0.0, _uniform(rng, 0.7, 1.2))]


def _letter(rng: Rng, height: float) -> Points:
    """A few corners that look like a letter: never readable, only ink."""
    kind = int(rng.integers(4))
    tall = height * (1.8 if rng.random() < 0.25 else 1.0)
    if kind == 0:
        corners = [(0, 0), (0.25, -tall), (0.5, 0)]
    elif kind == 1:
        corners = [(0.6, -height), (0.1, -height * 0.8), (0.1, -0.1), (0.6, 0)]
    elif kind == 2:
        corners = [(0, -tall), (0.05, 0), (0.3, -height), (0.6, 0)]
    else:
        corners = [(0.6, -height), (0.1, -height), (0.1, 0), (0.5, -0.2), (0.6, -tall), (0.65, 0)]
    return np.array(corners) + rng.normal(0, 0.08, (len(corners), 2)) * height


def draw_word(rng: Rng, hand: Hand, at_mm: Points, height_mm: float) -> tuple[list[Stroke], float]:
    """A word-like run of strokes on the base line at ``at_mm``; also gives its width in mm."""
    letters = int(rng.integers(2, 6))
    advance = height_mm * 0.75
    corners = [
        _letter(rng, 1.0) * height_mm * np.array([0.8, 1.0]) + at_mm + np.array([index * advance, 0.0])
        for index in range(letters)
    ]
    strokes = [_stroke(rng, hand, np.vstack(corners), 0.2)]
    if rng.random() < 0.7:  # a tone mark over a vowel
        top = at_mm + np.array([_uniform(rng, 0.2, letters * 0.6) * advance, -height_mm * 1.45])
        ends = np.array([top, top + np.array([height_mm * 0.35, -height_mm * _uniform(rng, -0.3, 0.3)])])
        strokes.append(_stroke(rng, hand, ends))
    return strokes, letters * advance + height_mm * 0.6


def draw_text(rng: Rng, hand: Hand, box_mm: tuple[float, float, float, float], lines: int) -> list[Stroke]:
    """Handwriting that fills a share of a field (x, y, w, h in mm): ``lines`` lines, ragged at the right."""
    x_mm, y_mm, w_mm, h_mm = box_mm
    pitch = h_mm / max(1, round(h_mm / 8.0))
    height = min(_uniform(rng, 1.8, 2.8), pitch * 0.45)
    strokes: list[Stroke] = []
    for line in range(lines):
        base = y_mm + (line + 0.75) * pitch
        if base > y_mm + h_mm:
            break
        x = x_mm + _uniform(rng, 1.0, 5.0)
        stop = x_mm + w_mm * (_uniform(rng, 0.75, 0.97) if line < lines - 1 else _uniform(rng, 0.2, 0.9))
        while x < stop - height * 3:
            word, width = draw_word(rng, hand, np.array([x, base + rng.normal(0, 0.3)]), height)
            strokes += word
            x += width + height * _uniform(rng, 0.5, 1.0)
    return strokes
