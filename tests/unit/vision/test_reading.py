"""Pages that are not one plain side of a known form."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from ballotscan.forms.load import shipped_templates
from ballotscan.forms.prints import load_print
from ballotscan.model import PageState, Reason, SideReading
from ballotscan.reading import SideNotRead, read_side
from ballotscan.vision.reference import Reference, build_references


@cache
def references(name: str) -> tuple[Reference, ...]:
    return build_references(load_print(shipped_templates() / name))


def refused(picture: NDArray[np.uint8], name: str = "hue-2019") -> SideNotRead:
    found = read_side(picture, False, references(name))
    assert isinstance(found, SideNotRead)
    return found


def test_the_blank_itself_is_read() -> None:
    assert isinstance(read_side(references("hue-2019")[0].blank, False, references("hue-2019")), SideReading)


def test_blank_paper_is_no_ballot() -> None:
    paper = np.random.default_rng(1).normal(235, 4, (3508, 2480)).clip(0, 255).astype(np.uint8)
    found = refused(paper)
    assert (found.state, found.reason) == (PageState.NON_BALLOT, Reason.BLANK_PAGE)


def test_a_black_page_is_set_aside_and_not_called_blank() -> None:
    assert refused(np.full((3508, 2480), 12, np.uint8)).state is PageState.SET_ASIDE


def test_a_form_with_hardly_any_contrast_is_set_aside_and_not_called_blank() -> None:
    pale = (255 - (255 - references("hue-2019")[0].blank.astype(float)) * 0.06).astype(np.uint8)
    found = refused(pale)
    assert (found.state, found.reason) == (PageState.SET_ASIDE, Reason.POOR_FIT)


def test_two_sheets_on_one_image_are_set_aside() -> None:
    blank = references("hue-2019")[0].blank
    found = refused(np.hstack([blank, blank]))
    assert (found.state, found.reason) == (PageState.SET_ASIDE, Reason.SEVERAL_SHEETS)


def test_a_page_of_another_form_is_no_other_edition() -> None:
    found = refused(references("appendix-i")[1].blank)
    assert found.reason is Reason.NOT_THIS_FORM


def test_a_mirrored_page_is_said_to_be_one() -> None:
    blank = references("appendix-i")[0].blank
    assert refused(np.ascontiguousarray(blank[:, ::-1]), "appendix-i").reason is Reason.MIRRORED
