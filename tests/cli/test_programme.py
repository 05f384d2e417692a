"""``programme``, ``due`` and ``import`` as a clerk types them, without a report."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ballotscan.cli import main
from ballotscan.cli.programme import _year_of
from ballotscan.errors import ExitCode, TemplateError
from ballotscan.i18n import use_language
from ballotscan.imports.declared import read_dispatch, read_dossiers
from ballotscan.programme.due import due_days
from ballotscan.programme.load import load_programme, shipped_programmes
from ballotscan.rules.periods import parse_period
from ballotscan.settings import shipped
from ballotscan.store.database import open_store

HUE = """
name: Huế QI/2019
form: hue-2019
edition: "2019"
period: 2019-01-01..2019-03-31
issued: 5326
collected: 4215
index: 97.95
counts:
  H1: [2063, 2137, 150]
  H2: [1983, 2128, 104]
  H3: [1886, 2232, 97]
  H4: [1991, 2135, 89]
  H5: [1825, 2281, 99]
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("BALLOTSCAN_DB", "BALLOTSCAN_SETTINGS", "LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "C.UTF-8")
    use_language("en")
    return tmp_path


def test_five_programmes_are_listed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["programme", "list"]) == ExitCode.OK
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(shipped_programmes())
    assert len(lines) == 5


def test_their_forms_and_channels_are_there() -> None:
    for path in shipped_programmes().values():
        programme = load_programme(path)
        assert all((shipped("templates") / each.form / "template.yaml").exists() for each in programme.forms)
        assert len({channel.id for channel in programme.channels}) == len(programme.channels)


def test_the_wards_calendar_is_that_of_its_plan() -> None:
    found = due_days(load_programme(shipped_programmes()["phuong-duc-2023"]), 2023)
    assert len(found) == 16
    quarterly = {due.period.name: due.day for due in found if "-" not in due.period.name}
    assert quarterly == {
        "2023Q1": date(2023, 3, 25),
        "2023H1": date(2023, 6, 25),
        "2023Q3": date(2023, 9, 25),
        "2023": date(2023, 12, 25),
    }
    assert {due.day.day for due in found if "-" in due.period.name} == {28}
    assert not any(due.early for due in found)  # all periods are over by then, under nd09


@given(st.sampled_from(sorted(shipped_programmes())), st.integers(2017, 2040))
def test_due_days_are_in_order(name: str, year: int) -> None:
    days = [due.day for due in due_days(load_programme(shipped_programmes()[name]), year)]
    assert days == sorted(days)


def test_due_says_what_there_is(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["programme", "init", "phuong-duc-2023", "--no-samples"]) == ExitCode.OK
    assert main(["programme", "init", "phuong-duc-2023"]) == ExitCode.USAGE  # the folder is not empty
    assert main(["programme", "init", "hue"]) == ExitCode.USAGE
    capsys.readouterr()
    assert main(["due", "--year", "2023", "--db", "phuong-duc-2023/ballotscan.sqlite"]) == ExitCode.OK
    out = capsys.readouterr().out
    assert "25/03/2023: 2023Q1, ballots from 15/12/2022 to 14/03/2023; batches so far: 0; open" in out
    assert main(["due", "--db", "other.sqlite"]) == ExitCode.USAGE


@pytest.mark.parametrize(
    "change",
    [
        "period_rule: lunar",
        "targets: {rule: slovin, by: moon}",
        "index: {name: hidden}",
        "due:\n  - {period: month, day: 3, month: 4}",
        "reports: [docx, paper]",
    ],
)
def test_a_wrong_programme_is_refused_with_its_line(tmp_path: Path, change: str) -> None:
    key = change.split(":", maxsplit=1)[0]
    text = shipped_programmes()["ha-noi-2019"].read_text(encoding="utf-8")
    kept = [each for each in text.splitlines() if not each.startswith(f"{key}:")]
    path = tmp_path / "programme.yaml"
    path.write_text("\n".join([*kept, change]) + "\n", encoding="utf-8")
    wrong = len(kept) + len(change.splitlines())
    with pytest.raises(TemplateError, match=rf"programme\.yaml:{wrong}:"):
        load_programme(path)


def test_the_published_quarter_of_hue(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "hue.yaml").write_text(HUE, encoding="utf-8")
    assert main(["import", "counts", "hue.yaml"]) == ExitCode.OK
    out = capsys.readouterr().out
    assert "WRONG: H1 adds up to 4350 answers of 4215 ballots, 135 too many." in out
    assert "98.04 %: satisfied shares of the ballots, the mean over the questions, rounded half up." in out
    assert "97.46 %: satisfied shares of the answers, the mean over the questions, rounded half up." in out
    assert "The printed 97.95 % matches none of these rules." in out
    assert main(["import", "counts", "hue.yaml"]) == ExitCode.OK
    assert "nothing added" in capsys.readouterr().out
    (folder / "hue.yaml").write_text(HUE.replace("[1825, 2281, 99]", "[1825, 2281]"), encoding="utf-8")
    assert main(["import", "counts", "hue.yaml"]) == ExitCode.NOTHING_DONE
    assert "H5 has 2 counts" in capsys.readouterr().err


