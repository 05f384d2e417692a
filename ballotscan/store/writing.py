"""What a scan appends: forms, batches, files and pages. Functions of an open writing transaction.

Each looks first at what is there, so that adding the same thing again appends nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, func, select

from ballotscan.errors import StoreError, UsageError
from ballotscan.forms.form import Form
from ballotscan.i18n import gettext as _
from ballotscan.model import (
    ACCEPTED_RISK,
    BatchSettings,
    BatchWarning,
    PageNotRead,
    PageRead,
    PageRef,
    PageResult,
    PageState,
    Reason,
    SheetState,
)
from ballotscan.store import ledger, projections
from ballotscan.store.bodies import batch_body, composed, form_body, page_body, plain, warning_body
from ballotscan.store.closes import refuse_closed
from ballotscan.store.queries import batch_row, parts
from ballotscan.store.rows import NewFile
from ballotscan.store.schema import files, forms, pages, readings, rulings, runs, sheets, warnings


def record(connection: Connection, kind: str, entries: Sequence[Mapping[str, Any]]) -> list[int]:
    """Append to the ledger and bring the tables up to it; returns the new keys.

    Every entry of a scan, of a person or of a close passes here. Raises ``ClosedError`` for a closed period.
    """
    refuse_closed(connection, kind, entries)
    appended = ledger.append(connection, kind, entries)
    projections.apply(connection, appended)
    return [entry.seq for entry in appended]


# --- forms, batches and files ----------------------------------------------------------------------------


def keep_form(connection: Connection, form: Form, files: Mapping[str, str]) -> None:
    body = form_body(form, files)
    query = select(forms).where(forms.c.form == form.id, forms.c.edition == form.edition)
    known = connection.execute(query.order_by(forms.c.key.desc()).limit(1)).first()
    if known and json.loads(known.questions) != body["questions"]:
        raise UsageError(
            _("{form}: edition {edition} was used before with other questions or codes.").format(
                form=form.id, edition=form.edition
            ),
            _("Give the changed form an edition of its own."),
        )
    if not known or known.hash != form.hash:
        record(connection, "form", [body])


def start_batch(connection: Connection, settings: BatchSettings, engine: str) -> int:
    """Returns the key of the run that pages read from now on belong to."""
    body = batch_body(settings)
    known = batch_row(connection, body["batch"])
    if known is None:
        record(connection, "batch", [body])
    else:
        _refuse_other_settings(known, body)
    query = select(runs).where(runs.c.batch == body["batch"]).order_by(runs.c.key.desc()).limit(1)
    last = connection.execute(query).first()
    same_expect = known is not None and body["expect"] in (None, known.expect)
    same_reader = last is not None and (json.loads(last.forms), last.engine) == (body["forms"], engine)
    if last and same_reader and same_expect and _same_way(connection, last.key, settings):
        return int(last.key)
    run = {"batch": body["batch"], "forms": body["forms"], "engine": engine, "expect": body["expect"]}
    if settings.accepted_risk != ACCEPTED_RISK:
        run["accepted_risk"] = repr(settings.accepted_risk)
    if settings.calibration:
        run["calibration"] = settings.calibration
    if settings.scanned_by:
        run["by"] = composed(settings.scanned_by)
    return record(connection, "run", [run])[0]


def _same_way(connection: Connection, run: int, settings: BatchSettings) -> bool:
    """Whether a run was begun by the same person under the same scanner's profile and accepted risk."""
    body = ledger.read_entries(connection, [run])[run].body
    risk = float(body.get("accepted_risk", ACCEPTED_RISK))
    before = (body.get("calibration", ""), risk, body.get("by", ""))
    return before == (settings.calibration, settings.accepted_risk, composed(settings.scanned_by))


def calibration_of(connection: Connection, run: int) -> str:
    """The scanner's profile under which a run was begun, from the ledger; empty where none was named."""
    return str(ledger.read_entries(connection, [run])[run].body.get("calibration", ""))


def calibrations(connection: Connection, batch: str) -> tuple[str, ...]:
    """All of a batch's runs' profiles, each once."""
    keys = connection.execute(select(runs.c.key).where(runs.c.batch == batch).order_by(runs.c.key)).scalars()
    named = [calibration_of(connection, key) for key in keys.all()]
    return tuple(dict.fromkeys(label for label in named if label))


def _refuse_other_settings(known: Row[Any], body: Mapping[str, Any]) -> None:
    names = {
        "received": _("received"),
        "unit": _("unit"),
        "channel": _("channel"),
        "linh_vuc": _("field of procedure"),
    }
    before = {name: str(getattr(known, name)) for name in names}
    differing = [
        _("{setting} was '{before}', now '{now}'").format(setting=text, before=before[name], now=body[name])
        for name, text in names.items()
        if before[name] != body[name]
    ]
    if differing:
        raise UsageError(
            _("The batch '{batch}' was scanned with other settings: {differences}.").format(
                batch=body["batch"], differences="; ".join(differing)
            ),
            _("Give the same settings, or another --batch."),
        )


def last_run(connection: Connection, batch: str) -> int:
    query = select(func.max(runs.c.key)).where(runs.c.batch == batch)
    run = connection.execute(query).scalar_one()
    if run is None:
        raise StoreError(
            _("There is no batch '{batch}'.").format(batch=batch), _("'ballotscan export pages' lists them.")
        )
    return int(run)


