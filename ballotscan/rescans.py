"""Which sheets of a stack are scans of papers that are in the record already, found by what is on them.

``sheet_work`` gives the plans of a stack's sheets and is told which of them to hold back. Traces of the marks
come from the record (see ``vision.trace``); what follows from them is decided in ``rules.duplicates``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING

from ballotscan.errors import ClosedError
from ballotscan.model import BatchSettings, BatchWarning, PageRef, SheetId, SheetState, WarningKind
from ballotscan.rules.duplicates import (
    DAYS,
    LIKE,
    MARKS,
    SURE,
    Alike,
    Place,
    Row,
    choose_former,
    find_rows,
    is_same,
)

if TYPE_CHECKING:
    from ballotscan.rules.sheets import SheetPlan
    from ballotscan.store.database import Store
    from ballotscan.store.rows import Traced

_COUNTS = frozenset({SheetState.READ, SheetState.REVIEW})
_LOST = frozenset({SheetState.SET_ASIDE, SheetState.INCOMPLETE})


@dataclass(frozen=True, slots=True)
class Rescans:
    """What was found in one stack. ``held`` are places in the list of plans, ``replaced`` pairs of a sheet
    that could not be read and the one that its paper was scanned as.
    """

    held: frozenset[int] = frozenset()
    replaced: tuple[tuple[SheetId, SheetId], ...] = ()
    warnings: tuple[BatchWarning, ...] = ()

    def warn(self, store: Store, batch: BatchSettings) -> None:
        """Keep the findings: before the stack's sheets, so that a scan that is cut off cannot lose them."""
        if self.warnings:
            store.add_warnings(batch.name, self.warnings)

    def link(self, store: Store) -> None:
        """Enter which sheets were scanned again, once the stack's own are stored."""
        for pair in self.replaced:
            with suppress(ClosedError):  # of a closed period nothing changes; the warning stands
                store.replace_sheets([pair])


@dataclass(frozen=True, slots=True)
class _Sheets:
    """Every sheet that may be compared, in the order in which they came in."""

    order: dict[Place, int] = field(default_factory=dict)
    state: dict[Place, SheetState | None] = field(default_factory=dict)  # None: a whole one of this stack
    page: dict[Place, PageRef] = field(default_factory=dict)
    marks: dict[Place, int] = field(default_factory=lambda: defaultdict(int))  # of its best side
    serial: dict[Place, tuple[str, str]] = field(
        default_factory=dict
    )  # form and serial, where one is printed

    def add(self, place: Place, state: SheetState | None, page: PageRef) -> None:
        self.order.setdefault(place, len(self.order))
        self.state.setdefault(place, state)
        self.page.setdefault(place, page)

    def counts(self, place: Place) -> bool:
        state = self.state[place]
        return state is None or state in _COUNTS


def find_rescans(store: Store, batch: BatchSettings, plans: Sequence[SheetPlan]) -> Rescans:
    """Compare a stack's sheets with one another, and with all of their form received within a year."""
    if not plans:
        return Rescans()
    made = store.sheets_made(batch.name)
    places = [Place(batch.name, made + number) for number in range(1, len(plans) + 1)]
    of_page = {
        page.key: number for number, plan in enumerate(plans) for page in plan.pages if page is not None
    }
    received = date.fromisoformat(batch.received)
    span = timedelta(days=DAYS)
    rows = store.traced({plan.form for plan in plans}, received - span, received + span)
    sheets = _Sheets()
    placed = list(_placed(rows, plans, places, of_page, sheets))
    for number, plan in enumerate(plans):  # also those of which no page holds a mark
        page = next(page for page in plan.pages if page is not None)
        sheets.add(places[number], _state(plan), page.ref)
    pairs = _alike(placed, frozenset(places), sheets)
    return _findings(pairs, sheets, places)


def _state(plan: SheetPlan) -> SheetState | None:
    return None if plan.reason is None else SheetState.INCOMPLETE


def _placed(
    rows: Sequence[Traced],
    plans: Sequence[SheetPlan],
    places: Sequence[Place],
    of_page: dict[int, int],
    sheets: _Sheets,
) -> Iterator[tuple[Traced, Place]]:
    """Each page with the sheet it lies on or is about to; those of no sheet and of void ones are left out."""
    for row in rows:
        if row.key in of_page:
            number = of_page[row.key]
            sheets.add(places[number], _state(plans[number]), row.ref)
            if row.serial:
                sheets.serial[places[number]] = row.form, row.serial
            yield row, places[number]
        elif row.number is not None and row.state is not SheetState.VOID:
            place = Place(row.batch, row.number)
            sheets.add(place, row.state, row.ref)
            if row.serial:
                sheets.serial[place] = row.form, row.serial
            yield row, place


