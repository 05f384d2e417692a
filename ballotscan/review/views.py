"""What a page shows of an answer or a sheet: plain values for the templates, geometry in mm of the form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ballotscan.forms.form import Form, Question, Rect, Side
from ballotscan.i18n import gettext as _
from ballotscan.model import Outcome, Reason, SheetId, SideReading
from ballotscan.reasons import reason_text
from ballotscan.review.cards import Card
from ballotscan.review.pictures import BOX_MM, CLIP_DPI, SHEET_DPI, TILES_AT_MOST, Cut, WholePage, written_in
from ballotscan.review.web import Desk
from ballotscan.store import review_queries as queries
from ballotscan.store.review_queries import ReviewAnswer, SidePage

ROW_ABOVE_MM, ROW_BELOW_MM = 4.0, 4.0
"""Half a row of a table on either side: the neighbours' boxes begin to show and tell where one is."""

TEXT_ABOVE_MM: Final = 8.0  # the question's own line, where its options stand below it
_EDGE_MM: Final = 14.0
LABEL_MM: Final = 30.0  # of the last option's label, where it stands to the right of its box
BOXES_DPI: Final = 120.0
A4_MM: Final = (210.0, 297.0)


@dataclass(frozen=True, slots=True)
class BoxView:
    """One box on a picture: where its outline is, the key that chooses it, and what was made of it."""

    x: float
    y: float
    w: float
    h: float
    key: str
    label: str
    verdict: str  # chosen, empty or doubtful; empty text where nothing is told


@dataclass(frozen=True, slots=True)
class OptionView:
    key: str
    code: str
    label: str


@dataclass(frozen=True, slots=True)
class Machine:
    """What the machine made of an answer, in words."""

    answer: str
    score: str
    reason: str


@dataclass(frozen=True, slots=True)
class CardView:
    """One card. ``clip`` is the part of the form that is shown (mm), ``None`` where there is no picture."""

    number: int
    sheet: SheetId
    sheet_key: int
    question: str
    text: str
    multiple: bool
    options: tuple[OptionView, ...]
    clip: Rect | None
    boxes: tuple[BoxView, ...]
    machine: Machine | None
    marks: int  # how many of the writer's other marks there are to see


def card_view(desk: Desk, card: Card, number: int, row: ReviewAnswer) -> CardView:
    """A card as it is shown. A blind one tells nothing of what anybody made of it."""
    form = desk.form(row.form, row.edition)
    codes = codes_of(desk, row)
    options = tuple(
        OptionView(str(place), code, label)
        for place, (code, label) in enumerate(_labelled(form, row.question, codes), start=1)
    )
    page, reading = side_at(desk, card.sheet, row.side)
    clip: Rect | None = None
    boxes: tuple[BoxView, ...] = ()
    if form and reading and page:
        clip = clip_of(form, row.question, row.side)
        keys = {each.code: each.key for each in options}
        boxes = _boxes_of(form, reading, row.question, keys, {})
    asked = form.question(row.question) if form else None
    return CardView(
        number=number,
        sheet=card.sheet,
        sheet_key=row.key,
        question=row.question,
        text=asked.text if asked else row.question,
        multiple=asked.multiple if asked else False,
        options=options,
        clip=clip,
        boxes=boxes,
        machine=None if card.blind else machine_of(form, row),
        marks=len(marked_elsewhere(desk, card.sheet, row)) if clip else 0,
    )


def machine_of(form: Form | None, row: ReviewAnswer) -> Machine:
    """The machine's answer, how often such a one is right, and why it asks."""
    reason = reason_text(Reason(row.reason)) if row.reason else ""
    return Machine(answer_text(form, row.question, row.codes, row.outcome), f"{row.confidence:.0%}", reason)


def answer_text(
    form: Form | None, question: str, codes: str, outcome: str = "", *, invalid: bool = False
) -> str:
    """An answer in the form's own words."""
    if invalid:
        return _("invalid")
    if outcome == Outcome.UNREADABLE.value and not codes:
        return _("could not be read")
    if not codes:
        return _("blank")
    chosen = codes.split("|")
    labels = dict(_labelled(form, question, chosen))
    return " + ".join(f"{code} {labels[code]}".strip() for code in chosen)


def _labelled(form: Form | None, question: str, codes: Sequence[str]) -> list[tuple[str, str]]:
    if form is None:
        return [(code, "") for code in codes]
    labels = {option.code: option.label for option in form.question(question).options}
    return [(code, labels.get(code, "")) for code in codes]


