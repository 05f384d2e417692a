"""From measured marks to answers: what each question of a sheet says, and whether a person must look.

One person marks one way, so a sheet is judged by itself: its empty boxes tell how clean the paper is, its
clear marks tell how dark and how large this hand writes. An answer is accepted only where every box of the
question is plainly marked or plainly empty by both; everything else is a proposal for a person.

Inks are in units of the darkness of the sheet's own print (see ``model.Mark``). The numbers below were set
on simulated sheets of other seeds than those of the accuracy bench; DECISIONS.md has the tables.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median

from ballotscan.forms.form import Form, Question, Rect
from ballotscan.model import Answer, Mark, Outcome, Reason, SideReading, Status

LEAST_INK = 0.012
"""Mean ink of the faintest mark that is read where the whole sheet is marked that way: a pencil line that a
person sees at arm's length makes 0.015."""

LEAST_INK_ALONE = 0.045
"""The same where there are too few marks to know the hand: a fold through a box or two resting dots in it
make 0.04."""

MOST_EMPTY_INK = 0.035
"""However noisy the sheet, a box with more ink than this is not called empty."""

SPREADS_EMPTY, SPREADS_MARKED = 5.0, 9.0
"""In spreads of the sheet's own empty boxes: up to the first a box is empty, from the second it is marked."""

LEAST_SPREAD = 0.0015
"""Print and sampling alone spread empty boxes by this much."""

SHARE_EMPTY, SHARE_MARKED = 0.10, 0.30
"""The same against the sheet's own clear marks: less than a tenth of them is not this hand's mark."""

PEAK_EMPTY = 0.30
"""A box whose darkest spot reaches this share of the hand's own darkest is not called empty: a dot or
a stroke's end is in it."""

SPREADS_SPECK = 5.0
"""Darkest spots of empty boxes stay within this many of their own spreads, on clean paper. A question is
blank only if no box of it shows more: also a dark pen fails, and leaves a pale mark."""

LEAST_SPECK, MOST_SPECK = 0.025, 0.25
"""Darkness of a spot that noise alone can make; and above which even a dark hand's paper is not clean."""

FAINTEST, SHARE_SHOWN = 0.06, 0.25
"""A blank is accepted only where the paper is so even that a mark of this darkness, or of this share of the
hand's own, would stand out from it: what noise can hide may be there."""

ALONE_PEAK = 0.12
"""Where the hand is not known, a spot darker than this may be a mark."""

STEADY = 0.25
"""Spread of the darkness of a hand's marks, against their usual darkness, up to which the pen writes evenly.
A pen that fails may have left another mark too pale to stand out against its own best ones."""

SHARE_PEAK = 0.4
"""A pen that writes evenly makes no mark of less than this share of its usual darkness; an erased mark
keeps a third."""

SHARE_ENTERED, RUNS_OUT = 0.5, 0.6
"""A mark with less than this share of the hand's usual ink that is as dark (to this share) outside the box
as inside may be the end of a stroke that belongs to a marked box nearby."""

NEARBY_MM = 14.0
"""Centres of boxes that a stroke of usual length can join: a row and a half of a table."""

LEAST_EXTENT, LEAST_EXTENT_ALONE = 0.35, 0.5
"""A mark reaches over at least this share of the hand's usual extent (of the box, where it is not known);
what does not is a dot or an end."""

PASSES = 0.5
"""Ink that runs on across the box in both directions at this share of the mark's own darkness is a fold, a
stain or a line through several boxes."""

SOLID_PEAK = 0.55
"""On a black-and-white scan the strokes of a pen that was dark enough are solid; a hand whose usual mark
is fainter than this was broken up by the threshold, and other strokes of it may be gone."""

ENCIRCLED = 0.35
"""Ink in three directions of five around a box, at this share of the hand's own darkness, is a circle: a
cross reaches out in four, and covers a quarter of the way round."""

HEAVY = 2.2
"""A single mark with this many times the ink of the hand's usual one was gone over: perhaps cancelled."""

