"""The test deck of ``ballotscan calibrate`` through a simulated scanner whose every property is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pypdfium2
from numpy.typing import NDArray

from ballotscan.forms.deck import draw_deck
from tests.simulator.conditions import Condition
from tests.simulator.scanner import Geometry, Optics, encode, lay_paper, scan_channel, set_optics, to_bitonal
from tests.simulator.sheets import GREY_WEIGHTS, Weights

Pixels = NDArray[np.uint8]
MASTER_DPI = 300
PAGE_MM = (210.0, 297.0)
RED_LIGHT: Weights = (1.0, 0.0, 0.0)
"""A scanner that drops red sees by red light alone."""


@dataclass(frozen=True)
class DeckSide:
    """One side as scanned, (H, W), with what was done to it."""

    image: Pixels
    geometry: Geometry
    optics: Optics


@cache
def deck_in_colour() -> tuple[Pixels, ...]:
    """The printed deck, (H, W, 3) red, green, blue, at MASTER_DPI."""
    with pypdfium2.PdfDocument(draw_deck()) as document:
        return tuple(
            page.render(scale=MASTER_DPI / 72, rev_byteorder=True).to_numpy().copy() for page in document
        )


@cache
def laser_print() -> tuple[Pixels, ...]:
    """The deck from a black-and-white laser printer: 600 dpi, greys mixed from dots at 106 lines per inch.

    A tile of 8 pixels holds two cells, turned by 45 degrees; toner reflects 7 %.
    """
    y, x = np.mgrid[:8, :8]
    spot = np.cos(np.pi / 4 * (x + y)) + np.cos(np.pi / 4 * (x - y)) + 1e-3 * (x + 1.7 * y)
    rank = (spot.ravel().argsort().argsort().reshape(8, 8) + 0.5) / 64 * 255
    sides = []
    with pypdfium2.PdfDocument(draw_deck()) as document:
        for page in document:
            grey = page.render(scale=2 * MASTER_DPI / 72, grayscale=True).to_numpy().squeeze()
            rows, columns = (-(-length // 8) for length in grey.shape)
            screen = np.tile(rank.astype(np.uint8), (rows, columns))[: grey.shape[0], : grey.shape[1]]
            dots = np.where(grey > screen, 255, 18).astype(np.uint8)
            sides.append(cv2.resize(dots, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))
    return tuple(np.asarray(side, np.uint8) for side in sides)


def seen_by(weights: Weights) -> tuple[Pixels, ...]:
    """The deck as a sensor with these weights of red, green and blue sees it."""
    return tuple(
        np.asarray(cv2.transform(page, np.array([weights], np.float32)), np.uint8).reshape(page.shape[:2])
        for page in deck_in_colour()
    )


def scan_deck(
    condition: Condition,
    dpi: int,
    seed: int,
    *,
    weights: Weights = GREY_WEIGHTS,
    filter_image: Callable[[Pixels], Pixels] = lambda image: image,
    printed: tuple[Pixels, ...] | None = None,
) -> tuple[DeckSide, ...]:
    """Both sides. The same seed gives the same scanner; each side lies as it happens to lie.

    ``filter_image`` is what the driver does to the image: despeckle, remove the background. ``printed`` is
    another print of the deck than the ideal one in colour.
    """
    sides = []
    for number, page in enumerate(printed or seen_by(weights)):
        here = np.random.default_rng([seed, number])
        geometry = lay_paper(condition, np.random.default_rng(seed), here, PAGE_MM, dpi)
        optics = set_optics(condition, np.random.default_rng(seed), geometry)
        image = scan_channel(page, MASTER_DPI, geometry, optics, here)
        sides.append(DeckSide(filter_image(image), geometry, optics))
    return tuple(sides)


def write_scan(
    sides: tuple[DeckSide, ...],
    folder: Path,
    *,
    dpi_tag: float | None,
    quality: int = 90,
    bitonal: bool = False,
) -> Path:
    """The files that the scanner would write, one per side; returns their folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, side in enumerate(sides, start=1):
        image = to_bitonal(side.image, 0.0) if bitonal else side.image
        data, suffix = encode(image, bitonal, quality, dpi_tag)
        (folder / f"deck{number}{suffix}").write_bytes(data)
    return folder
