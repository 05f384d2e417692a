"""The tables that were computed before the program was written, and the laws themselves."""

from __future__ import annotations

import math
import random
from fractions import Fraction
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ballotscan.audit.bounds import (
    bound_at_any_time,
    bound_on_wrong,
    chance_of_at_most,
    fixed_guess,
    log_gains,
    risk_left,
    sample_size,
    staged_size,
    too_many,
)
from tests.unit.audit.peers import arlo_size

SIZES = {  # limit: N = 500, 5,000, 50,000, each at 95 % and 99 %
    "0.05": (54, 80, 58, 89, 59, 90),
    "0.02": (119, 170, 145, 221, 148, 228),
    "0.01": (196, 267, 284, 430, 297, 456),
    "0.005": (316, 392, 543, 810, 592, 907),
    "0.002": (388, 450, 1191, 1709, 1460, 2227),
    "0.001": (476, 496, 1965, 2678, 2851, 4315),
}
"""The table of sample sizes, no wrong sheet found."""

EXACT = {("0.001", 500): (475, 495)}
"""Where the table's rounding is not the law: one wrong sheet of 500 escapes 475 draws with a chance of
25/500, which is 5 % and not more."""

BOUNDS = {  # (N, n): bounds for 0, 1 and 2 wrong sheets found, at 95 %
    (500, 100): (13, 21, 28),
    (500, 200): (5, 9, 13),
    (5000, 300): (48, 76, 102),
    (5000, 600): (23, 37, 50),
    (50000, 600): (247, 392, 520),
    (50000, 3000): (48, 77, 102),
}

ARLO = {"0.20": (24, 32, 48), "0.10": (48, 63, 96), "0.05": (96, 125, 192), "0.02": (240, 312, 479)}
ARLO |= {"0.01": (479, 623, 958)}

ALPHA = {  # diluted margin: (without error, with one one-vote error) for N = 500, 5,000, 50,000, at 95 %
    "0.20": ((28, 34), (29, 35), (29, 36)),
    "0.10": ((56, 68), (59, 72), (59, 72)),
    "0.05": ((106, 131), (118, 145), (119, 146)),
    "0.02": ((227, 280), (293, 360), (301, 369)),
    "0.01": ((353, 422), (575, 707), (607, 743)),
}
SHEETS = (500, 5000, 50000)


@pytest.mark.parametrize("limit", SIZES)
def test_sample_sizes(limit: str) -> None:
    for place, sheets in enumerate(SHEETS):
        found = tuple(sample_size(sheets, Fraction(limit), risk) for risk in (0.05, 0.01))
        assert found == EXACT.get((limit, sheets), SIZES[limit][2 * place : 2 * place + 2])


@pytest.mark.parametrize(("population", "drawn"), BOUNDS)
def test_bounds(population: int, drawn: int) -> None:
    found = [bound_on_wrong(population, drawn, wrong, 0.05) for wrong in range(3)]
    assert found == list(BOUNDS[population, drawn])


@pytest.mark.parametrize("margin", ARLO)
def test_arlos_column(margin: str) -> None:
    assert [arlo_size(float(margin), risk) for risk in (0.10, 0.05, 0.01)] == list(ARLO[margin])


def alpha_size(margin: float, population: int, *, error: bool) -> int:
    """Sheets until the bet is won, in a comparison audit: each sheet that agrees gives 1/(2 - margin) of at
    most twice that, one that overstates by one vote half of it, and the null is a mean of 1/2. The bet counts
    on a ten-thousandth of two-vote errors, as SHANGRLA's ``optimal_comparison`` does by default.
    """
    upper = 2 / (2 - margin)
    rate = 1e-4
    eta = (1 - upper * (1 - rate)) / (2 - 2 * upper) + upper * (1 - rate) - 0.5
    values = [upper / 2] * population
    if error:
        values[0] = upper / 4
    gains = log_gains(values, population, 0.5, upper, fixed_guess(eta))
    return next(number for number, gain in enumerate(gains, start=1) if gain >= -math.log(0.05))


@pytest.mark.parametrize("margin", ALPHA)
def test_alphas_columns_within_a_tenth(margin: str) -> None:
    for population, (clean, one_error) in zip(SHEETS, ALPHA[margin], strict=True):
        assert alpha_size(float(margin), population, error=False) == pytest.approx(clean, rel=0.1)
        assert alpha_size(float(margin), population, error=True) == pytest.approx(one_error, rel=0.1)


# --- the laws -----------------------------------------------------------------------------------------------


def test_the_law_counts_every_sample() -> None:
    """Against all samples of 4 of 9 sheets, one by one."""
    for wrong in range(10):
        samples = list(combinations(range(9), 4))
        for found in range(5):
            at_most = sum(sum(sheet < wrong for sheet in sample) <= found for sample in samples)
            assert chance_of_at_most(found, 9, wrong, 4) == pytest.approx(at_most / len(samples))


@settings(max_examples=30, deadline=None)
@given(
    st.integers(20, 3000), st.sampled_from(["0.05", "0.02", "0.01", "0.005"]), st.sampled_from([0.053, 0.011])
)
def test_a_size_just_suffices(population: int, limit: str, risk: float) -> None:
    size, wrong = sample_size(population, Fraction(limit), risk), too_many(population, Fraction(limit))
    assert (
        chance_of_at_most(0, population, wrong, size)
        <= risk
        < chance_of_at_most(0, population, wrong, size - 1)
    )
    assert bound_on_wrong(population, size, 0, risk) < wrong


def test_all_sheets_leave_nothing_open() -> None:
    assert bound_on_wrong(200, 200, 3, 0.05) == 3
    right = [False, *[True] * 199]
    assert bound_at_any_time(right, 200, Fraction("0.01"), 0.05) == 1
    assert risk_left(right, 200, Fraction("0.01")) == 0


def test_the_staged_test_keeps_its_promise() -> None:
    """With just too many wrong sheets, looked at after every one, it is won in at most 5 %."""
    limit, population = Fraction("0.02"), 400
    wrong, chance, runs = too_many(population, limit), random.Random(7), 1000
    won = 0
    for _ in range(runs):
        sheets = [number >= wrong for number in range(population)]
        chance.shuffle(sheets)
        won += risk_left(sheets[:300], population, limit) <= 0.05
    assert won / runs <= 0.05 + 2.6 * math.sqrt(0.05 * 0.95 / runs)
    assert won > 0  # else it would be a test that can never be won


def test_what_the_staged_test_costs() -> None:
    """Without a wrong sheet a tenth more than the test of fixed size; one wrong one is made up for."""
    limit = Fraction("0.01")
    fixed, staged = sample_size(5000, limit, 0.05), staged_size(5000, limit, 0.05)
    assert fixed < staged < 1.15 * fixed
    one_wrong = [True] * 50 + [False] + [True] * 1500
    assert risk_left(one_wrong[:staged], 5000, limit) > 0.05
    assert risk_left(one_wrong, 5000, limit) <= 0.05


def test_the_bound_at_any_time_is_no_lower_than_the_fixed_one() -> None:
    right = [number not in (40, 170) for number in range(300)]
    assert bound_at_any_time(right, 5000, Fraction("0.01"), 0.05) >= bound_on_wrong(5000, 300, 2, 0.05)
    assert risk_left(right, 5000, Fraction("0.01")) > 0.05