HEAVIER, MORE_COVER = 1.4, 0.25
"""The same with this many times the ink, where it covers so much more of its box than the hand's usual mark:
a cross among crosses that was scribbled over until hardly any white was left."""

SOLID_COVER = 0.8
"""A box covered to this share is filled, not crossed."""

HABIT = 0.8
"""A way of marking is the sheet's own when this share of its marked questions shows it."""

HABIT_LEAST = 3
"""Fewer marked questions than this show no habit, and no hand."""

OUTLINE_FIT, OUTLINE_DARK = 0.55, 0.4
"""An outline counts as found where its profiles agree with the print (0.9 on ordinary pages, below 0.3
elsewhere) or all four sides of it are dark, be it with print or with the ink that hides it."""

RULED_OUT = 0.999
"""Confidences stay below 1: no reading is certain."""


@dataclass(frozen=True, slots=True)
class Hand:
    """What one sheet tells of its paper and its writer, over both sides."""

    empty: float  # usual ink of empty boxes
    spread: float  # and how it spreads
    speck: float  # the darkest spot that the empty paper shows
    known: bool  # enough clear marks to know the hand by
    pale: bool  # the hand is not known, but has left traces too faint to be marks
    ink: float  # usual ink of marked boxes; 0 where nothing is clearly marked
    peak: float  # usual darkness of this pen
    cover: float  # share of the box that its usual mark covers
    extent: float  # how far its usual mark reaches across the box; 1 where the hand is not known
    steady: bool  # its marks are of even darkness
    encircles: bool  # the sheet is marked by circles round the boxes
    bitonal: bool

    @property
    def empty_below(self) -> float:
        by_paper = self.empty + SPREADS_EMPTY * self.spread
        return min(max(by_paper, SHARE_EMPTY * self.ink), self.empty + MOST_EMPTY_INK)

    @property
    def marked_above(self) -> float:
        by_paper = self.empty + SPREADS_MARKED * self.spread
        least = LEAST_INK if self.known else LEAST_INK_ALONE
        return max(by_paper, least, SHARE_MARKED * self.ink)

    @property
    def stroke_above(self) -> float:
        """Darkness from which a spot is a stroke's."""
        by_hand = PEAK_EMPTY * self.peak if self.known else ALONE_PEAK / 2
        return min(max(by_hand, self.speck), MOST_SPECK)

    @property
    def trace_above(self) -> float:
        """Darkness from which a spot beside a mark may be another mark."""
        return self.stroke_above if self.steady else self.speck

    @property
    def may_hide(self) -> bool:
        """Whether a faint mark could lie unseen in the paper's noise, or below what this scan shows."""
        return self.pale or self.speck > max(FAINTEST, SHARE_SHOWN * self.peak if self.known else 0.0)

    @property
    def broken_up(self) -> bool:
        return self.bitonal and self.peak < SOLID_PEAK


def decide_answers(form: Form, readings: Sequence[SideReading | None]) -> tuple[Answer, ...]:
    """One answer per question of the form, in printed order. ``readings`` has one place per side.

    Questions of a side that is not there are ``unreadable`` and go to a person.
    """
    marks = _marks_by_question(readings)
    hand = study_hand(readings)
    sides = form.side_of_question
    tails = _tails(form, marks, hand)
    return tuple(
        _held_for_tail(
            _decide(question, sides[question.id], marks.get(question.id, ()), hand), tails, question
        )
        for question in form.questions
    )


def _tails(form: Form, marks: Mapping[str, Sequence[Mark]], hand: Hand) -> set[tuple[str, str]]:
    """Boxes whose ink may be the end of a stroke from a marked box of another question nearby."""
    reaching = {
        (mark.question, mark.option): mark
        for found in marks.values()
        for mark in found
        if mark.ink >= hand.marked_above and mark.ring_peak >= RUNS_OUT * mark.peak
    }
    thin = {key for key, mark in reaching.items() if mark.ink < SHARE_ENTERED * hand.ink}
    return {
        (box.question, box.option)
        for side in form.sides
        for box in side.boxes
        if (box.question, box.option) in thin
        for other in side.boxes
        if other.question != box.question
        and (other.question, other.option) in reaching
        and _near(box.rect, other.rect)
    }


