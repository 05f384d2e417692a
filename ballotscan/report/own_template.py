"""An office's own Word file as the report's frame: placeholders such as ``{{co_quan}}`` are filled in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from ballotscan.errors import BallotscanError
from ballotscan.i18n import gettext as _
from ballotscan.i18n import language_in_use
from ballotscan.report import wording
from ballotscan.report.document import COUNTRY, MOTTO, Block, Document, Letterhead, Paragraph
from ballotscan.report.docx import Writer, parts_of, saved
from ballotscan.report.figures import Figures

BODY: Final = "noi_dung"
APPENDIX: Final = "phu_luc"
_BLOCKS: Final = (BODY, APPENDIX)
_HEAD: Final = {
    "co_quan_chu_quan": "parent",
    "co_quan": "agency",
    "so_ky_hieu": "number",
    "dia_danh_ngay": "place_and_day",
    "ten_loai": "kind",
    "trich_yeu": "subject",
    "nguoi_ky": "signer",
}
"""Placeholder and what of the letterhead stands there."""
_FACTS: Final = ("noi_nhan", "ky", "chi_so", "khoang_tin_cay", "so_phieu_thu", "so_phieu_hop_le")
PLACEHOLDERS: Final = (*_HEAD, *_FACTS, *_BLOCKS)
_PLACEHOLDER: Final = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")


def values_of(figures: Figures, document: Document) -> dict[str, str]:
    """What each placeholder within a line is filled with."""
    head, first, rule = document.letterhead, figures.forms[0], wording.rule_of(figures)
    values = {name: str(getattr(head, field)) for name, field in _HEAD.items()}
    return values | {
        "noi_nhan": "\n".join(head.recipients),
        "ky": wording.period_text(figures.period),
        "chi_so": wording.index_value(first.chosen, rule),
        "khoang_tin_cay": wording.interval(first.chosen, rule),
        "so_phieu_thu": wording.count(sum(each.received for each in figures.accounts)),
        "so_phieu_hop_le": wording.count(figures.ballots),
    }


def fill_template(path: Path, document: Document, values: Mapping[str, str]) -> bytes:
    """The office's file with its placeholders filled in. Its page, styles, headers and texts stay.

    Raises ``BallotscanError`` naming the file for what is no Word document, a placeholder that is not known,
    or a file without a place for the report.
    """
    word = _open(path)
    found = [(each, _text(each)) for each in _paragraphs(word)]
    _check(path, [text for _each, text in found])
    writer = Writer(word)
    for name, blocks in zip(_BLOCKS, parts_of(document), strict=True):
        for element in [each for each, text in found if _PLACEHOLDER.findall(text) == [name]]:
            _put_blocks(word, writer, element, blocks, document.appendix_word)
    for element, text in found:
        if _PLACEHOLDER.search(text) and not set(_PLACEHOLDER.findall(text)) & set(_BLOCKS):
            _put_values(element, values)
    writer.stamp(document.stamp)
    return saved(word, document)


def example_template() -> bytes:
    """A Word file to begin with, in the program's own layout, that holds every placeholder."""
    import docx

    word = docx.Document()
    writer = Writer(word)
    writer.set_page("")
    head = Letterhead(
        country=COUNTRY,
        motto=MOTTO,
        recipients_title=_("Recipients:"),
        recipients=("{{noi_nhan}}",),
        **{field: f"{{{{{name}}}}}" for name, field in _HEAD.items()},
    )
    document = Document(head, (), "", language_in_use(), _("Report"), _("Appendix"))
    writer.letterhead(head)
    lead = _("{{ky}} The index is {{chi_so}} (interval {{khoang_tin_cay}}), of {{so_phieu_hop_le}} valid")
    rest = _("ballots out of {{so_phieu_thu}} received.")
    writer.blocks([Paragraph(f"{lead} {rest}"), Paragraph(f"{{{{{BODY}}}}}")], "")
    writer.signature(document)
    writer.blocks([Paragraph(f"{{{{{APPENDIX}}}}}")], "")
    return saved(word, document)


def _open(path: Path) -> Any:
    import docx
    from docx.opc.exceptions import PackageNotFoundError

    try:
        return docx.Document(str(path))
    except (PackageNotFoundError, KeyError, ValueError, OSError) as fault:
        raise BallotscanError(
            _("{file}: this is no Word document.").format(file=path), _("Save it as .docx.")
        ) from fault


def _check(path: Path, texts: Sequence[str]) -> None:
    names = [name for text in texts for name in _PLACEHOLDER.findall(text)]
    remedy = _("Write an example with 'ballotscan report --new-template FILE'.")
    for name in names:
        if name not in PLACEHOLDERS:
            raise BallotscanError(
                _("{file}: the placeholder '{name}' is not known.").format(file=path, name=name),
                _("Known are: {names}.").format(names=", ".join(PLACEHOLDERS)),
            )
    if names.count(BODY) != 1:
        raise BallotscanError(
            _("{file}: the report's place, {name}, must stand in it once.").format(
                file=path, name=f"{{{{{BODY}}}}}"
            ),
            remedy,
        )
    for text in texts:
        alone = _PLACEHOLDER.sub("", text).strip() == "" and len(_PLACEHOLDER.findall(text)) == 1
        if set(_PLACEHOLDER.findall(text)) & set(_BLOCKS) and not alone:
            raise BallotscanError(
                _("{file}: '{text}' must hold nothing but the placeholder.").format(file=path, text=text),
                _("Put it on a line of its own."),
            )


# --- in Word's own elements ------------------------------------------------------------------------------


def _paragraphs(word: Any) -> Iterator[Any]:
    """Every paragraph's element: of the body, its tables and text boxes, of headers and footers."""
    from docx.oxml.ns import qn

    yield from word.element.body.iter(qn("w:p"))
    for section in word.sections:
        for part in (
            *(section.header, section.first_page_header, section.even_page_header),
            *(section.footer, section.first_page_footer, section.even_page_footer),
        ):
            if not part.is_linked_to_previous:
                yield from part._element.iter(qn("w:p"))


def _runs(element: Any) -> list[Any]:
    """A paragraph's own runs, not those of a text box in it."""
    from docx.oxml.ns import qn
    from docx.text.run import Run

    own = [run for run in element.iter(qn("w:r")) if next(run.iterancestors(qn("w:p"))) is element]
    return [Run(run, None) for run in own]  # type: ignore[arg-type]


def _text(element: Any) -> str:
    return "".join(run.text for run in _runs(element))


def _put_values(element: Any, values: Mapping[str, str]) -> None:
    """Word may cut a placeholder into several runs: its value goes into the first of them."""
    runs = _runs(element)
    for found in reversed(list(_PLACEHOLDER.finditer(_text(element)))):
        start, value = 0, values[found[1]]
        for run in runs:
            text = run.text
            first, last = max(found.start() - start, 0), min(found.end() - start, len(text))
            if first < last:
                run.text = text[:first] + value + text[last:]
                value = ""
            start += len(text)


def _put_blocks(word: Any, writer: Writer, element: Any, blocks: Sequence[Block], appendix: str) -> None:
    """Write at the document's end, then move what was written to the placeholder's place."""
    body = word.element.body
    before = len(body)
    writer.blocks(blocks, appendix)
    # sectPr stays the body's last element: what is new lies before it
    for new in list(body)[before - 1 : -1]:
        element.addprevious(new)
    element.getparent().remove(element)
