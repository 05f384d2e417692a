"""The store as the review page uses it: from several threads, each write by itself.

A scan holds the writer's lock until it ends; a page that is open all day must not. So every write here takes
the lock, commits and lets it go, and one at a time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final, TypeVar

from sqlalchemy import Connection

from ballotscan.errors import StoreError
from ballotscan.model import Proposal, SheetId, SheetProposal, Standing
from ballotscan.store import ledger, proposals, users
from ballotscan.store.connect import WAIT_FOR_WRITER_S
from ballotscan.store.database import Store
from ballotscan.store.proposals import NOTHING, Outcome
from ballotscan.store.users import Account, SignIn, SignInAct
from ballotscan.store.writing import record

STRANGERS_EVERY_S: Final = 60.0
_T = TypeVar("_T")


class Reviews:
    """People's decisions, and accounts, in a store that is open."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._one_at_a_time = threading.Lock()
        self._sign_ins: list[SignIn] = []  # those that are not entered yet
        self._strangers_s = -STRANGERS_EVERY_S

    @contextmanager
    def _writing(self, wait_s: float = WAIT_FOR_WRITER_S) -> Iterator[Connection]:
        """A transaction. Sign-ins that wait go before whatever else is written in it."""
        with self._one_at_a_time:
            try:
                with self.store.writing(wait_s) as connection:
                    waiting = list(self._sign_ins)
                    users.add_sign_ins(connection, waiting)
                    yield connection
                del self._sign_ins[: len(waiting)]
            finally:
                self.store.let_others_write()

    def sign_in(self, login: str, name: str, act: SignInAct) -> None:
        """Enter that somebody signed in or out, or failed to.

        While a scan writes it waits for the next write, which it goes before. So nothing that a person does
        stands in the record without the sign-in, and a scan keeps nobody out.
        """
        if login:
            self._sign_ins.append(SignIn(ledger.now(), login, name, act))
        elif not self._add_stranger():
            return
        self.enter_sign_ins()

    def _add_stranger(self) -> bool:
        """A failure without an account: added to those that wait already, so that guessing fills no disk.
        Whether it is time to enter them.
        """
        for place, each in enumerate(self._sign_ins):
            if not each.login:
                self._sign_ins[place] = each._replace(times=each.times + 1)
                break
        else:
            self._sign_ins.append(SignIn(ledger.now(), "", "", "wrong"))
        due = time.monotonic() - self._strangers_s >= STRANGERS_EVERY_S
        if due:
            self._strangers_s = time.monotonic()
        return due

    def enter_sign_ins(self) -> int:
        """Enter those that wait, if that can be done at once; returns how many are left."""
        with suppress(StoreError), self._writing(wait_s=0):
            pass
        return len(self._sign_ins)

    def look(self, query: Callable[..., _T], *arguments: object) -> _T:
        """The outcome of a function of ``review_queries`` or ``users``, in a transaction that only reads."""
        with self.store.looking() as connection:
            return query(connection, *arguments)

    def propose(self, new: Sequence[Proposal]) -> list[Standing]:
        """See ``proposals.propose``."""
        with self._writing() as connection:
            return proposals.propose(connection, new)

    def propose_sheet(self, new: SheetProposal, outcome: Outcome = NOTHING) -> Standing:
        """See ``proposals.propose_sheet``."""
        with self._writing() as connection:
            return proposals.propose_sheet(connection, new, outcome)

    def withdraw(self, sheet: SheetId, question: str, by: str) -> None:
        """See ``proposals.withdraw``."""
        with self._writing() as connection:
            proposals.withdraw(connection, sheet, question, by)

    def add_control(self, new: Proposal, expected: tuple[tuple[str, ...], bool]) -> bool:
        """See ``proposals.add_control``."""
        with self._writing() as connection:
            return proposals.add_control(connection, new, expected)

    def add_text(self, sheet: SheetId, field: str, text: str, by: str) -> bool:
        """See ``proposals.add_text``."""
        with self._writing() as connection:
            return proposals.add_text(connection, sheet, field, text, by)

    def check_account(self, wanted: Account) -> str:
        """See ``users.check_account``: asked before a password is kept."""
        return self.look(users.check_account, wanted)

    def set_account(self, wanted: Account, by: str = "") -> None:
        """See ``users.set_account``."""
        with self._writing() as connection:
            users.set_account(connection, wanted, by)

    def set_persons(self, persons: int) -> None:
        """See ``proposals.set_persons``."""
        with self._writing() as connection:
            proposals.set_persons(connection, persons)

    def enter(self, kind: str, body: Mapping[str, Any]) -> int:
        """Append an entry of an audit; returns its number."""
        with self._writing() as connection:
            return record(connection, kind, [body])[0]

    def enter_all(self, kind: str, bodies: Sequence[Mapping[str, Any]]) -> None:
        """The same for several, all or none."""
        with self._writing() as connection:
            record(connection, kind, bodies)

    def accounts(self) -> list[Account]:
        """Every account."""
        return self.look(users.accounts)
