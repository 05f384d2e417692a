"""What one sheet tells of its own paper and of the hand that marked it.

One person marks one way with one pen, so a sheet is judged by itself: its empty boxes tell how clean the
paper is and how noisy the scan, its clear marks tell how dark, how large and how even this hand writes.

Inks are in units of the darkness of the sheet's own print (see ``model.Mark``). The numbers below were set
on simulated sheets of other seeds than those of the accuracy bench; DECISIONS.md has the tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

from ballotscan.model import Mark, SideReading

LEAST_INK = 0.012
"""Mean ink of the faintest mark that is read where the whole sheet is marked that way: a pencil line that a
person sees at arm's length makes 0.015."""

LEAST_INK_ALONE = 0.045
"""The same where there are too few marks to know the hand: a fold through a box or two resting dots in it
make 0.04."""

MOST_EMPTY_INK = 0.035
"""However noisy the sheet, a box with more ink than this is not called empty."""

SPREADS_EMPTY, SPREADS_MARKED = 5.0, 9.0
"""In spreads of the sheet's own empty boxes: up to the first a box is empty, from the second it is marked
even where the hand is not known."""

SPREADS_SHOWN = 3.5
"""From this many a box is marked if its darkest spot stands out as well: of light pencil on a noisy scan the
spot stands out by 10 and more of its own spreads, the mean ink by 4 to 7."""

SHARE_EMPTY, SHARE_MARKED = 0.10, 0.30
"""The same against the sheet's own clear marks: less than a tenth of them is not this hand's mark."""

PEAK_EMPTY = 0.30
"""A box whose darkest spot reaches this share of the hand's own darkest is not called empty: a dot or
a stroke's end is in it."""

SPREADS_SPECK = 6.0
"""Darkest spots of empty boxes stay within this many of their own spreads, on clean paper. A question is
blank only if no box of it shows more: also a dark pen fails, and leaves a pale mark."""

LEAST_SPREAD = 0.0015
"""Print and sampling alone spread empty boxes by this much."""

LEAST_SPECK, MOST_SPECK = 0.025, 0.25
"""Darkness of a spot that noise alone can make; and above which even a dark hand's paper is not clean."""

SHARE_SHOWN = 0.2
"""A blank is accepted only where the paper is so even that a mark of this share of the hand's own darkness
would stand out from it: what noise can hide may be there."""

ALONE_PEAK = 0.12
"""Where the hand is not known, a spot darker than this may be a mark."""

STEADY = 0.25
"""Spread of the darkness of a hand's marks, against their usual darkness, up to which the pen writes evenly.
A pen that fails may have left another mark too pale to stand out against its own best ones."""

SHARE_CROSSING, SHARE_PEAK_CROSSING, GOES_ON = 0.2, 0.45, 0.6
"""Where a stroke as dark as this share of the hand's own reaches as far across the box as a mark, this share
of the hand's usual ink is enough: a tick beside fills, or one that begins in its box and goes on outside."""

FULL_EXTENT = 0.8
"""A stroke crosses a box where it reaches this share of the hand's usual extent."""

LEAST_EXTENT, LEAST_EXTENT_ALONE = 0.35, 0.5
"""A mark reaches over at least this share of the hand's usual extent (of the box, where it is not known);
what does not is a dot or an end."""

SOLID_PEAK, MOST_MARKED = 0.55, 0.6
"""On a black-and-white scan the strokes of a pen that was dark enough are solid; a hand whose usual mark is
fainter than this was broken up by the threshold, and so was one that seems to have marked less than this
share of the questions, or whose marks are uneven: other strokes of it may be gone."""

CHOSEN = 0.97
"""In grey a mark that looks chosen as likely as this tells of the hand, however little it stands out."""

ENCIRCLED = 0.35
"""Ink in three directions of five around a box, at this share of the hand's own darkness, is a circle: a
cross reaches out in four, and covers a quarter of the way round."""

HABIT = 0.8
"""A way of marking is the sheet's own when this share of its marked questions shows it."""

HABIT_LEAST = 3
"""Fewer marked questions than this show no habit, and no hand."""

BLOTS, SOME = 0.2, 0.3
"""A hand that makes blots, small fills or scribbles makes more than the second share of its marks look so
unusual; of 798 hands that make crosses, ticks and slashes none does."""

ENOUGH_ON_A_SIDE, SIDES_ALIKE = 5, 0.4
"""Marks from which one side speaks for itself, if they have this share of the whole sheet's darkness: two
lamps of one scanner differ by up to a half, and what shines or soaks through from the other side is paler."""

WHITENED = 0.7
"""Share of an image at the very end of its scale from which a driver has made its paper white, and whatever
was nearly as light: such drivers make 0.8 and more (real scanners too), the glare of a lamp up to 0.15,
ordinary scans 0 (on white paper with noise at most a half)."""

