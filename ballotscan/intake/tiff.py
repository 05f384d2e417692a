"""Multi-page TIFF, strictly: the directories are walked here, so that no page is ever lost silently.

Each page is cut out and handed to libtiff (through Pillow) as a file of its own; JPEG strips go to the strict
JPEG reader, fax strips to the strict fax reader.
"""

from __future__ import annotations

import math
import os
import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np

from ballotscan.intake.faults import FileFault, PageFault
from ballotscan.intake.fax import decode_group_4, grey_through_libtiff
from ballotscan.intake.jpeg import decode_jpeg
from ballotscan.intake.page_image import (
    Grey,
    PageImage,
    check_size,
    make_page,
    sha_of_pixels,
    turn_by_exif,
)
from ballotscan.model import Reason

MAX_PAGES: Final = 10_000
"""Pages a file may have: a feeder's stack of 4,000 sheets on both sides is 8,000."""

_MAX_ENTRIES = 500  # tags in one directory; scanners write about 20
_TYPE_SIZE = {
    1: 1,
    2: 1,
    3: 2,
    4: 4,
    5: 8,
    6: 1,
    7: 1,
    8: 2,
    9: 4,
    10: 8,
    11: 4,
    12: 8,
    13: 4,
    16: 8,
    17: 8,
    18: 8,
}
_TYPE_CODE = {1: "B", 3: "H", 4: "I", 5: "II", 13: "I", 16: "Q"}
_LONG = 4

SUBFILE, WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, FILL_ORDER = 254, 256, 257, 258, 259, 262, 266
STRIP_OFFSETS, ORIENTATION, SAMPLES, ROWS_PER_STRIP, STRIP_COUNTS = 273, 274, 277, 278, 279
X_RESOLUTION, PLANAR, RESOLUTION_UNIT, COLOUR_MAP = 282, 284, 296, 320
TILE_WIDTH, TILE_HEIGHT, TILE_OFFSETS, TILE_COUNTS, JPEG_TABLES = 322, 323, 324, 325, 347
_KEPT = {  # the tags that say what the pixels mean; all others stay behind
    *(WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, FILL_ORDER, SAMPLES, ROWS_PER_STRIP, PLANAR),
    *(317, COLOUR_MAP, TILE_WIDTH, TILE_HEIGHT, 332, 338, 339, 530, 532),
}
_GROUP_4, _JPEG = 4, 7
_COMPRESSIONS = {1, _GROUP_4, 5, _JPEG, 8, 32773, 32946}  # none, fax, LZW, JPEG, Deflate x 2, PackBits
_DEFLATE = {8, 32946}
_MAX_SAMPLE_BYTES = 8  # four colours of 16 bits
_GROUP_3 = {2, 3}  # damage there goes unnoticed by every decoder: a lost row is simply not there
_WHITE_IS_ZERO, _YCBCR = 0, 6
_REDUCED_OR_MASK = 0b101  # bits of SUBFILE: a thumbnail, or a see-through mask

_Values = tuple[int, ...]


@dataclass(frozen=True)
class _Entry:
    """One tag as it stands in the file: its type, how many values, and their raw bytes."""

    type: int
    count: int
    raw: bytes


@dataclass(frozen=True)
class Directory:
    """One page's directory. ``order`` is ``<`` or ``>`` as the file's bytes go."""

    order: str
    entries: Mapping[int, _Entry]

    def values(self, tag: int, default: _Values = ()) -> _Values:
        entry = self.entries.get(tag)
        if entry is None or entry.type not in _TYPE_CODE:
            return default
        return struct.unpack(f"{self.order}{_TYPE_CODE[entry.type] * entry.count}", entry.raw)

    def value(self, tag: int, default: int = 0) -> int:
        return (*self.values(tag), default)[0]


