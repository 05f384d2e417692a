"""What the boxes of one question say, by themselves and by the sheet's own hand.

An answer is taken only where every box of the question is plainly marked or plainly empty; everything else
carries a reason for which a person looks at it.

Inks are in units of the darkness of the sheet's own print (see ``model.Mark``). The numbers below were set
on simulated sheets of other seeds than those of the accuracy bench; DECISIONS.md has the tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ballotscan.forms.form import MarkPolicy, Question
from ballotscan.model import Mark, Outcome, Reason
from ballotscan.rules.hand import ALONE_PEAK, ENCIRCLED, Hand, unusual_look

GHOST_PEAK, GHOST_INK, SMEARED, PALEST, THIN = 0.65, 0.55, 1.35, 0.45, 0.6
"""An erased mark keeps from a third to two thirds of its darkness, and either as little of its ink or,
smeared over the box, much more ink for its darkness than the others have. A hand makes no mark with less than
PALEST of its usual darkness (of its darkest, where few and uneven marks tell little), and 1 in 200 with less
than the first and the second together; but single strokes of a hand that fills its boxes (they cover less
than THIN of what its others do) are paler than solid ink."""

STRANGE_PEAK, DARKER, STRANGE_INK, CROSSED_OUTLINE = 1.5, 1.3, 1.5, 0.7
"""Ink this many times darker than that of a pen that writes evenly is another's, or a staple; so is what is
darker by the second and heavier by the third, darker yet outside the box, and hides some of its outline."""

SWAMPED_PEAK, SWAMPED_OUTLINE, SWAMPED = 1.08, 0.4, 0.9
"""Where ink is darker than this hand's, the outline hardly agrees with the print and the ink beside the box
is as dark as in it, to the last share, something larger than a mark lies over the box: a punched hole over a
dark lid, a blot. A hand's own fills vary by a twentieth."""

PALE_PEAK, PALE_INK, WELL_KNOWN = 0.45, 0.35, 6
"""Below these shares of the darkness and of the ink of a pen that writes evenly nothing is its mark, where
another box of the question holds a plain one: erased marks keep from a third to a half. Only where the last
number of marks tell the hand: of five marks three may be punched holes."""

STAIN_PEAK, STAIN_COVER, RIM_PEAK, RIM_EVEN = 0.8, 1.4, 0.75, 1.06
"""Ink as even in the box as around it, paler than this hand's by the first and broader than its marks by the
second, is a stain; paler by the third, and darker around the box than in it and evenly so, the rim of one."""

ISOLATED, SCATTERED = 0.3, 0.5
"""Ink that reaches half as far across the box as this hand's marks, with less than this share of its own
darkness beside the box, is where a pen rested; the short end of a mark goes on outside. Two such dots reach
far, but cover less than the second share of what a mark does."""

PASSES = 0.5
"""Ink that runs on across the box in both directions at this share of the mark's own darkness is a fold, a
stain or a line through several boxes."""

BESIDE = 1.5
"""Beside a box of a blank question a spot this many times darker than the paper's own may be a mark that
missed its box."""

HEAVY = 2.2
"""A single mark with this many times the ink of the hand's usual one was gone over: perhaps cancelled."""

HEAVIER, MORE_COVER = 1.4, 0.25
"""The same with this many times the ink, where it covers so much more of its box than the hand's usual mark:
a cross among crosses that was scribbled over until hardly any white was left."""

PLAINLY_RINGED, USUAL_INK, CONTAINED = 0.5, 0.7, 0.6
"""A mark is taken back by a circle, for sure, where ink goes round it at this share of the hand's darkness;
what is left to count has this share of its usual ink, and less than the last of its darkness around it: a
seal over two boxes looks like a correction."""

FILLS = 0.5
"""A hand whose usual mark covers this share of its box fills its boxes."""

SOLID_COVER = 0.8
"""A box covered to this share is filled, not crossed."""

