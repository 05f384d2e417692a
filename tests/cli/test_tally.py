"""``ballotscan tally`` on a small stored quarter: what it prints, and with which exit code."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from ballotscan.cli import main
from ballotscan.errors import ExitCode
from ballotscan.store.database import Store, open_store
from ballotscan.store.rows import CountedSheet, SheetAnswers
from tests.unit.tally.stored import batch_settings, fill

FINAL = ["1 1 2 1 1", "1 2 - 1 2", "2 2 3 13 1", "3 - - 2 3"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An office's folder, with no language and no settings of the machine's own."""
    monkeypatch.chdir(tmp_path)
    for name in ("BALLOTSCAN_DB", "BALLOTSCAN_SETTINGS", "LC_ALL", "LC_MESSAGES", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "C.UTF-8")
    return tmp_path


def stored(folder: Path, ballots: list[str], set_aside: int = 0, **changes: object) -> None:
    with open_store(folder / "ballotscan.sqlite") as store:
        fill(store, batch_settings(f"box {len(store.batches()) + 1}", **changes), ballots, set_aside)


def figures(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict:  # type: ignore[type-arg]
    main(["tally", "--json", *arguments])
    return json.loads(capsys.readouterr().out)  # type: ignore[no-any-return]


def test_a_final_quarter(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stored(folder, FINAL)
    assert main(["tally", "--quarter", "2023Q1"]) == ExitCode.OK
    lines = capsys.readouterr().out.splitlines()
    assert "final" in lines[0]
    assert "2022-12-15 to 2023-03-14" in lines[1]
    assert "nd09" in lines[1]
    assert any("Rất hài lòng" in line and line.split()[-3:] == ["2", "50.00", "50.00"] for line in lines)


def test_review_is_said_first_and_not_counted(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stored(folder, [*FINAL, "?1 ?1 1 1 1", "?2 1 1 1 1"])
    assert main(["tally", "--quarter", "2023Q1"]) == ExitCode.LEFT_OPEN
    first = capsys.readouterr().out.splitlines()[0]
    assert "PROVISIONAL" in first
    assert "3 answers on 2 sheets" in first
    found = figures(capsys, "--quarter", "2023Q1")
    assert found["awaiting"] == {"answers": 3, "sheets": 2}
    question = found["forms"][0]["groups"][0]["questions"][0]
    assert (question["ballots"], question["answered"], question["awaiting"]) == (6, 4, 2)


def test_json_holds_every_figure(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stored(folder, FINAL)
    stored(folder, ["3 3 3 3 3"], channel="kiosk", set_aside=2)
    found = figures(capsys, "--quarter", "2023Q1")
    assert found["period"] == {"name": "2023Q1", "rule": "nd09", "first": "2022-12-15", "last": "2023-03-14"}
    assert [batch["pages"]["set_aside"] for batch in found["batches"]] == [0, 2]
    groups = {(group["by"], group["value"]): group for group in found["forms"][0]["groups"]}
    assert list(groups) == [("all", ""), ("channel", "hom-phieu"), ("channel", "kiosk")]
    h4 = groups["all", ""]["questions"][3]
    assert [option["count"] for option in h4["options"]] == [2, 1, 1]
    assert (h4["answered"], h4["blank"], h4["invalid"], h4["awaiting"]) == (4, 0, 1, 0)
    assert h4["options"][0]["share_of_answers"] == 50.0
    assert h4["options"][0]["share_of_ballots"] == 40.0
    whole = groups["channel", "hom-phieu"]["indices"][-1]
    assert (whole["level"], whole["satisfied"], whole["answers"], whole["ballots"]) == ("all", 13, 16, 20)


def test_csv_has_a_mark_for_excel_and_the_same_figures(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stored(folder, FINAL, channel="=cmd()")
    target = folder / "quý 1.csv"
    assert main(["tally", "--quarter", "2023Q1", "--csv", "-o", str(target)]) == ExitCode.OK
    assert target.read_bytes().startswith("\ufeff".encode())
    text = target.read_text(encoding="utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert {row["group"] for row in rows if row["by"] == "channel"} == {"'=cmd()"}
    found = figures(capsys, "--quarter", "2023Q1")
    for question in found["forms"][0]["groups"][0]["questions"]:
        mine = [
            row
            for row in rows
            if (row["by"], row["item"], row["level"]) == ("all", question["id"], "question")
        ]
        counts = {row["code"] or row["line"]: int(row["count"]) for row in mine}
        expected = {option["code"]: option["count"] for option in question["options"]}
        assert counts == expected | {
            name: question[name] for name in ("answered", "blank", "invalid", "awaiting")
        }
        assert all(row["share_of_ballots"] == str(100.0 * int(row["count"]) / 4) for row in mine)
    assert main(["tally", "--quarter", "2023Q1", "--csv"]) == ExitCode.OK
    assert capsys.readouterr().out == "\ufeff" + text.replace("\n", "\r\n")


def test_a_period_takes_the_batches_received_in_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for day in ("2022-12-14", "2022-12-15", "2023-03-14", "2023-03-15"):
        stored(folder, FINAL, received=day)

    def days(*arguments: str) -> list[str]:
        return [batch["received"] for batch in figures(capsys, *arguments)["batches"]]

    assert days("--quarter", "2023Q1") == ["2022-12-15", "2023-03-14"]
    assert days("--quarter", "2023Q1", "--rule", "calendar") == ["2023-03-14", "2023-03-15"]
    assert days("--quarter", "2022-12-14..2022-12-14") == ["2022-12-14"]
    assert days("--batch", "box 4") == ["2023-03-15"]
    (folder / "ballotscan.toml").write_text('period_rule = "calendar"\n', encoding="utf-8")
    assert days("--quarter", "2023Q1") == ["2023-03-14", "2023-03-15"]


def test_nothing_to_count_is_said_with_what_there_is(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["tally", "--quarter", "2023Q1"]) == ExitCode.NOTHING_DONE
    assert "ballotscan.sqlite" in capsys.readouterr().err
    assert not (folder / "ballotscan.sqlite").exists()
    stored(folder, FINAL)
    assert main(["tally", "--quarter", "2024Q1"]) == ExitCode.NOTHING_DONE
    assert "2023-03-01" in capsys.readouterr().err
    assert main(["tally", "--batch", "box 9"]) == ExitCode.USAGE
    assert "box 1" in capsys.readouterr().err


WRONG = ("", "--quarter Q1", "--quarter 2023Q1 --rule lunar", "--batch x --csv --json", "--batch x --by day")


@pytest.mark.parametrize("arguments", WRONG)
def test_wrong_use_is_one_line(folder: Path, capsys: pytest.CaptureFixture[str], arguments: str) -> None:
    stored(folder, FINAL)
    assert main(["tally", *arguments.split()]) == ExitCode.USAGE
    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(captured.err.splitlines()) == 1


def test_a_batch_with_other_than_the_expected_sheets_is_said(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stored(folder, FINAL, expect=5)
    assert main(["tally", "--quarter", "2023Q1"]) == ExitCode.UNBALANCED
    assert "NOT BALANCED: the batch box 1 should have 5 sheets, but 4" in capsys.readouterr().out
    assert main(["tally", "--quarter", "2023Q1", "--json"]) == ExitCode.UNBALANCED
    assert "box 1" in capsys.readouterr().err


def test_an_interrupted_scan_gives_no_tally(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stored(folder, FINAL)
    with open_store(folder / "ballotscan.sqlite") as store:
        store.add_file("box 1", "more.pdf", "0" * 64, 3)  # type: ignore[arg-type]
    assert main(["tally", "--quarter", "2023Q1"]) == ExitCode.UNBALANCED
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "box 1" in captured.err
    assert "3 pages" in captured.err


Counted = tuple[list[CountedSheet], list[SheetAnswers]]


def changed(rows: Counted, change: str) -> Counted:
    """What a damaged database might give out."""
    sheets, answers = rows
    first, rest = answers[0], answers[1:]
    match change:
        case "answer lost":
            shorter = first._replace(questions="H2,H3,H4,H5", answers=first.answers.split(",", 1)[1])
            return sheets, [shorter, *rest]
        case "answer doubled":
            return sheets, [
                first._replace(questions=f"{first.questions},H1", answers=f"{first.answers},1"),
                *rest,
            ]
        case "unknown":
            return sheets, [each._replace(answers="9,9,9,9,9") for each in answers]
        case "undecided":
            return sheets, [each._replace(answers="1#,1#,1#,1#,1#") for each in answers]
        case "sheet lost":
            return sheets[1:], answers
        case _:
            return [sheets[0], *sheets], answers


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("answer lost", "H1"),
        ("answer doubled", "more than once"),
        ("unknown", "the template has no question"),
        ("undecided", "do not add up"),
        ("sheet lost", "3 sheets were counted"),
        ("sheet doubled", "more than once"),
    ],
)
def test_a_damaged_database_gives_no_tally(
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    change: str,
    said: str,
) -> None:
    stored(folder, FINAL)
    whole = Store.counted
    monkeypatch.setattr(Store, "counted", lambda *given: changed(whole(*given), change))
    assert main(["tally", "--quarter", "2023Q1"]) == ExitCode.UNBALANCED
    captured = capsys.readouterr()
    assert captured.out == ""
    assert said in captured.err
    assert len(captured.err.splitlines()) == 1


def test_a_template_that_is_gone_is_named(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stored(folder, FINAL)
    monkeypatch.setattr("ballotscan.cli.tally.template_folders", lambda settings: [folder / "templates"])
    assert main(["tally", "--quarter", "2023Q1"]) == ExitCode.USAGE
    assert "hue-2019" in capsys.readouterr().err


def test_by_prints_every_figure_of_each(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stored(folder, FINAL, unit="Một cửa")
    stored(folder, ["3 3 3 3 3"], unit="[Kiosk]")
    main(["tally", "--quarter", "2023Q1"])
    short = capsys.readouterr().out
    main(["tally", "--quarter", "2023Q1", "--by", "unit"])
    long = capsys.readouterr().out
    assert "Một cửa" in short
    assert "[Kiosk]" in short
    assert long.count("H1. ") == short.count("H1. ") + 4  # two groups, in two tables each
