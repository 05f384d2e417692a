"""Counts that an office published: which rule gives the printed index, and what in them cannot be.

They are no ballots and never mix with a tally; they serve to compare with, and to be checked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import Any, Final, Literal

from ballotscan.forms.form import Question
from ballotscan.tally.rounding import ROUNDINGS, Rounding, rounded

Basis = Literal["ballots", "answers"]
Mean = Literal["pooled", "mean of shares", "mean of printed shares"]
BASES: Final[tuple[Basis, ...]] = ("ballots", "answers")
MEANS: Final[tuple[Mean, ...]] = ("pooled", "mean of shares", "mean of printed shares")


@dataclass(frozen=True, slots=True)
class Published:
    """A period's counts as printed. ``counts`` holds for each question its options' in printed order;
    ``index`` is the printed index in percent, None where none is printed.
    """

    name: str
    form: str
    edition: str
    first: date
    last: date
    issued: int | None
    collected: int
    counts: Mapping[str, tuple[int, ...]]
    index: Fraction | None = None
    unit: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """One way to make an index: shares of ballots or of answers, how they are joined, how it is rounded."""

    basis: Basis
    mean: Mean
    rounding: Rounding


@dataclass(frozen=True, slots=True)
class Audit:
    """What was found. ``sums`` are each question's options added up; ``values`` are percentages."""

    sums: Mapping[str, int]
    too_many: tuple[str, ...]  # questions with more answers than ballots
    blank: Mapping[str, int]  # of the others
    values: Mapping[Rule, Fraction] = field(default_factory=dict)
    matching: tuple[Rule, ...] = ()  # those that give the printed index


def audit(published: Published, questions: Mapping[str, Question]) -> Audit:
    """Add every question up and try every rule on the printed index."""
    sums = {name: sum(counts) for name, counts in published.counts.items()}
    values = dict(_by_rule(published, questions, sums))
    return Audit(
        sums=sums,
        too_many=tuple(name for name, total in sums.items() if total > published.collected),
        blank={n: published.collected - total for n, total in sums.items() if total <= published.collected},
        values=values,
        matching=tuple(rule for rule, value in values.items() if value == published.index),
    )


def satisfied_of(published: Published, questions: Mapping[str, Question]) -> dict[str, int]:
    """The satisfied answers to each question, by the form's own codes."""
    found = {}
    for name, counts in published.counts.items():
        question = questions[name]
        named = zip(question.options, counts, strict=True)
        found[name] = sum(count for option, count in named if option.code in question.satisfied)
    return found


def _by_rule(
    published: Published, questions: Mapping[str, Question], sums: Mapping[str, int]
) -> Iterator[tuple[Rule, Fraction]]:
    satisfied = {n: c for n, c in satisfied_of(published, questions).items() if questions[n].satisfied}
    for basis in BASES:
        of = {name: published.collected if basis == "ballots" else sums[name] for name in satisfied}
        of = {name: count for name, count in of.items() if count}
        if not of:
            continue
        shares = [Fraction(100 * satisfied[name], of[name]) for name in of]
        for rounding in ROUNDINGS:
            joined = {
                "pooled": Fraction(100 * sum(satisfied[name] for name in of), sum(of.values())),
                "mean of shares": sum(shares, Fraction(0)) / len(shares),
                "mean of printed shares": sum((rounded(s, rounding) for s in shares), Fraction(0))
                / len(shares),
            }
            for mean in MEANS:
                yield Rule(basis, mean, rounding), rounded(joined[mean], rounding)


def published_of(body: Mapping[str, Any]) -> Published:
    """Published counts as they lie in the record."""
    return Published(
        name=body["name"],
        form=body["form"],
        edition=body["edition"],
        first=date.fromisoformat(body["first"]),
        last=date.fromisoformat(body["last"]),
        issued=body["issued"],
        collected=body["collected"],
        counts={name: tuple(counts) for name, counts in body["counts"].items()},
        index=None if body["index"] is None else Fraction(body["index"]),
        unit=body["unit"],
        source=body["source"],
    )
