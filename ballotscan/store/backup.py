"""A consistent copy of a SQLite record and of its originals, while others may be reading or scanning.

Beside the copy ``FILE`` lie the folder ``originals`` (scans, templates and scanners' profiles; only what is
not there yet is copied: originals never change) and ``FILE.manifest``: the chain's head in its first line,
then each original's hash and path, as ``sha256sum --check`` reads them.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from ballotscan.errors import StoreError, UsageError
from ballotscan.i18n import gettext as _
from ballotscan.i18n import why
from ballotscan.model import Sha256
from ballotscan.settings import shipped
from ballotscan.store import keeping, originals
from ballotscan.store.connect import make_private_folder


def manifest_path(copy: Path) -> Path:
    return copy.with_name(f"{copy.name}.manifest")


def copy_record(database: Path, folder: Path, target: Path) -> tuple[str, int]:
    """Copy a database and its originals to ``target`` and beside it; returns the head and their number.

    Nothing is overwritten, and ``target`` has its name only once all of it is there. Raises ``StoreError`` or
    ``UsageError``.
    """
    for path in (target, manifest_path(target)):
        if path.exists():
            raise UsageError(
                _("{file}: this file is there already.").format(file=path), _("Choose another name.")
            )
    unfinished = target.with_name(f"{target.name}.unfinished")
    try:
        make_private_folder(target.absolute().parent)
        os.close(os.open(unfinished, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600))
        with closing(_read_only(database)) as source, closing(sqlite3.connect(unfinished)) as copy:
            source.backup(copy)
            head, shas = _contents(copy)
        for sha in shas:
            _copy_original(folder, target.absolute().parent, sha)
        _write_manifest(target, head, shas)
        with unfinished.open("rb+") as file:
            os.fsync(file.fileno())
        unfinished.replace(target)
        originals.sync_folder(target.absolute().parent)
    except (OSError, sqlite3.Error) as fault:
        raise StoreError(
            _("{file}: the copy cannot be made: {reason}.").format(
                file=target, reason=(why(fault) if isinstance(fault, OSError) else fault)
            ),
            _("Check the disk's free space and the permissions; 'ballotscan verify' checks the record."),
        ) from fault
    finally:
        unfinished.unlink(missing_ok=True)
    return head, len(shas)


def head_of_manifest(copy: Path) -> str | None:
    """The head that a copy was made with, from its manifest; nothing where there is none."""
    try:
        first = manifest_path(copy).read_text(encoding="utf-8").splitlines()[0]
    except (OSError, IndexError, UnicodeDecodeError):
        return None
    return first.rpartition(" ")[2]


def bring_back(database: Path, folder: Path) -> list[Path]:
    """Put templates and scanners' profiles, as last used, from the originals to where the program looks for
    them, unless a file lies there or the same comes with the program; returns those it wrote.
    """
    with closing(_read_only(database)) as record:
        names = keeping.names_of_files(_naming_files(record))
    written = []
    for name, sha in names.items():
        target, with_program = folder / name, shipped(name.parts[0]).joinpath(*name.parts[1:])
        same = with_program.is_file() and hashlib.sha256(with_program.read_bytes()).hexdigest() == sha
        if not same and not target.exists():
            make_private_folder(target.parent)
            target.write_bytes(originals.original_path(folder, sha).read_bytes())
            written.append(target)
    return written


def _read_only(database: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)


def _contents(copy: sqlite3.Connection) -> tuple[str, list[Sha256]]:
    copy.execute("PRAGMA journal_mode=DELETE")
    (head,) = copy.execute("SELECT hash FROM ledger ORDER BY seq DESC LIMIT 1").fetchone()
    return bytes(head).hex(), sorted(keeping.kept_files(_naming_files(copy)))


def _naming_files(record: sqlite3.Connection) -> Iterator[tuple[str, Mapping[str, Any]]]:
    marks = ", ".join("?" * len(keeping.NAMING_FILES))
    query = f"SELECT kind, body FROM ledger WHERE kind IN ({marks}) ORDER BY seq"
    for kind, body in record.execute(query, keeping.NAMING_FILES):
        yield kind, json.loads(body)


def _copy_original(folder: Path, target: Path, sha: Sha256) -> None:
    source = originals.original_path(folder, sha)
    if not source.is_file():
        raise StoreError(
            _("{file}: this original is missing.").format(file=source),
            _("Look for it in an older backup; 'ballotscan verify' names what is wrong."),
        )
    if originals.keep(target, source) != sha:
        raise StoreError(
            _("{file}: this original was changed.").format(file=source),
            _("Look for it in an older backup; 'ballotscan verify' names what is wrong."),
        )


def _write_manifest(target: Path, head: str, shas: Sequence[Sha256]) -> None:
    lines = [f"# head {head}", *(f"{sha}  {originals.FOLDER}/{sha[:2]}/{sha}" for sha in shas)]
    path = manifest_path(target)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
    shutil.copymode(target.with_name(f"{target.name}.unfinished"), path)
