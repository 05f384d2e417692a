"""Whole pages whose image data was damaged somewhere in the middle: is an answer accepted that is not there?

Every page is a simulated office scan with known answers, half of them with paper washed out to pure white,
as some scanners do; each is written in all the ways in which scanners write (``KINDS``). Bits, bytes and runs
are then changed within the image data only, so that headers and structure stay right, and the file goes the
way of a scan: opened strictly, read, decided. An answer that is accepted, is not what stands on the paper and
was not accepted so from the whole file either, is wrong. The long run, which
goes on where it was cut off:

    python -m tests.faults.damage --files 20000
"""

from __future__ import annotations

import argparse
import io
import json
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import pikepdf
from numpy.typing import NDArray
from pikepdf import Array, Dictionary, Name
from PIL import Image

from ballotscan import ENGINE
from ballotscan.forms.form import Form
from ballotscan.forms.load import shipped_templates
from ballotscan.forms.prints import load_print
from ballotscan.intake.faults import FileFault, PageFault
from ballotscan.intake.files import open_source
from ballotscan.model import SideReading, Status
from ballotscan.reading import read_side
from ballotscan.rules.answers import decide_answers
from ballotscan.vision.reference import Reference, build_references
from tests.faults.kill import RESULTS, keep
from tests.simulator import simulate_sheet

Grey = NDArray[np.uint8]
Answers = Mapping[str, tuple[str, ...]]

EFFECTS: Final = (
    (),
    ("light_pencil",),
    ("dpi_150",),
    ("dpi_200",),
    ("dpi_300",),
    ("low_quality",),
    ("ticks",),
)
"""What pages are made of, over the conditions of an office. Light pencil is what drowns first."""
PAGES_OF_A_SHARD: Final = 8
FILES_OF_A_SHARD: Final = 500
SEED: Final = 7_700_000


@dataclass(frozen=True)
class Paper:
    """A page as it was scanned, and what stands on it."""

    template: str
    side: int
    grey: Grey
    quality: int
    meant: Answers


@cache
def _template(name: str) -> tuple[Form, tuple[Reference, ...]]:
    form_print = load_print(shipped_templates() / name)
    return form_print.form, tuple(build_references(form_print))


