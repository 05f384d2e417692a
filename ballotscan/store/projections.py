"""From ledger entries to query tables. The same functions serve each write and the rebuild from the start."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from itertools import groupby
from typing import Any, Final

from sqlalchemy import Connection, Table, bindparam, delete, func, insert, select, update
from sqlalchemy.exc import OperationalError

from ballotscan.model import Outcome, PageState, SheetState, Status
from ballotscan.store import ledger as record
from ballotscan.store import review_rows, schema
from ballotscan.store.bodies import join_codes
from ballotscan.store.ledger import Entry
from ballotscan.store.queries import open_to_ruling
from ballotscan.store.rows import IN_REVIEW, UNDECIDED

_REBUILD_CHUNK: Final = 500
UNREADABLE: Final = "unreadable"
_UNDECIDED: Final = (Outcome.UNSURE.value, Outcome.UNREADABLE.value)


def apply(connection: Connection, entries: Iterable[Entry]) -> None:
    """Bring the tables up to these entries, given in ledger order."""
    for kind, group in groupby(entries, key=lambda entry: entry.kind):
        _PROJECTORS[kind](connection, list(group))


def rebuild(connection: Connection) -> tuple[str, ...]:
    """Empty the tables and fill them from the ledger; returns the names of those that changed by it.

    In the caller's transaction: rolled back, it is a check that changes nothing.
    """
    before = digests(connection)
    for table in reversed(schema.projected.sorted_tables):
        connection.execute(delete(table))
    fill(connection, connection)
    after = digests(connection)
    return tuple(name for name in before if before[name] != after[name])


def fill(source: Connection, target: Connection) -> None:
    """Bring empty tables in ``target`` up to the whole ledger in ``source``."""
    chunk: list[Entry] = []
    for entry in record.iterate(source):
        chunk.append(entry)
        if len(chunk) >= _REBUILD_CHUNK:
            apply(target, chunk)
            chunk = []
    apply(target, chunk)


def digests(connection: Connection) -> dict[str, str]:
    """A hash over every row of every table, by name; ``UNREADABLE`` where a cell cannot be what it is for."""
    return {table.name: _digest(connection, table) for table in schema.projected.sorted_tables}


def _digest(connection: Connection, table: Table) -> str:
    digest = hashlib.sha256()
    try:
        for row in connection.execute(select(table).order_by(*table.primary_key.columns)):
            digest.update(repr(tuple(row)).encode("utf-8", "backslashreplace"))
    except (ValueError, TypeError, OverflowError):  # a date that is none, a number that is a text
        return UNREADABLE
    except OperationalError as fault:
        if "decode to UTF-8" not in str(fault.orig):
            raise
        return UNREADABLE
    return digest.hexdigest()


def _nothing(connection: Connection, entries: Sequence[Entry]) -> None:
    """For entries that no table is made from."""


def _form(connection: Connection, entries: Sequence[Entry]) -> None:
    rows = [
        {
            "key": entry.seq,
            "form": entry.body["form"],
            "edition": entry.body["edition"],
            "hash": entry.body["hash"],
            "questions": json.dumps(entry.body["questions"], ensure_ascii=False),
        }
        for entry in entries
    ]
    connection.execute(insert(schema.forms), rows)


def _batch(connection: Connection, entries: Sequence[Entry]) -> None:
    rows = [
        {
            "key": entry.seq,
            "name": entry.body["batch"],
            "forms": "[]",
            "received": date.fromisoformat(entry.body["received"]),
            **{name: entry.body[name] for name in ("channel", "unit", "linh_vuc", "expect")},
            "sheets_made": 0,
            "sheets_released": 0,
        }
        for entry in entries
    ]
    connection.execute(insert(schema.batches), rows)


def _run(connection: Connection, entries: Sequence[Entry]) -> None:
    batches = schema.batches
    for entry in entries:
        body = entry.body
        row = {
            "key": entry.seq,
            "batch": body["batch"],
            "forms": json.dumps(body["forms"]),
            "engine": body["engine"],
        }
        connection.execute(insert(schema.runs), row)
        if body.get("by"):
            review_rows.hands(connection, entry.seq, body["batch"], {"scanned": [body["by"]]})
        mine = batches.c.name == body["batch"]
        known = connection.execute(select(batches.c.forms, batches.c.expect).where(mine)).one()
        forms = list(dict.fromkeys([*json.loads(known.forms), *body["forms"]]))
        expect = known.expect if body["expect"] is None else body["expect"]
        connection.execute(update(batches).where(mine).values(forms=json.dumps(forms), expect=expect))


def _file(connection: Connection, entries: Sequence[Entry]) -> None:
    names = ("batch", "shown", "original", "page_count")
    rows = [{"key": entry.seq, **{name: entry.body[name] for name in names}} for entry in entries]
    connection.execute(insert(schema.files), rows)


def _page(connection: Connection, entries: Sequence[Entry]) -> None:
    names = ("file", "page", "number", "run")
    rows = [{"key": entry.seq, **{name: entry.body[name] for name in names}} for entry in entries]
    connection.execute(insert(schema.readings), rows)
    traces = [(entry.seq, entry.body.get("reading", {}).get("trace")) for entry in entries]
    marked = [{"key": key, "trace": base64.b64decode(trace)} for key, trace in traces if trace]
    if marked:
        connection.execute(insert(schema.traces), marked)
    counting = [entry for entry in entries if entry.body["counts"]]
    first = [_page_row(entry) for entry in counting if entry.body["number"] == 1]
    again = [_page_row(entry) for entry in counting if entry.body["number"] > 1]
    if first:
        connection.execute(insert(schema.pages), first)
    if again:
        _replace_pages(connection, again)


def _replace_pages(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    pages = schema.pages
    places = [{"the_file": row.pop("file"), "the_page": row.pop("page"), **row} for row in rows]
    query = update(pages).where(pages.c.file == bindparam("the_file"), pages.c.page == bindparam("the_page"))
    connection.execute(query, places)


def _page_row(entry: Entry) -> dict[str, Any]:
    body = entry.body
    reading = body.get("reading")
    about = reading or body
    state = PageState.PENDING.value if reading else body["state"]
    if state == PageState.SET_ASIDE and body["form"] is not None:
        state = PageState.PENDING.value  # a damaged side of a known form belongs on a sheet
    return {
        "file": body["file"],
        "page": body["page"],
        "key": entry.seq,
        "batch": body["batch"],
        "image": body["image"],
        "read": reading is not None,
        "state": state,
        "reason": body.get("reason"),
        "detail": body.get("detail", ""),
        "form": about["form"],
        "edition": about["edition"],
        "side": about["side"],
        "serial": about.get("serial"),
        "sheet": None,
        "sheet_side": None,
    }


def _sheet(connection: Connection, entries: Sequence[Entry]) -> None:
    connection.execute(insert(schema.sheets), [_sheet_row(entry) for entry in entries])
    answers = {entry.seq: _answer_rows(entry, entry.seq, 1) for entry in entries}
    _insert_answers(connection, [row for rows in answers.values() for row in rows])
    connection.execute(insert(schema.sheet_answers), [_in_a_row(key, rows) for key, rows in answers.items()])
    places = [
        {"the_key": key, "the_sheet": entry.seq, "the_side": side}
        for entry in entries
        for side, key in entry.body["pages"]
    ]
    if places:
        _put_on_sheets(connection, places)
    _count_sheets(connection, entries, "sheets_made")
    rows = [_imported_row(entry) for entry in entries if "imported" in entry.body]
    if rows:
        connection.execute(insert(schema.imported), rows)


def _imported_row(entry: Entry) -> dict[str, Any]:
    about = entry.body["imported"]
    names = ("row", "content", "respondent")
    return {"sheet": entry.seq, "comment": about.get("comment", ""), **{name: about[name] for name in names}}


def _sheet_row(entry: Entry) -> dict[str, Any]:
    body = entry.body
    same = ("id", "batch", "number", "form", "edition", "state", "reason", "serial")
    return {"key": entry.seq, "machine_state": body["state"], **{name: body[name] for name in same}}


def _put_on_sheets(connection: Connection, places: Sequence[dict[str, Any]]) -> None:
    pages = schema.pages
    connection.execute(
        update(pages)
        .where(pages.c.key == bindparam("the_key"))
        .values(
            sheet=bindparam("the_sheet"),
            sheet_side=bindparam("the_side"),
            state=PageState.ON_SHEET.value,
        ),
        places,
    )


def _count_sheets(connection: Connection, entries: Sequence[Entry], column: str) -> None:
    batches = schema.batches
    for name, group in groupby(entries, key=lambda entry: str(entry.body["batch"])):
        more = {column: batches.c[column] + len(list(group))}
        connection.execute(update(batches).where(batches.c.name == name).values(more))


def _insert_answers(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        connection.execute(insert(schema.answers), rows)


def _answer_rows(entry: Entry, sheet: int, reading: int) -> list[dict[str, Any]]:
    names = entry.body["answer_fields"]
    rows = []
    for position, values in enumerate(entry.body["answers"]):
        row = dict(zip(names, values, strict=True))
        row["codes"] = join_codes(row["codes"])
        rows.append({"sheet": sheet, "reading": reading, "position": position, **row})
    return rows


def _in_a_row(sheet: int, answers: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A sheet's answers as ``rows.SheetAnswers`` writes them."""
    questions = ",".join(row["question"] for row in answers)
    return {"sheet": sheet, "questions": questions, "answers": ",".join(map(_marked, answers))}


