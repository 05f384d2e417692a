"""From the deck's PDF to a batch scanned under the profile, as an office does it."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pypdfium2
import pytest

from ballotscan import pipeline, worklist
from ballotscan.calibration import read_profile, write_profile
from ballotscan.cli import main
from ballotscan.errors import BallotscanError, ExitCode
from ballotscan.rules.scanner import Verdict
from ballotscan.settings import shipped
from ballotscan.store.database import open_store
from tests.cli.stub_reader import PoolHere, page, read_stub, write_stack
from tests.simulator.conditions import CLEAN
from tests.simulator.deck import scan_deck, write_scan
from tests.simulator.make_profiles import make_all

Run = Callable[..., tuple[int, str, str]]
SCAN = ("scan", "box", "--template", "hue-2019", "--received", "2023-02-01")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Calls the program in an empty folder; ballots are read by a stub, the deck by the real reader."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(pipeline, "WorkerPool", PoolHere)
    monkeypatch.setattr(worklist, "still_written", lambda path: None)
    scan_batch = pipeline.scan_batch
    monkeypatch.setattr(pipeline, "scan_batch", lambda *a, **k: scan_batch(*a, **k, read=read_stub))

    def call(*arguments: str, lang: str = "en") -> tuple[int, str, str]:
        capsys.readouterr()
        code = main([*arguments, "--lang", lang])
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return code, said.out, said.err

    return call


@pytest.fixture
def box(tmp_path: Path) -> Path:
    return write_stack(tmp_path / "box" / "1.png", [page(2, option=1)]).parent


@pytest.fixture(scope="module")
def good_scan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("good")
    return write_scan(scan_deck(CLEAN, 200, 8), folder, dpi_tag=200)


def today() -> datetime:
    return datetime.now().astimezone()


def keep(folder: Path, name: str, *, days_ago: int = 0, verdict: Verdict = Verdict.PASS) -> Path:
    """A profile in an office's folder, from the example that ships."""
    example = read_profile(shipped("calibration") / "example-good.toml").profile
    day = (today() - timedelta(days=days_ago)).date()
    return write_profile(replace(example, name=name, day=day, verdict=verdict), folder)


def test_the_deck_is_a_pdf_of_two_pages(run: Run, tmp_path: Path) -> None:
    code, out, _err = run("calibrate", "deck", "-o", "deck.pdf")
    assert code == ExitCode.OK
    assert "deck.pdf: written." in out
    with pypdfium2.PdfDocument(tmp_path / "deck.pdf") as document:
        assert [tuple(round(mm * 25.4 / 72) for mm in page.get_size()) for page in document] == [
            (210, 297)
        ] * 2


def test_deck_that_cannot_be_written(run: Run) -> None:
    code, _out, err = run("calibrate", "deck", "-o", "no/such/deck.pdf")
    assert code == ExitCode.NOTHING_DONE
    assert "deck.pdf: the file cannot be written" in err


def test_a_good_scanner(run: Run, tmp_path: Path, good_scan: Path) -> None:
    code, out, _err = run("calibrate", "scan", str(good_scan), "--name", "fi-8170")
    assert code == ExitCode.OK
    assert "fi-8170 is fit to scan ballots." in out
    assert "NOT GOOD" not in out
    kept = read_profile(tmp_path / "calibration" / "fi-8170.toml")
    assert (kept.profile.name, kept.profile.verdict) == ("fi-8170", Verdict.PASS)
    assert kept.profile.day == today().date()
    assert kept.profile.measures.dpi_x == pytest.approx(200, abs=0.3)


def test_a_bad_scanner_in_vietnamese(run: Run, tmp_path: Path) -> None:
    scan = write_scan(scan_deck(replace(CLEAN, lamp=(0.5, 0.5)), 150, 8), tmp_path / "bad", dpi_tag=150)
    code, out, _err = run("calibrate", "scan", str(scan), "--name", "old", lang="vi")
    assert code == ExitCode.UNBALANCED
    assert "fit" not in out
    assert "old KHÔNG" in out
    assert read_profile(tmp_path / "calibration" / "old.toml").profile.verdict is Verdict.FAIL


def test_a_doubtful_scanner(run: Run, tmp_path: Path) -> None:
    scan = write_scan(scan_deck(CLEAN, 200, 8), tmp_path / "some", dpi_tag=300, quality=60)
    code, out, _err = run("calibrate", "scan", str(scan), "--name", "fi")
    assert code == ExitCode.LEFT_OPEN
    assert "doubtful: JPEG quality (estimated): 60 (good: ≥ 75)" in out


def test_no_deck(run: Run, box: Path) -> None:
    code, _out, err = run("calibrate", "scan", str(box), "--name", "fi")
    assert code == ExitCode.NOTHING_DONE
    assert "side 1, 2 of the test deck was not found" in err


def test_name_that_is_none(run: Run, good_scan: Path) -> None:
    code, _out, err = run("calibrate", "scan", str(good_scan), "--name", "../fi")
    assert code == ExitCode.USAGE
    assert "is not a name for a scanner" in err


@pytest.mark.usefixtures("box")
def test_a_batch_records_its_profile(run: Run, tmp_path: Path) -> None:
    path = keep(tmp_path, "fi")
    code, _out, _err = run(*SCAN, "--calibration", "fi")
    assert code == ExitCode.OK
    kept = read_profile(path)
    with open_store(tmp_path / "ballotscan.sqlite") as store:
        assert store.calibrations("2023-02-01 box") == (f"fi {kept.sha256}",)
        assert store.original_path(kept.sha256).read_bytes() == path.read_bytes()
        assert store.verify_chain().fault == ""
        assert store.check_projections() == ()


