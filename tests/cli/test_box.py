"""The minute of opening a box, as people enter, print and check it."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from ballotscan.cli import main
from ballotscan.errors import ExitCode
from tests.unit.record import Office, new_signer

Run = Callable[..., tuple[int, str, str]]

MINUTE = """\
box: Hòm số 1
seal: "004512"
opened: 2023-03-01
batch: box 1
unit: Sở Quy hoạch - Kiến trúc
issued: 12
unused: 6
spoiled: 1
taken_out: 4
opened_by: [Nguyễn Văn An, Trần Thị Bình]
scanned_by: [Lê Văn Cường]
reviewed_by: [Phạm Thị Dung]
handle_procedures: [Hoàng Văn Em]
"""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.chdir(tmp_path)
    for name in ("BALLOTSCAN_DB", "BALLOTSCAN_SETTINGS"):
        monkeypatch.delenv(name, raising=False)
    Office(tmp_path)

    def call(*arguments: str, lang: str = "en") -> tuple[int, str, str]:
        capsys.readouterr()
        code = main([*arguments, "--lang", lang])
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return code, said.out, said.err

    return call


def record(run: Run, tmp_path: Path, *options: str, **changes: str) -> tuple[int, str, str]:
    lines = dict(line.split(": ", 1) for line in MINUTE.splitlines()) | changes
    text = "".join(f"{key}: {value}\n" for key, value in lines.items())
    (tmp_path / "m.yaml").write_text(text, encoding="utf-8")
    return run("box", "record", "m.yaml", *options)


def test_a_minute_is_entered_and_shown_in_the_tally(run: Run, tmp_path: Path) -> None:
    code, out, _err = record(run, tmp_path)
    assert code == ExitCode.OK
    assert "issued 12, unused 6, spoiled 1, taken out 4, not returned 1" in out
    code, out, _err = run("tally", "--quarter", "2023Q1")
    assert code == ExitCode.OK
    assert "Box Hòm số 1, seal 004512" in out
    assert "nothing added" in record(run, tmp_path)[1]
    assert run("verify")[0] == ExitCode.OK


def test_another_number_than_the_scan_leaves_the_batch_open(run: Run, tmp_path: Path) -> None:
    record(run, tmp_path, taken_out="5")
    code, out, _err = run("tally", "--quarter", "2023Q1")
    assert code == ExitCode.UNBALANCED
    assert "box 1 should have 5 sheets, but 4 were found" in out


def test_another_minute_of_the_same_box_needs_a_reason(run: Run, tmp_path: Path) -> None:
    record(run, tmp_path, taken_out="5")
    code, _out, err = record(run, tmp_path)
    assert code == ExitCode.USAGE
    assert "entered before" in err
    assert record(run, tmp_path, "--reason", "counted again")[0] == ExitCode.OK
    assert run("tally", "--quarter", "2023Q1")[0] == ExitCode.OK


def test_more_than_were_given_out_is_said(run: Run, tmp_path: Path) -> None:
    code, out, _err = record(run, tmp_path, issued="8")
    assert code == ExitCode.OK
    assert "Warning: 3 more ballots are accounted for than were given out." in out


@pytest.mark.parametrize("who", ["opened_by", "scanned_by", "reviewed_by"])
def test_who_handles_procedures_takes_no_part(run: Run, tmp_path: Path, who: str) -> None:
    code, _out, err = record(run, tmp_path, **{who: "[Lê Thị Hoa, hoàng văn  em]"})
    assert code == ExitCode.USAGE
    assert "handles procedures of the unit" in err
    assert "Hòm" not in run("tally", "--quarter", "2023Q1")[1]


def test_and_stays_known(run: Run, tmp_path: Path) -> None:
    record(run, tmp_path)
    changes = {"box": "Hòm số 2", "handle_procedures": "[Vũ Thị Giang]", "opened_by": "[Hoàng Văn Em]"}
    assert record(run, tmp_path, **changes)[0] == ExitCode.USAGE
    assert record(run, tmp_path, **changes, unit="another")[0] == ExitCode.OK


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"taken_out": "-1"}, "m.yaml:9: a number from 0 to"),
        ({"opened": "01/03/2023"}, "m.yaml:3: a date such as"),
        ({"opened_by": "[]"}, "m.yaml:10: nobody is named here"),
        ({"sealed": "x"}, 'unknown key "sealed"'),
    ],
)
def test_a_faulty_minute_names_its_line(run: Run, tmp_path: Path, changes: dict[str, str], line: str) -> None:
    code, _out, err = record(run, tmp_path, **changes)
    assert code != ExitCode.OK
    assert line in err


@pytest.mark.parametrize(("lang", "title"), [("en", "MINUTE OF OPENING"), ("vi", "BIÊN BẢN MỞ HÒM PHIẾU")])
def test_the_minute_is_printed(run: Run, tmp_path: Path, lang: str, title: str) -> None:
    import pikepdf

    record(run, tmp_path)
    assert run("box", "minute", "Hòm số 1", "-o", "m.pdf", lang=lang)[0] == ExitCode.OK
    data = (tmp_path / "m.pdf").read_bytes()
    with pikepdf.open(io.BytesIO(data)) as pdf:
        assert len(pdf.pages) == 1
        box = [float(value) for value in pdf.pages[0].mediabox]
        assert (round(box[2]), round(box[3])) == (595, 842)
        assert title in str(pdf.docinfo["/Title"]).upper()


def test_no_minute_of_a_box(run: Run) -> None:
    code, _out, err = run("box", "minute", "Hòm số 9", "-o", "m.pdf")
    assert code == ExitCode.USAGE
    assert "no minute of a box" in err


def test_no_minute_enters_a_closed_period(run: Run, tmp_path: Path) -> None:
    office = Office.__new__(Office)
    office.folder, office.database = tmp_path, tmp_path / "ballotscan.sqlite"
    office.signers = (new_signer("An", "operator"), new_signer("Bình", "auditor"))
    office.close("2023Q1")
    code, _out, err = record(run, tmp_path)
    assert code != ExitCode.OK
    assert "is closed" in err
