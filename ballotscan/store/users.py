"""Accounts of the review page: who may do what, as entries of the record. Functions of a connection.

A password is not in the record: what is kept of it lies in a file of its own (``review.passwords``). The
entry holds that file's line as a SHA-256, so that a line that was put there by hand opens nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

from sqlalchemy import Connection, select

from ballotscan.errors import UsageError
from ballotscan.four_eyes import USER_ROLES, Person, same_person
from ballotscan.i18n import gettext as _
from ballotscan.store import ledger
from ballotscan.store.bodies import composed
from ballotscan.store.schema import hands, users
from ballotscan.store.schema import ledger as entries
from ballotscan.store.writing import record

_LOGIN: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}")
LONGEST_NAME: Final = 80


class Account(NamedTuple):
    """One person's account. ``password`` is the SHA-256 of what is kept of the password."""

    login: str
    name: str
    roles: tuple[str, ...]
    active: bool
    password: str


def accounts(connection: Connection) -> list[Account]:
    """All, in the order in which they were last changed."""
    rows = connection.execute(select(users).order_by(users.c.key))
    return [
        Account(row.login, row.name, tuple(row.roles.split("|")), bool(row.active), row.password)
        for row in rows
    ]


def set_account(connection: Connection, wanted: Account, by: str) -> None:
    """Make an account or change it. Raises as ``check_account``."""
    name = check_account(connection, wanted)
    roles = [role for role in USER_ROLES if role in wanted.roles]
    body = {"login": wanted.login, "name": name, "roles": roles, "active": wanted.active}
    record(connection, "user", [body | {"password": wanted.password, "set_by": composed(by)}])


def check_account(connection: Connection, wanted: Account) -> str:
    """The person's name as it is entered. Raises ``UsageError`` for what cannot be an account.

    No two accounts are of one person: else that person could agree with himself.
    """
    name = " ".join(composed(wanted.name).split())
    if not _LOGIN.fullmatch(wanted.login):
        raise UsageError(
            _("'{login}' cannot be a login.").format(login=wanted.login),
            _("Use small letters without marks, digits and . _ - only, 32 at most."),
        )
    if not name or not name.isprintable() or len(name) > LONGEST_NAME:
        raise UsageError(_("This is no name of a person."), _("Give the full name."))
    if not wanted.roles or not set(wanted.roles) <= set(USER_ROLES):
        raise UsageError(
            _("A role is not known."), _("Known roles: {roles}.").format(roles=", ".join(USER_ROLES))
        )
    known = accounts(connection)
    for other in known:
        if other.login != wanted.login and same_person(other.name, name):
            raise UsageError(
                _("{name} has an account already: {login}.").format(name=other.name, login=other.login),
                _("One person has one account, or nobody would be a second person."),
            )
        if other.login == wanted.login and not same_person(other.name, name):
            raise UsageError(
                _("The login {login} is {name}'s.").format(login=other.login, name=other.name),
                _("Choose another login."),
            )
    return name


SignInAct = Literal["in", "out", "wrong", "locked"]
"""``wrong``: a password or login that opens nothing. ``locked``: the same, and it locks the account."""


class SignIn(NamedTuple):
    """That somebody signed in or out, or failed to. No password and no network address.

    ``login`` and ``name`` are an account's; empty where no account was named, for what was typed then may be
    a password.
    """

    when: str
    login: str
    name: str
    act: SignInAct
    times: int = 1


def add_sign_ins(connection: Connection, new: Sequence[SignIn]) -> None:
    """Enter them as they are."""
    record(connection, "sign_in", [each._asdict() for each in new])


def last_sign_ins(connection: Connection, limit: int) -> list[SignIn]:
    """The last ones, the newest first."""
    query = select(entries.c.body).where(entries.c.kind == "sign_in").order_by(entries.c.seq.desc())
    bodies = map(ledger.read_body, connection.execute(query.limit(limit)).scalars())
    return [SignIn(*(body[name] for name in SignIn._fields)) for body in bodies]


def person(connection: Connection, name: str, batch: str) -> Person:
    """Someone by name, as the rules see them before a batch; without an active account without roles."""
    mine = [each for each in accounts(connection) if each.active and same_person(each.name, name)]
    did = {row.did for row in _of_batch(connection, batch) if same_person(row.name, name)}
    return Person(
        name=mine[0].name if mine else name,
        roles=mine[0].roles if mine else (),
        scanned="scanned" in did,
        handles="handles" in did,
    )


def _of_batch(connection: Connection, batch: str) -> Sequence[_Hand]:
    rows = connection.execute(select(hands.c.name, hands.c.did).where(hands.c.batch == batch))
    return [_Hand(row.name, row.did) for row in rows]


class _Hand(NamedTuple):
    name: str
    did: str
