"""How fast the program is, on the same pages in the same run as decoding them and nothing more.

    python -m tests.bench             240 pages, three rounds by turns, some 10 minutes
    python -m tests.bench --long      also memory at 10,000 pages (some 15 GB of disk, half an hour)
    python -m tests.bench --record    keep it in results.json, write docs/speed.md and the README's table
    python -m tests.bench --short     12 pages, seconds; warns where the reader is 15 % slower than kept
    python -m tests.bench --profile   where a page's CPU time goes, written to docs/speed.md

CPU is user and system time of a program and of all it starts. Let the machine do nothing else meanwhile.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median

from tests.bench import measure, report
from tests.bench.pages import KINDS, ROOT, TEMPLATE, WORK, stack

ROUNDS = 3
PAGES = 240
LONGER = 8
"""Cores are compared over so many times the pages, a large office's box: to start takes 2.5 s, a third of
what 240 pages take."""

MANY_PAGES = 10_000
FEW_PAGES = 100
MUCH_WORSE = 1.15
QUARTER = ROOT / "samples" / "small-quarter"

Figures = dict[str, float]


@contextmanager
def office() -> Iterator[Path]:
    """A new database, taken away afterwards. On the disk of the tree, not in memory: commits wait for it."""
    WORK.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="office-", dir=WORK))
    try:
        yield folder / "ballots.db"
    finally:
        shutil.rmtree(folder)


def scan(folder: Path, workers: int, cores: int | None = None) -> measure.Run:
    """The whole command, into a new database."""
    with office() as database:
        return measure.run([*_scan_command(folder, database), "--workers", str(workers)], cores)


def _scan_command(folder: Path, database: Path) -> list[str | Path]:
    about = ("--template", TEMPLATE, "--batch", "bench", "--received", "2023-03-10", "--db", database)
    return [measure.program(), "scan", folder, *about]


def _route(kind: str, count: int) -> Figures:
    found = scan(stack(kind, count), workers=2)
    return {
        f"scan_{kind}_ms": 1000 * found.cpu_s / count,
        f"scan_{kind}_wall_ms": 1000 * found.wall_s / count,
    }


def _floor(count: int) -> Figures:
    folder = stack("jpeg", count)
    return {f"{name}_ms": 1000 * measure.task(name, folder) / count for name in ("decode", "read")}


def _one_core(count: int) -> Figures:
    return {"pages_s_1": count / scan(stack("jpeg", count), workers=1, cores=1).wall_s}


def _two_cores(count: int) -> Figures:
    return {"pages_s_2": count / scan(stack("jpeg", count), workers=2, cores=2).wall_s}


def _commands(database: Path) -> Figures:
    helped = measure.run([measure.program(), "--help"])
    tallied = measure.run([measure.program(), "tally", "--quarter", "2023Q1", "--db", database])
    return {
        "help_s": helped.wall_s,
        "help_cpu_s": helped.cpu_s,
        "tally_s": tallied.wall_s,
        "tally_cpu_s": tallied.cpu_s,
    }


def _first(count: int) -> Figures:
    with office() as database:
        return {"first_s": measure.task("first", stack("jpeg", count), database)}


def measure_all(count: int, rounds: int) -> Figures:
    """Every figure, as the median of ``rounds`` in which all are measured by turns."""
    for kind in KINDS:
        stack(kind, count)
    found: list[Figures] = []
    with office() as quarter:
        measure.run(_scan_command(QUARTER, quarter))
        turns: list[Callable[[], Figures]] = [
            partial(_floor, count),
            partial(_one_core, LONGER * count),
            partial(_two_cores, LONGER * count),
            *(partial(_route, kind, count) for kind in KINDS),
            partial(_commands, quarter),
            partial(_first, count),
        ]
        for number in range(rounds):
            figures: Figures = {}
            for turn in turns:
                figures |= turn()
            report.say(f"round {number + 1}: {report.in_one_line(figures)}")
            found.append(figures)
    return {name: median(each[name] for each in found) for name in found[0]}


def measure_memory(count: int) -> Figures:
    """Peak memory of two workers and their parent at few and at ``count`` pages."""
    few = scan(stack("jpeg", FEW_PAGES), workers=2)
    many = scan(stack("jpeg", count), workers=2)
    report.say(f"{count} pages in {many.wall_s:.0f} s")
    return {
        "memory_few_mb": few.peak_mb,
        "memory_many_mb": many.peak_mb,
        "memory_pages": count,
        "pages_s_many": count / many.wall_s,
    }


def compare() -> None:
    """Say how the reader stands against the kept ratio. A warning at most: machines differ."""
    now, kept = measure.task("ratio", stack("jpeg", FEW_PAGES // 8)), report.kept_ratio()
    report.say(f"The reader takes {now:.2f} times as long as decoding.")
    if kept and now > kept * MUCH_WORSE:
        report.say(f"WARNING: it was {kept:.2f} when last recorded: {now / kept - 1:.0%} slower now.")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--pages", type=int, default=PAGES)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    for name in ("long", "record", "short", "profile"):
        parser.add_argument(f"--{name}", action="store_true")
    asked = parser.parse_args()
    if asked.short:
        compare()
        return 0
    if asked.profile:
        from tests.bench.profile import profile

        report.write_profile(profile())
        return 0
    figures = measure_all(asked.pages, asked.rounds)
    figures |= measure_memory(MANY_PAGES if asked.long else LONGER * asked.pages)
    figures |= {"pages": asked.pages, "rounds": asked.rounds, "cores": os.cpu_count() or 0}
    report.say("\n".join(report.table(figures)))
    if asked.record:
        report.record(figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
