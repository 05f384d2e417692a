"""From entries of the review to its query tables; see ``projections``, which calls these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, delete, insert, update

from ballotscan.store import schema
from ballotscan.store.bodies import join_codes
from ballotscan.store.ledger import Entry


def proposal(connection: Connection, entries: Sequence[Entry]) -> None:
    """What people say; the same person's next word replaces the former."""
    said = schema.proposals
    for entry in entries:
        body = entry.body
        question = body.get("question", "")
        mine = (said.c.sheet == body["sheet"], said.c.question == question, said.c.by_name == body["by"])
        still_open = (said.c.settled.is_(None), said.c.withdrawn.is_(None))
        connection.execute(update(said).where(*mine, *still_open).values(withdrawn=entry.seq))
        row = {
            "key": entry.seq,
            "sheet": body["sheet"],
            "question": question,
            "act": body.get("act", "answer"),
            "codes": join_codes(body.get("codes", ())),
            "invalid": body.get("invalid", False),
            "same_as": body.get("same_as_id", ""),
            "by_name": body["by"],
            "note": body.get("note") or body.get("reason", ""),
        }
        connection.execute(insert(said), row)


def settle_proposals(connection: Connection, entry: Entry, question: str) -> None:
    """What people had said of it is spent; what comes later is about another ruling."""
    said = schema.proposals
    mine = (said.c.sheet == entry.body["sheet"], said.c.question == question)
    still_open = (said.c.settled.is_(None), said.c.withdrawn.is_(None))
    connection.execute(update(said).where(*mine, *still_open).values(settled=entry.seq))


def counted(connection: Connection, entries: Sequence[Entry]) -> None:
    """What people had said of a sheet is spent."""
    for entry in entries:
        settle_proposals(connection, entry, "")


def control(connection: Connection, entries: Sequence[Entry]) -> None:
    """Known answers that people answered."""
    rows = [
        {"key": entry.seq, "by_name": entry.body["by"]}
        | {name: entry.body[name] for name in ("sheet", "question", "right")}
        for entry in entries
    ]
    connection.execute(insert(schema.controls), rows)


def text(connection: Connection, entries: Sequence[Entry]) -> None:
    """What people typed from handwriting; the last stands."""
    texts = schema.texts
    for entry in entries:
        body = entry.body
        same = (texts.c.sheet == body["sheet"], texts.c.field == body["field"])
        former = update(texts).where(*same, texts.c.superseded_by.is_(None))
        connection.execute(former.values(superseded_by=entry.seq))
        row = {"key": entry.seq, "by_name": body["by"]}
        connection.execute(insert(texts), row | {name: body[name] for name in ("sheet", "field", "text")})


def user(connection: Connection, entries: Sequence[Entry]) -> None:
    """The last entry of a login is what holds."""
    users = schema.users
    for entry in entries:
        body = entry.body
        connection.execute(delete(users).where(users.c.login == body["login"]))
        names = ("login", "name", "active", "password")
        row = {"key": entry.seq, "roles": "|".join(body["roles"])} | {name: body[name] for name in names}
        connection.execute(insert(users), row)


def hands(connection: Connection, key: int, batch: str, did: Mapping[str, Sequence[str]]) -> None:
    """Who had to do with a batch before its review."""
    named = [(what, name) for what, names in did.items() for name in names]
    rows = [
        {"key": key, "number": number, "batch": batch, "name": name, "did": what}
        for number, (what, name) in enumerate(named)
    ]
    if rows:
        connection.execute(insert(schema.hands), rows)
