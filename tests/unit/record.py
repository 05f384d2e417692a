"""An office with a small stored quarter and two people who may sign; and a forger's tools."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ballotscan import verify
from ballotscan.closing import Wanted, amend_period, close_period
from ballotscan.keys import Role, Signer
from ballotscan.model import SheetId
from ballotscan.rules.periods import parse_period
from ballotscan.settings import Settings, shipped
from ballotscan.store.database import Store, open_store
from tests.unit.tally.stored import batch_settings, fill

BALLOTS = ["1 1 2 1 1", "1 2 - 1 2", "2 2 3 13 1", "3 - - 2 3"]


class Office:
    """Two batches of 2023Q1 in ``ballotscan.sqlite``, with originals."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self.database = folder / "ballotscan.sqlite"
        self.signers = (new_signer("An", "operator"), new_signer("Bình", "auditor"))
        self.add_batch("box 1", *BALLOTS, expect=4)
        self.add_batch("box 2", "1 1 1 1 1", unit="Phòng Đất đai")

    def add_batch(self, name: str, *ballots: str, **changes: object) -> None:
        scan = self.folder / f"{name}.pdf"
        scan.write_bytes(scan.name.encode())  # its hash is the one that ``fill`` gives the file
        with self.open() as store:
            store.keep_original(scan)
            fill(store, batch_settings(name, **changes), ballots)

    def open(self) -> Store:
        return open_store(self.database)

    def head(self) -> str:
        with self.open() as store:
            return store.head()[1]

    def close(self, period: str, reason: str = "", unit: str = "") -> str:
        wanted = Wanted(parse_period(period), unit, reason)
        with self.open() as store:
            return close_period(store, self._settings(), [shipped("templates")], wanted, self.signers)

    def amend(self, period: str, reason: str = "a late box") -> str:
        with self.open() as store:
            return amend_period(
                store, self._settings(), Wanted(parse_period(period), "", reason), self.signers
            )

    def void(self, sheet: str) -> None:
        with self.open() as store:
            store.void(SheetId(sheet), "An", "Cường", "a test sheet")

    def rebuild(self) -> None:
        with self.open() as store:
            store.rebuild_projections()

    def _settings(self) -> Settings:
        return Settings(str(self.database), self.folder)


def new_signer(name: str, role: Role) -> Signer:
    private = Ed25519PrivateKey.generate()
    return Signer(name, role, private.public_key().public_bytes_raw().hex(), private)


def entries(database: Path, query: str) -> list[Any]:
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute(query).fetchall()


def rewrite(database: Path, change: Callable[[list[dict[str, Any]]], object]) -> None:
    """Change the ledger's bodies and chain all of them anew, as one who knows the program could."""
    bodies = [json.loads(body) for (body,) in entries(database, "SELECT body FROM ledger ORDER BY seq")]
    change(bodies)
    prev = bytes(32)
    with closing(sqlite3.connect(database)) as connection, connection:
        for verb in ("update", "delete"):
            connection.execute(f"DROP TRIGGER IF EXISTS ledger_no_{verb}")
        connection.execute("DELETE FROM ledger")
        for seq, body in enumerate(bodies, start=1):
            written = verify.canonical(body | {"seq": seq})
            digest = hashlib.sha256(b"\0" + prev + written).digest()
            connection.execute(
                "INSERT INTO ledger VALUES (?, ?, ?, ?, ?)", (seq, body["kind"], written, prev, digest)
            )
            prev = digest


def signed(body: dict[str, Any], signers: Sequence[Signer]) -> None:
    """Sign a statement that was changed, with keys that should not have been at hand."""
    message = verify.PREFIX + verify.canonical(body["statement"])
    body["signatures"] = {signer.role: signer.sign(message) for signer in signers}
