"""Every test of the store that takes ``store`` runs on SQLite and, where it can be had, on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ballotscan.store.database import Store, open_store
from tests.conftest import empty
from tests.unit.store.makers import database


@pytest.fixture(params=["sqlite", "postgresql"])
def location(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where an empty database is."""
    if request.param == "sqlite":
        return str(database(tmp_path))
    url: str = request.getfixturevalue("server")
    empty(url)
    return url


@pytest.fixture
def open_it(location: str, tmp_path: Path) -> Callable[[], Store]:
    return lambda: open_store(location, tmp_path)


@pytest.fixture
def store(open_it: Callable[[], Store]) -> Iterator[Store]:
    with open_it() as opened:
        yield opened
