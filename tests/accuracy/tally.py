"""Counting: what the bench keeps of a sheet, and how counts are added up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from tests.accuracy.cases import Case, upper_bound
from tests.accuracy.stacks import StackResult
from tests.simulator.classes import Good

BINS = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995, 0.9999, 1.0)
"""Edges of the confidences in the reliability table; finer where answers are accepted."""


@dataclass
class Tally:
    """Sums over sheets. Silent errors are counted among accepted answers only."""

    sheets: int = 0
    sides: int = 0
    sides_refused: int = 0
    positions: int = 0  # boxes
    inked: int = 0
    answers: int = 0
    accepted: int = 0
    silent: int = 0  # answers wrong and accepted
    wrong_positions: int = 0  # boxes of them
    ordinary: int = 0  # one plain mark or blank, on sides that were read
    ordinary_review: int = 0
    ordinary_refused: int = 0  # ordinary answers on sides that were not read
    special: int = 0  # corrected, several, stray, odd: on sides that were read
    special_right: int = 0  # of them accepted and right
    sheets_review: int = 0  # with at least one answer for a person
    sheets_refused: int = 0  # with at least one side that was not read
    to_flag: int = 0  # sheets whose ink or pages are not in the image, pages that are no ballot
    not_flagged: int = 0
    flagged_by: dict[str, int] = field(default_factory=dict)
    reasons: dict[str, int] = field(default_factory=dict)  # of ordinary answers in review
    refusals: dict[str, int] = field(default_factory=dict)  # of sides
    confidence: dict[str, list[int]] = field(default_factory=dict)  # accepted or asked, bin: answers, right
    silent_cases: list[dict[str, Any]] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        for each in fields(self):
            mine, theirs = getattr(self, each.name), getattr(other, each.name)
            if isinstance(mine, int):
                setattr(self, each.name, mine + theirs)
            elif isinstance(mine, list):
                mine.extend(theirs)
            elif each.name == "confidence":
                for name, (count, right) in theirs.items():
                    before = mine.get(name, [0, 0])
                    mine[name] = [before[0] + count, before[1] + right]
            else:
                for name, count in theirs.items():
                    mine[name] = mine.get(name, 0) + count

    @property
    def upper_95(self) -> float:
        """Of the share of positions that are wrong and accepted (Clopper and Pearson, one side)."""
        return upper_bound(self.wrong_positions, self.positions) if self.positions else 1.0

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "upper_95": self.upper_95}


def from_json(values: dict[str, Any]) -> Tally:
    """The sums of an earlier run; what it did not count yet is 0."""
    return Tally(**{each.name: values[each.name] for each in fields(Tally) if each.name in values})


def total(tallies: Iterable[Tally]) -> Tally:
    out = Tally()
    for each in tallies:
        out.add(each)
    return out


def bin_name(what: str, low: float) -> str:
    """The key of ``Tally.confidence`` for "accepted" or "asked" answers from a confidence on."""
    return f"{what} {low:.4f}"


def _bin(case: Case) -> str:
    low = max(edge for edge in BINS[:-1] if edge <= case.confidence)
    return bin_name("accepted" if case.accepted else "asked", low)


def _counted(names: Iterable[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    return counts


def tally_sheet(cases: Sequence[Case], sides: int, good: Good) -> Tally:
    """One sheet. Where its ink is not in the image, what is wrong counts as not flagged, not as read wrong;
    where its page must be refused, whatever was accepted is an error."""
    lost_ink = good is Good.FLAGGED
    wrong = [case for case in cases if case.silent or (good is Good.REFUSED and case.accepted)]
    silent = [] if lost_ink else wrong
    read = [case for case in cases if not case.refused]
    ordinary = [case for case in read if case.ordinary]
    special = [case for case in read if not case.ordinary]
    refused = {case.side: case.refused for case in cases if case.refused}
    found = Tally(
        sheets=1,
        sides=sides,
        sides_refused=len(refused),
        positions=sum(case.boxes for case in cases),
        inked=sum(case.inked for case in cases),
        answers=len(cases),
        accepted=sum(case.accepted for case in cases),
        silent=len(silent),
        wrong_positions=sum(max(1, case.wrong_boxes) for case in silent),
        ordinary=len(ordinary),
        ordinary_review=sum(not case.accepted for case in ordinary),
        ordinary_refused=sum(case.ordinary for case in cases if case.refused),
        special=len(special),
        special_right=sum(case.accepted and not case.silent for case in special),
        sheets_review=int(any(not case.accepted for case in cases)),
        sheets_refused=int(bool(refused)),
        to_flag=int(lost_ink),
        not_flagged=int(lost_ink and bool(wrong)),
        reasons=_counted(case.reason for case in ordinary if not case.accepted),
        refusals=_counted(refused.values()),
        silent_cases=[asdict(case) for case in silent],
    )
    for case in read:
        before = found.confidence.get(_bin(case), [0, 0])
        found.confidence[_bin(case)] = [before[0] + 1, before[1] + (case.read == case.meant)]
    return found


def tally_stack(result: StackResult) -> Tally:
    """One stack, or one foreign page: no answers are compared, only whether something told."""
    return Tally(
        sheets=1,
        sides=result.sides,
        positions=result.positions,
        to_flag=result.wrong,
        not_flagged=result.missed,
        flagged_by=_counted([result.said or "nothing"]),
    )
