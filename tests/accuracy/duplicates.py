"""Is a sheet that was scanned again found by what is on it, and are honest sheets left alone?

    python -m tests.accuracy.duplicates -o tests/accuracy/duplicates.json

Two parts. **Pages**: whole simulated sheets through the reader, each scanned again on other settings, and
beside it two twins: other sheets by the same person and pen with the same answers. It gives the likeness of
either kind. **Marks**: 10,000 sheets and 200 rescans, made mark by mark (strokes of the same simulated hands,
a scanner's blur, noise, tone, resolution and the reader's misplacement), through ``ballotscan.rescans`` as in
a scan. Half of them are offices in which everybody gave the same answers with the same pen, and of these half
are by one and the same hand. Among the rescans are two stacks fed twice, one of them in the other order.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from ballotscan.model import BatchName, BatchSettings, PageRef, Sha256, WarningKind
from ballotscan.reading import SideNotRead, read_side
from ballotscan.rescans import find_rescans
from ballotscan.rules.duplicates import LIKE, MARKS, SURE
from ballotscan.rules.sheets import PagePlace, SheetPlan
from ballotscan.store.database import Store
from ballotscan.store.rows import Traced
from ballotscan.vision.likeness import likeness, unpack
from ballotscan.vision.trace import INSIDE_MM, LEAST_PEAK, pack
from tests.accuracy.reading import load_shipped, references_of
from tests.simulator import SimulatedSheet, simulate_sheet
from tests.simulator.conditions import OFFICE
from tests.simulator.hands import Hand, Rng, Stroke, draw_mark, make_hand

Pixels = NDArray[np.uint8]

SETTINGS: tuple[tuple[str, ...], ...] = (
    (),
    ("dpi_200",),
    ("low_quality",),
    ("dpi_150",),
    ("bitonal",),
    ("dpi_400", "skew_any"),
    ("low_quality_50", "noisy"),
    ("upside_down", "stretched_feed"),
)
"""What the scanner was set to for the second scan; the first has the office's own settings."""

# --- pages -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Compared:
    """Two scans of one side of a form, and what they came to."""

    form: str
    kind: str  # again, twin
    seed: int
    settings: str
    side: int
    marks: int  # of the side that has fewer
    likeness: float


def compare_pages(form: str, seeds: Sequence[int]) -> Iterator[Compared]:
    """Rescans and twins of simulated sheets of a shipped form, through the reader."""
    form_print = load_shipped(form)
    references = references_of(form_print)

    def traces(sheet: SimulatedSheet) -> dict[int, bytes]:
        import base64

        found = {}
        for scanned in sheet.sides:
            reading = read_side(scanned.grey, scanned.bitonal, references)
            if not isinstance(reading, SideNotRead):
                found[reading.side] = base64.b64decode(reading.trace)
        return found

    for seed in seeds:
        settings = SETTINGS[seed % len(SETTINGS)]
        first = traces(simulate_sheet(form_print, seed))
        others = [("again", traces(simulate_sheet(form_print, seed, "office", settings, again=1)))]
        others += [("twin", traces(simulate_sheet(form_print, seed, twin=number))) for number in (1, 2)]
        for kind, other in others:
            for side in sorted(first.keys() & other.keys()):
                both = unpack([first[side], other[side]])
                named = "+".join(settings) if kind == "again" else ""
                yield Compared(
                    form, kind, seed, named, side, int(both.count.min()), round(likeness(both, 0, 1), 3)
                )


# --- marks -----------------------------------------------------------------------------------------------

BOX_MM = 4.5
QUESTIONS, OPTIONS = 10, 5  # a side of appendix-i has 11 or 17 questions
CANVAS_MM, DRAWN_DPI = 6.0, 300
EASY_HABITS = {name: weight for name, weight in OFFICE.habits.items() if name != "circle"}


@dataclass(frozen=True, slots=True)
class Setting:
    """A scanner for one stack: drawn anew for each."""

    dpi: int
    blur_px: float
    noise: float
    gamma: float
    jpeg: int
    bitonal: bool


