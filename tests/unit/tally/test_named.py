"""Named indices against plain lines over the same answers; intervals against scipy."""

from __future__ import annotations

import math
from collections import defaultdict
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, chi2_contingency, hypergeom

from ballotscan.tally.counts import count_forms
from ballotscan.tally.figures import HIDDEN
from ballotscan.tally.intervals import differ, effective_n, wilson
from ballotscan.tally.named import INDEX_NAMES, Named, levels_of, named_indices, weighted
from ballotscan.tally.rounding import as_percent, rounded
from tests.unit.tally.tables import FORM, FORMS, LEVELS, Row, answer, as_rows, question, sheet, tables


def indices_again(sheets: list[Row], answers: list[Row]) -> dict[str, Fraction | None]:
    """The six indices of ``FORM`` counted another way: by lists of single answers."""
    good = {"B1": {"3"}, "B2": {"3"}, "B3": {"2", "3"}}
    counted = [row["sheet"] for row in sheets if row["state"] in ("read", "review")]
    ballots: dict[str, list[tuple[str, int]]] = {name: [] for name in counted}
    for row in answers:
        plain = row["status"] == "accepted" and not row["invalid"] and len(row["codes"]) == 1
        if row["sheet"] in ballots and row["question"] in good and plain:
            ballots[row["sheet"]].append((row["question"], int(row["codes"])))
    every = [each for ballot in ballots.values() for each in ballot]
    yes = [str(code) in good[name] for name, code in every]
    factors = defaultdict(list)
    for (name, _code), satisfied in zip(every, yes, strict=True):
        factors["result" if name == "B3" else "access"].append(satisfied)
    begun = [all(str(code) in good[name] for name, code in ballot) for ballot in ballots.values() if ballot]
    rates = [Fraction(sum(each), len(each)) for each in factors.values()]
    return {
        "top2_of_answers": Fraction(sum(yes), len(yes)) if yes else None,
        "top2_of_ballots": Fraction(sum(yes), 3 * len(ballots)) if ballots else None,
        "mean_score": Fraction(sum(code for _n, code in every), len(every)) if every else None,
        "all_satisfied": Fraction(sum(begun), len(begun)) if begun else None,
        "mean_of_factor_rates": sum(rates, Fraction(0)) / len(rates) if rates else None,
        "points": Fraction(sum(code - 1 for _n, code in every), 2 * len(every)) if every else None,
    }


@given(tables())
@settings(max_examples=100, deadline=None)
def test_every_index_is_as_counted_again(rows: tuple[list[Row], list[Row]]) -> None:
    for form in count_forms(*as_rows(*rows), FORMS):
        found = {index.name: index.value for index in named_indices(form.groups[0], FORM)}
        assert found == indices_again(*rows)
        for index in named_indices(form.groups[0], FORM):
            if index.low is not None and index.high is not None:
                assert index.value is not None
                assert 0 <= index.low <= float(index.value) + 1e-9
                assert float(index.value) - 1e-9 <= index.high <= 1


def test_a_part_of_the_factors_and_hidden_counts() -> None:
    rows = [answer("b/00001", q.id, "3" if q.id == "B1" else "1") for q in FORM.questions]
    (form,) = count_forms(*as_rows([sheet(1)], rows), FORMS)
    access = {i.name: i.value for i in named_indices(form.groups[0], FORM, factors={"access"})}
    assert access["top2_of_answers"] == Fraction(1, 2)
    assert access["all_satisfied"] is None
    from dataclasses import replace

    items = tuple(replace(i, answered=HIDDEN) if i.id == "B3" else i for i in form.groups[0].items)
    masked = replace(form.groups[0], items=items)
    assert {i.value for i in named_indices(masked, FORM)} == {None}
    assert named_indices(masked, FORM, factors={"access"})[0].value == Fraction(1, 2)


def test_the_satisfied_end_of_a_scale_is_its_best() -> None:
    assert levels_of(question("a", LEVELS, satisfied=("3",))) == {"1": 1, "2": 2, "3": 3}
    assert levels_of(question("a", LEVELS, satisfied=("1", "2"))) == {"1": 3, "2": 2, "3": 1}
    assert levels_of(question("a", LEVELS, satisfied=("2",))) == {}
    assert levels_of(question("a", LEVELS, satisfied=("1", "2", "3"))) == {}


@given(st.integers(1, 3000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
@settings(deadline=None)
def test_wilson_is_scipys(counts: tuple[int, int]) -> None:
    count, n = counts
    expected = binomtest(count, n).proportion_ci(method="wilson")
    found = wilson(count / n, n)
    assert found is not None
    assert found == pytest.approx((expected.low, expected.high), abs=1e-6)


def test_a_finite_population_narrows_the_interval_as_drawing_from_it_does() -> None:
    assert wilson(0.9, 100, 100) == (0.9, 0.9)
    assert wilson(0.9, 0) is None
    free, tied = wilson(0.5, 200), wilson(0.5, 200, 400)
    assert free is not None
    assert tied is not None
    spread = hypergeom(400, 200, 200).std() / 200
    assert effective_n(200, 400) == pytest.approx(0.25 / spread**2, rel=0.005)
    assert tied[1] - tied[0] < 0.75 * (free[1] - free[0])


@given(st.integers(2, 500), st.integers(2, 500), st.data())
@settings(deadline=None, max_examples=50)
def test_a_difference_is_judged_as_by_chi_square(n: int, m: int, data: st.DataObject) -> None:
    a, b = data.draw(st.integers(1, n - 1)), data.draw(st.integers(1, m - 1))
    found = differ(a / n, n, b / m, m)
    assert found is not None
    expected = chi2_contingency([[a, n - a], [b, m - b]], correction=False).pvalue
    assert found.p_value == pytest.approx(expected, abs=1e-9)


def test_a_difference_at_the_ends() -> None:
    assert differ(0.5, 0, 0.5, 10) is None
    same = differ(1.0, 10, 1.0, 10)
    assert same is not None
    assert not same.significant
    whole = differ(0.9, math.inf, 0.8, math.inf)
    assert whole is not None
    assert whole.significant
    assert whole.points == pytest.approx(10)


def test_weights_follow_the_dossiers() -> None:
    land = Named("top2_of_answers", Fraction(9, 10), 10, 10)
    trade = Named("top2_of_answers", Fraction(1, 2), 90, 90)
    found = weighted([(land, 900), (trade, 100)])
    assert found is not None
    assert found.value == Fraction(86, 100)
    assert found.low is not None
    assert found.low < 0.86
    assert weighted([(land, 900), (Named("top2_of_answers", None, 0, 0), 100)]) is None
    assert weighted([]) is None


def test_the_names_are_those_of_the_documents() -> None:
    assert len(INDEX_NAMES) == len(set(INDEX_NAMES)) == 6


@pytest.mark.parametrize(
    ("value", "half_up", "cut"),
    [
        (Fraction(1983, 4215), 47.05, 47.04),
        (Fraction(2137, 4215), 50.70, 50.69),
        (Fraction(1, 800), 0.13, 0.12),
    ],
)
def test_rounding(value: Fraction, half_up: float, cut: float) -> None:
    assert as_percent(value) == half_up
    assert as_percent(value, "truncate") == cut
    assert rounded(Fraction(5, 2), decimals=0) == 3
