"""``ballotscan template``: what a person types, sees and gets, and with which exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ballotscan.cli import main
from ballotscan.errors import ExitCode
from ballotscan.forms.drawing import draw_pdf
from ballotscan.forms.load import shipped_templates


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An office's folder, with no language and no settings of the machine's own."""
    monkeypatch.chdir(tmp_path)
    for name in ("BALLOTSCAN_DB", "BALLOTSCAN_SETTINGS", "LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "C.UTF-8")
    return tmp_path


def test_list_names_every_template_with_its_edition(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["template", "list"]) == ExitCode.OK
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(
        "appendix-i, edition 0.1: PHIẾU KHẢO SÁT. Sides: 2, questions: 28, boxes: 135."
    )
    assert lines[3].startswith("hue-2019, edition 2019: PHIẾU LẤY Ý KIẾN. Sides: 1, questions: 5, boxes: 15.")


def test_show_tells_all_of_a_question(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["template", "show", "appendix-i"]) == ExitCode.OK
    shown = capsys.readouterr().out
    assert "8. B1_1 (side 1; one answer, required, in the index, factor access)" in shown
    assert "     5  Rất hài lòng  [satisfied]" in shown
    assert "Field F1 (free_text), side 2: Ý kiến khác (xin ghi cụ thể):" in shown


def test_print_writes_the_pdf(folder: Path) -> None:
    assert main(["template", "print", "hue-2019", "-o", "blank.pdf"]) == ExitCode.OK
    assert (folder / "blank.pdf").read_bytes() == draw_pdf(shipped_templates() / "hue-2019")


def test_print_with_serials_makes_so_many_copies(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import pikepdf

    assert main(["template", "print", "appendix-i", "-o", "blank.pdf", "--serials", "3"]) == ExitCode.OK
    with pikepdf.open(folder / "blank.pdf") as document:
        assert len(document.pages) == 6
    assert "3 sheets" in capsys.readouterr().out


def test_boxes_are_json_as_other_programs_expect_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["template", "boxes", "hue-2019"]) == ExitCode.OK
    listed = json.loads(capsys.readouterr().out)
    assert list(listed) == ["template", "edition", "pages", "boxes", "fields"]
    assert listed["pages"] == [{"page": 1, "width_mm": 210.0, "height_mm": 297.0}]
    assert set(listed["boxes"][0]) == {
        *("page", "question", "option", "x_mm", "y_mm", "w_mm", "h_mm", "multiple"),
    }
    assert set(listed["fields"][0]) == {"page", "field", "x_mm", "y_mm", "w_mm", "h_mm"}
    assert listed["boxes"][0]["question"] == "H1"
    assert listed["boxes"][0]["option"] == "1"
    assert listed["boxes"][0]["multiple"] is False


def test_an_offices_own_form_lives_beside_its_database(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["template", "print", "hue-2019", "-o", "blank.pdf"]) == ExitCode.OK
    capsys.readouterr()
    assert main(["template", "boxes", "hue-2019"]) == ExitCode.OK
    (folder / "boxes.json").write_text(capsys.readouterr().out, encoding="utf-8")
    files = ["--blank", "blank.pdf", "--boxes", "boxes.json", "--db", "office/own.sqlite"]
    assert main(["template", "add", "phuong-duc", *files]) == ExitCode.OK
    assert (folder / "office" / "templates" / "phuong-duc" / "template.yaml").is_file()
    assert "Warning" not in capsys.readouterr().err
    assert main(["template", "list", "--db", "office/own.sqlite"]) == ExitCode.OK
    assert "phuong-duc, edition 2019" in capsys.readouterr().out
    assert main(["template", "list"]) == ExitCode.OK
    assert "phuong-duc" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (
            ["show", "nothing"],
            ExitCode.USAGE,
            'There is no template "nothing". There are: appendix-i, coordination, hanoi-2017, hue-2019.',
        ),
        (
            ["print", "hue-2019", "-o", "no/such/folder.pdf"],
            ExitCode.NOTHING_DONE,
            "folder.pdf: the file cannot be written",
        ),
        (["print", "hue-2019", "-o", "x.pdf", "--serials", "2"], ExitCode.USAGE, "carries no code"),
        (["print", "appendix-i", "-o", "x.pdf", "--serials", "9999"], ExitCode.USAGE, "1 to 500"),
        (
            ["add", "own", "--blank", "a.pdf", "--boxes", "b.json"],
            ExitCode.NOTHING_DONE,
            "b.json: there is no such file",
        ),
        (["add", "own", "--blank", "a.pdf"], ExitCode.USAGE, "--boxes"),
    ],
)
def test_wrong_use_is_said_in_one_line(
    arguments: list[str], code: ExitCode, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["template", *arguments]) == code
    complaint = capsys.readouterr().err
    assert said in complaint
    assert complaint.count("\n") == 1


def test_one_faulty_template_does_not_hide_the_others(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = folder / "templates" / "bad"
    bad.mkdir(parents=True)
    (bad / "template.yaml").write_text("id: bad\ncolour: red\n", encoding="utf-8")
    assert main(["template", "list"]) == ExitCode.NOTHING_DONE
    said = capsys.readouterr()
    assert "appendix-i" in said.out
    assert "hue-2019" in said.out
    assert "template.yaml:2: unknown key" in said.err


def test_a_shipped_forms_name_is_not_taken(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What was read with the shipped form would no longer be readable."""
    blank, boxes = tmp_path / "blank.pdf", tmp_path / "boxes.json"
    blank.write_bytes(b"%PDF-1.4")
    boxes.write_text("{}", encoding="utf-8")
    given = ["--blank", str(blank), "--boxes", str(boxes), "--db", str(tmp_path / "a.sqlite")]
    assert main(["template", "add", "appendix-i", *given]) == 2
    assert "appendix-i" in capsys.readouterr().err
    assert not (tmp_path / "templates" / "appendix-i").exists()
