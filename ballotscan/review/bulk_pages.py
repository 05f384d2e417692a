"""Many answers of one kind on one screen: those that are alike are answered together, the odd ones wait.

The first of two opinions takes what was read alike as it was read. The second sees answers to one question as
they lie in the stack, and neither what was read nor what anybody said: it says what the picked ones show, or
all but those.
"""

from __future__ import annotations

import hashlib
import random
from collections import defaultdict
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from fastapi import APIRouter
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from ballotscan.four_eyes import Turn
from ballotscan.model import Outcome, Proposal, Reason
from ballotscan.reasons import reason_text
from ballotscan.review.cards import Card, answers_anew, asked_of, controls_for
from ballotscan.review.pictures import Cut, Picture
from ballotscan.review.sessions import Session
from ballotscan.review.views import answer_text, clip_task, codes_of, question_of
from ballotscan.review.web import Desk, Form_, Reviewer, TheDesk, go, page, png
from ballotscan.store import review_queries as queries
from ballotscan.store.review_queries import ReviewAnswer

router = APIRouter(prefix="/bulk")
ON_A_SCREEN: Final = 24
LEAST: Final = 2
_BLIND: Final = ("form", "edition", "question")  # what a blind kind is known by
_chance = random.SystemRandom()


@dataclass(frozen=True, slots=True)
class Kind:
    """Answers to one question: read alike for one reason, or (``blind``) answered by another person."""

    id: str
    question: str
    text: str
    answer: str
    reason: str
    blind: bool
    options: tuple[tuple[str, str], ...]  # code and label
    rows: tuple[ReviewAnswer, ...]


def kinds_of(desk: Desk, name: str) -> list[Kind]:
    """All kinds of which there are several: what others have answered first, then the most frequent."""
    found: dict[tuple[str, ...], list[ReviewAnswer]] = defaultdict(list)
    for row, its in asked_of(desk.reviews, name):
        about = (row.form, row.edition, row.question)
        if its is not Turn.FIRST:
            found[about].append(row)
        elif row.outcome != Outcome.UNREADABLE.value and _one_answer(desk, row):
            found[(*about, row.codes, row.reason)].append(row)
    kinds = [_kind_of(desk, key, rows) for key, rows in found.items() if len(rows) >= LEAST]
    return sorted(kinds, key=lambda kind: (not kind.blind, -len(kind.rows)))


def _kind_of(desk: Desk, key: tuple[str, ...], rows: list[ReviewAnswer]) -> Kind:
    row, blind = rows[0], len(key) == len(_BLIND)
    form = desk.form(row.form, row.edition)
    asked = question_of(form, row.question)
    labels = {option.code: option.label for option in asked.options} if asked else {}
    return Kind(
        id=hashlib.sha256("\n".join(key).encode()).hexdigest()[:16],
        question=row.question,
        text=asked.text if asked else "",
        answer="" if blind else answer_text(form, row.question, row.codes),
        reason=reason_text(Reason(row.reason)) if row.reason and not blind else "",
        blind=blind,
        options=tuple((code, labels.get(code, "")) for code in codes_of(desk, row)),
        rows=tuple(rows),
    )


def _one_answer(desk: Desk, row: ReviewAnswer) -> bool:
    """Whether what was read could be an answer: two marks where one is asked for are none."""
    asked = question_of(desk.form(row.form, row.edition), row.question)
    return asked is not None and (asked.multiple or "|" not in row.codes)


@router.get("")
def kinds(desk: TheDesk, session: Reviewer) -> Response:
    """The kinds there are."""
    found = kinds_of(desk, session.name)
    return page(desk, session, "bulk", kinds=found, kind=None, shown=(), start=0, following=0)


@router.get("/clip/{sheet}/{question}")
def clip(desk: TheDesk, _session: Reviewer, sheet: int, question: str) -> Response:
    """The clip of one sheet's answer."""
    row = desk.reviews.look(queries.answer_at, (sheet, question))
    task = _task(desk, row) if row else None
    return png(desk.pictures.picture(task) if task else None)


