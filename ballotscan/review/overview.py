"""The first page: how far each batch is, what keeps a period from being closed, how sure people are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from ballotscan.audit.report import last_report
from ballotscan.model import Balance, BatchSettings
from ballotscan.review.cards import Progress, closed_batches, persons, progress
from ballotscan.review.sessions import Session
from ballotscan.review.web import Desk
from ballotscan.rules.watch import warning_text
from ballotscan.store import review_queries as queries
from ballotscan.store import users
from ballotscan.store.review_queries import PersonFigures
from ballotscan.store.users import SignIn

_STATES: Final = ("read", "review", "void", "set_aside", "incomplete")
BAR_WIDTH: Final = 100.0
SIGN_INS: Final = 8


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a bar: where it begins and how wide it is, of 100."""

    state: str
    count: int
    x: float
    w: float


@dataclass(frozen=True, slots=True)
class BatchView:
    """One batch with its balance as a bar, and what is left to do before its period can be closed."""

    batch: BatchSettings
    balance: Balance
    parts: tuple[Part, ...]
    asked: int
    settled: int
    held: int
    unexpected: int | None  # the count by hand that the sheets do not come to
    warnings: tuple[str, ...]
    closed: bool

    @property
    def done(self) -> float:
        """Share of the answers asked for that are settled, of 100."""
        return BAR_WIDTH * self.settled / self.asked if self.asked else BAR_WIDTH


@dataclass(frozen=True, slots=True)
class Overview:
    """All that the first page shows."""

    batches: tuple[BatchView, ...]
    progress: Progress
    people: tuple[PersonFigures, ...]  # for auditors
    audit: Any
    sign_ins: tuple[SignIn, ...]  # for auditors
    alone: bool  # review by one person
    ruled_alone: int


def overview(desk: Desk, session: Session) -> Overview:
    """The overview for a person. What each reviewer got wrong is an auditor's to see."""
    reviews = desk.reviews
    settled = reviews.look(queries.progress)
    held = [each.batch for each in reviews.look(queries.doubtful_sheets)]
    closed = closed_batches(reviews)
    batches = tuple(
        _batch(desk, batch, settled.get(batch.name, (0, 0)), held.count(batch.name), batch.name in closed)
        for batch in reviews.store.batches()
    )
    return Overview(
        batches=batches,
        progress=progress(reviews, session.name),
        people=tuple(reviews.look(queries.person_figures)) if session.may("auditor") else (),
        audit=last_report(reviews),
        sign_ins=tuple(reviews.look(users.last_sign_ins, SIGN_INS)) if session.may("auditor") else (),
        alone=persons(reviews) == 1,
        ruled_alone=reviews.store.ruled_alone([batch.name for batch in reviews.store.batches()]),
    )


def _batch(desk: Desk, batch: BatchSettings, settled: tuple[int, int], held: int, closed: bool) -> BatchView:
    store = desk.reviews.store
    balance = store.balance(batch.name)
    boxes = store.box_openings(batch.name)
    counts = [batch.expect, sum(box.taken_out for box in boxes) if boxes else None]
    wrong = [count for count in counts if count is not None and count != balance.papers]
    return BatchView(
        batch=batch,
        balance=balance,
        parts=_parts(balance),
        asked=settled[0],
        settled=settled[1],
        held=held,
        unexpected=wrong[0] if wrong else None,
        warnings=tuple(warning_text(each) for each in store.warnings(batch.name)),
        closed=closed,
    )


def _parts(balance: Balance) -> tuple[Part, ...]:
    found, x = [], 0.0
    for state in _STATES:
        count = getattr(balance, f"sheets_{state}")
        if count:
            width = BAR_WIDTH * count / balance.sheets
            found.append(Part(state, count, round(x, 3), round(width, 3)))
            x += width
    return tuple(found)