def add_files(connection: Connection, batch: str, new: Sequence[NewFile]) -> None:
    wanted = list(dict.fromkeys((plain(file.shown), str(file.original)) for file in new))
    known = _file_keys(connection, batch, wanted)
    count = {(plain(file.shown), str(file.original)): file.page_count for file in new}
    record(
        connection,
        "file",
        [
            {"batch": batch, "shown": shown, "original": original, "page_count": count[shown, original]}
            for shown, original in wanted
            if (shown, original) not in known
        ],
    )


def _file_keys(
    connection: Connection, batch: str, wanted: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], int]:
    found = {}
    for part in parts(sorted({shown for shown, _original in wanted})):
        query = select(files).where(files.c.batch == batch, files.c.shown.in_(part))
        found.update({(row.shown, row.original): row.key for row in connection.execute(query)})
    return found


def add_warnings(connection: Connection, batch: str, new: Sequence[BatchWarning]) -> None:
    query = select(warnings.c.warning, warnings.c.place).where(warnings.c.batch == batch)
    said = {(row.warning, row.place) for row in connection.execute(query)}
    bodies = [warning_body(each, batch) for each in new if (each.kind.value, each.place) not in said]
    record(connection, "warning", bodies)


# --- pages -----------------------------------------------------------------------------------------------


def add_pages(
    connection: Connection, batch: str, run: int, results: Sequence[PageResult], number: int
) -> list[int]:
    places = _places(connection, batch, results)
    known = {(row.file, row.page) for row in _readings(connection, places) if row.number == number}
    new = {place: result for place, result in zip(places, results, strict=True) if place not in known}
    return record(
        connection,
        "page",
        [
            page_body(result, batch=batch, file=file, run=run, number=number, counts=number == 1)
            for (file, _page), result in new.items()
        ],
    )


def add_pages_again(connection: Connection, batch: str, run: int, results: Sequence[PageResult]) -> list[int]:
    places = _places(connection, batch, results)
    former = _readings(connection, places)
    tried = {(row.file, row.page) for row in former if row.run == run}
    last: dict[tuple[int, int], int] = {}
    for row in former:
        last[row.file, row.page] = max(row.number, last.get((row.file, row.page), 0))
    new = {place: result for place, result in zip(places, results, strict=True) if place in last}
    new = {place: result for place, result in new.items() if place not in tried}
    better = _better(connection, new)
    if better:
        _release_unread_sheets(connection, batch)
        better -= _on_sheets(connection, better)
    return record(
        connection,
        "page",
        [
            page_body(
                result, batch=batch, file=place[0], run=run, number=last[place] + 1, counts=place in better
            )
            for place, result in new.items()
        ],
    )


def _better(connection: Connection, results: Mapping[tuple[int, int], PageResult]) -> set[tuple[int, int]]:
    """The pages that could not be read before, and of which more is known now."""
    unread = {(row.file, row.page): row for row in _page_rows(connection, results) if not row.read}
    return {
        place
        for place, result in results.items()
        if place in unread
        and unread[place].state in (PageState.SET_ASIDE, PageState.PENDING, PageState.ON_SHEET)
        and (isinstance(result, PageRead) or (unread[place].form is None and result.form is not None))
    }


def _on_sheets(connection: Connection, places: Iterable[tuple[int, int]]) -> set[tuple[int, int]]:
    return {(row.file, row.page) for row in _page_rows(connection, places) if row.sheet is not None}


def _page_rows(connection: Connection, places: Iterable[tuple[int, int]]) -> list[Row[Any]]:
    wanted = set(places)
    return [
        row
        for part in parts(sorted({file for file, _page in wanted}))
        for row in connection.execute(select(pages).where(pages.c.file.in_(part)))
        if (row.file, row.page) in wanted
    ]


def _release_unread_sheets(connection: Connection, batch: str) -> None:
    states = (SheetState.SET_ASIDE.value, SheetState.INCOMPLETE.value)
    query = (
        select(sheets.c.key, sheets.c.id)
        .where(sheets.c.batch == batch, sheets.c.state.in_(states))
        .where(sheets.c.key.not_in(select(rulings.c.sheet)))
        .order_by(sheets.c.key)
    )
    found = connection.execute(query).all()
    record(connection, "released", [{"batch": batch, "sheet": row.key, "id": row.id} for row in found])


def add_repeat(connection: Connection, batch: str, run: int, ref: PageRef, first: str) -> None:
    file = _file_keys(connection, batch, [(plain(ref.file), ref.original)])[plain(ref.file), ref.original]
    count = connection.execute(select(files.c.page_count).where(files.c.key == file)).scalar_one()
    numbers = range(1, count + 1) if ref.page == 0 and count else (ref.page,)
    repeats = [
        PageNotRead(PageRef(ref.file, page, ref.original), None, PageState.REPEAT, Reason.REPEAT, first)
        for page in numbers
    ]
    add_pages(connection, batch, run, repeats, 1)


def _places(connection: Connection, batch: str, results: Sequence[PageResult]) -> list[tuple[int, int]]:
    """File key and page number of each result. A file that was not added is a bug: ``KeyError``."""
    wanted = [(plain(result.ref.file), str(result.ref.original)) for result in results]
    keys = _file_keys(connection, batch, wanted)
    return [(keys[file], result.ref.page) for file, result in zip(wanted, results, strict=True)]


def _readings(connection: Connection, places: Sequence[tuple[int, int]]) -> list[Row[Any]]:
    """All stored readings of the files and the range of pages that ``places`` span."""
    if not places:
        return []
    first, last = min(page for _file, page in places), max(page for _file, page in places)
    found: list[Row[Any]] = []
    for part in parts(sorted({file for file, _page in places})):
        query = select(readings).where(readings.c.file.in_(part), readings.c.page.between(first, last))
        found += connection.execute(query).all()
    return found
