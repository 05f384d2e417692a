"""PNG, strictly: every chunk's checksum is compared before a pixel is decoded."""

from __future__ import annotations

import io
import struct
import zlib

from PIL import Image

from ballotscan.intake.faults import PageFault
from ballotscan.intake.page_image import (
    PageImage,
    check_size,
    grey_from_pillow,
    make_page,
    pillow_faults,
    sha_of_bytes,
)
from ballotscan.model import Reason

_MAGIC = b"\x89PNG\r\n\x1a\n"


def open_png(data: bytes) -> PageImage:
    """A PNG file's page. Raises PageFault."""
    _check_chunks(data)
    with pillow_faults(), Image.open(io.BytesIO(data), formats=["PNG"]) as image:
        check_size(*image.size)
        if getattr(image, "n_frames", 1) > 1:
            raise PageFault(Reason.UNSUPPORTED_IMAGE, "PNG: a moving picture")
        image.load()
        return make_page(grey_from_pillow(image), sha_of_bytes(data), image.info.get("dpi", (None,))[0])


def _check_chunks(data: bytes) -> None:
    """Walk all chunks from IHDR to IEND: lengths, checksums, size. Raises PageFault."""
    at = len(_MAGIC)
    kinds: list[bytes] = []
    while not kinds or kinds[-1] != b"IEND":
        if at + 12 > len(data):
            raise PageFault(Reason.CUT_OFF, "PNG: ends before its end chunk")
        length, kind = struct.unpack_from(">I4s", data, at)
        body_end = at + 8 + length
        if body_end + 4 > len(data):
            raise PageFault(Reason.CUT_OFF, "PNG: ends inside a chunk")
        (checksum,) = struct.unpack_from(">I", data, body_end)
        if zlib.crc32(memoryview(data)[at + 4 : body_end]) != checksum:
            raise PageFault(Reason.DAMAGED_IMAGE, "PNG: a chunk's checksum differs")
        kinds.append(kind)
        if kinds == [b"IHDR"] and length == 13:
            check_size(*struct.unpack_from(">II", data, at + 8))
        at = body_end + 4
    if kinds[0] != b"IHDR" or b"IDAT" not in kinds:
        raise PageFault(Reason.DAMAGED_IMAGE, "PNG: header or image data missing")