def _marked(answer: Mapping[str, Any]) -> str:
    codes = str(answer["codes"])
    if answer["status"] == Status.REVIEW.value:
        return codes + IN_REVIEW
    decided = answer["status"] == Status.ACCEPTED.value and answer["outcome"] not in _UNDECIDED
    return codes if decided else codes + UNDECIDED


def _second_reading(connection: Connection, entries: Sequence[Entry]) -> None:
    rows = [
        row for entry in entries for row in _answer_rows(entry, entry.body["sheet"], entry.body["number"])
    ]
    _insert_answers(connection, rows)


def _released(connection: Connection, entries: Sequence[Entry]) -> None:
    """A sheet that could not be read is taken apart, so that its pages can be paired anew."""
    for entry in entries:
        sheet = entry.body["sheet"]
        pages = schema.pages
        free = {"sheet": None, "sheet_side": None}
        mine = pages.c.sheet == sheet
        # A page whose form is not known goes back to where it was before it stood in for a side.
        unknown = update(pages).where(mine, pages.c.form.is_(None))
        connection.execute(unknown.values(state=PageState.SET_ASIDE.value, **free))
        connection.execute(update(pages).where(mine).values(state=PageState.PENDING.value, **free))
        for table in (schema.answers, schema.sheet_answers):
            connection.execute(delete(table).where(table.c.sheet == sheet))
        connection.execute(delete(schema.sheets).where(schema.sheets.c.key == sheet))
    _count_sheets(connection, entries, "sheets_released")