def make_paper(number: int) -> Paper:
    """The page of this number; every other one has pure white paper."""
    name = ("hue-2019", "appendix-i")[number % 2]
    effects = EFFECTS[number // 4 % len(EFFECTS)]
    sheet = simulate_sheet(load_print(shipped_templates() / name), SEED + number, "office", effects)
    scanned = sheet.sides[number // 4 % len(sheet.sides)]
    grey = scanned.grey
    if number // 2 % 2:
        grey = np.clip(grey * 1.15 + 6, 0, 255).astype(np.uint8)
    meant = {answer.question: answer.codes for answer in sheet.truth.answers if answer.side == scanned.side}
    return Paper(name, scanned.side, grey, 40 if "low_quality" in effects else 80, meant)


# --- the ways in which scanners write -----------------------------------------------------------------------


def _pillow(kind: str, **options: Any) -> Callable[[Paper], bytes]:
    def write(paper: Paper) -> bytes:
        image = Image.fromarray(paper.grey)
        bitonal = options.get("compression") == "group4"
        if options.get("colour"):
            image = image.convert("RGB")
        elif bitonal:
            image = image.point(lambda level: 255 * (level > 150)).convert("1")
        quality = {"quality": paper.quality} if kind == "JPEG" else {}
        out = io.BytesIO()
        image.save(out, kind, **quality, **{k: v for k, v in options.items() if k != "colour"})
        return out.getvalue()

    return write


def _jpeg_in_pdf(paper: Paper) -> bytes:
    height, width = paper.grey.shape
    with pikepdf.new() as pdf:
        image = pikepdf.Stream(pdf, _pillow("JPEG")(paper))
        image.stream_dict = Dictionary(
            Type=Name.XObject,
            Subtype=Name.Image,
            Width=width,
            Height=height,
            BitsPerComponent=8,
            ColorSpace=Name.DeviceGray,
            Filter=Name.DCTDecode,
        )
        page = Dictionary(
            Type=Name.Page,
            MediaBox=Array([0, 0, 595, 842]),
            Resources=Dictionary(XObject=Dictionary(Im0=image)),
            Contents=pdf.make_stream(b"q 595 0 0 842 0 0 cm /Im0 Do Q"),
        )
        pdf.pages.append(pikepdf.Page(pdf.make_indirect(page)))
        out = io.BytesIO()
        pdf.save(out)
    return out.getvalue()


KINDS: Final[Mapping[str, tuple[str, Callable[[Paper], bytes]]]] = {
    "JPEG": (".jpg", _pillow("JPEG")),
    "JPEG, own code tables": (".jpg", _pillow("JPEG", optimize=True)),
    "JPEG, restart marks every row": (".jpg", _pillow("JPEG", restart_marker_rows=1)),
    "JPEG, restart marks every 16 rows": (".jpg", _pillow("JPEG", restart_marker_rows=16)),
    "JPEG, progressive": (".jpg", _pillow("JPEG", progressive=True)),
    "JPEG, colour": (".jpg", _pillow("JPEG", colour=True)),
    "JPEG in PDF": (".pdf", _jpeg_in_pdf),
    "PNG": (".png", _pillow("PNG")),
    "TIFF, fax group 4": (".tif", _pillow("TIFF", compression="group4")),
    "TIFF, LZW": (".tif", _pillow("TIFF", compression="tiff_lzw")),
    "TIFF, Deflate": (".tif", _pillow("TIFF", compression="tiff_adobe_deflate")),
    "TIFF, JPEG": (".tif", _pillow("TIFF", compression="jpeg")),
}
OFTEN: Final = 7
"""So many of the kinds are JPEGs; they are drawn four times as often as the others."""


def image_data(data: bytes) -> tuple[int, int]:
    """From where to where the coded pixels lie: behind the last header, before the end mark or the trailer.

    Of PNG the bytes of all chunks, of TIFF all but the header and the directory behind it."""
    if data.startswith(b"\x89PNG"):
        return data.index(b"IDAT") + 4, len(data) - 16
    if data[:2] in (b"II", b"MM"):
        directory = int.from_bytes(data[4:8], "little" if data[:2] == b"II" else "big")
        return (8, directory) if directory > len(data) // 2 else (directory + 400, len(data))
    start = data.index(b"\xff\xda")  # in a PDF too
    start += 2 + int.from_bytes(data[start + 2 : start + 4], "big")
    return start, data.rindex(b"\xff\xd9")


# --- damage -------------------------------------------------------------------------------------------------

DAMAGES: Final = (
    "bit",
    "bit",
    "bit",
    "two bits",
    "byte",
    "zeros",
    "ones",
    "noise",
    "exchanged",
    "gone",
    "twice",
    "one more",
)


def damage(data: bytes, chance: random.Random) -> tuple[str, bytes]:
    """What was done within the image data, and the file after it."""
    start, end = image_data(data)
    changed, kind = bytearray(data), chance.choice(DAMAGES)
    at = chance.randrange(start, end)
    until = min(end, at + 1 + int(chance.expovariate(1 / 20)))
    count = until - at
    match kind:
        case "bit":
            changed[at] ^= 1 << chance.randrange(8)
        case "two bits":
            for place in (at, chance.randrange(start, end)):
                changed[place] ^= 1 << chance.randrange(8)
        case "byte":
            changed[at] = chance.randrange(256)
        case "zeros":
            changed[at:until] = bytes(count)
        case "ones":
            changed[at:until] = b"\x7f" * count  # 0xFF would be a mark
        case "noise":
            changed[at:until] = bytes(chance.randrange(255) for _ in range(count))
        case "exchanged":
            other = chance.randrange(start, end - count + 1)
            changed[at:until], changed[other : other + count] = data[other : other + count], data[at:until]
        case "gone":
            del changed[at:until]
        case "twice":
            changed[at:at] = data[at:until]
        case "one more":
            changed.insert(at, chance.randrange(255))
    return kind, bytes(changed)


# --- the way of a scan --------------------------------------------------------------------------------------


def accepted(path: Path, paper: Paper) -> dict[str, tuple[str, ...]] | None:
    """The accepted answers of a file, or None where its page is not read. Raises FileFault and PageFault."""
    form, references = _template(paper.template)
    with open_source(path) as source:
        image = source.page(1)
        found = read_side(image, image.bitonal, references)
    if not isinstance(found, SideReading):
        return None
    sides = [found if side.number == found.side else None for side in form.sides]
    answers = decide_answers(form, sides)
    return {each.question: each.codes for each in answers if each.status is Status.ACCEPTED}


def outcome(path: Path, paper: Paper, whole: Answers) -> str:
    """What became of a damaged file, in one word. ``whole`` are the answers accepted from the file before."""
    try:
        found = accepted(path, paper)
    except (FileFault, PageFault):
        return "refused"
    if found is None:
        return "not read"
    false = {q for q, codes in found.items() if codes != paper.meant.get(q) and whole.get(q) != codes}
    return "WRONG" if false else "read"


@dataclass(frozen=True)
class Base:
    kind: str
    paper: Paper
    data: bytes
    whole: Answers


Bases = dict[str, list[Base]]


def make_bases(numbers: range, folder: Path) -> Bases:
    """The pages of these numbers in every kind of file, by kind, with what is accepted of them undamaged."""
    bases: Bases = {kind: [] for kind in KINDS}
    for number in numbers:
        paper = make_paper(number)
        for kind, (suffix, write) in KINDS.items():
            path = folder / f"whole{suffix}"
            path.write_bytes(write(paper))
            whole = accepted(path, paper)
            if whole:
                bases[kind].append(Base(kind, paper, path.read_bytes(), whole))
    return bases


def run_shard(bases: Bases, shard: int, files: int, folder: Path) -> Iterator[tuple[str, str, str, bytes]]:
    """Kind, damage and outcome of every file of a shard, with its bytes."""
    chance = random.Random(f"damage {shard}")
    kinds = [kind for number, kind in enumerate(KINDS) for _ in range(4 if number < OFTEN else 1)]
    for _ in range(files):
        base = chance.choice(bases[chance.choice(kinds)])
        name, data = damage(base.data, chance)
        path = folder / f"damaged{KINDS[base.kind][0]}"
        path.write_bytes(data)
        yield base.kind, name, outcome(path, base.paper, base.whole), data


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--files", type=int, default=20_000)
    given = parser.parse_args()
    cv2.setNumThreads(1)
    counts, first = _kept()
    with tempfile.TemporaryDirectory(prefix="ballotscan-damage-") as folder:
        for shard in range(first, -(-given.files // FILES_OF_A_SHARD)):
            pages = range(shard * PAGES_OF_A_SHARD, (shard + 1) * PAGES_OF_A_SHARD)
            bases = make_bases(pages, Path(folder))
            for kind, name, found, data in run_shard(bases, shard, FILES_OF_A_SHARD, Path(folder)):
                counts[kind][found] += 1
                if found == "WRONG":
                    kept = (
                        Path(tempfile.gettempdir())
                        / f"wrong-{shard}-{sum(counts[kind].values())}{KINDS[kind][0]}"
                    )
                    kept.write_bytes(data)
                    sys.stdout.write(f"WRONG: {kind}, {name}, shard {shard}: {kept}\n")
            keep("damage", _result(counts, shard + 1))
    return 1 if any(each["WRONG"] for each in counts.values()) else 0


def _kept() -> tuple[dict[str, Counter[str]], int]:
    """What the shards came to that were run before, and how many they are. Of another reader none count."""
    kept = json.loads(RESULTS.read_text(encoding="utf-8")).get("damage", {})
    known = kept["kinds"] if kept.get("engine") == ENGINE else {}
    return {kind: Counter(known.get(kind, {})) for kind in KINDS}, kept["shards"] if known else 0


def _result(counts: Mapping[str, Counter[str]], shards: int) -> dict[str, Any]:
    kinds = {kind: dict(sorted(each.items())) for kind, each in counts.items() if each}
    files = sum(sum(each.values()) for each in kinds.values())
    wrong = sum(each.get("WRONG", 0) for each in kinds.values())
    return {"engine": ENGINE, "shards": shards, "files": files, "wrong": wrong, "kinds": kinds}


if __name__ == "__main__":
    sys.exit(main())
