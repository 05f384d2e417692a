"""Make samples/: scans named by what they show, and a small quarter, with the expected answers beside them.

    python -m tests.simulator.make_samples [FOLDER]

Seeded: the same templates and the same versions of the libraries give the same bytes. Run it again whenever
a shipped template changes; the golden tests say when.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import img2pdf
from PIL import Image

from ballotscan.forms.form import Form
from ballotscan.forms.load import shipped_templates
from ballotscan.forms.prints import FormPrint, load_print
from tests.simulator.people import AnswerTruth
from tests.simulator.plain_pages import PlainPrint, draw_letter, draw_nothing, draw_other_form
from tests.simulator.sheets import ScannedSide, scan_unwritten, simulate_sheet

CALM = ("no_extras", "ballpoint", "plain_hands")
"""Nothing else of note on the sheet."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of one file, with what it truly is. ``answers`` is empty where it is no ballot."""

    scanned: ScannedSide
    what: str
    form: str = ""
    answers: tuple[AnswerTruth, ...] = ()


@dataclass(frozen=True, slots=True)
class Sample:
    """One file of samples/. ``sides`` None: all; ``plain`` names a page that is no ballot."""

    file: str
    purpose: str
    seed: int
    template: str = "appendix-i"
    effects: tuple[str, ...] = CALM
    sides: tuple[int, ...] = (1,)
    plain: str = ""
    sheets: int = 1


# fmt: off
SAMPLES = (
    Sample("plain.jpg", "An ordinary front side: crosses with a ball pen.", 1, effects=(*CALM, "crosses")),
    Sample("two-sides.pdf", "Both sides of one sheet, one JPEG a page.", 2, sides=(1, 2)),
    Sample("hue-2019.jpg", "The other shipped form: no corner marks, no codes.", 3, "hue-2019"),
    Sample("upside-down.jpg", "Fed in upside down.", 4, effects=(*CALM, "upside_down")),
    Sample("90-degrees.jpg", "Fed in sideways.", 5, effects=(*CALM, "quarter_turn")),
    Sample("mirrored.jpg", "Mirrored by the scanner's driver: must be refused.",
           6, effects=(*CALM, "mirrored")),
    Sample("skewed-5-degrees.jpg", "Drawn in askew.", 7, effects=(*CALM, "skew_5", "black_lid")),
    Sample("copied-at-97-percent.pdf", "A photocopy at 97 %, both sides.", 8,
           effects=(*CALM, "copied_97"), sides=(1, 2)),
    Sample("dust-streak.jpg", "A dark line from dust on the glass.", 9, effects=(*CALM, "dust_streak")),
    Sample("folded.jpg", "Folded to fit the box.", 10, effects=(*CALM, "folded")),
    Sample("stamp.jpg", "A round seal over the lower half.", 11, effects=(*CALM, "stamp")),
    Sample("dog-ear.jpg", "A corner folded over.", 12, effects=(*CALM, "dog_ear")),
    Sample("cut-short.jpg", "The lower 9 cm are missing.", 13, effects=(*CALM, "cut_short")),
    Sample("circled-correction.jpg", "Wrong boxes circled, others crossed.",
           14, effects=("circled_corrections",)),
    Sample("scribbled-correction.jpg", "Wrong boxes scribbled over.", 15, effects=("scribbled_corrections",)),
    Sample("two-marks.jpg", "Two boxes marked in questions that take one.", 16, effects=("overvotes",)),
    Sample("light-pencil.jpg", "Marks that hardly show.", 17, effects=("no_extras", "light_pencil")),
    Sample("felt-pen.jpg", "A thick pen.", 18, effects=("no_extras", "felt_pen")),
    Sample("ticks.jpg", "Ticks whose tails leave the box.", 19, effects=(*CALM, "ticks")),
    Sample("fills.jpg", "Boxes filled in.", 20, effects=(*CALM, "fills")),
    Sample("circles.jpg", "A writer who circles boxes instead of crossing them.",
           21, effects=(*CALM, "circles")),
    Sample("pen-rests.jpg", "Dots where the pen rested, some in boxes.",
           22, effects=("ballpoint", "pen_rests")),
    Sample("all-blank-answers.jpg", "A ballot on which nothing is marked.", 23, effects=(*CALM, "all_blank")),
    Sample("colour.jpg", "Scanned in colour, blue pen.", 24, effects=(*CALM, "colour")),
    Sample("red-pen.jpg", "A red pen, in grey.", 25, effects=("no_extras", "red_pen")),
    Sample("low-quality.jpg", "JPEG quality 30.", 26, effects=(*CALM, "low_quality")),
    Sample("150-dpi.jpg", "The coarsest resolution that is promised.", 27, effects=(*CALM, "dpi_150")),
    Sample("wrong-dpi-tag.jpg", "A tag of 72 dpi on a scan of 200.", 28, effects=(*CALM, "wrong_dpi_tag")),
    Sample("bitonal-g4.tif", "Two sheets, black and white, fax compression.", 29,
           effects=(*CALM, "bitonal"), sides=(1, 2), sheets=2),
    Sample("another-form.jpg", "A form that no template describes.", 31, plain="other-form"),
    Sample("cover-letter.jpg", "The letter on top of a stack.", 32, plain="letter"),
    Sample("blank-page.jpg", "An empty sheet.", 33, plain="empty"),
    Sample("cut-off.pdf", "Two sheets; the image of page 2 stops in its middle.", 34, sides=(1, 2), sheets=2),
)
# fmt: on


