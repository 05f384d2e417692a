"""What people wrote by hand: typed from its clip, with tesseract's suggestion beside it."""

from __future__ import annotations

from typing import Final, NamedTuple

from fastapi import APIRouter
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from ballotscan.forms.form import Field, Form, Rect
from ballotscan.model import SheetId, SideReading
from ballotscan.privacy import WRITTEN_IN
from ballotscan.review.pictures import Cut, ReadText
from ballotscan.review.web import Desk, Form_, Reviewer, TheDesk, go, page, png
from ballotscan.store import review_queries as queries

router = APIRouter(prefix="/texts")

WRITTEN_FROM: Final = 0.004
"""Share of a field that must be inked to count as written in; as ``vision.ocr`` takes it for typed fields."""

_DPI: Final = 150.0
_MARGIN_MM: Final = 2.0
_AT_ONCE: Final = 100


class Written(NamedTuple):
    """A field that somebody wrote in."""

    page: int  # the reading's entry
    sheet: SheetId
    batch: str
    field: Field
    rect: Rect


def written_fields(desk: Desk, limit: int = 0) -> list[Written]:
    """Fields with ink of which nobody typed the text yet; at most ``limit``, where it is not 0."""
    typed = desk.reviews.look(queries.typed_fields)
    pages = desk.reviews.look(queries.read_pages)
    found: list[Written] = []
    for start in range(0, len(pages), _AT_ONCE):
        part = pages[start : start + _AT_ONCE]
        readings = desk.reviews.store.readings([key for key, *_ in part])
        for key, sheet, sheet_id, batch in part:
            for field, rect in _inked(desk, readings[key]):
                if (sheet, field.id) not in typed:
                    found.append(Written(key, sheet_id, batch, field, rect))
            if limit and len(found) >= limit:
                return found
    return found


def _inked(desk: Desk, reading: SideReading) -> list[tuple[Field, Rect]]:
    form = desk.form(reading.form, reading.edition)
    if form is None:
        return []
    inked = {each.field for each in reading.fields if each.ink >= WRITTEN_FROM}
    return [pair for pair in _places(form, reading.side) if pair[0].id in inked]


def _places(form: Form, side: int) -> list[tuple[Field, Rect]]:
    kinds = {each.id: each for each in form.fields if each.kind in WRITTEN_IN}
    return [(kinds[place.field], place.rect) for place in form.sides[side - 1].fields if place.field in kinds]


@router.get("")
def texts(desk: TheDesk, session: Reviewer, after: int = 0) -> Response:
    """The next field to be typed."""
    left = written_fields(desk)
    wanted = next((each for each in left if each.page > after), left[0] if left else None)
    suggested = desk.pictures.text(_suggest(desk, wanted)) if wanted else ""
    return page(desk, session, "texts", written=wanted, left=len(left), suggested=suggested)


@router.get("/{reading}/{field}.png")
def clip(desk: TheDesk, _session: Reviewer, reading: int, field: str) -> Response:
    """The field's clip. It shows handwriting, and nothing but that field."""
    wanted = next(
        (each for each in written_fields(desk) if (each.page, each.field.id) == (reading, field)), None
    )
    if wanted is None:
        raise HTTPException(404)
    task = _suggest(desk, wanted)
    return png(desk.pictures.picture(Cut(task.path, task.page, task.map_px, (task.rect,), _DPI)))


@router.post("/{reading}/{field}")
def enter(desk: TheDesk, session: Reviewer, reading: int, field: str, form: Form_) -> Response:
    """What the person read there; empty: nothing that is a text."""
    desk.reviews.add_text(SheetId(form.text("sheet")), field, form.text("text"), session.name)
    return go("/texts")


def _suggest(desk: Desk, written: Written) -> ReadText:
    reading = desk.reading(written.page)
    pages = desk.reviews.look(queries.pages_of_sheet, written.sheet)
    ref = next(each.ref for each in pages if each.key == written.page)
    rect = written.rect
    wide = Rect(
        rect.x_mm - _MARGIN_MM, rect.y_mm - _MARGIN_MM, rect.w_mm + 2 * _MARGIN_MM, rect.h_mm + 2 * _MARGIN_MM
    )
    return ReadText(desk.reviews.store.original_path(ref.original), ref.page, reading.map_px, wide)
