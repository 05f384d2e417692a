"""What is measured in a process of its own: ``python -m tests.bench.tasks decode FOLDER``, and so on.

Each prints one number: seconds of CPU for ``decode`` and ``read``, of the clock for ``first``.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from ballotscan.model import PageRef, Sha256
from tests.bench.pages import TEMPLATE


def decode(folder: Path) -> float:
    """Every page to full-size grey by OpenCV in one thread, and nothing else; without loading OpenCV."""
    import cv2

    cv2.setNumThreads(1)
    files = [str(path) for path in sorted(folder.iterdir())]
    cv2.imread(files[0], cv2.IMREAD_GRAYSCALE)
    began = time.process_time()
    for file in files:
        assert cv2.imread(file, cv2.IMREAD_GRAYSCALE) is not None
    return time.process_time() - began


def read(folder: Path) -> float:
    """Every page decoded and read, as a worker does it; without its start."""
    import cv2

    from ballotscan.forms.load import shipped_templates
    from ballotscan.model import PageRead
    from ballotscan.page_work import ReadPage, do_task, start_worker

    cv2.setNumThreads(1)
    worker = start_worker([shipped_templates() / TEMPLATE])
    tasks = [ReadPage(path, PageRef(path.name, 1, Sha256(""))) for path in sorted(folder.iterdir())]
    do_task(worker, tasks[0])
    began = time.process_time()
    for task in tasks:
        assert isinstance(do_task(worker, task), PageRead)
    return time.process_time() - began


def first(folder: Path, database: Path) -> float:
    """From the start of a scan, all loading included, until its first pages are stored."""
    began = time.monotonic() - time.process_time()
    from ballotscan.forms.load import shipped_templates
    from ballotscan.model import BatchName, BatchSettings
    from ballotscan.pipeline import scan_batch
    from ballotscan.store.database import open_store

    class Found(Exception):  # noqa: N818
        pass

    def tell(stage: str, done: int, total: int) -> None:
        if stage == "read" and done:
            raise Found

    settings = BatchSettings(BatchName("bench"), (TEMPLATE,), "2023-03-10", "", "", "", None)
    with open_store(database) as store:
        try:
            scan_batch(store, [folder], [shipped_templates() / TEMPLATE], settings, workers=2, tell=tell)
        except Found:
            return time.monotonic() - began
    raise AssertionError("nothing was read")


def ratio(folder: Path) -> float:
    """CPU of decoding and reading a page against that of decoding it to full-size grey by OpenCV.

    By turns, the least of three each: what hinders the one hinders the other, so that it holds to a tenth on
    a busy machine too.
    """
    import cv2

    from ballotscan.forms.load import shipped_templates
    from ballotscan.page_work import ReadPage, do_task, start_worker

    cv2.setNumThreads(1)
    worker = start_worker([shipped_templates() / TEMPLATE])
    floor = reader = 0.0
    for path in sorted(folder.iterdir()):
        page = ReadPage(path, PageRef(path.name, 1, Sha256("")))
        floor += _least(partial(cv2.imread, str(path), cv2.IMREAD_GRAYSCALE))
        reader += _least(partial(do_task, worker, page))
    return reader / floor


def _least(work: Callable[[], object]) -> float:
    spent = []
    for _ in range(3):
        began = time.process_time()
        work()
        spent.append(time.process_time() - began)
    return min(spent)


TASKS: dict[str, Callable[..., float]] = {"decode": decode, "read": read, "ratio": ratio, "first": first}

if __name__ == "__main__":
    print(TASKS[sys.argv[1]](*map(Path, sys.argv[2:])))  # noqa: T201
