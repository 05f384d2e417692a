"""Draws a form with typst: the PDF to print, and from the same drawing where everything lies."""

from __future__ import annotations

import dataclasses
import importlib.util
import io
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ballotscan.errors import TemplateError
from ballotscan.forms.codes import make_payload
from ballotscan.forms.form import BoxPlace, FieldPlace, Rect, Side
from ballotscan.forms.source import SOURCE_NAME, Source, edition_line, parse_source
from ballotscan.i18n import gettext as _

if TYPE_CHECKING:
    import typst

DRAWING: Final = Path(__file__).with_name("form.typ")
FONT_PACKAGES: Final = ("fontpkg_be_vietnam_pro",)  # and Libertinus Serif, which typst brings along
A4_MM: Final = (210.0, 297.0)
DECIMALS: Final = 3  # of a millimetre: finer than any printer, coarse enough to be equal on every machine


def draw_pdf(folder: Path, serial: str | None = None) -> bytes:
    """The form as a PDF for the printer: the same bytes every time, all fonts embedded.

    Raises ``TemplateError`` where the source is wrong or the form cannot be drawn from it.
    """
    return draw_copies(folder, [serial])


def draw_copies(folder: Path, serials: Sequence[str | None]) -> bytes:
    """One PDF with a copy of the form for each serial, in the order given. Raises ``TemplateError``."""
    import typst

    compiler = _compiler(parse_source(folder / SOURCE_NAME), folder, serials)
    try:
        pdf, warnings = compiler.compile_with_warnings(format="pdf")
    except typst.TypstError as error:
        raise _cannot_draw(folder, error.message) from error
    if warnings or not isinstance(pdf, bytes):
        raise _cannot_draw(folder, "; ".join(str(warning) for warning in warnings))
    return pdf


def draw_sides(source: Source, folder: Path) -> tuple[Side, ...]:
    """Where every box and field lies on each side, asked of the drawing itself. Raises ``TemplateError``."""
    try:
        places = json.loads(_compiler(source, folder, [None]).query("<place>", field="value"))
    except RuntimeError as error:  # typst's own errors are of this kind
        raise _cannot_draw(folder, str(error)) from error
    pages = max(place["page"] for place in places)
    if pages != source.sides:  # every side records itself, so one without a box counts too
        raise _cannot_draw(
            folder,
            _("the form takes {pages} sides, {sides} are stated").format(pages=pages, sides=source.sides),
        )
    return tuple(
        make_side(number, [place for place in places if place["page"] == number])
        for number in range(1, pages + 1)
    )


def font_folders() -> list[Path]:
    """The folders of the fonts that may be used: those of packages that were installed with the program."""
    folders = []
    for name in FONT_PACKAGES:
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            raise TemplateError(
                _("{name}: this font package is missing.").format(name=name), _("Install the program again.")
            )
        folders.append(Path(spec.origin).parent / "files")
    return folders


def _compiler(source: Source, folder: Path, serials: Sequence[str | None]) -> typst.Compiler:
    import typst

    assert source.layout is not None
    fonts = typst.Fonts(include_system_fonts=False, font_paths=list(font_folders()))
    if source.layout.font not in fonts.families():
        known = ", ".join(sorted(fonts.families()))
        raise _cannot_draw(
            folder,
            _('there is no font "{font}"').format(font=source.layout.font),
            _("Fonts that come with the program: {fonts}.").format(fonts=known),
        )
    return typst.Compiler(
        DRAWING,
        font_paths=fonts,
        ignore_system_fonts=True,
        sys_inputs={"form": json.dumps(_plan(source, serials))},
    )


def _plan(source: Source, serials: Sequence[str | None]) -> dict[str, Any]:
    """The source as the drawing takes it."""
    plan = dataclasses.asdict(source)
    plan["edition_line"] = edition_line(source.id, source.edition)
    plan["serials"] = serials
    sides = range(1, source.sides + 1) if source.has_codes else ()
    plan["codes"] = [
        [code_svg(make_payload(source.id, source.edition, side, serial)) for side in sides]
        for serial in serials
    ]
    return plan


def code_svg(payload: str) -> str:
    """A QR code of 25 modules, one path, no quiet zone: the drawing leaves that free."""
    import segno

    svg = io.BytesIO()
    segno.make_qr(payload, error="m", version=2, mode="alphanumeric", boost_error=False).save(
        svg, kind="svg", border=0, xmldecl=False
    )
    return svg.getvalue().decode("utf-8")


def make_side(number: int, places: Iterable[dict[str, Any]]) -> Side:
    """An A4 side from what the drawing recorded of it: ``kind``, ``id``, ``option`` and x, y, w, h in mm."""
    boxes, fields = [], []
    for place in places:
        rect = Rect(*(round(float(place[key]), DECIMALS) for key in ("x", "y", "w", "h")))
        if place["kind"] == "box":
            boxes.append(BoxPlace(place["id"], place["option"], rect))
        elif place["kind"] == "field":
            fields.append(FieldPlace(place["id"], rect))
    return Side(number, *A4_MM, tuple(boxes), tuple(fields))


def _cannot_draw(folder: Path, reason: str, remedy: str = "") -> TemplateError:
    return TemplateError(
        f"{folder / SOURCE_NAME}:1: {reason.rstrip('.')}.", remedy or _("Change the texts or the layout.")
    )
