"""What is printed is what the geometry says, and a scanner can find it."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import cv2
import numpy as np
import pikepdf
import pytest
import typst
import zxingcpp

from ballotscan.errors import TemplateError
from ballotscan.forms.check import box_name, gap_mm
from ballotscan.forms.codes import SideCode, parse_payload
from ballotscan.forms.drawing import draw_copies, draw_pdf, font_folders
from ballotscan.forms.form import BoxPlace, Rect
from ballotscan.forms.load import load_form, shipped_templates
from ballotscan.forms.prints import FormPrint, load_print, rasterise

PX_PER_MM = 300 / 25.4
VIETNAMESE = (
    "ÀÁÂÃÈÉÊÌÍÒÓÔÕÙÚÝĂĐĨŨƠƯẠẢẤẦẨẪẬẮẰẲẴẶẸẺẼẾỀỂỄỆỈỊỌỎỐỒỔỖỘỚỜỞỠỢỤỦỨỪỬỮỰỲỴỶỸ"
    "àáâãèéêìíòóôõùúýăđĩũơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ"
)


def fonts_of(pdf: bytes) -> Iterator[tuple[str, bool]]:
    """Family and whether it is embedded, of every font that a PDF uses."""
    with pikepdf.open(io.BytesIO(pdf)) as document:
        for item in document.objects:
            if isinstance(item, pikepdf.Dictionary) and item.get("/Type") == "/FontDescriptor":
                name = re.sub(r"^/[A-Z]{6}\+", "", str(item["/FontName"]))
                yield name, any(key in item for key in ("/FontFile", "/FontFile2", "/FontFile3"))


def pixels(box: BoxPlace, page: np.ndarray, margin_mm: float) -> np.ndarray:
    """The page's part under a box, grown by a margin on each side."""
    rect = box.rect
    left, top = (rect.x_mm - margin_mm) * PX_PER_MM, (rect.y_mm - margin_mm) * PX_PER_MM
    right, bottom = (
        (rect.x_mm + rect.w_mm + margin_mm) * PX_PER_MM,
        (rect.y_mm + rect.h_mm + margin_mm) * PX_PER_MM,
    )
    return page[round(top) : round(bottom), round(left) : round(right)]


def all_boxes(shown: FormPrint) -> Iterator[tuple[BoxPlace, np.ndarray]]:
    for side, page in zip(shown.form.sides, shown.pages, strict=True):
        for box in side.boxes:
            yield box, page


def test_the_pdf_is_the_same_every_time(shipped_print: FormPrint) -> None:
    folder = shipped_templates() / shipped_print.form.id
    assert draw_pdf(folder) == draw_pdf(folder)


def test_all_fonts_are_embedded_and_ours(shipped_print: FormPrint) -> None:
    fonts = list(fonts_of(draw_pdf(shipped_templates() / shipped_print.form.id)))
    assert fonts
    assert all(embedded for _name, embedded in fonts)
    assert {name.split("-")[0] for name, _embedded in fonts} <= {"BeVietnamPro", "LibertinusSerif"}


@pytest.mark.parametrize("family", ["Be Vietnam Pro", "Libertinus Serif"])
@pytest.mark.parametrize("style", ['weight: "regular"', 'weight: "bold"', 'style: "italic"'])
def test_every_vietnamese_letter_is_in_the_font(family: str, style: str) -> None:
    """With a fallback allowed, a letter that is missing would bring a second font into the PDF."""

    def families(letters: str) -> set[str]:
        source = f'#set text(font: "{family}", {style})\n{letters}'.encode()
        fonts = typst.Fonts(include_system_fonts=False, font_paths=list(font_folders()))
        pdf = typst.compile(source, font_paths=fonts, ignore_system_fonts=True, format="pdf")
        assert isinstance(pdf, bytes)
        return {name for name, _embedded in fonts_of(pdf)}

    assert len(VIETNAMESE) == 134
    assert len(families(VIETNAMESE)) == 1
    assert len(families(VIETNAMESE + "\u2603")) == 2  # a snowman is in neither: the test can fail


