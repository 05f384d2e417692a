"""A sample through PostgreSQL from end to end: the same ledger, exports and tally as SQLite."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, select

from ballotscan.cli import main
from ballotscan.errors import ExitCode
from ballotscan.store import schema
from ballotscan.store.connect import parse_location
from ballotscan.store.roles import LOOK, SCAN
from tests.conftest import empty

SAMPLES = Path(__file__).parents[2] / "samples" / "small-quarter"
FILES = [str(SAMPLES / f"scan{number:04}.jpg") for number in range(1, 9)]
STACK = ("--template", "appendix-i", "--received", "2023-03-10", "--batch", "box", "--expect", "4")
WRITTEN = ("answers.csv", "wide.csv", "pages.csv", "review.csv", "tally.json", "tally.csv")


def work(folder: Path, monkeypatch: pytest.MonkeyPatch, scan: str, look: str) -> None:
    """Scan, export, tally and verify in a folder; ``scan`` and ``look`` are where each finds the database."""
    monkeypatch.chdir(folder)
    assert main(["scan", *FILES, *STACK, "--workers", "1", "--db", scan]) in (ExitCode.OK, ExitCode.LEFT_OPEN)
    for name, more in (("answers", ()), ("pages", ()), ("review", ())):
        assert main(["export", name, "-o", f"{name}.csv", *more, "--db", scan]) == ExitCode.OK
    assert main(["export", "answers", "--wide", "-o", "wide.csv", "--db", scan]) == ExitCode.OK
    for form in ("csv", "json"):
        code = main(["tally", "--quarter", "2023Q1", f"--{form}", "-o", f"tally.{form}", "--db", look])
        assert code in (ExitCode.OK, ExitCode.LEFT_OPEN)
    assert main(["verify", "answers.csv", "--db", look]) == ExitCode.OK


def bodies(location: str) -> list[Any]:
    """Every entry as it was hashed, but for the time at which it was made."""
    engine = create_engine(parse_location(location))
    with engine.connect() as connection:
        found = connection.execute(select(schema.ledger.c.body).order_by(schema.ledger.c.seq)).scalars()
        entries = [json.loads(bytes(body)) for body in found]
    engine.dispose()
    return [entry for entry in entries if entry.pop("at")]


def test_a_sample_is_the_same_on_both(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import psycopg

    empty(server)
    here, there = tmp_path / "sqlite", tmp_path / "postgresql"
    for folder in (here, there):
        folder.mkdir()
    (there / "ballotscan.toml").write_text('folder = "kept"\n', encoding="utf-8")
    monkeypatch.chdir(there)
    assert main(["roles", "--db", server]) == ExitCode.OK
    with psycopg.connect(server, autocommit=True) as connection:
        for role in (SCAN, LOOK):
            connection.execute(f"DROP ROLE IF EXISTS the_{role}")  # type: ignore[arg-type]
            connection.execute(f"CREATE ROLE the_{role} LOGIN IN ROLE {role}")  # type: ignore[arg-type]
    scan, look = (server.replace("postgres:@", f"the_{role}:@") for role in (SCAN, LOOK))
    work(there, monkeypatch, scan, look)
    assert "not entered in the record" in capsys.readouterr().err  # who may only look enters no tally
    work(here, monkeypatch, "ballotscan.sqlite", "ballotscan.sqlite")
    for name in WRITTEN:
        assert (here / name).read_bytes() == (there / name).read_bytes(), name
    exports = [entry for entry in bodies("ballotscan.sqlite") if entry.get("what") == "tally"]
    assert bodies(server) == bodies("ballotscan.sqlite")[: -len(exports)]
