"""What the store hands out: small rows, with the same names as the nouns they are about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple

from ballotscan.model import Answer, PageRef, PageState, Reason, Sha256, SheetId, SheetState


@dataclass(frozen=True, slots=True)
class Scope:
    """Which batches are meant: those received on these days (both included), or the one of this name."""

    first: date | None = None
    last: date | None = None
    batch: str | None = None


EVERYTHING = Scope()


class NewFile(NamedTuple):
    """A file about to be read. ``page_count`` is 0 if it could not be opened."""

    shown: str
    original: str
    page_count: int


class PendingPage(NamedTuple):
    """A page that is on no sheet. ``place`` counts every page of the batch, those on sheets too, from 0."""

    key: int
    ref: PageRef
    form: str | None
    edition: str | None
    side: int | None
    serial: str | None
    read: bool
    reason: Reason | None
    place: int
    state: PageState
    image: Sha256 | None


class Tried(NamedTuple):
    """A page that was set aside, and what was tried on it."""

    reason: Reason
    forms: frozenset[str]  # with ``engine``, the newest that read the page
    engine: str


class KnownFile(NamedTuple):
    """A file whose bytes are known already."""

    batch: str
    shown: str
    page_count: int
    pages_stored: frozenset[int]
    set_aside: dict[int, Tried]
    forms: frozenset[str]  # tried on the file with ``engine``, the newest that read it
    engine: str


class KnownPage(NamedTuple):
    """A page whose image is known already."""

    batch: str
    ref: PageRef
    state: PageState
    sheet: SheetId | None


class SheetRow(NamedTuple):
    """``state`` has people's rulings settled in; ``machine_state`` is what the machine found."""

    sheet: SheetId
    batch: str
    form: str
    edition: str
    state: SheetState
    machine_state: SheetState
    reason: Reason | None
    serial: str | None


class ImportedBefore(NamedTuple):
    """A sheet whose respondent is known by a keyed hash."""

    respondent: str
    sheet: str
    form: str
    received: date


class CountedSheet(NamedTuple):
    """A sheet as the tally counts it, with what its batch says of it."""

    sheet: str
    unit: str
    channel: str
    linh_vuc: str
    form: str
    edition: str
    state: str
    reason: str = ""


IN_REVIEW: Final = "?"
UNDECIDED: Final = "#"
RULED_INVALID: Final = "!"


class SheetAnswers(NamedTuple):
    """All answers of one sheet, people's rulings settled in. ``questions`` and ``answers`` are lists of the
    same length joined by commas, which are in no id or code.

    An answer is its codes joined by ``|``, nothing for blank; with ``?`` behind it waits for a person, with
    ``!`` a person ruled it invalid, with ``#`` it was accepted though nothing was decided, which is a fault.
    A million answers as rows of their own take five times as long to fetch.
    """

    sheet: str
    questions: str
    answers: str


class PageRow(NamedTuple):
    """``state`` is the sheet's for a page on a sheet, else the page's own; ``side`` likewise."""

    batch: str
    file: str
    page: int
    state: str
    reason: str
    detail: str
    sheet: str
    side: int | None
    form: str
    edition: str
    serial: str


class AnswerRow(NamedTuple):
    """An answer with people's rulings settled in, beside the page on which its question is printed."""

    sheet: SheetId
    batch: str
    form: str
    edition: str
    file: str  # empty where that side is missing
    page: int | None
    question: str
    side: int
    codes: str
    outcome: str
    status: str
    confidence: float
    reason: str
    invalid: bool  # ruled invalid


class Difference(NamedTuple):
    """An answer that another reading sees otherwise."""

    sheet: SheetId
    question: str
    first: Answer | None
    second: Answer | None
    reading: int


class QuestionCodes(NamedTuple):
    """What may be answered to a question of a form that was read."""

    question: str
    side: int
    multiple: bool
    codes: tuple[str, ...]


class SheetPage(NamedTuple):
    """A page that was read and lies on a sheet; ``key`` is that of the reading that counts."""

    key: int
    ref: PageRef
    sheet: SheetId


class Traced(NamedTuple):
    """A page that was read, with the trace of its marks, and the sheet it lies on, if on any."""

    key: int
    batch: str
    ref: PageRef
    form: str
    edition: str
    side: int
    serial: str | None
    sheet: SheetId | None
    number: int | None
    state: SheetState | None
    trace: bytes


class PastSide(NamedTuple):
    """How many sides of whole sheets had so many questions, blank answers and answers in review."""

    form: str
    edition: str
    side: int
    questions: int
    blank: int
    in_review: int
    sheets: int

    @property
    def key(self) -> tuple[str, str, int]:
        return self.form, self.edition, self.side


class Due(NamedTuple):
    """A batch whose originals have been kept long enough; ``closed``: its period is."""

    batch: str
    received: date
    since: date
    closed: bool
    originals: tuple[Sha256, ...]


class Removal(NamedTuple):
    """An entry by which originals of a batch were removed on a day (ISO, UTC)."""

    seq: int
    batch: str
    day: str
    originals: tuple[Sha256, ...]


class Closing(NamedTuple):
    """A close or an amendment of a period, for one unit or (empty) for all."""

    seq: int
    kind: str
    period: str
    first: date
    last: date
    unit: str
    standing: bool  # whether the period is closed by it now
    at: str  # UTC
    signers: tuple[str, ...]
    head: str  # the chain's head with it, hexadecimal
    reason: str = ""  # at a close: why a batch may have another number of sheets than expected

    @property
    def head_in_groups(self) -> str:
        """The head as it is printed: 16 groups of 4."""
        return "-".join(self.head.upper()[start : start + 4] for start in range(0, len(self.head), 4))
