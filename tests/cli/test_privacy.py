"""What people wrote goes nowhere unasked: not into logs and errors, not into exports, not into pictures."""

from __future__ import annotations

import csv
import json
import os
import sqlite3
import stat
import traceback
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from ballotscan import pipeline, reread, worklist
from ballotscan.cli import main
from ballotscan.errors import ExitCode
from ballotscan.forms.load import load_form
from ballotscan.model import FieldReading, SideReading
from ballotscan.privacy import without_numbers
from ballotscan.reading import SideNotRead
from ballotscan.store.database import open_store
from ballotscan.vision.overlay import MASK_GREY, mask_fields
from tests.cli.stub_reader import ONE_SIDED, PoolHere, page, read_stub, write_stack
from tests.unit.tally.stored import batch_settings, fill

NAME, PHONE = "Trịnh Thị Kín Đáo", "0912 345 678"
WRITTEN = f"{NAME}, {PHONE}, kindao@example.vn"
SCAN = ("scan", "box", "--template", "hue-2019", "--received", "2023-02-01", "--batch", "box")
PEOPLE = ("--by", "An", "--second", "Bình", "--reason", "minute 12 of the archive's council")
SAMPLE = Path(__file__).parents[2] / "samples" / "small-quarter" / "scan0001.jpg"
Run = Callable[..., tuple[int, str, str]]


