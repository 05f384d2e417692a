"""Opening a database safely: durable settings, one writer, foreign files refused in one clear line.

SQLite runs with ``journal_mode=DELETE`` and ``synchronous=EXTRA``: WAL is faster, but until 3.51.3 it could
corrupt a database under two connections, and a durable commit of a batch of pages costs only 14 ms.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from filelock import FileLock, Timeout
from sqlalchemy import Connection, Engine, create_engine, event, inspect, select, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError

from ballotscan.errors import StoreError, UsageError
from ballotscan.i18n import gettext as _
from ballotscan.i18n import why
from ballotscan.store import ledger, projections, schema
from ballotscan.store.disks import network_drive

WAIT_FOR_WRITER_S: Final = 5.0  # long enough for a short command to finish, short enough not to seem hung
_WAIT_FOR_READER_S: Final = 30.0  # exporting a year takes some seconds; the writer waits that out
_SQLITE_HEADER: Final = b"SQLite format 3\x00"
_ADVISORY_LOCK: Final = 0x62616C6C6F74  # "ballot": any fixed number serves
_OWNER_ONLY: Final = 0o700


def parse_location(location: str) -> URL:
    """A path or an SQLAlchemy URL as a URL. Raises ``UsageError`` for other kinds of databases."""
    if "://" not in location:
        return URL.create("sqlite", database=str(Path(location).expanduser().absolute()))
    try:
        url = make_url(location)
    except ArgumentError as fault:
        raise UsageError(_("The database's address cannot be understood.")) from fault
    if url.get_backend_name() not in ("sqlite", "postgresql"):
        raise UsageError(
            _("{database}: this kind of database is not supported.").format(database=shown(url)),
            _("Use the path of a file, or an address that begins with postgresql+psycopg://."),
        )
    if url.get_backend_name() == "sqlite":
        if not url.database or url.database == ":memory:":
            raise UsageError(_("The database needs a file."))
        return url.set(database=str(Path(url.database).absolute()))
    return url.set(drivername="postgresql+psycopg")


def shown(url: URL) -> str:
    """How a database is named in messages: the path, or the URL without its password."""
    if url.get_backend_name() == "sqlite":
        return url.database or ""
    return url.render_as_string(hide_password=True)


def connect(url: URL, *, create: bool) -> Engine:
    """An engine on a database that is ours and whole. With ``create``, an empty place is made into one.

    Raises ``StoreError`` naming the database for anything else.
    """
    if url.get_backend_name() == "sqlite":
        _check_file(Path(url.database or ""), create=create)
    with clear_errors(url):
        engine = _sqlite_engine(url) if url.get_backend_name() == "sqlite" else _postgresql_engine(url)
        _check_tables(engine, url, create=create)
    return engine


@contextmanager
def clear_errors(url: URL) -> Iterator[None]:
    """Database errors as one line that says what to do; a bug in a query still shows its traceback."""
    try:
        yield
    except DBAPIError as fault:
        reason, remedy = _explain(str(fault.orig).strip().split("\n")[0], isinstance(fault, OperationalError))
        if not reason:
            raise
        raise StoreError(f"{shown(url)}: {reason}", remedy) from fault
    except UnicodeDecodeError as fault:  # text that is none: only damage can have put it there
        raise StoreError(
            _("{database}: the database is damaged.").format(database=shown(url)),
            _("Put back the last backup."),
        ) from fault
    except NoSuchModuleError as fault:
        raise StoreError(f"{shown(url)}: {fault}") from fault
    except ModuleNotFoundError as fault:
        raise StoreError(
            _("{database}: the driver for PostgreSQL is not installed.").format(database=shown(url)),
            _("Install it: pip install 'ballotscan[postgresql]'."),
        ) from fault


def _explain(fault: str, of_the_place: bool) -> tuple[str, str]:
    """What a driver says, for the user, and the remedy; ``of_the_place``: not a statement's fault."""
    known = [
        ("not a database", _("this is not a database."), _("Choose another file.")),
        ("decode to UTF-8", _("the database is damaged."), _("Put back the last backup.")),
        ("no such column", _("the database is damaged."), _("Put back the last backup.")),
        ("no such table", _("the database is damaged."), _("Put back the last backup.")),
        ("malformed", _("the database is damaged."), _("Put back the last backup.")),
        ("readonly", _("the database is read-only."), _("Make the file and its folder writable.")),
        ("is locked", _("another program is using the database."), _("Wait until it has finished.")),
        ("is full", _("the disk is full."), _("Make room and run the command again.")),
        ("disk I/O", _("the disk cannot be read or written."), _("Check the disk and the connection to it.")),
        ("unable to open", _("the database cannot be opened."), _("Check the folder and its permissions.")),
        ("append-only", _("the record may only be added to."), ""),
        ("permission denied", _("permission was denied."), _("Ask for the rights to this database.")),
    ]
    if of_the_place:
        known += [
            ("authentication failed", _("the server refused the password."), _("Check PGPASSWORD.")),
            ("does not exist", _("the server has no such database or user."), _("Mend the name.")),
            ("connection", _("the database server does not answer."), _("Check that it runs.")),
        ]
    return next(((reason, remedy) for sign, reason, remedy in known if sign in fault), ("", ""))


