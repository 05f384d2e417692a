"""PDF, strictly. A page of one scanned image gives that image as it is; others are rendered or set aside."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import numpy as np
import pikepdf

from ballotscan.intake.faults import FileFault, PageFault
from ballotscan.intake.page_image import (
    Grey,
    PageImage,
    check_size,
    make_page,
    sha_of_bytes,
    sha_of_pixels,
)
from ballotscan.intake.pdf_active import find_active_content
from ballotscan.intake.pdf_content import DrawnImage, PageContent, inherited, read_content
from ballotscan.intake.pdf_images import UnplainImageError, check_image, decode_image, has_mask
from ballotscan.intake.pdf_render import render_page
from ballotscan.intake.tiff import MAX_PAGES
from ballotscan.model import Reason

_MAX_OBJECTS: Final = 500_000  # a stack of MAX_PAGES scans needs some 50,000
_SCAN_COVERS: Final = (
    0.5  # images over less of the page than this make no scan with drawing on it, but a document
)
_WHOLE_PAGE: Final = 0.95  # an image over so much of the page hides what was painted before it
_RENDER_DPI: Final = (150.0, 600.0)  # bounds for rendering at the images' own resolution
_AS_LARGE: Final = 0.9  # strips, or the layers of a compact PDF, are about as large as one another
_DEFAULT_DPI: Final = 300.0  # where the images are no measure (issue: "at the images' own dpi, else 300")
_BLANK_DPI: Final = 150.0
_MAX_PAGE_PT: Final = 14_400.0  # the largest page of ISO 32000-1, annex C; Poppler yields 1 x 1 px far beyond


class PdfFile:
    """An open PDF. Raises FileFault from the constructor where the file is damaged, locked or active."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._pdf = _open_strictly(path)
        try:
            with _damage_is_a_file_fault(path):
                self._check_whole()
                self.page_count = len(self._pdf.pages)
            if warned := self._pdf.get_warnings():
                raise FileFault(Reason.DAMAGED_FILE, f"PDF: {_one_line(warned[0], path)}")
            if not self.page_count:
                raise FileFault(Reason.NO_PAGES, "PDF: no page in it")
            if self.page_count > MAX_PAGES:
                raise FileFault(
                    Reason.TOO_MANY_PAGES, f"PDF: {self.page_count} pages, the limit is {MAX_PAGES}"
                )
        except BaseException:
            self._pdf.close()
            raise

    def close(self) -> None:
        self._pdf.close()

    def _check_whole(self) -> None:
        if len(self._pdf.objects) > _MAX_OBJECTS:
            raise FileFault(Reason.RESOURCE_LIMIT, f"PDF: {len(self._pdf.objects)} objects")
        if active := find_active_content(self._pdf):
            raise FileFault(Reason.ACTIVE_CONTENT, f"PDF: {active}")

    def page(self, number: int) -> PageImage:
        """Page ``number``, from 1. Raises PageFault."""
        with _damage_is_a_page_fault(self._pdf, self._path):
            page = self._pdf.pages[number - 1]
            return self._read(page, number)

    def _read(self, page: pikepdf.Page, number: int) -> PageImage:
        width_pt, height_pt, turns = _page_size(page)
        content = read_content(page)
        covered = _covered_share(content, page)
        _check_nothing_drawn(content, covered)
        if not content.images:
            if content.unplain:
                raise PageFault(Reason.NOT_A_SCAN, f"PDF: no image on the page, but {content.unplain}")
            return _blank_page(width_pt, height_pt)
        if len(content.images) == 1 and not content.unplain and not content.hidden_text:
            with suppress(UnplainImageError):  # a kind of image that only a renderer knows
                return _take_image(content.images[0], turns)
        for drawn in content.images:
            check_image(drawn.image)
        dpi = _render_dpi(content.images, width_pt, height_pt)
        grey = render_page(self._path, number, width_pt, height_pt, dpi, turns)
        return make_page(grey, sha_of_pixels(grey), dpi)


def _open_strictly(path: Path) -> pikepdf.Pdf:
    try:
        return pikepdf.Pdf.open(path, attempt_recovery=False, suppress_warnings=True)
    except pikepdf.PasswordError as error:
        raise FileFault(Reason.ENCRYPTED, "PDF: it asks for a password") from error
    except (pikepdf.PdfError, RuntimeError, ValueError) as error:
        raise FileFault(Reason.DAMAGED_FILE, f"PDF: {_one_line(error, path)}") from error


_PIKEPDF_ERRORS = (
    pikepdf.PdfError,
    RuntimeError,
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    IndexError,
)
"""What pikepdf raises where an object is not of the kind it ought to be."""


@contextmanager
def _damage_is_a_file_fault(path: Path) -> Iterator[None]:
    try:
        yield
    except _PIKEPDF_ERRORS as error:
        _pass_on_lack_of_memory(error)
        raise FileFault(Reason.DAMAGED_FILE, f"PDF: {_one_line(error, path)}") from error


