"""The audit of a period against its paper: planned, drawn, read, compared. Each step is an entry.

What is planned is fixed before the seed is known, and the seed decides which sheets of the stack are drawn:
anybody can draw them again. The stack is the paper's own count (by hand, where there is one), not the
record's, so that a sheet which the record lost can be drawn.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ballotscan.audit.bounds import sample_size, staged_size
from ballotscan.errors import NotBalancedError, UsageError
from ballotscan.four_eyes import same_person
from ballotscan.i18n import gettext as _
from ballotscan.model import SheetId, SheetState
from ballotscan.rules.periods import Period, parse_period
from ballotscan.store import audits, users
from ballotscan.store import review_queries as queries
from ballotscan.store.rows import QuestionCodes, Scope

if TYPE_CHECKING:
    from ballotscan.store.reviews import Reviews

SHORTEST_SEED: Final = 20
"""Dice thrown twenty times: 4e15 seeds, too many to try them all for a welcome sample."""

_COUNTING: Final = (SheetState.READ, SheetState.REVIEW)


class Paper(NamedTuple):
    """One sheet of paper: the ``place``-th of its batch's stack, from 1. ``sheet``: as what it was read."""

    number: int  # its place in the draw, from 1
    batch: str
    place: int
    sheet: str  # empty: the record has none there


@dataclass(frozen=True, slots=True)
class Plan:
    """A test that was fixed: ``seq`` is its entry."""

    seq: int
    body: Mapping[str, Any]

    @property
    def limit(self) -> Fraction:
        """The share of wrong sheets that is allowed."""
        return Fraction(self.body["max_wrong"])

    @property
    def population(self) -> int:
        """The sheets of paper there are."""
        return sum(each["papers"] for each in self.body["batches"])


class PaperAnswer(NamedTuple):
    """What a person read on the paper for one question."""

    codes: tuple[str, ...]
    invalid: bool


@dataclass(frozen=True, slots=True)
class Reading:
    """What a person found of one paper: ``found``, ``missing``, or ``void`` (it must not count)."""

    place: tuple[str, int]
    state: str
    answers: Mapping[str, PaperAnswer]
    by: str


# --- planning ---------------------------------------------------------------------------------------------


def make_plan(
    reviews: Reviews, period: Period, unit: str, risk: float, limit: Fraction, *, staged: bool, images: bool
) -> Plan:
    """Fix the test and enter it. ``images``: the scans are read instead of the paper, which is weaker.

    Raises ``UsageError`` for limits that are none, ``NotBalancedError`` while answers await review.
    """
    if not 0 < risk < 1 or not 0 <= limit < 1:
        raise UsageError(_("--risk and --max-wrong lie between 0 and 1."), _("Write 0.05 and 1%."))
    store = reviews.store
    scope = Scope(period.first, period.last)
    waiting = sum(1 for _row in store.answer_rows(scope, in_review=True))
    if waiting:
        raise NotBalancedError(
            _("{count} answers of the period still await review.").format(count=waiting),
            _("Settle them first: what is audited must not change."),
        )
    counted = (_counted(reviews, batch) for batch in batches_of(reviews, period, unit))
    batches = [each for each in counted if each["papers"]]  # answers of other channels have no paper
    population = sum(each["papers"] for each in batches)
    if not population:
        raise UsageError(_("No sheet was received in the period."))
    size = staged_size if staged else sample_size
    seq, head = store.head()
    body = {
        "period": period.name,
        "rule": period.rule,
        "first": period.first.isoformat(),
        "last": period.last.isoformat(),
        "unit": unit,
        "risk": risk,
        "max_wrong": str(limit),
        "staged": staged,
        "source": "images" if images else "paper",
        "batches": batches,
        "size": size(population, limit, risk),
        "fixed_at": {"seq": seq, "hash": head},
        "digest": record_digest(reviews, [each["name"] for each in batches]),
    }
    return Plan(reviews.enter("audit_plan", body), body)


def batches_of(reviews: Reviews, period: Period, unit: str) -> list[Any]:
    """The batches received in a period, in order of their day and name."""
    found = [
        batch
        for batch in reviews.store.batches()
        if period.first.isoformat() <= batch.received <= period.last.isoformat() and unit in ("", batch.unit)
    ]
    return sorted(found, key=lambda batch: (batch.received, batch.name))


def _counted(reviews: Reviews, batch: Any) -> dict[str, Any]:
    """How many sheets of paper a batch has: by hand where somebody counted, else as the scan found them."""
    boxes = reviews.store.box_openings(batch.name)
    read = len(reviews.look(queries.papers, batch.name))
    by_hand = max(batch.expect or 0, sum(box.taken_out for box in boxes))
    counted = bool(boxes) or batch.expect is not None
    return {"name": batch.name, "papers": max(by_hand, read), "by_hand": counted}


