"""How hard the scanner's program pressed its JPEGs, from the tables that the file itself carries."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

_LUMA: Final = np.array([
    16, 11, 12, 14, 12, 10, 16, 14, 13, 14, 18, 17, 16, 19, 24, 40,
    26, 24, 22, 22, 24, 49, 35, 37, 29, 40, 58, 51, 61, 60, 57, 51,
    56, 55, 64, 72, 92, 78, 64, 68, 87, 69, 55, 56, 80, 109, 81, 87,
    95, 98, 103, 104, 103, 62, 77, 113, 121, 112, 100, 120, 92, 101, 103, 99,
])  # fmt: skip
"""Quantisation of luminance in zigzag order, ITU-T T.81 table K.1; the IJG library scales it by quality."""

_Table = NDArray[np.float64]

_START: Final = b"\xff\xd8\xff"
_TABLES, _SCAN, _END = 0xDB, 0xDA, 0xD9


def estimate_quality(data: bytes) -> int | None:
    """The worst quality (1 to 100, IJG's scale) of the JPEGs in a file; None where it holds none.

    Works on JPEG, and on PDF and TIFF, which carry JPEGs as they are. Quality is only an estimate where the
    scanner has tables of its own.
    """
    found = [_quality(table) for table in _luma_tables(data)]
    return min(found, default=None)


def file_quality(path: Path) -> int | None:
    """``estimate_quality`` of a file."""
    return estimate_quality(path.read_bytes())


def _luma_tables(data: bytes) -> Iterator[_Table]:
    """Table 0 of every JPEG, by walking the segments after each start of an image."""
    at = data.find(_START)
    while at >= 0:
        place = at + 2
        while place + 4 <= len(data) and data[place] == 0xFF and data[place + 1] not in (_SCAN, _END):
            length = int.from_bytes(data[place + 2 : place + 4], "big")
            if data[place + 1] == _TABLES:
                yield from _tables(data[place + 4 : place + 2 + length])
            place += 2 + max(length, 2)
        at = data.find(_START, at + 3)


def _tables(segment: bytes) -> Iterator[_Table]:
    """The tables with number 0 in a DQT segment; numbers of two bytes where they are that coarse."""
    while len(segment) >= 65:
        wide = segment[0] >= 16
        end = 129 if wide else 65
        if segment[0] % 16 == 0 and len(segment) >= end:
            yield np.frombuffer(segment[1:end], ">u2" if wide else np.uint8).astype(np.float64)
        segment = segment[end:]


def _quality(table: _Table) -> int:
    """IJG: percent = 5000 / quality below 50, 200 - 2 quality from there on."""
    percent = float(np.median(table * 100 / _LUMA))
    quality = 5000 / percent if percent > 100 else (200 - percent) / 2
    return round(min(max(quality, 1), 100))