# --- one writer ------------------------------------------------------------------------------------------


class WriterLock:
    """Held from a store's first write until it is closed, so that the chain cannot fork.

    A lock file beside a SQLite file, an advisory lock on a server. Both are let go when the process dies.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._file: FileLock | None = None
        self._session: Connection | None = None

    def take(self, wait_s: float = WAIT_FOR_WRITER_S) -> None:
        """Waits ``wait_s`` at most; then raises ``StoreError``. Held already, it does nothing."""
        if self._file or self._session:
            return
        if self._engine.dialect.name == "sqlite":
            self._take_file(wait_s)
        else:
            self._take_session(wait_s)

    def release(self) -> None:
        if self._file:
            self._file.release()
        if self._session:
            self._session.close()
        self._file = self._session = None

    def _take_file(self, wait_s: float) -> None:
        database = Path(self._engine.url.database or "")
        if not os.access(database, os.W_OK) or not os.access(database.parent, os.W_OK):
            raise StoreError(
                _("{database}: the database is read-only.").format(database=database),
                _("Make the file and its folder writable."),
            )
        _refuse_network(database)
        lock = FileLock(f"{database}.lock", timeout=wait_s, mode=0o600, thread_local=False)
        try:
            lock.acquire()
        except Timeout as fault:
            raise self._busy() from fault
        except OSError as fault:
            raise StoreError(f"{database}: {why(fault)}") from fault
        self._file = lock

    def _take_session(self, wait_s: float) -> None:
        session = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        deadline_s = time.monotonic() + wait_s
        query = text("SELECT pg_try_advisory_lock(:number)")
        while not session.execute(query, {"number": _ADVISORY_LOCK}).scalar_one():
            if time.monotonic() > deadline_s:
                session.close()
                raise self._busy()
            time.sleep(0.1)
        session.detach()  # closing it must end the session, and with it the lock
        self._session = session

    def _busy(self) -> StoreError:
        return StoreError(
            _("{database}: another scan or import is writing.").format(database=shown(self._engine.url)),
            _("Wait until it has finished, then run the command again."),
        )


# --- engines ---------------------------------------------------------------------------------------------


def _sqlite_engine(url: URL) -> Engine:
    # a traceback must not show what a statement was given: answers, texts, names
    engine = create_engine(url, hide_parameters=True, connect_args={"timeout": _WAIT_FOR_READER_S})

    @event.listens_for(engine, "connect")
    def _settle(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver's own idea of transactions is switched off
        for pragma in ("journal_mode=DELETE", "synchronous=EXTRA", "foreign_keys=ON", "mmap_size=0"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writing = connection.get_execution_options().get("writing", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    return engine


def _postgresql_engine(url: URL) -> Engine:
    """Reads see one moment, as on SQLite; commits are on disk when they return."""
    options = "-c synchronous_commit=on"
    return create_engine(
        url, hide_parameters=True, isolation_level="REPEATABLE READ", connect_args={"options": options}
    )


# --- is it ours, and whole? ------------------------------------------------------------------------------


def _check_file(path: Path, *, create: bool) -> None:
    if create:
        _refuse_network(path)
    if path.is_dir():
        raise StoreError(
            _("{database}: this is a folder.").format(database=path), _("Name a file for the database in it.")
        )
    if not path.exists():
        if not create:
            raise StoreError(
                _("{database}: there is no database here.").format(database=path),
                _("Scan something first, or name the right one with --db."),
            )
        _make_file(path)
        return
    try:
        with path.open("rb") as file:
            start = file.read(len(_SQLITE_HEADER))
    except OSError as fault:
        raise StoreError(f"{path}: {why(fault)}.", _("Check the file and its permissions.")) from fault
    if start not in (b"", _SQLITE_HEADER):
        raise StoreError(
            _("{database}: this file is no database.").format(database=path), _("Choose another file.")
        )


def _refuse_network(path: Path) -> None:
    """Nothing is written where locks do not hold; looking does no harm."""
    if kind := network_drive(path):
        raise StoreError(
            _("{database}: this is a network drive ({kind}), where locks do not hold.").format(
                database=path, kind=kind
            ),
            _("Put the database on a disk of this computer; make backups to the network drive."),
        )


def _make_file(path: Path) -> None:
    """An empty file, and the folders above it, that only their owner can read: ballots are confidential."""
    try:
        make_private_folder(path.parent)
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except OSError as fault:
        raise StoreError(
            _("{database}: the database cannot be created: {reason}.").format(
                database=path, reason=why(fault)
            ),
            _("Choose a folder you may write to."),
        ) from fault


def make_private_folder(folder: Path) -> None:
    """Create a folder and those above it, readable by their owner only. Those that exist stay as they are."""
    for missing in reversed([part for part in (folder, *folder.parents) if not part.exists()]):
        missing.mkdir(mode=_OWNER_ONLY, exist_ok=True)


def _check_tables(engine: Engine, url: URL, *, create: bool) -> None:
    tables = set(inspect(engine).get_table_names())
    if schema.about.name not in tables or schema.ledger.name not in tables:
        if tables:
            raise StoreError(
                _("{database}: this database belongs to another program.").format(database=shown(url)),
                _("Choose another one."),
            )
        if not create:
            raise StoreError(
                _("{database}: the database is empty.").format(database=shown(url)),
                _("Scan something first."),
            )
        _create_tables(engine)
        return
    found = _version(engine, url)
    if found < schema.SCHEMA_VERSION:
        _migrate(engine, found)
    elif not tables.issuperset(schema.projected.tables):
        with engine.execution_options(writing=True).begin() as connection:
            schema.projected.create_all(connection)  # a table that came later: its entries come later too
    if create and engine.dialect.name == "sqlite":
        _check_whole(engine, url)


def _create_tables(engine: Engine) -> None:
    with engine.execution_options(writing=True).begin() as connection:
        schema.metadata.create_all(connection)
        schema.projected.create_all(connection)
        version = {"name": "schema", "value": str(schema.SCHEMA_VERSION)}
        connection.execute(schema.about.insert(), version)
        connection.execute(schema.migrations.insert(), {"version_num": f"{schema.SCHEMA_VERSION:04}"})
        body = {"program": "ballotscan", "schema": schema.SCHEMA_VERSION}
        projections.apply(connection, ledger.append(connection, "opened", [body]))


def _version(engine: Engine, url: URL) -> int:
    """The number of a database's schema. Raises ``StoreError`` for a newer one, or none."""
    with engine.connect() as connection:
        query = select(schema.about.c.value).where(schema.about.c.name == "schema")
        found = connection.execute(query).scalar_one_or_none()
    if found is None or not found.isdigit():
        raise StoreError(
            _("{database}: this database belongs to another program.").format(database=shown(url)),
            _("Choose another one."),
        )
    if int(found) > schema.SCHEMA_VERSION:
        raise StoreError(
            _("{database}: this database was made by a newer ballotscan.").format(database=shown(url)),
            _("Install the newer version."),
        )
    return int(found)


def _migrate(engine: Engine, found: int) -> None:
    """Under the writer's lock: two programs must not do it at once, nor beside a scan."""
    from ballotscan.store.migrations import migrate

    lock = WriterLock(engine)
    lock.take()
    try:
        with engine.execution_options(writing=True).begin() as connection:
            migrate(connection, found)
    finally:
        lock.release()


def _check_whole(engine: Engine, url: URL) -> None:
    """SQLite's own check of its pages: before anything is added to a file, not for every look into it."""
    with engine.connect() as connection:
        found = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
    if found != "ok":
        raise StoreError(
            _("{database}: the database is damaged.").format(database=shown(url)),
            _("Put back the last backup."),
        )
