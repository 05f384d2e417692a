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
from ballotscan.vision.align import CONVINCING, Alignment, align, find_candidates, local_maps, project
from ballotscan.vision.arrays import Floats, Grey
from ballotscan.vision.codes import read_code, read_code_in_place
from ballotscan.vision.flat import bounds_px
from ballotscan.vision.marks import Measured, measure_marks
from ballotscan.vision.ocr import read_fields
from ballotscan.vision.page import MM_PER_INCH, Page, Scan, as_scan, make_page
from ballotscan.vision.print_check import missing_print_mm2
from ballotscan.vision.reference import Reference
from ballotscan.vision.streaks import Streak, find_streaks, paint_out
from ballotscan.vision.trace import take_trace
from ballotscan.vision.unbend import Bend, find_bend, lay_flat

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

STRAIGHT_PEAK = 0.35
"""A page whose first guess agrees less than this may be bent: photographs 0.1 to 0.5, scans 0.5 and more,
hard ones seldom less than 0.42."""

LOST_OUTLINE, LOST_SIDE, MOST_LOST = 0.55, 0.4, 0.03
"""And so may one on which more than this share of the outlines neither look like the form's nor are dark all
round. Where boxes were off by more than 0.5 mm 4 % and more were lost, on straight scans none."""

FLAT_PEAK, FLAT_FIT, FLAT_HELD, FLAT_LOST = 0.35, 0.6, 0.6, 0.2
"""What a page that was laid flat must show at least, and the outlines it may lose at most. Photographs: 0.5,
0.73 and 0.79, and hardly any; of a form with a row more or less 0.2 to 0.8 of the outlines."""

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
    read: SideReading | SideNotRead | None = None
    if alignment is not None and _agrees(alignment):
        read = _read(_Sight(scan, page, alignment, page, alignment), bitonal, always_ocr)
        if _is_straight(alignment, read):
            return read
    flat = _read_flat(scan.grey, page, references, bitonal, always_ocr)
    if flat is not None and (read is None or _lost_share(flat) <= _lost_share(read)):
        return flat
    return read or _why_not(scan, page, alignment, references)


@dataclass(frozen=True)
class _Sight:
    """A page to be read, with the form found on it: as it was scanned, or laid flat. ``scan`` is the page as
    it was scanned, ``in_scan`` the form upon that."""

    image: Scan
    page: Page
    alignment: Alignment
    scan: Page
    in_scan: Alignment


def _read(seen: _Sight, bitonal: bool, always_ocr: bool) -> SideReading | SideNotRead:
    """Read a page on which a side was found."""
    alignment = seen.alignment
    code = read_code_in_place(seen.image, seen.page, alignment)
    wrong = (
        _contradiction(code, alignment)
        or _too_coarse(seen.in_scan)
        or _more_than_one(seen.scan, seen.in_scan)
    )
    if wrong:
        return wrong
    fields = read_fields(seen.image, seen.page, alignment, identified=code is not None, always=always_ocr)
    streaks = find_streaks(seen.page, alignment)
    measured = measure_marks(paint_out(seen.page, streaks), alignment)
    return replace(
        _describe(seen.in_scan, code, bitonal),
        marks=measured.marks,
        fields=fields,
        flags=_differing_texts(alignment, fields) or _missing_print(seen.page, alignment, code, measured),
        streaks_mm=tuple(_from_left_mm(seen.page, alignment, streak) for streak in streaks),
        paper=measured.paper,
        print_dark=measured.print_dark,
        white=round(float((seen.scan.fine[::5, ::5] == 255).mean()), 3),
        trace=take_trace(seen.page, alignment, measured.marks),
    )


def _is_straight(alignment: Alignment, read: SideReading | SideNotRead) -> bool:
    """Whether a page need not be laid flat. A streak of dust is a scanner's, hides outlines, and would not be
    known for one any more on the page laid flat."""
    if isinstance(read, SideReading) and read.streaks_mm:
        return True
    return alignment.peak >= STRAIGHT_PEAK and _lost_share(read) <= MOST_LOST


def _lost_share(read: SideReading | SideNotRead) -> float:
    """The share of the outlines in the image that are not where they should be: hidden, or on a bent page."""
    marks = [mark for mark in read.marks if mark.held == 1] if isinstance(read, SideReading) else []
    lost = sum(mark.outline < LOST_OUTLINE and mark.weakest_side < LOST_SIDE for mark in marks)
    return lost / max(len(marks), 1)


def _read_flat(
    grey: Grey, scan: Page, references: Sequence[Reference], bitonal: bool, always_ocr: bool
) -> SideReading | SideNotRead | None:
    """A bent page, laid flat and read; None where no form agrees with it then as with a good scan."""
    bend = find_bend(scan, references)
    if bend is None:
        return None
    flat = lay_flat(grey, bend)
    page = make_page(flat)
    found = align(page, references)
    if found is None or found.reference is not bend.reference:
        return None
    if found.peak < FLAT_PEAK or found.fit < FLAT_FIT or found.held < FLAT_HELD:
        return None
    seen = _Sight(as_scan(flat), page, found, scan, replace(found, matrix=bend.nearest_matrix()))
    read = _read(seen, bitonal, always_ocr)
    return None if _lost_share(read) > FLAT_LOST else _in_scan(read, seen, bend)


def _in_scan(read: SideReading | SideNotRead, seen: _Sight, bend: Bend) -> SideReading | SideNotRead:
    """What was read on the page laid flat, with the places it has in the scan itself."""
    if isinstance(read, SideNotRead):
        return read
    side = seen.alignment.reference.side
    held = bend.held([box.rect for box in side.boxes], (seen.scan.height_px, seen.scan.width_px))
    bounds = {place.field: bounds_px(seen.in_scan.matrix, place.rect) for place in side.fields}
    return replace(
        read,
        marks=tuple(
            replace(mark, held=min(mark.held, float(share)))
            for mark, share in zip(read.marks, held, strict=True)
        ),
        fields=tuple(
            replace(field, x_px=x_px, y_px=y_px, w_px=w_px, h_px=h_px)
            for field in read.fields
            for x_px, y_px, w_px, h_px in (bounds[field.field],)
        ),
        streaks_mm=(),  # of a scanner's glass, along the columns of its image
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
    linear = _px_per_mm(alignment)
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
    return float(np.sqrt(abs(cv2.determinant(_px_per_mm(alignment))))) * MM_PER_INCH


def _px_per_mm(alignment: Alignment) -> Floats:
    """The (2, 2) change of px per mm in the middle of the side."""
    side = alignment.reference.side
    return np.asarray(local_maps(alignment.matrix, np.array([[side.width_mm / 2, side.height_mm / 2]]))[0])


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
