"""Truth is made and recovered: a scanner with known faults, and what its scan of the deck shows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ballotscan.forms.deck import load_deck
from ballotscan.model import ScannerMeasures, SideReading
from ballotscan.reading import read_side
from ballotscan.vision.calibrate import measure_charts
from ballotscan.vision.reference import build_references
from tests.simulator.conditions import CLEAN, Condition
from tests.simulator.deck import RED_LIGHT, DeckSide, Pixels, scan_deck
from tests.simulator.sheets import GREY_WEIGHTS

STRAIGHT = replace(CLEAN, skew_deg=(0.0, 0.0), noise=(1.0, 1.0), lamp=(0.0, 0.0), tone=(0.95, 0.95))


def measure(image: Pixels) -> ScannerMeasures:
    reading = read_side(image, False, build_references(load_deck().print))
    assert isinstance(reading, SideReading), reading
    return measure_charts(
        image, reading.map_px, load_deck().targets, bitonal=False, dpi_tag=None, jpeg_quality=None
    )


def charts(condition: Condition, dpi: int = 200, seed: int = 3) -> DeckSide:
    return scan_deck(condition, dpi, seed)[0]


@pytest.fixture(scope="module")
def worn() -> DeckSide:
    """Everything at once, each within what is tried."""
    condition = replace(
        STRAIGHT, gamma=(1.25, 1.25), lamp=(0.2, 0.2), blur_px=(1.2, 1.2), noise=(5.0, 5.0),
        skew_deg=(1.4, 1.4), dark_streaks=(2.0, 2.0), white_streaks=(1.0, 1.0),
    )  # fmt: skip
    return charts(condition, seed=9)


@pytest.fixture(scope="module")
def seen(worn: DeckSide) -> ScannerMeasures:
    return measure(worn.image)


def test_gamma_in_spite_of_the_lamp(seen: ScannerMeasures) -> None:
    assert seen.gamma == pytest.approx(1.25, abs=0.05)


def test_lamp(worn: DeckSide, seen: ScannerMeasures) -> None:
    gain = worn.optics.gain
    middles_mm = np.array([12 + 10 * step for step in range(len(seen.lamp))])
    columns = (middles_mm / 25.4 * 200).astype(int)
    true = np.array([gain[column - 30 : column + 30].mean() for column in columns])
    assert np.abs(np.array(seen.lamp) - true / true.max()).max() < 0.015
    assert seen.lamp_loss == pytest.approx(1 - true.min() / true.max(), abs=0.015)


def test_real_resolution_and_skew(seen: ScannerMeasures) -> None:
    assert seen.dpi_x == pytest.approx(200, abs=0.3)
    assert seen.dpi_y == pytest.approx(200, abs=0.3)
    assert seen.skew_deg == pytest.approx(1.4, abs=0.02)
    assert abs(seen.shear_deg) < 0.05
    assert seen.feed_mm < 0.1


def test_noise(seen: ScannerMeasures) -> None:
    assert seen.noise == pytest.approx(5, abs=0.7)


def test_sharpness(seen: ScannerMeasures) -> None:
    """A Gaussian of 1.2 px rises from 10 to 90 % over 2.56 times that: 0.39 mm; the pixel adds a little."""
    assert seen.edge_x_mm == pytest.approx(2.563 * 1.2 * 25.4 / 200, abs=0.05)
    assert seen.edge_y_mm == pytest.approx(2.563 * 1.2 * 25.4 / 200, abs=0.05)


def test_streaks_by_their_place(worn: DeckSide, seen: ScannerMeasures) -> None:
    added = worn.optics.added
    for places_mm, columns in (
        (seen.dark_streaks_mm, np.flatnonzero(added < 0)),
        (seen.bright_streaks_mm, np.flatnonzero(added > 0)),
    ):
        runs = np.split(columns, np.flatnonzero(np.diff(columns) > 2) + 1)
        wanted = [(run.mean() + 0.5) / 200 * 25.4 for run in runs]
        assert places_mm == pytest.approx(wanted, abs=0.3)


def test_stretched_feed() -> None:
    """One per cent along the feed shows as that much between the two resolutions."""
    side = charts(replace(STRAIGHT, stretch=0.01), seed=4)
    found = measure(side.image)
    assert found.dpi_y / found.dpi_x == pytest.approx(1 + side.geometry.stretch, abs=0.001)
    assert abs(side.geometry.stretch) > 0.002


def test_wobbling_feed() -> None:
    even, uneven = (
        measure(charts(replace(STRAIGHT, wobble_mm=(mm, mm)), seed=6).image).feed_mm for mm in (0.0, 0.9)
    )
    assert even < 0.1
    assert uneven > 0.25


def test_upside_down_measures_the_same() -> None:
    side = charts(replace(STRAIGHT, gamma=(1.2, 1.2)), dpi=150)
    turned = np.ascontiguousarray(side.image[::-1, ::-1])
    one, other = measure(side.image), measure(turned)
    assert other.gamma == pytest.approx(one.gamma, abs=0.01)
    assert other.skew_deg == pytest.approx(one.skew_deg, abs=0.02)
    assert other.edge_x_mm == pytest.approx(one.edge_x_mm, abs=0.04)


def test_red_drop_out() -> None:
    def darkness(weights: tuple[float, float, float]) -> dict[str, float]:
        return dict(measure(scan_deck(STRAIGHT, 150, 3, weights=weights)[0].image).colours)

    grey, red = darkness(GREY_WEIGHTS), darkness(RED_LIGHT)
    assert grey["red"] == pytest.approx(1 - (0.3 * 0.78 + 0.59 * 0.18 + 0.11 * 0.20), abs=0.03)
    assert red["red"] == pytest.approx(1 - 0.78, abs=0.03)
    assert red["blue"] > 0.8


def test_tiny_dots_are_seen_by_a_good_scanner() -> None:
    found = measure(charts(STRAIGHT, dpi=150).image)
    assert (found.dots_lost, found.holes_lost) == (0, 0)
    assert found.dots == found.holes == 16
