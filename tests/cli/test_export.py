"""``ballotscan export`` and ``ballotscan import rulings``, as a clerk runs them."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from ballotscan.cli import main
from ballotscan.store.database import open_store
from tests.unit.store.makers import database, fill
from tests.unit.store.test_rulings import form


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a database of two batches, and nothing set."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BALLOTSCAN_DB", str(database(tmp_path)))
    monkeypatch.delenv("BALLOTSCAN_SETTINGS", raising=False)
    with open_store(database(tmp_path)) as store:
        store.keep_form(form())
        fill(store)
        fill(store, name="late")
    return tmp_path


def run(*arguments: str) -> int:
    return main(["--lang", "en", *arguments])


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_answers_of_all_or_of_a_batch(office: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("export", "answers", "-o", "a.csv") == 0
    assert capsys.readouterr().out == "a.csv: 18 rows written.\n"
    assert run("export", "answers", "-o", "a.csv", "--batch", "late") == 0
    assert {row["batch"] for row in rows(office / "a.csv")} == {"late"}
    assert run("export", "answers", "-o", "a.csv", "--quarter", "2023Q1") == 0
    assert len(rows(office / "a.csv")) == 18
    assert run("export", "answers", "-o", "a.csv", "--quarter", "2023Q2") == 0
    assert rows(office / "a.csv") == []
    assert run("export", "answers", "-o", "w.csv", "--wide") == 0
    assert len(rows(office / "w.csv")) == 6
    assert run("export", "pages", "-o", "p.csv") == 0
    assert len(rows(office / "p.csv")) == 6


def test_review_filled_in_and_imported(office: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("export", "review", "-o", "review.csv") == 0
    waiting = rows(office / "review.csv")
    assert len(waiting) == 2
    with Path("filled.csv").open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, waiting[0], delimiter=";")
        writer.writeheader()
        writer.writerows(row | {"ruling": "4"} for row in waiting)
    capsys.readouterr()
    assert run("import", "rulings", "filled.csv", "--by", "Lan") == 2
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "filled.csv: row 2, column ruling_reason: a reason is missing."
    assert said[-1].startswith("Error: filled.csv: 2 rows are wrong; nothing was imported.")
    for added in (2, 0):
        assert run("import", "rulings", "filled.csv", "--by", "Lan", "--reason", "the board") == 0
        out = capsys.readouterr().out
        assert f"{added} rulings added, {2 - added} known already" in out
        assert "Answers that still await review: 0." in out
    assert run("export", "answers", "-o", "a.csv") == 0
    assert [row["outcome"] for row in rows(office / "a.csv")].count("ruled") == 2


FAULTS = [
    (["export", "answers", "-o", "a.csv", "--batch", "nowhere"], 2, "There is no batch 'nowhere'"),
    (["export", "answers", "-o", "a.csv", "--quarter", "yesterday"], 2, "'yesterday' is not a period"),
    (["export", "answers", "-o", "no/where/a.csv"], 4, "the file cannot be written"),
    (["export", "answers", "-o", "ballots.sqlite"], 2, "ballots.sqlite: this exists and is no CSV file"),
    (["export", "pages", "-o", "a.csv", "--db", "none.sqlite"], 4, "none.sqlite: there is no database here"),
    (["import", "rulings", "none.csv", "--by", "Lan"], 2, "none.csv: the file cannot be read"),
    (["import", "rulings", "none.csv", "--by", " "], 2, "--by: the name is empty"),
    (["import", "rulings", "none.csv"], 2, "--by is missing"),
]


@pytest.mark.parametrize(("arguments", "code", "line"), FAULTS)
def test_faults_are_one_clear_line(
    office: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, line: str
) -> None:
    assert run(*arguments) == code
    said = capsys.readouterr().err
    assert line in said
    assert said.count("\n") == 1
    assert not (office / "none.sqlite").exists()
