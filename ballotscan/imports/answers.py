"""From an export's rows to sheets: each checked, all faults named, none half taken in."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ballotscan.errors import BallotscanError
from ballotscan.forms.form import Form, Question
from ballotscan.i18n import gettext as _
from ballotscan.imports.dispatch import NO, YES, check_column
from ballotscan.imports.mapping import ColumnMap, Source, folded
from ballotscan.imports.tables import Row, Table
from ballotscan.imports.times import EARLIEST, day_of
from ballotscan.model import Answer, BatchName, BatchSettings, Outcome, Reason, Sheet, SheetState, Status
from ballotscan.privacy import without_numbers
from ballotscan.rules.periods import Period

if TYPE_CHECKING:
    from ballotscan.store.database import Store
    from ballotscan.store.importing import ImportedSheet

KEY_FILE: Final = "respondents.key"
"""Beside the originals. Without it nobody can try out which number of a telephone made a hash in the record;
if it is lost, respondents of before are not known again."""


_NOBODY: Final = {"", "anonymous", "an danh", "nac danh", "n a", "none", "null"}
"""What tools write for a respondent who is not known, folded. Microsoft Forms writes ``anonymous`` in each
row where no account is asked for; taken for a name, all but the first would be repeated."""


@dataclass(frozen=True, slots=True)
class Given:
    """One row that is right. ``key`` tells it from all others, ``content`` is what it says, both hashed."""

    number: int
    day: date
    unit: str
    linh_vuc: str
    sheet: Sheet
    key: str
    content: str
    respondent: str  # as the row has it
    comment: str


@dataclass(frozen=True, slots=True)
class Export:
    """An export as read: its rows, or what is wrong with it."""

    rows: tuple[Given, ...]
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Taken:
    """What an import did."""

    added: int
    known: int
    repeated: int  # of the added, those whose respondent had answered before: set aside, not counted
    unsaid: int  # of the added, those that name no respondent, so that nobody can be told twice


def read_answers(table: Table, mapping: ColumnMap, form: Form, channel: str, received: date | None) -> Export:
    """Every row as a sheet. ``received`` is the day of rows where the mapping names no column of time."""
    rows: list[Given] = []
    faults: list[str] = []
    twins: Counter[str] = Counter()
    reader = _Reader(mapping, form, channel, received)
    for row in table.rows:
        found = reader.read(row)
        where = _("{file}, row {row}").format(file=table.file, row=row.number)
        if isinstance(found, Given):
            if not mapping.id:  # two rows that say the same are two ballots, at their place among such rows
                twins[found.content] += 1
                found = replace(found, key=_hash(channel, form.id, found.content, str(twins[found.content])))
            rows.append(found)
        else:
            faults += [f"{where}: {fault}" for fault in found]
    if mapping.id:
        doubled = [key for key, count in Counter(each.key for each in rows).items() if count > 1]
        for each in (row for row in rows if row.key in doubled):
            text = _("row {row}: its id in column '{column}' stands in another row too.")
            faults.append(f"{table.file}, " + text.format(row=each.number, column=mapping.id))
    return Export(tuple(rows), tuple(faults))


class _Reader:
    """Reads rows by one mapping."""

    def __init__(self, mapping: ColumnMap, form: Form, channel: str, received: date | None) -> None:
        self._mapping, self._form, self._channel, self._received = mapping, form, channel, received
        self._codes = {q.id: _codes_of(q, mapping) for q in form.questions if q.id in mapping.questions}
        self._side = form.side_of_question
        self._tomorrow = date.today() + timedelta(days=1)  # noqa: DTZ011  a kiosk's clock may be a little fast

    def read(self, row: Row) -> Given | list[str]:
        faults: list[str] = []
        answers = tuple(self._answer(question, row, faults) for question in self._form.questions)
        day = self._day(row, faults)
        name = row.cells.get(self._mapping.id, "") if self._mapping.id else ""
        if self._mapping.id and not name:
            faults.append(_("column '{column}' is empty.").format(column=self._mapping.id))
        if faults or day is None:
            return faults
        unit, field = (_value(each, row) for each in (self._mapping.unit, self._mapping.linh_vuc))
        comment = without_numbers(row.cells.get(self._mapping.comment, "")) if self._mapping.comment else ""
        state, reason = SheetState.READ, None
        if not any(answer.codes for answer in answers):
            state, reason = SheetState.SET_ASIDE, Reason.NOTHING_MARKED
        pages = (None,) * len(self._form.sides)
        sheet = Sheet(self._form.id, self._form.edition, state, reason, None, pages, answers)
        said = [day.isoformat(), unit, field, comment, *("|".join(answer.codes) for answer in answers)]
        content = _hash(*said)
        key = _hash(self._channel, self._form.id, name)
        respondent = row.cells.get(self._mapping.respondent, "") if self._mapping.respondent else ""
        return Given(row.number, day, unit, field, sheet, key, content, respondent, comment)

    def _answer(self, question: Question, row: Row, faults: list[str]) -> Answer:
        asked = self._mapping.questions.get(question.id)
        if asked is None:
            chosen = set[str]()
        elif asked.columns:
            chosen = self._ticked(asked.columns, row, faults)
        else:
            chosen = self._named(question, asked.column, row, faults)
        codes = tuple(option.code for option in question.options if option.code in chosen)
        outcome = (Outcome.BLANK, Outcome.ONE, Outcome.SEVERAL)[min(len(codes), 2)]
        side = self._side.get(question.id, 1)
        return Answer(question.id, side, outcome, codes, Status.ACCEPTED, 1.0, None)

    def _named(self, question: Question, column: str, row: Row, faults: list[str]) -> set[str]:
        """The codes that a cell names."""
        text = row.cells[column]
        if folded(text) in self._mapping.blank:
            return set()
        parts = text.split(self._mapping.separator) if question.multiple else [text]
        chosen = set()
        for part in (each.strip() for each in parts if each.strip()):
            code = self._codes[question.id].get(folded(_whole(part)))
            if code is None:
                fault = _("column '{column}': what stands there is no answer to {question}.")
                faults.append(fault.format(column=column, question=question.id))
            else:
                chosen.add(code)
        return chosen

    def _ticked(self, columns: Mapping[str, str], row: Row, faults: list[str]) -> set[str]:
        """The codes whose column says yes."""
        chosen = set()
        for code, column in columns.items():
            mark = folded(row.cells[column])
            if mark in YES:
                chosen.add(code)
            elif mark not in NO and mark not in self._mapping.blank:
                faults.append(_("column '{column}': neither yes nor no.").format(column=column))
        return chosen

    def _day(self, row: Row, faults: list[str]) -> date | None:
        if not self._mapping.time:
            if self._received is None:
                faults.append(_("no day is known: the mapping names no time, and --received is not given."))
            return self._received
        column, text = self._mapping.time, row.cells[self._mapping.time]
        if not text:
            fault = _("column '{column}' is empty: the answer was not finished. Export finished ones only.")
            faults.append(fault.format(column=column))
            return None
        try:
            day = day_of(text, self._mapping.time_format, utc=self._mapping.utc)
        except (ValueError, OverflowError):
            fault = _("column '{column}': what stands there is no time as '{format}' writes it.")
            shown = self._mapping.time_format or "iso"
            faults.append(fault.format(column=column, format=shown))
            return None
        if not EARLIEST <= day <= self._tomorrow:
            fault = _(
                "column '{column}': {day} cannot be. Where the tool keeps no times, leave time out of the"
                " mapping and import with --received."
            )
            faults.append(fault.format(column=column, day=day.isoformat()))
            return None
        return day


def _whole(text: str) -> str:
    """A code that a spreadsheet made a number of: ``4.0`` and ``4,0`` are 4."""
    return re.sub(r"^(\d+)[.,]0+$", r"\1", text)


def _codes_of(question: Question, mapping: ColumnMap) -> dict[str, str]:
    """Folded texts that stand for a code: the code, the option's text, what the mapping adds."""
    if mapping.questions[question.id].columns:
        return {}
    known = {folded(option.label): option.code for option in question.options}
    known |= {folded(option.code): option.code for option in question.options}
    return known | dict(mapping.questions[question.id].answers)


