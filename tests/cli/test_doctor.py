"""``ballotscan doctor``: one line for each thing, a remedy for each fault, and nothing is changed."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from ballotscan.cli import doctor, main
from ballotscan.errors import ExitCode
from ballotscan.intake.sandbox import Walls, available
from ballotscan.store.database import open_store
from tests.unit.tally.stored import batch_settings, fill

Doctor = Callable[..., tuple[int, list[str]]]
NO_ROOM = SimpleNamespace(free=5e7)
LONG_AGO = SimpleNamespace(now=lambda _zone: datetime(1970, 1, 2, tzinfo=UTC))


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Doctor:
    """Ask about a database in a folder of its own; a worker's answer is not tried out each time."""
    for name in ("BALLOTSCAN_DB", "BALLOTSCAN_SETTINGS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "office").mkdir(mode=0o700)
    both = [("try", Walls(files=True, network=True))]
    monkeypatch.setattr("ballotscan.intake.workers.run_tasks", lambda *_arguments: both)

    def call(*arguments: str, lang: str = "en") -> tuple[int, list[str]]:
        capsys.readouterr()
        code = main(["doctor", "--db", "office/box.sqlite", *arguments, "--lang", lang])
        said = capsys.readouterr()
        assert said.err == ""
        return code, said.out.splitlines()

    return call


def make(database: Path) -> Path:
    with open_store(database) as store:
        fill(store, batch_settings("box"), ["1 1 2 1 1"])
    return database


def test_all_is_well(ask: Doctor, tmp_path: Path) -> None:
    database = make(tmp_path / "office" / "box.sqlite")
    with open_store(database) as store:
        before = store.head()
    code, lines = ask()
    assert code == ExitCode.OK
    assert {line.split()[0] for line in lines} <= {"ok", "WARNING"}
    said = "\n".join(lines)
    for word in ("SQLite", "no network", "Poppler", "Tesseract", "appendix-i", "GB free", "clock", "whole"):
        assert word in said
    with open_store(database) as store:
        assert store.head() == before
    assert "đồng hồ" in "\n".join(ask(lang="vi")[1]).casefold()


def test_before_the_first_scan(ask: Doctor, tmp_path: Path) -> None:
    code, lines = ask()
    assert code == ExitCode.OK
    assert "no database yet" in lines[-1]
    assert list((tmp_path / "office").iterdir()) == []


@pytest.mark.parametrize(
    ("name", "answer", "words"),
    [
        ("shutil.which", lambda _name: None, ["apt install poppler-utils", "tesseract-ocr-vie", "PDFium"]),
        ("shutil.disk_usage", lambda _path: SimpleNamespace(free=2e9), ["2.0 GB free", "Make room"]),
        ("_said", lambda *_command: "eng", ["lacks its language data: vie", "tesseract-ocr-vie"]),
    ],
)
def test_what_can_be_better_is_said_with_its_remedy(
    ask: Doctor, monkeypatch: pytest.MonkeyPatch, name: str, answer: object, words: list[str]
) -> None:
    monkeypatch.setattr(f"ballotscan.cli.doctor.{name}", answer)
    code, lines = ask()
    assert code == ExitCode.OK
    warned = "\n".join(line for line in lines if line.startswith("WARNING"))
    for word in words:
        assert word in warned


@pytest.mark.skipif(sys.platform == "win32", reason="rights of POSIX")
def test_a_folder_open_to_others(ask: Doctor, tmp_path: Path) -> None:
    make(tmp_path / "office" / "box.sqlite").chmod(0o644)
    code, lines = ask()
    assert code == ExitCode.OK
    assert [line for line in lines if "chmod go-rwx" in line]


@pytest.mark.parametrize(
    ("name", "answer", "words"),
    [
        ("ballotscan.store.disks.network_drive", lambda _path: "nfs4", ["network drive (nfs4)"]),
        ("ballotscan.cli.doctor.shutil.disk_usage", lambda _path: NO_ROOM, ["0.1 GB free"]),
        ("ballotscan.cli.doctor._damage", lambda _path: "row", ["does not verify", "ballotscan verify"]),
        ("ballotscan.cli.doctor.datetime", LONG_AGO, ["clock is behind: it shows 19"]),
    ],
)
def test_what_must_be_mended_first(
    ask: Doctor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, answer: object, words: list[str]
) -> None:
    make(tmp_path / "office" / "box.sqlite")
    monkeypatch.setattr(name, answer)
    code, lines = ask()
    assert code == ExitCode.NOTHING_DONE
    faults = "\n".join(line for line in lines if line.startswith("FAULT"))
    for word in words:
        assert word in faults


def test_a_record_that_was_changed(ask: Doctor, tmp_path: Path) -> None:
    with closing(sqlite3.connect(make(tmp_path / "office" / "box.sqlite"))) as connection, connection:
        connection.execute("UPDATE answers SET codes = '9'")
    code, lines = ask()
    assert code == ExitCode.NOTHING_DONE
    assert "does not verify" in lines[-1]


def test_a_file_that_is_no_database(ask: Doctor, tmp_path: Path) -> None:
    (tmp_path / "office" / "box.sqlite").write_bytes(b"no database" * 100)
    code, lines = ask()
    assert code == ExitCode.NOTHING_DONE
    assert lines[-1].startswith("FAULT")


def test_walls_are_tried_out_in_a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = SimpleNamespace()
    [found] = doctor._walls(settings)  # type: ignore[arg-type]
    has = available()
    assert (found.level == "ok") == (has.files and has.network)
    monkeypatch.setattr("ballotscan.intake.workers.run_tasks", lambda *_arguments: [("try", Walls())])
    [found] = doctor._walls(settings)  # type: ignore[arg-type]
    assert "Landlock" in found.text
    assert found.level == "warn"
