"""Rows to counts: every question of every form, over all sheets and per unit, channel and lĩnh vực.

How many sheets there are comes from the table of sheets, what was answered from the table of answers;
``reconcile`` holds the one against the other. Plain Python over columns: the answers of many sheets to one
question are counted at once, then sums are added up.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Final

from ballotscan.errors import NotBalancedError
from ballotscan.forms.form import Form, Question
from ballotscan.i18n import gettext as _
from ballotscan.model import SheetState
from ballotscan.store import rows
from ballotscan.store.rows import CountedSheet, SheetAnswers
from ballotscan.tally.figures import AWAITING, NOT_GIVEN, By, FormTally, Group, Item, OptionCount, Where
from ballotscan.tally.indices import find_indices

Edition = tuple[str, str]
"""A form's id and edition."""

COUNTED: Final = (SheetState.READ, SheetState.REVIEW)
GROUPED_BY: Final[tuple[By, ...]] = ("unit", "channel", "linh_vuc")

# Where the answer to one question of one sheet went.
_MARKS: Final = rows.IN_REVIEW + rows.UNDECIDED + rows.RULED_INVALID
ANSWERED, BLANK, INVALID, IN_REVIEW, UNKNOWN = "answered", "blank", "invalid", "awaiting", "unknown"


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
    sheets: Sequence[CountedSheet], answers: Iterable[SheetAnswers], forms: Mapping[Edition, Form]
) -> tuple[FormTally, ...]:
    """Count each form and edition found among ``sheets``, in order of their ids.

    People's rulings are settled in. Rows are expected to be whole and single: ``reconcile.check_rows``.
    Raises ``NotBalancedError`` where an answer is none of the template's.
    """
    of_edition: dict[Edition, list[CountedSheet]] = defaultdict(list)
    edition_of: dict[str, Edition] = {}
    for sheet in sheets:
        of_edition[sheet.form, sheet.edition].append(sheet)
        if sheet.state in COUNTED:
            edition_of[sheet.sheet] = sheet.form, sheet.edition
    given: dict[Edition, list[SheetAnswers]] = defaultdict(list)
    for answer in answers:
        edition = edition_of.get(answer.sheet)
        if edition is not None:
            given[edition].append(answer)
    return tuple(_count_form(of_edition[e], given[e], forms[e]) for e in sorted(of_edition))


def _count_form(sheets: Sequence[CountedSheet], answers: Sequence[SheetAnswers], form: Form) -> FormTally:
    states = Counter(sheet.state for sheet in sheets)
    counted = [sheet for sheet in sheets if sheet.state in COUNTED]
    waiting = [answer.answers.count(rows.IN_REVIEW) for answer in answers]
    cells = _count_cells(counted, answers, form)
    return FormTally(
        form=form.id,
        edition=form.edition,
        title=form.title,
        read=states[SheetState.READ],
        review=states[SheetState.REVIEW],
        void=states[SheetState.VOID],
        set_aside=states[SheetState.SET_ASIDE],
        incomplete=states[SheetState.INCOMPLETE],
        awaiting_answers=sum(waiting),
        awaiting_sheets=sum(count > 0 for count in waiting),
        groups=tuple(_groups(cells, form)),
        cells=tuple((where, cell.sheets) for where, cell in sorted(cells.items())),
    )


def place_of(answer: str, multiple: bool) -> str:
    """Where an answer goes, written as in ``rows.SheetAnswers``.

    In review an answer is only the machine's proposal and waits. Accepted, it is blank without a code,
    invalid with several where one may be chosen or where a person said so, else answered. An accepted answer
    that the machine could not read is an error of the program: it goes nowhere, and nothing will balance.
    """
    if answer.endswith(rows.IN_REVIEW):
        return IN_REVIEW
    if answer.endswith(rows.UNDECIDED):
        return UNKNOWN
    if answer.endswith(rows.RULED_INVALID) or ("|" in answer and not multiple):
        return INVALID
    return ANSWERED if answer else BLANK


Alike = tuple[str, list[list[str]]]
"""Sheets that answer the same questions in the same order: these, and of each sheet its answers."""


def _alike(answers: Sequence[SheetAnswers]) -> list[Alike]:
    found: dict[str, list[list[str]]] = defaultdict(list)
    for each in answers:
        found[each.questions].append(each.answers.split(","))
    return list(found.items())


def _count_cells(
    sheets: Sequence[CountedSheet], answers: Sequence[SheetAnswers], form: Form
) -> dict[Where, Cells]:
    """The sums over all sheets that share unit, channel and lĩnh vực."""
    fields = linh_vuc_of(sheets, answers, form)
    cells: dict[Where, Cells] = defaultdict(Cells)
    where: dict[str, Where] = {}
    for sheet in sheets:
        where[sheet.sheet] = Where(sheet.unit, sheet.channel, fields[sheet.sheet])
        cells[where[sheet.sheet]].sheets += 1
    given: dict[Where, list[SheetAnswers]] = defaultdict(list)
    for answer in answers:
        given[where[answer.sheet]].append(answer)
    multiple = {question.id for question in form.questions if question.multiple}
    for place, mine in given.items():
        cell, alike = cells[place], _alike(mine)
        for question, column in _columns(alike):
            for codes, count in column.items():
                to = place_of(codes, question in multiple)
                cell.answers[question, to, codes] += count
        cell.begun, cell.content = _count_content(alike, form)
    _refuse_unknown(form, cells.values())
    return cells


