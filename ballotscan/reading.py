"""One page, read: which side of which form it is, what is marked on it, and how sure that is.

Start here to see how a page becomes numbers. Nothing is decided about answers (``rules`` does that), and a
page that cannot be read is a result, not an exception.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher

import cv2
import numpy as np

from ballotscan import ENGINE
from ballotscan.forms.codes import SideCode
from ballotscan.model import FieldReading, PageState, Reason, SideReading
from ballotscan.vision.align import CONVINCING, Alignment, align, find_candidates, project
from ballotscan.vision.arrays import Grey
from ballotscan.vision.codes import read_code, read_code_in_place
from ballotscan.vision.marks import Measured, measure_marks
from ballotscan.vision.ocr import read_fields
from ballotscan.vision.page import MM_PER_INCH, Page, Scan, as_scan, make_page
from ballotscan.vision.print_check import missing_print_mm2
from ballotscan.vision.reference import Reference
from ballotscan.vision.streaks import Streak, find_streaks, paint_out
from ballotscan.vision.trace import take_trace

BLANK_SIGNAL = 30.0
BLANK_SHARE = 0.004
"""A page is blank where less than this share of it is darker than its paper by BLANK_SIGNAL grey levels:
a side of a form has 8 % and more, a streak of dust 0.3 %."""

LEAST_PAPER = 100.0
"""Grey of paper: what is darker all over is no blank page, but a lid left open or a lost exposure."""

MOST_BESIDE = 0.3
"""Print beside the sheet, as a share of that upon it: lids and edges make 0.05, a second sheet about 1."""

LEAST_PEAK = 0.2
"""Whitened correlation: pages of the form 0.27 and more even when hard to read, pages of other forms 0.19
and less (DECISIONS.md)."""

LEAST_FIT, LEAST_HELD = 0.5, 0.5
"""Median correlation of the print's patches, and the share of them found. Other forms: 0.35 and 0.4."""

LEAST_DPI = 110.0
"""The coarsest scan that is read: a 0.3 mm outline is 1.3 px. Offices are asked for 200 and more."""

MOST_MISSING_MM2 = 40.0
"""Print that may be gone from a page that is still taken for the form: half a line of text. Simulated office
scans miss none, with a feed that stretches up to 5; one line of other text makes 176 and more."""

SAME_TEXT = 0.7
"""Likeness of two texts from which one is a misread form of the other, and not another text."""


@dataclass(frozen=True, slots=True)
class SideNotRead:
    """Why a page is no side that can be read. ``form``, ``edition`` and ``side`` where they are known."""

    state: PageState
    reason: Reason
    detail: str
    form: str | None = None
    edition: str | None = None
    side: int | None = None


def read_side(
    pixels: Grey | Scan, bitonal: bool, references: Sequence[Reference], *, always_ocr: bool = False
) -> SideReading | SideNotRead:
    """Read one page (H, W), 0 black to 255 white, against the sides it may be. Of a ``Scan`` the full size is
    only asked for where its small copy does not do.

    ``bitonal`` says that the scanner gave only black and white. Never raises for what is on the page.
    """
    scan = as_scan(pixels)
    page = make_page(scan)
    if float((page.coarse > BLANK_SIGNAL).mean()) < BLANK_SHARE:
        return _hardly_anything(page, references)
    alignment = align(page, references)
    if alignment is None or not _agrees(alignment):
        return _why_not(scan, page, alignment, references)
    code = read_code_in_place(scan, page, alignment)
    wrong = _contradiction(code, alignment) or _too_coarse(alignment) or _more_than_one(page, alignment)
    if wrong:
        return wrong
    fields = read_fields(scan, page, alignment, identified=code is not None, always=always_ocr)
    streaks = find_streaks(page, alignment)
    measured = measure_marks(paint_out(page, streaks), alignment)
    return replace(
        _describe(alignment, code, bitonal),
        marks=measured.marks,
        fields=fields,
        flags=_differing_texts(alignment, fields) or _missing_print(page, alignment, code, measured),
        streaks_mm=tuple(_from_left_mm(page, alignment, streak) for streak in streaks),
        paper=measured.paper,
        print_dark=measured.print_dark,
        trace=take_trace(page, alignment, measured.marks),
    )


def _hardly_anything(page: Page, references: Sequence[Reference]) -> SideNotRead:
    """A page with next to no print: blank paper, or a form that the scanner has all but lost."""
    if float(np.median(page.paper)) < LEAST_PAPER:
        return SideNotRead(PageState.SET_ASIDE, Reason.NOT_THIS_FORM, "black")
    if max((found.peak for found in find_candidates(page, references)), default=0.0) >= CONVINCING:
        return SideNotRead(PageState.SET_ASIDE, Reason.POOR_FIT, "hardly any contrast")
    return SideNotRead(PageState.NON_BALLOT, Reason.BLANK_PAGE, "")


def _more_than_one(page: Page, alignment: Alignment) -> SideNotRead | None:
    """Two sheets on one image: as much print beside the sheet that was found as upon it."""
    side = alignment.reference.side
    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) * (side.width_mm, side.height_mm)
    outline = project(alignment.matrix, corners) * np.array(page.coarse_scale)
    sheet = cv2.fillConvexPoly(np.zeros(page.coarse.shape, np.uint8), np.rint(outline).astype(np.int32), (1,))
    dark = page.coarse > BLANK_SIGNAL
    beside = int((dark & (cv2.dilate(sheet, np.ones((9, 9), np.uint8)) == 0)).sum())
    if beside < MOST_BESIDE * int((dark & (sheet > 0)).sum()):
        return None
    form = alignment.reference.form
    return SideNotRead(PageState.SET_ASIDE, Reason.SEVERAL_SHEETS, "", form.id, form.edition, side.number)


