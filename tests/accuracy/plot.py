"""The reliability plot, drawn as SVG: of answers given a confidence, the share that was right."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from math import log10

from tests.accuracy.bars import bounds
from tests.accuracy.tally import BINS, bin_name

SIDE, LEFT, TOP = 420, 70, 30
LEAST = 1e-4
"""The doubt, 1 minus a share, is drawn on a scale of powers of ten from 1 to this."""

TICKS = (0.0, 0.5, 0.9, 0.99, 0.999, 0.9999)
COLOURS = {"accepted": "#1a6fb3", "asked": "#c0551a"}
WORDS = {"accepted": "accepted answers", "asked": "proposals put to a person"}


def _along(share: float) -> float:
    """Place of a share on either axis, 0 to 1."""
    return min(max(log10(max(1 - share, LEAST)) / log10(LEAST), 0.0), 1.0)


def _x(share: float) -> float:
    return LEFT + SIDE * _along(share)


def _y(share: float) -> float:
    return TOP + SIDE * (1 - _along(share))


def _text(x: float, y: float, text: str, anchor: str = "middle", colour: str = "#333") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{text}</text>'


def _line(ends: tuple[float, float, float, float], colour: str, more: str = "") -> str:
    x1, y1, x2, y2 = ends
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" {more}/>'


def _axes() -> Iterator[str]:
    for share in TICKS:
        yield _line((_x(share), TOP, _x(share), TOP + SIDE), "#ddd")
        yield _line((LEFT, _y(share), LEFT + SIDE, _y(share)), "#ddd")
        yield _text(_x(share), TOP + SIDE + 18, f"{share:g}")
        yield _text(LEFT - 8, _y(share) + 4, f"{share:g}", "end")
    yield _line((_x(0), _y(0), _x(1), _y(1)), "#888", 'stroke-dasharray="5 4"')
    yield _text(LEFT + SIDE / 2, TOP + SIDE + 40, "confidence given")
    yield _text(LEFT, TOP - 12, "share that was right", "start")


def _points(what: str, counts: Mapping[str, Sequence[int]], aside: float) -> Iterator[str]:
    """A point in the middle of each bin, its 95 % interval upright and the bin's width across."""
    for low, high in pairwise(BINS):
        count, right = counts.get(bin_name(what, low), (0, 0))
        if not count:
            continue
        x = (_x(low) + _x(high)) / 2 + aside
        least, most = bounds(count, right)
        colour = COLOURS[what]
        yield _line((x, _y(least), x, _y(most)), colour, 'stroke-width="2"')
        yield f'<circle cx="{x:.1f}" cy="{_y(right / count):.1f}" r="4" fill="{colour}"><title>'
        yield f"{WORDS[what]}, {low:g} to {high:g}: {right:,} of {count:,} right</title></circle>"


def reliability_svg(counts: Mapping[str, Sequence[int]]) -> str:
    """The whole picture. ``counts``: answers and how many of them right, by ``tally.bin_name``."""
    width, height = LEFT + SIDE + 30, TOP + SIDE + 55
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        'font-family="sans-serif" font-size="13">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        *_axes(),
    ]
    for number, what in enumerate(COLOURS):
        lines += _points(what, counts, 6.0 * number - 3)
        lines.append(
            _text(LEFT + SIDE - 12, TOP + SIDE - 40 + 20 * number, WORDS[what], "end", COLOURS[what])
        )
    return "\n".join([*lines, "</svg>"]) + "\n"
