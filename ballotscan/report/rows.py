"""One row a ballot, for statisticians: codes as they count, no text that anybody wrote."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ballotscan.forms.form import Form
from ballotscan.store.rows import Scope, SheetAnswers
from ballotscan.tally.counts import ANSWERED, COUNTED, IN_REVIEW, INVALID, place_of

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
    sheets, answers = store.counted(Scope(period.first, period.last))
    counted = [sheet for sheet in sheets if sheet.state in COUNTED]
    given = {each.sheet: each for each in answers}
    return tuple(
        Ballots(
            each.form,
            (*ABOUT, *(question.id for question in each.form.questions)),
            tuple(
                (s.sheet, s.unit, s.channel, s.linh_vuc, *_cells(given[s.sheet], each.form))
                for s in counted
                if (s.form, s.edition) == (each.form.id, each.form.edition)
            ),
        )
        for each in figures.forms
    )


def _cells(answers: SheetAnswers, form: Form) -> Iterator[str]:
    """In the order of the form's questions."""
    given = dict(zip(answers.questions.split(","), answers.answers.split(","), strict=True))
    for question in form.questions:
        answer = given.get(question.id, "")
        if not answer or answer.isalnum():  # blank, or one code: nearly all
            yield answer
        else:
            place = place_of(answer, question.multiple)
            yield {ANSWERED: answer, INVALID: RULED_INVALID, IN_REVIEW: AWAITS}.get(place, "")
