"""The 37 ways in which optics and paper fail, by name, and what a good reader does with each.

The list is that of the project's notes on assurance; numbers are its numbers. Each class is one or several
ways to make it (effects of ``conditions.EFFECTS`` over office work, or a fault of the stack), so that
``class 18`` is pages upside down, on their side and mirrored by turns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Good(StrEnum):
    """What is good for a sheet of a class. In none of them may an answer be wrong and accepted."""

    READ = "read"  # ordinary answers need no person
    REVIEW = "review"  # a person may be asked
    REFUSED = "refused"  # the page must not be read at all
    FLAGGED = "flagged"  # ink or a sheet is not in the image: sheet, batch or calibration must say so


@dataclass(frozen=True, slots=True)
class Way:
    """One way to make a class. ``stack`` names a fault of ``tests.accuracy.stacks`` instead of effects."""

    effects: tuple[str, ...]
    good: Good
    stack: str = ""


@dataclass(frozen=True, slots=True)
class OpticalClass:
    number: int
    name: str
    ways: tuple[Way, ...]


def _by_turns(number: int, name: str, good: Good, *ways: str) -> tuple[int, OpticalClass]:
    """A class whose ways are all good in the same sense; a way is effects joined by +."""
    return number, OpticalClass(number, name, tuple(Way(tuple(each.split("+")), good) for each in ways))


def _of_stacks(number: int, name: str, good: Good, *faults: str) -> tuple[int, OpticalClass]:
    return number, OpticalClass(number, name, tuple(Way((), good, each) for each in faults))


CLASSES: Mapping[int, OpticalClass] = dict([
    _by_turns(1, "dust streak", Good.READ, "dust_streak"),
    _by_turns(2, "white streak", Good.READ, "white_streak"),
    _of_stacks(3, "double feed", Good.FLAGGED, "double_feed_serials", "double_feed"),
    _by_turns(4, "skew to 5 degrees", Good.READ, "skew_any"),
    _by_turns(5, "stretch and wobble of the feed", Good.READ, "stretched_feed"),
    _by_turns(6, "page cut, corner missing", Good.REVIEW,
              "cut_little", "cut_side", "torn_corner", "cut_short"),
    _by_turns(7, "folded corner", Good.REVIEW, "dog_ear", "deep_dog_ear"),
    _by_turns(8, "fold through a box", Good.REVIEW, "fold_through_box"),
    _by_turns(9, "staple, punch hole, their shadow", Good.REVIEW,
              "staple+holes", "staple_on_box", "hole_in_box"),
    _by_turns(10, "seal over boxes", Good.REVIEW,
              "seal_on_boxes", "black_seal_on_boxes", "colour+seal_on_boxes"),
    _by_turns(11, "show-through", Good.READ, "show_through"),
    _by_turns(12, "felt pen bleeding through", Good.REVIEW, "bleeding"),
    _by_turns(13, "light pencil", Good.REVIEW, "light_pencil"),
    (14, OpticalClass(14, "coloured pens", (
        Way(("red_pen",), Good.READ),
        Way(("green_pen",), Good.READ),
        Way(("red_pen", "bitonal"), Good.REVIEW),
        Way(("red_pen", "red_drop_out"), Good.FLAGGED),
    ))),
    _by_turns(15, "highlighter", Good.REVIEW, "highlighter+ticks", "highlighter+fills"),
    _by_turns(16, "bitonal with a bad threshold", Good.REVIEW, "bitonal_off"),
    _by_turns(17, "JPEG artefacts, quality 30 to 50", Good.READ, "low_quality_50", "low_quality"),
    (18, OpticalClass(18, "upside down, landscape, mirrored", (
        Way(("upside_down",), Good.READ),
        Way(("quarter_turn",), Good.READ),
        Way(("quarter_turn_back",), Good.READ),
        Way(("mirrored",), Good.REFUSED),
    ))),
    _of_stacks(19, "wrong page, wrong form", Good.REFUSED, "other_template", "other_form", "letter"),
    _by_turns(20, "photocopied at 94 to 97 %", Good.READ, "copied_97", "copied_95"),
    _by_turns(21, "unequal scale, copier's shear", Good.READ, "unequal_scale", "sheared"),
    _by_turns(22, "copy of a copy, grey, black border", Good.READ, "black_border"),
    (23, OpticalClass(23, "wrong resolution in the file, too coarse", (
        Way(("wrong_dpi_tag",), Good.READ),
        Way(("zero_dpi_tag",), Good.READ),
        Way(("no_dpi_tag",), Good.READ),
        Way(("dpi_75",), Good.REFUSED),
    ))),
    _of_stacks(24, "missing pages", Good.FLAGGED, "back_missing", "front_missing", "back_doubled"),
    _by_turns(25, "crossed out, corrected", Good.REVIEW,
              "circled_corrections", "scribbled_corrections", "struck_corrections"),
    _by_turns(26, "circle round box or words, arrow", Good.REVIEW, "circles", "labels", "arrows"),
    _by_turns(27, "tick reaching into the next box", Good.REVIEW, "long_ticks"),
    _by_turns(28, "two marks in a single choice", Good.REVIEW, "overvotes"),
    _by_turns(29, "erased pencil", Good.REVIEW, "erased"),
    _by_turns(30, "pen test, resting dot", Good.REVIEW, "pen_rests"),
    _by_turns(31, "wet, coffee, dirt, fingerprint", Good.REVIEW, "wet", "coffee", "dirt", "fingerprint"),
    _by_turns(32, "shiny gel pen, correction fluid", Good.REVIEW, "shiny_gel", "fluid", "correction_fluid"),
    _by_turns(33, "sticky note, label, paper clip", Good.REVIEW, "note_on_boxes", "label", "clip"),
    _by_turns(34, "ageing lamp, uneven light, dark band", Good.READ, "uneven_light", "dark_band"),
    _by_turns(35, "moire", Good.REVIEW, "halftone"),
    _by_turns(36, "crumpled, taped", Good.REVIEW, "crumpled", "taped"),
    (37, OpticalClass(37, "scanner's clean-up", (
        Way(("despeckled",), Good.REVIEW),
        Way(("holes_filled",), Good.REVIEW),
        Way(("background_removed",), Good.REVIEW),
        Way(("auto_cropped",), Good.READ),
        Way(("light_pencil", "background_removed"), Good.FLAGGED),
    ))),
])  # fmt: skip

PHOTOGRAPHS = OpticalClass(0, "telephone, decent light", tuple(
    Way((each,), Good.READ) for each in ("phone", "phone_shade", "phone_curl", "phone_glare", "phone_blur")
))  # fmt: skip
"""Not one of the 37: a class of its own."""
