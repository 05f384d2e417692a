"""How fast the record is: following it, and adding to it with the strongest durability there is.

    python -m tests.faults.record_speed --write

Followed: 200,000 entries of 1 kB with their signatures, as ``verify`` does it (images and the re-count are
apart). Added: sheets of two sides with all their measures, on SQLite with ``synchronous=EXTRA``: in pieces as
a scan commits them, and sheet by sheet, each with a commit for its pages and one for itself. The clock counts
what else the machine does (``busy_with_others``: how many wait for a core); processor time does not.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ballotscan import verify
from ballotscan.pipeline import COMMIT_PAGES
from ballotscan.store import ledger
from ballotscan.store.database import open_store
from tests.unit.store.makers import fill, page, ref, settings, sha, sheet

ENTRIES, ENTRY_BYTES = 200_000, 1_000
SHEETS = 320
RESULTS = Path(__file__).parent / "record_speed.json"


def measured(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds on the clock and of processor time."""
    clock_s, busy_s = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - clock_s, time.process_time() - busy_s


def long_ledger(folder: Path, entries: int) -> Path:
    """A record whose chain is as long as a year's, of entries that no table is made from."""
    path = folder / "long.sqlite"
    with open_store(path) as store:
        fill(store, pages=2)
        with store._writing() as connection:
            for start in range(0, entries, 10_000):
                bodies = [
                    {"of": "x" * (ENTRY_BYTES - 100), "n": n}
                    for n in range(start, min(start + 10_000, entries))
                ]
                ledger.append(connection, "export", bodies)
    return path


def follow(path: Path) -> int:
    """Chain and signatures; returns how many entries were followed."""
    with verify.closing(verify._open(str(path))) as connection:
        report, signed = verify.check_chain(connection, ())
        verify.check_signatures(signed, report, ())
    return report.entries


def add_sheets(path: Path, sheets: int, at_once: int) -> None:
    """So many sheets at once: one commit for their pages, and one for themselves."""
    marks = page().reading.marks * 35
    with open_store(path) as store:
        store.start_batch(settings(), "test 1")
        store.add_file("box", "scan.pdf", sha("scan.pdf"), 2 * sheets)
        for start in range(1, sheets + 1, at_once):
            numbers = range(start, min(start + at_once, sheets + 1))
            pages = [page(2 * number - 2 + side, side) for number in numbers for side in (1, 2)]
            pages = [replace(each, reading=replace(each.reading, marks=marks)) for each in pages]
            keys = store.add_pages("box", pages)
            pairs = zip(keys[::2], keys[1::2], strict=True)
            made = [sheet(ref(2 * number - 1), ref(2 * number)) for number in numbers]
            store.add_sheets("box", list(zip(made, pairs, strict=True)))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--entries", type=int, default=ENTRIES)
    parser.add_argument("--sheets", type=int, default=SHEETS)
    parser.add_argument("--write", action="store_true", help=f"keep the outcome in {RESULTS.name}")
    parser.add_argument("--folder", type=Path, help="where to write: a folder on the disk that is meant")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as name:
        folder = Path(name)
        path = long_ledger(folder, given.entries)
        follow(path)  # once, so that the file lies in memory
        clock_s, busy_s = min(measured(lambda: follow(path)) for _attempt in range(3))
        pieces_s, _busy = measured(lambda: add_sheets(folder / "a.sqlite", given.sheets, COMMIT_PAGES // 2))
        single_s, _busy = measured(lambda: add_sheets(folder / "b.sqlite", given.sheets, 1))
    outcome = {
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
        "busy_with_others": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        "entries": given.entries,
        "bytes_each": ENTRY_BYTES,
        "followed_s": round(clock_s, 2),
        "followed_processor_s": round(busy_s, 2),
        "sheets_added": given.sheets,
        "sheets_per_s": round(given.sheets / pieces_s),
        "sheets_per_s_one_by_one": round(given.sheets / single_s),
    }
    text = json.dumps(outcome, indent=1) + "\n"
    sys.stdout.write(text)
    if given.write:
        RESULTS.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
