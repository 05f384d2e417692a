"""A stack of scans becomes answers in the store: the program's main job, stage by stage. Start reading here.

    list files -> keep originals -> open and count -> read pages -> store | pair sides -> decide -> store

Reading comes first and pairing after, over the whole stack, so memory stays flat and a scan may be cut off at
any moment: what is committed stays, and the same command goes on from there to the same end.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from ballotscan import ENGINE
from ballotscan.errors import BallotscanError, StoreError
from ballotscan.forms.load import load_form
from ballotscan.i18n import gettext as _
from ballotscan.intake.files import SourceFile, list_files, lost
from ballotscan.intake.workers import Limits, WorkerFault, WorkerPool
from ballotscan.model import (
    BatchName,
    BatchSettings,
    BatchWarning,
    PageNotRead,
    PageRead,
    PageRef,
    PageResult,
    PageState,
    Reason,
)
from ballotscan.page_work import (
    CountPages,
    FileRefused,
    Found,
    ReadPage,
    Task,
    Worker,
    do_task,
    start_worker,
)
from ballotscan.rules.watch import Watch
from ballotscan.sheet_work import Forms, pair_batch
from ballotscan.store.connect import make_private_folder
from ballotscan.store.database import Store
from ballotscan.store.rows import NewFile
from ballotscan.worklist import SeenBefore, StackFile, Worklist, sort_out

if TYPE_CHECKING:
    from ballotscan.page_work import ReadSide

COMMIT_PAGES: Final = 64
COMMIT_S: Final = 0.5
"""Pages are committed after so many or so long: a cut-off costs at most half a second of reading."""

SPARE_BYTES: Final = 100_000_000
"""Free space wanted beside the originals' own: the evidence of 8,000 pages is 80 MB."""

Stage = Literal["files", "open", "read", "decide"]
Tell = Callable[[Stage, int, int], None]
"""Called with the stage, and how many of how many files, pages or sheets are done."""
Warn = Callable[[BatchWarning], None]
"""Called with what many pages of a batch show together, as soon as it is plain."""


@dataclass(frozen=True, slots=True)
class ScanReport:
    """What a scan did, beyond what the store tells. ``batches`` are those that its files belong to."""

    batches: tuple[BatchName, ...]
    pages_added: int
    unchanged: tuple[SeenBefore, ...]
    still_written: tuple[str, ...]


def scan_batch(
    store: Store,
    paths: Sequence[Path],
    folders: Sequence[Path],
    settings: BatchSettings,
    *,
    workers: int,
    tell: Tell = lambda stage, done, total: None,
    warn: Warn = lambda warning: None,
    read: ReadSide | None = None,
) -> ScanReport:
    """Read everything below ``paths`` into the store, with the forms in the template ``folders``.

    Files whose bytes are known add nothing, except that what was set aside is read again where another form
    or engine is at hand. Raises ``UsageError``, ``StoreError`` or ``TemplateError``; a damaged file or page
    is a result.
    """
    forms = {form.id: form for form in map(load_form, folders)}
    sources = list_files(paths)
    if not sources:
        raise BallotscanError(
            _("{path}: there are no files to scan.").format(path=", ".join(map(str, paths))),
            _("Name the folder the scanner writes to."),
        )
    _check_space(store, sources)
    with reading_pool(store, folders, workers, read) as pool:
        work = sort_out(
            store, sources, settings.name, frozenset(forms), lambda *count: tell("files", *count), pool.start
        )
        _count_pages(store, work, pool, tell)
        concerned = _enter(store, work, settings, forms)
        added = _read_pages(store, work, _Watches(store, forms, warn), pool, tell)
        for batch in concerned:
            mine = {file.original for file in work.files if file.batch == batch.name}
            pair_batch(store, batch, forms, mine, lambda *count: tell("decide", *count))
    names = tuple(batch.name for batch in concerned)
    return ScanReport(names, added, tuple(work.unchanged), tuple(work.still_written))


