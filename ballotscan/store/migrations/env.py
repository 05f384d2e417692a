"""What Alembic runs for each command: the migrations, on the connection that ``migrate`` was given."""

from __future__ import annotations

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=False)
context.run_migrations()
