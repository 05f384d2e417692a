"""One person at one sheet: what was meant, and the ink that came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ballotscan.forms.form import BoxPlace, Form, Question, Rect, Side
from ballotscan.forms.source import write_in_id
from tests.simulator.conditions import Condition
from tests.simulator.hands import Hand, Rng, draw_cancel, draw_dot, draw_mark, draw_text, make_hand
from tests.simulator.ink import Fluid, Group, ink_points

PLAIN_SHAPES = ("x", "tick", "slash", "fill")
LEVEL_SHARES = (0.04, 0.07, 0.19, 0.45, 0.25)
"""How often each of five levels is chosen, low to high: desks report mostly satisfied people."""

INSIDE_MM = 0.3
"""Ink this far inside an outline is in the box: an outline is 0.2 to 0.3 mm wide."""

Marker = Callable[[Rng, Hand, BoxPlace, str, float], Group]
"""Makes one mark: chance, hand, box, shape, pressure."""


@dataclass(frozen=True, slots=True)
class AnswerTruth:
    """What was meant, and how it was put on paper.

    ``kind``: plain, blank, several, corrected_<how>, withdrawn_<how> (taken back and nothing else marked),
    stray (plain or blank with a pen's dot in a box), faint, reaching (a stroke that enters another box),
    circle_writer, odd (a dot, a scribble, an arrow, a ring round the words as a mark). <how> is circle,
    scribble, strike, erase or fluid. ``codes`` are those meant; ``cancelled`` those marked and taken back.
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


def mark_box(rng: Rng, hand: Hand, place: BoxPlace, shape: str, press: float = 1.0) -> Group:
    """The usual marker: a drawn mark of ``shape``."""
    return draw_mark(rng, hand, shape, _centre(place.rect), _side_mm(place.rect), press=press)


@dataclass(frozen=True, slots=True)
class Writer:
    """One person with one pen, the chance that drives the hand, and how marks are made."""

    rng: Rng
    hand: Hand
    condition: Condition
    mood: float  # above 0: more satisfied than most
    marker: Marker


def write_sheet(
    form: Form, rng: Rng, condition: Condition, marker: Marker = mark_box, strokes: Rng | None = None
) -> tuple[Hand, list[list[Group]], tuple[AnswerTruth, ...]]:
    """One person fills in one sheet: the hand, the ink side by side, and the truth in printed order.

    With ``strokes`` only hand and answers come from ``rng``: the same person puts the same on another sheet.
    """
    hand = make_hand(rng, condition.pens, condition.habits, condition.cancels)
    if condition.overshoot is not None:
        hand = replace(hand, overshoot=float(rng.uniform(*condition.overshoot)))
    writer = Writer(rng, hand, condition, float(rng.normal(0, 0.8)), marker)
    sides = form.side_of_question
    answers = [_mean_answer(writer, question, sides[question.id]) for question in form.questions]
    if strokes is not None:
        writer = replace(writer, rng=strokes)
    groups, settled = [], {}
    for side in form.sides:
        here = [answer for answer in answers if answer.side == side.number]
        inked, came_out = _write_side(writer, form, side, here)
        groups.append(inked)
        settled.update({answer.question: answer for answer in came_out})
    return hand, groups, tuple(settled[question.id] for question in form.questions)


# ---------------------------------------------------------------------------------------------------------
# What a person means


def _choose_option(writer: Writer, question: Question) -> str:
    count = len(question.options)
    if not question.satisfied:
        return question.options[int(writer.rng.integers(count))].code
    shares = np.interp(np.linspace(0, 1, count), np.linspace(0, 1, 5), LEVEL_SHARES)
    if question.options[0].code in question.satisfied:
        shares = shares[::-1]
        leaning = shares * np.exp(writer.mood * np.linspace(1, -1, count))
    else:
        leaning = shares * np.exp(writer.mood * np.linspace(-1, 1, count))
    return question.options[int(writer.rng.choice(count, p=leaning / leaning.sum()))].code


def _in_printed_order(question: Question, codes: set[str]) -> tuple[str, ...]:
    return tuple(option.code for option in question.options if option.code in codes)


def _shape(writer: Writer) -> str:
    hand = writer.hand
    return hand.second_habit if writer.rng.random() < hand.second_share else hand.habit


def _mean_answer(writer: Writer, question: Question, side: int) -> AnswerTruth:
    rng, condition = writer.rng, writer.condition
    roll, shape, first = float(rng.random()), _shape(writer), _choose_option(writer, question)
    other = str(rng.choice([option.code for option in question.options if option.code != first] or [first]))
    usual = "circle_writer" if shape == "circle" else "plain" if shape in PLAIN_SHAPES else "odd"
    several = condition.blank_share + condition.several_share
    if roll < condition.blank_share:
        return AnswerTruth(question.id, side, (), "blank", "")
    if question.multiple:
        codes = {option.code for option in question.options if rng.random() < 0.35} | {first}
        return AnswerTruth(question.id, side, _in_printed_order(question, codes), usual, shape)
    if roll < several and other != first:
        return AnswerTruth(question.id, side, _in_printed_order(question, {first, other}), "several", shape)
    plain = AnswerTruth(question.id, side, (first,), usual, shape)
    return plain if roll < several else _second_thought(writer, plain, other, roll - several)


def _second_thought(writer: Writer, plain: AnswerTruth, other: str, roll: float) -> AnswerTruth:
    """A mark beside one that was taken back, a mark that was hardly made, or one that was only taken back."""
    condition, (first,) = writer.condition, plain.codes
    corrected = condition.corrected_share
    faint = corrected + condition.faint_share
    if roll < corrected and other != first and plain.shape != "circle":
        return replace(plain, kind=f"corrected_{writer.hand.cancel}", cancelled=(other,))
    if corrected <= roll < faint:
        return replace(plain, kind="faint")
    if faint <= roll < faint + condition.withdrawn_share and plain.shape != "circle":
        return replace(plain, codes=(), kind=f"withdrawn_{writer.hand.cancel}", cancelled=(first,))
    return plain


# ---------------------------------------------------------------------------------------------------------
# What the pen does


def _centre(rect: Rect) -> NDArray[np.float64]:
    return np.array([rect.x_mm + rect.w_mm / 2, rect.y_mm + rect.h_mm / 2])


def _side_mm(rect: Rect) -> float:
    return (rect.w_mm + rect.h_mm) / 2


def _answer_ink(
    writer: Writer, answer: AnswerTruth, places: Mapping[tuple[str, str], BoxPlace]
) -> list[Group]:
    rng, hand = writer.rng, writer.hand
    press = float(rng.uniform(0.15, 0.4)) if answer.kind == "faint" else 1.0
    groups = [
        writer.marker(rng, hand, places[answer.question, code], answer.shape, press) for code in answer.codes
    ]
    for code in answer.cancelled:
        place = places[answer.question, code]
        how = answer.kind.partition("_")[2]
        press = float(rng.uniform(0.0, 0.3)) if how == "erase" else 1.0
        groups.append(writer.marker(rng, hand, place, answer.shape, press))
        groups.append(_take_back(rng, hand, how, place.rect))
    return groups


def _take_back(rng: Rng, hand: Hand, how: str, rect: Rect) -> Group:
    centre, side_mm = _centre(rect), _side_mm(rect)
    if how != "fluid":
        return draw_cancel(rng, hand, how, centre, side_mm)
    middle = centre + rng.normal(0, 0.1 * side_mm, 2)
    axes = rng.uniform(0.6, 1.1, 2) * side_mm
    return Fluid(
        (float(middle[0]), float(middle[1])), (float(axes[0]), float(axes[1])), float(rng.uniform(-20, 20))
    )


def _entered(points_mm: NDArray[np.float64], boxes: Sequence[BoxPlace]) -> Iterator[BoxPlace]:
    """The boxes that ink at these points (N, 2) enters."""
    if not len(points_mm):
        return
    (left, top), (right, low) = points_mm.min(axis=0), points_mm.max(axis=0)
    for box in boxes:
        rect = box.rect
        if (
            rect.x_mm < right
            and rect.y_mm < low
            and rect.x_mm + rect.w_mm > left
            and rect.y_mm + rect.h_mm > top
        ):
            x, y = points_mm[:, 0] - rect.x_mm, points_mm[:, 1] - rect.y_mm
            in_x = (x > INSIDE_MM) & (x < rect.w_mm - INSIDE_MM)
            if np.any(in_x & (y > INSIDE_MM) & (y < rect.h_mm - INSIDE_MM)):
                yield box


def _touched(groups: Sequence[Group], answer: AnswerTruth, boxes: Sequence[BoxPlace]) -> set[str]:
    """Questions with a box that ink meant for another box enters."""
    if not groups:
        return set()
    own = {(answer.question, code) for code in (*answer.codes, *answer.cancelled)}
    points = np.vstack([ink_points(group) for group in groups])
    return {box.question for box in _entered(points, boxes) if (box.question, box.option) not in own}


def _dots(writer: Writer, side: Side) -> tuple[list[Group], set[str]]:
    """Places where the pen rested: anywhere, and in boxes; and the questions whose boxes they lie in."""
    rng, condition = writer.rng, writer.condition
    places = [
        rng.uniform(0.05, 0.95, 2) * np.array([side.width_mm, side.height_mm])
        for _ in range(rng.poisson(condition.dots_per_side))
    ]
    for _ in range(rng.poisson(condition.box_dots_per_side)):
        rect = side.boxes[int(rng.integers(len(side.boxes)))].rect
        places.append(_centre(rect) + rng.uniform(-0.4, 0.4, 2) * np.array([rect.w_mm, rect.h_mm]))
    groups: list[Group] = [draw_dot(rng, writer.hand, at_mm) for at_mm in places]
    points = [ink_points(group) for group in groups]
    return groups, {box.question for each in points for box in _entered(each, side.boxes)}


def _texts(writer: Writer, form: Form, side: Side, answers: Sequence[AnswerTruth]) -> list[Group]:
    """Handwriting in the free-text fields of some, and beside a chosen "other, namely"."""
    rng, hand = writer.rng, writer.hand
    kinds = {field.id: field.kind for field in form.fields}
    writes = rng.random() < writer.condition.text_share
    chosen = {write_in_id(answer.question, code) for answer in answers for code in answer.codes}
    groups: list[Group] = []
    for place in side.fields:
        rect = (place.rect.x_mm, place.rect.y_mm, place.rect.w_mm, place.rect.h_mm)
        if kinds[place.field] == "free_text" and writes:
            groups.append(draw_text(rng, hand, rect, int(rng.integers(1, 4))))
        elif kinds[place.field] == "write_in" and place.field in chosen:
            groups.append(draw_text(rng, hand, rect, 1))
    return groups


def _write_side(
    writer: Writer, form: Form, side: Side, answers: Sequence[AnswerTruth]
) -> tuple[list[Group], list[AnswerTruth]]:
    """All ink on one side, and its answers with their kinds as they came out on paper."""
    places = {(box.question, box.option): box for box in side.boxes}
    groups: list[Group] = []
    reached: set[str] = set()
    for answer in answers:
        drawn = _answer_ink(writer, answer, places)
        touched = _touched(drawn, answer, side.boxes)
        reached |= touched | ({answer.question} if touched else set())
        groups += drawn
    dots, stray = _dots(writer, side)
    texts = _texts(writer, form, side, answers)
    came_out = []
    for answer in answers:
        if answer.ordinary and answer.question in stray:
            came_out.append(replace(answer, kind="stray"))
        elif answer.ordinary and answer.question in reached:
            came_out.append(replace(answer, kind="reaching"))
        else:
            came_out.append(answer)
    return groups + dots + texts, came_out
