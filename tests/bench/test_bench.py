"""The bench measures what it says. Nothing here compares times: a busy machine must not fail a test."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ballotscan.intake.files import open_source
from tests.bench import measure, pages, report
from tests.bench.__main__ import scan

FIGURES = {
    "decode_ms": 10.0,
    "read_ms": 13.0,
    "pages": 240,
    "rounds": 3,
    "cores": 2,
    "scan_jpeg_ms": 20.0,
    "scan_pdf_ms": 22.0,
    "scan_tiff_ms": 40.0,
    "scan_colour_ms": 30.0,
    "pages_s_1": 20.0,
    "pages_s_2": 37.0,
    "memory_few_mb": 400.0,
    "memory_many_mb": 500.0,
    "memory_pages": 960,
    "pages_s_many": 40.0,
    "first_s": 2.0,
    "help_s": 0.2,
    "help_cpu_s": 0.2,
    "tally_s": 1.7,
    "tally_cpu_s": 1.6,
}


@pytest.fixture
def plain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stacks drawn on a sample, in a folder of the test's own."""
    sample = np.asarray(Image.open(pages.ROOT / "samples" / "plain.jpg").convert("L"))
    box = np.array([[100.0, 100.0], [140.0, 100.0], [140.0, 140.0], [100.0, 140.0]])
    bases = (pages.Base(sample, tuple(("Q", box + np.array([60.0 * place, 0.0])) for place in range(5))),)
    monkeypatch.setattr(pages, "WORK", tmp_path)
    monkeypatch.setattr(pages, "bases", lambda: bases)


@pytest.mark.usefixtures("plain")
def test_every_page_has_marks_of_its_own_and_always_the_same() -> None:
    first, second = pages.page(0), pages.page(1)
    assert (first == pages.page(0)).all()
    assert (first != second).any()
    changed = np.argwhere(first != pages.bases()[0].grey)
    assert (changed.min(axis=0) > 85).all()
    assert changed.max(axis=0)[0] < 155


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("kind", pages.KINDS)
def test_a_stack_has_all_its_pages_and_the_same_in_every_kind(kind: str) -> None:
    folder = pages.stack(kind, 3)
    shapes = []
    for path in sorted(folder.iterdir()):
        with open_source(path) as file:
            shapes += [file.page(number + 1).grey.shape for number in range(file.page_count)]
    assert len(shapes) == 3
    assert len(set(shapes)) == 1
    assert shapes[0][0] > 2000, "full size"


@pytest.mark.usefixtures("plain")
def test_the_whole_program_is_measured() -> None:
    found = scan(pages.stack("jpeg", 2), workers=1)
    assert "2 in" in found.out
    assert found.cpu_s > 0
    assert found.wall_s > 0
    assert found.peak_mb > 20 or not Path("/proc/self/statm").exists()


def test_memory_and_cpu_of_children_count() -> None:
    work = "x = bytearray(200_000_000); sum(range(9**7)); import time; time.sleep(0.3)"
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', '{work}'])"
    if not Path("/proc/self/statm").exists():
        pytest.skip("memory is looked at on Linux only")
    found = measure.run([sys.executable, "-c", child])
    assert found.peak_mb > 200
    assert found.cpu_s > 0.05


def test_a_program_that_fails_is_not_measured() -> None:
    with pytest.raises(RuntimeError, match="exit code 2"):
        measure.run([sys.executable, "-c", "raise SystemExit(2)"])


def test_what_is_missed_is_said() -> None:
    rows = report.table(FIGURES)
    assert [row for row in rows if "not met" in row and "memory" not in row and "100 pages" not in row] == [
        "| `tally` of the small quarter | 1.70 s | 1.5 s | not met |"
    ]
    assert "| against 100 pages | 1.25× | 1.1× | not met |" in rows
    assert "| two cores against one | 1.85× | 1.8× | met |" in rows


def test_a_recorded_run_is_added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, marks in (("SPEED", ("figures", "profile", "peers")), ("README", ("how fast",))):
        text = "".join(f"<!-- {mark} -->\nold\n<!-- end of {mark} -->\n" for mark in marks)
        (tmp_path / name).write_text(text, encoding="utf-8")
        monkeypatch.setattr(report, name, tmp_path / name)
    monkeypatch.setattr(report, "RESULTS", tmp_path / "results.json")
    assert report.kept_ratio() is None
    report.record(FIGURES)
    report.record(FIGURES | {"read_ms": 14.0})
    runs = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert [run["reader"] for run in runs] == [1.3, 1.4]
    assert report.kept_ratio() == 1.4
    written = (tmp_path / "SPEED").read_text(encoding="utf-8")
    assert "1.40× decoding" in written
    assert written.count("\nold\n") == 1, "the profile is not touched"
    report.write_profile(({"decode": 3.0}, {"store": 1.0}))
    assert "| `decode` | 3.00 | 100% |" in (tmp_path / "SPEED").read_text(encoding="utf-8")


def test_nothing_of_the_machine_but_its_kind_is_kept() -> None:
    for run in report.history():
        assert "/" not in json.dumps(run)
