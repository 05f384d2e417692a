"""One row a ballot, for statisticians: codes as they count, no text that anybody wrote."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ballotscan.forms.form import Form
from ballotscan.store.rows import Scope
from ballotscan.tally.counts import ANSWERED, COUNTED, INVALID, Places

if TYPE_CHECKING:
    from ballotscan.report.figures import Figures
    from ballotscan.store.database import Store

ABOUT: Final = ("ballot", "unit", "channel", "linh_vuc")
RULED_INVALID: Final = "!"
AWAITS: Final = "?"


@dataclass(frozen=True, slots=True)
class Ballots:
    """The ballots of one form that count. A cell holds codes joined by ``|``; empty is blank, ``!`` invalid,
    ``?`` awaits review."""

    form: Form
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def read_ballots(store: Store, figures: Figures) -> tuple[Ballots, ...]:
    """Every counted ballot of the report's period, form by form."""
    period = figures.period
    scope = Scope(period.first, period.last)
    sheets = [sheet for sheet in store.counted_sheets(scope) if sheet.state in COUNTED]
    cells: dict[str, dict[str, str]] = {sheet.sheet: {} for sheet in sheets}
    places = {(each.form.id, each.form.edition): Places(each.form) for each in figures.forms}
    edition = {sheet.sheet: (sheet.form, sheet.edition) for sheet in sheets}
    for answer in store.counted_answers(scope):
        mine = cells.get(answer[0])
        if mine is not None:
            place = places[edition[answer[0]]].of(answer)
            mine[answer[1]] = answer[2] if place == ANSWERED else _mark(place)
    return tuple(
        Ballots(
            each.form,
            (*ABOUT, *(question.id for question in each.form.questions)),
            tuple(
                (s.sheet, s.unit, s.channel, s.linh_vuc, *_codes(cells[s.sheet], each.form))
                for s in sheets
                if (s.form, s.edition) == (each.form.id, each.form.edition)
            ),
        )
        for each in figures.forms
    )


def _mark(place: str) -> str:
    return {INVALID: RULED_INVALID, "awaiting": AWAITS}.get(place, "")


def _codes(cells: dict[str, str], form: Form) -> Iterator[str]:
    return (cells.get(question.id, "") for question in form.questions)
