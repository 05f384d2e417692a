"""Looking up batches, sheets and answers. Functions of a connection that ``Store`` opens."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from typing import Any, Final, TypeVar

from sqlalchemy import ColumnElement, Connection, Row, Select, Table, and_, case, func, or_, select

from ballotscan.model import (
    Answer,
    Balance,
    BatchName,
    BatchSettings,
    BoxOpening,
    Outcome,
    PageState,
    Reason,
    SheetId,
    SheetState,
    Status,
)
from ballotscan.store.bodies import composed, read_answer, read_box
from ballotscan.store.rows import (
    AnswerRow,
    Difference,
    PastSide,
    QuestionCodes,
    Scope,
    SheetRow,
)
from ballotscan.store.schema import (
    answers,
    batches,
    boxes,
    files,
    forms,
    pages,
    rulings,
    scanned_again,
    sheets,
)

_MANY: Final = 500  # values in one IN (...): below every database's limit
_PAST_SHEETS: Final = 2000
"""Enough to know an office's usual share of blank answers to one in a hundred; asked in 0.1 s."""

_T = TypeVar("_T")


def parts(values: Sequence[_T]) -> Iterator[Sequence[_T]]:
    """Cut a long list for IN (...)."""
    for start in range(0, len(values), _MANY):
        yield values[start : start + _MANY]


def batch_row(connection: Connection, name: str) -> Row[Any] | None:
    return connection.execute(select(batches).where(batches.c.name == name)).first()


def all_batches(connection: Connection) -> list[BatchSettings]:
    """In the order in which they were begun."""
    return [
        BatchSettings(
            name=BatchName(row.name),
            forms=tuple(json.loads(row.forms)),
            received=row.received.isoformat(),
            channel=row.channel,
            unit=row.unit,
            linh_vuc=row.linh_vuc,
            expect=row.expect,
        )
        for row in connection.execute(select(batches).order_by(batches.c.key))
    ]


def in_scope(scope: Scope) -> ColumnElement[bool]:
    """The condition on ``batches`` that a scope means."""
    limits: list[ColumnElement[bool]] = []
    if scope.first is not None:
        limits.append(batches.c.received >= scope.first)
    if scope.last is not None:
        limits.append(batches.c.received <= scope.last)
    if scope.batch is not None:
        limits.append(batches.c.name == composed(scope.batch))
    return and_(True, *limits)


# --- sheets and answers ----------------------------------------------------------------------------------


def sheet_rows(connection: Connection, scope: Scope) -> Iterator[SheetRow]:
    query = (
        select(sheets)
        .join(batches, batches.c.name == sheets.c.batch)
        .where(in_scope(scope))
        .order_by(batches.c.key, sheets.c.number)
    )
    yield from map(sheet_row, connection.execute(query))


def sheet_row(row: Row[Any]) -> SheetRow:
    """A row of ``sheets`` as it is given out."""
    return SheetRow(
        sheet=SheetId(row.id),
        batch=row.batch,
        form=row.form,
        edition=row.edition,
        state=SheetState(row.state),
        machine_state=SheetState(row.machine_state),
        reason=Reason(row.reason) if row.reason else None,
        serial=row.serial,
    )


def standing_ruling() -> ColumnElement[bool]:
    """Joins an answer to the ruling that stands for it."""
    return and_(
        rulings.c.sheet == answers.c.sheet,
        rulings.c.question == answers.c.question,
        rulings.c.superseded_by.is_(None),
    )


def open_to_ruling() -> ColumnElement[bool]:
    """An answer of the machine's that does not count as it is: doubtful, or on a sheet that is held back."""
    held_back = (SheetState.SET_ASIDE.value, SheetState.INCOMPLETE.value)
    return or_(answers.c.status == Status.REVIEW.value, sheets.c.machine_state.in_(held_back))


def settled() -> tuple[ColumnElement[Any], ...]:
    """The columns codes, outcome, status and invalid of an answer with the standing ruling settled in."""
    ruled = rulings.c.key.is_not(None)
    return (
        case((ruled, rulings.c.codes), else_=answers.c.codes).label("codes"),
        case((ruled, "ruled"), else_=answers.c.outcome).label("outcome"),
        case(
            (ruled, Status.ACCEPTED.value),
            (open_to_ruling(), Status.REVIEW.value),
            else_=Status.ACCEPTED.value,
        ).label("status"),
        case((ruled, rulings.c.invalid), else_=False).label("invalid"),
    )


