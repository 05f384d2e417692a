"""``ballotscan scan`` as people call it: what it says, and with which code it ends."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ballotscan import pipeline, worklist
from ballotscan.cli import main
from ballotscan.errors import ExitCode
from ballotscan.store.database import open_store
from tests.cli.stub_reader import PoolHere, page, read_stub, write_stack

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Calls the program in an empty folder, with a reader that is told what is on each page."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(pipeline, "WorkerPool", PoolHere)
    monkeypatch.setattr(worklist, "still_written", lambda path: None)
    monkeypatch.setattr(pipeline, "scan_batch", partial(pipeline.scan_batch, read=read_stub))

    def call(*arguments: str, lang: str = "en") -> tuple[int, str, str]:
        capsys.readouterr()
        code = main([*arguments, "--lang", lang])
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return code, said.out, said.err

    return call


@pytest.fixture
def box(tmp_path: Path) -> Path:
    """Three good sheets of the one-sided form."""
    for number in range(3):
        write_stack(tmp_path / "box" / f"{number}.png", [page(2, seed=number, option=number)])
    return tmp_path / "box"


SCAN = ("scan", "box", "--template", "hue-2019", "--received", "2023-02-01")


@pytest.mark.usefixtures("box")
def test_all_read(run: Run) -> None:
    code, out, _err = run(*SCAN)
    assert code == ExitCode.OK
    assert out.index("Batch: 2023-02-01 box") < out.index("Received: 2023-02-01") < out.index("Pages:")
    assert "Pages: 3 in = 3 on sheets + 0 no ballot + 0 repeats + 0 set aside" in out
    assert "Sheets: 3 = 3 read + 0 in review + 0 void + 0 set aside + 0 incomplete" in out


@pytest.mark.usefixtures("box")
def test_again_says_so_and_keeps_the_code(run: Run, box: Path) -> None:
    (box / "3.jpg").write_bytes(b"\xff\xd8 no picture")
    first, _out, _err = run(*SCAN)
    code, out, _err = run(*SCAN)
    assert (first, code) == (ExitCode.LEFT_OPEN, ExitCode.LEFT_OPEN)
    assert "Nothing added." in out
    assert "4 files were scanned before, in batch 2023-02-01 box." in out


@pytest.mark.usefixtures("box")
def test_in_vietnamese(run: Run) -> None:
    code, out, _err = run(*SCAN, lang="vi")
    assert code == ExitCode.OK
    assert "Sheets" not in out


@pytest.mark.usefixtures("box")
def test_another_number_of_sheets_than_expected(run: Run) -> None:
    code, out, _err = run(*SCAN, "--expect", "4")
    assert code == ExitCode.UNBALANCED
    assert "NOT BALANCED: 4 sheets were expected, 3 were found." in out
    code, out, _err = run(*SCAN)
    assert code == ExitCode.UNBALANCED, "the count stands until it is corrected"
    code, out, _err = run(*SCAN, "--expect", "3")
    assert code == ExitCode.OK
    assert "NOT BALANCED" not in out


def test_each_bad_file_in_one_line(run: Run, box: Path) -> None:
    (box / "empty.pdf").touch()
    (box / "words.docx").write_bytes(b"PK\x03\x04")
    (box / "half.pdf").write_bytes(b"%PDF-1.7\n1 0 obj\n<<")
    write_stack(box / "9.png", [page(3, seed=9)])
    code, out, _err = run(*SCAN)
    assert code == ExitCode.LEFT_OPEN
    lines = [line for line in out.splitlines() if line.startswith(("9", "empty", "words", "half"))]
    assert lines == [
        "9.png, page 1: the page is of no form that was named. If it is a ballot, name its form with"
        " --template and run the command again.",
        "empty.pdf: the file is empty. Scan these sheets again.",
        "half.pdf: the file is damaged. Copy the file from the scanner again, or scan these sheets again.",
        "words.docx: the file is of a type that is not read. Save the scans as PDF, TIFF, JPEG or PNG.",
    ]


def test_pages_of_one_fault_are_one_line(run: Run, tmp_path: Path) -> None:
    write_stack(tmp_path / "box" / "a.tif", [page(2, seed=1), *(page(3, seed=n) for n in range(2, 6))])
    _code, out, _err = run(*SCAN)
    assert "a.tif, pages 2 to 5: the page is of no form" in out


def test_nothing_could_be_done(run: Run, tmp_path: Path) -> None:
    (tmp_path / "box").mkdir()
    code, _out, err = run(*SCAN)
    assert code == ExitCode.NOTHING_DONE
    assert "box: there are no files to scan." in err
    (tmp_path / "box" / "a.pdf").write_bytes(b"%PDF-1.7\n1 0 obj\n<<")
    code, out, _err = run(*SCAN)
    assert code == ExitCode.NOTHING_DONE
    assert "a.pdf: the file is damaged." in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["scan", "box"], "Known templates: appendix-i, coordination, hanoi-2017, hue-2019"),
        (
            ["scan", "box", "--template", "hue"],
            "There is no template 'hue'. Known templates: appendix-i, coordination, hanoi-2017, hue-2019",
        ),
        (["scan", "bax", "--template", "hue-2019"], "bax: there is no such file or folder."),
        (["scan", "--template", "hue-2019"], "PATH"),
        ([*SCAN, "--received", "2023-02-30"], "--received: '2023-02-30' is no day. Write it as"),
        ([*SCAN, "--received", "2999-01-01"], "2999-01-01 is in the future"),
        ([*SCAN, "--expect", "0"], "--expect"),
        ([*SCAN, "--expect", "many"], "--expect"),
        ([*SCAN, "--workers", "0"], "--workers"),
        ([*SCAN, "--batch", ""], "--batch: this is no name"),
        ([*SCAN, "--batch", "a\nb"], "--batch: this is no name"),
        ([*SCAN, "--template", "appendix-i", "--linh-vuc", "Đất"], "--linh-vuc: 'Đất' is on no form's list."),
        (["reread", "nowhere"], "there is no database here"),
    ],
)
@pytest.mark.usefixtures("box")
def test_wrong_use(run: Run, tmp_path: Path, arguments: list[str], said: str) -> None:
    code, _out, err = run(*arguments)
    assert code == (ExitCode.USAGE if arguments[0] == "scan" else ExitCode.NOTHING_DONE)
    assert said in err
    assert len(err.splitlines()) == 1
    assert not (tmp_path / "ballotscan.sqlite").exists()


@pytest.mark.usefixtures("box")
def test_a_day_may_be_written_as_in_vietnam(run: Run) -> None:
    _code, out, _err = run("scan", "box", "--template", "hue-2019", "--received", "15/12/2022")
    assert "Batch: 2022-12-15 box" in out


@pytest.mark.usefixtures("box")
def test_an_interrupted_scan_is_gone_on_with(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also on another day: the batch of the first day is taken up."""
    whole = pipeline.scan_batch

    def cut(*arguments: Any, **named: Any) -> Any:
        def tell(stage: str, done: int, total: int) -> None:
            if (stage, done) == ("read", 2):
                raise KeyboardInterrupt

        return whole(*arguments, **named | {"tell": tell})

    with monkeypatch.context() as interrupted:
        interrupted.setattr(pipeline, "COMMIT_PAGES", 1)
        interrupted.setattr(pipeline, "scan_batch", cut)
        code, _out, err = run(*SCAN)
    assert code == ExitCode.INTERRUPTED
    assert "Interrupted" in err
    code, out, _err = run("scan", "box", "--template", "hue-2019")
    assert code == ExitCode.OK
    assert "Batch: 2023-02-01 box" in out
    with open_store(tmp_path / "ballotscan.sqlite") as store:
        assert [batch.name for batch in store.batches()] == ["2023-02-01 box"]


@pytest.mark.usefixtures("box")
def test_pages_that_wait_are_said(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch with pages on no sheet is not balanced, whatever is scanned beside them."""
    write_stack(tmp_path / "two" / "a.tif", [page(1, 1, seed=20), page(1, 2, seed=21)])
    same = ("--batch", "one", "--received", "2023-02-01")
    with monkeypatch.context() as interrupted:
        interrupted.setattr(pipeline, "pair_batch", lambda *arguments: None)
        run("scan", "two", "--template", "appendix-i", *same)
    code, out, _err = run("scan", "box", "--template", "hue-2019", *same)
    assert code == ExitCode.UNBALANCED
    assert "NOT BALANCED: 2 pages wait, because a scan was interrupted." in out


@pytest.mark.usefixtures("box")
def test_reread(run: Run) -> None:
    run(*SCAN)
    code, _out, err = run("reread", "2023-02-01 box ", "--db", "ballotscan.sqlite", "--template", "nix")
    assert code == ExitCode.USAGE
    assert "There is no template 'nix'" in err
    code, _out, err = run("reread", "other")
    assert code == ExitCode.USAGE
    assert "Known batches: 2023-02-01 box." in err