def record_digest(reviews: Reviews, batches: Sequence[str]) -> str:
    """A hash of every answer and every sheet's state, as people settled them."""
    digest = hashlib.sha256()
    for name in sorted(batches):
        scope = Scope(batch=name)
        for row in reviews.store.sheet_rows(scope):
            digest.update(f"{row.sheet}\t{row.state}\n".encode())
        for answer in reviews.store.answer_rows(scope):
            digest.update(f"{answer.sheet}\t{answer.question}\t{answer.codes}\t{answer.invalid}\n".encode())
    return digest.hexdigest()


def period_of(plan: Plan) -> Period:
    """The period that a plan audits."""
    return parse_period(plan.body["period"], plan.body["rule"])


def last_plan(reviews: Reviews, period: str = "") -> Plan:
    """The last plan of a period, or the last of all. Raises ``UsageError`` where there is none."""
    for seq, body in reversed(reviews.look(audits.bodies, "audit_plan")):
        if period in ("", body["period"]):
            return Plan(seq, body)
    raise UsageError(_("No audit was planned."), _("Begin with 'ballotscan audit plan'."))


# --- drawing ----------------------------------------------------------------------------------------------


def order_of(seed: str, batches: Sequence[Mapping[str, Any]]) -> list[tuple[str, int]]:
    """Every sheet of paper in the order of the draw: by SHA-256 of seed, batch and place, a line each.

    (Rivest's consistent sampler in its plainest form: drawing on keeps what was drawn.)
    """
    places = [(each["name"], place) for each in batches for place in range(1, each["papers"] + 1)]
    return sorted(places, key=lambda at: hashlib.sha256(f"{seed}\n{at[0]}\n{at[1]}\n".encode()).digest())


def draw(reviews: Reviews, plan: Plan, seed: str, size: int | None = None) -> list[Paper]:
    """Enter the draw and return the sheets to fetch. A staged one may be drawn on, to ``size`` sheets.

    Raises ``UsageError`` where the seed is short, the record was changed since the plan, or a test of fixed
    size was drawn already.
    """
    former = draw_of(reviews, plan)
    seed = (former["seed"] if former and not seed else "".join(seed.split())).upper()
    if len(seed) < SHORTEST_SEED:
        raise UsageError(
            _("--seed: the seed is too short."),
            _("Throw dice {count} times before witnesses and write the numbers down.").format(
                count=SHORTEST_SEED
            ),
        )
    if former and seed != former["seed"]:
        raise UsageError(_("--seed: this audit was drawn with another seed."))
    wanted = size or (former["size"] if former else plan.body["size"])
    if wanted > plan.body["size"] and not plan.body["staged"]:
        raise UsageError(
            _("The plan fixed {count} sheets: a test of fixed size cannot be enlarged.").format(
                count=plan.body["size"]
            ),
            _("Plan another audit with --staged, or read all sheets anew."),
        )
    refuse_changed(reviews, plan)
    if former is None or wanted > former["size"]:
        wanted = min(wanted, plan.population)
        papers = [[each.batch, each.place, each.sheet] for each in _in_order(reviews, plan, seed)[:wanted]]
        reviews.enter("audit_draw", {"plan": plan.seq, "seed": seed, "size": wanted, "papers": papers})
    return papers_drawn(reviews, plan)


def is_changed(reviews: Reviews, plan: Plan) -> bool:
    """Whether the audited answers are not those of the plan any more."""
    names = [each["name"] for each in plan.body["batches"]]
    return record_digest(reviews, names) != str(plan.body["digest"])


def refuse_changed(reviews: Reviews, plan: Plan) -> None:
    """Raises ``UsageError`` where the audited answers are not those of the plan any more."""
    if is_changed(reviews, plan):
        raise UsageError(
            _("Answers of the period were changed after the audit was planned."), _("Plan another audit.")
        )


def draw_of(reviews: Reviews, plan: Plan) -> Mapping[str, Any] | None:
    """The last draw of a plan."""
    found = [body for _seq, body in reviews.look(audits.bodies, "audit_draw") if body["plan"] == plan.seq]
    return found[-1] if found else None


def papers_drawn(reviews: Reviews, plan: Plan) -> list[Paper]:
    """The sheets that were drawn, in the order of the draw. Raises ``UsageError`` where none was."""
    drawn = draw_of(reviews, plan)
    if drawn is None:
        raise UsageError(_("The sheets are not drawn yet."), _("Throw dice, then 'ballotscan audit draw'."))
    return _in_order(reviews, plan, drawn["seed"])[: drawn["size"]]


def _in_order(reviews: Reviews, plan: Plan, seed: str) -> list[Paper]:
    """Every sheet of paper there is, in the order of the draw."""
    sheets = {
        (each["name"], place): sheet
        for each in plan.body["batches"]
        for place, (sheet, _state) in enumerate(reviews.look(queries.papers, each["name"]), start=1)
    }
    order = order_of(seed, plan.body["batches"])
    return [Paper(number, *at, sheets.get(at, "")) for number, at in enumerate(order, start=1)]


# --- reading ----------------------------------------------------------------------------------------------


