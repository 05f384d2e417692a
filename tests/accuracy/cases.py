"""One case per question read: what was meant, what was read, and the sums over many of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from scipy.stats import beta

from ballotscan.model import Answer
from tests.simulator import ScannedSide, SimulatedSheet


@dataclass(frozen=True, slots=True)
class Case:
    """One answer position. ``refused`` is why its side was not read, empty where it was."""

    source: str  # template and condition, or the set of real sheets
    sheet: str  # seed, or name of the image
    side: int
    question: str
    kind: str
    shape: str
    pen: str
    meant: tuple[str, ...]
    read: tuple[str, ...]
    outcome: str
    status: str
    confidence: float
    reason: str
    ordinary: bool
    refused: str = ""
    boxes: int = 0  # positions: boxes of the question
    inked: int = 0  # of them, how many were marked by hand, taken back or not
    outside: bool = False  # some box of the question is not wholly in the image

    @property
    def wrong_boxes(self) -> int:
        """Positions read wrong and accepted."""
        return max(1, len(set(self.read) ^ set(self.meant))) if self.silent else 0

    @property
    def accepted(self) -> bool:
        return self.status == "accepted"

    @property
    def silent(self) -> bool:
        """Wrong and not flagged: the one unforgivable error. What is not in the image cannot be known."""
        return self.accepted and (self.read != self.meant or self.outside)

    @property
    def doubtful(self) -> bool:
        """An ordinary answer that a person has to look at although its side was read."""
        return self.ordinary and not self.accepted and not self.refused

    def line(self) -> str:
        meant, read = "|".join(self.meant) or "-", "|".join(self.read) or "-"
        return (
            f"{self.source} {self.sheet} {self.question}: meant {meant}, read {read} ({self.outcome}, "
            f"{self.confidence:.2f} {self.reason}) {self.kind} {self.shape} {self.pen}"
        )


def compare(sheet: SimulatedSheet, answers: Sequence[Answer], refused: dict[int, str]) -> list[Case]:
    """One case per question of a simulated sheet; ``refused`` names the sides that were not read, and why."""
    truth = sheet.truth
    lost = {question for scanned in sheet.sides for question in cut_questions(scanned)}
    boxes = Counter(box.question for scanned in sheet.sides for box in scanned.boxes)
    read = {answer.question: answer for answer in answers}
    cases = []
    for meant in truth.answers:
        answer = read[meant.question]
        cases.append(
            Case(
                source="+".join((truth.form, truth.condition, *truth.effects)),
                sheet=str(truth.seed),
                side=meant.side,
                question=meant.question,
                kind=meant.kind,
                shape=meant.shape,
                pen=truth.pen,
                meant=meant.codes,
                read=answer.codes,
                outcome=answer.outcome.value,
                status=answer.status.value,
                confidence=answer.confidence,
                reason=answer.reason.value if answer.reason else "",
                ordinary=meant.ordinary,
                refused=refused.get(meant.side, ""),
                boxes=boxes[meant.question],
                inked=len({*meant.codes, *meant.cancelled}),
                outside=meant.question in lost,
            )
        )
    return cases


def cut_questions(scanned: ScannedSide) -> set[str]:
    """Questions of which some box does not lie wholly in the image."""
    width, height = scanned.size_px
    edges = ((width - 0.5), (height - 0.5))
    return {
        box.question
        for box in scanned.boxes
        if any(
            not -0.5 <= at <= most
            for corner in box.corners_px
            for at, most in zip(corner, edges, strict=True)
        )
    }


def upper_bound(errors: int, positions: int, level: float = 0.95) -> float:
    """The exact one-sided upper bound of an error rate (Clopper and Pearson 1934)."""
    return 1.0 if errors >= positions else float(beta.ppf(level, errors + 1, positions - errors))


def _share(part: int, whole: int) -> str:
    return f"{part}/{whole} ({100 * part / whole:.2f} %)" if whole else "0/0"


def summarise(cases: Sequence[Case]) -> dict[str, Any]:
    """The sums, ready for JSON."""
    read = [case for case in cases if not case.refused]
    ordinary = [case for case in read if case.ordinary]
    silent = [case for case in cases if case.silent]
    refused = {(case.source, case.sheet, case.side): case.refused for case in cases if case.refused}
    return {
        "positions": len(cases),
        "accepted": sum(case.accepted for case in cases),
        "silent": len(silent),
        "silent_upper_95": upper_bound(len(silent), len(cases)) if cases else 1.0,
        "ordinary": len(ordinary),
        "ordinary_accepted": sum(case.accepted for case in ordinary),
        "ordinary_with_refused": sum(case.ordinary for case in cases),
        "refused_sides": len(refused),
        "refused_why": dict(Counter(refused.values())),
        "silent_cases": [asdict(case) for case in silent],
    }


def report(cases: Sequence[Case], title: str) -> Iterator[str]:
    """The sums as lines of text, worst news first."""
    sums = summarise(cases)
    yield f"== {title}"
    yield (
        f"positions {sums['positions']}, silent errors {sums['silent']} "
        f"(rate below {sums['silent_upper_95']:.1e} with 95 %), sides refused {sums['refused_sides']} "
        f"{sums['refused_why'] or ''}"
    )
    accepted = _share(sums["ordinary_accepted"], sums["ordinary"])
    yield f"ordinary answers accepted without a person: {accepted}"
    for case in cases:
        if case.silent:
            yield f"SILENT {case.line()}"
    read = [case for case in cases if not case.refused]
    reasons = Counter(case.reason or "-" for case in read if not case.accepted)
    doubts = Counter(case.reason or "-" for case in read if case.doubtful)
    yield "in review by reason (of these ordinary): " + (
        ", ".join(f"{reason} {count} ({doubts[reason]})" for reason, count in reasons.most_common()) or "none"
    )
    for kind, count in sorted(Counter(case.kind for case in read).items()):
        taken = sum(case.accepted for case in read if case.kind == kind)
        wrong = sum(case.silent for case in read if case.kind == kind)
        yield f"  {kind:20} {_share(taken, count):>22} accepted, {wrong} silent"
    for key in ("pen", "shape"):
        whole = Counter(getattr(case, key) or "none" for case in read if case.ordinary)
        lost = Counter(getattr(case, key) or "none" for case in read if case.doubtful)
        yield f"ordinary in review by {key}: " + ", ".join(
            f"{name} {_share(lost[name], count)}" for name, count in sorted(whole.items())
        )
    sheets = Counter(case.sheet for case in read if case.doubtful)
    yield "most doubtful sheets: " + (
        ", ".join(f"{name} ({n})" for name, n in sheets.most_common(8)) or "none"
    )
