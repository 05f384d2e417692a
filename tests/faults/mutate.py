"""Random damage to a record: one bit of one byte at a time, wherever something of it lies.

Flips go into the database's file, the closes in it, the originals (scans, templates and profiles as they are
kept), the office's template as it lies in its folder, and files that were given out. One that changes what
any table holds, or any of those files, must be found by ``ballotscan verify``; one in an index or in unused
space of the database changes nothing and may pass. What a file holds is asked of SQLite itself, row by row
and without indices, not of the program. Then the end of the record is cut, and older states put back: each
must be found, given the head. From the command line, for the long run:

    python -m tests.faults.mutate --flips 10000
"""

from __future__ import annotations

import argparse
import json
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
from typing import Literal

from ballotscan import verify
from ballotscan.calibration import read_profile
from ballotscan.errors import BallotscanError
from ballotscan.forms.load import check_templates
from ballotscan.rules.periods import parse_period
from ballotscan.settings import shipped
from ballotscan.store.csv_files import write_answers, write_pages
from ballotscan.store.database import open_store
from ballotscan.tally.files import as_csv, as_json
from ballotscan.tally.make import make_tally
from tests.unit.record import Office

Where = Literal["originals", "closes", "template", "exports", "database"]
SHARES: dict[Where, float] = {"originals": 0.1, "closes": 0.2, "template": 0.05, "exports": 0.1}
"""Of the flips; the rest goes anywhere into the database's file."""
RESULTS = Path(__file__).parent / "mutations.json"


@dataclass(frozen=True)
class Flip:
    """One bit of one byte."""

    where: Where
    file: str
    place: int
    bit: int


@dataclass(frozen=True)
class Whole:
    """A record with all that belongs to it, its head, and states of its database from before that head."""

    office: Office
    head: str
    exports: tuple[Path, ...]
    older: tuple[bytes, ...]

    def files(self, where: Where) -> list[Path]:
        if where == "originals":
            return sorted(path for path in (self.office.folder / "originals").rglob("*") if path.is_file())
        if where == "template":
            return sorted((self.office.folder / "templates").rglob("*.yaml"))
        return [*self.exports] if where == "exports" else [self.office.database]


def contents(database: Path) -> object:
    """Every row of every table, or that they cannot be read.

    ``about`` and ``alembic_version`` hold nothing of the record.
    """
    try:
        with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
            query = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
            names = [name for (name,) in connection.execute(query)]
            return {
                name: connection.execute(f'SELECT * FROM "{name}" NOT INDEXED').fetchall()
                for name in names
                if name not in ("about", "alembic_version")
            }
    except (sqlite3.Error, UnicodeDecodeError, OverflowError) as fault:
        return f"unreadable: {fault}"


def found(whole: Whole) -> bool:
    """Whether ``ballotscan verify FILE... --anchor HEAD`` tells of a fault, or of a template never used."""
    office = whole.office
    try:
        verify.verify(str(office.database), office.folder, [whole.head], (), whole.exports)
        with open_store(office.database, create=False) as store:
            differing = store.check_projections()
            unused = check_templates(store.template_files(), [office.folder / "templates"])
            return bool(differing or unused)
    except (verify.Fault, BallotscanError):
        return True


def mutate(whole: Whole, flips: int, seed: int) -> Iterator[tuple[Flip, bool, bool]]:
    """Each flip, whether it changed the record, and whether that was found. All is put back after each."""
    chance = random.Random(seed)
    database = whole.office.database
    before = contents(database)
    with closing(sqlite3.connect(database)) as connection:
        closes = [body for (body,) in connection.execute("SELECT body FROM ledger WHERE kind = 'close'")]
    for _number in range(flips):
        where: Where = chance.choices([*SHARES, "database"], [*SHARES.values(), 1 - sum(SHARES.values())])[0]  # type: ignore[assignment]
        path = chance.choice(whole.files(where))
        content = path.read_bytes()
        place = _in_one_of(closes, content, chance) if where == "closes" else chance.randrange(len(content))
        bit = chance.randrange(8)
        changed = bytearray(content)
        changed[place] ^= 1 << bit
        path.chmod(0o600)
        path.write_bytes(changed)
        differs = path != database or contents(database) != before
        yield Flip(where, path.name, place, bit), differs, found(whole)
        path.write_bytes(content)


