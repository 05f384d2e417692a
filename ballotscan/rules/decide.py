"""What becomes of a sheet: its state, and the answers that are held back for reasons beyond themselves."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import replace

from ballotscan.forms.form import Form, Option
from ballotscan.model import (
    Answer,
    Outcome,
    Reason,
    Sheet,
    SheetState,
    SideReading,
    Status,
)
from ballotscan.rules.sheets import SheetPlan

INCOMPLETE = frozenset({Reason.SIDE_MISSING, Reason.SIDE_DOUBLED, Reason.SERIALS_DIFFER})
"""Reasons of a sheet whose paper is not all there; with any other it is there but cannot be read."""


def unread_sheet(form: Form, plan: SheetPlan) -> Sheet:
    """A sheet that is incomplete or set aside: every question is there, unreadable, and none is counted."""
    assert plan.reason is not None, "a whole sheet is decided from its readings"
    state = SheetState.INCOMPLETE if plan.reason in INCOMPLETE else SheetState.SET_ASIDE
    answers = tuple(_unread(question.id, form, plan.reason) for question in form.questions)
    return _sheet(plan, state, plan.reason, answers)


def read_sheet(
    form: Form, plan: SheetPlan, answers: Sequence[Answer], flag: Reason | None, linh_vuc: str
) -> Sheet:
    """A whole sheet with its answers decided.

    ``flag`` is a doubt about the sheet itself (see ``sheet_flag``): every answer is held back for it.
    ``linh_vuc`` is the batch's field of procedure, empty where none was given.
    """
    checked = tuple(_against_batch(answer, form, linh_vuc) for answer in answers)
    if flag is not None:
        checked = tuple(replace(answer, status=Status.REVIEW, reason=flag) for answer in checked)
    in_review = any(answer.status is Status.REVIEW for answer in checked)
    return _sheet(plan, SheetState.REVIEW if in_review else SheetState.READ, flag, checked)


def sheet_flag(readings: Sequence[SideReading], duplicate: bool, sides_unsure: bool = False) -> Reason | None:
    """The doubt about the whole sheet, if any: a duplicate first, then whether its sides belong together,
    then what they were flagged with."""
    if duplicate:
        return Reason.DUPLICATE
    if sides_unsure:
        return Reason.SIDES_UNSURE
    return next((flag for reading in readings for flag in reading.flags), None)


def find_linh_vuc(form: Form, wanted: str) -> Option | None:
    """The option of the form that a field of procedure named by code or label stands for.

    Letter case, the two ways to write Vietnamese letters in Unicode and doubled blanks make no difference.
    """
    if form.linh_vuc_question is None:
        return None
    options = form.question(form.linh_vuc_question).options
    return next((option for option in options if _same(wanted, option.code, option.label)), None)


def _same(wanted: str, *names: str) -> bool:
    return any(_folded(wanted) == _folded(name) for name in names)


def _folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())


def _against_batch(answer: Answer, form: Form, linh_vuc: str) -> Answer:
    """Hold back the sheet's own field of procedure where it is another than the batch's."""
    if not linh_vuc or answer.question != form.linh_vuc_question or not answer.codes:
        return answer
    option = find_linh_vuc(form, linh_vuc)
    if option is not None and answer.codes == (option.code,):
        return answer
    reason = answer.reason if answer.status is Status.REVIEW else Reason.LINH_VUC_CONFLICT
    return replace(answer, status=Status.REVIEW, reason=reason)


def _unread(question: str, form: Form, reason: Reason) -> Answer:
    return Answer(
        question=question,
        side=form.side_of_question[question],
        outcome=Outcome.UNREADABLE,
        codes=(),
        status=Status.REVIEW,
        confidence=0.0,
        reason=reason,
    )


def _sheet(plan: SheetPlan, state: SheetState, reason: Reason | None, answers: tuple[Answer, ...]) -> Sheet:
    return Sheet(
        form=plan.form,
        edition=plan.edition,
        state=state,
        reason=reason,
        serial=plan.serial,
        pages=tuple(page.ref if page else None for page in plan.pages),
        answers=answers,
    )
