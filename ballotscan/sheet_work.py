"""Stored pages into sheets and answers: the second half of a scan. Sees no pixels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ballotscan.forms.form import Form
from ballotscan.model import BatchSettings, PageState, Sha256, Sheet, SideReading
from ballotscan.rescans import find_rescans
from ballotscan.rules.answers import decide_answers
from ballotscan.rules.decide import read_sheet, sheet_flag, unread_sheet
from ballotscan.rules.sheets import DAMAGED, PagePlace, SheetPlan, pair_sides
from ballotscan.rules.two_hands import hands_differ, unlike
from ballotscan.store.database import Store
from ballotscan.store.rows import PendingPage

SHEETS_AT_ONCE: Final = 500
"""Sheets decided and stored in one transaction: some 10 MB in memory."""

READ_AT_ONCE: Final = 32
"""Sheets whose evidence is read in one go: some 3 MB."""

Forms = Mapping[str, Form]


def pair_batch(
    store: Store, batch: BatchSettings, forms: Forms, mine: set[Sha256], tell: Callable[[int, int], None]
) -> None:
    """Put every page of a batch that waits for it on a sheet, and decide the sheet's answers.

    ``mine`` are the originals of this scan, which are wholly read; other files of the batch that a scan left
    half read are left alone. ``tell`` is given the sheets done and all.
    """
    rows = _of_whole_files(store, store.pending(batch.name), mine)
    only = _only_form(batch, forms)
    sides_of = {name: len(form.sides) for name, form in forms.items()}
    places = [_place(row, forms, only) for row in rows]
    plans = pair_sides(places, sides_of, lambda pairs: _unlike(store, pairs))
    rescans = find_rescans(store, batch, plans)
    rescans.warn(store, batch)
    doubts = _Doubts(store, batch, {row.key: row.image for row in rows}, _serials(plans))
    for start in range(0, len(plans), SHEETS_AT_ONCE):
        tell(start, len(plans))
        chunk = plans[start : start + SHEETS_AT_ONCE]
        duplicates = doubts.duplicates(chunk) | {held - start for held in rescans.held}
        sheets = [
            _decide(forms[plan.form], plan, readings, number in duplicates, batch)
            for number, (plan, readings) in enumerate(_with_readings(store, chunk))
        ]
        store.add_sheets(batch.name, list(zip(sheets, map(_keys, chunk), strict=True)))
    rescans.link(store)


def _unlike(store: Store, pairs: Sequence[tuple[int, int]]) -> list[float | None]:
    """How unlike the hands on pages are, from their stored evidence."""
    found: list[float | None] = []
    for start in range(0, len(pairs), READ_AT_ONCE):
        some = pairs[start : start + READ_AT_ONCE]
        sides = store.readings([key for pair in some for key in pair])
        found += [unlike(sides[one], sides[other]) for one, other in some]
    return found


def _of_whole_files(store: Store, rows: Sequence[PendingPage], mine: set[Sha256]) -> list[PendingPage]:
    """The pages of files of which every page is stored."""
    others = {row.ref.original for row in rows if row.state is PageState.PENDING} - mine
    half = set()
    for original in others:
        known = store.file_of(original)
        if known is not None and len(known.pages_stored) < known.page_count:
            half.add(original)
    return [row for row in rows if row.ref.original not in half]


def _place(row: PendingPage, forms: Forms, only: Form | None) -> PagePlace:
    """A page as pairing sees it. A form that is not at hand is no form; ``only``: see ``_only_form``."""
    form, edition, side = row.form, row.edition, row.side
    if form is not None and (form not in forms or forms[form].edition != edition):
        form = edition = side = None
    if form is None and only and row.state is PageState.SET_ASIDE and row.reason in DAMAGED and row.ref.page:
        form, edition, side = only.id, only.edition, 1
    read = row.read and form is not None
    return PagePlace(row.key, row.ref, form, edition, side, row.serial, read, row.reason, row.place)


def _only_form(batch: BatchSettings, forms: Forms) -> Form | None:
    """Where a batch was only ever read for one form of one side, a damaged page is a sheet of that form."""
    form = forms.get(batch.forms[0]) if len(batch.forms) == 1 else None
    return form if form and len(form.sides) == 1 else None


def _keys(plan: SheetPlan) -> tuple[int, ...]:
    return tuple(page.key for page in plan.pages if page is not None)


def _with_readings(store: Store, plans: Sequence[SheetPlan]) -> Iterator[tuple[SheetPlan, list[SideReading]]]:
    """Each sheet with its sides' stored evidence, so that the record can never disagree with what was decided
    from it; none for a sheet that is not whole."""
    for start in range(0, len(plans), READ_AT_ONCE):
        some = plans[start : start + READ_AT_ONCE]
        stored = store.readings([key for plan in some if plan.reason is None for key in _keys(plan)])
        for plan in some:
            yield plan, [stored[key] for key in _keys(plan)] if plan.reason is None else []


def _decide(
    form: Form, plan: SheetPlan, readings: Sequence[SideReading], duplicate: bool, batch: BatchSettings
) -> Sheet:
    if plan.reason is not None:
        return unread_sheet(form, plan)
    flag = sheet_flag(readings, duplicate, plan.unsure or hands_differ(readings))
    answers = decide_answers(form, readings, batch.accepted_risk)
    return read_sheet(form, plan, answers, flag, batch.linh_vuc)


# --- sheets that may be in the stack twice ---------------------------------------------------------------


def _serials(plans: Sequence[SheetPlan]) -> Counter[tuple[str, str]]:
    """How many whole sheets bear each serial: what could not be read counts nothing twice."""
    return Counter((plan.form, plan.serial) for plan in plans if plan.serial and plan.reason is None)


@dataclass(frozen=True, slots=True)
class _Doubts:
    """What tells that a sheet came in before: a serial that is there twice, or the very same image.

    Of sheets with one serial none is taken for the right one; of a repeated image the first is.
    """

    store: Store
    batch: BatchSettings
    images: Mapping[int, Sha256 | None]
    serials: Counter[tuple[str, str]]

    def duplicates(self, plans: Sequence[SheetPlan]) -> set[int]:
        """The places in ``plans`` of those that came in before."""
        by_image = self._by_image(plans)
        return {number for number, plan in enumerate(plans) if self._by_serial(plan) or number in by_image}

    def _by_serial(self, plan: SheetPlan) -> bool:
        if not plan.serial or plan.reason is not None:
            return False
        return self.serials[plan.form, plan.serial] > 1 or bool(
            self.store.sheets_with_serial(plan.form, plan.serial)
        )

    def _by_image(self, plans: Sequence[SheetPlan]) -> set[int]:
        wanted = {image for plan in plans for key in _keys(plan) if (image := self.images[key])}
        first = self.store.same_images(wanted)
        return {
            number
            for number, plan in enumerate(plans)
            for page in plan.pages
            if page is not None
            and (known := first.get(self.images[page.key] or Sha256("")))
            and (known.batch, known.ref) != (self.batch.name, page.ref)
        }
