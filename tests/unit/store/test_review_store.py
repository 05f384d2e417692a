"""The review's entries and queries on both databases; the rules themselves: ``test_proposals``."""

from __future__ import annotations

from collections.abc import Callable

from ballotscan.forms.load import load_form
from ballotscan.model import Proposal, SheetId, SheetProposal, Standing
from ballotscan.settings import shipped
from ballotscan.store import review_queries as queries
from ballotscan.store.database import Store
from ballotscan.store.reviews import Reviews
from ballotscan.store.users import Account
from tests.unit.tally.stored import batch_settings, fill

FIRST, SECOND = SheetId("box/00001"), SheetId("box/00002")


def reviewed(store: Store) -> Reviews:
    fill(store, batch_settings("box"), ["?1 1 1 1 1", "1 1 ?2 1 1", "1 1 1 1 1"])
    reviews = Reviews(store)
    for login, name in (("an", "An"), ("binh", "Bình")):
        reviews.set_account(Account(login, name, ("reviewer",), True, "x"))
        assert reviews.propose([Proposal(FIRST, "H1", ("1",), False, name)])
        reviews.propose_sheet(SheetProposal(SECOND, "void", name, "a test"))
    reviews.add_control(Proposal(SheetId("box/00003"), "H1", ("2",), False, "An"), (("1",), False))
    reviews.add_text(FIRST, "F1", "tốt", "An")
    return reviews


def test_everything_is_asked_on_both_databases(store: Store) -> None:
    reviews = reviewed(store)
    assert reviews.look(queries.waiting_answers) == []
    assert store.balance("box").sheets_void == 1
    assert store.ruled_alone(["box"]) == 0
    assert reviews.look(queries.progress) == {"box": (1, 1)}
    assert [row.question for row, *_ in reviews.look(queries.settled_answers, 5)] == ["H1"]
    assert {row.sheet for row in reviews.look(queries.sure_answers, 5)} == {"box/00003"}
    assert [each[:4] for each in reviews.look(queries.person_figures)] == [("An", 1, 1, 1), ("Bình", 1, 0, 0)]
    assert [sheet for sheet, _state in reviews.look(queries.papers, "box")] == [FIRST, SECOND, "box/00003"]
    assert reviews.look(queries.deciders, FIRST) == {"An", "Bình"}
    assert reviews.look(queries.doubtful_sheets) == []
    assert len(reviews.look(queries.read_pages)) == 2  # the void sheet's page is left out
    assert reviews.look(queries.sheets_spoken_of) == set()
    reviews.withdraw(FIRST, "H1", "Bình")
    assert [row.question for row in reviews.look(queries.waiting_answers)] == ["H1"]
    assert store.check_projections() == ()
    assert store.rebuild_projections() == ()


def test_a_second_program_writes_between_two_decisions(open_it: Callable[[], Store]) -> None:
    """The page holds the writer's lock only while it writes."""
    with open_it() as mine, open_it() as other:
        reviews = reviewed(mine)
        other.keep_form(load_form(shipped("templates") / "hue-2019"))
        other.start_batch(batch_settings("another"), "test 1")
        other.close()
        standing = reviews.propose([Proposal(FIRST, "H2", ("1",), False, "An", "looked again")])
        assert standing == [Standing.WAITS]
