"""The second look at boxes: what is plainly marked looks so, what is not does not."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from ballotscan.vision.shapes import (
    GAIN,
    INNER,
    PALEST_PEN,
    SHAPES,
    SIZE,
    SPAN,
    pen_of,
    pictures,
    tell_shapes,
)

Picture = NDArray[np.float32]
BOX = SIZE / SPAN  # samples to a side


def _blank() -> Picture:
    """An empty printed box, soft as a scan shows it."""
    picture = np.zeros((SIZE, SIZE), np.float32)
    low, high = round(SIZE / 2 - BOX / 2), round(SIZE / 2 + BOX / 2)
    cv2.rectangle(picture, (low, low), (high, high), 1.0, 1)
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), 0.7), np.float32)


def _drawn(*strokes: tuple[float, float, float, float], dark: float = 0.8) -> Picture:
    """The box with strokes from x, y to x, y, in box sides from its middle."""
    ink = np.zeros((SIZE, SIZE), np.float32)
    for stroke in strokes:
        x0, y0, x1, y1 = (round(SIZE / 2 + BOX * each) for each in stroke)
        cv2.line(ink, (x0, y0), (x1, y1), dark, 2, cv2.LINE_AA)
    return np.maximum(_blank(), np.asarray(cv2.GaussianBlur(ink, (0, 0), 0.6), np.float32))


CROSS = ((-0.4, -0.4, 0.4, 0.4), (-0.4, 0.4, 0.4, -0.4))
TICK = ((-0.35, 0.0, -0.1, 0.35), (-0.1, 0.35, 0.55, -0.6))
LONG_LINE = ((-1.1, 0.05, 1.1, -0.05),)
"""As of a fold, through the box and on to either side."""


def _told(picture: Picture) -> dict[str, float]:
    told = tell_shapes(picture[None], GAIN * _blank()[None], np.array([True]))
    return {name: float(shares[0]) for name, shares in told.items()}


@pytest.mark.parametrize("strokes", [CROSS, TICK])
@pytest.mark.parametrize("dark", [0.4, 0.8, 1.2])
def test_a_plain_mark_looks_chosen(
    strokes: tuple[tuple[float, float, float, float], ...], dark: float
) -> None:
    assert _told(_drawn(*strokes, dark=dark))["choice"] > 0.9


@pytest.mark.parametrize(
    "strokes",
    [(), ((0.7, -0.9, 1.05, 0.9),), LONG_LINE],
    ids=["empty", "a stroke beside it", "a line through it and on"],
)
def test_what_is_no_mark_does_not_look_chosen(strokes: tuple[tuple[float, float, float, float], ...]) -> None:
    assert _told(_drawn(*strokes, dark=0.5))["choice"] < 0.5


def test_a_mark_turned_over_looks_the_same() -> None:
    """The network was fitted to marks and their mirror images: no side of a box is preferred."""
    tick = _drawn(*TICK)
    assert _told(np.ascontiguousarray(tick[:, ::-1]))["choice"] == pytest.approx(
        _told(tick)["choice"], abs=0.1
    )


@pytest.mark.parametrize("dark", [0.15, 0.4, 0.8])
@pytest.mark.parametrize("looked_at", [5, 25], ids=["marks only", "every fifth box marked"])
def test_the_pen_is_as_dark_as_its_marks_be_empty_boxes_among_them_or_not(
    dark: float, looked_at: int
) -> None:
    ink = np.stack([_drawn(*CROSS, dark=dark) - _blank()] * 5 + [_blank() - _blank()] * (looked_at - 5))
    assert pen_of(GAIN * ink) == pytest.approx(GAIN * dark, rel=0.25)


def test_a_side_without_a_mark_has_no_pen_paler_than_the_palest() -> None:
    noise = np.random.default_rng(1).normal(0, 0.01, (30, SIZE, SIZE)).astype(np.float32)
    assert pen_of(noise) == PALEST_PEN


def test_in_the_third_picture_all_pens_are_alike() -> None:
    blank = GAIN * _blank()[None]
    pale, dark = (GAIN * _drawn(*CROSS, dark=each)[None] for each in (0.2, 0.8))
    as_usual = [pictures(each, blank, pen_of(each - blank))[0, 2, INNER, INNER] for each in (pale, dark)]
    assert as_usual[0] == pytest.approx(as_usual[1], abs=0.3)


def test_what_is_faint_for_one_pen_is_a_mark_of_another() -> None:
    """A pale cross among pale crosses looks chosen; it looks less so among dark ones."""
    pale, dark = (_drawn(*CROSS, dark=each) for each in (0.16, 0.9))
    blanks = np.tile(GAIN * _blank(), (6, 1, 1))
    among_pale = tell_shapes(np.stack([pale] * 6), blanks, np.ones(6, bool))["choice"][0]
    among_dark = tell_shapes(np.stack([pale] + [dark] * 5), blanks, np.ones(6, bool))["choice"][0]
    assert among_pale > 0.9
    assert among_dark < among_pale


def test_shares_add_up_and_what_was_not_looked_at_is_nothing() -> None:
    seen = np.array([False, True, False])
    told = tell_shapes(_drawn(*CROSS)[None], np.tile(GAIN * _blank(), (3, 1, 1)), seen)
    assert set(told) == set(SHAPES)
    assert np.sum(list(told.values()), axis=0) == pytest.approx(np.ones(3), abs=1e-5)
    assert told["nothing"][~seen] == pytest.approx(np.ones(2))


def test_no_box_with_anything_in_it() -> None:
    told = tell_shapes(
        np.zeros((0, SIZE, SIZE), np.float32), np.zeros((2, SIZE, SIZE), np.float32), np.zeros(2, bool)
    )
    assert told["nothing"].tolist() == [1, 1]