def _alike(placed: Sequence[tuple[Traced, Place]], new: frozenset[Place], sheets: _Sheets) -> list[Alike]:
    """All pairs of sheets with a side in common, the one that came later first."""
    from ballotscan.vision.likeness import find_alike, likeness, unpack

    by_side: dict[tuple[str, str, int], list[tuple[Traced, Place]]] = defaultdict(list)
    for row, place in placed:
        by_side[row.form, row.edition, row.side].append((row, place))
    found: dict[tuple[Place, Place], dict[int, float]] = defaultdict(dict)
    compared = []
    for (_form, _edition, side), mine in sorted(by_side.items()):
        traces = unpack([row.trace for row, _place in mine])
        index = {place: number for number, (_row, place) in enumerate(mine)}
        for place, number in index.items():
            sheets.marks[place] = max(sheets.marks[place], int(traces.count[number]))
        here = [number for place, number in index.items() if place in new]
        for (one, other), near in find_alike(here, traces, LIKE, SURE, MARKS).items():
            if not is_same(near.likeness, near.lead):
                continue
            later, former = sorted((mine[one][1], mine[other][1]), key=sheets.order.__getitem__, reverse=True)
            if later != former:
                found[later, former][side] = near.likeness
        compared.append((side, index, mine))
        del traces  # of one side at a time: they are the most that a scan holds
    for (later, former), values in found.items():  # what the other sides say of the same two sheets
        for side, index, mine in compared:
            if later in index and former in index and side not in values:
                two = unpack([mine[index[place]][0].trace for place in (later, former)])
                if min(two.count) >= MARKS:
                    values[side] = likeness(two, 0, 1)
    return [Alike(later, former, values) for (later, former), values in found.items()]


def _findings(pairs: Sequence[Alike], sheets: _Sheets, places: Sequence[Place]) -> Rescans:
    """What follows: sheets held back, sheets replaced, and a warning for each row and each replaced sheet."""
    whole = [pair for pair in pairs if sheets.counts(pair.later) and sheets.counts(pair.former)]
    marked = {place for place, marks in sheets.marks.items() if marks >= MARKS}
    best = {(pair.later, pair.former): pair.best for pair in pairs}
    rows = find_rows(choose_former(whole, sheets.order), marked)
    held = {later for row in rows for later in row.later}
    replaced: dict[Place, Place] = {}
    for pair in [*pairs, *_by_serial(sheets)]:
        lost, good = (pair.former, pair.later) if sheets.counts(pair.later) else (pair.later, pair.former)
        if not pair.contradicted and sheets.counts(good) and sheets.state[lost] in _LOST and good not in held:
            replaced.setdefault(lost, good)
    warnings = [_of_row(row, best, sheets) for row in rows]
    warnings += [
        BatchWarning(
            WarningKind.REPLACES,
            sheets.page[good].file,
            sheets.page[good].page,
            f"{good.id} = {lost.id}",
            0,
            0,
        )
        for lost, good in sorted(replaced.items())
    ]
    return Rescans(
        frozenset(number for number, place in enumerate(places) if place in held),
        tuple((SheetId(lost.id), SheetId(good.id)) for lost, good in sorted(replaced.items())),
        tuple(warnings),
    )


def _by_serial(sheets: _Sheets) -> list[Alike]:
    """Sheets that could not be read, beside a whole one with the same printed serial."""
    good = {sheets.serial[place]: place for place in sheets.serial if sheets.counts(place)}
    lost = [place for place in sheets.serial if sheets.state[place] in _LOST]
    return [Alike(good[sheets.serial[p]], p, {0: 1.0}) for p in lost if sheets.serial[p] in good]


def _of_row(row: Row, best: dict[tuple[Place, Place], float], sheets: _Sheets) -> BatchWarning:
    page = sheets.page[row.later[0]]
    if not row.is_stack:
        (later,), (former,) = row.later, row.former
        value = best[later, former]
        return BatchWarning(
            WarningKind.SAME_PAPER, page.file, page.page, f"{later.id} = {former.id}", value, LIKE
        )
    here, there = (f"{run[0].id}..{run[-1].number:05d}" for run in (row.later, row.former))
    return BatchWarning(
        WarningKind.SAME_STACK, page.file, page.page, f"{here} = {there}", len(row.later), len(row.later)
    )