def _value(source: Source, row: Row) -> str:
    return row.cells[source.column] if source.column else source.value


def _hash(*parts: str) -> str:
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()


# --- into the store --------------------------------------------------------------------------------------


def store_answers(
    store: Store, export: Export, mapping: ColumnMap, form: Form, channel: str, file: Path, engine: str
) -> Taken:
    """Enter an export's rows that are not known yet, all or none.

    A row whose respondent answered the same form within the mapping's days, on whichever channel, is kept and
    set aside. Raises ``BallotscanError`` where a row of before now says something else.
    """
    from ballotscan.store.importing import ImportedSheet

    known = store.known_rows([each.key for each in export.rows])
    for each in export.rows:
        if known.get(each.key, each.content) != each.content:
            raise BallotscanError(
                _("{file}, row {row}: it was imported before with other answers.").format(
                    file=file, row=each.number
                ),
                _("Nothing was imported. Find out who changed it; what is in the record stays."),
            )
    new = [each for each in export.rows if each.key not in known]
    hashed = _respondents(store.folder, new)
    again = _repeated(store, new, hashed, mapping, form)
    groups: dict[tuple[date, str, str], list[ImportedSheet]] = defaultdict(list)
    for each in new:
        sheet = each.sheet
        if each.number in again and sheet.state is SheetState.READ:
            sheet = replace(sheet, state=SheetState.SET_ASIDE, reason=Reason.DUPLICATE)
        groups[each.day, each.unit, each.linh_vuc].append(
            ImportedSheet(sheet, each.key, each.content, hashed.get(each.number, ""), each.comment)
        )
    note = {
        "file": file.name,
        "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
        "channel": channel,
        "mapping": mapping.text,
        "rows": len(export.rows),
    }
    settings = [(_batch(form, channel, *where), rows) for where, rows in sorted(groups.items())]
    store.keep_form(form)
    added = store.add_import(note, settings, engine)
    unsaid = sum(not hashed.get(each.number) for each in new)
    return Taken(added, len(export.rows) - len(new), len(again), unsaid)