@cache
def _print(template: str) -> FormPrint:
    return load_print(shipped_templates() / template)


def _plain(name: str) -> PlainPrint:
    return {"letter": draw_letter, "other-form": draw_other_form, "empty": draw_nothing}[name]()


def _pages(sample: Sample) -> list[Page]:
    if sample.plain:
        return [Page(scan_unwritten(_plain(sample.plain), sample.seed, "desk", ())[0], sample.plain)]
    pages = []
    for number in range(sample.sheets):
        sheet = simulate_sheet(_print(sample.template), sample.seed + 1000 * number, "desk", sample.effects)
        for scanned in sheet.sides:
            if scanned.side in sample.sides:
                answers = tuple(answer for answer in sheet.truth.answers if answer.side == scanned.side)
                pages.append(Page(scanned, f"side {scanned.side}", sheet.truth.form, answers))
    return pages


# ---------------------------------------------------------------------------------------------------------
# Files


def pdf_of(images: Sequence[bytes]) -> bytes:
    """A scanner's PDF: one JPEG a page, A4, nothing else; without dates, so that it is the same each time."""
    size = img2pdf.get_layout_fun((img2pdf.mm_to_pt(210), img2pdf.mm_to_pt(297)))
    pdf = bytes(img2pdf.convert(list(images), layout_fun=size, nodate=True, producer="ScanStation 5"))
    name = hashlib.md5(b"".join(images), usedforsecurity=False).hexdigest().encode()
    return re.sub(rb"/ID \[<[0-9a-f]{32}><[0-9a-f]{32}>\]", b"/ID [<" + name + b"><" + name + b">]", pdf)


def tiff_of(pages: Sequence[ScannedSide]) -> bytes:
    """A multi-page G4 TIFF."""
    images = [Image.open(io.BytesIO(page.encoded)).convert("1") for page in pages]
    dpi = (pages[0].dpi, pages[0].dpi)
    out = io.BytesIO()
    images[0].save(out, "TIFF", compression="group4", save_all=True, append_images=images[1:], dpi=dpi)
    return out.getvalue()


