"""What the tally counts: every sheet with all its answers, people's rulings settled in.

No data frames, and one row a sheet rather than one an answer: to load pandas takes half as long as the whole
tally of a quarter, and to fetch a million rows as long as to count them ten times.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from sqlalchemy import Connection, case, func, select

from ballotscan.model import Outcome, SheetState, Status
from ballotscan.store.queries import in_scope
from ballotscan.store.rows import IN_REVIEW, RULED_INVALID, UNDECIDED, CountedSheet, Scope, SheetAnswers
from ballotscan.store.schema import answers, batches, rulings, sheets

_HELD_BACK = (SheetState.SET_ASIDE, SheetState.INCOMPLETE)


def counted(connection: Connection, scope: Scope) -> tuple[list[CountedSheet], list[SheetAnswers]]:
    """Every sheet in order, and of each its answers."""
    query = (
        select(sheets.c.key, sheets.c.machine_state, sheets.c.id)
        .add_columns(batches.c.unit, batches.c.channel, batches.c.linh_vuc)
        .add_columns(sheets.c.form, sheets.c.edition, sheets.c.state, func.coalesce(sheets.c.reason, ""))
        .join(batches, batches.c.name == sheets.c.batch)
        .where(in_scope(scope))
        .order_by(batches.c.key, sheets.c.number)
    )
    rows = connection.execute(query).all()
    held_back = {row[0] for row in rows if row[1] in _HELD_BACK}
    names = {row[0]: row[2] for row in rows}
    read = list(_answers(connection, scope, names, held_back))
    return [CountedSheet(*row[2:]) for row in rows], read


def _answers(
    connection: Connection, scope: Scope, names: Mapping[int, str], held_back: set[int]
) -> Iterator[SheetAnswers]:
    """By sheet. The database joins questions and answers in one and the same order, whichever it is."""
    undecided = answers.c.outcome.in_((Outcome.UNSURE.value, Outcome.UNREADABLE.value))
    mark = case(
        (answers.c.status == Status.REVIEW.value, IN_REVIEW),
        (answers.c.status != Status.ACCEPTED.value, UNDECIDED),
        (undecided, UNDECIDED),
        else_="",
    )
    query = (
        select(answers.c.sheet, func.aggregate_strings(answers.c.question, ","))
        .add_columns(func.aggregate_strings(answers.c.codes + mark, ","))
        .where(answers.c.reading == 1)
        .group_by(answers.c.sheet)
        .order_by(answers.c.sheet)
    )
    if scope != Scope():
        mine = select(sheets.c.key).join(batches, batches.c.name == sheets.c.batch).where(in_scope(scope))
        query = query.where(answers.c.sheet.in_(mine))
    ruled = _rulings(connection)
    for key, questions, read in connection.execute(query):
        if key in ruled or key in held_back:
            asked = questions.split(",")
            settled = _settled(asked, read.split(","), ruled.get(key, {}), key in held_back)
            yield SheetAnswers(names[key], questions, ",".join(settled))
        else:
            yield SheetAnswers(names[key], questions, read)


def _rulings(connection: Connection) -> dict[int, dict[str, str]]:
    """By sheet and question what people decided."""
    query = select(rulings.c.sheet, rulings.c.question, rulings.c.codes, rulings.c.invalid)
    found: dict[int, dict[str, str]] = defaultdict(dict)
    for sheet, question, codes, invalid in connection.execute(query.where(rulings.c.superseded_by.is_(None))):
        found[sheet][question] = codes + (RULED_INVALID if invalid else "")
    return found


def _settled(asked: list[str], read: list[str], ruled: Mapping[str, str], held_back: bool) -> Iterator[str]:
    """A ruling goes before what was read; on a sheet that is held back all else waits."""
    for question, answer in zip(asked, read, strict=True):
        if question in ruled:
            yield ruled[question]
        else:
            yield answer.rstrip(IN_REVIEW + UNDECIDED) + IN_REVIEW if held_back else answer
