"""Closed periods: which there are, and that nothing enters them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Final

from sqlalchemy import Connection, select

from ballotscan.errors import ClosedError
from ballotscan.i18n import gettext as _
from ballotscan.store import ledger, schema
from ballotscan.store.queries import batch_row
from ballotscan.store.rows import Closing
from ballotscan.store.schema import closes

SIGNED: Final = ("close", "amendment")
_INTO_BATCHES: Final = frozenset(
    {"batch", "run", "file", "page", "sheet", "second_reading", "released", "ruling", "void", "warning"}
    | {"replaced", "box", "proposal", "sheet_proposal", "withdrawn", "counted", "paired", "control", "text"}
)
"""Kinds that belong to a batch, and through it to a period."""


def closings(connection: Connection) -> list[Closing]:
    """Every close and amendment, in order."""
    rows = connection.execute(select(closes).order_by(closes.c.key)).all()
    entries = ledger.read_entries(connection, [row.key for row in rows])
    query = select(schema.ledger.c.seq, schema.ledger.c.hash)
    mine = query.where(schema.ledger.c.seq.in_([row.key for row in rows]))
    hashes = {row.seq: bytes(row.hash).hex() for row in connection.execute(mine)}
    return [
        Closing(
            seq=row.key,
            kind=row.kind,
            period=row.period,
            first=row.first,
            last=row.last,
            unit=row.unit,
            standing=row.standing,
            at=entries[row.key].body["at"],
            signers=tuple(each["name"] for each in entries[row.key].body["statement"]["signers"]),
            head=hashes[row.key],
            reason=entries[row.key].body["statement"]["reason"],
        )
        for row in rows
    ]


def refuse_closed(connection: Connection, kind: str, bodies: Sequence[Mapping[str, Any]]) -> None:
    """Raises ``ClosedError`` where an entry belongs to a period that is closed."""
    if kind not in _INTO_BATCHES or not bodies:
        return
    standing = connection.execute(select(closes).where(closes.c.standing)).all()
    if not standing:
        return
    for name in sorted({_batch_of(body) for body in bodies}):
        known = batch_row(connection, name)
        if known is not None:
            refuse_day(standing, known.received, known.unit)
    for body in bodies if kind == "batch" else ():
        refuse_day(standing, date.fromisoformat(body["received"]), body["unit"])
    for body in bodies if kind == "box" else ():
        refuse_day(standing, date.fromisoformat(body["minute"]["opened"]), body["minute"]["unit"])


def _batch_of(body: Mapping[str, Any]) -> str:
    """The batch an entry belongs to; a ruling names it in its sheet's id."""
    return str(body.get("batch") or str(body.get("id", "")).rpartition("/")[0])


def refuse_day(standing: Iterable[Any], received: date, unit: str) -> None:
    """Raises ``ClosedError`` if what was received on that day for that unit lies in a closed period."""
    for row in standing:
        if row.first <= received <= row.last and row.unit in ("", unit):
            raise ClosedError(
                _("The period {period}, {first} to {last}, is closed: nothing can be added to it.").format(
                    period=row.period, first=row.first, last=row.last
                ),
                _(
                    "Late sheets go into the next, {next}: scan them as a batch received on {day} or later. "
                    "Or the operator and the auditor sign an amendment."
                ).format(next=row.next, day=row.next_day),
            )
