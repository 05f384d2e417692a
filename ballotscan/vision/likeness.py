"""How alike two sides are by the traces of their marks (see ``trace``). Numbers only: a scan's parent process
compares here and needs no library of pixels for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np

from ballotscan.vision.arrays import Floats

SIZE: Final = 8
"""Samples along a patch. 6, 8 and 12 told rescans from the same hand's other sheets equally well."""

_BYTES: Final = 2 + SIZE * SIZE // 2  # of a mark in a trace: its box, and two samples a byte


@dataclass(frozen=True)
class Traces:
    """Many sides' traces, mark by mark. ``owner`` (M,) which side a mark is of; ``box`` (M,) which box;
    ``shape`` (M, 64) its samples, of mean 0 and length 1; ``count`` (N,) marks of each side, which begin at
    ``start`` (N + 1).
    """

    owner: Floats
    box: Floats
    shape: Floats
    count: Floats
    start: tuple[int, ...]


def unpack(traces: Sequence[bytes]) -> Traces:
    """Traces as they are stored (the bytes that the text of ``take_trace`` stands for)."""
    counts = np.array([len(each) // _BYTES for each in traces], np.int64)
    rows = np.frombuffer(b"".join(traces), np.uint8).reshape(-1, _BYTES)
    shape = np.empty((len(rows), SIZE * SIZE), np.float32)
    shape[:, ::2], shape[:, 1::2] = rows[:, 2:] >> 4, rows[:, 2:] & 15
    shape -= shape.mean(axis=1, keepdims=True)
    shape /= np.sqrt(np.maximum(np.einsum("ms,ms->m", shape, shape), 1e-12))[:, None]
    box = rows[:, 0].astype(np.int64) << 8 | rows[:, 1]
    start = (0, *np.cumsum(counts).tolist())
    return Traces(np.repeat(np.arange(len(traces)), counts), box, shape, counts, start)


SKETCH: Final = 192
"""Numbers that stand for a side while all are compared with all. With so many random directions a likeness
comes out wrong by 0.07 (one standard deviation): enough to choose whom to look at closely."""

_NEAREST: Final = 24
"""So many of the nearest by sketch are compared mark by mark: among fifty sheets of one careful hand with the
same answers a second scan still is one of the first."""

_PAIRS_AT_ONCE: Final = 500_000
"""Pairs of sketches multiplied in one go, some 10 MB however many sides there are."""


@dataclass(frozen=True, slots=True)
class Near:
    """How alike a side is to another, and by how much more than to the next that is not the same paper."""

    likeness: float
    lead: float


def sketch(traces: Traces) -> Floats:
    """Each side in SKETCH numbers (N, SKETCH) whose products are near the likeness of two sides."""
    sums = np.zeros((len(traces.count), SKETCH), np.float32)
    for box in np.unique(traces.box):
        mine = traces.box == box
        sums[traces.owner[mine]] += traces.shape[mine] @ _directions(int(box))
    return sums / np.sqrt(np.maximum(traces.count, 1))[:, None]


@cache
def _directions(box: int) -> Floats:
    random = np.random.default_rng((4003, box))
    return (random.standard_normal((SIZE * SIZE, SKETCH)) / np.sqrt(SKETCH)).astype(np.float32)


def find_alike(
    new: Sequence[int], known: Traces, least: float, same: float, marks: int
) -> Mapping[tuple[int, int], Near]:
    """Pairs (side of ``new``, any other side) alike by ``least`` at least, both with so many ``marks``. Two
    sides alike by ``same`` are one paper: neither takes the lead from the other.

    All is compared with all in one matrix product of sketches, block by block, 1e-8 s a pair; the nearest of
    each are then compared mark by mark.
    """
    sketches = sketch(known)
    enough = known.count >= marks
    wanted = np.array([side for side in new if enough[side]], np.int64)
    most = min(_NEAREST + 1, len(enough))
    found: dict[tuple[int, int], Near] = {}
    at_once = max(1, _PAIRS_AT_ONCE // max(1, len(enough)))
    for start in range(0, len(wanted), at_once):
        block = wanted[start : start + at_once]
        far = np.where(enough, -(sketches[block] @ sketches.T), np.inf)
        nearest = np.argpartition(far, most - 1, axis=1)[:, :most]
        for one, others in zip(block.tolist(), nearest.tolist(), strict=True):
            values = {
                other: likeness(known, one, other) for other in others if other != one and enough[other]
            }
            found.update(_leading(known, one, values, least, same))
    return found


def _leading(
    known: Traces, one: int, values: Mapping[int, float], least: float, same: float
) -> Mapping[tuple[int, int], Near]:
    ranked = sorted(values.items(), key=lambda item: -item[1])
    found = {}
    for other, value in ranked:
        if value < least:
            break
        thirds = (v for third, v in ranked if third != other and likeness(known, other, third) < same)
        found[one, other] = Near(value, value - next(thirds, 0.0))
    return found


def likeness(traces: Traces, one: int, other: int) -> float:
    """How alike two sides are: the sum of their common marks' correlations, over the marks of the side that
    has fewer. 1 is the same, 0 nothing in common or nothing marked. What one of them shows more (a mark made
    after the first scan, print that a bad scan took for ink) does not hide that they are one.
    """
    first, last = traces.start[one], traces.start[one + 1]
    start, end = traces.start[other], traces.start[other + 1]
    common = traces.box[first:last, None] == traces.box[None, start:end]
    if not common.any():
        return 0.0
    alike = (traces.shape[first:last] @ traces.shape[start:end].T)[common].sum()
    return float(alike) / min(last - first, end - start)
