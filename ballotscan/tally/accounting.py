"""Ballot accounting: what was given out, what came back, and where it went, by channel and lĩnh vực."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from ballotscan.forms.form import Form
from ballotscan.model import Reason, SheetState
from ballotscan.rules.periods import Period
from ballotscan.store.rows import CountedSheet
from ballotscan.tally.counts import COUNTED
from ballotscan.tally.figures import NOT_GIVEN, Account, BatchLine, FormTally

_COLUMNS: Final = ("received", "valid", "void", "duplicates", "held_back")
Key = tuple[str, str]  # channel and lĩnh vực


def account(
    batches: Sequence[BatchLine], sheets: Iterable[CountedSheet], sent: Mapping[str, int]
) -> tuple[Account, ...]:
    """One line a channel, in order of names. ``sent`` is how many were dispatched on a channel.

    What was received comes from the batches' balances, where it went from the sheets.
    """
    places: dict[str, Counter[str]] = {batch.channel: Counter() for batch in batches}
    for sheet in sheets:
        places[sheet.channel][_place(sheet)] += 1
    found = []
    for channel in sorted(places):
        mine = [batch for batch in batches if batch.channel == channel]
        received = sum(batch.balance.papers for batch in mine)
        found.append(_account(channel, None, mine, places[channel], received, sent.get(channel)))
    return tuple(found)


def account_fields(
    batches: Sequence[BatchLine],
    sheets: Iterable[CountedSheet],
    forms: Iterable[FormTally],
    labels: Mapping[str, str],
) -> tuple[Account, ...]:
    """One line for each channel and lĩnh vực; none where nobody names any.

    A ballot that counts goes where its own answer or else its batch says (as in every table), any other where
    its batch says. ``labels`` are the lĩnh vực by code. Minutes are known by batch: they stand beside a lĩnh
    vực only where as many ballots say so as its batches hold.
    """
    places: dict[Key, Counter[str]] = defaultdict(Counter)
    for form in forms:
        for where, count in form.cells:
            places[where.channel, where.linh_vuc]["valid"] += count
    of_batches: Counter[Key] = Counter()
    for sheet in sheets:
        key = sheet.channel, labels.get(sheet.linh_vuc, sheet.linh_vuc)
        of_batches[key] += 1
        if sheet.state not in COUNTED:
            places[key][_place(sheet)] += 1
    if {field for _channel, field in places} <= {NOT_GIVEN}:
        return ()
    by_key: dict[Key, list[BatchLine]] = defaultdict(list)
    for batch in batches:
        by_key[batch.channel, labels.get(batch.linh_vuc, batch.linh_vuc)].append(batch)
    found = []
    for channel, field in sorted(places, key=lambda key: (key[0], key[1] == NOT_GIVEN, key[1])):
        key = channel, field
        every = sum(places[key].values())
        received = every - sum(batch.balance.sheets_again for batch in by_key[key])
        mine = by_key[key] if every == of_batches[key] else []
        found.append(_account(channel, field, by_key[key], places[key], received, None, told=bool(mine)))
    return tuple(found)


def agree(channels: Iterable[Account], fields: Sequence[Account]) -> str:
    """The first channel whose lĩnh vực do not add up to it, in whatever column; empty where all do."""
    for each in channels if fields else ():
        mine = [field for field in fields if field.channel == each.channel]
        if any(getattr(each, name) != sum(getattr(field, name) for field in mine) for name in _COLUMNS):
            return each.channel or "-"
    return ""


def labels_of(forms: Iterable[Form]) -> dict[str, str]:
    """The lĩnh vực by their codes, without codes that mean another one on another form."""
    found: dict[str, set[str]] = defaultdict(set)
    for form in forms:
        if form.linh_vuc_question is not None:
            for option in form.question(form.linh_vuc_question).options:
                found[option.code].add(option.label)
    return {code: next(iter(labels)) for code, labels in found.items() if len(labels) == 1}


def _place(sheet: CountedSheet) -> str:
    if sheet.state in COUNTED:
        return "valid"
    if sheet.state == SheetState.VOID:
        return "void"
    return "duplicates" if sheet.reason == Reason.DUPLICATE else "held_back"


def _account(
    channel: str,
    field: str | None,
    batches: Sequence[BatchLine],
    places: Counter[str],
    received: int,
    sent: int | None,
    *,
    told: bool = True,
) -> Account:
    boxes = [box for batch in batches for box in batch.boxes] if told else []
    counted_out = all(batch.boxes for batch in batches) and bool(boxes)
    again = sum(batch.balance.sheets_again for batch in batches)
    return Account(
        channel=channel,
        issued=sum(box.issued for box in boxes) if boxes else sent,
        unused=sum(box.unused for box in boxes) if boxes else None,
        spoiled=sum(box.spoiled for box in boxes) if boxes else None,
        taken_out=sum(box.taken_out for box in boxes) if counted_out else None,
        received=received,
        valid=places["valid"],
        void=places["void"] - again,
        duplicates=places["duplicates"],
        held_back=places["held_back"],
        reasons=tuple(dict.fromkeys(batch.excused for batch in batches if batch.excused)),
        linh_vuc=field,
    )


def within(declared: Iterable[Mapping[str, Any]], period: Period) -> list[Mapping[str, Any]]:
    """Those declared numbers whose days lie in a period."""
    first, last = period.first.isoformat(), period.last.isoformat()
    return [each for each in declared if first <= str(each["first"]) and str(each["last"]) <= last]


def sent_by_channel(declared: Iterable[Mapping[str, Any]], period: Period, unit: str = "") -> dict[str, int]:
    """How many ballots were sent on each channel in a period by the dispatch lists; of a unit if named."""
    found: Counter[str] = Counter()
    for each in within(declared, period):
        found[str(each["channel"])] += sum(count for name, count in each["rows"] if unit in ("", name))
    return dict(found)
