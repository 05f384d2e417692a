"""Looking up files and pages. Functions of a connection, as in ``queries``."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Connection, select

from ballotscan.model import PageRef, PageState, Reason, Sha256, SheetId, SheetState
from ballotscan.store.queries import in_scope, parts
from ballotscan.store.rows import KnownFile, KnownPage, PageRow, PendingPage, Scope, SheetPage, Traced, Tried
from ballotscan.store.schema import batches, files, pages, readings, runs, sheets, traces


def known_originals(connection: Connection, originals: Collection[Sha256]) -> set[Sha256]:
    """Those of which a file was entered."""
    found: set[Sha256] = set()
    for part in parts(sorted(set(originals))):
        query = select(files.c.original).where(files.c.original.in_(part))
        found.update(map(Sha256, connection.execute(query).scalars()))
    return found


def known_file(connection: Connection, original: Sha256) -> KnownFile | None:
    """The first file with these bytes."""
    query = select(files).where(files.c.original == original).order_by(files.c.key).limit(1)
    file = connection.execute(query).first()
    if file is None:
        return None
    tried = _tried(connection, file.key)
    engine, named = _newest(tried)
    return KnownFile(
        batch=file.batch,
        shown=file.shown,
        page_count=file.page_count,
        pages_stored=frozenset(page for page, *_ in tried),
        set_aside=_set_aside(connection, file.key, tried),
        forms=named,
        engine=engine,
    )


_Try = tuple[int, int, str, frozenset[str]]
"""Page, run, engine, forms."""


def _tried(connection: Connection, file: int) -> list[_Try]:
    query = (
        select(readings.c.page, readings.c.run, runs.c.engine, runs.c.forms)
        .join(runs, runs.c.key == readings.c.run)
        .where(readings.c.file == file)
    )
    return [
        (row.page, row.run, row.engine, frozenset(json.loads(row.forms))) for row in connection.execute(query)
    ]


def _newest(tried: Sequence[_Try]) -> tuple[str, frozenset[str]]:
    """The newest engine, and every form tried with it."""
    if not tried:
        return "", frozenset()
    engine = max(tried, key=lambda entry: entry[1])[2]
    return engine, frozenset().union(*(named for *_, with_engine, named in tried if with_engine == engine))


def _set_aside(connection: Connection, file: int, tried: Sequence[_Try]) -> dict[int, Tried]:
    """Pages that nothing could be read from: set aside themselves, or the damaged side of a sheet."""
    by_page: dict[int, list[_Try]] = defaultdict(list)
    for entry in tried:
        by_page[entry[0]].append(entry)
    states = (PageState.SET_ASIDE.value, PageState.ON_SHEET.value, PageState.PENDING.value)
    query = select(pages.c.page, pages.c.reason).where(
        pages.c.file == file, pages.c.read.is_(False), pages.c.state.in_(states)
    )
    found = {}
    for row in connection.execute(query.order_by(pages.c.page)):
        engine, named = _newest(by_page[row.page])
        found[row.page] = Tried(Reason(row.reason), named, engine)
    return found


def known_images(connection: Connection, images: Collection[Sha256]) -> dict[Sha256, KnownPage]:
    """For each image that is known, the first page that has it."""
    found: dict[Sha256, KnownPage] = {}
    for part in parts(sorted(set(images))):
        query = (
            select(pages, files.c.shown, files.c.original, sheets.c.id.label("sheet_id"))
            .join(files, files.c.key == pages.c.file)
            .outerjoin(sheets, sheets.c.key == pages.c.sheet)
            .where(pages.c.image.in_(part), pages.c.state != PageState.REPEAT.value)
            .order_by(pages.c.file, pages.c.page)
        )
        for row in connection.execute(query):
            page = KnownPage(row.batch, _ref(row), PageState(row.state), row.sheet_id)
            found.setdefault(Sha256(row.image), page)
    return found


def pending_pages(connection: Connection, batch: str) -> list[PendingPage]:
    """Every page of a batch that is on no sheet, in stack order."""
    query = (
        select(pages, files.c.shown, files.c.original)
        .join(files, files.c.key == pages.c.file)
        .where(pages.c.batch == batch)
        .order_by(pages.c.file, pages.c.page)
    )
    return [
        PendingPage(
            key=row.key,
            ref=_ref(row),
            form=row.form,
            edition=row.edition,
            side=row.side,
            serial=row.serial,
            read=row.read,
            reason=Reason(row.reason) if row.reason else None,
            place=place,
            state=PageState(row.state),
            image=Sha256(row.image) if row.image else None,
        )
        for place, row in enumerate(connection.execute(query))
        if row.sheet is None
    ]


def page_keys(connection: Connection, batch: str, number: int) -> dict[PageRef, int]:
    """The keys of one reading of a batch's pages, in stack order."""
    query = (
        select(readings.c.key, readings.c.page, files.c.shown, files.c.original)
        .join(files, files.c.key == readings.c.file)
        .where(files.c.batch == batch, readings.c.number == number)
        .order_by(readings.c.file, readings.c.page)
    )
    return {_ref(row): row.key for row in connection.execute(query)}