def _near(one: Rect, other: Rect) -> bool:
    return (
        abs(one.x_mm + one.w_mm / 2 - other.x_mm - other.w_mm / 2) < NEARBY_MM
        and abs(one.y_mm + one.h_mm / 2 - other.y_mm - other.h_mm / 2) < NEARBY_MM
    )


def _held_for_tail(answer: Answer, tails: set[tuple[str, str]], question: Question) -> Answer:
    """The answer, sent to a person where what was taken for its mark may be another box's."""
    if answer.status is Status.REVIEW or not any((question.id, code) in tails for code in answer.codes):
        return answer
    return replace(
        answer, outcome=Outcome.UNSURE, status=Status.REVIEW, reason=Reason.STRAY_INK, confidence=0.6
    )


def _marks_by_question(readings: Sequence[SideReading | None]) -> dict[str, list[Mark]]:
    found: dict[str, list[Mark]] = {}
    for reading in readings:
        for mark in reading.marks if reading else ():
            found.setdefault(mark.question, []).append(mark)
    return found


def study_hand(readings: Sequence[SideReading | None]) -> Hand:
    """Learn the paper from the boxes that are not the darkest of their question, and the hand from those
    that are, where they stand out."""
    questions = [marks for marks in _marks_by_question(readings).values() if len(marks) > 1]
    ordered = [sorted(marks, key=lambda mark: mark.ink) for marks in questions]
    rest = [mark for marks in ordered for mark in marks[:-1]]
    empty, spread = _middle_and_spread([mark.ink for mark in rest])
    spread = max(spread, LEAST_SPREAD)
    usual_spot, spot_spread = _middle_and_spread([mark.peak for mark in rest])
    speck = max(usual_spot + SPREADS_SPECK * spot_spread, LEAST_SPECK)
    clear = max(LEAST_INK, empty + SPREADS_MARKED * spread)
    tops = [marks[-1] for marks in ordered]
    marked = [mark for mark in tops if mark.ink > clear and mark.peak > speck]
    circled = [marks for marks in ordered if _circled_one(marks, clear)]
    known = len(marked) >= HABIT_LEAST
    peak, peak_spread = _middle_and_spread([mark.peak for mark in marked])
    return Hand(
        empty=empty,
        spread=spread,
        speck=speck,
        known=known,
        pale=not known and any(speck < mark.peak and mark.ink < LEAST_INK_ALONE for mark in tops),
        ink=median([mark.ink for mark in marked]) if marked else 0.0,
        peak=peak,
        cover=median([mark.cover for mark in marked]) if marked else 0.0,
        extent=median([mark.extent for mark in marked]) if known else 1.0,
        steady=known and peak_spread <= STEADY * peak,
        encircles=len(circled) >= max(HABIT_LEAST, HABIT * (len(circled) + len(marked))),
        bitonal=any(reading.bitonal for reading in readings if reading),
    )


def _middle_and_spread(values: Sequence[float]) -> tuple[float, float]:
    """Median and robust standard deviation (1.4826 times the median deviation from it); 0, 0 for none."""
    if not values:
        return 0.0, 0.0
    middle = median(values)
    return middle, 1.4826 * median(abs(value - middle) for value in values)


def _circled_one(marks: Sequence[Mark], clear: float) -> bool:
    """Whether no box is marked inside and one is ringed."""
    return marks[-1].ink <= clear and max(mark.encircled for mark in marks) > ENCIRCLED


