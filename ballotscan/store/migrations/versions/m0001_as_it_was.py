"""The tables of schema 1, as the first databases have them: nothing to do."""

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Where every migration begins."""