def _answers_with_pages(scope: Scope, *, in_review: bool) -> Select[Any]:
    query = (
        select(sheets.c.id, sheets.c.batch, sheets.c.form, sheets.c.edition, files.c.shown, pages.c.page)
        .add_columns(answers.c.question, answers.c.side, *settled(), answers.c.confidence, answers.c.reason)
        .select_from(answers)
        .join(sheets, sheets.c.key == answers.c.sheet)
        .join(batches, batches.c.name == sheets.c.batch)
        .outerjoin(rulings, standing_ruling())
        .outerjoin(pages, and_(pages.c.sheet == sheets.c.key, pages.c.sheet_side == answers.c.side))
        .outerjoin(files, files.c.key == pages.c.file)
        .where(answers.c.reading == 1, in_scope(scope))
        .order_by(batches.c.key, sheets.c.number, answers.c.position)
    )
    if in_review:
        query = query.where(
            sheets.c.state.not_in((SheetState.READ.value, SheetState.VOID.value)),
            open_to_ruling(),
            rulings.c.key.is_(None),
        )
    return query


def answer_rows(connection: Connection, scope: Scope, *, in_review: bool = False) -> Iterator[AnswerRow]:
    """Every answer (or only those that wait for a person), sheet by sheet, in printed order."""
    query = _answers_with_pages(scope, in_review=in_review).execution_options(yield_per=1000)
    for row in connection.execute(query):
        yield AnswerRow(
            sheet=row.id,
            batch=row.batch,
            form=row.form,
            edition=row.edition,
            file=row.shown or "",
            page=row.page,
            question=row.question,
            side=row.side,
            codes=row.codes,
            outcome=row.outcome,
            status=row.status,
            confidence=row.confidence,
            reason=row.reason or "",
            invalid=bool(row.invalid),
        )


def answers_of(connection: Connection, sheet: str, reading: int) -> tuple[Answer, ...]:
    """A sheet's answers in printed order as the machine read them; none if there is no such reading."""
    query = (
        select(answers)
        .join(sheets, sheets.c.key == answers.c.sheet)
        .where(sheets.c.id == sheet, answers.c.reading == reading)
        .order_by(answers.c.position)
    )
    return tuple(read_answer(row) for row in connection.execute(query))


def differences(connection: Connection, batch: str) -> list[Difference]:
    """Every answer of a batch that its newest reading sees otherwise than the first."""
    read_again = select(answers.c.sheet).where(answers.c.reading > 1)
    query = (
        select(sheets.c.id, answers)
        .join(sheets, sheets.c.key == answers.c.sheet)
        .where(sheets.c.batch == batch, sheets.c.key.in_(read_again))
        .order_by(sheets.c.number, answers.c.reading, answers.c.position)
    )
    by_sheet: dict[SheetId, dict[int, dict[str, Answer]]] = defaultdict(lambda: defaultdict(dict))
    for row in connection.execute(query):
        by_sheet[row.id][row.reading][row.question] = read_answer(row)
    found = []
    for sheet, by_reading in by_sheet.items():
        newest = max(by_reading)
        first, second = by_reading[1], by_reading[newest]
        for question in dict.fromkeys([*first, *second]):
            one, other = first.get(question), second.get(question)
            if _verdict(one) != _verdict(other):
                found.append(Difference(sheet, question, one, other, newest))
    return found


def _verdict(answer: Answer | None) -> tuple[Any, ...] | None:
    return None if answer is None else (answer.codes, answer.outcome, answer.status)


def questions(connection: Connection) -> dict[tuple[str, str], tuple[QuestionCodes, ...]]:
    """What can be answered on each form and edition that was read, as it was when last scanned with."""
    found = {}
    for row in connection.execute(select(forms).order_by(forms.c.key)):
        found[row.form, row.edition] = tuple(
            QuestionCodes(question, side, multiple, tuple(codes))
            for question, side, multiple, codes in json.loads(row.questions)
        )
    return found


