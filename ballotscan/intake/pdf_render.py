"""A PDF page drawn by Poppler through pdf2image, or by PDFium where Poppler is not installed."""

from __future__ import annotations

import math
import shutil
from pathlib import Path
from typing import Final

import numpy as np

from ballotscan.intake.faults import PageFault
from ballotscan.intake.page_image import Grey
from ballotscan.model import Reason

_TIME_LIMIT_S: Final = 60  # a page at 600 dpi takes Poppler about 2 s
_ROUNDING_PX: Final = 2  # Poppler and PDFium round a page's size differently by 1 px


def render_page(path: Path, number: int, width_pt: float, height_pt: float, dpi: float, turns: int) -> Grey:
    """Grey pixels of page ``number`` (from 1), turned as the page says. Raises PageFault.

    ``width_pt`` and ``height_pt`` are the page's before its ``turns`` quarters clockwise; the result is
    measured against them, as a renderer may give back one white pixel and report success.
    """
    grey = _by_poppler(path, number, dpi) if shutil.which("pdftoppm") else _by_pdfium(path, number, dpi)
    wide, high = (height_pt, width_pt) if turns % 2 else (width_pt, height_pt)
    expected = (math.ceil(high / 72 * dpi), math.ceil(wide / 72 * dpi))
    if any(abs(found - wanted) > _ROUNDING_PX for found, wanted in zip(grey.shape, expected, strict=True)):
        raise PageFault(Reason.DAMAGED_IMAGE, f"PDF: drawn as {grey.shape[1]} x {grey.shape[0]} pixels")
    return grey


def _by_poppler(path: Path, number: int, dpi: float) -> Grey:
    from pdf2image import convert_from_path
    from pdf2image.exceptions import PDFPageCountError, PDFPopplerTimeoutError, PDFSyntaxError

    try:
        images = convert_from_path(
            path,
            dpi=int(dpi),
            first_page=number,
            last_page=number,
            grayscale=True,
            use_cropbox=True,
            strict=True,
            timeout=_TIME_LIMIT_S,
        )
    except PDFPopplerTimeoutError as error:
        raise PageFault(Reason.TIME_LIMIT, f"PDF: drawing it took more than {_TIME_LIMIT_S} s") from error
    except (PDFSyntaxError, PDFPageCountError, OSError) as error:
        raise PageFault(Reason.DAMAGED_IMAGE, f"PDF: {' '.join(str(error).split())[:200]}") from error
    if len(images) != 1:
        raise PageFault(Reason.DAMAGED_IMAGE, "PDF: the page could not be drawn")
    return np.asarray(images[0].convert("L"))


def _by_pdfium(path: Path, number: int, dpi: float) -> Grey:
    import pypdfium2  # type: ignore[import-untyped]

    try:
        with pypdfium2.PdfDocument(path) as document:
            return np.asarray(
                document[number - 1].render(scale=dpi / 72, grayscale=True).to_pil().convert("L")
            )
    except pypdfium2.PdfiumError as error:
        raise PageFault(Reason.DAMAGED_IMAGE, f"PDF: {error}") from error
