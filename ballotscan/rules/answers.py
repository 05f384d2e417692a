"""From measured marks to answers: what each question of a sheet says, how sure that is, and whether a person
must look.

One person marks one way, so a sheet is judged by itself: ``hand`` learns its paper and its writer,
``verdicts`` judges each question by them, ``confidence`` says how often such a verdict is right, and here one
number decides: what is more likely to be wrong than the accepted risk is a proposal for a person."""

from __future__ import annotations

from collections.abc import Sequence

from ballotscan.forms.form import Form, Question
from ballotscan.model import ACCEPTED_RISK, Answer, Mark, Reason, SideReading, Status
from ballotscan.rules.confidence import confidence_of
from ballotscan.rules.hand import Hand, study_hands
from ballotscan.rules.verdicts import judge_question


def decide_answers(
    form: Form, readings: Sequence[SideReading | None], accepted_risk: float = ACCEPTED_RISK
) -> tuple[Answer, ...]:
    """One answer per question of the form, in printed order. ``readings`` has one place per side.

    ``accepted_risk``, 0 to 1: answers at least this likely to be wrong go to a person. Questions of a side
    that is not there are ``unreadable`` and go to a person."""
    marks = _marks_by_question(readings)
    hands = study_hands(readings)
    return tuple(
        _decide(form, question, marks.get(question.id, ()), hands[form.side_of_question[question.id]],
                accepted_risk)
        for question in form.questions
    )  # fmt: skip


def _decide(
    form: Form,
    question: Question,
    marks: Sequence[Mark],
    hand: Hand,
    accepted_risk: float,
) -> Answer:
    verdict = judge_question(question, marks, hand, form.policy)
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
