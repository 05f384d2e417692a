"""The report as a Word document that the office goes on with, in the layout of decree 30/2020/NĐ-CP."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, Final

from ballotscan.errors import BallotscanError
from ballotscan.i18n import gettext as _
from ballotscan.report.document import Appendix, Block, Chart, Document, Grid, Heading, Letterhead
from ballotscan.report.pdf import chart_png

FONT: Final = "Times New Roman"
BODY_PT: Final = 13.5
# Millimetres; appendix I of the decree allows top and bottom 20 to 25, left 30 to 35, right 15 to 20.
TOP_MM, BOTTOM_MM, LEFT_MM, RIGHT_MM = 20, 20, 30, 15
_TEXT_MM: Final = 210 - LEFT_MM - RIGHT_MM
_RED: Final = "B00020"


def report_docx(document: Document, template: Path | None = None) -> bytes:
    """The report. A ``template`` is a Word file of the office's own, whose page, styles and header are kept;
    the report follows what stands in it. Raises ``BallotscanError`` where it is no Word file.
    """
    import docx
    from docx.opc.exceptions import PackageNotFoundError

    try:
        word = docx.Document(str(template) if template else None)
    except (PackageNotFoundError, KeyError, ValueError) as fault:
        raise BallotscanError(
            _("{file}: this is no Word document.").format(file=template), _("Save it as .docx.")
        ) from fault
    writer = _Writer(word)
    if template is None:
        writer.set_page(document.stamp)
    else:
        writer.stamp_only(document.stamp)
    writer.letterhead(document.letterhead)
    signed = False
    for block in document.blocks:
        if isinstance(block, Appendix) and not signed:
            writer.signature(document.letterhead)
            signed = True
        writer.block(block, document.appendix_word)
    if not signed:
        writer.signature(document.letterhead)
    word.core_properties.title = document.title
    word.core_properties.author = document.letterhead.agency
    out = io.BytesIO()
    word.save(out)
    return out.getvalue()


class _Writer:
    """Writes blocks into one Word document."""

    def __init__(self, word: Any) -> None:
        self._word = word

    # --- the page ---

    def set_page(self, stamp: str) -> None:
        from docx.shared import Mm, Pt

        section = self._word.sections[0]
        section.page_width, section.page_height = Mm(210), Mm(297)
        section.top_margin, section.bottom_margin = Mm(TOP_MM), Mm(BOTTOM_MM)
        section.left_margin, section.right_margin = Mm(LEFT_MM), Mm(RIGHT_MM)
        section.header_distance = Mm(10)
        section.different_first_page_header_footer = True
        style = self._word.styles["Normal"]
        style.font.size = Pt(BODY_PT)
        _set_font(style)
        self._stamp(section.first_page_header, stamp)
        self._page_number(section.header)
        self._stamp(section.header, stamp)

    def stamp_only(self, stamp: str) -> None:
        for section in self._word.sections:
            self._stamp(section.header, stamp)
            if section.different_first_page_header_footer:
                self._stamp(section.first_page_header, stamp)

    def _stamp(self, header: Any, stamp: str) -> None:
        """Into the header's own first line, at its right end, so that the page keeps its top margin."""
        if not stamp:
            return
        paragraph = header.paragraphs[0]
        if not paragraph.runs:
            _align(paragraph, "RIGHT")
        else:
            _tabs(paragraph)
            paragraph.add_run("\t")
        _run(paragraph, stamp, 12, bold=True, colour=_RED)

    def _page_number(self, header: Any) -> None:
        from docx.oxml import OxmlElement
        from docx.oxml.ns import qn

        paragraph = header.paragraphs[0]
        _tabs(paragraph)
        run = _run(paragraph, "\t", 13)
        for kind, text in (("begin", ""), ("", "PAGE"), ("end", "")):
            part = OxmlElement("w:fldChar" if kind else "w:instrText")
            if kind:
                part.set(qn("w:fldCharType"), kind)
            else:
                part.text = text
            run._r.append(part)

    # --- head and foot of the document ---

    def letterhead(self, head: Letterhead) -> None:
        table = self._word.add_table(rows=2, cols=2)
        table.autofit = False
        left, right = table.rows[0].cells
        _widths(table, (_TEXT_MM * 0.41, _TEXT_MM * 0.59))
        _fill(left, [(head.parent, 12, False, False), (head.agency, 12, True, False)])
        _underline(left.paragraphs[-1], 8)
        _fill(right, [(head.country, 12, True, False), (head.motto, 13, True, False)])
        _underline(right.paragraphs[-1], 16)
        left, right = table.rows[1].cells
        _fill(left, [(head.number, 13, False, False)])
        _fill(right, [(head.place_and_day, 13.5, False, True)])
        for text, space in ((head.kind, 18), (head.subject, 0)):
            paragraph = self._word.add_paragraph()
            _align(paragraph, "CENTER")
            _space(paragraph, before=space, after=6 if not space else 0)
            _run(paragraph, text, 14, bold=True)

    def signature(self, head: Letterhead) -> None:
        _space(self._word.add_paragraph(), before=6)
        table = self._word.add_table(rows=1, cols=2)
        table.autofit = False
        _widths(table, (_TEXT_MM * 0.5, _TEXT_MM * 0.5))
        left, right = table.rows[0].cells
        _fill(
            left,
            [
                (head.recipients_title, 12, True, True),
                *((text, 11, False, False) for text in head.recipients),
            ],
        )
        for paragraph in left.paragraphs:
            _align(paragraph, "LEFT")
        _fill(right, [(head.signer, 13.5, True, False), *[("", 13.5, False, False)] * 4])

    # --- blocks ---

    def block(self, block: Block, appendix: str) -> None:
        match block:
            case Heading():
                paragraph = self._word.add_paragraph()
                _space(paragraph, before=10 if block.level == 1 else 6, after=6, keep=True)
                _indent(paragraph)
                _run(paragraph, block.text, BODY_PT, bold=True)
            case Appendix():
                self._word.add_page_break()
                for text in (f"{appendix} {block.number}", block.title):
                    paragraph = self._word.add_paragraph()
                    _align(paragraph, "CENTER")
                    _space(paragraph, after=6)
                    _run(paragraph, text, 14, bold=True)
            case Grid():
                self._grid(block)
            case Chart():
                self._chart(block)
            case _:
                paragraph = self._word.add_paragraph()
                _align(paragraph, "JUSTIFY")
                _space(paragraph, after=6)
                _indent(paragraph)
                _run(paragraph, block.text, BODY_PT, bold=block.bold)

    def _grid(self, grid: Grid) -> None:
        columns = len(grid.head)
        size = 8.5 if columns > 8 else 10.5 if columns > 5 else 12
        caption = self._word.add_paragraph()
        _align(caption, "CENTER")
        _space(caption, before=8, after=4, keep=True)
        _run(caption, grid.caption, 12.5, bold=True, italic=True)
        table = self._word.add_table(rows=0, cols=columns)
        table.autofit = False
        table.style = "Table Grid"
        _narrow_cells(table)
        for place, row in enumerate([grid.head, *grid.rows]):
            strong = place == 0 or place - 1 in grid.strong
            cells = table.add_row().cells
            for column, (cell, text) in enumerate(zip(cells, row, strict=True)):
                _fill(cell, [(text, size, strong, False)])
                if column == 0 and place:
                    _align(cell.paragraphs[0], "LEFT")
        unit = _TEXT_MM / (grid.first + columns - 1)
        _widths(table, (unit * grid.first, *[unit] * (columns - 1)))
        _repeat_head(table.rows[0])
        note = self._word.add_paragraph()
        _space(note, after=6)
        _run(note, grid.note, 11, italic=True)

    def _chart(self, chart: Chart) -> None:
        from docx.shared import Mm

        picture = self._word.add_paragraph()
        _align(picture, "CENTER")
        _space(picture, before=4, keep=True)
        shape = picture.add_run().add_picture(io.BytesIO(chart_png(chart)), width=Mm(chart.width_mm))
        shape._inline.docPr.set("descr", chart.text)
        caption = self._word.add_paragraph()
        _align(caption, "CENTER")
        _space(caption, after=8)
        _run(caption, chart.caption, 12, italic=True)


