"""Printed and typed text of a side.

Printed text that looks just like the blank's needs no OCR: it is the blank's text. Tesseract (``vie``) reads
where it looks different, and what the office typed or stamped in. Free text is only located: people read it.
"""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np

from ballotscan.forms.form import Field, Rect
from ballotscan.model import FieldReading
from ballotscan.vision.align import Alignment, Matrix
from ballotscan.vision.arrays import Grey
from ballotscan.vision.flat import bounds_px, cut_out, grown
from ballotscan.vision.page import MM_PER_INCH, PAPER_WINDOW_PX, Page, Scan

LOOK_DPI = 75.0
"""Enough to see whether something is written, and whether it is the same line of print."""

OCR_DPI = 300.0
"""Tesseract is trained on text of about 300 dpi."""

OCR_MARGIN_MM = 2.0
"""Vietnamese capitals carry two marks above the letter, beyond the line's own height."""

SAME_PRINT = 0.75
"""Correlation with the blank from which printed text is taken to be the same: ordinary scans of the same
title reach 0.9, another title of the same length stays below 0.5."""

SLACK_MM = 0.8
"""How far the print of a field may lie from the page fit."""

INKED = 30
"""Grey levels beyond the blank from which a sample counts as written on: a pencil line at 75 dpi."""

LEAST_INK = 0.004
"""Share of a typed field that must be inked for it to be read at all; specks cover less."""


def read_fields(
    scan: Scan, page: Page, alignment: Alignment, *, identified: bool, always: bool = False
) -> tuple[FieldReading, ...]:
    """The declared fields of the side but its code, with confidence (0 to 1) and place (scan px).

    Where the side is ``identified`` by its code, printed text is not looked at, unless ``always``: then
    tesseract reads it whatever it looks like.
    """
    fields = {field.id: field for field in alignment.reference.form.fields}
    skipped = {"code"} if always or not identified else {"code", "printed_text"}
    return tuple(
        _read_field(scan, page, alignment, fields[place.field], place.rect, always=always)
        for place in alignment.reference.side.fields
        if fields[place.field].kind not in skipped
    )


def _read_field(
    scan: Scan, page: Page, alignment: Alignment, field: Field, rect: Rect, *, always: bool
) -> FieldReading:
    look, blank = _looks(page, alignment, rect)
    ink = _ink_share(look, blank)
    text, confidence = "", 0.0
    if field.kind == "printed_text":
        text, confidence = field.expected or "", _likeness(look, blank)
        if always or confidence < SAME_PRINT:
            text, confidence = read_block(_enlarged(scan, alignment, grown(rect, OCR_MARGIN_MM)))
    elif field.kind == "typed_text" and ink > LEAST_INK:
        text, confidence = read_block(_enlarged(scan, alignment, rect))
    bounds = bounds_px(alignment.matrix, rect)
    return FieldReading(field.id, text, round(confidence, 3), *bounds, ink=round(ink, 4))


def _enlarged(scan: Scan, alignment: Alignment, rect: Rect) -> Grey:
    return cut_out(scan.grey, alignment.matrix, rect, OCR_DPI)


def _looks(page: Page, alignment: Alignment, rect: Rect) -> tuple[Grey, Grey]:
    """The region (with slack around) in the scan and in the blank, both at 75 dpi."""
    reference = alignment.reference
    half = page.fine_scale / 2
    wide = grown(rect, SLACK_MM)
    look = cut_out(page.half, np.diag([half, half, 1.0]) @ alignment.matrix, wide, LOOK_DPI)
    to_blank: Matrix = np.diag([*reference.tiles_half.px_per_mm, 1.0])
    return look, cut_out(reference.half, to_blank, wide, LOOK_DPI)


def _likeness(look: Grey, blank: Grey) -> float:
    """Best correlation of the blank's print with the scan's, within the slack."""
    slack = round(SLACK_MM * LOOK_DPI / MM_PER_INCH)
    inner = blank[slack:-slack, slack:-slack]
    if inner.size == 0 or inner.std() < 1:
        return 0.0
    return max(0.0, float(cv2.matchTemplate(look, inner, cv2.TM_CCOEFF_NORMED).max()))


def _ink_share(look: Grey, blank: Grey) -> float:
    """Share of the region darker than its paper where the blank (grown by 0.7 mm) prints nothing."""
    free = cv2.dilate(255 - blank, np.ones((5, 5), np.uint8)) <= INKED
    paper = cv2.morphologyEx(look, cv2.MORPH_CLOSE, np.ones((PAPER_WINDOW_PX, PAPER_WINDOW_PX), np.uint8))
    inked = free & (cv2.subtract(paper, look) > INKED)
    return int(inked.sum()) / max(int(free.sum()), 1)


@cache
def _language() -> str:
    """``vie`` where its data are installed, else whatever tesseract has."""
    import pytesseract

    installed = pytesseract.get_languages()
    return "vie" if "vie" in installed else "eng"


def read_block(picture: Grey) -> tuple[str, float]:
    """Text and mean confidence of a block of printed lines; nothing where tesseract is not installed."""
    import pytesseract

    try:
        data = pytesseract.image_to_data(
            picture, lang=_language(), config="--psm 6", output_type=pytesseract.Output.DICT
        )
    except (pytesseract.TesseractNotFoundError, pytesseract.TesseractError):
        return "", 0.0
    words = [
        (word, float(confidence))
        for word, confidence in zip(data["text"], data["conf"], strict=True)
        if word.strip() and float(confidence) >= 0
    ]
    if not words:
        return "", 0.0
    return " ".join(word for word, _ in words), sum(c for _, c in words) / len(words) / 100
