"""What an audit proves, in figures and sentences: the bound, and what it means for each published share."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ballotscan.audit.bounds import bound_at_any_time, bound_on_wrong, risk_left
from ballotscan.audit.work import (
    Paper,
    Plan,
    batches_of,
    draw_of,
    is_changed,
    is_right,
    papers_drawn,
    period_of,
    readings_of,
    refuse_changed,
)
from ballotscan.errors import UsageError
from ballotscan.i18n import gettext as _
from ballotscan.i18n import ngettext
from ballotscan.rules.periods import Period

if TYPE_CHECKING:
    from ballotscan.store.reviews import Reviews
    from ballotscan.tally.figures import Tally

_SHOWN: Final = 20  # papers listed by name: one screen


@dataclass(frozen=True, slots=True)
class Effect:
    """One published share and by how many points the wrong sheets that may be there can move it."""

    form: str
    what: str
    share: float  # in hundredths
    points: float

    @property
    def points_shown(self) -> float:
        """To two places, from the share as it is printed: rounded up, for what is promised must hold."""
        off = self.points + abs(self.share - round(self.share, 2))
        return math.ceil(off * 100 - 1e-9) / 100


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What was found. ``bound``: wrong sheets there can be, at the plan's risk; ``met``: within limits."""

    plan: Plan
    seed: str
    drawn: int
    wrong: tuple[Paper, ...]
    missing: int
    bound: int
    risk: float | None  # what is left of it, for a staged test
    met: bool
    readers: tuple[str, ...]
    ruled_alone: int  # answers on one person's word
    without_paper: int  # batches of other channels
    effects: tuple[Effect, ...]

    @property
    def bound_share(self) -> float:
        """The bound in hundredths of all sheets."""
        return 100 * self.bound / self.plan.population


def make_report(reviews: Reviews, templates: Sequence[Path], plan: Plan) -> AuditReport:
    """Compare what was read with the record and bound the rest; enters the outcome.

    Raises ``UsageError`` while a sheet that was drawn was not read, or where the record was changed since.
    """
    refuse_changed(reviews, plan)
    papers, readings = papers_drawn(reviews, plan), readings_of(reviews, plan)
    left = [each for each in papers if each.sheet and (each.batch, each.place) not in readings]
    if left:
        raise UsageError(
            _("{count} of the sheets drawn are not entered, the first is {batch}, sheet {place}.").format(
                count=len(left), batch=left[0].batch, place=left[0].place
            ),
            _("One that cannot be found is entered as missing, and counts as wrong."),
        )
    right = [is_right(reviews, each, readings.get((each.batch, each.place))) for each in papers]
    bound, risk = _bound(plan, right)
    drawn = draw_of(reviews, plan)
    assert drawn is not None, "papers_drawn has seen to it"
    found = AuditReport(
        plan=plan,
        seed=drawn["seed"],
        drawn=len(papers),
        wrong=tuple(each for each, well in zip(papers, right, strict=True) if not well),
        missing=sum(each.state == "missing" for each in readings.values()),
        bound=bound,
        risk=risk,
        met=bound <= plan.limit * plan.population,
        readers=tuple(sorted({each.by for each in readings.values()})),
        ruled_alone=reviews.store.ruled_alone([each["name"] for each in plan.body["batches"]]),
        without_paper=len(batches_of(reviews, period_of(plan), plan.body["unit"]))
        - len(plan.body["batches"]),
        effects=tuple(_effects(_tally(reviews, templates, plan), bound)),
    )
    _enter(reviews, found)
    return found


def _bound(plan: Plan, right: Sequence[bool]) -> tuple[int, float | None]:
    risk, wrong = float(plan.body["risk"]), sum(not each for each in right)
    if plan.body["staged"]:
        bound = bound_at_any_time(right, plan.population, plan.limit, risk)
        return bound, risk_left(right, plan.population, plan.limit)
    return bound_on_wrong(plan.population, len(right), wrong, risk), None


def _enter(reviews: Reviews, found: AuditReport) -> None:
    body = {
        "plan": found.plan.seq,
        "seed": found.seed,
        "drawn": found.drawn,
        "wrong": [[each.batch, each.place] for each in found.wrong],
        "missing": found.missing,
        "bound": found.bound,
        "met": found.met,
    }
    reviews.enter("audit_report", body)


def _tally(reviews: Reviews, templates: Sequence[Path], plan: Plan) -> Tally:
    from ballotscan.tally.make import make_tally

    return make_tally(reviews.store, templates, period_of(plan), None, plan.body["unit"])


def _effects(tally: Tally, bound: int) -> Iterator[Effect]:
    """By how much each share can be off.

    One wrong sheet moves one answer of a question into an option, out of it or away, so ``bound`` of them
    move a share of ``answered`` answers by at most bound/answered: nothing else moves it as far while any
    answer of another kind is left. A share over several questions moves by that many answers a sheet.
    """
    for form in tally.forms:
        for index in form.groups[0].indices:
            if index.answered:
                most = 100 * bound * len(index.questions) / index.answered
                share = 100 * index.satisfied / index.answered
                yield Effect(
                    form.title, _index_name(index.level, index.id, index.text), share, min(100.0, most)
                )


