"""What the tally counts: every sheet, and every answer with people's rulings settled in, as plain rows.

No data frames: to load pandas takes half as long as the whole tally of a quarter.
"""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from ballotscan.store.queries import in_scope, settled, standing_ruling
from ballotscan.store.rows import CountedAnswer, CountedSheet, Scope
from ballotscan.store.schema import answers, batches, rulings, sheets


def counted_sheets(connection: Connection, scope: Scope) -> list[CountedSheet]:
    """One row per sheet, in order."""
    query = (
        select(sheets.c.id, batches.c.unit, batches.c.channel, batches.c.linh_vuc)
        .add_columns(sheets.c.form, sheets.c.edition, sheets.c.state, func.coalesce(sheets.c.reason, ""))
        .join(batches, batches.c.name == sheets.c.batch)
        .where(in_scope(scope))
        .order_by(batches.c.key, sheets.c.number)
    )
    return [CountedSheet(*row) for row in connection.execute(query)]


def counted_answers(connection: Connection, scope: Scope) -> list[CountedAnswer]:
    """One row per question of each sheet, in the order of the sheets."""
    query = (
        select(sheets.c.id, answers.c.question, *settled())
        .select_from(answers)
        .join(sheets, sheets.c.key == answers.c.sheet)
        .join(batches, batches.c.name == sheets.c.batch)
        .outerjoin(rulings, standing_ruling())
        .where(answers.c.reading == 1, in_scope(scope))
        .order_by(batches.c.key, sheets.c.number, answers.c.position)
    )
    return [CountedAnswer(*row) for row in connection.execute(query)]
