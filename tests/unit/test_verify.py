"""The independent checker finds what it is there for; it passes what is right. And what tally refuses."""

from __future__ import annotations

import ast
import hashlib
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ballotscan import closing as closing_room
from ballotscan import four_eyes, verify
from ballotscan.cli import main
from ballotscan.errors import ExitCode
from tests.unit.record import Office, entries, new_signer, rewrite, signed

Change = Callable[[list[dict[str, Any]]], Any]


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    monkeypatch.chdir(tmp_path)
    return Office(tmp_path)


def found(office: Office, *anchors: str, trusted: tuple[str, ...] = ()) -> str:
    """What is wrong, as its code; empty where all is well."""
    try:
        verify.verify(str(office.database), office.folder, anchors, trusted)
    except verify.Fault as fault:
        return fault.code
    return ""


def changed(office: Office, statement: str, *values: object) -> None:
    """Somebody at work with a database browser."""
    with closing(sqlite3.connect(office.database)) as connection, connection:
        for verb in ("update", "delete"):
            connection.execute(f"DROP TRIGGER IF EXISTS ledger_no_{verb}")
        connection.execute(statement, values)


def test_what_is_right_passes(office: Office) -> None:
    first = office.head()
    office.close("2023Q1")
    report = verify.verify(str(office.database), office.folder, [first, verify.shown_head(office.head())])
    assert (report.originals, report.head) == (3, office.head())  # with the template
    ((_seq, period, signers),) = report.closes
    assert period == "2023Q1"
    assert [name.split(" (")[0] for name in signers] == ["An", "Bình"]


def test_it_runs_alone(office: Office, capsys: pytest.CaptureFixture[str]) -> None:
    office.close("2023Q1")
    assert verify.main(str(office.database), office.head()) == 0
    assert verify.main(str(office.database), "0" * 64) == 5
    assert "NOT VERIFIED: the head 0000" in capsys.readouterr().out


def test_a_changed_entry(office: Office) -> None:
    (body,) = next(iter(entries(office.database, "SELECT body FROM ledger WHERE kind = 'sheet'")))
    changed(office, "UPDATE ledger SET body = ? WHERE body = ?", body.replace(b'"one"', b'"ONE"', 1), body)
    assert found(office) == "hash"


@pytest.mark.parametrize("column", ["prev", "hash"])
def test_a_changed_hash(office: Office, column: str) -> None:
    changed(office, f"UPDATE ledger SET {column} = ? WHERE seq = 3", bytes(32))
    assert found(office) in {"gap", "hash"}


def test_a_changed_kind(office: Office) -> None:
    changed(office, "UPDATE ledger SET kind = 'warning' WHERE kind = 'sheet'")
    assert found(office) == "body"


def test_a_missing_entry(office: Office) -> None:
    changed(office, "DELETE FROM ledger WHERE seq = 4")
    assert found(office) == "gap"


def test_a_rewritten_chain(office: Office) -> None:
    """A chain made anew is a chain; the signatures of a close and a head on paper give it away."""

    def another_answer(rows: list[dict[str, Any]]) -> None:
        sheet = next(row for row in rows if row["kind"] == "sheet")
        answer = sheet["answers"][0]
        answer[3] = ["2"] if answer[3] == ["3"] else ["3"]

    before = office.head()
    rewrite(office.database, another_answer)
    office.rebuild()
    assert found(office) == ""
    assert found(office, before) == "anchor"
    office.close("2023Q1")
    rewrite(office.database, another_answer)
    assert found(office) in {"place", "statement"}


def test_a_cut_tail_and_an_old_backup(office: Office) -> None:
    old = office.database.read_bytes()
    office.close("2023Q1")
    head = office.head()
    whole = office.database.read_bytes()
    changed(office, "DELETE FROM ledger WHERE seq = (SELECT max(seq) FROM ledger)")
    office.rebuild()
    assert (found(office), found(office, head)) == ("", "anchor")
    office.database.write_bytes(old)
    assert (found(office), found(office, head)) == ("", "anchor")
    office.database.write_bytes(whole)
    assert found(office, head) == ""


def test_an_entry_in_a_closed_period(office: Office) -> None:
    office.close("2023Q1")

    def one_more(rows: list[dict[str, Any]]) -> None:
        rows.append({"kind": "ruling", "at": "2023-04-01T00:00:00Z", "id": "box 1/00001", "sheet": 1})

    rewrite(office.database, one_more)
    assert found(office) == "closed"