def _index_name(level: str, name: str, text: str) -> str:
    if level == "all":
        return _("satisfaction index")
    if level == "factor":
        return _("satisfied, {factor}").format(factor=text)
    return _("satisfied, question {question}").format(question=name)


# --- in words ---------------------------------------------------------------------------------------------


def report_lines(found: AuditReport) -> Iterator[str]:
    """The report for people, line by line."""
    body = found.plan.body
    sure = 1 - float(body["risk"])
    yield _("Audit of the period {period}, planned as entry {seq} of the record").format(
        period=body["period"], seq=found.plan.seq
    )
    yield _plan_line(found.plan)
    if body["source"] == "images":
        yield _("WEAKER: the scans were read, not the paper. What a scanner changed is not found so.")
    if not all(each["by_hand"] for each in body["batches"]):
        yield _(
            "WEAKER: not every batch was counted by hand, so a sheet lost before the scan cannot be drawn."
        )
    if found.without_paper:
        yield _("Answers of other channels have no paper: the audit takes them as they were imported.")
    if found.ruled_alone:
        yield ngettext(
            "{count} answer was settled by one person alone.",
            "{count} answers were settled by one person alone.",
            found.ruled_alone,
        ).format(count=found.ruled_alone)
    yield _("Seed {seed}: {count} of {all} sheets drawn; read by {names}.").format(
        seed=found.seed, count=found.drawn, all=found.plan.population, names=", ".join(found.readers) or "-"
    )
    yield _("Wrong: {wrong}, of these not found: {missing}.").format(
        wrong=len(found.wrong), missing=found.missing
    )
    for each in found.wrong[:_SHOWN]:
        yield "  " + _("{batch}, sheet {place} of the stack ({sheet})").format(
            batch=each.batch, place=each.place, sheet=each.sheet or _("not in the record")
        )
    yield _("With {sure:.0%} confidence at most {bound} of {all} sheets ({share:.2f} %) are wrong.").format(
        sure=sure, bound=found.bound, all=found.plan.population, share=found.bound_share
    )
    yield _verdict_line(found)
    for effect in found.effects:
        yield _(
            "The {what} of {share:.2f} % is right within ±{points:.2f} points, with {sure:.0%} confidence."
        ).format(what=effect.what, share=effect.share, points=effect.points_shown, sure=sure)


def _plan_line(plan: Plan) -> str:
    kind = _("staged, valid whenever one looks") if plan.body["staged"] else _("of fixed size")
    return _("Test {kind}: at most {limit} of the sheets wrong, risk {risk:.0%}, {size} sheets.").format(
        kind=kind, limit=share_text(plan), risk=float(plan.body["risk"]), size=plan.body["size"]
    )


def share_text(plan: Plan) -> str:
    """The limit as a person wrote it."""
    return f"{float(100 * plan.limit):g} %"


def _verdict_line(found: AuditReport) -> str:
    if found.met:
        return _("The limit of {limit} is kept.").format(limit=share_text(found.plan))
    if found.plan.body["staged"]:
        return _(
            "The limit of {limit} is NOT shown to be kept: draw more sheets, at worst all of them."
        ).format(limit=share_text(found.plan))
    return _("The limit of {limit} is NOT shown to be kept: plan another audit with --staged.").format(
        limit=share_text(found.plan)
    )


def plan_lines(plan: Plan) -> Iterator[str]:
    """A plan for people."""
    yield _plan_line(plan)
    for each in plan.body["batches"]:
        counted = _("counted by hand") if each["by_hand"] else _("as the scan found them")
        yield ngettext(
            "{name}: {count} sheet, {how}", "{name}: {count} sheets, {how}", each["papers"]
        ).format(name=each["name"], count=each["papers"], how=counted)


def last_report(reviews: Reviews, period: Period | None = None) -> Mapping[str, Any] | None:
    """The last audit's outcome, of a ``period`` or of all, beside what was planned. One of all units goes
    before one of a single unit. ``changed``: answers were changed since it was planned.
    """
    from ballotscan.store import audits

    plans = {seq: Plan(seq, body) for seq, body in reviews.look(audits.bodies, "audit_plan")}
    reports = [(plans[body["plan"]], body) for _seq, body in reviews.look(audits.bodies, "audit_report")]
    if period is not None:
        days = (period.first.isoformat(), period.last.isoformat())
        reports = [each for each in reports if (each[0].body["first"], each[0].body["last"]) == days]
        reports.sort(key=lambda each: not each[0].body["unit"])  # stable: the last of the best kind is last
    if not reports:
        return None
    plan, body = reports[-1]
    return {
        "period": plan.body["period"],
        "unit": plan.body["unit"],
        "population": plan.population,
        "limit": share_text(plan),
        "limit_share": float(100 * plan.limit),
        "sure": 1 - float(plan.body["risk"]),
        "images": plan.body["source"] == "images",
        "by_hand": all(each["by_hand"] for each in plan.body["batches"]),
        "changed": is_changed(reviews, plan),
        **{name: body[name] for name in ("drawn", "bound", "met", "missing")},
        "wrong": len(body["wrong"]),
        "share": 100 * body["bound"] / plan.population,
    }
