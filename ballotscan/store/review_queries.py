"""What the review page shows: answers and sheets that wait, what was said of them, how it goes on.

Functions of a connection, as in ``queries``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, Select, func, or_, select

from ballotscan.four_eyes import Opinion
from ballotscan.model import PageRef, Sha256, SheetId, SheetState
from ballotscan.store.proposals import opinion_of
from ballotscan.store.queries import open_to_ruling, parts, sheet_row, standing_ruling
from ballotscan.store.rows import SheetRow
from ballotscan.store.schema import (
    agreed,
    answers,
    batches,
    controls,
    files,
    pages,
    proposals,
    rulings,
    scanned_again,
    sheets,
    texts,
)

ItemKey = tuple[int, str]
"""Sheet and question."""


class ReviewAnswer(NamedTuple):
    """An answer as the machine decided it, and the ruling that stands (0: none)."""

    key: int  # the sheet's
    sheet: SheetId
    batch: str
    form: str
    edition: str
    question: str
    side: int
    codes: str
    outcome: str
    status: str
    confidence: float
    reason: str
    ruling: int = 0
    ruled_codes: str = ""
    ruled_invalid: bool = False

    @property
    def item(self) -> ItemKey:
        return self.key, self.question


class DoubtfulSheet(NamedTuple):
    """A sheet that is held back as a whole, with the sheet that bears its serial or mark, if one is known."""

    key: int
    sheet: SheetId
    batch: str
    form: str
    edition: str
    state: SheetState
    reason: str
    serial: str


class SidePage(NamedTuple):
    """A page that lies on a sheet: ``key`` is its reading's, 0 where it could not be read."""

    key: int
    side: int
    ref: PageRef
    reason: str


class PersonFigures(NamedTuple):
    """What one person did: decisions, controls, controls answered wrongly, overruled by two."""

    name: str
    decisions: int
    controls: int
    wrong: int
    overruled: int


class Agreement(NamedTuple):
    """Rulings that stand on answers of sheets that count: ``by_two`` persons settled them, in ``disputed``
    of these after two had differed; ``alone`` one person did.
    """

    by_two: int
    disputed: int
    alone: int


_ANSWER = (
    *(sheets.c.key, sheets.c.id, sheets.c.batch, sheets.c.form, sheets.c.edition),
    *(answers.c.question, answers.c.side, answers.c.codes, answers.c.outcome, answers.c.status),
    *(answers.c.confidence, answers.c.reason, rulings.c.key.label("ruling")),
    *(rulings.c.codes.label("ruled_codes"), rulings.c.invalid),
)


def _answers() -> Select[Any]:
    return (
        select(*_ANSWER)
        .select_from(answers)
        .join(sheets, sheets.c.key == answers.c.sheet)
        .join(batches, batches.c.name == sheets.c.batch)
        .outerjoin(rulings, standing_ruling())
        .where(answers.c.reading == 1)
    )


def _row(row: Row[Any]) -> ReviewAnswer:
    values: tuple[Any, ...] = tuple(row)
    reason, ruling, ruled_codes, invalid = values[-4:]
    settled = (reason or "", ruling or 0, ruled_codes or "", bool(invalid))
    return ReviewAnswer._make((*values[:-4], *settled))


def waiting_answers(connection: Connection) -> list[ReviewAnswer]:
    """Every answer that waits for people, in stack order; none of a sheet that is held back as a whole."""
    query = (
        _answers()
        .where(sheets.c.state.not_in((SheetState.READ.value, SheetState.VOID.value)))
        .where(open_to_ruling(), rulings.c.key.is_(None), or_(sheets.c.reason.is_(None), _counted()))
        .order_by(batches.c.key, sheets.c.number, answers.c.position)
    )
    return [_row(row) for row in connection.execute(query)]


def _counted() -> ColumnElement[bool]:
    """Sheets of which two persons said that they count."""
    return sheets.c.key.in_(
        select(proposals.c.sheet).where(proposals.c.act == "count", proposals.c.settled.is_not(None))
    )


