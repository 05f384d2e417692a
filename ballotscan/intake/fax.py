"""Group 4 fax code (ITU-T T.6), strictly.

The code has no checksum. libtiff prints a complaint about a bad code and goes on, and takes an end mark
that comes too early (a run of zeros is enough) without a word, leaving the rest of the image undefined.
So a row of our own is put in before the end mark: only where every row before it was read does it come
out in its place.
"""

from __future__ import annotations

import io
import os
import secrets
import struct
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import numpy as np
from PIL import Image

from ballotscan.intake.faults import PageFault
from ballotscan.intake.page_image import Grey, check_size, grey_from_pillow, pillow_faults
from ballotscan.model import Reason

_END: Final = "000000000001" * 2  # end of facsimile block
_NARROWEST_PX: Final = 16  # narrower rows have no room for witnesses that horizontal mode codes
_MOST_PADDING_BITS: Final = 7
_TURNED_BITS: Final = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def decode_group_4(
    width_px: int, heights_px: Sequence[int], strips: Sequence[bytes], low_bit_first: bool = False
) -> Grey:
    """Pixels of strips one below the other, fax black as 0 and fax white as 255.

    All strips but the last are of one height. Raises PageFault where a row is in doubt.
    """
    check_size(width_px, sum(heights_px) + len(strips))
    codes = [_bits_of(strip.translate(_TURNED_BITS) if low_bit_first else strip) for strip in strips]
    ends = [_places_of_end(code) for code in codes]
    if len(strips) > 1 and any(len(places) > 1 for places in ends):  # no end marks: one strip at a time
        return np.vstack(
            [_decode_rows(width_px, [h], [c], [e]) for h, c, e in zip(heights_px, codes, ends, strict=True)]
        )
    return _decode_rows(width_px, heights_px, codes, ends)


def _decode_rows(
    width_px: int, heights_px: Sequence[int], codes: Sequence[str], ends: Sequence[Sequence[int]]
) -> Grey:
    """Several strips have one place of end each; a single strip may have several to be tried."""
    last_rows = np.cumsum([height + 1 for height in heights_px]) - 1
    for places in zip(*ends, strict=True) if len(codes) > 1 else ([end] for end in ends[0]):
        two = _two_witness_rows(width_px)
        marks = [_code_of_row(row) + _END for row in two]
        strips = [_bytes_of(codes[i][:end] + marks[i % 2]) for i, end in enumerate(places)]
        grey = _decode(width_px, [height + 1 for height in heights_px], strips)
        if all(np.array_equal(grey[row], two[i % 2]) for i, row in enumerate(last_rows)):
            return np.delete(grey, last_rows, axis=0)
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


def _two_witness_rows(width_px: int) -> tuple[Grey, Grey]:
    """Two rows of white, and black from some place on; for strips in turn, and at other places each time.

    What libtiff leaves undefined is memory of the strip or of the page before, witness and all.
    """
    if width_px <= _NARROWEST_PX:
        raise PageFault(Reason.UNSUPPORTED_IMAGE, f"fax: an image of {width_px} pixels in a row")
    room = width_px - _NARROWEST_PX + 1
    first = secrets.randbelow(room)
    second = (first + 1 + secrets.randbelow(room - 1)) % room
    margin = _NARROWEST_PX // 2
    one, other = (
        np.where(np.arange(width_px) < margin + at, 255, 0).astype(np.uint8) for at in (first, second)
    )
    return one, other


def _code_of_row(row: Grey) -> str:
    """The code of the witness row, by libtiff's own encoder.

    As the first row of an image it is coded in horizontal mode, which names its runs whatever row came
    before; vertical mode is for changes within 3 pixels of one above, or of the row's end.
    """
    # Pillow writes black as 0, so that fax white (0) is black: the row goes in as its negative.
    image = Image.fromarray(255 - row[None, :]).convert("1")
    out = io.BytesIO()
    image.save(out, "TIFF", compression="group4")
    with Image.open(out, formats=["TIFF"]) as written:
        tags = written.tag_v2  # type: ignore[attr-defined]
        offset, count = tags[273][0], tags[279][0]
    bits = _bits_of(out.getvalue()[offset : offset + count])
    return bits[: bits.rindex(_END)]


def _decode(width_px: int, heights_px: Sequence[int], strips: Sequence[bytes]) -> Grey:
    """The strips as one TIFF, through libtiff."""
    entries = {256: width_px, 257: sum(heights_px), 258: 1, 259: 4, 262: 0, 277: 1, 278: heights_px[0]}
    counts = [len(strip) for strip in strips]
    offsets = np.cumsum([8, *counts])[:-1].tolist()
    data = b"".join(strips)
    data += b"\0" * (len(data) % 2)
    tables_at = 8 + len(data)
    tables = struct.pack(f"<{2 * len(strips)}I", *offsets, *counts)
    directory_at = tables_at + len(tables)
    several = len(strips) > 1
    block = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in entries.items() if tag < 273)
    block += struct.pack("<HHII", 273, 4, len(strips), tables_at if several else offsets[0])
    block += b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in entries.items() if tag > 273)
    block += struct.pack("<HHII", 279, 4, len(strips), tables_at + 4 * len(strips) if several else counts[0])
    header = b"II*\0" + struct.pack("<I", directory_at)
    return grey_through_libtiff(header + data + tables + struct.pack("<H", 9) + block + bytes(4))


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
