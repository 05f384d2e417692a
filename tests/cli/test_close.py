"""Keys, closes, amendments, void sheets, rebuilding and backups, as people call them."""

from __future__ import annotations

import json
import sqlite3
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ballotscan import verify
from ballotscan.cli import keys as cli_keys
from ballotscan.cli import main
from ballotscan.errors import ClosedError, ExitCode
from ballotscan.store.database import open_store
from tests.unit.record import Office
from tests.unit.tally.stored import batch_settings, fill

Run = Callable[..., tuple[int, str, str]]
PEOPLE = (("operator", "Nguyễn Văn An"), ("auditor", "Trần Thị Bình"))
SIGN = ("--operator", "operator.key", "--auditor", "auditor.key")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ballotscan.toml").write_text("retention_months = 60\n", encoding="utf-8")
    for name in ("BALLOTSCAN_DB", "BALLOTSCAN_SETTINGS", "BALLOTSCAN_PASSPHRASE"):
        monkeypatch.delenv(name, raising=False)

    def call(*arguments: str, lang: str = "en") -> tuple[int, str, str]:
        capsys.readouterr()
        code = main([*arguments, "--lang", lang])
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return code, said.out, said.err

    return call


@pytest.fixture
def office(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    """A stored quarter, and two key files whose passphrases stand in the environment."""
    for role, name in PEOPLE:
        monkeypatch.setenv("BALLOTSCAN_PASSPHRASE", f"mật khẩu {role}")
        monkeypatch.setenv(f"BALLOTSCAN_{role.upper()}_PASSPHRASE", f"mật khẩu {role}")
        code, out, _err = run("keys", "new", f"{role}.key", "--name", name, "--role", role)
        assert code == ExitCode.OK
        assert name in out
    return Office(tmp_path)


def last_entry(office: Office) -> dict[str, object]:
    with sqlite3.connect(office.database) as connection:
        (body,) = connection.execute("SELECT body FROM ledger ORDER BY seq DESC LIMIT 1").fetchone()
    connection.close()
    return json.loads(body)  # type: ignore[no-any-return]


# --- keys ------------------------------------------------------------------------------------------------


def test_a_key_is_its_owners_only(office: Office, run: Run) -> None:
    path = office.folder / "operator.key"
    if sys.platform != "win32":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    text = path.read_text(encoding="utf-8")
    assert "ENCRYPTED PRIVATE KEY" in text
    assert "mật khẩu" not in text
    code, _out, err = run("keys", "new", "operator.key", "--name", "X", "--role", "operator")
    assert (code, path.read_text(encoding="utf-8")) == (ExitCode.USAGE, text)
    assert "there already" in err


def test_a_passphrase_is_asked_for_twice(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    typed = iter(["long enough", "long enouhg", "short", "short"])
    monkeypatch.setattr(cli_keys, "ask_hidden", lambda prompt: next(typed))
    new = ("keys", "new", "a.key", "--name", "An", "--role", "auditor")
    assert run(*new)[2] == "Error: The two passphrases differ. Nothing was written. Try again.\n"
    assert "too short" in run(*new)[2]
    assert not (tmp_path / "a.key").exists()


def test_a_wrong_passphrase(office: Office, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BALLOTSCAN_AUDITOR_PASSPHRASE", "mật khẩu operator")
    before = office.head()
    code, _out, err = run("close", "2023Q1", *SIGN)
    assert (code, office.head()) == (ExitCode.USAGE, before)
    assert "auditor.key: the passphrase is wrong" in err


@pytest.mark.parametrize("content", ["", "no key", "Name: a\nRole: auditor\nPublic: 0\nSalt: 0\n-----BEGIN"])
def test_a_file_that_is_no_key(office: Office, run: Run, content: str) -> None:
    (office.folder / "auditor.key").write_text(content, encoding="utf-8")
    code, _out, err = run("close", "2023Q1", *SIGN)
    assert code == ExitCode.USAGE
    assert "auditor.key" in err


def test_two_persons_must_sign(office: Office, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    before = office.head()
    code, _out, err = run("close", "2023Q1", "--operator", "operator.key", "--auditor", "operator.key")
    assert code == ExitCode.USAGE
    assert "Nguyễn Văn An as operator" in err
    monkeypatch.setenv("BALLOTSCAN_PASSPHRASE", "mật khẩu auditor")
    run("keys", "new", "other.key", "--name", "nguyễn  văn an", "--role", "auditor")
    code, _out, err = run("close", "2023Q1", "--operator", "operator.key", "--auditor", "other.key")
    assert (code, office.head()) == (ExitCode.USAGE, before)
    assert "the same person" in err


# --- closing ---------------------------------------------------------------------------------------------


def test_a_period_is_closed(office: Office, run: Run) -> None:
    code, out, _err = run("close", "2023Q1", *SIGN, "--qr", "head.png")
    assert code == ExitCode.OK
    head = verify.shown_head(office.head())
    assert f"Head: {head}" in out
    assert len(head.split("-")) == 16
    assert (office.folder / "head.png").read_bytes().startswith(b"\x89PNG")
    assert run("verify", "--anchor", head)[0] == ExitCode.OK
    assert run("verify", "--anchor", "0" * 64)[0] == ExitCode.UNBALANCED
    code, out, _err = run("tally", "--quarter", "2023Q1")
    assert code == ExitCode.OK
    assert "Closed by Nguyễn Văn An, Trần Thị Bình on" in out
    assert head in out
    assert json.loads(run("tally", "--quarter", "2023Q1", "--json")[1])["closed"]["head"] == office.head()
    assert "The period is not closed." in run("tally", "--quarter", "2023H1")[1]
    assert run("close", "2023Q1", *SIGN)[2].startswith("Error: The period 2023Q1 is closed already.")


def test_the_head_can_be_read_back_from_the_code(office: Office, run: Run) -> None:
    import zxingcpp
    from PIL import Image

    run("close", "2023Q1", *SIGN, "--qr", "head.png")
    with Image.open(office.folder / "head.png") as picture:
        (code,) = zxingcpp.read_barcodes(picture.convert("L"))
    assert verify.plain_head(code.text) == office.head()


def test_trusted_keys(office: Office, run: Run) -> None:
    run("close", "2023Q1", *SIGN)
    assert run("verify", "--key", "operator.key", "--key", "auditor.key")[0] == ExitCode.OK
    code, _out, err = run("verify", "--key", "operator.key")
    assert code == ExitCode.UNBALANCED
    assert "Trần Thị Bình signed with a key that was not named" in err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("2999Q1",), "The period 2999Q1 lasts until 2999-03-14."),
        (("2023Q1", "--unit", "Phòng Đất đia"), "Phòng Đất đia"),
        (("2023Q1", "--rule", "calendar"), "shares some days with 2023Q1, which is closed"),
        (("2023-02-01..2023-04-30",), "shares some days with 2023Q1, which is closed"),
    ],
)
def test_no_close_of_a_wrong_period(office: Office, run: Run, arguments: tuple[str, ...], words: str) -> None:
    """One that goes on, one of a unit that was misspelt, one whose sheets would stand in two closes."""
    if "shares" in words:
        office.close("2023Q1")
    head = office.head()
    code, _out, err = run("close", *arguments, *SIGN)
    assert code in (ExitCode.USAGE, ExitCode.NOTHING_DONE)
    assert office.head() == head
    assert words in err


def test_a_month_and_its_quarter_may_both_be_closed(office: Office) -> None:
    office.close("2023-03")
    office.close("2023Q1", unit="Phòng Đất đai")
    office.close("2023Q1")
    found = verify.verify(str(office.database), office.folder)
    assert [period for _seq, period, _signers in found.closes] == ["2023-03", "2023Q1", "2023Q1"]
    with office.open() as store:
        stand = [(each.period, each.unit) for each in store.closings() if each.standing]
    assert stand == [("2023-03", ""), ("2023Q1", "Phòng Đất đai"), ("2023Q1", "")]


def test_no_close_while_answers_await_review(office: Office, run: Run) -> None:
    office.add_batch("box 3", "?1 1 1 1 1", "?1 ?2 1 1 1")
    code, _out, err = run("close", "2023Q1", *SIGN, "--reason-unbalanced", "x")
    assert code == ExitCode.UNBALANCED
    assert "3 answers on 2 sheets still await review." in err


def test_no_close_of_an_unbalanced_batch_without_a_reason(office: Office, run: Run) -> None:
    office.add_batch("box 3", "1 1 1 1 1", expect=2)
    code, _out, err = run("close", "2023Q1", *SIGN)
    assert code == ExitCode.UNBALANCED
    assert "'box 3' has 1 sheets, but 2 were expected" in err
    assert run("close", "2023Q1", *SIGN, "--reason-unbalanced", "one was torn")[0] == ExitCode.OK
    assert last_entry(office)["statement"]["reason"] == "one was torn"  # type: ignore[index]
    for asked in (("--quarter", "2023Q1"), ("--batch", "box 3")):
        code, out, _err = run("tally", *asked)
        assert code == ExitCode.OK
        assert (
            "box 3 should have 2 sheets, but 1 were found. Reason given at the close: one was torn"
            in " ".join(out.split())
        )


def test_no_close_while_pages_have_no_place(office: Office, run: Run) -> None:
    office.add_batch("box 3", "1 1 1 1 1")
    with office.open() as store:
        store.add_file("box 3", "late.pdf", store.keep_original(office.folder / "box 1.pdf"), 2)
    code, _out, err = run("close", "2023Q1", *SIGN)
    assert code == ExitCode.UNBALANCED
    assert "2 pages have no place yet" in err


def test_no_close_of_what_does_not_verify(office: Office, run: Run) -> None:
    kept = min(path for path in (office.folder / "originals").rglob("*") if path.is_file())
    kept.unlink()
    code, _out, err = run("close", "2023Q1", *SIGN)
    assert code == ExitCode.UNBALANCED
    assert f"the original {kept} is missing" in err


def test_nothing_enters_a_closed_period(office: Office, run: Run) -> None:
    run("close", "2023Q1", *SIGN)
    head = office.head()
    (office.folder / "late.png").write_bytes(b"x")
    scan = ("scan", "late.png", "--template", "hue-2019", "--received")
    code, _out, err = run(*scan, "2023-03-14")
    assert code == ExitCode.NOTHING_DONE
    assert err.count("\n") == 1
    assert "2023Q1, 2022-12-15 to 2023-03-14, is closed" in err
    assert "2023Q2" in err
    assert "2023-03-15" in err
    code, _out, err = run("void", "box 1/00001", "--reason", "x", "--by", "a", "--second", "b")
    assert code == ExitCode.NOTHING_DONE
    assert "is closed" in err
    with office.open() as store, pytest.raises(ClosedError):
        fill(store, batch_settings("box 9"), ["1 1 1 1 1"])
    assert office.head() == head
    office.add_batch("box 3", "1 1 1 1 1", received="2023-03-15")
    assert run("verify")[0] == ExitCode.OK


def test_no_ruling_enters_a_closed_period(office: Office) -> None:
    from ballotscan.model import Ruling, SheetId

    office.close("2023Q1")
    ruling = Ruling(SheetId("box 1/00001"), "H1", ("2",), False, "An", "so it is")
    with office.open() as store, pytest.raises(ClosedError):
        store.add_rulings([ruling])


def test_one_unit_alone(office: Office, run: Run) -> None:
    assert run("close", "2023Q1", *SIGN, "--unit", "Nowhere")[0] == ExitCode.NOTHING_DONE
    assert run("close", "2023Q1", *SIGN, "--unit", "Phòng Đất đai")[0] == ExitCode.OK
    office.add_batch("box 3", "1 1 1 1 1")
    with office.open() as store, pytest.raises(ClosedError):
        fill(store, batch_settings("box 9", unit="Phòng Đất đai"), ["1 1 1 1 1"])
    assert "The period is not closed." in run("tally", "--quarter", "2023Q1")[1]
    assert run("verify")[0] == ExitCode.OK


def test_an_amendment_opens_and_another_close_ends_it(office: Office, run: Run) -> None:
    amend = ("amend", "2023Q1", *SIGN, "--reason", "a late box")
    assert "is not closed" in run(*amend)[2]
    run("close", "2023Q1", *SIGN)
    assert run("amend", "2023Q1", *SIGN, "--reason", " ")[0] == ExitCode.USAGE
    code, out, _err = run(*amend)
    assert code == ExitCode.OK
    assert "Head: " in out
    assert "The period is not closed." in run("tally", "--quarter", "2023Q1")[1]
    office.add_batch("box 3", "1 1 1 1 1")
    assert run("close", "2023Q1", *SIGN)[0] == ExitCode.OK
    report = verify.verify(str(office.database), office.folder)
    assert [period for _seq, period, _signers in report.closes] == ["2023Q1"] * 3
    with office.open() as store:
        assert [(each.kind, each.standing) for each in store.closings()] == [
            ("close", False),
            ("amendment", False),
            ("close", True),
        ]
        assert store.check_projections() == ()


def test_in_vietnamese(office: Office, run: Run) -> None:
    code, out, _err = run("close", "2023Q1", *SIGN, lang="vi")
    assert code == ExitCode.OK
    assert "Mã đầu sổ" in out
    assert "đã khóa" in run("close", "2023Q1", *SIGN, lang="vi")[2]


# --- void sheets, rebuilding -----------------------------------------------------------------------------


def test_void(office: Office, run: Run) -> None:
    void = ("void", "box 1/00001", "--reason", "test sheet", "--by", "An", "--second")
    assert "same person" in run(*void, " AN ")[2]
    assert run("void", "box 1/00001", "--reason", " ", "--by", "An", "--second", "B")[0] == ExitCode.USAGE
    assert run("void", "box 1/99", "--reason", "x", "--by", "An", "--second", "B")[0] == ExitCode.USAGE
    assert run(*void, "Bình")[0] == ExitCode.OK
    assert "void already" in run(*void, "Bình")[2]
    with office.open() as store:
        balance = store.balance("box 1")
        assert (balance.sheets, balance.sheets_read, balance.sheets_void, balance.holds) == (4, 3, 1, True)
        assert store.check_projections() == ()
    found = json.loads(run("tally", "--quarter", "2023Q1", "--json")[1])
    assert found["forms"][0]["groups"][0]["sheets"] == 4
    assert found["forms"][0]["sheets"]["void"] == 1
    run("export", "pages", "-o", "pages.csv")
    first = (office.folder / "pages.csv").read_text(encoding="utf-8-sig").splitlines()[1]
    assert ",void," in first


def test_a_void_sheet_awaits_no_review(office: Office, run: Run) -> None:
    office.add_batch("box 3", "?1 1 1 1 1")
    assert run("void", "box 3/00001", "--reason", "x", "--by", "An", "--second", "B")[0] == ExitCode.OK
    with office.open() as store:
        assert list(store.answer_rows(in_review=True)) == []
    assert run("close", "2023Q1", *SIGN)[0] == ExitCode.OK


def test_rebuild_of_a_broken_chain_is_refused(office: Office, run: Run) -> None:
    assert run("rebuild")[0] == ExitCode.OK
    with sqlite3.connect(office.database) as connection:
        connection.execute("DROP TRIGGER ledger_no_update")
        connection.execute("UPDATE ledger SET body = ? WHERE seq = 5", (b"{}",))
    connection.close()
    code, _out, err = run("rebuild")
    assert code == ExitCode.UNBALANCED
    assert "Entry 5" in err


# --- backups ---------------------------------------------------------------------------------------------


def test_backup_and_the_way_back(office: Office, run: Run, tmp_path: Path) -> None:
    run("close", "2023Q1", *SIGN)
    code, out, _err = run("backup", "away/copy.sqlite")
    assert code == ExitCode.OK
    assert verify.shown_head(office.head()) in out
    manifest = (tmp_path / "away/copy.sqlite.manifest").read_text(encoding="utf-8").splitlines()
    assert manifest[0] == f"# head {office.head()}"
    assert all((tmp_path / "away" / line.split("  ")[1]).is_file() for line in manifest[1:])
    assert len(manifest) == 4  # with the template
    assert run("backup", "away/copy.sqlite")[0] == ExitCode.USAGE  # nothing is overwritten
    code, out, _err = run("restore", "away/copy.sqlite", "--db", "new/office.sqlite")
    assert code == ExitCode.OK
    with open_store(tmp_path / "new/office.sqlite") as store:
        assert store.head()[1] == office.head()
        assert store.check_projections() == ()
    assert run("restore", "away/copy.sqlite", "--db", "new/office.sqlite")[0] == ExitCode.USAGE
    assert run("tally", "--quarter", "2023Q1", "--db", "new/office.sqlite")[0] == ExitCode.OK


def test_a_damaged_backup_is_not_restored(office: Office, run: Run, tmp_path: Path) -> None:
    run("backup", "away/copy.sqlite")
    kept = next(path for path in (tmp_path / "away/originals").rglob("*") if path.is_file())
    content = kept.read_bytes()
    kept.chmod(0o600)
    kept.write_bytes(content[:-1])
    code, _out, err = run("restore", "away/copy.sqlite", "--db", "new/office.sqlite")
    assert code == ExitCode.UNBALANCED
    assert kept.name in err
    assert not (tmp_path / "new/office.sqlite").exists()
    (tmp_path / "away/copy.sqlite.manifest").unlink()
    assert "manifest is not beside it" in run("restore", "away/copy.sqlite", "--db", "new/o.sqlite")[2]


def test_a_backup_needs_every_original(office: Office, run: Run, tmp_path: Path) -> None:
    next(path for path in (tmp_path / "originals").rglob("*") if path.is_file()).unlink()
    code, _out, err = run("backup", "away/copy.sqlite")
    assert code == ExitCode.NOTHING_DONE
    assert "this original is missing" in err
    assert not list((tmp_path / "away").glob("copy*"))


def test_a_backup_while_another_writes(office: Office, run: Run) -> None:
    """The copy is of one moment: what is committed, and nothing of what is not."""
    with office.open() as store, store._writing():  # a scan in the middle of a transaction
        assert run("backup", "away/copy.sqlite")[0] == ExitCode.OK
