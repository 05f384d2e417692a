"""Random damage to a record: one byte at a time, in the database's file and in the originals.

A flip that changes what any table holds, or any original, must be found by ``ballotscan verify``; one in an
index or in unused space changes nothing and may pass. What a file holds is asked of SQLite itself, row by row
and without indices, not of the program. From the command line, for the long run:

    python -m tests.faults.mutate --flips 10000
"""

from __future__ import annotations

import argparse
import random
import shutil
import sqlite3
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from ballotscan import verify
from ballotscan.errors import BallotscanError
from ballotscan.store.database import open_store
from tests.unit.record import Office

IN_ORIGINALS = 0.1
IN_CLOSES = 0.2
"""Shares of the flips; the rest goes anywhere into the database's file."""


@dataclass(frozen=True)
class Flip:
    """One bit of one byte."""

    file: str
    place: int
    bit: int


def contents(database: Path) -> object:
    """Every row of every table, or that they cannot be read. ``about`` holds nothing of the record."""
    try:
        with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
            query = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
            names = [name for (name,) in connection.execute(query) if name != "about"]
            return {
                name: connection.execute(f'SELECT * FROM "{name}" NOT INDEXED').fetchall() for name in names
            }
    except (sqlite3.Error, UnicodeDecodeError, OverflowError) as fault:
        return f"unreadable: {fault}"


def found(office: Office, head: str) -> bool:
    """Whether the checker, or the comparison of the tables beside it, says that something is wrong."""
    try:
        verify.verify(str(office.database), office.folder, [head])
        with open_store(office.database, create=False) as store:
            return bool(store.check_projections())
    except (verify.Fault, BallotscanError):
        return True


def mutate(office: Office, flips: int, seed: int) -> Iterator[tuple[Flip, bool, bool]]:
    """Each flip, whether it changed the record, and whether that was found. All is put back after each."""
    chance = random.Random(seed)
    head = office.head()
    whole = contents(office.database)
    kept = sorted(path for path in (office.folder / "originals").rglob("*") if path.is_file())
    with closing(sqlite3.connect(office.database)) as connection:
        closes = [body for (body,) in connection.execute("SELECT body FROM ledger WHERE kind = 'close'")]
    for _number in range(flips):
        kind = chance.random()
        path = chance.choice(kept) if kind < IN_ORIGINALS else office.database
        content = path.read_bytes()
        place = chance.randrange(len(content))
        if IN_ORIGINALS <= kind < IN_ORIGINALS + IN_CLOSES:
            place = _in_one_of(closes, content, chance)
        bit = chance.randrange(8)
        changed = bytearray(content)
        changed[place] ^= 1 << bit
        path.chmod(0o600)
        path.write_bytes(changed)
        differs = path != office.database or contents(office.database) != whole
        yield Flip(path.name, place, bit), differs, found(office, head)
        path.write_bytes(content)


def _in_one_of(bodies: list[bytes], content: bytes, chance: random.Random) -> int:
    """A place within a close's body; a body longer than a page of the file goes on elsewhere."""
    start = content.index(chance.choice(bodies)[:200])
    return start + chance.randrange(200)


def closed_office(folder: Path) -> Office:
    """A record with something of every kind: rulings aside, a void sheet, closes and an amendment."""
    office = Office(folder)
    office.void("box 1/00002")
    office.close("2023Q1")
    office.amend("2023Q1")
    office.add_batch("box 3", "1 - 2 2 1")
    office.close("2023Q1")
    return office


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--flips", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="ballotscan-mutate-"))
    counts: Counter[str] = Counter()
    flip: Flip | None = None
    flip = None
    try:
        for flip, differs, seen in mutate(closed_office(folder), given.flips, given.seed):
            counts["changed" if differs else "nothing changed"] += 1
            counts["found"] += differs and seen
            if differs and not seen:
                sys.stdout.write(f"NOT FOUND: {flip}\n")
    except Exception:
        sys.stdout.write(f"after {sum(counts.values())} flips, at the one after {flip}:\n")
        raise
    finally:
        shutil.rmtree(folder)
    sys.stdout.write(
        f"{given.flips} flips, seed {given.seed}: {counts['changed']} changed the record, "
        f"{counts['found']} of them found; {counts['nothing changed']} changed nothing.\n"
    )
    return 0 if counts["found"] == counts["changed"] else 1


if __name__ == "__main__":
    sys.exit(main())
