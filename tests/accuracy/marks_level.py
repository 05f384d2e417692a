"""Marks alone: strokes of one hand laid straight on printed and scanned pages, in very large numbers.

A block is BLOCK_SHEETS sheets from one printer and scanner: their print is made once, with its own growth,
toner, paper, lamp, skew and scale, and seen at 150 dpi. Every sheet then has marks, dust and noise of its
own.
Finding the page and decoding are left out: the page's map is known. What follows is the reader's own work
unchanged, from the copies of the page to the decided answers.

The classes are D. W. Jones's: *prescribed*, *reliably sensed*, *reliably ignored*; *marginal* marks are
counted apart, as a person decides those.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ballotscan import ENGINE
from ballotscan.forms.form import Form, Side
from ballotscan.forms.prints import FormPrint
from ballotscan.model import SideReading
from ballotscan.rules.answers import decide_answers
from ballotscan.vision.align import Alignment
from ballotscan.vision.marks import measure_marks
from ballotscan.vision.page import make_page
from ballotscan.vision.reference import Reference
from ballotscan.vision.streaks import find_streaks, paint_out
from tests.accuracy.cases import Case
from tests.accuracy.tally import Tally, tally_sheet, total
from tests.simulator import fields
from tests.simulator.classes import Good
from tests.simulator.conditions import OFFICE
from tests.simulator.hands import Hand, Rng, Stroke, draw_dot, draw_mark, make_hand
from tests.simulator.ink import MM_PER_INCH, make_patch, put_ink
from tests.simulator.sheets import GREY_WEIGHTS, Unwritten, print_unwritten

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float64]

BLOCK_SHEETS = 40
HAND_SHEETS = 4
"""Sheets of one hand, each with marks, places, noise and paper drawn anew from ..."""

HAND_MARKS = 20
"""... so many strokes of that hand."""

DPI = 150
DOTS = 4  # places where this hand's pen rested
FREE_MM = 0.6
"""What is to be ignored lies at least this far from every box, where it is ink."""

BACKGROUND = replace(
    OFFICE,
    name="marks",
    dpi={DPI: 1.0},
    specks=(0.0, 0.0),
    fold_share=0.0,
    dark_streaks=(0.0, 0.0),
    show_through=(0.0, 0.0),
)
"""Office printers and scanners; dust, folds and streaks are drawn for every sheet."""


@dataclass(frozen=True, slots=True)
class Kind:
    """How the sheets of one row are marked. Shares are of sheets; ``clutter`` are the things to ignore."""

    pens: Mapping[str, float]
    habits: Mapping[str, float]
    blank_share: float = 0.06
    press: tuple[float, float] = (1.0, 1.0)
    overshoot: tuple[float, float] | None = None
    clutter: float = 0.1
    marginal: bool = False


ORDINARY_PENS = {"ballpoint": 0.62, "gel": 0.18, "pencil": 0.1, "felt": 0.1}
PLAIN = {"x": 0.5, "tick": 0.28, "fill": 0.12, "slash": 0.1}
KINDS: Mapping[str, Kind] = {
    "prescribed": Kind(ORDINARY_PENS, PLAIN),
    "sensed": Kind(
        {"light_pencil": 0.3, "pencil": 0.2, "ballpoint": 0.1, "red_ballpoint": 0.12,
         "green_ballpoint": 0.12, "shiny_gel": 0.08, "felt": 0.08},
        {"line": 0.3, "x": 0.2, "tick": 0.2, "slash": 0.15, "fill": 0.15},
        press=(0.7, 1.0), overshoot=(1.2, 2.6),
    ),
    "ignored": Kind(ORDINARY_PENS, PLAIN, blank_share=0.3, clutter=1.0),
    "marginal": Kind(
        {"failing_ballpoint": 0.4, "light_pencil": 0.3, "ballpoint": 0.3},
        {"x": 0.4, "tick": 0.3, "slash": 0.1, "dot": 0.2}, press=(0.15, 0.7), overshoot=(2.0, 4.0),
        marginal=True,
    ),
}  # fmt: skip
"""``line`` is the test mark of VVSG 2.0 1.1.6-H: a pencil's line of 1 mm across the whole box. Marginal are
pens that fail, faint strokes, dots, and strokes that enter another box; in the other rows none enters one."""


# ---------------------------------------------------------------------------------------------------------
# One hand


@dataclass(frozen=True, slots=True)
class Drawn:
    """A mark round the origin: its strokes' points (N, 2) mm, and what stays of the light (h, w) from
    ``left``, ``top`` px on."""

    points_mm: Floats
    left: int
    top: int
    stays: NDArray[np.float32]


def _line(rng: Rng, hand: Hand, side_mm: float) -> list[Stroke]:
    """1 mm wide, from edge to edge, through the middle give or take a tenth."""
    count = round(side_mm / 0.15) + 1
    middle = float(rng.normal(0, 0.05)) * side_mm
    lean = float(rng.normal(0, 0.04)) * side_mm
    points = np.column_stack([
        np.linspace(-side_mm / 2, side_mm / 2, count), np.linspace(middle - lean, middle + lean, count)
    ])  # fmt: skip
    return [Stroke(points, np.full(count, 1.0), np.full(count, hand.pen.flow))]


def _develop(strokes: list[Stroke], hand: Hand, rng: Rng, sight: Sight) -> Drawn:
    """Strokes as this scanner sees them."""
    patch = make_patch(strokes, hand.pen, sight.dpi, GREY_WEIGHTS, rng)
    assert patch is not None
    left, top, stays = patch
    margin = 2
    framed = cv2.copyMakeBorder(
        stays, margin, margin, margin, margin, cv2.BORDER_CONSTANT, value=(1.0, 1.0, 1.0, 1.0)
    )
    seen = cv2.GaussianBlur(framed, (0, 0), sight.blur_px) ** np.float32(sight.gamma)
    points = np.vstack([stroke.points_mm for stroke in strokes])
    return Drawn(points, left - margin, top - margin, np.asarray(seen, np.float32))


@dataclass(frozen=True, slots=True)
class Sight:
    """What of a scanner changes the look of a stroke."""

    dpi: int
    blur_px: float
    gamma: float


@dataclass(frozen=True, slots=True)
class Writer:
    """One hand with some of its marks and resting dots, ready to be laid on pages of one scanner."""

    hand: Hand
    marks: tuple[Drawn, ...]
    dots: tuple[Drawn, ...]


def _make_writer(kind: Kind, rng: Rng, sight: Sight, side_mm: float) -> Writer:
    habits = {name: share for name, share in kind.habits.items() if name != "line"}
    hand = make_hand(rng, kind.pens, habits, {"circle": 1.0})
    if kind.overshoot is not None:
        hand = replace(hand, overshoot=float(rng.uniform(*kind.overshoot)))
    as_line = rng.random() < kind.habits.get("line", 0.0)
    press = float(rng.uniform(*kind.press))
    middle = np.zeros(2)
    if as_line:
        hand = replace(make_hand(rng, {"pencil": 1.0}, habits, {"circle": 1.0}), habit="line")
    marks = [
        _line(rng, hand, side_mm)
        if as_line
        else draw_mark(rng, hand, hand.habit, middle, side_mm, press=press)
        for _ in range(HAND_MARKS)
    ]
    dots = [draw_dot(rng, hand, middle) for _ in range(DOTS)]
    return Writer(
        hand,
        tuple(_develop(each, hand, rng, sight) for each in marks),
        tuple(_develop(each, hand, rng, sight) for each in dots),
    )


# ---------------------------------------------------------------------------------------------------------
# One page


@dataclass(frozen=True, slots=True)
class Paper:
    """One side of a block's print, with its places: ``centres_px`` (N, 2) and the reader's known map."""

    side: Side
    unwritten: Unwritten
    alignment: Alignment
    centres_px: Floats
    near: tuple[tuple[int, ...], ...]  # for each box those within reach of a stroke

    @property
    def px_per_mm(self) -> float:
        return DPI / MM_PER_INCH


REACH_MM = 16.0
"""The longest tail of a tick: four sides of a box of 4 mm."""


def _lay_out(unwritten: Unwritten, side: Side, reference: Reference) -> Paper:
    """The page's map as the truth has it, fitted over the sheet; what wobble leaves is for the reader."""
    rects = np.array([[b.rect.x_mm, b.rect.y_mm, b.rect.w_mm, b.rect.h_mm] for b in side.boxes])
    centres_mm = rects[:, :2] + rects[:, 2:] / 2
    x, y = np.linspace(15, side.width_mm - 15, 12), np.linspace(15, side.height_mm - 15, 16)
    grid = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    seen = unwritten.geometry.template_to_scan_px(grid) + 0.5  # the reader counts from the corner
    matrix = cv2.findHomography(grid, seen)[0]
    none = np.zeros((0, 2))
    alignment = Alignment(reference, matrix, none, none, none, 1.0, 1.0, 1.0)
    gap = np.abs(centres_mm[:, None] - centres_mm[None]).max(axis=2)
    near = tuple(tuple(np.flatnonzero((row < REACH_MM) & (row > 0)).tolist()) for row in gap)
    return Paper(side, unwritten, alignment, unwritten.geometry.template_to_scan_px(centres_mm), near)


