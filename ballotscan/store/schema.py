"""The tables. ``ledger`` is the record; every other table is projected from it and can be rebuilt.

Portable between SQLite and PostgreSQL: integers, text, bytes and one float. Orders rest on integer keys,
never on text, because databases sort text differently. A ``key`` is the ``seq`` of the ledger entry that
made the row.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    event,
)
from sqlalchemy.schema import DDL

SCHEMA_VERSION: Final = 3
"""Stamped into ``about``, and the last revision in ``migrations``. A database with a higher number was made
by a newer program and is refused; one with a lower is brought up to it."""

_Key = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers rows only for INTEGER PRIMARY KEY

metadata = MetaData()

about = Table(
    "about",
    metadata,
    Column("name", String, primary_key=True),
    Column("value", String, nullable=False),
)

ledger = Table(
    "ledger",
    metadata,
    Column("seq", _Key, primary_key=True, autoincrement=False),
    Column("kind", String, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("prev", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False, unique=True),
    Index("ledger_kind", "kind", "seq"),
)

migrations = Table("alembic_version", metadata, Column("version_num", String(32), primary_key=True))
"""Alembic's own: the last migration that was made."""

projected = MetaData()
"""The tables that can be thrown away and rebuilt."""

forms = Table(
    "forms",
    projected,
    Column("key", _Key, primary_key=True, autoincrement=False),
    Column("form", String, nullable=False),
    Column("edition", String, nullable=False),
    Column("hash", String, nullable=False),
    Column("questions", String, nullable=False),  # JSON: [[id, side, multiple, [codes]], ...] as printed
    Index("forms_edition", "form", "edition"),
)

batches = Table(
    "batches",
    projected,
    Column("key", _Key, primary_key=True, autoincrement=False),
    Column("name", String, nullable=False, unique=True),
    Column("forms", String, nullable=False),  # JSON list, every form ever named for the batch
    Column("received", Date, nullable=False),
    Column("channel", String, nullable=False),
    Column("unit", String, nullable=False),
    Column("linh_vuc", String, nullable=False),
    Column("expect", Integer),
    Column("sheets_made", Integer, nullable=False),  # also the last number given to a sheet
    Column("sheets_released", Integer, nullable=False),
    Index("batches_received", "received"),  # a period chooses batches by this day
)

runs = Table(
    "runs",
    projected,
    Column("key", _Key, primary_key=True, autoincrement=False),
    Column("batch", String, nullable=False),
    Column("forms", String, nullable=False),  # JSON list: what pages were read against
    Column("engine", String, nullable=False),
    Index("runs_batch", "batch", "key"),
)

files = Table(
    "files",
    projected,
    Column("key", _Key, primary_key=True, autoincrement=False),
    Column("batch", String, nullable=False),
    Column("shown", String, nullable=False),
    Column("original", String, nullable=False),
    Column("page_count", Integer, nullable=False),  # 0 for a file that could not be opened
    # Two files of one name and other contents are two files; the same pair is the same file.
    Index("files_once", "batch", "shown", "original", unique=True),
    Index("files_original", "original"),  # asked for every file that comes in
)

pages = Table(
    "pages",
    projected,
    Column("file", _Key, ForeignKey("files.key"), primary_key=True, autoincrement=False),
    Column("page", Integer, primary_key=True, autoincrement=False),
    Column("key", _Key, nullable=False, unique=True),  # the reading that counts
    Column("batch", String, nullable=False),
    Column("image", String),
    Column("read", Boolean, nullable=False),
    Column("state", String, nullable=False),
    Column("reason", String),
    Column("detail", String, nullable=False),
    Column("form", String),
    Column("edition", String),
    Column("side", Integer),
    Column("serial", String),
    Column("sheet", _Key),
    Column("sheet_side", Integer),  # the side it takes on its sheet
    Index("pages_batch", "batch", "file", "page"),  # the stack in order
    Index("pages_image", "image"),  # asked for every page that comes in
    Index("pages_sheet", "sheet", "sheet_side"),  # from a sheet to its images, for exports
)