def cut_stream(pdf: bytes, page: int) -> bytes:
    """The same PDF with half of one page's JPEG lost, zeros in its place, as a bad disk leaves it."""
    start = -1
    for _ in range(page):
        start = pdf.index(b"\xff\xd8\xff", start + 1)
    end = pdf.index(b"endstream", start)
    middle = start + (end - start) // 2
    return pdf[:middle] + bytes(end - middle - 2) + pdf[end - 2 :]


def _file_bytes(sample: Sample, pages: Sequence[Page]) -> bytes:
    if sample.file.endswith(".pdf"):
        pdf = pdf_of([page.scanned.encoded for page in pages])
        return cut_stream(pdf, 2) if sample.file == "cut-off.pdf" else pdf
    if sample.file.endswith(".tif"):
        return tiff_of([page.scanned for page in pages])
    return pages[0].scanned.encoded


def _expected_page(sample: Sample, number: int, page: Page) -> dict[str, object]:
    lost = sample.file == "cut-off.pdf" and number == 2
    return {
        "page": number,
        "what": "cut off" if lost else page.what,
        "form": page.form,
        "side": page.scanned.side if page.form else None,
        "answers": {answer.question: list(answer.codes) for answer in page.answers},
        "kinds": {answer.question: answer.kind for answer in page.answers if answer.kind != "plain"},
    }


def make_named(folder: Path) -> Iterator[tuple[str, dict[str, object]]]:
    """Write every named sample; give its entry for expected.json."""
    for sample in SAMPLES:
        pages = _pages(sample)
        (folder / sample.file).write_bytes(_file_bytes(sample, pages))
        yield (
            sample.file,
            {
                "purpose": sample.purpose,
                "pages": [_expected_page(sample, number, page) for number, page in enumerate(pages, 1)],
            },
        )


# ---------------------------------------------------------------------------------------------------------
# The small quarter

QUARTER = "small-quarter"
PDF_NAME, TIFF_NAME, LOST_NAME = "Scan_20230310_091244.pdf", "SKM_C25823031009310.tif", "scan0015.jpg"
PDF_SHEETS, TIFF_SHEETS, JPEG_SHEETS = range(1, 14), range(14, 27), range(27, 41)
SPECIAL = {
    4: ("upside_down",),
    7: ("circled_corrections",),
    11: ("overvotes",),
    12: ("no_extras", "light_pencil"),
    29: ("scribbled_corrections",),
    36: ("circles",),
}
"""Sheets of the small quarter on which something in particular happened."""


def _quarter_sheet(number: int) -> list[Page]:
    effects = SPECIAL.get(number, ())
    if number in TIFF_SHEETS:
        effects = (*effects, "bitonal", "ballpoint")
    sheet = simulate_sheet(_print("appendix-i"), 20230310_00 + number, "desk", effects)
    return [
        Page(
            scanned,
            f"sheet {number}",
            sheet.truth.form,
            tuple(answer for answer in sheet.truth.answers if answer.side == scanned.side),
        )
        for scanned in sheet.sides
    ]


