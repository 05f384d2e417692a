"""What a hand left in the boxes of one side, small enough to keep: by it the same paper is known again.

Of every box with ink inside, its ink as 8 by 8 samples of 16 steps: 34 bytes a mark, half a kB a side. Two
scans of one paper agree in them however it lay and whatever the scanner's settings; two papers by one hand
with the same answers do not, because no stroke falls twice on the same place (figures in DECISIONS.md).
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import cv2
import numpy as np

from ballotscan.model import Mark
from ballotscan.vision.align import Alignment, local_maps, places
from ballotscan.vision.arrays import Floats, Grey
from ballotscan.vision.page import Page
from ballotscan.vision.patches import Grid, sample

SIZE: Final = 8
"""Samples along a patch. 6, 8 and 12 told rescans from the same hand's other sheets equally well."""

LEAST_PEAK: Final = 0.15
"""Darkness (1 as the print) from which a box holds a mark worth keeping: the reader's faintest marks."""

INSIDE_MM: Final = 0.45
"""The patch ends this far inside the outline, so that no print is in it: print would agree on all sheets."""

_FINER: Final = 2  # samples taken along each side of one kept, and averaged
_DARKEST: Final = 15
_LEAST_SPAN: Final = 30  # grey levels from a patch's brightest to its darkest: below, noise is not stretched
_BYTES: Final = 2 + SIZE * SIZE // 2


def take_trace(page: Page, alignment: Alignment, marks: Sequence[Mark]) -> str:
    """The trace of one side whose boxes are measured, as text; empty where no box holds ink."""
    boxes = alignment.reference.boxes
    chosen = [number for number, mark in enumerate(marks) if mark.peak >= LEAST_PEAK and mark.held == 1.0]
    if not chosen:
        return ""
    centres = boxes.centres_mm[chosen]
    maps = local_maps(alignment.matrix, centres)
    shift = np.array([[marks[number].shift_x_mm, marks[number].shift_y_mm] for number in chosen])
    centres_px = places(alignment, centres) + (maps @ shift[:, :, None])[:, :, 0]
    half_mm = float(boxes.rects_mm[:, 2:].min()) / 2 - INSIDE_MM
    patches = sample(page.fine, centres_px * page.fine_scale, maps * page.fine_scale, _grid(half_mm))
    return base64.b64encode(pack(chosen, patches)).decode("ascii")


@cache
def _grid(half_mm: float) -> Grid:
    """An even number of samples, none of them on the centre."""
    count = SIZE * _FINER
    steps = ((np.arange(count) + 0.5) / count * 2 - 1) * half_mm
    return Grid(count, float(2 * half_mm / count), steps.astype(np.float32))


def _levels(patch: Grey) -> Floats:
    """A patch's darkness in 0 to 15, from its own brightest to its darkest."""
    dark = 255 - cv2.resize(patch, (SIZE, SIZE), interpolation=cv2.INTER_AREA).astype(np.float32)
    low, high = float(dark.min()), float(dark.max())
    return np.rint((dark - low) * _DARKEST / max(high - low, _LEAST_SPAN)).astype(np.uint8).ravel()


def pack(numbers: Sequence[int], patches: Iterable[Grey]) -> bytes:
    """The trace of the boxes of these numbers, whose insides look as in ``patches`` (grey, square)."""
    levels = (_levels(patch) for patch in patches)
    return b"".join(
        number.to_bytes(2, "big") + ((each[::2] << 4) | each[1::2]).tobytes()
        for number, each in zip(numbers, levels, strict=True)
    )


# --- comparing -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Traces:
    """Many sides' traces, mark by mark. ``owner`` (M,) which side a mark is of; ``box`` (M,) which box;
    ``shape`` (M, 64) its samples, of mean 0 and length 1; ``count`` (N,) marks of each side."""

    owner: Floats
    box: Floats
    shape: Floats
    count: Floats


def unpack(traces: Sequence[bytes]) -> Traces:
    """Traces as they are stored (the bytes that the text of ``take_trace`` stands for)."""
    counts = np.array([len(each) // _BYTES for each in traces], np.int64)
    rows = np.frombuffer(b"".join(traces), np.uint8).reshape(-1, _BYTES)
    shape = np.empty((len(rows), SIZE * SIZE), np.float32)
    shape[:, ::2], shape[:, 1::2] = rows[:, 2:] >> 4, rows[:, 2:] & 15
    shape -= shape.mean(axis=1, keepdims=True)
    shape /= np.maximum(np.linalg.norm(shape, axis=1, keepdims=True), 1e-6)
    box = rows[:, 0].astype(np.int64) << 8 | rows[:, 1]
    return Traces(np.repeat(np.arange(len(traces)), counts), box, shape, counts)


SKETCH: Final = 192
"""Numbers that stand for a side while all are compared with all. With so many random directions, a likeness
comes out wrong by 0.07 (one standard deviation): enough to choose whom to look at closely."""

_SLACK: Final = 0.25  # 3.5 such deviations
_AT_ONCE: Final = 512


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
    new: Sequence[int], known: Traces, least: float, marks: int
) -> Mapping[tuple[int, int], float]:
    """Pairs (side of ``new``, any other side) alike by ``least`` at least, both with so many ``marks``.

    All is compared with all in one matrix product of sketches, block by block, 1e-8 s a pair; the pairs it
    leaves are compared mark by mark.
    """
    sketches = sketch(known)
    enough = known.count >= marks
    wanted = np.array([side for side in new if enough[side]], np.int64)
    found: dict[tuple[int, int], float] = {}
    for start in range(0, len(wanted), _AT_ONCE):
        block = wanted[start : start + _AT_ONCE]
        near = (sketches[block] @ sketches.T > least - _SLACK) & enough
        rows, others = np.nonzero(near)
        for one, other in zip(block[rows].tolist(), others.tolist(), strict=True):
            if one != other and (value := likeness(known, one, other)) >= least:
                found[one, other] = value
    return found


def likeness(traces: Traces, one: int, other: int) -> float:
    """How alike two sides are: the sum of their marks' correlations over the boxes marked on either. 1 is the
    same, 0 nothing in common or nothing marked.
    """
    starts = _starts(traces, one), _starts(traces, other)
    (first, last), (start, end) = starts
    common, mine, theirs = np.intersect1d(
        traces.box[first:last], traces.box[start:end], assume_unique=True, return_indices=True
    )
    if not len(common):
        return 0.0
    alike = float((traces.shape[first:last][mine] * traces.shape[start:end][theirs]).sum())
    return alike / (last - first + end - start - len(common))


def _starts(traces: Traces, side: int) -> tuple[int, int]:
    first, last = np.searchsorted(traces.owner, (side, side + 1))
    return int(first), int(last)