readings = Table(
    "readings",
    projected,
    Column("file", _Key, primary_key=True, autoincrement=False),
    Column("page", Integer, primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("key", _Key, nullable=False, unique=True),
    Column("run", _Key, nullable=False),
    sqlite_with_rowid=False,
)

traces = Table(
    "traces",
    projected,
    Column("key", _Key, primary_key=True, autoincrement=False),  # the reading's
    Column("trace", LargeBinary, nullable=False),  # the marks' shapes: see vision.trace
)

sheets = Table(
    "sheets",
    projected,
    Column("key", _Key, primary_key=True, autoincrement=False),
    Column("id", String, nullable=False, unique=True),
    Column("batch", String, nullable=False),
    Column("number", Integer, nullable=False),
    Column("form", String, nullable=False),
    Column("edition", String, nullable=False),
    Column("machine_state", String, nullable=False),
    Column("state", String, nullable=False),  # with people's rulings settled in
    Column("reason", String),
    Column("serial", String),
    Index("sheets_batch", "batch", "number"),
    Index("sheets_serial", "serial"),  # the same serial again is a duplicate
)

answers = Table(
    "answers",
    projected,
    Column("sheet", _Key, ForeignKey("sheets.key"), primary_key=True, autoincrement=False),
    Column("reading", Integer, primary_key=True, autoincrement=False),  # 1 counts; others lie beside it
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("question", String, nullable=False),
    Column("side", Integer, nullable=False),
    Column("outcome", String, nullable=False),
    Column("codes", String, nullable=False),  # joined by |
    Column("status", String, nullable=False),
    Column("confidence", Double, nullable=False),
    Column("reason", String),
    # By far the longest table, always entered through its sheet: it lives in its primary key alone.
    sqlite_with_rowid=False,
)

sheet_answers = Table(
    "sheet_answers",
    projected,
    Column("sheet", _Key, ForeignKey("sheets.key"), primary_key=True, autoincrement=False),
    # The first reading once more, in a row: see rows.SheetAnswers. The tally reads nothing but these.
    Column("questions", String, nullable=False),
    Column("answers", String, nullable=False),
)

rulings = Table(
    "rulings",
    projected,
    Column("key", _Key, primary_key=True, autoincrement=False),
    Column("sheet", _Key, ForeignKey("sheets.key"), nullable=False),
    Column("question", String, nullable=False),
    Column("codes", String, nullable=False),
    Column("invalid", Boolean, nullable=False),
    Column("ruled_by", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("superseded_by", _Key),  # empty for the ruling that stands
    Index("rulings_sheet", "sheet", "question"),
)

scanned_again = Table(
    "scanned_again",
    projected,
    Column("key", _Key, primary_key=True, autoincrement=False),
    Column("sheet", _Key, ForeignKey("sheets.key"), nullable=False),  # void: its paper was scanned as another
    Column("of", _Key, nullable=False),
    Index("scanned_again_sheet", "sheet"),
)

boxes = Table(
    "boxes",
    projected,
    Column("key", _Key, primary_key=True, autoincrement=False),
    Column("box", String, nullable=False),
    Column("opened", Date, nullable=False),
    Column("batch", String, nullable=False),
    Column("standing", Boolean, nullable=False),  # not replaced by a later minute of the same box and day
    Column("minute", String, nullable=False),  # JSON, as it was entered
    Index("boxes_batch", "batch", "key"),
)

imported = Table(
    "imported",
    projected,
    Column("sheet", _Key, ForeignKey("sheets.key"), primary_key=True, autoincrement=False),
    Column("row", String, nullable=False, unique=True),
    Column("content", String, nullable=False),
    Column("respondent", String, nullable=False),  # a keyed hash; empty where nobody is named
    Column("comment", String, nullable=False),
    Index("imported_respondent", "respondent"),
)

warnings = Table(
    "warnings",
    projected,
    Column("key", _Key, primary_key=True, autoincrement=False),
    Column("batch", String, nullable=False),
    Column("warning", String, nullable=False),
    Column("file", String, nullable=False),
    Column("page", Integer, nullable=False),
    Column("place", String, nullable=False),
    Column("now", Double, nullable=False),
    Column("usual", Double, nullable=False),
    Index("warnings_batch", "batch", "key"),
)

users = Table(
    "users",
    projected,
    Column("login", String, primary_key=True),
    Column("key", _Key, nullable=False),
    Column("name", String, nullable=False),
    Column("roles", String, nullable=False),  # joined by |
    Column("active", Boolean, nullable=False),
    Column("password", String, nullable=False),  # the SHA-256 of what is kept of the password
)

hands = Table(
    "hands",
    projected,
    Column("key", _Key, primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("batch", String, nullable=False),
    Column("name", String, nullable=False),
    Column("did", String, nullable=False),  # scanned, or handles (the unit's procedures)
    Index("hands_batch", "batch"),
)

proposals = Table(
    "proposals",
    projected,
    Column("key", _Key, primary_key=True, autoincrement=False),
    Column("sheet", _Key, nullable=False),
    Column("question", String, nullable=False),  # empty for an act on the whole sheet
    Column("act", String, nullable=False),  # answer, void or count
    Column("codes", String, nullable=False),
    Column("invalid", Boolean, nullable=False),
    Column("same_as", String, nullable=False),
    Column("by_name", String, nullable=False),
    Column("note", String, nullable=False),
    Column("withdrawn", _Key),  # by this entry: taken back, or replaced by the same person's next
    Column("settled", _Key),  # by this entry
    Index("proposals_sheet", "sheet", "question"),
)

agreed = Table(
    "agreed",
    projected,
    Column("ruling", _Key, primary_key=True, autoincrement=False),
    Column("second", String, nullable=False),  # who said the same as the ruling's first person
)

controls = Table(
    "controls",
    projected,
    Column("key", _Key, primary_key=True, autoincrement=False),
    Column("sheet", _Key, nullable=False),
    Column("question", String, nullable=False),
    Column("by_name", String, nullable=False),
    Column("right", Boolean, nullable=False),
)

texts = Table(
    "texts",
    projected,
    Column("key", _Key, primary_key=True, autoincrement=False),
    Column("sheet", _Key, nullable=False),
    Column("field", String, nullable=False),
    Column("text", String, nullable=False),
    Column("by_name", String, nullable=False),
    Column("superseded_by", _Key),
    Index("texts_sheet", "sheet", "field"),
)

closes = Table(
    "closes",
    projected,
    Column("key", _Key, primary_key=True, autoincrement=False),
    Column("kind", String, nullable=False),  # close or amendment
    Column("period", String, nullable=False),
    Column("first", Date, nullable=False),
    Column("last", Date, nullable=False),
    Column("unit", String, nullable=False),  # empty for all
    Column("next", String, nullable=False),  # the period after it, and its first day
    Column("next_day", Date, nullable=False),
    Column("standing", Boolean, nullable=False),  # whether the period is closed by it now
)

_REFUSAL: Final = "the ledger is append-only"


def _guard(dialect: str, statement: str) -> None:
    """A guard rail against slips of the tool, not the proof: that is the chain."""
    rule = DDL(statement).execute_if(dialect=dialect)  # type: ignore[no-untyped-call]
    event.listen(ledger, "after_create", rule)


for _verb in ("UPDATE", "DELETE"):
    _guard(
        "sqlite",
        f"CREATE TRIGGER ledger_no_{_verb.lower()} BEFORE {_verb} ON ledger "
        f"BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END",
    )
_guard(
    "postgresql",
    "CREATE OR REPLACE FUNCTION ledger_append_only() RETURNS trigger LANGUAGE plpgsql AS "
    f"$$ BEGIN RAISE EXCEPTION '{_REFUSAL}'; END $$",
)
_guard(
    "postgresql",
    "CREATE TRIGGER ledger_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger "
    "FOR EACH STATEMENT EXECUTE FUNCTION ledger_append_only()",
)
