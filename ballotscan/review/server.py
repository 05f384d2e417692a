"""The server under the pages: quiet, and saying nothing of itself."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import uvicorn

from ballotscan.review.app import make_app
from ballotscan.review.web import Desk


def make_server(
    desk: Desk, hosts: Collection[str], tls: tuple[Path | None, Path | None] = (None, None)
) -> uvicorn.Server:
    """A server for a listening socket: ``server.run(sockets=[...])``. ``tls``: certificate and private key.

    Nothing is logged: what is done is entered in the record, and a log of requests would tell who looked at
    which ballot.
    """
    options: dict[str, Any] = {"log_config": None, "access_log": False, "server_header": False}
    if tls[0]:
        options |= {"ssl_certfile": str(tls[0]), "ssl_keyfile": str(tls[1])}
    return uvicorn.Server(uvicorn.Config(make_app(desk, hosts), **options))
