"""Whether the tables still say what the ledger says, asked before every tally and so made cheap.

The whole check makes all tables again from the ledger, in a database of its own that is thrown away. Its
digests are kept together with the chain's head; until an entry is added that tables are made from, comparing
digests is enough. What is kept is a convenience, no proof: ``verify`` and ``close`` never look at it.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, create_engine, delete, func, insert, select
from sqlalchemy.pool import StaticPool

from ballotscan.store import ledger, projections, schema

_NAME: Final = "verified"
NOTE: Final = ".verified"


@dataclass(frozen=True, slots=True)
class Verified:
    """The last entry up to which all was found right, and the tables' digests at that time."""

    seq: int
    head: str
    digests: dict[str, str]


@dataclass(frozen=True, slots=True)
class Check:
    """``fault`` is empty, ``head`` (the head that was verified last is gone), ``chain`` or ``tables``."""

    fault: str
    seq: int = 0
    tables: tuple[str, ...] = ()
    verified: Verified | None = None  # to be kept, where it is new


def check_since_verified(connection: Connection) -> Check:
    """Follow the chain from the head that was verified last, and compare the tables."""
    last = read_verified(connection)
    if last and not ledger.has_head(connection, last.seq, last.head):
        return Check("head", last.seq)
    report = ledger.verify_chain(connection, last.seq if last else 0)
    if not report.whole:
        return Check("chain", report.seq or 0)
    found = projections.digests(connection)
    expected = (
        last.digests
        if last and last.digests.keys() == found.keys() and not _table_entries(connection, last.seq)
        else rebuilt_digests(connection)
    )
    differing = tuple(name for name in found if found[name] != expected.get(name))
    if differing:
        return Check("tables", tables=differing)
    verified = Verified(report.entries, report.head, found)
    return Check("", verified=None if verified == last else verified)


def file_digest(path: Path) -> str:
    """The SHA-256 of a database file's bytes: 0.1 s for the 135 MB of a million answers, where the digests of
    all rows take 4. Only to be called inside a reading transaction, which keeps writers out.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def unchanged(path: Path) -> bool:
    """Whether every byte of a database file is as when all of it was last found right."""
    note = path.with_name(path.name + NOTE)
    try:
        return note.read_text(encoding="ascii") == file_digest(path)
    except (OSError, ValueError):
        return False


def note_unchanged(path: Path) -> None:
    """Remember a database file's bytes as right. A convenience like ``Verified``, and no proof: whoever can
    write it can write the database. Where it cannot be written, the next check is the long one.
    """
    with suppress(OSError):
        path.with_name(path.name + NOTE).write_text(file_digest(path), encoding="ascii")


def _table_entries(connection: Connection, after: int) -> int:
    """How many entries came after one that tables are made from."""
    came = (schema.ledger.c.seq > after, schema.ledger.c.kind.not_in(projections.WITHOUT_TABLE))
    return connection.execute(select(func.count()).select_from(schema.ledger).where(*came)).scalar_one()


def rebuilt_digests(connection: Connection) -> dict[str, str]:
    """The tables' digests as they must be: made anew from the ledger, beside the database."""
    # An empty name is a file of SQLite's own that lies on disk if it grows, and is gone afterwards.
    engine = create_engine("sqlite://", creator=lambda: sqlite3.connect(""), poolclass=StaticPool)
    try:
        with engine.begin() as beside:
            beside.exec_driver_sql("PRAGMA synchronous=OFF")
            schema.projected.create_all(beside)
            projections.fill(connection, beside)
            return projections.digests(beside)
    finally:
        engine.dispose()


def read_verified(connection: Connection) -> Verified | None:
    """What ``keep_verified`` kept; nothing where that cannot be understood."""
    query = select(schema.about.c.value).where(schema.about.c.name == _NAME)
    kept = connection.execute(query).scalar_one_or_none()
    try:
        return Verified(**json.loads(kept)) if kept else None
    except (ValueError, TypeError):
        return None


def keep_verified(connection: Connection, verified: Verified) -> None:
    connection.execute(delete(schema.about).where(schema.about.c.name == _NAME))
    connection.execute(insert(schema.about), {"name": _NAME, "value": json.dumps(asdict(verified))})
