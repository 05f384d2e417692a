"""A batch read a second time from its kept originals. The first reading stays; the second lies beside it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ballotscan import ENGINE
from ballotscan.forms.form import Form
from ballotscan.forms.load import load_form
from ballotscan.model import (
    BatchSettings,
    PageRef,
    PageState,
    Reason,
    Sheet,
    SheetId,
    SideReading,
)
from ballotscan.page_work import ReadPage
from ballotscan.pipeline import Tell, read_in_chunks, reading_pool
from ballotscan.rules.answers import decide_answers
from ballotscan.rules.decide import INCOMPLETE, read_sheet, sheet_flag, unread_sheet
from ballotscan.rules.sheets import PagePlace, SheetPlan
from ballotscan.rules.two_hands import hands_differ
from ballotscan.sheet_work import SHEETS_AT_ONCE
from ballotscan.store.database import Store
from ballotscan.store.rows import Difference, Scope, SheetRow

if TYPE_CHECKING:
    from ballotscan.page_work import ReadSide


def reread_batch(
    store: Store,
    batch: BatchSettings,
    folders: Sequence[Path],
    *,
    workers: int,
    tell: Tell = lambda stage, done, total: None,
    read: ReadSide | None = None,
) -> list[Difference]:
    """Read every page again with the forms in ``folders``; returns the answers that now come out otherwise.

    Sheets stay made of the pages they were made of. Raises ``StoreError`` where an original is gone.
    """
    forms = {form.id: form for form in map(load_form, folders)}
    pages = _pages(store, batch)
    store.check_originals(page.ref for page in pages)
    number = store.next_reading(batch.name)
    store.start_batch(replace(batch, forms=tuple(forms)), ENGINE)
    tasks = [ReadPage(store.original_path(page.ref.original), page.ref) for page in pages]
    done = 0
    with reading_pool(store, folders, workers, read) as pool:
        for chunk in read_in_chunks(pool, tasks):
            store.add_pages(batch.name, chunk, number)
            done += len(chunk)
            tell("read", done, len(tasks))
    _decide_again(store, batch, forms, pages, number)
    return store.differences(batch.name)


@dataclass(frozen=True, slots=True)
class _Page:
    """A page as the first reading left it."""

    ref: PageRef
    sheet: str
    side: int | None


def _pages(store: Store, batch: BatchSettings) -> list[_Page]:
    """Every page that was read or tried: neither repeats, nor files that could not be opened."""
    rows = list(store.page_rows(Scope(batch=batch.name)))
    refs = list(store.page_keys(batch.name, 1))
    return [
        _Page(ref, row.sheet, row.side)
        for row, ref in zip(rows, refs, strict=True)
        if row.state != PageState.REPEAT and ref.page > 0
    ]


def _decide_again(
    store: Store, batch: BatchSettings, forms: Mapping[str, Form], pages: Sequence[_Page], number: int
) -> None:
    keys = store.page_keys(batch.name, number)
    on_sheet: dict[str, list[_Page]] = defaultdict(list)
    for page in pages:
        on_sheet[page.sheet].append(page)
    sheets = [row for row in store.sheet_rows(Scope(batch=batch.name)) if row.form in forms]
    for start in range(0, len(sheets), SHEETS_AT_ONCE):
        again: list[tuple[SheetId, Sheet]] = []
        for row in sheets[start : start + SHEETS_AT_ONCE]:
            readings = dict(_readings(store, row, on_sheet[row.sheet], keys))
            again.append((row.sheet, _sheet_again(row, forms[row.form], readings, batch)))
        store.add_second_readings(again, number)


def _readings(
    store: Store, row: SheetRow, pages: Sequence[_Page], keys: Mapping[PageRef, int]
) -> Iterator[tuple[int, tuple[PageRef, SideReading | None]]]:
    """The new reading of each side, None where it is no longer that side of that form."""
    for page in pages:
        if page.side is None:
            continue
        try:
            reading = store.reading(keys[page.ref])
        except KeyError:
            yield page.side, (page.ref, None)
            continue
        same = (reading.form, reading.edition, reading.side) == (row.form, row.edition, page.side)
        yield page.side, (page.ref, reading if same else None)


def _sheet_again(
    row: SheetRow, form: Form, sides: Mapping[int, tuple[PageRef, SideReading | None]], batch: BatchSettings
) -> Sheet:
    """The sheet decided from its new readings. What made it incomplete or doubtful holds as before."""
    readings = [reading for _ref, reading in sides.values() if reading is not None]
    reason = row.reason if row.reason in INCOMPLETE else None
    if reason is None and len(readings) < len(form.sides):
        reason = Reason.SIDE_UNREADABLE
    plan = SheetPlan(row.form, row.edition, row.serial, _places(form, sides), reason)
    if reason is not None:
        return unread_sheet(form, plan)
    flag = sheet_flag(
        readings,
        duplicate=row.reason is Reason.DUPLICATE,
        sides_unsure=row.reason is Reason.SIDES_UNSURE or hands_differ(readings),
    )
    answers = decide_answers(form, readings, batch.accepted_risk)
    return read_sheet(form, plan, answers, flag, batch.linh_vuc)


def _places(
    form: Form, sides: Mapping[int, tuple[PageRef, SideReading | None]]
) -> tuple[PagePlace | None, ...]:
    return tuple(
        PagePlace(0, sides[number][0], form.id, form.edition, number, None, True, None, 0)
        if number in sides
        else None
        for number in range(1, len(form.sides) + 1)
    )
