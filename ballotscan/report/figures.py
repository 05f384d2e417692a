"""All figures of one report, as numbers: every document is written from these and counts nothing itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ballotscan.errors import UsageError
from ballotscan.forms.form import Form
from ballotscan.forms.load import find_forms, load_form
from ballotscan.i18n import gettext as _
from ballotscan.programme.load import Agency, Channel, Chosen, Programme
from ballotscan.report.opinions import Opinion, gather_opinions
from ballotscan.report.provenance import Provenance, trace
from ballotscan.rules.periods import Period, previous_period
from ballotscan.rules.targets import Progress, wanted
from ballotscan.store.rows import CountedSheet, Scope, SheetAnswers
from ballotscan.tally.accounting import within
from ballotscan.tally.counts import groups_by_answer
from ballotscan.tally.figures import Account, FormTally, Group, Tally
from ballotscan.tally.intervals import LEAST_N, Difference, differ, effective_n
from ballotscan.tally.make import load_editions, make_tally
from ballotscan.tally.named import Named, joint_indices, named_indices, sub_indices, weighted
from ballotscan.tally.published import published_of, satisfied_of
from ballotscan.tally.small_cells import hide

if TYPE_CHECKING:
    from ballotscan.store.database import Store

_PAST: int = 4  # periods in a trend, the report's own included


@dataclass(frozen=True, slots=True)
class Part:
    """One unit's, channel's, field's or factor's share, None where it is not shown."""

    name: str
    ballots: int
    index: Named | None


@dataclass(frozen=True, slots=True)
class FormFigures:
    """One form's figures, that is, one group of respondents'."""

    form: Form
    tally: FormTally
    group: str
    indices: tuple[Named, ...]
    chosen: Named  # the programme's own
    weighted: Named | None  # the same by dossiers
    factors: tuple[Part, ...]
    subs: tuple[Part, ...]
    units: tuple[Part, ...]  # best first where the programme ranks them
    channels: tuple[Part, ...]
    fields: tuple[Part, ...]
    answers: tuple[tuple[str, tuple[Part, ...]], ...]  # by a question's answers: its text, a part for each
    officials: tuple[Part, ...]  # empty unless the programme switched them on
    history: tuple[tuple[str, Named], ...]  # earlier periods, oldest first, without this one
    change: Difference | None

    @property
    def whole(self) -> Group:
        return self.tally.groups[0]


@dataclass(frozen=True, slots=True)
class Figures:
    """A report's figures. ``tally`` is unmasked; nothing finer than ``forms`` may be printed of it."""

    programme: Programme
    period: Period
    tally: Tally
    forms: tuple[FormFigures, ...]
    together: Named | None  # the programme's index over all forms, where there are several
    progress: tuple[Progress, ...]
    dossiers: int
    opinions: tuple[Opinion, ...]
    published: tuple[tuple[str, Fraction], ...]  # earlier counts of others: name, satisfied share of ballots
    provenance: Provenance
    least_cell: int

    @property
    def accounts(self) -> tuple[Account, ...]:
        return self.tally.accounts

    @property
    def ballots(self) -> int:
        return sum(form.tally.counted for form in self.forms)

    @property
    def provisional(self) -> bool:
        """Whether anything may still change: an answer waits, or the period is not closed."""
        return bool(self.tally.awaiting_answers) or self.tally.closed is None


Dossiers = Mapping[tuple[str, str], int]
Rows = tuple[Sequence[CountedSheet], Sequence[SheetAnswers]]


def gather(
    store: Store, programme: Programme, templates: Sequence[Path], period: Period, least_cell: int
) -> Figures:
    """Count a period and everything that its report says. Raises as ``make_tally``."""
    tally = make_tally(store, templates, period, None)
    dossiers = _dossiers(store, period)
    editions = [(form.form, form.edition) for form in tally.forms]
    forms = load_editions(editions, templates)
    order = [each.form for each in programme.forms]
    places = {name: place for place, name in enumerate(order)}
    ranked = sorted(tally.forms, key=lambda each: (places.get(each.form, len(order)), each.form))
    past = _history(store, templates, period)
    # Dossiers are those of people and organisations, whom the first form asks.
    population: list[Dossiers] = [dossiers, *({} for _other in ranked[1:])]
    rows = _rows(store, programme, templates, period)
    figures = tuple(
        _form_figures(programme, each, forms[each.form, each.edition], past, of, least_cell, rows)
        for each, of in zip(ranked, population, strict=False)
    )
    return Figures(
        programme=programme,
        period=period,
        tally=tally,
        forms=figures,
        together=_together(figures, programme.index.name),
        progress=_progress(programme, figures[0], dossiers) if figures else (),
        dossiers=sum(dossiers.values()),
        opinions=gather_opinions(store, period, forms.values()),
        published=_published(store, period, forms),
        provenance=trace(store, tally),
        least_cell=least_cell,
    )


