"""A whole sheet: what a person meant, what the pen did, what the scanner made of it, with the truth beside.

The streams of chance are separate (person, print, paper, scanner), so that mixing an effect of one of them
into a condition leaves the others as they were: the same seed is the same person with the same answers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from ballotscan.forms.form import BoxPlace, Form, Question, Rect, Side
from ballotscan.forms.source import write_in_id
from tests.simulator.conditions import Condition, find_condition
from tests.simulator.hands import Hand, Rng, draw_cancel, draw_dot, draw_mark, draw_text, make_hand
from tests.simulator.ink import Group, ink_points, make_patch, put_ink
from tests.simulator.paper import OBJECTS, age_paper, show_through
from tests.simulator.printing import print_page
from tests.simulator.scanner import Geometry, encode, lay_paper, scan_channel, set_optics, to_bitonal, turn

Pixels = NDArray[np.uint8]
GREY_WEIGHTS = (0.30, 0.59, 0.11)
PLAIN_SHAPES = ("x", "tick", "slash", "fill")
HAPPY_SHARES = (0.04, 0.07, 0.19, 0.45, 0.25)
"""How often each of five levels is chosen, low to high: desks report mostly satisfied people."""


class Print(Protocol):
    """What the forms room gives: a form and its master pages (H, W), grey, 255 = paper."""

    @property
    def form(self) -> Form: ...
    @property
    def dpi(self) -> int: ...
    @property
    def pages(self) -> tuple[Pixels, ...]: ...


@dataclass(frozen=True, slots=True)
class AnswerTruth:
    """What was meant, and how it was put on paper.

    ``kind``: plain, blank, several, corrected_circle, corrected_scribble, corrected_strike, stray (plain or blank
    with a pen's dot in another box), faint, reaching (a stroke that enters another box), circle_writer, odd (a dot
    or a scribble as a mark). ``codes`` are those meant; ``cancelled`` those marked and taken back.
    """

    question: str
    side: int
    codes: tuple[str, ...]
    kind: str
    shape: str
    cancelled: tuple[str, ...] = ()

    @property
    def ordinary(self) -> bool:
        """One plain cross, tick, slash or fill, or blank."""
        return self.kind in ("plain", "blank")


@dataclass(frozen=True, slots=True)
class BoxTruth:
    """Where a box truly lies: its four corners in the scan, clockwise from the template's top left."""

    question: str
    option: str
    corners_px: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class ScannedSide:
    """One side as it left the scanner. ``image`` is what ``encoded`` decodes to, (H, W) or (H, W, 3) RGB."""

    side: int
    image: Pixels
    encoded: bytes
    suffix: str
    bitonal: bool
    dpi: int
    dpi_tag: float | None
    boxes: tuple[BoxTruth, ...]
    geometry: Geometry

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
# What a person means


def _choose_option(rng: Rng, question: Question, mood: float) -> str:
    count = len(question.options)
    if not question.satisfied:
        return question.options[int(rng.integers(count))].code
    shares = np.interp(np.linspace(0, 1, count), np.linspace(0, 1, 5), HAPPY_SHARES)
    if question.options[0].code in question.satisfied:
        shares = shares[::-1]
    leaning = shares * np.exp(mood * np.linspace(-1, 1, count))
    return question.options[int(rng.choice(count, p=leaning / leaning.sum()))].code


def _in_printed_order(question: Question, codes: set[str]) -> tuple[str, ...]:
    return tuple(option.code for option in question.options if option.code in codes)


def _mean_answer(
    rng: Rng, question: Question, side: int, hand: Hand, condition: Condition, mood: float
) -> AnswerTruth:
    roll = float(rng.random())
    shape = hand.second_habit if rng.random() < hand.second_share else hand.habit
    circle = shape == "circle"
    usual = "circle_writer" if circle else "plain" if shape in PLAIN_SHAPES else "odd"
    first = _choose_option(rng, question, mood)
    other = str(rng.choice([option.code for option in question.options if option.code != first] or [first]))
    several = condition.blank_share + condition.several_share
    corrected = several + condition.corrected_share
    faint = corrected + condition.faint_share
    if roll < condition.blank_share:
        return AnswerTruth(question.id, side, (), "blank", "")
    if question.multiple:
        codes = _in_printed_order(
            question, {o.code for o in question.options if rng.random() < 0.35} | {first}
        )
        return AnswerTruth(question.id, side, codes, usual, shape)
    if roll < several and other != first:
        return AnswerTruth(question.id, side, _in_printed_order(question, {first, other}), "several", shape)
    if several <= roll < corrected and other != first and not circle:
        return AnswerTruth(question.id, side, (first,), f"corrected_{hand.cancel}", shape, (other,))
    if corrected <= roll < faint:
        return AnswerTruth(question.id, side, (first,), "faint", shape)
    return AnswerTruth(question.id, side, (first,), usual, shape)


