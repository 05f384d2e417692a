"""How often a verdict of one kind is right: counted, not felt.

The shares were counted on 20,000 answers of simulated sheets (clean, office and hard work, bitonal scans and
the optical classes; seeds 8,100,000 to 8,640,000, ``python -m tests.accuracy.confidence``); the reliability
plot of docs/accuracy.md holds them against other seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from ballotscan.model import Mark, Reason
from ballotscan.rules.hand import Hand
from ballotscan.rules.verdicts import Verdict, weakest_look

UNDOUBTED: Final[tuple[tuple[float, float], ...]] = ((0.95, 0.9999), (0.0, 0.9995))
"""Share right of verdicts without any reason for doubt, from so likely a weakest look on: 1 wrong in 18,000
(a second mark that lay in the noise), and none in 800 with this fit of the network, 2 in 2,000 with an
earlier one (hard work and the hardest classes)."""

STRONG: Final = 0.5
"""A proposed box with this share of the hand's usual ink is strongly marked."""

NONE_ONE_MANY: Final[Mapping[Reason, tuple[float, float, float]]] = {
    Reason.FAINT: (0.68, 0.75, 0.1),
    Reason.STRAY_INK: (0.25, 0.9, 0.3),
    Reason.UNUSUAL_MARK: (0.06, 0.97, 0.6),
    Reason.OUTLINE_LOST: (0.5, 0.75, 0.25),
    Reason.OUTSIDE_IMAGE: (0.3, 0.75, 0.25),
    Reason.SEVERAL_MARKS: (0.0, 0.0, 0.87),
    Reason.CORRECTED: (0.0, 0.87, 0.0),
    Reason.BITONAL_BLANK: (0.38, 0.0, 0.0),
    Reason.NOTHING_MARKED: (0.38, 0.0, 0.0),
    Reason.SIDE_MISSING: (0.0, 0.0, 0.0),
}
"""Share of proposals that are right where no box is proposed, one, or several."""

ONE_STRONG: Final[Mapping[Reason, float]] = {
    Reason.FAINT: 0.97,
    Reason.STRAY_INK: 0.96,
    Reason.UNUSUAL_MARK: 0.98,
    Reason.OUTLINE_LOST: 0.98,
    Reason.OUTSIDE_IMAGE: 0.95,
}
"""The same where one box is proposed and strongly marked."""


def confidence_of(verdict: Verdict, marks: Sequence[Mark], hand: Hand) -> float:
    """The share of such verdicts that are right, 0 to 1."""
    if verdict.reason is None:
        weakest, _mark = weakest_look(verdict, marks, hand)
        return next(right for least, right in UNDOUBTED if weakest >= least)
    proposed = [mark for mark in marks if mark.option in verdict.codes]
    strong = hand.known and len(proposed) == 1 and proposed[0].ink >= STRONG * hand.ink
    if strong and verdict.reason in ONE_STRONG:
        return ONE_STRONG[verdict.reason]
    return NONE_ONE_MANY[verdict.reason][min(len(proposed), 2)]
