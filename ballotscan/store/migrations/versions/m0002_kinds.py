"""An index on the kinds of entries: closes, exports and removals are looked for among many pages."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_index("ledger_kind", "ledger", ["kind", "seq"])
