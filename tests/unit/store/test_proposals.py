"""Two persons for every ruling, in the store and again in the independent checker."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ballotscan import verify
from ballotscan.errors import BallotscanError, ClosedError, StaleError, UsageError
from ballotscan.model import BoxOpening, Proposal, SheetId, SheetProposal, SheetState, Standing
from ballotscan.store import review_queries as queries
from ballotscan.store import users
from ballotscan.store.reviews import Reviews
from ballotscan.store.users import Account
from tests.unit.record import Office, entries, rewrite
from tests.unit.tally.stored import batch_settings, fill

AN, BINH, CUONG, DUNG = "Nguyễn Văn An", "Trần Thị Bình", "Lê Cường", "Phạm Dung"
SHEET = SheetId("box 3/00001")
PEOPLE = {AN: ("reviewer",), BINH: ("reviewer",), CUONG: ("auditor",), DUNG: ("operator", "administrator")}


def says(by: str, code: str = "1", question: str = "H1", **changes: Any) -> Proposal:
    codes = (code,) if code else ()
    return replace(Proposal(SHEET, question, codes, False, by), **changes)


@pytest.fixture
def desk(tmp_path: Path) -> Any:
    office = Office(tmp_path)
    office.add_batch("box 3", "?1 2 ?2 1 1", "1 ?1 1 1 1", "1 1 1 1 1")
    with office.open() as store:
        desk = Reviews(store)
        for number, (name, roles) in enumerate(PEOPLE.items()):
            desk.set_account(Account(f"user{number}", name, roles, True, ""))
        desk.office = office  # type: ignore[attr-defined]
        yield desk


def waiting(desk: Reviews) -> list[str]:
    return [f"{row.sheet} {row.question}" for row in desk.look(queries.waiting_answers)]


def check(desk: Any) -> verify.Report:
    assert desk.store.check_projections() == ()
    return verify.verify(str(desk.office.database), desk.office.folder)


def state(desk: Reviews) -> SheetState:
    return next(row.state for row in desk.store.sheet_rows() if row.sheet == SHEET)


# --- agreeing ---------------------------------------------------------------------------------------------


def test_two_who_agree_settle_an_answer(desk: Any) -> None:
    assert waiting(desk) == ["box 3/00001 H1", "box 3/00001 H3", "box 3/00002 H2"]
    assert desk.propose([says(AN)]) == [Standing.WAITS]
    assert "box 3/00001 H1" in waiting(desk)
    assert desk.propose([says(BINH)]) == [Standing.SETTLED]
    assert waiting(desk) == ["box 3/00001 H3", "box 3/00002 H2"]
    row = next(row for row in desk.store.answer_rows() if (row.sheet, row.question) == (SHEET, "H1"))
    assert (row.codes, row.outcome) == ("1", "ruled")
    assert state(desk) is SheetState.REVIEW
    desk.propose([says(AN, "", "H3"), says(AN, "2", "H2", sheet=SheetId("box 3/00002"))])
    desk.propose([says(BINH, "", "H3")])
    assert state(desk) is SheetState.READ
    assert check(desk).alone == 0


def test_what_the_machine_read_stays_beside_the_ruling(desk: Any) -> None:
    before = desk.store.answers_of(SHEET)
    desk.propose([says(AN, "2")])
    desk.propose([says(BINH, "2")])
    assert desk.store.answers_of(SHEET) == before


def test_two_who_differ_need_a_third(desk: Any) -> None:
    desk.propose([says(AN, "1")])
    assert desk.propose([says(BINH, "2")]) == [Standing.DIFFERS]
    assert desk.propose([says(CUONG, "2")]) == [Standing.SETTLED]
    (figures,) = [each for each in desk.look(queries.person_figures) if each.name == AN]
    assert (figures.decisions, figures.overruled) == (1, 1)
    check(desk)


def test_the_pair_may_look_again(desk: Any) -> None:
    desk.propose([says(AN, "1")])
    desk.propose([says(BINH, "2")])
    assert desk.propose([says(AN, "2", note="looked at the paper together")]) == [Standing.SETTLED]
    check(desk)


def test_who_comes_second_has_not_seen_the_machines_answer(desk: Any) -> None:
    """Two who work at once: the one whose card still showed it is not the second of two."""
    desk.propose([says(AN, beside=True)])
    head = desk.store.head()
    with pytest.raises(StaleError, match="answered meanwhile"):
        desk.propose([says(BINH, beside=True)])
    assert desk.store.head() == head
    assert desk.propose([says(BINH)]) == [Standing.SETTLED]
    check(desk)


@pytest.mark.parametrize("settled", [True, False])
def test_nobody_tries_answers_until_one_agrees(desk: Any, settled: bool) -> None:
    """Whether the other said the same shows in what comes of it: who answers anew after that says why."""
    desk.propose([says(AN, "1")])
    desk.propose([says(BINH, "1" if settled else "2")])
    if not settled:
        with pytest.raises(UsageError, match="answered it before"):
            desk.propose([says(BINH, "3")])
    desk.withdraw(SHEET, "H1", BINH)
    head = desk.store.head()
    for code in ("1", "3", ""):
        with pytest.raises(UsageError, match="answered it before"):
            desk.propose([says(BINH, code)])
    assert desk.store.head() == head
    assert desk.propose([says(BINH, "1", note="the key slipped")]) == [Standing.SETTLED]
    check(desk)


def test_what_nobody_else_has_answered_is_changed_freely(desk: Any) -> None:
    desk.propose([says(AN, "1")])
    desk.withdraw(SHEET, "H1", AN)
    desk.propose([says(AN, "2")])
    desk.withdraw(SHEET, "H1", AN)
    desk.propose([says(BINH, "2")])
    assert desk.propose([says(AN, "2")]) == [Standing.SETTLED]  # what AN said before stood beside nothing


def test_invalid_and_blank_are_not_the_same(desk: Any) -> None:
    desk.propose([says(AN, "", invalid=True)])
    assert desk.propose([says(BINH, "")]) == [Standing.DIFFERS]


# --- refusing ---------------------------------------------------------------------------------------------


def test_nobody_confirms_their_own(desk: Any) -> None:
    desk.propose([says(AN)])
    head = desk.store.head()
    assert desk.propose([says(AN)]) == [Standing.KNOWN]
    assert desk.propose([says("nguyễn văn  AN")]) == [Standing.KNOWN]
    assert desk.store.head() == head
    assert desk.propose([says(AN, "2")]) == [Standing.WAITS]
    with pytest.raises(UsageError, match="an account already"):
        desk.set_account(Account("second", "nguyễn văn an", ("reviewer",), True, ""))


@pytest.mark.parametrize("name", [DUNG, "a stranger"])
def test_only_reviewers_and_auditors_decide(desk: Any, name: str) -> None:
    with pytest.raises(UsageError, match="no account as reviewer"):
        desk.propose([says(name)])


def test_an_account_that_was_ended_decides_nothing(desk: Any) -> None:
    desk.set_account(Account("user0", AN, ("reviewer",), False, ""))
    with pytest.raises(UsageError, match="no account"):
        desk.propose([says(AN)])


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"codes": ("1", "2")}, "cannot be an answer"),
        ({"codes": ("77",)}, "cannot be an answer"),
        ({"codes": ("1",), "invalid": True}, "cannot be an answer"),
        ({"question": "H9"}, "no such question"),
        ({"sheet": SheetId("box 3/00099")}, "no sheet"),
        ({"question": "H2", "codes": ("1",)}, "was accepted"),
        ({"note": "x" * 501}, "longer than"),
    ],
)
def test_what_cannot_be_said_is_refused_whole(desk: Any, wrong: dict[str, Any], said: str) -> None:
    head = desk.store.head()
    with pytest.raises(UsageError, match=said):
        desk.propose([says(AN, "1"), replace(says(AN, "1", "H3"), **wrong)])
    assert desk.store.head() == head


def test_an_accepted_answer_is_ruled_on_with_a_note(desk: Any) -> None:
    desk.propose([says(AN, "1", "H2", note="the cross lies in box 1")])
    assert desk.propose([says(BINH, "1", "H2", note="box 1")]) == [Standing.SETTLED]
    assert check(desk).alone == 0


def test_who_looked_before_it_was_settled_is_told(desk: Any) -> None:
    desk.propose([says(AN)])
    desk.propose([says(BINH)])
    head = desk.store.head()
    with pytest.raises(StaleError, match="settled it meanwhile"):
        desk.propose([says(CUONG, "2")])
    assert desk.propose([says(BINH)]) == [Standing.KNOWN]  # a double click, or sent twice by a bad line
    assert desk.store.head() == head


def test_two_persons_may_rule_anew(desk: Any) -> None:
    desk.propose([says(AN)])
    desk.propose([says(BINH)])
    seen = desk.look(queries.answers_of_sheet, SHEET)[0].ruling
    desk.propose([says(AN, "2", seen=seen)])
    assert next(desk.store.answer_rows()).sheet  # the former stands until another agrees
    assert desk.look(queries.answers_of_sheet, SHEET)[0].ruled_codes == "1"
    desk.propose([says(CUONG, "2", seen=seen)])
    assert desk.look(queries.answers_of_sheet, SHEET)[0].ruled_codes == "2"
    check(desk)


def test_who_scanned_is_not_the_second(desk: Any) -> None:
    desk.store.start_batch(replace(batch_settings("box 3"), scanned_by=AN), "test 1")
    desk.propose([says(AN)])
    assert desk.propose([says(BINH)]) == [Standing.SETTLED]
    desk.propose([says(BINH, "2", "H3")])
    with pytest.raises(UsageError, match="ran the scan"):
        desk.propose([says(AN, "2", "H3")])
    check(desk)


def test_who_handles_the_units_procedures_reviews_nothing(desk: Any) -> None:
    people = {"opened_by": ("X",), "scanned_by": ("Y",), "reviewed_by": ("Z",), "handle_procedures": (AN,)}
    minute = BoxOpening("3", "s", "2023-03-01", batch_settings("box 3").name, 9, 0, 0, 3, **people)
    desk.store.add_box_opening(minute)
    with pytest.raises(UsageError, match="handles procedures"):
        desk.propose([says(AN)])


def test_nothing_enters_a_closed_period(desk: Any) -> None:
    for sheet, question in ((SHEET, "H1"), (SHEET, "H3"), (SheetId("box 3/00002"), "H2")):
        desk.propose([says(AN, "1", question, sheet=sheet)])
        desk.propose([says(BINH, "1", question, sheet=sheet)])
    desk.office.close("2023Q1")
    seen = desk.look(queries.answers_of_sheet, SHEET)[0].ruling
    with pytest.raises(ClosedError):
        desk.propose([says(AN, "2", seen=seen)])
    check(desk)


# --- taking back ------------------------------------------------------------------------------------------


def test_a_decision_is_taken_back(desk: Any) -> None:
    desk.propose([says(AN)])
    desk.withdraw(SHEET, "H1", AN)
    assert desk.propose([says(BINH)]) == [Standing.WAITS]
    with pytest.raises(UsageError, match="nothing of yours"):
        desk.withdraw(SHEET, "H1", AN)
    check(desk)


def test_taking_back_what_settled_opens_the_answer(desk: Any) -> None:
    for question in ("H1", "H3"):
        desk.propose([says(AN, "1", question)])
        desk.propose([says(BINH, "1", question)])
    assert state(desk) is SheetState.READ
    desk.withdraw(SHEET, "H1", BINH)
    assert state(desk) is SheetState.REVIEW
    assert "box 3/00001 H1" in waiting(desk)
    check(desk)
    assert desk.propose([says(CUONG)]) == [Standing.SETTLED]  # An's word still stands
    assert state(desk) is SheetState.READ
    check(desk)


# --- an office of one -------------------------------------------------------------------------------------


def test_one_person_review_is_said_in_every_report(desk: Any) -> None:
    desk.set_persons(1)
    desk.set_persons(1)
    assert desk.propose([says(AN)]) == [Standing.SETTLED]
    assert check(desk).alone == 1
    assert desk.store.ruled_alone(["box 3"]) == 1
    desk.set_persons(2)
    assert desk.propose([says(AN, "1", "H3")]) == [Standing.WAITS]
    assert len(entries(desk.office.database, "SELECT 1 FROM ledger WHERE kind = 'review_rule'")) == 2
    desk.withdraw(SHEET, "H1", AN)
    assert desk.store.ruled_alone(["box 3"]) == check(desk).alone == 0


# --- whole sheets -----------------------------------------------------------------------------------------


def voids(by: str, reason: str = "a test sheet", **changes: Any) -> SheetProposal:
    return replace(SheetProposal(SHEET, "void", by, reason), **changes)


def test_a_sheet_is_made_void_by_two(desk: Any) -> None:
    desk.set_persons(1)  # even then
    assert desk.propose_sheet(voids(AN)) is Standing.WAITS
    assert desk.propose_sheet(voids(AN)) is Standing.KNOWN
    assert state(desk) is SheetState.REVIEW
    assert desk.propose_sheet(voids(BINH, "agreed")) is Standing.SETTLED
    assert state(desk) is SheetState.VOID
    with pytest.raises(StaleError, match="void already"):
        desk.propose_sheet(voids(CUONG))
    with pytest.raises(StaleError, match="void already"):
        desk.propose([says(CUONG)])
    check(desk)


def test_a_sheet_is_made_void_with_a_reason_only(desk: Any) -> None:
    with pytest.raises(UsageError, match="reason is missing"):
        desk.propose_sheet(voids(AN, " "))


def test_a_second_scan_names_the_sheet_that_stays(desk: Any) -> None:
    with pytest.raises(UsageError):
        desk.propose_sheet(voids(AN, same_as=str(SHEET)))
    desk.propose_sheet(voids(AN, same_as="box 3/00002"))
    assert desk.propose_sheet(voids(BINH)) is Standing.DIFFERS
    assert desk.propose_sheet(voids(BINH, same_as="box 3/00002")) is Standing.SETTLED
    assert desk.store.balance("box 3").sheets_again == 1
    check(desk)


def test_a_sheet_without_doubt_needs_no_word(desk: Any) -> None:
    with pytest.raises(StaleError, match="no doubt"):
        desk.propose_sheet(SheetProposal(SHEET, "count", AN, "it is another paper"))


# --- what the checker finds -------------------------------------------------------------------------------

Change = Callable[[dict[str, Any]], object]


def forged(desk: Any, kind: str, change: Change) -> str:
    """The checker's code after one entry of a kind was changed and all was chained anew."""

    def edit(bodies: list[dict[str, Any]]) -> None:
        change([body for body in bodies if body["kind"] == kind][-1])

    rewrite(desk.office.database, edit)
    try:
        verify.verify(str(desk.office.database), desk.office.folder)
    except verify.Fault as fault:
        return fault.code
    return ""


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("proposal", lambda body: body.update(beside=True)),
        ("ruling", lambda body: body.update(proposals=body["proposals"][:1] * 2)),
        ("ruling", lambda body: body.update(proposals=body["proposals"][:1])),
        ("ruling", lambda body: body.update(codes=["2"])),
        ("ruling", lambda body: body.update(second=CUONG)),
        ("ruling", lambda body: body.update(question="H3")),
        ("ruling", lambda body: body.update(proposals=[1, 2])),
        ("proposal", lambda body: body.update(by=AN)),
        ("proposal", lambda body: body.update(by=DUNG)),
        ("proposal", lambda body: body.update(codes=["2"])),
    ],
)
def test_a_ruling_without_two_persons_is_found(desk: Any, kind: str, change: Change) -> None:
    desk.propose([says(AN)])
    desk.propose([says(BINH)])
    assert forged(desk, kind, change) == "eyes"