def test_signatures(office: Office) -> None:
    office.close("2023Q1")

    def close_entry(rows: list[dict[str, Any]]) -> dict[str, Any]:
        return next(row for row in rows if row["kind"] == "close")

    def one_signature_twice(rows: list[dict[str, Any]]) -> None:
        signatures = close_entry(rows)["signatures"]
        signatures["auditor"] = signatures["operator"]

    def no_second(rows: list[dict[str, Any]]) -> None:
        del close_entry(rows)["signatures"]["auditor"]

    def same_name(rows: list[dict[str, Any]]) -> None:
        body = close_entry(rows)
        body["statement"]["signers"][1]["name"] = " aN"
        signed(body, office.signers)

    def another_reason(rows: list[dict[str, Any]]) -> None:
        close_entry(rows)["statement"]["reason"] = "none"

    kept = office.database.read_bytes()
    for change, code in (
        (one_signature_twice, "signature"),
        (no_second, "signers"),
        (same_name, "signers"),
        (another_reason, "signature"),
    ):
        rewrite(office.database, change)
        assert found(office) == code
        assert main(["tally", "--quarter", "2023Q1"]) == ExitCode.UNBALANCED
        office.database.write_bytes(kept)
    assert found(office) == ""


def test_new_keys(office: Office, capsys: pytest.CaptureFixture[str]) -> None:
    """One new key beside a known one is vouched for, and told; two are not, nor any where keys are named."""
    office.close("2023Q1")
    known = tuple(signer.public for signer in office.signers)
    assert found(office, trusted=known) == ""
    assert found(office, trusted=known[:1]) == "trust"
    kept = office.signers
    office.signers = (kept[0], new_signer("Cường", "auditor"))
    office.amend("2023Q1")
    assert found(office) == ""
    ((_seq, name, key),) = verify.verify(str(office.database), office.folder).new_keys
    assert (name, key) == ("Cường", office.signers[1].public)
    assert main(["verify"]) == ExitCode.OK
    assert "a new key of Cường" in capsys.readouterr().out
    assert found(office, trusted=known) == "trust"
    office.signers = (new_signer("Dung", "operator"), new_signer("Em", "auditor"))
    office.close("2023Q1")
    assert found(office) == "key"


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("tally", lambda stated: stated["tally"][0]["questions"][0]["options"].update({"1": 99})),
        ("tally", lambda stated: stated["tally"][0]["sheets"].update(void=1)),
        ("batches", lambda stated: stated["batches"][0]["pages"].update(set_aside=1)),
        ("batches", lambda stated: stated["batches"].pop()),
        ("templates", lambda stated: stated["templates"][0].update(hash="")),
    ],
)
def test_a_false_tally(office: Office, name: str, change: Callable[[dict[str, Any]], object]) -> None:
    """Even with both signatures right."""
    office.close("2023Q1")

    def falsify(rows: list[dict[str, Any]]) -> None:
        body = next(row for row in rows if row["kind"] == "close")
        change(body["statement"])
        signed(body, office.signers)

    rewrite(office.database, falsify)
    with pytest.raises(verify.Fault, match=rf"does not agree with the record in: {name}"):
        verify.verify(str(office.database), office.folder)


def test_the_time_of_a_close_is_signed(office: Office) -> None:
    office.close("2023Q1")
    with office.open() as store:
        (close,) = store.closings()

    def another_day(rows: list[dict[str, Any]]) -> None:
        body = next(row for row in rows if row["kind"] == "close")
        assert body["statement"]["at"] == body["at"] == close.at
        body["at"] = "2023-03-16T08:00:00.000Z"

    rewrite(office.database, another_day)
    assert found(office) == "time"


def test_nothing_of_a_closed_batch_is_changed_through_an_open_one(office: Office) -> None:
    """An entry is kept out of a closed period by the batch it names."""
    office.close("2023Q1")
    office.add_batch("box 3", "1 1 1 1 1", received="2023-04-03")
    kept = office.database.read_bytes()
    sheet = next(seq for seq, body in _bodies(office, "sheet") if body["id"] == "box 1/00001")
    file = next(seq for seq, body in _bodies(office, "file") if body["batch"] == "box 1")
    ruling = {"id": "box 3/00001", "sheet": sheet, "question": "H1", "codes": ["3"], "invalid": False}
    void = {"id": "box 3/00001", "sheet": sheet, "by": "An", "second": "Em", "reason": "so"}
    page = next(body for _seq, body in _bodies(office, "page")) | {"batch": "box 3", "file": file}
    paged = next(body for _seq, body in _bodies(office, "sheet")) | {"batch": "box 3", "id": "box 3/00002"}
    moved = next(body for _seq, body in _bodies(office, "batch")) | {"received": "2023-04-03"}
    for kind, body, code in (
        ("ruling", ruling, "foreign"),
        ("void", void, "foreign"),
        ("page", page, "foreign"),
        ("sheet", paged, "foreign"),
        ("batch", moved, "again"),
    ):
        entry = {"at": "2023-04-05T00:00:00Z", **body, "kind": kind}
        rewrite(office.database, lambda rows, entry=entry: rows.append(entry))
        assert found(office) == code, kind
        office.database.write_bytes(kept)
    assert found(office) == ""


