"""The blank form as a picture: what every scan of it is compared with."""

from __future__ import annotations

import io
import shutil
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ballotscan.errors import TemplateError
from ballotscan.forms import cache
from ballotscan.forms.form import Form
from ballotscan.forms.load import cache_name, load_form
from ballotscan.forms.source import SOURCE_NAME, parse_source
from ballotscan.i18n import gettext as _

PRINT_DPI: Final = 300  # the resolution most offices scan at; a box of 4 mm is 47 px wide
MM_PER_INCH: Final = 25.4
MOST_STRETCH: Final = 0.02  # width against height; a scanner's own is below 1 %, Letter for A4 is 9 %


@dataclass(frozen=True)
class FormPrint:
    """A form and its blank sides: grey (H, W) uint8 arrays, white 255, one per side, at ``dpi``."""

    form: Form
    dpi: int
    pages: tuple[NDArray[np.uint8], ...]


def load_print(folder: Path, serial: str | None = None) -> FormPrint:
    """The form with its blank sides at 300 dpi, drawn or rasterised once and then kept in the user's cache.

    A print with a serial is drawn anew each time. Raises ``TemplateError``.
    """
    form = load_form(folder)
    if serial is not None:
        return FormPrint(form, PRINT_DPI, _make_pages(form, folder, serial))
    name = cache_name(form.id, form.hash, f"-{PRINT_DPI}.npz")
    pages = _unpack(cache.read_cached(name), form)
    if pages is None:
        pages = _make_pages(form, folder, None)
        cache.keep(name, _pack(pages))
    return FormPrint(form, PRINT_DPI, pages)


def _make_pages(form: Form, folder: Path, serial: str | None) -> tuple[NDArray[np.uint8], ...]:
    """Draw or open the blank, and bring every side to exactly the size its millimetres ask for."""
    blank = parse_source(folder / SOURCE_NAME).blank
    if blank is None:
        from ballotscan.forms.drawing import draw_pdf

        pictures = rasterise(draw_pdf(folder, serial))
        name = SOURCE_NAME
    else:
        from ballotscan.forms.blanks import open_blank

        pictures = open_blank(folder / blank.print)
        name = blank.print
    if len(pictures) != len(form.sides):
        raise TemplateError(
            f"{folder / name}: "
            + _("{pages} pages, but the form has {sides} sides.").format(
                pages=len(pictures), sides=len(form.sides)
            ),
            _("Give a blank with one page for each side."),
        )
    check_sizes(folder / name, pictures, form)
    return tuple(
        _fit(picture, side.width_mm, side.height_mm)
        for picture, side in zip(pictures, form.sides, strict=True)
    )


def check_sizes(path: Path, pictures: Sequence[NDArray[np.uint8]], form: Form) -> None:
    """Raise ``TemplateError`` where a page has not the size stated for it: of an image, its proportions."""
    for picture, side in zip(pictures, form.sides, strict=True):
        width, height = size_px(side.width_mm, side.height_mm)
        across, down = picture.shape[1] / width, picture.shape[0] / height
        stretched = abs(across / down - 1) > MOST_STRETCH
        resized = path.suffix == ".pdf" and abs(across - 1) > MOST_STRETCH
        if stretched or resized:
            raise TemplateError(
                f"{path}: "
                + _("page {page} is not {width:g} x {height:g} mm, as the list of boxes has it.").format(
                    page=side.number, width=side.width_mm, height=side.height_mm
                ),
                _("Correct the page's size in the list of boxes, or crop the blank to the whole page."),
            )


def rasterise(pdf: bytes) -> list[NDArray[np.uint8]]:
    """Every page of a PDF as a grey picture at 300 dpi, by poppler where it is installed, else by PDFium."""
    if shutil.which("pdftoppm"):
        from pdf2image import convert_from_bytes

        images = convert_from_bytes(pdf, dpi=PRINT_DPI, grayscale=True, thread_count=1)
        return [np.asarray(image.convert("L"), dtype=np.uint8) for image in images]
    import pypdfium2  # type: ignore[import-untyped,unused-ignore]

    with pypdfium2.PdfDocument(pdf) as document:
        return [page.render(scale=PRINT_DPI / 72, grayscale=True).to_numpy().copy() for page in document]


def printable_pdf(folder: Path, serials: Sequence[str | None] = (None,)) -> bytes:
    """The form as a PDF for the printer, one copy per serial. An office's own PDF comes back as it is.

    Raises ``TemplateError``, also for serials on an office's own blank, which cannot take any.
    """
    blank = parse_source(folder / SOURCE_NAME).blank
    if blank is None:
        from ballotscan.forms.drawing import draw_copies

        return draw_copies(folder, serials)
    if list(serials) != [None]:
        raise TemplateError(
            _("{folder}: an office's own blank takes no serials.").format(folder=folder),
            _("Print it without."),
        )
    if blank.print.endswith(".pdf"):
        return (folder / blank.print).read_bytes()
    from PIL import Image

    first, *others = [Image.fromarray(page) for page in load_print(folder).pages]
    data = io.BytesIO()
    first.save(data, "PDF", resolution=PRINT_DPI, save_all=True, append_images=others)
    return data.getvalue()


def size_px(width_mm: float, height_mm: float) -> tuple[int, int]:
    """Width and height in pixels at 300 dpi; A4 is 2480 by 3508."""
    return round(width_mm / MM_PER_INCH * PRINT_DPI), round(height_mm / MM_PER_INCH * PRINT_DPI)


def _fit(picture: NDArray[np.uint8], width_mm: float, height_mm: float) -> NDArray[np.uint8]:
    """The picture at exactly 300 dpi: renderers round a page's size by a pixel, a scan has its own dpi."""
    width, height = size_px(width_mm, height_mm)
    if abs(picture.shape[1] - width) <= 1 and abs(picture.shape[0] - height) <= 1:
        room = np.full((height, width), 255, np.uint8)
        part = picture[:height, :width]
        room[: part.shape[0], : part.shape[1]] = part
        return room
    import cv2

    method = cv2.INTER_AREA if picture.shape[1] > width else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture, (width, height), interpolation=method), dtype=np.uint8)


def _pack(pages: tuple[NDArray[np.uint8], ...]) -> bytes:
    data = io.BytesIO()
    np.savez_compressed(data, *pages)
    return data.getvalue()


def _unpack(data: bytes | None, form: Form) -> tuple[NDArray[np.uint8], ...] | None:
    """What was kept, or ``None`` where there is nothing or it is damaged (every part has a checksum)."""
    if data is None:
        return None
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as kept:
            pages = tuple(kept[f"arr_{place}"] for place in range(len(kept.files)))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    wanted = [size_px(side.width_mm, side.height_mm)[::-1] for side in form.sides]
    good = [page.shape for page in pages] == wanted and all(page.dtype == np.uint8 for page in pages)
    return pages if good else None