def test_a_ruling_by_one_where_two_were_needed_is_found(desk: Any) -> None:
    desk.set_persons(1)
    desk.propose([says(AN)])
    assert check(desk).alone == 1
    assert forged(desk, "review_rule", lambda body: body.update(persons=2)) == "eyes"


def test_a_role_that_was_never_given_is_found(desk: Any) -> None:
    desk.propose([says(CUONG)])
    rewrite(
        desk.office.database,
        lambda bodies: [body.update(roles=["operator"]) for body in bodies if body.get("name") == CUONG],
    )
    with pytest.raises(verify.Fault) as found:
        verify.verify(str(desk.office.database), desk.office.folder)
    assert found.value.code == "eyes"


def test_a_void_that_rests_on_one_is_found(desk: Any) -> None:
    desk.propose_sheet(voids(AN))
    desk.propose_sheet(voids(BINH))
    assert forged(desk, "sheet_proposal", lambda body: body.update(act="count")) == "eyes"


def test_a_decision_taken_back_by_another_is_found(desk: Any) -> None:
    desk.propose([says(AN)])
    desk.withdraw(SHEET, "H1", AN)
    assert forged(desk, "withdrawn", lambda body: body.update(by=BINH)) == "eyes"


# --- controls and texts -----------------------------------------------------------------------------------


