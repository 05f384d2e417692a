"""Cases 40 to 60: the machine, its disk, its clock, other programs. The longer runs are in ``kill.py``."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ballotscan import ENGINE, pipeline, verify
from ballotscan.errors import BallotscanError, ExitCode, NotVerifiedError, StoreError
from ballotscan.model import Reason, Sha256, SideReading
from ballotscan.reread import reread_batch
from ballotscan.store import connect, ledger, originals
from ballotscan.store.database import Store, open_store
from tests.cli.stub_reader import TWO_SIDED, page, write_stack
from tests.cli.test_scan_stacks import (
    BATCH,
    Cut,
    duplex,
    lose_pages,
    read_stub,
    rows,
    scan,
    sheets,
    states,
)
from tests.conftest import empty
from tests.faults.making import without_roots_rights
from tests.unit.record import Office
from tests.unit.store.makers import page as stored_page
from tests.unit.store.makers import settings as stored_settings
from tests.unit.store.makers import sha
from tests.unit.tally.stored import batch_settings, fill

Run = Callable[..., tuple[int, str, str]]
POSIX = pytest.mark.skipif(os.name == "nt", reason="POSIX")


def whole(store: Store) -> bool:
    return store.verify_chain().whole and not store.check_projections()


# --- the machine stops ---------------------------------------------------------------------------------


@pytest.mark.parametrize("before", ["add_files", "add_pages", "add_sheets"])
def test_case_41_crash_between_image_and_entry(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: str
) -> None:
    """The image is on disk before any entry speaks of it; without an entry, the next scan takes it in."""
    folder = duplex(tmp_path / "in", 2)
    with monkeypatch.context() as broken:
        broken.setattr(Store, before, crash)
        with pytest.raises(Cut):
            scan(store, folder, [TWO_SIDED])
    scans = {hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}
    assert all(store.original_path(Sha256(scan_)).is_file() for scan_ in scans)
    (store.original_path(Sha256(min(scans))).parent / ".new-left-over").write_bytes(b"half")
    scan(store, folder, [TWO_SIDED])
    assert sheets(store) == [("read", None)] * 2
    assert store.balance(BATCH).holds
    assert {ref.original for ref in store.page_keys(BATCH, 1)} == scans
    assert whole(store)


def crash(*_arguments: object) -> None:
    raise Cut


def test_case_42_power_loss_during_commit(tmp_path: Path) -> None:
    """What the disk held in the middle of a commit: put back to the state before, which verifies."""
    (tmp_path / "office").mkdir()
    office = Office(tmp_path / "office")
    head = office.head()
    copy = in_the_middle(office, tmp_path / "copy")
    with open_store(copy) as store:
        assert store.head()[1] == head
        assert whole(store)
    verify.verify(str(copy), copy.parent, [head])


def test_case_53_hot_journal_deleted(tmp_path: Path) -> None:
    """Without its journal the file in the middle of a commit is neither the old nor the new record."""
    (tmp_path / "office").mkdir()
    office = Office(tmp_path / "office")
    head = office.head()
    copy = in_the_middle(office, tmp_path / "copy")
    Path(f"{copy}-journal").unlink()
    with pytest.raises(verify.Fault):
        verify.verify(str(copy), copy.parent, [head])


def in_the_middle(office: Office, folder: Path) -> Path:
    """A copy of an office as it lies on the disk while a commit is half written, journal and all."""
    shutil.copytree(office.folder, folder)
    copy = folder / office.database.name
    with closing(sqlite3.connect(office.database, isolation_level=None)) as connection:
        connection.execute("PRAGMA cache_size=1")
        connection.execute("BEGIN IMMEDIATE")
        for table in ("ledger_no_update", "ledger_no_delete"):
            connection.execute(f"DROP TRIGGER IF EXISTS {table}")
        connection.execute("UPDATE ledger SET body = zeroblob(length(body)) WHERE seq % 2 = 0")
        connection.execute("UPDATE answers SET codes = '9'")
        for suffix in ("", "-journal"):
            shutil.copyfile(f"{office.database}{suffix}", f"{copy}{suffix}")
        connection.execute("ROLLBACK")
    assert copy.read_bytes() != office.database.read_bytes(), "nothing was written yet"
    return copy


FAULTS = {"write": errno.ENOSPC, "fsync": errno.EIO, "replace": errno.EROFS, "open": errno.ENOSPC}


@pytest.mark.parametrize("what", FAULTS)
def test_case_43_disk_full_while_an_original_is_kept(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    folder = duplex(tmp_path / "in", 2)

    def fail(*_arguments: object, **_named: object) -> None:
        raise OSError(FAULTS[what], os.strerror(FAULTS[what]))

    with monkeypatch.context() as broken:
        match what:
            case "fsync":
                broken.setattr(originals.os, "fsync", fail)
            case "replace":
                broken.setattr(Path, "replace", fail)
            case "open":
                broken.setattr(originals.tempfile, "mkstemp", fail)
            case _:
                broken.setattr(originals.os, "fdopen", lambda handle, mode: FullFile(handle))
        with pytest.raises(StoreError, match="cannot be kept"):
            scan(store, folder, [TWO_SIDED])
    assert not list(store.originals_folder.rglob(".new-*"))
    scan(store, folder, [TWO_SIDED])
    assert sheets(store) == [("read", None)] * 2
    assert whole(store)


class FullFile:
    """A file on a full disk."""

    def __init__(self, handle: int) -> None:
        self.handle = handle

    def __enter__(self) -> FullFile:
        return self

    def __exit__(self, *_fault: object) -> None:
        os.close(self.handle)

    def write(self, _data: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_case_43_database_full_at_any_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The scan stops with one line at whatever commit; afterwards it goes on to the same end."""
    monkeypatch.setattr(pipeline, "COMMIT_PAGES", 1)
    folder = duplex(tmp_path / "in", 4)
    with open_store(tmp_path / "whole" / "box.sqlite") as store:
        scan(store, folder, [TWO_SIDED])
        expected = rows(store)
    pages = (tmp_path / "whole" / "box.sqlite").stat().st_size // 4096
    stopped = 0
    for limit in range(pages - 16, pages, 4):
        path = tmp_path / str(limit) / "box.sqlite"
        with open_store(path) as store, _at_most(store, limit):
            try:
                scan(store, folder, [TWO_SIDED])
            except StoreError as fault:
                assert "disk is full" in str(fault)
                stopped += 1
        with open_store(path) as store:
            assert whole(store)
            scan(store, folder, [TWO_SIDED])
            assert rows(store) == expected
    assert stopped >= 3