class TiffFile:
    """An open TIFF whose directories have all been walked. Raises FileFault from the constructor."""

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = path.open("rb")
        try:
            self._size = os.fstat(self._file.fileno()).st_size
            walked = list(_walk_directories(self._file, self._size))
        except BaseException:
            self._file.close()
            raise
        self._pages = [d for i, d in enumerate(walked) if i == 0 or not d.value(SUBFILE) & _REDUCED_OR_MASK]
        self.page_count = len(self._pages)

    def close(self) -> None:
        self._file.close()

    def page(self, number: int) -> PageImage:
        """Page ``number``, from 1. Raises PageFault."""
        directory = self._pages[number - 1]
        check_size(directory.value(WIDTH), directory.value(HEIGHT))
        pieces = self._read_pieces(directory)
        compression = directory.value(COMPRESSION, 1)
        if compression == _JPEG:
            grey = _grey_of_jpeg_pieces(directory, pieces)
        elif compression == _GROUP_4:
            grey = _grey_of_fax_pieces(directory, pieces)
        else:
            if compression in _DEFLATE:
                _check_deflate(
                    pieces, 2 * directory.value(WIDTH) * directory.value(HEIGHT) * _MAX_SAMPLE_BYTES
                )
            grey = grey_through_libtiff(one_page_tiff(directory, pieces))
        grey = turn_by_exif(grey, directory.value(ORIENTATION, 1))
        return make_page(grey, sha_of_pixels(grey), _dpi_of(directory))

    def _read_pieces(self, directory: Directory) -> list[bytes]:
        """The strips or tiles, encoded. Raises PageFault where they do not lie wholly inside the file."""
        if directory.value(COMPRESSION, 1) in _GROUP_3:
            raise PageFault(
                Reason.UNSUPPORTED_IMAGE, "TIFF: fax group 3 cannot be checked; save it as group 4"
            )
        if directory.value(COMPRESSION, 1) not in _COMPRESSIONS:
            raise PageFault(
                Reason.UNSUPPORTED_IMAGE, f"TIFF: compression {directory.value(COMPRESSION)} is not read"
            )
        tiled = TILE_OFFSETS in directory.entries
        offsets = directory.values(TILE_OFFSETS if tiled else STRIP_OFFSETS)
        counts = directory.values(TILE_COUNTS if tiled else STRIP_COUNTS)
        if not offsets or len(offsets) != len(counts) or len(offsets) != _expected_pieces(directory, tiled):
            raise PageFault(Reason.DAMAGED_IMAGE, "TIFF: the list of strips does not fit the image")
        if sum(counts) > self._size or 0 in counts:
            raise PageFault(
                Reason.DAMAGED_IMAGE, "TIFF: a strip is empty, or the strips are larger than the file"
            )
        pieces = []
        for offset, count in zip(offsets, counts, strict=True):
            if offset + count > self._size:
                raise PageFault(Reason.CUT_OFF, "TIFF: a strip runs past the end of the file")
            self._file.seek(offset)
            pieces.append(self._file.read(count))
        return pieces


def check_directories(path: Path) -> int:
    """How many directories a TIFF has. Raises FileFault where the chain is broken or endless."""
    with path.open("rb") as file:
        return sum(1 for _ in _walk_directories(file, os.fstat(file.fileno()).st_size))


def _walk_directories(file: BinaryIO, size: int) -> Iterator[Directory]:
    """Every directory of the chain, classic TIFF or BigTIFF. Raises FileFault for the whole file."""
    header = file.read(16)
    order = {b"II": "<", b"MM": ">"}.get(header[:2], "")
    if not order or len(header) < 8:
        raise FileFault(Reason.DAMAGED_FILE, "TIFF: the header is incomplete")
    (version,) = struct.unpack_from(f"{order}H", header, 2)
    big = version == 43
    if version not in (42, 43) or (big and len(header) < 16):
        raise FileFault(Reason.DAMAGED_FILE, f"TIFF: version {version} is not known")
    (offset,) = (
        struct.unpack_from(f"{order}Q", header, 8) if big else struct.unpack_from(f"{order}I", header, 4)
    )
    seen: set[int] = set()
    while offset:
        if offset in seen:
            raise FileFault(Reason.DAMAGED_FILE, "TIFF: the pages run in a loop")
        if len(seen) >= MAX_PAGES:
            raise FileFault(Reason.TOO_MANY_PAGES, f"TIFF: more than {MAX_PAGES} pages")
        seen.add(offset)
        directory, offset = _read_directory(file, size, order, big, offset)
        yield directory
    if not seen:
        raise FileFault(Reason.NO_PAGES, "TIFF: no page in it")


