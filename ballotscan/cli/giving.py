"""What every command does with a file it writes for others: a place that takes none is said in one line, and
the hash of what was written goes into the record."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ballotscan.errors import BallotscanError, StoreError, UsageError
from ballotscan.i18n import gettext as _
from ballotscan.i18n import why

if TYPE_CHECKING:
    from ballotscan.store.database import Store


@contextmanager
def writing(file: Path, remedy: str = "") -> Iterator[None]:
    """While a file is written: an ``OSError`` becomes a ``BallotscanError`` that names it and what to do."""
    try:
        yield
    except OSError as fault:
        raise BallotscanError(
            _("{file}: the file cannot be written: {reason}.").format(file=file, reason=why(fault)),
            remedy or _("Choose another place, or close the program that has it open."),
        ) from fault


def enter(store: Store, what: str, *files: Path, by: str = "") -> None:
    """Enter files that were written, so that ``verify FILE`` knows them.

    Where the record cannot be written now (a scan is running), that is said, and the files stay. But what
    shows people's texts (``by`` asked for it) is not given out without an entry: it is deleted again.
    """
    try:
        for file in files:
            store.enter_export(what, file, by)
    except StoreError as fault:
        if by:
            for file in files:
                file.unlink(missing_ok=True)
            raise
        line = _("{file}: not entered in the record: {reason} 'ballotscan verify' will not know this file.")
        typer.echo(line.format(file=files[0], reason=fault.message), err=True)


def check_asker(show_text: bool, by: str) -> str:
    """Who asked for people's texts; empty where they are masked. Raises ``UsageError`` for half of it."""
    if show_text and not by.strip():
        raise UsageError(
            _("--show-text: it is not said who asks for people's texts."), _("Name the person with --by.")
        )
    return by.strip() if show_text else ""
