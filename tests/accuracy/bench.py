"""The accuracy bench: how often the reader is wrong without saying so, row by row.

    python -m tests.accuracy.bench --short                a few sheets of every row, minutes
    python -m tests.accuracy.bench --short --record       the same, kept as what CI compares with
    python -m tests.accuracy.bench --full [--minutes N]   all sheets, hours; goes on where it was stopped
    python -m tests.accuracy.bench --sum                  adds up what the long run has so far
    python -m tests.accuracy.bench --real                 the real marks of ../shared/data

The long run writes a shard per few sheets to work/accuracy/shards/<code>/, where <code> stands for the reader
and the simulator as they are: after a change of either it begins anew. All rows go forward together, a share
of each at a time, so that a run may be stopped whenever; what is done is not done again. The sum goes to
tests/accuracy/results.json and ballotscan/docs/accuracy.md. ``--only NAME`` takes rows whose name starts so.
"""

from __future__ import annotations

import argparse
import ctypes
import hashlib
import json
import multiprocessing
import platform
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ballotscan.forms.prints import FormPrint
from ballotscan.vision.reference import Reference
from tests.accuracy.cases import Case, compare
from tests.accuracy.marks_level import BLOCK_SHEETS, keep_crop, run_block
from tests.accuracy.reading import crop_question, load_shipped, read_sheet, references_of
from tests.accuracy.real_ink import shared_data
from tests.accuracy.real_marks import read_set
from tests.accuracy.rows import ROWS, Row, seed_of
from tests.accuracy.stacks import run_stack
from tests.accuracy.table import write_table
from tests.accuracy.tally import Tally, from_json, tally_sheet, tally_stack, total
from tests.simulator import SimulatedSheet, simulate_sheet
from tests.simulator.classes import Good

ROOT = Path(__file__).resolve().parents[2]
WORK = ROOT / "work" / "accuracy"
RESULTS = Path(__file__).parent / "results.json"
SHORT_SERIES = 0
CODE = (
    "ballotscan/reading.py",
    "ballotscan/vision/*.py",
    "ballotscan/rules/answers.py",
    "ballotscan/rules/confidence.py",
    "ballotscan/rules/hand.py",
    "ballotscan/rules/verdicts.py",
    "tests/simulator/*.py",
)

BESIDE_READING = ("calibrate.py", "contact_sheet.py", "likeness.py", "overlay.py", "trace.py")
"""Modules of the vision room that take no part in reading a page."""

MARKS_CODE = ("tests/accuracy/marks_level.py",)


def _digest(patterns: Sequence[str]) -> str:
    digest = hashlib.sha256()
    for path in sorted(path for pattern in patterns for path in ROOT.glob(pattern)):
        if not path.name.startswith(("test_", "make_")) and path.name not in BESIDE_READING:
            digest.update(path.read_bytes())
    return digest.hexdigest()


@cache
def code_name() -> str:
    """A name for the reader and the simulator as they are."""
    return _digest(CODE)[:12]


@cache
def _marks_code() -> str:
    """A name for how marks alone are made; without it a change there would mix two kinds of them."""
    return _digest(MARKS_CODE)[:6]


def keep_memory() -> None:
    """Let glibc keep what pages were made in: giving it back after every page costs a third of the time."""
    if sys.platform == "linux" and platform.libc_ver()[0] == "glibc":
        library = ctypes.CDLL(None)
        for option, value in ((-3, 2**30), (-1, 2**31 - 1)):  # M_MMAP_THRESHOLD, M_TRIM_THRESHOLD
            library.mallopt(option, value)


# ---------------------------------------------------------------------------------------------------------
# One sheet


@dataclass(frozen=True, slots=True)
class Job:
    """Some sheets of one row and template."""

    row: int
    template: str
    first: int
    sheets: int
    series: int  # of seeds
    shards: Path = WORK  # the folder of its result

    @property
    def path(self) -> Path:
        row = ROWS[self.row]
        code = f"-{_marks_code()}" if row.marks else ""
        return self.shards / f"{row.name}-{self.template}-{self.first:05d}{code}.json"


@cache
def _loaded(template: str) -> tuple[FormPrint, tuple[Reference, ...]]:
    cv2.setNumThreads(1)
    keep_memory()
    form_print = load_shipped(template)
    return form_print, references_of(form_print)


