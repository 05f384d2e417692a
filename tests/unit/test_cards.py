"""How a reviewer's line is laid out: whose turn, blind or not, and the known answers mixed in."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from ballotscan.model import Proposal, SheetId, SheetProposal, Standing
from ballotscan.review import cards
from ballotscan.review.cards import answer_card, lay_out, progress, take_back
from ballotscan.store import review_queries as queries
from ballotscan.store.reviews import Reviews
from ballotscan.store.users import Account
from tests.unit.record import Office

AN, BINH, CUONG = "Nguyễn Văn An", "Trần Thị Bình", "Lê Cường"


@pytest.fixture
def desk(tmp_path: Path) -> Any:
    office = Office(tmp_path)
    office.add_batch("box 3", *["?1 ?2 1 1 1"] * 30, *["1 1 1 1 1"] * 30)
    with office.open() as store:
        reviews = Reviews(store)
        for login, name in (("an", AN), ("binh", BINH), ("cuong", CUONG)):
            reviews.set_account(Account(login, name, ("reviewer",), True, ""))
        yield reviews


def says(desk: Reviews, by: str, first: int, last: int, code: str = "1") -> None:
    rows = queries_of(desk)[first:last]
    desk.propose([Proposal(row.sheet, row.question, (code,), False, by) for row in rows])


def queries_of(desk: Reviews) -> list[Any]:
    return list(desk.look(queries.waiting_answers))


def test_what_another_has_spoken_on_comes_first_and_blind(desk: Reviews) -> None:
    says(desk, AN, 10, 15)
    line = lay_out(desk, BINH, random.Random(1))
    asked = [card for card in line.cards if card.known is None]
    assert [card.blind for card in asked] == [True] * 5 + [False] * 55
    assert [card.item for card in asked[:5]] == [row.item for row in queries_of(desk)[10:15]]
    mine = lay_out(desk, AN, random.Random(1))
    assert sum(card.known is None for card in mine.cards) == 55  # nobody is asked twice
    assert progress(desk, AN) == (55, 60, 0)


def test_known_answers_are_mixed_in_and_look_like_the_others(
    desk: Reviews, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cards, "ONE_CONTROL_IN", 5)
    says(desk, AN, 0, 40)
    line = lay_out(desk, BINH, random.Random(2))
    known = [card for card in line.cards if card.known is not None]
    assert 2 <= len(known) <= 20
    blind = [card.blind for card in line.cards]
    assert blind == sorted(blind, reverse=True)  # none stands out by being blind among those that are not
    assert all(card.blind for card in known)  # sure answers beside the machine's reading are no question
    answers = {row.item: row.codes for row in desk.look(queries.sure_answers, 100)}
    assert all(answers[card.item] == "|".join(card.known.codes) for card in known if card.known)
    assert lay_out(desk, BINH, random.Random(3)).cards != line.cards  # nobody can foresee where


def test_what_two_others_settled_is_a_control_for_a_third_only(
    desk: Reviews, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cards, "ONE_CONTROL_IN", 2)
    says(desk, AN, 0, 20)
    rows = queries_of(desk)[:20]
    desk.propose([Proposal(row.sheet, row.question, ("1",), False, BINH) for row in rows])
    settled = {row.item for row in rows}
    third = [card for card in lay_out(desk, CUONG, random.Random(4)).cards if card.known]
    assert third
    assert {card.item for card in third} <= settled  # fresh cards show the machine's reading: as these did
    assert not any(card.blind for card in third)
    one_of_two = [card for card in lay_out(desk, AN, random.Random(4)).cards if card.known]
    assert not {card.item for card in one_of_two} & settled


def test_a_control_is_answered_once_and_counts_nowhere(
    desk: Reviews, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cards, "ONE_CONTROL_IN", 2)
    says(desk, AN, 0, 20)
    line = lay_out(desk, BINH, random.Random(5))
    number = next(number for number, card in enumerate(line.cards) if card.known)
    before = [row.codes for row in desk.store.answer_rows()]
    assert answer_card(desk, line, number, BINH, (("2",), False), "") is Standing.WAITS
    take_back(desk, line, number, BINH)  # as for any other card, so that nobody learns what it was
    assert answer_card(desk, line, number, BINH, (("1",), False), "") is Standing.KNOWN
    figures = {each.name: each for each in desk.look(queries.person_figures)}
    assert (figures[BINH].controls, figures[BINH].wrong) == (1, 1)
    assert [row.codes for row in desk.store.answer_rows()] == before


def test_an_office_of_one_has_no_controls(desk: Reviews, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cards, "ONE_CONTROL_IN", 1)
    desk.set_persons(1)
    line = lay_out(desk, AN, random.Random(6))
    assert len(line.cards) == 60
    assert not any(card.known or card.blind for card in line.cards)
    assert answer_card(desk, line, 0, AN, (("1",), False), "") is Standing.SETTLED
    take_back(desk, line, 0, AN)
    assert len(queries_of(desk)) == 60


def test_a_sheet_in_doubt_waits_until_two_say_that_it_counts(desk: Reviews) -> None:
    """A duplicate's answers are no cards; once it counts, what was read surely is ruled, the rest are."""
    from dataclasses import replace

    from ballotscan.model import Answer, Outcome, Reason, Sheet, SheetState, Status
    from ballotscan.store.proposals import Outcome as Follows
    from tests.unit.store.makers import page, ref
    from tests.unit.tally.stored import QUESTIONS, batch_settings

    store = desk.store
    store.start_batch(batch_settings("box 4"), "test 1")
    store.add_file("box 4", "again.pdf", ref(1, "again.pdf").original, 1)
    reading = replace(page().reading, form="hue-2019", edition="2019")
    keys = store.add_pages("box 4", [replace(page(1, file="again.pdf"), reading=reading)])
    held = [Answer(name, 1, Outcome.ONE, ("1",), Status.REVIEW, 0.9, Reason.DUPLICATE) for name in QUESTIONS]
    edition = next(key[1] for key in store.questions() if key[0] == "hue-2019")
    sheet = Sheet(
        "hue-2019", edition, SheetState.REVIEW, Reason.DUPLICATE, None, (ref(1, "again.pdf"),), tuple(held)
    )
    store.add_sheets("box 4", [(sheet, tuple(keys))])
    assert len(queries_of(desk)) == 60
    (doubtful,) = desk.look(queries.doubtful_sheets)
    sure = Follows(readable=[(name, ("1",)) for name in QUESTIONS[:3]])
    counts = [SheetProposal(SheetId(doubtful.sheet), "count", who, "another paper") for who in (AN, BINH)]
    assert desk.propose_sheet(counts[0], sure) is Standing.WAITS
    assert desk.propose_sheet(counts[1], sure) is Standing.SETTLED
    assert desk.look(queries.doubtful_sheets) == []
    assert [row.question for row in queries_of(desk) if row.batch == "box 4"] == list(QUESTIONS[3:])
    assert desk.store.check_projections() == ()
