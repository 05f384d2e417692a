"""Whole scans with a reader that is told what is on each page: what goes where, and stays there."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ballotscan import pipeline, worklist
from ballotscan.errors import StoreError, UsageError
from ballotscan.intake.workers import WorkerFault
from ballotscan.model import BatchName, BatchSettings, Outcome, Reason, SheetState, Status
from ballotscan.page_work import ReadPage
from ballotscan.pipeline import ScanReport, scan_batch
from ballotscan.reread import reread_batch
from ballotscan.store.database import Store, open_store
from tests.cli.stub_reader import ONE_SIDED, TWO_SIDED, PoolHere, page, read_stub, write_stack

BATCH = BatchName("box")


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read in this process; take every file as written."""
    monkeypatch.setattr(pipeline, "WorkerPool", PoolHere)
    monkeypatch.setattr(worklist, "still_written", lambda path: None)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "office" / "box.sqlite") as opened:
        yield opened


def settings(folders: Sequence[Path], **changes: Any) -> BatchSettings:
    values = {"received": "2023-02-01", "channel": "", "unit": "", "linh_vuc": "", "expect": None}
    forms = tuple(folder.name for folder in folders)
    return BatchSettings(**{"name": BATCH, "forms": forms, **values, **changes})


def scan(
    store: Store, path: Path, folders: Sequence[Path] = (ONE_SIDED,), tell: Any = None, **changes: Any
) -> ScanReport:
    told = tell or (lambda stage, done, total: None)
    return scan_batch(
        store, [path], folders, settings(folders, **changes), workers=1, tell=told, read=read_stub
    )


def rows(store: Store) -> tuple[list[Any], list[Any], list[Any]]:
    """All that exports are made of."""
    return list(store.page_rows()), list(store.sheet_rows()), list(store.answer_rows())


def states(store: Store) -> list[tuple[str, str, str]]:
    return [(row.file, row.state, row.reason) for row in store.page_rows()]


def sheets(store: Store) -> list[tuple[str, str | None]]:
    return [(row.state.value, row.reason and row.reason.value) for row in store.sheet_rows()]


def entries(store: Store) -> int:
    return store.verify_chain().entries


def duplex(folder: Path, count: int) -> Path:
    """Sheets of the two-sided form as single images, front first."""
    for number in range(count):
        for side in (1, 2):
            image = page(1, side, option=number, seed=10 * number + side)
            write_stack(folder / f"{number:03d}-{side}.png", [image])
    return folder


# --- again ------------------------------------------------------------------------------------------------


def test_the_same_stack_again_adds_nothing(store: Store, tmp_path: Path) -> None:
    folder = duplex(tmp_path / "in", 3)
    first = scan(store, folder, [TWO_SIDED])
    before, length = rows(store), entries(store)
    again = scan(store, folder, [TWO_SIDED])
    other_day = scan(store, folder, [TWO_SIDED], name=BatchName("other"), received="2023-02-02")
    assert (first.pages_added, again.pages_added, other_day.pages_added) == (6, 0, 0)
    assert (rows(store), entries(store)) == (before, length)
    assert other_day.batches == (BATCH,)
    assert [seen.first for seen in again.unchanged] == [row.file for row in before[0]]
    assert [batch.name for batch in store.batches()] == [BATCH]


def test_a_file_added_later_is_read_alone(store: Store, tmp_path: Path) -> None:
    folder = duplex(tmp_path / "in", 2)
    scan(store, folder, [TWO_SIDED])
    before = rows(store)
    write_stack(folder / "zz.tif", [page(1, 1, seed=91), page(1, 2, seed=92)])
    assert scan(store, folder, [TWO_SIDED]).pages_added == 2
    after = rows(store)
    assert after[1][:2] == before[1]
    assert len(after[1]) == 3
    assert store.balance(BATCH).holds


def test_a_copy_is_a_repeat(store: Store, tmp_path: Path) -> None:
    first = write_stack(tmp_path / "in" / "a.tif", [page(2, seed=1), page(2, seed=2)])
    shutil.copy(first, first.with_name("b.tif"))
    scan(store, first.parent)
    assert [state for _file, state, _reason in states(store)] == ["read", "read", "repeat", "repeat"]
    assert len(sheets(store)) == 2
    assert store.balance(BATCH).holds
    length = entries(store)
    scan(store, first.parent)
    assert entries(store) == length


def test_workers_begin_only_where_something_is_new(store: Store, tmp_path: Path) -> None:
    folder = duplex(tmp_path / "in", 2)
    before = PoolHere.starts
    scan(store, folder, [TWO_SIDED])
    began = PoolHere.starts
    scan(store, folder, [TWO_SIDED])
    assert before < began == PoolHere.starts