def answers_of_sheet(connection: Connection, sheet: str) -> list[ReviewAnswer]:
    """All answers of a sheet, in printed order."""
    query = _answers().where(sheets.c.id == sheet).order_by(answers.c.position)
    return [_row(row) for row in connection.execute(query)]


def answer_at(connection: Connection, item: ItemKey) -> ReviewAnswer | None:
    """One answer, as it stands now."""
    query = _answers().where(answers.c.sheet == item[0], answers.c.question == item[1])
    row = connection.execute(query).first()
    return None if row is None else _row(row)


def settled_answers(connection: Connection, limit: int) -> list[tuple[ReviewAnswer, str, str]]:
    """Answers that two persons have settled, the last first, with the two names: known to be right."""
    query = (
        _answers()
        .add_columns(rulings.c.ruled_by, agreed.c.second)
        .join(agreed, agreed.c.ruling == rulings.c.key)
        .where(
            sheets.c.state.in_((SheetState.READ.value, SheetState.REVIEW.value)), sheets.c.reason.is_(None)
        )
        .order_by(rulings.c.key.desc())
        .limit(limit)
    )
    return [(_row(row[:-2]), row.ruled_by, row.second) for row in connection.execute(query)]  # type: ignore[arg-type]


def sure_answers(connection: Connection, limit: int) -> list[ReviewAnswer]:
    """Answers that the machine is sure of, of the last sheets that have no doubt at all."""
    last = (
        select(sheets.c.key)
        .where(sheets.c.machine_state == SheetState.READ.value, sheets.c.state == SheetState.READ.value)
        .order_by(sheets.c.key.desc())
        .limit(limit)
    )
    query = _answers().where(answers.c.sheet.in_(last), answers.c.outcome == "one", rulings.c.key.is_(None))
    return [_row(row) for row in connection.execute(query.order_by(answers.c.sheet, answers.c.position))]


def opinions_on(connection: Connection, items: Iterable[int]) -> dict[ItemKey, list[Opinion]]:
    """What stands of people's opinions on these sheets, by sheet and question (empty: the sheet itself)."""
    found: dict[ItemKey, list[Opinion]] = defaultdict(list)
    for part in parts(sorted(set(items))):
        query = (
            select(proposals)
            .where(proposals.c.sheet.in_(part))
            .where(proposals.c.withdrawn.is_(None), proposals.c.settled.is_(None))
            .order_by(proposals.c.key)
        )
        for row in connection.execute(query):
            found[row.sheet, row.question].append(opinion_of(row))
    return found


def notes_on(connection: Connection, keys: Iterable[int]) -> dict[int, str]:
    """The notes of these proposals."""
    query = select(proposals.c.key, proposals.c.note).where(proposals.c.key.in_(list(keys)))
    return {row.key: row.note for row in connection.execute(query)}


# --- sheets ----------------------------------------------------------------------------------------------


def doubtful_sheets(connection: Connection) -> list[DoubtfulSheet]:
    """Sheets that are held back as a whole and of which nobody has settled whether they count."""
    open_states = (SheetState.REVIEW.value, SheetState.SET_ASIDE.value, SheetState.INCOMPLETE.value)
    query = (
        select(sheets)
        .join(batches, batches.c.name == sheets.c.batch)
        .where(sheets.c.state.in_(open_states), sheets.c.reason.is_not(None), ~_counted())
        .order_by(batches.c.key, sheets.c.number)
    )
    return [
        DoubtfulSheet(
            *(row.key, row.id, row.batch, row.form, row.edition, SheetState(row.state)),
            row.reason or "",
            row.serial or "",
        )
        for row in connection.execute(query)
    ]


def pages_of_sheet(connection: Connection, sheet: str) -> list[SidePage]:
    """A sheet's pages by side."""
    query = (
        select(pages, files.c.shown, files.c.original)
        .join(sheets, sheets.c.key == pages.c.sheet)
        .join(files, files.c.key == pages.c.file)
        .where(sheets.c.id == sheet, pages.c.sheet_side.is_not(None))
        .order_by(pages.c.sheet_side)
    )
    return [
        SidePage(
            row.key if row.read else 0,
            row.sheet_side,
            PageRef(row.shown, row.page, Sha256(row.original)),
            row.reason or "",
        )
        for row in connection.execute(query)
    ]


