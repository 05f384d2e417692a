"""Sheets that are held back as a whole, duplicates side by side, and any sheet looked at by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from fastapi import APIRouter
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from ballotscan.four_eyes import Opinion, differing, mine, same_person
from ballotscan.model import (
    Proposal,
    Reason,
    Sheet,
    SheetId,
    SheetProposal,
    SheetState,
    Standing,
    Status,
    WarningKind,
)
from ballotscan.reasons import advice, reason_text
from ballotscan.review.cards import closed_batches
from ballotscan.review.sessions import Session
from ballotscan.review.views import answer_text, codes_of, question_of, side_task, side_views
from ballotscan.review.web import Desk, Form_, Reviewer, TheDesk, go, page, png
from ballotscan.rules.answers import decide_answers
from ballotscan.rules.decide import read_sheet, sheet_flag
from ballotscan.rules.sheets import PagePlace, SheetPlan
from ballotscan.store import review_queries as queries
from ballotscan.store.proposals import Outcome
from ballotscan.store.review_queries import DoubtfulSheet, ItemKey, ReviewAnswer
from ballotscan.store.rows import SheetRow

router = APIRouter(prefix="/sheets")
_SAME: Final = (WarningKind.SAME_PAPER, WarningKind.SAME_STACK)


@dataclass(frozen=True, slots=True)
class Held:
    """A sheet that is held back, with what was said of it; ``mine``: what this person said."""

    sheet: DoubtfulSheet
    reason: str
    advice: str
    said: int
    differing: bool
    mine: str
    other: str  # the sheet of which it may be a second scan


@dataclass(frozen=True, slots=True)
class AnswerLine:
    """One answer of a sheet. ``machine`` is empty where another person has spoken: this one decides blind."""

    question: str
    text: str
    machine: str
    ruled: str
    seen: int
    codes: tuple[tuple[str, str], ...]
    multiple: bool


@router.get("")
def sheets(desk: TheDesk, session: Reviewer) -> Response:
    """What is set aside, incomplete or doubtful as a whole, and pages that belong to no sheet."""
    doubtful = desk.reviews.look(queries.doubtful_sheets)
    said = desk.reviews.look(queries.opinions_on, [each.key for each in doubtful])
    held = [_held(desk, session, each, said.get((each.key, ""), [])) for each in doubtful]
    closed = closed_batches(desk.reviews)
    rows = [row for row in desk.reviews.store.page_rows() if row.state == "set_aside" and not row.sheet]
    pages = [
        (row, reason_text(Reason(row.reason)), advice(Reason(row.reason)))
        for row in rows
        if row.batch not in closed and row.reason
    ]
    return page(desk, session, "sheets", held=held, pages=pages, elsewhere=_said_elsewhere(desk, doubtful))


def _held(desk: Desk, session: Session, sheet: DoubtfulSheet, said: list[Opinion]) -> Held:
    own = mine(session.name, said)
    act = own.said[0] if own and isinstance(own.said, tuple) else ""
    reason = Reason(sheet.reason)
    others = other_scans(desk, sheet)
    return Held(
        sheet,
        reason_text(reason),
        advice(reason),
        len(said),
        differing(said),
        str(act),
        others[0] if others else "",
    )


def _said_elsewhere(desk: Desk, doubtful: list[DoubtfulSheet]) -> list[tuple[SheetRow, int]]:
    """Sheets that are not doubtful and of which one person said that they must not count."""
    keys = {each.key for each in doubtful}
    spoken = sorted(desk.reviews.look(queries.sheets_spoken_of) - keys)
    return [(sheet_row(desk, key), key) for key in spoken]


def other_scans(desk: Desk, sheet: DoubtfulSheet) -> list[SheetId]:
    """Sheets that may be of the same paper: by its serial, or by what the scan noticed."""
    found = []
    if sheet.serial:
        found += desk.reviews.look(queries.with_serial, sheet.form, sheet.serial, sheet.sheet)
    for warning in desk.reviews.store.warnings(sheet.batch):
        if warning.kind in _SAME:
            later, _sign, former = warning.place.partition(" = ")
            found += _paired(later, former, sheet.sheet)
    return list(dict.fromkeys(found))


def _paired(later: str, former: str, sheet: str) -> list[SheetId]:
    """The former sheet of a later one; of two rows the one at the same place."""
    ones, others = (_row_of(text) for text in (later, former))
    return [SheetId(other) for one, other in zip(ones, others, strict=False) if one == sheet]


def _row_of(text: str) -> list[str]:
    """``box/00041..00080`` as its sheets; one sheet as itself."""
    first, _dots, last = text.partition("..")
    batch, _slash, number = first.rpartition("/")
    if not last or not number.isdigit() or not last.isdigit():
        return [first]
    step = 1 if int(last) >= int(number) else -1
    return [f"{batch}/{n:05d}" for n in range(int(number), int(last) + step, step)]


# --- one sheet --------------------------------------------------------------------------------------------


@router.get("/{key}")
def one_sheet(desk: TheDesk, session: Reviewer, key: int, beside: int = 0) -> Response:
    """A sheet with all its answers, alone or beside another."""
    row = sheet_row(desk, key)
    rows = desk.reviews.look(queries.answers_of_sheet, row.sheet)
    doubtful = {each.key: each for each in desk.reviews.look(queries.doubtful_sheets)}
    said = desk.reviews.look(queries.opinions_on, [key])
    held = _held(desk, session, doubtful[key], said.get((key, ""), [])) if key in doubtful else None
    other_key = beside or (_key_of(desk, held.other) if held and held.other else 0)
    other = sheet_row(desk, other_key) if other_key else None
    told: dict[str, Any] = {
        "row": row,
        "key": key,
        "held": held,
        "spoken": bool(said.get((key, ""))),
        "mine": mine(session.name, said.get((key, ""), [])) is not None,
        "sides": side_views(desk, row.sheet, rows, told=not _spoken(session, said)),
        "answers": [_line(desk, session, each, said.get(each.item, [])) for each in rows],
        "other": other,
        "other_key": other_key,
        "other_sides": _sides(desk, session, other, other_key) if other else [],
        "pairs": _partners(desk, doubtful, key),
        "states": SheetState,
    }
    return page(desk, session, "sheet", **told)


def _spoken(session: Session, said: Mapping[ItemKey, Sequence[Opinion]]) -> bool:
    """Whether another person has spoken on the sheet or any answer of it: then this one looks by himself."""
    return any(not same_person(each.by, session.name) for opinions in said.values() for each in opinions)


def _sides(desk: Desk, session: Session, row: SheetRow, key: int) -> list[object]:
    rows = desk.reviews.look(queries.answers_of_sheet, row.sheet)
    said = desk.reviews.look(queries.opinions_on, [key])
    return list(side_views(desk, row.sheet, rows, told=not _spoken(session, said)))


def _line(desk: Desk, session: Session, row: ReviewAnswer, said: Sequence[Opinion]) -> AnswerLine:
    form = desk.form(row.form, row.edition)
    asked = question_of(form, row.question)
    labels = {option.code: option.label for option in asked.options} if asked else {}
    blind = any(not same_person(each.by, session.name) for each in said)  # who comes second decides alone
    ruled = answer_text(form, row.question, row.ruled_codes, invalid=row.ruled_invalid) if row.ruling else ""
    return AnswerLine(
        question=row.question,
        text=asked.text if asked else "",
        machine="" if blind else answer_text(form, row.question, row.codes, row.outcome),
        ruled=ruled,
        seen=row.ruling,
        codes=tuple((code, labels.get(code, "")) for code in codes_of(desk, row)),
        multiple=asked.multiple if asked else False,
    )


def _partners(desk: Desk, doubtful: dict[int, DoubtfulSheet], key: int) -> list[DoubtfulSheet]:
    """Incomplete sheets of the same batch and form, whose sides this one lacks."""
    if key not in doubtful or doubtful[key].state is not SheetState.INCOMPLETE:
        return []
    one = doubtful[key]
    sides = {each.side for each in desk.reviews.look(queries.pages_of_sheet, one.sheet)}
    return [
        each
        for each in doubtful.values()
        if each.state is SheetState.INCOMPLETE
        and (each.batch, each.form, each.edition) == (one.batch, one.form, one.edition)
        and each.key != key
        and not sides & {found.side for found in desk.reviews.look(queries.pages_of_sheet, each.sheet)}
    ]


@router.get("/{key}/side/{side}.png")
def side(desk: TheDesk, _session: Reviewer, key: int, side: int) -> Response:
    """One side of a sheet."""
    row = sheet_row(desk, key)
    task = side_task(desk, row.sheet, desk.reviews.look(queries.answers_of_sheet, row.sheet), side)
    return png(desk.pictures.picture(task) if task else None)


@router.post("/{key}/void")
def void(desk: TheDesk, session: Reviewer, key: int, form: Form_) -> Response:
    """The sheet must not count, says one person; a second one agrees."""
    row = sheet_row(desk, key)
    new = SheetProposal(row.sheet, "void", session.name, form.text("reason"), form.text("same_as"))
    desk.reviews.propose_sheet(new)
    return go(f"/sheets/{key}")


@router.post("/{key}/count")
def count(desk: TheDesk, session: Reviewer, key: int, form: Form_) -> Response:
    """The doubt about the sheet is unfounded: its sure answers count, the others go into the queue."""
    row = sheet_row(desk, key)
    new = SheetProposal(row.sheet, "count", session.name, form.text("reason"))
    desk.reviews.propose_sheet(new, Outcome(readable=readable(desk, row)))
    return go(f"/sheets/{key}")


@router.post("/{key}/pair")
def pair(desk: TheDesk, session: Reviewer, key: int, form: Form_) -> Response:
    """Two incomplete sheets are the sides of one paper. It is said of the one that came first."""
    first, other = sorted((key, desk.reviews.look(queries.key_of, form.text("with"))))
    row, other_row = sheet_row(desk, first), sheet_row(desk, other)
    new = SheetProposal(row.sheet, "pair", session.name, form.text("reason"), other_row.sheet)
    standing = desk.reviews.propose_sheet(new, Outcome(joined=joined(desk, row, other_row)))
    return go("/sheets" if standing is Standing.SETTLED else f"/sheets/{first}")


@router.post("/{key}/take-back")
def take_back(desk: TheDesk, session: Reviewer, key: int, form: Form_) -> Response:
    """What this person said of the sheet, or of one of its answers, is taken back."""
    desk.reviews.withdraw(sheet_row(desk, key).sheet, form.text("question"), session.name)
    return go(f"/sheets/{key}")


@router.post("/{key}/answer")
def answer(desk: TheDesk, session: Reviewer, key: int, form: Form_) -> Response:
    """A ruling on any answer of the sheet, with a note; what the machine accepted takes two persons too."""
    row = sheet_row(desk, key)
    seen = form.text("seen")
    new = Proposal(
        sheet=row.sheet,
        question=form.text("question"),
        codes=tuple(code for code in form.texts("code") if code),
        invalid=form.text("invalid") == "yes",
        by=session.name,
        note=form.text("note"),
        seen=int(seen) if seen.isdecimal() else 0,
        beside=form.text("beside") == "yes",
    )
    desk.reviews.propose([new])
    return go(f"/sheets/{key}")


def readable(desk: Desk, row: SheetRow) -> list[tuple[str, tuple[str, ...]]]:
    """The answers that were held back for the sheet's sake alone, decided again from what was stored."""
    form = desk.form(row.form, row.edition)
    pages = desk.reviews.look(queries.pages_of_sheet, row.sheet)
    if form is None or row.machine_state is not SheetState.REVIEW or not all(each.key for each in pages):
        return []
    readings = [desk.reviews.store.reading(each.key) for each in pages]
    stored = {each.question: each for each in desk.reviews.store.answers_of(row.sheet)}
    return [
        (each.question, each.codes)
        for each in decide_answers(form, readings, desk.settings.accepted_risk)
        if each.status is Status.ACCEPTED and stored[each.question].codes == each.codes
    ]


