"""What the measurement of the record does is right; its numbers are taken by hand and kept."""

from __future__ import annotations

import json
from pathlib import Path

from ballotscan.store.database import open_store
from tests.faults.record_speed import ENTRIES, RESULTS, add_sheets, follow, long_ledger


def test_what_is_measured_is_the_whole_record(tmp_path: Path) -> None:
    path = long_ledger(tmp_path, 500)
    with open_store(path) as store:
        assert follow(path) == store.head()[0] > 500
    assert path.stat().st_size > 500 * 900
    add_sheets(tmp_path / "new.sqlite", 5, 2)
    with open_store(tmp_path / "new.sqlite") as store:
        assert store.balance("box").sheets == 5
        assert store.check_projections() == ()


def test_the_numbers_that_are_kept() -> None:
    """Processor time for what hangs on the processor alone, the clock for what waits for the disk."""
    kept = json.loads(RESULTS.read_text(encoding="utf-8"))
    assert kept["entries"] == ENTRIES
    assert kept["followed_processor_s"] < 2
    assert kept["sheets_per_s"] >= 50
