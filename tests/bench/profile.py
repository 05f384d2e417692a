"""Where a page's CPU time goes, by the steps of ``ballotscan.reading`` and of the parent's work.

Each step is timed by the function that does it, called from where it is called in an ordinary scan.
"""

from __future__ import annotations

import cProfile
import pstats
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.bench.pages import ROOT, TEMPLATE, stack

PAGES = 48
SHARE_SHOWN = 0.01

Shares = dict[str, float]
"""Milliseconds of CPU a page, by step."""


def profile() -> tuple[Shares, Shares]:
    """The worker's steps and the parent's."""
    return _worker(), _parent()


def _worker() -> Shares:
    import cv2

    from ballotscan.forms.load import shipped_templates
    from ballotscan.model import PageRef, Sha256
    from ballotscan.page_work import ReadPage, do_task, start_worker

    cv2.setNumThreads(1)
    worker = start_worker([shipped_templates() / TEMPLATE])
    tasks = [
        ReadPage(path, PageRef(path.name, 1, Sha256(""))) for path in sorted(stack("jpeg", PAGES).iterdir())
    ]
    for task in tasks[:4]:
        do_task(worker, task)
    began = time.process_time()
    for task in tasks:
        do_task(worker, task)
    whole_s = time.process_time() - began
    watched = cProfile.Profile(time.process_time)
    with watched:
        for task in tasks:
            do_task(worker, task)
    steps = _called_from(watched, ("page_work.py:_read_page", "reading.py:read_side"))
    return _scaled(steps, 1000 * whole_s / PAGES)


def _parent() -> Shares:
    """The parent's own part of a scan with two workers: what it does while they read is counted too."""
    from ballotscan.forms.load import shipped_templates
    from ballotscan.model import BatchName, BatchSettings
    from ballotscan.pipeline import scan_batch
    from ballotscan.store.database import open_store

    settings = BatchSettings(BatchName("bench"), (TEMPLATE,), "2023-03-10", "", "", "", None)
    folder = stack("jpeg", 2 * PAGES)
    spent = []
    watched = cProfile.Profile(time.process_time)
    for watch in (False, True):
        with (
            tempfile.TemporaryDirectory(dir=ROOT / "work") as office,
            open_store(Path(office) / "b.db") as store,
        ):
            began = time.process_time()
            if watch:
                watched.enable()
            scan_batch(store, [folder], [shipped_templates() / TEMPLATE], settings, workers=2)
            watched.disable()
            spent.append(time.process_time() - began)
    callers = ("pipeline.py:scan_batch", "pipeline.py:_read_pages", "sheet_work.py:pair_batch")
    return _scaled(_called_from(watched, callers), 1000 * spent[0] / (2 * PAGES))


def _called_from(watched: cProfile.Profile, callers: tuple[str, ...]) -> Shares:
    """Time in each function that one of ``callers`` calls, with all that it calls; callers within callers
    count by what they call."""
    stats: Mapping[tuple[str, int, str], Any] = pstats.Stats(watched).stats  # type: ignore[attr-defined]
    found: Shares = {}
    for function, (_calls, _primitive, _own_s, _all_s, called_by) in stats.items():
        if _name(function) in callers:
            found["else"] = found.get("else", 0.0) + stats[function][2]
            continue
        for caller, (_c, _p, _own, all_s) in called_by.items():
            if _name(caller) in callers:
                found[_name(function)] = found.get(_name(function), 0.0) + all_s
    return found


def _name(function: tuple[str, int, str]) -> str:
    return f"{Path(function[0]).name}:{function[2]}"


def _scaled(steps: Shares, whole_ms: float) -> Shares:
    """So that all steps add up to what a page takes without being watched; small ones together."""
    total = sum(steps.values())
    scaled = {name: whole_ms * spent / total for name, spent in steps.items()}
    shown = {name: ms for name, ms in scaled.items() if ms >= SHARE_SHOWN * whole_ms and name != "else"}
    rest = whole_ms - sum(shown.values())
    return dict(sorted(shown.items(), key=lambda item: -item[1])) | {"all else": rest}
