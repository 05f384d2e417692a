"""The one-page public notice: the index, what it rests on, how the factors stand, and how it was before."""

from __future__ import annotations

from typing import Any, Final, Literal

from ballotscan.i18n import gettext as _
from ballotscan.report.document import Document
from ballotscan.report.figures import Figures, FormFigures
from ballotscan.report.results import part_rows
from ballotscan.report.wording import (
    count,
    index_name,
    index_value,
    interval,
    period_name,
    period_text,
    rule_of,
)
from ballotscan.tally.named import Named
from ballotscan.tally.render import factor_text, rounding_text

_BEFORE: Final = 2  # earlier periods shown


def write_notice(figures: Figures, document: Document, paper: Literal["a4", "a3"]) -> dict[str, Any]:
    """What the notice shows, from the report's own figures. Of several groups of respondents the first is
    shown large, the others in the line of counts.
    """
    first, rule = figures.forms[0], rule_of(figures)
    received = sum(each.received for each in figures.accounts)
    counts = [(_("ballots received"), count(received)), (_("valid ballots"), count(figures.ballots))]
    if figures.dossiers:
        counts.append((_("dossiers returned"), count(figures.dossiers)))
    counts += [(other.group, index_value(other.chosen, rule)) for other in figures.forms[1:]]
    head = document.letterhead
    return {
        "paper": paper,
        "title": document.title,
        "language": document.language,
        "stamp": document.stamp,
        "parent": head.parent,
        "agency": head.agency,
        "kind": _("PUBLIC NOTICE"),
        "subject": head.subject,
        "period": period_text(figures.period),
        "value": index_value(first.chosen, rule),
        "value_text": index_name(first.chosen.name),
        "interval": _("95% interval: {interval}").format(interval=interval(first.chosen, rule)),
        "counts": counts,
        "bars": [each for each in (_factors(figures, first), _periods(figures, first)) if each["rows"]],
        "foot": _("Figures are {rounding}, to two decimals.").format(rounding=rounding_text(rule)),
        "place_and_day": head.place_and_day,
        "signer": head.signer,
    }


def _factors(figures: Figures, form: FormFigures) -> dict[str, Any]:
    rows = part_rows(form.factors, rule_of(figures), factor_text)
    bars = [(row[0], _length(part.index), row[2]) for part, row in zip(form.factors, rows, strict=True)]
    return {"title": _("Satisfied answers by factor"), "rows": bars}


def _periods(figures: Figures, form: FormFigures) -> dict[str, Any]:
    """This period after those before; none where it is the first, or the index is no share."""
    past = form.history[-_BEFORE:] if form.chosen.name != "mean_score" else ()
    points = [*past, (figures.period.name, form.chosen)] if past else []
    rows = [
        (period_name(name), _length(index), index_value(index, rule_of(figures))) for name, index in points
    ]
    return {"title": _("Satisfaction over time, %"), "rows": rows}


def _length(index: Named | None) -> float:
    """A bar's length, from 0 to 1."""
    return float(index.value) if index and index.value is not None else 0.0
