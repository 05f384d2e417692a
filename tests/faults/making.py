"""Makes scans, healthy ones and evil ones, and opens them. No tests."""

from __future__ import annotations

import io
import os
import shutil
import struct
import tempfile
import warnings
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pikepdf
from numpy.typing import NDArray
from pikepdf import Array, Dictionary, Name, Stream
from PIL import Image

from ballotscan.intake.faults import FileFault, PageFault
from ballotscan.intake.files import open_source
from ballotscan.intake.page_image import PageImage
from ballotscan.model import Reason

WIDTH_PX, HEIGHT_PX = 248, 351  # A4 at 30 dpi: what is tested here does not depend on the number of pixels
NOBODY = 65534
A4_PT = (0, 0, 595, 842)
OVER_THE_PAGE = b"q 595 0 0 842 0 0 cm /Im0 Do Q"

Grey = NDArray[np.uint8]


@contextmanager
def without_roots_rights() -> Iterator[Path]:
    """A folder of one's own, as a user whom the system may refuse something: root is nobody meanwhile."""
    folder = Path(tempfile.mkdtemp(prefix="ballotscan-nobody-"))
    folder.chmod(0o755)
    root = os.geteuid() == 0
    if root:
        os.chown(folder, NOBODY, -1)
        os.seteuid(NOBODY)
    try:
        yield folder
    finally:
        if root:
            os.seteuid(0)
        shutil.rmtree(folder)


def picture(seed: int = 0) -> Grey:
    """A page with no symmetry, light as paper is, so that a turned, mirrored or inverted one is found out."""
    rng = np.random.default_rng(seed)
    grey = np.full((HEIGHT_PX, WIDTH_PX), 250, np.uint8)
    grey[10:30, 10:200] = 40
    grey[60:300, 20:28] = 90
    for _ in range(60):
        y, x = int(rng.integers(40, HEIGHT_PX - 20)), int(rng.integers(40, WIDTH_PX - 20))
        grey[y : y + 8, x : x + 12] = rng.integers(0, 200)
    return grey


def bitonal_picture(seed: int = 0) -> Grey:
    return np.where(picture(seed) > 127, 255, 0).astype(np.uint8)


def encoded(image: Grey | Image.Image, kind: str, **options: Any) -> bytes:
    """The image as a file of this kind, by Pillow."""
    picture_ = image if isinstance(image, Image.Image) else Image.fromarray(image)
    out = io.BytesIO()
    picture_.save(out, kind, **options)
    return out.getvalue()


def jpeg(seed: int = 0, **options: Any) -> bytes:
    return encoded(picture(seed), "JPEG", **{"quality": 90, **options})


def tiff(*images: Grey, compression: str = "group4") -> bytes:
    """A TIFF of so many bitonal or grey pages."""
    bitonal = compression.startswith("group")
    pages = [Image.fromarray(image).convert("1") if bitonal else Image.fromarray(image) for image in images]
    return encoded(pages[0], "TIFF", compression=compression, save_all=True, append_images=pages[1:])


def jpeg_image(pdf: pikepdf.Pdf, data: bytes, **entries: Any) -> Stream:
    """An image object around a JPEG of the usual size."""
    return image_object(pdf, data, Name.DCTDecode, **entries)


def image_object(pdf: pikepdf.Pdf, data: bytes, filter_: Any = None, **entries: Any) -> Stream:
    stream = Stream(pdf, data)
    stream.stream_dict = Dictionary(
        Type=Name.XObject,
        Subtype=Name.Image,
        Width=WIDTH_PX,
        Height=HEIGHT_PX,
        BitsPerComponent=8,
        ColorSpace=Name.DeviceGray,
    )
    if filter_ is not None:
        stream["/Filter"] = filter_
    for key, value in entries.items():
        stream[f"/{key}"] = value
    return stream


def add_page(
    pdf: pikepdf.Pdf, images: Mapping[str, Any], content: bytes = OVER_THE_PAGE, **entries: Any
) -> Dictionary:
    """An A4 page that draws these image objects by this content."""
    page = Dictionary(
        Type=Name.Page,
        MediaBox=Array(list(A4_PT)),
        Resources=Dictionary(XObject=Dictionary({f"/{name}": image for name, image in images.items()})),
        Contents=pdf.make_stream(content),
    )
    for key, value in entries.items():
        page[f"/{key}"] = value
    pdf.pages.append(pikepdf.Page(pdf.make_indirect(page)))
    return pdf.pages[-1].obj


def scan_pdf(path: Path, *jpegs: bytes) -> Path:
    """A PDF as a scanner writes it: one JPEG a page. What is wrong in a JPEG stays wrong."""
    with pikepdf.new() as pdf:
        for data in jpegs or (jpeg(),):
            add_page(pdf, {"Im0": jpeg_image(pdf, data)})
        pdf.save(path)
    return path


def made_pdf(path: Path, make: Callable[[pikepdf.Pdf], object], **options: Any) -> Path:
    """A PDF made by ``make``, saved with these options of pikepdf's."""
    with pikepdf.new() as pdf:
        make(pdf)
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", pikepdf.PageCopyWarning
            )  # form fields that no form reaches: meant so
            pdf.save(path, **options)
    return path


def saved(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def flate(data: bytes) -> bytes:
    return zlib.compress(data, 9)


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def file_fault(path: Path) -> FileFault:
    """The fault with which the whole file is refused; fails where it is opened."""
    try:
        source = open_source(path)
    except FileFault as fault:
        return fault
    source.close()
    raise AssertionError(f"{path.name} was opened, with {source.page_count} pages")


def page_fault(path: Path, number: int = 1) -> PageFault:
    """The fault with which this page is refused; fails where it is read."""
    with open_source(path) as source:
        try:
            source.page(number)
        except PageFault as fault:
            return fault
    raise AssertionError(f"page {number} of {path.name} was read")


def page_of(path: Path, number: int = 1) -> PageImage:
    with open_source(path) as source:
        return source.page(number)


def outcomes(path: Path) -> list[Reason | None]:
    """For every page the reason why it is refused, or None where it is read."""
    found: list[Reason | None] = []
    with open_source(path) as source:
        for number in range(1, source.page_count + 1):
            try:
                source.page(number)
                found.append(None)
            except PageFault as fault:
                found.append(fault.reason)
    return found


def far_apart(one: Grey, other: Grey) -> int:
    """The largest difference between two images, in grey levels; 256 where they differ in size."""
    if one.shape != other.shape:
        return 256
    return int(np.abs(one.astype(int) - other.astype(int)).max())
