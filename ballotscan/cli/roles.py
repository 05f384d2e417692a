"""``ballotscan roles``: who may do what in a PostgreSQL database."""

from __future__ import annotations

import typer

from ballotscan.cli.options import Database
from ballotscan.errors import UsageError
from ballotscan.i18n import gettext as _
from ballotscan.settings import is_url, load_settings


def roles(*, db: Database = None) -> None:
    """Make the tables and two roles, as the database's owner; nobody who scans or looks is that owner."""
    settings = load_settings(db)
    if not is_url(settings.database) or settings.database.startswith("sqlite"):
        raise UsageError(
            _("A database in a file has no roles: the file's own permissions say who may read it."),
            _("Name a server's database with --db."),
        )

    from ballotscan.store.database import open_store
    from ballotscan.store.roles import LOOK, SCAN

    with open_store(settings.database, settings.folder) as store:
        store.make_roles()
    typer.echo(_("{role}: may add to the record, and change nothing in it.").format(role=SCAN))
    typer.echo(_("{role}: may only look.").format(role=LOOK))
    typer.echo(_('Give a person one of them: GRANT {role} TO "name";').format(role=SCAN))