LITTLE_INK, TWO_SIDES_DARK, TWO_SIDES_THERE = 0.5, 0.75, 0.55
"""Ink never takes an outline away. A mark with less than this share of the hand's usual ink, in a box of
which two sides are paler than this, may be the rim of what did."""

OUTLINE_FIT, OUTLINE_DARK, THREE_SIDES_DARK = 0.55, 0.4, 0.75
"""An outline counts as found where its profiles agree with the print (0.9 on ordinary pages, below 0.3
elsewhere), where all four sides of it are dark, be it with print or with the ink that hides it, or where
three are plainly so: a streak or a thin threshold takes one. What lies over half a box takes half of two
more."""


LOOKS = 0.8
"""How likely a box must look what the measures take it for. Of 17,000 answers that the measures did not doubt
(hard work and the hardest classes) 800 had a box below, where an earlier fit of the network had let 2 of
500 wrong ones pass; clean and office work ask for 0.1 % more answers with it than with 0.5, hard 1 %."""

FILLING, HATCHED = 0.4, 0.3
"""A fill, more so a hatched one, looks like a scribble: both count as this hand's mark where its usual mark
covers the first share of its box (fills 0.39 to 0.98, ticks and slashes 0.25, crosses 0.35) and this one the
second."""

LOOKS_PLAINLY = 0.9
"""From here on the look alone settles that ink beside a plain mark is none of this question's."""

DOUBTS_OF_INK = (Reason.FAINT, Reason.STRAY_INK, Reason.UNUSUAL_MARK, Reason.CORRECTED)
PLAINLY, BEYOND_DOUBT = 0.97, 0.99
"""Doubts of the measures that the look may settle: one box looks chosen and all others look empty from the
first on, or all look empty from the second on and the measures know of nothing worse than faint ink."""

TAKES_BACK = {"circled_mark", "scribbled_mark"}
"""Where a form's rule names both, a look may settle what was taken back. Of 540 corrected answers that looked
so beyond doubt and the measures doubted all were read right, and none of 791 with several marks looked so
(1,020 sheets, most of them of the hardest kinds)."""

NOT_RUBBED_OUT, FAILED = 0.55, 0.42
"""What was rubbed out keeps up to half of the pen's darkness and seldom looks chosen; where it does beyond
doubt, up to a third."""

WEAK, PALE = 0.6, 0.65
"""A mark with less than the first share of the hand's usual ink, or than the second of its darkness, is a
choice only if it looks so plainly: what was rubbed out, tails of other marks and stray strokes have no
more. It asks for 0.1 % more answers."""

SHARE_HIDDEN, TRACES = 0.27, 1.3
"""All boxes of a question look empty, and yet it is no blank, where noise makes spots of more than this share
of the pen's darkness, or one is darker than noise by this much: of 24 marks that so hide or are so small that
all boxes look empty none was below both, of 298 blanks half (900 sheets of hard work and the hardest
classes)."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was read of one question; where there is a ``reason`` for doubt, ``codes`` are a proposal."""

    outcome: Outcome
    codes: tuple[str, ...]
    reason: Reason | None = None


def judge_question(question: Question, marks: Sequence[Mark], hand: Hand, policy: MarkPolicy) -> Verdict:
    """Judge the boxes of one question, given in printed order. ``policy`` is the form's, for what takes
    back."""
    if len(marks) != len(question.options):
        return Verdict(Outcome.UNREADABLE, (), Reason.SIDE_MISSING)
    verdict = _by_measures(question, marks, hand, policy)
    if verdict.reason in DOUBTS_OF_INK and not question.multiple:
        verdict = _by_plain_looks(verdict, marks, hand, policy) or verdict
    return verdict if verdict.reason else _by_looks(verdict, marks, hand)


