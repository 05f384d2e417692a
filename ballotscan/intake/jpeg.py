"""JPEG, strictly: what libjpeg would only warn about is damage here."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image

from ballotscan.intake.faults import PageFault
from ballotscan.intake.jpeg_levels import BLOCK_PX, MeanQuantiser, refuse_overbright, refuse_steps
from ballotscan.intake.page_image import (
    Grey,
    PageImage,
    Pixels,
    all_pixels,
    check_size,
    grey_from_cmyk,
    make_page,
    pillow_faults,
    quarter_turns_of,
    sha_of_bytes,
)
from ballotscan.model import Reason

_EXIF_ORIENTATION = 274
_STANDS_ALONE = np.isin(
    np.arange(256), [0x00, 0x01, *range(0xD0, 0xD9), 0xFF]
)  # stuffing, TEM, RSTn, SOI, fill
_SOF_BASELINE_OR_HUFFMAN = {0xC0, 0xC1, 0xC2}
_SOF_OTHER = {0xC3, *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0)}  # lossless, arithmetic, ...
_SOF_PROGRESSIVE = 0xC2
_DQT = 0xDB
_SOS = 0xDA
_EOI = 0xD9


@dataclass(frozen=True)
class _Segment:
    """A marker's kind, its content, and where in the file that begins."""

    marker: int
    body: bytes
    place: int


def open_jpeg(data: bytes) -> PageImage:
    """A JPEG file's page, turned as its EXIF says. Raises PageFault."""
    pixels = pixels_of_jpeg(data)
    with pillow_faults(), Image.open(io.BytesIO(data), formats=["JPEG", "MPO"]) as header:
        orientation = int(header.getexif().get(_EXIF_ORIENTATION, 1))
        dpi = header.info.get("dpi", (None,))[0]
    return make_page(pixels.turned(quarter_turns_of(orientation)), sha_of_bytes(data), dpi)


