"""Views of boxes with what they truly are: the data that the network is fitted to.

    python -m tests.training.views [--workers 2]

Makes sheets with the project's own simulator, reads them with the reader as it is, and keeps what the network
would be given of every box that has anything in or around it, in work/training/. Each sheet has a seed of its
own, from SEEDS_FROM on, which settles its form, its condition of work and the faults laid over it; the bench
never uses these seeds. What is done is not done again.
"""

from __future__ import annotations

import argparse
import multiprocessing
import string
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from unittest.mock import patch

import cv2
import numpy as np
from numpy.typing import NDArray

from ballotscan.forms.form import Side
from ballotscan.forms.prints import FormPrint
from ballotscan.intake.faults import PageFault
from ballotscan.model import SideReading
from ballotscan.reading import SideNotRead, read_side
from ballotscan.vision import marks, shapes
from ballotscan.vision.page import MM_PER_INCH
from ballotscan.vision.reference import Reference
from tests.accuracy.cases import cut_questions
from tests.accuracy.reading import as_opened, load_shipped, references_of
from tests.accuracy.rows import ROWS
from tests.simulator import SimulatedSheet, simulate_sheet
from tests.simulator.classes import Good
from tests.simulator.people import PLAIN_SHAPES

WORK = Path(__file__).resolve().parents[2] / "work" / "training"
SEEDS_FROM = 9_000_000
ROUND_FROM = 9_200_000
"""Sheets from here on have round and oval boxes, half of them with a letter in each, ..."""

SLASHES_FROM = 9_400_000
"""... from here on people make slashes, which are seldom otherwise, ..."""

LIGHT_FROM = 9_900_000
"""... and from here on with pens whose marks hardly show, more of them faint, several or beside other
traces."""

LIGHT_PENS = ("light_pencil", "light_pencil", "failing_pen", "red_pen", "pencil", "green_pen", "highlighter")
BESIDE_LIGHT = (
    "overvotes",
    "faint_marks",
    "pen_rests",
    "white_streak",
    "dust_streak",
    "background_removed",
    "noisy",
    "uneven_light",
    "long_ticks",
    "show_through",
    "fold_through_box",
    "staple_on_box",
    "hole_in_box",
)

HARD_FROM = 9_950_000
"""From here on plain hard work: what a person is asked about most."""

SHARD_SHEETS = 25
SHARDS = {SEEDS_FROM: 107, ROUND_FROM: 40, SLASHES_FROM: 14, LIGHT_FROM: 43, HARD_FROM: 20}
"""How many of each kind the network that is shipped was fitted to."""

NOTHING, CHOICE, TAKEN_BACK, UNUSUAL = range(4)

GONE = 0.03
"""A mark of which no spot is as dark as this is not in the image: nothing can be learnt from it."""

READ_WAYS = [
    way.effects
    for row in ROWS
    if not row.marks
    for way in row.ways
    if not way.stack and way.good in (Good.READ, Good.REVIEW)
]
MIXED = sorted({name for way in READ_WAYS for name in way} - {"bitonal", "bitonal_off", "grey"})

Bytes = NDArray[np.uint8]


def as_bytes(values: NDArray[np.float32]) -> Bytes:
    """What the network takes, in hundredths from ``shapes.LEAST`` up."""
    return np.asarray(((values - shapes.LEAST) * 100).round().clip(0, 255), np.uint8)


def draw_way(seed: int) -> tuple[str, str, tuple[str, ...]]:
    """Form, condition and effects of a sheet: a quarter ordinary work of all kinds, two fifths one optical
    class, the rest up to three faults mixed."""
    rng = np.random.default_rng(seed)
    if seed >= HARD_FROM:
        return str(rng.choice(["appendix-i"] * 3 + ["hue-2019"])), "hard", ("grey",)
    if seed >= LIGHT_FROM:
        form, condition = (
            str(rng.choice(["appendix-i"] * 3 + ["hue-2019"])),
            str(rng.choice(["office", "hard"])),
        )
        beside = rng.choice(BESIDE_LIGHT, int(rng.integers(1, 3)), replace=False).tolist()
        return form, condition, ("grey", str(rng.choice(LIGHT_PENS)), *beside)
    if seed >= SLASHES_FROM:
        return "appendix-i", str(rng.choice(["clean", "office", "hard"])), ("slashes",)
    form = "appendix-i" if rng.random() < 0.75 else "hue-2019"
    part = rng.random()
    if part < 0.25:
        return form, str(rng.choice(["clean", "office", "office", "hard", "hard"])), ()
    if part < 0.65:
        return form, "office", READ_WAYS[int(rng.integers(len(READ_WAYS)))]
    condition = str(rng.choice(["office", "hard"]))
    return form, condition, tuple(rng.choice(MIXED, int(rng.integers(1, 4)), replace=False).tolist())


