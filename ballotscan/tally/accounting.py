"""Ballot accounting: what was given out, what came back, and where it went, channel by channel."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ballotscan.model import Reason, SheetState
from ballotscan.rules.periods import Period
from ballotscan.store.rows import CountedSheet
from ballotscan.tally.counts import COUNTED
from ballotscan.tally.figures import BatchLine


@dataclass(frozen=True, slots=True)
class Account:
    """One channel's ballots. Of those received each is valid, void, a duplicate or held back.

    ``issued`` and what follows are None where no minute of a box and no dispatch list tells; electronic
    channels give nothing out. ``again`` are papers that another sheet stands for: they are no ballots more.
    """

    channel: str
    issued: int | None
    unused: int | None
    spoiled: int | None
    taken_out: int | None
    received: int
    valid: int
    void: int
    duplicates: int
    held_back: int
    reasons: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether everything received is somewhere, and as much was received as was taken out."""
        placed = self.received == self.valid + self.void + self.duplicates + self.held_back
        return placed and (self.taken_out is None or self.taken_out == self.received)

    @property
    def returned(self) -> float | None:
        """The share of the ballots given out that came back, 0 to 1."""
        given = None if self.issued is None else self.issued - (self.unused or 0) - (self.spoiled or 0)
        return self.received / given if given else None


def account(
    batches: Sequence[BatchLine], sheets: Iterable[CountedSheet], sent: Mapping[str, int]
) -> tuple[Account, ...]:
    """One line a channel, in order of names. ``sent`` is how many were dispatched on a channel."""
    by_channel: dict[str, Counter[str]] = {batch.channel: Counter() for batch in batches}
    for sheet in sheets:
        by_channel[sheet.channel][_place(sheet)] += 1
    return tuple(
        _account(
            channel, [b for b in batches if b.channel == channel], by_channel[channel], sent.get(channel)
        )
        for channel in sorted(by_channel)
    )


def _place(sheet: CountedSheet) -> str:
    if sheet.state in COUNTED:
        return "valid"
    if sheet.reason == Reason.DUPLICATE:
        return "duplicates"
    return "void" if sheet.state == SheetState.VOID else "held_back"


def _account(channel: str, batches: Sequence[BatchLine], places: Counter[str], sent: int | None) -> Account:
    boxes = [box for batch in batches for box in batch.boxes]
    again = sum(batch.balance.sheets_again for batch in batches)
    counted_out = all(batch.boxes for batch in batches) and bool(boxes)
    issued = sum(box.issued for box in boxes) if boxes else sent
    return Account(
        channel=channel,
        issued=issued,
        unused=sum(box.unused for box in boxes) if boxes else None,
        spoiled=sum(box.spoiled for box in boxes) if boxes else None,
        taken_out=sum(box.taken_out for box in boxes) if counted_out else None,
        received=sum(batch.balance.papers for batch in batches),
        valid=places["valid"],
        void=places["void"] - again,
        duplicates=places["duplicates"],
        held_back=places["held_back"],
        reasons=tuple(dict.fromkeys(batch.excused for batch in batches if batch.excused)),
    )


def within(declared: Iterable[Mapping[str, object]], period: Period) -> list[Mapping[str, object]]:
    """Those declared numbers whose days lie in a period."""
    first, last = period.first.isoformat(), period.last.isoformat()
    return [each for each in declared if first <= str(each["first"]) and str(each["last"]) <= last]
