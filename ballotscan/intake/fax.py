"""Group 4 fax code (ITU-T T.6), strictly.

The code has no checksum. libtiff prints a complaint about a bad code and goes on, and takes an end mark
that comes too early (a run of zeros is enough) without a word, leaving the rest of the image undefined.
So a row of our own is put in before the end mark: only where every row before it was read does it come
out in its place.
"""

from __future__ import annotations

import io
import os
import struct
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Final

import numpy as np
from PIL import Image

from ballotscan.intake.faults import PageFault
from ballotscan.intake.page_image import Grey, check_size, grey_from_pillow, pillow_faults
from ballotscan.model import Reason

_END: Final = "000000000001" * 2  # end of facsimile block
_MOST_PADDING_BITS: Final = 7
_TURNED_BITS: Final = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def decode_group_4(width_px: int, height_px: int, data: bytes, low_bit_first: bool = False) -> Grey:
    """Pixels of one strip, fax black as 0 and fax white as 255. Raises PageFault where a row is in doubt."""
    check_size(width_px, height_px + 1)
    data = data.translate(_TURNED_BITS) if low_bit_first else data
    bits = _bits_of(data)
    witness = _witness_row(width_px)
    for end in _places_of_end(bits):
        grey = _decode(width_px, height_px + 1, _bytes_of(bits[:end] + _witness_code(width_px) + _END))
        if np.array_equal(grey[height_px], witness):
            return grey[:height_px]
    raise PageFault(Reason.CUT_OFF, "fax: the rows end before the image does, or after")


def _places_of_end(bits: str) -> Sequence[int]:
    """Where the rows' code may end: before the end mark, or where none was written before the padding."""
    if (at := bits.rfind(_END)) >= 0 and "1" not in bits[at + len(_END) :]:
        return [at]
    after_last_one = bits.rfind("1") + 1
    return range(after_last_one, min(len(bits), after_last_one + _MOST_PADDING_BITS) + 1)


def _bits_of(data: bytes) -> str:
    return bin(int.from_bytes(b"\1" + data, "big"))[3:]


def _bytes_of(bits: str) -> bytes:
    bits += "0" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big")


def _witness_row(width_px: int) -> Grey:
    """Left half white, right half black."""
    return np.where(np.arange(width_px) < width_px // 2, 255, 0).astype(np.uint8)


@lru_cache(maxsize=16)
def _witness_code(width_px: int) -> str:
    """The code of the witness row, by libtiff's own encoder.

    As the first row of an image it is coded in horizontal mode, which names its runs whatever row came
    before; vertical mode is for changes within 3 pixels of one above, or of the row's end.
    """
    if width_px < 16:
        raise PageFault(Reason.UNSUPPORTED_IMAGE, f"fax: an image of {width_px} pixels in a row")
    # Pillow writes black as 0, so that fax white (0) is black: the row goes in as its negative.
    row = Image.fromarray(255 - _witness_row(width_px)[None, :]).convert("1")
    out = io.BytesIO()
    row.save(out, "TIFF", compression="group4")
    with Image.open(out, formats=["TIFF"]) as written:
        tags = written.tag_v2  # type: ignore[attr-defined]
        offset, count = tags[273][0], tags[279][0]
    bits = _bits_of(out.getvalue()[offset : offset + count])
    return bits[: bits.rindex(_END)]


def _decode(width_px: int, height_px: int, data: bytes) -> Grey:
    entries = {
        256: width_px,
        257: height_px,
        258: 1,
        259: 4,
        262: 0,
        273: 8,
        277: 1,
        278: height_px,
        279: len(data),
    }
    padded = data + b"\0" * (len(data) % 2)
    tiff = b"II*\0" + struct.pack("<I", 8 + len(padded)) + padded + _directory(entries)
    return grey_through_libtiff(tiff)


def _directory(entries: Mapping[int, int]) -> bytes:
    block = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in sorted(entries.items()))
    return struct.pack("<H", len(entries)) + block + bytes(4)


def grey_through_libtiff(tiff: bytes) -> Grey:
    """Grey pixels of a one-page TIFF in memory, through libtiff, whose every complaint is a PageFault."""
    with complaints_are_faults(), pillow_faults(), Image.open(io.BytesIO(tiff), formats=["TIFF"]) as image:
        check_size(*image.size)
        white_is_zero = image.tag_v2.get(262) == 0  # type: ignore[attr-defined]
        image.load()
        grey = grey_from_pillow(image)
        # Pillow turns white-is-zero images round itself, except the 16-bit ones.
        return 255 - grey if white_is_zero and image.mode.startswith("I") else grey


@contextmanager
def complaints_are_faults() -> Iterator[None]:
    """What C code prints on the error stream meanwhile is raised as a PageFault.

    The error stream belongs to the whole process, so this is for single-threaded use, as in the workers.
    """
    if sys.stderr:
        sys.stderr.flush()
    with tempfile.TemporaryFile() as caught:
        kept = os.dup(2)
        try:
            os.dup2(caught.fileno(), 2)
            try:
                yield
            finally:
                os.dup2(kept, 2)
        finally:
            os.close(kept)
        caught.seek(0)
        complaint = caught.read(200).decode("utf-8", "replace").strip().partition("\n")[0]
    if complaint:
        raise PageFault(Reason.DAMAGED_IMAGE, f"TIFF: {complaint}")