@router.get("/{kind}")
def one_kind(desk: TheDesk, session: Reviewer, kind: str, start: int = 0) -> Response:
    """The clips of one kind, from the place ``start`` on: what was left open lies before it."""
    found = _kind(desk, session.name, kind)
    with session.lock:
        shown = [row for row, _known in _screen(desk, session, found, start)]
    more = max(0, start) + ON_A_SCREEN
    following = more if more < len(found.rows) else 0
    told: dict[str, Any] = {"kind": found, "shown": shown, "start": start, "following": following}
    return page(desk, session, "bulk", kinds=(), **told)


@router.get("/{kind}/overlay.png")
def overlay(desk: TheDesk, session: Reviewer, kind: str, start: int = 0) -> Response:
    """All clips of the screen laid over one another, the darkest of each point: a mark out of place shows."""
    with session.lock:
        shown = _screen(desk, session, _kind(desk, session.name, kind), start)
    made = [desk.pictures.picture(task) for row, _known in shown if (task := _task(desk, row))]
    return png(_darkest([each for each in made if each]))


@router.post("/{kind}")
def decide(desk: TheDesk, session: Reviewer, kind: str, form: Form_, start: int = 0) -> Response:
    """Those shown and not picked (or those picked) are what is said. What was not on the screen is left
    alone. Answers that others have settled meanwhile are left out.
    """
    found = next((each for each in kinds_of(desk, session.name) if each.id == kind), None)
    if found is None:
        return go("/bulk")
    picked, shown = set(form.texts("odd")), form.texts("shown")
    the_picked = bool(form.text("picked"))
    said = form.text("picked") or form.text("rest")
    with session.lock:
        at_hand = {str(row.key): (row, known) for row, known in _screen(desk, session, found, start)}
        at_hand = {str(row.key): (row, None) for row in found.rows} | at_hand
        taken = [at_hand[key] for key in shown if key in at_hand and (key in picked) is the_picked]
        _enter(desk, session, found, taken, said)
    left = next((each for each in kinds_of(desk, session.name) if each.id == kind), None)
    after = start if found.blind else start + len(picked & set(shown))
    return go(f"/bulk/{kind}?start={after}" if left and len(left.rows) > after else "/bulk")


def _enter(
    desk: Desk, session: Session, kind: Kind, taken: list[tuple[ReviewAnswer, Card | None]], said: str
) -> None:
    """Enter what a person says of answers on a screen. ``said`` is ``=`` and a code; of a kind that was read
    alike it is empty: as they were read.
    """
    if kind.blind and not said.startswith("="):
        return
    new = []
    for row, known in taken:
        text = said[1:] if kind.blind else row.codes
        codes = tuple(text.split("|")) if text else ()
        about = Proposal(
            row.sheet, row.question, codes, False, session.name, "", row.ruling, beside=not kind.blind
        )
        if known and known.known:
            desk.reviews.add_control(about, known.known)
            session.controls_met.add(row.item)
        elif not answers_anew(desk.reviews, row.item, session.name):  # that takes a note, in the queue
            new.append(about)
    desk.reviews.propose(new)


def _screen(desk: Desk, session: Session, kind: Kind, start: int) -> list[tuple[ReviewAnswer, Card | None]]:
    """The answers of one screen. A blind one holds a known answer too, at a place that nobody can foresee."""
    rows = kind.rows[max(0, start) : max(0, start) + ON_A_SCREEN]
    shown: list[tuple[ReviewAnswer, Card | None]] = [(row, None) for row in rows]
    if kind.blind and rows:
        place = (kind.id, start)
        if place not in session.controls:
            session.controls[place] = _control(desk, session, kind)
        card = session.controls[place]
        asked = card is not None and card.item not in session.controls_met
        row = desk.reviews.look(queries.answer_at, card.item) if card and asked else None
        if row:
            secret = hashlib.sha256(f"{session.csrf}{place}".encode()).digest()
            shown.insert(secret[0] % (len(rows) + 1), (row, card))
    return shown


def _control(desk: Desk, session: Session, kind: Kind) -> Card | None:
    """A known answer to the same question, that this person has not met on a screen."""
    form, edition = kind.rows[0].form, kind.rows[0].edition
    met = session.controls_met | {card.item for card in session.controls.values() if card}
    blind, _beside = controls_for(desk.reviews, session.name)
    fitting = [card for card in blind if card.item[1] == kind.question and card.item not in met]
    _chance.shuffle(fitting)
    for card in fitting:
        row = desk.reviews.look(queries.answer_at, card.item)
        if row and (row.form, row.edition) == (form, edition):
            return card
    return None


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
