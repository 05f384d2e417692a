"""What a batch came to, for the person at the desk: states, reasons, what to scan again, and the balance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

import typer

from ballotscan.errors import ExitCode
from ballotscan.i18n import gettext as _
from ballotscan.i18n import ngettext
from ballotscan.model import Balance, BatchSettings, BatchWarning, Reason, SheetState
from ballotscan.reasons import advice, reason_text

if TYPE_CHECKING:
    from ballotscan.store.database import Store
    from ballotscan.store.rows import PageRow

_LINES_AT_MOST: Final = 200
"""Lines of pages to look after; the rest is in ``export pages``."""

_TO_LOOK_AFTER: Final = (SheetState.SET_ASIDE.value, SheetState.INCOMPLETE.value)


@dataclass(frozen=True, slots=True)
class Summary:
    """A batch in numbers. ``reasons`` counts sheets and lone pages; ``spans`` are pages to look after."""

    batch: BatchSettings
    balance: Balance
    reasons: Counter[Reason] = field(default_factory=Counter)
    spans: tuple[Span, ...] = ()
    warnings: tuple[BatchWarning, ...] = ()
    taken_out: int | None = None  # by the minutes of the boxes that were opened for it

    @property
    def waiting_pages(self) -> int:
        """Pages that were read and are on no sheet yet, or not read yet: their scan was cut off."""
        balance = self.balance
        placed = balance.pages_on_sheets + balance.pages_non_ballot
        return balance.pages_in - placed - balance.pages_repeat - balance.pages_set_aside

    @property
    def as_expected(self) -> bool:
        """Whether as many sheets of paper came in as were counted by hand."""
        return self.unexpected is None

    @property
    def unexpected(self) -> int | None:
        """The first count by hand that the papers found do not come to: --expect, or the boxes' minutes."""
        counted = [self.batch.expect, self.taken_out]
        return next((count for count in counted if count not in (None, self.balance.papers)), None)

    @property
    def exit_code(self) -> ExitCode:
        """What the batch's state means for the program's exit."""
        balance = self.balance
        if not balance.holds or not self.as_expected:
            return ExitCode.UNBALANCED
        if balance.pages_in and not balance.sheets and not balance.pages_non_ballot and self._nothing_opened:
            return ExitCode.NOTHING_DONE
        left = balance.sheets_review + balance.sheets_set_aside + balance.sheets_incomplete
        return ExitCode.LEFT_OPEN if left or balance.pages_set_aside else ExitCode.OK

    @property
    def _nothing_opened(self) -> bool:
        return all(span.whole_file for span in self.spans)


@dataclass(frozen=True, slots=True)
class Span:
    """Neighbouring pages of one file with the same reason; page 0 stands for the whole file."""

    file: str
    first: int
    last: int
    reason: Reason

    @property
    def whole_file(self) -> bool:
        return self.first == 0


def summarise(store: Store, batch: BatchSettings) -> Summary:
    """Collect what is to be said of a batch."""
    from ballotscan.store.rows import Scope

    scope = Scope(batch=batch.name)
    in_review = {(row.sheet, row.reason) for row in store.answer_rows(scope, in_review=True) if row.reason}
    pages = list(store.page_rows(scope))
    lone = [row.reason for row in pages if row.state == SheetState.SET_ASIDE and not row.sheet and row.reason]
    reasons = Counter(Reason(reason) for reason in [*(reason for _sheet, reason in sorted(in_review)), *lone])
    warnings = tuple(store.warnings(batch.name))
    boxes = store.box_openings(batch.name)
    taken_out = sum(box.taken_out for box in boxes) if boxes else None
    return Summary(batch, store.balance(batch.name), reasons, tuple(_spans(pages)), warnings, taken_out)


def _spans(pages: Iterable[PageRow]) -> Iterator[Span]:
    wanted = (row for row in pages if row.state in _TO_LOOK_AFTER and row.reason)
    numbered = enumerate(wanted)
    for (file, reason, _run), group in groupby(
        numbered, key=lambda each: (each[1].file, each[1].reason, each[1].page - each[0])
    ):
        rows = [row for _number, row in group]
        yield Span(file, rows[0].page, rows[-1].page, Reason(reason))


# --- saying it -------------------------------------------------------------------------------------------


def print_summary(summary: Summary) -> None:
    """Print everything about one batch: table, reasons, lines to look after, balance."""
    _print(_states_table(summary))
    if summary.reasons:
        _print(_reasons_table(summary))
    _print_spans(summary.spans)
    for warning in summary.warnings:
        typer.echo(warning_line(warning))
    for line in _balance_lines(summary.balance):
        typer.echo(line)
    for line in _faults(summary):
        typer.echo(line)