def make_quarter(folder: Path) -> list[tuple[str, int, Page]]:
    """Write the files; give (file, page number, page) for every page in them."""
    folder.mkdir(parents=True, exist_ok=True)
    letter = Page(scan_unwritten(draw_letter(), 20230310, "desk")[0], "cover letter")
    in_pdf = [letter, *(page for number in PDF_SHEETS for page in _quarter_sheet(number))]
    (folder / PDF_NAME).write_bytes(pdf_of([page.scanned.encoded for page in in_pdf]))
    in_tiff = [page for number in TIFF_SHEETS for page in _quarter_sheet(number)]
    (folder / TIFF_NAME).write_bytes(tiff_of([page.scanned for page in in_tiff]))
    listed = [(PDF_NAME, number, page) for number, page in enumerate(in_pdf, 1)]
    listed += [(TIFF_NAME, number, page) for number, page in enumerate(in_tiff, 1)]
    in_jpegs = [page for number in JPEG_SHEETS for page in _quarter_sheet(number)]
    for number, page in enumerate(in_jpegs, 1):
        name = f"scan{number:04d}.jpg"
        encoded = page.scanned.encoded
        (folder / name).write_bytes(encoded[: len(encoded) // 2] if name == LOST_NAME else encoded)
        listed.append((name, 1, page))
    return listed


def write_quarter_truth(folder: Path, listed: Sequence[tuple[str, int, Page]]) -> None:
    """Two CSV files beside the folder: one row per question, and one row per page."""
    with (folder / f"{QUARTER}.expected.csv").open("w", encoding="utf-8", newline="") as out:
        rows = csv.writer(out, lineterminator="\n")
        rows.writerow(("file", "page", "side", "sheet", "question", "answer", "kind"))
        for file, number, page in listed:
            for answer in page.answers:
                sheet = page.what.removeprefix("sheet ")
                rows.writerow(
                    (file, number, answer.side, sheet, answer.question, "|".join(answer.codes), answer.kind)
                )
    with (folder / f"{QUARTER}.pages.csv").open("w", encoding="utf-8", newline="") as out:
        rows = csv.writer(out, lineterminator="\n")
        rows.writerow(("file", "page", "what", "side"))
        for file, number, page in listed:
            what = f"{page.what}, cut off" if file == LOST_NAME else page.what
            rows.writerow((file, number, what, page.scanned.side if page.form else ""))


README = """\
# Samples

Simulated scans: printed from the templates, filled in and scanned by `tests/simulator` with fixed seeds. No
person's hand is in them. Made by `python -m tests.simulator.make_samples`; the golden tests compare what is
read with the answers kept beside the scans.

| file | what it shows |
|---|---|
{rows}
| `{quarter}/` | {sheets} sheets from the box of one desk, opened on 10 March 2023: a PDF that begins with a \
cover letter, a black-and-white TIFF and single JPEGs. Sheet 4 lies upside down, `{lost}` is cut off, some \
sheets have corrections, two marks, light pencil or circles. |

- `expected.json`: for every single file and page which form and side it is, what was meant, and which answers
  are not plain (`kinds`: blank, several, corrected_circle, faint, stray, ...).
- `{quarter}.expected.csv`: one row per question of the small quarter, with the answer that was meant.
- `{quarter}.pages.csv`: what every page of the small quarter is.

What was meant is not always what may be accepted: a corrected or a faint answer may be left to a person. An
answer that is accepted must be the one that was meant.
"""


def _readme(entries: dict[str, dict[str, object]]) -> str:
    rows = "\n".join(f"| `{file}` | {entry['purpose']} |" for file, entry in entries.items())
    sheets = len(PDF_SHEETS) + len(TIFF_SHEETS) + len(JPEG_SHEETS)
    return README.format(rows=rows, quarter=QUARTER, sheets=sheets, lost=LOST_NAME)


def box_places(form: Form) -> dict[str, list[float]]:
    """Side and place (mm) of every box, by "question/option": how the tests see that a form has moved on."""
    return {
        f"{box.question}/{box.option}": [side.number, round(box.rect.x_mm, 2), round(box.rect.y_mm, 2)]
        for side in form.sides
        for box in side.boxes
    }


def main(arguments: Sequence[str]) -> int:
    """Write everything to the folder given, or to samples/."""
    folder = Path(arguments[0]) if arguments else Path(__file__).resolve().parents[2] / "samples"
    folder.mkdir(parents=True, exist_ok=True)
    entries = dict(make_named(folder))
    boxes = {name: box_places(_print(name).form) for name in ("appendix-i", "hue-2019")}
    listed = {"boxes": boxes, "files": entries}
    text = json.dumps(listed, ensure_ascii=False, separators=(",", ":")).replace("}],", "}],\n")
    (folder / "expected.json").write_text(text + "\n", encoding="utf-8")
    write_quarter_truth(folder, make_quarter(folder / QUARTER))
    (folder / "README.md").write_text(_readme(entries), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
