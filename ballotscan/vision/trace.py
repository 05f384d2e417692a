"""What a hand left in the boxes of one side, small enough to keep: by it the same paper is known again.

Of every box with ink inside, its ink as 8 by 8 samples of 16 steps: 34 bytes a mark, half a kB a side. Two
scans of one paper agree in them however it lay and whatever the scanner's settings; two papers by one hand
with the same answers do not, because no stroke falls twice on the same place (figures in DECISIONS.md).
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Final

import cv2
import numpy as np

from ballotscan.model import Mark
from ballotscan.vision.align import Alignment, local_maps, places
from ballotscan.vision.arrays import Floats, Grey
from ballotscan.vision.likeness import SIZE
from ballotscan.vision.page import Page
from ballotscan.vision.patches import Grid, sample

LEAST_PEAK: Final = 0.15
"""Darkness (1 as the print) from which a box holds a mark worth keeping: the reader's faintest marks."""

INSIDE_MM: Final = 0.45
"""The patch ends this far inside the outline, so that no print is in it: print would agree on all sheets."""

_FINER: Final = 2  # samples taken along each side of one kept, and averaged
_DARKEST: Final = 15
_LEAST_SPAN: Final = 30  # grey levels from a patch's brightest to its darkest: below, noise is not stretched


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
