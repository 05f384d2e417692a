"""What respondents wrote, for the report. Functions of a connection."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from sqlalchemy import Connection, literal, select

from ballotscan.model import SheetState
from ballotscan.store.schema import batches, imported, sheets, texts


class WrittenText(NamedTuple):
    """A text of a sheet that counts; ``field`` is empty where it came with an import."""

    ballot: str
    form: str
    edition: str
    channel: str
    field: str
    text: str


def written_texts(connection: Connection, first: date, last: date) -> list[WrittenText]:
    """What respondents wrote on sheets that count, received on these days: typed from clips, or imported."""
    about = (sheets.c.key, sheets.c.id, sheets.c.form, sheets.c.edition, batches.c.channel)
    typed = select(*about, texts.c.field, texts.c.text).join(sheets, sheets.c.key == texts.c.sheet)
    given = select(*about, literal(""), imported.c.comment).join(sheets, sheets.c.key == imported.c.sheet)
    found = []
    for query, text in (
        (typed.where(texts.c.superseded_by.is_(None)), texts.c.text),
        (given, imported.c.comment),
    ):
        chosen = (
            query.join(batches, batches.c.name == sheets.c.batch)
            .where(text != "", batches.c.received.between(first, last))
            .where(sheets.c.state.in_((SheetState.READ.value, SheetState.REVIEW.value)))
        )
        found += [tuple(row) for row in connection.execute(chosen)]
    return [WrittenText(*row[1:]) for row in sorted(found)]