def test_nothing_counts_twice(office: Office) -> None:
    """A page on two sheets, one read over one on a sheet, a form with other codes, a sheet of nothing."""
    kept = office.database.read_bytes()
    sheet = next(body for _seq, body in _bodies(office, "sheet"))
    page = next(body for _seq, body in _bodies(office, "page"))
    form = next(body for _seq, body in _bodies(office, "form"))
    several = [[question, side, True, codes] for question, side, _multiple, codes in form["questions"]]
    invented = sheet | {"pages": [], "id": "box 1/00099"}
    for entry in (sheet, page, form | {"questions": several}, invented):
        rewrite(office.database, lambda rows, entry=entry: rows.append(entry))
        assert found(office) == ("invented" if entry is invented else "again"), entry["kind"]
        office.database.write_bytes(kept)


def _bodies(office: Office, kind: str) -> list[tuple[int, dict[str, Any]]]:
    query = f"SELECT seq, body FROM ledger WHERE kind = '{kind}' ORDER BY seq"
    return [(seq, json.loads(body)) for seq, body in entries(office.database, query)]


def test_a_close_whose_pages_do_not_add_up(office: Office) -> None:
    """Even where the statement was made to fit, and signed by both."""
    office.close("2023Q1")

    def one_page_less(rows: list[dict[str, Any]]) -> None:
        close = next(row for row in rows if row["kind"] == "close")
        file = next(row for row in rows if row["kind"] == "file")
        file["page_count"] += 1
        batch = next(each for each in close["statement"]["batches"] if each["batch"] == file["batch"])
        batch["pages_in"] += 1
        prev = bytes(32)
        for seq, row in enumerate(rows[: rows.index(close)], start=1):
            prev = hashlib.sha256(b"\0" + prev + verify.canonical(row | {"seq": seq})).digest()
        close["statement"]["head"]["hash"] = prev.hex()
        signed(close, office.signers)

    rewrite(office.database, one_page_less)
    with pytest.raises(verify.Fault, match=r"does not agree with the record in: pages of box"):
        verify.verify(str(office.database), office.folder)


def test_one_name_typed_in_two_ways_is_one_person() -> None:
    composed, taken_apart = "Nguy\u1ec5n An", "nguye\u0302\u0303n  an"
    for same in (verify.same_person, four_eyes.same_person):
        assert same(composed, taken_apart)
        assert not same(composed, "Nguyen An")


def test_void_needs_two(office: Office) -> None:
    office.void("box 1/00001")
    assert found(office) == ""

    def by_one(rows: list[dict[str, Any]]) -> None:
        body = next(row for row in rows if row["kind"] == "void")
        body["second"] = body["by"].upper()

    rewrite(office.database, by_one)
    assert found(office) == "void"


def test_a_removal_by_force(office: Office) -> None:
    """Of scans still needed, of another batch's, of a template: each would hide that a file is gone."""
    scans = {body["batch"]: body["original"] for _seq, body in _bodies(office, "file")}
    (template,) = {sha for _seq, body in _bodies(office, "form") for sha in body["files"].values()}
    entry = {"kind": "removed", "at": "2023-05-01T00:00:00Z", "of": "box 1", "by": "An", "second": "Em"}
    entry |= {"reason": "kept long enough"}
    open_ = office.database.read_bytes()
    office.close("2023Q1")
    closed = office.database.read_bytes()
    for database, original, code in (
        (open_, scans["box 1"], "removed"),
        (closed, scans["box 2"], "removed"),
        (closed, template, "removed"),
        (closed, scans["box 1"], ""),
    ):
        office.database.write_bytes(database)
        rewrite(office.database, lambda rows, sha=original: rows.append(entry | {"originals": [sha]}))
        assert found(office) == code