def run_sheet(row: Row, template: str, sheet: int, series: int) -> Tally:
    """Make, read and count one sheet (or one stack) of a row."""
    form_print, references = _loaded(template)
    way, seed = row.way(sheet), seed_of(row, template, sheet, series)
    if way.stack:
        return tally_stack(run_stack(way.stack, template, seed, references))
    simulated = simulate_sheet(form_print, seed, row.condition, way.effects)
    answers, refused = read_sheet(simulated, form_print, references)
    cases = compare(simulated, answers, refused)
    if way.good is not Good.FLAGGED:
        _keep_pictures(row, simulated, [case for case in cases if case.silent])
    return tally_sheet(cases, len(simulated.sides), way.good)


def _run_marks(row: Row, template: str, sheets: range, series: int) -> Tally:
    """Marks alone; ``sheets`` are whole blocks."""
    assert sheets.start % BLOCK_SHEETS == 0 and len(sheets) % BLOCK_SHEETS == 0
    keep = partial(keep_crop, WORK / "silent")
    return total(
        run_block(row.marks, seed_of(row, template, first, series), *_loaded(template), keep)
        for first in sheets[::BLOCK_SHEETS]
    )


def _keep_pictures(row: Row, simulated: SimulatedSheet, wrong: Sequence[Case]) -> None:
    """A PNG of every question read wrong and accepted, under work/accuracy/silent/."""
    by_side = {scanned.side: scanned for scanned in simulated.sides}
    for case in wrong:
        folder = WORK / "silent"
        folder.mkdir(parents=True, exist_ok=True)
        picture = cv2.imencode(".png", crop_question(by_side[case.side], case))[1]
        path = folder / f"{row.name}-{simulated.truth.form}-{case.sheet}-{case.question}.png"
        path.write_bytes(np.asarray(picture).tobytes())


def run_job(job: Job) -> Tally:
    """All sheets of one job."""
    row = ROWS[job.row]
    sheets = range(job.first, job.first + job.sheets)
    if row.marks:
        return _run_marks(row, job.template, sheets, job.series)
    return total(run_sheet(row, job.template, sheet, job.series) for sheet in sheets)


# ---------------------------------------------------------------------------------------------------------
# Many


def full_jobs(only: str) -> list[Job]:
    """Every shard of the long run, in the order of the share of its row that is done with it."""
    jobs, series = [], int(code_name()[:6], 16) + 1
    shards = WORK / "shards" / code_name()
    for number, row in enumerate(ROWS):
        for template, sheets in row.full.items():
            size = row.shard_sheets(template)
            for first in range(0, sheets, size):
                jobs.append(Job(number, template, first, min(size, sheets - first), series, shards))
    wanted = [job for job in jobs if ROWS[job.row].name.startswith(only)]
    return sorted(wanted, key=lambda job: (job.first / ROWS[job.row].full[job.template], job.row))


def _run_and_keep(job: Job) -> tuple[Job, Tally]:
    tally = run_job(job)
    job.path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = job.path.with_suffix(".part")
    unfinished.write_text(json.dumps(tally.as_json(), ensure_ascii=False), encoding="utf-8")
    unfinished.replace(job.path)
    return job, tally


def run_full(only: str, minutes: float, workers: int) -> None:
    """Run what is not done yet, until the time is up; every silent error is told at once."""
    until = time.monotonic() + minutes * 60
    jobs = [job for job in full_jobs(only) if not job.path.is_file()]
    context = multiprocessing.get_context("spawn")
    with context.Pool(workers) as pool:
        for done, (job, tally) in enumerate(pool.imap(_run_and_keep, jobs), 1):
            for case in tally.silent_cases:
                sys.stdout.write(f"SILENT {ROWS[job.row].name} {describe(case)}\n")
            if done % 20 == 0:
                sys.stdout.write(f"{done} of {len(jobs)} shards\n")
            sys.stdout.flush()
            if time.monotonic() > until:
                pool.terminate()
                return


def describe(case: dict[str, Any]) -> str:
    """One silent error on one line."""
    meant, read = "|".join(case["meant"]) or "-", "|".join(case["read"]) or "-"
    how = f"{case['kind']} {case['shape']} {case['pen']}"
    return f"{case['source']} seed {case['sheet']} {case['question']}: meant {meant}, read {read} ({how})"