def pixels_of_jpeg(data: bytes) -> Pixels:
    """Grey pixels as stored, not turned. Raises PageFault for anything cut off, damaged or of a rare kind.

    A page of 280 dpi and more is decoded at half its size, one of 560 dpi and more at a quarter: libjpeg
    leaves out work then, but not one byte of the data, so that it finds the same damage.
    """
    size_px, colours, segments = _look(data)
    if colours in _INKS:
        return all_pixels(_decode_inks(data, segments, None))
    shrink = 1
    while shrink < _MOST_SHRUNK and max(size_px) / (2 * shrink) >= READ_LONG_PX:
        shrink *= 2
    small = _decode_grey(data, size_px, shrink)
    refuse_overbright(data, small, _mean_quantiser(segments))
    refuse_steps(small, _row_px(segments) // shrink, lambda: _decode_grey(data, size_px, 1))
    return Pixels(size_px, small, lambda: _decode_grey(data, size_px, 1))


READ_LONG_PX: Final = 1640
"""Long side that a page keeps when it is decoded small: A4 at 140 dpi, the least at which pages are read
(``vision.page.FINE_MIN_DPI``)."""

_MOST_SHRUNK: Final = 8  # libjpeg goes no further


def decode_jpeg(data: bytes, inks_inverted: bool | None = None) -> Grey:
    """All grey pixels as stored, not turned. Raises PageFault as ``pixels_of_jpeg``.

    ``inks_inverted`` tells how a CMYK image holds its inks; by default an Adobe marker means inverted.
    """
    size_px, colours, segments = _look(data)
    if colours in _INKS:
        return _decode_inks(data, segments, inks_inverted)
    grey = _decode_grey(data, size_px, 1)
    refuse_overbright(data, grey, _mean_quantiser(segments))
    refuse_steps(grey, _row_px(segments), lambda: grey)
    return grey


_INKS: Final = ("CMYK", "YCCK")


def _look(data: bytes) -> tuple[tuple[int, int], str, list[_Segment]]:
    """Width and height, colours and segments, before anything is decoded. Raises PageFault."""
    segments = _segments(data)
    _check_frame(segments)
    with _damage():
        height_px, width_px, colours, _ = simplejpeg.decode_jpeg_header(data, strict=True)
    check_size(width_px, height_px)
    return (width_px, height_px), colours, segments


def _decode_grey(data: bytes, size_px: tuple[int, int], shrink: int) -> Grey:
    """The image at 1/``shrink`` of its size; where that leaves a part of a pixel, it is left out."""
    width, height = (side // shrink for side in size_px)
    with _damage():
        found = simplejpeg.decode_jpeg(
            data, "GRAY", strict=True, min_height=height, min_width=width, min_factor=shrink
        )
    return np.asarray(found[:height, :width, 0])


def _decode_inks(data: bytes, segments: list[_Segment], inverted: bool | None) -> Grey:
    with _damage():
        inks = np.asarray(simplejpeg.decode_jpeg(data, "CMYK", strict=True))
    if inverted is None:
        inverted = any(s.marker == 0xEE and s.body.startswith(b"Adobe") for s in segments)
    return grey_from_cmyk(255 - inks if inverted else inks)


def _frame(segments: list[_Segment]) -> bytes:
    return next(s.body for s in segments if s.marker in _SOF_BASELINE_OR_HUFFMAN)


def _row_px(segments: list[_Segment]) -> int:
    """Pixels between rows of blocks as they are coded: 8, or 16 with colours at half the height."""
    frame = _frame(segments)
    return BLOCK_PX * (frame[7] & 15 if frame[5] > 1 else 1)


def _mean_quantiser(segments: list[_Segment]) -> MeanQuantiser:
    """The first value of the first component's table (ITU-T T.81, B.2.4.1); of several the last."""
    wanted = _frame(segments)[8]
    found = []
    for segment in (s for s in segments if s.marker == _DQT):
        at = 0
        while at < len(segment.body):
            size = 1 + (segment.body[at] >> 4)
            if segment.body[at] & 15 == wanted:
                found.append(MeanQuantiser(segment.place + at + 1, size))
            at += 1 + 64 * size
    if not found:
        raise PageFault(Reason.DAMAGED_IMAGE, "JPEG: a table is missing")
    return found[-1]


@contextmanager
def _damage() -> Iterator[None]:
    """What libjpeg complains of, as a PageFault."""
    try:
        yield
    except ValueError as error:
        raise PageFault(_reason_of(str(error)), f"JPEG: {error}") from error


def _reason_of(complaint: str) -> Reason:
    """libjpeg says "Premature end of JPEG file" or "premature end of data segment"."""
    return Reason.CUT_OFF if "premature end" in complaint.lower() else Reason.DAMAGED_IMAGE


def _segments(data: bytes) -> list[_Segment]:
    """The marker segments up to the end mark, without the compressed data between. Raises PageFault."""
    if not data.startswith(b"\xff\xd8"):
        raise PageFault(Reason.DAMAGED_IMAGE, "JPEG: does not begin like one")
    marks = _marker_places(data)
    found: list[_Segment] = []
    at = 2
    while (next_mark := int(np.searchsorted(marks, at))) < len(marks):
        start = int(marks[next_mark]) + 2
        kind = data[start - 1]
        if kind == _EOI:
            return found
        if start + 2 > len(data):
            break
        (length,) = struct.unpack_from(">H", data, start)
        found.append(_Segment(kind, data[start + 2 : start + length], start + 2))
        at = start + max(length, 2)
    raise PageFault(Reason.CUT_OFF, "JPEG: ends before its end mark")


def _marker_places(data: bytes) -> NDArray[np.intp]:
    """Where every two bytes stand that may begin a segment. All at once: the compressed data hold thousands
    of stuffed 0xFF, and looking at them one by one costs as much as decoding."""
    values = np.frombuffer(data, np.uint8)
    places = np.flatnonzero(values[:-1] == 0xFF)
    return places[~_STANDS_ALONE[values[places + 1]]]


def _check_frame(segments: list[_Segment]) -> None:
    """One frame of a usual kind, 8 bits deep, with every scan that a progressive frame needs."""
    frames = [s for s in segments if s.marker in _SOF_BASELINE_OR_HUFFMAN | _SOF_OTHER]
    if not frames or len(frames[0].body) < 6:
        raise PageFault(Reason.DAMAGED_IMAGE, "JPEG: no frame header")
    frame = frames[0]
    if frame.marker in _SOF_OTHER:
        raise PageFault(Reason.UNSUPPORTED_IMAGE, f"JPEG: coding process {frame.marker - 0xC0} is not read")
    depth, height, width, _ = struct.unpack_from(">BHHB", frame.body)
    if depth != 8:
        raise PageFault(Reason.UNSUPPORTED_IMAGE, f"JPEG: {depth} bits a sample")
    check_size(width, height)
    if frame.marker == _SOF_PROGRESSIVE:
        _check_progressive(frame.body, [s.body for s in segments if s.marker == _SOS])


def _check_progressive(frame: bytes, scans: list[bytes]) -> None:
    """Every component's 64 coefficients must have come to their last bit; libjpeg does not miss absent scans.

    A scan header (ITU-T T.81, B.2.3) is: number of components, (id, tables) each, Ss, Se, Ah/Al.
    """
    components = [frame[6 + 3 * i] for i in range(frame[5]) if 6 + 3 * i < len(frame)]
    wanting = {component: set(range(64)) for component in components}
    for scan in scans:
        count = scan[0] if scan else 0
        if len(scan) < 1 + 2 * count + 3:
            raise PageFault(Reason.DAMAGED_IMAGE, "JPEG: scan header too short")
        first, last, low_bit = scan[1 + 2 * count], scan[2 + 2 * count], scan[3 + 2 * count] & 15
        for component in scan[1 : 1 + 2 * count : 2]:
            if low_bit == 0:
                wanting.get(component, set()).difference_update(range(first, last + 1))
    if any(wanting.values()):
        raise PageFault(Reason.CUT_OFF, "JPEG: the last scans of a progressive image are missing")
