"""What the tally counts: every sheet with all its answers, people's rulings settled in.

No data frames, and one row a sheet rather than one an answer: to load pandas takes half as long as the whole
tally of a quarter, to fetch a million rows as long as to count them ten times, and to have the database join
them to a row for each sheet as long as to count them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from sqlalchemy import Connection, func, select

from ballotscan.model import SheetState
from ballotscan.store.queries import in_scope
from ballotscan.store.rows import IN_REVIEW, RULED_INVALID, UNDECIDED, CountedSheet, Scope, SheetAnswers
from ballotscan.store.schema import batches, rulings, sheet_answers, sheets

_HELD_BACK = (SheetState.SET_ASIDE, SheetState.INCOMPLETE)


def counted(connection: Connection, scope: Scope) -> tuple[list[CountedSheet], list[SheetAnswers]]:
    """Every sheet in order, and of each its answers."""
    query = (
        select(sheets.c.id, batches.c.unit, batches.c.channel, batches.c.linh_vuc)
        .add_columns(sheets.c.form, sheets.c.edition, sheets.c.state, func.coalesce(sheets.c.reason, ""))
        .add_columns(sheets.c.key, sheets.c.machine_state)
        .add_columns(sheet_answers.c.questions, sheet_answers.c.answers)
        .join(batches, batches.c.name == sheets.c.batch)
        .outerjoin(sheet_answers, sheet_answers.c.sheet == sheets.c.key)
        .where(in_scope(scope))
        .order_by(batches.c.key, sheets.c.number)
    )
    ruled = _rulings(connection)
    found: list[CountedSheet] = []
    read: list[SheetAnswers] = []
    for *about, key, machine_state, questions, answers in connection.execute(query):
        found.append(CountedSheet(*about))
        if not questions:
            continue
        held_back = machine_state in _HELD_BACK
        if held_back or key in ruled:
            settled = _settled(questions.split(","), answers.split(","), ruled.get(key, {}), held_back)
            read.append(SheetAnswers(about[0], questions, ",".join(settled)))
        else:
            read.append(SheetAnswers(about[0], questions, answers))
    return found, read


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
