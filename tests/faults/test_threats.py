"""The table of threats in ``docs/threats.md``: each attack is made, and each defence asked."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ballotscan import verify
from ballotscan.errors import StoreError
from tests.unit.record import BALLOTS, Office, new_signer, rewrite

DOCUMENT = Path(verify.__file__).parent / "docs" / "threats.md"
COLUMNS = ("triggers", "chain", "signatures", "head", "paper")
LATE = "3 3 3 3 3"
PAPER = sorted([*BALLOTS, "1 1 1 1 1", LATE])
"""What stands on the sheets of paper, as a person reads them."""

YES, NO = "**finds it**", "no"


@dataclass
class Case:
    """An office at the time of the attack: what it knew then, and its database of the day before."""

    office: Office
    head: str = ""
    older: bytes = b""

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(signer.public for signer in self.office.signers)


def another_answer(rows: list[dict[str, Any]]) -> None:
    sheet = next(row for row in rows if row["kind"] == "sheet")
    sheet["answers"][0][3] = ["2"] if sheet["answers"][0][3] == ["3"] else ["3"]


def slip_of_the_program(case: Case) -> None:
    """Through the program's own connection: the trigger stops it. Without it, as somebody who drops it."""
    edited_row(case)


def edited_row(case: Case) -> None:
    with closing(sqlite3.connect(case.office.database)) as connection, connection:
        connection.execute("DROP TRIGGER IF EXISTS ledger_no_update")
        query = (
            "UPDATE ledger SET body = CAST(replace(CAST(body AS TEXT), ?, ?) AS BLOB) WHERE kind = 'sheet'"
        )
        connection.execute(query, ('["H1",1,"one",["1"]', '["H1",1,"one",["3"]'))
    case.office.rebuild()


def rewritten_chain(case: Case) -> None:
    rewrite(case.office.database, another_answer)
    case.office.rebuild()


def old_backup(case: Case) -> None:
    case.office.database.write_bytes(case.older)


def false_history(case: Case, *signers: Any) -> None:
    """The whole record anew, with its close stated and signed to fit."""
    first = case.office.signers
    case.office.signers = signers  # type: ignore[assignment]
    closes: list[dict[str, Any]] = []

    def falsify(rows: list[dict[str, Any]]) -> None:
        another_answer(rows)
        closes.extend(row for row in rows if row["kind"] == "close")
        rows[:] = [row for row in rows if row["kind"] != "close"]

    rewrite(case.office.database, falsify)
    case.office.rebuild()
    for _close in closes:
        case.office.close("2023Q1")
    case.office.signers = first


def operator_alone(case: Case) -> None:
    """With the operator's own key, and one made in the auditor's name."""
    false_history(case, case.office.signers[0], new_signer("Bình", "auditor"))


def both_together(case: Case) -> None:
    false_history(case, *case.office.signers)


def exchanged_images(case: Case) -> None:
    """Nothing: the office was given other images than those of its paper, see ``office``."""


@dataclass(frozen=True)
class Threat:
    """What is done, how the document says it, and whether each of ``COLUMNS`` finds it."""

    name: str
    attack: Callable[[Case], None]
    found: tuple[bool, bool, bool, bool, bool]


THREATS = (
    Threat("a slip of the program: UPDATE or DELETE", slip_of_the_program, (True, True, True, True, True)),
    Threat("an entry edited with a database browser", edited_row, (False, True, True, True, True)),
    Threat("an entry *and* the chain after it rewritten", rewritten_chain, (False, False, True, True, True)),
    Threat("the end cut off, or last week's backup put back", old_backup, (False, False, False, True, True)),
    Threat("a false history, signed by the operator alone", operator_alone, (False, False, True, True, True)),
    Threat("a false history, signed by both", both_together, (False, False, False, True, True)),
    Threat("images exchanged before they are read", exchanged_images, (False, False, False, False, True)),
)


def office(folder: Path, threat: Threat, *, closed: bool) -> Case:
    late = "1 3 3 3 3" if threat.attack is exchanged_images else LATE
    case = Case(Office(folder))
    case.older = case.office.database.read_bytes()
    case.office.add_batch("box 3", late)
    if closed:
        case.office.close("2023Q1")
    case.head = case.office.head()
    return case


def stopped(case: Case) -> bool:
    """Whether the database itself refuses a change by the program."""
    refusal = pytest.raises(StoreError, match="may only be added to")
    with case.office.open() as store, refusal, store._writing() as connection:
        connection.exec_driver_sql("UPDATE ledger SET kind = 'void'")
    return True


def verified(case: Case, anchors: tuple[str, ...] = (), keys: tuple[str, ...] = ()) -> bool:
    try:
        verify.verify(str(case.office.database), case.office.folder, anchors, keys)
    except verify.Fault:
        return False
    return True


def as_on_paper(case: Case) -> bool:
    """Whether the record holds what a person reads on the paper: every sheet of it, and no other."""
    sheets: dict[str, list[str]] = {}
    with case.office.open() as store:
        for row in store.answer_rows():
            sheets.setdefault(row.sheet, []).append(row.codes.replace("|", "") or "-")
    return sorted(" ".join(codes) for codes in sheets.values()) == PAPER


@pytest.mark.parametrize("threat", THREATS, ids=lambda threat: threat.attack.__name__)
def test_each_defence_finds_what_the_table_says(threat: Threat, tmp_path: Path) -> None:
    open_, closed = (office(tmp_path / name, threat, closed=name == "closed") for name in ("open", "closed"))
    triggers = threat.attack is slip_of_the_program and stopped(open_)
    for case in (open_, closed):
        threat.attack(case)
    found = (
        triggers,
        not verified(open_),
        not verified(closed, (), closed.keys),
        not verified(closed, (closed.head,), closed.keys),
        not as_on_paper(closed),
    )
    assert dict(zip(COLUMNS, found, strict=True)) == dict(zip(COLUMNS, threat.found, strict=True))


def test_without_an_attack_nothing_is_found(tmp_path: Path) -> None:
    case = office(tmp_path, THREATS[0], closed=True)
    assert verified(case, (case.head,), case.keys)
    assert as_on_paper(case)


def test_the_document_says_the_same() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    for threat in THREATS:
        cells = " | ".join(YES if each else NO for each in threat.found)
        assert f"| {threat.name} | {cells} |" in text