WHITENED_PEAK = 0.65
"""On such a scan a pen that is no darker than this may have left a mark that is gone: of pens up to 0.4
every tenth ordinary mark was, of darker ones only those made with a third of the usual pressure."""

ENOUGH_BOXES = 8
"""Empty boxes from which one side tells its own paper."""


@dataclass(frozen=True, slots=True)
class Paper:
    """What the empty boxes of one side show."""

    empty: float  # their usual ink
    spread: float  # and its standard deviation
    speck: float  # the darkest spot that there is without any ink

    def shows(self, mark: Mark) -> bool:
        """Whether a mark stands out from this paper, by its ink and by its darkest spot both: shading raises
        the one, noise the other, a stroke raises both."""
        above = max(LEAST_INK, self.empty + SPREADS_SHOWN * self.spread)
        return mark.ink > above and mark.peak > self.speck and mark.extent >= LEAST_EXTENT_ALONE


@dataclass(frozen=True, slots=True)
class Hand:
    """The writer of one sheet, as one side of it shows the marks."""

    paper: Paper
    questions: int
    marked: int  # of them, how many are clearly marked
    known: bool  # and whether they are enough to know the hand by
    lone: bool  # there are some, but far fewer than questions
    pale: bool  # the hand is not known, but has left traces too faint to be marks
    ink: float  # usual ink of marked boxes; 0 where nothing is clearly marked
    peak: float  # usual darkness of this pen
    darkest: float  # that of its darkest mark
    cover: float  # share of the box that its usual mark covers
    extent: float  # how far its usual mark reaches across the box; 1 where the hand is not known
    steady: bool  # its marks are of even darkness
    encircles: bool  # the sheet is marked by circles round the boxes
    blots: bool  # its marks look unusual, one like the other
    bitonal: bool
    whitened: bool  # the driver has made the paper white, and whatever was nearly as light

    @property
    def empty_below(self) -> float:
        """Ink up to which a box is empty."""
        by_paper = self.paper.empty + SPREADS_EMPTY * self.paper.spread
        return min(max(by_paper, SHARE_EMPTY * self.ink), self.paper.empty + MOST_EMPTY_INK)

    def marked_above(self, mark: Mark) -> float:
        """Ink from which this box is marked."""
        if not self.known:
            return max(self.paper.empty + SPREADS_MARKED * self.paper.spread, LEAST_INK_ALONE)
        share = SHARE_CROSSING if self.crosses(mark) else SHARE_MARKED
        return max(self.paper.empty + SPREADS_SHOWN * self.paper.spread, LEAST_INK, share * self.ink)

    def crosses(self, mark: Mark) -> bool:
        """Whether a stroke of this hand reaches across the box or goes on beside it, be there little
        inside."""
        far = mark.extent >= FULL_EXTENT * self.extent or mark.near_peak >= GOES_ON * self.peak
        return far and mark.peak >= SHARE_PEAK_CROSSING * self.peak

    @property
    def stroke_above(self) -> float:
        """Darkness from which a spot is a stroke's."""
        by_hand = PEAK_EMPTY * self.peak if self.known else ALONE_PEAK / 2
        return min(max(by_hand, self.paper.speck), MOST_SPECK)

    @property
    def trace_above(self) -> float:
        """Darkness from which a spot beside a mark may be another mark."""
        return self.stroke_above if self.steady else self.paper.speck

    @property
    def least_extent(self) -> float:
        """Extent below which ink in a box is a dot or an end."""
        return LEAST_EXTENT * self.extent if self.known else LEAST_EXTENT_ALONE

    @property
    def may_hide(self) -> bool:
        """Whether a faint mark could lie unseen in the paper's noise, or below what this scan shows."""
        return self.pale or self.lost_in_white or self.paper.speck > SHARE_SHOWN * self.peak

    @property
    def lost_in_white(self) -> bool:
        """Whether the driver may have made a mark of this pen white."""
        return self.whitened and self.peak < WHITENED_PEAK

    @property
    def broken_up(self) -> bool:
        """Whether a black-and-white scan shows this pen in pieces."""
        pieces = self.peak < SOLID_PEAK or not self.steady
        return self.bitonal and (pieces or self.marked < MOST_MARKED * self.questions)


@dataclass(frozen=True, slots=True)
class _Scan:
    """What of the scan can make light marks vanish."""

    bitonal: bool
    whitened: bool


def unusual_look(mark: Mark) -> float:
    """How likely a mark is made in another way than by cross, tick, slash or fill, by its look. (A reading of
    before boxes were looked at tells nothing of it: 0.)"""
    share = 1 - mark.choice - mark.nothing - mark.taken_back
    return share if share > 0 else 0.0


