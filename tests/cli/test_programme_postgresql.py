"""A programme of two forms over PostgreSQL: import, tally, report and exports as on SQLite."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from ballotscan.cli import main
from ballotscan.errors import ExitCode
from ballotscan.forms.load import load_form
from ballotscan.i18n import use_language
from ballotscan.programme.load import load_programme, shipped_programmes
from ballotscan.programme.samples import Plan, Wanted, write_samples
from ballotscan.settings import shipped
from tests.conftest import empty

NAME = "dak-nong-2023"
PERIOD = "2023-07-27..2023-10-27"
PLAN = Plan(
    seed=1,
    periods=(PERIOD,),
    dossiers=640,
    sent={"zalo": 30},
    answers=(
        Wanted("truc-tiep", "appendix-i", "typed-csv", 12),
        Wanted("zalo", "appendix-i", "google-forms", 14),
        Wanted("web", "coordination", "microsoft-forms", 9),
    ),
)


def take_in(folder: Path) -> None:
    """Everything as a clerk types it, each export twice: the second adds nothing."""
    programme = load_programme(folder / "programme.yaml")
    forms = {name: load_form(shipped("templates") / name) for name in ("appendix-i", "coordination")}
    for made in write_samples(programme, PLAN, forms, folder / "samples"):
        command = ["import", "answers", str(made.file), "--channel", made.channel]
        for _time in range(2):
            assert main([*command, "--mapping", str(made.mapping)]) == ExitCode.OK
    numbers = folder / "samples"
    assert main(["import", "dossiers", str(numbers / f"ho-so-{PERIOD}.csv"), "--quarter", PERIOD]) == 0
    sent = str(numbers / f"danh-sach-zalo-{PERIOD}.csv")
    assert main(["import", "dispatch", sent, "--channel", "zalo", "--quarter", PERIOD]) == ExitCode.OK


def look(folder: Path) -> dict[str, str]:
    """What is given out, by name."""
    zalo = str(folder / "samples" / f"danh-sach-zalo-{PERIOD}.csv")
    code = main(["tally", "--quarter", PERIOD, "--json", "-o", "t.json"])
    assert code == ExitCode.LEFT_OPEN  # one came twice from one address, and is set aside
    assert main(["export", "sub-indices", "--quarter", PERIOD, "-o", "s.csv"]) == ExitCode.OK
    rest = ["export", "resend", zalo, "--quarter", PERIOD, "--respondent", "thu_dien_tu", "-o", "r.csv"]
    assert main(rest) == ExitCode.OK
    assert main(["report", PERIOD, "--format", "json", "--folder", "out"]) == ExitCode.OK
    files = [*folder.glob("out/*.json"), folder / "t.json", folder / "s.csv", folder / "r.csv"]
    return {file.name: file.read_text(encoding="utf-8") for file in files}


def test_a_programme_is_the_same_on_both(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    empty(server)
    for name in ("BALLOTSCAN_DB", "BALLOTSCAN_SETTINGS"):
        monkeypatch.delenv(name, raising=False)
    found = []
    for place, database in (("sqlite", "ballotscan.sqlite"), ("postgresql", server)):
        folder = tmp_path / place
        monkeypatch.chdir(tmp_path)
        assert main(["programme", "init", NAME, "--no-samples", "--folder", str(folder)]) == ExitCode.OK
        settings = f'database = "{database}"\nfolder = "."\nlanguage = "en"\nperiod_rule = "nd09"\n'
        (folder / "ballotscan.toml").write_text(settings, encoding="utf-8")
        monkeypatch.chdir(folder)
        use_language("en")
        take_in(folder)
        found.append(look(folder))
    assert found[0] == found[1]
    assert "0 ballots added, 12 known already" in capsys.readouterr().out
    check(found[0])


def check(found: dict[str, str]) -> None:
    """The figures against the samples' own files."""
    tally = json.loads(found["t.json"])
    accounts = {each["channel"]: each for each in tally["accounts"] if each["linh_vuc"] is None}
    assert {name: each["received"] for name, each in accounts.items()} == {
        "truc-tiep": 12,
        "web": 9,
        "zalo": 14,
    }
    zalo = accounts["zalo"]
    assert (zalo["issued"], zalo["valid"], zalo["duplicates"], zalo["holds"]) == (30, 13, 1, True)
    assert tally["nameless"] == 12  # those typed from paper
    rows = list(csv.DictReader(found["s.csv"].removeprefix("\ufeff").splitlines()))
    names = {(row["form"], row["index"]) for row in rows}
    assert ("coordination", "Công tác phối hợp") in names
    assert ("appendix-i", "Công chức") in names
    whole = {r["form"]: int(r["answers"]) for r in rows if r["index"] == "top2_of_answers"}
    for name, total in whole.items():
        parts = [int(row["answers"]) for row in rows if row["form"] == name and row["index"] in SUBS]
        assert sum(parts) <= total  # the overall question belongs to none
    left = found["r.csv"].removeprefix("\ufeff").splitlines()[1:]
    assert 30 - 14 <= len(left) < 30
    assert not any("nguoi.dan" in line for line in left)


SUBS = dict(load_programme(shipped_programmes()[NAME]).sub_indices)