def _put(page: Pixels, drawn: Drawn, at_px: Floats) -> None:
    put_ink(page, (round(float(at_px[0])) + drawn.left, round(float(at_px[1])) + drawn.top, drawn.stays))


def _entered(drawn: Drawn, paper: Paper, box: int) -> list[int]:
    """The other boxes that a mark made for a box enters."""
    boxes = paper.side.boxes
    own = boxes[box].rect
    x_mm, y_mm = own.x_mm + own.w_mm / 2, own.y_mm + own.h_mm / 2
    points_mm = drawn.points_mm + np.array([x_mm, y_mm])
    low, high = points_mm.min(axis=0), points_mm.max(axis=0)
    entered = []
    for other in paper.near[box]:
        rect = boxes[other].rect
        beside = low[0] > rect.x_mm + rect.w_mm or high[0] < rect.x_mm
        if beside or low[1] > rect.y_mm + rect.h_mm or high[1] < rect.y_mm:
            continue
        x, y = points_mm[:, 0] - rect.x_mm, points_mm[:, 1] - rect.y_mm
        edge = 0.1  # mm outside the outline: half of a thin stroke's width
        if np.any((x > -edge) & (x < rect.w_mm + edge) & (y > -edge) & (y < rect.h_mm + edge)):
            entered.append(other)
    return entered


