"""Rows to counts: every question of every form, over all sheets and per unit, channel and lĩnh vực.

How many sheets there are comes from the table of sheets, what was answered from the table of answers;
``reconcile`` holds the one against the other.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Final

from ballotscan.forms.form import Form, Question
from ballotscan.model import Outcome, SheetState, Status
from ballotscan.tally.figures import AWAITING, NOT_GIVEN, By, FormTally, Group, Item, OptionCount
from ballotscan.tally.indices import find_indices

if TYPE_CHECKING:
    from pandas import DataFrame, Series

Edition = tuple[str, str]
"""A form's id and edition."""

COUNTED: Final = (SheetState.READ, SheetState.REVIEW)
GROUPED_BY: Final[tuple[By, ...]] = ("unit", "channel", "linh_vuc")

# Where the answer to one question of one sheet went.
ANSWERED, BLANK, INVALID, IN_REVIEW, UNKNOWN = "answered", "blank", "invalid", "awaiting", "unknown"


def count_forms(
    sheets: DataFrame, answers: DataFrame, forms: Mapping[Edition, Form]
) -> tuple[FormTally, ...]:
    """Count each form and edition found among ``sheets``, in order of their ids.

    ``sheets`` has a row per sheet: sheet, unit, channel, linh_vuc, form, edition, sheet_state. ``answers``
    has a row per question of each sheet: sheet, question, codes (joined by ``|``), outcome, status, invalid;
    people's rulings are settled in. Rows are expected to be whole and single: ``reconcile.check_rows``.
    """
    editions = sorted(set(zip(sheets["form"], sheets["edition"], strict=True)))
    return tuple(
        _count_form(
            sheets[sheets["form"].eq(form) & sheets["edition"].eq(edition)], answers, forms[form, edition]
        )
        for form, edition in editions
    )


def _count_form(sheets: DataFrame, answers: DataFrame, form: Form) -> FormTally:
    states = Counter(sheets["sheet_state"])
    counted = sheets[sheets["sheet_state"].isin(COUNTED)]
    placed = sort_answers(answers[answers["sheet"].isin(counted["sheet"])], form)
    waiting = placed[placed["place"] == IN_REVIEW]
    return FormTally(
        form=form.id,
        edition=form.edition,
        title=form.title,
        read=states[SheetState.READ],
        review=states[SheetState.REVIEW],
        void=states[SheetState.VOID],
        set_aside=states[SheetState.SET_ASIDE],
        incomplete=states[SheetState.INCOMPLETE],
        awaiting_answers=len(waiting),
        awaiting_sheets=waiting["sheet"].nunique(),
        groups=tuple(_groups(counted, placed, form)),
    )


def sort_answers(answers: DataFrame, form: Form) -> DataFrame:
    """Add the column ``place``: where each answer goes.

    In review an answer is only the machine's proposal and waits. Accepted, it is blank without a code,
    invalid with several where one may be chosen or where a person said so, else answered. An accepted answer
    that the machine could not read is an error of the program: it goes nowhere, and nothing will balance.
    """
    single = [question.id for question in form.questions if not question.multiple]
    undecided = answers["outcome"].isin([Outcome.UNSURE.value, Outcome.UNREADABLE.value])
    several = answers["codes"].str.contains("|", regex=False) & answers["question"].isin(single)
    place = answers["codes"].ne("").map({True: ANSWERED, False: BLANK})
    place = place.mask(several | answers["invalid"].astype(bool), INVALID)
    place = place.mask(undecided, UNKNOWN)
    place = place.mask(answers["status"].ne(Status.ACCEPTED), UNKNOWN)
    place = place.mask(answers["status"].eq(Status.REVIEW), IN_REVIEW)
    return answers.assign(place=place)


def _groups(sheets: DataFrame, placed: DataFrame, form: Form) -> Iterator[Group]:
    """All sheets first; then each unit, channel and lĩnh vực, wherever any is given."""
    yield _count_group("all", "", sheets, placed, form)
    values = sheets.assign(linh_vuc=linh_vuc_of(sheets, placed, form))
    for by in GROUPED_BY:
        if not values[by].ne(NOT_GIVEN).any():
            continue
        for value, of_value in sorted(values.groupby(by), key=lambda pair: _order(str(pair[0]))):
            answers = placed[placed["sheet"].isin(of_value["sheet"])]
            yield _count_group(by, str(value), of_value, answers, form)


