"""What shows only over many pages: dust, a fading lamp, a box that is suddenly always marked.

A watch is fed with the sides of a batch as they are read and says each thing once, as soon as it is plain.
It keeps the last pages and a few counts per side of a form, however long the batch is.

All alarms are exact tests, so that chance alone hardly ever raises one: shares are compared by Fisher's test
at ``ALPHA``, levels by their order alone (see ``_Drift``).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from math import comb
from statistics import median
from typing import Final, NamedTuple, Protocol

from ballotscan.forms.form import Form
from ballotscan.i18n import gettext as _
from ballotscan.model import Answer, BatchWarning, Outcome, PageRef, SideReading, Status, WarningKind
from ballotscan.rules.answers import decide_answers
from ballotscan.rules.hand import WHITENED
from ballotscan.rules.scanner import CONTRAST, RATIO, SKEW_DEG

ALPHA: Final = 1e-6
"""Chance of a false alarm at one look: over a year of 100,000 sheets one in ten years, for each test."""

RECENT: Final = 20
"""Sheets that are compared with those before: a fault is to be noticed before 20 more are scanned."""

LEAST_RISE: Final = 0.3
"""A share that rises by less may be opinions that change from one day's ballots to the next."""

MANY: Final = 0.25
"""A side stands out where a quarter of its questions are blank (or doubtful). Counting sides, not answers:
one person who leaves a page empty leaves all of it empty, so blank answers do not come independently."""

USUAL_MANY: Final = (2, 20)
"""What a form's sides are held to have shown before the first was scanned (so many of so many): of the
simulator's careful and hurried people one side in ten is so at most. Soon outweighed by what is seen."""

DOUBLED: Final = 0.02
"""Share of single-choice questions with two boxes marked, at most: surveys on paper report 0.5 to 2 %."""

STREAK_PAGES, STREAK_OF = 4, 10
"""Dust stays where it is: the same place on so many of the last ten sheets. Fewer than all, because sheets
fed face down go past the other lamp, and a streak over print or a seal is not found."""
STREAK_SAME_MM: Final = 1.5
"""Scanners that crop to the paper move its left edge by as much."""

FIRST, LAST, OUTLIERS = 20, 10, 2
"""Levels are compared between a side's first twenty pages and its last ten; two of the first may be odd."""
PAPER_CHANGE: Final = 0.06
"""In shares of white, 15 grey levels: twice what one ream differs from another."""
PRINT_CHANGE: Final = 0.12
"""In shares of black: between two toner cartridges lies less; ink is measured in units of this."""
DPI_CHANGE: Final = 0.10
"""Real resolution; prints that a copier shrank to fit differ by 6 % at most."""

SideKey = tuple[str, str, int]
"""Form, edition, side."""


class PastSide(Protocol):
    """How many sides of earlier batches were alike."""

    @property
    def key(self) -> SideKey: ...
    @property
    def questions(self) -> int: ...
    @property
    def blank(self) -> int: ...
    @property
    def in_review(self) -> int: ...
    @property
    def sheets(self) -> int: ...


class _Noticed(NamedTuple):
    kind: WarningKind
    place: str
    now: float
    usual: float


class Watch:
    """Over one batch, for as long as it is being scanned."""

    def __init__(self, forms: Mapping[str, Form], past: Iterable[PastSide] = ()) -> None:
        """``past``: what the office's earlier batches showed, for the forms at hand."""
        self._forms = forms
        self._past = tuple(past)
        self._sides: dict[SideKey, _SideWatch] = {}
        self._said: set[tuple[WarningKind, str]] = set()

    def look(self, ref: PageRef, reading: SideReading) -> list[BatchWarning]:
        """Take in the next side that was read; returns what has just become plain."""
        key = (reading.form, reading.edition, reading.side)
        if key not in self._sides:
            self._sides[key] = self._begin(key)
        new = [each for each in self._sides[key].look(reading) if self._is_new(each)]
        return [BatchWarning(each.kind, ref.file, ref.page, each.place, each.now, each.usual) for each in new]

    def _begin(self, key: SideKey) -> _SideWatch:
        form = self._forms.get(key[0])
        past = [side for side in self._past if side.key == key]
        return _watch_side(form if form and form.edition == key[1] else None, past)

    def _is_new(self, noticed: _Noticed) -> bool:
        place = noticed.place
        if noticed.kind is WarningKind.STREAK:  # the same dust, however exactly it was measured
            said = [float(at) for kind, at in self._said if kind is WarningKind.STREAK]
            if any(abs(float(place) - at) <= 2 * STREAK_SAME_MM for at in said):
                return False
        new = (noticed.kind, place) not in self._said
        self._said.add((noticed.kind, place))
        return new


