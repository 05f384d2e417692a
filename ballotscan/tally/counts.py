"""Rows to counts: every question of every form, over all sheets and per unit, channel and lĩnh vực.

How many sheets there are comes from the table of sheets, what was answered from the table of answers;
``reconcile`` holds the one against the other. Plain Python: one pass over the answers, then sums of sums.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from ballotscan.forms.form import Form, Question
from ballotscan.model import Outcome, SheetState, Status
from ballotscan.store.rows import CountedAnswer, CountedSheet
from ballotscan.tally.figures import AWAITING, NOT_GIVEN, By, FormTally, Group, Item, OptionCount
from ballotscan.tally.indices import find_indices

Edition = tuple[str, str]
"""A form's id and edition."""

COUNTED: Final = (SheetState.READ, SheetState.REVIEW)
GROUPED_BY: Final[tuple[By, ...]] = ("unit", "channel", "linh_vuc")

# Where the answer to one question of one sheet went.
ANSWERED, BLANK, INVALID, IN_REVIEW, UNKNOWN = "answered", "blank", "invalid", "awaiting", "unknown"


class Where(NamedTuple):
    """What groups a sheet: its names are those of ``By``."""

    unit: str
    channel: str
    linh_vuc: str


@dataclass
class Cells:
    """The sums over sheets that share a ``Where``, from which every group is added up.

    ``answers`` counts by question, place and codes; ``begun`` are the sheets with an answer to any question
    of the index, ``content`` those of them whose every such answer is a satisfied one.
    """

    sheets: int = 0
    begun: int = 0
    content: int = 0
    answers: Counter[tuple[str, str, str]] = field(default_factory=Counter)

    def add(self, other: Cells) -> None:
        self.sheets += other.sheets
        self.begun += other.begun
        self.content += other.content
        self.answers.update(other.answers)


def count_forms(
    sheets: Sequence[CountedSheet], answers: Iterable[CountedAnswer], forms: Mapping[Edition, Form]
) -> tuple[FormTally, ...]:
    """Count each form and edition found among ``sheets``, in order of their ids.

    People's rulings are settled in. Rows are expected to be whole and single: ``reconcile.check_rows``.
    """
    of_edition: dict[Edition, list[CountedSheet]] = defaultdict(list)
    edition_of: dict[str, Edition] = {}
    for sheet in sheets:
        of_edition[sheet.form, sheet.edition].append(sheet)
        if sheet.state in COUNTED:
            edition_of[sheet.sheet] = sheet.form, sheet.edition
    given: dict[Edition, list[CountedAnswer]] = defaultdict(list)
    for answer in answers:
        edition = edition_of.get(answer[0])
        if edition is not None:
            given[edition].append(answer)
    return tuple(_count_form(of_edition[e], given[e], forms[e]) for e in sorted(of_edition))


def _count_form(sheets: Sequence[CountedSheet], answers: Sequence[CountedAnswer], form: Form) -> FormTally:
    states = Counter(sheet.state for sheet in sheets)
    counted = [sheet for sheet in sheets if sheet.state in COUNTED]
    places = Places(form)
    waiting = [answer.sheet for answer in answers if places.of(answer) == IN_REVIEW]
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
        awaiting_sheets=len(set(waiting)),
        groups=tuple(_groups(_count_cells(counted, answers, form, places), form)),
    )


class Places:
    """Where each answer of a form goes; the few kinds of answer there are are judged once each.

    In review an answer is only the machine's proposal and waits. Accepted, it is blank without a code,
    invalid with several where one may be chosen or where a person said so, else answered. An accepted answer
    that the machine could not read is an error of the program: it goes nowhere, and nothing will balance.
    """

    def __init__(self, form: Form) -> None:
        self._multiple = {question.id for question in form.questions if question.multiple}
        self._known: dict[tuple[object, ...], str] = {}

    def of(self, answer: CountedAnswer) -> str:
        kind = answer[1:]
        place = self._known.get(kind)
        if place is None:
            place = self._known[kind] = self._judge(answer)
        return place

    def _judge(self, answer: CountedAnswer) -> str:
        if answer.status == Status.REVIEW:
            return IN_REVIEW
        if answer.status != Status.ACCEPTED or answer.outcome in (Outcome.UNSURE, Outcome.UNREADABLE):
            return UNKNOWN
        if answer.invalid or ("|" in answer.codes and answer.question not in self._multiple):
            return INVALID
        return ANSWERED if answer.codes else BLANK


