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
import fastjsonschema
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


def counting(office: Office, form: str) -> list[tuple[str, dict[str, str]]]:
    """Channel and codes by question of the ballots that count; not a second one of the same mail address."""
    template = yaml.safe_load((shipped("templates") / form / "template.yaml").read_text(encoding="utf-8"))
    scales = {name: scale["options"] for name, scale in template["scales"].items()}
    found, seen = [], set()
    for channel, row in exported(office, form):
        mail = row.get("Địa chỉ email") or row.get("Email")
        if mail in seen:
            continue
        seen |= {mail} if mail else set()
        answers = {}
        for section, question in ((s, q) for s in template["sections"] for q in s.get("questions", [])):
            options = question.get("options") or scales.get(question.get("scale") or section.get("scale"))
            options = options or template["lists"][question["options_from"]]
            names = (question["id"], f"danh_gia/{question['id']}", question["text"], f"[{question['text']}]")
            cell = next((str(v or "") for k, v in row.items() if k in names or k.endswith(names[3])), "")
            codes = (str(o["code"]) for o in options if cell in (str(o["code"]), o["label"]))
            answers[question["id"]] = next(codes, "")
        found.append((channel, answers))
    return found


@dataclass(frozen=True)
class Asked:
    """What a template says of a question that enters the index."""

    id: str
    factor: str
    satisfied: tuple[str, ...]


def entering(form: str) -> list[Asked]:
    template = yaml.safe_load((shipped("templates") / form / "template.yaml").read_text(encoding="utf-8"))
    return [
        Asked(
            q["id"],
            q.get("factor") or s.get("factor"),
            tuple(
                str(code)
                for code in q.get("satisfied")
                or template["scales"][q.get("scale") or s["scale"]]["satisfied"]
            ),
        )
        for s in template["sections"]
        if s.get("in_index")
        for q in s["questions"]
    ]


def top2(ballots: list[dict[str, str]], asked: list[Asked]) -> tuple[int, int]:
    """Satisfied answers, and answers."""
    given = [(ballot[q.id], q.satisfied) for ballot in ballots for q in asked if ballot[q.id]]
    return sum(code in satisfied for code, satisfied in given), len(given)


def index_again(name: str, ballots: list[dict[str, str]], asked: list[Asked]) -> Fraction:
    if name == "top2_of_ballots":
        return Fraction(top2(ballots, asked)[0], len(ballots) * len(asked))
    if name == "mean_of_factor_rates":
        factors = {q.factor for q in asked}
        rates = [Fraction(*top2(ballots, [q for q in asked if q.factor == f])) for f in factors]
        return sum(rates) / len(rates)
    assert name == "top2_of_answers"
    return Fraction(*top2(ballots, asked))


def vi_percent(share: Fraction) -> str:
    """Rounded half up to two decimals, as Vietnamese writes it."""
    hundredths = int(share * 10_000 + Fraction(1, 2))
    return f"{hundredths // 100},{hundredths % 100:02d}%"


def vi_count(number: int) -> str:
    return f"{number:,}".replace(",", ".")


def chosen_index(office: Office) -> str:
    programme = yaml.safe_load((office.folder / "programme.yaml").read_text(encoding="utf-8"))
    return str(programme["index"]["name"])


def expected_cells(office: Office, form: str) -> Iterator[tuple[str, list[str]]]:
    """The first cell's beginning, and the cells after it, of every row that the exports alone decide."""
    given = counting(office, form)
    ballots, asked, name = [answers for _channel, answers in given], entering(form), chosen_index(office)
    template = yaml.safe_load((shipped("templates") / form / "template.yaml").read_text(encoding="utf-8"))
    for question in asked:
        answers = [ballot[question.id] for ballot in ballots]
        own = [str(o["code"]) for o in _options_of(template, question.id)]
        answered = sum(bool(answer) for answer in answers)
        chosen = [sum(a == code for a in answers) for code in own]
        chosen.append(sum(a in question.satisfied for a in answers))
        cells = [f"{vi_count(n)} ({vi_percent(Fraction(n, answered))})" for n in chosen]
        yield f"{question.id}. ", [*cells, vi_count(answered), vi_count(len(answers) - answered), "0"]
    channels = {each["id"]: each["name"] for each in _programme(office)["channels"]}
    of_form = {channel for channel, _answers in given}
    for channel in of_form if len(of_form) > 1 else ():
        theirs = [answers for each, answers in given if each == channel]
        value = vi_percent(index_again(name, theirs, asked))
        yield channels[channel], [vi_count(len(theirs)), value]