def with_serial(connection: Connection, form: str, serial: str, but: str) -> list[SheetId]:
    """Other sheets of a form that bear a serial and are not void."""
    query = (
        select(sheets.c.id)
        .where(sheets.c.form == form, sheets.c.serial == serial, sheets.c.id != but)
        .where(sheets.c.state != SheetState.VOID.value)
        .order_by(sheets.c.key)
    )
    return [SheetId(found) for found in connection.execute(query).scalars()]


def papers(connection: Connection, batch: str) -> list[tuple[SheetId, SheetState]]:
    """The sheets of a batch as they lie in the stack, one for each paper: no second scans."""
    again = select(scanned_again.c.sheet)
    place = select(pages.c.sheet, func.min(pages.c.file * 1_000_000 + pages.c.page).label("place"))
    first = place.where(pages.c.sheet.is_not(None)).group_by(pages.c.sheet).subquery()
    query = (
        select(sheets.c.id, sheets.c.state)
        .outerjoin(first, first.c.sheet == sheets.c.key)
        .where(sheets.c.batch == batch, sheets.c.key.not_in(again), first.c.place.is_not(None))
        .order_by(first.c.place, sheets.c.number)
    )
    return [(SheetId(row.id), SheetState(row.state)) for row in connection.execute(query)]


# --- texts -----------------------------------------------------------------------------------------------


def text_of(connection: Connection, sheet: int, field: str) -> str | None:
    """What a person typed from a field, as it stands."""
    query = select(texts.c.text).where(texts.c.sheet == sheet, texts.c.field == field)
    return connection.execute(query.where(texts.c.superseded_by.is_(None))).scalar_one_or_none()


def typed_fields(connection: Connection) -> set[tuple[int, str]]:
    """Sheet and field of every text that was typed."""
    query = select(texts.c.sheet, texts.c.field).where(texts.c.superseded_by.is_(None))
    return {(row.sheet, row.field) for row in connection.execute(query)}


def read_pages(connection: Connection) -> list[tuple[int, int, SheetId, str]]:
    """Reading, sheet, its id and its batch, of every page read that lies on a sheet that is not void."""
    query = (
        select(pages.c.key, sheets.c.key.label("sheet"), sheets.c.id, sheets.c.batch)
        .join(sheets, sheets.c.key == pages.c.sheet)
        .where(pages.c.read, sheets.c.state != SheetState.VOID.value)
        .order_by(pages.c.key)
    )
    return [(row.key, row.sheet, SheetId(row.id), row.batch) for row in connection.execute(query)]


# --- how it goes on --------------------------------------------------------------------------------------


def ruled_alone(connection: Connection, names: Collection[str]) -> int:
    """How many answers on sheets that count, of these batches, rest on one person alone."""
    query = (
        select(func.count())
        .select_from(rulings)
        .join(sheets, sheets.c.key == rulings.c.sheet)
        .outerjoin(agreed, agreed.c.ruling == rulings.c.key)
        .where(rulings.c.superseded_by.is_(None), agreed.c.ruling.is_(None))
        .where(sheets.c.state.in_((SheetState.READ.value, SheetState.REVIEW.value)))
    )
    found = (connection.execute(query.where(sheets.c.batch.in_(part))) for part in parts(sorted(names)))
    return sum(int(each.scalar_one()) for each in found)


