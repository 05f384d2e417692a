"""What is decided: sheets, other readings of them, and people's rulings. As in ``writing``, the same again
appends nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Row, func, select

from ballotscan.errors import UsageError
from ballotscan.four_eyes import same_person
from ballotscan.i18n import gettext as _
from ballotscan.model import BoxOpening, Ruling, Sheet, SheetId, SheetState
from ballotscan.store.bodies import box_body, join_codes, plain, sheet_body
from ballotscan.store.queries import batch_row, box_openings, parts
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


def void(
    connection: Connection, sheet: SheetId, by: str, second: str, reason: str, same_as: str = ""
) -> None:
    key = _sheet_key(connection, sheet)
    other = counting_key(connection, sheet, same_as) if same_as else None
    said = {"by": plain(by).strip(), "second": plain(second).strip(), "reason": plain(reason).strip()}
    query = select(sheets.c.state).where(sheets.c.key == key)
    if connection.execute(query).scalar_one() == SheetState.VOID:
        raise UsageError(_("Sheet {sheet} is void already.").format(sheet=sheet))
    if not all(said.values()):
        raise UsageError(_("To make a sheet void takes a reason and two names."))
    if same_person(said["by"], said["second"]):
        raise UsageError(
            _("--by and --second are the same person."), _("A second person must agree that a sheet is void.")
        )
    body = {"sheet": key, "id": sheet, **said}
    if other is not None:
        body |= {"same_as": other, "same_as_id": same_as}
    record(connection, "void", [body])


def counting_key(connection: Connection, sheet: str, other: str) -> int:
    """The sheet that stays for one made void as its second scan. It must count, or the paper would not."""
    key = _sheet_key(connection, other)
    state = connection.execute(select(sheets.c.state).where(sheets.c.key == key)).scalar_one()
    if other == sheet or state == SheetState.VOID:
        raise UsageError(
            _("--same-as: the sheet {sheet} does not count itself.").format(sheet=other),
            _("Name the sheet that stays."),
        )
    return key


def replace_sheets(connection: Connection, pairs: Sequence[tuple[str, str]]) -> None:
    states = (SheetState.SET_ASIDE.value, SheetState.INCOMPLETE.value)
    entries = []
    for old, new in pairs:
        key = _sheet_key(connection, old)
        query = select(sheets.c.state).where(sheets.c.key == key)
        if connection.execute(query).scalar_one() in states:
            by = _sheet_key(connection, new)
            entries.append({"sheet": key, "id": old, "by": by, "by_id": new})
    record(connection, "replaced", entries)


def add_box_opening(connection: Connection, minute: BoxOpening, reason: str) -> bool:
    same = (minute.box, minute.opened)
    standing = [one for one in box_openings(connection, None) if (one.box, one.opened) == same]
    if minute in standing:
        return False
    if standing and not reason:
        raise UsageError(
            _("Another minute of the box {box} and that day was entered before.").format(box=minute.box),
            _("Give the reason with --reason; the earlier one stays in the record."),
        )
    record(connection, "box", [{"batch": minute.batch, "minute": box_body(minute), "reason": plain(reason)}])
    return True


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
