"""What a worker process does: count the pages of a file, and read one page. Knows no database.

Workers open other people's files, so they live in processes of their own (see ``intake.workers``). What goes
in and out is small and frozen; pixels never leave the worker. The parent imports this module too, to hand out
work, so what handles pixels is imported only where a worker begins.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ballotscan.intake.faults import FileFault, PageFault
from ballotscan.intake.files import OpenFile, open_source
from ballotscan.model import PageNotRead, PageRead, PageRef, PageResult, PageState, Reason, SideReading

if TYPE_CHECKING:
    from ballotscan.reading import SideNotRead
    from ballotscan.vision.page import Scan
    from ballotscan.vision.reference import Reference

    ReadSide = Callable[[Scan, bool, Sequence[Reference]], SideReading | SideNotRead]


@dataclass(frozen=True, slots=True)
class CountPages:
    """Open a file strictly and count its pages."""

    path: Path


@dataclass(frozen=True, slots=True)
class ReadPage:
    """Read page ``ref.page`` of the file at ``path`` (the kept original)."""

    path: Path
    ref: PageRef


@dataclass(frozen=True, slots=True)
class FileRefused:
    """A file that could not be opened as a stack of scans."""

    reason: Reason
    detail: str


Task = CountPages | ReadPage
Found = int | FileRefused | PageResult


@dataclass(slots=True)
class Worker:
    """A worker's own things: the forms as pictures, made once, and the file it has open."""

    references: tuple[Reference, ...]
    read: ReadSide
    _path: Path | None = None
    _file: OpenFile | None = field(default=None, repr=False)

    def open(self, path: Path) -> OpenFile:
        """The file, opened once for all of its pages that come here in a row. Raises ``FileFault``."""
        if self._file is None or path != self._path:
            self.close()
            self._file, self._path = open_source(path), path
        return self._file

    def close(self) -> None:
        """Let the open file go."""
        if self._file is not None:
            self._file.close()
        self._file = self._path = None


def start_worker(folders: Sequence[Path], read: ReadSide | None = None) -> Worker:
    """A worker for the forms in these template folders; ``read`` stands in for the reader in tests.

    Raises ``TemplateError``.
    """
    from ballotscan.forms.prints import load_print
    from ballotscan.reading import read_side
    from ballotscan.vision.reference import build_references

    prints = [load_print(folder) for folder in folders]
    references = tuple(reference for each in prints for reference in build_references(each))
    return Worker(references, read or read_side)


def do_task(worker: Worker, task: Task) -> Found:
    """Do one task. A file or page that cannot be read is a result."""
    if isinstance(task, CountPages):
        return _count_pages(worker, task.path)
    return _read_page(worker, task)


def _count_pages(worker: Worker, path: Path) -> int | FileRefused:
    try:
        return worker.open(path).page_count
    except FileFault as fault:
        return FileRefused(fault.reason, fault.detail)


def _read_page(worker: Worker, task: ReadPage) -> PageResult:
    try:
        image = worker.open(task.path).page(task.ref.page)
    except (FileFault, PageFault) as fault:
        return PageNotRead(task.ref, None, PageState.SET_ASIDE, fault.reason, fault.detail)
    found = worker.read(image, image.bitonal, worker.references)
    if isinstance(found, SideReading):
        return PageRead(task.ref, image.image_sha, found)
    known = (found.form, found.edition) in {(ref.form.id, ref.form.edition) for ref in worker.references}
    form, edition, side = (found.form, found.edition, found.side) if known else (None, None, None)
    detail = found.detail or " ".join(part for part in (found.form, found.edition) if part and not known)
    return PageNotRead(task.ref, image.image_sha, found.state, found.reason, detail, form, edition, side)
