"""The rows the tally counts."""

from __future__ import annotations

from datetime import date

from ballotscan.model import Ruling, SheetId
from ballotscan.store.database import Store
from ballotscan.store.rows import Scope
from tests.unit.store.makers import fill, page, settings, sha


def test_answers_with_rulings_settled_in(store: Store) -> None:
    fill(store, pages=2, doubtful=("1", "2"))
    store.add_rulings([Ruling(SheetId("box/00001"), "1", (), True, "Lan", "torn")])
    sheets, answers = store.counted()
    assert answers[0] == ("box/00001", "1,2,3", "!,1?,1")
    first = sheets[0]
    assert (first.sheet, first.unit, first.state) == ("box/00001", "Một cửa", "review")


def test_only_the_period_or_batch_asked_for(store: Store) -> None:
    fill(store)
    store.start_batch(settings("late", received="2023-03-15"), "test 1")
    days = [(date(2022, 12, 15), date(2023, 3, 14)), (date(2023, 3, 1), date(2023, 3, 1))]
    days += [(date(2023, 3, 2), None), (None, date(2023, 2, 28))]  # type: ignore[list-item]
    assert [tuple(map(len, store.counted(Scope(*span)))) for span in days] == [(3, 3), (3, 3), (0, 0), (0, 0)]
    assert [answer.answers.count(",") for answer in store.counted(Scope(batch="box"))[1]] == [2, 2, 2]
    assert store.counted(Scope(batch="late")) == ([], [])


def test_a_name_typed_on_another_keyboard_is_the_same(store: Store) -> None:
    composed, decomposed = "m\u1ed9t", "mo\u0323\u0302t"
    store.start_batch(settings(composed), "test 1")
    store.start_batch(settings(decomposed), "test 1")
    store.add_file(decomposed, "a.png", sha("a.png"), 1)
    store.add_pages(composed, [page(1, file="a.png")])
    assert [batch.name for batch in store.batches()] == [composed]
    assert store.balance(decomposed).pages_in == 1


def test_a_sheets_row_says_what_its_answers_say(store: Store) -> None:
    """The tally's row of each sheet and the answers one by one are made from the same entries."""
    fill(store, pages=3, doubtful=("1", "2"))
    singly: dict[str, list[tuple[str, str]]] = {}
    for row in store.answer_rows():
        singly.setdefault(row.sheet, []).append((row.question, row.codes + "?" * (row.status == "review")))
    for each in store.counted()[1]:
        assert (
            list(zip(each.questions.split(","), each.answers.split(","), strict=True)) == singly[each.sheet]
        )
    assert len(singly) == 3