def read_written(scan: Any, bitonal: bool, references: Sequence[Any]) -> SideReading | SideNotRead:
    """The stub's reading, with a text in a field, as a clerk may have typed it there."""
    found = read_stub(scan, bitonal, references)
    field = FieldReading("F1", WRITTEN, 0.9, 1.0, 1.0, 9.0, 9.0, 0.1)
    return replace(found, fields=(field,)) if isinstance(found, SideReading) else found


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.chdir(tmp_path)
    for name in ("BALLOTSCAN_DB", "BALLOTSCAN_SETTINGS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pipeline, "WorkerPool", PoolHere)
    monkeypatch.setattr(worklist, "still_written", lambda path: None)
    monkeypatch.setattr(pipeline, "scan_batch", partial(pipeline.scan_batch, read=read_written))
    monkeypatch.setattr(reread, "reread_batch", partial(reread.reread_batch, read=read_written))
    write_stack(
        tmp_path / "box" / "a.tif", [page(2, seed=n, option=n % 3) for n in range(6)] + [page(3, seed=9)]
    )

    def call(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main([*arguments, "--lang", "en"])
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return code, said.out, said.err

    return call


def tells(text: str) -> bool:
    return any(word in text for word in (NAME, "Kín", PHONE, "345 678", "example.vn"))


def test_nothing_that_was_read_is_said_or_exported(
    run: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A batch with a name and a number in every sheet, and a clerk who types them where a code belongs."""
    caplog.set_level(0)
    said = ["".join(run(*SCAN)[1:])]
    with closing(sqlite3.connect("ballotscan.sqlite")) as connection:
        (kept,) = connection.execute(
            "SELECT count(*) FROM ledger WHERE instr(body, ?)", (NAME.encode(),)
        ).fetchone()
    assert kept == 6  # it was read, and the record holds it
    for name in ("answers", "pages", "review"):
        said += run("export", name, "-o", f"{name}.csv")[1:]
    said += run("tally", "--quarter", "2023Q1", "--json", "-o", "tally.json")[1:]
    for command in (("verify",), ("tally", "--quarter", "2023Q1"), ("rebuild",), ("reread", "box")):
        said += run(*command)[1:]
    with Path("answers.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    with Path("filled.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [*rows[0], "ruling", "ruling_reason"])
        writer.writeheader()
        writer.writerow(rows[0] | {"ruling": WRITTEN, "ruling_reason": WRITTEN})
    code, out, err = run("import", "rulings", "filled.csv", "--by", "An")
    assert code != ExitCode.OK
    said += [out, err, caplog.text]
    assert not [text for text in said if tells(text)]
    exports = [
        path for path in tmp_path.iterdir() if path.suffix in (".csv", ".json") and path.stem != "filled"
    ]
    assert len(exports) == 4
    assert not [path.name for path in exports if tells(path.read_text(encoding="utf-8-sig"))]


def test_errors_and_warnings_hold_no_answer(run: Run) -> None:
    """What is wrong with a record is said by entry, table, file and sheet; never by what was answered."""
    run(*SCAN)
    form = load_form(ONE_SIDED)
    labels = [option.label for question in form.questions for option in question.options]
    with closing(sqlite3.connect("ballotscan.sqlite")) as connection, connection:
        connection.execute("UPDATE answers SET codes = '2' WHERE codes = '1'")
    for command in (("tally", "--quarter", "2023Q1"), ("verify",)):
        code, out, err = run(*command)
        assert code == ExitCode.UNBALANCED
        assert not [label for label in labels if label in out + err]


def test_numbers_are_masked_wherever_they_stand() -> None:
    for number in (
        "0912345678",
        "0912 345 678",
        "+84 912.345.678",
        "024-3825-4321",
        "001203456789",
        "123456789",
    ):
        assert without_numbers(f"call {number}!") == "call ***!"
    assert without_numbers("a.b@example.vn, x") == "***, x"
    for harmless in ("2023-02-01", "12/03/2023", "Quận 12", "300 dpi"):
        assert without_numbers(harmless) == harmless


@pytest.mark.parametrize("name", ["hue-2019", "appendix-i"])
def test_fields_that_people_write_in_are_painted_over(name: str) -> None:
    form = load_form(ONE_SIDED.parent / name)
    side = next(side for side in form.sides if any(p.field in written(form) for p in side.fields))
    scan = np.zeros((1200, 860), np.uint8)
    reading = read_stub(as_page(2 if name == "hue-2019" else 1, side.number), False, stubs(form))
    assert isinstance(reading, SideReading)
    scale = 4.0  # px per mm
    masked = mask_fields(
        scan, form, replace(reading, map_px=(scale, 0.0, 0.0, 0.0, scale, 0.0, 0.0, 0.0, 1.0))
    )
    for place in side.fields:
        middle = (int((place.rect.y_mm + place.rect.h_mm / 2) * scale), int((place.rect.x_mm + 1) * scale))
        assert (masked[middle] == MASK_GREY) == (place.field in written(form))
    for box in side.boxes:
        rect = box.rect
        top, left = int(rect.y_mm * scale), int(rect.x_mm * scale)
        assert not masked[top : top + int(rect.h_mm * scale), left : left + int(rect.w_mm * scale)].any()


def written(form: Any) -> set[str]:
    return {field.id for field in form.fields if field.kind in ("free_text", "write_in")}


def as_page(form: int, side: int) -> Any:
    return np.asarray(page(form, side))


def stubs(form: Any) -> list[Any]:
    from tests.cli.stub_reader import StubReference

    return [StubReference(form, side) for side in form.sides]


def test_a_picture_shows_texts_only_to_who_is_named(run: Run, tmp_path: Path) -> None:
    look = ("inspect", str(SAMPLE), "--template", "appendix-i", "-o")
    assert run(*look, "masked.png")[0] == ExitCode.OK
    code, _out, err = run(*look, "open.png", "--show-text")
    assert (code, Path("open.png").exists()) == (ExitCode.USAGE, False)
    assert "--by" in err
    code, _out, err = run(*look, "open.png", "--show-text", "--by", "An")
    assert (code, Path("open.png").exists()) == (
        ExitCode.NOTHING_DONE,
        False,
    )  # there is no record to enter it in
    run(*SCAN)
    assert run(*look, "open.png", "--show-text", "--by", "Trần Thị An")[0] == ExitCode.OK
    masked, shown = (np.asarray(Image.open(name)) for name in ("masked.png", "open.png"))
    assert (masked != shown).any()
    with closing(sqlite3.connect("ballotscan.sqlite")) as connection:
        (body,) = connection.execute("SELECT body FROM ledger ORDER BY seq DESC LIMIT 1").fetchone()
    entry = json.loads(body)
    assert (entry["kind"], entry["what"], entry["by"]) == ("export", "inspect", "Trần Thị An")
    assert run("verify", "open.png")[0] == ExitCode.OK


def test_a_changed_export_does_not_verify(run: Run) -> None:
    run(*SCAN)
    run("export", "answers", "-o", "answers.csv")
    code, out, _err = run("verify", "answers.csv")
    assert (code, "Files as they were written: 1" in out) == (ExitCode.OK, True)
    content = Path("answers.csv").read_bytes()
    Path("answers.csv").write_bytes(content.replace(b",", b";", 1))
    code, _out, err = run("verify", "answers.csv")
    assert code == ExitCode.UNBALANCED
    assert "answers.csv is not as it was written" in err


def test_a_typed_text_is_not_said_beside_a_picture(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """``inspect`` says what it read of printed texts; what a person typed only to who is named."""
    from ballotscan import reading

    def with_name(*given: Any, **named: Any) -> Any:
        found = real(*given, **named)
        return replace(found, fields=(FieldReading("F1", WRITTEN, 0.9, 1.0, 1.0, 9.0, 9.0, 0.1),))

    real = reading.read_side
    monkeypatch.setattr(reading, "read_side", with_name)
    code, out, _err = run("inspect", str(SAMPLE), "--template", "appendix-i", "-o", "masked.png")
    assert code == ExitCode.OK
    assert "F1: “***”" in out
    assert not tells(out)
    if os.name != "nt":
        assert stat.S_IMODE(Path("masked.png").stat().st_mode) & 0o077 == 0


def test_a_statement_that_fails_shows_no_value(tmp_path: Path) -> None:
    """Neither in what SQLAlchemy says nor in its traceback."""
    with (
        open_store(tmp_path / "b.sqlite") as store,
        pytest.raises(DBAPIError) as caught,
        store._engine.begin() as connection,
    ):
        connection.execute(text("INSERT INTO nowhere VALUES (:what)"), {"what": WRITTEN})
    assert not tells("".join(traceback.format_exception(caught.value)))


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_the_journal_is_its_owners_only(tmp_path: Path) -> None:
    """While a transaction is open SQLite keeps the pages as they were beside the database."""
    before = os.umask(0)
    try:
        with open_store(tmp_path / "b.sqlite"):
            pass
        with closing(sqlite3.connect(tmp_path / "b.sqlite")) as connection:
            connection.execute("CREATE TABLE more (x)")
            connection.execute("INSERT INTO more VALUES (1)")
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.glob("b.sqlite*")}
    finally:
        os.umask(before)
    assert "b.sqlite-journal" in modes
    assert not [name for name, mode in modes.items() if mode & 0o077]


@pytest.mark.parametrize(
    "address",
    [
        "postgresql+psycopg://clerk:hun/ter@127.0.0.1:1/b",
        "postgresql+psycopg://clerk:hun@ter@127.0.0.1:1/b",
        "postgresql+psycopg://clerk:hun#ter@127.0.0.1:1/b",
        "postgresql+psycopg://clerk:hun?ter@127.0.0.1:1/b",
        "postgresql://clerk:hunter%@127.0.0.1:1/b",
        "postgresql+psycopg://127.0.0.1:1/b?user=clerk&password=hunter",
    ],
)
@pytest.mark.parametrize("way", ["environment", "option", "settings"])
def test_a_password_with_odd_signs_is_never_said(
    run: Run, monkeypatch: pytest.MonkeyPatch, address: str, way: str
) -> None:
    """Drivers disagree on where it ends, and take the rest for a server, a port or an option."""
    Path("ballotscan.toml").write_text('folder = "kept"\n', encoding="utf-8")
    if way == "environment":
        monkeypatch.setenv("BALLOTSCAN_DB", address)
    if way == "settings":
        Path("ballotscan.toml").write_text(f'folder = "kept"\ndatabase = "{address}"\n', encoding="utf-8")
    for command in (("verify",), ("tally", "--quarter", "2023Q1"), ("retention",)):
        code, out, err = run(*command, *(("--db", address) if way == "option" else ()))
        assert code == ExitCode.USAGE
        assert "PGPASSWORD" in err
        assert "hun" not in out + err
        assert "ter@" not in out + err


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_files_are_their_owners_only(run: Run, tmp_path: Path) -> None:
    """Whatever the user's own mask allows to others."""
    before = os.umask(0)
    try:
        run(*SCAN, "--db", "office/data/b.sqlite")
        run("backup", "away/copy.sqlite", "--db", "office/data/b.sqlite")
    finally:
        os.umask(before)
    made = [path for top in ("office", "away") for path in [Path(top), *Path(top).rglob("*")]]
    assert len(made) > 8
    assert [path for path in made if stat.S_IMODE(path.stat().st_mode) & 0o077] == []


def test_a_servers_password_is_never_said(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("psycopg")
    Path("ballotscan.toml").write_text('folder = "kept"\nretention_months = 60\n', encoding="utf-8")
    monkeypatch.setenv("PGPASSWORD", "hunter2")
    monkeypatch.setenv("BALLOTSCAN_DB", "postgresql+psycopg://clerk:hunter3@127.0.0.1:1/ballots")
    for command in (
        SCAN,
        ("verify",),
        ("tally", "--quarter", "2023Q1"),
        ("rebuild",),
        ("roles",),
        ("retention",),
    ):
        code, out, err = run(*command)
        assert code in (ExitCode.NOTHING_DONE, ExitCode.UNBALANCED)
        assert "hunter" not in out + err


def test_small_counts_are_masked_unless_the_office_sets_it_otherwise(run: Run, tmp_path: Path) -> None:
    with open_store(tmp_path / "ballotscan.sqlite") as store:
        fill(store, batch_settings("a", linh_vuc="Đất đai"), ["1 1 1 1 1", "2 1 1 1 1"])
        fill(store, batch_settings("b", linh_vuc="Xây dựng"), ["1 1 1 1 1"] * 9 + ["2 2 2 2 2"] * 9)

    def counts(by: str) -> list[int | None]:
        tally = json.loads(run("tally", "--quarter", "2023Q1", "--json")[1])
        groups = [group for group in tally["forms"][0]["groups"] if group["by"] == by]
        return [option["count"] for group in groups for option in group["questions"][0]["options"][:2]]

    assert counts("linh_vuc") == [None, None, None, None]
    assert counts("all") == [10, 10]
    assert "* not shown: fewer than 5" in run("tally", "--quarter", "2023Q1", "--by", "linh-vuc")[1]
    Path("ballotscan.toml").write_text("least_cell = 1\n", encoding="utf-8")
    assert counts("linh_vuc") == [9, 9, 1, 1]  # Xây before Đất: names in the order of their letters' codes
    assert "not shown" not in run("tally", "--quarter", "2023Q1", "--by", "linh-vuc")[1]