def mean_answers(rng: Rng, form: Form, hand: Hand, condition: Condition) -> tuple[AnswerTruth, ...]:
    """What this person means, question by question in printed order."""
    mood = float(rng.normal(0, 0.8))
    sides = form.side_of_question
    answers = [_mean_answer(rng, q, sides[q.id], hand, condition, mood) for q in form.questions]
    return tuple(answers)


# ---------------------------------------------------------------------------------------------------------
# What the pen does


def _centre(rect: Rect) -> NDArray[np.float64]:
    return np.array([rect.x_mm + rect.w_mm / 2, rect.y_mm + rect.h_mm / 2])


Marker = Callable[[Rng, Hand, BoxPlace, str, float], Group]
"""Makes one mark: chance, hand, box, shape, pressure."""


def mark_box(rng: Rng, hand: Hand, place: BoxPlace, shape: str, press: float = 1.0) -> Group:
    side_mm = (place.rect.w_mm + place.rect.h_mm) / 2
    return draw_mark(rng, hand, shape, _centre(place.rect), side_mm, press)


def _answer_ink(
    rng: Rng, hand: Hand, answer: AnswerTruth, places: Mapping[tuple[str, str], BoxPlace], marker: Marker
) -> list[Group]:
    press = float(rng.uniform(0.15, 0.4)) if answer.kind == "faint" else 1.0
    groups = [marker(rng, hand, places[answer.question, code], answer.shape, press) for code in answer.codes]
    for code in answer.cancelled:
        place = places[answer.question, code]
        side_mm = (place.rect.w_mm + place.rect.h_mm) / 2
        how = answer.kind.removeprefix("corrected_")
        groups.append(marker(rng, hand, place, answer.shape, 1.0))
        groups.append(draw_cancel(rng, hand, how, _centre(place.rect), side_mm))
    return groups


def _enters(points_mm: NDArray[np.float64], rect: Rect) -> bool:
    """Whether ink runs at least 0.3 mm inside the outline of a box."""
    x, y = points_mm[:, 0] - rect.x_mm, points_mm[:, 1] - rect.y_mm
    return bool(np.any((x > 0.3) & (x < rect.w_mm - 0.3) & (y > 0.3) & (y < rect.h_mm - 0.3)))


def _touched(groups: Sequence[Group], answer: AnswerTruth, boxes: Sequence[BoxPlace]) -> set[str]:
    """Questions with a box that ink meant for another box enters."""
    if not groups:
        return set()
    own = {(answer.question, code) for code in (*answer.codes, *answer.cancelled)}
    points = np.vstack([ink_points(group) for group in groups])
    return {
        box.question for box in boxes if (box.question, box.option) not in own and _enters(points, box.rect)
    }


def _with_kind(answer: AnswerTruth, kind: str) -> AnswerTruth:
    return AnswerTruth(answer.question, answer.side, answer.codes, kind, answer.shape, answer.cancelled)


def _dots(rng: Rng, hand: Hand, side: Side, condition: Condition) -> tuple[list[Group], set[str]]:
    """Places where the pen rested: anywhere, and in boxes; and the questions whose boxes they lie in."""
    groups: list[Group] = [
        draw_dot(
            rng,
            hand,
            np.array([rng.uniform(0.05, 0.95) * side.width_mm, rng.uniform(0.05, 0.95) * side.height_mm]),
        )
        for _ in range(rng.poisson(condition.dots_per_side))
    ]
    for _ in range(rng.poisson(condition.box_dots_per_side)):
        rect = side.boxes[int(rng.integers(len(side.boxes)))].rect
        at = _centre(rect) + rng.uniform(-0.4, 0.4, 2) * np.array([rect.w_mm, rect.h_mm])
        groups.append(draw_dot(rng, hand, at))
    hit = {box.question for box in side.boxes for group in groups if _enters(ink_points(group), box.rect)}
    return groups, hit