def _columns(alike: Iterable[Alike]) -> Iterator[tuple[str, Counter[str]]]:
    """Each question with how often each answer was given to it."""
    for questions, given in alike:
        for question, column in zip(questions.split(","), zip(*given, strict=True), strict=True):
            yield question, Counter(column)


def _refuse_unknown(form: Form, cells: Iterable[Cells]) -> None:
    """Every question and every code chosen is the template's; else ``NotBalancedError`` names the first.

    Without this an answer unknown to the template would vanish from the count of a multiple choice.
    """
    known = {question.id: {"", *(option.code for option in question.options)} for question in form.questions}
    read = {(question, answer) for cell in cells for question, _place, answer in cell.answers}
    for question, answer in sorted(read):
        for code in answer.rstrip(_MARKS).split("|"):
            if code not in known.get(question, ()):
                raise NotBalancedError(
                    _(
                        "{form} {edition}: the template has no question {question} with option '{code}'."
                    ).format(form=form.id, edition=form.edition, question=question, code=code),
                    _("It was changed after the scan: put back the template that was scanned with."),
                )


def _count_content(alike: Sequence[Alike], form: Form) -> tuple[int, int]:
    """How many sheets answer any question of the index, and how many of these are satisfied in all of them.

    Questions with the same codes and the same satisfied ones are looked at together.
    """
    scales: dict[tuple[Set[str], Set[str]], set[str]] = defaultdict(set)
    for question in form.questions:
        if enters_index(question):
            known = frozenset(option.code for option in question.options)
            scales[known, frozenset(question.satisfied)].add(question.id)
    begun = content = 0
    for questions, given in alike:
        asked = questions.split(",")
        places = [
            (known, known - satisfied, _picker([n for n, name in enumerate(asked) if name in names]))
            for (known, satisfied), names in scales.items()
        ]
        for answers in given:
            said = [(known, bad, set(pick(answers))) for known, bad, pick in places]
            if any(not known.isdisjoint(codes) for known, _bad, codes in said):
                begun += 1
                content += all(bad.isdisjoint(codes) for _known, bad, codes in said)
    return begun, content


def _picker(places: Sequence[int]) -> Callable[[Sequence[str]], Iterable[str]]:
    """A function that takes the items at these places out of a list."""
    if len(places) > 1:
        return itemgetter(*places)
    return lambda answers: [answers[place] for place in places]


def enters_index(question: Question) -> bool:
    """Whether a question's answers are part of a form's index: a scale, of which one answer may be given."""
    return bool(question.satisfied) and question.in_index and not question.multiple


def linh_vuc_of(
    sheets: Iterable[CountedSheet], answers: Iterable[SheetAnswers], form: Form
) -> dict[str, str]:
    """Each sheet's lĩnh vực: its own answer; the batch's where that is blank or invalid, or not asked."""
    if form.linh_vuc_question is None:
        return {sheet.sheet: sheet.linh_vuc for sheet in sheets}
    question = form.question(form.linh_vuc_question)
    label = {option.code: option.label for option in question.options}
    said = _said(answers, question)
    # An office may name a batch's lĩnh vực by its code or by its label: both are one group.
    return {sheet.sheet: said.get(sheet.sheet, label.get(sheet.linh_vuc, sheet.linh_vuc)) for sheet in sheets}


def groups_by_answer(
    sheets: Iterable[CountedSheet], answers: Iterable[SheetAnswers], form: Form, name: str
) -> tuple[Group, ...]:
    """A form's sheets by what they answer to one of its questions, of which one option may be chosen.

    In printed order; then those that answer nothing valid, then those whose answer awaits review.
    """
    question = form.question(name)
    said = _said(answers, question)
    mine: dict[str, list[CountedSheet]] = {option.label: [] for option in question.options}
    mine |= {NOT_GIVEN: [], AWAITING: []}
    for sheet in sheets:
        if sheet.state in COUNTED and (sheet.form, sheet.edition) == (form.id, form.edition):
            mine[said.get(sheet.sheet, NOT_GIVEN)].append(sheet)
    found = []
    for value, group in mine.items():
        names = {sheet.sheet for sheet in group}
        cells = _count_cells(group, [each for each in answers if each.sheet in names], form)
        if group or value not in (NOT_GIVEN, AWAITING):
            found.append(_group("answer", value, cells.values(), form))
    return tuple(found)


def _said(answers: Iterable[SheetAnswers], question: Question) -> dict[str, str]:
    """The label of each sheet's answer to a question, or ``AWAITING``; none where it is blank or invalid."""
    label = {option.code: option.label for option in question.options}
    said: dict[str, str] = {}
    places: dict[str, int] = {}
    for each in answers:
        if each.questions not in places:
            asked = each.questions.split(",")
            places[each.questions] = asked.index(question.id) if question.id in asked else -1
        place = places[each.questions]
        answer = each.answers.split(",", place + 1)[place] if place >= 0 else ""
        if answer in label:
            said[each.sheet] = label[answer]
        elif place_of(answer, question.multiple) == IN_REVIEW:
            said[each.sheet] = AWAITING
    return said


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
