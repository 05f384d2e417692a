"""A step of the paper's level along the blocks is damage; an edge that lies there by chance is not."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from ballotscan.intake.faults import PageFault
from ballotscan.intake.jpeg_levels import BLOCK_PX, refuse_steps
from ballotscan.model import Reason

Grey = NDArray[np.uint8]
AT_PX = 100 * BLOCK_PX


def _page(edge_blur_px: float) -> Grey:
    """Noisy paper, 20 levels darker from AT_PX on, as sharply as a damage (0) or as a scanner shows it."""
    paper = np.full((2400, 1600), 220, np.float32)
    paper[AT_PX:] -= 20
    if edge_blur_px:
        paper = np.asarray(cv2.GaussianBlur(paper, (0, 0), edge_blur_px), np.float32)
    noise = np.random.default_rng(3).normal(0, 2, paper.shape)
    return np.asarray((paper + noise).clip(0, 255), np.uint8)


def _halved(page: Grey) -> Grey:
    return np.asarray(cv2.resize(page, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8)


def test_a_step_between_two_rows_of_blocks_is_damage() -> None:
    page = _page(0)
    with pytest.raises(PageFault) as caught:
        refuse_steps(_halved(page), BLOCK_PX // 2, lambda: page)
    assert caught.value.reason is Reason.DAMAGED_IMAGE
    assert f"row {AT_PX - BLOCK_PX} " in caught.value.detail  # the row of blocks it lies in


def test_the_edge_of_a_tape_is_none_though_it_looks_so_in_a_small_picture() -> None:
    page = _page(0.6)
    with pytest.raises(PageFault):  # the small picture alone would say so
        refuse_steps(_halved(page), BLOCK_PX // 2, lambda: _doubled(_halved(page)))
    refuse_steps(_halved(page), BLOCK_PX // 2, lambda: page)


def _doubled(small: Grey) -> Grey:
    return np.asarray(cv2.resize(small, None, fx=2, fy=2, interpolation=cv2.INTER_NEAREST), np.uint8)
