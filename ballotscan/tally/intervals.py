"""How sure a share is, and whether two shares differ by more than chance.

Ballots are taken as drawn at random; who does not answer is not in them, and no interval covers that.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

Z_95: Final = 1.959964  # 95 % of a normal distribution lie within so many standard deviations
ALPHA: Final = 0.05
LEAST_N: Final = 30
"""Below so many ballots a group's share is not compared with another's: with 30 the interval round 90 % still
is 74 to 97 %. An office may set another number in its programme."""


def effective_n(n: float, population: int | None) -> float:
    """``n`` ballots drawn without putting back from ``population`` tell as much as so many of an endless one.

    The variance of a share is smaller by (N - n) / (N - 1) (finite population correction, Cochran 1977, 2.5);
    infinite where all answered.
    """
    if population is None or population <= 1:
        return float(n)
    if n >= population:
        return math.inf
    return n * (population - 1) / (population - n)


def wilson(share: float, n: float, population: int | None = None) -> tuple[float, float] | None:
    """The 95 % score interval of a share (Wilson 1927) from ``n`` ballots; None where there are none."""
    if n <= 0:
        return None
    m = effective_n(n, population)
    if math.isinf(m):
        return share, share
    z2 = Z_95**2
    centre = (share + z2 / (2 * m)) / (1 + z2 / m)
    half = Z_95 * math.sqrt(share * (1 - share) / m + z2 / (4 * m * m)) / (1 + z2 / m)
    return max(0.0, centre - half), min(1.0, centre + half)


@dataclass(frozen=True, slots=True)
class Difference:
    """A share against another one. ``p_value`` is how likely chance alone makes one so large."""

    now: float
    before: float
    p_value: float

    @property
    def points(self) -> float:
        """Percentage points, above 0 where it rose."""
        return 100 * (self.now - self.before)

    @property
    def significant(self) -> bool:
        return self.p_value < ALPHA


def differ(now: float, n_now: float, before: float, n_before: float) -> Difference | None:
    """Two shares from so many ballots each, by the two-sided test of two proportions with pooled variance.

    None where either has no ballots.
    """
    if n_now <= 0 or n_before <= 0:
        return None
    if now == before:
        return Difference(now, before, 1.0)
    if math.isinf(n_now) and math.isinf(n_before):
        return Difference(now, before, 0.0)
    weight = [0.0 if math.isinf(n) else 1 / n for n in (n_now, n_before)]
    finite = [(share, n) for share, n in ((now, n_now), (before, n_before)) if not math.isinf(n)]
    pooled = sum(share * n for share, n in finite) / sum(n for _share, n in finite)
    spread = math.sqrt(pooled * (1 - pooled) * sum(weight))
    if spread == 0:
        return Difference(now, before, 0.0)
    return Difference(now, before, math.erfc(abs(now - before) / spread / math.sqrt(2)))
