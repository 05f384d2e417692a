"""Cases 25 to 39: the set of sheets. None lost, none doubled, none taken for another."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ballotscan.cli.summary import summarise
from ballotscan.errors import ExitCode, NotBalancedError, TemplateError, UsageError
from ballotscan.forms.load import load_form, shipped_templates
from ballotscan.model import (
    BatchName,
    PageNotRead,
    PageRead,
    PageRef,
    PageResult,
    PageState,
    Reason,
    Sha256,
)
from ballotscan.page_work import ReadPage, Worker, do_task, start_worker
from ballotscan.pipeline import scan_batch
from ballotscan.rules.answers import decide_answers
from ballotscan.store.database import Store
from ballotscan.vision.page import as_scan
from tests.cli.stub_reader import ONE_SIDED, TWO_SIDED, page, read_stub, write_stack
from tests.cli.test_close import last_entry
from tests.cli.test_close import test_nothing_enters_a_closed_period as test_case_39_late_sheet_after_close
from tests.cli.test_scan_stacks import BATCH, duplex, entries, rows, scan, settings, sheets, states
from tests.unit.record import Office

__all__ = ["test_case_39_late_sheet_after_close"]
Run = Callable[..., tuple[int, str, str]]
SAMPLES = Path(__file__).parents[2] / "samples"


def reviewed(store: Store) -> set[tuple[str, str]]:
    return {(row.sheet[-1], row.reason) for row in store.answer_rows() if row.status == "review"}


# --- the same again -----------------------------------------------------------------------------------------


def test_case_25_same_file_again(store: Store, tmp_path: Path) -> None:
    folder = duplex(tmp_path / "in", 2)
    scan(store, folder, [TWO_SIDED])
    before, length = rows(store), entries(store)
    (folder / "copied-later.png").write_bytes((folder / "000-1.png").read_bytes())
    scan(store, folder, [TWO_SIDED])
    assert rows(store)[1:] == before[1:]
    assert [row for row in states(store) if row[1] == "repeat"] == [("copied-later.png", "repeat", "repeat")]
    assert entries(store) == length + 2  # the second name of the file, and its page as a repeat
    scan(store, folder, [TWO_SIDED], name=BatchName("tomorrow"))
    assert [batch.name for batch in store.batches()] == [BATCH]


def test_case_26_same_sheet_scanned_again(store: Store, tmp_path: Path) -> None:
    """By its serial. Without one the marks' traces tell, see ``tests/README.md``."""
    for number, name in enumerate(("first", "again")):
        stack = [page(1, side, serial=9, option=3, seed=10 * number + side) for side in (1, 2)]
        scan(store, write_stack(tmp_path / name / "a.tif", stack), [TWO_SIDED], name=BatchName(name))
    assert sheets(store) == [("read", None), ("review", "duplicate")]


def test_case_27_same_serial_different_marks(store: Store, tmp_path: Path) -> None:
    stack = [page(1, side, serial=4, option=n, seed=10 * n + side) for n in (0, 1) for side in (1, 2)]
    scan(store, write_stack(tmp_path / "in" / "a.tif", stack), [TWO_SIDED])
    assert sheets(store) == [("review", "duplicate")] * 2  # neither wins
    assert reviewed(store) == {("1", "duplicate"), ("2", "duplicate")}


def test_case_28_whole_stack_scanned_twice(store: Store, tmp_path: Path) -> None:
    """With serials every sheet of the second pass is held, and none of the first is touched."""
    for number, name in enumerate(("first", "again")):
        seeds = [(n, side) for n in range(4) for side in (1, 2)]
        stack = [
            page(1, side, serial=1 + n, option=n, seed=100 * number + 10 * n + side) for n, side in seeds
        ]
        scan(store, write_stack(tmp_path / name / "a.tif", stack), [TWO_SIDED], name=BatchName(name))
    assert sheets(store) == [("read", None)] * 4 + [("review", "duplicate")] * 4