def _options_of(template: dict[str, Any], question: str) -> list[dict[str, Any]]:
    for section in template["sections"]:
        for each in section.get("questions", []):
            if each["id"] == question:
                scale = each.get("scale") or section.get("scale")
                return list(each.get("options") or template["scales"][scale]["options"])
    return []


def _programme(office: Office) -> dict[str, Any]:
    return dict(yaml.safe_load((office.folder / "programme.yaml").read_text(encoding="utf-8")))


def rows_of(word: Any) -> list[list[str]]:
    return [[cell.text for cell in row.cells] for table in word.tables for row in table.rows]


def test_every_figure_is_that_of_the_exports(office: Office) -> None:
    data = json.loads(office.file(".json").read_text(encoding="utf-8"))
    rows = rows_of(docx.Document(str(office.file(".docx"))))
    assert data["forms"]
    for form in data["forms"]:
        ballots = [answers for _channel, answers in counting(office, form["form"])]
        assert form["sheets"]["counted"] == len(ballots)
        assert form["sheets"]["set_aside"] == len(exported(office, form["form"])) - len(ballots)
        for question in form["groups"][0]["questions"]:
            answers = Counter(ballot[question["id"]] for ballot in ballots)
            places = sum(question[name] for name in ("answered", "blank", "invalid", "awaiting"))
            assert places == question["ballots"] == len(ballots)
            assert question["blank"] == answers[""]
            for option in question["options"]:
                assert option["count"] == answers[option["code"]]
        checked = 0
        for first, cells in expected_cells(office, form["form"]):
            found = [row for row in rows if row[0].startswith(first) and row[1 : 1 + len(cells)] == cells]
            assert found, (first, cells)
            checked += 1
        assert checked >= len(entering(form["form"]))


def test_the_index_is_that_of_the_exports_in_every_document(office: Office) -> None:
    word = docx.Document(str(office.file(".docx")))
    page = office.file(".html").read_text(encoding="utf-8")
    printed = pdf_text(office.file(".pdf"))
    name = chosen_index(office)
    forms = [each["form"] for each in _programme(office)["forms"]]
    for form in forms:
        ballots = [answers for _channel, answers in counting(office, form)]
        value = vi_percent(index_again(name, ballots, entering(form)))
        said = f"mức độ hài lòng là {value}"
        assert any(said in paragraph.text for paragraph in word.paragraphs), said
        assert said in page
        assert said.replace(" ", "") in printed
        for factor in {q.factor for q in entering(form)}:
            asked = [q for q in entering(form) if q.factor == factor]
            share = vi_percent(Fraction(*top2(ballots, asked)))
            assert any(row[1:3] == [vi_count(len(ballots)), share] for row in rows_of(word)), (factor, share)
    first = [answers for _channel, answers in counting(office, forms[0])]
    large = vi_percent(index_again(name, first, entering(forms[0])))
    for paper in ("a4", "a3"):
        if office.file(f".{paper}.pdf").exists():
            posted = pdf_text(office.file(f".{paper}.pdf"))
            assert large in posted
            assert vi_count(len(first)) in posted


def pdf_text(path: Path) -> str:
    """All words of a PDF without the blanks between them."""
    pdf = pypdfium2.PdfDocument(path)
    text = "".join(page.get_textpage().get_text_range() for page in pdf)
    pdf.close()
    return "".join(text.split())


def test_all_documents_say_the_same(office: Office) -> None:
    """The tables of Word, PDF, web page and workbook are one, cell for cell."""
    word = docx.Document(str(office.file(".docx")))
    page = office.file(".html").read_text(encoding="utf-8")
    printed = pdf_text(office.file(".pdf"))
    grids = [[[c.text for c in row.cells] for row in t.rows] for t in word.tables if bordered(t)]
    assert len(grids) > 6
    for grid in grids:
        for row in grid:
            assert all(f">{escaped(cell)}<" in page for cell in row), row
            assert all("".join(cell.split()) in printed for cell in row), row
    book = openpyxl.load_workbook(office.file(".xlsx"))
    sheets = [sheet for sheet in book.worksheets if re.match(r"\d+\. ", sheet.title)]
    assert len(sheets) == len(grids)
    for sheet, grid in zip(sheets, grids, strict=True):
        assert sheet.freeze_panes == "B4"
        for row, expected in zip(sheet.iter_rows(min_row=4, values_only=True), grid[1:], strict=False):
            assert str(row[0]).removeprefix("'") == expected[0]
            written = [cell for cell in row[1:] if isinstance(cell, int | float)]
            assert written == pytest.approx([n for text in expected[1:] for n in numbers(text)])


