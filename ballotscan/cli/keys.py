"""``ballotscan keys new``, and how passphrases are asked for."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

from ballotscan.errors import UsageError
from ballotscan.i18n import gettext as _

if TYPE_CHECKING:
    from ballotscan.keys import Role, Signer

app = typer.Typer()

_VARIABLE: Final = "BALLOTSCAN_PASSPHRASE"


@app.callback()
def _group() -> None:
    """Keeps ``new`` a command of its own while it is the only one of the group."""


@app.command(help=_("Make one person's key for signing, protected by a passphrase."))
def new(
    *,
    file: Annotated[Path, typer.Argument(help=_("The file of the new key."), metavar="FILE")],
    name: Annotated[str, typer.Option("--name", help=_("Who will sign with it."), metavar="NAME")],
    role: Annotated[
        Literal["operator", "auditor"],
        typer.Option("--role", help=_("operator: who scans. auditor: who checks, and scans nothing.")),
    ],
) -> None:
    """Ask for the passphrase twice and write the key."""
    from ballotscan.keys import new_key

    given = os.environ.get(_VARIABLE)
    passphrase = given if given is not None else ask_hidden(_("Passphrase of the new key: "))
    if given is None and ask_hidden(_("Once more: ")) != passphrase:
        raise UsageError(_("The two passphrases differ."), _("Nothing was written. Try again."))
    public = new_key(file, name, role, passphrase)
    typer.echo(
        _("{file}: key of {name}. Keep file and passphrase apart.").format(file=file, name=name.strip())
    )
    typer.echo(_("Public key: {key}").format(key=public))


def ask_signer(path: Path, role: Role) -> Signer:
    """Open the key of the person with this role; the passphrase is typed, or in a variable for scripts:
    BALLOTSCAN_OPERATOR_PASSPHRASE or BALLOTSCAN_AUDITOR_PASSPHRASE. Raises ``UsageError``.
    """
    from ballotscan.keys import open_key, owner_of

    name, its_role = owner_of(path)
    if its_role != role:
        raise UsageError(
            _("{file}: this is the key of {name} as {role}.").format(file=path, name=name, role=its_role),
            _("Name the operator's key with --operator, the auditor's with --auditor."),
        )
    given = os.environ.get(f"BALLOTSCAN_{role.upper()}_PASSPHRASE")
    return open_key(
        path, given if given is not None else ask_hidden(_("Passphrase of {name}: ").format(name=name))
    )


def ask_hidden(prompt: str) -> str:
    """What a person types without its being shown. Raises ``UsageError`` where nobody can."""
    from getpass import getpass

    try:
        return getpass(prompt)
    except EOFError as fault:
        raise UsageError(
            _("No passphrase was given."), _("Type it, or set the variable that the documentation names.")
        ) from fault