# --- too few, or mixed up ------------------------------------------------------------------------------


def test_case_29_missing_sheets_need_a_signed_reason(office: Office) -> None:
    """Serials are drawn at random, so a gap shows nothing: the count by hand does."""
    office.add_batch("box 3", "1 1 1 1 1", expect=2)
    with pytest.raises(NotBalancedError, match="has 1 sheets, but 2 were expected"):
        office.close("2023Q1")
    office.close("2023Q1", reason="one was torn to pieces by the feeder")
    statement = last_entry(office)["statement"]
    assert isinstance(statement, dict)
    assert statement["reason"] == "one was torn to pieces by the feeder"


def test_case_30_double_feed(store: Store, tmp_path: Path) -> None:
    """Two sheets go through as one: the front of one and the back of the next. Serials tell them apart;
    without, only the count by hand shows that one is missing (and the scanner's own sensor)."""
    fed = [(1, 1), (2, 1), (1, 2), (2, 3), (1, 4), (2, 4)]  # sides and sheets; 2 and 3 stuck together
    for name, numbered in (("with", True), ("without", False)):
        stack = [
            page(1, side, serial=number if numbered else 0, option=number, seed=10 * number + side + numbered)
            for side, number in fed
        ]
        path = write_stack(tmp_path / name / "a.tif", stack)
        scan(store, path, [TWO_SIDED], name=BatchName(name), expect=4)
    found = {batch.name: summarise(store, batch) for batch in store.batches()}
    assert found["without"].exit_code == ExitCode.UNBALANCED
    whole = [row.sheet for row in store.sheet_rows() if row.state == "read" and row.sheet.startswith("with/")]
    lone = [row.sheet for row in store.sheet_rows() if row.state == "incomplete"]
    assert (len(whole), len(lone)) == (2, 2)


def test_case_31_front_of_one_with_back_of_another(store: Store, tmp_path: Path) -> None:
    stack = [page(1, side, serial=serial, option=serial, seed=n) for n, (side, serial) in enumerate(
        [(1, 1), (2, 2), (1, 2), (2, 1)]
    )]  # fmt: skip
    scan(store, write_stack(tmp_path / "in" / "a.tif", stack), [TWO_SIDED])
    found = {(row.sheet, row.side): row.page for row in store.answer_rows()}
    assert sorted(found.values()) == [1, 2, 3, 4]
    assert found[f"{BATCH}/00001", 2] == 4  # by its serial, not by its place