def test_files_of_another_batch_are_repeats_of_a_new_one(store: Store, tmp_path: Path) -> None:
    old = write_stack(tmp_path / "in" / "a.png", [page(2, seed=1)])
    scan(store, old.parent)
    write_stack(old.with_name("b.png"), [page(2, seed=2)])
    scan(store, old.parent, name=BatchName("next"))
    balance = store.balance("next")
    assert (balance.pages_in, balance.pages_repeat, balance.sheets_read) == (2, 1, 1)
    assert store.balance(BATCH).sheets == 1


def test_other_settings_for_a_batch_are_refused(store: Store, tmp_path: Path) -> None:
    scan(store, write_stack(tmp_path / "a.png", [page(2, seed=1)]))
    with pytest.raises(UsageError, match="2023-02-01"):
        scan(store, write_stack(tmp_path / "b.png", [page(2, seed=2)]), received="2023-02-02")


def test_what_was_set_aside_is_read_when_its_form_is_named(store: Store, tmp_path: Path) -> None:
    stack = [page(2, seed=1), page(1, 1, seed=2), page(1, 2, seed=3), page(3, seed=4)]
    folder = write_stack(tmp_path / "in" / "a.tif", stack).parent
    scan(store, folder, [ONE_SIDED])
    assert [state for _file, state, _reason in states(store)] == ["read", *["set_aside"] * 3]
    report = scan(store, folder, [ONE_SIDED, TWO_SIDED], name=BatchName("later"))
    assert report.batches == (BATCH,)
    assert [state for _file, state, _reason in states(store)] == ["read", "read", "read", "set_aside"]
    assert store.balance(BATCH).holds
    length = entries(store)
    scan(store, folder, [ONE_SIDED, TWO_SIDED])
    assert entries(store) == length


def test_what_was_set_aside_is_read_by_another_engine(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = duplex(tmp_path / "in", 2)
    with monkeypatch.context() as broken:
        broken.setattr(pipeline, "WorkerPool", lose_pages({"000-2.png"}))
        scan(store, folder, [TWO_SIDED])
    assert [state for state, _reason in sheets(store)] == ["set_aside", "read"]
    assert scan(store, folder, [TWO_SIDED]).pages_added == 0
    for module in (pipeline, worklist):
        monkeypatch.setattr(module, "ENGINE", "better")
    scan(store, folder, [TWO_SIDED])
    assert [state for state, _reason in sheets(store)] == ["read", "read"]
    assert store.balance(BATCH).holds


# --- cut off ----------------------------------------------------------------------------------------------


class Cut(KeyboardInterrupt):
    pass


def cut_after(calls: int) -> Any:
    """A ``tell`` that interrupts at its n-th call, wherever that is."""
    left = iter(range(calls))

    def tell(stage: str, done: int, total: int) -> None:
        if next(left, None) is None:
            raise Cut

    return tell


def mixed_stack(folder: Path) -> Path:
    """Two forms, a lost side, a blank page, another form, a copy, an empty file, a repeated serial."""
    duplex(folder, 3)
    (folder / "001-1.png").unlink()
    stack = [page(2, seed=n, option=n) for n in range(50, 53)] + [page(0, seed=60), page(3, seed=61)]
    write_stack(folder / "stack.tif", stack)
    shutil.copy(folder / "002-1.png", folder / "copy.png")
    (folder / "empty.jpg").touch()
    serials = [page(1, side, serial=7, seed=70 + side) for side in (1, 2)] * 2
    write_stack(folder / "serials.tif", serials)
    return folder


@pytest.fixture
def committed_page_by_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "COMMIT_PAGES", 1)


@pytest.mark.usefixtures("committed_page_by_page")
def test_an_interrupted_scan_ends_as_an_uninterrupted_one(tmp_path: Path) -> None:
    folder = mixed_stack(tmp_path / "in")
    calls = 0

    def count(stage: str, done: int, total: int) -> None:
        nonlocal calls
        calls += 1

    with open_store(tmp_path / "whole" / "box.sqlite") as store:
        scan(store, folder, [TWO_SIDED, ONE_SIDED], tell=count)
        whole, balance = rows(store), store.balance(BATCH)
    assert balance.holds
    assert calls > 20
    for at in range(0, calls, 4):
        with open_store(tmp_path / str(at) / "box.sqlite") as store, pytest.raises(Cut):
            scan(store, folder, [TWO_SIDED, ONE_SIDED], tell=cut_after(at))
        with open_store(tmp_path / str(at) / "box.sqlite") as store:
            scan(store, folder, [TWO_SIDED, ONE_SIDED])
            assert (rows(store), store.balance(BATCH)) == (whole, balance)


