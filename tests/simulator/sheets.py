"""A whole sheet: what a person meant, what the pen did, what the scanner made of it, with the truth beside.

The streams of chance are separate (person, print, paper, scanner), so that mixing an effect of one of them
into a condition leaves the others as they were: the same seed is the same person with the same answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from ballotscan.forms.form import Form, Rect, Side
from tests.simulator.camera import light_photograph
from tests.simulator.cleanup import clean_up
from tests.simulator.conditions import Condition, find_condition
from tests.simulator.hands import Hand, Rng, make_hand
from tests.simulator.ink import Group, put_group
from tests.simulator.paper import Veil, age_paper, bleed_through, show_through
from tests.simulator.people import AnswerTruth, Marker, mark_box, write_sheet
from tests.simulator.printing import print_page
from tests.simulator.scanner import (
    Geometry,
    Optics,
    encode,
    lay_paper,
    scan_channel,
    set_optics,
    to_bitonal,
    turn,
)
from tests.simulator.things import OBJECTS, Surface

Pixels = NDArray[np.uint8]
Weights = tuple[float, float, float]
GREY_WEIGHTS: Weights = (0.30, 0.59, 0.11)


class Print(Protocol):
    """What the forms room gives: a form and its master pages (H, W), grey, 255 = paper."""

    @property
    def form(self) -> Form: ...
    @property
    def dpi(self) -> int: ...
    @property
    def pages(self) -> tuple[Pixels, ...]: ...


@dataclass(frozen=True, slots=True)
class BoxTruth:
    """Where a box truly lies: its four corners in the scan, clockwise from the template's top left."""

    question: str
    option: str
    corners_px: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class ScannedSide:
    """One side as it left the scanner, in the file ``encoded``."""

    side: int
    size_px: tuple[int, int]  # width, height
    encoded: bytes
    suffix: str
    bitonal: bool
    dpi: int
    dpi_tag: float | None
    boxes: tuple[BoxTruth, ...]
    geometry: Geometry

    @cached_property
    def image(self) -> Pixels:
        """What the file decodes to, (H, W) or (H, W, 3) RGB."""
        return _decode(self.encoded)

    @property
    def grey(self) -> Pixels:
        return (
            self.image
            if self.image.ndim == 2
            else np.asarray(cv2.cvtColor(self.image, cv2.COLOR_RGB2GRAY), np.uint8)
        )


@dataclass(frozen=True, slots=True)
class SheetTruth:
    """Everything meant on one sheet."""

    form: str
    edition: str
    seed: int
    condition: str
    effects: tuple[str, ...]
    pen: str
    habit: str
    answers: tuple[AnswerTruth, ...]

    def answer(self, question_id: str) -> AnswerTruth:
        return next(answer for answer in self.answers if answer.question == question_id)


@dataclass(frozen=True, slots=True)
class SimulatedSheet:
    sides: tuple[ScannedSide, ...]
    truth: SheetTruth


# ---------------------------------------------------------------------------------------------------------
# Paper through the scanner


@dataclass(frozen=True, slots=True)
class _Chance:
    """Separate streams of chance of one sheet."""

    person: Rng
    printing: Rng
    paper: Rng
    scanner: Rng


def _chance(seed: int) -> _Chance:
    return _Chance(*(np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(4)))


def _seed(rng: Rng) -> int:
    return int(rng.integers(2**62))


def _channels(condition: Condition) -> list[tuple[int, Weights]]:
    """Channel number (3 = grey) and the weights of red, green and blue in it."""
    if condition.colour:
        return [(0, (1.0, 0.0, 0.0)), (1, (0.0, 1.0, 0.0)), (2, (0.0, 0.0, 1.0))]
    return [(0, (1.0, 0.0, 0.0))] if condition.drop_out_red else [(3, GREY_WEIGHTS)]


@dataclass(frozen=True, slots=True)
class _Written:
    """One side as it came out of the person's hands. The seeds give every channel the same paper."""

    printed: Pixels
    dpi: int
    groups: Sequence[Group]
    hand: Hand
    boxes: Sequence[Rect]
    ink_seed: int
    paper_seed: int


def _put_ink(page: Pixels, written: _Written, weights: Weights) -> Pixels:
    """All that was written, laid on ``page`` in place."""
    rng = np.random.default_rng(written.ink_seed)
    for group in written.groups:
        put_group(page, group, written.hand.pen, written.dpi, weights, rng)
    return page


