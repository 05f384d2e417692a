"""PostgreSQL's own guard: nobody who scans, tallies or verifies owns the record or may change it.

The owner makes the tables, then needs not be used until a newer program brings a migration. The tables made
from the ledger are written with every entry, so the scanning role may write those; they can be thrown away,
and every tally compares them with the ledger first.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, text

from ballotscan.store import schema

SCAN: Final = "ballotscan_scan"
LOOK: Final = "ballotscan_look"


def statements() -> list[str]:
    """What the owner runs. The roles cannot log in: people are granted one of them."""
    tables = ", ".join(table.name for table in schema.projected.sorted_tables)
    record = ", ".join(table.name for table in schema.metadata.sorted_tables)
    return [
        *(_role(name) for name in (SCAN, LOOK)),
        f"DO $$ BEGIN EXECUTE format('GRANT USAGE ON SCHEMA %I TO {SCAN}, {LOOK}', current_schema()); END $$",
        f"REVOKE ALL ON {record}, {tables} FROM PUBLIC, {SCAN}, {LOOK}",
        f"GRANT SELECT ON {record}, {tables} TO {SCAN}, {LOOK}",
        f"GRANT INSERT ON {schema.ledger.name} TO {SCAN}",
        f"GRANT INSERT, UPDATE, DELETE ON {tables} TO {SCAN}",
        f"GRANT INSERT, DELETE ON {schema.about.name} TO {SCAN}",  # what was verified last
    ]


def _role(name: str) -> str:
    return (
        f"DO $$ BEGIN CREATE ROLE {name} NOLOGIN; EXCEPTION WHEN duplicate_object THEN NULL; "
        f"WHEN unique_violation THEN NULL; END $$"
    )


def make_roles(connection: Connection) -> None:
    """Run them, in the caller's transaction. Twice is as once."""
    for statement in statements():
        connection.execute(text(statement))
