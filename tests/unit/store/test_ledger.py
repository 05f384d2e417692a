"""The record: chained, append-only, and the only source of every other table."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ballotscan.errors import StoreError
from ballotscan.model import Ruling, SheetId, SheetState
from ballotscan.store.database import Store, open_store
from ballotscan.store.ledger import canonical
from ballotscan.store.rows import NewFile
from tests.unit.store.makers import bad_page, database, fill, page, ref, settings, sha, sheet


def test_canonical_json_is_one_text() -> None:
    assert canonical({"b": [1, 2.5, None], "a": "phiếu"}) == '{"a":"phiếu","b":[1,2.5,null]}'.encode()
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical({"a": float("nan")})


def test_chain_as_a_stranger_would_check_it(tmp_path: Path) -> None:
    """Nothing of ours: SHA-256(0x00 || prev || body) from 32 zero bytes on, numbers and kinds in the body."""
    with open_store(database(tmp_path)) as store:
        fill(store)
        report = store.verify_chain()
    rows = sqlite3.connect(database(tmp_path)).execute(
        "SELECT seq, kind, body, prev, hash FROM ledger ORDER BY seq"
    )
    before, count = bytes(32), 0
    for count, (seq, kind, body, prev, digest) in enumerate(rows, start=1):
        assert prev == before
        assert digest == hashlib.sha256(b"\x00" + prev + body).digest()
        content = json.loads(body)
        assert (content["seq"], content["kind"]) == (seq, kind) == (count, kind)
        assert content["at"].endswith("Z")
        before = digest
    assert (report.whole, report.entries, report.head) == (True, count, before.hex())


@pytest.mark.parametrize("statement", ["UPDATE ledger SET kind = 'x'", "DELETE FROM ledger"])
def test_the_ledger_refuses_changes(store: Store, statement: str) -> None:
    with pytest.raises(StoreError, match="may only be added to"), store._writing() as connection:
        connection.exec_driver_sql(statement)
    assert store.verify_chain().whole


TAMPERING = [
    ("hash", "UPDATE ledger SET body = CAST(replace(body, '2023-03', '2023-04') AS BLOB) WHERE seq = 2"),
    ("body", "UPDATE ledger SET body = CAST(body AS TEXT) WHERE seq = 2"),
    ("body", "UPDATE ledger SET kind = 'run' WHERE seq = 2"),
    ("gap", "DELETE FROM ledger WHERE seq = 3"),
    ("gap", "UPDATE ledger SET seq = 999 WHERE seq = 3"),
    ("prev", "UPDATE ledger SET prev = zeroblob(32) WHERE seq = 4"),
]


@pytest.mark.parametrize(("fault", "statement"), TAMPERING)
def test_tampering_is_found(tmp_path: Path, fault: str, statement: str) -> None:
    path = database(tmp_path)
    with open_store(path) as store:
        fill(store)
    changed = sqlite3.connect(path)
    for trigger in ("ledger_no_update", "ledger_no_delete"):
        changed.execute(f"DROP TRIGGER {trigger}")
    changed.execute(statement)
    changed.commit()
    with open_store(path) as store:
        report = store.verify_chain()
    assert (report.whole, report.fault) == (False, fault)


def test_every_table_can_be_rebuilt(store: Store) -> None:
    """Each kind of entry, then all tables anew: nothing differs."""
    fill(store)
    fill(store, name="other", doubtful=("1", "3"))
    store.add_files("box", [NewFile("late.pdf", sha("late.pdf"), 2)])
    keys = store.add_pages(
        "box", [bad_page(1, file="late.pdf", form="hue", side=1), bad_page(2, file="late.pdf")]
    )
    lost = sheet(ref(1, "late.pdf"), state=SheetState.SET_ASIDE, doubtful=("1", "2", "3"))
    store.add_sheets("box", [(lost, (keys[0],))])
    store.start_batch(settings(), "test 2")
    store.add_pages_again("box", [page(2, file="late.pdf"), bad_page(1, file="late.pdf")])
    store.add_repeat("box", ref(1, "box.pdf"), "box.pdf")
    store.add_second_reading(SheetId("other/00001"), sheet(ref(1, "other.pdf")))
    store.add_rulings([Ruling(SheetId("other/00001"), "1", ("2",), False, "Lan", "seen on paper")])
    store.add_rulings([Ruling(SheetId("other/00001"), "1", ("3",), False, "Lan", "looked again")])
    answers = list(store.answer_rows())
    assert store.check_projections() == ()
    assert store.rebuild_projections() == ()
    assert list(store.answer_rows()) == answers
    kinds = {"opened", "batch", "run", "file", "page", "sheet", "released", "second_reading", "ruling"}
    with store._reading() as connection:
        assert {row[0] for row in connection.exec_driver_sql("SELECT kind FROM ledger")} == kinds


def test_a_changed_table_is_found_and_mended(store: Store) -> None:
    fill(store)
    before = list(store.answer_rows())
    with store._writing() as connection:
        connection.exec_driver_sql("UPDATE answers SET codes = '5'")
    assert store.check_projections() == ("answers",)
    assert {row.codes for row in store.answer_rows()} == {"5"}
    assert store.rebuild_projections() == ("answers",)
    assert list(store.answer_rows()) == before


def test_a_failed_write_leaves_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(store)
    before = store.verify_chain()
    broken = replace(sheet(ref(1, "x.pdf")), answers=())
    with monkeypatch.context() as patch:
        patch.setattr("ballotscan.store.projections._insert_answers", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            store.add_sheets("box", [(broken, ())])
    assert store.verify_chain() == before


def test_rulings_by_hand_are_kept_in_the_ledger(open_it: Callable[[], Store]) -> None:
    with open_it() as store:
        fill(store)
        for code in ("2", "3"):
            store.add_rulings([Ruling(SheetId("box/00001"), "2", (code,), False, "Lan", f"because {code}")])
        with store._reading() as connection:
            bodies = connection.exec_driver_sql("SELECT body FROM ledger WHERE kind = 'ruling' ORDER BY seq")
            reasons = [json.loads(bytes(row[0]))["reason"] for row in bodies]
    assert reasons == ["because 2", "because 3"]