def _order(value: str) -> tuple[bool, str]:
    """Names first, in order; then what is not known."""
    return value in {NOT_GIVEN, AWAITING}, value


def linh_vuc_of(sheets: DataFrame, placed: DataFrame, form: Form) -> Series[str]:
    """Each sheet's lĩnh vực: its own answer; the batch's where that is blank or invalid, or not asked."""
    if form.linh_vuc_question is None:
        return sheets["linh_vuc"]
    question = form.question(form.linh_vuc_question)
    label = {option.code: option.label for option in question.options}
    own = placed[placed["question"] == question.id].set_index("sheet")
    said = own["codes"].map(label).where(own["place"] == ANSWERED)
    said = said.mask(own["place"] == IN_REVIEW, AWAITING)
    # An office may name a batch's lĩnh vực by its code or by its label: both are one group.
    of_batch = sheets["linh_vuc"].map(lambda name: label.get(name, name))
    return sheets["sheet"].map(said).astype(object).fillna(of_batch)


def _count_group(by: By, value: str, sheets: DataFrame, placed: DataFrame, form: Form) -> Group:
    columns = (placed["question"].tolist(), placed["place"].tolist(), placed["codes"].tolist())
    places, options = _count_answers(zip(*columns, strict=True))
    items = [_item(q, places[q.id], options[q.id], len(sheets)) for q in form.questions]
    return Group(by, value, len(sheets), (*items, *pool_factors(items)), find_indices(items, form.questions))


def _count_answers(
    answers: Iterable[tuple[str, str, str]],
) -> tuple[dict[str, Counter[str]], dict[str, Counter[str]]]:
    """By question, how many answers went to each place, and how often each option was chosen in those that
    are answered. (For the few hundred rows of most groups this is ten times faster than grouping a frame.)"""
    places: dict[str, Counter[str]] = defaultdict(Counter)
    options: dict[str, Counter[str]] = defaultdict(Counter)
    for question, place, codes in answers:
        places[question][place] += 1
        if place == ANSWERED:
            options[question].update(codes.split("|"))
    return places, options


def _item(question: Question, places: Counter[str], chosen: Counter[str], sheets: int) -> Item:
    """``sheets`` is how many sheets are counted, not how many answers were found: later they are compared."""
    known = [OptionCount(option.code, option.label, chosen[option.code]) for option in question.options]
    return Item(
        level="question",
        id=question.id,
        text=question.text,
        factor=question.factor,
        questions=(question.id,),
        multiple=question.multiple,
        ballots=sheets,
        answered=places[ANSWERED],
        blank=places[BLANK],
        invalid=places[INVALID],
        awaiting=places[IN_REVIEW],
        options=tuple(known),
    )


def pool_factors(questions: Iterable[Item]) -> Iterator[Item]:
    """One item for each factor, its questions added up.

    Only questions with the same options can be added; a factor with several scales gives one item for each.
    """
    pools: dict[object, list[Item]] = defaultdict(list)
    for item in questions:
        if item.factor is not None:
            scale = tuple((option.code, option.label) for option in item.options)
            pools[item.factor, scale, item.multiple].append(item)
    yield from (_added_up(pool) for pool in pools.values())


def _added_up(pool: list[Item]) -> Item:
    first = pool[0]
    return Item(
        level="factor",
        id=str(first.factor),
        text=str(first.factor),
        factor=first.factor,
        questions=tuple(item.id for item in pool),
        multiple=first.multiple,
        ballots=sum(item.ballots for item in pool),
        answered=sum(item.answered for item in pool),
        blank=sum(item.blank for item in pool),
        invalid=sum(item.invalid for item in pool),
        awaiting=sum(item.awaiting for item in pool),
        options=tuple(
            OptionCount(option.code, option.label, sum(item.options[place].count for item in pool))
            for place, option in enumerate(first.options)
        ),
    )