def _by_plain_looks(
    doubted: Verdict, marks: Sequence[Mark], hand: Hand, policy: MarkPolicy
) -> Verdict | None:
    """What a question says whose boxes all look empty, taken back or, one at most, chosen beyond doubt."""
    if not hand.known or hand.bitonal or hand.encircles:
        return None
    chosen = [mark for mark in marks if mark.choice >= PLAINLY]
    if not chosen:
        blank = doubted.reason is Reason.FAINT and _plainly_blank(marks, hand)
        return Verdict(Outcome.BLANK, ()) if blank else None
    taken_back = [mark for mark in marks if mark.taken_back >= PLAINLY]
    rest = [mark for mark in marks if mark not in (chosen[0], *taken_back)]
    if not _whole(chosen[0], hand) or any(mark.nothing < PLAINLY for mark in rest):
        return None
    if taken_back:  # the look does not tell a circle from a scribble
        by_rule = set(policy.cancel) >= TAKES_BACK and chosen[0].ink >= WEAK * hand.ink
        return Verdict(Outcome.CORRECTED, _codes(chosen)) if by_rule else None
    return None if doubted.reason is Reason.CORRECTED else Verdict(Outcome.ONE, _codes(chosen))


def _plainly_blank(marks: Sequence[Mark], hand: Hand) -> bool:
    """Whether all boxes look empty, and noise or the driver can have hidden nothing in them."""
    speck = hand.paper.speck
    hidden = hand.lost_in_white or speck > SHARE_HIDDEN * hand.peak
    traced = any(max(_trace(mark, hand), mark.near_peak / BESIDE) > TRACES * speck for mark in marks)
    return not (hidden or traced) and all(mark.nothing >= BEYOND_DOUBT for mark in marks)


def _whole(mark: Mark, hand: Hand) -> bool:
    """Whether nothing larger lies over a mark and it is dark enough not to have been rubbed out."""
    least = FAILED if mark.choice >= BEYOND_DOUBT else NOT_RUBBED_OUT
    return not (_swamped(mark, hand) or _harmed(mark, hand)) and mark.peak >= least * hand.peak


def _by_looks(verdict: Verdict, marks: Sequence[Mark], hand: Hand) -> Verdict:
    """The second key: what the measures do not doubt is taken only where each box looks like it, too."""
    share, mark = weakest_look(verdict, marks, hand)
    weak = [each for each in marks if each.option in verdict.codes and _weak(each, hand)]
    if share >= LOOKS and not weak:
        return verdict
    chosen = mark.option in verdict.codes or weak
    return Verdict(Outcome.UNSURE, verdict.codes, Reason.UNUSUAL_MARK if chosen else Reason.STRAY_INK)


def _weak(mark: Mark, hand: Hand) -> bool:
    """Whether a mark has little or pale ink and does not plainly look chosen."""
    weak = mark.ink < WEAK * hand.ink or mark.peak < PALE * hand.peak
    return weak and _looks_chosen(mark, hand) < PLAINLY and not hand.encircles


def weakest_look(verdict: Verdict, marks: Sequence[Mark], hand: Hand) -> tuple[float, Mark]:
    """The mark that looks least like what a verdict takes it for, and how likely it is that all the same. (A
    reading of before boxes were looked at tells NaN; that is taken for 0.)"""
    looks = [(_look(mark, verdict, hand), mark) for mark in marks]
    return min(((share if share >= 0 else 0.0, mark) for share, mark in looks), key=lambda look: look[0])


def _look(mark: Mark, verdict: Verdict, hand: Hand) -> float:
    """How likely a box is what a verdict takes it for, by its look."""
    if mark.option in verdict.codes:
        return _looks_chosen(mark, hand)
    taken_back = verdict.outcome is Outcome.CORRECTED and mark.peak >= hand.stroke_above
    return 1 - mark.choice if taken_back else mark.nothing


def _looks_chosen(mark: Mark, hand: Hand) -> float:
    """How likely a box is chosen by its look, in the way in which this hand chooses."""
    if hand.encircles:
        return unusual_look(mark)
    fills = hand.cover > FILLING and mark.cover > HATCHED
    return mark.choice + (unusual_look(mark) if fills or hand.blots else 0.0)


