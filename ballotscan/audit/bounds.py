"""From a random sample of sheets to a bound on the wrong ones, with the risk that the bound is too low.

Drawn without replacement, so the number of wrong sheets found follows the hypergeometric law exactly. That
holds for a sample whose size was fixed before. Whoever wants to look first and then draw more needs a test
that holds at every size at once: ALPHA (Stark, 2022, arXiv 2201.02707), a bet against "too many are wrong"
whose gain passes 1/risk with a chance of at most ``risk`` if too many are (Ville's inequality).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Final

EXPECTED_OF_LIMIT: Final = Fraction(1, 10)
"""The staged test bets that a tenth of the wrong sheets allowed are there: with fewer it needs a tenth more
than one that bets on none, but one wrong sheet does not lose it."""

WEIGHT: Final = 500.0
"""Sheets that the bet's first guess weighs as much as: what is found moves it slowly."""

_CLOSE: Final = 1e-12


def too_many(population: int, limit: Fraction) -> int:
    """The least number of wrong sheets that is more than ``limit`` (a share) of all."""
    return math.floor(limit * population) + 1


def chance_of_at_most(found: int, population: int, wrong: int, drawn: int) -> float:
    """The chance to find no more than so many wrong sheets, if there are ``wrong`` in all."""
    from scipy.stats import hypergeom

    return float(hypergeom.cdf(found, population, wrong, drawn))


def sample_size(population: int, limit: Fraction, risk: float, found: int = 0) -> int:
    """How many sheets to draw so that ``found`` wrong ones or fewer show, at this risk, that at most
    ``limit`` of all are wrong. The whole population where no smaller sample can show it.
    """
    wrong = too_many(population, limit)
    if wrong > population:
        return 0
    low, high = 0, population
    while low < high:
        middle = (low + high) // 2
        if _at_most(chance_of_at_most(found, population, wrong, middle), risk):
            high = middle
        else:
            low = middle + 1
    return low


def bound_on_wrong(population: int, drawn: int, found: int, risk: float) -> int:
    """The most wrong sheets that there can be, at this risk: more would have shown themselves."""

    def possible(wrong: int) -> bool:
        return not _at_most(chance_of_at_most(found, population, wrong, drawn), risk)

    return _largest(found, population - drawn + found, possible)


def _at_most(chance: float, risk: float) -> bool:
    """A chance that is the risk itself is not above it, whatever its last binary digit."""
    return chance <= risk * (1 + 1e-9)


def _largest(low: int, high: int, possible: Callable[[int], bool]) -> int:
    """The largest number for which ``possible`` holds: it does for ``low``, and not again once it fails."""
    while low < high:
        middle = (low + high + 1) // 2
        if possible(middle):
            low = middle
        else:
            high = middle - 1
    return low


# --- at every size at once --------------------------------------------------------------------------------

Guess = Callable[[int, float, float], float]
"""The mean that a bet counts on: from the number drawn so far, their sum, and the least it must exceed."""


def fixed_guess(eta: float) -> Guess:
    """A bet on one mean all along."""
    return lambda _drawn, _total, _least: eta


def shrunk_guess(eta: float, weight: float, upper: float) -> Guess:
    """A bet that begins with ``eta`` and moves to what is found (ALPHA, section 2.5.2, with c = 0)."""

    def guess(drawn: int, total: float, least: float) -> float:
        moved = (weight * eta + total) / (weight + drawn)
        return min(upper * (1 - _CLOSE), max(moved, least + (upper - least) * _CLOSE))

    return guess


def log_gains(
    values: Sequence[float], population: int, null_mean: float, upper: float, guess: Guess
) -> list[float]:
    """The bet's logarithmic gain after each value, if the mean of all is ``null_mean``.

    Values lie from 0 to ``upper`` and are drawn without replacement. Infinite once the mean cannot be that.
    """
    total, log_gain, gains = 0.0, 0.0, []
    for drawn, value in enumerate(values):
        mean_left = (population * null_mean - total) / (population - drawn)
        if mean_left < -_CLOSE or log_gain == math.inf:
            log_gain = math.inf
        elif mean_left >= upper:
            log_gain = -math.inf if value < upper else log_gain
        elif mean_left <= _CLOSE:
            log_gain = math.inf if value > _CLOSE else log_gain
        else:
            eta = guess(drawn, total, mean_left)
            won = value / mean_left * (eta - mean_left) + (upper - eta)
            log_gain += math.log(max(won, 0.0) / (upper - mean_left)) if won > 0 else -math.inf
        total += value
        gains.append(log_gain)
    return gains


def risk_left(right: Sequence[bool], population: int, limit: Fraction) -> float:
    """The p-value of "more than ``limit`` of all sheets are wrong", valid after any number of sheets.

    ``right``: of each sheet in the order of the draw, whether it was right.
    """
    return _p_value(right, population, too_many(population, limit), limit)


def bound_at_any_time(right: Sequence[bool], population: int, limit: Fraction, risk: float) -> int:
    """The most wrong sheets that there can be, at this risk, whenever one stops to look."""
    found = sum(not each for each in right)
    most = population - len(right) + found
    return _largest(found, most, lambda wrong: _p_value(right, population, wrong, limit) > risk)


def staged_size(population: int, limit: Fraction, risk: float) -> int:
    """How many sheets the staged test needs if none is wrong."""
    gains = log_gains(*_of_sheets([True] * population, population, too_many(population, limit), limit))
    return next((number for number, gain in enumerate(gains, start=1) if gain >= -math.log(risk)), population)


def _p_value(right: Sequence[bool], population: int, wrong: int, limit: Fraction) -> float:
    if wrong > population:
        return 0.0
    best = max(log_gains(*_of_sheets(right, population, wrong, limit)), default=0.0)
    return min(1.0, math.exp(-best)) if best > -math.inf else 1.0


def _of_sheets(
    right: Sequence[bool], population: int, wrong: int, limit: Fraction
) -> tuple[list[float], int, float, float, Guess]:
    """The bet on sheets: 1 for a right one, 0 for a wrong one, against ``wrong`` in all."""
    guess = shrunk_guess(1 - float(limit * EXPECTED_OF_LIMIT), WEIGHT, 1.0)
    return [float(each) for each in right], population, 1 - wrong / population, 1.0, guess
