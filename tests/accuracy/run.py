"""Simulate sheets, read them, and say how often the reader was wrong.

    python -m tests.accuracy.run --template appendix-i --sheets 300 --condition office --seed 1 --out /tmp/out

``--every-effect`` takes each effect by itself: silent errors, pages refused, what was accepted.
``--effects a,b`` lays effects of ``tests.simulator.conditions`` over the condition; ``--real-ink`` pastes
    python -m tests.accuracy.run --template appendix-i --sheets 300 --condition office --seed 1 --out DIR
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ballotscan.forms.prints import FormPrint
from ballotscan.vision.reference import Reference
from tests.accuracy.cases import Case, compare, report, summarise
from tests.accuracy.reading import crop_question, load_shipped, read_sheet, references_of, write_contact_sheet
from tests.accuracy.real_ink import make_marker
from tests.simulator import SimulatedSheet, simulate_sheet
from tests.simulator.conditions import EFFECTS

Crop = tuple[str, NDArray[np.uint8]]
MOST_CROPS = 80


@dataclass(frozen=True, slots=True)
class Task:
    """One sheet to simulate and read."""

    template: str
    condition: str
    effects: tuple[str, ...]
    seed: int
    real_ink: bool


@cache
def _loaded(template: str) -> tuple[FormPrint, tuple[Reference, ...]]:
    form_print = load_shipped(template)
    return form_print, references_of(form_print)


def simulate(task: Task, form_print: FormPrint) -> SimulatedSheet:
    """The sheet of one task."""
    if task.real_ink:
        return simulate_sheet(
            form_print, task.seed, task.condition, task.effects, marker=make_marker(task.seed)
        )
    return simulate_sheet(form_print, task.seed, task.condition, task.effects)


def run_one(task: Task) -> tuple[list[Case], list[Crop], list[Crop]]:
    """The cases of one sheet, with pictures of its silent errors and of its doubtful ordinary answers."""
    form_print, references = _loaded(task.template)
    sheet = simulate(task, form_print)
    answers, refused = read_sheet(sheet, form_print, references)
    cases = compare(sheet, answers, refused)
    by_side = {scanned.side: scanned for scanned in sheet.sides}
    wrong = [(_caption(case), crop_question(by_side[case.side], case)) for case in cases if case.silent]
    doubted = [(_caption(case), crop_question(by_side[case.side], case)) for case in cases if case.doubtful]
    return cases, wrong, doubted[:3]


def _caption(case: Case) -> str:
    meant, read = "|".join(case.meant) or "-", "|".join(case.read) or "-"
    return f"{case.sheet} {case.question} {meant}>{read} {case.kind} {case.pen[:6]} {case.reason}"


def _quiet_worker() -> None:
    cv2.setNumThreads(1)


def run_many(tasks: Sequence[Task], workers: int) -> tuple[list[Case], list[Crop], list[Crop]]:
    """All tasks in order, over ``workers`` processes."""
    if workers > 1:
        context = multiprocessing.get_context("spawn")
        with context.Pool(workers, initializer=_quiet_worker) as pool:
            results = pool.map(run_one, tasks, chunksize=4)
    else:
        results = [run_one(task) for task in tasks]
    cases = [case for result in results for case in result[0]]
    wrong, doubted = ([crop for result in results for crop in result[part]] for part in (1, 2))
    return cases, wrong, doubted


def _sweep(template: str, condition: str, sheets: int, seed: int, workers: int) -> int:
    """A line per effect; exit code 1 where there was a silent error."""
    silent = 0
    for effect in EFFECTS:
        tasks = [Task(template, condition, (effect,), seed * 100_000 + n, False) for n in range(sheets)]
        cases = run_many(tasks, workers)[0]
        sums = summarise(cases)
        silent += sums["silent"]
        sys.stdout.write(
            f"{effect:22} silent {sums['silent']:3}  refused {sums['refused_sides']:3} "
            f"{sums['refused_why']!s:32} ordinary accepted {sums['ordinary_accepted']}/{sums['ordinary']}\n"
        )
        sys.stdout.writelines(f"    {case.line()}\n" for case in cases if case.silent)
    return 1 if silent else 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 1 where there was a silent error."""
    parser = argparse.ArgumentParser(prog="python -m tests.accuracy.run")
    parser.add_argument("--template", default="appendix-i")
    parser.add_argument("--condition", default="office")
    parser.add_argument("--effects", default="")
    parser.add_argument("--sheets", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--real-ink", action="store_true")
    parser.add_argument("--every-effect", action="store_true")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args(arguments)
    if given.every_effect:
        return _sweep(given.template, given.condition, given.sheets, given.seed, given.workers)
    effects = tuple(name for name in given.effects.split(",") if name)
    tasks = [
        Task(given.template, given.condition, effects, given.seed * 100_000 + number, given.real_ink)
        for number in range(given.sheets)
    ]
    cases, wrong, doubted = run_many(tasks, given.workers)
    title = f"{given.template}, {given.condition} {given.effects}, {given.sheets} sheets, seed {given.seed}"
    sys.stdout.write("\n".join(report(cases, title)) + "\n")
    if given.out:
        given.out.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"title": title, **summarise(cases)}, ensure_ascii=False, indent=1)
        (given.out / "results.json").write_text(text, encoding="utf-8")
        write_contact_sheet(given.out / "silent.png", wrong[:MOST_CROPS])
        write_contact_sheet(given.out / "doubtful.png", doubted[:MOST_CROPS])
    return 1 if any(case.silent for case in cases) else 0


if __name__ == "__main__":
    sys.exit(main())
