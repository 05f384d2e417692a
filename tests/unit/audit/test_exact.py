"""The audit's figures against slow computations of their own: every sample, every order, every outcome."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import combinations, product
from math import comb, sqrt

import pytest

from ballotscan import verify
from ballotscan.audit.bounds import bound_on_wrong, chance_of_at_most, risk_left, sample_size, too_many
from ballotscan.audit.report import Effect
from tests.unit.audit.coverage import CASES, PERIODS, RESULTS, RISK, run, too_low_at_some_time


@pytest.mark.parametrize("population", [7, 11])
def test_bounds_and_sizes_from_every_sample(population: int) -> None:
    """A bound is the largest number of wrong sheets of which more than 5 % of all samples show so few."""
    for drawn in range(1, population + 1):
        samples = list(combinations(range(population), drawn))
        shows = {
            wrong: [sum(sheet < wrong for sheet in sample) for sample in samples]
            for wrong in range(population + 1)
        }
        for found in range(min(drawn, 3) + 1):
            possible = [
                wrong
                for wrong, seen in shows.items()
                if found <= wrong <= population - drawn + found
                and Fraction(sum(each <= found for each in seen), len(samples)) > Fraction(1, 20)
            ]
            most = max(possible, default=found)
            assert bound_on_wrong(population, drawn, found, 0.05) == most, (drawn, found)


@pytest.mark.parametrize("limit", ["0", "0.1", "0.25"])
@pytest.mark.parametrize("risk", [Fraction(1, 20), Fraction(1, 5)])
def test_sizes_in_whole_numbers(limit: str, risk: Fraction) -> None:
    """The least sample that misses every wrong sheet with a chance of at most the risk, in fractions."""
    for population in range(1, 60):
        wrong = too_many(population, Fraction(limit))
        sizes = (
            size
            for size in range(population + 1)
            if wrong > population or Fraction(comb(population - wrong, size), comb(population, size)) <= risk
        )
        assert sample_size(population, Fraction(limit), float(risk)) == next(sizes), population


def test_the_checkers_law_is_the_programs() -> None:
    for population, wrong, drawn, found in ((40, 4, 20, 1), (5000, 48, 300, 0), (50_000, 392, 600, 1)):
        ours = chance_of_at_most(found, population, wrong, drawn)
        assert verify._chance(population, wrong, drawn, found) == pytest.approx(ours, rel=1e-9)


# --- the staged test --------------------------------------------------------------------------------------


def orders(population: int, wrong: int) -> Iterator[list[bool]]:
    """Every order in which the wrong sheets can come: they are equally likely."""
    for bad in combinations(range(population), wrong):
        yield [number not in bad for number in range(population)]


@pytest.mark.parametrize(("population", "limit"), [(14, "0.1"), (18, "0.05"), (10, "0.2")])
def test_the_staged_test_over_every_order(population: int, limit: str) -> None:
    """With one wrong sheet too many, it is called kept, at whatever moment, in at most the risk of all."""
    wrong = too_many(population, Fraction(limit))
    for risk in (0.05, 0.2):
        won = [risk_left(right, population, Fraction(limit)) <= risk for right in orders(population, wrong)]
        assert sum(won) <= risk * len(won)


def test_the_bound_at_any_time_over_every_order() -> None:
    """For any number of wrong sheets: looked at after every sheet, it is too low in at most a fifth."""
    population, limit, risk = 9, Fraction("0.1"), 0.2
    for wrong in range(population + 1):
        low = [
            too_low_at_some_time(right, population, limit, wrong, risk) for right in orders(population, wrong)
        ]
        assert sum(low) <= risk * len(low), wrong


def test_the_long_form_kept_its_promise() -> None:
    """What ``python -m tests.unit.audit.coverage`` found last; a short piece of it is run here."""
    kept = json.loads(RESULTS.read_text(encoding="utf-8"))
    assert kept["risk"] == RISK
    assert [(each["sheets"], each["limit"], each["periods"]) for each in kept["runs"]] == [
        (population, limit, PERIODS) for population, limit in CASES
    ]
    for each in kept["runs"]:
        assert 0 < each["called_kept"] <= PERIODS * RISK + 2.6 * sqrt(PERIODS * RISK * (1 - RISK)), each
    short = run(500, "0.02", 200, 1)
    assert short["called_kept"] <= 200 * RISK + 3.5 * sqrt(200 * RISK * (1 - RISK))


# --- what it means for a share ----------------------------------------------------------------------------


@pytest.mark.parametrize("satisfied", [0, 2, 5, 6, 7])
def test_no_wrong_sheets_move_a_share_farther_than_is_said(satisfied: int) -> None:
    """Every way in which up to three of ten sheets can be wrong: counted as satisfied, as not, or as no
    answer, where the paper says another of these. The share on paper is never farther off than bound/n.
    """
    answered, blank, bound = 7, 3, 3
    held = ["yes"] * satisfied + ["no"] * (answered - satisfied) + ["blank"] * blank
    published = Fraction(satisfied, answered)
    for wrong in combinations(range(len(held)), bound):
        for paper in product(("yes", "no", "blank"), repeat=bound):
            truth = list(held)
            for place, says in zip(wrong, paper, strict=True):
                truth[place] = says
            counted = len(truth) - truth.count("blank")
            if counted:
                off = abs(Fraction(truth.count("yes"), counted) - published)
                assert off <= min(Fraction(1), Fraction(bound, answered)), (wrong, paper)


def test_the_points_that_are_printed_promise_no_more_than_was_shown() -> None:
    """The share and the points are rounded to two places; together they still hold the whole interval."""
    effect = Effect("form", "satisfaction index", 91.3, 0.4)
    assert effect.points_shown == 0.4
    for share, points in ((91.304, 0.401), (91.3049, 0.3999), (66.666666, 0.0001), (100.0, 0.0)):
        shown = replace(effect, share=share, points=points)
        low, high = round(share, 2) - shown.points_shown, round(share, 2) + shown.points_shown
        assert low <= share - points + 1e-9
        assert high >= share + points - 1e-9
        assert shown.points_shown < points + 0.02
