"""``ballotscan gallery`` and the warnings of ``ballotscan scan``, from end to end on small stacks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from PIL import Image

from ballotscan import pipeline, worklist
from ballotscan.cli import main
from ballotscan.errors import ExitCode
from ballotscan.forms.load import load_form
from ballotscan.model import SideReading, WarningKind
from ballotscan.reading import SideNotRead
from ballotscan.store.database import open_store
from ballotscan.vision.contact_sheet import PER_PAGE
from tests.cli.stub_reader import ONE_SIDED, PoolHere, page, read_stub, write_stack

SHEETS = 12
SCAN = (
    "scan",
    "box",
    "--template",
    "hue-2019",
    "--received",
    "2023-02-01",
    "--batch",
    "box",
    "--db",
    "b.sqlite",
)
GALLERY = ("gallery", "--db", "b.sqlite")
Run = Callable[..., tuple[int, str, str]]


def read_dusty(grey: Any, bitonal: bool, references: Sequence[Any]) -> SideReading | SideNotRead:
    """The stub's reading, with dust on the glass at 120 mm."""
    found = read_stub(grey, bitonal, references)
    return replace(found, streaks_mm=(120.2,)) if isinstance(found, SideReading) else found


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(pipeline, "WorkerPool", PoolHere)
    monkeypatch.setattr(worklist, "still_written", lambda path: None)
    monkeypatch.setattr(pipeline, "scan_batch", partial(pipeline.scan_batch, read=read_dusty))
    stack = [page(2, seed=number, option=number % 3) for number in range(SHEETS)]
    write_stack(tmp_path / "box" / "a.tif", stack[:-1])
    write_stack(tmp_path / "box" / "b.png", stack[-1:])

    def call(*arguments: str, lang: str = "en") -> tuple[int, str, str]:
        capsys.readouterr()
        code = main([*arguments, "--lang", lang])
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return code, said.out, said.err

    return call


def boxes_per_sheet() -> int:
    return sum(len(side.boxes) for side in load_form(ONE_SIDED).sides)


def test_a_warning_is_said_at_once_in_the_summary_and_in_the_tally(run: Run, tmp_path: Path) -> None:
    _code, out, err = run(*SCAN)
    line = "Warning: a.tif, page 4: a line runs down the scans 120 mm from their left edge, on 4 of 4."
    assert err.count(line) == out.count(line) == 1
    with open_store(tmp_path / "b.sqlite", create=False) as store:
        (kept,) = store.warnings("box")
        assert (kept.kind, kept.file, kept.page, kept.place) == (WarningKind.STREAK, "a.tif", 4, "120")
        assert store.verify_chain().whole
        assert store.check_projections() == ()
    _code, again, err = run(*SCAN)
    assert line not in err, "nothing was read again"
    assert line in again
    _code, tally, _err = run("tally", "--batch", "box", "--db", "b.sqlite")
    assert "a line runs down the scans 120 mm" in tally
    _code, _out, err = run(*SCAN, lang="vi")
    assert "Warning" not in err


def test_every_box_is_on_a_page(run: Run, tmp_path: Path) -> None:
    run(*SCAN)
    boxes = SHEETS * boxes_per_sheet()
    code, out, _err = run(*GALLERY, "--batch", "box", "-o", "pages")
    assert code == ExitCode.OK
    assert f"pages: {boxes} boxes." in out
    pages = sorted(path.name for path in (tmp_path / "pages").iterdir())
    assert pages == [f"{number:05d}.png" for number in range(1, -(-boxes // PER_PAGE) + 1)]
    with Image.open(tmp_path / "pages" / pages[0]) as first:
        assert first.getpixel((0, 0)) == (255, 255, 255)
    code, out, _err = run(*GALLERY, "--quarter", "2023Q1", "-o", "all.pdf")
    assert code == ExitCode.OK
    with pikepdf.open(tmp_path / "all.pdf") as pdf:
        assert len(pdf.pages) == len(pages)


def test_one_question_only(run: Run, tmp_path: Path) -> None:
    run(*SCAN)
    question = load_form(ONE_SIDED).questions[0]
    code, out, _err = run(*GALLERY, "--batch", "box", "--question", question.id, "-o", "one.pdf")
    assert code == ExitCode.OK
    assert f"one.pdf: {SHEETS * len(question.options)} boxes." in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-o", "x"], "No period is given."),
        (["--batch", "bix", "-o", "x"], "There is no batch 'bix'. Known batches: box."),
        (["--batch", "box", "--question", "Z9", "-o", "x"], "There is no question 'Z9'. Known questions: "),
        (["--batch", "box", "-o", "box"], "box: this folder is not empty."),
        (["--batch", "box", "-o", "box/a.tif/x.pdf"], "cannot be written"),
        (["--quarter", "2020Q1", "-o", "x"], "There are no boxes to show."),
    ],
)
def test_wrong_use_is_one_line(run: Run, arguments: list[str], said: str) -> None:
    run(*SCAN)
    code, _out, err = run(*GALLERY, *arguments)
    assert code != ExitCode.OK
    assert said in err
    assert err.count("\n") == 1


def test_an_original_that_is_gone_is_named(run: Run, tmp_path: Path) -> None:
    run(*SCAN)
    for original in (tmp_path / "originals").rglob("*"):
        if original.is_file():
            original.chmod(0o600)
            original.unlink()
    code, _out, err = run(*GALLERY, "--batch", "box", "-o", "x.pdf")
    assert code != ExitCode.OK
    assert "a.tif: its original is missing" in err
    assert not (tmp_path / "x.pdf").exists()