def _count_cells(
    sheets: Sequence[CountedSheet], answers: Sequence[CountedAnswer], form: Form, places: Places
) -> dict[Where, Cells]:
    """The sums over all sheets that share unit, channel and lĩnh vực."""
    fields = linh_vuc_of(sheets, answers, form, places)
    cells: dict[Where, Cells] = defaultdict(Cells)
    cell_of: dict[str, Cells] = {}
    for sheet in sheets:
        cell = cells[Where(sheet.unit, sheet.channel, fields[sheet.sheet])]
        cell.sheets += 1
        cell_of[sheet.sheet] = cell
    satisfied = {q.id: frozenset(q.satisfied) for q in form.questions if enters_index(q)}
    begun: set[str] = set()
    discontent: set[str] = set()
    for answer in answers:
        place = places.of(answer)
        cell_of[answer[0]].answers[answer[1], place, answer[2]] += 1
        if place == ANSWERED and answer[1] in satisfied:
            begun.add(answer[0])
            if answer[2] not in satisfied[answer[1]]:
                discontent.add(answer[0])
    for name in begun:
        cell_of[name].begun += 1
        cell_of[name].content += name not in discontent
    return cells


def enters_index(question: Question) -> bool:
    """Whether a question's answers are part of a form's index: a scale, of which one answer may be given."""
    return bool(question.satisfied) and question.in_index and not question.multiple


def linh_vuc_of(
    sheets: Iterable[CountedSheet], answers: Iterable[CountedAnswer], form: Form, places: Places
) -> dict[str, str]:
    """Each sheet's lĩnh vực: its own answer; the batch's where that is blank or invalid, or not asked."""
    if form.linh_vuc_question is None:
        return {sheet.sheet: sheet.linh_vuc for sheet in sheets}
    question = form.question(form.linh_vuc_question)
    label = {option.code: option.label for option in question.options}
    said: dict[str, str] = {}
    for answer in answers:
        if answer[1] == question.id:
            place = places.of(answer)
            if place == ANSWERED and answer.codes in label:
                said[answer.sheet] = label[answer.codes]
            elif place == IN_REVIEW:
                said[answer.sheet] = AWAITING
    # An office may name a batch's lĩnh vực by its code or by its label: both are one group.
    return {sheet.sheet: said.get(sheet.sheet, label.get(sheet.linh_vuc, sheet.linh_vuc)) for sheet in sheets}


def _groups(cells: Mapping[Where, Cells], form: Form) -> Iterator[Group]:
    """All sheets first; then each unit, channel and lĩnh vực, wherever any is given."""
    yield _group("all", "", cells.values(), form)
    for by in GROUPED_BY:
        values = {getattr(where, by) for where in cells}
        if values <= {NOT_GIVEN}:
            continue
        for value in sorted(values, key=_order):
            mine = [cell for where, cell in cells.items() if getattr(where, by) == value]
            yield _group(by, value, mine, form)


def _order(value: str) -> tuple[bool, str]:
    """Names first, in order; then what is not known."""
    return value in {NOT_GIVEN, AWAITING}, value


def _group(by: By, value: str, cells: Iterable[Cells], form: Form) -> Group:
    whole = Cells()
    for cell in cells:
        whole.add(cell)
    places: dict[str, Counter[str]] = defaultdict(Counter)
    options: dict[str, Counter[str]] = defaultdict(Counter)
    for (question, place, codes), count in whole.answers.items():
        places[question][place] += count
        for code in codes.split("|") if place == ANSWERED else ():
            options[question][code] += count
    items = [_item(q, places[q.id], options[q.id], whole.sheets) for q in form.questions]
    indices = find_indices(items, form.questions)
    return Group(by, value, whole.sheets, (*items, *pool_factors(items)), indices, whole.begun, whole.content)


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
