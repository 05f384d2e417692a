"""The one-page public notice: the index, what it rests on, and how the factors stand."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from ballotscan.i18n import gettext as _
from ballotscan.report.content import rule_of
from ballotscan.report.document import Chart, Document
from ballotscan.report.figures import Figures
from ballotscan.report.wording import count, index_name, index_value, interval, period_text
from ballotscan.tally.render import rounding_text


def write_notice(
    figures: Figures, document: Document, paper: Literal["a4", "a3"], today: date
) -> dict[str, Any]:
    """What the notice shows, from the report's own figures and charts. Of several groups of respondents the
    first is shown large, the others in the line of counts.
    """
    first, rule = figures.forms[0], rule_of(figures)
    charts = [block for block in document.blocks if isinstance(block, Chart)]
    charts = [chart for chart in charts if chart.kind == "bars"][:1] + [
        c for c in charts if c.kind == "trend"
    ][:1]
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
        "charts": [{"caption": c.caption, "svg": c.svg, "text": c.text} for c in charts],
        "foot": _("Figures are {rounding}, to two decimals.").format(rounding=rounding_text(rule)),
        "place_and_day": head.place_and_day,
        "signer": head.signer,
    }