def test_controls_count_nowhere(desk: Any) -> None:
    third = SheetId("box 3/00003")
    before = [row.codes for row in desk.store.answer_rows()]
    assert desk.add_control(says(AN, sheet=third), (("1",), False))
    assert not desk.add_control(says(AN, "2", sheet=third), (("1",), False))
    (figures,) = desk.look(queries.person_figures)
    assert (figures.controls, figures.wrong) == (2, 1)
    assert [row.codes for row in desk.store.answer_rows()] == before
    check(desk)


def test_a_text_is_typed_and_corrected(desk: Any) -> None:
    assert desk.add_text(SHEET, "F1", " cần thêm ghế ", AN)
    assert not desk.add_text(SHEET, "F1", "cần thêm ghế", AN)
    desk.add_text(SHEET, "F1", "cần thêm ghế.", BINH)
    key = desk.look(queries.answers_of_sheet, SHEET)[0].key
    assert desk.look(queries.text_of, key, "F1") == "cần thêm ghế."
    with pytest.raises(BallotscanError):
        desk.add_text(SHEET, "F1", "x", DUNG)
    check(desk)


def test_rulings_of_a_file_go_on_working(desk: Any) -> None:
    from ballotscan.model import Ruling

    desk.propose([says(AN, "2")])
    desk.store.add_rulings([Ruling(SHEET, "H1", ("1",), False, "Em", "by file")])
    assert check(desk).alone == 1
    with pytest.raises(StaleError):
        desk.propose([says(BINH, "2")])


