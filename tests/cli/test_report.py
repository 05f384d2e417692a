"""Each programme: one command makes its sample data, one its report set. The documents are opened, rendered
and measured, and their figures held against a count of the exports that shares nothing with the program's.
"""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import docx
import openpyxl
import pypdfium2
import pyreadstat
import pytest
import yaml

from ballotscan.cli import main
from ballotscan.errors import ExitCode
from ballotscan.i18n import use_language
from ballotscan.settings import shipped

PERIODS = {
    "ha-noi-2019": "2019-06-01..2019-11-29",
    "ha-noi-2017": "2017",
    "phuong-duc-2023": "2023Q1",
    "hai-phong-2018": "2018",
    "dak-nong-2023": "2023-07-27..2023-10-27",
}
MM = 72 / 25.4  # points


@dataclass(frozen=True)
class Office:
    """A programme's folder with its report set."""

    name: str
    folder: Path

    @property
    def period(self) -> str:
        return PERIODS[self.name]

    def file(self, ending: str, form: str = "") -> Path:
        stem = f"{self.name}-{self.period.replace('..', '-den-')}"
        return self.folder / "out" / f"{stem}{'-' + form if form else ''}{ending}"


@pytest.fixture(scope="module", params=PERIODS)
def office(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    folder = tmp_path_factory.mktemp("office") / request.param
    with pytest.MonkeyPatch.context() as patch:
        for name in ("BALLOTSCAN_DB", "BALLOTSCAN_SETTINGS"):
            patch.delenv(name, raising=False)
        patch.chdir(folder.parent)
        assert main(["--lang", "en", "programme", "init", request.param]) == ExitCode.OK
        patch.chdir(folder)
        assert main(["report", PERIODS[request.param], "--folder", "out"]) == ExitCode.OK
        yield Office(request.param, folder)
    use_language("en")


# --- the independent count: of the exports, by hand -----------------------------------------------------


def exported(office: Office, form: str) -> list[tuple[str, dict[str, str]]]:
    """Channel and cells of every row of this form's exports of the period, whatever tool wrote them."""
    rows: list[tuple[str, dict[str, str]]] = []
    for path in sorted(
        (office.folder / "samples").glob(f"*-{form}-{office.period.replace('..', '-den-')}.*")
    ):
        if path.name.endswith(".mapping.yaml"):
            continue
        channel = path.name.split(f"-{form}-")[0]
        if path.suffix == ".csv":
            text = path.read_text(encoding="utf-8-sig")
            found = csv.DictReader(io.StringIO(text), delimiter=";" if text.startswith("id;") else ",")
            rows += [(channel, row) for row in found]
        elif path.suffix == ".json":
            rows += [(channel, row) for row in json.loads(path.read_text(encoding="utf-8"))["results"]]
        else:
            lines = list(openpyxl.load_workbook(path).worksheets[0].values)
            rows += [(channel, dict(zip(lines[0], line, strict=True))) for line in lines[1:]]  # type: ignore[arg-type]
    return rows


def counted_again(office: Office, form: str) -> Counter[tuple[str, str]]:
    """How often each option of each question was chosen, by the exports, second ballots of one person too."""
    template = yaml.safe_load((shipped("templates") / form / "template.yaml").read_text(encoding="utf-8"))
    scales = {name: scale["options"] for name, scale in template["scales"].items()}
    questions = [(s, q) for s in template["sections"] for q in s.get("questions", [])]
    found: Counter[tuple[str, str]] = Counter()
    for _channel, row in exported(office, form):
        for section, question in questions:
            options = question.get("options") or scales.get(question.get("scale") or section.get("scale"))
            options = options or template["lists"][question["options_from"]]
            names = (question["id"], f"danh_gia/{question['id']}", question["text"], f"[{question['text']}]")
            cell = next((str(v or "") for k, v in row.items() if k in names or k.endswith(names[3])), "")
            code = next((str(o["code"]) for o in options if cell in (str(o["code"]), o["label"])), "")
            found[question["id"], code] += 1
    return found


def repeated(office: Office, form: str) -> int:
    """Ballots by a mail address that had answered before."""
    mails = [row.get("Địa chỉ email") or row.get("Email") for _channel, row in exported(office, form)]
    return sum(count - 1 for count in Counter(mail for mail in mails if mail).values())


def test_every_figure_is_that_of_the_exports(office: Office) -> None:
    data = json.loads(office.file(".json").read_text(encoding="utf-8"))
    assert data["forms"]
    for form in data["forms"]:
        again, void = counted_again(office, form["form"]), repeated(office, form["form"])
        ballots = len(exported(office, form["form"]))
        assert form["sheets"]["counted"] == ballots - void
        assert form["sheets"]["set_aside"] == void
        for question in form["groups"][0]["questions"]:
            places = sum(question[name] for name in ("answered", "blank", "invalid", "awaiting"))
            assert places == question["ballots"] == ballots - void
            assert sum(option["count"] for option in question["options"]) == question["answered"]
            differing = sum(abs(again[question["id"], o["code"]] - o["count"]) for o in question["options"])
            differing += abs(again[question["id"], ""] - question["blank"])
            assert differing == void  # each ballot set aside is one answer less
    top2 = {(i["form"], i["name"]): i for i in data["indices"]}
    for form in data["forms"]:
        if not repeated(office, form["form"]):
            index = top2[form["form"], "top2_of_answers"]
            assert index["value"] == pytest.approx(
                float(satisfied_again(office, form["form"]) * 100), abs=0.005
            )


def satisfied_again(office: Office, form: str) -> Fraction:
    template = yaml.safe_load((shipped("templates") / form / "template.yaml").read_text(encoding="utf-8"))
    again = counted_again(office, form)
    entering = [
        (
            q["id"],
            [
                str(c)
                for c in q.get("satisfied") or template["scales"][q.get("scale") or s["scale"]]["satisfied"]
            ],
        )
        for s in template["sections"]
        if s.get("in_index")
        for q in s["questions"]
    ]
    yes = sum(again[name, code] for name, codes in entering for code in codes)
    return Fraction(yes, sum(n for (name, code), n in again.items() if code and name in dict(entering)))


def test_all_documents_say_the_same(office: Office) -> None:
    """The tables of Word, web page and workbook are one; so is the lead sentence, by the JSON's figure."""
    word = docx.Document(str(office.file(".docx")))
    page = office.file(".html").read_text(encoding="utf-8")
    grids = [
        [[c.text for c in row.cells] for row in t.rows]
        for t in word.tables
        if t.style and t.style.name == "Table Grid"
    ]
    assert len(grids) > 6
    for grid in grids:
        for row in grid:
            assert all(f">{escaped(cell)}<" in page for cell in row), row
    book = openpyxl.load_workbook(office.file(".xlsx"))
    sheets = [sheet for sheet in book.worksheets if sheet.title.startswith("Bảng")]
    assert len(sheets) == len(grids)
    for sheet, grid in zip(sheets, grids, strict=True):
        written = [row[: len(grid[0])] for row in sheet.iter_rows(min_row=3, values_only=True)]
        for row, expected in zip(written, grid, strict=False):
            assert [plain(cell) for cell in row] == [plain(text) for text in expected]
    data = json.loads(office.file(".json").read_text(encoding="utf-8"))
    chosen = yaml.safe_load((office.folder / "programme.yaml").read_text(encoding="utf-8"))["index"]["name"]
    value = next(index["value"] for index in data["indices"] if index["name"] == chosen)
    lead = next(p.text for p in word.paragraphs if p.text.startswith("Theo chỉ số của chương trình"))
    assert f"là {value:.2f}".replace(".", ",") in lead


def escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("'", "&#x27;")


def plain(cell: Any) -> str:
    """A count is a number in the workbook and has marks of thousands on paper."""
    text = "" if cell is None else str(cell).removeprefix("'")
    return text.replace(".", "") if re.fullmatch(r"[\d.]+", text) else text


def test_balance_and_prose_come_from_one_table(office: Office) -> None:
    word = docx.Document(str(office.file(".docx")))
    grid = [[cell.text for cell in row.cells] for row in word.tables[1].rows]
    total = grid[-1]
    text = next(p.text for p in word.paragraphs if p.text.startswith("Trong "))
    assert text.startswith(f"Trong {total[5]} phiếu thu về có {total[6]} phiếu hợp lệ")
    for row in grid[1:]:
        received, *places = (int(cell.replace(".", "")) for cell in row[5:])
        assert received == sum(places)


# --- the layout of decree 30/2020/NĐ-CP ------------------------------------------------------------------


def test_the_word_document_keeps_to_the_decree(office: Office) -> None:
    word = docx.Document(str(office.file(".docx")))
    section = word.sections[0]
    assert (round(section.page_width.mm), round(section.page_height.mm)) == (210, 297)
    for margin, least, most in (("top", 20, 25), ("bottom", 20, 25), ("left", 30, 35), ("right", 15, 20)):
        assert least <= round(getattr(section, f"{margin}_margin").mm) <= most
    fonts = {
        run.font.name for paragraph in all_paragraphs(word) for run in paragraph.runs if run.text.strip()
    }
    assert fonts == {"Times New Roman"}
    body = [p for p in word.paragraphs if p.paragraph_format.first_line_indent and len(p.text) > 90]
    assert {run.font.size.pt for p in body for run in p.runs} <= {13, 13.5, 14}
    assert all(round(p.paragraph_format.first_line_indent.mm, 1) == 12.7 for p in body)
    country, motto = word.tables[0].rows[0].cells[1].paragraphs
    assert (country.text, motto.text) == ("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", "Độc lập - Tự do - Hạnh phúc")
    assert country.runs[0].bold
    assert 12 <= country.runs[0].font.size.pt <= 13 <= motto.runs[0].font.size.pt <= 14
    assert section.different_first_page_header_footer
    assert "PAGE" in section.header._element.xml
    assert "PAGE" not in section.first_page_header._element.xml
    for header in (section.header, section.first_page_header):
        assert "TẠM TÍNH" in "".join(p.text for p in header.paragraphs)


def all_paragraphs(word: Any) -> list[Any]:
    cells = [cell for table in word.tables for row in table.rows for cell in row.cells]
    return [*word.paragraphs, *(paragraph for cell in cells for paragraph in cell.paragraphs)]


def check_pages(path: Path) -> None:
    """Text within the margins; from page 2 on the number in the middle of the top margin; a stamp on each."""
    pdf = pypdfium2.PdfDocument(path)
    assert len(pdf) > 3
    for number, page in enumerate(pdf, start=1):
        width, height = page.get_size()
        assert (round(width / MM), round(height / MM)) == (210, 297)
        text = page.get_textpage()
        lines = [
            (text.get_rect(n), text.get_text_bounded(*text.get_rect(n))) for n in range(text.count_rects())
        ]
        assert any("TẠM TÍNH" in said for _box, said in lines)
        # To the right there may be a blank after the last word, beyond the margin of 15 mm.
        body = [(box, said) for box, said in lines if box[3] < height - 18 * MM and said.strip()]
        assert all(
            box[0] > 29 * MM and box[2] < width - 13 * MM and box[1] > 17 * MM for box, _said in body
        ), number
        head = [(box, said.strip()) for box, said in lines if box[1] > height - 20 * MM]
        numbers = [box for box, said in head if said.isdigit()]
        assert len(numbers) == (number > 1)
        for box in numbers:
            middle = (box[0] + box[2]) / 2 / MM
            assert abs(middle - (30 + 165 / 2)) < 3  # of the text between the margins
    pdf.close()


def test_the_pdf_keeps_to_the_decree(office: Office) -> None:
    check_pages(office.file(".pdf"))
    fonts = subprocess.run(
        ["pdffonts", str(office.file(".pdf"))], capture_output=True, text=True, check=True
    ).stdout
    listed = [line.split() for line in fonts.splitlines()[2:]]
    assert listed
    assert all("Tinos" in line[0] for line in listed), fonts
    assert all(line[-5] == "yes" for line in listed)  # embedded


def test_word_and_page_can_be_rendered(office: Office, tmp_path: Path) -> None:
    """By the programs that offices have: LibreOffice for Word's document, Chromium for the web page."""
    soffice = shutil.which("soffice")
    assert soffice, "LibreOffice is missing: start.py test installs it"
    command = [
        soffice,
        f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}",
        "--headless",
        "--convert-to",
        "pdf",
    ]
    subprocess.run(
        [*command, "--outdir", str(tmp_path), str(office.file(".docx"))],
        check=True,
        capture_output=True,
        timeout=240,
    )
    check_pages(tmp_path / office.file(".pdf").name)
    browser = shutil.which("chromium")
    assert browser, "Chromium is missing: start.py test installs it"
    shot = tmp_path / "page.png"
    subprocess.run(
        [browser, "--headless", "--no-sandbox", "--disable-gpu", "--window-size=1000,1400",
         f"--screenshot={shot}", f"--user-data-dir={tmp_path / 'browser'}", office.file(".html").as_uri()],
        check=True, capture_output=True, timeout=240,
    )  # fmt: skip
    from PIL import Image

    grey = Image.open(shot).convert("L")
    assert 0.01 < sum(grey.histogram()[:100]) / (grey.width * grey.height) < 0.5  # something is written on it
    page = office.file(".html").read_text(encoding="utf-8")
    assert re.findall(r"(?:src|href)=|url\(|<script", page) == []
    assert set(re.findall(r"https?://[^\"]+", page)) <= {"http://www.w3.org/2000/svg"}


