"""Does undoing a scanner's tone curve and lamp help? The same sheets, read as they are and put right.

    python -m tests.accuracy.correction --sheets 40

For each scanner the test deck is scanned first, as an office would; its profile then corrects every sheet
that the same scanner scans. DECISIONS.md has the table that came of it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from unittest import mock

import numpy as np
from numpy.typing import NDArray

from ballotscan.forms.deck import load_deck
from ballotscan.model import ScannerMeasures, SideReading
from ballotscan.reading import read_side
from ballotscan.vision.calibrate import LAMP_STEP_MM, measure_charts
from ballotscan.vision.reference import build_references
from tests.accuracy.cases import compare, summarise
from tests.accuracy.reading import load_shipped, read_sheet, references_of
from tests.simulator import ScannedSide, simulate_sheet
from tests.simulator import sheets as sheet_maker
from tests.simulator.conditions import CONDITIONS, OFFICE, Condition
from tests.simulator.deck import scan_deck
from tests.simulator.hands import Rng
from tests.simulator.scanner import Geometry, Optics, encode, set_optics

DPI = 200
SCANNER_SEED = 42
FIRST_LAMP_MM = 12.0  # the middle of the first tenth of the deck's white strip

_FIXED = replace(OFFICE, dpi={DPI: 1.0}, noise=(2.0, 2.0), blur_px=(0.6, 0.6), tone=(0.94, 0.94))
SCANNERS: dict[str, Condition] = {
    name: replace(_FIXED, name=name, gamma=(gamma, gamma), lamp=(lamp, lamp))
    for name, gamma, lamp in (
        ("usual", 0.9, 0.08),
        ("flat", 0.7, 0.0),
        ("steep", 1.4, 0.0),
        ("dim", 1.0, 0.2),
        ("flat and dim", 0.7, 0.2),
        ("very dim", 1.0, 0.35),
    )
}
"""Tone curve and lamp at the ends of what passes the deck's checks; the last one fails them."""


def one_scanner(condition: Condition, _rng: Rng, geometry: Geometry) -> Optics:
    """The same optics for every sheet: those that scanned the deck."""
    return set_optics(condition, np.random.default_rng(SCANNER_SEED), geometry)


def profile_of(condition: Condition) -> ScannerMeasures:
    """What the test deck shows of this scanner."""
    image = scan_deck(condition, DPI, SCANNER_SEED)[0].image
    reading = read_side(image, False, build_references(load_deck().print))
    assert isinstance(reading, SideReading)
    return measure_charts(
        image, reading.map_px, load_deck().targets, bitonal=False, dpi_tag=None, jpeg_quality=None
    )


def put_right(image: NDArray[np.uint8], profile: ScannerMeasures) -> NDArray[np.uint8]:
    """The page as a scanner with an even lamp and an even tone curve would give it."""
    middles_mm = FIRST_LAMP_MM + LAMP_STEP_MM * np.arange(len(profile.lamp))
    columns_mm = (np.arange(image.shape[1]) + 0.5) / DPI * 25.4
    lit = image / np.interp(columns_mm, middles_mm, profile.lamp)
    greys = np.array([*(grey for grey, _level in profile.steps), 1.0])
    levels = np.array([*(level for _grey, level in profile.steps), profile.white])
    return np.asarray(np.interp(lit, np.maximum.accumulate(levels), greys) * profile.white, np.uint8)


def correct(side: ScannedSide, profile: ScannerMeasures) -> ScannedSide:
    """The side as if put right before it was written, at a quality that loses next to nothing."""
    return replace(side, encoded=encode(put_right(side.image, profile), False, 97, side.dpi_tag)[0])


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a line per scanner, as it is and put right."""
    parser = argparse.ArgumentParser(prog="python -m tests.accuracy.correction")
    parser.add_argument("--sheets", type=int, default=40)
    parser.add_argument("--template", default="appendix-i")
    given = parser.parse_args(arguments)
    form_print = load_shipped(given.template)
    references = references_of(form_print)
    for name, condition in SCANNERS.items():
        profile = profile_of(condition)
        found = {"as it is": [], "put right": []}  # type: ignore[var-annotated]
        with (
            mock.patch.dict(CONDITIONS, {name: condition}),  # type: ignore[arg-type]
            mock.patch.object(sheet_maker, "set_optics", one_scanner),
        ):
            for seed in range(700_000, 700_000 + given.sheets):
                sheet = simulate_sheet(form_print, seed, name)
                better = replace(sheet, sides=tuple(correct(side, profile) for side in sheet.sides))
                for label, each in (("as it is", sheet), ("put right", better)):
                    found[label] += compare(each, *read_sheet(each, form_print, references))
        for label, cases in found.items():
            sums = summarise(cases)
            sys.stdout.write(
                f"{name:9} {label:10} silent {sums['silent']}  refused {sums['refused_sides']}  "
                f"ordinary accepted {sums['ordinary_accepted']}/{sums['ordinary']}\n"
            )
            sys.stdout.flush()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
