"""From the store to a reconciled tally."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from ballotscan.errors import BallotscanError, UsageError
from ballotscan.forms.form import Form
from ballotscan.forms.load import find_forms, load_form
from ballotscan.i18n import gettext as _
from ballotscan.model import BatchSettings
from ballotscan.rules.periods import Period
from ballotscan.store.rows import Scope
from ballotscan.tally import reconcile
from ballotscan.tally.accounting import account, account_fields, labels_of, sent_by_channel
from ballotscan.tally.counts import Edition, count_forms
from ballotscan.tally.figures import BatchLine, Tally

if TYPE_CHECKING:
    from ballotscan.store.database import Store
    from ballotscan.store.rows import Closing


def make_tally(
    store: Store, templates: Sequence[Path], period: Period | None, batch: str | None, unit: str = ""
) -> Tally:
    """Count the batches received in a period, or one batch, or the one if received in the other; with a
    ``unit``, only that one's.

    ``templates`` are the folders in which the forms are looked for. Raises ``NotBalancedError`` unless
    everything adds up, and ``BallotscanError`` where there is nothing to count.
    """
    batches = [line for line in _batches(store, period, batch) if unit in ("", line.unit)]
    if not batches:
        raise BallotscanError(_("No batch of the unit '{unit}' was received then.").format(unit=unit))
    reconcile.check_batches(batches, store.pages_pending())
    first, last = (period.first, period.last) if period else (None, None)
    scope = Scope(first, last, batch)
    sheets, answers = store.counted(scope)
    reconcile.check_rows(sheets, answers)
    if unit:
        sheets = [sheet for sheet in sheets if sheet.unit == unit]
    forms = load_editions({(sheet.form, sheet.edition) for sheet in sheets}, templates)
    closed = covering(store.closings(), period) if period else None
    counted = count_forms(sheets, answers, forms)
    reconcile.check_sheets(batches, counted)
    reconcile.check_forms(counted)
    sent = sent_by_channel(store.declared("dispatch"), period, unit) if period and batch is None else {}
    channels = account(batches, sheets, sent)
    fields = account_fields(batches, sheets, counted, labels_of(forms.values()))
    reconcile.check_accounts(channels, fields)
    names = [line.name for line in batches]
    return Tally(
        period=period,
        batch=batch,
        batches=tuple(batches),
        forms=counted,
        closed=closed,
        ruled_alone=store.ruled_alone(names),
        accounts=channels,
        field_accounts=fields,
        nameless=sum(form.counted for form in counted) - store.named_ballots(names),
    )


def covering(closings: Sequence[Closing], period: Period) -> Closing | None:
    """The last close that stands for all days and all units of a period."""
    found = [c for c in closings if c.standing and c.first <= period.first and period.last <= c.last]
    return next((each for each in reversed(found) if not each.unit), None)


def _batches(store: Store, period: Period | None, name: str | None) -> list[BatchLine]:
    every = list(store.batches())
    if name is not None and all(batch.name != name for batch in every):
        raise UsageError(
            _("There is no batch '{name}'.").format(name=name),
            _("Batches: {names}.").format(names=", ".join(batch.name for batch in every) or "-"),
        )
    wanted = [batch for batch in every if _is_wanted(batch, period, name)]
    if not wanted:
        raise _nothing_received(every, period)
    return list(_lines(store, sorted(wanted, key=lambda b: (b.received, b.name))))


def _lines(store: Store, batches: Sequence[BatchSettings]) -> Iterator[BatchLine]:
    """Each batch with all that is known of it; asked for once for all of them."""
    balances, warnings, closings = store.balances(), store.all_warnings(), store.closings()
    boxes = store.box_openings()
    for batch in batches:
        about = (batch.name, batch.received, batch.unit, batch.channel, batch.linh_vuc, batch.expect)
        yield BatchLine(
            *about,
            balances[batch.name],
            tuple(warnings.get(batch.name, ())),
            _reason_at_close(closings, batch),
            tuple(box for box in boxes if box.batch == batch.name),
        )


def _reason_at_close(closings: Sequence[Closing], batch: BatchSettings) -> str:
    """Why a closed batch has another number of sheets, as two persons signed it; empty while it is open."""
    day = date.fromisoformat(batch.received)
    holding = (c for c in closings if c.standing and c.first <= day <= c.last and c.unit in ("", batch.unit))
    return next((c.reason for c in holding if c.reason), "")


def _is_wanted(batch: BatchSettings, period: Period | None, name: str | None) -> bool:
    in_time = period is None or period.first.isoformat() <= batch.received <= period.last.isoformat()
    return in_time and name in {None, batch.name}


def _nothing_received(every: Sequence[BatchSettings], period: Period | None) -> BallotscanError:
    days = sorted(batch.received for batch in every)
    if not days or period is None:
        return BallotscanError(_("The database holds no batch."), _("Scan one first."))
    return BallotscanError(
        _("No batch wanted was received from {first} to {last}.").format(
            first=period.first, last=period.last
        ),
        _("The database holds batches received from {first} to {last}.").format(first=days[0], last=days[-1]),
    )


def load_editions(editions: Iterable[Edition], templates: Sequence[Path]) -> dict[Edition, Form]:
    """The template of every edition that was read. Raises ``UsageError`` where one is no longer there."""
    folders = find_forms(templates)
    found: dict[Edition, Form] = {}
    for form_id, edition in sorted(set(editions)):
        form = load_form(folders[form_id]) if form_id in folders else None
        if form is None or form.edition != edition:
            raise UsageError(
                _(
                    "The template '{form}' of edition {edition} is not there, but sheets of it were read."
                ).format(form=form_id, edition=edition),
                _("Put it back into {folder}.").format(folder=templates[0]),
            )
        found[form_id, edition] = form
    return found