def _texts(
    rng: Rng, hand: Hand, form: Form, side: Side, condition: Condition, answers: Sequence[AnswerTruth]
) -> list[Group]:
    kinds = {field.id: field.kind for field in form.fields}
    writes = rng.random() < condition.text_share
    chosen = {write_in_id(answer.question, code) for answer in answers for code in answer.codes}
    groups: list[Group] = []
    for place in side.fields:
        kind = kinds[place.field]
        rect = (place.rect.x_mm, place.rect.y_mm, place.rect.w_mm, place.rect.h_mm)
        if kind == "free_text" and writes:
            groups.append(draw_text(rng, hand, rect, int(rng.integers(1, 4))))
        elif kind == "write_in" and place.field in chosen:
            groups.append(draw_text(rng, hand, rect, 1))
    return groups


def write_side(
    rng: Rng,
    hand: Hand,
    form: Form,
    side: Side,
    answers: Sequence[AnswerTruth],
    condition: Condition,
    marker: Marker = mark_box,
) -> tuple[list[Group], tuple[AnswerTruth, ...]]:
    """All ink on one side, in groups, and its answers with their kinds as they came out on paper."""
    places = {(box.question, box.option): box for box in side.boxes}
    here = [answer for answer in answers if answer.side == side.number]
    groups: list[Group] = []
    reached: set[str] = set()
    for answer in here:
        drawn = _answer_ink(rng, hand, answer, places, marker)
        touched = _touched(drawn, answer, side.boxes)
        reached |= touched | ({answer.question} if touched else set())
        groups += drawn
    dots, stray = _dots(rng, hand, side, condition)
    texts = _texts(rng, hand, form, side, condition, here)
    settled = []
    for answer in here:
        ordinary = answer.kind in ("plain", "blank")
        kind = "reaching" if ordinary and answer.question in reached else answer.kind
        kind = "stray" if ordinary and answer.question in stray else kind
        settled.append(_with_kind(answer, kind))
    return groups + dots + texts, tuple(settled)


# ---------------------------------------------------------------------------------------------------------
# Paper through the scanner


def _channels(condition: Condition) -> list[tuple[int, tuple[float, float, float]]]:
    """Channel number (3 = grey) and the weights of red, green and blue in it."""
    if condition.colour:
        return [(0, (1.0, 0.0, 0.0)), (1, (0.0, 1.0, 0.0)), (2, (0.0, 0.0, 1.0))]
    return [(0, (1.0, 0.0, 0.0))] if condition.drop_out_red else [(3, GREY_WEIGHTS)]


def _compose(
    printed: Pixels,
    dpi: int,
    groups: Sequence[Group],
    hand: Hand,
    weights: tuple[float, float, float],
    rng: Rng,
) -> Pixels:
    """The printed page with all ink on it, one channel, in the template's frame."""
    page = printed.copy()
    for group in groups:
        patch = make_patch(group, hand.pen, dpi, weights, rng)
        if patch is not None:
            put_ink(page, patch)
    return page


def _box_truths(side: Side, geometry: Geometry) -> tuple[list[BoxPlace], NDArray[np.float64]]:
    rects = [box.rect for box in side.boxes]
    corners_mm = np.array([
        [[r.x_mm, r.y_mm], [r.x_mm + r.w_mm, r.y_mm], [r.x_mm + r.w_mm, r.y_mm + r.h_mm], [r.x_mm, r.y_mm + r.h_mm]]
        for r in rects
    ])  # fmt: skip
    return list(side.boxes), geometry.template_to_scan_px(corners_mm)


def _decode(encoded: bytes) -> Pixels:
    image = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_UNCHANGED)
    assert image is not None
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB) if image.ndim == 3 else image, np.uint8)


@dataclass(frozen=True, slots=True)
class _Chance:
    """Separate streams of chance of one sheet."""

    person: Rng
    printing: Rng
    paper: Rng
    scanner: Rng


def _chance(seed: int) -> _Chance:
    return _Chance(*(np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(4)))


