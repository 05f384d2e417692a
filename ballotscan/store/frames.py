"""The tables as pandas frames, for the tally. pandas is imported here and nowhere else in the store."""

from __future__ import annotations

from typing import Any

import pandas as pd
from sqlalchemy import Connection, Select, select

from ballotscan.store.queries import in_scope, settled, standing_ruling
from ballotscan.store.rows import Scope
from ballotscan.store.schema import answers, batches, rulings, sheets

_OF_BATCH = (batches.c.unit, batches.c.channel, batches.c.linh_vuc)


def answers_frame(connection: Connection, scope: Scope) -> pd.DataFrame:
    """One row per question of each sheet, people's rulings settled in, in the order of the sheets.

    Columns: sheet, batch, unit, channel, linh_vuc, form, edition, received (date), sheet_state, question,
    codes (joined by |), outcome, status, invalid (True where a person ruled it so).
    """
    query = (
        select(sheets.c.id.label("sheet"), sheets.c.batch, *_OF_BATCH, sheets.c.form, sheets.c.edition)
        .add_columns(batches.c.received, sheets.c.state.label("sheet_state"))
        .add_columns(answers.c.question, *settled())
        .select_from(answers)
        .join(sheets, sheets.c.key == answers.c.sheet)
        .join(batches, batches.c.name == sheets.c.batch)
        .outerjoin(rulings, standing_ruling())
        .where(answers.c.reading == 1, in_scope(scope))
        .order_by(batches.c.key, sheets.c.number, answers.c.position)
    )
    frame = _frame(connection, query)
    frame["invalid"] = frame["invalid"].astype(bool)
    return frame


def sheets_frame(connection: Connection, scope: Scope) -> pd.DataFrame:
    """One row per sheet, in order.

    Columns: sheet, batch, unit, channel, linh_vuc, form, edition, received (date), sheet_state, reason.
    """
    query = (
        select(sheets.c.id.label("sheet"), sheets.c.batch, *_OF_BATCH, sheets.c.form, sheets.c.edition)
        .add_columns(batches.c.received, sheets.c.state.label("sheet_state"), sheets.c.reason)
        .join(batches, batches.c.name == sheets.c.batch)
        .where(in_scope(scope))
        .order_by(batches.c.key, sheets.c.number)
    )
    return _frame(connection, query)


def _frame(connection: Connection, query: Select[Any]) -> pd.DataFrame:
    result = connection.execute(query)
    return pd.DataFrame(result.all(), columns=list(result.keys()))
