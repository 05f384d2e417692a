"""The document of the bench: a bar is met only where enough was run, and one error breaks it."""

from __future__ import annotations

from pathlib import Path

from tests.accuracy.bars import ABOVE, MET, NOT_MET, NOT_YET, Bar, all_bars, row_state
from tests.accuracy.plot import reliability_svg
from tests.accuracy.rows import ROWS
from tests.accuracy.table import PLOT, write_table
from tests.accuracy.tally import Tally, bin_name

CLEAN = next(row for row in ROWS if row.name == "clean")


def test_states() -> None:
    assert Bar("", "", "", holds=True, enough=True).state == MET
    assert Bar("", "", "", holds=True, enough=False).state == NOT_YET
    assert Bar("", "", "", holds=False, enough=False).state == NOT_MET
    assert Bar("", "", "", holds=False, enough=False, share=True).state == ABOVE
    assert Bar("", "", "", holds=False, enough=True, share=True).state == NOT_MET


def test_nothing_is_met_before_it_was_run() -> None:
    assert {bar.state for bar in all_bars({}, {})} == {NOT_YET}


def test_one_silent_error_breaks_every_bar_it_falls_under() -> None:
    wrong = Tally(sheets=5, positions=675, answers=140, silent=1, wrong_positions=1).as_json()
    broken = {bar.what for bar in all_bars({"clean": {"appendix-i": wrong}}, {}) if bar.state == NOT_MET}
    assert broken == {"clean and office pages, `appendix-i`"}
    assert row_state(CLEAN, "appendix-i", Tally(sheets=1875, silent=1)) == NOT_MET


def test_rows_are_met_at_their_end() -> None:
    ran = Tally(sheets=1875, answers=52_000, ordinary=50_000, ordinary_review=400)
    assert row_state(CLEAN, "appendix-i", ran) == MET
    ran.ordinary_review = 600
    assert row_state(CLEAN, "appendix-i", ran) == NOT_MET
    ran.sheets = 20
    assert row_state(CLEAN, "appendix-i", ran) == ABOVE
    assert row_state(CLEAN, "appendix-i", Tally()) == NOT_YET


def test_the_plot_shows_each_bin_with_its_counts() -> None:
    svg = reliability_svg({bin_name("accepted", 0.999): [1_000, 999], bin_name("asked", 0.5): [10, 7]})
    assert svg.count("<circle") == 2
    assert "accepted answers, 0.999 to 0.9995: 999 of 1,000 right" in svg
    assert "proposals put to a person, 0.5 to 0.6: 7 of 10 right" in svg


def test_the_document_is_written_with_its_plot(tmp_path: Path) -> None:
    ran = Tally(
        sheets=3, sides=6, positions=405, answers=84, ordinary=80, confidence={"asked 0.5000": [1, 1]}
    )
    results = {"full": {"code": "abc", "rows": {"clean": {"appendix-i": ran.as_json()}}}}
    write_table(results, tmp_path / "accuracy.md")
    text = (tmp_path / "accuracy.md").read_text("utf-8")
    assert "| clean mix | page | 3 of 1,875 | 405 |" in text
    assert "| prescribed marks | mark | 0 of 24,720 |" in text
    assert f"]({PLOT})" in text
    assert (tmp_path / PLOT).read_text("utf-8").startswith("<svg")
