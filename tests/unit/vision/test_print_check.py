"""A page that lacks some of the form's print is not taken for it without a person."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ballotscan.forms.load import shipped_templates
from ballotscan.forms.prints import load_print
from ballotscan.model import Reason, SideReading
from ballotscan.reading import MOST_MISSING_MM2, read_side
from ballotscan.vision.align import align
from ballotscan.vision.page import make_page
from ballotscan.vision.print_check import missing_print_mm2
from ballotscan.vision.reference import Reference, build_references

PX_PER_MM = 300 / 25.4


def hue() -> Reference:
    return build_references(load_print(shipped_templates() / "hue-2019"))[0]


def first_question_as_other_text(reference: Reference) -> NDArray[np.uint8]:
    """The line above the first boxes mirrored: as dark as before, but not the same words."""
    top_mm = reference.side.boxes[0].rect.y_mm
    rows = slice(int((top_mm - 9) * PX_PER_MM), int((top_mm - 1) * PX_PER_MM))
    changed = reference.blank.copy()
    changed[rows] = changed[rows, ::-1]
    return changed


def missing(picture: NDArray[np.uint8], reference: Reference) -> float:
    page = make_page(picture)
    found = align(page, [reference])
    assert found is not None
    return missing_print_mm2(page, found, 1.0)


def test_the_form_itself_misses_nothing() -> None:
    assert missing(hue().blank, hue()) == 0


def test_other_words_in_one_line_are_missed() -> None:
    reference = hue()
    assert missing(first_question_as_other_text(reference), reference) > 2 * MOST_MISSING_MM2


def test_ink_over_print_is_no_missing_print() -> None:
    reference = hue()
    stamped = reference.blank.copy()
    stamped[700:1100, 900:1300] = np.minimum(stamped[700:1100, 900:1300], 90)
    assert missing(stamped, reference) < MOST_MISSING_MM2


def test_an_edition_with_another_question_is_flagged_by_the_reader() -> None:
    reference = hue()
    plain, other = (
        read_side(picture, False, [reference])
        for picture in (reference.blank, first_question_as_other_text(reference))
    )
    assert isinstance(plain, SideReading) and plain.flags == ()
    assert isinstance(other, SideReading) and other.flags == (Reason.FIELD_DIFFERS,)
