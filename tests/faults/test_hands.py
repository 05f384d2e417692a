"""What ``hands.py`` measured, and a little of it."""

from __future__ import annotations

import json

from tests.faults.hands import RESULTS, SHEETS, measure, read_sheets


def test_two_hands_are_told_from_one() -> None:
    sheets = read_sheets("office", range(900, 908))
    found = measure(sheets, stacks=20)
    assert found["sheets"] == 8
    assert found["false_alarms"] == found["stacks_told_wrongly"] == 0
    assert found["stacks_told"] > 0.5


def test_the_long_run_took_no_honest_sheet_for_two() -> None:
    kept = json.loads(RESULTS.read_text(encoding="utf-8"))
    for condition, sheets in SHEETS.items():
        assert kept[condition]["enough_marks"] > sheets / 2
        assert kept[condition]["false_alarms"] == kept[condition]["stacks_told_wrongly"] == 0
        assert kept[condition]["mixed_noticed"] > 0.1
        assert kept[condition]["stacks_told"] > 0.8