def _decide(question: Question, side: int, marks: Sequence[Mark], hand: Hand) -> Answer:
    if len(marks) != len(question.options):
        return _answer(question, side, Outcome.UNREADABLE, (), reason=Reason.SIDE_MISSING, confidence=0.0)
    judged = [(mark, _judge(mark, hand)) for mark in marks]
    chosen = tuple(mark for mark, verdict in judged if verdict == "marked")
    doubtful = tuple(mark for mark, verdict in judged if verdict == "doubtful")
    trouble = next((fault for mark in marks if (fault := _lost(mark))), None)
    if trouble or (doubtful and not hand.encircles):
        outcome = Outcome.UNREADABLE if trouble else Outcome.UNSURE
        reason = trouble or (Reason.STRAY_INK if chosen else Reason.FAINT)
        codes = tuple(mark.option for mark in chosen or doubtful)
        return _answer(question, side, outcome, codes, reason=reason, confidence=0.2 if trouble else 0.5)
    if hand.encircles:
        return _decide_by_circles(question, side, marks, hand)
    if not chosen:
        return _decide_blank(question, side, marks, hand)
    if len(chosen) > 1 and not question.multiple:
        return _decide_several(question, side, chosen, hand)
    return _decide_marked(question, side, marks, chosen, hand)


def _lost(mark: Mark) -> Reason | None:
    """Why a box's place cannot be trusted; None where it can."""
    if mark.held < 1:
        return Reason.OUTSIDE_IMAGE
    if mark.weakest_side < OUTLINE_DARK and not (
        mark.outline >= OUTLINE_FIT and mark.weakest_side > OUTLINE_DARK / 2
    ):
        return Reason.OUTLINE_LOST
    return None


def _judge(mark: Mark, hand: Hand) -> str:
    """``marked``, ``empty`` or ``doubtful``: the inside of one box against the sheet's own paper and hand."""
    if _is_plain(mark, hand) and mark.ink >= hand.marked_above and mark.peak >= hand.stroke_above:
        return "marked"
    if mark.ink < hand.empty_below and max(mark.peak, mark.near_peak) < hand.trace_above:
        return "empty"
    return "doubtful"


def _is_plain(mark: Mark, hand: Hand) -> bool:
    """Whether the ink in a box, however much, looks like a mark of this hand in this box."""
    dot = mark.extent < (LEAST_EXTENT * hand.extent if hand.known else LEAST_EXTENT_ALONE)
    line = mark.through >= PASSES * mark.peak
    ghost = hand.steady and mark.peak < SHARE_PEAK * hand.peak
    return not (dot or line or ghost)


def _decide_blank(question: Question, side: int, marks: Sequence[Mark], hand: Hand) -> Answer:
    """No box is marked inside: blank, unless one shows the trace of a stroke, there is ink around one of
    them, or ink may have vanished."""
    traced = tuple(mark.option for mark in marks if mark.peak > hand.speck)
    if traced:
        return _answer(question, side, Outcome.UNSURE, traced, reason=Reason.FAINT, confidence=0.5)
    outside = max(marks, key=lambda mark: mark.ring_peak)
    if outside.ring_peak >= hand.stroke_above:
        circled = [mark.option for mark in marks if mark.encircled > ENCIRCLED * max(hand.peak, ALONE_PEAK)]
        reason = Reason.UNUSUAL_MARK if circled else Reason.STRAY_INK
        return _answer(question, side, Outcome.UNSURE, tuple(circled), reason=reason, confidence=0.5)
    if hand.bitonal:  # a faint mark may have vanished
        return _answer(question, side, Outcome.BLANK, (), reason=Reason.BITONAL_BLANK, confidence=0.9)
    return _answer(
        question,
        side,
        Outcome.BLANK,
        (),
        reason=Reason.FAINT if hand.may_hide else None,
        confidence=_distance(0.0, max(m.ink for m in marks), hand),
    )