# --- what python-docx has no short word for --------------------------------------------------------------


def _set_font(style: Any) -> None:
    """For every script: Word keeps four fonts of a style, and Vietnamese letters may take any of them."""
    from docx.oxml.ns import qn

    style.font.name = FONT
    fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
    for script in ("w:ascii", "w:hAnsi", "w:cs", "w:eastAsia"):
        fonts.set(qn(script), FONT)


def _run(
    paragraph: Any, text: str, size: float, *, bold: bool = False, italic: bool = False, colour: str = ""
) -> Any:
    from docx.shared import Pt, RGBColor

    run = paragraph.add_run(text)
    run.font.size, run.font.bold, run.font.italic = Pt(size), bold, italic
    _set_font(run)
    if colour:
        run.font.color.rgb = RGBColor.from_string(colour)
    return run


def _align(paragraph: Any, how: str) -> None:
    from docx.enum.text import WD_ALIGN_PARAGRAPH

    paragraph.alignment = getattr(WD_ALIGN_PARAGRAPH, how)


def _space(paragraph: Any, before: float = 0, after: float = 0, keep: bool = False) -> None:
    from docx.shared import Pt

    form = paragraph.paragraph_format
    form.space_before, form.space_after, form.line_spacing = Pt(before), Pt(after), 1.1
    form.keep_with_next = keep


