"""``ballotscan audit`` and ``users`` as people call them, and what they refuse."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ballotscan import verify
from ballotscan.errors import ExitCode, UsageError
from ballotscan.model import Proposal, Ruling, SheetId
from ballotscan.store.reviews import Reviews
from tests.cli.test_close import SIGN, Run, office, run
from tests.unit.record import Office, entries, rewrite, signed
from tests.unit.tally.stored import batch_settings, fill

__all__ = ["office", "run"]
SEED = "61352446135244613524"
PASSWORD = "một mật khẩu dài"
ALL_DRAWN = ("--risk", "0.01", "--max-wrong", "0%")


@pytest.fixture
def auditors(office: Office, run: Run, monkeypatch: pytest.MonkeyPatch) -> Office:
    """Five sheets in two boxes, nothing in review, two auditors and a reviewer."""
    monkeypatch.setenv("BALLOTSCAN_PASSWORD", PASSWORD)
    for login, name, role in (
        ("lan", "Lan", "auditor"),
        ("minh", "Minh", "auditor"),
        ("an", "An", "reviewer"),
    ):
        assert run("users", "add", login, "--name", name, "--role", role)[0] == ExitCode.OK
    return office


def drawn(run: Run, *plan: str) -> int:
    """Plan and draw; returns how many sheets are on the list."""
    code, out, err = run("audit", "plan", "2023Q1", *(plan or ALL_DRAWN))
    assert code == ExitCode.OK, err
    assert run("audit", "draw", "2023Q1", "--seed", SEED, "-o", "list.csv")[0] == ExitCode.OK
    return int(re.search(r"Sheets to draw: (\d+)", out)[1])  # type: ignore[index]


def fill_in(office: Office, **instead: str) -> None:
    """Write what the record holds into the list, but for the answers named ``batch_sheet_question``."""
    path = office.folder / "list.csv"
    with office.open() as store:
        held = {(row.sheet, row.question): row for row in store.answer_rows()}
    rows = read(path)
    for row in rows:
        answer = held[SheetId(row["sheet"]), row["question"]]
        several = "|" in answer.codes
        text = "invalid" if several or answer.invalid else answer.codes or "blank"
        place = f"{row['batch'].replace(' ', '')}_{row['place']}"
        row["answer"] = instead.get(place, instead.get(f"{place}_{row['question']}", text))
    with path.open("w", encoding="utf-8", newline="") as lines:
        written = csv.DictWriter(lines, list(rows[0]))
        written.writeheader()
        written.writerows(rows)


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as lines:
        return list(csv.DictReader(lines))


def test_an_audit_of_every_sheet(auditors: Office, run: Run) -> None:
    assert drawn(run) == 5
    rows = read(auditors.folder / "list.csv")
    assert {row["answer"] for row in rows} == {""}
    fill_in(auditors)
    assert run("audit", "enter", "list.csv", "--by", "Lan")[0] == ExitCode.OK
    code, out, _err = run("audit", "report", "2023Q1")
    assert code == ExitCode.OK
    assert "With 99% confidence at most 0 of 5 sheets (0.00 %) are wrong." in out
    assert "not every batch was counted by hand" in out  # box 2 was not
    assert run("verify")[0] == ExitCode.OK


def test_one_wrong_answer_is_one_wrong_sheet(auditors: Office, run: Run) -> None:
    drawn(run)
    fill_in(auditors, box1_2_H2="3")
    run("audit", "enter", "list.csv", "--by", "Lan")
    code, _out, _err = run("audit", "report", "2023Q1", "-o", "report.txt")
    assert code == ExitCode.LEFT_OPEN
    report = (auditors.folder / "report.txt").read_text(encoding="utf-8")
    assert "Wrong: 1, of these not found: 0." in report
    assert "box 1, sheet 2 of the stack (box 1/00002)" in report
    assert "NOT shown to be kept" in report
    assert run("verify", "report.txt")[0] == ExitCode.OK


def test_a_sheet_that_is_not_found_counts_as_wrong(auditors: Office, run: Run) -> None:
    drawn(run)
    fill_in(auditors, box1_3="missing")
    run("audit", "enter", "list.csv", "--by", "Lan")
    out = run("audit", "report", "2023Q1")[1]
    assert "Wrong: 1, of these not found: 1." in out


def test_a_sheet_that_the_record_lost_can_be_drawn(auditors: Office, run: Run) -> None:
    with auditors.open() as store:
        fill(store, batch_settings("box 3", expect=2), ["1 1 1 1 1"])
    assert drawn(run) == 7
    fill_in_known(auditors)
    run("audit", "enter", "list.csv", "--by", "Lan")
    out = run("audit", "report", "2023Q1")[1]
    assert "Wrong: 1, of these not found: 0." in out
    assert "box 3, sheet 2 of the stack (not in the record)" in out


def fill_in_known(office: Office) -> None:
    """As ``fill_in``, without the rows of sheets that the record does not know."""
    path = office.folder / "list.csv"
    rows = [row for row in read(path) if row["sheet"]]
    with path.open("w", encoding="utf-8", newline="") as lines:
        written = csv.DictWriter(lines, list(rows[0]))
        written.writeheader()
        written.writerows(rows)
    fill_in(office)


def test_anybody_can_draw_again(auditors: Office, run: Run) -> None:
    """By the words of the document: SHA-256 over seed, batch and place, a line each."""
    import hashlib

    drawn(run)
    papers = [("box 1", place) for place in range(1, 5)] + [("box 2", 1)]
    order = sorted(papers, key=lambda at: hashlib.sha256(f"{SEED}\n{at[0]}\n{at[1]}\n".encode()).hexdigest())
    rows = read(auditors.folder / "list.csv")
    assert list(dict.fromkeys((row["batch"], int(row["place"])) for row in rows)) == order
    out = run("audit", "draw", "2023Q1")[1]  # drawn already: the same again
    assert [line.split(". ", 1)[1].split(", sheet")[0] for line in out.splitlines()] == [
        at[0] for at in order
    ]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"box1_1_H1": ""}, "nothing is filled in"),
        ({"box1_1_H1": "77"}, "none of the codes"),
        ({"box1_1_H1": "missing"}, "has answers and is missing"),
    ],
)
def test_a_list_is_entered_whole_or_not_at_all(
    auditors: Office, run: Run, changes: dict[str, str], said: str
) -> None:
    drawn(run)
    fill_in(auditors, **changes)
    head = auditors.head()
    code, _out, err = run("audit", "enter", "list.csv", "--by", "Lan")
    assert (code, auditors.head()) == (ExitCode.USAGE, head)
    assert said in err


def test_who_ruled_on_a_sheet_does_not_audit_it(auditors: Office, run: Run) -> None:
    with auditors.open() as store:
        store.add_rulings([Ruling(SheetId("box 1/00001"), "H1", ("1",), False, "Minh", "looked at it")])
    drawn(run)
    fill_in(auditors)
    code, _out, err = run("audit", "enter", "list.csv", "--by", "Minh")
    assert code == ExitCode.USAGE
    assert "ruled on it" in err
    assert run("audit", "enter", "list.csv", "--by", "An")[0] == ExitCode.USAGE  # no auditor
    assert run("audit", "enter", "list.csv", "--by", "Lan")[0] == ExitCode.OK
    rewrite(
        auditors.database,
        lambda bodies: [body.update(by="Minh") for body in bodies if body["kind"] == "audit_reading"],
    )
    with pytest.raises(verify.Fault) as found:
        verify.verify(str(auditors.database), auditors.folder)
    assert found.value.code == "eyes"


def test_who_scanned_a_sheet_does_not_audit_it(auditors: Office, run: Run) -> None:
    with auditors.open() as store:
        store.start_batch(replace(batch_settings("box 1", expect=4), scanned_by="Lan"), "test 1")
    drawn(run)
    fill_in(auditors)
    assert run("audit", "enter", "list.csv", "--by", "Lan")[0] == ExitCode.USAGE
    assert run("audit", "enter", "list.csv", "--by", "Minh")[0] == ExitCode.OK


def test_who_scanned_does_not_sign_as_auditor(auditors: Office, run: Run) -> None:
    with auditors.open() as store:
        wanted = replace(batch_settings("box 1", expect=4), scanned_by="trần thị  bình")
        store.start_batch(wanted, "test 1")
    head = auditors.head()
    code, _out, err = run("close", "2023Q1", *SIGN)
    assert (code, auditors.head()) == (ExitCode.USAGE, head)
    assert "cannot sign as auditor" in err


def test_nothing_may_change_after_the_plan(auditors: Office, run: Run) -> None:
    drawn(run)
    fill_in(auditors)
    assert run("audit", "enter", "list.csv", "--by", "Lan")[0] == ExitCode.OK
    with auditors.open() as store:
        store.add_rulings([Ruling(SheetId("box 1/00001"), "H1", ("2",), False, "X", "after the fact")])
    code, _out, err = run("audit", "report", "2023Q1")
    assert code == ExitCode.USAGE
    assert "changed after the audit was planned" in err


def test_what_awaits_review_is_not_audited(auditors: Office, run: Run) -> None:
    auditors.add_batch("box 5", "?1 1 1 1 1")
    code, _out, err = run("audit", "plan", "2023Q1")
    assert code == ExitCode.UNBALANCED
    assert "1 answers of the period still await review" in err


def test_a_report_needs_every_sheet(auditors: Office, run: Run) -> None:
    drawn(run)
    code, _out, err = run("audit", "report", "2023Q1")
    assert code == ExitCode.USAGE
    assert "5 of the sheets drawn are not entered" in err


def test_the_seed_comes_from_dice(auditors: Office, run: Run) -> None:
    assert run("audit", "draw", "2023Q1", "--seed", SEED)[0] == ExitCode.USAGE  # nothing is planned
    run("audit", "plan", "2023Q1", "--max-wrong", "30%")
    assert run("audit", "draw", "2023Q1")[0] == ExitCode.USAGE
    assert run("audit", "draw", "2023Q1", "--seed", "123")[0] == ExitCode.USAGE
    assert run("audit", "draw", "2023Q1", "--seed", SEED)[0] == ExitCode.OK
    code, _out, err = run("audit", "draw", "2023Q1", "--seed", SEED[::-1])
    assert code == ExitCode.USAGE
    assert "another seed" in err


def test_only_a_staged_test_is_enlarged(auditors: Office, run: Run) -> None:
    size = drawn(run, "--risk", "0.5", "--max-wrong", "40%")
    assert size < 5
    code, _out, err = run("audit", "draw", "2023Q1", "--size", "5")
    assert code == ExitCode.USAGE
    assert "cannot be enlarged" in err
    staged = drawn(run, "--risk", "0.5", "--max-wrong", "40%", "--staged")
    out = run("audit", "draw", "2023Q1", "--size", "5")[1].splitlines()
    assert len(out) == 5
    before = read(auditors.folder / "list.csv")
    first = list(dict.fromkeys((row["batch"], row["place"]) for row in before))
    assert len(first) == staged
    assert [line.split(" of the stack")[0] for line in out[:staged]] == [
        f"{number}. {batch}, sheet {place}" for number, (batch, place) in enumerate(first, start=1)
    ]
    run("audit", "draw", "2023Q1", "-o", "list.csv")
    fill_in(auditors)
    run("audit", "enter", "list.csv", "--by", "Lan")
    code, out_, _err = run("audit", "report", "2023Q1")
    assert code == ExitCode.OK
    assert "staged, valid whenever one looks" in out_


def test_an_audit_by_image_is_called_weaker(auditors: Office, run: Run) -> None:
    drawn(run, *ALL_DRAWN, "--images")
    fill_in(auditors)
    run("audit", "enter", "list.csv", "--by", "Lan")
    assert "WEAKER: the scans were read, not the paper." in run("audit", "report", "2023Q1")[1]


@pytest.mark.parametrize("share", ["x", "1/0", "", "%"])
def test_a_share_that_is_none(auditors: Office, run: Run, share: str) -> None:
    code, _out, err = run("audit", "plan", "2023Q1", "--max-wrong", share)
    assert code == ExitCode.USAGE
    assert "--max-wrong" in err


# --- accounts ---------------------------------------------------------------------------------------------


def test_accounts(auditors: Office, run: Run) -> None:
    assert run("users", "list")[1].splitlines() == [
        "lan: Lan, auditor",
        "minh: Minh, auditor",
        "an: An, reviewer",
    ]
    assert run("users", "end", "minh")[0] == ExitCode.OK
    assert "minh: Minh, auditor (ended)" in run("users", "list")[1]
    with auditors.open() as store, pytest.raises(UsageError, match="no account"):
        Reviews(store).propose([Proposal(SheetId("box 1/00001"), "H1", ("1",), False, "Minh", "x")])


@pytest.mark.parametrize(
    ("login", "name", "role", "said"),
    [
        ("Đông", "Đông", "reviewer", "cannot be a login"),
        ("../x", "X", "reviewer", "cannot be a login"),
        ("x", " ", "reviewer", "no name"),
        ("x", "X", "king", "role is not known"),
        ("x", "LAN", "reviewer", "an account already"),
        ("lan", "Another", "reviewer", "is Lan's"),
    ],
)
def test_accounts_that_are_refused(
    auditors: Office, run: Run, login: str, name: str, role: str, said: str
) -> None:
    head, kept = auditors.head(), (auditors.folder / "passwords.json").read_bytes()
    code, _out, err = run("users", "add", login, "--name", name, "--role", role)
    assert (code, auditors.head()) == (ExitCode.USAGE, head)
    assert (auditors.folder / "passwords.json").read_bytes() == kept
    assert said in err


def test_a_password_is_asked_for_twice(auditors: Office, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from ballotscan.cli import keys

    monkeypatch.delenv("BALLOTSCAN_PASSWORD")
    typed = iter(["một mật khẩu", "một mật khâu", "short", "short"])
    monkeypatch.setattr(keys, "ask_hidden", lambda prompt: next(typed))
    add = ("users", "add", "x", "--name", "X")
    assert "passwords differ" in run(*add)[2]
    assert "too short" in run(*add)[2]
    assert "x: X" not in run("users", "list")[1]


def test_the_first_account_is_made_at_the_first_start(
    office: Office, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And one-person review is a setting that becomes an entry."""
    from ballotscan.cli import review
    from ballotscan.store import proposals

    typed = iter(["Admin", "Vũ Thị Giang"])
    monkeypatch.setattr("typer.prompt", lambda text: next(typed))
    monkeypatch.setenv("BALLOTSCAN_PASSWORD", PASSWORD)
    monkeypatch.setattr(review, "_serve", lambda *arguments: None)
    assert run("review", "--no-browser", "--port", "0")[0] == ExitCode.OK
    assert run("users", "list")[1] == "admin: Vũ Thị Giang, auditor, administrator\n"
    (office.folder / "ballotscan.toml").write_text("one_person_review = true\n", encoding="utf-8")
    assert run("review", "--no-browser", "--port", "0")[0] == ExitCode.OK
    with office.open() as store:
        assert Reviews(store).look(proposals.persons_needed) == 1