@pytest.mark.usefixtures("box")
def test_another_profile_is_recorded_beside_the_first(run: Run, tmp_path: Path, box: Path) -> None:
    keep(tmp_path, "one")
    keep(tmp_path, "two")
    run(*SCAN, "--calibration", "one")
    run(*SCAN, "--calibration", "one")
    write_stack(box / "2.png", [page(2, option=2, seed=9)])
    run(*SCAN, "--calibration", "two")
    with open_store(tmp_path / "ballotscan.sqlite") as store:
        assert [label.split()[0] for label in store.calibrations("2023-02-01 box")] == ["one", "two"]


@pytest.mark.usefixtures("box")
def test_no_profile_is_asked_for_by_default(run: Run, tmp_path: Path) -> None:
    code, _out, _err = run(*SCAN)
    assert code == ExitCode.OK
    with open_store(tmp_path / "ballotscan.sqlite") as store:
        assert store.calibrations("2023-02-01 box") == ()


@pytest.mark.usefixtures("box")
@pytest.mark.parametrize(
    ("profile", "arguments", "complaint"),
    [
        ({}, ("--calibration", "none"), "There is no scanner's profile 'none'. Known profiles: example-good"),
        ({"verdict": Verdict.FAIL}, ("--calibration", "fi"), "failed its check of"),
    ],
)
def test_a_profile_that_cannot_serve(
    run: Run, tmp_path: Path, profile: dict[str, Verdict], arguments: tuple[str, ...], complaint: str
) -> None:
    keep(tmp_path, "fi", **profile)  # type: ignore[arg-type]
    code, _out, err = run(*SCAN, *arguments)
    assert code == ExitCode.USAGE
    assert complaint in err
    assert len(err.strip().splitlines()) == 1
    assert not (tmp_path / "ballotscan.sqlite").exists()


@pytest.mark.usefixtures("box")
@pytest.mark.parametrize(
    ("days_ago", "arguments", "complaint"),
    [
        (0, (), "no profile is named"),
        (1, ("--calibration", "fi"), "was last checked on"),
        (0, ("--calibration", "example-good"), "was last checked on"),
    ],
)
def test_the_daily_check_is_demanded(
    run: Run, tmp_path: Path, days_ago: int, arguments: tuple[str, ...], complaint: str
) -> None:
    (tmp_path / "ballotscan.toml").write_text("daily_check = true\n", encoding="utf-8")
    keep(tmp_path, "fi", days_ago=days_ago)
    code, _out, err = run(*SCAN, *arguments)
    assert code == ExitCode.USAGE
    assert complaint in err
    assert "ballotscan calibrate scan" in err
    assert not (tmp_path / "ballotscan.sqlite").exists()


@pytest.mark.usefixtures("box")
def test_the_daily_check_was_made(run: Run, tmp_path: Path) -> None:
    (tmp_path / "ballotscan.toml").write_text("daily_check = true\n", encoding="utf-8")
    keep(tmp_path, "fi", verdict=Verdict.WARN)
    assert run(*SCAN, "--calibration", "fi")[0] == ExitCode.OK


@pytest.mark.parametrize("value", ['"yes"', "1", '"true"'])
def test_daily_check_is_true_or_false(run: Run, tmp_path: Path, value: str) -> None:
    (tmp_path / "ballotscan.toml").write_text(f"daily_check = {value}\n", encoding="utf-8")
    code, _out, err = run(*SCAN)
    assert code == ExitCode.USAGE
    assert "'daily_check' must be true or false" in err


@pytest.mark.parametrize("text", ["", "name = 1", "no toml at all", "format = 1\n[measures]\n"])
def test_a_damaged_profile(tmp_path: Path, text: str) -> None:
    path = tmp_path / "fi.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BallotscanError, match=r"fi\.toml: this is not a scanner's profile"):
        read_profile(path)


def test_the_examples_are_what_their_command_makes(tmp_path: Path) -> None:
    make_all(tmp_path)
    for name in ("example-good", "example-worn"):
        made = read_profile(tmp_path / "calibration" / f"{name}.toml").profile
        kept = read_profile(shipped("calibration") / f"{name}.toml").profile
        assert (made.verdict, made.day, made.name) == (kept.verdict, kept.day, kept.name)
        assert made.measures.gamma == pytest.approx(kept.measures.gamma, abs=0.02)
        assert made.measures.lamp_loss == pytest.approx(kept.measures.lamp_loss, abs=0.01)
        assert len(made.measures.dark_streaks_mm) == len(kept.measures.dark_streaks_mm)
        assert {c.name: c.verdict for c in made.checks} == {c.name: c.verdict for c in kept.checks}


def test_a_profile_comes_back_as_it_was_written(tmp_path: Path) -> None:
    profile = read_profile(shipped("calibration") / "example-worn.toml").profile
    bare = replace(profile, measures=replace(profile.measures, dpi_tag=None, jpeg_quality=None))
    path = write_profile(bare, tmp_path)
    assert read_profile(path).profile == bare
    assert tomllib.loads(path.read_text(encoding="utf-8"))["format"] == 1
