"""Makes the pictures of ``docs/marks.md``: boxes of simulated sheets, small. Run it from the checkout:

python -m tests.simulator.make_marks
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from ballotscan.forms.form import BoxPlace
from ballotscan.forms.load import shipped_templates
from ballotscan.forms.prints import FormPrint, load_print
from tests.simulator.hands import Hand, Rng
from tests.simulator.ink import Group
from tests.simulator.people import mark_box
from tests.simulator.scanner import Pixels
from tests.simulator.sheets import BoxTruth, SimulatedSheet, simulate_sheet

SIZE_PX = 96
"""A picture has 5 kB, all together less than 100."""

BOXES_WIDE = 2.6
"""Sides of the box that a picture is wide."""

SEEDS = range(50)
EMPTY_SHEETS = 15
"""Empty sheets that are looked through for the box with most to see."""


@dataclass(frozen=True, slots=True)
class Example:
    """A box to be shown: the sheet's effects, and which answer of it; with ``cancelled`` the mark taken back.

    Without ``kind`` the sheet is empty, and the box is shown in or at which there is most to see.
    """

    name: str
    effects: tuple[str, ...]
    kind: str = ""
    shape: str = ""
    cancelled: bool = False
    press: float = 1.0


PEN = ("ballpoint", "all_answered", "no_extras")
NOBODY = ("all_blank", "no_extras")
EXAMPLES = (
    Example("cross", (*PEN, "crosses"), "plain", "x"),
    Example("tick", (*PEN, "ticks"), "plain", "tick"),
    Example("slash", (*PEN, "plain_hands"), "plain", "slash"),
    Example("fill", (*PEN, "fills"), "plain", "fill"),
    Example("pencil", ("pencil", "all_answered", "no_extras", "plain_hands"), "plain", "slash"),
    Example("light-pencil", ("light_pencil", "all_answered", "no_extras"), "plain", "tick"),
    Example("felt-pen", ("felt_pen", "all_answered", "no_extras", "crosses"), "plain", "x"),
    Example("red-pen", ("red_pen", "all_answered", "no_extras", "ticks"), "plain", "tick"),
    Example("empty", NOBODY),
    Example("fold", (*NOBODY, "folded", "fold_through_box")),
    Example("dot", ("all_blank", "pen_rests")),
    Example("faint", (*PEN, "crosses"), "plain", "x", press=0.12),
    Example("circled-cross", (*PEN[:2], "crosses", "circled_corrections"), "corrected_circle", "x", True),
    Example("scribbled-out", (*PEN[:2], "crosses", "scribbled_corrections"), "corrected_scribble", "x", True),
    Example("circle", (*PEN, "circles"), "circle_writer", "circle"),
    Example("erased", ("all_answered", "crosses", "erased"), "corrected_erase", "x", True),
)


def make_all(folder: Path) -> None:
    """Write ``<name>.png`` of every example."""
    master = load_print(shipped_templates() / "hue-2019")
    folder.mkdir(exist_ok=True)
    for example in EXAMPLES:
        Image.fromarray(_find(master, example)).save(folder / f"{example.name}.png", optimize=True)


def _find(master: FormPrint, example: Example) -> Pixels:
    def pressed(rng: Rng, hand: Hand, place: BoxPlace, shape: str, press: float) -> Group:
        return mark_box(rng, hand, place, shape, example.press * press)

    seen: list[Pixels] = []
    for seed in SEEDS:
        sheet = simulate_sheet(master, seed, "clean", example.effects, marker=pressed)
        seen += [_crop(sheet, box) for box in _boxes(sheet, example)]
        if seen and (example.kind or seed >= EMPTY_SHEETS):
            return seen[0] if example.kind else max(seen, key=_darkness)
    raise LookupError(f"no sheet shows {example.name}")


def _darkness(crop: Pixels) -> float:
    """How much darker the inside of the box is than the paper around it."""
    third = 2 * SIZE_PX // 5
    return float(np.median(crop) - crop[third:-third, third:-third].mean())


def _boxes(sheet: SimulatedSheet, example: Example) -> Iterator[BoxTruth]:
    boxes = {(box.question, box.option): box for side in sheet.sides for box in side.boxes}
    if not example.kind:
        yield from boxes.values()
    for answer in sheet.truth.answers if example.kind else ():
        if (answer.kind, answer.shape) == (example.kind, example.shape):
            code = (answer.cancelled if example.cancelled else answer.codes)[0]
            yield boxes[answer.question, code]


def _crop(sheet: SimulatedSheet, box: BoxTruth) -> Pixels:
    side = next(side for side in sheet.sides if box in side.boxes)
    corners = np.array(box.corners_px, np.float32)
    around = corners.mean(axis=0) + BOXES_WIDE * (corners - corners.mean(axis=0))
    frame = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32) * SIZE_PX
    flat = cv2.getPerspectiveTransform(around.astype(np.float32), frame)
    return np.asarray(cv2.warpPerspective(side.grey, flat, (SIZE_PX, SIZE_PX), borderValue=255.0), np.uint8)


if __name__ == "__main__":
    make_all(Path(__file__).parents[2] / "ballotscan" / "docs" / "marks")