def agreement(connection: Connection, names: Collection[str]) -> Agreement:
    """How people came to the rulings that stand on the sheets of these batches that count."""
    settled_by_two = (
        select(rulings.c.key)
        .join(agreed, agreed.c.ruling == rulings.c.key)
        .join(sheets, sheets.c.key == rulings.c.sheet)
        .where(rulings.c.superseded_by.is_(None))
        .where(sheets.c.state.in_((SheetState.READ.value, SheetState.REVIEW.value)))
    )
    other = or_(proposals.c.codes != rulings.c.codes, proposals.c.invalid != rulings.c.invalid)
    after_dispute = (
        select(proposals.c.key)
        .where(proposals.c.settled == rulings.c.key, proposals.c.act == "answer", other)
        .exists()
    )
    by_two = disputed = 0
    for part in parts(sorted(names)):
        of_part = settled_by_two.where(sheets.c.batch.in_(part))
        by_two += len(connection.execute(of_part).all())
        disputed += len(connection.execute(of_part.where(after_dispute)).all())
    return Agreement(by_two, disputed, ruled_alone(connection, names))


def person_figures(connection: Connection) -> list[PersonFigures]:
    """Each person's decisions, controls, and how often two others came to another ruling."""
    said = select(proposals.c.by_name, func.count().label("times")).where(proposals.c.act == "answer")
    decisions = {row.by_name: row.times for row in connection.execute(said.group_by(proposals.c.by_name))}
    query = select(controls.c.by_name, controls.c.right, func.count().label("times"))
    by_right: dict[tuple[str, bool], int] = {
        (row.by_name, bool(row.right)): row.times
        for row in connection.execute(query.group_by(controls.c.by_name, controls.c.right))
    }
    lost = (
        select(proposals.c.by_name, func.count().label("times"))
        .join(rulings, rulings.c.key == proposals.c.settled)
        .join(agreed, agreed.c.ruling == rulings.c.key)
        .where(or_(proposals.c.codes != rulings.c.codes, proposals.c.invalid != rulings.c.invalid))
        .where(proposals.c.act == "answer")
        .group_by(proposals.c.by_name)
    )
    overruled = {row.by_name: row.times for row in connection.execute(lost)}
    names = sorted(decisions.keys() | {name for name, _right in by_right})
    return [
        PersonFigures(
            name,
            decisions.get(name, 0),
            by_right.get((name, True), 0) + by_right.get((name, False), 0),
            by_right.get((name, False), 0),
            overruled.get(name, 0),
        )
        for name in names
    ]


def progress(connection: Connection) -> dict[str, tuple[int, int]]:
    """By batch: answers that people were asked for, and how many of them are settled."""
    asked = (
        select(sheets.c.batch, func.count().label("asked"), func.count(rulings.c.key).label("settled"))
        .select_from(answers)
        .join(sheets, sheets.c.key == answers.c.sheet)
        .outerjoin(rulings, standing_ruling())
        .where(answers.c.reading == 1, sheets.c.state != SheetState.VOID.value, open_to_ruling())
        .group_by(sheets.c.batch)
    )
    return {row.batch: (row.asked, row.settled) for row in connection.execute(asked)}


def deciders(connection: Connection, sheet: str) -> set[str]:
    """Who said anything of a sheet, its rulings by file included: none of them audits it."""
    query = select(proposals.c.by_name).join(sheets, sheets.c.key == proposals.c.sheet)
    names = set(connection.execute(query.where(sheets.c.id == sheet)).scalars())
    ruled = select(rulings.c.ruled_by).join(sheets, sheets.c.key == rulings.c.sheet)
    return names | set(connection.execute(ruled.where(sheets.c.id == sheet)).scalars())


def sheet_at(connection: Connection, key: int) -> SheetRow | None:
    """A sheet by its entry."""
    row = connection.execute(select(sheets).where(sheets.c.key == key)).first()
    return None if row is None else sheet_row(row)


def key_of(connection: Connection, sheet: str) -> int:
    """A sheet's entry; 0 where there is no such sheet."""
    return int(connection.execute(select(sheets.c.key).where(sheets.c.id == sheet)).scalar_one_or_none() or 0)


def sheets_spoken_of(connection: Connection) -> set[int]:
    """Sheets, by their entry, of which one person said something that waits for another."""
    query = (
        select(sheets.c.key)
        .join(proposals, proposals.c.sheet == sheets.c.key)
        .where(proposals.c.question == "", proposals.c.withdrawn.is_(None), proposals.c.settled.is_(None))
    )
    return set(connection.execute(query).scalars())
