"""Entries of audits. No table is made from them: there are few, and they are read in order."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select

from ballotscan.store import ledger
from ballotscan.store.schema import ledger as entries


def bodies(connection: Connection, kind: str) -> list[tuple[int, dict[str, Any]]]:
    """Number and content of every entry of a kind, in order."""
    query = select(entries.c.seq, entries.c.body).where(entries.c.kind == kind).order_by(entries.c.seq)
    return [(row.seq, dict(ledger.read_body(row.body))) for row in connection.execute(query)]
