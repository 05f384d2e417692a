"""The test deck for a scanner: drawn as a form is, geometry and all, with marks whose truth is known.

Side 1 holds charts (greys, inks, lines, edges, crosses, dots, strips) and one row of boxes, side 2 the other
rows, all marked in print.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from ballotscan.forms.codes import make_payload
from ballotscan.forms.drawing import DECIMALS, code_svg, font_folders, make_side
from ballotscan.forms.form import Field, Form, MarkPolicy, Option, Question, Rect
from ballotscan.forms.prints import PRINT_DPI, FormPrint, rasterise

if TYPE_CHECKING:
    import typst

DECK_ID: Final = "calibration-deck"
EDITION: Final = "1"
DRAWING: Final = Path(__file__).with_name("deck.typ")
FONT: Final = "Be Vietnam Pro"
OPTIONS: Final = 5
EDGE_DEG: Final = 5.0  # slant of the edges for sharpness, as ISO 12233 has it
BAND: Final = 0.0  # solid: a printer mixes greys from dots, and scanned dots show streaks of their own

STEPS: Final = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
"""Printed greys, of white. The last two are as pale as a light pencil's smear."""

COLOURS: Final = (
    ("blue", "xanh dương · blue", 0.13, 0.19, 0.55),
    ("black", "đen · black", 0.12, 0.12, 0.13),
    ("red", "đỏ · red", 0.78, 0.18, 0.20),
    ("green", "xanh lá · green", 0.10, 0.45, 0.22),
    ("yellow", "vàng · yellow", 0.98, 0.90, 0.25),
)
"""Inks of common ball pens (and a yellow marker) as parts of red, green and blue light."""

LINES_MM: Final = (0.5, 0.35, 0.25)  # a ball pen's line, a box's outline, and finer than both
DOTS_MM: Final = (0.5, 0.35)  # what a despeckle filter takes away, and a full stop is 0.5 mm

PENCILS: Final = (0.3, 0.5, 0.65, 0.75)
"""Greys of the 1 mm lines across a box, which VVSG 2.0 (1.2-C) wants sensed: from firm pencil to faint."""

Truth = Literal["chosen", "blank", "not_chosen", "person"]
Shape = Literal["x", "tick", "slash", "fill", "line", "dot"]


@dataclass(frozen=True, slots=True)
class DrawnMark:
    """A mark printed in the box ``option`` (from 1); ``grey`` of white, ``width``, ``dx``, ``dy`` in mm."""

    option: int
    shape: Shape
    grey: float
    width: float
    dx: float
    dy: float


@dataclass(frozen=True, slots=True)
class Row:
    """One question and what must come of it: the first stands on side 1, the others on side 2.

    ``chosen``: ``code`` is read, where ``plain`` without a person. ``blank``: read so, or a person asked.
    ``not_chosen``: a trace that no reader may take for an answer. ``person``: must never be accepted.
    """

    id: str
    label: str
    truth: Truth
    code: str
    plain: bool
    drawn: tuple[DrawnMark, ...]


@dataclass(frozen=True, slots=True)
class Target:
    """Something to measure on side 1: ``value`` is what the drawing says of it (a grey, a width, a name)."""

    kind: str
    value: str
    rect: Rect


@dataclass(frozen=True, slots=True)
class Deck:
    """The deck as the reader takes it: its blank with all boxes empty, the charts, the truth of the boxes."""

    print: FormPrint
    targets: tuple[Target, ...]
    rows: tuple[Row, ...]


def draw_deck() -> bytes:
    """The deck as a PDF for the printer, marks and all: the same bytes every time."""
    return _compile(_plan(deck_rows(), marks=True))


@cache
def load_deck() -> Deck:
    """Draw the deck's blank and ask the drawing where everything lies; once per process."""
    rows = deck_rows()
    plan = _plan(rows, marks=False)
    places = json.loads(_compiler(plan).query("<place>", field="value"))
    sides = tuple(make_side(side, [place for place in places if place["page"] == side]) for side in (1, 2))
    questions = tuple(_question(row) for row in rows)
    form = Form(
        id=DECK_ID,
        edition=EDITION,
        title=DECK_ID,
        language="vi",
        valid_from=None,
        valid_to=None,
        sides=sides,
        questions=questions,
        fields=(Field("code", "code", "", None),),
        policy=MarkPolicy(select=("x", "tick", "slash", "fill"), select_if_whole_sheet=(), cancel=()),
        lists=(),
        linh_vuc_question=None,
        has_codes=True,
        hash=_hash(plan),
    )
    pages = tuple(rasterise(_compile(plan)))
    known = ("side", "box", "field")
    targets = tuple(_target(place) for place in places if place["kind"] not in known)
    return Deck(FormPrint(form, PRINT_DPI, pages), targets, rows)


