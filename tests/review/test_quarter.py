"""The sample quarter from scan to audit: reviewed by two persons, tallied, verified, audited."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from ballotscan.cli import main
from ballotscan.errors import ExitCode
from ballotscan.model import Proposal, SheetId, SheetProposal, Standing
from ballotscan.store import review_queries as queries
from ballotscan.store.database import open_store
from ballotscan.store.reviews import Reviews
from tests.review.desk import PEOPLE, SAMPLES, add_people

AN, BINH, CUONG = (PEOPLE[login][0] for login in ("an", "binh", "cuong"))
Truth = Mapping[tuple[str, str, str], str]


def truth() -> Truth:
    """What was meant, by file, page and question."""
    with (SAMPLES / "small-quarter.expected.csv").open(encoding="utf-8-sig", newline="") as lines:
        return {(row["file"], row["page"], row["question"]): row["answer"] for row in csv.DictReader(lines)}


def meant(reviews: Reviews, found: Truth) -> dict[tuple[str, str], tuple[str, ...]]:
    """What was meant, by the record's sheet and question: what a person sees who looks at the paper."""
    return {
        (row.sheet, row.question): tuple(
            code for code in found[row.file, str(row.page), row.question].split("|") if code
        )
        for row in reviews.store.answer_rows()
        if (row.file, str(row.page), row.question) in found
    }


def review_all(reviews: Reviews) -> None:
    """Two persons settle everything as it was meant; of two marks they say that it is invalid."""
    for held in reviews.look(queries.doubtful_sheets):
        for who in (AN, BINH):
            reviews.propose_sheet(SheetProposal(held.sheet, "count", who, "read from the paper"))
    right = meant(reviews, truth())
    for who in (AN, BINH):
        new = []
        for row in reviews.look(queries.waiting_answers):
            codes = right[row.sheet, row.question]
            several = len(codes) > 1
            new.append(
                Proposal(row.sheet, row.question, () if several else codes, several, who, "", row.ruling)
            )
        standing = reviews.propose(new)
        assert set(standing) == {Standing.WAITS if who == AN else Standing.SETTLED}


def test_the_sample_quarter(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    database = tmp_path / "ballots.sqlite"
    db = ("--db", str(database), "--lang", "en")
    scan = (
        "scan",
        str(SAMPLES / "small-quarter"),
        "--template",
        "appendix-i",
        "--batch",
        "box",
        "--by",
        "Em",
    )
    assert (
        main([*scan, "--received", "2023-03-10", "--expect", "40", "--workers", "2", *db])
        == ExitCode.LEFT_OPEN
    )
    with open_store(database) as store:
        reviews = Reviews(store)
        add_people(reviews, tmp_path)
        review_all(reviews)
        balance = store.balance("box")
        assert (balance.sheets_review, balance.sheets_set_aside, balance.sheets_read) == (0, 0, 40)
        assert balance.holds
    capsys.readouterr()
    assert (
        main(["tally", "--quarter", "2023Q1", *db]) == ExitCode.LEFT_OPEN
    )  # a cover letter lies on no sheet
    tally = capsys.readouterr().out
    assert tally.startswith("No answer awaits review: these figures are final.")
    assert "alone" not in tally
    assert main(["verify", *db]) == ExitCode.OK
    _audit(tmp_path, db, capsys)
    assert main(["verify", *db]) == ExitCode.OK


def _audit(folder: Path, db: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    """Planned, drawn, read from the truth that lies beside the samples, reported."""
    assert main(["audit", "plan", "2023Q1", "--risk", "0.05", "--max-wrong", "10%", *db]) == ExitCode.OK
    size = int(re.search(r"Sheets to draw: (\d+)", capsys.readouterr().out)[1])  # type: ignore[index]
    draw = ("audit", "draw", "2023Q1", "--seed", "314159265358979323846")
    assert main([*draw, "-o", str(folder / "list.csv"), *db]) == ExitCode.OK
    _fill_in(folder / "list.csv", folder / "ballots.sqlite")
    assert main(["audit", "enter", str(folder / "list.csv"), "--by", AN, *db]) == ExitCode.USAGE
    assert "no account as auditor" in capsys.readouterr().err
    assert main(["audit", "enter", str(folder / "list.csv"), "--by", CUONG, *db]) == ExitCode.OK
    capsys.readouterr()
    code = main(["audit", "report", "2023Q1", *db])
    report = capsys.readouterr().out
    assert code == ExitCode.OK, report
    assert f"{size} of 40 sheets drawn; read by {CUONG}" in report
    assert "Wrong: 0, of these not found: 0." in report
    assert "With 95% confidence at most 4 of 40 sheets (10.00 %) are wrong." in report
    assert re.search(r"The satisfaction index of \d+\.\d\d % is right within ±\d+\.\d\d points", report)


def _fill_in(path: Path, database: Path) -> None:
    """Write into the list what the paper says, as an office's auditor would."""
    with open_store(database, create=False) as store:
        right = meant(Reviews(store), truth())
    with path.open(encoding="utf-8-sig", newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert {row["answer"] for row in rows} == {""}  # blind
    for row in rows:
        codes = right[SheetId(row["sheet"]), row["question"]]
        row["answer"] = "invalid" if len(codes) > 1 else "|".join(codes) or "blank"
    with path.open("w", encoding="utf-8", newline="") as written:
        filled = csv.DictWriter(written, list(rows[0]))
        filled.writeheader()
        filled.writerows(rows)