def _form_figures(
    programme: Programme,
    tally: FormTally,
    form: Form,
    past: Sequence[Tally],
    dossiers: Dossiers,
    least_cell: int,
    rows: Rows,
) -> FormFigures:
    name = programme.index.name
    whole, total = tally.groups[0], sum(dossiers.values()) or None
    indices = named_indices(whole, form, total)
    chosen = _called(indices, name)
    history = _past_indices(past, form, name)
    units = tuple(_parts([g for g in tally.groups if g.by == "unit"], form, name, _by(dossiers, 0)))
    groups = [group for group in tally.groups if group.by == "linh_vuc"]
    fields = list(_parts(groups, form, name, _by(dossiers, 1)))
    if programme.rank_units:
        units = tuple(sorted(units, key=_rank))
    return FormFigures(
        form=form,
        tally=tally,
        group=programme.group_of(form.id),
        indices=indices,
        chosen=chosen,
        weighted=_weighted(programme, tally, form, dossiers),
        factors=tuple(_of_factors(whole, form, [(f, (f,)) for f in sub_indices(form)], total)),
        subs=tuple(_of_factors(whole, form, programme.sub_indices, total)),
        units=units,
        channels=tuple(_parts([g for g in tally.groups if g.by == "channel"], form, name, {})),
        fields=_without_small(groups, fields, least_cell),
        answers=tuple(_by_answers(programme, form, rows, least_cell)),
        officials=_officials(programme, form, rows),
        history=history,
        change=_change(chosen, history[-1][1] if history else None, total),
    )


def _called(indices: Iterable[Named], name: str) -> Named:
    return next(index for index in indices if index.name == name)


def _rank(part: Part) -> tuple[bool, Fraction, str]:
    value = part.index.value if part.index else None
    return value is None, -(value or Fraction(0)), part.name


def _of_factors(
    group: Group, form: Form, named: Iterable[tuple[str, Sequence[str]]], population: int | None
) -> Iterable[Part]:
    """Satisfied share of answers of some factors; those that the form does not ask are left out."""
    for name, factors in named:
        index = _called(named_indices(group, form, population, set(factors)), "top2_of_answers")
        if index.value is not None:
            yield Part(name, index.ballots, index)


def _parts(groups: Iterable[Group], form: Form, name: str, population: Mapping[str, int]) -> Iterable[Part]:
    for group in groups:
        index = _called(named_indices(group, form, population.get(group.value)), name)
        yield Part(group.value, group.sheets, index)


def _without_small(groups: Sequence[Group], parts: Sequence[Part], least: int) -> tuple[Part, ...]:
    """Groups of respondents whose satisfied, other or missing answers are few are not shown, nor those that
    would then follow from the totals: ``small_cells.hide`` over the very table that is printed."""
    table = []
    for group in groups:
        whole = next((index for index in group.indices if index.level == "all"), None)
        if whole is None:
            return tuple(parts)
        rest = whole.ballots - whole.answered
        table.append([whole.satisfied, whole.answered - whole.satisfied, rest])
    hidden = {row for row, _column in hide(table, least)} if table else set()
    few = {row for row, part in enumerate(parts) if part.ballots < least}
    return tuple(
        Part(part.name, part.ballots, None if row in hidden | few else part.index)
        for row, part in enumerate(parts)
    )


def _by_answers(
    programme: Programme, form: Form, rows: Rows, least: int
) -> Iterable[tuple[str, tuple[Part, ...]]]:
    """Respondents by what they said of themselves, if the form asks it."""
    for name in programme.groups:
        if any(question.id == name for question in form.questions):
            groups = groups_by_answer(*rows, form, name)
            parts = list(_parts(groups, form, programme.index.name, {}))
            yield form.question(name).text, _without_small(groups, parts, least)


def _officials(programme: Programme, form: Form, rows: Rows) -> tuple[Part, ...]:
    """By official or counter, if the programme switched it on; without a figure below its least number."""
    asked = programme.officials
    if asked is None or all(question.id != asked.question for question in form.questions):
        return ()
    parts = _parts(groups_by_answer(*rows, form, asked.question), form, programme.index.name, {})
    return tuple(
        Part(part.name, part.ballots, part.index if part.ballots >= asked.least_n else None) for part in parts
    )


def _together(forms: Sequence[FormFigures], name: str) -> Named | None:
    """The index over all forms, every answer alike: respondents of one form are not those of another, so no
    population is known."""
    if len(forms) < 2:
        return None
    return _called(joint_indices([(each.whole, each.form) for each in forms]), name)


def _weighted(programme: Programme, tally: FormTally, form: Form, dossiers: Dossiers) -> Named | None:
    """By fields of procedure where dossiers name them, else by units."""
    if not programme.index.weighted or not dossiers:
        return None
    place = 1 if any(field for _unit, field in dossiers) else 0
    by, population = ("unit", "linh_vuc")[place], _by(dossiers, place)
    strata = [
        (_called(named_indices(group, form), programme.index.name), population.get(group.value, 0))
        for group in tally.groups
        if group.by == by
    ]
    if sum(count for _index, count in strata) != sum(dossiers.values()):
        return None  # dossiers of a stratum without any ballot: its people would be left out
    return weighted(strata, of_all=sum(dossiers.values()))


