"""A small form of the bench of papers scanned twice; the committed figures come from the long one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ballotscan.rules.duplicates import LIKE, MARKS, SURE
from tests.accuracy.duplicates import compare_pages, run_marks

RECORD = Path(__file__).with_name("duplicates.json")


def test_every_rescan_is_found_and_no_honest_sheet() -> None:
    found = run_marks(sheets=200, rescans=20, seed=7)
    assert found["false_alarms"] == 0
    assert found["found"] == found["rescans_with_marks_enough"] > 15
    assert all(lost["marks"] < MARKS for lost in found["not_found"])
    assert len(found["stacks"]) == 2
    assert found["stacks"][0] == "b/00201..00204 = b/00067..00070"
    assert found["stacks"][1] == "b/00205..00208 = b/00104..00101"


@pytest.mark.parametrize("form", ["appendix-i", "hue-2019"])
def test_whole_pages(form: str) -> None:
    compared = [each for each in compare_pages(form, [4]) if each.marks >= MARKS]
    again = [each.likeness for each in compared if each.kind == "again"]
    twins = [each.likeness for each in compared if each.kind == "twin"]
    assert min(again) >= LIKE
    assert max(twins) < min(SURE, *again)


def test_the_committed_figures_are_of_these_limits() -> None:
    """Wanted: all rescans found, false alarms at most 1 in 1,000, 10,000 sheets in well under a minute. The
    record misses the first two by little (194 of 197; 1.4 in 1,000); it must not get worse unseen."""
    record = json.loads(RECORD.read_text(encoding="utf-8"))
    marks = record["marks_level"]
    assert (record["like"], record["sure"], record["marks"]) == (LIKE, SURE, MARKS)
    assert (marks["sheets"], marks["rescans"]) == (10_000, 200)
    assert marks["found"] >= 0.98 * marks["rescans_with_marks_enough"]
    assert marks["false_alarms"] <= 14
    assert marks["search_s"] < 60
    for form in record["page_level"].values():
        assert form["twin"]["sure"] == 0
        lost = form["sheets_not_found"]
        assert len(lost) <= form["sheets_scanned_again"] // 20
        assert all("stretched_feed" in settings for _seed, settings, _likeness in lost)  # boxes 0.3 mm off
