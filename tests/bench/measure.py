"""Running a program and measuring it: CPU of it and all it started, time of the clock, peak memory."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.bench.pages import ROOT

LOOK_EVERY_S = 0.05
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

COMPILED = {"PYTHONDONTWRITEBYTECODE": ""}
"""Modules are compiled once, as in every installation. Forbidden to be, they are half of a tally's time."""


@dataclass(frozen=True, slots=True)
class Run:
    """``cpu_s`` is that of the program and of all it started; ``peak_mb`` their memory together."""

    cpu_s: float
    wall_s: float
    peak_mb: float
    code: int
    out: str


def run(command: Sequence[str | Path], cores: int | None = None) -> Run:
    """Run a program to its end, on so many cores (Linux) or on all."""
    before, began = _children_cpu_s(), time.monotonic()
    process = subprocess.Popen(
        [str(part) for part in command],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **ONE_THREAD, **COMPILED},
        text=True,
        encoding="utf-8",
    )
    if cores and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(process.pid, sorted(os.sched_getaffinity(0))[:cores])
    watcher = _Memory(process.pid)
    watcher.start()
    out, err = process.communicate()
    wall_s = time.monotonic() - began
    watcher.done.set()
    watcher.join()
    if process.returncode not in (0, 3):  # 3: all went well, some answers wait for a person
        raise RuntimeError(f"{command}: exit code {process.returncode}: {err[-800:]}")
    return Run(_children_cpu_s() - before, wall_s, watcher.peak_mb, process.returncode, out)


def task(name: str, *arguments: Path) -> float:
    """The number that one of ``tests.bench.tasks`` prints."""
    return float(run([sys.executable, "-m", "tests.bench.tasks", name, *arguments]).out)


def program() -> Path:
    """The installed command."""
    return Path(sys.executable).with_name("ballotscan")


def _children_cpu_s() -> float:
    spent = os.times()
    return spent.children_user + spent.children_system


class _Memory(threading.Thread):
    """Looks at the memory of a program and of all below it; pages shared between them count for each."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid = pid
        self.peak_mb = 0.0
        self.done = threading.Event()

    def run(self) -> None:
        while not self.done.wait(LOOK_EVERY_S):
            self.peak_mb = max(self.peak_mb, _tree_mb(self.pid))


def _tree_mb(pid: int) -> float:
    below: dict[int, list[int]] = defaultdict(list)
    memory: dict[int, int] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, IndexError, ValueError):
            parent = int((folder / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1])
            below[parent].append(int(folder.name))
            memory[int(folder.name)] = int((folder / "statm").read_text(encoding="ascii").split()[1])
    wanted, found = [pid], 0
    while wanted:
        each = wanted.pop()
        found += memory.get(each, 0)
        wanted += below[each]
    return found * os.sysconf("SC_PAGE_SIZE") / 1e6