def test_every_report_says_what_rests_on_one_word(office: Office, run: Run) -> None:
    with office.open() as store:
        store.add_rulings([Ruling(SheetId("box 1/00001"), "H1", ("2",), False, "X", "alone")])
    assert "1 answer was settled by one person alone." in run("tally", "--quarter", "2023Q1")[1]
    assert '"ruled_alone": 1' in run("tally", "--quarter", "2023Q1", "--json")[1]
    assert "Answers settled by one person alone: 1" in run("verify")[1]
    office.close("2023Q1")

    def hide(bodies: list[dict[str, Any]]) -> None:
        for body in (body for body in bodies if body["kind"] == "close"):
            body["statement"]["ruled_alone"] = 0
            signed(body, office.signers)

    rewrite(office.database, hide)
    with pytest.raises(verify.Fault, match="ruled_alone"):
        verify.verify(str(office.database), office.folder)


# --- what the checker finds of an audit -------------------------------------------------------------------


def _last(bodies: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    return [body for body in bodies if body["kind"] == kind][-1]


def _other_sheet(body: dict[str, Any]) -> None:
    """Another sheet of the stack in place of one that the dice drew: a welcome one, or one that is read."""
    body["papers"][0] = ["box 1", 99, "box 1/00099"]


FORGED: dict[str, Any] = {
    "another sheet in the draw": ("drawn", "audit_draw", _other_sheet),
    "another order": ("drawn", "audit_draw", lambda body: body["papers"].reverse()),
    "another seed": ("drawn", "audit_draw", lambda body: body.update(seed=SEED[::-1])),
    "fewer than planned": ("drawn", "audit_draw", lambda body: body.update(size=2)),
    "more than planned": ("drawn", "audit_draw", lambda body: body.update(size=6)),
    "a batch left out": ("drawn", "audit_plan", lambda body: body["batches"].pop()),
    "a sheet left out": ("drawn", "audit_plan", lambda body: body["batches"][0].update(papers=3)),
    "a batch that is none": ("drawn", "audit_plan", lambda body: body["batches"][0].update(name="box 9")),
    "read, but not drawn": ("drawn", "audit_reading", lambda body: body.update(place=99)),
    "another sheet was read": ("drawn", "audit_reading", lambda body: body.update(paper="box 2/00009")),
    "a wrong sheet kept silent": ("audit", "audit_report", lambda body: body.update(wrong=[])),
    "a bound too low": ("audit", "audit_report", lambda body: body.update(bound=0, met=True)),
    "a verdict that does not follow": ("audit", "audit_report", lambda body: body.update(met=True)),
    "fewer drawn than were": ("audit", "audit_report", lambda body: body.update(drawn=1)),
}


def test_an_audit_that_was_made_up_is_found(auditors: Office, run: Run) -> None:
    """Draw, readings and outcome are made anew from the record by the independent checker."""
    drawn(run)
    fill_in(auditors, box1_2_H2="3")
    run("audit", "enter", "list.csv", "--by", "Lan")
    assert run("audit", "report", "2023Q1")[0] == ExitCode.LEFT_OPEN
    verify.verify(str(auditors.database), auditors.folder)
    whole, found = auditors.database.read_bytes(), {}
    for case, (_code, kind, change) in FORGED.items():
        auditors.database.write_bytes(whole)
        rewrite(auditors.database, lambda bodies, kind=kind, change=change: change(_last(bodies, kind)))
        with pytest.raises(verify.Fault) as fault:
            verify.verify(str(auditors.database), auditors.folder)
        found[case] = fault.value.code
    assert found == {case: code for case, (code, *_) in FORGED.items()}
    auditors.database.write_bytes(whole)
    named = _last_of(auditors, "audit_draw")["papers"][1]
    rewrite(auditors.database, lambda bodies: _last(bodies, "audit_draw")["papers"].pop(1))
    with pytest.raises(verify.Fault, match="give another sample") as fault:
        verify.verify(str(auditors.database), auditors.folder)
    assert fault.value.what == f"{named[0]}, {named[1]}"  # the mismatch is named


def _last_of(office: Office, kind: str) -> dict[str, Any]:
    bodies = entries(office.database, f"SELECT body FROM ledger WHERE kind = '{kind}' ORDER BY seq")
    return dict(json.loads(bodies[-1][0]))


def test_the_checker_bounds_a_sample_as_the_program_does(auditors: Office, run: Run) -> None:
    """Part of the sheets drawn, one wrong: the checker's own law gives the same number, and no neighbour."""
    auditors.add_batch("box 3", *["1 1 1 1 1"] * 40)
    drawn(run, "--risk", "0.05", "--max-wrong", "10%")
    rows = read(auditors.folder / "list.csv")
    wrong = next(row for row in rows if row["batch"] == "box 3")
    fill_in(auditors, **{f"box3_{wrong['place']}_{wrong['question']}": "2"})
    run("audit", "enter", "list.csv", "--by", "Lan")
    run("audit", "report", "2023Q1")
    verify.verify(str(auditors.database), auditors.folder)
    bound = _last_of(auditors, "audit_report")["bound"]
    for other in (bound - 1, bound + 1):
        rewrite(
            auditors.database,
            lambda bodies, other=other: _last(bodies, "audit_report").update(bound=other),
        )
        with pytest.raises(verify.Fault) as found:
            verify.verify(str(auditors.database), auditors.folder)
        assert found.value.what in ("bound", "met")
