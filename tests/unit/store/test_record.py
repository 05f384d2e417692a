"""The record's own care, on both databases: void, closes, digests, the independent checker."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from ballotscan import verify
from ballotscan.closing import Wanted, amend_period, close_period
from ballotscan.errors import ClosedError, StoreError
from ballotscan.model import SheetId
from ballotscan.rules.periods import next_period, parse_period
from ballotscan.settings import Settings, shipped
from ballotscan.store.database import Store
from tests.unit.record import BALLOTS, new_signer
from tests.unit.tally.stored import batch_settings, fill

Open = Callable[[], Store]
SIGNERS = (new_signer("An", "operator"), new_signer("Bình", "auditor"))
QUARTER = Wanted(parse_period("2023Q1"), "", "because")


def filled(store: Store, folder: Path) -> None:
    scan = folder / "box 1.pdf"
    scan.write_bytes(scan.name.encode())
    store.keep_original(scan)
    fill(store, batch_settings("box 1"), BALLOTS)


def test_closed_checked_and_opened_again(open_it: Open, location: str, tmp_path: Path) -> None:
    settings = Settings(location, tmp_path)
    with open_it() as store:
        filled(store, tmp_path)
        store.void(SheetId("box 1/00002"), "An", "Cường", "a test sheet")
        head = close_period(store, settings, [shipped("templates")], QUARTER, SIGNERS)
        with pytest.raises(ClosedError):
            store.void(SheetId("box 1/00001"), "An", "Cường", "another")
        assert verify.verify(location, tmp_path, [head]).head == head
        amend_period(store, settings, QUARTER, SIGNERS)
        store.void(SheetId("box 1/00001"), "An", "Cường", "another")
        assert verify.verify(location, tmp_path, [head]).originals == 2  # with the template
        assert store.rebuild_projections() == ()
        assert [each.standing for each in store.closings()] == [False, False]


def test_nothing_is_signed_that_was_added_to_meanwhile(open_it: Open, tmp_path: Path) -> None:
    with open_it() as store:
        filled(store, tmp_path)
        seq, head = store.head()
        statement = {"head": {"seq": seq, "hash": head}}
        store.void(SheetId("box 1/00001"), "An", "Cường", "a test sheet")
        with pytest.raises(StoreError, match="meanwhile"):
            store.add_signed("close", statement, {})


def test_checks_follow_what_is_added(open_it: Open, tmp_path: Path) -> None:
    """The first look checks all; the next only what came since, and the digests."""
    with open_it() as store:
        filled(store, tmp_path)
        first = store.check_since_verified()
        assert (first.fault, first.verified is not None) == ("", True)
        assert store.check_since_verified().verified is None
        store.void(SheetId("box 1/00001"), "An", "Cường", "a test sheet")
        assert store.check_since_verified().verified is not None
        with store._writing() as connection:
            connection.execute(text("UPDATE sheets SET state = 'read'"))
        assert store.check_since_verified().tables == ("sheets",)
        assert store.check_projections() == ("sheets",)
        assert store.rebuild_projections() == ("sheets",)
        assert store.check_since_verified().fault == ""


def test_what_is_kept_about_checks_may_be_damaged(open_it: Open, tmp_path: Path) -> None:
    with open_it() as store:
        filled(store, tmp_path)
        store.check_since_verified()
        for value in ("", "{", "{}", '{"seq": 1}'):
            with store._writing() as connection:
                connection.execute(text("UPDATE about SET value = :v WHERE name = 'verified'"), {"v": value})
            assert store.check_since_verified().verified is not None


@pytest.mark.parametrize(
    ("name", "following"),
    [
        ("2023-03", "2023-04"),
        ("2023-12", "2024-01"),
        ("2023Q1", "2023Q2"),
        ("2023Q4", "2024Q1"),
        ("2023H1", "2023H2"),
        ("2023H2", "2024H1"),
        ("2023", "2024"),
        ("2023-01-01..2023-02-28", "2023-03-01"),
    ],
)
def test_the_next_period(name: str, following: str) -> None:
    assert next_period(parse_period(name)) == following