def _ruling(connection: Connection, entries: Sequence[Entry]) -> None:
    rulings = schema.rulings
    for entry in entries:
        body = entry.body
        same = (rulings.c.sheet == body["sheet"], rulings.c.question == body["question"])
        former = update(rulings).where(*same, rulings.c.superseded_by.is_(None))
        connection.execute(former.values(superseded_by=entry.seq))
        names = ("sheet", "question", "invalid", "ruled_by", "reason")
        row = {name: body[name] for name in names} | {"key": entry.seq, "codes": join_codes(body["codes"])}
        connection.execute(insert(rulings), row)
        if "second" in body:
            connection.execute(insert(schema.agreed), {"ruling": entry.seq, "second": body["second"]})
        review_rows.settle_proposals(connection, entry, body["question"])
    _settle_sheets(connection, {entry.body["sheet"] for entry in entries})


def _settle_sheets(connection: Connection, sheets: Iterable[int]) -> None:
    """A sheet whose every open answer a person has settled counts as read."""
    table, answers, rulings = schema.sheets, schema.answers, schema.rulings
    standing = rulings.c.superseded_by.is_(None)
    ruled = select(rulings.c.question).where(rulings.c.sheet == answers.c.sheet, standing)
    for sheet in sorted(sheets):
        left = (
            select(func.count())
            .select_from(answers.join(table, table.c.key == answers.c.sheet))
            .where(answers.c.sheet == sheet, answers.c.reading == 1)
            .where(open_to_ruling(), answers.c.question.not_in(ruled))
        )
        if not connection.execute(left).scalar_one():
            mine = (table.c.key == sheet, table.c.state != SheetState.VOID.value)
            connection.execute(update(table).where(*mine).values(state=SheetState.READ.value))


def _withdrawn(connection: Connection, entries: Sequence[Entry]) -> None:
    """A decision taken back. Did it settle the answer, that is open again, and the other person's stands."""
    said, rulings, sheets = schema.proposals, schema.rulings, schema.sheets
    for entry in entries:
        mine = said.c.key == entry.body["proposal"]
        settled = connection.execute(select(said.c.settled).where(mine)).scalar_one()
        connection.execute(update(said).where(mine).values(withdrawn=entry.seq))
        if settled is None:
            continue
        connection.execute(update(said).where(said.c.settled == settled).values(settled=None))
        fallen = update(rulings).where(rulings.c.key == settled)
        connection.execute(fallen.values(superseded_by=entry.seq))
        here = (sheets.c.key == entry.body["sheet"], sheets.c.state != SheetState.VOID.value)
        connection.execute(update(sheets).where(*here).values(state=sheets.c.machine_state))
        _settle_sheets(connection, [entry.body["sheet"]])


