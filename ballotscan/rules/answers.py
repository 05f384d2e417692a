"""From measured marks to answers: what each question of a sheet says, how sure that is, and whether a person
must look.

One person marks one way, so a sheet is judged by itself: ``hand`` learns its paper and its writer,
``verdicts`` judges each question by them, ``confidence`` says how often such a verdict is right, and here one
number decides: what is more likely to be wrong than the accepted risk is a proposal for a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ballotscan.forms.form import Form, Question, Rect, Side
from ballotscan.model import ACCEPTED_RISK, Answer, Mark, Outcome, Reason, SideReading, Status
from ballotscan.rules.confidence import confidence_of
from ballotscan.rules.hand import Hand, study_hands
from ballotscan.rules.verdicts import LOOKS_PLAINLY, Verdict, judge_question

SHARE_ENTERED, SHARE_TAPERED, PEAK_TAPERED, RUNS_OUT = 0.5, 0.65, 0.7, 0.6
"""A mark with less than the first share of the hand's usual ink, or with less than the second and the third
of its usual darkness, that is as dark (to the last share) outside the box as inside may be the end of a
stroke that belongs to a marked box nearby."""

NEARBY_MM = 14.0
"""Centres of boxes that a stroke of usual length can join: a row and a half of a table."""


def decide_answers(
    form: Form, readings: Sequence[SideReading | None], accepted_risk: float = ACCEPTED_RISK
) -> tuple[Answer, ...]:
    """One answer per question of the form, in printed order. ``readings`` has one place per side.

    ``accepted_risk``, 0 to 1: answers at least this likely to be wrong go to a person. Questions of a side
    that is not there are ``unreadable`` and go to a person."""
    marks = _marks_by_question(readings)
    hands = study_hands(readings)
    tails = {tail for side in form.sides for tail in _tails(side, marks, hands[side.number])}
    return tuple(
        _decide(form, question, marks.get(question.id, ()), hands[form.side_of_question[question.id]],
                tails, accepted_risk)
        for question in form.questions
    )  # fmt: skip


def _decide(
    form: Form,
    question: Question,
    marks: Sequence[Mark],
    hand: Hand,
    tails: set[tuple[str, str]],
    accepted_risk: float,
) -> Answer:
    verdict = judge_question(question, marks, hand, form.policy)
    if verdict.reason is None and any((question.id, code) in tails for code in verdict.codes):
        verdict = Verdict(Outcome.UNSURE, verdict.codes, Reason.STRAY_INK)
    confidence = confidence_of(verdict, marks, hand)
    accepted = 1 - confidence <= accepted_risk
    return Answer(
        question=question.id,
        side=form.side_of_question[question.id],
        outcome=verdict.outcome,
        codes=verdict.codes,
        status=Status.ACCEPTED if accepted else Status.REVIEW,
        confidence=confidence,
        reason=None if accepted else verdict.reason or Reason.LOW_CONFIDENCE,
    )


def _marks_by_question(readings: Sequence[SideReading | None]) -> dict[str, list[Mark]]:
    found: dict[str, list[Mark]] = {}
    for reading in readings:
        for mark in reading.marks if reading else ():
            found.setdefault(mark.question, []).append(mark)
    return found


def _tails(side: Side, marks: Mapping[str, Sequence[Mark]], hand: Hand) -> set[tuple[str, str]]:
    """Boxes whose ink may be the end of a stroke from a marked box of another question nearby."""
    reaching = {
        (box.question, box.option): mark
        for box in side.boxes
        for mark in marks.get(box.question, ())
        if mark.option == box.option
        and mark.ink >= hand.marked_above(mark)
        and mark.ring_peak >= RUNS_OUT * mark.peak
    }
    thin = {key for key, mark in reaching.items() if _tapers(mark, hand) and not mark.choice >= LOOKS_PLAINLY}
    return {
        (box.question, box.option)
        for box in side.boxes
        if (box.question, box.option) in thin
        for other in side.boxes
        if other.question != box.question
        and (other.question, other.option) in reaching
        and _near(box.rect, other.rect)
    }


def _tapers(mark: Mark, hand: Hand) -> bool:
    pale = mark.ink < SHARE_TAPERED * hand.ink and mark.peak < PEAK_TAPERED * hand.peak
    return pale or mark.ink < SHARE_ENTERED * hand.ink


def _near(one: Rect, other: Rect) -> bool:
    return (
        abs(one.x_mm + one.w_mm / 2 - other.x_mm - other.w_mm / 2) < NEARBY_MM
        and abs(one.y_mm + one.h_mm / 2 - other.y_mm - other.h_mm / 2) < NEARBY_MM
    )
