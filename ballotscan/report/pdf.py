"""The report and the notice as PDF, set by Typst. Charts become PNG here too, for Word."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from ballotscan.errors import BallotscanError
from ballotscan.i18n import gettext as _
from ballotscan.report.document import Appendix, Block, Chart, Document, Grid, Heading, Paragraph

HERE: Final = Path(__file__).parent
FONTS: Final = ("Tinos", "Times New Roman", "Libertinus Serif")
"""In this order: Tinos is free and as wide as Times New Roman (Debian: fonts-croscore); Windows has the
other; Typst brings the last along. Liberation Serif is left out: Debian 12's lacks 93 Vietnamese letters."""
_KINDS: Final = {
    Heading: "heading",
    Paragraph: "paragraph",
    Grid: "grid",
    Chart: "chart",
    Appendix: "appendix",
}


def report_pdf(document: Document) -> bytes:
    """The report on A4. Raises ``BallotscanError`` if it cannot be set."""
    blocks = [_plain(block) for block in document.blocks]
    first = next((n for n, block in enumerate(blocks) if block["kind"] == "appendix"), len(blocks))
    if first:
        blocks[first - 1]["last"] = True
    blocks.insert(first, {"kind": "signature"})
    data = asdict(document) | {"blocks": blocks, "fonts": FONTS}
    return _compile("report.typ", "report", data, "pdf")


def notice_pdf(notice: dict[str, Any]) -> bytes:
    """The notice for posting, on one page of A4 or A3."""
    return _compile("notice.typ", "notice", notice | {"fonts": FONTS}, "pdf")


def chart_png(chart: Chart, dpi: float = 200) -> bytes:
    """A chart as a picture."""
    source = (
        f"#set page(width: {chart.width_mm}mm, height: {chart.height_mm}mm, margin: 0mm)\n"
        f'#image(bytes(json(bytes(sys.inputs.chart))), format: "svg", width: {chart.width_mm}mm)'
    )
    return _compile(source.encode(), "chart", chart.svg, "png", dpi)


def _plain(block: Block) -> dict[str, Any]:
    values = asdict(block) | {"kind": _KINDS[type(block)]}
    if isinstance(block, Grid):
        values["strong"] = sorted(block.strong)
    return values


def _compile(source: str | bytes, name: str, data: Any, kind: Any, dpi: float = 144) -> bytes:
    import typst

    try:
        made = typst.compile(
            HERE / source if isinstance(source, str) else source,
            font_paths=typst.Fonts(include_system_fonts=True),
            format=kind,
            ppi=dpi,
            sys_inputs={name: json.dumps(data, ensure_ascii=False, default=list)},
        )
    except typst.TypstError as error:
        raise BallotscanError(_("The document cannot be drawn: {reason}.").format(reason=error)) from error
    assert isinstance(made, bytes)
    return made