def past_sides(connection: Connection, forms_at_hand: Collection[str], but: str) -> list[PastSide]:
    """What the last sheets of these forms showed, side by side, without those of one batch."""
    last = (
        select(sheets.c.key)
        .where(sheets.c.form.in_(sorted(forms_at_hand)), sheets.c.batch != but, sheets.c.reason.is_(None))
        .order_by(sheets.c.key.desc())
        .limit(_PAST_SHEETS)
    )
    query = (
        select(sheets.c.form, sheets.c.edition, answers.c.side, func.count().label("questions"))
        .add_columns(func.sum(case((answers.c.outcome == Outcome.BLANK.value, 1), else_=0)).label("blank"))
        .add_columns(func.sum(case((answers.c.status == Status.REVIEW.value, 1), else_=0)).label("in_review"))
        .select_from(answers)
        .join(sheets, sheets.c.key == answers.c.sheet)
        .where(answers.c.sheet.in_(last), answers.c.reading == 1)
        .group_by(answers.c.sheet, sheets.c.form, sheets.c.edition, answers.c.side)
    )
    rows = connection.execute(query)
    counts = Counter((r.form, r.edition, r.side, r.questions, int(r.blank), int(r.in_review)) for r in rows)
    return [PastSide(*side, count) for side, count in sorted(counts.items())]


def rulings_on(connection: Connection, names: Collection[str]) -> int:
    """How many rulings stand on the sheets of these batches."""
    query = (
        select(sheets.c.batch, func.count())
        .join(rulings, rulings.c.sheet == sheets.c.key)
        .where(rulings.c.superseded_by.is_(None))
        .group_by(sheets.c.batch)
    )
    return sum(count for batch, count in connection.execute(query) if batch in names)


def box_openings(connection: Connection, batch: str | None) -> list[BoxOpening]:
    """The minutes that stand, of one batch or all, as they were entered."""
    query = select(boxes).where(boxes.c.standing).order_by(boxes.c.key)
    if batch is not None:
        query = query.where(boxes.c.batch == batch)
    return [read_box(json.loads(row.minute)) for row in connection.execute(query)]


# --- the balance -----------------------------------------------------------------------------------------


def balances(connection: Connection, batch: str | None = None) -> dict[str, Balance]:
    """Where everything of each batch (or of one) went; by batch, in a few queries however many there are.

    What came in is counted by the files, apart from the pages stored.
    """
    each_file = func.sum(case((files.c.page_count > 0, files.c.page_count), else_=1))
    came_in = _sums(connection, files.c.batch, each_file, batch)
    by_state = _counts(connection, pages.c.batch, pages.c.state, batch)
    by_sheet_state = _counts(connection, sheets.c.batch, sheets.c.state, batch)
    again = _sums(connection, sheets.c.batch, func.count(), batch, scanned_again)
    query = select(batches.c.name, batches.c.sheets_made, batches.c.sheets_released)
    query = query if batch is None else query.where(batches.c.name == batch)
    return {
        row.name: Balance(
            pages_in=came_in[row.name],
            pages_on_sheets=by_state[row.name, PageState.ON_SHEET],
            pages_non_ballot=by_state[row.name, PageState.NON_BALLOT],
            pages_repeat=by_state[row.name, PageState.REPEAT],
            pages_set_aside=by_state[row.name, PageState.SET_ASIDE],
            sheets=row.sheets_made - row.sheets_released,
            sheets_read=by_sheet_state[row.name, SheetState.READ],
            sheets_review=by_sheet_state[row.name, SheetState.REVIEW],
            sheets_void=by_sheet_state[row.name, SheetState.VOID],
            sheets_set_aside=by_sheet_state[row.name, SheetState.SET_ASIDE],
            sheets_incomplete=by_sheet_state[row.name, SheetState.INCOMPLETE],
            sheets_again=again[row.name],  # void sheets whose paper counts as another sheet
        )
        for row in connection.execute(query)
    }


def pages_pending(connection: Connection) -> dict[str, int]:
    """How many pages of each batch have no place yet."""
    by_state = _counts(connection, pages.c.batch, pages.c.state, None)
    return {batch: count for (batch, state), count in by_state.items() if state == PageState.PENDING}


def _sums(
    connection: Connection, by: Any, what: Any, batch: str | None, of: Table | None = None
) -> dict[str, int]:
    """A sum for each batch; ``of`` is counted through its sheets."""
    query = select(by, what).group_by(by)
    if of is not None:
        query = query.select_from(of).join(sheets, sheets.c.key == of.c.sheet)
    query = query if batch is None else query.where(by == batch)
    return defaultdict(int, {row[0]: int(row[1]) for row in connection.execute(query)})


def _counts(connection: Connection, by: Any, state: Any, batch: str | None) -> dict[tuple[str, str], int]:
    query = select(by, state, func.count()).group_by(by, state)
    query = query if batch is None else query.where(by == batch)
    return defaultdict(int, {(row[0], row[1]): row[2] for row in connection.execute(query)})
