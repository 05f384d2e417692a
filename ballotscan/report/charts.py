"""Charts as SVG, drawn once for every format. Greys and hatches carry the meaning too: notices are copied."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from html import escape
from typing import Final

from ballotscan.report.document import Chart

WIDTH_MM: Final = 160.0  # the text of an A4 page between margins of 30 and 15 mm, and a little air
_LABEL_MM: Final = 62.0
_ROW_MM: Final = 8.0
_LEGEND_MM: Final = 4.0
_CHARACTER_MM: Final = 1.75  # as wide as letters of 3.6 mm are, on the average
_LABEL_CHARACTERS: Final = 40
_FONT: Final = "Tinos, 'Times New Roman', serif"
BLUE: Final = "#1f4e79"
# From the worst level to the best; told apart in grey too, by their lightness
_LEVELS: Final = {
    2: ("#b5523b", "#2e6da4"),
    3: ("#b5523b", "#e3c567", "#2e6da4"),
    4: ("#8c2d19", "#e08a5b", "#9cc3e6", "#1f4e79"),
    5: ("#8c2d19", "#e08a5b", "#eadfb4", "#9cc3e6", "#1f4e79"),
}
_LIGHT: Final = ("#e3c567", "#e08a5b", "#9cc3e6", "#eadfb4")
_SAID_FROM: Final = 7.0
"""Percent: a piece of a bar that is as wide as its number."""


def bars(
    caption: str, rows: Sequence[tuple[str, float, str]], whiskers: Sequence[tuple[float, float] | None]
) -> Chart:
    """Horizontal bars of percentages: name, value, its text; with a 95 % interval where one is known."""
    height = _ROW_MM * len(rows) + 8
    span = WIDTH_MM - _LABEL_MM - 18
    parts = [_scale(span, height - 6)]
    for place, ((name, value, text), between) in enumerate(zip(rows, whiskers, strict=True)):
        y = place * _ROW_MM + 1
        parts += _label(y, name)
        parts.append(
            f'<rect x="{_LABEL_MM}" y="{y}" width="{value / 100 * span:.2f}" height="5.6" fill="{BLUE}"/>'
        )
        if between:
            low, high = (_LABEL_MM + end * span for end in between)
            ends = "".join(f"M{end:.2f} {y + 1.6:.2f}v2.4" for end in (low, high))
            line = f"M{low:.2f} {y + 2.8:.2f}H{high:.2f}{ends}"
            parts.append(f'<path d="{line}" stroke="#e08a5b" stroke-width="0.5" fill="none"/>')
        parts.append(_text(WIDTH_MM - 1, y + 4.4, text, "end"))
    said = "; ".join(f"{name}: {text}" for name, _value, text in rows)
    return _chart("bars", caption, parts, height, said)


def stacks(
    caption: str, rows: Sequence[tuple[str, Sequence[float]]], levels: Sequence[str], said: str
) -> Chart:
    """Each row one bar of 100 %, cut by levels from worst to best; a legend below."""
    colours = _LEVELS.get(len(levels), _LEVELS[5])
    legend = 6.5 * (1 + int(sum(9 + len(each) * _CHARACTER_MM for each in levels) // (WIDTH_MM - 30)))
    height = _ROW_MM * len(rows) + 9 + legend
    span = WIDTH_MM - _LABEL_MM - 4
    parts = [_scale(span, height - 7 - legend)]
    for place, (name, shares) in enumerate(rows):
        y, x = place * _ROW_MM + 1, _LABEL_MM
        parts += _label(y, name)
        for share, colour in zip(shares, colours, strict=False):
            width = share / 100 * span
            parts.append(
                f'<rect x="{x:.2f}" y="{y}" width="{width:.2f}" height="5.6" fill="{colour}" stroke="#fff"'
                ' stroke-width="0.2"/>'
            )
            if share >= _SAID_FROM:
                ink = "#000" if colour in _LIGHT else "#fff"
                parts.append(_text(x + width / 2, y + 3.9, str(int(share + 0.5)), "middle", 3.0, ink))
            x += width
    x, y = _LEGEND_MM, height - legend
    for label, colour in zip(levels, colours, strict=False):
        width = 9 + len(label) * _CHARACTER_MM
        if x + width > WIDTH_MM:
            x, y = _LEGEND_MM, y + 6.5
        parts.append(f'<rect x="{x:.2f}" y="{y:.2f}" width="4" height="4" fill="{colour}"/>')
        parts.append(_text(x + 5.5, y + 3.4, label, "start"))
        x += width
    return _chart("stacks", caption, parts, height, said)


def trend(caption: str, points: Sequence[tuple[str, float, str]]) -> Chart:
    """A line over periods, from the oldest to this one."""
    height, left, right, top, bottom = 52.0, 14.0, 8.0, 8.0, 40.0
    least = min(value for _name, value, _text in points)
    floor = max(0.0, 10 * ((least - 5) // 10))
    step = (WIDTH_MM - left - right) / max(1, len(points) - 1)

    def place(index: int, value: float) -> tuple[float, float]:
        return left + index * step, bottom - (value - floor) / (100 - floor) * (bottom - top)

    parts = []
    for mark in range(int(floor), 101, 10 if floor >= 50 else 20):
        y = place(0, mark)[1]
        parts.append(f'<path d="M{left} {y:.2f}H{WIDTH_MM - right}" stroke="#ccc" stroke-width="0.2"/>')
        parts.append(_text(left - 2, y + 1.2, str(mark), "end"))
    spots = [place(index, value) for index, (_name, value, _text) in enumerate(points)]
    line = "L".join(f"{x:.2f} {y:.2f}" for x, y in spots)
    parts.append(f'<path d="M{line}" stroke="{BLUE}" stroke-width="0.8" fill="none"/>')
    for (x, y), (name, _value, text) in zip(spots, points, strict=True):
        anchor = "start" if x < left + 5 else "end" if x > WIDTH_MM - right - 5 else "middle"
        parts.append(f'<circle cx="{x:.2f}" cy="{y:.2f}" r="1.1" fill="{BLUE}"/>')
        parts.append(_text(x, y - 2.5, text, anchor))
        parts.append(_text(x, height - 5, name, anchor))
    return _chart("trend", caption, parts, height, "; ".join(f"{name}: {text}" for name, _v, text in points))


def _scale(span: float, height: float) -> str:
    lines = []
    for mark in range(0, 101, 20):
        x = _LABEL_MM + mark / 100 * span
        lines.append(f'<path d="M{x:.2f} 0V{height:.2f}" stroke="#ccc" stroke-width="0.2"/>')
        lines.append(_text(x, height + 4, str(mark), "middle", 3.2))
    return "".join(lines)


def _label(y: float, name: str) -> list[str]:
    """A row's name at the left of its bar, on one line or two."""
    if len(name) <= _LABEL_CHARACTERS - 6:
        return [_text(_LABEL_MM - 2, y + 4.1, name, "end")]
    lines = textwrap.wrap(name, _LABEL_CHARACTERS, max_lines=2, placeholder="…")
    return [_text(_LABEL_MM - 2, y + 2.1 + 3.3 * n, line, "end", 3.1) for n, line in enumerate(lines)]


def _text(x: float, y: float, text: str, anchor: str, size: float = 3.6, ink: str = "#000") -> str:
    return (
        f'<text x="{x:.2f}" y="{y:.2f}" font-family="{_FONT}" font-size="{size}" text-anchor="{anchor}"'
        f' fill="{ink}">'
        f"{escape(text)}</text>"
    )


def _chart(kind: str, caption: str, parts: Sequence[str], height: float, said: str) -> Chart:
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH_MM}mm" height="{height}mm"'
        f' viewBox="0 0 {WIDTH_MM} {height}" role="img">{"".join(parts)}</svg>'
    )
    return Chart(caption, svg, WIDTH_MM, height, kind, said)