def _by_measures(question: Question, marks: Sequence[Mark], hand: Hand, policy: MarkPolicy) -> Verdict:
    """What the measures of the boxes say."""
    judged = [(mark, _judge(mark, hand)) for mark in marks]
    chosen = [mark for mark, verdict in judged if verdict == "marked"]
    doubtful = [
        mark for mark, verdict in judged if verdict == "doubtful" and not (chosen and _beside(mark, hand))
    ]
    lost = next((fault for mark in marks if (fault := _lost(mark))), None)
    if lost:
        return Verdict(Outcome.UNREADABLE, _codes(chosen or doubtful), lost)
    if doubtful and not hand.encircles:
        reason = Reason.STRAY_INK if chosen else Reason.FAINT
        return Verdict(Outcome.UNSURE, _codes(chosen or doubtful), reason)
    if hand.encircles:
        return _judge_circles(marks, hand)
    if len(chosen) > 1 and not question.multiple:
        return _judge_several(chosen, hand, policy)
    return _judge_marked(marks, chosen, hand) if chosen else _judge_blank(marks, hand)


def _codes(marks: Sequence[Mark]) -> tuple[str, ...]:
    return tuple(mark.option for mark in marks)


def _lost(mark: Mark) -> Reason | None:
    """Why a box's place cannot be trusted; None where it can."""
    if mark.held < 1:
        return Reason.OUTSIDE_IMAGE
    there = (
        mark.weakest_side >= OUTLINE_DARK
        or (mark.outline >= OUTLINE_FIT and mark.next_side >= OUTLINE_DARK)
        or mark.next_side >= THREE_SIDES_DARK
    )
    return None if there else Reason.OUTLINE_LOST


def _judge(mark: Mark, hand: Hand) -> str:
    """``marked``, ``empty`` or ``doubtful``: the inside of one box against the sheet's own paper and hand."""
    if _is_plain(mark, hand) and mark.ink >= hand.marked_above(mark) and mark.peak >= hand.stroke_above:
        return "marked"
    if mark.ink < hand.empty_below and max(_trace(mark, hand), mark.near_peak) < hand.trace_above:
        return "empty"
    return "doubtful"


def _is_plain(mark: Mark, hand: Hand) -> bool:
    """Whether the ink in a box, however much, looks like a mark of this hand in this box."""
    dot = mark.extent < hand.least_extent or _rested(mark, hand)
    line = mark.through >= PASSES * mark.peak
    strange = _is_strange(mark, hand)
    return not (
        dot or line or strange or _is_ghost(mark, hand) or _swamped(mark, hand) or _harmed(mark, hand)
    )


def _is_strange(mark: Mark, hand: Hand) -> bool:
    """Whether ink is too dark for this pen, or darker, heavier and running on outside."""
    darker = max(mark.peak, mark.near_peak) > STRANGE_PEAK * hand.peak
    heavier = mark.peak > DARKER * hand.peak and mark.ink > STRANGE_INK * hand.ink
    over = mark.outline < CROSSED_OUTLINE and mark.ring_peak > mark.peak
    return hand.steady and (darker or (heavier and over))


def _is_ghost(mark: Mark, hand: Hand) -> bool:
    """Whether a mark is as pale as one that was rubbed out."""
    smeared = mark.ink * hand.peak > SMEARED * hand.ink * mark.peak
    pale = mark.peak < GHOST_PEAK * hand.peak and (smeared or mark.ink < GHOST_INK * hand.ink)
    thin = hand.steady and mark.cover < THIN * hand.cover
    well_known = hand.steady or hand.marked >= WELL_KNOWN
    palest = mark.peak < PALEST * (hand.peak if well_known else hand.darkest)
    return hand.known and (palest or (pale and not thin))


