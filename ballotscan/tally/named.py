"""The indices that offices publish, each under its own name, so that no report hides its formula.

``top2_of_answers``       satisfied answers / answers; a blank drops out (Ministry of Health)
``top2_of_ballots``       satisfied answers / ballots; a blank lowers the share (Huế 2019)
``mean_score``            the mean level, from 1 (worst) to the number of levels
``all_satisfied``         ballots whose every answer is satisfied / ballots with an answer (likewise)
``mean_of_factor_rates``  the plain mean over the factors of their ``top2_of_answers``
``points``                points reached / points possible, 2, 1 or 0 an answer (circular 01/2018/TT-VPCP)

All over the questions that a form puts into its index. Values are exact fractions.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Literal, get_args

from ballotscan.forms.form import Form, Question
from ballotscan.tally.counts import enters_index
from ballotscan.tally.figures import HIDDEN, Group, Item
from ballotscan.tally.intervals import wilson

IndexName = Literal[
    "top2_of_answers", "top2_of_ballots", "mean_score", "all_satisfied", "mean_of_factor_rates", "points"
]
INDEX_NAMES: Final[tuple[IndexName, ...]] = get_args(IndexName)
_POINTS: Final = (0, 1, 2)  # by level, of a scale of three


@dataclass(frozen=True, slots=True)
class Named:
    """One index of one group. ``value`` is a share from 0 to 1, or for ``mean_score`` a level; None where the
    form has no such scale, nothing was answered, or a count is hidden.

    ``out_of`` is what the value is a share or mean of; ``ballots`` the sheets behind it, by which ``low`` and
    ``high`` (95 %) are found: the answers of one ballot are not independent, so they do not count as so many.
    A mean has no interval.
    """

    name: IndexName
    value: Fraction | None
    out_of: int
    ballots: int
    low: float | None = None
    high: float | None = None


def named_indices(
    group: Group, form: Form, population: int | None = None, factors: Collection[str] | None = None
) -> tuple[Named, ...]:
    """Every index of a group, over all questions of the index or those of some ``factors``.

    ``population`` is how many could have answered: dossiers returned in the period. ``all_satisfied`` is only
    known over all factors.
    """
    return joint_indices([(group, form)], population, factors)


def joint_indices(
    parts: Sequence[tuple[Group, Form]], population: int | None = None, factors: Collection[str] | None = None
) -> tuple[Named, ...]:
    """The same over several forms together, each with its group: every answer weighs the same, whichever form
    asked it, and factors of one name are one factor. ``points`` and ``mean_score`` only over like scales.
    """
    asked = [each for group, form in parts for each in _asked(group, form, factors)]
    group = _together([group for group, _form in parts])
    shown = not any(_hides(item) for item, _question in asked)
    return tuple(
        _with_interval(
            name, *(_value(name, asked, group, factors) if shown and asked else (None, 0)), group, population
        )
        for name in INDEX_NAMES
    )


def _asked(group: Group, form: Form, factors: Collection[str] | None) -> Iterator[tuple[Item, Question]]:
    for item, question in zip(group.of_level("question"), form.questions, strict=True):
        if enters_index(question) and (factors is None or question.factor in factors):
            yield item, question


def _together(groups: Sequence[Group]) -> Group:
    """What indices need of several forms' groups; their items and shares are not joined."""
    sums = {name: sum(getattr(group, name) for group in groups) for name in ("sheets", "begun", "content")}
    return Group("all", "", sums["sheets"], (), (), sums["begun"], sums["content"])


def levels_of(question: Question) -> dict[str, int]:
    """Each option's level, from 1 (worst). The satisfied codes tell which end is best, or nothing."""
    codes = [option.code for option in question.options]
    satisfied = [code in question.satisfied for code in codes]
    count = sum(satisfied)
    if not 0 < count < len(codes):
        return {}
    if all(satisfied[-count:]):
        return {code: place for place, code in enumerate(codes, start=1)}
    if all(satisfied[:count]):
        return {code: len(codes) - place for place, code in enumerate(codes)}
    return {}


def _hides(item: Item) -> bool:
    return HIDDEN in (item.answered, item.blank, item.invalid, *(option.count for option in item.options))


