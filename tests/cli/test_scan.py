"""``ballotscan scan`` from end to end, with the real reader: damage, a second run, cut-offs."""

from __future__ import annotations

import io
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import img2pdf
import numpy as np
import pikepdf
import pytest
from numpy.typing import NDArray
from PIL import Image

from ballotscan.cli import main
from ballotscan.errors import ExitCode
from ballotscan.forms.load import shipped_templates
from ballotscan.forms.prints import load_print
from ballotscan.store.database import open_store
from tests.bench.pages import base_of, crossed
from tests.simulator.sheets import scan_unwritten

SHEETS, CUT, FEW = 100, 37, 70
SCAN = ("scan", "stack.pdf", "--template", "hue-2019", "--batch", "box", "--received", "2023-02-01")
_BASES = 4  # pages from the simulator, on which nobody wrote; crosses of its own are drawn on each sheet
_DPI = 170


@pytest.fixture(scope="module")
def stack() -> list[bytes]:
    """The pages of 100 ordinary sheets as JPEGs, no two of one hand: what looks alike would be held back."""
    blank = load_print(shipped_templates() / "hue-2019")
    bases = [base_of(side) for seed in range(_BASES) for side in scan_unwritten(blank, seed, "clean")]
    return [_as_jpeg(crossed(bases[number % _BASES], number)) for number in range(SHEETS)]


def _as_jpeg(grey: NDArray[np.uint8]) -> bytes:
    """A page of 300 dpi as a JPEG of _DPI."""
    page = Image.fromarray(grey)
    small = page.resize((page.width * _DPI // 300, page.height * _DPI // 300), Image.Resampling.LANCZOS)
    encoded = io.BytesIO()
    small.save(encoded, "JPEG", quality=80, dpi=(_DPI, _DPI))
    return encoded.getvalue()


def write_pdf(path: Path, pages: list[bytes], cut: int | None = None) -> None:
    """One PDF with an image a page, as scanners write it; page ``cut`` ends in the middle of its image."""
    whole = img2pdf.convert(pages)
    with pikepdf.open(io.BytesIO(whole)) as pdf:
        if cut is not None:
            [image] = pdf.pages[cut - 1].Resources.XObject.values()
            image.write(image.read_raw_bytes()[: len(pages[cut - 1]) // 2], filter=pikepdf.Name.DCTDecode)
        pdf.save(path)


def export(what: str, name: str) -> bytes:
    assert main(["export", what, "-o", name]) == ExitCode.OK
    return Path(name).read_bytes()


def test_a_hundred_sheets_with_one_cut_off(
    tmp_path: Path, stack: list[bytes], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_pdf(Path("stack.pdf"), stack, CUT)

    assert main([*SCAN, "--expect", str(SHEETS), "--lang", "en"]) == ExitCode.LEFT_OPEN
    said = capsys.readouterr().out
    assert "stack.pdf, page 37: the page's image is cut off. Scan this page again." in said
    assert "Sheets: 100 = 99 read + 0 in review + 0 void + 1 set aside + 0 incomplete" in said
    first = export("answers", "a.csv"), export("pages", "p.csv")
    with open_store("ballotscan.sqlite") as store:
        chain = store.verify_chain()
        pages = list(store.page_rows())
        in_review = {(row.page, row.outcome, row.reason) for row in store.answer_rows(in_review=True)}
    assert [row.page for row in pages] == list(range(1, SHEETS + 1))
    assert [(row.page, row.reason) for row in pages if row.state != "read"] == [(CUT, "cut_off")]
    assert in_review == {(CUT, "unreadable", "cut_off")}

    assert main([*SCAN, "--expect", str(SHEETS), "--lang", "en"]) == ExitCode.LEFT_OPEN
    assert "Nothing added." in capsys.readouterr().out
    with open_store("ballotscan.sqlite") as store:
        assert store.verify_chain() == chain
    assert (export("answers", "a.csv"), export("pages", "p.csv")) == first


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory, stack: list[bytes]) -> tuple[Path, Counter[str]]:
    """A stack of some sheets and all rows that come of it in one go."""
    folder = tmp_path_factory.mktemp("whole")
    write_pdf(folder / "stack.pdf", stack[:FEW])
    process = start(folder)
    assert process.wait(120) == ExitCode.OK
    return folder / "stack.pdf", rows(folder)


def start(folder: Path) -> subprocess.Popen[bytes]:
    command = [Path(sys.executable).with_name("ballotscan"), *SCAN]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def rows(folder: Path) -> Counter[str]:
    with open_store(folder / "ballotscan.sqlite") as store:
        assert store.balance("box").holds
        return Counter(map(str, [*store.page_rows(), *store.sheet_rows(), *store.answer_rows()]))


def pages_stored(folder: Path) -> int:
    """Looked at from outside, without taking any lock for long."""
    try:
        with sqlite3.connect(f"file:{folder / 'ballotscan.sqlite'}?mode=ro", uri=True) as database:
            return int(database.execute("SELECT count(*) FROM pages").fetchone()[0])
    except sqlite3.OperationalError:
        return 0


def _interrupt(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGINT)


def _kill(process: subprocess.Popen[bytes]) -> None:
    process.kill()


@pytest.mark.skipif(os.name == "nt", reason="signals")
@pytest.mark.parametrize(("end", "code"), [(_interrupt, ExitCode.INTERRUPTED), (_kill, -signal.SIGKILL)])
def test_cut_off_in_the_middle(
    tmp_path: Path,
    uninterrupted: tuple[Path, Counter[str]],
    end: Callable[[subprocess.Popen[bytes]], None],
    code: int,
) -> None:
    pdf, whole = uninterrupted
    (tmp_path / "stack.pdf").write_bytes(pdf.read_bytes())
    process = start(tmp_path)
    deadline = time.monotonic() + 60
    while pages_stored(tmp_path) < 3 and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    end(process)
    assert process.wait(30) == code
    assert 0 < pages_stored(tmp_path) < FEW, "it was not cut off in the middle"
    assert start(tmp_path).wait(120) == ExitCode.OK
    assert rows(tmp_path) == whole
