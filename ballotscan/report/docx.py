"""The report as a Word document that the office goes on with, in the layout of decree 30/2020/NĐ-CP."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any, Final

from ballotscan.report.document import Appendix, Block, Chart, Document, Grid, Heading, Letterhead
from ballotscan.report.pdf import chart_png

FONT: Final = "Times New Roman"
BODY_PT: Final = 13.5
# Millimetres; appendix I of the decree allows top and bottom 20 to 25, left 30 to 35, right 15 to 20.
TOP_MM, BOTTOM_MM, LEFT_MM, RIGHT_MM = 20, 20, 30, 15
KEPT_ROWS: Final = 10
"""A table of up to so many rows is not cut by a page's end."""
_MOTTO_MM: Final = 51
"""The motto's length at 13.5 points, bold: the rule below is as long."""
_TEXT_MM: Final = 210 - LEFT_MM - RIGHT_MM
_RED: Final = "B00020"


def report_docx(document: Document) -> bytes:
    """The document in the program's own layout."""
    import docx

    word = docx.Document()
    writer = Writer(word)
    writer.set_page(document.stamp)
    writer.letterhead(document.letterhead)
    body, appendix = parts_of(document)
    writer.blocks(body, document.appendix_word)
    writer.signature(document)
    writer.blocks(appendix, document.appendix_word)
    return saved(word, document)


def parts_of(document: Document) -> tuple[Sequence[Block], Sequence[Block]]:
    """What stands before the signature, and the appendices after it."""
    first = next((n for n, block in enumerate(document.blocks) if isinstance(block, Appendix)), None)
    return document.blocks[:first], document.blocks[first:] if first is not None else ()


def saved(word: Any, document: Document) -> bytes:
    """The file's bytes, with title and author."""
    word.core_properties.title = document.title
    word.core_properties.author = document.letterhead.agency
    out = io.BytesIO()
    word.save(out)
    return out.getvalue()