def _indent(paragraph: Any) -> None:
    from docx.shared import Mm

    paragraph.paragraph_format.first_line_indent = Mm(12.7)


def _tabs(paragraph: Any) -> None:
    """The middle and the right end of the text's width."""
    from docx.enum.text import WD_TAB_ALIGNMENT
    from docx.shared import Mm

    stops = paragraph.paragraph_format.tab_stops
    for stop in list(stops):
        del stop
    stops.add_tab_stop(Mm(_TEXT_MM / 2), WD_TAB_ALIGNMENT.CENTER)
    stops.add_tab_stop(Mm(_TEXT_MM), WD_TAB_ALIGNMENT.RIGHT)


def _fill(cell: Any, lines: list[tuple[str, float, bool, bool]]) -> None:
    """A cell's lines: text, size, bold, italic; centred."""
    for place, (text, size, bold, italic) in enumerate(lines):
        paragraph = cell.paragraphs[0] if place == 0 else cell.add_paragraph()
        _align(paragraph, "CENTER")
        _space(paragraph)
        _run(paragraph, text, size, bold=bold, italic=italic)


def _widths(table: Any, widths_mm: tuple[float, ...]) -> None:
    from docx.shared import Mm

    for column, width in zip(table.columns, widths_mm, strict=True):
        column.width = Mm(width)
    for row in table.rows:  # LibreOffice goes by the grid of columns, Word by the cells
        for cell, width in zip(row.cells, widths_mm, strict=True):
            cell.width = Mm(width)


def _underline(paragraph: Any, indent_mm: float) -> None:
    """A rule under a line, not as wide as the column: the decree's mark below agency and motto."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn
    from docx.shared import Mm

    borders, bottom = OxmlElement("w:pBdr"), OxmlElement("w:bottom")
    for name, value in (("val", "single"), ("sz", "6"), ("space", "1"), ("color", "000000")):
        bottom.set(qn(f"w:{name}"), value)
    borders.append(bottom)
    paragraph._p.get_or_add_pPr().append(borders)
    paragraph.paragraph_format.left_indent = paragraph.paragraph_format.right_indent = Mm(indent_mm)


def _narrow_cells(table: Any, margin_mm: float = 0.8) -> None:
    """Less air beside a cell's text than Word's 1.9 mm: tables of ten columns must fit."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    margins = OxmlElement("w:tblCellMar")
    for side in ("left", "right"):
        part = OxmlElement(f"w:{side}")
        part.set(qn("w:w"), str(round(margin_mm * 56.7)))  # twentieths of a point
        part.set(qn("w:type"), "dxa")
        margins.append(part)
    table._tbl.tblPr.append(margins)


def _repeat_head(row: Any) -> None:
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    properties = row._tr.get_or_add_trPr()
    mark = OxmlElement("w:tblHeader")
    mark.set(qn("w:val"), "true")
    properties.append(mark)
