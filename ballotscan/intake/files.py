"""A folder of files into pages: list them as one stack, open each by its content.

``list_files`` and ``open_source`` are all that others need. Pixels are held for one page at a time.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final

from ballotscan.errors import BallotscanError, UsageError
from ballotscan.i18n import gettext as _
from ballotscan.i18n import why
from ballotscan.intake.faults import FileFault, PageFault
from ballotscan.intake.kinds import SNIFFED_BYTES, Kind, kind_of
from ballotscan.intake.names import escape_name, natural_key, shown_path
from ballotscan.model import Reason

if TYPE_CHECKING:
    from ballotscan.intake.page_image import PageImage

_CLUTTER = {"thumbs.db", "desktop.ini", ".ds_store", "ehthumbs.db"}
_CLUTTER_STARTS = (".", "~$")  # hidden files; lock files of Word and Excel
_SETTLED_S: Final = 2.0
"""A file that lay still for so long is taken as written: scanners write at least once a second."""
_MAX_SINGLE_IMAGE_BYTES: Final = 500_000_000  # a raw colour page of MAX_PAGE_PX is 300 MB
_GONE = {
    errno.ENOENT,
    errno.EIO,
    errno.ESTALE,
    errno.ENOTCONN,
    errno.EHOSTDOWN,
    errno.ETIMEDOUT,
    errno.ENODEV,
}


@dataclass(frozen=True)
class SourceFile:
    """A file of the stack. ``shown`` is its path below the argument that led to it, as printable text.

    ``fault`` is set where the entry is not to be opened at all (a link, a pipe, a device).
    """

    path: Path
    shown: str
    fault: FileFault | None = None


@dataclass(frozen=True)
class OpenFile:
    """A file that was opened as a stack of ``page_count`` pages. Close it, or use it in ``with``."""

    path: Path
    kind: Kind
    page_count: int
    _page: Callable[[int], PageImage]
    _close: Callable[[], None]

    def page(self, number: int) -> PageImage:
        """Page ``number``, from 1. Raises PageFault; the other pages can still be read.

        Raises BallotscanError where the drive is gone.
        """
        if not 1 <= number <= self.page_count:
            raise IndexError(f"page {number} of {self.page_count}")
        try:
            return self._page(number)
        except OSError as error:
            if error.errno in _GONE:
                raise lost(self.path, error) from error
            raise PageFault(Reason.DAMAGED_IMAGE, f"it cannot be read: {error.strerror}") from error

    def close(self) -> None:
        """Let the file go. Does nothing the second time."""
        self._close()

    def __enter__(self) -> OpenFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


# --- listing ------------------------------------------------------------------------------------------------


def list_files(paths: Sequence[Path]) -> list[SourceFile]:
    """Every file below the paths, as one stack in natural order. Links below them are told, not followed.

    Raises UsageError where a path does not exist, BallotscanError where a folder can no longer be read.
    """
    found = [file for file, clutter in _entries(paths) if not clutter]
    unique = {file.path: file for file in found}
    return sorted(unique.values(), key=lambda file: natural_key(file.path.absolute().parts))


def count_skipped(paths: Sequence[Path]) -> int:
    """How many hidden files and system leftovers (Thumbs.db, ~$...) lie below the paths."""
    return sum(clutter for _file, clutter in _entries(paths))


def _entries(paths: Sequence[Path]) -> Iterator[tuple[SourceFile, bool]]:
    """Every entry below the paths that is no plain folder, and whether it is clutter."""
    for path in paths:
        if not os.path.lexists(path):
            raise UsageError(
                _("{path}: no such file or folder.").format(path=shown_path(path)),
                _("Check the path and the drive."),
            )
        if path.is_dir():  # the one link that is followed is a folder named on the command line itself
            yield from _below(path, path)
        else:
            yield SourceFile(path, escape_name(path.name), _not_a_file(path)), False


def _below(folder: Path, top: Path) -> Iterator[tuple[SourceFile, bool]]:
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise lost(folder, error) from error
    for entry in entries:
        clutter = _is_clutter(entry.name)
        if entry.is_dir() and not entry.is_symlink():
            if not clutter:
                yield from _below(entry, top)
        else:
            yield SourceFile(entry, shown_path(entry.relative_to(top)), _not_a_file(entry)), clutter


def _is_clutter(name: str) -> bool:
    return name.startswith(_CLUTTER_STARTS) or name.casefold() in _CLUTTER


def _not_a_file(path: Path) -> FileFault | None:
    """A fault for whatever is not a plain file, told without opening it."""
    try:
        mode = path.lstat().st_mode
    except OSError as error:
        raise lost(path, error) from error
    if stat.S_ISREG(mode):
        return None
    tests = {"link": stat.S_ISLNK, "pipe": stat.S_ISFIFO, "socket": stat.S_ISSOCK, "folder": stat.S_ISDIR}
    what = next((name for name, test in tests.items() if test(mode)), "device")
    return FileFault(Reason.NOT_A_FILE, f"a {what}; it is not followed")


def lost(path: Path, error: OSError) -> BallotscanError:
    """The clean stop for a drive that went away in the middle."""
    return BallotscanError(
        _("{path}: can no longer be read ({error}).").format(path=shown_path(path), error=why(error)),
        _("Check the drive and run the same command again: what was read is kept."),
    )


# --- still being written ------------------------------------------------------------------------------------


def still_written(path: Path) -> FileFault | None:
    """A fault where the file is still growing: changed a moment ago, and its end is not there yet.

    A recent file without its proper end is watched until it has lain still for ``_SETTLED_S``, so this may
    take that long; a file that lies still is none of this function's business, however damaged.
    """
    try:
        before = path.stat()
        age_s = time.time() - before.st_mtime
        if not 0 <= age_s < _SETTLED_S or _has_end(path):
            return None
        time.sleep(_SETTLED_S - age_s)
        after = path.stat()
    except OSError as error:
        raise lost(path, error) from error
    if (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns):
        return None
    return FileFault(Reason.STILL_WRITTEN, f"it grew from {before.st_size} to {after.st_size} bytes")


def _has_end(path: Path) -> bool:
    """Whether the file ends as its kind must. An empty file has no end yet."""
    with path.open("rb") as file:
        head = file.read(SNIFFED_BYTES)
        file.seek(max(0, path.stat().st_size - 1100))
        tail = file.read().rstrip(b"\0\r\n\t ")
    try:
        kind = kind_of(head)
        if kind == "TIFF":
            from ballotscan.intake.tiff import check_directories

            return check_directories(path) > 0
    except FileFault as fault:
        return fault.reason is Reason.UNSUPPORTED_TYPE
    if kind == "PDF":
        return b"startxref" in tail and tail.endswith(b"%%EOF")
    return tail.endswith(b"\xff\xd9" if kind == "JPEG" else b"IEND\xaeB`\x82")


# --- opening ------------------------------------------------------------------------------------------------


def open_source(path: Path) -> OpenFile:
    """Open a file by its content, strictly. Raises FileFault; BallotscanError where the drive is gone."""
    if fault := _not_a_file(path):
        raise fault
    try:
        with path.open("rb") as file:
            head = file.read(SNIFFED_BYTES)
        return _open_kind(path, kind_of(head))
    except PermissionError as error:
        raise FileFault(Reason.NOT_A_FILE, "you may not read it: permission denied") from error
    except OSError as error:
        if error.errno in _GONE:
            raise lost(path, error) from error
        raise FileFault(Reason.DAMAGED_FILE, f"it cannot be read: {error.strerror}") from error


def count_at_sight(path: Path) -> int | None:
    """1 for a file that by its first bytes is a single image; None where it must be opened to tell."""
    with path.open("rb") as file:
        head = file.read(SNIFFED_BYTES)
    try:
        return 1 if kind_of(head) in ("JPEG", "PNG") else None
    except FileFault:
        return None


def _open_kind(path: Path, kind: Kind) -> OpenFile:
    """Each kind's own module is loaded with the first such file: a stack is nearly always of one kind."""
    if kind == "PDF":
        from ballotscan.intake.pdf import PdfFile

        pdf = PdfFile(path)
        return OpenFile(path, kind, pdf.page_count, pdf.page, pdf.close)
    if kind == "TIFF":
        from ballotscan.intake.tiff import TiffFile

        tiff = TiffFile(path)
        return OpenFile(path, kind, tiff.page_count, tiff.page, tiff.close)
    if kind == "JPEG":
        from ballotscan.intake.jpeg import open_jpeg as read
    else:
        from ballotscan.intake.png import open_png as read

    def page(_number: int) -> PageImage:
        if path.stat().st_size > _MAX_SINGLE_IMAGE_BYTES:
            raise PageFault(Reason.TOO_LARGE, f"a single image of {path.stat().st_size} bytes")
        return read(path.read_bytes())

    return OpenFile(path, kind, 1, page, lambda: None)