def _read_directory(file: BinaryIO, size: int, order: str, big: bool, offset: int) -> tuple[Directory, int]:
    """The directory at ``offset`` and the offset of the next."""
    count_code, entry_code, link_code = ("Q", "HHQ8s", "Q") if big else ("H", "HHI4s", "I")
    (count,) = struct.unpack(order + count_code, _read_at(file, size, offset, 8 if big else 2))
    if not 1 <= count <= _MAX_ENTRIES:
        raise FileFault(Reason.DAMAGED_FILE, f"TIFF: a directory of {count} entries")
    entry_size, link_size = struct.calcsize("<" + entry_code), struct.calcsize("<" + link_code)
    start = offset + (8 if big else 2)
    block = _read_at(file, size, start, count * entry_size + link_size)
    entries = {}
    for at in range(0, count * entry_size, entry_size):
        tag, kind, number, inline = struct.unpack_from(order + entry_code, block, at)
        if tag in _WANTED:
            entries[tag] = _read_entry(file, size, order, kind, number, inline)
    (link,) = struct.unpack_from(order + link_code, block, count * entry_size)
    return Directory(order, entries), link


def _read_entry(file: BinaryIO, size: int, order: str, kind: int, number: int, inline: bytes) -> _Entry:
    length = _TYPE_SIZE.get(kind, size + 1) * number
    if length <= len(inline):
        return _Entry(kind, number, inline[:length])
    (offset,) = struct.unpack(order + ("Q" if len(inline) == 8 else "I"), inline)
    return _Entry(kind, number, _read_at(file, size, offset, length))


def _read_at(file: BinaryIO, size: int, offset: int, length: int) -> bytes:
    if offset + length > size:
        raise FileFault(
            Reason.DAMAGED_FILE, "TIFF: a directory runs past the end of the file; it was cut off"
        )
    file.seek(offset)
    return file.read(length)


_WANTED = _KEPT | {
    *(SUBFILE, STRIP_OFFSETS, ORIENTATION, STRIP_COUNTS, X_RESOLUTION, RESOLUTION_UNIT),
    *(TILE_OFFSETS, TILE_COUNTS, JPEG_TABLES),
}


def _piece_size(directory: Directory, tiled: bool) -> tuple[int, int]:
    """Width and height of a whole strip or tile, in pixels."""
    width, height = directory.value(WIDTH), directory.value(HEIGHT)
    if tiled:
        return directory.value(TILE_WIDTH), directory.value(TILE_HEIGHT)
    return width, min(height, directory.value(ROWS_PER_STRIP, height))


def _expected_pieces(directory: Directory, tiled: bool) -> int:
    piece_width, piece_height = _piece_size(directory, tiled)
    if min(piece_width, piece_height) < 1:
        return 0
    across = math.ceil(directory.value(WIDTH) / piece_width)
    down = math.ceil(directory.value(HEIGHT) / piece_height)
    planes = directory.value(SAMPLES, 1) if directory.value(PLANAR, 1) == 2 else 1
    return across * down * planes


def _dpi_of(directory: Directory) -> float | None:
    over, under = (*directory.values(X_RESOLUTION), 0, 0)[:2]
    per_inch = {2: 1.0, 3: 2.54}.get(directory.value(RESOLUTION_UNIT, 2))
    return over / under * per_inch if per_inch and under else None


# --- JPEG in TIFF -------------------------------------------------------------------------------------------


def _grey_of_jpeg_pieces(directory: Directory, pieces: list[bytes]) -> Grey:
    """Each strip or tile is a JPEG without its tables; they are put back and each is decoded strictly."""
    if directory.value(PLANAR, 1) == 2 or directory.value(PHOTOMETRIC) not in (1, 2, 5, _YCBCR):
        raise PageFault(Reason.UNSUPPORTED_IMAGE, "TIFF: this way of holding JPEG is not read")
    tables = directory.entries[JPEG_TABLES].raw[2:-2] if JPEG_TABLES in directory.entries else b""
    width, height = directory.value(WIDTH), directory.value(HEIGHT)
    tiled = TILE_OFFSETS in directory.entries
    piece_width, piece_height = _piece_size(directory, tiled)
    across = math.ceil(width / piece_width)
    grey = np.full((height, width), 255, np.uint8)
    for index, piece in enumerate(pieces):
        top, left = index // across * piece_height, index % across * piece_width
        part = decode_jpeg(_complete_jpeg(directory, tables, piece), inks_inverted=False)
        place = grey[top : top + piece_height, left : left + piece_width]
        if part.shape[0] < place.shape[0] or part.shape[1] < place.shape[1]:
            raise PageFault(Reason.DAMAGED_IMAGE, "TIFF: a JPEG strip is smaller than its place")
        place[:] = part[: place.shape[0], : place.shape[1]]
    return grey