class _at_most:  # noqa: N801
    """The store's database may grow to so many pages of 4 kB and no further."""

    def __init__(self, store: Store, pages: int) -> None:
        from sqlalchemy import event

        @event.listens_for(store._engine, "begin")
        def _limit(connection: Any) -> None:
            connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_fault: object) -> None:
        return None


@pytest.mark.parametrize("reason", [Reason.RESOURCE_LIMIT, Reason.TIME_LIMIT])
def test_case_44_45_worker_out_of_memory_or_hanging(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reason: Reason
) -> None:
    """That page is set aside and the batch goes on; the worker itself: ``unit/intake/test_workers.py``."""
    monkeypatch.setattr(pipeline, "WorkerPool", lose_pages({"001-2.png"}, reason))
    scan(store, duplex(tmp_path / "in", 3), [TWO_SIDED])
    assert [state for state, _reason in sheets(store)] == ["read", "set_aside", "read"]
    assert ("001-2.png", "set_aside", reason.value) in states(store)
    assert store.balance(BATCH).holds


# --- others at the same database -----------------------------------------------------------------------


WRITER = """
import sys
from ballotscan.errors import StoreError
from ballotscan.store import connect
from ballotscan.store.database import open_store
from tests.unit.tally.stored import batch_settings, fill
connect.WAIT_FOR_WRITER_S = 20
with open_store(sys.argv[1]) as store:
    fill(store, batch_settings(sys.argv[2]), ["1 1 2 1 1"] * 5)
"""


def test_case_46_two_processes_at_once(tmp_path: Path) -> None:
    path = tmp_path / "box.sqlite"
    open_store(path).close()
    running = [subprocess.Popen([sys.executable, "-c", WRITER, str(path), name]) for name in ("a", "b", "c")]
    ended = [process.wait(120) for process in running]
    with open_store(path) as store:
        assert whole(store)  # one chain, every number once
        filled = [name for name, code in zip("abc", ended, strict=True) if code == 0]
        assert filled
        assert sorted(batch.name for batch in store.batches()) == filled
        assert len(sheets(store)) == 5 * len(filled)