def warning_line(warning: BatchWarning) -> str:
    """What many pages show together, in one line that begins as a warning."""
    from ballotscan.rules.watch import warning_text

    return _("Warning: {message}").format(message=warning_text(warning))


def _states_table(summary: Summary) -> Any:
    from rich import box
    from rich.table import Table

    balance = summary.balance
    table = Table(
        title=_("Batch {batch}").format(batch=summary.batch.name), box=box.SIMPLE, title_justify="left"
    )
    table.add_column(_("Sheets"))
    table.add_column(_("Count"), justify="right")
    rows = (
        (_("read"), balance.sheets_read),
        (_("in review: some answer waits for a person"), balance.sheets_review),
        (_("void"), balance.sheets_void),
        (_("set aside: could not be read"), balance.sheets_set_aside),
        (_("incomplete: a side is missing or doubtful"), balance.sheets_incomplete),
    )
    for name, count in rows:
        if count or name == rows[0][0]:
            table.add_row(name, str(count))
    return table


def _reasons_table(summary: Summary) -> Any:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE)
    table.add_column(_("Reason"))
    table.add_column(_("Sheets or pages"), justify="right")
    table.add_column(_("What to do"))
    order = sorted(summary.reasons.items(), key=lambda item: (-item[1], item[0]))
    for reason, count in order:
        table.add_row(reason_text(reason), str(count), advice(reason))
    return table


def _print(table: Any) -> None:
    """Through rich, in whole words, and at full width where the output is a file."""
    import sys

    from rich.console import Console

    width = None if sys.stdout.isatty() else 120
    Console(file=sys.stdout, width=width, highlight=False, markup=False).print(table)


def _print_spans(spans: tuple[Span, ...]) -> None:
    for span in spans[:_LINES_AT_MOST]:
        typer.echo(_line(span))
    if len(spans) > _LINES_AT_MOST:
        more = len(spans) - _LINES_AT_MOST
        typer.echo(_("... and {more} more: see 'ballotscan export pages'.").format(more=more))


def _line(span: Span) -> str:
    """One clear line: the file, what is wrong, what to do."""
    text, todo = reason_text(span.reason), advice(span.reason)
    if span.whole_file:
        return _("{file}: {reason}. {advice}").format(file=span.file, reason=text, advice=todo)
    if span.first == span.last:
        return _("{file}, page {page}: {reason}. {advice}").format(
            file=span.file, page=span.first, reason=text, advice=todo
        )
    return _("{file}, pages {first} to {last}: {reason}. {advice}").format(
        file=span.file, first=span.first, last=span.last, reason=text, advice=todo
    )


def _balance_lines(balance: Balance) -> tuple[str, str]:
    pages = _(
        "Pages: {all} in = {sheets} on sheets + {blank} no ballot + {repeats} repeats + {aside} set aside"
    ).format(
        all=balance.pages_in,
        sheets=balance.pages_on_sheets,
        blank=balance.pages_non_ballot,
        repeats=balance.pages_repeat,
        aside=balance.pages_set_aside,
    )
    sheets = _(
        "Sheets: {all} = {read} read + {review} in review + {void} void + {aside} set aside"
        " + {incomplete} incomplete"
    ).format(
        all=balance.sheets,
        read=balance.sheets_read,
        review=balance.sheets_review,
        void=balance.sheets_void,
        aside=balance.sheets_set_aside,
        incomplete=balance.sheets_incomplete,
    )
    return pages, sheets


def _faults(summary: Summary) -> Iterator[str]:
    """What keeps the batch from being balanced."""
    if summary.waiting_pages:
        count = summary.waiting_pages
        yield ngettext(
            "NOT BALANCED: {count} page waits, because a scan was interrupted. Run the same command again.",
            "NOT BALANCED: {count} pages wait, because a scan was interrupted. Run the same command again.",
            count,
        ).format(count=count)
    elif not summary.balance.holds:
        yield _("NOT BALANCED: the numbers above do not add up. Do not use this batch; keep the database.")
    if not summary.as_expected:
        yield _(
            "NOT BALANCED: {expect} sheets were expected, {found} were found. The batch stays open: look for"
            " sheets that were fed double or left out, scan them, or correct --expect."
        ).format(expect=summary.unexpected, found=summary.balance.papers)