def kinds_of(sheet: SimulatedSheet) -> dict[tuple[str, str], int]:
    """What every marked box of a sheet truly is; all others are NOTHING."""
    kinds = {}
    for answer in sheet.truth.answers:
        chosen = CHOICE if answer.shape in PLAIN_SHAPES and answer.kind != "odd" else UNUSUAL
        kinds |= {(answer.question, code): chosen for code in answer.codes}
        kinds |= {(answer.question, code): TAKEN_BACK for code in answer.cancelled}
    return kinds


@cache
def _loaded(form: str, boxes: str) -> tuple[FormPrint, tuple[Reference, ...]]:
    """A shipped form with its own boxes (""), or round ones, empty ("o") or with letters ("A")."""
    cv2.setNumThreads(1)
    form_print = load_shipped(form)
    if boxes:
        sides = zip(form_print.pages, form_print.form.sides, strict=True)
        form_print = replace(
            form_print, pages=tuple(_rounded(*side, form_print.dpi, boxes) for side in sides)
        )
    return form_print, references_of(form_print)


def _rounded(page: Bytes, side: Side, dpi: int, boxes: str) -> Bytes:
    """The side with an ellipse in the place of each box; those of every other question are flat."""
    page, px = page.copy(), dpi / MM_PER_INCH
    ids = list(dict.fromkeys(box.question for box in side.boxes))
    for number, box in enumerate(side.boxes):
        rect, flat = box.rect, 0.68 if ids.index(box.question) % 2 else 1.0
        left, top = round((rect.x_mm - 0.3) * px), round((rect.y_mm - 0.3) * px)
        right, low = round((rect.x_mm + rect.w_mm + 0.3) * px), round((rect.y_mm + rect.h_mm + 0.3) * px)
        page[top:low, left:right] = 255
        middle = ((left + right) // 2, (top + low) // 2)
        axes = (round(rect.w_mm / 2 * px), round(flat * rect.h_mm / 2 * px))
        cv2.ellipse(page, middle, axes, 0, 0, 360, 0, max(1, round(0.25 * px)), cv2.LINE_AA)
        if boxes == "A":
            letter, size = string.ascii_uppercase[number % 5], 0.07 * px
            (wide, high), _ = cv2.getTextSize(letter, cv2.FONT_HERSHEY_SIMPLEX, size, 2)
            at = (middle[0] - wide // 2, middle[1] + high // 2)
            cv2.putText(page, letter, at, cv2.FONT_HERSHEY_SIMPLEX, size, 60, 2, cv2.LINE_AA)
    return page


def views_of_sheet(seed: int) -> Iterator[tuple[Bytes, int]]:
    """What is seen of every box of a sheet that holds anything, and what it is."""
    form, condition, effects = draw_way(seed)
    boxes = "oA"[seed % 2] if ROUND_FROM <= seed < SLASHES_FROM else ""
    form_print, references = _loaded(form, boxes)
    sheet = simulate_sheet(form_print, seed, condition, effects)
    kinds = kinds_of(sheet)
    for side in sheet.sides:
        with patch.object(marks, "tell_shapes", wraps=shapes.tell_shapes) as told:
            try:
                reading = read_side(as_opened(side), side.bitonal, references)
            except PageFault:  # its file is taken for a damaged one
                continue
        if isinstance(reading, SideNotRead) or reading.side != side.side:
            continue
        yield from _views_of_side(reading, told.call_args.args, kinds, cut_questions(side))


def _views_of_side(
    reading: SideReading,
    given: tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_]],
    kinds: dict[tuple[str, str], int],
    lost: set[str],
) -> Iterator[tuple[Bytes, int]]:
    dark, blank, seen = given
    pairs = np.stack([shapes.scaled(dark), blank[seen]], axis=-1)
    there = [mark for mark, looked in zip(reading.marks, seen, strict=True) if looked]
    for mark, pair in zip(there, pairs, strict=True):
        kind = kinds.get((mark.question, mark.option), NOTHING)
        gone = kind != NOTHING and max(mark.peak, mark.near_peak, mark.ring_peak) < GONE
        if mark.held == 1 and mark.question not in lost and not gone:
            yield as_bytes(pair), kind


def make_shard(first: int) -> Path:
    """The views of SHARD_SHEETS sheets from a seed on, in a file; done before it is not made again."""
    path = WORK / f"views-{first}.npz"
    if not path.exists():
        seeds = range(first, first + SHARD_SHEETS)
        found = [(seen, kind, seed) for seed in seeds for seen, kind in views_of_sheet(seed)]
        seen, kinds, of = (np.array(each) for each in zip(*found, strict=True))
        WORK.mkdir(parents=True, exist_ok=True)
        np.savez(path.with_suffix(".part.npz"), seen=seen, kinds=kinds.astype(np.uint8), seeds=of)
        path.with_suffix(".part.npz").replace(path)
    return path


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.training.views")
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args(arguments)
    shards = [first + SHARD_SHEETS * number for first, count in SHARDS.items() for number in range(count)]
    with multiprocessing.get_context("spawn").Pool(given.workers) as pool:
        for done, path in enumerate(pool.imap(make_shard, shards), 1):
            sys.stdout.write(f"{done} of {len(shards)}: {path.name}\n")
            sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
