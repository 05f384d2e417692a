"""Real ink on simulated sheets: strokes cut from other people's scans, pasted where a mark is meant.

The ink stays where it is (``shared_data``); nothing of it is copied into the repository.
"""

from __future__ import annotations

import csv
import os
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from ballotscan.forms.form import BoxPlace
from tests.simulator.hands import Hand, Rng
from tests.simulator.ink import Group, PastedInk
from tests.simulator.people import Marker, mark_box

LEAST_OF_A_KIND = 3
"""A pen on one source image is used where it made at least this many marks of one shape."""

LEAST_INK_PX = 60


def shared_data() -> Path | None:
    """The folder of real marks beside the repository, or None where it is absent."""
    stated = os.environ.get("BALLOTSCAN_SHARED_DATA")
    folder = Path(stated) if stated else Path(__file__).resolve().parents[3] / "shared" / "data"
    return folder if (folder / "ink" / "ink.csv").is_file() else None


@dataclass(frozen=True, slots=True)
class InkFile:
    """One cut of real ink, and where the removed box was in it, in px."""

    path: Path
    box_px: tuple[float, float, float, float]


@cache
def ink_sources() -> dict[tuple[str, str], tuple[InkFile, ...]]:
    """Cuts of real ink by (source image, shape): one writer with one pen each."""
    folder = shared_data()
    if folder is None:
        return {}
    found: dict[tuple[str, str], list[InkFile]] = defaultdict(list)
    with (folder / "ink" / "ink.csv").open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            whole = row["touches_edge"] == "0" and int(row["ink_px"]) >= LEAST_INK_PX
            if whole and row["label"] in ("x", "tick", "fill"):
                box = tuple(float(row[f"box_{part}"]) for part in "xywh")
                cut = InkFile(folder / "ink" / row["file"], box)  # type: ignore[arg-type]
                found[row["source_image"], row["label"]].append(cut)
    return {key: tuple(cuts) for key, cuts in sorted(found.items()) if len(cuts) >= LEAST_OF_A_KIND}


@cache
def _load(path: Path) -> tuple[np.ndarray, np.ndarray]:
    image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert image is not None, path
    rgb = cv2.cvtColor(image[..., :3], cv2.COLOR_BGR2RGB)
    return (image[..., 3] / 255).astype(np.float32), (rgb / 255).astype(np.float32)


def _paste(cut: InkFile, place: BoxPlace, rng: Rng) -> PastedInk:
    """The cut scaled so that its box is the target's, with a little play of place."""
    alpha, rgb = _load(cut.path)
    x_px, y_px, w_px, h_px = cut.box_px
    scale = place.rect.w_mm / w_px
    play = rng.normal(0, 0.15, 2)
    middle = (place.rect.x_mm + place.rect.w_mm / 2, place.rect.y_mm + place.rect.h_mm / 2)
    left = middle[0] - (x_px + w_px / 2) * scale + float(play[0])
    top = middle[1] - (y_px + h_px / 2) * scale + float(play[1])
    return PastedInk((left, top, alpha.shape[1] * scale, alpha.shape[0] * scale), alpha, rgb)


def make_marker(seed: int) -> Marker:
    """A marker that pastes the ink of one real writer, drawn by ``seed``, whatever shape is asked for."""
    sources = ink_sources()
    rng = np.random.default_rng(seed)
    cuts = sources[list(sources)[int(rng.integers(len(sources)))]]

    def mark(chance: Rng, hand: Hand, place: BoxPlace, shape: str, press: float) -> Group:
        if shape == "circle":
            return mark_box(chance, hand, place, shape, press)
        return _paste(cuts[int(chance.integers(len(cuts)))], place, chance)

    return mark