# ---------------------------------------------------------------------------------------------------------
# What is to be ignored


def _dust(page: Pixels, rng: Rng, paper: Paper, writer: Writer) -> None:
    """Specks and fibres anywhere, boxes included: 0.1 to 0.3 mm."""
    for _ in range(int(rng.integers(5, 60))):
        x, y = int(rng.integers(page.shape[1] - 2)), int(rng.integers(page.shape[0] - 2))
        part = page[y : y + int(rng.integers(1, 3)), x : x + int(rng.integers(1, 3))]
        np.minimum(part, int(rng.integers(90, 210)), out=part)


def _fold(page: Pixels, rng: Rng, paper: Paper, writer: Writer) -> None:
    """A crease from edge to edge, broken here and there."""
    across = rng.random() < 0.7
    length, room = page.shape[::-1] if across else page.shape
    at, width = int(rng.uniform(0.05, 0.95) * room), int(rng.integers(1, 3))
    rough = np.repeat(np.clip(1 + 0.5 * rng.normal(size=length // 16 + 2), 0, 2), 16)[:length]
    lost = rough * float(rng.uniform(0.02, 0.12))
    band = page[at : at + width] if across else page[:, at : at + width].T
    band[:] = np.clip(band * (1 - lost), 0, 255).astype(np.uint8)


def _rests(page: Pixels, rng: Rng, paper: Paper, writer: Writer) -> None:
    """The pen rested outside the boxes, often close by one."""
    rects = np.array([[b.rect.x_mm, b.rect.y_mm, b.rect.w_mm, b.rect.h_mm] for b in paper.side.boxes])
    for _ in range(int(rng.integers(1, 6))):
        box = rects[int(rng.integers(len(rects)))]
        at_mm = box[:2] + box[2:] / 2 + rng.uniform(-8, 8, 2)
        outside = np.maximum(rects[:, :2] - at_mm, at_mm - rects[:, :2] - rects[:, 2:]).max(axis=1)
        if outside.min() > FREE_MM:
            at_px = paper.unwritten.geometry.template_to_scan_px(at_mm[None])[0]
            _put(page, writer.dots[int(rng.integers(DOTS))], at_px)


def _streak(page: Pixels, rng: Rng, paper: Paper, writer: Writer) -> None:
    """Dust on the scanner's glass: a dark line down the whole image."""
    at, wide = int(rng.uniform(0.06, 0.94) * page.shape[1]), int(rng.integers(1, 3))
    lost = float(rng.uniform(60, 200))
    page[:, at : at + wide] = np.clip(page[:, at : at + wide] - lost, 0, 255).astype(np.uint8)


def _flaws(page: Pixels, rng: Rng, paper: Paper, writer: Writer) -> None:
    """Toner that did not hold: gaps of 0.3 to 0.8 mm in the outlines of some boxes, and specks of it."""
    for box in rng.integers(len(paper.side.boxes), size=int(rng.integers(2, 12))):
        x, y = paper.centres_px[box]
        half = paper.side.boxes[box].rect.w_mm / 2 * paper.px_per_mm
        along, wide = rng.uniform(-half, half), int(rng.integers(2, 5))
        left, top = (x + along, y - half) if rng.random() < 0.5 else (x - half, y + along)
        row, column = max(0, int(top) - 1), max(0, int(left) - 1)
        part = page[row : row + wide, column : column + wide]
        if part.size:
            np.maximum(part, int(np.percentile(page[row : row + 40, column : column + 40], 80)), out=part)


CLUTTER: tuple[Callable[[Pixels, Rng, Paper, Writer], None], ...] = (_dust, _fold, _rests, _streak, _flaws)


# ---------------------------------------------------------------------------------------------------------
# One sheet


@dataclass(frozen=True, slots=True)
class Meant:
    """What is marked for one question, and whether a stroke runs from or into another box."""

    codes: tuple[str, ...]
    reaching: bool

    @property
    def kind(self) -> str:
        return "reaching" if self.reaching else "plain" if self.codes else "blank"


def _mark_side(
    page: Pixels, paper: Paper, form: Form, writer: Writer, kind: Kind, rng: Rng
) -> dict[str, Meant]:
    """Mark the questions of one side, in place."""
    numbers: dict[str, list[int]] = {}
    for number, box in enumerate(paper.side.boxes):
        numbers.setdefault(box.question, []).append(number)
    multiple = {question.id for question in form.questions if question.multiple}
    codes: dict[str, list[str]] = {question: [] for question in numbers}
    marginal: set[str] = set()
    for question, boxes in numbers.items():
        wanted = [boxes[int(rng.integers(len(boxes)))]] if rng.random() >= kind.blank_share else []
        if wanted and question in multiple:
            wanted = sorted({*wanted, *(box for box in boxes if rng.random() < 0.35)})
        for box in wanted:
            drawn = writer.marks[int(rng.integers(HAND_MARKS))]
            entered = _entered(drawn, paper, box)
            if entered and not kind.marginal:
                continue  # only marginal marks reach into another box
            if entered:
                marginal |= {question, *(paper.side.boxes[other].question for other in entered)}
            _put(page, drawn, paper.centres_px[box] + rng.uniform(-0.5, 0.5, 2))
            codes[question].append(paper.side.boxes[box].option)
    return {question: Meant(tuple(codes[question]), question in marginal) for question in numbers}


def _read(page: Pixels, paper: Paper, form: Form) -> SideReading:
    """What the reader makes of a page whose place is known."""
    seen = make_page(page)
    streaks = find_streaks(seen, paper.alignment)
    measured = measure_marks(paint_out(seen, streaks), paper.alignment)
    return SideReading(
        form=form.id, edition=form.edition, side=paper.side.number, engine=ENGINE, rotation_deg=0.0,
        scale_x=1.0, scale_y=1.0, dpi=float(DPI), fit=1.0, bitonal=False, code=None, serial=None,
        marks=measured.marks, fields=(), flags=(), map_px=(),
    )  # fmt: skip


def _run_sheet(
    seed: int, kind_name: str, form: Form, papers: Sequence[Paper], writer: Writer
) -> tuple[list[Case], list[Pixels]]:
    rng, kind = np.random.default_rng(seed), KINDS[kind_name]
    readings, pages, meant = [], [], {}
    for paper in papers:
        page = paper.unwritten.grey.copy()
        meant |= _mark_side(page, paper, form, writer, kind, rng)
        if rng.random() < kind.clutter:
            for number in rng.permutation(len(CLUTTER))[: int(rng.integers(1, 4))]:
                CLUTTER[number](page, rng, paper, writer)
        noise = fields.window(fields.noise(), rng, *page.shape)
        grain = paper.unwritten.optics.noise / fields.NOISE_UNIT
        page = np.asarray(cv2.addWeighted(page, 1.0, noise, grain, -grain * fields.NOISE_MIDDLE), np.uint8)
        pages.append(page)
        readings.append(_read(page, paper, form))
    sides = form.side_of_question
    boxes = {question.id: len(question.options) for question in form.questions}
    cases = [
        Case(
            source=f"{form.id}+marks+{kind_name}", sheet=str(seed), side=sides[answer.question],
            question=answer.question, kind=meant[answer.question].kind,
            shape=writer.hand.habit, pen=writer.hand.pen.kind, meant=meant[answer.question].codes,
            read=answer.codes, outcome=answer.outcome.value, status=answer.status.value,
            confidence=answer.confidence, reason=answer.reason.value if answer.reason else "",
            ordinary=not meant[answer.question].reaching, boxes=boxes[answer.question],
            inked=len(meant[answer.question].codes),
        )
        for answer in decide_answers(form, readings)
    ]  # fmt: skip
    return cases, pages


Keep = Callable[[Case, Pixels, Paper], None]


def keep_crop(folder: Path, case: Case, page: Pixels, paper: Paper) -> None:
    """A PNG of the boxes of one question, with 6 mm around them, in ``folder``."""
    own = [number for number, box in enumerate(paper.side.boxes) if box.question == case.question]
    margin = 9.0 * paper.px_per_mm
    low = np.maximum(paper.centres_px[own].min(axis=0) - margin, 0).astype(int)
    high = (paper.centres_px[own].max(axis=0) + margin).astype(int)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{case.source}-{case.sheet}-{case.question}.png"
    picture = cv2.imencode(".png", np.ascontiguousarray(page[low[1] : high[1], low[0] : high[0]]))[1]
    path.write_bytes(np.asarray(picture).tobytes())


def run_block(
    kind: str, first_seed: int, form_print: FormPrint, references: Sequence[Reference], keep: Keep
) -> Tally:
    """The BLOCK_SHEETS sheets from ``first_seed`` on; ``keep`` is called for every silent error."""
    rng = np.random.default_rng([first_seed, 1])
    form = form_print.form
    unwritten = print_unwritten(form_print, int(rng.integers(2**62)), BACKGROUND)
    papers = [
        _lay_out(each, side, reference)
        for each, side, reference in zip(unwritten, form.sides, references, strict=True)
    ]
    optics = unwritten[0].optics
    sight = Sight(DPI, float(np.hypot(optics.blur_px, 0.35 / 2)), optics.gamma)
    side_mm = float(np.mean([[box.rect.w_mm, box.rect.h_mm] for side in form.sides for box in side.boxes]))
    tallies = []
    for sheet in range(BLOCK_SHEETS):
        if sheet % HAND_SHEETS == 0:
            writer = _make_writer(KINDS[kind], rng, sight, side_mm)
        cases, pages = _run_sheet(first_seed + sheet, kind, form, papers, writer)
        for case in cases:
            if case.silent:
                keep(case, pages[case.side - 1], papers[case.side - 1])
        tallies.append(tally_sheet(cases, len(pages), Good.READ))
    return total(tallies)
