"""Workbook, web page and notice: what can be measured of them on one small record."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pypdfium2
import pytest

from ballotscan.i18n import use_language
from ballotscan.report.html import report_html
from ballotscan.report.notice import write_notice
from ballotscan.report.pdf import notice_pdf
from ballotscan.report.rows import read_ballots
from ballotscan.report.workbook import report_xlsx
from tests.unit.record import Office
from tests.unit.report.test_figures import figures_of, office, report_of

__all__ = ["office"]

POINT_MM = 25.4 / 72


@pytest.fixture
def book(office: Office) -> Any:
    """With a hostile opinion, as people write them into boxes."""
    figures = figures_of(office)
    with office.open() as store:
        ballots = read_ballots(store, figures)
    opinions = [
        ("box 1/00001", "hom-phieu", '=HYPERLINK("http://x.vn","+1")'),
        ("b", "c", "-1+1"),
        ("b", "c", "@a"),
    ]
    return openpyxl.load_workbook(io.BytesIO(report_xlsx(report_of(figures), ballots, opinions)))


def test_numbers_are_numbers(book: Any) -> None:
    indices = next(sheet for sheet in book.worksheets if "Named indices" in sheet.title)
    heads = [cell.value for cell in indices[3]]
    assert heads == ["Index", "Value", "Out of", "95% interval, from", "95% interval, to"]
    name, value, out_of, *_ends = next(indices.iter_rows(min_row=4))
    assert name.value == "Satisfied answers over all answers"
    assert (value.value, value.number_format) == (0.8571, "0.00%")
    assert (out_of.value, out_of.number_format) == (21, "#,##0")
    mean = next(row for row in indices.iter_rows(min_row=4) if row[0].value.startswith("Mean level"))
    assert (mean[1].value, mean[1].number_format) == (2.43, "0.00")
    answers = next(sheet for sheet in book.worksheets if "Answers to H1" in sheet.title)
    assert [cell.value for cell in answers[3]][1:3] == ["Rất hài lòng", "Rất hài lòng, %"]
    assert [cell.value for cell in answers[4]][1:3] == [3, 0.6]  # of 1 1 2 3 1


def test_no_text_begins_a_formula(book: Any) -> None:
    cells = [cell for sheet in book.worksheets for row in sheet.iter_rows() for cell in row]
    assert {cell.data_type for cell in cells} <= {"s", "n", "inlineStr"}
    texts = [cell.value for cell in cells if isinstance(cell.value, str)]
    assert [text for text in texts if text[:1] in ("=", "@", "+") or text.startswith("-1")] == []
    assert next(row[2].value for row in book["Opinions"].iter_rows(min_row=2)).startswith("'=HYPERLINK")


def test_sheets_stay_readable_when_scrolled_and_printed(book: Any) -> None:
    contents, *sheets = book.worksheets
    assert [cell.value for cell in contents["A"]][1] == "PROVISIONAL"
    links = [cell.hyperlink.location for cell in contents["A"] if cell.hyperlink]
    assert [link.split("!")[0].strip("'") for link in links] == [
        sheet.title for sheet in sheets if sheet.title[0].isdigit()
    ]
    for sheet in sheets:
        assert sheet.freeze_panes in ("B4", "B2")
        assert "PROVISIONAL" in sheet.oddHeader.right.text
        assert sheet.print_title_rows
        assert all(8 <= column.width <= 100 for column in sheet.column_dimensions.values())


def test_a_row_for_every_ballot(book: Any) -> None:
    rows = list(book["Ballots hue-2019"].values)
    assert rows[0] == ("ballot", "unit", "channel", "linh_vuc", "H1", "H2", "H3", "H4", "H5")
    assert [row[4:] for row in rows[1:]] == [
        (1, 1, 2, 1, 1),
        (1, 2, None, 1, 2),  # empty: blank
        (2, 2, 3, "!", 1),  # two options of which one may be chosen
        (3, None, None, 2, 3),
        (1, 1, 1, 1, 1),
    ]


# --- the web page ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.mark.parametrize("width_px", [360, 1280])
def test_the_page_is_read_on_a_phone_too_and_asks_nobody_for_anything(
    office: Office, tmp_path: Path, chromium: Any, width_px: int
) -> None:
    (tmp_path / "page.html").write_text(report_html(report_of(figures_of(office))), encoding="utf-8")
    context = chromium.new_context(viewport={"width": width_px, "height": 800}, java_script_enabled=False)
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto((tmp_path / "page.html").as_uri())
    assert len(asked) == 1
    assert page.locator("main").bounding_box()["width"] <= width_px
    for box in page.locator("p, h1, h2, h3, .wide, figure").all():
        found = box.bounding_box()
        assert found is None or found["x"] + found["width"] <= width_px + 1
    stamp, agency = page.locator(".stamp").bounding_box(), page.locator("header p").first.bounding_box()
    assert stamp["y"] + stamp["height"] <= agency["y"]  # it hides nothing
    context.close()


# --- the notice ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("paper", "least_mm"), [("a4", 3.6), ("a3", 5.1)])
def test_the_notice_is_read_from_two_metres(office: Office, paper: Any, least_mm: float) -> None:
    """Capitals of 2.9 mm fill the 5 minutes of arc that normal sight reads from 2 m away."""
    use_language("en")
    figures = figures_of(office)
    pdf = pypdfium2.PdfDocument(notice_pdf(write_notice(figures, report_of(figures), paper)))
    assert len(pdf) == 1
    text = pdf[0].get_textpage()
    capitals = [
        text.get_charbox(n) for n in range(text.count_chars()) if text.get_text_range(n, 1) in "BDEFHIKLNPRT"
    ]
    assert len(capitals) > 10
    assert min(top - bottom for _left, bottom, _right, top in capitals) * POINT_MM >= least_mm
    pdf.close()
