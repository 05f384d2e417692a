"""Targets: the examples of the sources, and what every rule keeps to."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ballotscan.rules.targets import Progress, Target, wanted

TIERS = ((200, Fraction(1)), (1000, Fraction(30, 100)), (None, Fraction(20, 100)))


@pytest.mark.parametrize(
    ("dossiers", "ballots"),
    [(0, 0), (50, 45), (200, 134), (500, 223), (1000, 286), (5326, 373), (10_000, 385), (100_000, 399)],
)
def test_slovin_as_in_the_training_text(dossiers: int, ballots: int) -> None:
    assert wanted(Target("slovin"), dossiers) == ballots


@pytest.mark.parametrize(
    ("dossiers", "ballots"), [(150, 150), (200, 200), (1000, 300), (1001, 201), (5000, 1000)]
)
def test_tiers_as_da_nang_publishes_them(dossiers: int, ballots: int) -> None:
    assert wanted(Target("tiers", tiers=TIERS), dossiers) == ballots


def test_quota_and_share() -> None:
    assert wanted(Target("quota", quota=150), 20) == 150
    assert wanted(Target("share", share=Fraction(1, 10)), 101) == 11


@given(st.integers(0, 10**7), st.sampled_from(["slovin", "tiers", "share"]))
def test_no_rule_asks_for_more_than_there_are(dossiers: int, rule: str) -> None:
    target = Target(rule, tiers=TIERS, share=Fraction(35, 100))  # type: ignore[arg-type]
    assert 0 <= wanted(target, dossiers) <= dossiers


def test_what_is_missing_is_never_below_nought() -> None:
    assert Progress("Đất đai", 100, 80, 30).missing == 50
    assert Progress("Đất đai", 100, 80, 90).missing == 0
