"""The queue: one doubtful answer at a time. A card is a piece of HTML that the script fetches ahead."""

from __future__ import annotations

import random
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from ballotscan.review.cards import (
    Card,
    Line,
    answer_card,
    lay_out,
    look_again,
    must_say_why,
    progress,
    take_back,
)
from ballotscan.review.sessions import Session
from ballotscan.review.views import boxes_task, card_view, clip_task, marks_task, side_task, side_views
from ballotscan.review.web import Desk, Form_, Reviewer, TheDesk, go, page, png, wants_data
from ballotscan.store import review_queries as queries
from ballotscan.store.review_queries import ReviewAnswer

router = APIRouter(prefix="/queue")
_chance = random.SystemRandom()


@router.get("")
def queue(desk: TheDesk, session: Reviewer, number: int = -1) -> Response:
    """The card of that number, or the first that was not answered; a new line where none is left."""
    with session.lock:
        if number < 0:
            number = _next(session.line)
        if number >= len(session.line.cards):
            session.line = lay_out(desk.reviews, session.name, _chance)
            number = 0
        return _page(desk, session, number)


def _next(line: Line) -> int:
    return next((number for number in range(len(line.cards)) if number not in line.done), len(line.cards))


def _page(desk: Desk, session: Session, number: int) -> Response:
    told = progress(desk.reviews, session.name)
    shown = _shown(desk, session, number)
    return page(desk, session, "queue", number=number, total=len(session.line.cards), told=told, **shown)


def _shown(desk: Desk, session: Session, number: int) -> dict[str, Any]:
    """A card as it stands now, for the templates."""
    card = look_again(desk.reviews, session.line, number, session.name)
    if card is None:
        return {"card": None, "why": False}
    view = card_view(desk, card, number, _row(desk, card))
    return {"card": view, "why": must_say_why(desk.reviews, session.line, number, session.name)}


@router.get("/{number}/card")
def card(desk: TheDesk, session: Reviewer, number: int) -> Response:
    """One card alone; at the end of the line the word that says so."""
    with session.lock:
        return page(desk, session, "card", **_shown(desk, session, number))


@router.get("/{number}/clip.png")
def clip(desk: TheDesk, session: Reviewer, number: int) -> Response:
    """The question's row, large."""
    wanted = _card(session, number)
    task = clip_task(desk, wanted.sheet, _row(desk, wanted))
    return png(desk.pictures.picture(task) if task else None)


@router.get("/{number}/boxes.png")
def boxes(desk: TheDesk, session: Reviewer, number: int) -> Response:
    """The question's boxes from near."""
    wanted = _card(session, number)
    task = boxes_task(desk, wanted.sheet, _row(desk, wanted))
    return png(desk.pictures.picture(task) if task else None)


@router.get("/{number}/marks.png")
def marks(desk: TheDesk, session: Reviewer, number: int) -> Response:
    """The same writer's other marks in a row."""
    wanted = _card(session, number)
    task = marks_task(desk, wanted.sheet, _row(desk, wanted))
    return png(desk.pictures.picture(task) if task else None)


@router.get("/{number}/sheet")
def sheet(desk: TheDesk, session: Reviewer, number: int) -> Response:
    """The whole sheet of a card; of a blind one without anybody's answers."""
    wanted = _card(session, number)
    rows = desk.reviews.look(queries.answers_of_sheet, wanted.sheet)
    sides = side_views(desk, wanted.sheet, rows, told=not wanted.blind)
    place = f"/queue/{number}/side"
    return page(desk, session, "look", sides=sides, sheet=wanted.sheet, place=place, asked=wanted.item[1])


@router.get("/{number}/side/{side}.png")
def side(desk: TheDesk, session: Reviewer, number: int, side: int) -> Response:
    """One side of the sheet of a card."""
    wanted = _card(session, number)
    task = side_task(desk, wanted.sheet, desk.reviews.look(queries.answers_of_sheet, wanted.sheet), side)
    return png(desk.pictures.picture(task) if task else None)


@router.post("/{number}/answer")
def answer(request: Request, desk: TheDesk, session: Reviewer, number: int, form: Form_) -> Response:
    """What the person says of a card: option codes, blank (none), or ``invalid``."""
    with session.lock:
        _card(session, number)
        invalid = form.text("invalid") == "yes"
        codes = () if invalid or form.text("blank") == "yes" else tuple(form.texts("code"))
        said = (codes, invalid)
        answer_card(desk.reviews, session.line, number, session.name, said, form.text("note"))
    if wants_data(request):  # whether others agree is not said: who learns it could answer anew
        return JSONResponse({})
    return go(f"/queue?number={number + 1}" if number + 1 < len(session.line.cards) else "/queue")


@router.post("/{number}/take-back")
def take_back_answer(
    request: Request, desk: TheDesk, session: Reviewer, number: int, _form: Form_
) -> Response:
    """The person's last word on a card is taken back."""
    with session.lock:
        _card(session, number)
        take_back(desk.reviews, session.line, number, session.name)
    return JSONResponse({}) if wants_data(request) else go(f"/queue?number={number}")


def _card(session: Session, number: int) -> Card:
    wanted = session.line.at(number)
    if wanted is None:
        raise HTTPException(404)
    return wanted


def _row(desk: Desk, wanted: Card) -> ReviewAnswer:
    row = desk.reviews.look(queries.answer_at, wanted.item)
    if row is None:  # the sheet was taken apart and paired anew
        raise HTTPException(404)
    return row
