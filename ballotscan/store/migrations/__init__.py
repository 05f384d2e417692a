"""From an older database to this program's tables, by Alembic; each migration is an entry of the ledger.

Only what the ledger itself needs is migrated, and only by adding to it: what was hashed stays byte for byte.
The tables made from it are thrown away and made anew. All of it is one transaction.
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, update

from ballotscan.store import projections, schema, writing


def migrate(connection: Connection, found: int) -> None:
    """Bring a database of the schema ``found`` up to this one, in the caller's transaction."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    if not connection.dialect.has_table(connection, schema.migrations.name):
        command.stamp(config, "0001")  # the first databases did not keep the number of their schema there
    command.upgrade(config, "head")
    schema.projected.drop_all(connection)
    schema.projected.create_all(connection)
    projections.fill(connection, connection)
    number = schema.about.c.name == "schema"
    connection.execute(update(schema.about).where(number).values(value=str(schema.SCHEMA_VERSION)))
    writing.record(connection, "migrated", [{"from": found, "to": schema.SCHEMA_VERSION}])