def _by(dossiers: Dossiers, place: int) -> dict[str, int]:
    found: Counter[str] = Counter()
    for key, count in dossiers.items():
        found[key[place]] += count
    return dict(found)


# --- from the record -------------------------------------------------------------------------------------


def _dossiers(store: Store, period: Period) -> dict[tuple[str, str], int]:
    found: Counter[tuple[str, str]] = Counter()
    for each in within(store.declared("dossiers"), period):
        rows: Any = each["rows"]
        for unit, field, count in rows:
            found[unit, field] += count
    return dict(found)


def _progress(programme: Programme, form: FormFigures, dossiers: Dossiers) -> tuple[Progress, ...]:
    """Ballots against the target, by unit or field of procedure; those without a dossier too, by quota."""
    if programme.target is None:
        return ()
    place = 1 if programme.target_by == "linh_vuc" else 0
    population = _by(dossiers, place)
    counted = {group.value: group.sheets for group in form.tally.groups if group.by == programme.target_by}
    named = programme.linh_vuc if place else programme.units
    names = dict.fromkeys([*named, *population, *counted])
    asked = {name: wanted(programme.target, population.get(name, 0)) for name in names}
    return tuple(Progress(n, population.get(n, 0), asked[n], counted.get(n, 0)) for n in names)


def _history(store: Store, templates: Sequence[Path], period: Period) -> list[Tally]:
    """The tallies of the periods before that have ballots, oldest first."""
    days = [date.fromisoformat(batch.received) for batch in store.batches()]
    found: list[Tally] = []
    before = period
    for _past in range(_PAST - 1):
        before = previous_period(before)
        if any(before.first <= day <= before.last for day in days):
            found.insert(0, make_tally(store, templates, before, None))
    return found


def _past_indices(past: Sequence[Tally], form: Form, name: str) -> tuple[tuple[str, Named], ...]:
    """The same index of the same form and edition; of another edition it would not be the same."""
    found = []
    for tally in past:
        for each in tally.forms:
            if (each.form, each.edition) == (form.id, form.edition) and tally.period:
                index = _called(named_indices(each.groups[0], form), name)
                if index.value is not None:
                    found.append((tally.period.name, index))
    return tuple(found)


def _change(now: Named, before: Named | None, population: int | None) -> Difference | None:
    """Against the period before; a mean score or points have no such test."""
    if before is None or now.value is None or before.value is None or now.low is None:
        return None
    n = effective_n(now.ballots, population)
    return differ(float(now.value), n, float(before.value), before.ballots)


def _rows(store: Store, programme: Programme, templates: Sequence[Path], period: Period) -> Rows:
    """The sheets themselves, where a programme asks for more than the tally's groups. Raises ``UsageError``
    for a question that none of its forms asks, or of which several options may be chosen."""
    named = [*programme.groups, *([programme.officials.question] if programme.officials else [])]
    if not named:
        return (), ()
    folders = find_forms(templates)
    forms = [load_form(folders[each.form]) for each in programme.forms if each.form in folders]
    fit = {question.id for form in forms for question in form.questions if not question.multiple}
    for name in named:
        if name not in fit:
            raise UsageError(
                _("The programme names the question '{question}', which none of its forms asks.").format(
                    question=name
                ),
                _("Correct it under groups or officials; only one answer may be given to it."),
            )
    return store.counted(Scope(period.first, period.last))


def _published(
    store: Store, period: Period, forms: Mapping[tuple[str, str], Form]
) -> tuple[tuple[str, Fraction], ...]:
    """Earlier counts of the same forms that were taken in: satisfied answers over ballots."""
    found = []
    for body in store.declared("counts"):
        published = published_of(body)
        form = forms.get((published.form, published.edition))
        if form is not None and published.last < period.first:
            satisfied = satisfied_of(published, {question.id: question for question in form.questions})
            share = Fraction(sum(satisfied.values()), published.collected * len(satisfied))
            found.append((published.name, share))
    return tuple(found)


def plain_programme(store: Store, rule: str) -> Programme:
    """What stands in for a programme where an office has none: its names are dots to fill in."""
    dots = "……………………"
    channels = dict.fromkeys(batch.channel for batch in store.batches())
    return Programme(
        id="bao-cao",
        title=_("Satisfaction survey"),
        subject=_("results of the satisfaction survey"),
        agency=Agency(dots, dots, "…", "…", dots, ()),
        legal=(),
        period_rule="calendar" if rule == "calendar" else "nd09",
        window="",
        units=(),
        linh_vuc=(),
        forms=(),
        channels=tuple(Channel(name, name, electronic=False) for name in channels),
        due=(),
        target=None,
        target_by="unit",
        index=Chosen("top2_of_answers", "half_up", weighted=False),
        sub_indices=(),
        groups=(),
        officials=None,
        method=(),
        rank_units=False,
        least_n=LEAST_N,
        roles=(),
        themes=(),
        reports=("docx", "pdf", "minutes", "html", "xlsx", "csv", "json"),
    )
