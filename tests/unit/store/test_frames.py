"""The frames the tally counts."""

from __future__ import annotations

from datetime import date

from ballotscan.model import Ruling, SheetId
from ballotscan.store.database import Store
from tests.unit.store.makers import fill, page, settings, sha


def test_answers_with_rulings_settled_in(store: Store) -> None:
    fill(store, pages=2, doubtful=("1", "2"))
    store.add_rulings([Ruling(SheetId("box/00001"), "1", (), True, "Lan", "torn")])
    frame = store.answers_frame()
    assert list(frame.columns) == [
        *("sheet", "batch", "unit", "channel", "linh_vuc", "form", "edition", "received", "sheet_state"),
        *("question", "codes", "outcome", "status", "invalid"),
    ]
    assert frame["invalid"].dtype == bool
    first = frame[frame["sheet"] == "box/00001"]
    assert first[["question", "codes", "outcome", "status", "invalid"]].to_numpy().tolist() == [
        ["1", "", "ruled", "accepted", True],
        ["2", "1", "unsure", "review", False],
        ["3", "1", "one", "accepted", False],
    ]
    assert set(frame["unit"]) == {"Một cửa"}
    assert set(first["sheet_state"]) == {"review"}
    assert set(frame["received"]) == {date(2023, 3, 1)}


def test_only_the_period_or_batch_asked_for(store: Store) -> None:
    fill(store)
    store.start_batch(settings("late", received="2023-03-15"), "test 1")
    assert len(store.sheets_frame(date(2022, 12, 15), date(2023, 3, 14))) == 3
    assert len(store.sheets_frame(date(2023, 3, 1), date(2023, 3, 1))) == 3
    assert len(store.sheets_frame(date(2023, 3, 2))) == 0
    assert len(store.sheets_frame(None, date(2023, 2, 28))) == 0
    assert len(store.answers_frame(batch="box")) == 9
    assert len(store.answers_frame(batch="late")) == 0
    assert store.answers_frame(batch="late")["invalid"].dtype == bool


def test_a_name_typed_on_another_keyboard_is_the_same(store: Store) -> None:
    composed, decomposed = "m\u1ed9t", "mo\u0323\u0302t"
    store.start_batch(settings(composed), "test 1")
    store.start_batch(settings(decomposed), "test 1")
    store.add_file(decomposed, "a.png", sha("a.png"), 1)
    store.add_pages(composed, [page(1, file="a.png")])
    assert [batch.name for batch in store.batches()] == [composed]
    assert store.balance(decomposed).pages_in == 1