def codes_of(desk: Desk, row: ReviewAnswer) -> tuple[str, ...]:
    """The codes that a question has, in printed order."""
    asked = desk.reviews.store.questions()[row.form, row.edition]
    return next(each.codes for each in asked if each.question == row.question)


# --- places -----------------------------------------------------------------------------------------------


def side_at(desk: Desk, sheet: SheetId, side: int) -> tuple[SidePage | None, SideReading | None]:
    """The page that is a side of a sheet, and what was read from it."""
    pages = desk.reviews.look(queries.pages_of_sheet, sheet)
    page = next((each for each in pages if each.side == side), None)
    return page, desk.reading(page.key) if page and page.key else None


def clip_of(form: Form, question: str, number: int) -> Rect:
    """The part of a side that holds a question's boxes, as wide as the print, with its line of text."""
    side = form.sides[number - 1]
    rects = [box.rect for box in side.boxes if box.question == question]
    top = min(rect.y_mm for rect in rects)
    bottom = max(rect.y_mm + rect.h_mm for rect in rects)
    above = TEXT_ABOVE_MM if bottom - top > 2 * rects[0].h_mm or _text_above(side, rects) else ROW_ABOVE_MM
    top, bottom = max(0.0, top - above), min(side.height_mm, bottom + ROW_BELOW_MM)
    return Rect(_EDGE_MM, top, side.width_mm - 2 * _EDGE_MM, bottom - top)


def boxes_of(form: Form, question: str, number: int) -> Rect:
    """The part of a side that holds a question's boxes and what is marked around them."""
    rects = [box.rect for box in form.sides[number - 1].boxes if box.question == question]
    left, top = min(rect.x_mm for rect in rects), min(rect.y_mm for rect in rects)
    right = max(rect.x_mm + rect.w_mm for rect in rects)
    bottom = max(rect.y_mm + rect.h_mm for rect in rects)
    return Rect(
        left - ROW_ABOVE_MM,
        top - ROW_ABOVE_MM,
        min(right + LABEL_MM, form.sides[number - 1].width_mm) - left + ROW_ABOVE_MM,
        bottom - top + ROW_ABOVE_MM + ROW_BELOW_MM,
    )


def _text_above(side: Side, rects: Sequence[Rect]) -> bool:
    """Whether the options begin at the left, so that their question stands above them."""
    return min(rect.x_mm for rect in rects) < side.width_mm / 4


def _boxes_of(
    form: Form,
    reading: SideReading,
    question: str,
    keys: dict[str, str],
    verdicts: dict[tuple[str, str], str],
) -> tuple[BoxView, ...]:
    """Where boxes were found on a side; of one question, or (empty) of all."""
    shifts = {(m.question, m.option): (m.shift_x_mm, m.shift_y_mm) for m in reading.marks}
    found = []
    for box in form.sides[reading.side - 1].boxes:
        if question in ("", box.question):
            dx, dy = shifts.get((box.question, box.option), (0.0, 0.0))
            x, y = round(box.rect.x_mm + dx, 2), round(box.rect.y_mm + dy, 2)
            verdict = verdicts.get((box.question, box.option), "")
            size = (box.rect.w_mm, box.rect.h_mm)
            found.append(BoxView(x, y, *size, keys.get(box.option, ""), box.option, verdict))
    return tuple(found)


def clip_task(desk: Desk, sheet: SheetId, row: ReviewAnswer, *, boxes_only: bool = False) -> Cut | None:
    """What is to be cut out for a question: its whole line, or its boxes alone, smaller."""
    form = desk.form(row.form, row.edition)
    page, reading = side_at(desk, sheet, row.side)
    if form is None or page is None or reading is None:
        return None
    hide = written_in(form, form.sides[row.side - 1])
    rect = boxes_of(form, row.question, row.side) if boxes_only else clip_of(form, row.question, row.side)
    dpi = BOXES_DPI if boxes_only else CLIP_DPI
    path = desk.reviews.store.original_path(page.ref.original)
    return Cut(path, page.ref.page, reading.map_px, (rect,), dpi, hide)