def deck_rows() -> tuple[Row, ...]:
    """From top to bottom: plain marks of an ordinary pen, empties between them, then the hard ones."""
    plain: list[tuple[Shape | None, int]] = [
        *(("x", option) for option in (1, 3, 5)), (None, 0), *(("x", option) for option in (2, 4)),
        ("tick", 2), ("tick", 4), (None, 0), ("tick", 5), ("slash", 1), ("slash", 3), (None, 0),
        ("x", 4), ("tick", 1), (None, 0),
    ]  # fmt: skip
    rows = [_plain_row(number, shape, option) for number, (shape, option) in enumerate(plain, start=1)]
    rows += [
        _row("fill", "tô kín · filled", "chosen", 3, _mark(3, "fill", 0.2, 0)),
        *(_pencil_row(option, grey) for option, grey in enumerate(PENCILS, start=1)),
        _row("dot-in", "chấm bút · pen rest", "not_chosen", 0, _mark(3, "dot", 0.2, 0.5)),
        _row("dot-by", "chấm ngoài ô · beside", "not_chosen", 0, _mark(2, "dot", 0.2, 0.5, (7.0, 0.0))),
        _row("two", "hai dấu · two marks", "person", 0, *(_mark(at, "x", 0.2, 0.45) for at in (1, 4))),
    ]
    return tuple(rows)


def _plain_row(number: int, shape: Shape | None, option: int) -> Row:
    if shape is None:
        return Row(f"q{number}", "để trống · empty", "blank", "", True, ())
    labels = {"x": "chéo · cross", "tick": "dấu tích · tick", "slash": "gạch · slash"}
    dx, dy = 0.3 * math.sin(2.4 * number), 0.3 * math.cos(1.7 * number)  # no hand is the same twice
    mark = _mark(option, shape, 0.2, 0.45, (round(dx, 3), round(dy, 3)))
    return Row(f"q{number}", labels[shape], "chosen", str(option), True, (mark,))


def _pencil_row(option: int, grey: float) -> Row:
    mark = _mark(option, "line", grey, 1.0)
    return _row(f"line{option}", f"bút chì 1 mm · pencil {option}", "chosen", option, mark)


def _mark(
    option: int, shape: Shape, grey: float, width: float, off: tuple[float, float] = (0, 0)
) -> DrawnMark:
    return DrawnMark(option, shape, grey, width, *off)


def _row(name: str, label: str, truth: Truth, option: int, *drawn: DrawnMark) -> Row:
    return Row(name, label, truth, str(option) if option else "", False, drawn)


def _question(row: Row) -> Question:
    options = tuple(Option(str(number), str(number)) for number in range(1, OPTIONS + 1))
    return Question(row.id, row.label, False, False, options, None, (), False)


def _target(place: Mapping[str, Any]) -> Target:
    rect = Rect(*(round(float(place[key]), DECIMALS) for key in ("x", "y", "w", "h")))
    return Target(place["kind"], place["id"], rect)


def _plan(rows: Sequence[Row], *, marks: bool) -> dict[str, Any]:
    return {
        "name": f"ballotscan {DECK_ID} {EDITION}",
        "font": FONT,
        "marks": marks,
        "codes": [code_svg(make_payload(DECK_ID, EDITION, side)) for side in (1, 2)],
        "steps": STEPS,
        "colours": COLOURS,
        "lines": LINES_MM,
        "dots": DOTS_MM,
        "holes": DOTS_MM,
        "band": BAND,
        "edge_deg": EDGE_DEG,
        "rows": [asdict(row) for row in rows],
    }


def _hash(plan: Mapping[str, Any]) -> str:
    """SHA-256 over what the deck is made of: plan, drawing, typesetter and font."""
    made_by = [version(name) for name in ("typst", "fontpkg-be-vietnam-pro", "segno")]
    parts = [json.dumps(plan, sort_keys=True), DRAWING.read_text(encoding="utf-8"), *made_by]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _compiler(plan: Mapping[str, Any]) -> typst.Compiler:
    import typst

    fonts = typst.Fonts(include_system_fonts=False, font_paths=list(font_folders()))
    inputs = {"deck": json.dumps(plan)}
    return typst.Compiler(DRAWING, font_paths=fonts, ignore_system_fonts=True, sys_inputs=inputs)


def _compile(plan: Mapping[str, Any]) -> bytes:
    pdf = _compiler(plan).compile(format="pdf")
    assert isinstance(pdf, bytes), "two pages in one file"
    return pdf
