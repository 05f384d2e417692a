"""The program's nouns as ledger bodies, and back. Only here is it decided how a value is written down.

A side has 70 boxes of 15 measures, so marks are rows of whole numbers in thousandths under one list of field
names: a quarter of the size of objects, and twice as fast to write. What is decided from a reading is decided
from what was stored (see ``Store.reading``), so the rounding can never make a record disagree with itself.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from operator import attrgetter
from typing import Any, Final
from unicodedata import normalize

from sqlalchemy import Row

from ballotscan.forms.form import Form
from ballotscan.model import (
    Answer,
    BatchSettings,
    BatchWarning,
    BoxOpening,
    FieldReading,
    Mark,
    Outcome,
    PageRead,
    PageResult,
    Reason,
    Sheet,
    SideReading,
    Status,
    WarningKind,
)

_THOUSANDTHS: Final = 1000.0
_MEASURES: Final = tuple(field.name for field in fields(Mark))[2:]  # after question and option
_MARK_FIELDS: Final = ("question", "option", *_MEASURES)
_FIELD_FIELDS: Final = tuple(field.name for field in fields(FieldReading))
_ANSWER_FIELDS: Final = ("question", "side", "outcome", "codes", "status", "confidence", "reason")
_SIDE_NUMBERS: Final = ("rotation_deg", "scale_x", "scale_y", "dpi", "fit")
_measures = attrgetter(*_MEASURES)


def plain(text: str) -> str:
    """Text that every database can hold: no lone surrogates (undecodable file names) and no NUL."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", "\\x00")


def composed(text: str) -> str:
    """A name as it is stored and looked for: with composed letters, however the keyboard made them."""
    return normalize("NFC", plain(text))


def maybe_plain(text: str | None) -> str | None:
    return None if text is None else plain(text)


def batch_body(settings: BatchSettings) -> dict[str, Any]:
    return {
        "batch": composed(settings.name),
        "forms": list(settings.forms),
        "received": settings.received,
        "channel": composed(settings.channel),
        "unit": composed(settings.unit),
        "linh_vuc": composed(settings.linh_vuc),
        "expect": settings.expect,
    }


def form_body(form: Form, files: Mapping[str, str]) -> dict[str, Any]:
    """What an answer can be: questions in printed order with their side and option codes.

    ``files`` are the template's own by name, each under the hash it is kept by.
    """
    side_of = form.side_of_question
    return {
        "form": form.id,
        "edition": form.edition,
        "hash": form.hash,
        "files": dict(files),
        "questions": [
            [
                question.id,
                side_of.get(question.id),
                question.multiple,
                [option.code for option in question.options],
            ]
            for question in form.questions
        ],
    }


def page_body(
    result: PageResult, *, batch: str, file: int, run: int, number: int, counts: bool
) -> dict[str, Any]:
    """One page, read or not. ``counts`` is false for a later reading that only lies beside the first."""
    body = {
        "batch": batch,
        "file": file,
        "shown": plain(result.ref.file),
        "original": result.ref.original,
        "page": result.ref.page,
        "image": result.image,
        "run": run,
        "number": number,
        "counts": counts,
    }
    if isinstance(result, PageRead):
        return body | {"reading": reading_body(result.reading)}
    return body | {
        "state": result.state.value,
        "reason": result.reason.value,
        "detail": plain(result.detail),
        "form": result.form,
        "edition": result.edition,
        "side": result.side,
    }


def reading_body(reading: SideReading) -> dict[str, Any]:
    return {
        "form": reading.form,
        "edition": reading.edition,
        "side": reading.side,
        "engine": reading.engine,
        **{name: _finite(getattr(reading, name)) for name in _SIDE_NUMBERS},
        "bitonal": bool(reading.bitonal),
        "code": maybe_plain(reading.code),
        "serial": maybe_plain(reading.serial),
        "mark_fields": _MARK_FIELDS,
        "marks": [[mark.question, mark.option, *_in_thousandths(_measures(mark))] for mark in reading.marks],
        "field_fields": _FIELD_FIELDS,
        "fields": [_field_row(field) for field in reading.fields],
        "flags": [flag.value for flag in reading.flags],
        "map_px": [_finite(number) for number in reading.map_px],
        "streaks_mm": [_finite(number) for number in reading.streaks_mm],
        "paper": _finite(reading.paper),
        "print_dark": _finite(reading.print_dark),
        "white": _finite(reading.white),
        "trace": reading.trace,
    }


