"""How many ballots are wanted of so many dossiers, by the rules that offices use."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Literal, get_args

TargetRule = Literal["slovin", "quota", "tiers", "share"]
TARGET_RULES: Final[tuple[TargetRule, ...]] = get_args(TargetRule)
Tiers = tuple[tuple[int | None, Fraction], ...]


@dataclass(frozen=True, slots=True)
class Target:
    """A rule and its numbers; those of the other rules are unused.

    ``tiers`` are upper bounds (None: no end) with the share of all dossiers wanted up to there.
    """

    rule: TargetRule
    error: Fraction = Fraction(5, 100)  # slovin
    quota: int = 0
    tiers: Tiers = ()
    share: Fraction = Fraction(0)


def wanted(target: Target, dossiers: int) -> int:
    """How many ballots are wanted; a part of a ballot is a whole one, and never more than there are dossiers
    but by quota.

    ``slovin``: N / (1 + N e²), in the ministry's training text for decision 1383/QĐ-BNV.
    ``tiers``: the share of the tier that N lies in, of all N, as Đà Nẵng publishes it.
    """
    match target.rule:
        case "slovin":
            return _up(Fraction(dossiers) / (1 + dossiers * target.error**2))
        case "quota":
            return target.quota
        case "share":
            return _up(dossiers * target.share)
        case "tiers":
            shares = (share for bound, share in target.tiers if bound is None or dossiers <= bound)
            return _up(dossiers * next(shares, Fraction(0)))


def _up(value: Fraction) -> int:
    return -((-value).__floor__())


@dataclass(frozen=True, slots=True)
class Progress:
    """One unit's or lĩnh vực's ballots against its target."""

    name: str
    dossiers: int
    wanted: int
    counted: int

    @property
    def missing(self) -> int:
        return max(0, self.wanted - self.counted)
