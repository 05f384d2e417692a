"""An office's own Word file: placeholders wherever they stand, and one clear line for what is wrong."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import docx
import pytest
from docx.shared import Mm

from ballotscan.errors import BallotscanError
from ballotscan.report.own_template import PLACEHOLDERS, example_template, fill_template, values_of
from tests.unit.record import Office
from tests.unit.report.test_figures import figures_of, office, report_of

__all__ = ["office"]


def filled(office: Office, path: Path) -> Any:
    figures = figures_of(office)
    document = report_of(figures)
    return docx.Document(io.BytesIO(fill_template(path, document, values_of(figures, document))))


def saved(word: Any, path: Path) -> Path:
    word.save(str(path))
    return path


def whole_text(word: Any) -> str:
    parts = [word.element.body, *(part._element for s in word.sections for part in (s.header, s.footer))]
    return "\n".join("".join(each.itertext()) for each in parts)


def test_the_example_holds_every_placeholder_and_can_be_filled(office: Office, tmp_path: Path) -> None:
    path = tmp_path / "mine.docx"
    path.write_bytes(example_template())
    held = whole_text(docx.Document(str(path)))
    assert {name for name in PLACEHOLDERS if f"{{{{{name}}}}}" in held} == set(PLACEHOLDERS)
    word = filled(office, path)
    text = whole_text(word)
    assert "{{" not in text
    for said in ("The index is 85.71%", "of 5 valid ballots out of 5 received", "RESULTS", "Appendix I"):
        assert said in text
    # the report, then the signature, then the appendix
    assert text.index("RESULTS") < text.index("Recipients:") < text.index("Appendix I")


def test_page_styles_headers_and_texts_of_the_office_stay(office: Office, tmp_path: Path) -> None:
    mine = docx.Document()
    section = mine.sections[0]
    section.left_margin = Mm(33)
    section.header.paragraphs[0].text = "Our header"
    section.footer.paragraphs[0].text = "{{co_quan}}"
    mine.add_paragraph("Our own first line")
    cut = mine.add_paragraph("Index: ")
    for piece in ("{", "{chi_", "so}", "} of {{ so_phieu_hop_le }}."):  # as Word cuts what was edited
        cut.add_run(piece).bold = piece == "{"
    mine.add_table(1, 1).rows[0].cells[0].text = "{{ky}}"
    mine.add_paragraph("{{noi_dung}}")
    mine.add_paragraph("Our own last line")
    word = filled(office, saved(mine, tmp_path / "mine.docx"))
    assert round(word.sections[0].left_margin.mm) == 33
    texts = [paragraph.text for paragraph in word.paragraphs]
    assert texts[:2] == ["Our own first line", "Index: 85.71% of 5."]
    assert word.paragraphs[1].runs[1].bold  # the look of the placeholder's first letter
    assert texts[-1] == "Our own last line"
    assert "15/12/2022" in word.tables[0].rows[0].cells[0].text
    assert [p.text for p in word.sections[0].footer.paragraphs] == ["……………………"]  # no programme: dots
    assert word.sections[0].header.paragraphs[0].text == "Our header\tPROVISIONAL"


def test_every_header_is_stamped_once(office: Office, tmp_path: Path) -> None:
    mine = docx.Document()
    mine.add_paragraph("{{noi_dung}}")
    mine.add_section()  # its header is the first section's
    mine.sections[1].different_first_page_header_footer = True
    mine.sections[1].first_page_header.is_linked_to_previous = False
    word = filled(office, saved(mine, tmp_path / "mine.docx"))
    first, second = word.sections
    assert first.header.paragraphs[0].text == "PROVISIONAL"
    assert second.header.is_linked_to_previous
    assert second.first_page_header.paragraphs[0].text == "PROVISIONAL"


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["{{noi_dung}}", "{{so_hieu}}"], "the placeholder 'so_hieu' is not known"),
        (["{{co_quan}}"], "the report's place, {{noi_dung}}, must stand in it once"),
        (["{{noi_dung}}", "{{noi_dung}}"], "must stand in it once"),
        (["Our report: {{noi_dung}}"], "must hold nothing but the placeholder"),
    ],
)
def test_what_is_wrong_is_one_clear_line(
    office: Office, tmp_path: Path, lines: list[str], message: str
) -> None:
    mine = docx.Document()
    for line in lines:
        mine.add_paragraph(line)
    with pytest.raises(BallotscanError) as fault:
        filled(office, saved(mine, tmp_path / "mine.docx"))
    assert message in fault.value.message
    assert "mine.docx" in fault.value.message
    assert "\n" not in fault.value.message + fault.value.remedy


def test_no_word_file_is_named(office: Office, tmp_path: Path) -> None:
    (tmp_path / "no.docx").write_bytes(b"no")
    with pytest.raises(BallotscanError, match=r"no\.docx: this is no Word document"):
        filled(office, tmp_path / "no.docx")


def test_a_template_from_the_command_line(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ballotscan.cli import main
    from ballotscan.errors import ExitCode

    monkeypatch.chdir(office.folder)
    for name in ("BALLOTSCAN_DB", "BALLOTSCAN_SETTINGS"):
        monkeypatch.delenv(name, raising=False)
    assert main(["--lang", "en", "report"]) == ExitCode.USAGE
    assert main(["report", "--new-template", "mine.docx"]) == ExitCode.OK
    assert main(["report", "--new-template", "mine.docx"]) == ExitCode.USAGE  # nothing is overwritten
    asked = [
        "report",
        "2023Q1",
        "--format",
        "docx",
        "--template",
        "mine.docx",
        "--folder",
        str(tmp_path / "o"),
    ]
    assert main(asked) == ExitCode.OK
    (written,) = (tmp_path / "o").glob("*.docx")
    assert "85.71%" in whole_text(docx.Document(str(written)))
