"""What is decided: sheets, other readings of them, and people's rulings. As in ``writing``, the same again
appends nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Row, func, select

from ballotscan.errors import UsageError
from ballotscan.i18n import gettext as _
from ballotscan.model import Ruling, Sheet, SheetId, SheetState
from ballotscan.store.bodies import join_codes, plain, sheet_body
from ballotscan.store.queries import batch_row, parts
from ballotscan.store.schema import answers, files, pages, readings, rulings, sheets
from ballotscan.store.writing import record

# --- sheets ----------------------------------------------------------------------------------------------


def add_sheets(
    connection: Connection, batch: str, new: Sequence[tuple[Sheet, tuple[int, ...]]]
) -> list[SheetId]:
    row = batch_row(connection, batch)
    number = row.sheets_made if row else 0
    known = _pages_by_key(connection, [key for _sheet, keys in new for key in keys])
    ids: list[SheetId] = []
    entries = []
    for sheet, keys in new:
        stored = {known[key].sheet_id for key in keys}
        if stored == {None} or not stored:
            number += 1
            ids.append(SheetId(f"{batch}/{number:05d}"))
            places = _sides(sheet, keys, known)
            entries.append(
                {"batch": batch, "id": ids[-1], "number": number, "pages": places, **sheet_body(sheet)}
            )
        elif len(stored) == 1:
            ids.append(SheetId(stored.pop()))
        else:
            raise ValueError("pages of one sheet are on several sheets already")
    record(connection, "sheet", entries)
    return ids


def _pages_by_key(connection: Connection, keys: Sequence[int]) -> dict[int, Row[Any]]:
    found: dict[int, Row[Any]] = {}
    for part in parts(sorted(set(keys))):
        query = (
            select(pages.c.key, pages.c.page, files.c.shown, files.c.original, sheets.c.id.label("sheet_id"))
            .join(files, files.c.key == pages.c.file)
            .outerjoin(sheets, sheets.c.key == pages.c.sheet)
            .where(pages.c.key.in_(part))
        )
        found.update({row.key: row for row in connection.execute(query)})
    return found


def _sides(sheet: Sheet, keys: Sequence[int], known: Mapping[int, Row[Any]]) -> list[tuple[int | None, int]]:
    """Each page with the side it takes; none for one that is on the sheet beyond its sides."""
    side_of = {
        (plain(ref.file), ref.original, ref.page): side
        for side, ref in enumerate(sheet.pages, start=1)
        if ref is not None
    }
    return [(side_of.get((known[key].shown, known[key].original, known[key].page)), key) for key in keys]


def next_reading(connection: Connection, batch: str) -> int:
    of_pages = (
        select(func.max(readings.c.number))
        .join(files, files.c.key == readings.c.file)
        .where(files.c.batch == batch)
    )
    of_sheets = (
        select(func.max(answers.c.reading))
        .join(sheets, sheets.c.key == answers.c.sheet)
        .where(sheets.c.batch == batch)
    )
    return 1 + max(connection.execute(query).scalar_one() or 1 for query in (of_pages, of_sheets))


def add_second_readings(
    connection: Connection, new: Sequence[tuple[SheetId, Sheet]], number: int | None
) -> None:
    entries = []
    for sheet_id, again in new:
        key = _sheet_key(connection, sheet_id)
        query = select(answers.c.reading).where(answers.c.sheet == key).distinct()
        known = set(connection.execute(query).scalars())
        mine = number or max(known, default=1) + 1
        if mine not in known:
            entries.append({"sheet": key, "id": sheet_id, "number": mine, **sheet_body(again)})
    record(connection, "second_reading", entries)


def _sheet_key(connection: Connection, sheet: str) -> int:
    key = connection.execute(select(sheets.c.key).where(sheets.c.id == sheet)).scalar_one_or_none()
    if key is None:
        raise UsageError(_("There is no sheet '{sheet}'.").format(sheet=sheet))
    return int(key)


def void(connection: Connection, sheet: SheetId, by: str, second: str, reason: str) -> None:
    key = _sheet_key(connection, sheet)
    said = {"by": plain(by).strip(), "second": plain(second).strip(), "reason": plain(reason).strip()}
    query = select(sheets.c.state).where(sheets.c.key == key)
    if connection.execute(query).scalar_one() == SheetState.VOID:
        raise UsageError(_("Sheet {sheet} is void already.").format(sheet=sheet))
    if not all(said.values()):
        raise UsageError(_("To make a sheet void takes a reason and two names."))
    if "".join(said["by"].split()).casefold() == "".join(said["second"].split()).casefold():
        raise UsageError(
            _("--by and --second are the same person."), _("A second person must agree that a sheet is void.")
        )
    record(connection, "void", [{"sheet": key, "id": sheet, **said}])


# --- rulings ---------------------------------------------------------------------------------------------


_WORDS: Final = ("sheet", "question", "codes", "invalid", "ruled_by", "reason")
"""What makes a ruling the very same as another."""


def add_rulings(connection: Connection, new: Sequence[Ruling]) -> int:
    keys = {sheet: _sheet_key(connection, sheet) for sheet in dict.fromkeys(ruling.sheet for ruling in new)}
    known: set[tuple[Any, ...]] = set()
    asked: set[tuple[int, str]] = set()
    for part in parts(sorted(keys.values())):
        query = select(rulings).where(rulings.c.sheet.in_(part))
        known |= {tuple(getattr(row, name) for name in _WORDS) for row in connection.execute(query)}
        of_machine = select(answers.c.sheet, answers.c.question).where(
            answers.c.sheet.in_(part), answers.c.reading == 1
        )
        asked |= {(row.sheet, row.question) for row in connection.execute(of_machine)}
    entries = []
    for ruling in new:
        body = _ruling_body(ruling, keys[ruling.sheet])
        if (body["sheet"], body["question"]) not in asked:
            raise UsageError(
                _("Sheet {sheet} has no question '{question}'.").format(
                    sheet=ruling.sheet, question=ruling.question
                )
            )
        words = tuple((body | {"codes": join_codes(body["codes"])})[name] for name in _WORDS)
        if words not in known:
            known.add(words)
            entries.append(body)
    record(connection, "ruling", entries)
    return len(entries)


def _ruling_body(ruling: Ruling, sheet: int) -> dict[str, Any]:
    who, why = plain(ruling.by).strip(), plain(ruling.reason).strip()
    if not who or not why:
        raise UsageError(
            _("Sheet {sheet}, question {question}: a ruling needs a name and a reason.").format(
                sheet=ruling.sheet, question=ruling.question
            )
        )
    return {
        "sheet": sheet,
        "id": ruling.sheet,
        "question": ruling.question,
        "codes": list(ruling.codes),
        "invalid": ruling.invalid,
        "ruled_by": who,
        "reason": why,
    }