@pytest.mark.usefixtures("committed_page_by_page")
def test_a_file_half_read_by_another_scan_is_left_alone(store: Store, tmp_path: Path) -> None:
    stack = write_stack(tmp_path / "a" / "a.tif", [page(1, 1 + n % 2, seed=n) for n in range(6)])
    with pytest.raises(Cut):
        scan(store, stack, [TWO_SIDED], tell=lambda stage, done, total: done == 3 and stop())
    other = write_stack(tmp_path / "b" / "b.tif", [page(1, 1 + n % 2, seed=50 + n) for n in range(2)])
    scan(store, other, [TWO_SIDED])
    assert sheets(store) == [("read", None)]
    assert not store.balance(BATCH).holds
    scan(store, stack, [TWO_SIDED])
    assert sheets(store) == [("read", None)] * 4
    assert store.balance(BATCH).holds


def stop() -> None:
    raise Cut


# --- what is wrong with sheets ----------------------------------------------------------------------------


def lose_pages(files: set[str], reason: Reason = Reason.TIME_LIMIT) -> Any:
    """As ``PoolHere``, but these files' pages cost their worker its life."""

    class Losing(PoolHere):
        def run(self, tasks: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
            for task, result in super().run(tasks):
                lost = isinstance(task, ReadPage) and task.ref.file in files
                yield task, WorkerFault(reason, "it hung") if lost else result

    return Losing


def test_a_lost_side_costs_one_sheet_and_a_look_at_those_beside_it(store: Store, tmp_path: Path) -> None:
    folder = duplex(tmp_path / "in", 5)
    (folder / "002-1.png").unlink()
    scan(store, folder, [TWO_SIDED])
    assert sheets(store) == [
        ("read", None),
        ("review", "sides_unsure"),
        ("incomplete", "side_missing"),
        ("review", "sides_unsure"),
        ("read", None),
    ]
    lone = [row for row in store.answer_rows() if row.sheet.endswith("/00003")]
    assert {(row.outcome, row.status, row.codes) for row in lone} == {("unreadable", "review", "")}
    assert {row.file for row in lone} == {"", "002-2.png"}


def test_a_page_that_hangs_its_reader_is_set_aside(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "WorkerPool", lose_pages({"001-2.png"}))
    scan(store, duplex(tmp_path / "in", 3), [TWO_SIDED])
    assert sheets(store) == [("read", None), ("set_aside", "side_unreadable"), ("read", None)]
    assert ("001-2.png", "set_aside", "time_limit") in states(store)
    assert store.balance(BATCH).holds


def test_a_damaged_page_is_a_sheet_where_one_form_of_one_side_is_read(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        write_stack(tmp_path / "in" / f"{number}.png", [page(2, seed=number)])
    monkeypatch.setattr(pipeline, "WorkerPool", lose_pages({"1.png"}, Reason.RESOURCE_LIMIT))
    scan(store, tmp_path / "in")
    assert sheets(store) == [("read", None), ("set_aside", "resource_limit"), ("read", None)]
    assert {row.reason for row in store.answer_rows() if row.status == "review"} == {"resource_limit"}


def test_one_serial_on_two_sheets_holds_both(store: Store, tmp_path: Path) -> None:
    stack = [
        page(1, side, serial=serial, seed=10 * n + side)
        for n, serial in enumerate((1, 2, 1))
        for side in (1, 2)
    ]
    scan(store, write_stack(tmp_path / "in" / "a.tif", stack), [TWO_SIDED])
    assert sheets(store) == [("review", "duplicate"), ("read", None), ("review", "duplicate")]
    assert {row.reason for row in store.answer_rows() if row.status == "review"} == {"duplicate"}


def test_a_serial_of_an_earlier_batch_holds_the_later_sheet(store: Store, tmp_path: Path) -> None:
    for number, name in enumerate(("first", "second")):
        stack = [page(1, side, serial=5, seed=10 * number + side) for side in (1, 2)]
        scan(store, write_stack(tmp_path / name / "a.tif", stack), [TWO_SIDED], name=BatchName(name))
    assert sheets(store) == [("read", None), ("review", "duplicate")]


def test_the_same_image_in_another_file_holds_the_later_sheet(store: Store, tmp_path: Path) -> None:
    write_stack(tmp_path / "in" / "a.tif", [page(2, seed=1), page(2, seed=2)])
    write_stack(tmp_path / "in" / "b.tif", [page(2, seed=3), page(2, seed=1)])
    scan(store, tmp_path / "in")
    assert sheets(store) == [("read", None)] * 3 + [("review", "duplicate")]


def test_a_text_that_is_not_the_forms_holds_the_whole_sheet(store: Store, tmp_path: Path) -> None:
    def read_flagged(scan: Any, bitonal: bool, references: Any) -> Any:
        found = read_stub(scan, bitonal, references)
        return replace(found, flags=(Reason.TITLE_DIFFERS,)) if scan.grey[0, 3] == 1 else found

    path = write_stack(tmp_path / "in" / "a.tif", [page(2, seed=n, option=n) for n in range(2)])
    scan_batch(store, [path], [ONE_SIDED], settings([ONE_SIDED]), workers=1, read=read_flagged)
    assert sheets(store) == [("read", None), ("review", "title_differs")]
    held = [row for row in store.answer_rows() if row.sheet.endswith("2")]
    assert {(row.status, row.reason, row.codes) for row in held} == {("review", "title_differs", "2")}


def test_linh_vuc_of_the_batch_against_the_sheets(store: Store, tmp_path: Path) -> None:
    stack = [page(1, side, option=option, seed=10 * option + side) for option in (0, 1) for side in (1, 2)]
    scan(store, write_stack(tmp_path / "in" / "a.tif", stack), [TWO_SIDED], linh_vuc="đất đai")
    doubted = [
        (row.sheet[-1], row.question, row.reason) for row in store.answer_rows() if row.status == "review"
    ]
    assert doubted == [("2", "A2", "linh_vuc_conflict")]


# --- the place to keep it ---------------------------------------------------------------------------------


def test_no_room_is_said_before_anything_is_written(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_stack(tmp_path / "in" / "a.png", [page(2, seed=1)])
    monkeypatch.setattr(pipeline.shutil, "disk_usage", lambda folder: SimpleNamespace(free=1_000_000))
    length = entries(store)
    with pytest.raises(StoreError, match="1 MB are free"):
        scan(store, path)
    assert entries(store) == length
    assert not (store.folder / "originals").exists()


def test_a_second_scan_at_once_is_refused(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ballotscan.store.connect.WAIT_FOR_WRITER_S", 0.1)
    scan(store, write_stack(tmp_path / "in" / "a.png", [page(2, seed=1)]))
    with open_store(tmp_path / "office" / "box.sqlite") as second, pytest.raises(StoreError, match="writing"):
        scan(second, write_stack(tmp_path / "in" / "b.png", [page(2, seed=2)]))
    assert store.balance(BATCH).pages_in == 1


def test_originals_are_kept_byte_for_byte(store: Store, tmp_path: Path) -> None:
    path = write_stack(tmp_path / "in" / "a.png", [page(2, seed=1)])
    scan(store, path)
    [known] = scan(store, path).unchanged
    assert store.original_path(known.original).read_bytes() == path.read_bytes()


# --- a second reading -------------------------------------------------------------------------------------


def test_reread_lists_what_differs_and_changes_nothing(store: Store, tmp_path: Path) -> None:
    folder = duplex(tmp_path / "in", 2)
    scan(store, folder, [TWO_SIDED])
    before = rows(store)
    batch = store.batches()[0]
    assert reread_batch(store, batch, [TWO_SIDED], workers=1, read=read_stub) == []

    def read_otherwise(scan: Any, bitonal: bool, references: Any) -> Any:
        changed = scan.grey.copy()
        changed[0, 3] += int(changed[0, 1] == 2 and changed[0, 3] == 1)  # the second sheet's back
        return read_stub(changed, bitonal, references)

    found = reread_batch(store, batch, [TWO_SIDED], workers=1, read=read_otherwise)
    form_questions = {row.question for row in store.answer_rows() if row.side == 2}
    assert {(each.sheet, each.question) for each in found} == {(f"{BATCH}/00002", q) for q in form_questions}
    assert all(each.first and each.second and each.first.codes != each.second.codes for each in found)
    assert rows(store) == before


def test_reread_of_a_page_that_fails_now(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan(store, duplex(tmp_path / "in", 1), [TWO_SIDED])
    monkeypatch.setattr(pipeline, "WorkerPool", lose_pages({"000-2.png"}))
    found = reread_batch(store, store.batches()[0], [TWO_SIDED], workers=1, read=read_stub)
    assert {each.second.outcome for each in found if each.second} == {Outcome.UNREADABLE}
    assert {each.first.status for each in found if each.first} == {Status.ACCEPTED}
    assert [row.state for row in store.sheet_rows()] == [SheetState.READ]