class Writer:
    """Writes blocks at the end of a Word document."""

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
        self._page_number(section.header)
        self.stamp(stamp)

    def stamp(self, stamp: str) -> None:
        """Into every header's own first line, at its right end, so that the page keeps its top margin."""
        if not stamp:
            return
        for number, section in enumerate(self._word.sections):
            headers = [section.header]
            headers += [section.first_page_header] if section.different_first_page_header_footer else []
            headers += (
                [section.even_page_header] if self._word.settings.odd_and_even_pages_header_footer else []
            )
            for header in headers:
                if number == 0 or not header.is_linked_to_previous:
                    _stamp(header.paragraphs[0], stamp)

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
        widths = (_TEXT_MM * 0.43, _TEXT_MM * 0.57)
        table = self._table(2, widths)
        left, right = table.rows[0].cells
        _fill(left, [(head.parent, 12.5, False, False), (head.agency, 12.5, True, False)])
        _rule(left, (widths[0] - 26) / 2)  # a third to a half of the line
        _fill(right, [(head.country, 12.5, True, False), (head.motto, 13.5, True, False)])
        _rule(right, (widths[1] - _MOTTO_MM) / 2)
        left, right = table.rows[1].cells
        _fill(left, [(head.number, 13, False, False)])
        _fill(right, [(head.place_and_day, 13.5, False, True)])
        for text, space in ((head.kind, 18), (head.subject, 0)):
            paragraph = self._word.add_paragraph()
            _align(paragraph, "CENTER")
            _space(paragraph, before=space)
            _run(paragraph, text, 14, bold=True)
        _rule(self._word, (_TEXT_MM - 50) / 2, after=10)

    def signature(self, document: Document) -> None:
        """Who signs; kept with what stands last before it."""
        head = document.letterhead
        self._keep_last()
        _space(self._word.add_paragraph(), keep=True)
        if document.signatures:
            self._signatures(document)
            return
        table = self._table(1, (_TEXT_MM * 0.5, _TEXT_MM * 0.5))
        left, right = table.rows[0].cells
        title = (head.recipients_title, 12, True, True)
        _fill(left, [title, *((text, 11, False, False) for text in head.recipients)])
        for paragraph in left.paragraphs:
            _align(paragraph, "LEFT")
        _fill(right, [(head.signer, 13.5, True, False), *[("", 13.5, False, False)] * 4])

    def _signatures(self, document: Document) -> None:
        """Up to three persons beside each other."""
        pairs = document.signatures
        columns = min(3, len(pairs))
        table = self._table(-(-len(pairs) // columns), (_TEXT_MM / columns,) * columns)
        for place, (role, name) in enumerate(pairs):
            lines = [(role, 13.5, True, False), (document.sign_here, 12, False, True)]
            lines += [*[("", 13.5, False, False)] * 3, (name, 13.5, True, False), ("", 8, False, False)]
            _fill(table.rows[place // columns].cells[place % columns], lines)

    def _table(self, rows: int, widths_mm: tuple[float, ...]) -> Any:
        """Without borders and whole on one page."""
        table = self._word.add_table(rows=rows, cols=len(widths_mm))
        table.autofit = False
        _narrow_cells(table, 0)
        _widths(table, widths_mm)
        for row in table.rows:
            _whole(row)
        return table

    def _keep_last(self) -> None:
        if self._word.paragraphs:
            self._word.paragraphs[-1].paragraph_format.keep_with_next = True

    # --- blocks ---

    def blocks(self, blocks: Sequence[Block], appendix: str) -> None:
        for block in blocks:
            self._block(block, appendix)

    def _block(self, block: Block, appendix: str) -> None:
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
        size = 8.5 if columns > 10 else 9 if columns > 8 else 11 if columns > 5 else 12
        caption = self._word.add_paragraph()
        _align(caption, "CENTER")
        _space(caption, before=8, after=4, keep=True)
        _run(caption, grid.caption, 12.5, bold=True, italic=True)
        table = self._word.add_table(rows=len(grid.rows) + 1, cols=columns)
        table.autofit = False
        _borders(table)
        _narrow_cells(table)
        together = len(grid.rows) <= KEPT_ROWS
        for place, (row, texts) in enumerate(zip(table.rows, (grid.head, *grid.rows), strict=True)):
            strong = place == 0 or place - 1 in grid.strong
            _whole(row)
            for column, (cell, text) in enumerate(zip(row.cells, texts, strict=True)):
                _fill(
                    cell,
                    [(text, size, strong, False)],
                    keep=place == 0 or (together and place < len(grid.rows)),
                )
                _middle(cell)
                if column == 0 and place:
                    _align(cell.paragraphs[0], "LEFT")
        unit = _TEXT_MM / (grid.first + columns - 1)
        _widths(table, (unit * grid.first, *[unit] * (columns - 1)))
        _repeat_head(table.rows[0])
        note = self._word.add_paragraph()
        _space(note, after=6 if grid.note else 2)
        _run(note, grid.note or " ", 11 if grid.note else 4, italic=True)

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


def _fill(cell: Any, lines: list[tuple[str, float, bool, bool]], keep: bool = False) -> None:
    """A cell's lines: text, size, bold, italic; centred."""
    for place, (text, size, bold, italic) in enumerate(lines):
        paragraph = cell.paragraphs[0] if place == 0 else cell.add_paragraph()
        _align(paragraph, "CENTER")
        _space(paragraph, keep=keep)
        _run(paragraph, text, size, bold=bold, italic=italic)


def _middle(cell: Any) -> None:
    from docx.enum.table import WD_ALIGN_VERTICAL

    cell.vertical_alignment = WD_ALIGN_VERTICAL.CENTER


def _widths(table: Any, widths_mm: tuple[float, ...]) -> None:
    from docx.shared import Mm

    for column, width in zip(table.columns, widths_mm, strict=True):
        column.width = Mm(width)
    for row in table.rows:  # LibreOffice goes by the grid of columns, Word by the cells
        for cell, width in zip(row.cells, widths_mm, strict=True):
            cell.width = Mm(width)


def _stamp(paragraph: Any, stamp: str) -> None:
    if not paragraph.runs:
        _align(paragraph, "RIGHT")
    else:
        _tabs(paragraph)
        paragraph.add_run("\t")
    _run(paragraph, stamp, 12, bold=True, colour=_RED)


def _rule(place: Any, indent_mm: float, after: float = 2) -> None:
    """A rule on a line of its own, set in from both sides: below agency, motto and subject."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn
    from docx.shared import Mm, Pt

    paragraph = place.add_paragraph()
    borders, top = OxmlElement("w:pBdr"), OxmlElement("w:top")
    for name, value in (("val", "single"), ("sz", "6"), ("space", "1"), ("color", "000000")):
        top.set(qn(f"w:{name}"), value)
    borders.append(top)
    paragraph._p.get_or_add_pPr().append(borders)
    form = paragraph.paragraph_format
    form.left_indent = form.right_indent = Mm(indent_mm)
    form.space_before, form.space_after, form.line_spacing = Pt(2), Pt(after), Pt(4)
    _run(paragraph, " ", 2)


def _borders(table: Any) -> None:
    """Its own, not a style's: an office's Word file may lack that."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    borders = OxmlElement("w:tblBorders")
    for side in ("top", "left", "bottom", "right", "insideH", "insideV"):
        line = OxmlElement(f"w:{side}")
        for name, value in (("val", "single"), ("sz", "4"), ("space", "0"), ("color", "000000")):
            line.set(qn(f"w:{name}"), value)
        borders.append(line)
    table._tbl.tblPr.append(borders)


def _whole(row: Any) -> None:
    """Not cut by a page's end."""
    from docx.oxml import OxmlElement

    row._tr.get_or_add_trPr().append(OxmlElement("w:cantSplit"))


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
