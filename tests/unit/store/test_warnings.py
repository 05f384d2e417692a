"""What was noticed over a batch is kept once, in the chain; and what earlier batches showed is counted."""

from __future__ import annotations

from ballotscan.model import BatchWarning, WarningKind
from ballotscan.store.database import Store
from ballotscan.store.rows import PastSide, Scope
from tests.unit.store.makers import fill

DUST = BatchWarning(WarningKind.STREAK, "box.pdf", 3, "88", 4.0, 10.0)
BLANKS = BatchWarning(WarningKind.BLANKS, "box.pdf", 9, "", 0.7, 0.05)


def test_a_warning_is_kept_once(store: Store) -> None:
    fill(store)
    store.add_warnings("box", [DUST])
    store.add_warnings("box", [DUST, BLANKS])
    assert store.warnings("box") == [DUST, BLANKS]
    assert store.warnings("another") == []
    assert store.rebuild_projections() == ()
    assert store.warnings("box") == [DUST, BLANKS]
    assert store.verify_chain().whole


def test_what_earlier_batches_showed(store: Store) -> None:
    fill(store, pages=3, name="one", doubtful=("1", "2"))
    fill(store, pages=2, name="two", doubtful=())
    sides = [(side.key, side.questions, side.blank, side.in_review, side.sheets) for side in _past(store)]
    assert sides == [(("hue", "2019", 1), 3, 0, 0, 4), (("hue", "2019", 1), 3, 0, 2, 1)]
    assert [side.sheets for side in store.past_sides(["hue"], but="one")] == [2]
    assert store.past_sides(["other"], but="") == []


def _past(store: Store) -> list[PastSide]:
    return store.past_sides(["hue"], but="")


def test_pages_on_sheets_in_stack_order(store: Store) -> None:
    fill(store, pages=3, name="one")
    fill(store, pages=2, name="two")
    assert [(page.ref.page, page.sheet) for page in store.sheet_pages(Scope(batch="one"))] == [
        (1, "one/00001"),
        (2, "one/00002"),
        (3, "one/00003"),
    ]
    assert len(store.sheet_pages()) == 5
    assert store.reading(store.sheet_pages()[0].key).form == "hue"