def marked_elsewhere(desk: Desk, sheet: SheetId, row: ReviewAnswer) -> list[Rect]:
    """The boxes that the same writer marked on the same side, for comparing."""
    form = desk.form(row.form, row.edition)
    _page, reading = side_at(desk, sheet, row.side)
    if form is None or reading is None:
        return []
    chosen = {
        (each.question, code)
        for each in desk.reviews.look(queries.answers_of_sheet, sheet)
        if each.question != row.question and each.status == "accepted" and each.side == row.side
        for code in each.codes.split("|")
    }
    places = [box for box in form.sides[row.side - 1].boxes if (box.question, box.option) in chosen]
    return [_square(box.rect) for box in places[:TILES_AT_MOST]]


def boxes_task(desk: Desk, sheet: SheetId, row: ReviewAnswer) -> Cut | None:
    """The question's own boxes from near, as tiles in a row, in printed order."""
    form = desk.form(row.form, row.edition)
    page, reading = side_at(desk, sheet, row.side)
    if form is None or page is None or reading is None:
        return None
    boxes = [box for box in form.sides[row.side - 1].boxes if box.question == row.question]
    places = {box.option: _square(box.rect) for box in boxes}
    rects = tuple(places[code] for code in codes_of(desk, row) if code in places)[:TILES_AT_MOST]
    path = desk.reviews.store.original_path(page.ref.original)
    return Cut(path, page.ref.page, reading.map_px, rects, CLIP_DPI) if len(rects) > 1 else None


def _square(rect: Rect) -> Rect:
    x_mm, y_mm = rect.x_mm + rect.w_mm / 2, rect.y_mm + rect.h_mm / 2
    return Rect(x_mm - BOX_MM / 2, y_mm - BOX_MM / 2, BOX_MM, BOX_MM)


def marks_task(desk: Desk, sheet: SheetId, row: ReviewAnswer) -> Cut | None:
    """What is to be cut out of the writer's other marks; at least two, so that they are tiles in a row."""
    page, reading = side_at(desk, sheet, row.side)
    rects = marked_elsewhere(desk, sheet, row)
    if page is None or reading is None or len(rects) < 2:
        return None
    path = desk.reviews.store.original_path(page.ref.original)
    return Cut(path, page.ref.page, reading.map_px, tuple(rects), CLIP_DPI)


# --- whole sheets -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SideView:
    """One side of a sheet: its size in mm and its boxes, or why there is none to see."""

    number: int
    width: float
    height: float
    boxes: tuple[BoxView, ...]
    file: str
    page: int
    reason: str
    readable: bool


def side_views(
    desk: Desk, sheet: SheetId, rows: Sequence[ReviewAnswer], *, told: bool = True
) -> list[SideView]:
    """The sides of a sheet. ``told``: every box with what the machine made of it."""
    found = []
    for page in desk.reviews.look(queries.pages_of_sheet, sheet):
        reading = desk.reading(page.key) if page.key else None
        form = desk.form(rows[0].form, rows[0].edition) if rows else None
        if form and reading:
            side = form.sides[page.side - 1]
            boxes = _boxes_of(form, reading, "", {}, _verdicts(rows) if told else {})
            size = (side.width_mm, side.height_mm)
        else:
            boxes, size = (), A4_MM
        reason = reason_text(Reason(page.reason)) if page.reason else ""
        found.append(
            SideView(page.side, *size, boxes, page.ref.file, page.ref.page, reason, reading is not None)
        )
    return found


def _verdicts(rows: Sequence[ReviewAnswer]) -> dict[tuple[str, str], str]:
    found = {}
    for row in rows:
        for code in row.codes.split("|"):
            found[row.question, code] = "chosen" if row.status == "accepted" else "doubtful"
    return found


def side_task(
    desk: Desk, sheet: SheetId, rows: Sequence[ReviewAnswer], number: int
) -> Cut | WholePage | None:
    """A whole side, upright where its form was found, without what people wrote; else the page as it lies."""
    page, reading = side_at(desk, sheet, number)
    form = desk.form(rows[0].form, rows[0].edition) if rows else None
    if page is None:
        return None
    path = desk.reviews.store.original_path(page.ref.original)
    if form is None or reading is None:
        return WholePage(path, page.ref.page) if page.ref.page else None
    side = form.sides[number - 1]
    whole = Rect(0, 0, side.width_mm, side.height_mm)
    return Cut(path, page.ref.page, reading.map_px, (whole,), SHEET_DPI, written_in(form, side))


def question_of(form: Form | None, name: str) -> Question | None:
    """A question of a form, where both are there."""
    return next((each for each in form.questions if each.id == name), None) if form else None
