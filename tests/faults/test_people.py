"""Cases 61 to 68: what people may not do, alone or at all. How 62 and 63 look in a browser: tests/review."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ballotscan import verify
from ballotscan.cli import build_app, main
from ballotscan.errors import ExitCode, StaleError, UsageError
from ballotscan.model import Proposal, Ruling, SheetId, Standing
from ballotscan.settings import KNOWN_KEYS, load_settings
from ballotscan.store.reviews import Reviews
from ballotscan.store.users import Account
from tests.unit.record import Office, new_signer, rewrite

Run = Callable[..., tuple[int, str, str]]
SIGN = ("--operator", "operator.key", "--auditor", "auditor.key")


def test_case_61_nobody_approves_what_he_decided_himself(office: Office, run: Run) -> None:
    """Of a sheet made void by command."""
    void = ("void", "box 1/00001", "--reason", "a test", "--by", "Nguyễn Văn An", "--second")
    head = office.head()
    code, _out, err = run(*void, "nguyễn  văn an")
    assert (code, office.head()) == (ExitCode.USAGE, head)
    assert "same person" in err
    assert run(*void, "Cường")[0] == ExitCode.OK


@pytest.fixture
def reviewers(office: Office) -> Iterator[Reviews]:
    """Two reviewers of a sheet with two doubtful answers."""
    office.add_batch("box 5", "?1 1 ?1 1 1")
    with office.open() as store:
        reviews = Reviews(store)
        for login, name in (("an", "Nguyễn Văn An"), ("binh", "Trần Thị Bình")):
            reviews.set_account(Account(login, name, ("reviewer",), True, ""))
        yield reviews


RIGHT = Proposal(SheetId("box 5/00001"), "H1", ("1",), False, "Nguyễn Văn An")
OTHER = replace(RIGHT, by="Trần Thị Bình")


def test_case_61_reviewer_approves_own_decision(office: Office, reviewers: Reviews) -> None:
    """Of a ruling: the same person's word twice is one word, and one who forges a second is found."""
    assert reviewers.propose([RIGHT]) == [Standing.WAITS]
    assert reviewers.propose([RIGHT]) == [Standing.KNOWN]
    assert reviewers.propose([replace(RIGHT, by="nguyễn văn  an")]) == [Standing.KNOWN]
    assert any(row.question == "H1" for row in reviewers.store.answer_rows(in_review=True))
    assert reviewers.propose([OTHER]) == [Standing.SETTLED]
    rewrite(
        office.database,
        lambda bodies: [body.update(by=RIGHT.by) for body in bodies if body["kind"] == "proposal"],
    )
    with pytest.raises(verify.Fault) as found:
        verify.verify(str(office.database), office.folder)
    assert found.value.code == "eyes"


def test_case_62_two_reviewers_open_the_same_sheet(office: Office, reviewers: Reviews) -> None:
    """Two look at once; a third, who looked before it was settled, is told, and nothing is entered."""
    reviewers.set_account(Account("cuong", "Lê Cường", ("auditor",), True, ""))
    reviewers.propose([RIGHT])
    reviewers.propose([OTHER])
    head = reviewers.store.head()
    with pytest.raises(StaleError, match="settled it meanwhile"):
        reviewers.propose([replace(RIGHT, by="Lê Cường", codes=("2",))])
    assert reviewers.store.head() == head
    assert not any(row.question == "H1" for row in reviewers.store.answer_rows(in_review=True))


def test_case_63_browser_closes_half_way(office: Office, reviewers: Reviews) -> None:
    """Of many decisions sent at once one is wrong, or the line breaks: none of them counts."""
    head = reviewers.store.head()
    with pytest.raises(UsageError):
        reviewers.propose([RIGHT, replace(RIGHT, question="H3", codes=("77",))])
    assert reviewers.store.head() == head
    assert len([row for row in reviewers.store.answer_rows(in_review=True) if row.batch == "box 5"]) == 2


def test_case_64_override_on_the_page(reviewers: Reviews) -> None:
    """An accepted answer is overridden with a note only, and never by codes that do not go together."""
    head = reviewers.store.head()
    for wrong in (
        replace(RIGHT, question="H2"),
        replace(RIGHT, question="H2", note="  "),
        replace(RIGHT, codes=("1", "2")),
        replace(RIGHT, invalid=True),
    ):
        with pytest.raises(UsageError):
            reviewers.propose([wrong])
    assert reviewers.store.head() == head
    assert reviewers.propose([replace(RIGHT, question="H2", note="the pen slipped")]) == [Standing.WAITS]