def test_the_stack_is_as_it_lies(desk: Any) -> None:
    fill(desk.store, batch_settings("box 4"), ["1 1 1 1 1", "1 1 1 1 1"])
    assert [sheet for sheet, _state in desk.look(queries.papers, "box 4")] == ["box 4/00001", "box 4/00002"]


# --- sign-ins ---------------------------------------------------------------------------------------------


def sign_ins(reviews: Reviews) -> list[tuple[str, str, int]]:
    """Login, act and times of those that are entered, the oldest first."""
    found = reviews.look(users.last_sign_ins, 50)
    return [(each.login, each.act, each.times) for each in reversed(found)]


def test_sign_ins_are_entries_and_hold_no_password(desk: Any) -> None:
    before = desk.store.head()[0]
    desk.sign_in("an", "An", "wrong")
    desk.sign_in("an", "An", "in")
    desk.sign_in("an", "An", "out")
    assert sign_ins(desk) == [("an", "wrong", 1), ("an", "in", 1), ("an", "out", 1)]
    assert desk.store.head()[0] == before + 3
    assert desk.store.check_projections() == ()


def test_while_a_scan_writes_a_sign_in_waits_and_goes_first(desk: Any) -> None:
    with desk.office.open() as scan:
        scan.add_warnings("box 3", [])
        desk.sign_in("an", "An", "in")  # nobody is kept out
        assert sign_ins(desk) == []
        assert desk.enter_sign_ins() == 1
    before = desk.store.head()[0]
    desk.propose([says(AN)])
    assert sign_ins(desk) == [("an", "in", 1)]
    kinds = entries(desk.office.database, f"SELECT kind FROM ledger WHERE seq > {before} ORDER BY seq")
    assert [kind for (kind,) in kinds] == ["sign_in", "proposal"]
    assert desk.enter_sign_ins() == 0


def test_a_refused_decision_loses_no_sign_in(desk: Any) -> None:
    with desk.office.open() as scan:
        scan.add_warnings("box 3", [])
        desk.sign_in("an", "An", "in")
    with pytest.raises(UsageError):
        desk.propose([says(AN, "77")])
    desk.propose([says(AN)])
    assert sign_ins(desk) == [("an", "in", 1)]


def test_guessing_logins_fills_no_disk(desk: Any) -> None:
    for _ in range(200):
        desk.sign_in("", "", "wrong")
    assert sign_ins(desk) == [("", "wrong", 1)]
    desk.enter_sign_ins()
    assert sign_ins(desk) == [("", "wrong", 1), ("", "wrong", 199)]
