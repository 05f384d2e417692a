"""``ballotscan review``: the auditors' pages, on this computer or, behind TLS, for a whole office."""

from __future__ import annotations

import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Optional

import typer

from ballotscan.cli.options import Database
from ballotscan.cli.users import set_account
from ballotscan.errors import BallotscanError, UsageError
from ballotscan.i18n import Language, why
from ballotscan.i18n import gettext as _
from ballotscan.settings import Settings, load_settings

if TYPE_CHECKING:
    from ballotscan.store.reviews import Reviews

HERE: Final = "127.0.0.1"
_OWN_NAMES: Final = (HERE, "localhost")
PORT: Final = 8350


def review(
    *,
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help=_("The port; 0 takes a free one."))
    ] = PORT,
    no_browser: Annotated[bool, typer.Option("--no-browser", help=_("Only serve; open no browser."))] = False,
    host: Annotated[
        str,
        typer.Option(
            "--host",
            help=_("The name by which others reach this computer; needs a certificate."),
            metavar="NAME",
        ),
    ] = HERE,
    certificate: Annotated[
        Optional[Path],  # noqa: UP045  typer reads the annotation when the command is built
        typer.Option("--certificate", help=_("The TLS certificate (PEM) of that name."), metavar="FILE"),
    ] = None,
    private_key: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--private-key", help=_("The certificate's private key (PEM)."), metavar="FILE"),
    ] = None,
    db: Database = None,
) -> None:
    """Serve the pages until Ctrl-C."""
    settings = load_settings(db)
    _check_tls(host, certificate, private_key)

    from ballotscan.store.database import open_store
    from ballotscan.store.reviews import Reviews

    with open_store(settings.database, settings.folder, create=False) as store:
        reviews = Reviews(store)
        if not reviews.accounts():
            _first_account(settings, reviews)
        reviews.set_persons(1 if settings.one_person_review else 2)
        with _listen(host, port) as listening:
            _serve(settings, reviews, listening, host, (certificate, private_key), not no_browser)


def _check_tls(host: str, certificate: Path | None, private_key: Path | None) -> None:
    """Passwords and ballots leave this computer only encrypted."""
    if host not in _OWN_NAMES and not (certificate and private_key):
        raise UsageError(
            _("--host {host}: others reach the pages only through TLS.").format(host=host),
            _("Give --certificate and --private-key too."),
        )
    for file in (certificate, private_key):
        if file and not file.is_file():
            raise UsageError(_("{file}: there is no such file.").format(file=file), _("Check its name."))


def _first_account(settings: Settings, reviews: Reviews) -> None:
    """Where nobody has an account yet, whoever starts the program makes the first."""
    typer.echo(_("There is no account yet: this makes the first, an administrator's and auditor's."))
    try:
        login = typer.prompt(_("Login (small letters)"))
        name = typer.prompt(_("Full name"))
    except typer.Abort as fault:
        raise UsageError(
            _("No account was made."), _("Make one with 'ballotscan users add LOGIN --name NAME'.")
        ) from fault
    set_account(settings, reviews, login.strip(), name, ("auditor", "administrator"))


def _listen(host: str, port: int) -> socket.socket:
    address = HERE if host in _OWN_NAMES else host
    try:
        return socket.create_server((address, port), backlog=64)
    except OSError as fault:
        raise BallotscanError(
            _("{host}:{port}: the pages cannot be served there: {reason}.").format(
                host=address, port=port, reason=why(fault)
            ),
            _("Is the program running already? Else name another --port."),
        ) from fault


def _serve(
    settings: Settings,
    reviews: Reviews,
    listening: socket.socket,
    host: str,
    tls: tuple[Path | None, Path | None],
    open_browser: bool,
) -> None:
    from ballotscan.review.passwords import Passwords
    from ballotscan.review.pictures import Pictures
    from ballotscan.review.server import make_server
    from ballotscan.review.sessions import Sessions
    from ballotscan.review.web import Desk

    port = listening.getsockname()[1]
    scheme = "https" if tls[0] else "http"
    names = _OWN_NAMES if host in _OWN_NAMES else (host,)
    address = f"{scheme}://{names[0]}:{port}/"
    language: Language = "en" if settings.language == "en" else "vi"
    with Pictures(reviews.store.originals_folder) as pictures:
        desk = Desk(
            reviews, pictures, Passwords(settings.folder), Sessions(language), settings, secure=bool(tls[0])
        )
        server = make_server(desk, [f"{name}:{port}" for name in names], tls)
        typer.echo(_("Review: {address} (end with Ctrl-C)").format(address=address))
        sys.stdout.flush()
        if open_browser:
            import webbrowser

            webbrowser.open(address)
        server.run(sockets=[listening])
        left = reviews.enter_sign_ins()
        if left:
            typer.echo(
                _("{count} sign-ins are not in the record: another program writes.").format(count=left),
                err=True,
            )