def _scan_side(
    pages: Sequence[Pixels],
    page_dpi: int,
    side: Side,
    condition: Condition,
    geometry: Geometry,
    chance: _Chance,
    optics_seed: int,
) -> ScannedSide:
    """``pages``: the composed channels of one side."""
    settings = np.random.default_rng(optics_seed)  # one scanner, one setting: the same for both sides
    optics = set_optics(condition, settings, geometry)
    bitonal = bool(settings.random() < condition.bitonal_share)
    quality = int(settings.uniform(*condition.jpeg))
    level = float(settings.uniform(*condition.threshold))
    scanned = [scan_channel(page, page_dpi, geometry, optics, chance.scanner) for page in pages]
    image = scanned[0] if len(scanned) == 1 else np.dstack(scanned)
    if bitonal:
        image = to_bitonal(image if image.ndim == 2 else image[..., 1], level)
    places, corners = _box_truths(side, geometry)
    if condition.cut_mm:
        image = image[: image.shape[0] - round(condition.cut_mm / 25.4 * geometry.dpi)]
    image, corners = turn(image, corners, condition.turn_deg, condition.mirrored)
    tag = float(geometry.dpi) if condition.dpi_tag == -1.0 else condition.dpi_tag
    encoded, suffix = encode(image, bitonal, quality, tag)
    boxes = tuple(
        BoxTruth(place.question, place.option, tuple((float(x), float(y)) for x, y in quad))
        for place, quad in zip(places, corners, strict=True)
    )
    shown = image if bitonal else _decode(encoded)
    return ScannedSide(side.number, shown, encoded, suffix, bitonal, geometry.dpi, tag, boxes, geometry)


def scan_written(
    master: Print, groups: Sequence[Sequence[Group]], hand: Hand, condition: Condition, chance: _Chance
) -> tuple[ScannedSide, ...]:
    """Print, ink, age and scan every side; ``groups`` holds the strokes side by side."""
    dpi = int(
        chance.scanner.choice(
            list(condition.dpi), p=np.array(list(condition.dpi.values())) / sum(condition.dpi.values())
        )
    )
    printed = [
        print_page(page, condition, np.random.default_rng(chance.printing.integers(2**63)))
        for page in master.pages
    ]
    share = float(chance.paper.uniform(*condition.show_through))
    composed: list[list[Pixels]] = []
    ink_seed, paper_seed = (int(chance.paper.integers(2**63)) for _ in range(2))
    for index, page in enumerate(printed):
        channels = []
        for number, weights in _channels(condition):
            ink_rng, paper_rng = (
                np.random.default_rng(ink_seed + index),
                np.random.default_rng(paper_seed + index),
            )
            inked = _compose(page, master.dpi, groups[index], hand, weights, ink_rng)
            for name in condition.objects:
                OBJECTS[name](inked, paper_rng, number, master.dpi)
            channels.append(age_paper(inked, condition, paper_rng, master.dpi))
        composed.append(channels)
    if share > 0.005 and len(composed) == 2:
        front, back = composed
        composed = [
            [show_through(a, b, share) for a, b in zip(front, back, strict=True)],
            [show_through(b, a, share) for a, b in zip(front, back, strict=True)],
        ]
    scale_seed, optics_seed = int(chance.printing.integers(2**63)), int(chance.scanner.integers(2**63))
    scans = []
    for channels, side in zip(composed, master.form.sides, strict=True):
        page_mm = (side.width_mm, side.height_mm)
        geometry = lay_paper(condition, np.random.default_rng(scale_seed), chance.scanner, page_mm, dpi)
        scans.append(_scan_side(channels, master.dpi, side, condition, geometry, chance, optics_seed))
    return tuple(scans)


def write_sheet(
    form: Form, rng: Rng, condition: Condition, marker: Marker = mark_box
) -> tuple[Hand, list[list[Group]], tuple[AnswerTruth, ...]]:
    """One person fills in one sheet: the hand, the ink side by side, and the truth in printed order."""
    hand = make_hand(rng, condition.pens, condition.habits, condition.cancels)
    answers = mean_answers(rng, form, hand, condition)
    groups, settled = [], {}
    for side in form.sides:
        inked, here = write_side(rng, hand, form, side, answers, condition, marker)
        groups.append(inked)
        settled.update({answer.question: answer for answer in here})
    return hand, groups, tuple(settled[question.id] for question in form.questions)


def simulate_sheet(
    master: Print,
    seed: int,
    condition: str = "office",
    effects: tuple[str, ...] = (),
    marker: Marker = mark_box,
) -> SimulatedSheet:
    """One filled sheet of ``master`` as a scanner delivers it, with the truth beside.

    The same seed, condition and effects give the same bytes. Effects are names of ``conditions.EFFECTS``.
    """
    drawn = find_condition(condition, effects)
    chance = _chance(seed)
    hand, groups, answers = write_sheet(master.form, chance.person, drawn, marker)
    sides = scan_written(master, groups, hand, drawn, chance)
    form = master.form
    truth = SheetTruth(form.id, form.edition, seed, condition, effects, hand.pen.kind, hand.habit, answers)
    return SimulatedSheet(sides, truth)
