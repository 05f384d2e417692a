"""Damage in a JPEG of which no decoder complains: the rest of the page is brighter or darker than it was.

A JPEG keeps the mean of each block of 8 by 8 pixels as the difference to the block before (ITU-T T.81,
F.1.2.1). One wrong bit there, or a run of bytes after which the decoder finds its step again, and everything
that follows has another level. Made too bright, paper and pale marks drown in the same white; made darker,
the pale marks of one part of the page no longer compare with those of the other. Two things give it away:

*Whiter than white.* The differences add up to more than 255, which is cut off when pixels are made. Read with
half its quantiser the mean is not cut off. No honest file holds such a block, so this is no guess. It costs a
decoding of the means alone, so only pages that show pure white are asked.

*A step along the blocks.* Where paper is not white it jumps from one row of blocks to the next: in the row of
the damage to its right, in the next to its left, everywhere by as much, and stays so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from ballotscan.intake.faults import PageFault
from ballotscan.intake.page_image import Grey
from ballotscan.model import Reason

BLOCK_PX: Final = 8

MOST_OVER: Final = 6.0
"""Grey levels beyond white. Honest pages (366 simulated scans of all optical classes, and the same with their
paper washed out) come to 1.8, by the rounding of means and of the halved quantiser."""

WHITE_SHARE: Final = 0.001
"""Of the pixels looked at, those that are purely white: one row of blocks across A4 at 300 dpi is 0.002."""

LEAST_STEP: Final = 8.0
"""Grey levels. Less changes no measure of a mark by more than noise does, since ink is measured against the
paper around it; and the coarse blocks of an honest picture out of focus step by 7."""

STEPPING: Final = 0.65
"""Share of the columns that step at least a third as far as the middle one. On honest pages (the same 366,
none of them refused) edges of tables and bands come to 0.64 where the paper's level changes as well. Of steps
by 30 levels laid over them 99 % are found, by 12 levels 93 %, by 8 levels 80 %; the rest lie in noise or on
print."""

AGREE, AGREE_SHARE = 3.0, 0.25
"""Grey levels, or share of the step if that is more, by which the paper's own change may differ from it: from
two rows of blocks to two, and from eight to eight."""

NEAR_BLOCKS, FAR_BLOCKS = 2, 8

EDGE_SHARE: Final = 0.03
"""Of the page's height at either end: there a sheet may end on the scanner's lid, and no form has boxes."""


@dataclass(frozen=True, slots=True)
class MeanQuantiser:
    """Where in the file the quantiser of the brightness's means stands, and over how many bytes."""

    place: int
    size: int


def refuse_overbright(data: bytes, decoded: Grey, mean: MeanQuantiser) -> None:
    """Raises PageFault where some block of the JPEG ``data`` is whiter than white.

    ``decoded`` (H, W) is what it decodes to, at any size.
    """
    seen = decoded[::5, ::5]
    if np.count_nonzero(seen == 255) < WHITE_SHARE * seen.size:
        return
    over = _beyond_white(data, mean)
    if over > MOST_OVER:
        raise PageFault(Reason.DAMAGED_IMAGE, f"JPEG: its data are {over:.0f} grey levels whiter than white")


def _beyond_white(data: bytes, mean: MeanQuantiser) -> float:
    """By how many grey levels the brightest block's mean is beyond 255, or 0. A JPEG of quality 97 and more
    cannot be asked: its quantiser is 1 and has no half."""
    end = mean.place + mean.size
    whole = int.from_bytes(data[mean.place : end], "big")
    half = whole // 2
    if half == 0:
        return 0.0
    changed = data[: mean.place] + half.to_bytes(mean.size, "big") + data[end:]
    means = simplejpeg.decode_jpeg(changed, "GRAY", min_height=1, min_width=1, min_factor=BLOCK_PX)
    return max(128 + (float(means.max()) - 128) * whole / half - 255, 0.0)


def refuse_steps(decoded: Grey, row_px: int, whole: Callable[[], Grey]) -> None:
    """Raises PageFault where the paper's level jumps between rows of blocks and stays so.

    ``decoded`` (H, W) lies as it was coded, not turned, and its rows of blocks are ``row_px`` high; ``whole``
    is the same at full size, where a step is looked at once more: the edge of a tape or a fold is as sharp as
    a damage only in a small picture.
    """
    suspects = [row for row in _stepping_rows(decoded, row_px) if _lasting_step(decoded, row_px, row)]
    if not suspects:
        return
    full = whole()
    full_px = row_px * max(1, round(full.shape[0] / decoded.shape[0]))
    for row in suspects:
        if step := _lasting_step(full, full_px, row):
            raise PageFault(
                Reason.DAMAGED_IMAGE, f"JPEG: from row {row * full_px} on it is {step:+.0f} grey levels off"
            )


def _stepping_rows(decoded: Grey, row_px: int) -> list[int]:
    """Rows of blocks at which half of a few columns step."""
    rows = decoded.shape[0] // row_px
    few = _steps(decoded[: rows * row_px, row_px :: max(1, decoded.shape[1] // 64)], row_px)
    least = LEAST_STEP - 1  # few columns tell it less well
    jumping = np.maximum((few >= least).mean(axis=1), (few <= -least).mean(axis=1)) >= 0.5
    edge = int(rows * EDGE_SHARE)
    return [int(row) + 1 for row in np.flatnonzero(jumping) if edge <= row < rows - 2 - edge]


def _steps(columns: Grey, row_px: int) -> NDArray[np.int16]:
    """Steps (rows - 2, W) at the upper and the lower edge of each row of blocks but the outermost, added up:
    right of the damage one steps, left of it the other."""
    seams = columns[row_px::row_px].astype(np.int16) - columns[row_px - 1 : -1 : row_px]
    return np.asarray(seams[:-1] + seams[1:], np.int16)


def _lasting_step(decoded: Grey, row_px: int, row: int) -> float:
    """By how much the page steps about this row of blocks, or 0 where it does not, or steps back."""
    part = decoded[(row - 1) * row_px : (row + 2) * row_px]
    steps = _steps(part, row_px)[0]
    step = float(np.median(steps))
    if abs(step) < LEAST_STEP or (steps * np.sign(step) >= abs(step) / 3).mean() < STEPPING:
        return 0.0
    middle = row_px // 2
    within = part[middle::row_px].astype(np.int16) - part[middle - 1 :: row_px]
    if abs(np.median(within[0] + within[2])) > abs(step) / 3:  # the picture itself grows darker or brighter
        return 0.0
    for blocks in (NEAR_BLOCKS, FAR_BLOCKS):
        before = decoded[max(row - blocks, 0) * row_px : row * row_px, ::3]
        after = decoded[(row + 1) * row_px : (row + 1 + blocks) * row_px, ::3]
        changed = float(np.percentile(after, 70) - np.percentile(before, 70))  # more than half of it is paper
        if abs(changed - step) > max(AGREE, AGREE_SHARE * abs(step)):
            return 0.0
    return step
