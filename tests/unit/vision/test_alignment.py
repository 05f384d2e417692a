"""Make the truth and recover it: a blank is moved in a known way, and every box must be found again."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from ballotscan.forms.load import shipped_templates
from ballotscan.forms.prints import load_print
from ballotscan.vision.align import align, likeness, places, project
from ballotscan.vision.marks import find_outlines
from ballotscan.vision.page import make_page
from ballotscan.vision.reference import Reference, build_references

CLOSE_MM = 0.2
"""Half the thickness of a pen line: nearer than that no mark is missed or taken for a neighbour's."""


@cache
def references() -> tuple[Reference, ...]:
    folder = shipped_templates()
    return tuple(
        reference
        for name in ("appendix-i", "hue-2019")
        for reference in build_references(load_print(folder / name))
    )


def moved(blank: NDArray[np.uint8], matrix: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.uint8]:
    """The blank seen through a map of continuous pixels."""
    centres = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1.0]])
    warp = np.linalg.inv(centres) @ matrix @ centres
    return cv2.warpPerspective(blank, warp, size, flags=cv2.INTER_AREA, borderValue=(235.0,)).astype(np.uint8)


def turn(
    angle_deg: float, scale_x: float, scale_y: float, shift_px: tuple[float, float]
) -> NDArray[np.float64]:
    """Turn about the middle of an A4 page at 300 dpi, scale, and shift."""
    angle = np.radians(angle_deg)
    middle = np.array([[1, 0, 1240], [0, 1, 1754], [0, 0, 1.0]])
    rotation = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1.0]])
    shift = np.array([[1, 0, shift_px[0]], [0, 1, shift_px[1]], [0, 0, 1.0]])
    return shift @ middle @ rotation @ np.diag([scale_x, scale_y, 1.0]) @ np.linalg.inv(middle)


MOVES = {
    "as it is": turn(0, 1, 1, (0, 0)),
    "turned 1.7 degrees and shifted 3.2 mm": turn(1.7, 1, 1, (38, -38)),
    "skewed by 5 degrees": turn(-5, 1, 1, (0, 0)),
    "upside down": turn(180, 1, 1, (10, 5)),
    "upside down and skewed": turn(178.2, 1, 1, (-30, 12)),
    "copied at 93 percent": turn(0.4, 0.93, 0.93, (0, 0)),
    "copied at 104 percent": turn(-0.3, 1.04, 1.04, (0, 0)),
    "stretched in one direction": turn(0.5, 1.0, 1.015, (0, 0)),
}


@pytest.mark.parametrize("number", [0, 1, 2])
@pytest.mark.parametrize("name", MOVES)
def test_every_box_is_found_where_it_was_put(name: str, number: int) -> None:
    reference, matrix = references()[number], MOVES[name]
    found = align(make_page(moved(reference.blank, matrix, (2480, 3508))), references())
    assert found is not None and found.reference is reference
    assert worst_miss_mm(found, matrix, reference) < CLOSE_MM


def test_a_landscape_page_is_found_too() -> None:
    reference = references()[0]
    lying = np.ascontiguousarray(np.rot90(reference.blank))
    found = align(make_page(lying), references())
    assert found is not None and found.reference is reference
    height = reference.blank.shape[1]
    matrix = np.array([[0, 1, 0], [-1, 0, height], [0, 0, 1.0]])
    assert worst_miss_mm(found, matrix, reference) < CLOSE_MM


@pytest.mark.parametrize("dpi", [150, 200, 400, 600])
def test_resolution_is_found_from_the_print(dpi: int) -> None:
    reference = references()[1]
    size = (round(2480 * dpi / 300), round(3508 * dpi / 300))
    scan = cv2.resize(reference.blank, size, interpolation=cv2.INTER_AREA if dpi < 300 else cv2.INTER_LINEAR)
    found = align(make_page(scan.astype(np.uint8)), references())
    assert found is not None
    matrix = np.diag([size[0] / 2480, size[1] / 3508, 1.0])
    assert worst_miss_mm(found, matrix, reference) < CLOSE_MM


def test_a_cropped_page_keeps_the_boxes_it_shows() -> None:
    reference = references()[2]
    scan = np.ascontiguousarray(reference.blank[: 3508 - 700, 120:])
    found = align(make_page(scan), references())
    assert found is not None and found.reference is reference
    matrix = np.array([[1, 0, -120], [0, 1, 0], [0, 0, 1.0]])
    assert worst_miss_mm(found, matrix, reference) < CLOSE_MM


def test_a_map_between_mm_and_pixels_is_used_the_right_way_round() -> None:
    """The measure of this file itself: a wrong map must not pass."""
    reference = references()[0]
    found = align(make_page(reference.blank), references())
    assert found is not None
    assert worst_miss_mm(found, turn(0.5, 1, 1, (0, 0)), reference) > 5 * CLOSE_MM


def test_other_pages_do_not_agree() -> None:
    rng = np.random.default_rng(5)
    noise = rng.integers(0, 255, (3508, 2480), dtype=np.uint8)
    lines = np.full((3508, 2480), 255, np.uint8)
    lines[::90] = 0
    for page in (noise, lines):
        found = align(make_page(page), references())
        assert found is None or found.peak < 0.2


def test_the_side_shown_is_the_most_alike() -> None:
    shown = references()[0]
    page = make_page(moved(shown.blank, MOVES["turned 1.7 degrees and shifted 3.2 mm"], (2480, 3508)))
    found = align(page, references())
    assert found is not None
    assert likeness(page, found) > 0.6


def worst_miss_mm(found: object, matrix: NDArray[np.float64], reference: Reference) -> float:
    """Largest distance between a box as found (outline and all) and as put, in mm on paper."""
    from ballotscan.vision.align import Alignment

    assert isinstance(found, Alignment)
    size = float(np.sqrt(abs(np.linalg.det(matrix[:2, :2]))))
    px_per_mm = reference.dpi / 25.4
    true = project(matrix @ np.diag([px_per_mm, px_per_mm, 1.0]), reference.boxes.centres_mm)
    return float(np.hypot(*(places(found, reference.boxes.centres_mm) - true).T).max()) / px_per_mm / size


def test_outlines_are_found_again_after_a_local_stretch() -> None:
    """Feed stretch: rows drift by up to 0.6 mm against each other; the page fit alone cannot follow."""
    reference = references()[1]
    rows = np.arange(3508, dtype=np.float32)
    drift = 7 * np.sin(rows / 3508 * 2 * np.pi * 1.5)
    columns = np.tile(np.arange(2480, dtype=np.float32), (3508, 1))
    where = np.tile((rows - drift)[:, None], (1, 2480)).astype(np.float32)
    scan = cv2.remap(reference.blank, columns, where, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    page = make_page(scan.astype(np.uint8))
    found = align(page, references())
    assert found is not None
    outlines = find_outlines(page, found)
    px_per_mm = reference.dpi / 25.4
    put = reference.boxes.centres_mm * px_per_mm
    put[:, 1] += np.interp(put[:, 1], rows - drift, drift)
    miss = np.hypot(*(outlines.centres_px - put).T) / px_per_mm
    assert miss.max() < CLOSE_MM