def sheet_pages(connection: Connection, scope: Scope) -> list[SheetPage]:
    """Every page that was read and lies on a sheet, in stack order."""
    query = (
        select(pages.c.key, pages.c.page, files.c.shown, files.c.original, sheets.c.id)
        .join(files, files.c.key == pages.c.file)
        .join(batches, batches.c.name == pages.c.batch)
        .join(sheets, sheets.c.key == pages.c.sheet)
        .where(in_scope(scope), pages.c.read.is_(True))
        .order_by(batches.c.key, pages.c.file, pages.c.page)
    )
    return [SheetPage(row.key, _ref(row), SheetId(row.id)) for row in connection.execute(query)]


def traced(connection: Connection, forms: Collection[str], first: date, last: date) -> list[Traced]:
    """Every page with marks of these forms in the batches received on these days, in the order they came."""
    query = (
        select(pages.c.key, pages.c.batch, pages.c.page, pages.c.form, pages.c.edition, pages.c.side)
        .add_columns(files.c.shown, files.c.original, traces.c.trace, pages.c.serial)
        .add_columns(sheets.c.id, sheets.c.number, sheets.c.state)
        .join(traces, traces.c.key == pages.c.key)
        .join(files, files.c.key == pages.c.file)
        .join(batches, batches.c.name == pages.c.batch)
        .outerjoin(sheets, sheets.c.key == pages.c.sheet)
        .where(pages.c.form.in_(sorted(forms)), batches.c.received.between(first, last))
        .order_by(batches.c.key, pages.c.file, pages.c.page)
    )
    return [
        Traced(
            key=row.key,
            batch=row.batch,
            ref=_ref(row),
            form=row.form,
            edition=row.edition,
            side=row.side,
            serial=row.serial,
            sheet=row.id,
            number=row.number,
            state=SheetState(row.state) if row.state else None,
            trace=bytes(row.trace),
        )
        for row in connection.execute(query)
    ]


def _ref(row: Any) -> PageRef:
    return PageRef(row.shown, row.page, Sha256(row.original))


def page_rows(connection: Connection, scope: Scope) -> Iterator[PageRow]:
    """Every page that came in, in stack order."""
    query = (
        select(pages, files.c.shown, sheets.c.id.label("sheet_id"), sheets.c.state.label("sheet_state"))
        .add_columns(sheets.c.reason.label("sheet_reason"), sheets.c.form.label("sheet_form"))
        .add_columns(sheets.c.edition.label("sheet_edition"))
        .join(files, files.c.key == pages.c.file)
        .join(batches, batches.c.name == pages.c.batch)
        .outerjoin(sheets, sheets.c.key == pages.c.sheet)
        .where(in_scope(scope))
        .order_by(batches.c.key, pages.c.file, pages.c.page)
    )
    for row in connection.execute(query):
        yield PageRow(
            batch=row.batch,
            file=row.shown,
            page=row.page,
            state=row.sheet_state or row.state,
            reason=row.reason or row.sheet_reason or "",
            detail=row.detail,
            sheet=row.sheet_id or "",
            side=row.sheet_side or row.side,
            form=row.form or row.sheet_form or "",
            edition=row.edition or row.sheet_edition or "",
            serial=row.serial or "",
        )
