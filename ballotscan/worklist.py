"""What a scan has to do: every file of the stack kept, looked up by its bytes, and put where it belongs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Final

from ballotscan import ENGINE
from ballotscan.errors import StoreError
from ballotscan.intake.files import SourceFile, count_at_sight, lost, still_written
from ballotscan.model import BatchName, Reason, Sha256
from ballotscan.page_work import FileRefused
from ballotscan.store.database import Store
from ballotscan.store.rows import KnownFile, Tried

NO_ORIGINAL: Final = Sha256("")
"""Stands for the bytes of what has none to keep: a link, a device, a file that may not be read."""

KEEPERS: Final = 4
"""Files kept at once: reading, hashing and writing a page takes 2 ms, waiting for the disk 3 to 10."""

_LOOKED_UP: Final = 64
"""Files looked up in one go."""

EMPTY: Final = Sha256("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
"""SHA-256 of no bytes. Two empty files are not the same scan."""


@dataclass(frozen=True, slots=True)
class StackFile:
    """A file with pages to be read, and the batch and name under which they are stored."""

    batch: BatchName
    shown: str
    original: Sha256
    page_count: int | None = None  # None until it is opened
    fault: FileRefused | None = None
    stored: frozenset[int] = frozenset()  # pages stored already
    again: tuple[int, ...] = ()  # pages set aside before, to be tried again


@dataclass(frozen=True, slots=True)
class SeenBefore:
    """A file whose bytes were stored before, and as what."""

    shown: str
    original: Sha256
    batch: BatchName
    first: str


@dataclass(slots=True)
class Worklist:
    """The files of a stack, sorted by what is to be done with them."""

    batch: BatchName
    forms: frozenset[str]  # ids of the forms at hand
    files: list[StackFile] = field(default_factory=list)  # with pages to read, in stack order
    repeats: list[SeenBefore] = field(default_factory=list)  # to be entered in this batch as repeats
    elsewhere: list[SeenBefore] = field(default_factory=list)  # stored in other batches
    unchanged: list[SeenBefore] = field(default_factory=list)  # nothing is left to do with these
    still_written: list[str] = field(default_factory=list)
    first_with: dict[Sha256, str] = field(default_factory=dict)

    @property
    def begins_batch(self) -> bool:
        """Whether anything is to be read for this batch itself."""
        return any(file.batch == self.batch for file in self.files)


def sort_out(
    store: Store,
    sources: Sequence[SourceFile],
    batch: BatchName,
    forms: frozenset[str],
    tell: Callable[[int, int], None],
    found_new: Callable[[], None],
) -> Worklist:
    """Keep every original and look up what is known of its bytes. ``tell`` is given the files done and all;
    ``found_new`` is called, once or oftener, when it is plain that something is to be read.

    Pages set aside under other ``forms`` (ids), or by another engine, are to be tried again. Raises
    ``StoreError`` where originals cannot be kept.
    """
    work = Worklist(batch, forms)
    kept: list[StackFile | None] = []
    known: set[Sha256] = set()
    keeping = _keep_all(store, sources, batch, tell)
    while piece := list(islice(keeping, _LOOKED_UP)):
        shas = {file.original for file in piece if file is not None}
        known |= (here := store.known_originals(shas))
        if shas - here:
            found_new()
        kept += piece
    store.settle_originals({file.original for file in kept if file is not None} - {NO_ORIGINAL})
    for source, file in zip(sources, kept, strict=True):
        if file is None:
            work.still_written.append(source.shown)
        else:
            _place(work, file, store.file_of(file.original) if file.original in known else None)
    if work.begins_batch:
        work.repeats += work.elsewhere  # a batch that is begun tells where every file of its stack went
    return work


def _keep_all(
    store: Store, sources: Sequence[SourceFile], batch: BatchName, tell: Callable[[int, int], None]
) -> Iterator[StackFile | None]:
    """Every file kept, in the stack's order; None for one that is still being written."""
    with ThreadPoolExecutor(KEEPERS) as threads:
        found = [threads.submit(_keep, store, source, batch) for source in sources]
        try:
            for number, each in enumerate(found):
                tell(number, len(sources))
                yield each.result()
        finally:
            threads.shutdown(wait=False, cancel_futures=True)


def _keep(store: Store, source: SourceFile, batch: BatchName) -> StackFile | None:
    """In a thread: the file with its original kept; None if it is still being written."""
    if source.fault is not None:
        refused = FileRefused(source.fault.reason, source.fault.detail)
        return StackFile(batch, source.shown, NO_ORIGINAL, 0, refused)
    if still_written(source.path) is not None:
        return None
    may_not = _refused(source.path)
    if may_not is not None:
        return StackFile(batch, source.shown, NO_ORIGINAL, 0, may_not)
    before = _stamp(source.path)
    try:
        original = store.put_original(source.path)
    except StoreError:
        if _stamp(source.path) == before:
            raise
        return None  # it grew under our hands
    return StackFile(batch, source.shown, original, count_at_sight(store.original_path(original)))


def _stamp(path: Path) -> tuple[int, int]:
    """Size and time of change. Raises ``BallotscanError`` where the drive is gone."""
    try:
        found = path.stat()
    except OSError as fault:
        raise lost(path, fault) from fault
    return found.st_size, found.st_mtime_ns


def _refused(path: Path) -> FileRefused | None:
    """Whether the file may not be read at all. Raises ``BallotscanError`` where the drive is gone."""
    try:
        with path.open("rb"):
            return None
    except PermissionError:
        return FileRefused(Reason.NOT_A_FILE, "you may not read it: permission denied")
    except OSError as fault:
        raise lost(path, fault) from fault


def _place(work: Worklist, file: StackFile, known: KnownFile | None) -> None:
    """Put a kept file where it belongs."""
    if file.original in (NO_ORIGINAL, EMPTY):
        if known is None or known.batch == work.batch:
            work.files.append(file)  # the same again adds nothing
        else:
            work.unchanged.append(_seen(file, known))
    elif known is not None:
        _place_known(work, file, known)
    elif file.original in work.first_with:
        first = work.first_with[file.original]
        work.repeats.append(SeenBefore(file.shown, file.original, work.batch, first))
    else:
        work.first_with[file.original] = file.shown
        work.files.append(file)


def _place_known(work: Worklist, file: StackFile, known: KnownFile) -> None:
    """Its bytes are known: what is left to read of them is read where they are, and the file adds nothing."""
    seen = _seen(file, known)
    again = tuple(
        page for page, tried in known.set_aside.items() if page and _worth_trying(tried, work.forms)
    )
    whole = len(known.pages_stored) >= max(known.page_count, 1)
    if whole and not again:
        work.unchanged.append(seen)
    elif file.original not in work.first_with:
        work.first_with[file.original] = file.shown
        batch = BatchName(known.batch)
        work.files.append(
            replace(
                file,
                batch=batch,
                shown=known.shown,
                page_count=known.page_count or None,
                stored=known.pages_stored,
                again=again,
            )
        )
    if known.batch != work.batch:
        work.elsewhere.append(seen)
    elif known.shown != file.shown:
        work.repeats.append(seen)


def _seen(file: StackFile, known: KnownFile) -> SeenBefore:
    return SeenBefore(file.shown, file.original, BatchName(known.batch), known.shown)


def _worth_trying(tried: Tried, forms: frozenset[str]) -> bool:
    return tried.engine != ENGINE or not forms <= tried.forms
