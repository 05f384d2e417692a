"""The published quarter of Huế 2019: what its counts give, and the error in them."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

from ballotscan.forms.source import parse_source
from ballotscan.settings import shipped
from ballotscan.tally.published import Published, Rule, audit, satisfied_of

HUE = Published(
    name="hue-2019Q1",
    form="hue-2019",
    edition="2019",
    first=date(2019, 1, 1),
    last=date(2019, 3, 31),
    issued=5326,
    collected=4215,
    counts={
        "H1": (2063, 2137, 150),
        "H2": (1983, 2128, 104),
        "H3": (1886, 2232, 97),
        "H4": (1991, 2135, 89),
        "H5": (1825, 2281, 99),
    },
    index=Fraction("97.95"),
)
QUESTIONS = {q.id: q for q in parse_source(shipped("templates") / "hue-2019" / "template.yaml").questions}


def test_the_quarter_gives_both_indices_and_the_printed_one_matches_no_rule() -> None:
    found = audit(HUE, QUESTIONS)
    assert found.values[Rule("ballots", "mean of shares", "half_up")] == Fraction("98.04")
    assert found.values[Rule("answers", "mean of shares", "half_up")] == Fraction("97.46")
    assert found.values[Rule("ballots", "mean of printed shares", "truncate")] == Fraction("98.03")
    assert len(found.values) == 12
    assert found.matching == ()


def test_the_error_is_found() -> None:
    found = audit(HUE, QUESTIONS)
    assert found.too_many == ("H1",)
    assert found.sums["H1"] == 4350
    assert found.blank == {"H2": 0, "H3": 0, "H4": 0, "H5": 10}


def test_counts_that_are_right_match_their_own_rule() -> None:
    from dataclasses import replace

    right = replace(HUE, counts=HUE.counts | {"H1": (2000, 2065, 150)}, index=Fraction("97.40"))
    found = audit(right, QUESTIONS)
    assert found.too_many == ()
    assert satisfied_of(right, QUESTIONS)["H1"] == 4065
    by_hand = sum((4065, 4111, 4118, 4126, 4106)) / 4215 / 5 * 100
    assert {rule.basis for rule in found.matching} == {"ballots"} == {"ballots" for _ in [round(by_hand, 2)]}
    assert round(by_hand, 2) == 97.4