# --- one side of one form --------------------------------------------------------------------------------


@dataclass(slots=True)
class _SideWatch:
    form: Form | None
    blanks: _Share
    review: _Share
    marked: dict[tuple[str, str], _Share] = field(default_factory=dict)
    doubled: dict[tuple[str, str], deque[bool]] = field(default_factory=dict)
    asked: dict[str, _Share] = field(default_factory=dict)
    streaks: deque[tuple[float, ...]] = field(default_factory=lambda: deque(maxlen=STREAK_OF))
    paper: _Drift = field(default_factory=lambda: _Drift(PAPER_CHANGE))
    print: _Drift = field(default_factory=lambda: _Drift(PRINT_CHANGE))
    dpi: _Drift = field(default_factory=lambda: _Drift(DPI_CHANGE, relative=True))
    bitonal: deque[float] = field(default_factory=lambda: deque(maxlen=LAST))
    white: deque[float] = field(default_factory=lambda: deque(maxlen=LAST))
    contrast: deque[float] = field(default_factory=lambda: deque(maxlen=LAST))
    skew: deque[float] = field(default_factory=lambda: deque(maxlen=LAST))
    stretch: deque[float] = field(default_factory=lambda: deque(maxlen=LAST))

    def look(self, reading: SideReading) -> Iterator[_Noticed]:
        yield from self._scanner(reading)
        if self.form is not None:
            yield from self._answers(self.form, reading)

    def _scanner(self, reading: SideReading) -> Iterator[_Noticed]:
        self.streaks.append(reading.streaks_mm)
        for at_mm, pages in _standing_streaks(self.streaks, reading.streaks_mm):
            yield _Noticed(WarningKind.STREAK, f"{at_mm:.0f}", pages, len(self.streaks))
        yield from _outside(WarningKind.BITONAL, self.bitonal, float(reading.bitonal), (None, 0.5))
        if not reading.bitonal:
            yield from self._light(reading)
        yield from _changed(WarningKind.RESOLUTION, self.dpi, reading.dpi)
        yield from _outside(WarningKind.SKEW, self.skew, _skew(reading.rotation_deg), SKEW_DEG.good)
        stretch = reading.scale_x / reading.scale_y if reading.scale_y else 0.0
        yield from _outside(WarningKind.STRETCH, self.stretch, stretch, RATIO.good)

    def _light(self, reading: SideReading) -> Iterator[_Noticed]:
        yield from _outside(WarningKind.WHITENED, self.white, reading.white, (None, WHITENED))
        yield from _changed(WarningKind.PAPER, self.paper, reading.paper)
        yield from _changed(WarningKind.PRINT, self.print, reading.print_dark)
        levels = 255 * reading.paper * reading.print_dark
        yield from _outside(WarningKind.CONTRAST, self.contrast, levels, CONTRAST.tried)

    def _answers(self, form: Form, reading: SideReading) -> Iterator[_Noticed]:
        """By what this side alone would be decided as: its other side may be further down in the stack."""
        places: list[SideReading | None] = [None] * len(form.sides)
        places[reading.side - 1] = reading
        answers = [answer for answer in decide_answers(form, places) if answer.side == reading.side]
        if not answers:
            return
        blank = sum(answer.outcome is Outcome.BLANK for answer in answers)
        doubtful = sum(answer.status is Status.REVIEW for answer in answers)
        yield from self.blanks.rose(WarningKind.BLANKS, "", blank >= MANY * len(answers), ALPHA)
        yield from self.review.rose(WarningKind.REVIEW, "", doubtful >= MANY * len(answers), ALPHA)
        for answer in answers:
            if answer.question != form.linh_vuc_question:  # ballots come sorted by it
                yield from self._boxes(form, answer, ALPHA / len(reading.marks))

    def _boxes(self, form: Form, answer: Answer, alpha: float) -> Iterator[_Noticed]:
        """A box that is marked far more often than before, or that is marked beside another all the time.

        That everybody chooses the same answer is no fault by itself: in a good office they do.
        """
        question = form.question(answer.question)
        asked = self.asked.setdefault(question.id, _Share())
        in_review = answer.status is Status.REVIEW
        yield from asked.rose(WarningKind.QUESTION_REVIEW, question.id, in_review, alpha)
        for option in question.options:
            box = (question.id, option.code)
            place = f"{question.id} / {option.code}"
            marked = option.code in answer.codes
            share = self.marked.setdefault(box, _Share())
            yield from share.rose(WarningKind.BOX_JUMP, place, marked, alpha)
        if not question.multiple:
            yield from self._doubled(answer, [option.code for option in question.options], alpha)

    def _doubled(self, answer: Answer, codes: Sequence[str], alpha: float) -> Iterator[_Noticed]:
        """The box that is marked beside the others, if that is more than people do."""
        several = len(answer.codes) > 1
        counts = {}
        for code in codes:
            recent = self.doubled.setdefault((answer.question, code), deque(maxlen=RECENT))
            recent.append(several and code in answer.codes)
            counts[code] = recent.count(True)
        code = max(codes, key=counts.__getitem__)
        looked_at = len(self.doubled[answer.question, code])
        if _binomial_tail(looked_at, DOUBLED, counts[code]) < alpha:
            place = f"{answer.question} / {code}"
            yield _Noticed(WarningKind.BOX_DOUBLED, place, counts[code] / looked_at, DOUBLED)