def test_answers_by_the_command_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "a.csv").write_text("id,H1,H2,H3,H4,H5\n1,1,1,2,2,3\n2,9,1,1,1,1\n", encoding="utf-8")
    assert main(["import", "mapping", "a.csv", "--template", "hue-2019", "-o", "m.yaml"]) == ExitCode.OK
    command = ["import", "answers", "a.csv", "--channel", "kiosk", "--mapping", "m.yaml"]
    assert main(command) == ExitCode.USAGE
    err = capsys.readouterr().err
    assert "a.csv, row 2: no day is known" in err
    assert "a.csv, row 3: column 'H1': what stands there is no answer to H1" in err
    assert not (folder / "ballotscan.sqlite").exists()
    (folder / "a.csv").write_text("id,H1,H2,H3,H4,H5\n1,1,1,2,2,3\n", encoding="utf-8")
    assert main([*command, "--received", "2023-03-01"]) == ExitCode.OK
    assert "1 ballots added, 0 known" in capsys.readouterr().out
    assert main(["tally", "--quarter", "2023Q1"]) == ExitCode.OK
    assert "Channel kiosk, imported: 1 ballots on 1 days" in capsys.readouterr().out
    assert main([*command, "--received", "1/3/2023"]) == ExitCode.USAGE


def test_dossiers_and_dispatch_keep_numbers_only(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "d.csv").write_text("đơn vị,số hồ sơ\nA,1.200\nA,30\nB,7\n", encoding="utf-8")
    assert read_dossiers(folder / "d.csv", parse_period("2023Q1"))["rows"] == [["A", "", 1230], ["B", "", 7]]
    (folder / "s.csv").write_text("ten,dien thoai\nNguyễn An,0912\nLê Bình,0913\n", encoding="utf-8")
    body = read_dispatch(folder / "s.csv", "zalo", parse_period("2023Q1"))
    assert body["rows"] == [["", 2]]
    assert "An" not in str(body)
    assert main(["import", "dossiers", "d.csv", "--quarter", "2023Q1"]) == ExitCode.OK
    assert main(["import", "dispatch", "s.csv", "--channel", "zalo", "--quarter", "2023Q1"]) == ExitCode.OK
    with open_store(folder / "ballotscan.sqlite") as store:
        assert [each["name"] for each in store.declared("dossiers")] == ["2023Q1"]
        assert sum(row[1] for row in store.declared("dispatch")[0]["rows"]) == 2
    (folder / "d.csv").write_text("đơn vị,số hồ sơ\nA,many\n", encoding="utf-8")
    capsys.readouterr()
    assert main(["import", "dossiers", "d.csv", "--quarter", "2023Q1"]) == ExitCode.NOTHING_DONE
    assert "row 2, column 'số hồ sơ': 'many'" in capsys.readouterr().err


def test_targets_in_a_programme_are_exact() -> None:
    target = load_programme(shipped_programmes()["dak-nong-2023"]).target
    assert target is not None
    assert target.tiers == ((200, Fraction(1)), (1000, Fraction(3, 10)), (None, Fraction(1, 5)))


def test_what_is_missing_whom_to_remind_and_sub_indices(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["programme", "init", "ha-noi-2019"]) == ExitCode.OK
    monkeypatch.chdir(folder / "ha-noi-2019")
    english = ("--lang", "en")
    capsys.readouterr()
    assert main([*english, "programme", "progress"]) == ExitCode.OK
    out = capsys.readouterr().out
    assert out.split("\n")[2].split()[-4:] == ["900", "277", "290", "0"]
    assert "The target is reached." in out
    assert main([*english, "due"]) == ExitCode.OK
    assert "30/11/2019" in capsys.readouterr().out
    window = ["--quarter", "2019-06-01..2019-11-29"]
    assert main([*english, "export", "sub-indices", *window, "-o", "s.csv"]) == ExitCode.OK
    assert (folder / "ha-noi-2019" / "s.csv").read_text(encoding="utf-8").count("\n") == 4
    (folder / "l.csv").write_text("Tên,Về\nAn,x\nBình,\n", encoding="utf-8")
    command = [*english, "export", "resend", "../l.csv", *window, "-o", "r.csv"]
    assert main(command) == ExitCode.USAGE
    assert main([*command, "--respondent", "Tên"]) == ExitCode.NOTHING_DONE  # paper names nobody
    assert main([*command, "--returned", "về"]) == ExitCode.OK
    assert "1 of 2 have not answered" in capsys.readouterr().out


def test_due_days_of_the_year_whose_ballots_are_there() -> None:
    programme = load_programme(shipped_programmes()["ha-noi-2017"])
    this = date.today().year  # noqa: DTZ011  the office's own calendar
    assert _year_of(programme, []) == this
    assert _year_of(programme, [date(2017, 5, 1)]) == 2017
    assert _year_of(programme, [date(this - 1, 12, 31)]) == this
