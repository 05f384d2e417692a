"""A second look at each box that has anything in or around it: what does it look like?

The measures of ``marks`` are sums; they cannot tell a staple from a slash, nor the rim of a stain from a
circle. This look is of the picture itself, by a small convolutional network that was fitted to the marks of
the project's own simulator (``python -m tests.training``, with the card of its data in
tests/training/README.md). It runs in OpenCV. ``rules`` takes it for a second key beside the measures.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import cv2
import numpy as np

from ballotscan.vision.arrays import Bools, Floats, Grey
from ballotscan.vision.page import MM_PER_INCH

SIZE = 40
SPAN = 2.2
"""What is looked at: a square of SPAN box sides around the box in SIZE by SIZE samples, 0.2 mm apart for
a box of 4 mm. As far as that a mark is its box's own; the boxes of a row begin to be in sight."""

GAIN, LEAST, MOST = 1.2, -0.3, 2.25
"""The network was fitted to darkness times GAIN, within these."""

BLANK_BLUR_MM = 0.08

INNER = slice(13, 27)
"""Rows and columns of a view that lie inside the box, clear of its outline."""

DARKEST = 0.92
"""A stroke across the box covers a tenth of it and more: this quantile of the inside is its darkness."""

AMONG, WITHIN, PALEST_PEN = 0.95, 0.5, 0.08
"""The boxes of a side at least half as dark as the one at this quantile hold its marks, be every fifth box
marked or only those be looked at; below the last, in print's darkness, there is no pen but noise."""

AS_DARK = 0.8
"""In the third picture every pen's usual mark is this dark, within LEAST and MOST."""

SHAPES = ("choice", "nothing", "taken_back", "unusual")
"""What a box may look like: plainly chosen (cross, tick, slash, fill), not chosen (whatever may lie there),
chosen and taken back, marked in another way (ring, dot, scribble, arrow)."""

_ORDER = ("nothing", "choice", "taken_back", "unusual")  # of the network's outputs


def _places() -> Floats:
    steps = (np.arange(SIZE) + 0.5) / SIZE - 0.5
    y, x = np.meshgrid(steps, steps, indexing="ij")
    return np.stack([x.ravel(), y.ravel(), np.ones(SIZE * SIZE)]).astype(np.float32)


PLACES = _places()


def view(image: Grey, centres_px: Floats, mm_to_px: Floats, sides_mm: Floats) -> Floats:
    """What lies around boxes: grey (N, SIZE, SIZE) of ``image`` within SPAN times ``sides_mm`` (N,), the
    rest as in ``patches.sample``."""
    if not len(centres_px):
        return np.zeros((0, SIZE, SIZE), np.float32)
    maps = mm_to_px * (SPAN * sides_mm)[:, None, None]
    where = np.concatenate([maps, centres_px[:, :, None] - 0.5], axis=2).astype(np.float32)
    columns, rows = where[:, 0] @ PLACES, where[:, 1] @ PLACES
    seen = cv2.remap(image, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return seen.reshape(len(centres_px), SIZE, SIZE).astype(np.float32)


def view_blank(blank: Grey, dpi: float, rects_mm: Floats) -> Floats:
    """What the form itself prints around its boxes ``rects_mm`` (N, 4), as the network takes it:
    (N, SIZE, SIZE)."""
    scale = dpi / MM_PER_INCH
    soft = cv2.GaussianBlur(blank, (0, 0), BLANK_BLUR_MM * scale)
    centres = rects_mm[:, :2] + rects_mm[:, 2:] / 2
    maps = np.tile(np.eye(2) * scale, (len(rects_mm), 1, 1))
    return scaled(1 - view(soft, centres * scale, maps, rects_mm[:, 2:].mean(axis=1)) / 255)


def scaled(dark: Floats) -> Floats:
    """Darkness as the network takes it."""
    return (GAIN * dark).clip(LEAST, MOST).astype(np.float32)


def pictures(dark: Floats, blank: Floats, pen: float) -> Floats:
    """What the network is given of boxes, (N, 3, SIZE, SIZE): ``dark`` (N, SIZE, SIZE) of ``scaled``,
    ``blank`` of ``view_blank``, and what the first holds beyond the second as if the ``pen`` were of usual
    darkness."""
    as_usual = ((dark - blank) * np.float32(AS_DARK / pen)).clip(LEAST, MOST)
    return np.stack([dark, blank, as_usual], axis=1)


def pen_of(ink: Floats) -> float:
    """How dark the pen is that marked these boxes; ``ink`` (N, SIZE, SIZE) is what lies beyond the print."""
    inner = ink[:, INNER, INNER].reshape(len(ink), -1)
    rank = int(DARKEST * inner.shape[1])
    peaks = np.partition(inner, rank, axis=1)[:, rank]
    marked = peaks >= WITHIN * np.quantile(peaks, AMONG)
    return max(float(np.median(peaks[marked])), PALEST_PEN)


@cache
def _network() -> cv2.dnn.Net:
    """The fitted network, loaded once per process."""
    fitted = files("ballotscan.vision").joinpath("shapes.onnx").read_bytes()
    return cv2.dnn.readNetFromONNX(np.frombuffer(fitted, np.uint8))


def tell_shapes(dark: Floats, blank: Floats, seen: Bools) -> dict[str, Floats]:
    """How likely each box is each of SHAPES: four arrays (N,), 0 to 1, together 1.

    ``dark`` (M, SIZE, SIZE) is the darkness around the M boxes that are ``seen`` (N,), in print's own; the
    others have nothing in or around them. ``blank`` (N, SIZE, SIZE) is of ``view_blank``."""
    told = np.zeros((len(seen), len(SHAPES)), np.float32)
    told[:, 0] = 1
    if len(dark):
        network, printed, found = _network(), blank[seen], scaled(dark)
        network.setInput(pictures(found, printed, pen_of(found - printed)))
        told[seen] = network.forward()
    return dict(zip(_ORDER, told.T, strict=True))