def _soak(sides: list[list[Pixels]], written: Sequence[_Written], condition: Condition, rng: Rng) -> None:
    """Let the ink of each of two sides come through to the other, in place."""
    share = float(rng.uniform(*condition.bleed))
    inks = [
        [_put_ink(np.full_like(each.printed, 255), each, weights) for _, weights in _channels(condition)]
        for each in written
    ]
    for here, there in ((0, 1), (1, 0)):
        sides[here] = [
            bleed_through(page, ink, share) for page, ink in zip(sides[here], inks[there], strict=True)
        ]


def _compose(
    written: _Written, condition: Condition, channel: int, weights: Weights
) -> tuple[Pixels, Veil | None]:
    """The printed page with all ink and everything else on it, one channel, in the template's frame; and the
    shading of its paper."""
    page = _put_ink(written.printed.copy(), written, weights)
    paper_rng = np.random.default_rng(written.paper_seed)
    for name in condition.objects:
        OBJECTS[name](page, paper_rng, Surface(channel, written.dpi, written.boxes))
    return page, age_paper(page, condition, paper_rng, written.dpi)


@dataclass(frozen=True, slots=True)
class _Composed:
    """One side before the scanner: its channels, and the shading of its paper, which all of them share."""

    channels: tuple[Pixels, ...]
    veil: Veil | None


def _compose_sheet(
    master: Print, groups: Sequence[Sequence[Group]], hand: Hand, condition: Condition, chance: _Chance
) -> list[_Composed]:
    """Every side before the scanner."""
    share = float(chance.paper.uniform(*condition.show_through))
    written = []
    for page, inked, side in zip(master.pages, groups, master.form.sides, strict=True):
        printed = print_page(page, condition, np.random.default_rng(_seed(chance.printing)))
        boxes = [box.rect for box in side.boxes]
        seeds = (_seed(chance.paper), _seed(chance.paper))
        written.append(_Written(printed, master.dpi, inked, hand, boxes, *seeds))
    made = [[_compose(each, condition, *channel) for channel in _channels(condition)] for each in written]
    sides = [[page for page, _ in each] for each in made]
    if any(condition.bleed) and len(sides) == 2:
        _soak(sides, written, condition, chance.paper)
    if share >= 0.005 and len(sides) == 2:
        front, back = sides
        sides = [
            [show_through(one, other, share) for one, other in zip(front, back, strict=True)],
            [show_through(one, other, share) for one, other in zip(back, front, strict=True)],
        ]
    return [_Composed(tuple(pages), each[0][1]) for pages, each in zip(sides, made, strict=True)]


def _corners_mm(rect: Rect) -> list[tuple[float, float]]:
    right, low = rect.x_mm + rect.w_mm, rect.y_mm + rect.h_mm
    return [(rect.x_mm, rect.y_mm), (right, rect.y_mm), (right, low), (rect.x_mm, low)]


def _box_truths(side: Side, corners_px: NDArray[np.float64]) -> tuple[BoxTruth, ...]:
    return tuple(
        BoxTruth(box.question, box.option, tuple((float(x), float(y)) for x, y in quad))
        for box, quad in zip(side.boxes, corners_px, strict=True)
    )


def _decode(encoded: bytes) -> Pixels:
    image = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_UNCHANGED)
    assert image is not None
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB) if image.ndim == 3 else image, np.uint8)


def _sense(
    side: _Composed, page_dpi: int, geometry: Geometry, condition: Condition, rngs: tuple[Rng, Rng]
) -> tuple[Pixels, bool, int]:
    """The image before it is turned and written, whether it is bitonal, and the quality it is kept at.

    ``rngs``: the scanner's settings, the same for both sides, and the chance of this side.
    """
    settings, here = rngs
    optics = set_optics(condition, settings, geometry)
    bitonal = bool(settings.random() < condition.bitonal_share)
    quality = int(settings.uniform(*condition.jpeg))
    level = float(settings.uniform(*condition.threshold))
    seen = [scan_channel(page, page_dpi, geometry, optics, here, side.veil) for page in side.channels]
    if condition.camera is not None:
        light_seed = _seed(here)
        seen = [light_photograph(each, condition.camera, np.random.default_rng(light_seed)) for each in seen]
    image = seen[0] if len(seen) == 1 else np.dstack(seen)
    if bitonal:
        image = to_bitonal(image if image.ndim == 2 else image[..., 1], level)
    lost_px, lost_beside_px = (
        round(each / 25.4 * geometry.dpi) for each in (condition.cut_mm, condition.cut_side_mm)
    )
    return image[: image.shape[0] - lost_px, : image.shape[1] - lost_beside_px], bitonal, quality


