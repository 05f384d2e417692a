"""Real forms filled in by real people: read from ../shared/data where it is there, never copied."""

from __future__ import annotations

from functools import cache

import pytest

from tests.accuracy.cases import Case
from tests.accuracy.real_ink import shared_data
from tests.accuracy.real_marks import group_boxes, read_set

needs_data = pytest.mark.skipif(shared_data() is None, reason="../shared/data is absent")

SETS = ("formscanner_questionnaire", "opencount_cedar2012", "sdaps_example", "votingworks_28lb_pens")


@cache
def _cases(name: str) -> tuple[Case, ...]:
    folder = shared_data()
    assert folder is not None
    return tuple(read_set(folder / "sheets" / name))


@needs_data
@pytest.mark.parametrize("name", SETS)
def test_no_plain_mark_is_read_wrong_and_unflagged(name: str) -> None:
    assert [case.line() for case in _cases(name) if case.silent and case.ordinary] == []


@needs_data
@pytest.mark.parametrize("name", SETS)
def test_every_page_finds_its_own_form(name: str) -> None:
    assert {case.refused for case in _cases(name)} == {""}


@needs_data
def test_marks_on_real_grey_scans_are_mostly_accepted() -> None:
    ordinary = [case for case in _cases("formscanner_questionnaire") if case.ordinary]
    assert sum(case.accepted for case in ordinary) >= 0.9 * len(ordinary)


def test_boxes_in_a_row_or_a_column_are_one_question() -> None:
    def box(name: str, x: float, y: float) -> dict[str, object]:
        return {"id": name, "x": x, "y": y, "w": 40.0, "h": 40.0}

    row = [box("a", 0, 0), box("b", 100, 3), box("c", 200, 0)]
    column = [box("d", 900, 300), box("e", 900, 380), box("f", 902, 460)]
    assert len(set(group_boxes(row).values())) == 1
    groups = group_boxes(row + column)
    assert groups["a"] != groups["d"] == groups["f"]
