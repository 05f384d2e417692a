"""The store: one database and the folder of originals beside it. All writing goes through here.

Every write appends to the ledger and brings the query tables up to it in the same transaction. Everything may
be added again without effect, so an interrupted scan is simply run again.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy import Connection, Engine, select
from sqlalchemy.engine import URL

from ballotscan.errors import StoreError
from ballotscan.forms.form import Form
from ballotscan.i18n import gettext as _
from ballotscan.model import (
    Answer,
    Balance,
    BatchSettings,
    BatchWarning,
    BoxOpening,
    PageRef,
    PageResult,
    Ruling,
    Sha256,
    Sheet,
    SheetId,
    SheetState,
    SideReading,
)
from ballotscan.store import (
    bodies,
    checking,
    closes,
    counting,
    decisions,
    importing,
    keeping,
    ledger,
    originals,
    page_queries,
    projections,
    queries,
    review_queries,
    roles,
    schema,
    users,
    writing,
)
from ballotscan.store.connect import (
    WAIT_FOR_WRITER_S,
    WriterLock,
    clear_errors,
    connect,
    parse_location,
    shown,
)
from ballotscan.store.rows import (
    EVERYTHING,
    AnswerRow,
    Closing,
    CountedSheet,
    Difference,
    Due,
    ImportedBefore,
    KnownFile,
    KnownPage,
    NewFile,
    PageRow,
    PastSide,
    PendingPage,
    QuestionCodes,
    Removal,
    Scope,
    SheetAnswers,
    SheetPage,
    SheetRow,
    Traced,
)

if TYPE_CHECKING:
    from datetime import date


NOTHING = Balance(*[0] * 11)


def open_store(location: str | Path, folder: Path | None = None, *, create: bool = True) -> Store:
    """Open a database: the path of a SQLite file, or an SQLAlchemy URL of a file or a PostgreSQL server.

    ``folder`` is where originals lie; beside a SQLite file by default, to be named for a server. Commands
    that only look pass ``create=False``. Raises ``StoreError`` or ``UsageError``, naming it.
    """
    url = parse_location(str(location))
    if folder is None:
        if url.get_backend_name() != "sqlite":
            raise StoreError(
                _("{database}: no folder is named for the originals.").format(database=shown(url)),
                _("Set 'folder' in the settings."),
            )
        folder = Path(url.database or "").parent
    return Store(connect(url, create=create), url, folder)


class Store:
    """Use as ``with open_store(...) as store``. Not to be shared between processes: each opens its own."""

    def __init__(self, engine: Engine, url: URL, folder: Path) -> None:
        self.folder = folder
        self.location = shown(url)
        self._engine = engine
        self._url = url
        self._lock = WriterLock(engine)
        self._runs: dict[str, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let the writer's lock and all connections go."""
        self._lock.release()
        self._engine.dispose()

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with clear_errors(self._url), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def _writing(self, wait_s: float = WAIT_FOR_WRITER_S) -> Iterator[Connection]:
        """One transaction, all of it or nothing, under the writer's lock."""
        with clear_errors(self._url):
            self._lock.take(wait_s)
            with self._engine.execution_options(writing=True).begin() as connection:
                yield connection

    # for functions of a connection in modules beside this one

    def looking(self) -> AbstractContextManager[Connection]:
        """A transaction that only reads."""
        return self._reading()

    def writing(self, wait_s: float = WAIT_FOR_WRITER_S) -> AbstractContextManager[Connection]:
        """A transaction that writes, under the writer's lock."""
        return self._writing(wait_s)

    def let_others_write(self) -> None:
        """Let the writer's lock go before the store is closed."""
        self._lock.release()

    # --- originals ---------------------------------------------------------------------------------------

    def keep_original(self, path: Path) -> Sha256:
        """Keep a file byte for byte; the same bytes again are no error. Raises ``StoreError``."""
        return originals.keep(self.folder, path)

    def put_original(self, path: Path) -> Sha256:
        """The same from any thread, but to be settled before an entry about it is made."""
        return originals.put(self.folder, path)

    def settle_originals(self, shas: Iterable[Sha256]) -> None:
        """Make sure that originals which were put there outlive a power cut."""
        originals.settle(self.folder, shas)

    @property
    def originals_folder(self) -> Path:
        return self.folder / originals.FOLDER

    def original_path(self, sha: Sha256) -> Path:
        return originals.original_path(self.folder, sha)

    def check_originals(self, pages: Iterable[PageRef]) -> None:
        """Raises ``StoreError`` where an original is gone, saying whether it was removed or is missing."""
        gone = {page.original: page.file for page in pages if not self.original_path(page.original).is_file()}
        removed = {sha: each.day for each in self.removals() for sha in each.originals} if gone else {}
        for original, file in gone.items():
            if original in removed:
                raise StoreError(
                    _("{file}: its original was removed by retention on {day}.").format(
                        file=file, day=removed[original]
                    ),
                    _("What was read from it stays, but it cannot be read or shown again."),
                )
            raise StoreError(
                _("{file}: its original is missing from {folder}.").format(file=file, folder=self.folder),
                _("Put the folder of originals back from the backup."),
            )

    # --- scanning ----------------------------------------------------------------------------------------

    def keep_form(self, form: Form) -> None:
        """Record which questions and codes a form has, before pages are read with it.

        The template's files are kept among the originals. Raises ``UsageError`` if the same edition was used
        before with other questions or codes.
        """
        files = {path.name: originals.keep(self.folder, path) for path in form.files}
        with self._writing() as connection:
            writing.keep_form(connection, form, files)

    def start_batch(self, settings: BatchSettings, engine: str = "") -> None:
        """Begin a batch or go on with it; its pages are read with these forms and this ``engine`` from here.

        Raises ``UsageError`` if the name was used with another day, unit, channel or field of procedure.
        """
        with self._writing() as connection:
            self._runs[bodies.composed(settings.name)] = writing.start_batch(connection, settings, engine)

    def add_file(self, batch: str, shown: str, original: Sha256, page_count: int) -> None:
        self.add_files(batch, [NewFile(shown, original, page_count)])

    def add_files(self, batch: str, files: Sequence[NewFile]) -> None:
        """Enter files in stack order, in one transaction. Those known to the batch are left out."""
        with self._writing() as connection:
            writing.add_files(connection, bodies.composed(batch), files)

    def add_pages(self, batch: str, results: Sequence[PageResult], reading: int = 1) -> list[int]:
        """Store results in one transaction and return the keys of those that were new.

        Their files must have been added. A ``reading`` above 1 (see ``next_reading``) lies beside the first
        and changes nothing that counts.
        """
        with self._writing() as connection:
            return writing.add_pages(
                connection, bodies.composed(batch), self._run(connection, batch), results, reading
            )

    def add_pages_again(self, batch: str, results: Sequence[PageResult]) -> list[int]:
        """Store what came of reading pages again that were set aside; returns the keys of the new ones.

        A page that can be read now takes the place of the one set aside, and the batch's sheets that are
        incomplete or set aside are taken apart, so that ``pending`` gives their pages out to be paired anew.
        (Not those on which a person has ruled.) A page that failed again is only recorded as tried.
        """
        with self._writing() as connection:
            return writing.add_pages_again(
                connection, bodies.composed(batch), self._run(connection, batch), results
            )

    def add_repeat(self, batch: str, ref: PageRef, first: str) -> None:
        """Enter a page (with ``ref.page`` 0: every page of the file) that came in before, as ``first``."""
        with self._writing() as connection:
            writing.add_repeat(connection, bodies.composed(batch), self._run(connection, batch), ref, first)

    def add_sheets(self, batch: str, sheets: Sequence[tuple[Sheet, tuple[int, ...]]]) -> list[SheetId]:
        """Put pages (by key, beside each sheet) on sheets, in one transaction; returns each sheet's id."""
        with self._writing() as connection:
            return decisions.add_sheets(connection, bodies.composed(batch), sheets)

    def add_warnings(self, batch: str, warnings: Sequence[BatchWarning]) -> None:
        """Keep what was noticed while a batch was scanned; the same thing at the same place is kept once."""
        with self._writing() as connection:
            writing.add_warnings(connection, bodies.composed(batch), warnings)

    def next_reading(self, batch: str) -> int:
        """The number that another reading of a batch takes: 2 or more."""
        with self._reading() as connection:
            return decisions.next_reading(connection, bodies.composed(batch))

    def add_second_reading(self, sheet: SheetId, again: Sheet, reading: int | None = None) -> None:
        self.add_second_readings([(sheet, again)], reading)

    def add_second_readings(
        self, sheets: Sequence[tuple[SheetId, Sheet]], reading: int | None = None
    ) -> None:
        """Store other decisions beside the first, which stay. ``reading``: the sheet's next by default."""
        with self._writing() as connection:
            decisions.add_second_readings(connection, sheets, reading)

    def add_rulings(self, rulings: Sequence[Ruling]) -> int:
        """Append people's decisions, all or none; returns how many were new.

        A later ruling on the same answer supersedes the former, which stays in the ledger. One that was made
        in the very same words before adds nothing. Raises ``UsageError`` for an unknown sheet or question, or
        where who or why is missing.
        """
        with self._writing() as connection:
            return decisions.add_rulings(connection, rulings)

    def _run(self, connection: Connection, batch: str) -> int:
        """The run that pages read now belong to: this process's, else the batch's last."""
        name = bodies.composed(batch)
        if name not in self._runs:
            self._runs[name] = writing.last_run(connection, name)
        return self._runs[name]

    # --- other channels, and numbers that are declared ---------------------------------------------------

    def add_import(
        self,
        note: Mapping[str, Any],
        groups: Sequence[tuple[BatchSettings, Sequence[importing.ImportedSheet]]],
        engine: str,
    ) -> int:
        """Enter answers that were given on another channel, all or none; see ``importing.add_import``."""
        with self._writing() as connection:
            return importing.add_import(connection, note, groups, engine)

    def known_rows(self, rows: Sequence[str]) -> dict[str, str]:
        """See ``importing.known_rows``."""
        with self._reading() as connection:
            return importing.known_rows(connection, rows)

    def known_respondents(self, respondents: Sequence[str]) -> list[ImportedBefore]:
        """See ``importing.known_respondents``."""
        with self._reading() as connection:
            return importing.known_respondents(connection, respondents)

    def named_ballots(self, batches: Sequence[str]) -> int:
        """See ``importing.named_ballots``."""
        with self._reading() as connection:
            return importing.named_ballots(connection, batches)

    def imports(self) -> list[dict[str, Any]]:
        """Every import of answers, as it was entered."""
        with self._reading() as connection:
            return importing.imports(connection)

    def declare(self, kind: importing.Declared, body: Mapping[str, Any]) -> bool:
        """Enter numbers that an office declares; False where the very same stand already."""
        with self._writing() as connection:
            return importing.declare(connection, kind, body)

    def declared(self, kind: importing.Declared) -> list[dict[str, Any]]:
        """What stands of one kind of declared numbers."""
        with self._reading() as connection:
            return importing.declared(connection, kind)

    # --- looking -----------------------------------------------------------------------------------------

    def known_originals(self, shas: Collection[Sha256]) -> set[Sha256]:
        """Those of which a file was entered."""
        with self._reading() as connection:
            return page_queries.known_originals(connection, shas)

    def file_of(self, original: Sha256) -> KnownFile | None:
        """What is known of a file's bytes: the first file that had them, in whichever batch."""
        with self._reading() as connection:
            return page_queries.known_file(connection, original)

    def same_image(self, image: Sha256) -> KnownPage | None:
        """The first page that has this very image, if any."""
        return self.same_images([image]).get(image)

    def same_images(self, images: Collection[Sha256]) -> dict[Sha256, KnownPage]:
        """The same for several images at once."""
        with self._reading() as connection:
            return page_queries.known_images(connection, images)

    def sheets_with_serial(self, form: str, serial: str) -> list[SheetId]:
        """Sheets of a form, of all batches, that count and bear this serial, in the order they came."""
        table = schema.sheets
        counting = table.c.state.in_((SheetState.READ.value, SheetState.REVIEW.value))
        same = (table.c.form == form, table.c.serial == serial)
        query = select(table.c.id).where(*same, counting).order_by(table.c.key)
        with self._reading() as connection:
            return [SheetId(row.id) for row in connection.execute(query)]

    def pending(self, batch: str) -> list[PendingPage]:
        """Every page of a batch that is on no sheet, in stack order: those to be paired (state PENDING), and
        those set aside, repeated or blank, because pairing must know what lies between."""
        with self._reading() as connection:
            return page_queries.pending_pages(connection, bodies.composed(batch))

    def page_keys(self, batch: str, reading: int) -> dict[PageRef, int]:
        """The keys of one reading of a batch's pages, in stack order."""
        with self._reading() as connection:
            return page_queries.page_keys(connection, bodies.composed(batch), reading)

    def reading(self, key: int) -> SideReading:
        """A page's full evidence, from the ledger. Measures are stored to three decimals.

        Raises ``KeyError`` for a key of anything but a page that was read.
        """
        return self.readings([key])[key]

    def readings(self, keys: Collection[int]) -> dict[int, SideReading]:
        """The same for several pages at once."""
        with self._reading() as connection:
            entries = ledger.read_entries(connection, keys)
        return {key: bodies.read_reading(entries[key].body["reading"]) for key in keys}

    def batches(self) -> list[BatchSettings]:
        """All batches, in the order they were begun; ``forms`` holds every form ever named for one."""
        with self._reading() as connection:
            return queries.all_batches(connection)

    def calibrations(self, batch: str) -> tuple[str, ...]:
        """The scanner's profiles that a batch was scanned under: name and hash, by run."""
        with self._reading() as connection:
            return writing.calibrations(connection, bodies.composed(batch))

    def warnings(self, batch: str) -> list[BatchWarning]:
        """What was noticed while a batch was scanned, in that order."""
        table = schema.warnings
        query = select(table).where(table.c.batch == bodies.composed(batch)).order_by(table.c.key)
        with self._reading() as connection:
            return [bodies.read_warning(row) for row in connection.execute(query)]

    def traced(self, forms: Collection[str], first: date, last: date) -> list[Traced]:
        """See ``page_queries.traced``."""
        with self._reading() as connection:
            return page_queries.traced(connection, forms, first, last)

    def sheets_made(self, batch: str) -> int:
        """The last number given to a sheet of a batch."""
        with self._reading() as connection:
            row = queries.batch_row(connection, bodies.composed(batch))
        return int(row.sheets_made) if row else 0

    def replace_sheets(self, pairs: Sequence[tuple[SheetId, SheetId]]) -> None:
        """Enter that sheets which could not be read (first) were scanned again as others (second). Raises
        ``ClosedError`` where one of the first lies in a closed period.
        """
        with self._writing() as connection:
            decisions.replace_sheets(connection, pairs)

    def past_sides(self, forms: Collection[str], but: str) -> list[PastSide]:
        """What the last sheets of these forms showed, without those of the batch ``but``."""
        with self._reading() as connection:
            return queries.past_sides(connection, forms, bodies.composed(but))

    def sheet_pages(self, scope: Scope = EVERYTHING) -> list[SheetPage]:
        """Every page that was read and lies on a sheet, in stack order."""
        with self._reading() as connection:
            return page_queries.sheet_pages(connection, scope)

    def balance(self, batch: str) -> Balance:
        name = bodies.composed(batch)
        with self._reading() as connection:
            return queries.balances(connection, name).get(name, NOTHING)

    def rulings_on(self, batches: Collection[str]) -> int:
        """How many rulings of people stand on the sheets of these batches."""
        with self._reading() as connection:
            return queries.rulings_on(connection, batches)

    def balances(self) -> dict[str, Balance]:
        """The same for every batch."""
        with self._reading() as connection:
            return queries.balances(connection)

    def pages_pending(self) -> dict[str, int]:
        """How many pages of each batch have no place yet."""
        with self._reading() as connection:
            return queries.pages_pending(connection)

    def all_warnings(self) -> dict[str, list[BatchWarning]]:
        """What was noticed while each batch was scanned."""
        found: dict[str, list[BatchWarning]] = {}
        table = schema.warnings
        with self._reading() as connection:
            for row in connection.execute(select(table).order_by(table.c.key)):
                found.setdefault(row.batch, []).append(bodies.read_warning(row))
        return found

    def questions(self) -> dict[tuple[str, str], tuple[QuestionCodes, ...]]:
        """What can be answered, by form and edition."""
        with self._reading() as connection:
            return queries.questions(connection)

    def answers_of(self, sheet: SheetId, reading: int = 1) -> tuple[Answer, ...]:
        """A sheet's answers as the machine decided them in one reading, in printed order."""
        with self._reading() as connection:
            return queries.answers_of(connection, sheet, reading)

    def differences(self, batch: str) -> list[Difference]:
        """Every answer of a batch that the newest reading of its sheet sees otherwise than the first."""
        with self._reading() as connection:
            return queries.differences(connection, bodies.composed(batch))

    # These give out rows as they are read: take them all before writing anything.

    def sheet_rows(self, scope: Scope = EVERYTHING) -> Iterator[SheetRow]:
        with self._reading() as connection:
            yield from queries.sheet_rows(connection, scope)

    def page_rows(self, scope: Scope = EVERYTHING) -> Iterator[PageRow]:
        with self._reading() as connection:
            yield from page_queries.page_rows(connection, scope)

    def answer_rows(self, scope: Scope = EVERYTHING, *, in_review: bool = False) -> Iterator[AnswerRow]:
        with self._reading() as connection:
            yield from queries.answer_rows(connection, scope, in_review=in_review)

    def counted(self, scope: Scope = EVERYTHING) -> tuple[list[CountedSheet], list[SheetAnswers]]:
        """Every sheet with what its batch says of it, and all its answers; see ``counting``."""
        with self._reading() as connection:
            return counting.counted(connection, scope)

    # --- the record itself -------------------------------------------------------------------------------

    def void(self, sheet: SheetId, by: str, second: str, reason: str) -> None:
        """Take a sheet out of every count, for a reason on which two persons agree; it stays in the record.

        Raises ``UsageError`` where one of the three is missing or the sheet is not there or void already.
        """
        self.void_all({sheet: ""}, by, second, reason)

    def void_all(self, sheets: Mapping[SheetId, str], by: str, second: str, reason: str) -> None:
        """The same for several, all or none. Beside each the sheet whose paper it is a second scan of, or
        nothing.
        """
        with self._writing() as connection:
            for sheet, same_as in sheets.items():
                decisions.void(connection, sheet, by, second, reason, same_as)

    def enter_export(self, what: str, path: Path, by: str = "") -> None:
        """Record a file that was given out, so that ``verify`` knows it; see ``keeping.export_body``."""
        body = keeping.export_body(what, path, by)
        with self._writing() as connection:
            writing.record(connection, "export", [body])

    def template_files(self) -> dict[tuple[str, str], dict[str, str]]:
        """By form and edition the hashes of the template's files, by name, as they were last scanned with."""
        with self._reading() as connection:
            return keeping.template_files(connection)

    def due(self, months: int, today: date) -> list[Due]:
        """Batches whose originals have been kept for so many months."""
        with self._reading() as connection:
            return keeping.due(connection, self.folder, months, today)

    def remove_originals(self, batch: Due, by: str, second: str, reason: str) -> int:
        """Enter the removal, then take the files off the disk; returns how many there were.

        Raises ``UsageError`` unless two persons give a reason, and the batch's period is closed.
        """
        body = keeping.removal_body(batch, by, second, reason)
        with self._writing() as connection:
            writing.record(connection, "removed", [body])
        return keeping.erase(self.folder, batch.originals)

    def removals(self) -> list[Removal]:
        """Every removal of originals, in order."""
        with self._reading() as connection:
            return keeping.removals(connection)

    def add_box_opening(self, minute: BoxOpening, reason: str = "") -> bool:
        """Enter the minute of opening a box; False where the very same stands already.

        Raises ``UsageError`` where another of the same box and day stands and no reason is given.
        """
        with self._writing() as connection:
            return decisions.add_box_opening(connection, minute, reason)

    def box_openings(self, batch: str | None = None) -> list[BoxOpening]:
        """The minutes that stand, in the order in which they were entered; those of one batch, or all."""
        with self._reading() as connection:
            return queries.box_openings(connection, None if batch is None else bodies.composed(batch))

    def ruled_alone(self, batches: Collection[str]) -> int:
        """How many answers on these batches' sheets that count rest on one person's word."""
        with self._reading() as connection:
            return review_queries.ruled_alone(connection, batches)

    def scanned(self, batch: str, name: str) -> bool:
        """Whether a person ran a scan of a batch, by what was entered with it or with its boxes."""
        with self._reading() as connection:
            return users.person(connection, name, bodies.composed(batch)).scanned

    def closings(self) -> list[Closing]:
        """Every close and every amendment, in order."""
        with self._reading() as connection:
            return closes.closings(connection)

    def refuse_closed(self, received: date, unit: str) -> None:
        """Raises ``ClosedError`` if what was received on a day for a unit lies in a closed period."""
        table = schema.closes
        with self._reading() as connection:
            closes.refuse_day(connection.execute(select(table).where(table.c.standing)), received, unit)

    def head(self) -> tuple[int, str]:
        """The number and the hash (hexadecimal) of the last entry."""
        with self._reading() as connection:
            seq, digest = ledger.head(connection)
            return seq, digest.hex()

    def last_at(self) -> datetime:
        """When the last entry was made, by the clock of the computer that made it (UTC)."""
        with self._reading() as connection:
            seq, _hash = ledger.head(connection)
            entry = ledger.read_entries(connection, [seq])[seq]
        return datetime.fromisoformat(str(entry.body["at"]))

    def form_hashes(self) -> dict[tuple[str, str], str]:
        """The template's hash of each form and edition, as it was when last scanned with."""
        table = schema.forms
        with self._reading() as connection:
            rows = connection.execute(select(table).order_by(table.c.key))
            return {(row.form, row.edition): row.hash for row in rows}

    def signed_entries(self) -> list[tuple[int, bytes, ledger.Body]]:
        """Of every close and amendment its number, the hash before it, and its body."""
        table = schema.ledger
        query = select(table).where(table.c.kind.in_(closes.SIGNED)).order_by(table.c.seq)
        with self._reading() as connection:
            return [
                (row.seq, bytes(row.prev), json.loads(bytes(row.body))) for row in connection.execute(query)
            ]

    def add_signed(self, kind: str, statement: ledger.Body, signatures: dict[str, str]) -> str:
        """Append a close or an amendment; returns the new head. The record must still be as it was signed.

        Raises ``StoreError`` where something was added since.
        """
        with self._writing() as connection:
            seq, digest = ledger.head(connection)
            if statement["head"] != {"seq": seq, "hash": digest.hex()}:
                raise StoreError(
                    _("{database}: something was added to the record meanwhile.").format(
                        database=self.location
                    ),
                    _("Nothing was signed. Wait until the scan has ended and run the command again."),
                )
            body = {"at": statement["at"], "statement": statement, "signatures": signatures}
            writing.record(connection, kind, [body])
            return ledger.head(connection)[1].hex()

    def make_roles(self) -> None:
        """Who may do what in a PostgreSQL database; only its owner can say so. See ``roles``."""
        with self._writing() as connection:
            roles.make_roles(connection)

    def verify_chain(self) -> ledger.ChainReport:
        """Follow the hash chain through the whole ledger."""
        with self._reading() as connection:
            return ledger.verify_chain(connection)

    def check_since_verified(self) -> checking.Check:
        """Compare chain and tables with what was verified last; keep the outcome, if that can be written."""
        file = Path(self._url.database or "") if self._url.get_backend_name() == "sqlite" else None
        with self._reading() as connection:
            connection.execute(select(schema.about).limit(1)).all()  # now no writer can change the file
            if file and checking.unchanged(file):
                return checking.Check("")
            found = checking.check_since_verified(connection)
            if file and not found.fault and not found.verified:
                checking.note_unchanged(file)
        if found.verified:
            with suppress(StoreError), self._writing(wait_s=0) as connection:
                checking.keep_verified(connection, found.verified)
        return found

    def rebuild_projections(self) -> tuple[str, ...]:
        """Fill the query tables anew from the ledger; returns those that differed (none is well)."""
        with self._writing() as connection:
            return projections.rebuild(connection)

    def check_projections(self) -> tuple[str, ...]:
        """The query tables that differ from the ledger, without changing anything."""
        with self._reading() as connection:
            found, expected = projections.digests(connection), checking.rebuilt_digests(connection)
        return tuple(name for name in found if found[name] != expected[name])