def test_every_outline_is_printed_where_the_geometry_says(shipped_print: FormPrint) -> None:
    """The dark pixels of a box and its near surroundings span exactly its rectangle, to a pixel."""
    for box, page in all_boxes(shipped_print):
        rect = box.rect
        margin = round(1 * PX_PER_MM)
        left, top = round(rect.x_mm * PX_PER_MM) - margin, round(rect.y_mm * PX_PER_MM) - margin
        size = round(rect.w_mm * PX_PER_MM) + 2 * margin
        rows, columns = np.nonzero(page[top : top + size, left : left + size] < 128)
        found = (columns.min() + left, rows.min() + top, columns.max() + left + 1, rows.max() + top + 1)
        stated = (rect.x_mm, rect.y_mm, rect.x_mm + rect.w_mm, rect.y_mm + rect.h_mm)
        assert np.abs(np.array(found) - np.array(stated) * PX_PER_MM).max() <= 1.0, box_name(box)


def test_boxes_are_empty_and_have_free_paper_round_them(shipped_print: FormPrint) -> None:
    """Nothing is printed inside a box, nor within 1.5 mm of its outline."""
    for box, page in all_boxes(shipped_print):
        assert pixels(box, page, margin_mm=-0.5).min() == 255, box_name(box)
        around = pixels(box, page, margin_mm=1.5).copy()
        edge = round(1.4 * PX_PER_MM)
        around[edge:-edge, edge:-edge] = 255
        assert around.min() == 255, box_name(box)


def test_outlines_are_thin_and_solid(shipped_print: FormPrint) -> None:
    for box, page in all_boxes(shipped_print):
        inner, outer = pixels(box, page, -0.5), pixels(box, page, 0.1)
        ink = (outer < 128).sum() - (inner < 128).sum()
        outline = 4 * box.rect.w_mm * 0.3 * PX_PER_MM**2
        assert 0.7 * outline <= ink <= 1.3 * outline, box_name(box)


def test_appendix_i_has_what_was_asked() -> None:
    form = load_form(shipped_templates() / "appendix-i")
    boxes = [box for side in form.sides for box in side.boxes]
    assert (len(form.sides), len(form.questions), len(boxes)) == (2, 28, 135)
    assert all(4 <= box.rect.w_mm <= 5 and 4 <= box.rect.h_mm <= 5 for box in boxes)
    indexed = [question for question in form.questions if question.in_index]
    assert len(indexed) == 19
    assert all(question.satisfied == ("4", "5") for question in indexed)
    assert [sum(question.factor == factor for question in indexed) for factor in
            ("access", "procedure", "officials", "result", "feedback")] == [4, 4, 5, 3, 3]  # fmt: skip
    assert form.linh_vuc_question == "A2"
    assert form.has_codes
    kinds = {field.kind for field in form.fields}
    assert kinds == {"printed_text", "typed_text", "free_text", "write_in", "code"}


def test_hue_2019_has_what_was_asked() -> None:
    form = load_form(shipped_templates() / "hue-2019")
    boxes = [box for side in form.sides for box in side.boxes]
    assert (len(form.sides), [len(question.options) for question in form.questions]) == (1, [3] * 5)
    assert all(3.5 <= box.rect.w_mm <= 4.5 for box in boxes)
    assert all(question.satisfied == ("1", "2") for question in form.questions)
    assert not form.has_codes


def solid_squares(page: np.ndarray, side_mm: float) -> list[tuple[float, float]]:
    """The centres, in millimetres, of black areas that hold a square of this size."""
    side = round(side_mm * PX_PER_MM)
    ink = (page < 128).astype(np.uint8)
    opened = cv2.morphologyEx(ink, cv2.MORPH_OPEN, np.ones((side, side), np.uint8))
    _count, _labels, _stats, centres = cv2.connectedComponentsWithStats(opened)
    return sorted((x / PX_PER_MM, y / PX_PER_MM) for x, y in centres[1:])


