"""A programme's sub-indices as CSV, for whoever compiles the index of administrative reform (CCHC)."""

from __future__ import annotations

import csv
import io
from typing import Final

from ballotscan.report.figures import Figures, Part
from ballotscan.tally.named import Named
from ballotscan.tally.rounding import Rounding, as_percent

COLUMNS: Final = (
    "programme", "period", "first", "last", "provisional", "form", "respondents", "index",
    "satisfied_answers", "answers", "percent", "low_percent", "high_percent", "ballots",
)  # fmt: skip
"""``index`` is a sub-index's name, or the name of the programme's own index over all factors; ``percent`` is
rounded as the programme says, its 95 % interval from ``low_percent`` to ``high_percent``."""


def sub_indices_csv(figures: Figures) -> str:
    """One row for each sub-index of each form, then one for all its factors. UTF-8 with a byte order mark."""
    rounding: Rounding = "truncate" if figures.programme.index.rounding == "truncate" else "half_up"
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    period = figures.period
    about = (figures.programme.id, period.name, period.first, period.last, int(figures.provisional))
    for form in figures.forms:
        every = next(index for index in form.indices if index.name == "top2_of_answers")
        for part in (*form.subs, Part("top2_of_answers", every.ballots, every)):
            if part.index is not None:
                writer.writerow([*about, form.form.id, form.group, part.name, *_cells(part.index, rounding)])
    return "\ufeff" + out.getvalue()


def _cells(index: Named, rounding: Rounding) -> tuple[object, ...]:
    if index.value is None:
        return ("", index.out_of, "", "", "", index.ballots)
    satisfied = index.value * index.out_of
    ends = ["" if end is None else round(100 * end, 2) for end in (index.low, index.high)]
    return (int(satisfied), index.out_of, as_percent(index.value, rounding), *ends, index.ballots)