def _with_interval(
    name: IndexName, value: Fraction | None, out_of: int, group: Group, population: int | None
) -> Named:
    ballots = group.begun
    if value is None or name in ("mean_score", "points"):
        return Named(name, value, out_of, ballots)
    between = wilson(float(value), group.sheets if name == "top2_of_ballots" else ballots, population)
    return Named(name, value, out_of, ballots, *(between or (None, None)))


Asked = Sequence[tuple[Item, Question]]


def _value(
    name: IndexName, asked: Asked, group: Group, factors: Collection[str] | None
) -> tuple[Fraction | None, int]:
    """An index's value, and what it is a share of."""
    satisfied = sum(_satisfied(item, question) for item, question in asked)
    answered = sum(item.answered for item, _question in asked)
    ballots = sum(item.ballots for item, _question in asked)
    match name:
        case "top2_of_answers":
            return _share(satisfied, answered), answered
        case "top2_of_ballots":
            return _share(satisfied, ballots), ballots
        case "all_satisfied":
            return (_share(group.content, group.begun), group.begun) if factors is None else (None, 0)
        case "mean_of_factor_rates":
            return _mean_of_factors(asked), answered
        case "mean_score":
            return _mean_level(asked), answered
        case "points":
            return _points(asked), answered


def _share(part: int, of: int) -> Fraction | None:
    return Fraction(part, of) if of else None


def _satisfied(item: Item, question: Question) -> int:
    return sum(option.count for option in item.options if option.code in question.satisfied)


def _mean_of_factors(asked: Asked) -> Fraction | None:
    rates = []
    for factor in dict.fromkeys(question.factor for _item, question in asked):
        mine = [(item, question) for item, question in asked if question.factor == factor]
        rates.append(_share(sum(_satisfied(*each) for each in mine), sum(item.answered for item, _ in mine)))
    known = [rate for rate in rates if rate is not None]
    return sum(known, Fraction(0)) / len(known) if known else None


def _mean_level(asked: Asked) -> Fraction | None:
    """Only where all questions have as many levels: a mean over scales of several lengths means nothing."""
    levels = [levels_of(question) for _item, question in asked]
    if len({len(each) for each in levels}) != 1 or not levels[0]:
        return None
    answered = sum(item.answered for item, _question in asked)
    return _share(
        sum(_summed(item, level) for (item, _q), level in zip(asked, levels, strict=True)), answered
    )


def _points(asked: Asked) -> Fraction | None:
    levels = [levels_of(question) for _item, question in asked]
    if any(len(each) != len(_POINTS) for each in levels):
        return None
    points = [{code: _POINTS[level - 1] for code, level in each.items()} for each in levels]
    answered = sum(item.answered for item, _question in asked)
    reached = sum(_summed(item, of) for (item, _q), of in zip(asked, points, strict=True))
    return _share(reached, answered * _POINTS[-1])


def _summed(item: Item, worth: Mapping[str, int]) -> int:
    return sum(option.count * worth[option.code] for option in item.options)


# --- weights ---------------------------------------------------------------------------------------------


def weighted(groups: Sequence[tuple[Named, int]], *, of_all: int | None = None) -> Named | None:
    """One index over strata, each weighing as many as its dossiers rather than as its ballots.

    ``groups`` holds a stratum's index beside its dossiers. The interval is that of as many ballots as the
    weights leave (Kish 1965: the square of the sum over the sum of squares). None where a stratum with
    dossiers has no value: its people would be left out unsaid.
    """
    strata = [(index, dossiers) for index, dossiers in groups if dossiers > 0]
    values = [index.value for index, _dossiers in strata]
    total = sum(dossiers for _index, dossiers in strata)
    if not strata or any(value is None for value in values):
        return None
    value = sum((index.value or 0) * Fraction(n, total) for index, n in strata)
    ballots = sum(index.ballots for index, _dossiers in strata)
    squares = sum(Fraction(n * n, index.ballots * total * total) for index, n in strata if index.ballots)
    name = strata[0][0].name
    between = wilson(float(value), float(1 / squares), of_all) if squares and name != "mean_score" else None
    return Named(name, Fraction(value), total, ballots, *(between or (None, None)))


def sub_indices(form: Form) -> Iterator[str]:
    """The factors that a form's index has, in printed order."""
    yield from dict.fromkeys(q.factor for q in form.questions if enters_index(q) and q.factor is not None)
