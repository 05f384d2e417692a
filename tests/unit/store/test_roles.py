"""On a server, who scans cannot change or drop the record; who looks cannot even add to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from ballotscan import verify
from ballotscan.errors import StoreError
from ballotscan.store.database import open_store
from ballotscan.store.roles import LOOK, SCAN
from tests.conftest import empty
from tests.unit.store.makers import settings, sha
from tests.unit.tally.stored import batch_settings
from tests.unit.tally.stored import fill as fill_quarter

ATTACKS = (
    "UPDATE ledger SET kind = 'void'",
    "DELETE FROM ledger",
    "TRUNCATE ledger",
    "DROP TABLE ledger",
    "DROP TRIGGER ledger_append_only ON ledger",
    "ALTER TABLE ledger DISABLE TRIGGER ALL",
    "ALTER TABLE ledger RENAME TO other",
    "CREATE OR REPLACE FUNCTION ledger_append_only() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN RETURN OLD; END $$",
    "SET session_replication_role = replica",  # would switch triggers off
    "UPDATE about SET value = '999'",
)


@pytest.fixture
def people(server: str, tmp_path: Path) -> dict[str, str]:
    """The owner's address, and those of a person of each role."""
    import psycopg

    empty(server)
    with open_store(server, tmp_path) as store:
        store.make_roles()
        store.make_roles()  # twice is as once
    found = {"owner": server}
    with psycopg.connect(server, autocommit=True) as connection:
        for role in (SCAN, LOOK):
            connection.execute(f"DROP ROLE IF EXISTS a_{role}")  # type: ignore[arg-type]
            connection.execute(f"CREATE ROLE a_{role} LOGIN IN ROLE {role}")  # type: ignore[arg-type]
            found[role] = server.replace("postgres:@", f"a_{role}:@")
    return found


@pytest.mark.parametrize("role", [SCAN, LOOK])
def test_the_record_cannot_be_changed(people: dict[str, str], role: str) -> None:
    import psycopg

    with psycopg.connect(people[role], autocommit=True) as connection:
        for attack in ATTACKS:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(attack)  # type: ignore[arg-type]
        connection.execute(f"GRANT ALL ON ledger TO {SCAN}")  # type: ignore[arg-type]  # only warns
        may = (
            "SELECT has_table_privilege('ledger', 'UPDATE, DELETE, TRUNCATE, TRIGGER'), count(*) FROM ledger"
        )
        assert connection.execute(may).fetchone() == (False, 1)


def test_even_the_owner_meets_the_trigger(people: dict[str, str]) -> None:
    import psycopg

    with psycopg.connect(people["owner"], autocommit=True) as connection:
        for attack in ATTACKS[:3]:
            with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
                connection.execute(attack)  # type: ignore[arg-type]


def test_scanning_tallying_and_verifying_work(people: dict[str, str], tmp_path: Path) -> None:
    scan = tmp_path / "scan"
    scan.write_bytes(b"box 1.pdf")
    with open_store(people[SCAN], tmp_path) as store:
        assert store.keep_original(scan) == sha("box 1.pdf")
        fill_quarter(store, batch_settings("box 1"), ["1 1 2 1 1", "1 2 - 1 2"])
        assert store.check_since_verified().fault == ""
        assert store.rebuild_projections() == ()
        head = store.head()[1]
    with open_store(people[LOOK], tmp_path, create=False) as store:
        assert store.check_since_verified().fault == ""
        assert len(list(store.sheet_rows())) == 2
        with pytest.raises(StoreError, match="permission was denied"):
            store.start_batch(settings())
    assert verify.verify(people[LOOK], tmp_path, [head]).head == head