def _rested(mark: Mark, hand: Hand) -> bool:
    """Whether ink in a box is small and all inside: a dot, where this hand makes strokes."""
    alone = mark.near_peak < ISOLATED * mark.peak
    scattered = mark.cover < SCATTERED * hand.cover < SCATTERED * FILLS
    return alone and (mark.extent < hand.extent / 2 or scattered)


def _swamped(mark: Mark, hand: Hand) -> bool:
    """Whether something larger than a mark hides box and outline."""
    beside = min(mark.near_peak, mark.ring_peak)
    dark = mark.outline < SWAMPED_OUTLINE and mark.peak > SWAMPED_PEAK * hand.peak
    broad = mark.peak < STAIN_PEAK * hand.peak and mark.cover > STAIN_COVER * hand.cover
    even = max(mark.near_peak, mark.ring_peak) < RIM_EVEN * beside < RIM_EVEN**3 * mark.peak
    rim = mark.peak < RIM_PEAK * hand.peak and beside > mark.peak and even
    return rim or (beside > SWAMPED * mark.peak and (dark or broad))


def _beside(mark: Mark, hand: Hand) -> bool:
    """Whether ink in a box beside a plain mark is no mark: by its look, or too pale for this hand."""
    return mark.nothing >= LOOKS_PLAINLY or _pale(mark, hand)


def _pale(mark: Mark, hand: Hand) -> bool:
    """Whether ink beside a plain mark is far too pale for this hand: an erased mark, a crease, what shines
    through. In black and white nothing is pale."""
    pale = max(mark.peak, mark.near_peak) < PALE_PEAK * hand.peak and mark.ink < PALE_INK * hand.ink
    return hand.steady and hand.marked >= WELL_KNOWN and not hand.bitonal and pale


def _harmed(mark: Mark, hand: Hand) -> bool:
    """Whether there is little ink in a box, and part of its outline is gone: the rim of a hole, of a
    label."""
    least = TWO_SIDES_DARK if mark.ink < LITTLE_INK * hand.ink else TWO_SIDES_THERE
    return mark.next_side < least


def _trace(mark: Mark, hand: Hand) -> float:
    """Darkness of what may be a pale mark in a box: a dot paler than any stroke of this hand is none."""
    dot = hand.known and mark.extent < hand.least_extent and mark.peak < hand.stroke_above
    return 0.0 if dot else mark.peak


def _judge_blank(marks: Sequence[Mark], hand: Hand) -> Verdict:
    """No box is marked inside: blank, unless one shows the trace of a stroke, there is ink around one of
    them, or ink may have vanished."""
    speck = hand.paper.speck
    traced = [mark for mark in marks if _trace(mark, hand) > speck or mark.near_peak > BESIDE * speck]
    if traced:
        return Verdict(Outcome.UNSURE, _codes(traced), Reason.FAINT)
    if max(mark.ring_peak for mark in marks) >= hand.stroke_above:
        circled = [mark for mark in marks if mark.encircled > ENCIRCLED * max(hand.peak, ALONE_PEAK)]
        return Verdict(Outcome.UNSURE, _codes(circled), Reason.UNUSUAL_MARK if circled else Reason.STRAY_INK)
    return Verdict(Outcome.BLANK, (), _why_no_blank(hand))


def _why_no_blank(hand: Hand) -> Reason | None:
    """Why nothing to be seen in a question does not yet mean that nothing was written; None where it does."""
    if hand.bitonal:
        return Reason.BITONAL_BLANK
    if not hand.known:
        return Reason.FAINT if hand.marked else Reason.NOTHING_MARKED
    return Reason.FAINT if hand.may_hide else None


