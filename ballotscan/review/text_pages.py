"""What people wrote by hand: typed from its clip, with tesseract's suggestion beside it."""

from __future__ import annotations

from typing import Final, NamedTuple

from fastapi import APIRouter
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from ballotscan.forms.form import Field, Form, Rect
from ballotscan.model import SheetId, SideReading
from ballotscan.privacy import WRITTEN_IN
from ballotscan.review.cards import closed_batches
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
    field: Field
    rect: Rect


def written_fields(desk: Desk) -> list[Written]:
    """Fields with ink of which nobody typed the text yet, in the order in which they came; none of closed
    periods. Which fields hold ink never changes, so it is looked up once.
    """
    typed = desk.reviews.look(queries.typed_fields)
    closed = closed_batches(desk.reviews)
    pages = [each for each in desk.reviews.look(queries.read_pages) if each[3] not in closed]
    unknown = [key for key, *_ in pages if key not in desk.written]
    for start in range(0, len(unknown), _AT_ONCE):
        readings = desk.reviews.store.readings(unknown[start : start + _AT_ONCE])
        desk.written.update({key: tuple(_inked(desk, reading)) for key, reading in readings.items()})
    return [
        Written(key, sheet_id, field, rect)
        for key, sheet, sheet_id, _batch in pages
        for field, rect in desk.written[key]
        if (sheet, field.id) not in typed
    ]


def _inked(desk: Desk, reading: SideReading) -> list[tuple[Field, Rect]]:
    """The fields of a side that people write in and that hold ink."""
    form = desk.form(reading.form, reading.edition)
    inked = {each.field for each in reading.fields if each.ink >= WRITTEN_FROM}
    return [pair for pair in _places(form, reading.side) if pair[0].id in inked] if form else []


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
