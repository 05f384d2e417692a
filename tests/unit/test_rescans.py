"""Sheets of a stack that are in the record already: held back, linked or left alone, through a real store."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ballotscan import verify
from ballotscan.errors import UsageError
from ballotscan.forms.load import load_form
from ballotscan.model import PageResult, Reason, SheetId, SheetState, WarningKind
from ballotscan.settings import shipped
from ballotscan.sheet_work import pair_batch
from ballotscan.store.database import Store, open_store
from ballotscan.vision.trace import pack
from tests.unit.store.makers import bad_page, page, sha
from tests.unit.tally.stored import batch_settings

FORM = load_form(shipped("templates") / "appendix-i")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "b.sqlite") as opened:
        opened.keep_form(FORM)
        yield opened


def trace(paper: int, scan: int = 0, marks: int = 9) -> str:
    """The marks of a paper as one of its scans shows them."""
    ink = np.random.default_rng(paper).integers(0, 255, (marks, 4, 4))
    strokes = np.kron(ink, np.ones((4, 4)))  # as coarse as a pen
    noise = np.random.default_rng((paper, scan)).normal(0, 12, strokes.shape)
    seen = np.clip(strokes + noise, 0, 255).astype(np.uint8)
    return base64.b64encode(pack(range(marks), list(seen))).decode()


Paper = tuple[str | None, str | None]
"""The traces of front and back; None for a side that cannot be read."""


def paper(number: int, scan: int = 0, marks: int = 9) -> Paper:
    return trace(number * 2, scan, marks), trace(number * 2 + 1, scan, marks)


def scan(store: Store, batch: str, papers: Sequence[Paper], **settings: object) -> list[SheetId]:
    """A stack of two-sided sheets through pairing and deciding, and the names of its sheets."""
    about = batch_settings(batch, forms=("appendix-i",), **settings)
    store.start_batch(about, "test 1")
    file = f"{batch}.pdf"
    store.add_file(batch, file, sha(file), 2 * len(papers))
    base = page().reading
    results: list[PageResult] = []
    for number, each in enumerate(each for both in papers for each in both):
        side = number % 2 + 1
        if each is None:
            broken = bad_page(number + 1, file=file, form=FORM.id, side=side, reason=Reason.CUT_OFF)
            results.append(replace(broken, edition=FORM.edition))
            continue
        reading = replace(base, form=FORM.id, edition=FORM.edition, side=side, serial=None, trace=each)
        results.append(replace(page(number + 1, file=file), reading=reading))
    store.add_pages(batch, results)
    pair_batch(store, about, {FORM.id: FORM}, {sha(file)}, lambda done, total: None)
    return [row.sheet for row in store.sheet_rows() if row.batch == batch]


def states(store: Store, batch: str) -> list[tuple[SheetState, Reason | None]]:
    return [(row.state, row.reason) for row in store.sheet_rows() if row.batch == batch]


def held(store: Store, batch: str) -> list[int]:
    return [number for number, (_s, reason) in enumerate(states(store, batch)) if reason is Reason.DUPLICATE]


def said(store: Store, batch: str) -> list[tuple[WarningKind, str]]:
    return [(each.kind, each.place) for each in store.warnings(batch)]


def test_a_sheet_scanned_again_waits_and_the_first_counts(store: Store) -> None:
    scan(store, "a", [paper(n) for n in range(5)])
    scan(store, "b", [paper(10), paper(2, scan=1), paper(11)])
    assert held(store, "a") == []
    assert held(store, "b") == [1]
    assert said(store, "b") == [(WarningKind.SAME_PAPER, "b/00002 = a/00003")]
    rows = [row for row in store.answer_rows() if row.sheet == "b/00002"]
    assert {row.status for row in rows} == {"review"}  # so none of them is counted


def test_within_one_stack_the_later_waits(store: Store) -> None:
    scan(store, "a", [paper(1), paper(2), paper(1, scan=1), paper(1, scan=2)])
    assert held(store, "a") == [2, 3]
    assert {place for _kind, place in said(store, "a")} == {"a/00003 = a/00001", "a/00004 = a/00001"}


def test_another_batch_of_another_quarter_is_looked_at_too_but_not_one_of_last_year(store: Store) -> None:
    scan(store, "a", [paper(1)], received="2022-05-01")
    scan(store, "old", [paper(2)], received="2021-01-01")
    scan(store, "b", [paper(1, scan=1), paper(2, scan=1)])
    assert held(store, "b") == [0]


def test_a_stack_fed_twice_is_one_warning(store: Store) -> None:
    scan(store, "a", [paper(n) for n in range(6)])
    scan(store, "b", [paper(n, scan=1) for n in (4, 3, 2, 1)])
    assert held(store, "b") == [0, 1, 2, 3]
    assert said(store, "b") == [(WarningKind.SAME_STACK, "b/00001..00004 = a/00005..00002")]


def test_empty_ballots_are_only_taken_inside_a_stack(store: Store) -> None:
    empty = ("", "")
    scan(store, "a", [paper(1), paper(2), empty, paper(3), empty])
    scan(store, "b", [paper(1, 1), paper(2, 1), empty, paper(3, 1), paper(9), empty, empty])
    assert held(store, "b") == [0, 1, 2, 3]


def test_sheets_with_few_marks_are_not_compared(store: Store) -> None:
    scan(store, "a", [paper(1, marks=3), paper(1, scan=1, marks=3)])
    assert held(store, "a") == []


def test_what_was_made_void_holds_nothing_back(store: Store) -> None:
    (first,) = scan(store, "a", [paper(1)])
    store.void(first, "An", "Bình", "torn, and scanned again")
    scan(store, "b", [paper(1, scan=1)])
    assert held(store, "b") == []


def test_a_new_scan_takes_the_place_of_a_sheet_set_aside(store: Store, tmp_path: Path) -> None:
    front, back = paper(1)
    scan(store, "a", [paper(7), (front, None), paper(8)])
    assert states(store, "a")[1][0] is SheetState.SET_ASIDE
    scan(store, "b", [paper(1, scan=1)])
    assert back is not None
    assert held(store, "b") == []
    assert said(store, "b") == [(WarningKind.REPLACES, "b/00001 = a/00002")]
    assert states(store, "a")[1][0] is SheetState.VOID
    assert store.balance("a").holds
    assert store.balance("a").papers == 3  # its paper came out of this box
    assert store.check_projections() == ()
    assert store.verify_chain().whole
    recount = verify.Recount()
    with store._reading() as connection:
        for seq, kind, body in connection.exec_driver_sql("SELECT seq, kind, body FROM ledger ORDER BY seq"):
            recount.add(seq, kind, json.loads(body))
    assert [s["state"] for s in recount.sheets.values()].count("void") == 1


def test_and_within_one_batch_its_paper_counts_once(store: Store) -> None:
    front, _back = paper(1)
    scan(store, "a", [(front, None), paper(8), paper(1, scan=1)])
    assert [state for state, _ in states(store, "a")].count(SheetState.VOID) == 1
    balance = store.balance("a")
    assert (balance.sheets, balance.papers, balance.sheets_void) == (3, 2, 1)


def test_another_back_is_no_replacement(store: Store) -> None:
    front, _back = paper(1)
    scan(store, "a", [(front, None)])
    scan(store, "b", [(trace(99), paper(1)[1])])
    assert states(store, "a")[0][0] is SheetState.SET_ASIDE


def test_void_as_the_same_paper_settles_the_count(store: Store) -> None:
    scan(store, "a", [paper(1), paper(2), paper(1, scan=1)], expect=2)
    assert store.balance("a").papers == 3
    store.void_all({SheetId("a/00003"): "a/00001"}, "An", "Bình", "scanned twice")
    assert store.balance("a").papers == 2
    assert store.check_projections() == ()


def test_of_two_scans_one_must_stay(store: Store) -> None:
    scan(store, "a", [paper(1), paper(1, scan=1)])
    with pytest.raises(UsageError, match="does not count itself"):
        store.void_all({SheetId("a/00002"): "a/00001", SheetId("a/00001"): "a/00002"}, "An", "Bình", "x")
    assert [state for state, _ in states(store, "a")].count(SheetState.VOID) == 0  # all or none