def joined(desk: Desk, row: SheetRow, other: SheetRow) -> tuple[Sheet, tuple[int, ...]] | None:
    """The sheet that two incomplete ones become; ``None`` where it would not be whole or cannot be read."""
    form = desk.form(row.form, row.edition)
    pages = [each for one in (row, other) for each in desk.reviews.look(queries.pages_of_sheet, one.sheet)]
    by_side = {each.side: each for each in pages if each.key}
    if form is None or len(pages) != len(form.sides) or len(by_side) != len(form.sides):
        return None
    sides = [by_side[side.number] for side in form.sides]
    readings = [desk.reading(each.key) for each in sides]
    places = [
        PagePlace(each.key, each.ref, form.id, form.edition, each.side, reading.serial, True, None, place)
        for place, (each, reading) in enumerate(zip(sides, readings, strict=True))
    ]
    serial = next((reading.serial for reading in readings if reading.serial), None)
    plan = SheetPlan(form.id, form.edition, serial, tuple(places), None)
    batch = next(each for each in desk.reviews.store.batches() if each.name == row.batch)
    answers = decide_answers(form, readings, desk.settings.accepted_risk)
    sheet = read_sheet(form, plan, answers, sheet_flag(readings, False), batch.linh_vuc)
    return sheet, tuple(each.key for each in sides)


def sheet_row(desk: Desk, key: int) -> SheetRow:
    """A sheet by its entry. Raises ``HTTPException`` 404."""
    row = desk.reviews.look(queries.sheet_at, key)
    if row is None:
        raise HTTPException(404)
    return row


def _key_of(desk: Desk, sheet: str) -> int:
    return desk.reviews.look(queries.key_of, sheet)