def _complete_jpeg(directory: Directory, tables: bytes, piece: bytes) -> bytes:
    """A JPEG that stands alone. An Adobe marker tells RGB from YCbCr, which TIFF says in its own tag."""
    rgb_or_cmyk = directory.value(PHOTOMETRIC) in (2, 5)
    adobe = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00" if rgb_or_cmyk else b""
    return b"\xff\xd8" + adobe + tables + piece[2:]


def _grey_of_fax_pieces(directory: Directory, pieces: list[bytes]) -> Grey:
    """Strips of group 4. Raises PageFault for tiles, which no scanner writes in fax code."""
    if directory.value(BITS, 1) != 1 or directory.value(SAMPLES, 1) != 1:
        raise PageFault(Reason.DAMAGED_IMAGE, "TIFF: fax code is for black and white only")
    if TILE_OFFSETS in directory.entries:
        raise PageFault(Reason.UNSUPPORTED_IMAGE, "TIFF: tiles in fax code are not read")
    height = directory.value(HEIGHT)
    _, rows = _piece_size(directory, tiled=False)
    heights = [min(rows, height - top) for top in range(0, height, rows)]
    grey = decode_group_4(directory.value(WIDTH), heights, pieces, directory.value(FILL_ORDER, 1) == 2)
    return grey if directory.value(PHOTOMETRIC) == _WHITE_IS_ZERO else 255 - grey


# --- all other compressions ---------------------------------------------------------------------------------


def one_page_tiff(directory: Directory, pieces: list[bytes]) -> bytes:
    """A TIFF file of this one page, with no tag but those that say what its pixels mean."""
    tiled = TILE_OFFSETS in directory.entries
    entries = {tag: entry for tag, entry in directory.entries.items() if tag in _KEPT}
    offsets = [8]  # right after the header
    for piece in pieces[:-1]:
        offsets.append(offsets[-1] + len(piece))
    entries[TILE_OFFSETS if tiled else STRIP_OFFSETS] = _longs(directory.order, offsets)
    entries[TILE_COUNTS if tiled else STRIP_COUNTS] = _longs(
        directory.order, [len(piece) for piece in pieces]
    )
    data = b"".join(pieces)
    data += b"\0" * (len(data) % 2)
    return _write_tiff(directory.order, entries, data)


def _check_deflate(pieces: list[bytes], limit_bytes: int) -> None:
    """libtiff stops once it has all rows and never compares the checksum behind them. Raises PageFault."""
    for piece in pieces:
        unpacker = zlib.decompressobj()
        try:
            unpacker.decompress(piece, limit_bytes)
        except zlib.error as error:
            raise PageFault(Reason.DAMAGED_IMAGE, f"TIFF: packed data is damaged: {error}") from error
        if not unpacker.eof:
            raise PageFault(Reason.CUT_OFF, "TIFF: packed data ends too early, or never")


def _longs(order: str, values: list[int]) -> _Entry:
    return _Entry(_LONG, len(values), struct.pack(f"{order}{len(values)}I", *values))


def _write_tiff(order: str, entries: Mapping[int, _Entry], data: bytes) -> bytes:
    """Header, pixel data, directory, and the values too long for the directory; in that order."""
    directory_at = 8 + len(data)
    overflow_at = directory_at + 2 + 12 * len(entries) + 4
    block, overflow = struct.pack(f"{order}H", len(entries)), b""
    for tag, entry in sorted(entries.items()):
        if entry.type == 16:  # BigTIFF's own type has no place in a classic file
            entry = _longs(order, list(struct.unpack(f"{order}{entry.count}Q", entry.raw)))  # noqa: PLW2901
        head = struct.pack(f"{order}HHI", tag, entry.type, entry.count)
        if len(entry.raw) <= 4:
            block += head + entry.raw.ljust(4, b"\0")
        else:
            block += head + struct.pack(f"{order}I", overflow_at + len(overflow))
            overflow += entry.raw + b"\0" * (len(entry.raw) % 2)
    magic = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, directory_at)
    return magic + data + block + struct.pack(f"{order}I", 0) + overflow