def draw_setting(rng: Rng) -> Setting:
    return Setting(
        dpi=int(rng.choice([150, 200, 300])),
        blur_px=float(rng.uniform(0.4, 0.8)),
        noise=float(rng.uniform(1, 5)),
        gamma=float(rng.uniform(0.8, 1.25)),
        jpeg=int(rng.uniform(50, 95)),
        bitonal=bool(rng.random() < 0.1),
    )


@dataclass(frozen=True, slots=True)
class Marked:
    """A sheet's marks before any scan: by box, its ink at DRAWN_DPI."""

    boxes: tuple[int, ...]
    drawn: tuple[Pixels, ...]


def write_marks(rng: Rng, hand: Hand, options: Sequence[int]) -> Marked:
    """A side on which one option of each question is marked; an option below 0 is a blank."""
    boxes, drawn = [], []
    for question, option in enumerate(options):
        if option >= 0:
            shape = hand.second_habit if rng.random() < hand.second_share else hand.habit
            strokes = draw_mark(rng, hand, shape, np.full(2, CANVAS_MM / 2), BOX_MM)
            boxes.append(question * OPTIONS + option)
            drawn.append(_draw(strokes, round(250 * (1 - hand.pen.flow * (1 - hand.pen.rgb[1])))))
    return Marked(tuple(boxes), tuple(drawn))


def _draw(strokes: Sequence[Stroke], grey: int) -> Pixels:
    """Strokes as even lines: far faster than ``ink``, which would take an hour for ten thousand sheets."""
    px = DRAWN_DPI / 25.4
    page = np.full((round(CANVAS_MM * px),) * 2, 250, np.uint8)
    for stroke in strokes:
        points = np.rint(stroke.points_mm * px * 16).astype(np.int32)
        wide = max(1, round(float(stroke.width_mm.mean()) * px))
        cv2.polylines(page, [points], False, grey, wide, cv2.LINE_AA, 4)
    return page


def scan_marks(rng: Rng, marked: Marked, setting: Setting) -> bytes:
    """The trace that the reader would take of the marks, seen by a scanner."""
    if not marked.boxes:
        return b""
    boxes, patches = [], []
    fine_dpi = setting.dpi if setting.dpi < 280 else setting.dpi / 2
    strip = _see(rng, np.hstack(marked.drawn), setting, fine_dpi)
    for box, seen in zip(marked.boxes, np.array_split(strip, len(marked.boxes), axis=1), strict=True):
        patch = _sample(seen, fine_dpi, rng.normal(0, 0.04, 2))  # the reader's boxes are off by 0.025 mm
        if 1 - np.sort(patch, axis=None)[: patch.size // 20].mean() / 250 > LEAST_PEAK:
            boxes.append(box)
            patches.append(patch)
    return pack(boxes, patches)


def _see(rng: Rng, strip: Pixels, setting: Setting, fine_dpi: float) -> Pixels:
    count = strip.shape[1] // strip.shape[0]
    soft = cv2.GaussianBlur(strip, (0, 0), setting.blur_px * DRAWN_DPI / setting.dpi)
    high = round(strip.shape[0] * setting.dpi / DRAWN_DPI)
    seen = cv2.resize(soft, (high * count, high), interpolation=cv2.INTER_AREA)
    light = 255 * (seen / 255) ** setting.gamma + rng.normal(0, setting.noise, seen.shape)
    grey = np.clip(light, 0, 255).astype(np.uint8)
    if setting.bitonal:
        grey = np.where(grey > 140, 255, 0).astype(np.uint8)
    else:
        done, coded = cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, setting.jpeg])
        assert done
        grey = np.asarray(cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE), np.uint8)
    high = round(strip.shape[0] * fine_dpi / DRAWN_DPI)
    return np.asarray(cv2.resize(grey, (high * count, high), interpolation=cv2.INTER_AREA), np.uint8)