def test_case_47_reader_during_write(tmp_path: Path) -> None:
    """Who reads sees one moment, whatever is written meanwhile."""
    path = tmp_path / "box.sqlite"
    with open_store(path) as store:
        fill(store, batch_settings("a"), ["1 1 2 1 1"] * 3)
    with open_store(path) as reader, open_store(path) as writer:
        answers = reader.answer_rows()
        first = next(answers)
        writing = threading.Thread(target=fill, args=(writer, batch_settings("b"), ["1 1 2 1 1"] * 3))
        writing.start()
        writing.join(0.3)
        seen = [first, *answers]
        writing.join(60)
        assert len(seen) == 15
        assert len(list(reader.answer_rows())) == 30
        assert whole(reader)


def test_case_48_database_is_locked(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a program that is not ours: waited for, then one clear line; what was read is not lost."""
    folder = duplex(tmp_path / "in", 2)
    scan(store, folder, [TWO_SIDED])
    path = store.folder / "box.sqlite"
    store.close()
    monkeypatch.setattr(connect, "_WAIT_FOR_READER_S", 0.1)
    with open_store(path) as patient, closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreError, match="another program is using the database"):
            patient.add_file(BATCH, "new.png", sha("new"), 1)
        other.execute("ROLLBACK")
        patient.add_file(BATCH, "new.png", sha("new"), 1)
        assert whole(patient)


@POSIX
def test_case_49_read_only_database() -> None:
    with without_roots_rights() as folder:
        path = folder / "box.sqlite"
        open_store(path).close()
        path.chmod(0o400)
        before = path.read_bytes()
        with open_store(path) as store, pytest.raises(StoreError, match="read-only"):
            store.start_batch(stored_settings())
        assert path.read_bytes() == before


def test_case_49_database_on_a_network_drive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its locks do not hold there. It can be looked at, but nothing is written."""
    path = tmp_path / "box.sqlite"
    with open_store(path) as store:
        fill(store, batch_settings("a"), ["1 1 2 1 1"])
    monkeypatch.setattr("ballotscan.store.connect.network_drive", lambda _path: "nfs4")
    with open_store(path, create=False) as store:
        assert len(sheets(store)) == 1
        with pytest.raises(StoreError, match="network drive"):
            fill(store, batch_settings("b"), ["1 1 2 1 1"])


# --- the record is not what it was ---------------------------------------------------------------------


def test_case_50_corrupt_database_gives_no_tally(office: Office, run: Run) -> None:
    with closing(sqlite3.connect(office.database)) as connection, connection:
        for trigger in ("update", "delete"):
            connection.execute(f"DROP TRIGGER ledger_no_{trigger}")
        body = connection.execute("SELECT body FROM ledger WHERE seq = 5").fetchone()[0]
        flipped = body[:40] + bytes([body[40] ^ 1]) + body[41:]
        connection.execute("UPDATE ledger SET body = ? WHERE seq = 5", (flipped,))
    for command in (("tally", "--quarter", "2023Q1"), ("verify",)):
        code, out, err = run(*command)
        assert code == ExitCode.UNBALANCED
        assert "entry 5" in err + out
        assert "%" not in out


def test_case_51_image_changed_or_missing(office: Office) -> None:
    kept = min(path for path in (office.folder / "originals").rglob("*") if path.is_file())
    kept.chmod(0o600)
    for change in (lambda: kept.write_bytes(b"other"), kept.unlink):
        change()
        with pytest.raises(verify.Fault) as found:
            verify.verify(str(office.database), office.folder)
        assert str(found.value.what) == str(kept)
        with pytest.raises(NotVerifiedError):
            office.close("2023Q1")


def test_case_52_old_backup_put_back(office: Office) -> None:
    old = office.folder / "old.sqlite"
    shutil.copyfile(office.database, old)
    office.add_batch("box 3", "1 1 1 1 1")
    head = office.head()
    shutil.copyfile(old, office.database)
    verify.verify(str(office.database), office.folder)  # by itself it is a whole record
    with pytest.raises(verify.Fault) as found:
        verify.verify(str(office.database), office.folder, [head])
    assert found.value.code == "anchor"


# --- time, versions, places --------------------------------------------------------------------------------


class Clock:
    """A clock that is set back in the middle."""

    def __init__(self, *times: datetime) -> None:
        self.times = list(times)

    def now(self, _zone: object) -> datetime:
        return self.times.pop(0) if len(self.times) > 1 else self.times[0]


def test_case_54_clock_jumps_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The order is that of the entries' numbers; their times show the jump, and the chain holds."""
    times = datetime(2023, 3, 1, tzinfo=UTC), datetime(1970, 1, 1, tzinfo=UTC)
    monkeypatch.setattr(ledger, "datetime", Clock(*times))
    with open_store(tmp_path / "box.sqlite") as store:
        fill(store, batch_settings("a"), ["1 1 2 1 1"] * 2)
        assert whole(store)
        assert [row.sheet for row in store.sheet_rows()] == ["a/00001", "a/00002"]
    with closing(sqlite3.connect(tmp_path / "box.sqlite")) as connection:
        bodies = connection.execute("SELECT body FROM ledger ORDER BY seq").fetchall()
    years = [json.loads(body)["at"][:4] for (body,) in bodies]
    assert (years[0], set(years[1:])) == ("2023", {"1970"})


def test_case_54_a_day_is_not_taken_from_a_clock_that_is_behind(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as ahead:
        ahead.setattr(ledger, "datetime", Clock(datetime(2999, 1, 1, tzinfo=UTC)))
        with open_store(tmp_path / "ballotscan.sqlite") as store:
            fill(store, batch_settings("a"), ["1 1 2 1 1"])
    write_stack(tmp_path / "in" / "a.png", [page(2, seed=1)])
    code, _out, err = run("scan", "in", "--template", "hue-2019")
    assert code == ExitCode.NOTHING_DONE
    assert "clock" in err
    assert "--received" in err


def test_case_54_no_close_by_a_clock_that_is_behind(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its time is signed: it would lie before the entries that it closes."""
    with monkeypatch.context() as ahead:
        ahead.setattr(ledger, "datetime", Clock(datetime(2999, 1, 1, tzinfo=UTC)))
        office.void("box 1/00001")
    head = office.head()
    with pytest.raises(BallotscanError, match="clock is behind"):
        office.close("2023Q1")
    assert office.head() == head


def test_case_55_newer_and_older_schema(tmp_path: Path) -> None:
    path = tmp_path / "box.sqlite"
    with open_store(path) as store:
        fill(store, batch_settings("a"), ["1 1 2 1 1"])
    with closing(sqlite3.connect(path)) as connection, connection:
        (version,) = connection.execute("SELECT value FROM about WHERE name = 'schema'").fetchone()
        connection.execute("UPDATE about SET value = '99' WHERE name = 'schema'")
    with pytest.raises(StoreError, match="newer ballotscan"):
        open_store(path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE about SET value = ? WHERE name = 'schema'", (version,))
        connection.execute("DROP TABLE warnings")  # as a version had it that knew no warnings
    with open_store(path) as store:
        assert store.verify_chain().whole
        assert store.warnings("a") == []
        assert whole(store)


OLDER_PROCESSOR = {
    "OPENCV_CPU_DISABLE": "SSE4.2,AVX,FP16,AVX2,AVX512-SKX",
    "NPY_DISABLE_CPU_FEATURES": "SSE42 AVX F16C FMA3 AVX2 AVX512F AVX512CD AVX512_SKX X86_V3 X86_V4",
}
"""A processor of the time before AVX: other instructions, so sums in another order."""

READ_SAMPLE = """
import json, sys, warnings
warnings.simplefilter("ignore")  # numpy says which of the names it does not know
import cv2
from ballotscan.forms.load import load_form, shipped_templates
from ballotscan.forms.prints import load_print
from ballotscan.intake.files import open_source
from ballotscan.reading import read_side
from ballotscan.rules.answers import decide_answers
from ballotscan.vision.reference import build_references

form_print = load_print(shipped_templates() / "hue-2019")
with open_source(__import__("pathlib").Path(sys.argv[1])) as source:
    image = source.page(1)
    side = read_side(image, image.bitonal, tuple(build_references(form_print)))
answers = decide_answers(form_print.form, [side])
rows = [[a.question, a.outcome, a.codes, a.status, a.reason] for a in answers]
print(json.dumps([cv2.getCPUFeaturesLine(), rows]))
"""


def test_case_57_an_older_processor_gives_the_same_answers() -> None:
    sample = Path(__file__).parents[2] / "samples" / "hue-2019.jpg"
    command = [sys.executable, "-W", "ignore", "-c", READ_SAMPLE, str(sample)]
    said = [
        json.loads(subprocess.run(command, env={**os.environ, **env}, capture_output=True, check=True).stdout)
        for env in ({}, OLDER_PROCESSOR)
    ]
    (here, answers), (older, same) = said
    assert len(answers) > 4
    assert answers == same
    if "*AVX2 " in here:
        assert "*AVX2?" in older  # switched off: it was another way through the library


def test_case_57_every_reading_names_its_engine(tmp_path: Path) -> None:
    """So that ``reread`` knows what to compare."""
    with open_store(tmp_path / "box.sqlite") as store:
        store.start_batch(stored_settings(), ENGINE)
        store.add_file("box", "scan.pdf", sha("scan.pdf"), 1)
        [key] = store.add_pages("box", [stored_page()])
        reading = store.reading(key)
        assert isinstance(reading, SideReading)
        assert reading.engine == "test 1"
    with closing(sqlite3.connect(tmp_path / "box.sqlite")) as connection:
        assert connection.execute("SELECT engine FROM runs").fetchall() == [(ENGINE,)]


LOCALES = ({"LC_ALL": "C"}, {"LC_ALL": "de_DE.UTF-8", "LANG": "de_DE.UTF-8"}, {"PYTHONIOENCODING": "cp1252"})


def test_case_60_locale_and_long_paths_give_the_same_bytes(tmp_path: Path) -> None:
    folder = tmp_path
    for _ in range(6):
        folder /= "a folder with a long name, Phòng Đất đai"
    folder.mkdir(parents=True)
    with open_store(folder / "box.sqlite") as store:
        fill(store, batch_settings("hòm phiếu 1"), ["1 1 2 1 1", "?1 2 - 13 1"])
    found = set()
    for number, changes in enumerate(LOCALES):
        output = folder / f"{number}.csv"
        export = ["export", "answers", "-o", str(output), "--db", "box.sqlite"]
        command = [
            sys.executable,
            "-c",
            "import sys; from ballotscan.cli import main; sys.exit(main())",
            *export,
        ]
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONUTF8"}
        subprocess.run(command, cwd=folder, env=environment | changes, check=True, capture_output=True)
        found.add(output.read_bytes())
    assert len(str(folder)) > 260  # what Windows allows without more ado
    assert len(found) == 1
    assert "hòm phiếu 1".encode() in found.pop()


def test_case_56_software_update_between_batches(store: Store, tmp_path: Path) -> None:
    """``reread`` reads stored sheets with the version at hand and lists what differs; the first stays."""
    scan(store, duplex(tmp_path / "in", 2), [TWO_SIDED])
    before = rows(store)

    def read_newer(page_scan: Any, bitonal: bool, references: Any) -> Any:
        grey = page_scan.grey.copy()
        grey[0, 3] += int(grey[0, 1] == 2)  # what lies on a back is read otherwise now
        return read_stub(grey, bitonal, references)

    again = partial(reread_batch, store, store.batches()[0], [TWO_SIDED], workers=1)
    assert again(read=read_stub) == []
    assert {each.sheet.rpartition("/")[2] for each in again(read=read_newer)} == {"00001", "00002"}
    assert rows(store) == before


def test_case_58_postgresql_connection_drops(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the middle of a transaction: nothing of it stays, and the same again makes no doubles."""
    import psycopg

    def hang_up(*_arguments: object) -> None:
        with psycopg.connect(server, autocommit=True) as other:
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
            )

    empty(server)
    with open_store(server, tmp_path) as store:
        store.start_batch(stored_settings(), "test 1")
        store.add_file("box", "scan.pdf", sha("scan.pdf"), 3)
        store.add_pages("box", [stored_page(1)])
        with monkeypatch.context() as broken:
            broken.setattr("ballotscan.store.writing.projections.apply", hang_up)
            with pytest.raises(StoreError, match="server"):
                store.add_pages("box", [stored_page(1), stored_page(2)])
    with open_store(server, tmp_path) as store:
        assert len(store.page_keys("box", 1)) == 1
        assert len(store.add_pages("box", [stored_page(number) for number in (1, 2, 3)])) == 2
        assert [ref.page for ref in store.page_keys("box", 1)] == [1, 2, 3]
        assert whole(store)
