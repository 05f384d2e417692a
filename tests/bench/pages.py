"""The pages that are measured: 12 sheets of the simulator's office at 300 dpi, in four kinds of files.

A stack of more pages repeats them, each copy with a number in its file, so that no file is the bytes of
another and every page is decoded, read and stored in full.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import img2pdf  # type: ignore[import-untyped]
from PIL import Image

from ballotscan.forms.load import shipped_templates
from ballotscan.forms.prints import load_print

ROOT = Path(__file__).resolve().parents[2]
WORK = ROOT / "work" / "bench"
TEMPLATE = "appendix-i"
SHEETS = 12
FIRST_SEED = 31_000
COLOUR_QUALITY = 85
BLACK_BELOW = 160
"""Grey below which a bitonal scanner of the simulator prints black."""
PAGES_A_FILE = 24
"""Pages in one PDF or TIFF: an office's stack of a dozen sheets."""

_COMMENT = b"\xff\xfe"


def office_pages() -> list[bytes]:
    """The different pages as JPEGs, front and back by turns; drawn once and kept under ``work/bench``."""
    from tests.simulator import simulate_sheet  # drawing 12 sheets takes a minute

    folder = WORK / f"pages-{_code()}"
    files = sorted(folder.glob("*.jpg"))
    if len(files) < 2 * SHEETS:
        folder.mkdir(parents=True, exist_ok=True)
        form_print = load_print(shipped_templates() / TEMPLATE)
        for number in range(SHEETS):
            sheet = simulate_sheet(form_print, FIRST_SEED + number, "office", ("dpi_300",))
            for side in sheet.sides:
                assert side.suffix == ".jpg", "a grey page, as the scanner of the simulator encodes it"
                (folder / f"{number:02d}-{side.side}.jpg").write_bytes(side.encoded)
        files = sorted(folder.glob("*.jpg"))
    return [file.read_bytes() for file in files]


def _code() -> str:
    """A name for the simulator as it is: another one draws other pages."""
    digest = hashlib.sha256()
    for path in sorted((ROOT / "tests" / "simulator").glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def numbered(jpeg: bytes, number: int) -> bytes:
    """The same picture in a file of its own: a comment after the first marker says its number."""
    comment = f"page {number:06d}".encode()
    return jpeg[:2] + _COMMENT + (len(comment) + 2).to_bytes(2, "big") + comment + jpeg[2:]


def _jpegs(pages: list[bytes], count: int) -> Iterator[tuple[str, bytes]]:
    for number in range(count):
        yield f"scan{number + 1:06d}.jpg", numbered(pages[number % len(pages)], number)


def _colours(pages: list[bytes], count: int) -> Iterator[tuple[str, bytes]]:
    """As a colour scanner writes them: 4:2:0, warm paper."""
    return _jpegs([_in_colour(page) for page in pages], count)


def _in_colour(jpeg: bytes) -> bytes:
    grey = Image.open(io.BytesIO(jpeg)).convert("L")
    out = io.BytesIO()
    tinted = Image.merge("RGB", (grey, grey.point(lambda v: v * 0.99), grey.point(lambda v: v * 0.96)))
    tinted.save(out, "JPEG", quality=COLOUR_QUALITY, dpi=(300, 300))
    return out.getvalue()


def _pdfs(pages: list[bytes], count: int) -> Iterator[tuple[str, bytes]]:
    """As scanners make them: each page is its JPEG, nothing else on it."""
    every = [content for _name, content in _jpegs(pages, count)]
    for start in range(0, count, PAGES_A_FILE):
        yield f"scan{start + 1:06d}.pdf", img2pdf.convert(every[start : start + PAGES_A_FILE])


def _tiffs(pages: list[bytes], count: int) -> Iterator[tuple[str, bytes]]:
    """Black and white, CCITT group 4."""
    bitonal = [
        Image.open(io.BytesIO(page)).convert("L").point(lambda v: 255 * (v >= BLACK_BELOW)).convert("1")
        for page in pages
    ]
    for start in range(0, count, PAGES_A_FILE):
        some = [bitonal[number % len(pages)] for number in range(start, min(count, start + PAGES_A_FILE))]
        out = io.BytesIO()
        some[0].save(
            out,
            "TIFF",
            compression="group4",
            save_all=True,
            append_images=some[1:],
            dpi=(300, 300),
            description=f"pages from {start}",
        )
        yield f"scan{start + 1:06d}.tif", out.getvalue()


KINDS: Mapping[str, Callable[[list[bytes], int], Iterator[tuple[str, bytes]]]] = {
    "jpeg": _jpegs,
    "pdf": _pdfs,
    "tiff": _tiffs,
    "colour": _colours,
}


def stack(kind: str, count: int) -> Path:
    """A folder with ``count`` pages in files of one kind, made once."""
    folder = WORK / f"{kind}-{count}-{_code()}"
    if not folder.exists():
        making = folder.with_name(f"{folder.name}.{os.getpid()}")
        making.mkdir(parents=True)
        for name, content in KINDS[kind](office_pages(), count):
            (making / name).write_bytes(content)
        making.rename(folder)
    return folder