def _check_space(store: Store, sources: Sequence[SourceFile]) -> None:
    """Room for every original, before anything is written."""
    wanted = SPARE_BYTES + sum(_size(source) for source in sources if source.fault is None)
    existing = next(folder for folder in (store.folder, *store.folder.absolute().parents) if folder.exists())
    free = shutil.disk_usage(existing).free
    if free < wanted:
        raise StoreError(
            _("{folder}: only {free} MB are free, and this scan may need {wanted} MB.").format(
                folder=store.folder, free=free // 1_000_000, wanted=wanted // 1_000_000
            ),
            _("Make room, or put the database on another disk with --db."),
        )


def _size(source: SourceFile) -> int:
    try:
        return source.path.stat().st_size
    except OSError as fault:
        raise lost(source.path, fault) from fault


# --- reading: files into stored pages --------------------------------------------------------------------


Pool = WorkerPool[Worker, Task, Found]


def reading_pool(store: Store, folders: Sequence[Path], workers: int, read: ReadSide | None) -> Pool:
    """Workers that read pages of kept originals with these forms, and see nothing else."""
    make_private_folder(store.originals_folder)  # a folder that comes later is not theirs to see
    limits = Limits(readable=(store.originals_folder,))
    return WorkerPool(start_worker, (tuple(folders), read), do_task, workers, limits)


def _count_pages(store: Store, work: Worklist, pool: Pool, tell: Tell) -> None:
    """Open every file whose number of pages is not known yet; one that cannot be opened gets its fault."""
    places = {
        CountPages(store.original_path(file.original)): None for file in work.files if not _counted(file)
    }
    counts: dict[Path, int | FileRefused] = {}
    for task, found in pool.run(places):
        tell("open", len(counts), len(places))
        count = FileRefused(found.reason, found.detail) if isinstance(found, WorkerFault) else found
        assert isinstance(count, int | FileRefused), "a count for a count"
        counts[task.path] = count
    work.files = [
        file if _counted(file) else _with_count(file, counts[store.original_path(file.original)])
        for file in work.files
    ]


def _counted(file: StackFile) -> bool:
    return file.page_count is not None


def _with_count(file: StackFile, found: int | FileRefused) -> StackFile:
    if isinstance(found, FileRefused):
        return replace(file, page_count=0, fault=found)
    return replace(file, page_count=found)


def _enter(store: Store, work: Worklist, settings: BatchSettings, forms: Forms) -> list[BatchSettings]:
    """Enter batches, files, repeats and files that could not be opened, before any page is read.

    Returns the settings of every batch that a file of the stack belongs to.
    """
    known = {batch.name: batch for batch in store.batches()}
    if work.files:
        for form in forms.values():
            store.keep_form(form)
    for name in dict.fromkeys(file.batch for file in work.files):
        mine = settings
        if name != settings.name:
            mine = replace(
                known[name],
                forms=settings.forms,
                calibration=settings.calibration,
                accepted_risk=settings.accepted_risk,
                scanned_by=settings.scanned_by,
            )
        store.start_batch(mine, ENGINE)
    if settings.name in known and settings.expect not in (None, known[settings.name].expect):
        store.start_batch(settings, ENGINE)  # the count was corrected, even if nothing is to be read
    seen = [file.batch for file in work.unchanged]
    if work.begins_batch or settings.name in known:
        own = [file for file in work.files if file.batch == settings.name]
        store.add_files(settings.name, [NewFile(f.shown, f.original, f.page_count or 0) for f in own])
        store.add_pages(settings.name, [_refused(file) for file in own if file.fault])
        _enter_repeats(store, work, settings.name)
        seen.append(settings.name)
    names = dict.fromkeys([*(file.batch for file in work.files), *seen])
    return [batch for batch in store.batches() if batch.name in names]


def _refused(file: StackFile) -> PageNotRead:
    """The entry that stands for a whole file that could not be opened."""
    assert file.fault is not None, "only for a file with a fault"
    ref = PageRef(file.shown, 0, file.original)
    return PageNotRead(ref, None, PageState.SET_ASIDE, file.fault.reason, file.fault.detail)


