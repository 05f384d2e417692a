"""A bar with count and time left, for what takes more than two seconds and somebody is watching."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from ballotscan.i18n import gettext as _

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

WAIT_S: Final = 2.0


class ProgressBar:
    """Called with a stage and how much of it is done. Writes to the terminal on stderr, or nowhere."""

    def __init__(self) -> None:
        self._watched = sys.stderr.isatty()
        self._began_s = time.monotonic()
        self._progress: Progress | None = None
        self._bars: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._progress is not None:
            self._progress.stop()

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Show ``done`` of ``total`` of a stage, one of those named in ``_texts``."""
        if not self._watched or time.monotonic() - self._began_s < WAIT_S:
            return
        if self._progress is None:
            self._progress = _start()
        for other, bar in self._bars.items():
            if other != stage:
                self._progress.update(bar, visible=False)
        if stage not in self._bars:
            self._bars[stage] = self._progress.add_task(_texts()[stage], total=total)
        self._progress.update(self._bars[stage], completed=done, total=total, visible=True)

    def say(self, line: str) -> None:
        """A line on stderr, above the bar where there is one."""
        if self._progress is None:
            sys.stderr.write(f"{line}\n")
        else:
            self._progress.console.print(line, markup=False, highlight=False, soft_wrap=True)


def _start() -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(compact=True),
        console=Console(stderr=True),
        transient=True,
    )
    progress.start()
    return progress


def _texts() -> dict[str, str]:
    return {
        "files": _("Keeping the files"),
        "open": _("Opening the files"),
        "read": _("Reading the pages"),
        "decide": _("Deciding the answers"),
        "gather": _("Gathering the boxes"),
        "cut": _("Cutting out the boxes"),
        "draw": _("Drawing the pages"),
    }
