"""Photographs made from the blanks: held at an angle, curled, on a table; every box must be found again."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from ballotscan.forms.load import shipped_templates
from ballotscan.forms.prints import load_print
from ballotscan.model import Reason, SideReading
from ballotscan.reading import SideNotRead, read_side
from ballotscan.vision.align import align, places
from ballotscan.vision.page import make_page
from ballotscan.vision.reference import Reference, build_references
from ballotscan.vision.unbend import find_bend, lay_flat

CLOSE_MM = 0.3
"""Nearer than this the patches and outlines of the page laid flat are found again."""

PX_PER_MM = 200 / 25.4
TABLE = 60
STEP_PX = 8
"""The photograph is worked out at every eighth pixel and even between."""


@cache
def references(name: str) -> tuple[Reference, ...]:
    return build_references(load_print(shipped_templates() / name))


class Camera:
    """A pinhole above the middle of the sheet, leaning by ``lean_deg``, and paper that curls towards it."""

    def __init__(self, lean_deg: tuple[float, float], curl_mm: float = 0.0, away_mm: float = 450.0) -> None:
        a, b = np.radians(lean_deg)
        about_x = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
        about_y = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
        self.pose, self.curl_mm, self.away_mm = about_x @ about_y, curl_mm, away_mm
        self.size_px = (1920, 2600)

    def px(self, points_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        """Where points of an A4 sheet (N, 2) in mm lie in the photograph, in continuous px."""
        x, y = (points_mm - (105.0, 148.5)).T
        space = np.stack([x, y, -self.curl_mm * (x / 100) ** 2], axis=1) @ self.pose.T
        seen = space[:, :2] * (self.away_mm / (self.away_mm + space[:, 2:])) * PX_PER_MM
        return np.asarray(seen + np.array(self.size_px) / 2)

    def take(self, blank: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The photograph of a blank page at 300 dpi."""
        columns, rows = self.size_px[0] // STEP_PX, self.size_px[1] // STEP_PX
        y, x = (np.mgrid[0:rows, 0:columns].reshape(2, -1) + 0.5) * STEP_PX
        target = np.stack([x, y], axis=1)
        found = (target - np.array(self.size_px) / 2) / PX_PER_MM + (105.0, 148.5)
        for _ in range(25):
            found += (target - self.px(found)) / PX_PER_MM
        coarse = (found * 300 / 25.4 - 0.5).astype(np.float32).reshape(rows, columns, 2)
        where = cv2.resize(coarse, self.size_px)
        soft = cv2.GaussianBlur(blank, (0, 0), 0.8)
        return cv2.remap(soft, where[..., 0], where[..., 1], cv2.INTER_LINEAR, borderValue=(TABLE,)).astype(
            np.uint8
        )


CAMERAS = {
    "leaning 15 degrees": Camera((15, 8)),
    "leaning 25 degrees": Camera((-25, 5)),
    "curled": Camera((6, -5), curl_mm=15.0),
}


@pytest.mark.parametrize(("name", "number"), [("appendix-i", 0), ("appendix-i", 1), ("hue-2019", 0)])
@pytest.mark.parametrize("held", CAMERAS)
def test_every_box_of_a_photograph_is_found(held: str, name: str, number: int) -> None:
    camera, reference = CAMERAS[held], references(name)[number]
    picture = camera.take(reference.blank)
    bend = find_bend(make_page(picture), references(name))
    assert bend is not None and bend.reference is reference
    centres = reference.boxes.centres_mm
    assert np.hypot(*(bend.places(centres) - camera.px(centres)).T).max() / PX_PER_MM < CLOSE_MM
    flat = align(make_page(lay_flat(picture, bend)), references(name))
    assert flat is not None and flat.reference is reference
    assert min(flat.peak, flat.fit, flat.held) > 0.6


def test_a_photograph_is_read_with_its_places_in_the_photograph() -> None:
    camera, reference = CAMERAS["leaning 25 degrees"], references("appendix-i")[0]
    read = read_side(camera.take(reference.blank), False, references("appendix-i"))
    assert isinstance(read, SideReading)
    assert min(mark.outline for mark in read.marks) > 0.6 and {mark.held for mark in read.marks} == {1.0}
    matrix = np.array(read.map_px).reshape(3, 3)
    centres = np.column_stack([reference.boxes.centres_mm, np.ones(len(read.marks))]) @ matrix.T
    assert np.abs(centres[:, :2] / centres[:, 2:] - camera.px(reference.boxes.centres_mm)).max() < 3


def test_a_box_outside_the_photograph_is_not_taken_for_seen() -> None:
    """What lies beyond the picture is filled when it is laid flat; that must not pass for paper."""
    camera, reference = CAMERAS["leaning 25 degrees"], references("appendix-i")[0]
    centres = camera.px(reference.boxes.centres_mm)
    edge = int(np.percentile(centres[:, 1], 85))
    picture = np.ascontiguousarray(camera.take(reference.blank)[:edge])
    read = read_side(picture, False, references("appendix-i"))
    if isinstance(read, SideReading):
        lost = centres[:, 1] > edge - 1
        assert lost.any() and all(mark.held < 1 for mark, out in zip(read.marks, lost, strict=True) if out)


def test_a_photograph_of_another_form_is_refused() -> None:
    picture = CAMERAS["leaning 15 degrees"].take(references("hue-2019")[0].blank)
    assert find_bend(make_page(picture), references("appendix-i")) is None
    found = read_side(picture, False, references("appendix-i"))
    assert isinstance(found, SideNotRead) and found.reason is Reason.NOT_THIS_FORM


def test_a_bend_is_the_same_every_time() -> None:
    page = make_page(CAMERAS["curled"].take(references("hue-2019")[0].blank))
    first, second = (find_bend(page, references("hue-2019")) for _ in range(2))
    assert first is not None and second is not None
    assert np.array_equal(first.powers, second.powers) and np.array_equal(first.matrix, second.matrix)


def test_straight_places_agree_with_the_plain_alignment() -> None:
    """The same page by both ways: where they differ one of them is wrong."""
    reference = references("hue-2019")[0]
    page = make_page(reference.blank)
    found, bend = align(page, references("hue-2019")), find_bend(page, references("hue-2019"))
    assert found is not None and bend is not None
    centres = reference.boxes.centres_mm
    assert np.abs(places(found, centres) - bend.places(centres)).max() * 25.4 / 300 < 0.1