def _decide_several(question: Question, side: int, chosen: Sequence[Mark], hand: Hand) -> Answer:
    """Two marked boxes: never guessed; a correction is proposed where one of them is cancelled."""
    plain = [mark for mark in chosen if not _cancelled(mark, chosen, hand)]
    if len(plain) == 1:
        return _answer(
            question, side, Outcome.CORRECTED, (plain[0].option,), reason=Reason.CORRECTED, confidence=0.7
        )
    codes = tuple(mark.option for mark in chosen)
    return _answer(question, side, Outcome.SEVERAL, codes, reason=Reason.SEVERAL_MARKS, confidence=0.9)


def _cancelled(mark: Mark, chosen: Sequence[Mark], hand: Hand) -> bool:
    """Ringed, or gone over until it holds far more ink than the lightest mark beside it."""
    lightest = min(other.ink for other in chosen)
    return mark.encircled > ENCIRCLED * hand.peak or mark.ink > HEAVY * lightest


def _decide_marked(
    question: Question, side: int, marks: Sequence[Mark], chosen: Sequence[Mark], hand: Hand
) -> Answer:
    codes = tuple(mark.option for mark in chosen)
    ringed = [mark for mark in marks if mark.encircled > ENCIRCLED * hand.peak and mark.cover < SOLID_COVER]
    if ringed:
        return _answer(question, side, Outcome.UNSURE, codes, reason=Reason.UNUSUAL_MARK, confidence=0.6)
    if any(_gone_over(mark, hand) for mark in chosen):
        return _answer(question, side, Outcome.UNSURE, codes, reason=Reason.UNUSUAL_MARK, confidence=0.7)
    if hand.broken_up:
        return _answer(question, side, Outcome.UNSURE, codes, reason=Reason.FAINT, confidence=0.8)
    others = max((mark.ink for mark in marks if mark not in chosen), default=hand.empty)
    confidence = _distance(min(mark.ink for mark in chosen), others, hand)
    outcome = Outcome.SEVERAL if len(chosen) > 1 else Outcome.ONE
    return _answer(question, side, outcome, codes, reason=None, confidence=confidence)


def _gone_over(mark: Mark, hand: Hand) -> bool:
    """Whether a mark holds so much more ink than this hand's others that it may have been scribbled out."""
    fuller = mark.cover > hand.cover + MORE_COVER and mark.ink > HEAVIER * hand.ink
    return fuller or mark.ink > HEAVY * hand.ink


def _decide_by_circles(question: Question, side: int, marks: Sequence[Mark], hand: Hand) -> Answer:
    """On a sheet marked by circles: one box plainly ringed, none marked inside, no other ringed at all."""
    ringed = [mark for mark in marks if mark.encircled > ENCIRCLED]
    inked = [mark for mark in marks if mark.peak >= hand.stroke_above]
    touched = [mark for mark in marks if mark.ring_peak >= hand.stroke_above and mark not in ringed]
    codes = tuple(mark.option for mark in ringed)
    if inked or touched or len(ringed) > 1:
        return _answer(question, side, Outcome.UNSURE, codes, reason=Reason.UNUSUAL_MARK, confidence=0.5)
    if ringed:
        return _answer(question, side, Outcome.ONE, codes, reason=None, confidence=0.98)
    return _decide_blank(question, side, marks, hand)


def _distance(marked: float, empty: float, hand: Hand) -> float:
    """Confidence from how far the marked and the empty boxes lie from the border between them."""
    border = (hand.empty_below + hand.marked_above) / 2
    gap = max(hand.marked_above - hand.empty, 1e-3)
    above = (marked - border) / gap if marked else 1.0
    below = (border - empty) / gap
    return round(min(RULED_OUT, 0.9 + 0.1 * max(0.0, min(above, below, 1.0))), 4)


def _answer(
    question: Question,
    side: int,
    outcome: Outcome,
    codes: tuple[str, ...],
    *,
    reason: Reason | None,
    confidence: float,
) -> Answer:
    printed = tuple(option.code for option in question.options if option.code in codes)
    status = Status.REVIEW if reason else Status.ACCEPTED
    return Answer(question.id, side, outcome, printed, status, confidence, reason)