def study_hands(readings: Sequence[SideReading | None]) -> dict[int, Hand]:
    """The hand by side number; ``readings`` has one place per side of the form.

    A duplex scanner's two lamps show one pen differently, so a side that has marks enough speaks for itself,
    unless they are so pale beside the whole sheet's that they may be traces of the other side only.
    """
    by_side = {number: _by_question(reading) for number, reading in enumerate(readings, 1)}
    everything = [marks for questions in by_side.values() for marks in questions]
    common = _study_paper(everything)
    papers = {
        number: _study_paper(questions) if _enough_boxes(questions) else common
        for number, questions in by_side.items()
    }
    there = [reading for reading in readings if reading]
    scan = _Scan(any(each.bitonal for each in there), any(each.white > WHITENED for each in there))
    on_side = {
        number: _study_writer(questions, [papers[number]] * len(questions), papers[number], scan)
        for number, questions in by_side.items()
    }
    of_each = [papers[number] for number, questions in by_side.items() for _ in questions]
    whole = _study_writer(everything, of_each, common, scan)
    return {
        number: replace(own if _speaks_for_itself(own, whole) else whole,
                        paper=papers[number], encircles=whole.encircles,
                        blots=whole.blots)
        for number, own in on_side.items()
    }  # fmt: skip


def _speaks_for_itself(own: Hand, whole: Hand) -> bool:
    return own.marked >= ENOUGH_ON_A_SIDE and own.peak >= SIDES_ALIKE * whole.peak


def _by_question(reading: SideReading | None) -> list[list[Mark]]:
    """The boxes of each question, the darkest last; questions of one box tell nothing of empty paper."""
    found: dict[str, list[Mark]] = {}
    for mark in reading.marks if reading else ():
        found.setdefault(mark.question, []).append(mark)
    return [sorted(marks, key=lambda mark: mark.ink) for marks in found.values() if len(marks) > 1]


def _enough_boxes(questions: Sequence[Sequence[Mark]]) -> bool:
    return sum(len(marks) - 1 for marks in questions) >= ENOUGH_BOXES


def _study_paper(questions: Sequence[Sequence[Mark]]) -> Paper:
    """Learn the paper from all boxes but the darkest of each question."""
    rest = [mark for marks in questions for mark in marks[:-1]]
    empty, spread = _middle_and_spread([mark.ink for mark in rest])
    spot, spot_spread = _middle_and_spread([mark.peak for mark in rest])
    speck = max(spot + SPREADS_SPECK * spot_spread, LEAST_SPECK)
    return Paper(empty, max(spread, LEAST_SPREAD), speck)


def _study_writer(
    questions: Sequence[Sequence[Mark]], papers: Sequence[Paper], paper: Paper, scan: _Scan
) -> Hand:
    """Learn the hand from the darkest box of each question, where it stands out from its own side's paper."""
    tops = [(marks[-1], on) for marks, on in zip(questions, papers, strict=True)]
    marked = [mark for mark, on in tops if on.shows(mark) or (mark.choice >= CHOSEN and not scan.bitonal)]
    circled = [marks for marks, on in zip(questions, papers, strict=True) if _circled(marks, on)]
    known = len(marked) >= HABIT_LEAST
    peak, peak_spread = _middle_and_spread([mark.peak for mark in marked])
    traced = any(on.speck < mark.peak and mark.ink < LEAST_INK_ALONE for mark, on in tops)
    return Hand(
        paper=paper,
        questions=len(questions),
        marked=len(marked),
        known=known,
        lone=0 < len(marked) < HABIT_LEAST < len(questions),
        pale=not known and traced,
        ink=median([mark.ink for mark in marked]) if marked else 0.0,
        peak=peak,
        darkest=max((mark.peak for mark in marked), default=0.0),
        cover=median([mark.cover for mark in marked]) if marked else 0.0,
        extent=median([mark.extent for mark in marked]) if known else 1.0,
        steady=known and peak_spread <= STEADY * peak,
        blots=known and sum(unusual_look(mark) > BLOTS for mark in marked) > SOME * len(marked),
        encircles=len(circled) >= max(HABIT_LEAST, HABIT * (len(circled) + len(marked))),
        bitonal=scan.bitonal,
        whitened=scan.whitened,
    )


def _circled(marks: Sequence[Mark], paper: Paper) -> bool:
    """Whether no box of a question is marked inside and one is ringed."""
    return not paper.shows(marks[-1]) and max(mark.encircled for mark in marks) > ENCIRCLED


def _middle_and_spread(values: Sequence[float]) -> tuple[float, float]:
    """Median and robust standard deviation (1.4826 times the median deviation from it); 0, 0 for none."""
    if not values:
        return 0.0, 0.0
    middle = median(values)
    return middle, 1.4826 * median(abs(value - middle) for value in values)
