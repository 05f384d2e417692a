"""Every file that was scanned, kept byte for byte under its hash."""

from __future__ import annotations

import hashlib
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final

from ballotscan.errors import StoreError
from ballotscan.i18n import gettext as _
from ballotscan.model import Sha256
from ballotscan.store.connect import make_private_folder

FOLDER: Final = "originals"
_PIECE: Final = 1 << 20
_READ_ONLY: Final = 0o400


def original_path(folder: Path, sha: Sha256) -> Path:
    """Where an original lies (or would lie) below the store's folder."""
    return folder / FOLDER / sha[:2] / sha


def file_hash(path: Path) -> Sha256:
    """SHA-256 of a file's bytes. Raises ``OSError``."""
    with path.open("rb") as file:
        return Sha256(hashlib.file_digest(file, "sha256").hexdigest())


def keep(folder: Path, path: Path) -> Sha256:
    """Copy a file into the originals unless it is there already, and return its hash.

    Copied to a temporary name, synchronised and renamed, so that a power cut leaves the whole file or none.
    Raises ``StoreError`` if the file cannot be read or kept, or changes meanwhile.
    """
    try:
        sha = file_hash(path)
        kept = original_path(folder, sha)
        if kept.exists() and kept.stat().st_size == path.stat().st_size:
            return sha
        make_private_folder(kept.parent)
        _copy(path, kept, sha)
    except OSError as fault:
        raise StoreError(
            _("{file}: the original cannot be kept: {reason}.").format(
                file=path, reason=fault.strerror or fault
            ),
            _("Check the file, the disk's free space and the permissions."),
        ) from fault
    return sha


def _copy(path: Path, kept: Path, sha: Sha256) -> None:
    handle, name = tempfile.mkstemp(prefix=".new-", dir=kept.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as target, path.open("rb") as source:
            copied = _copy_bytes(source, target)
            target.flush()
            os.fsync(target.fileno())
        if copied != sha:
            raise StoreError(
                _("{file}: the file changed while it was being read.").format(file=path),
                _("Wait until the scanner has finished, then scan it again."),
            )
        temporary.chmod(_READ_ONLY)
        temporary.replace(kept)
        sync_folder(kept.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _copy_bytes(source: BinaryIO, target: BinaryIO) -> str:
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
