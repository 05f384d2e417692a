"""What is kept, what was given out, and what is removed when its time is over: entries about files.

A file that was given out is known by its hash; where it lies is not the record's concern. An original is
removed by an entry that two persons answer for, and only then from the disk: its hash and its page's readings
stay, so the chain verifies as before.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, select

from ballotscan.errors import UsageError
from ballotscan.four_eyes import same_person
from ballotscan.i18n import gettext as _
from ballotscan.model import Sha256
from ballotscan.store import originals
from ballotscan.store.bodies import plain
from ballotscan.store.rows import Due, Removal
from ballotscan.store.schema import batches, closes, files, ledger

NAMING_FILES: Final = ("file", "form", "run", "removed")
"""The kinds of entries that say which files are kept."""


def kept_files(entries: Iterable[tuple[str, Mapping[str, Any]]]) -> set[Sha256]:
    """The hashes of all files that must be there, from the entries (kind, body) of ``NAMING_FILES`` in order.

    Scans, templates and scanners' profiles; not those that were removed.
    """
    kept: set[Sha256] = set()
    for kind, body in entries:
        match kind:
            case "file":
                kept.add(Sha256(body["original"]))
            case "form":
                kept.update(Sha256(sha) for sha in body.get("files", {}).values())
            case "run" if body.get("calibration"):
                kept.add(Sha256(body["calibration"].split()[-1]))
            case "removed":
                kept.difference_update(body["originals"])
    return kept


def names_of_files(entries: Iterable[tuple[str, Mapping[str, Any]]]) -> dict[Path, Sha256]:
    """Where templates and profiles are looked for, below the store's folder, and each one's newest hash."""
    names: dict[Path, Sha256] = {}
    for kind, body in entries:
        if kind == "form":
            folder = Path("templates", Path(body["form"]).name)
            names |= {folder / Path(name).name: Sha256(sha) for name, sha in body.get("files", {}).items()}
        if kind == "run" and body.get("calibration"):
            name, sha = body["calibration"].rsplit(" ", 1)
            names[Path("calibration", f"{Path(name).name}.toml")] = Sha256(sha)
    return names


def export_body(what: str, path: Path, by: str) -> dict[str, Any]:
    """A file that was given out. ``by`` is who asked for people's texts; empty where they are masked."""
    with path.open("rb") as file:
        sha = hashlib.file_digest(file, "sha256").hexdigest()
    return {"what": what, "file": plain(path.name), "sha256": sha, "by": plain(by).strip()}


def template_files(connection: Connection) -> dict[tuple[str, str], dict[str, str]]:
    """The newest entry of each form and edition; an old one that names no files gives none."""
    entries = _bodies(connection, "form")
    return {(body["form"], body["edition"]): dict(body.get("files", {})) for _seq, body in entries}


def removals(connection: Connection) -> list[Removal]:
    """Every removal, in order."""
    return [
        Removal(seq, body["of"], body["at"][:10], tuple(Sha256(sha) for sha in body["originals"]))
        for seq, body in _bodies(connection, "removed")
    ]


def due(connection: Connection, folder: Path, months: int, today: date) -> list[Due]:
    """Batches whose originals have been kept for so many months since they were received, the oldest first.

    Those of which nothing lies on the disk any more are left out.
    """
    rows = connection.execute(select(batches).order_by(batches.c.received, batches.c.key)).all()
    standing = connection.execute(select(closes).where(closes.c.standing)).all()
    found = []
    young = [row.name for row in rows if add_months(row.received, months) > today]
    for row in rows:
        there = () if row.name in young else _originals_of(connection, folder, row.name, young)
        if there:
            closed = any(c.first <= row.received <= c.last and c.unit in ("", row.unit) for c in standing)
            found.append(Due(row.name, row.received, add_months(row.received, months), closed, there))
    return found


def removal_body(batch: Due, by: str, second: str, reason: str) -> dict[str, Any]:
    """Raises ``UsageError`` unless two persons give a reason, and the batch's period is closed."""
    if not reason.strip() or same_person(by, second):
        raise UsageError(
            _("Two persons must agree on a removal, and say why."), _("Give --by, --second and --reason.")
        )
    if not batch.closed:
        raise UsageError(
            _("{batch}: its period is not closed: its originals are still needed.").format(batch=batch.batch),
            _("Close the period first."),
        )
    return {
        "of": batch.batch,
        "originals": [str(sha) for sha in batch.originals],
        "by": plain(by).strip(),
        "second": plain(second).strip(),
        "reason": plain(reason).strip(),
    }


def erase(folder: Path, shas: Iterable[Sha256]) -> int:
    """Take files off the disk; returns how many were there."""
    count = 0
    for sha in shas:
        path = originals.original_path(folder, sha)
        with suppress(FileNotFoundError):
            if os.name == "nt":
                path.chmod(0o600)  # Windows removes nothing that is read-only
            path.unlink()
            count += 1
    return count


def add_months(day: date, months: int) -> date:
    """The same day so many months later; the month's last where it has no such day."""
    years, month = divmod(day.month - 1 + months, 12)
    for last in (day.day, 30, 29, 28):
        with suppress(ValueError):
            return date(day.year + years, month + 1, min(day.day, last))
    raise ValueError(day)


def _originals_of(
    connection: Connection, folder: Path, batch: str, young: Collection[str]
) -> tuple[Sha256, ...]:
    """The originals of a batch that lie on the disk and that no younger batch has too."""
    needed = select(files.c.original).where(files.c.batch.in_(young))
    query = select(files.c.original).where(files.c.batch == batch, files.c.original.not_in(needed)).distinct()
    shas = [Sha256(sha) for sha in connection.execute(query.order_by(files.c.original)).scalars()]
    return tuple(sha for sha in shas if originals.original_path(folder, sha).exists())


def _bodies(connection: Connection, *kinds: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    query = select(ledger.c.seq, ledger.c.body).where(ledger.c.kind.in_(kinds)).order_by(ledger.c.seq)
    for row in connection.execute(query):
        yield row.seq, json.loads(bytes(row.body))
