"""Keeps what was drawn once in the user's cache folder. Losing it costs time, never an answer."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Final

NAME: Final = "ballotscan"


def cache_folder() -> Path:
    """The user's own cache folder for this program, as each system has it; not yet made."""
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / NAME / "Cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / NAME
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / NAME


def read_cached(name: str) -> bytes | None:
    """What was kept under this name, or ``None``."""
    try:
        return (cache_folder() / name).read_bytes()
    except OSError:
        return None


def keep(name: str, data: bytes) -> None:
    """Keep ``data`` for the next run, whole or not at all. A folder that cannot be written is no error."""
    folder = cache_folder()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=folder)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            Path(temporary).replace(folder / name)
        except OSError:
            Path(temporary).unlink(missing_ok=True)
    except OSError:
        return