def test_corner_marks_of_appendix_i_and_none_on_hue_2019() -> None:
    with_marks = load_print(shipped_templates() / "appendix-i")
    for page in with_marks.pages:
        marks = solid_squares(page, 5.5)
        assert np.allclose(marks, [(13, 13), (13, 284), (197, 13), (197, 284)], atol=0.2)
    (page,) = load_print(shipped_templates() / "hue-2019").pages
    assert solid_squares(page, 2.0) == []
    assert zxingcpp.read_barcodes(page) == []


@pytest.mark.parametrize("serial", [None, "7K3QX9AB"])
@pytest.mark.parametrize("dpi", [150, 300])
def test_the_codes_can_be_read_at_low_resolution(serial: str | None, dpi: int) -> None:
    shown = load_print(shipped_templates() / "appendix-i", serial)
    for side, page in enumerate(shown.pages, start=1):
        small = cv2.resize(page, None, fx=dpi / 300, fy=dpi / 300, interpolation=cv2.INTER_AREA)
        blurred = cv2.GaussianBlur(small, (0, 0), 0.8)
        (code,) = zxingcpp.read_barcodes(blurred)
        assert parse_payload(code.text) == SideCode("appendix-i", "0.1", side, serial)


def test_a_serial_changes_nothing_but_code_and_footer() -> None:
    plain = load_print(shipped_templates() / "appendix-i")
    numbered = load_print(shipped_templates() / "appendix-i", "7K3QX9AB")
    for one, other in zip(plain.pages, numbered.pages, strict=True):
        rows = np.nonzero((one != other).any(axis=1))[0]
        assert rows.min() / PX_PER_MM > 264


def test_copies_carry_their_own_serial() -> None:
    pages = rasterise(draw_copies(shipped_templates() / "appendix-i", ["AAAA2222", "BBBB3333"]))
    found = [parse_payload(zxingcpp.read_barcodes(page)[0].text) for page in pages]
    assert [(code.side, code.serial) for code in found if code] == list(
        zip([1, 2, 1, 2], ["AAAA2222"] * 2 + ["BBBB3333"] * 2, strict=True)
    )


def test_no_box_lies_back_to_back_with_another() -> None:
    """Ink that shows through must not fall into a box of the other side."""
    front, back = load_form(shipped_templates() / "appendix-i").sides
    for one, other in product(front.boxes, back.boxes):
        seen = one.rect
        mirrored = Rect(front.width_mm - seen.x_mm - seen.w_mm, seen.y_mm, seen.w_mm, seen.h_mm)
        assert gap_mm(mirrored, other.rect) > 0.3, (box_name(one), box_name(other))


def test_neighbouring_boxes_are_far_enough_apart(shipped_print: FormPrint) -> None:
    """12 mm across or 7.5 mm down from centre to centre: a cross that runs over stays clear of the next."""
    for side in shipped_print.form.sides:
        for one, other in product(side.boxes, side.boxes):
            if one != other:
                across, down = abs(one.rect.x_mm - other.rect.x_mm), abs(one.rect.y_mm - other.rect.y_mm)
                assert across >= 12 or down >= 7.5, (box_name(one), box_name(other))


def test_the_footer_says_that_appendix_i_is_a_reconstruction() -> None:
    import pypdfium2

    with pypdfium2.PdfDocument(draw_pdf(shipped_templates() / "appendix-i")) as document:
        for page in document:
            words = " ".join(page.get_textpage().get_text_bounded().split())
            assert "Mẫu phục dựng Phụ lục I kèm theo QĐ 4003/QĐ-UBND" in words


def test_the_office_sees_what_the_size_of_the_paper_is(shipped_print: FormPrint) -> None:
    with pikepdf.open(io.BytesIO(draw_pdf(shipped_templates() / shipped_print.form.id))) as document:
        for page in document.pages:
            assert [float(value) for value in page.mediabox] == pytest.approx(
                [0, 0, 595.276, 841.89], abs=0.01
            )


def test_a_form_that_runs_over_its_sides_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "hue-2019"
    folder.mkdir()
    text = (
        (shipped_templates() / "hue-2019" / "template.yaml")
        .read_text("utf-8")
        .replace("lines: 5", "lines: 40")
    )
    (folder / "template.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(TemplateError, match="takes 3 sides, 1 are stated"):
        load_form(folder)
