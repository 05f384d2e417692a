"""The auditor's part of an audit: which sheets to fetch, and what is read from each, blind."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from ballotscan.audit import work
from ballotscan.audit.report import last_report
from ballotscan.errors import UsageError
from ballotscan.review.sessions import Session
from ballotscan.review.views import question_of, side_task, side_views
from ballotscan.review.web import Auditor, Desk, Form_, TheDesk, go, page, png
from ballotscan.store import review_queries as queries

router = APIRouter(prefix="/audit")


@router.get("")
def audit(desk: TheDesk, session: Auditor) -> Response:
    """The sheets that were drawn, and which of them are read."""
    plan, papers = _drawn(desk)
    readings = work.readings_of(desk.reviews, plan) if plan else {}
    told: dict[str, Any] = {
        "plan": plan,
        "papers": [(each, readings.get((each.batch, each.place))) for each in papers],
        "mine": [each.number for each in papers if _may(desk, session, each)],
        "report": last_report(desk.reviews),
    }
    return page(desk, session, "audit", **told)


def _drawn(desk: Desk) -> tuple[work.Plan | None, list[work.Paper]]:
    try:
        plan = work.last_plan(desk.reviews)
    except UsageError:
        return None, []
    drawn = work.draw_of(desk.reviews, plan)
    return plan, work.papers_drawn(desk.reviews, plan) if drawn else []


def _may(desk: Desk, session: Session, paper: work.Paper) -> bool:
    try:
        work.refuse_partial(desk.reviews, paper, session.name)
    except UsageError:
        return False
    return True


@router.get("/{number}")
def one_paper(desk: TheDesk, session: Auditor, number: int) -> Response:
    """One sheet to be read. None of the record's answers is told; only an audit by image shows the scan."""
    plan, paper = _paper(desk, number)
    work.refuse_partial(desk.reviews, paper, session.name)
    row = desk.reviews.look(queries.sheet_at, desk.reviews.look(queries.key_of, paper.sheet))
    form = desk.form(row.form, row.edition) if row else None
    asked = [
        (each, question_of(form, each.question)) for each in work.questions_of(desk.reviews, paper.sheet)
    ]
    sides: list[Any] = []
    if plan.body["source"] == "images" and paper.sheet:
        rows = desk.reviews.look(queries.answers_of_sheet, paper.sheet)
        sides = list(side_views(desk, row.sheet, rows, told=False)) if row else []
    return page(desk, session, "paper", paper=paper, asked=asked, sides=sides, plan=plan)


@router.get("/{number}/side/{side}.png")
def side(desk: TheDesk, session: Auditor, number: int, side: int) -> Response:
    """One side, where the audit reads images."""
    plan, paper = _paper(desk, number)
    row = desk.reviews.look(queries.sheet_at, desk.reviews.look(queries.key_of, paper.sheet))
    if plan.body["source"] != "images" or row is None:
        raise HTTPException(404)
    work.refuse_partial(desk.reviews, paper, session.name)
    rows = desk.reviews.look(queries.answers_of_sheet, paper.sheet)
    task = side_task(desk, row.sheet, rows, side)
    return png(desk.pictures.picture(task) if task else None)


@router.post("/{number}")
def enter(desk: TheDesk, session: Auditor, number: int, form: Form_) -> Response:
    """What the auditor read of one sheet."""
    plan, paper = _paper(desk, number)
    state = form.text("state") or "found"
    if state not in ("found", "missing", "void"):
        raise HTTPException(404)
    answers = {}
    for each in work.questions_of(desk.reviews, paper.sheet) if state == "found" and paper.sheet else ():
        said = form.texts(f"answer-{each.question}")
        if said:
            invalid = "invalid" in said
            codes = () if invalid else tuple(code for code in said if code not in ("blank", ""))
            answers[each.question] = work.PaperAnswer(codes, invalid)
    reading = work.Reading((paper.batch, paper.place), state, answers, session.name)
    work.enter_readings(desk.reviews, plan, [reading])
    return go("/audit")


def _paper(desk: Desk, number: int) -> tuple[work.Plan, work.Paper]:
    plan, papers = _drawn(desk)
    if plan is None or not 1 <= number <= len(papers):
        raise HTTPException(404)
    return plan, papers[number - 1]