@pytest.mark.parametrize("place", range(17))
@pytest.mark.parametrize("side", [1, 2])
def test_case_31_odd_page_in_a_duplex_stack(side: int, place: int, store: Store, tmp_path: Path) -> None:
    """Without serials, at every place, between a paper's own two sides too: nothing shifts, and no sheet
    that may be mixed counts before a person has looked at it."""
    stack = [page(1, 1 + n % 2, option=n // 2, seed=n) for n in range(16)]
    stack.insert(place, page(1, side, option=9, seed=99))
    scan(store, write_stack(tmp_path / "in" / "a.tif", stack), [TWO_SIDED])
    counted = [row.sheet for row in store.sheet_rows() if row.state == "read"]
    assert len(counted) >= (0 if place in (0, 16) else 5)
    for sheet in counted:
        of_five = [a for a in store.answer_rows() if a.sheet == sheet and a.question.startswith("B")]
        assert {answer.side for answer in of_five} == {1, 2}
        assert len({answer.codes for answer in of_five}) == 1  # one paper's two sides bear one option
    unsure = {row.sheet for row in store.sheet_rows() if row.reason == Reason.SIDES_UNSURE}
    assert reviewed(store) >= {(sheet[-1], "sides_unsure") for sheet in unsure}
    assert sum(row.state == "incomplete" for row in store.sheet_rows()) == 1


def test_case_31_two_hands_on_one_sheet(store: Store, tmp_path: Path) -> None:
    """The back of one sheet and the front of the next are lost: order shows nothing, the strokes may."""
    marked = {number: 0.08 if number == 1 else 0.4 for number in range(4)}  # one writes with a thin pen
    kept = [(1, 0), (2, 0), (1, 1), (2, 2), (1, 3), (2, 3)]

    def read(scan_: Any, bitonal: bool, references: Any) -> Any:
        found = read_stub(scan_, bitonal, references)
        ink = marked[int(as_scan(scan_).grey[0, 3])]
        return replace(found, marks=tuple(replace(m, ink=ink) if m.ink else m for m in found.marks))

    stack = [page(1, side, option=number, seed=9 * number + side) for side, number in kept]
    path = write_stack(tmp_path / "in" / "a.tif", stack)
    scan_batch(store, [path], [TWO_SIDED], settings([TWO_SIDED]), workers=1, read=read)
    assert sheets(store) == [("read", None), ("review", "sides_unsure"), ("read", None)]


def test_case_32_page_missing_or_twice(store: Store, tmp_path: Path) -> None:
    stack = [(1, 0), (2, 0), (1, 1), (1, 2), (2, 2), (1, 3), (2, 3), (2, 3)]
    pages = [page(1, side, option=option, seed=n) for n, (side, option) in enumerate(stack)]
    scan(store, write_stack(tmp_path / "in" / "a.tif", pages), [TWO_SIDED])
    not_whole = {row.sheet for row in store.sheet_rows() if row.state == "incomplete"}
    assert len(not_whole) == 2
    answers = [row for row in store.answer_rows() if row.sheet in not_whole]
    assert {(row.outcome, row.status) for row in answers} == {("unreadable", "review")}  # never blank


# --- another way up, another form ---------------------------------------------------------------------------


def test_case_33_back_first_gives_the_same(store: Store, tmp_path: Path) -> None:
    pages = [page(1, 1 + n % 2, option=n // 2, seed=n) for n in range(8)]
    turned = [pages[n ^ 1] for n in range(8)]
    for name, stack in (("front", pages), ("back", turned)):
        # as two databases would, for the images are the same
        scan(store, write_stack(tmp_path / name / f"{name}.tif", stack), [TWO_SIDED], name=BatchName(name))
    found: dict[str, list[Any]] = {"front": [], "back": []}
    for row in store.answer_rows():
        found[row.sheet.split("/")[0]].append((row.sheet[-1], row.question, row.codes))
    assert sorted(found["front"]) == sorted(found["back"])


@pytest.fixture(scope="module")
def worker() -> Worker:
    """One that really reads, with a form of one side."""
    return start_worker([shipped_templates() / "hue-2019"])


def read_page(worker: Worker, path: Path) -> PageResult:
    found = do_task(worker, ReadPage(path, PageRef(path.name, 1, Sha256("0" * 64))))
    assert isinstance(found, PageResult)
    return found


def test_case_33_upside_down_gives_the_same(worker: Worker, tmp_path: Path) -> None:
    upright = Image.open(SAMPLES / "hue-2019.jpg").convert("L")
    found = []
    for degrees in (0, 180):
        path = tmp_path / f"{degrees}.png"
        upright.rotate(degrees).save(path)
        page_read = read_page(worker, path)
        assert isinstance(page_read, PageRead)
        answers = decide_answers(load_form(ONE_SIDED), (page_read.reading,))
        found.append([(a.question, a.outcome, a.codes, a.status, a.reason) for a in answers])
    assert found[0] == found[1]


def test_case_34_other_form(worker: Worker) -> None:
    found = read_page(worker, SAMPLES / "plain.jpg")
    assert isinstance(found, PageNotRead)
    assert (found.state, found.reason) == (PageState.SET_ASIDE, Reason.NOT_THIS_FORM)


def test_case_34_older_version_is_not_fitted_to_the_newer(tmp_path: Path) -> None:
    """The newer has the very same print but for its edition, which only the code tells."""
    newer = shutil.copytree(TWO_SIDED, tmp_path / TWO_SIDED.name)
    source = newer / "template.yaml"
    text = source.read_text(encoding="utf-8")
    source.write_text(text.replace('edition: "0.1"', 'edition: "0.2"'), encoding="utf-8")
    for folder, wanted in ((TWO_SIDED, None), (newer, Reason.OTHER_EDITION)):
        found = read_page(start_worker([folder]), SAMPLES / "plain.jpg")
        if wanted is None:
            assert isinstance(found, PageRead)
        else:
            assert isinstance(found, PageNotRead)
            assert (found.state, found.reason) == (PageState.SET_ASIDE, wanted)


def test_case_35_template_changed_while_a_period_is_open(store: Store) -> None:
    """Other questions or codes need an edition of their own; any other change is an entry, and the close
    states the template's hash. What was printed before the change no longer fits and is asked about."""
    form = load_form(TWO_SIDED)
    store.keep_form(form)
    other = replace(form, questions=form.questions[1:])
    with pytest.raises(UsageError, match="an edition of its own"):
        store.keep_form(replace(other, hash="0" * 64))
    length = entries(store)
    store.keep_form(replace(form, hash="1" * 64))
    assert entries(store) == length + 1


def test_case_36_template_invalid(tmp_path: Path) -> None:
    """With file and line; every other way is in ``unit/forms/test_source.py``."""
    text = (shipped_templates() / "hue-2019" / "template.yaml").read_text(encoding="utf-8")
    path = tmp_path / "hue-2019" / "template.yaml"
    path.parent.mkdir()
    ids = [number for number, line in enumerate(text.splitlines(), start=1) if "id: H2" in line]
    for wrong, line in ((text.replace("id: H2", "id: H1"), ids[0]), ("id: hue-2019\n  x: [", 2)):
        path.write_text(wrong, encoding="utf-8")
        with pytest.raises(TemplateError, match=rf"template\.yaml:{line}"):
            load_form(path.parent)


# --- no ballots ---------------------------------------------------------------------------------------------


def test_case_38_what_is_no_ballot_is_counted_and_not_tallied(store: Store, tmp_path: Path) -> None:
    stack = [page(1, 1, seed=1), page(1, 2, seed=2), page(0, seed=3), page(3, seed=4)]
    scan(store, write_stack(tmp_path / "in" / "a.tif", stack), [TWO_SIDED])
    balance = store.balance(BATCH)
    assert (balance.pages_in, balance.pages_on_sheets) == (4, 2)
    assert (balance.pages_non_ballot, balance.pages_set_aside) == (1, 1)
    assert balance.holds
    assert len(sheets(store)) == 1


@pytest.mark.parametrize(
    ("name", "state"),
    [
        ("blank-page.jpg", PageState.NON_BALLOT),
        ("cover-letter.jpg", PageState.SET_ASIDE),  # as a mangled ballot would be: a person looks at it
        ("cat", PageState.SET_ASIDE),
    ],
)
def test_case_38_blank_sheet_cover_letter_cat(
    name: str, state: PageState, worker: Worker, tmp_path: Path
) -> None:
    path = picture_of_a_cat(tmp_path / "cat.png") if name == "cat" else SAMPLES / name
    found = read_page(worker, path)
    assert isinstance(found, PageNotRead)
    assert found.state is state


def picture_of_a_cat(path: Path) -> Path:
    """Blotches of all sizes, as fur in a photo has."""
    rng = np.random.default_rng(9)
    layers = [rng.normal(128, 60, (2339 // size, 1654 // size)) for size in (200, 50, 12, 3)]
    pictures = [Image.fromarray(np.clip(layer, 0, 255).astype(np.uint8)) for layer in layers]
    fur = np.mean([np.asarray(each.resize((1654, 2339))) for each in pictures], axis=0)
    Image.fromarray(fur.astype(np.uint8)).save(path)
    return path
