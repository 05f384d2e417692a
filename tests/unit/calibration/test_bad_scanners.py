"""Each kind of bad scanner, simulated: its file goes in, and the check that is its own fails."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from ballotscan.calibration import Profile, make_profile
from ballotscan.errors import BallotscanError, UsageError
from ballotscan.rules.scanner import Verdict
from tests.simulator.conditions import CLEAN
from tests.simulator.deck import RED_LIGHT, Pixels, laser_print, scan_deck, write_scan

PLAIN = replace(CLEAN, skew_deg=(0.3, 0.3), noise=(1.0, 1.0))
DAY = date(2026, 3, 2)


def profile_of(
    folder: Path,
    *,
    dpi: int = 200,
    tag: float | None = -1.0,
    quality: int = 90,
    bitonal: bool = False,
    weights: tuple[float, float, float] | None = None,
    filter_image: Callable[[Pixels], Pixels] = lambda image: image,
    **changed: Any,
) -> Profile:
    """The profile of a plain scanner in which these things are otherwise."""
    condition = replace(PLAIN, **changed)
    light = {"weights": weights} if weights else {}
    sides = scan_deck(condition, dpi, 5, filter_image=filter_image, **light)
    scan = write_scan(
        sides, folder / "scan", dpi_tag=dpi if tag == -1.0 else tag, quality=quality, bitonal=bitonal
    )
    return make_profile("test", [scan], DAY)


def failed(profile: Profile) -> set[str]:
    return {check.name for check in profile.checks if check.verdict is Verdict.FAIL}


def despeckle(image: Pixels) -> Pixels:
    """Dark spots below half a millimetre go."""
    return np.asarray(cv2.morphologyEx(image, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8)), np.uint8)


def fill_holes(image: Pixels) -> Pixels:
    return np.asarray(cv2.morphologyEx(image, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8)), np.uint8)


def remove_background(image: Pixels) -> Pixels:
    return np.where(image > 170, 255, image).astype(np.uint8)


def test_a_plain_scanner_passes(tmp_path: Path) -> None:
    profile = profile_of(tmp_path)
    assert {check.name: check.value for check in profile.checks if check.verdict is not Verdict.PASS} == {}
    assert profile.verdict is Verdict.PASS


@pytest.mark.parametrize(("dpi", "seed"), [(200, 1), (300, 3)])
def test_a_laser_print_is_no_fault_of_the_scanner(tmp_path: Path, dpi: int, seed: int) -> None:
    """Greys of dots, as an office's printer makes them, are neither noise nor streaks."""
    sides = scan_deck(PLAIN, dpi, seed, printed=laser_print())
    profile = make_profile("test", [write_scan(sides, tmp_path / "scan", dpi_tag=dpi)], DAY)
    assert failed(profile) == set()
    assert profile.measures.noise == pytest.approx(1, abs=0.7)


def test_a_streak_that_only_brightens_paper(tmp_path: Path) -> None:
    """Dust on the scanner's own white strip: one column is amplified too much, in black nothing shows."""

    def amplify(image: Pixels) -> Pixels:
        image = image.copy()
        image[:, 700:703] = cv2.convertScaleAbs(np.ascontiguousarray(image[:, 700:703]), alpha=1.15)
        return image

    profile = profile_of(tmp_path, tone=(0.8, 0.8), filter_image=amplify)
    assert failed(profile) == {"bright_streaks"}
    assert profile.measures.bright_streaks_mm == pytest.approx([701.5 / 200 * 25.4], abs=0.2)


@pytest.mark.parametrize(
    ("changed", "check"),
    [
        ({"gamma": (2.4, 2.4)}, "gamma"),
        ({"tone": (0.5, 0.5)}, "white"),
        ({"lamp": (0.5, 0.5)}, "lamp"),
        ({"noise": (15.0, 15.0)}, "noise"),
        ({"blur_px": (2.5, 2.5)}, "sharpness"),
        ({"dark_streaks": (1.0, 1.0)}, "dark_streaks"),
        ({"white_streaks": (2.0, 2.0)}, "bright_streaks"),
        ({"wobble_mm": (2.5, 2.5)}, "feed"),
        ({"dpi": 130}, "dpi"),
        ({"quality": 15}, "jpeg"),
        ({"weights": RED_LIGHT}, "ink_red"),
        ({"filter_image": despeckle}, "dots"),
        ({"filter_image": fill_holes}, "holes"),
        ({"filter_image": remove_background}, "pale"),
    ],
)
def test_a_bad_scanner_fails(tmp_path: Path, changed: dict[str, Any], check: str) -> None:
    profile = profile_of(tmp_path, **changed)
    assert check in failed(profile)
    assert profile.verdict is Verdict.FAIL


def test_black_and_white_is_doubtful(tmp_path: Path) -> None:
    profile = profile_of(tmp_path, bitonal=True)
    assert profile.measures.bitonal
    assert {check.name for check in profile.checks if check.verdict is not Verdict.PASS} >= {"bitonal"}
    assert profile.marks.wrong == ()


def test_a_wrong_tag_is_doubtful(tmp_path: Path) -> None:
    profile = profile_of(tmp_path, tag=72.0)
    (doubt,) = (check for check in profile.checks if check.verdict is not Verdict.PASS)
    assert (doubt.name, doubt.verdict) == ("dpi_tag", Verdict.WARN)
    assert profile.measures.dpi_x == pytest.approx(200, abs=0.3)


def test_pages_on_their_side_in_one_folder(tmp_path: Path) -> None:
    """Fed landscape or turned by the driver: measured all the same."""
    profile = profile_of(tmp_path, dpi=150, filter_image=lambda image: np.ascontiguousarray(np.rot90(image)))
    assert abs(profile.measures.skew_deg) < 1
    assert profile.marks.wrong == ()


def test_one_side_only(tmp_path: Path) -> None:
    sides = scan_deck(PLAIN, 150, 5)
    scan = write_scan(sides[:1], tmp_path / "scan", dpi_tag=150)
    with pytest.raises(BallotscanError, match="side 2 of the test deck"):
        make_profile("test", [scan], DAY)


def test_another_paper(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "blank.png"), np.full((1754, 1240), 250, np.uint8))
    with pytest.raises(BallotscanError, match=r"side 1, 2 .*blank"):
        make_profile("test", [tmp_path], DAY)


@pytest.mark.parametrize("name", ["", "../up", "a b", "máy", ".hidden", "con/fi", "x."])
def test_names_that_are_none(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        make_profile(name, [tmp_path], DAY)