def _from_left_mm(page: Page, alignment: Alignment, streak: Streak) -> float:
    """Where a streak runs in the image, in mm of paper from the left edge."""
    return round((streak.left + streak.right) / page.fine_scale / _dpi(alignment) * MM_PER_INCH, 1)


def _agrees(alignment: Alignment) -> bool:
    return alignment.peak >= LEAST_PEAK and alignment.fit >= LEAST_FIT and alignment.held >= LEAST_HELD


def _why_not(
    scan: Scan, page: Page, alignment: Alignment | None, references: Sequence[Reference]
) -> SideNotRead:
    """A page the print does not agree with: another edition, mirrored, badly distorted, or something else."""
    mirrored = make_page(np.ascontiguousarray(scan.small[:, ::-1]))
    if max((found.peak for found in find_candidates(mirrored, references)), default=0.0) >= 2 * LEAST_PEAK:
        return SideNotRead(PageState.SET_ASIDE, Reason.MIRRORED, "")
    code = read_code(page.fine)
    if code is not None:
        reason = _by_code(code, references)
        return SideNotRead(PageState.SET_ASIDE, reason, "", code.form, code.edition, code.side)
    if alignment is not None and alignment.peak >= LEAST_PEAK and alignment.held >= LEAST_HELD / 2:
        form, side = alignment.reference.form, alignment.reference.side
        detail = f"fit {alignment.fit:.2f}, {alignment.held:.0%}"
        return SideNotRead(PageState.SET_ASIDE, Reason.POOR_FIT, detail, form.id, form.edition, side.number)
    return SideNotRead(PageState.SET_ASIDE, Reason.NOT_THIS_FORM, "")


def _by_code(code: SideCode, references: Sequence[Reference]) -> Reason:
    """What a readable code says of a page that none of the forms fits."""
    known = {(reference.form.id, reference.form.edition) for reference in references}
    if (code.form, code.edition) in known:
        return Reason.POOR_FIT
    same_form = code.form in {form for form, _edition in known}
    return Reason.OTHER_EDITION if same_form else Reason.NOT_THIS_FORM


def _contradiction(code: SideCode | None, alignment: Alignment) -> SideNotRead | None:
    """A code that says something else than the print."""
    form, side = alignment.reference.form, alignment.reference.side
    if code is None or (code.form, code.edition, code.side) == (form.id, form.edition, side.number):
        return None
    detail = f"{code.form} {code.edition} / {code.side}"
    return SideNotRead(PageState.SET_ASIDE, Reason.OTHER_EDITION, detail)


def _too_coarse(alignment: Alignment) -> SideNotRead | None:
    dpi = _dpi(alignment)
    if dpi >= LEAST_DPI:
        return None
    form, side = alignment.reference.form, alignment.reference.side
    return SideNotRead(
        PageState.SET_ASIDE, Reason.TOO_COARSE, f"{dpi:.0f} dpi", form.id, form.edition, side.number
    )


def _describe(alignment: Alignment, code: SideCode | None, bitonal: bool) -> SideReading:
    """What is known of the side before anything on it is measured."""
    form, side = alignment.reference.form, alignment.reference.side
    linear = alignment.matrix[:2, :2]
    px_per_mm_x, px_per_mm_y = np.hypot(*linear[:, 0]), np.hypot(*linear[:, 1])
    nominal = _dpi(alignment) / MM_PER_INCH
    return SideReading(
        form=form.id,
        edition=form.edition,
        side=side.number,
        engine=ENGINE,
        rotation_deg=round(float(np.degrees(np.arctan2(linear[1, 0], linear[0, 0]))), 2),
        scale_x=round(float(px_per_mm_x / nominal), 4),
        scale_y=round(float(px_per_mm_y / nominal), 4),
        dpi=round(_dpi(alignment), 1),
        fit=round(alignment.fit, 3),
        bitonal=bitonal,
        code=None if code is None else f"{code.form}/{code.edition}/{code.side}",
        serial=None if code is None else code.serial,
        marks=(),
        fields=(),
        flags=(),
        map_px=tuple(round(float(value), 9) for value in alignment.matrix.ravel()),
    )


def _dpi(alignment: Alignment) -> float:
    """Pixels per printed inch, the mean of both directions."""
    linear = alignment.matrix[:2, :2]
    return float(np.sqrt(abs(cv2.determinant(linear)))) * MM_PER_INCH


def _differing_texts(alignment: Alignment, fields: Sequence[FieldReading]) -> tuple[Reason, ...]:
    """Flags for printed texts that are not those of the form."""
    flags = []
    for reading in fields:
        field = next(each for each in alignment.reference.form.fields if each.id == reading.field)
        if field.kind == "printed_text" and field.expected and not _same_text(reading.text, field.expected):
            flags.append(Reason.TITLE_DIFFERS if field.id == "title" else Reason.FIELD_DIFFERS)
    return tuple(sorted(set(flags)))


def _missing_print(
    page: Page, alignment: Alignment, code: SideCode | None, measured: Measured
) -> tuple[Reason, ...]:
    """A flag where a side that no code identifies lacks some of the form's print: perhaps another edition."""
    if code is None and missing_print_mm2(page, alignment, measured.print_dark) > MOST_MISSING_MM2:
        return (Reason.FIELD_DIFFERS,)
    return ()


def _same_text(read: str, expected: str) -> bool:
    one, other = ("".join(text.casefold().split()) for text in (read, expected))
    return SequenceMatcher(None, one, other, autojunk=False).ratio() >= SAME_TEXT
