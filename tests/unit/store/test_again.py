"""What was set aside is read again; what a person ruled stays."""

from __future__ import annotations

from dataclasses import replace

from ballotscan.model import PageState, Reason, Ruling, SheetId, SheetState
from ballotscan.store.database import Store
from tests.unit.store.makers import bad_page, page, ref, settings, sha, sheet

ALL = ("1", "2", "3")


def one_damaged_of_three(store: Store) -> list[int]:
    """Page 1 read, page 2 of an unknown form, page 3 damaged but of a known form."""
    store.start_batch(settings(), "test 1")
    store.add_file("box", "scan.pdf", sha("scan.pdf"), 3)
    keys = store.add_pages(
        "box", [page(1), bad_page(2, reason=Reason.NOT_THIS_FORM), bad_page(3, form="hue", side=1)]
    )
    lost = sheet(ref(3), doubtful=ALL, state=SheetState.SET_ASIDE)
    store.add_sheets("box", [(sheet(ref(1)), keys[:1]), (lost, keys[2:])])  # type: ignore[list-item]
    return keys


def test_what_was_tried_is_known_page_by_page(store: Store) -> None:
    one_damaged_of_three(store)
    known = store.file_of(sha("scan.pdf"))
    assert known is not None
    assert {
        number: (tried.reason, tried.forms, tried.engine) for number, tried in known.set_aside.items()
    } == {
        2: (Reason.NOT_THIS_FORM, frozenset({"hue"}), "test 1"),
        3: (Reason.DAMAGED_IMAGE, frozenset({"hue"}), "test 1"),
    }


def test_another_form_reads_the_page(store: Store) -> None:
    one_damaged_of_three(store)
    store.start_batch(settings(forms=("other",)), "test 1")
    for _again in range(2):
        keys = store.add_pages_again("box", [page(1), page(2), bad_page(3)])
        waiting = store.pending("box")
        assert [(row.ref.page, row.read, row.state) for row in waiting] == [
            (2, True, PageState.PENDING),
            (3, False, PageState.PENDING),
        ]
    assert keys == []  # the second time: tried in this run already
    lost = sheet(ref(3), doubtful=ALL, state=SheetState.SET_ASIDE)
    ids = store.add_sheets("box", [(sheet(ref(2)), (waiting[0].key,)), (lost, (waiting[1].key,))])
    assert ids == ["box/00003", "box/00004"]  # a number is never given twice
    balance = store.balance("box")
    assert balance.holds
    assert (balance.sheets, balance.sheets_read, balance.sheets_set_aside) == (3, 2, 1)
    known = store.file_of(sha("scan.pdf"))
    assert known is not None
    assert known.set_aside[3].forms == {"hue", "other"}
    assert store.check_projections() == ()


def test_failing_again_changes_nothing_that_counts(store: Store) -> None:
    one_damaged_of_three(store)
    before = store.balance("box"), list(store.answer_rows()), list(store.page_rows())
    store.start_batch(settings(), "test 2")
    store.add_pages_again("box", [bad_page(2, reason=Reason.POOR_FIT), bad_page(3)])
    assert (store.balance("box"), list(store.answer_rows()), list(store.page_rows())) == before
    known = store.file_of(sha("scan.pdf"))
    assert known is not None
    assert {tried.engine for tried in known.set_aside.values()} == {"test 2"}


def test_a_sheet_a_person_ruled_on_is_not_taken_apart(store: Store) -> None:
    one_damaged_of_three(store)
    store.add_rulings([Ruling(SheetId("box/00002"), "1", ("2",), False, "Lan", "paper")])
    store.start_batch(settings(), "test 2")
    store.add_pages_again("box", [page(3)])
    assert store.balance("box").sheets_set_aside == 1
    assert [row.ref.page for row in store.pending("box")] == [2]


def test_a_stand_in_goes_back_to_where_it_was(store: Store) -> None:
    store.start_batch(settings(), "test 1")
    store.add_file("box", "scan.pdf", sha("scan.pdf"), 3)
    keys = store.add_pages("box", [page(1), bad_page(2), bad_page(3)])
    half = sheet(ref(1), ref(2), doubtful=ALL, state=SheetState.SET_ASIDE)
    store.add_sheets("box", [(half, tuple(keys[:2]))])
    store.start_batch(settings(), "test 2")
    store.add_pages_again("box", [replace(page(3))])
    assert [(row.ref.page, row.state) for row in store.pending("box")] == [
        (1, PageState.PENDING),
        (2, PageState.SET_ASIDE),
        (3, PageState.PENDING),
    ]
