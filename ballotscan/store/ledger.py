"""The append-only, hash-chained record.

Each entry's ``body`` is canonical JSON that holds its own ``seq``, ``kind`` and UTC time ``at``;
``hash = SHA-256(0x00 || prev || body)``, where ``prev`` is the hash before (32 zero bytes at the start).
The leading zero byte keeps these hashes apart from those of any other use (RFC 6962 does the same).
The chain shows that nothing in the middle was changed; that the end was not cut off shows only a head kept
somewhere else.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, insert, select

from ballotscan.store.schema import ledger

Body = Mapping[str, Any]
NO_HASH: Final = bytes(32)
_CHUNK: Final = 500  # entries fetched at a time: a page's body is 5 to 10 kB


class Entry(NamedTuple):
    seq: int
    kind: str
    body: Body


@dataclass(frozen=True, slots=True)
class ChainReport:
    """What ``verify_chain`` found. ``fault`` is empty for a whole chain; else ``seq`` is the faulty entry."""

    entries: int
    head: str  # hexadecimal
    seq: int | None = None
    fault: str = ""

    @property
    def whole(self) -> bool:
        return not self.fault


_encode = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


def canonical(body: Body) -> bytes:
    """The one way to write a body: keys sorted, no blanks, UTF-8, no NaN or infinity.

    As RFC 8785, but for floats, which are written in Python's shortest form that reads back the same.
    Raises ``ValueError`` for a number that is not finite.
    """
    return _encode(body).encode("utf-8")


def entry_hash(prev: bytes, body: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + prev + body).digest()


def head(connection: Connection) -> tuple[int, bytes]:
    """``seq`` and hash of the last entry; (0, 32 zero bytes) for an empty ledger."""
    row = connection.execute(
        select(ledger.c.seq, ledger.c.hash).order_by(ledger.c.seq.desc()).limit(1)
    ).first()
    return (row.seq, bytes(row.hash)) if row else (0, NO_HASH)


def now() -> str:
    """The time as entries bear it: UTC, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def append(connection: Connection, kind: str, bodies: Sequence[Body]) -> list[Entry]:
    """Add entries at the end, in the caller's transaction. The caller must hold the writer's lock.

    Entries bear the time of now, unless a body brings the one that was signed.
    """
    seq, prev = head(connection)
    at = now()
    rows = []
    entries = []
    for body in bodies:
        seq += 1
        whole = {"at": at, **body, "seq": seq, "kind": kind}
        written = canonical(whole)
        digest = entry_hash(prev, written)
        rows.append({"seq": seq, "kind": kind, "body": written, "prev": prev, "hash": digest})
        entries.append(Entry(seq, kind, whole))
        prev = digest
    if rows:
        connection.execute(insert(ledger), rows)
    return entries


def read_body(body: bytes) -> Body:
    """An entry's content from its bytes."""
    content: Body = json.loads(bytes(body))
    return content


def read_entries(connection: Connection, seqs: Collection[int]) -> dict[int, Entry]:
    """Entries by their number; one that is not there is left out."""
    wanted = sorted(set(seqs))
    found = {}
    for start in range(0, len(wanted), _CHUNK):
        part = wanted[start : start + _CHUNK]
        query = select(ledger.c.seq, ledger.c.kind, ledger.c.body).where(ledger.c.seq.in_(part))
        for row in connection.execute(query):
            found[row.seq] = Entry(row.seq, row.kind, read_body(row.body))
    return found


def iterate(connection: Connection) -> Iterator[Entry]:
    """All entries in order. May be read while the same connection writes to other tables."""
    for row in _rows(connection):
        yield Entry(row.seq, row.kind, read_body(row.body))


def has_head(connection: Connection, seq: int, digest: str) -> bool:
    """Whether the entry of this number has this hash (hexadecimal)."""
    found = connection.execute(select(ledger.c.hash).where(ledger.c.seq == seq)).scalar_one_or_none()
    return found is not None and bytes(found).hex() == digest


def verify_chain(connection: Connection, after: int = 0) -> ChainReport:
    """Follow the chain: numbers without gaps, every hash right, every body its own. From the first entry, or
    from the one ``after`` which all was verified before.

    ``fault`` is one of the codes ``gap``, ``prev``, ``hash``, ``body``.
    """
    expected, prev = after, NO_HASH
    if after:
        prev = bytes(connection.execute(select(ledger.c.hash).where(ledger.c.seq == after)).scalar_one())
    for row in _rows(connection, after):
        expected += 1
        fault = _fault(row, expected, prev)
        if fault:
            return ChainReport(expected - 1, prev.hex(), row.seq, fault)
        prev = bytes(row.hash)
    return ChainReport(expected, prev.hex())


def _fault(row: Any, expected: int, prev: bytes) -> str:
    if row.seq != expected:
        return "gap"
    if isinstance(row.body, str) or isinstance(row.prev, str):  # SQLite lets the type be changed too
        return "body"
    if bytes(row.prev) != prev:
        return "prev"
    if entry_hash(prev, bytes(row.body)) != row.hash:
        return "hash"
    try:
        content = json.loads(bytes(row.body))
        same = (content["seq"], content["kind"]) == (row.seq, row.kind)
    except (ValueError, KeyError, TypeError):
        return "body"
    return "" if same else "body"


def _rows(connection: Connection, after: int = 0) -> Iterator[Any]:
    """The ledger in chunks, so that memory stays flat on every database driver."""
    last = after
    while True:
        query = select(ledger).where(ledger.c.seq > last).order_by(ledger.c.seq).limit(_CHUNK)
        chunk = connection.execute(query).all()
        if not chunk:
            return
        yield from chunk
        last = chunk[-1].seq