def _watch_side(form: Form | None, past: Sequence[PastSide]) -> _SideWatch:
    usual, of = USUAL_MANY
    sheets = sum(side.sheets for side in past)
    blank = sum(side.sheets for side in past if side.blank >= MANY * side.questions)
    doubtful = sum(side.sheets for side in past if side.in_review >= MANY * side.questions)
    return _SideWatch(form, _Share(usual + blank, of + sheets), _Share(usual + doubtful, of + sheets))


# --- tests -----------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Share:
    """How often something was so among the last sheets, and among all before them."""

    so_before: int = 0
    before: int = 0
    recent: deque[bool] = field(default_factory=deque)

    def rose(self, kind: WarningKind, place: str, is_so: bool, alpha: float) -> Iterator[_Noticed]:
        """Take in the next sheet; by chance alone this speaks less often than ``alpha`` per sheet."""
        self.recent.append(is_so)
        if len(self.recent) > RECENT:
            self.so_before += self.recent.popleft()
            self.before += 1
        if not self.before:
            return
        so_now = self.recent.count(True)
        now, usual = so_now / len(self.recent), self.so_before / self.before
        if now - usual < LEAST_RISE:
            return
        if _fisher_tail(so_now, len(self.recent), self.so_before, self.before) < alpha:
            yield _Noticed(kind, place, now, usual)


@dataclass(slots=True)
class _Drift:
    """A level that leaves what it was at first, by order alone and by at least ``least``.

    Of 30 levels in any order of chance, the last ten all lie beyond the third lowest (or highest) of the
    first twenty with a probability of 5e-6; that they also differ by ``least`` makes it rarer still.
    """

    least: float
    relative: bool = False
    first: list[float] = field(default_factory=list)
    last: deque[float] = field(default_factory=lambda: deque(maxlen=LAST))

    def change(self, value: float) -> tuple[float, float] | None:
        """Take in the next level; now and at first where they have come apart."""
        if len(self.first) < FIRST:
            self.first.append(value)
            self.first.sort()
            return None
        self.last.append(value)
        if len(self.last) < LAST:
            return None
        now, usual = median(self.last), median(self.first)
        least = self.least * usual if self.relative else self.least
        apart = max(self.last) < self.first[OUTLIERS] or min(self.last) > self.first[-1 - OUTLIERS]
        return (now, usual) if apart and abs(now - usual) >= least else None


def _changed(kind: WarningKind, level: _Drift, value: float) -> Iterator[_Noticed]:
    change = level.change(value)
    if change:
        yield _Noticed(kind, "", *change)


def _outside(
    kind: WarningKind, last: deque[float], value: float, band: tuple[float | None, float | None]
) -> Iterator[_Noticed]:
    """The usual level of the last pages beyond the limits up to which the reader was tried."""
    last.append(value)
    low, high = band
    now = median(last)
    if len(last) == last.maxlen:
        if low is not None and now < low:
            yield _Noticed(kind, "", now, low)
        if high is not None and now > high:
            yield _Noticed(kind, "", now, high)


def _standing_streaks(
    recent: Sequence[tuple[float, ...]] | deque[tuple[float, ...]], newest: Sequence[float]
) -> Iterator[tuple[float, int]]:
    """The newest page's streaks that were there on enough of the pages before: place and pages."""
    for at_mm in newest:
        pages = sum(any(abs(at_mm - other) <= STREAK_SAME_MM for other in page) for page in recent)
        if pages >= STREAK_PAGES:
            yield at_mm, pages


def _skew(rotation_deg: float) -> float:
    """How far a page lay askew, whichever way up it was fed."""
    return (rotation_deg + 45) % 90 - 45


@cache
def _binomial_tail(trials: int, share: float, least: int) -> float:
    """Chance of ``least`` or more successes."""
    return sum(
        comb(trials, count) * share**count * (1 - share) ** (trials - count)
        for count in range(least, trials + 1)
    )


