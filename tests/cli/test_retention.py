"""Scans that were kept long enough: listed, removed by two persons, and the record verifies as before."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from ballotscan import verify
from ballotscan.cli import main
from ballotscan.errors import ExitCode, StoreError
from ballotscan.model import PageRef, Sha256
from ballotscan.store.database import open_store
from ballotscan.store.keeping import add_months
from tests.unit.record import Office, entries

PEOPLE = ("--by", "An", "--second", "Bình", "--reason", "minute 12 of the archive's council")


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ballotscan.toml").write_text("retention_months = 12\n", encoding="utf-8")
    return Office(tmp_path)


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    capsys.readouterr()
    code = main([*arguments, "--lang", "en"])
    both = capsys.readouterr()
    return code, both.out + both.err


def scan_of(office: Office, batch: str) -> Path:
    query = f"SELECT original FROM files WHERE batch = '{batch}'"
    ((sha,),) = entries(office.database, query)
    return office.folder / "originals" / sha[:2] / sha


def test_the_setting_has_no_default(office: Office, capsys: pytest.CaptureFixture[str]) -> None:
    Path("ballotscan.toml").unlink()
    for command in (("retention",), ("close", "2023Q1", "--operator", "a", "--auditor", "b")):
        code, text = said(capsys, *command)
        assert code == ExitCode.USAGE
        assert "retention_months" in text


def test_what_is_due_is_listed_and_removed_by_two(office: Office, capsys: pytest.CaptureFixture[str]) -> None:
    code, text = said(capsys, "retention")
    assert code == ExitCode.OK
    assert "box 1: received 2023-03-01, due since 2024-03-01, 1 originals; period not closed" in text
    assert said(capsys, "retention", "--remove", "box 1", *PEOPLE)[0] == ExitCode.USAGE  # not closed
    office.close("2023Q1")
    head = office.head()
    for wrong in (("--by", "An"), ("--by", "An", "--second", " aN", "--reason", "x"), PEOPLE[:4]):
        assert said(capsys, "retention", "--remove", "box 1", *wrong)[0] == ExitCode.USAGE
    assert said(capsys, "retention", "--remove", "box 9", *PEOPLE)[0] == ExitCode.USAGE
    assert (office.head(), scan_of(office, "box 1").exists()) == (head, True)

    code, text = said(capsys, "retention", "--remove", "box 1", *PEOPLE)
    assert (code, scan_of(office, "box 1").exists()) == (ExitCode.OK, False)
    assert "1 originals removed" in text
    assert "box 1" not in said(capsys, "retention")[1]
    code, text = said(capsys, "verify", "--anchor", head)
    assert code == ExitCode.OK
    assert "1 originals of box 1 were removed by retention on 20" in text
    assert said(capsys, "tally", "--quarter", "2023Q1")[0] == ExitCode.OK
    assert said(capsys, "backup", "away/copy.sqlite")[0] == ExitCode.OK
    with office.open() as store:
        (removal,) = store.removals()
        ref = PageRef("box 1.pdf", 1, Sha256(scan_of(office, "box 1").name))
        with pytest.raises(StoreError, match=f"removed by retention on {removal.day}"):
            store.check_originals([ref])


def test_a_scan_that_is_missing_without_an_entry_is_a_fault(office: Office) -> None:
    office.close("2023Q1")
    with office.open() as store:
        (due, _other) = store.due(12, date(2024, 3, 1))
        store.remove_originals(due, "An", "Bình", "the council's minute")
    scan_of(office, "box 2").unlink()
    with pytest.raises(verify.Fault, match="is missing"):
        verify.verify(str(office.database), office.folder)


def test_a_removal_by_one_person_does_not_verify(office: Office) -> None:
    from tests.unit.record import rewrite

    office.close("2023Q1")
    with office.open() as store:
        store.remove_originals(store.due(12, date(2024, 3, 1))[0], "An", "Bình", "the council's minute")
    rewrite(office.database, lambda rows: rows[-1].update(second="an"))
    with pytest.raises(verify.Fault) as found:
        verify.verify(str(office.database), office.folder)
    assert found.value.code == "removed"


def test_a_scan_that_a_younger_batch_needs_stays(office: Office) -> None:
    sha = Sha256(scan_of(office, "box 1").name)
    office.add_batch("later", "1 1 1 1 1", received="2025-01-02")
    with open_store(office.database) as store:
        store.add_file("later", "box 1.pdf", sha, 4)
        assert [due.batch for due in store.due(12, date(2025, 6, 1))] == ["box 2"]
        assert {due.batch for due in store.due(12, date(2026, 6, 1))} == {"box 1", "box 2", "later"}


def test_months_are_added_by_the_calendar() -> None:
    assert add_months(date(2023, 1, 31), 1) == date(2023, 2, 28)
    assert add_months(date(2023, 12, 15), 60) == date(2028, 12, 15)
    assert add_months(date(2024, 2, 29), 12) == date(2025, 2, 28)