@contextmanager
def _damage_is_a_page_fault(pdf: pikepdf.Pdf, path: Path) -> Iterator[None]:
    """Both what is raised and what is only warned about while the page is read."""
    pdf.get_warnings()  # reading them empties the list
    try:
        yield
    except _PIKEPDF_ERRORS as error:
        _pass_on_lack_of_memory(error)
        raise PageFault(Reason.DAMAGED_IMAGE, f"PDF: {_one_line(error, path)}") from error
    if warned := pdf.get_warnings():
        raise PageFault(Reason.DAMAGED_IMAGE, f"PDF: {_one_line(warned[0], path)}")


def _pass_on_lack_of_memory(error: Exception) -> None:
    """qpdf tells a lack of memory as an error like any other; it is the worker's limit, not damage."""
    if "bad_alloc" in str(error) or "memory" in str(error).lower():
        raise MemoryError(str(error)) from error


def _one_line(error: object, path: Path) -> str:
    """qpdf's words without the path before them: the file lies elsewhere under its hash."""
    words = str(error).replace(str(path), "").lstrip(": ")
    return " ".join(words.split())[:300] or type(error).__name__


def _page_size(page: pikepdf.Page) -> tuple[float, float, int]:
    """Width and height of what a reader shows, in points before turning, and the quarter turns clockwise."""
    left, bottom, right, top = (float(value) for value in page.cropbox)
    unit = float(page.obj.get("/UserUnit", 1))
    width_pt, height_pt = abs(right - left) * unit, abs(top - bottom) * unit
    if not (0 < width_pt < math.inf and 0 < height_pt < math.inf):
        raise PageFault(Reason.DAMAGED_IMAGE, "PDF: the page has no size")
    if max(width_pt, height_pt) > _MAX_PAGE_PT:
        raise PageFault(Reason.TOO_LARGE, f"PDF: a page of {width_pt:.0f} x {height_pt:.0f} pt")
    turn_deg = int(inherited(page.obj, "/Rotate", 0))
    if turn_deg % 90:
        raise PageFault(Reason.DAMAGED_IMAGE, f"PDF: a page turned by {turn_deg} degrees")
    return width_pt, height_pt, turn_deg // 90 % 4


def _covered_share(content: PageContent, page: pikepdf.Page) -> float:
    """Share of the page that images lie on, 0 to 1; overlapping ones are counted twice, up to 1."""
    left, bottom, right, top = (float(value) for value in page.cropbox)
    left, right, bottom, top = min(left, right), max(left, right), min(bottom, top), max(bottom, top)
    area = 0.0
    for drawn in content.images:
        x0, y0, x1, y1 = drawn.box_pt
        area += max(0.0, min(x1, right) - max(x0, left)) * max(0.0, min(y1, top) - max(y0, bottom))
    return min(1.0, area / ((right - left) * (top - bottom)))


def _check_nothing_drawn(content: PageContent, covered: float) -> None:
    """Raise PageFault for anything visible that did not come out of a scanner."""
    visible = content.painted_over or content.annotated
    if not visible and content.painted_under and covered < _WHOLE_PAGE:
        visible = content.painted_under
    if not visible:
        return
    if covered < _SCAN_COVERS:
        raise PageFault(Reason.NOT_A_SCAN, f"PDF: made by a program, not by a scanner: {visible}")
    raise PageFault(Reason.DRAWN_ON, f"PDF: over the scan there is {visible}")


def _take_image(drawn: DrawnImage, turns: int) -> PageImage:
    """The image itself, turned as the drawing matrix and the page's own turn say."""
    if has_mask(drawn.image):
        raise UnplainImageError
    decoded = decode_image(drawn.image)
    turned = decoded.pixels.turned(drawn.quarter_turns_clockwise() + turns)
    return make_page(turned, decoded.sha, drawn.dpi())


def _render_dpi(images: tuple[DrawnImage, ...], width_pt: float, height_pt: float) -> float:
    """The resolution of the largest images (a logo is no measure), within reason and the pixel limit."""
    low, high = _RENDER_DPI
    largest = max(drawn.area_pt2 for drawn in images)
    found = [drawn.dpi() for drawn in images if drawn.area_pt2 >= _AS_LARGE * largest > 0]
    dpi = float(round(min(high, max(low, *found)))) if found else _DEFAULT_DPI
    check_size(math.ceil(width_pt / 72 * dpi), math.ceil(height_pt / 72 * dpi))
    return dpi


def _blank_page(width_pt: float, height_pt: float) -> PageImage:
    """A page with nothing on it at all: white, so that it is told as blank and not as damaged."""
    width_px, height_px = (max(1, round(size / 72 * _BLANK_DPI)) for size in (width_pt, height_pt))
    check_size(width_px, height_px)
    grey: Grey = np.full((height_px, width_px), 255, np.uint8)
    return make_page(grey, sha_of_bytes(b"empty PDF page"), _BLANK_DPI)