def test_case_64_override_without_reason_or_invalid(office: Office) -> None:
    office.add_batch("box 5", "?1 1 1 1 1")
    right = Ruling(SheetId("box 5/00001"), "H1", ("1",), False, "An", "the cross lies in it")
    head = office.head()
    with office.open() as store:
        for wrong in (
            replace(right, reason=" "),
            replace(right, by=""),
            replace(right, question="H99"),
            replace(right, sheet=SheetId("box 5/00099")),
        ):
            with pytest.raises(UsageError):
                store.add_rulings([right, wrong])
    assert office.head() == head  # not the right one either: all or none
    with office.open() as store:
        assert store.add_rulings([right]) == 1


def test_case_64_codes_that_do_not_go_together(office: Office, run: Run) -> None:
    office.add_batch("box 5", "?1 1 1 1 1")
    assert run("export", "review", "-o", "review.csv")[0] == ExitCode.OK
    path = office.folder / "review.csv"
    head, row = path.read_text(encoding="utf-8-sig").splitlines()[:2]
    cells = dict(zip(head.split(","), row.split(","), strict=False))
    for ruling in ("1|2", "99", "1|1"):
        line = f"{cells['sheet']},{cells['question']},{ruling},because"
        path.write_text(f"sheet,question,ruling,ruling_reason\n{line}\n", encoding="utf-8")
        before = office.head()
        code, _out, err = run("import", "rulings", "review.csv", "--by", "An")
        assert (code, office.head()) == (ExitCode.USAGE, before), ruling
        assert "row 2, column ruling" in err


def test_case_65_no_command_deletes_a_sheet(office: Office, run: Run) -> None:
    import typer

    names = set(typer.main.get_command(build_app()).commands)  # type: ignore[attr-defined]
    assert not names & {"delete", "remove", "rm", "purge", "reset", "drop", "undo"}
    assert (
        run("void", "box 1/00001", "--reason", "a test", "--by", "An", "--second", "Cường")[0] == ExitCode.OK
    )
    with office.open() as store:
        assert next(row.sheet for row in store.sheet_rows()) == "box 1/00001"
        assert store.balance("box 1").sheets_void == 1
    lines = run("tally", "--quarter", "2023Q1")[1].splitlines()
    assert [line.split()[-1] for line in lines if "void" in line] == ["1."]  # in the report too


@pytest.mark.parametrize("value", ["0", "1", "-0.1", "nan", '"x"'])
def test_case_66_threshold_set_to_0_or_1(tmp_path: Path, value: str) -> None:
    """No setting says how much ink a mark needs; the share of wrong answers allowed has its bounds."""
    assert not [key for key in KNOWN_KEYS if "threshold" in key or "ink" in key]
    path = tmp_path / "ballotscan.toml"
    for key in ("threshold", *(key for key in KNOWN_KEYS if "risk" in key)):
        path.write_text(f"{key} = {value}\n", encoding="utf-8")
        with pytest.raises(UsageError, match=rf"ballotscan\.toml:1.*{key}|{key}.*"):
            load_settings(environment={}, current=tmp_path)


def test_case_67_wrong_lost_or_strange_key(office: Office, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    head = office.head()
    monkeypatch.setenv("BALLOTSCAN_AUDITOR_PASSPHRASE", "a wrong one")
    assert run("close", "2023Q1", *SIGN)[0] == ExitCode.USAGE
    (office.folder / "auditor.key").unlink()
    code, _out, err = run("close", "2023Q1", *SIGN)
    assert (code, office.head()) == (ExitCode.USAGE, head)
    assert "auditor.key" in err
    office.close("2023Q1")
    known, _lost = office.signers
    office.signers = (known, new_signer("Dung", "auditor"))  # the one who stayed vouches for the new one
    office.amend("2023Q1")
    verify.verify(str(office.database), office.folder)
    office.signers = (new_signer("X", "operator"), new_signer("Y", "auditor"))
    office.close("2023Q1")
    with pytest.raises(verify.Fault) as found:
        verify.verify(str(office.database), office.folder)
    assert found.value.code == "key"


def test_case_68_export_saved_by_excel(office: Office, run: Run) -> None:
    assert run("export", "answers", "-o", "a.csv")[0] == ExitCode.OK
    path = office.folder / "a.csv"
    assert main(["verify", "a.csv"]) == ExitCode.OK
    path.write_bytes(path.read_bytes().replace(b",", b";"))
    code, out, err = run("verify", "a.csv")
    assert code == ExitCode.UNBALANCED
    assert "a.csv" in out + err
