"""Shares, held against exact fractions."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from ballotscan.tally.figures import percent


@given(st.integers(0, 5000), st.integers(1, 5000))
def test_a_share_is_rounded_half_up_to_two_decimals(count: int, of: int) -> None:
    exact = Fraction(100 * count, of)
    nearest = (Decimal(exact.numerator) / Decimal(exact.denominator)).quantize(Decimal("0.01"), ROUND_HALF_UP)
    assert percent(count, of) == float(nearest)


def test_halves_go_up_and_nothing_has_no_share() -> None:
    assert percent(1, 800) == 0.13  # 0.125, which a binary fraction may round either way
    assert percent(1983, 4215) == 47.05
    assert percent(0, 7) == 0.0
    assert percent(0, 0) is None