def _warning(connection: Connection, entries: Sequence[Entry]) -> None:
    names = ("batch", "warning", "file", "page", "place", "now", "usual")
    rows = [{"key": entry.seq, **{name: entry.body[name] for name in names}} for entry in entries]
    connection.execute(insert(schema.warnings), rows)


def _box(connection: Connection, entries: Sequence[Entry]) -> None:
    """The last minute of a box and day stands."""
    boxes = schema.boxes
    for entry in entries:
        minute = entry.body["minute"]
        day = date.fromisoformat(minute["opened"])
        same = (boxes.c.box == minute["box"], boxes.c.opened == day)
        connection.execute(update(boxes).where(*same).values(standing=False))
        row = {"key": entry.seq, "box": minute["box"], "opened": day, "batch": entry.body["batch"]}
        text = json.dumps(minute, ensure_ascii=False, sort_keys=True)
        connection.execute(insert(boxes), row | {"standing": True, "minute": text})
        did = {"scanned": minute["scanned_by"], "handles": minute["handle_procedures"]}
        review_rows.hands(connection, entry.seq, entry.body["batch"], did)


def _voided(connection: Connection, entries: Sequence[Entry]) -> None:
    _void(connection, entries)
    again = [(entry.seq, entry.body["sheet"], entry.body.get("same_as")) for entry in entries]
    rows = [{"key": key, "sheet": sheet, "of": of} for key, sheet, of in again if of]
    if rows:
        connection.execute(insert(schema.scanned_again), rows)


def _void(connection: Connection, entries: Sequence[Entry]) -> None:
    sheets = schema.sheets
    for entry in entries:
        review_rows.settle_proposals(connection, entry, "")
        mine = sheets.c.key == entry.body["sheet"]
        connection.execute(update(sheets).where(mine).values(state=SheetState.VOID.value))


def _signed(connection: Connection, entries: Sequence[Entry]) -> None:
    """A close stands until an amendment opens the same period again, or a later close takes its place."""
    closes = schema.closes
    for entry in entries:
        stated = entry.body["statement"]
        days = {name: date.fromisoformat(stated[name]) for name in ("first", "last", "next_day")}
        scope = (closes.c.first == days["first"], closes.c.last == days["last"])
        former = update(closes).where(*scope, closes.c.unit == stated["unit"])
        connection.execute(former.values(standing=False))
        texts = {name: stated[name] for name in ("period", "unit", "next")}
        row = {"key": entry.seq, "kind": entry.kind, "standing": entry.kind == "close", **texts, **days}
        connection.execute(insert(closes), row)


def _replaced(connection: Connection, entries: Sequence[Entry]) -> None:
    """A sheet that could not be read and was scanned again counts no more.

    Where the new scan lies in the same batch its paper is there twice, else each batch has its own stack.
    """
    _void(connection, entries)
    rows = [
        {"key": entry.seq, "sheet": entry.body["sheet"], "of": entry.body["by"]}
        for entry in entries
        if _batch_of(entry.body["id"]) == _batch_of(entry.body["by_id"])
    ]
    if rows:
        connection.execute(insert(schema.scanned_again), rows)


def _batch_of(sheet: str) -> str:
    return sheet.rpartition("/")[0]


_PROJECTORS: Final[dict[str, Callable[[Connection, Sequence[Entry]], None]]] = {
    "opened": _nothing,
    "migrated": _nothing,
    "export": _nothing,
    "removed": _nothing,
    "import": _nothing,
    "counts": _nothing,
    "dossiers": _nothing,
    "dispatch": _nothing,
    "form": _form,
    "batch": _batch,
    "run": _run,
    "file": _file,
    "page": _page,
    "sheet": _sheet,
    "second_reading": _second_reading,
    "released": _released,
    "ruling": _ruling,
    "proposal": review_rows.proposal,
    "sheet_proposal": review_rows.proposal,
    "withdrawn": _withdrawn,
    "counted": review_rows.counted,
    "paired": review_rows.counted,
    "control": review_rows.control,
    "text": review_rows.text,
    "user": review_rows.user,
    "review_rule": _nothing,
    "audit_plan": _nothing,
    "audit_draw": _nothing,
    "audit_reading": _nothing,
    "audit_report": _nothing,
    "warning": _warning,
    "box": _box,
    "void": _voided,
    "replaced": _replaced,
    "close": _signed,
    "amendment": _signed,
}

WITHOUT_TABLE: Final = tuple(kind for kind, make in _PROJECTORS.items() if make is _nothing)