def test_the_notice_is_one_page(office: Office) -> None:
    for paper, width, height in (("a4", 210, 297), ("a3", 297, 420)):
        path = office.file(f".{paper}.pdf")
        if path.exists():
            pdf = pypdfium2.PdfDocument(path)
            assert len(pdf) == 1
            assert tuple(round(size / MM) for size in pdf[0].get_size()) == (width, height)
            assert "TẠM TÍNH" in pdf[0].get_textpage().get_text_range()
            pdf.close()
    notices = [
        each
        for each in yaml.safe_load((office.folder / "programme.yaml").read_text("utf-8"))["reports"]
        if "notice" in each
    ]
    assert len(notices) == sum(office.file(f".{paper}.pdf").exists() for paper in ("a4", "a3"))


# --- data ------------------------------------------------------------------------------------------------


def test_open_data_fits_its_schema(office: Office) -> None:
    rows = list(csv.reader(io.StringIO(office.file(".csv").read_text(encoding="utf-8-sig"))))
    schema = json.loads(office.file(".csv-schema.json").read_text(encoding="utf-8"))
    assert [field["name"] for field in schema["fields"]] == rows[0]
    kinds = {"integer": r"\d*", "number": r"[\d.]*", "date": r"(\d{4}-\d\d-\d\d)?", "string": r"(?s).*"}
    for row in rows[1:]:
        for field, cell in zip(schema["fields"], row, strict=True):
            assert re.fullmatch(kinds[field["type"]], cell), (field, cell)
    data = json.loads(office.file(".json").read_text(encoding="utf-8"))
    known = json.loads(office.file(".json-schema.json").read_text(encoding="utf-8"))
    assert set(known["required"]) <= data.keys()
    assert all(
        set(known["properties"]["indices"]["items"]["required"]) <= index.keys() for index in data["indices"]
    )


def test_single_ballots_give_the_same_counts(office: Office) -> None:
    data = json.loads(office.file(".json").read_text(encoding="utf-8"))
    book = openpyxl.load_workbook(office.file(".xlsx"), read_only=True)
    for form in data["forms"]:
        rows = list(book[f"Phiếu {form['form']}"[:31]].values)
        assert len(rows) - 1 == form["sheets"]["counted"]
        of_excel = {name: Counter(row[n] for row in rows[1:]) for n, name in enumerate(rows[0])}
        of_spss: dict[Any, Counter[Any]] = {}
        if office.file(".sav", form["form"]).exists():
            frame, about = pyreadstat.read_sav(str(office.file(".sav", form["form"])))
            assert len(frame) == form["sheets"]["counted"]
            of_spss = {name: Counter(frame[name].dropna()) for name in frame.columns}
            assert about.column_names_to_labels["ballot"] == "Phiếu"
        for question in form["groups"][0]["questions"]:
            for option in question["options"]:
                assert of_excel[question["id"]][int(option["code"])] == option["count"]
                if of_spss:
                    assert of_spss[question["id"]][float(option["code"])] == option["count"]
