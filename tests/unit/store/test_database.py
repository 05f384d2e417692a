"""Storing a scan and getting it back."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import pytest

from ballotscan.errors import StoreError, UsageError
from ballotscan.model import PageState, Reason, SheetState, Status
from ballotscan.store.database import Store
from tests.unit.store.makers import (
    answer,
    bad_page,
    fill,
    mark,
    page,
    ref,
    settings,
    sha,
    sheet,
    side_reading,
)


def test_a_reading_comes_back_to_three_decimals(store: Store) -> None:
    store.start_batch(settings())
    store.add_file("box", "scan.pdf", sha("scan.pdf"), 1)
    marks = (mark(value=0.12345), mark(option="2", value=math.nan), mark(option="3", value=-1.0))
    read = replace(page(), reading=side_reading(marks=marks))
    (key,) = store.add_pages("box", [read])
    back = store.reading(key)
    assert replace(back, marks=()) == replace(read.reading, marks=())
    assert back.marks[0] == mark(value=0.123)
    assert math.isnan(back.marks[1].ink)
    assert back.marks[2] == marks[2]


def test_a_whole_scan_balances_and_the_same_again_adds_nothing(store: Store) -> None:
    for _again in range(3):
        fill(store)
        balance = store.balance("box")
        assert balance.holds
        assert (balance.pages_in, balance.sheets, balance.sheets_read, balance.sheets_review) == (3, 3, 2, 1)
    entries = store.verify_chain().entries
    fill(store)
    assert store.verify_chain().entries == entries


def test_the_same_sheets_again_get_the_same_ids(store: Store) -> None:
    fill(store)
    keys = tuple(store.page_keys("box", 1).values())
    again = store.add_sheets(
        "box", [(sheet(ref(number, "box.pdf")), (keys[number - 1],)) for number in (2, 1)]
    )
    assert again == ["box/00002", "box/00001"]


def test_an_interrupted_scan_shows_what_is_missing(store: Store) -> None:
    store.start_batch(settings(), "test 1")
    store.add_file("box", "scan.pdf", sha("scan.pdf"), 4)
    store.add_pages("box", [page(1), bad_page(3)])
    known = store.file_of(sha("scan.pdf"))
    assert known is not None
    assert (known.batch, known.shown, known.page_count) == ("box", "scan.pdf", 4)
    assert known.pages_stored == {1, 3}
    assert known.forms == {"hue"} and known.engine == "test 1"
    assert not store.balance("box").holds
    waiting = store.pending("box")
    assert [(row.ref.page, row.place, row.state, row.read) for row in waiting] == [
        (1, 0, PageState.PENDING, True),
        (3, 1, PageState.SET_ASIDE, False),
    ]


def test_a_file_not_known(store: Store) -> None:
    assert store.file_of(sha("other")) is None


def test_files_keep_their_place_whatever_came_first(store: Store) -> None:
    store.start_batch(settings())
    for name in ("1.png", "2.png"):
        store.add_file("box", name, sha(name), 1)
    store.add_pages("box", [page(1, file="2.png")])
    store.add_pages("box", [page(1, file="1.png")])
    assert [row.ref.file for row in store.pending("box")] == ["1.png", "2.png"]


def test_same_name_with_other_bytes_is_another_file(store: Store) -> None:
    store.start_batch(settings())
    for content in ("one", "two"):
        store.add_file("box", "scan.pdf", sha(content), 1)
        store.add_pages("box", [replace(page(), ref=replace(ref(), original=sha(content)))])
    assert store.balance("box").pages_in == 2
    assert [row.ref.original for row in store.pending("box")] == [sha("one"), sha("two")]


def test_damaged_page_of_a_known_form_waits_for_its_sheet(store: Store) -> None:
    store.start_batch(settings())
    store.add_file("box", "scan.pdf", sha("scan.pdf"), 2)
    keys = store.add_pages("box", [bad_page(1, form="hue", side=1), bad_page(2)])
    assert [row.state for row in store.pending("box")] == [PageState.PENDING, PageState.SET_ASIDE]
    store.add_sheets("box", [(sheet(ref(1), state=SheetState.SET_ASIDE, doubtful=("1", "2", "3")), keys[:1])])
    balance = store.balance("box")
    assert balance.holds
    assert (balance.sheets_set_aside, balance.pages_set_aside, balance.pages_on_sheets) == (1, 1, 1)
    rows = list(store.page_rows())
    assert [(row.state, row.sheet) for row in rows] == [("set_aside", "box/00001"), ("set_aside", "")]


def test_a_file_that_cannot_be_opened_is_one_page(store: Store) -> None:
    store.start_batch(settings())
    store.add_file("box", "bad.pdf", sha("bad.pdf"), 0)
    store.add_pages("box", [bad_page(0, file="bad.pdf", reason=Reason.DAMAGED_FILE)])
    balance = store.balance("box")
    assert (balance.pages_in, balance.pages_set_aside, balance.holds) == (1, 1, True)


def test_a_repeated_file_counts_all_its_pages_once(store: Store) -> None:
    fill(store)
    for _again in range(2):
        store.add_file("box", "copy.pdf", sha("box.pdf"), 3)
        store.add_repeat("box", replace(ref(0, "copy.pdf"), original=sha("box.pdf")), "box.pdf")
    balance = store.balance("box")
    assert (balance.pages_in, balance.pages_repeat, balance.holds) == (6, 3, True)


def test_same_image_finds_the_first(store: Store) -> None:
    fill(store)
    known = store.same_image(sha("image box.pdf 2"))
    assert known is not None
    assert (known.ref.page, known.sheet, known.batch) == (2, "box/00002", "box")
    assert store.same_image(sha("unknown")) is None


def test_a_batch_keeps_its_settings(store: Store) -> None:
    store.start_batch(settings(expect=5))
    with pytest.raises(UsageError, match=r"received was '2023-03-01', now '2023-04-01'"):
        store.start_batch(settings(received="2023-04-01"))
    store.start_batch(settings(forms=("other",)))
    (batch,) = store.batches()
    assert batch.forms == ("hue", "other")
    assert batch.expect == 5


def test_pages_of_an_unknown_batch(store: Store) -> None:
    with pytest.raises(StoreError, match="no batch 'nowhere'"):
        store.add_pages("nowhere", [page()])


def test_two_sided_sheet_knows_the_page_of_each_question(store: Store) -> None:
    store.start_batch(settings())
    store.add_file("box", "scan.pdf", sha("scan.pdf"), 2)
    keys = store.add_pages("box", [page(1, side=2), page(2, side=1)])
    both = replace(sheet(ref(2), ref(1)), answers=(answer("1", side=1), answer("2", side=2)))
    store.add_sheets("box", [(both, tuple(keys))])
    assert [(row.question, row.page, row.side) for row in store.answer_rows()] == [("1", 2, 1), ("2", 1, 2)]


def test_the_missing_side_has_no_page(store: Store) -> None:
    store.start_batch(settings())
    store.add_file("box", "scan.pdf", sha("scan.pdf"), 1)
    keys = store.add_pages("box", [page(1)])
    half = sheet(ref(1), None, doubtful=("1", "2", "3"), state=SheetState.INCOMPLETE)
    store.add_sheets("box", [(half, tuple(keys))])
    assert {(row.file, row.page, row.status) for row in store.answer_rows()} == {("", None, Status.REVIEW)}


def test_a_page_cannot_be_on_two_sheets(store: Store) -> None:
    fill(store)
    keys = tuple(store.page_keys("box", 1).values())
    with pytest.raises(ValueError, match="several sheets"):
        store.add_sheets("box", [(sheet(ref(1, "box.pdf"), ref(2, "box.pdf")), keys[:2])])


def test_second_readings_lie_beside_the_first(store: Store) -> None:
    fill(store)
    number = store.next_reading("box")
    assert number == 2
    for _again in range(2):
        keys = store.add_pages("box", [page(1, file="box.pdf")], reading=number)
        other = replace(sheet(ref(1, "box.pdf")), answers=(answer("1", "3"), answer("2"), answer("3")))
        store.add_second_readings([("box/00001", other)], number)  # type: ignore[list-item]
    assert keys == []
    assert [a.codes for a in store.answers_of("box/00001", 2)] == [("3",), ("1",), ("1",)]  # type: ignore[arg-type]
    assert [a.codes for a in store.answers_of("box/00001")] == [("1",)] * 3  # type: ignore[arg-type]
    assert [(d.question, d.reading) for d in store.differences("box")] == [("1", 2), ("2", 2)]
    assert len(list(store.answer_rows())) == 9
    assert store.balance("box").holds
    assert store.next_reading("box") == 3


def test_everything_is_there_after_opening_again(open_it: Callable[[], Store]) -> None:
    with open_it() as store:
        fill(store)
        before = list(store.answer_rows()), store.balance("box"), store.verify_chain()
    with open_it() as store:
        assert (list(store.answer_rows()), store.balance("box"), store.verify_chain()) == before


def test_names_no_database_can_hold(store: Store) -> None:
    odd = "sc\udcffan\0.pdf"
    store.start_batch(settings())
    store.add_file("box", odd, sha(odd.encode("utf-8", "replace").decode()), 1)
    original = sha(odd.encode("utf-8", "replace").decode())
    store.add_pages("box", [replace(page(), ref=replace(ref(1, "x"), file=odd, original=original))])
    assert [row.file for row in store.page_rows()] == ["sc\\udcffan\\x00.pdf"]
