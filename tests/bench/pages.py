"""The pages that are measured: sheets of the simulator's office at 300 dpi, in four kinds of files.

Printing, paper and scanner are those of 12 simulated sheets; on each page of a stack crosses of its own are
drawn, so that no two sheets are alike: the program would hold back what looks like a paper scanned twice.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path

import cv2
import img2pdf  # type: ignore[import-untyped]
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ballotscan.forms.load import shipped_templates
from ballotscan.forms.prints import load_print
from tests.simulator.sheets import ScannedSide, scan_unwritten

ROOT = Path(__file__).resolve().parents[2]
WORK = ROOT / "work" / "bench"
TEMPLATE = "appendix-i"
SHEETS = 12
FIRST_SEED = 31_000
JPEG_QUALITY = 75
BLACK_BELOW = 160
"""Grey below which a bitonal scanner of the simulator prints black."""
PAGES_A_FILE = 24
"""Pages in one PDF or TIFF: an office's stack of a dozen sheets."""


@dataclass(frozen=True, slots=True)
class Base:
    """One side of a form that nobody wrote on, as the office's scanner delivers it."""

    grey: NDArray[np.uint8]
    boxes: tuple[tuple[str, NDArray[np.float64]], ...]  # question, and the four corners in the scan, px


@cache
def bases() -> tuple[Base, ...]:
    """Front and back by turns."""
    form_print = load_print(shipped_templates() / TEMPLATE)
    scans = (
        scan_unwritten(form_print, FIRST_SEED + number, "office", ("dpi_300",)) for number in range(SHEETS)
    )
    return tuple(base_of(side) for sides in scans for side in sides)


def base_of(side: ScannedSide) -> Base:
    """A side that nobody wrote on as a base for crosses."""
    return Base(side.grey, tuple((box.question, np.array(box.corners_px)) for box in side.boxes))


def page(number: int) -> NDArray[np.uint8]:
    """Page ``number`` of every stack: a base with a cross of its own in one box of each question."""
    return crossed(bases()[number % len(bases())], number)


def crossed(base: Base, seed: int) -> NDArray[np.uint8]:
    """A base with a cross of its own in one box of each question, by a pen of its own."""
    rng = np.random.default_rng(seed)
    grey = base.grey.copy()
    pen, width = int(rng.integers(30, 80)), int(rng.integers(5, 9))
    for _question, boxes in groupby(base.boxes, key=lambda box: box[0]):
        every = [corners for _same, corners in boxes]
        _cross(grey, every[int(rng.integers(len(every)))], pen, width, rng)
    return grey


def _cross(
    grey: NDArray[np.uint8], corners: NDArray[np.float64], pen: int, width: int, rng: np.random.Generator
) -> None:
    """Two strokes from corner to corner, each end off by up to a fifth of the box."""
    size = float(np.linalg.norm(corners[1] - corners[0]))
    ends = corners.mean(axis=0) + 0.8 * (corners - corners.mean(axis=0))
    ends += rng.uniform(-0.2, 0.2, (4, 2)) * size
    for one, other in ((0, 2), (1, 3)):
        start, end = (tuple(np.rint(16 * ends[each]).astype(int).tolist()) for each in (one, other))
        cv2.line(grey, start, end, (pen,), width, cv2.LINE_AA, 4)


def _code() -> str:
    """A name for these pages: another simulator draws others."""
    digest = hashlib.sha256()
    for path in (Path(__file__), *sorted((ROOT / "tests" / "simulator").glob("*.py"))):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _jpeg(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=JPEG_QUALITY, dpi=(300, 300))
    return out.getvalue()


def _jpegs(count: int) -> Iterator[tuple[str, bytes]]:
    for number in range(count):
        yield f"scan{number + 1:06d}.jpg", _jpeg(Image.fromarray(page(number)))


def _colours(count: int) -> Iterator[tuple[str, bytes]]:
    """As a colour scanner writes them: 4:2:0, warm paper."""
    for number in range(count):
        grey = Image.fromarray(page(number))
        tinted = (grey, grey.point(lambda level: level * 0.99), grey.point(lambda level: level * 0.96))
        yield f"scan{number + 1:06d}.jpg", _jpeg(Image.merge("RGB", tinted))


def _pdfs(count: int) -> Iterator[tuple[str, bytes]]:
    """As scanners make them: each page is its JPEG, nothing else on it."""
    for some in _files(count):
        every = [_jpeg(Image.fromarray(page(number))) for number in some]
        yield f"scan{some[0] + 1:06d}.pdf", img2pdf.convert(every)


def _tiffs(count: int) -> Iterator[tuple[str, bytes]]:
    """Black and white, CCITT group 4."""
    for some in _files(count):
        first, *others = (Image.fromarray(page(number) >= BLACK_BELOW) for number in some)
        out = io.BytesIO()
        first.save(out, "TIFF", compression="group4", save_all=True, append_images=others, dpi=(300, 300))
        yield f"scan{some[0] + 1:06d}.tif", out.getvalue()


def _files(count: int) -> Iterator[range]:
    for start in range(0, count, PAGES_A_FILE):
        yield range(start, min(count, start + PAGES_A_FILE))


KINDS: Mapping[str, Callable[[int], Iterator[tuple[str, bytes]]]] = {
    "jpeg": _jpegs,
    "pdf": _pdfs,
    "tiff": _tiffs,
    "colour": _colours,
}


def stack(kind: str, count: int) -> Path:
    """A folder with the first ``count`` pages in files of one kind, made once."""
    folder = WORK / f"{kind}-{count}-{_code()}"
    if not folder.exists():
        making = folder.with_name(f"{folder.name}.{os.getpid()}")
        making.mkdir(parents=True)
        for name, content in KINDS[kind](count):
            (making / name).write_bytes(content)
        making.rename(folder)
    return folder