def enter_readings(reviews: Reviews, plan: Plan, readings: Sequence[Reading]) -> int:
    """Enter what was read, all or none; returns how many were new.

    Raises ``UsageError`` for a sheet that was not drawn, an answer that is none, or a person who may not.
    """
    drawn = {(each.batch, each.place): each for each in papers_drawn(reviews, plan)}
    known = readings_of(reviews, plan)
    new = []
    for each in readings:
        paper = drawn.get(each.place)
        if paper is None:
            raise UsageError(
                _("{batch}, sheet {place}: it was not drawn.").format(
                    batch=each.place[0], place=each.place[1]
                )
            )
        refuse_partial(reviews, paper, each.by)
        if paper.sheet and each.state == "found":
            _check_answers(reviews, paper, each)
        if known.get(each.place) != each:
            new.append(_body(plan, paper, each))
    reviews.enter_all("audit_reading", new)
    return len(new)


def refuse_partial(reviews: Reviews, paper: Paper, by: str) -> None:
    """Who scanned a sheet or said anything of it does not audit it; nobody does who is no auditor."""
    person = reviews.look(users.person, by, paper.batch)
    if "auditor" not in person.roles:
        raise UsageError(_("{name} has no account as auditor.").format(name=by))
    spoke = reviews.look(queries.deciders, paper.sheet) if paper.sheet else set()
    if person.scanned or any(same_person(by, other) for other in spoke):
        raise UsageError(
            _("{sheet}: {name} scanned it or ruled on it.").format(sheet=paper.sheet or paper.batch, name=by),
            _("Another auditor must read this sheet."),
        )


def _check_answers(reviews: Reviews, paper: Paper, reading: Reading) -> None:
    asked = questions_of(reviews, paper.sheet)
    for each in asked:
        said = reading.answers.get(each.question)
        if said is None:
            raise UsageError(
                _("{sheet}, question {question}: nothing is entered.").format(
                    sheet=paper.sheet, question=each.question
                ),
                _("Write the code, blank or invalid."),
            )
        if not set(said.codes) <= set(each.codes) or (said.invalid and said.codes):
            raise UsageError(
                _("{sheet}, question {question}: this is none of the codes {codes}.").format(
                    sheet=paper.sheet, question=each.question, codes=" ".join(each.codes)
                )
            )


def questions_of(reviews: Reviews, sheet: str) -> tuple[QuestionCodes, ...]:
    """What is asked on a sheet."""
    row = reviews.look(queries.sheet_at, reviews.look(queries.key_of, sheet))
    return reviews.store.questions()[row.form, row.edition] if row else ()


def _body(plan: Plan, paper: Paper, reading: Reading) -> dict[str, Any]:
    answers = {name: "invalid" if a.invalid else list(a.codes) for name, a in sorted(reading.answers.items())}
    return {
        "plan": plan.seq,
        "of": paper.batch,
        "place": paper.place,
        "paper": paper.sheet,
        "state": reading.state,
        "answers": answers,
        "by": reading.by,
    }


def readings_of(reviews: Reviews, plan: Plan) -> dict[tuple[str, int], Reading]:
    """What was read so far, the last word on each sheet."""
    found = {}
    for _seq, body in reviews.look(audits.bodies, "audit_reading"):
        if body["plan"] == plan.seq:
            answers = {
                name: PaperAnswer((), True) if said == "invalid" else PaperAnswer(tuple(said), False)
                for name, said in body["answers"].items()
            }
            at = (body["of"], body["place"])
            found[at] = Reading(at, body["state"], answers, body["by"])
    return found


def is_right(reviews: Reviews, paper: Paper, reading: Reading | None) -> bool:
    """Whether the record counts a sheet as a person read it. Not found, or no record of it: wrong."""
    if reading is None or not paper.sheet:
        return False
    row = reviews.look(queries.sheet_at, reviews.look(queries.key_of, paper.sheet))
    counts = row is not None and row.state in _COUNTING
    if reading.state != "found" or not counts:
        return reading.state == "void" and not counts
    several = {each.question: each.multiple for each in questions_of(reviews, paper.sheet)}
    return all(
        _counted_as(ruled, several[question]) == _counted_as(reading.answers[question], several[question])
        for question, ruled in settled_answers(reviews, SheetId(paper.sheet)).items()
    )


def settled_answers(reviews: Reviews, sheet: SheetId) -> dict[str, PaperAnswer]:
    """A sheet's answers as they count, with people's rulings."""
    found = {}
    for row in reviews.look(queries.answers_of_sheet, sheet):
        codes = row.ruled_codes if row.ruling else row.codes
        found[row.question] = PaperAnswer(tuple(codes.split("|")) if codes else (), row.ruled_invalid)
    return found


def _counted_as(answer: PaperAnswer, multiple: bool) -> PaperAnswer:
    """Several marks where one is asked for are counted as invalid, whoever read them."""
    if answer.invalid or (len(answer.codes) > 1 and not multiple):
        return PaperAnswer((), True)
    return PaperAnswer(tuple(sorted(answer.codes)), False)
