"""Many answers of one kind on one screen: what is as it was read is taken so together, the odd ones wait.

Only for the first of two opinions: the second is given blind, one answer at a time.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass
from typing import Final

import numpy as np
from fastapi import APIRouter
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from ballotscan.four_eyes import Turn
from ballotscan.model import Outcome, Proposal, Reason, SheetId
from ballotscan.reasons import reason_text
from ballotscan.review.cards import asked_of
from ballotscan.review.pictures import Cut, Picture
from ballotscan.review.views import answer_text, clip_task, question_of
from ballotscan.review.web import Desk, Form_, Reviewer, TheDesk, go, page, png
from ballotscan.store import review_queries as queries
from ballotscan.store.review_queries import ReviewAnswer

router = APIRouter(prefix="/bulk")
ON_A_SCREEN: Final = 24
LEAST: Final = 2


@dataclass(frozen=True, slots=True)
class Kind:
    """Answers to one question that the machine read alike, for one reason."""

    id: str
    question: str
    text: str
    answer: str
    reason: str
    rows: tuple[ReviewAnswer, ...]


def kinds_of(desk: Desk, name: str) -> list[Kind]:
    """All kinds of which there are several, the most frequent first."""
    found: dict[tuple[str, ...], list[ReviewAnswer]] = defaultdict(list)
    for row, its in asked_of(desk.reviews, name):
        if its is Turn.FIRST and row.outcome != Outcome.UNREADABLE.value and _one_answer(desk, row):
            found[row.form, row.edition, row.question, row.codes, row.reason].append(row)
    kinds = []
    for key, rows in found.items():
        if len(rows) >= LEAST:
            form = desk.form(rows[0].form, rows[0].edition)
            asked = question_of(form, rows[0].question)
            text, answer = asked.text if asked else "", answer_text(form, rows[0].question, rows[0].codes)
            reason = reason_text(Reason(rows[0].reason)) if rows[0].reason else ""
            name_ = hashlib.sha256("\n".join(key).encode()).hexdigest()[:16]
            kinds.append(Kind(name_, rows[0].question, text, answer, reason, tuple(rows)))
    return sorted(kinds, key=lambda kind: -len(kind.rows))


def _one_answer(desk: Desk, row: ReviewAnswer) -> bool:
    """Whether what was read could be an answer: two marks where one is asked for are none."""
    asked = question_of(desk.form(row.form, row.edition), row.question)
    return asked is not None and (asked.multiple or "|" not in row.codes)


@router.get("")
def kinds(desk: TheDesk, session: Reviewer) -> Response:
    """The kinds there are."""
    return page(desk, session, "bulk", kinds=kinds_of(desk, session.name), kind=None, shown=(), start=0)


@router.get("/clip/{sheet}/{question}")
def clip(desk: TheDesk, _session: Reviewer, sheet: int, question: str) -> Response:
    """The clip of one sheet's answer."""
    row = desk.reviews.look(queries.answer_at, (sheet, question))
    task = _task(desk, row) if row else None
    return png(desk.pictures.picture(task) if task else None)


@router.get("/{kind}")
def one_kind(desk: TheDesk, session: Reviewer, kind: str, start: int = 0) -> Response:
    """The clips of one kind, from the place ``start`` on: the odd ones of earlier screens lie before it."""
    found = _kind(desk, session.name, kind)
    shown = _on_screen(found, start)
    return page(desk, session, "bulk", kinds=(), kind=found, shown=shown, start=start)


@router.get("/{kind}/overlay.png")
def overlay(desk: TheDesk, session: Reviewer, kind: str, start: int = 0) -> Response:
    """All clips of the screen laid over one another, the darkest of each point: a mark out of place shows."""
    shown = _on_screen(_kind(desk, session.name, kind), start)
    made = [desk.pictures.picture(task) for row in shown if (task := _task(desk, row))]
    return png(_darkest([each for each in made if each]))


@router.post("/{kind}")
def decide(desk: TheDesk, session: Reviewer, kind: str, form: Form_, start: int = 0) -> Response:
    """Those shown and not picked out are as they were read. What was not on the screen is left alone."""
    shown, odd = form.texts("shown"), set(form.texts("odd"))
    rows = {str(row.key): row for row in _kind(desk, session.name, kind).rows}
    taken = [rows[name] for name in shown if name in rows and name not in odd]
    desk.reviews.propose([_as_read(row, session.name) for row in taken])
    after = start + len(odd & set(shown))
    left = next((each for each in kinds_of(desk, session.name) if each.id == kind), None)
    return go(f"/bulk/{kind}?start={after}" if left and len(left.rows) > after else "/bulk")


def _on_screen(kind: Kind, start: int) -> tuple[ReviewAnswer, ...]:
    return kind.rows[max(0, start) : max(0, start) + ON_A_SCREEN]


def _as_read(row: ReviewAnswer, name: str) -> Proposal:
    codes = tuple(row.codes.split("|")) if row.codes else ()
    return Proposal(SheetId(row.sheet), row.question, codes, False, name, "", row.ruling)


def _kind(desk: Desk, name: str, kind: str) -> Kind:
    found = next((each for each in kinds_of(desk, name) if each.id == kind), None)
    if found is None:
        raise HTTPException(404)
    return found


def _task(desk: Desk, row: ReviewAnswer) -> Cut | None:
    return clip_task(desk, row.sheet, row, boxes_only=True)


def _darkest(pictures: list[Picture]) -> Picture | None:
    if not pictures:
        return None
    width, height = pictures[0].width, pictures[0].height
    alike = [each for each in pictures if (each.width, each.height) == (width, height)]
    layers = [np.frombuffer(each.grey, np.uint8) for each in alike]
    return Picture(width, height, np.min(layers, axis=0).astype(np.uint8).tobytes())
