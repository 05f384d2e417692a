"""What is taken in beside scans: answers given on other channels, and numbers that an office declares.

Answers become sheets without pages, in batches of one channel, day, unit and field of procedure, so that
every count, close and check treats them as it treats paper. Declared numbers (dossiers, dispatch lists,
published counts) only lie in the ledger: the last of a name stands.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

from sqlalchemy import Connection, func, select

from ballotscan.model import BatchSettings, Sheet, SheetState
from ballotscan.store.bodies import composed, plain, sheet_body
from ballotscan.store.queries import batch_row, parts
from ballotscan.store.rows import ImportedBefore
from ballotscan.store.schema import batches, imported, ledger, sheets
from ballotscan.store.writing import record, start_batch

Declared = Literal["counts", "dossiers", "dispatch"]
COUNTING: Final = (SheetState.READ.value, SheetState.REVIEW.value)


class ImportedSheet(NamedTuple):
    """One row of an export as a sheet. ``row`` tells it from all others (hexadecimal), ``content`` is the
    hash of what it says; ``respondent`` is a keyed hash, empty where the row names nobody.
    """

    sheet: Sheet
    row: str
    content: str
    respondent: str
    comment: str


def known_rows(connection: Connection, rows: Sequence[str]) -> dict[str, str]:
    """Of these rows those that were imported before, with the hash of what they said."""
    found: dict[str, str] = {}
    for part in parts(list(rows)):
        query = select(imported.c.row, imported.c.content).where(imported.c.row.in_(part))
        found.update({each.row: each.content for each in connection.execute(query)})
    return found


def known_respondents(connection: Connection, respondents: Sequence[str]) -> list[ImportedBefore]:
    """Sheets by these respondents that count, of every channel and form."""
    found = []
    for part in parts(sorted(set(respondents) - {""})):
        query = (
            select(imported.c.respondent, sheets.c.id, sheets.c.form, batches.c.received)
            .join(sheets, sheets.c.key == imported.c.sheet)
            .join(batches, batches.c.name == sheets.c.batch)
            .where(imported.c.respondent.in_(part), sheets.c.state.in_(COUNTING))
            .order_by(imported.c.sheet)
        )
        found += [ImportedBefore(*row) for row in connection.execute(query)]
    return found


def named_ballots(connection: Connection, names: Sequence[str]) -> int:
    """How many sheets of these batches that count bear a respondent's key."""
    query = (
        select(func.count())
        .select_from(imported)
        .join(sheets, sheets.c.key == imported.c.sheet)
        .where(imported.c.respondent != "", sheets.c.state.in_(COUNTING))
    )
    found = (connection.execute(query.where(sheets.c.batch.in_(part))) for part in parts(sorted(names)))
    return sum(int(each.scalar_one()) for each in found)


def add_import(
    connection: Connection,
    note: Mapping[str, Any],
    groups: Sequence[tuple[BatchSettings, Sequence[ImportedSheet]]],
    engine: str,
) -> int:
    """Enter batches and sheets of an export, then the ``note`` about it; all in one transaction.

    Returns how many sheets were added. An import that adds nothing is not entered again.
    """
    added = 0
    for settings, rows in groups:
        start_batch(connection, settings, engine)
        name = composed(settings.name)
        row = batch_row(connection, name)
        first = (row.sheets_made if row else 0) + 1
        bodies = [_body(name, number, each) for number, each in enumerate(rows, start=first)]
        record(connection, "sheet", bodies)
        added += len(bodies)
    if added:
        names = [composed(settings.name) for settings, _rows in groups]
        record(connection, "import", [{**note, "added": added, "batches": names}])
    return added


def _body(batch: str, number: int, each: ImportedSheet) -> dict[str, Any]:
    about = {"row": each.row, "content": each.content, "respondent": each.respondent}
    if each.comment:
        about["comment"] = plain(each.comment)
    named = {"batch": batch, "id": f"{batch}/{number:05d}", "number": number, "pages": [], "imported": about}
    return {**named, **sheet_body(each.sheet)}


def declare(connection: Connection, kind: Declared, body: Mapping[str, Any]) -> bool:
    """Enter declared numbers; False where the very same stand already."""
    same = [each for each in declared(connection, kind) if each["name"] == body["name"]]
    if any(all(each.get(key) == value for key, value in body.items()) for each in same):
        return False
    record(connection, kind, [body])
    return True


def declared(connection: Connection, kind: str) -> list[dict[str, Any]]:
    """What stands of one kind, in the order in which each name was first declared."""
    return list({str(body["name"]): body for body in _bodies(connection, kind)}.values())


def imports(connection: Connection) -> list[dict[str, Any]]:
    """Every import of answers, in order."""
    return list(_bodies(connection, "import"))


def _bodies(connection: Connection, kind: str) -> Iterator[dict[str, Any]]:
    query = select(ledger.c.body).where(ledger.c.kind == kind).order_by(ledger.c.seq)
    for row in connection.execute(query):
        yield json.loads(bytes(row.body))