def _fisher_tail(so_now: int, now: int, so_before: int, before: int) -> float:
    """Chance that, of all sheets in any order, so many or more that are so come last (Fisher, one-sided)."""
    so = so_now + so_before
    ways = sum(comb(now, count) * comb(before, so - count) for count in range(so_now, min(now, so) + 1))
    return ways / comb(now + before, so)


# --- words -----------------------------------------------------------------------------------------------


def warning_text(warning: BatchWarning) -> str:
    """One line in the language in use: where it became plain, what it is, and what mends it."""
    what, remedy = _words(warning.kind)
    text = _("{file}, page {page}: {what} {remedy}")
    values = {"place": warning.place, "now": warning.now, "usual": warning.usual}
    return text.format(file=warning.file, page=warning.page, what=what.format(**values), remedy=remedy)


def _words(kind: WarningKind) -> tuple[str, str]:
    """What is wrong, and what mends it."""
    return (_words_of_scanner() | _words_of_marks() | _words_of_rescans())[kind]


def _words_of_scanner() -> dict[WarningKind, tuple[str, str]]:
    return {
        WarningKind.STREAK: (
            _("a line runs down the scans {place} mm from their left edge, on {now:.0f} of {usual:.0f}."),
            _("Wipe the scanner's glass before going on."),
        ),
        WarningKind.PAPER: (
            _("the paper comes out {now:.0%} bright, after {usual:.0%} at first."),
            _("Unless the paper is another one, clean the scanner and let its lamp warm up."),
        ),
        WarningKind.PRINT: (
            _("the print comes out {now:.0%} dark, after {usual:.0%} at first."),
            _("Unless the ballots were printed elsewhere, check the scanner's brightness and contrast."),
        ),
        WarningKind.CONTRAST: (
            _("print and paper are only {now:.0f} grey levels apart; {usual:.0f} are needed."),
            _("Set the scanner to more contrast and scan these sheets again."),
        ),
        WarningKind.BITONAL: (
            _("the scans are black and white: a faint mark may be lost in them."),
            _("Set the scanner to grey."),
        ),
        WarningKind.WHITENED: (
            _("the scanner makes the paper white: a faint mark may be lost in them."),
            _("Switch off what the driver calls background removal or brightness correction."),
        ),
        WarningKind.SKEW: (
            _("the sheets lie {now:.1f}° askew."),
            _("Straighten the stack and the feeder's guides."),
        ),
        WarningKind.STRETCH: (
            _("the scans are {now:.1%} as wide as they should be for their height."),
            _("Clean the feeder's rollers, so that the paper does not slip."),
        ),
        WarningKind.RESOLUTION: (
            _("the scans have {now:.0f} dpi, after {usual:.0f} at first."),
            _("Set the scanner back to what it was."),
        ),
    }


def _words_of_marks() -> dict[WarningKind, tuple[str, str]]:
    compare = _("Compare some of these sheets with their scans.")
    return {
        WarningKind.BOX_JUMP: (
            _("box {place} is marked on {now:.0%} of the last sheets, after {usual:.1%} before."),
            compare,
        ),
        WarningKind.BOX_DOUBLED: (
            _("box {place} is marked beside another on {now:.0%} of the last sheets."),
            compare,
        ),
        WarningKind.BLANKS: (
            _("{now:.0%} of the last sheets are blank in a quarter or more, after {usual:.1%} before."),
            _("Check on these sheets that no faint mark was lost."),
        ),
        WarningKind.REVIEW: (
            _("{now:.0%} of the last sheets are doubtful in a quarter or more, after {usual:.1%} before."),
            _("Stop and look at the scans: the scanner may have been changed."),
        ),
        WarningKind.QUESTION_REVIEW: (
            _("question {place} is doubtful on {now:.0%} of the last sheets, after {usual:.1%} before."),
            compare,
        ),
    }


def _words_of_rescans() -> dict[WarningKind, tuple[str, str]]:
    decide = _(
        "The later is held back. If it is the same paper: 'void' with --same-as; if not, rule on its answers."
    )
    return {
        WarningKind.SAME_PAPER: (
            _("the sheet is a scan of one that is in the record already: {place} (alike by {now:.0%})."),
            decide,
        ),
        WarningKind.SAME_STACK: (
            _("{now:.0f} sheets in a row are in the record already, as if a stack was fed twice: {place}."),
            decide,
        ),
        WarningKind.REPLACES: (
            _("the sheet takes the place of one that could not be read: {place}."),
            _("Nothing is to be done."),
        ),
    }