def test_originals(office: Office) -> None:
    kept = sorted(path for path in (office.folder / "originals").rglob("*") if path.is_file())
    content = kept[0].read_bytes()
    kept[0].chmod(0o600)
    kept[0].write_bytes(content[:-1] + b"!")
    assert found(office) == "original"
    kept[0].unlink()
    assert found(office) == "missing"


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"no database" * 100)
    for name in ("x", "nothing"):
        with pytest.raises(verify.Fault, match="the database cannot be read"):
            verify.verify(str(tmp_path / name), tmp_path)


def test_a_damaged_file_does_not_verify(office: Office, capsys: pytest.CaptureFixture[str]) -> None:
    whole = office.database.read_bytes()
    half = len(whole) // 2
    for damaged in (
        whole[:half],
        bytes(100) + whole[100:],
        whole[:half] + bytes(4096) + whole[half + 4096 :],
    ):
        office.database.write_bytes(damaged)
        assert main(["verify"]) == ExitCode.UNBALANCED
        assert capsys.readouterr().err.count("\n") == 1
    office.database.unlink()
    assert main(["verify"]) == ExitCode.NOTHING_DONE


def test_a_changed_table_is_refused_by_tally_and_verify(
    office: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whether the tally looks for the first time or knows the digests, and whether entries came since."""
    for tallied_before in (False, True):
        if tallied_before:
            assert main(["tally", "--quarter", "2023Q1"]) != ExitCode.NOTHING_DONE
        changed(office, "UPDATE answers SET codes = '3' WHERE codes = '1' AND question = 'H1'")
        capsys.readouterr()
        assert main(["tally", "--quarter", "2023Q1"]) == ExitCode.UNBALANCED
        said = capsys.readouterr()
        assert said.out == ""
        assert "answers" in said.err
        assert main(["verify"]) == ExitCode.UNBALANCED
        assert main(["rebuild"]) == ExitCode.OK
        assert "made anew: answers" in capsys.readouterr().out
        assert main(["verify"]) == ExitCode.OK


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE answers SET status = CAST(X'61ff' AS TEXT) WHERE question = 'H1'",
        "UPDATE batches SET received = 'never'",
        "UPDATE sheets SET number = 'x' WHERE number = 1",
    ],
)
def test_a_damaged_cell_is_one_line(office: Office, capsys: pytest.CaptureFixture[str], damage: str) -> None:
    changed(office, damage)
    for command in (("tally", "--quarter", "2023Q1"), ("verify",)):
        assert main([*command]) == ExitCode.UNBALANCED
        assert capsys.readouterr().err.count("\n") == 1
    assert main(["rebuild"]) == ExitCode.OK
    assert main(["verify"]) == ExitCode.OK


def test_a_changed_entry_is_refused_by_tally(office: Office, capsys: pytest.CaptureFixture[str]) -> None:
    """Among what came since the last tally, and where the head that it knew is gone."""
    assert main(["tally", "--quarter", "2023Q1"]) == ExitCode.OK
    known = office.database.read_bytes()
    office.void("box 1/00001")
    changed(office, "UPDATE ledger SET body = ? WHERE seq = (SELECT max(seq) FROM ledger)", b"{}")
    assert main(["tally", "--quarter", "2023Q1"]) == ExitCode.UNBALANCED
    office.database.write_bytes(known)
    changed(office, "DELETE FROM ledger WHERE seq = (SELECT max(seq) FROM ledger)")
    assert main(["tally", "--quarter", "2023Q1"]) == ExitCode.UNBALANCED
    assert "no longer there" in capsys.readouterr().err


def test_every_finding_has_its_words() -> None:
    """The checker's own English is the same as the program's, whose other languages the catalogue has."""
    for code, text in verify.TEXTS.items():
        fault = verify.Fault(code, 7, "x")
        assert closing_room.fault_text(fault) == text.format(seq=7, what="x") == str(fault)


def test_it_is_small_and_alone() -> None:
    """A file that can be read in an hour: short functions, each rule for a kind of entry by itself."""
    source = Path(verify.__file__).read_text(encoding="utf-8")
    assert sum(1 for line in source.splitlines() if line.strip()) < 500
    assert "import ballotscan" not in source
    assert "from ballotscan" not in source
    functions = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)]
    assert max((node.end_lineno or 0) - node.lineno for node in functions) <= 30


def test_bodies_are_the_ledgers_own_json() -> None:
    from ballotscan.store import ledger

    body = {"b": [1, 0.1, None, True], "a": 'Phiếu \u2028 "x"', "c": {"z": -0.5, "y": 1e-7}}
    assert (
        verify.canonical(body)
        == ledger.canonical(body)
        == json.dumps(body, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
    )