def bordered(table: Any) -> bool:
    return "tblBorders" in table._tbl.tblPr.xml


def numbers(text: str) -> list[float]:
    """The numbers in a cell, percentages as shares of 1; none of a cell that is words or a hash."""
    if not re.fullmatch(r"[\d.,%()– ]+", text) or re.fullmatch(r"(\d{4} )+\d{4}", text):
        return []
    found = [n.replace(".", "").replace(",", ".") for n in re.findall(r"\d[\d.,]*", text)]
    shares = [("–" in text) or ("," in raw and "%" in text) for raw in re.findall(r"\d[\d.,]*", text)]
    return [float(n) / 100 if share else float(n) for n, share in zip(found, shares, strict=True)]


def escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("'", "&#x27;")


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
    country, motto, rule = word.tables[0].rows[0].cells[1].paragraphs
    assert (country.text, motto.text) == ("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", "Độc lập - Tự do - Hạnh phúc")
    assert country.runs[0].bold
    assert 12 <= country.runs[0].font.size.pt <= 13 <= motto.runs[0].font.size.pt <= 14
    assert "w:top" in rule._p.xml  # the motto's rule
    check_head_and_foot(word, _programme(office)["agency"])
    assert section.different_first_page_header_footer
    assert "PAGE" in section.header._element.xml
    assert "PAGE" not in section.first_page_header._element.xml
    for header in (section.header, section.first_page_header):
        assert "TẠM TÍNH" in "".join(p.text for p in header.paragraphs)


def check_head_and_foot(word: Any, agency: dict[str, Any]) -> None:
    """Agency, number, day, type and subject, recipients and signer, each in its place, size and weight."""
    parent, name, rule = word.tables[0].rows[0].cells[0].paragraphs
    assert (parent.text, name.text) == (agency["parent"], agency["name"])
    assert [parent.runs[0].bold, name.runs[0].bold] == [False, True]
    assert {12.5} == {parent.runs[0].font.size.pt, name.runs[0].font.size.pt}
    line_mm = 165 * 0.43 - 2 * rule.paragraph_format.left_indent.mm
    assert 165 * 0.43 / 3 <= line_mm <= 165 * 0.43 / 2
    number, place = (cell.paragraphs[0] for cell in word.tables[0].rows[1].cells)
    assert (number.text, number.runs[0].font.size.pt) == (f"Số: ……/BC-{agency['abbreviation']}", 13)
    assert re.fullmatch(rf"{agency['place']}, ngày \d\d tháng (0[12]|[3-9]|1[0-2]) năm \d{{4}}", place.text)
    assert place.runs[0].italic
    kind, subject = word.paragraphs[:2]
    assert kind.text == "BÁO CÁO"
    assert all(p.runs[0].bold and p.runs[0].font.size.pt == 14 for p in (kind, subject))
    recipients, signer = next(t for t in word.tables if "Nơi nhận" in t.rows[0].cells[0].text).rows[0].cells
    title, *listed = recipients.paragraphs
    assert (title.runs[0].font.size.pt, title.runs[0].bold, title.runs[0].italic) == (12, True, True)
    assert {run.font.size.pt for p in listed for run in p.runs} == {11}
    assert listed[-1].text == "- Lưu: VT."
    assert (signer.paragraphs[0].text, signer.paragraphs[0].runs[0].bold) == (agency["signer"], True)


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
        # A line's last blank hangs over into the margin of 15 mm, by as much as justifying widens it.
        body = [(box, said) for box, said in lines if box[3] < height - 18 * MM and said.strip()]
        for box, said in body:
            right = 10 if said != said.rstrip() else 14
            assert box[0] > 29 * MM and box[2] < width - right * MM and box[1] > 17 * MM, (number, said)
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
    fits = fastjsonschema.compile(json.loads(office.file(".json-schema.json").read_text(encoding="utf-8")))
    fits(data)
    data["forms"][0]["groups"][0]["questions"][0]["blank"] = -1
    with pytest.raises(fastjsonschema.JsonSchemaValueException, match="blank"):
        fits(data)


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