def _enter_repeats(store: Store, work: Worklist, batch: BatchName) -> None:
    """Enter files that came in before under another name, and each of their pages as a repeat."""
    counts = {file.original: file.page_count or 0 for file in work.files}
    for repeat in work.repeats:
        if repeat.original not in counts:
            known = store.file_of(repeat.original)
            counts[repeat.original] = known.page_count if known else 0
    store.add_files(batch, [NewFile(r.shown, r.original, counts[r.original]) for r in work.repeats])
    for start in range(0, len(work.repeats), COMMIT_PAGES):
        chunk = work.repeats[start : start + COMMIT_PAGES]
        store.add_pages(batch, [page for r in chunk for page in _repeated(r, counts[r.original])])


def _repeated(repeat: SeenBefore, page_count: int) -> list[PageNotRead]:
    """A repeat's pages, page 0 for a file that could not be opened, with the batch and name it came in as."""
    first = f"{repeat.batch}: {repeat.first}"
    return [
        PageNotRead(
            PageRef(repeat.shown, page, repeat.original), None, PageState.REPEAT, Reason.REPEAT, first
        )
        for page in (range(1, page_count + 1) if page_count else (0,))
    ]


def _read_pages(store: Store, work: Worklist, watches: _Watches, pool: Pool, tell: Tell) -> int:
    """Read every page that is not stored, and again those set aside; returns how many results were new."""
    total = sum(1 for _task in _tasks(store, work.files))
    if not total:
        return 0
    batch_of = {(file.shown, file.original): file.batch for file in work.files}
    again = {PageRef(file.shown, page, file.original) for file in work.files for page in file.again}

    def where(result: PageResult) -> tuple[BatchName, bool]:
        return batch_of[result.ref.file, result.ref.original], result.ref in again

    added = done = 0
    for chunk in read_in_chunks(pool, _tasks(store, work.files)):
        for (batch, tried_before), group in groupby(chunk, where):
            add = store.add_pages_again if tried_before else store.add_pages
            results = list(group)
            added += len(add(batch, results))
            watches.look(batch, results)
        done += len(chunk)
        tell("read", done, total)
    return added


@dataclass(frozen=True, slots=True)
class _Watches:
    """One watch per batch, over the pages of this scan; what it notices is stored and told at once."""

    store: Store
    forms: Forms
    warn: Warn
    by_batch: dict[BatchName, Watch] = field(default_factory=dict)

    def look(self, batch: BatchName, results: Sequence[PageResult]) -> None:
        if batch not in self.by_batch:
            self.by_batch[batch] = Watch(self.forms, self.store.past_sides(self.forms.keys(), but=batch))
        watch = self.by_batch[batch]
        read = [result for result in results if isinstance(result, PageRead)]
        noticed = [warning for result in read for warning in watch.look(result.ref, result.reading)]
        if noticed:
            self.store.add_warnings(batch, noticed)
        for warning in noticed:
            self.warn(warning)


def _tasks(store: Store, files: Iterable[StackFile]) -> Iterator[ReadPage]:
    """One task per page: whatever a page does to its worker, it does to itself alone."""
    for file in files:
        for page in range(1, (file.page_count or 0) + 1):
            if page not in file.stored or page in file.again:
                yield ReadPage(store.original_path(file.original), PageRef(file.shown, page, file.original))


def read_in_chunks(pool: Pool, tasks: Iterable[ReadPage]) -> Iterator[list[PageResult]]:
    """Read pages in worker processes, in the pieces in which they are committed."""
    chunk: list[PageResult] = []
    began_s = time.monotonic()
    for task, result in pool.run(tasks):
        assert isinstance(task, ReadPage), "its own task"
        chunk.append(_page_result(task, result))
        if len(chunk) >= COMMIT_PAGES or time.monotonic() - began_s >= COMMIT_S:
            yield chunk
            chunk, began_s = [], time.monotonic()
    if chunk:
        yield chunk


def _page_result(task: ReadPage, result: Found | WorkerFault) -> PageResult:
    """A page that cost its worker's life is set aside."""
    if isinstance(result, WorkerFault):
        return PageNotRead(task.ref, None, PageState.SET_ASIDE, result.reason, result.detail)
    assert isinstance(result, PageResult), "a page's result for a page"
    assert result.ref == task.ref, "and for this one"
    return result
