"""``ballotscan users``: accounts of the review page."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Final, Optional

import typer

from ballotscan.cli.options import Database
from ballotscan.errors import UsageError
from ballotscan.i18n import gettext as _
from ballotscan.settings import Settings, load_settings

if TYPE_CHECKING:
    from ballotscan.store.reviews import Reviews

app = typer.Typer()

PASSWORD: Final = "BALLOTSCAN_PASSWORD"
"""The variable in which a script gives a password; people type it."""


@app.command(help=_("Make an account, or give it another password or other roles."))
def add(
    *,
    login: Annotated[str, typer.Argument(help=_("What is typed to sign in."), metavar="LOGIN")],
    name: Annotated[str, typer.Option("--name", help=_("The person's full name."), metavar="NAME")],
    role: Annotated[
        Optional[list[str]],  # noqa: UP045  typer reads the annotation when the command is built
        typer.Option("--role", help=_("operator, reviewer, auditor or administrator; may be repeated.")),
    ] = None,
    db: Database = None,
) -> None:
    """Ask for the password twice and enter the account."""
    settings = load_settings(db)

    from ballotscan.store.database import open_store
    from ballotscan.store.reviews import Reviews

    with open_store(settings.database, settings.folder, create=False) as store:
        set_account(settings, Reviews(store), login, name, tuple(role or ("reviewer",)))
    typer.echo(_("{login}: account of {name}.").format(login=login.lower(), name=name.strip()))


@app.command("end", help=_("End an account: nobody signs in with it any more."))
def end(
    *,
    login: Annotated[str, typer.Argument(help=_("The account's login."), metavar="LOGIN")],
    db: Database = None,
) -> None:
    """What the person decided stays in the record."""
    settings = load_settings(db)

    from ballotscan.store.database import open_store
    from ballotscan.store.reviews import Reviews

    with open_store(settings.database, settings.folder, create=False) as store:
        reviews = Reviews(store)
        known = next((each for each in reviews.accounts() if each.login == login.lower()), None)
        if known is None:
            raise UsageError(_("There is no account '{login}'.").format(login=login))
        reviews.set_account(known._replace(active=False))
    typer.echo(_("{login}: the account is ended.").format(login=login.lower()))


@app.command("list", help=_("List the accounts."))
def list_(*, db: Database = None) -> None:
    """Login, name and roles of each."""
    settings = load_settings(db)

    from ballotscan.store.database import open_store
    from ballotscan.store.reviews import Reviews

    with open_store(settings.database, settings.folder, create=False) as store:
        for each in Reviews(store).accounts():
            ended = "" if each.active else " " + _("(ended)")
            typer.echo(f"{each.login}: {each.name}, {', '.join(each.roles)}{ended}")


def set_account(settings: Settings, reviews: Reviews, login: str, name: str, roles: tuple[str, ...]) -> None:
    """Ask for a password, keep it, and enter the account. Raises ``UsageError``; then nothing is kept."""
    from ballotscan.review.passwords import Passwords
    from ballotscan.store.users import Account

    wanted = Account(login.lower(), name, roles, True, "")
    reviews.check_account(wanted)
    password = ask_password(name)
    reviews.set_account(wanted._replace(password=Passwords(settings.folder).set(wanted.login, password)))


def ask_password(name: str) -> str:
    """A new password, typed twice, or from the variable."""
    from ballotscan.cli.keys import ask_hidden

    given = os.environ.get(PASSWORD)
    if given is not None:
        return given
    typed = ask_hidden(_("Password of {name}: ").format(name=name))
    if ask_hidden(_("Once more: ")) != typed:
        raise UsageError(_("The two passwords differ."), _("Nothing was written. Try again."))
    return typed