def _batch(form: Form, channel: str, day: date, unit: str, field: str) -> BatchSettings:
    name = " ".join(part for part in (channel, day.isoformat(), form.id, unit, field) if part)
    return BatchSettings(BatchName(name), (form.id,), day.isoformat(), channel, unit, field, None)


def answered_of(store: Store, table: Table, column: str, period: Period) -> set[int]:
    """The rows of a list whose respondent, by this column, answered in a period on whichever channel.

    Only keyed hashes are compared, and which ballot is whose is not asked. Raises ``BallotscanError`` where
    no ballot names a respondent, so that everybody would be reminded.
    """
    name = check_column(table.file, table, column)
    path = store.folder / KEY_FILE
    if not path.exists():
        raise BallotscanError(
            _("No ballot taken in so far names its respondent."),
            _("Mark what came back in a column of the list, and name it by --returned."),
        )
    hashed = {row.number: _keyed(path.read_bytes(), folded(row.cells[name])) for row in table.rows}
    known = {
        each.respondent
        for each in store.known_respondents(list(hashed.values()))
        if period.first <= each.received <= period.last
    }
    return {number for number, respondent in hashed.items() if respondent in known}


def _keyed(key: bytes, name: str) -> str:
    return hmac.new(key, name.encode(), "sha256").hexdigest()


def _respondents(folder: Path, rows: Sequence[Given]) -> dict[int, str]:
    """The keyed hash of each row's respondent, by row."""
    named = {each.number: name for each in rows if (name := folded(each.respondent)) not in _NOBODY}
    if not named:
        return {}
    path = folder / KEY_FILE
    if not path.exists():
        path.touch(mode=0o600)
        path.write_bytes(secrets.token_bytes(32))
    key = path.read_bytes()
    return {number: _keyed(key, name) for number, name in named.items()}


def _repeated(
    store: Store, rows: Sequence[Given], hashed: Mapping[int, str], mapping: ColumnMap, form: Form
) -> set[int]:
    """The rows whose respondent answered this form shortly before, in the record or in a row above."""
    days: dict[str, list[date]] = defaultdict(list)
    for before in store.known_respondents(list(hashed.values())):
        if before.form == form.id:
            days[before.respondent].append(before.received)
    within = timedelta(days=mapping.within_days)
    found = set()
    for each in sorted(rows, key=lambda row: (row.day, row.number)):
        respondent = hashed.get(each.number)
        if not respondent:
            continue
        if any(abs(each.day - day) < within for day in days[respondent]):
            found.add(each.number)
        else:
            days[respondent].append(each.day)
    return found