def _in_one_of(bodies: list[bytes], content: bytes, chance: random.Random) -> int:
    """A place within a close's body; a body longer than a page of the file goes on elsewhere."""
    start = content.index(chance.choice(bodies)[:200])
    return start + chance.randrange(200)


def cut_and_put_back(whole: Whole) -> Iterator[tuple[str, bool]]:
    """Every shorter record and every older state of the file, with whether that was found."""
    database = whole.office.database
    content = database.read_bytes()
    with closing(sqlite3.connect(database)) as connection:
        (last,) = connection.execute("SELECT max(seq) FROM ledger").fetchone()
    for seq in range(1, last):
        with closing(sqlite3.connect(database)) as connection, connection:
            connection.execute("DROP TRIGGER ledger_no_delete")
            connection.execute("DELETE FROM ledger WHERE seq > ?", (seq,))
        yield f"cut after {seq}", found(whole)
        database.write_bytes(content)
    for number, older in enumerate(whole.older):
        database.write_bytes(older)
        yield f"backup {number} put back", found(whole)
        database.write_bytes(content)


def closed_office(folder: Path) -> Whole:
    """A record with something of every kind: a void sheet, closes, an amendment, profiles and exports."""
    shutil.copytree(shipped("templates") / "hue-2019", folder / "templates" / "hue-2019")
    office = Office(folder)
    older = [office.database.read_bytes()]
    office.void("box 1/00002")
    office.close("2023Q1")
    older.append(office.database.read_bytes())
    office.amend("2023Q1")
    profile = read_profile(shipped("calibration") / "example-good.toml")
    with office.open() as store:
        store.keep_original(profile.path)
    office.add_batch("box 3", "1 - 2 2 1", calibration=profile.label)
    office.close("2023Q1")
    older.append(office.database.read_bytes())
    exports = _give_out(office)
    return Whole(office, office.head(), exports, tuple(older))


def _give_out(office: Office) -> tuple[Path, ...]:
    """Write exports and a tally, and enter them."""
    names = ("answers.csv", "pages.csv", "tally.csv", "tally.json")
    with office.open() as store:
        figures = make_tally(store, [shipped("templates")], parse_period("2023Q1"), None)
        write_answers(office.folder / "answers.csv", store.answer_rows())
        write_pages(office.folder / "pages.csv", store.page_rows())
        (office.folder / "tally.csv").write_text(as_csv(figures), encoding="utf-8", newline="")
        (office.folder / "tally.json").write_text(as_json(figures), encoding="utf-8")
        for name in names:
            store.enter_export(name.partition(".")[0], office.folder / name)
    return tuple(office.folder / name for name in names)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--flips", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", action="store_true", help=f"keep the outcome in {RESULTS.name}")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="ballotscan-mutate-"))
    counts: dict[str, Counter[str]] = {where: Counter() for where in (*SHARES, "database")}
    cuts: Counter[str] = Counter()
    try:
        whole = closed_office(folder)
        for flip, differs, seen in mutate(whole, given.flips, given.seed):
            counts[flip.where].update(["flips", *["changed"] * differs, *["found"] * (differs and seen)])
            if differs and not seen:
                sys.stdout.write(f"NOT FOUND: {flip}\n")
        for name, seen in cut_and_put_back(whole):
            cuts.update(["tried", *["found"] * seen])
            if not seen:
                sys.stdout.write(f"NOT FOUND: {name}\n")
    finally:
        shutil.rmtree(folder)
    outcome = {"flips": given.flips, "seed": given.seed, **counts, "cut or put back": cuts}
    text = json.dumps(outcome, indent=1, sort_keys=True) + "\n"
    sys.stdout.write(text)
    if given.write:
        RESULTS.write_text(text, encoding="utf-8")
    whole_found = all(each["changed"] == each["found"] for each in counts.values())
    return 0 if whole_found and cuts["tried"] == cuts["found"] else 1


if __name__ == "__main__":
    sys.exit(main())
