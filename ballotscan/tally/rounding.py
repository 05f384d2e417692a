"""How a share is written: exact fractions, rounded once, by a rule that is declared beside the figure."""

from __future__ import annotations

from fractions import Fraction
from typing import Final, Literal, get_args

Rounding = Literal["half_up", "truncate"]
ROUNDINGS: Final[tuple[Rounding, ...]] = get_args(Rounding)


def rounded(value: Fraction, rule: Rounding = "half_up", decimals: int = 2) -> Fraction:
    """``value`` at so many decimals: the nearest, a half upwards; or with the rest cut off.

    Offices do either: the report of Huế's one-stop centre of 2019 cuts off (47.046 is printed 47.04).
    """
    scale = 10**decimals
    shift = Fraction(1, 2) if rule == "half_up" else 0
    return Fraction((value * scale + shift).__floor__(), scale)


def as_percent(value: Fraction, rule: Rounding = "half_up") -> float:
    """A share from 0 to 1 as a percentage of two decimals."""
    return float(rounded(value * 100, rule))
