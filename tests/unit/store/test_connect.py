"""Which databases are taken, and that only one program writes."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from ballotscan.errors import BallotscanError, StoreError, UsageError
from ballotscan.store import connect
from ballotscan.store.database import Store, open_store
from tests.unit.store.makers import database, fill, settings


def refused(path: Path | str, *, create: bool = True) -> str:
    """The one line with which a place is refused."""
    with pytest.raises(BallotscanError) as caught:
        open_store(path, create=create).close()
    line = str(caught.value)
    assert "\n" not in line
    return line


def test_new_database_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "office" / "box" / "ballots.sqlite"
    open_store(path).close()
    if os.name != "nt":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_looking_makes_no_database(tmp_path: Path) -> None:
    assert "no database here" in refused(database(tmp_path), create=False)
    assert not database(tmp_path).exists()


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "scan.pdf"
    path.write_bytes(b"%PDF-1.7 and so on, long enough to be read as a header")
    assert refused(path) == f"{path}: this file is no database. Choose another file."
    assert path.read_bytes().startswith(b"%PDF")


def test_a_folder(tmp_path: Path) -> None:
    assert "this is a folder" in refused(tmp_path)


def test_an_empty_file_is_no_database_to_look_at(tmp_path: Path) -> None:
    database(tmp_path).touch()
    assert "empty" in refused(database(tmp_path), create=False)
    open_store(database(tmp_path)).close()


def test_another_programs_database(tmp_path: Path) -> None:
    with sqlite3.connect(database(tmp_path)) as other:
        other.execute("CREATE TABLE photos (name)")
    assert "another program" in refused(database(tmp_path))


def test_a_newer_database(store: Store, open_it: Callable[[], Store]) -> None:
    with store._writing() as connection:
        connection.exec_driver_sql("UPDATE about SET value = '999' WHERE name = 'schema'")
    store.close()
    with pytest.raises(StoreError, match="made by a newer ballotscan"):
        open_it()


def test_a_damaged_database(tmp_path: Path) -> None:
    path = database(tmp_path)
    with open_store(path) as store:
        fill(store, pages=60)
    content = bytearray(path.read_bytes())
    content[4096 : len(content) : 997] = b"\xff" * len(range(4096, len(content), 997))
    path.write_bytes(content)
    assert "damaged" in refused(path)


def test_a_place_where_nothing_can_be_written() -> None:
    if not Path("/proc/self").exists():
        pytest.skip("no folder that even root cannot write to")
    assert "cannot be created" in refused("/proc/nowhere/ballots.sqlite")


def test_a_read_only_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_store(database(tmp_path)) as store:
        fill(store)
    monkeypatch.setattr(os, "access", lambda _path, mode: mode != os.W_OK)  # root may write to anything
    with open_store(database(tmp_path)) as store:
        assert store.balance("box").holds
        with pytest.raises(StoreError, match="read-only"):
            store.start_batch(settings("new"))


def test_other_kinds_of_databases() -> None:
    assert "not supported" in refused("mysql://host/ballots")
    assert "needs a file" in refused("sqlite://")


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(BallotscanError) as caught:
        open_store("postgresql+psycopg://clerk:secret@127.0.0.1:1/ballots", tmp_path)
    assert "does not answer" in str(caught.value)
    assert "secret" not in str(caught.value)
    with pytest.raises(StoreError, match="no folder"):
        open_store("postgresql+psycopg://clerk:secret@127.0.0.1:1/ballots")


def test_durable_settings(tmp_path: Path) -> None:
    with open_store(database(tmp_path)) as store, store._reading() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "delete"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 3  # EXTRA
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1


def test_a_second_writer_is_told_to_wait(
    store: Store, open_it: Callable[[], Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connect, "WAIT_FOR_WRITER_S", 0.2)
    fill(store)
    with open_it() as second:
        assert second.balance("box").holds  # looking is always possible
        with pytest.raises(StoreError, match="another scan or import is writing"):
            fill(second, name="second")
        store.close()
        fill(second, name="second")


WRITER = """
import sys
from ballotscan.store.database import open_store
from tests.unit.store.makers import page, settings, sha
with open_store(sys.argv[1]) as store:
    store.start_batch(settings(), "test 1")
    store.add_file("box", "scan.pdf", sha("scan.pdf"), 100000)
    for start in range(1, 100000, 5):
        store.add_pages("box", [page(number) for number in range(start, start + 5)])
        print(start + 4, flush=True)
"""


@pytest.mark.skipif(os.name == "nt", reason="kill -9 is POSIX")
def test_a_killed_scan_loses_nothing_it_had_stored(tmp_path: Path) -> None:
    path = database(tmp_path)
    for delay_s in (0.0, 0.05, 0.11):
        running = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True
        )
        assert running.stdout is not None
        running.stdout.readline()
        time.sleep(delay_s)
        running.send_signal(signal.SIGKILL)
        stored = max([int(line) for line in running.stdout.read().split()], default=5)
        running.wait()
        with open_store(path) as store:
            assert store.verify_chain().whole
            assert store.check_projections() == ()
            keys = store.page_keys("box", 1)
            assert len(keys) >= stored
            assert [ref.page for ref in keys] == list(range(1, len(keys) + 1))


def test_a_batch_without_a_file_is_wrong_use() -> None:
    with pytest.raises(UsageError):
        open_store("sqlite:///:memory:")


def test_a_table_that_came_later_is_added(tmp_path: Path) -> None:
    location = database(tmp_path)
    with open_store(location) as store:
        fill(store)
    with closing(sqlite3.connect(location)) as connection:
        connection.execute("DROP TABLE warnings")
        connection.commit()
    with open_store(location, create=False) as store:
        assert store.warnings("box") == []
        assert store.check_projections() == ()
