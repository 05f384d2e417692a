"""A database of an older program is brought up to this one by adding only, and says so in its ledger."""

from __future__ import annotations

import ast
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect, select

from ballotscan import verify
from ballotscan.errors import StoreError
from ballotscan.store import migrations, schema
from ballotscan.store.connect import parse_location
from ballotscan.store.database import Store, open_store
from tests.unit.store.makers import database, fill

VERSIONS = sorted((Path(migrations.__file__).parent / "versions").glob("m*.py"))

AS_IN_SCHEMA_1 = (
    "DROP TABLE alembic_version",
    "DROP INDEX ledger_kind",
    "DROP TABLE warnings",
    "DROP TABLE rulings",
    "CREATE TABLE rulings (key INTEGER PRIMARY KEY, ruled_by VARCHAR)",
    "UPDATE about SET value = '1' WHERE name = 'schema'",
)
"""What made a database of schema 2 into one of schema 1, and a table older than its columns."""


def older(location: str) -> list[bytes]:
    """Take a database back to schema 1; returns its entries' bodies."""
    engine = create_engine(parse_location(location))
    with engine.begin() as connection:
        for statement in AS_IN_SCHEMA_1:
            connection.exec_driver_sql(statement)
        query = select(schema.ledger.c.body).order_by(schema.ledger.c.seq)
        bodies = [bytes(body) for body in connection.execute(query).scalars()]
    engine.dispose()
    return bodies


def test_an_older_database_is_brought_up_to_date(
    location: str, open_it: Callable[[], Store], tmp_path: Path
) -> None:
    with open_it() as store:
        fill(store)
        answers = list(store.answer_rows())
    before = older(location)
    with open_store(location, tmp_path, create=False) as store:
        assert list(store.answer_rows()) == answers
        assert store.check_projections() == ()
        assert store.verify_chain().entries == len(before) + 1
        indices = {index["name"] for index in inspect(store._engine).get_indexes("ledger")}
    assert "ledger_kind" in indices
    *untouched, added = older(location)
    assert untouched == before
    entry = json.loads(added)
    assert (entry["kind"], entry["from"], entry["to"]) == ("migrated", 1, schema.SCHEMA_VERSION)


def test_what_was_migrated_verifies_given_the_old_head(tmp_path: Path) -> None:
    location = database(tmp_path)
    with open_store(location) as store:
        fill(store)
        head = store.head()[1]
    older(str(location))
    open_store(location).close()
    with pytest.raises(verify.Fault, match="is missing"):  # the scan itself is not there: all else is right
        verify.verify(str(location), tmp_path, [head])


def test_a_migration_that_fails_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    location = database(tmp_path)
    with open_store(location) as store:
        fill(store)
    older(str(location))

    def fail(*_arguments: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    whole = location.read_bytes()
    monkeypatch.setattr(migrations.projections, "fill", fail)
    with pytest.raises(sqlite3.OperationalError):
        open_store(location)
    assert location.read_bytes() == whole


def test_a_new_database_is_at_the_last_migration(tmp_path: Path) -> None:
    open_store(database(tmp_path)).close()
    with sqlite3.connect(database(tmp_path)) as connection:
        (found,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    connection.close()
    assert found == VERSIONS[-1].name[1:5] == f"{schema.SCHEMA_VERSION:04}"


def test_migrations_only_add() -> None:
    """They may make tables, columns and indices; nothing that was hashed is touched."""
    assert len(VERSIONS) == schema.SCHEMA_VERSION
    called = {
        node.func.attr
        for path in VERSIONS
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }
    assert called <= {"create_index", "create_table", "add_column"}
    assert not any("downgrade" in path.read_text(encoding="utf-8") for path in VERSIONS)


def test_a_newer_database_is_refused(tmp_path: Path) -> None:
    location = database(tmp_path)
    open_store(location).close()
    with sqlite3.connect(location) as connection:
        connection.execute("UPDATE about SET value = '999' WHERE name = 'schema'")
    connection.close()
    with pytest.raises(StoreError, match=r"made by a newer ballotscan\. Install the newer version"):
        open_store(location)