def _scan_sheet(
    master: Print, sides: Sequence[_Composed], condition: Condition, chance: _Chance
) -> tuple[ScannedSide, ...]:
    """Every side through the scanner: one resolution, one setting, but each lying as it happens to lie."""
    weights = np.array(list(condition.dpi.values()))
    dpi = int(chance.scanner.choice(list(condition.dpi), p=weights / weights.sum()))
    printing_seed, settings_seed = _seed(chance.printing), _seed(chance.scanner)
    scans = []
    for composed, side in zip(sides, master.form.sides, strict=True):
        page_mm = (side.width_mm, side.height_mm)
        geometry = lay_paper(condition, np.random.default_rng(printing_seed), chance.scanner, page_mm, dpi)
        rngs = (np.random.default_rng(settings_seed), chance.scanner)
        image, bitonal, quality = _sense(composed, master.dpi, geometry, condition, rngs)
        corners_mm = np.array([_corners_mm(box.rect) for box in side.boxes]).reshape(-1, 4, 2)
        corners_px = geometry.template_to_scan_px(corners_mm)
        image, corners_px = clean_up(image, corners_px, condition.cleanup, geometry.dpi)
        image, corners_px = turn(image, corners_px, condition.turn_deg, condition.mirrored)
        tag = float(dpi) if condition.dpi_tag == -1.0 else condition.dpi_tag
        encoded, suffix = encode(image, bitonal, quality, tag)
        boxes = _box_truths(side, corners_px)
        size_px = (image.shape[1], image.shape[0])
        scans.append(ScannedSide(side.number, size_px, encoded, suffix, bitonal, dpi, tag, boxes, geometry))
    return tuple(scans)


def simulate_sheet(
    master: Print,
    seed: int,
    condition: str = "office",
    effects: tuple[str, ...] = (),
    *,
    marker: Marker = mark_box,
    again: int = 0,
    twin: int = 0,
) -> SimulatedSheet:
    """One filled sheet of ``master`` as a scanner delivers it, with the truth beside.

    The same seed, condition and effects give the same bytes. Effects are names of ``conditions.EFFECTS``.
    ``again`` scans the same paper once more (effects of the scanner may differ). ``twin`` gives another sheet
    on which the same person with the same pen gave the same answers.
    """
    drawn = find_condition(condition, effects)
    chance, strokes = _chance(seed), None
    if twin:
        other = np.random.SeedSequence((seed, twin)).spawn(4)
        strokes, printing, paper, scanner = (np.random.default_rng(child) for child in other)
        chance = _Chance(chance.person, printing, paper, scanner)
    if again:
        chance = replace(chance, scanner=np.random.default_rng((seed, twin, again)))
    hand, groups, answers = write_sheet(master.form, chance.person, drawn, marker, strokes)
    composed = _compose_sheet(master, groups, hand, drawn, chance)
    form = master.form
    truth = SheetTruth(form.id, form.edition, seed, condition, effects, hand.pen.kind, hand.habit, answers)
    return SimulatedSheet(_scan_sheet(master, composed, drawn, chance), truth)


def scan_unwritten(
    master: Print, seed: int, condition: str = "office", effects: tuple[str, ...] = ()
) -> tuple[ScannedSide, ...]:
    """A page nobody wrote on, a cover letter say, through the same printer, paper and scanner."""
    drawn = find_condition(condition, effects)
    chance = _chance(seed)
    hand = make_hand(chance.person, drawn.pens, drawn.habits, drawn.cancels)
    composed = _compose_sheet(master, [[] for _ in master.pages], hand, drawn, chance)
    return _scan_sheet(master, composed, drawn, chance)


@dataclass(frozen=True, slots=True)
class Unwritten:
    """One side that nobody wrote on, as a sensor without noise sees it: (H, W)."""

    grey: Pixels
    geometry: Geometry
    optics: Optics


def print_unwritten(master: Print, seed: int, condition: Condition) -> tuple[Unwritten, ...]:
    """Every side of one sheet through the printer, the paper and the optics, before noise and compression."""
    chance = _chance(seed)
    hand = make_hand(chance.person, condition.pens, condition.habits, condition.cancels)
    composed = _compose_sheet(master, [[] for _ in master.pages], hand, condition, chance)
    dpi = next(iter(condition.dpi))
    printing_seed, settings_seed = _seed(chance.printing), _seed(chance.scanner)
    sides = []
    for page, side in zip(composed, master.form.sides, strict=True):
        page_mm = (side.width_mm, side.height_mm)
        geometry = lay_paper(condition, np.random.default_rng(printing_seed), chance.scanner, page_mm, dpi)
        optics = set_optics(condition, np.random.default_rng(settings_seed), geometry)
        still = replace(optics, noise=0.0)
        grey = scan_channel(page.channels[0], master.dpi, geometry, still, chance.scanner, page.veil)
        sides.append(Unwritten(grey, geometry, optics))
    return tuple(sides)