def _judge_several(chosen: Sequence[Mark], hand: Hand, policy: MarkPolicy) -> Verdict:
    """Two marked boxes: never guessed. Where all of them but one look taken back, that one is the answer if
    the form's own rule for mistakes says so, and a proposal if it is silent."""
    kept = [mark for mark in chosen if not _cancelled(mark, chosen, hand)]
    if len(kept) != 1:
        return Verdict(Outcome.SEVERAL, _codes(chosen), Reason.SEVERAL_MARKS)
    by_rule = all(_cancelled_by_rule(mark, hand, policy) for mark in chosen if mark not in kept)
    sure = by_rule and hand.known and not hand.bitonal and _unharmed(kept[0], hand)
    return Verdict(Outcome.CORRECTED, _codes(kept), None if sure else Reason.CORRECTED)


def _cancelled(mark: Mark, chosen: Sequence[Mark], hand: Hand) -> bool:
    """Ringed, or gone over until it holds far more ink than the lightest mark beside it."""
    lightest = min(other.ink for other in chosen)
    return mark.encircled > ENCIRCLED * hand.peak or mark.ink > HEAVY * lightest


def _cancelled_by_rule(mark: Mark, hand: Hand, policy: MarkPolicy) -> bool:
    """Whether a mark is taken back in a way that the form prints as its rule."""
    ringed = "circled_mark" in policy.cancel and mark.encircled > PLAINLY_RINGED * hand.peak
    return ringed or ("scribbled_mark" in policy.cancel and _gone_over(mark, hand))


def _unharmed(mark: Mark, hand: Hand) -> bool:
    """Whether a mark is as this hand makes them, and nothing is around it."""
    usual = mark.ink >= USUAL_INK * hand.ink and mark.peak >= GHOST_PEAK * hand.peak
    own = max(mark.near_peak, mark.ring_peak) < CONTAINED * mark.peak
    return usual and own and not _gone_over(mark, hand) and mark.encircled < ENCIRCLED / 2 * hand.peak


def _judge_marked(marks: Sequence[Mark], chosen: Sequence[Mark], hand: Hand) -> Verdict:
    codes = _codes(chosen)
    around = max(ENCIRCLED * hand.peak, hand.paper.speck)
    ringed = any(mark.encircled > around and mark.cover < SOLID_COVER for mark in marks)
    passed = any(mark.through > around for mark in marks if mark.option not in codes)
    if ringed or passed or any(_unlike(mark, hand) for mark in chosen):
        return Verdict(Outcome.UNSURE, codes, Reason.UNUSUAL_MARK)
    if hand.broken_up:
        return Verdict(Outcome.UNSURE, codes, Reason.FAINT)
    if hand.lone:
        return Verdict(Outcome.UNSURE, codes, Reason.UNUSUAL_MARK)
    return Verdict(Outcome.SEVERAL if len(chosen) > 1 else Outcome.ONE, codes)


def _unlike(mark: Mark, hand: Hand) -> bool:
    """Whether a mark was gone over, or is a line beside the fills of this hand that runs on outside: a
    staple."""
    line = mark.cover < THIN * hand.cover and mark.ring_peak > SWAMPED * mark.peak
    return _gone_over(mark, hand) or (hand.steady and hand.cover > FILLS and line)


def _gone_over(mark: Mark, hand: Hand) -> bool:
    """Whether a mark holds so much more ink than this hand's others that it may have been scribbled out."""
    fuller = mark.cover > hand.cover + MORE_COVER and mark.ink > HEAVIER * hand.ink
    return fuller or mark.ink > HEAVY * hand.ink


def _judge_circles(marks: Sequence[Mark], hand: Hand) -> Verdict:
    """On a sheet marked by circles: one box plainly ringed, none marked inside, no other ringed at all."""
    ringed = [mark for mark in marks if mark.encircled > ENCIRCLED]
    inked = any(mark.peak >= hand.stroke_above for mark in marks)
    touched = any(mark.ring_peak >= hand.stroke_above and mark not in ringed for mark in marks)
    if inked or touched or len(ringed) > 1:
        return Verdict(Outcome.UNSURE, _codes(ringed), Reason.UNUSUAL_MARK)
    if ringed:
        return Verdict(Outcome.ONE, _codes(ringed))
    return _judge_blank(marks, hand)
