"""What must hold, and whether it does: the bars beside the bench's counts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.accuracy.cases import upper_bound
from tests.accuracy.rows import ROWS, TEMPLATES, Row
from tests.accuracy.tally import Tally, from_json, total

Found = Mapping[str, Mapping[str, Any]]
"""Row name -> template -> a tally as JSON."""

MET, NOT_MET = "met", "**not met**"
NOT_YET, ABOVE = "not yet run to the end", "above so far, not yet run to the end"

MOST_ASKED = {"clean": (0.01, 0.002), "office": (0.015, 0.005), "hard": (0.04, 0.02), "photo": (0.10, None)}
"""Share of ordinary answers that may be sent to a person, and the goal beyond."""

LEAST_SHEETS = 200  # for a share of answers asked
CLASS_POSITIONS = 30_000
MARKS_POSITIONS = 10_000_000
LOST_INK = (3, 14, 19, 23, 24, 37)
"""Classes with ways in which ink or a sheet is not in the image, or a page must not be read."""

MOST_REFUSED, REFUSED_SHEETS = 1 / 500, 1_500
PHOTO_REFUSED = 0.05
REAL_ASKED = 0.03
LEAST_INKED = 0.2


@dataclass(frozen=True, slots=True)
class Bar:
    """One line of the summary: ``holds`` so far, and whether there is ``enough`` to say so. One error is
    enough to break a bar of errors; a share may still come down."""

    what: str
    bar: str
    found: str
    holds: bool
    enough: bool
    share: bool = False

    @property
    def state(self) -> str:
        if self.holds:
            return MET if self.enough else NOT_YET
        return ABOVE if self.share and not self.enough else NOT_MET


def percent(part: float, whole: float, digits: int = 2) -> str:
    """A share in words; a dash where there is nothing to divide."""
    return f"{100 * part / whole:.{digits}f} %" if whole else "-"


def get(found: Found, name: str, template: str) -> Tally:
    """The sums of one row and template; zeros where nothing has run."""
    values = found.get(name, {}).get(template)
    return Tally() if values is None else from_json(values)


def row_state(row: Row, template: str, tally: Tally) -> str:
    """The bar of one row: no silent error (nothing untold), and few enough answers asked."""
    if row.marks == "marginal":
        return "counted apart"
    enough = tally.sheets >= row.full[template]
    if tally.silent or tally.not_flagged:
        return NOT_MET
    most, _goal = MOST_ASKED.get(row.name, (1.0, None))
    read = row.name != "photo" or tally.sheets_refused <= PHOTO_REFUSED * max(tally.sheets, 1)
    holds = read and tally.ordinary_review <= most * max(tally.ordinary, 1)
    return Bar("", "", "", holds, enough, share=True).state


def _silent(what: str, tallies: list[Tally], needed: int) -> Bar:
    summed = total(tallies)
    bound = f", below {summed.upper_95:.1e}" if summed.answers else ""
    return Bar(
        what,
        f"0 silent in {needed:,}",
        f"{summed.silent} in {summed.positions:,}{bound}",
        not summed.silent,
        summed.positions >= needed,
    )


def _classes(found: Found) -> Iterator[Bar]:
    rows = [row for row in ROWS if row.number]
    tallies = [get(found, row.name, "appendix-i") for row in rows]
    pairs = list(zip(rows, tallies, strict=True))
    wrong = [row.number for row, tally in pairs if tally.silent]
    enough = [row for row, tally in pairs if tally.sheets >= row.full["appendix-i"]]
    named = f"; errors in classes {', '.join(map(str, wrong))}" if wrong else ""
    summed = total(tallies)
    yield Bar(
        "each of the 37 optical classes, `appendix-i`",
        f"0 silent in {CLASS_POSITIONS:,} each",
        f"{summed.silent} in {summed.positions:,}, {len(enough)} classes complete{named}",
        not wrong,
        len(enough) == len(rows),
    )
    summed = total(get(found, row.name, name) for row in rows for name in TEMPLATES)
    yield Bar(
        "ink or sheet not in the image (in classes 3, 14, 19, 23, 24, 37)",
        "all told",
        f"{summed.to_flag - summed.not_flagged:,} of {summed.to_flag:,} told",
        not summed.not_flagged,
        _complete(found, [row for row in rows if row.number in LOST_INK]),
    )


def _complete(found: Found, rows: Iterable[Row]) -> bool:
    """Whether all sheets of these rows have been made."""
    return all(
        get(found, row.name, name).sheets >= sheets for row in rows for name, sheets in row.full.items()
    )


def _asked(found: Found) -> Iterator[Bar]:
    for template in TEMPLATES:
        for name in ("clean", "office", "hard"):
            most, goal = MOST_ASKED[name]
            tally = get(found, name, template)
            yield Bar(
                f"ordinary answers sent to a person, {name}, `{template}`",
                f"at most {100 * most:g} % (goal {100 * (goal or 0):g} %) in {LEAST_SHEETS} sheets",
                f"{percent(tally.ordinary_review, tally.ordinary)} in {tally.sheets:,} sheets",
                tally.ordinary_review <= most * max(tally.ordinary, 1),
                tally.sheets >= LEAST_SHEETS,
                share=True,
            )


def _special(found: Found) -> Bar:
    """Corrected, multiple, stray and odd answers of all pages."""
    tallies = [get(found, row.name, name) for row in ROWS if not row.marks for name in TEMPLATES]
    summed = total(tallies)
    wrong = sum(not case["ordinary"] for case in summed.silent_cases)
    return Bar(
        "corrected, several, stray and odd answers, all pages",
        "0 silent",
        f"{wrong} in {summed.special:,} answers; without a person right: "
        f"{percent(summed.special_right, summed.special, 1)}",
        not wrong,
        _complete(found, [row for row in ROWS if not row.marks]),
    )


def _refused(found: Found) -> Bar:
    summed = total(get(found, name, template) for name in ("clean", "office") for template in TEMPLATES)
    return Bar(
        "sheets within the specification refused (clean and office)",
        f"at most 1 in 500, in {REFUSED_SHEETS:,} sheets",
        f"{summed.sheets_refused} of {summed.sheets:,}",
        summed.sheets_refused <= MOST_REFUSED * max(summed.sheets, 1),
        summed.sheets >= REFUSED_SHEETS,
        share=True,
    )


def _photographs(found: Found) -> Iterator[Bar]:
    both = [get(found, "photo", name) for name in TEMPLATES]
    yield _silent("photographs, decent light, both forms", both, CLASS_POSITIONS)
    summed = total(both)
    yield Bar(
        "photographs that are not read",
        f"at most {100 * PHOTO_REFUSED:g} % of sheets",
        percent(summed.sheets_refused, summed.sheets, 1),
        summed.sheets_refused <= PHOTO_REFUSED * max(summed.sheets, 1),
        summed.sheets >= LEAST_SHEETS,
        share=True,
    )
    yield Bar(
        "ordinary answers of photographs sent to a person",
        "at most 10 %",
        percent(summed.ordinary_review, summed.ordinary),
        summed.ordinary_review <= 0.1 * max(summed.ordinary, 1),
        summed.sheets >= LEAST_SHEETS,
        share=True,
    )


def _real(rows: Mapping[str, Any]) -> Iterator[Bar]:
    summed = total(from_json(values["real"]) for values in rows.values())
    yield Bar(
        "real marks", "0 silent",
        f"{summed.silent} in {summed.positions:,}, below {summed.upper_95:.1e}",
        not summed.silent, summed.sheets > 0,
    )  # fmt: skip
    yield Bar(
        "real marks labelled empty, x, tick or fill sent to a person", f"at most {100 * REAL_ASKED:g} %",
        percent(summed.ordinary_review, summed.ordinary),
        summed.ordinary_review <= REAL_ASKED * max(summed.ordinary, 1), summed.sheets > 0,
    )  # fmt: skip


def all_bars(found: Found, real: Mapping[str, Any]) -> Iterator[Bar]:
    """Every bar, in the order of the summary."""
    mixes = {name: [get(found, each, name) for each in ("clean", "office")] for name in TEMPLATES}
    for template, needed in (("appendix-i", 500_000), ("hue-2019", 75_000)):
        yield _silent(f"clean and office pages, `{template}`", mixes[template], needed)
        summed = total(mixes[template])
        yield Bar(
            f"positions inked in these, `{template}`", f"at least {100 * LEAST_INKED:g} %",
            percent(summed.inked, summed.positions, 1),
            summed.inked >= LEAST_INKED * summed.positions, summed.positions >= needed, share=True,
        )  # fmt: skip
    marks = [get(found, row.name, "appendix-i") for row in ROWS if row.marks and row.marks != "marginal"]
    yield _silent("marks alone: prescribed, reliably sensed, reliably ignored", marks, MARKS_POSITIONS)
    yield from _classes(found)
    hue = [get(found, row.name, "hue-2019") for row in ROWS if row.number]
    yield _silent("all 37 classes together, `hue-2019`", hue, CLASS_POSITIONS)
    yield from _asked(found)
    yield _special(found)
    yield _refused(found)
    bitonal = [get(found, "bitonal", name) for name in TEMPLATES]
    yield _silent("bitonal scans, both forms", bitonal, CLASS_POSITIONS)
    yield from _photographs(found)
    yield from _real(real)


def bounds(count: int, right: int) -> tuple[float, float]:
    """Share right with its 95 % interval on either side (Clopper and Pearson)."""
    return 1 - upper_bound(count - right, count, 0.975), upper_bound(right, count, 0.975)