def sum_shards() -> dict[str, dict[str, Tally]]:
    """Row name -> template -> sum of the shards of this code."""
    found: dict[str, dict[str, Tally]] = {}
    for job in full_jobs(""):
        if job.path.is_file():
            values = json.loads(job.path.read_text("utf-8"))
            by_template = found.setdefault(ROWS[job.row].name, {})
            by_template.setdefault(job.template, Tally()).add(from_json(values))
    return found


def run_short(only: str = "") -> Iterator[tuple[Row, str, Tally]]:
    """A few sheets of every row that starts with ``only``, from seeds of their own."""
    for number, row in enumerate(ROWS):
        if row.name.startswith(only):
            for template, sheets in row.short.items():
                yield row, template, run_job(Job(number, template, 0, sheets, SHORT_SERIES))


def run_real() -> dict[str, Tally]:
    """The real marks of ../shared/data by source, with pictures in work/accuracy/real/ (which are not ours to
    pass on); nothing where they are absent."""
    data = shared_data()
    folders = sorted(path for path in (data / "sheets").iterdir() if path.is_dir()) if data else []
    found: dict[str, Tally] = {}
    for folder in folders:
        by_page: dict[str, list[Case]] = {}
        for case in read_set(folder, WORK / "real"):
            by_page.setdefault(case.sheet, []).append(case)
        found[folder.name] = total(tally_sheet(cases, 1, Good.READ) for cases in by_page.values())
    return found


# ---------------------------------------------------------------------------------------------------------
# Results


def load_results() -> dict[str, Any]:
    """The committed record: sections "full", "short" and "real"."""
    return dict(json.loads(RESULTS.read_text("utf-8"))) if RESULTS.is_file() else {}


def record(section: str, values: dict[str, Any]) -> None:
    """Replace rows of one section of the committed record, and write the table anew."""
    results = load_results()
    before = results.get(section, {"code": "", "rows": {}})
    kept = before["rows"] if section == "short" or before["code"] == code_name() else {}
    results[section] = {"code": code_name(), "rows": {**kept, **values}}
    text = json.dumps(results, ensure_ascii=False, indent=1)
    RESULTS.write_text(text + "\n", encoding="utf-8")
    write_table(results, ROOT / "ballotscan" / "docs" / "accuracy.md")


def _as_json(tallies: dict[str, dict[str, Tally]]) -> dict[str, Any]:
    return {
        name: {template: tally.as_json() for template, tally in each.items()}
        for name, each in tallies.items()
    }


def _show(name: str, template: str, tally: Tally) -> None:
    counts = {
        "sheets": tally.sheets,
        "positions": tally.positions,
        "silent": tally.silent,
        "asked": f"{tally.ordinary_review}/{tally.ordinary}",
        "refused": f"{tally.sides_refused}/{tally.sides}",
        "not flagged": f"{tally.not_flagged}/{tally.to_flag}",
    }
    shown = "  ".join(f"{what} {count}" for what, count in counts.items())
    sys.stdout.write(f"{name:10} {template:11} {shown}\n")
    sys.stdout.writelines(f"    SILENT {describe(case)}\n" for case in tally.silent_cases)
    sys.stdout.flush()


def _short(only: str, keep: bool) -> int:
    found: dict[str, dict[str, Tally]] = {}
    for row, template, tally in run_short(only):
        _show(row.name, template, tally)
        found.setdefault(row.name, {})[template] = tally
    if keep:
        record("short", _as_json(found))
    return 1 if any(tally.silent for each in found.values() for tally in each.values()) else 0


def _sum() -> int:
    found = sum_shards()
    for name, each in found.items():
        for template, tally in each.items():
            _show(name, template, tally)
    record("full", _as_json(found))
    return 1 if any(tally.silent for each in found.values() for tally in each.values()) else 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 1 where there was a silent error."""
    parser = argparse.ArgumentParser(prog="python -m tests.accuracy.bench")
    what = parser.add_mutually_exclusive_group(required=True)
    for each in ("short", "full", "sum", "real"):
        what.add_argument(f"--{each}", action="store_true")
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("--minutes", type=float, default=24 * 60)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args(arguments)
    if given.short:
        return _short(given.only, given.record)
    if given.real:
        found = run_real()
        for name, tally in found.items():
            _show("real", name, tally)
        record("real", {name: {"real": tally.as_json()} for name, tally in found.items()})
        return 1 if any(tally.silent for tally in found.values()) else 0
    if given.full:
        run_full(given.only, given.minutes, given.workers)
    return _sum()


if __name__ == "__main__":
    sys.exit(main())
