"""Every file that was scanned, kept byte for byte under its hash."""

from __future__ import annotations

import hashlib
import os
import tempfile
import threading
from collections.abc import Iterable
from contextlib import suppress
from io import BufferedReader, BufferedWriter
from pathlib import Path
from typing import Final, NamedTuple

from ballotscan.errors import StoreError
from ballotscan.i18n import gettext as _
from ballotscan.i18n import why
from ballotscan.model import Sha256
from ballotscan.store.connect import make_private_folder

FOLDER: Final = "originals"
_PIECE: Final = 1 << 20
_WHOLE: Final = 1 << 24  # a file shorter than this, as a page's image is, is held and read once; others twice
_renaming: Final = threading.Lock()  # Windows replaces no file that another thread has just put there
_READ_ONLY: Final = 0o400


def original_path(folder: Path, sha: Sha256) -> Path:
    """Where an original lies (or would lie) below the store's folder."""
    return folder / FOLDER / sha[:2] / sha


def keep(folder: Path, path: Path) -> Sha256:
    """Copy a file into the originals unless it is there already, and return its hash.

    It is on disk, under its name, when this returns. Raises ``StoreError`` if the file cannot be read or
    kept, or changes meanwhile.
    """
    sha = put(folder, path)
    settle(folder, [sha])
    return sha


def put(folder: Path, path: Path) -> Sha256:
    """As ``keep``, but the name is sure to outlive a power cut only after ``settle``. Threads may call this.

    Copied to a temporary name, synchronised and renamed, so that a power cut leaves the whole file or none.
    """
    try:
        with path.open("rb") as source:
            return _put(folder, path, source)
    except OSError as fault:
        raise StoreError(
            _("{file}: the original cannot be kept: {reason}.").format(file=path, reason=why(fault)),
            _("Check the file, the disk's free space and the permissions."),
        ) from fault


def settle(folder: Path, shas: Iterable[Sha256]) -> None:
    """Make the names of originals durable, before entries about them are committed; each folder once."""
    folders = sorted({original_path(folder, sha).parent for sha in shas})
    for each in (*folders, folder / FOLDER, folder) if folders else ():
        sync_folder(each)


def _put(folder: Path, path: Path, source: BufferedReader) -> Sha256:
    before = _stamp(source)
    content = source.read(_WHOLE)
    whole = len(content) < _WHOLE
    sha = Sha256(hashlib.sha256(content).hexdigest()) if whole else _hash_of(source)
    kept = original_path(folder, sha)
    if _is_there(kept, before.size):
        return sha
    make_private_folder(kept.parent)
    handle, name = tempfile.mkstemp(prefix=".new-", dir=kept.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as target:
            same = target.write(content) == before.size if whole else _copy(source, target) == sha
            target.flush()
            os.fsync(target.fileno())
        if not same or _stamp(source) != before:
            raise StoreError(
                _("{file}: the file changed while it was being read.").format(file=path),
                _("Wait until the scanner has finished, then scan it again."),
            )
        temporary.chmod(_READ_ONLY)
        with _renaming:
            if not _is_there(kept, before.size):
                temporary.replace(kept)
    finally:
        temporary.unlink(missing_ok=True)
    return sha


def _is_there(kept: Path, size: int) -> bool:
    with suppress(FileNotFoundError):
        return kept.stat().st_size == size
    return False


class _Stamp(NamedTuple):
    size: int
    changed_ns: int


def _stamp(file: BufferedReader) -> _Stamp:
    found = os.fstat(file.fileno())
    return _Stamp(found.st_size, found.st_mtime_ns)


def _hash_of(file: BufferedReader) -> Sha256:
    file.seek(0)
    return Sha256(hashlib.file_digest(file, "sha256").hexdigest())


def _copy(source: BufferedReader, target: BufferedWriter) -> str:
    """Copy piece by piece; the hash of what was copied."""
    source.seek(0)
    digest = hashlib.sha256()
    while piece := source.read(_PIECE):
        digest.update(piece)
        target.write(piece)
    return digest.hexdigest()


def sync_folder(folder: Path) -> None:
    """Make the new name itself durable. Windows has no such call and needs none."""
    if os.name == "nt":
        return
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