def _sample(seen: Pixels, fine_dpi: float, off_mm: NDArray[np.float64]) -> Pixels:
    """16 by 16 samples of the inside, as ``vision.trace`` takes them."""
    half_mm, scale = BOX_MM / 2 - INSIDE_MM, fine_dpi / 25.4
    steps = ((np.arange(16) + 0.5) / 8 - 1) * half_mm
    x = ((CANVAS_MM / 2 + off_mm[0] + steps) * scale - 0.5).astype(np.float32)
    y = ((CANVAS_MM / 2 + off_mm[1] + steps) * scale - 0.5).astype(np.float32)
    across, down = np.meshgrid(x, y)
    return np.asarray(cv2.remap(seen, across, down, cv2.INTER_LINEAR), np.uint8)


def write_office(rng: Rng, sheets: int) -> Iterator[Marked]:
    """Half of ``sheets`` by people with opinions, half in offices of 100 that answered alike with one pen: of
    these every second sheet is by one and the same hand.
    """
    for number in range(sheets // 2):
        hand = make_hand(rng, OFFICE.pens, EASY_HABITS, OFFICE.cancels)
        options = rng.choice(OPTIONS, QUESTIONS, p=(0.04, 0.07, 0.19, 0.45, 0.25))
        blank = rng.random(QUESTIONS) < (0.9 if number % 50 == 0 else 0.06)  # one in 100 is nearly empty
        yield write_marks(rng, hand, np.where(blank, -1, options).tolist())
    for number in range(sheets - sheets // 2):
        if number % 100 == 0:
            hands = [make_hand(rng, OFFICE.pens, EASY_HABITS, OFFICE.cancels)]
            hands += [
                replace(make_hand(rng, OFFICE.pens, EASY_HABITS, OFFICE.cancels), pen=hands[0].pen, habit=h)
                for h in [hands[0].habit] * 49
            ]
        yield write_marks(rng, hands[0 if number % 2 else 1 + number % 100 // 2 % 49], [4] * QUESTIONS)


class _Record:
    """Stands for the store where only traces are asked for."""

    def __init__(self, rows: list[Traced]) -> None:
        self.rows = rows

    def traced(self, forms: set[str], first: date, last: date) -> list[Traced]:
        return self.rows

    def sheets_made(self, batch: str) -> int:
        return 0


@dataclass(frozen=True, slots=True)
class Part:
    """A share of the sheets and the rescans of some of them, as traces; ``again`` numbers those rescanned."""

    first: list[bytes]
    again: list[int]
    second: list[bytes]


def make_part(sheets: int, rescans: int, seed: int) -> Part:
    """Two rows of a fifth of the rescans each, one forwards and one backwards; the others one by one."""
    cv2.setNumThreads(1)
    rng = np.random.default_rng(seed)
    run = rescans // 5
    setting = draw_setting(rng)
    picked = rng.choice(sheets, rescans - 2 * run, replace=False)
    starts = (sheets // 3, sheets // 2)
    again = [*range(starts[0], starts[0] + run), *range(starts[1] + run - 1, starts[1] - 1, -1)]
    again += picked.tolist()
    wanted, first, kept = set(again), [], {}
    for number, marked in enumerate(write_office(rng, sheets)):
        if number % 200 == 0:
            setting = draw_setting(rng)
        first.append(scan_marks(rng, marked, setting))
        if number in wanted:
            kept[number] = marked
    second = []
    for place, number in enumerate(again):
        if place % run == 0:
            setting = draw_setting(rng)
        second.append(scan_marks(rng, kept[number], setting))
    return Part(first, again, second)


def run_marks(sheets: int, rescans: int, seed: int, parts: int = 1) -> dict[str, Any]:
    """One stack of ``sheets`` and then ``rescans`` of them again; what was found of them and what else."""
    began = time.monotonic()
    each = [(sheets // parts, rescans // parts, seed * 1000 + part) for part in range(parts)]
    with ProcessPoolExecutor(parts) as pool:
        made = list(pool.map(make_part, *zip(*each, strict=True)))
    traces = [trace for part in made for trace in part.first]
    again: list[int] = []
    for number, part in enumerate(made):
        again += [number * (sheets // parts) + one for one in part.again]
        traces += part.second
    made_s = time.monotonic() - began
    return {"made_s": round(made_s), **_judge(traces, sheets, again)}


def _judge(traces: Sequence[bytes], sheets: int, again: Sequence[int]) -> dict[str, Any]:
    rows = [
        Traced(number, "b", PageRef(f"{number}", 1, Sha256("")), "f", "1", 1, None, None, None, None, trace)
        for number, trace in enumerate(traces)
    ]
    plans = [
        SheetPlan("f", "1", None, (PagePlace(r.key, r.ref, "f", "1", 1, None, True, None, r.key),), None)
        for r in rows
    ]
    batch = BatchSettings(BatchName("b"), ("f",), "2026-01-01", "", "", "", None)
    began = time.monotonic()
    found = find_rescans(cast("Store", _Record(rows)), batch, plans)
    took_s = time.monotonic() - began
    counts = unpack(traces).count
    held = set(found.held)
    fewer = [int(min(counts[sheets + place], counts[number])) for place, number in enumerate(again)]
    lost = [number for number in range(sheets, len(traces)) if number not in held]
    false = sorted(number for number in held if number < sheets)
    stacks = [w.place for w in found.warnings if w.kind is WarningKind.SAME_STACK]
    named = {w.place for w in found.warnings}
    right = sum(f"b/{n + 1:05d} = b/{again[n - sheets] + 1:05d}" in named for n in held if n >= sheets)
    return {
        "sheets": sheets,
        "rescans": len(again),
        "rescans_with_marks_enough": sum(marks >= MARKS for marks in fewer),  # on both scans
        "found": len(held) - len(false),
        "named_singly_with_the_right_sheet": right,
        "not_found": [{"sheet": n, "marks": int(fewer[n - sheets])} for n in lost],
        "false_alarms": len(false),
        "false_alarms_named": sorted(w.place for w in found.warnings if int(w.place[2:7]) <= sheets),
        "stacks": stacks,
        "search_s": round(took_s, 2),
        "trace_bytes": round(float(np.mean([len(trace) for trace in traces]))),
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def summarise_pages(compared: Sequence[Compared]) -> dict[str, Any]:
    """The ends of both distributions, of sides with marks enough."""
    enough = [each for each in compared if each.marks >= MARKS]
    found: dict[str, Any] = {"sides_compared": len(compared), "with_marks_enough": len(enough)}
    best: dict[tuple[int, str], float] = {}
    for each in (each for each in enough if each.kind == "again"):
        best[each.seed, each.settings] = max(each.likeness, best.get((each.seed, each.settings), -1.0))
    found["sheets_scanned_again"] = len(best)
    found["sheets_not_found"] = [[*key, value] for key, value in best.items() if value < LIKE]
    for kind in ("again", "twin"):
        mine = sorted((each for each in enough if each.kind == kind), key=lambda each: each.likeness)
        values = [each.likeness for each in mine]
        found[kind] = {
            "sides": len(mine),
            "least": values[:5],
            "median": values[len(values) // 2] if values else None,
            "most": values[-5:],
            "like": sum(value >= LIKE for value in values),
            "sure": sum(value >= SURE for value in values),
            "nearest_to_limit": [
                asdict(each) for each in sorted(mine, key=lambda e: abs(e.likeness - LIKE))[:3]
            ],
        }
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the bench; the JSON goes to the screen or a file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--sheets", type=int, default=10_000)
    parser.add_argument("--rescans", type=int, default=200)
    parser.add_argument("--pages", type=int, default=40, help="seeds for each form")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("-o", "--output", type=Path)
    given = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    found: dict[str, Any] = {"like": LIKE, "sure": SURE, "marks": MARKS}
    if given.sheets:
        found["marks_level"] = run_marks(given.sheets, given.rescans, given.seed, parts=4)
    if given.pages:
        forms = ("appendix-i", "hue-2019")
        found["page_level"] = {
            form: summarise_pages(list(compare_pages(form, range(given.pages)))) for form in forms
        }
    text = json.dumps(found, indent=2, ensure_ascii=False) + "\n"
    if given.output:
        given.output.write_text(text, encoding="utf-8")
    sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
