"""A sheet's answers in one row, for the tally: a table made from the ledger, so here is nothing to do."""

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """The number tells that the tables must be made anew."""
