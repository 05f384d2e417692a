"""The nouns of a tally, as frozen values with plain whole numbers: what was counted, and out of how many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from ballotscan.model import Balance, BatchWarning, BoxOpening
from ballotscan.rules.periods import Period
from ballotscan.store.rows import Closing

By = Literal["all", "unit", "channel", "linh_vuc", "answer"]
Level = Literal["question", "factor"]
IndexLevel = Literal["question", "factor", "all"]

NOT_GIVEN: Final = ""
"""The group of sheets of which nobody said to which unit, channel or lĩnh vực they belong."""
AWAITING: Final = "?"
"""The group of sheets whose own answer on the lĩnh vực awaits review."""
HIDDEN: Final = -1
"""A count that is not shown, see ``small_cells``: it is no count, and anything made of it is hidden too."""


class Where(NamedTuple):
    """What groups a sheet: its names are those of ``By``."""

    unit: str
    channel: str
    linh_vuc: str


@dataclass(frozen=True, slots=True)
class OptionCount:
    code: str
    label: str
    count: int


@dataclass(frozen=True, slots=True)
class Item:
    """One question's figures, or those of a factor's questions that share one scale, added up.

    ``ballots`` is how often it could have been answered: the sheets counted, times the questions added up.
    Each is exactly one of answered, blank, invalid or awaiting review. ``options`` counts how often each was
    chosen; only where several may be chosen at once can they add up to more than ``answered``.
    """

    level: Level
    id: str
    text: str
    factor: str | None
    questions: tuple[str, ...]
    multiple: bool
    ballots: int
    answered: int
    blank: int
    invalid: int
    awaiting: int
    options: tuple[OptionCount, ...]  # in printed order


@dataclass(frozen=True, slots=True)
class Index:
    """How many answers count as satisfied, out of how many answers and out of how many ballots.

    For a question, for the questions of a factor that enter the index, or for all that do; the answers of
    several questions are added up, so that each answer weighs the same.
    """

    level: IndexLevel
    id: str
    text: str
    questions: tuple[str, ...]
    satisfied: int
    answered: int
    ballots: int
    codes: tuple[str, ...] = ()  # of one question: those that count as satisfied


@dataclass(frozen=True, slots=True)
class Group:
    """The sheets counted of one form that share a unit, channel, lĩnh vực or an answer, or all of them."""

    by: By
    value: str  # NOT_GIVEN, AWAITING or a name; empty for all
    sheets: int
    items: tuple[Item, ...]  # questions in printed order, then factors
    indices: tuple[Index, ...]  # questions in printed order, then factors, then all
    begun: int = 0  # sheets that answer any question of the index
    content: int = 0  # of these, those whose every such answer counts as satisfied

    def of_level(self, level: Level) -> tuple[Item, ...]:
        return tuple(item for item in self.items if item.level == level)


@dataclass(frozen=True, slots=True)
class FormTally:
    """One edition of one form. ``read`` and ``review`` sheets are counted; the others stand beside."""

    form: str
    edition: str
    title: str
    read: int
    review: int
    void: int
    set_aside: int
    incomplete: int
    awaiting_answers: int
    awaiting_sheets: int
    groups: tuple[Group, ...]  # the first is all sheets
    cells: tuple[tuple[Where, int], ...] = ()  # sheets counted by unit, channel and lĩnh vực at once

    @property
    def counted(self) -> int:
        return self.read + self.review


@dataclass(frozen=True, slots=True)
class BatchLine:
    """One batch of the period, with where its pages and sheets went."""

    name: str
    received: str
    unit: str
    channel: str
    linh_vuc: str
    expect: int | None
    balance: Balance
    warnings: tuple[BatchWarning, ...] = ()  # what was noticed while it was scanned
    excused: str = ""  # why it may have another number of sheets, as signed at the close

    boxes: tuple[BoxOpening, ...] = ()  # the minutes of the boxes whose ballots it holds

    @property
    def taken_out(self) -> int | None:
        """How many ballots came out of its boxes; None where no minute tells."""
        return sum(box.taken_out for box in self.boxes) if self.boxes else None

    @property
    def imported(self) -> bool:
        """Whether its ballots came without any page: answers of another channel."""
        return not self.balance.pages_in and bool(self.balance.sheets)

    @property
    def unexpected(self) -> int | None:
        """The first count by hand that the sheets found do not come to, or None."""
        counts = (count for count in (self.expect, self.taken_out) if count is not None)
        return next((count for count in counts if count != self.balance.papers), None)

    @property
    def as_expected(self) -> bool:
        return self.unexpected is None

    @property
    def settled(self) -> bool:
        """As expected, or closed under a written reason why not."""
        return self.as_expected or bool(self.excused)


@dataclass(frozen=True, slots=True)
class Account:
    """One channel's ballots, or one channel's of one lĩnh vực. Of those received each is valid, void, a
    duplicate or held back.

    ``issued`` and what follows are None where no minute of a box and no dispatch list tells; electronic
    channels give nothing out. A paper that was scanned again is no ballot more.
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
    reasons: tuple[str, ...] = ()  # given at the close
    linh_vuc: str | None = None  # None: all of the channel

    @property
    def holds(self) -> bool:
        """Whether everything received is somewhere, and as much was received as was taken out."""
        placed = self.received == self.valid + self.void + self.duplicates + self.held_back
        return placed and (self.taken_out is None or self.taken_out == self.received)

    @property
    def given_out(self) -> int | None:
        """How many people were left with a ballot: issued, without unused and spoiled ones."""
        return None if self.issued is None else self.issued - (self.unused or 0) - (self.spoiled or 0)

    @property
    def returned(self) -> float | None:
        """The share of the ballots given out that came back, from 0; above 1 more came than were given."""
        return self.received / self.given_out if self.given_out and self.given_out > 0 else None


@dataclass(frozen=True, slots=True)
class Tally:
    """A period's or a batch's figures, reconciled."""

    period: Period | None
    batch: str | None
    batches: tuple[BatchLine, ...]
    forms: tuple[FormTally, ...]
    closed: Closing | None = None  # the close that stands for the whole period
    ruled_alone: int = 0  # answers that rest on one person's word
    accounts: tuple[Account, ...] = ()  # by channel
    field_accounts: tuple[Account, ...] = ()  # by channel and lĩnh vực, where any is named
    nameless: int = 0  # ballots counted that bear no respondent's key
    least_cell: int = 1  # smaller counts are not shown in cross-tables by respondents' attributes

    @property
    def awaiting_answers(self) -> int:
        return sum(form.awaiting_answers for form in self.forms)

    @property
    def awaiting_sheets(self) -> int:
        return sum(form.awaiting_sheets for form in self.forms)


def percent(count: int, of: int) -> float | None:
    """``count`` in hundredths of ``of``, rounded half up to two decimals; ``None`` of nothing or of
    what is ``HIDDEN``.

    In whole numbers, so that 1 of 800 is 0.13 and not at the mercy of binary fractions.
    """
    if of <= 0 or count == HIDDEN:
        return None
    return (count * 20_000 + of) // (2 * of) / 100