def read_reading(body: Mapping[str, Any]) -> SideReading:
    """The stored evidence. Measures are to three decimals; one that a later engine added is NaN."""
    return SideReading(
        form=body["form"],
        edition=body["edition"],
        side=body["side"],
        engine=body["engine"],
        **{name: _number(body[name]) for name in _SIDE_NUMBERS},
        bitonal=body["bitonal"],
        code=body["code"],
        serial=body["serial"],
        marks=_read_marks(body["mark_fields"], body["marks"]),
        fields=tuple(_read_field(body["field_fields"], row) for row in body["fields"]),
        flags=tuple(Reason(flag) for flag in body["flags"]),
        map_px=tuple(_number(number) for number in body["map_px"]),
        streaks_mm=tuple(_number(number) for number in body.get("streaks_mm", ())),
        paper=_number(body.get("paper", 1.0)),
        print_dark=_number(body.get("print_dark", 1.0)),
        white=_number(body.get("white", 0.0)),
        trace=body.get("trace", ""),
    )


def sheet_body(sheet: Sheet) -> dict[str, Any]:
    """A sheet's decision, without its pages: those are the caller's, as keys."""
    return {
        "form": sheet.form,
        "edition": sheet.edition,
        "state": sheet.state.value,
        "reason": sheet.reason.value if sheet.reason else None,
        "serial": maybe_plain(sheet.serial),
        "answer_fields": _ANSWER_FIELDS,
        "answers": [_answer_row(answer) for answer in sheet.answers],
    }


def warning_body(warning: BatchWarning, batch: str) -> dict[str, Any]:
    return {
        "batch": batch,
        "warning": warning.kind.value,
        "file": plain(warning.file),
        "page": warning.page,
        "place": warning.place,
        "now": float(warning.now),
        "usual": float(warning.usual),
    }


def box_body(minute: BoxOpening) -> dict[str, Any]:
    """The minute of opening a box."""
    return {name: list(each) if isinstance(each, tuple) else each for name, each in asdict(minute).items()}


def read_box(body: Mapping[str, Any]) -> BoxOpening:
    """A minute as it was entered."""
    values: dict[str, Any] = {
        name: tuple(each) if isinstance(each, list) else each for name, each in body.items()
    }
    return BoxOpening(**values)


def read_warning(row: Row[Any]) -> BatchWarning:
    """A warning from a row of the table ``warnings``."""
    return BatchWarning(WarningKind(row.warning), row.file, row.page, row.place, row.now, row.usual)


def read_answer(row: Row[Any]) -> Answer:
    """An answer from a row of the table ``answers``."""
    return Answer(
        question=row.question,
        side=row.side,
        outcome=Outcome(row.outcome),
        codes=split_codes(row.codes),
        status=Status(row.status),
        confidence=row.confidence,
        reason=Reason(row.reason) if row.reason else None,
    )


def join_codes(codes: Sequence[str]) -> str:
    return "|".join(codes)


def split_codes(joined: str) -> tuple[str, ...]:
    return tuple(joined.split("|")) if joined else ()


def _answer_row(answer: Answer) -> list[Any]:
    return [
        answer.question,
        answer.side,
        answer.outcome.value,
        list(answer.codes),
        answer.status.value,
        round(float(answer.confidence), 4),
        answer.reason.value if answer.reason else None,
    ]


def _field_row(field: FieldReading) -> list[Any]:
    numbers = (field.confidence, field.x_px, field.y_px, field.w_px, field.h_px, field.ink)
    return [field.field, plain(field.text), *_in_thousandths(numbers)]


def _in_thousandths(values: Sequence[float]) -> list[int | None]:
    try:
        return [round(value * _THOUSANDTHS) for value in values]
    except (ValueError, OverflowError):  # NaN or infinity among them: rare, so looked for only here
        return [round(value * _THOUSANDTHS) if math.isfinite(value) else None for value in values]


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def _read_marks(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> tuple[Mark, ...]:
    if tuple(names) == _MARK_FIELDS:
        return tuple(Mark(row[0], row[1], *_from_thousandths(row[2:])) for row in rows)
    places = [names.index(name) if name in names else None for name in _MARK_FIELDS]
    ordered = ([None if place is None else row[place] for place in places] for row in rows)
    return tuple(Mark(str(row[0]), str(row[1]), *_from_thousandths(row[2:])) for row in ordered)


def _read_field(names: Sequence[str], row: Sequence[Any]) -> FieldReading:
    values = dict(zip(names, row, strict=True))
    numbers = {name: _from_thousandths([values[name]])[0] for name in _FIELD_FIELDS[2:]}
    return FieldReading(field=values["field"], text=values["text"], **numbers)


def _from_thousandths(values: Sequence[int | None]) -> list[float]:
    return [math.nan if value is None else value / _THOUSANDTHS for value in values]
