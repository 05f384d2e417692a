"""The main job on the small quarter: every page and sheet has its place, no accepted answer is wrong."""

from __future__ import annotations

import csv
import json
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from ballotscan.cli import main
from ballotscan.errors import ExitCode

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
LOST_SHEET = {"scan0015.jpg", "scan0016.jpg"}
"""The sides of the sheet whose front is cut off."""

Rows = list[dict[str, str]]


def _rows(path: Path) -> Rows:
    with path.open(encoding="utf-8-sig", newline="") as lines:
        return list(csv.DictReader(lines))


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One run of scan, export and tally; the files they wrote."""
    folder = tmp_path_factory.mktemp("quarter")
    db = ["--db", str(folder / "desk.sqlite")]
    found = {name: folder / name for name in ("answers.csv", "pages.csv", "tally.json")}
    scan = ["scan", str(SAMPLES / "small-quarter"), "--template", "appendix-i", "--received", "2023-03-10"]
    assert main([*scan, "--expect", "40", "--workers", "2", *db]) == ExitCode.LEFT_OPEN
    for name in ("answers", "pages"):
        assert main(["export", name, "-o", str(found[f"{name}.csv"]), *db]) == ExitCode.OK
    return {**found, "db": folder / "desk.sqlite"}


def test_accepted_answers_are_those_meant(outcome: dict[str, Path]) -> None:
    meant = {
        (row["file"], row["page"], row["question"]): row["answer"]
        for row in _rows(SAMPLES / "small-quarter.expected.csv")
    }
    read = _rows(outcome["answers.csv"])
    assert {(row["file"], row["page"], row["question"]) for row in read} == set(meant)
    accepted = [row for row in read if row["status"] == "accepted"]
    wrong = [row for row in accepted if row["answer"] != meant[row["file"], row["page"], row["question"]]]
    assert wrong == []
    assert len(accepted) > 0.75 * len(read)


def test_sheets_are_those_that_lay_in_the_box(outcome: dict[str, Path]) -> None:
    """The questions of one sheet come from the pages of one sheet."""
    sheet_of = {
        (row["file"], row["page"]): row["sheet"] for row in _rows(SAMPLES / "small-quarter.expected.csv")
    }
    found = defaultdict(set)
    for row in _rows(outcome["answers.csv"]):
        found[row["sheet"]].add(sheet_of[row["file"], row["page"]])
    assert len(found) == 40
    assert {len(sheets) for sheets in found.values()} == {1}


def test_every_page_has_a_place(outcome: dict[str, Path]) -> None:
    listed = _rows(SAMPLES / "small-quarter.pages.csv")
    states = {(row["file"], row["page"]): row["state"] for row in _rows(outcome["pages.csv"])}
    assert states.keys() == {(row["file"], row["page"]) for row in listed}
    aside = {place for place, state in states.items() if state == "set_aside"}
    letter = {(row["file"], row["page"]) for row in listed if row["what"] == "cover letter"}
    assert aside == letter | {(file, "1") for file in LOST_SHEET}
    assert set(Counter(states.values())) == {"read", "review", "set_aside"}


def test_the_tally_is_what_a_plain_count_gives(outcome: dict[str, Path]) -> None:
    """An independent count over the exported rows, without the lost sheet: the same options and blanks."""
    arguments = ["tally", "--quarter", "2023Q1", "--json", "-o", str(outcome["tally.json"])]
    assert main([*arguments, "--db", str(outcome["db"])]) in (ExitCode.OK, ExitCode.LEFT_OPEN)
    tally = json.loads(outcome["tally.json"].read_text(encoding="utf-8"))
    (questions,) = (
        group["questions"] for form in tally["forms"] for group in form["groups"] if group["by"] == "all"
    )
    rows = [row for row in _rows(outcome["answers.csv"]) if row["reason"] != "side_unreadable"]
    counted = Counter((row["question"], row["answer"]) for row in rows if row["status"] == "accepted")
    waiting = Counter(row["question"] for row in rows if row["status"] == "review")
    for question in questions:
        name = question["id"]
        options = {option["code"]: option["count"] for option in question["options"]}
        assert options == {code: counted[name, code] for code in options}
        assert (question["blank"], question["awaiting"]) == (counted[name, ""], waiting[name])
        assert question["ballots"] == 39
        assert sum(options.values()) + question["blank"] + question["invalid"] + question["awaiting"] == 39
