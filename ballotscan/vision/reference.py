"""What the reader keeps of a form's print: made once per process, used for every page.

The page's own print is the ruler. A reference holds, for one side of a form, its spectrum for
finding rotation and scale, its whitened spectrum for finding the shift and for telling it from other
forms, patches of print for the fit, and the blank look of every box.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
import scipy.fft

from ballotscan.forms.form import Form, Side
from ballotscan.forms.prints import FormPrint
from ballotscan.vision.arrays import Bools, Complexes, Floats, Grey
from ballotscan.vision.boxes import BoxPrints, make_box_prints
from ballotscan.vision.features import Features, find_features
from ballotscan.vision.page import COARSE_DPI, MM_PER_INCH, halve, print_signal
from ballotscan.vision.patches import Grid

FIELD_PX = 256
"""Side of the square field in which spectra are taken: 18.75 dpi puts A4's long side on 219 px."""

FIELD_DPI = COARSE_DPI / 2

ANGLES = 256
RADII = 96
RADIUS_MIN, RADIUS_MAX = 8.0, 118.0
"""Log-polar sampling of the spectrum: half a turn in steps of 0.7 degrees, radii in cycles per field, from
just above illumination to just below the sampling limit, in steps of 2.9 %."""

PADDED_RADII = 112
"""Room for the radii and for the 13 steps by which ``align`` shifts them, so that nothing wraps round; a size
that is fast to transform."""

RADIUS_STEP = (RADIUS_MAX / RADIUS_MIN) ** (1 / (RADII - 1))

HALF_DPI = 75.0
TILES_COARSE = (16.0, 34.0, 6)
TILES_HALF = (10.0, 32.0, 5)
"""Tile side and grid pitch in mm, and how many pixels around it a tile is looked for, in the two rounds of
the page fit: 24 px within 4 mm at 37.5 dpi, 30 px within 1.7 mm at 75 dpi. That is two lines of text or the
corner of a table; an A4 side has some 45 such tiles."""

PAPER = 230
"""Grey of the blank above which nothing is printed."""

TILE_MIN_SPREAD = 6.0
"""Grey levels: a tile whose print varies less holds no ruler."""


@dataclass(frozen=True)
class Tiles:
    """Patches of print, ready to be looked for.

    They lie at ``centres_mm`` (N, 2) in a frame of ``px_per_mm`` (x, y), and are squares of ``tile_px``;
    ``window`` are the samples among which each is looked for, ``search_px`` wider on every side. ``spectra``
    are the conjugate spectra of the patches in such windows, freed of their mean and brought to norm 1.
    ``grip`` (N, 2), 0 to 1, tells how firmly the print holds a patch along x and along y: a ruled line alone
    slides along itself.
    """

    px_per_mm: tuple[float, float]
    centres_mm: Floats
    tile_px: int
    search_px: int
    window: Grid
    spectra: Complexes
    grip: Floats


@dataclass(frozen=True)
class Reference:
    """One side of one form, ready to be looked for and measured against."""

    form: Form
    side: Side
    blank: Grey  # the whole side at ``dpi``
    dpi: float
    polar: Complexes  # spectrum of the log-polar spectrum, normalised
    whitened: Complexes
    own_peak: float  # the whitened correlation of the side with itself
    field_px_per_mm: tuple[float, float]  # size of the print in the field, x and y
    field_size: tuple[int, int]  # width and height of the side in the field, px
    tiles_coarse: Tiles
    tiles_half: Tiles
    half: Grey  # the whole side in the frame of tiles_half
    unprinted: Bools  # where in that frame nothing is printed within a millimetre
    boxes: BoxPrints  # in the order of side.boxes

    @cached_property
    def features(self) -> Features:
        """Points of the print in template mm; found when the first bent page asks for them."""
        found = find_features(self.half)
        return Features(found.points / np.array(self.tiles_half.px_per_mm), found.descriptors)


def build_references(form_print: FormPrint) -> tuple[Reference, ...]:
    """One reference per side, in order."""
    return tuple(
        _build_reference(form_print.form, side, blank, float(form_print.dpi))
        for side, blank in zip(form_print.form.sides, form_print.pages, strict=True)
    )


def _build_reference(form: Form, side: Side, blank: Grey, dpi: float) -> Reference:
    blank = np.ascontiguousarray(blank)
    small, px_per_mm = _shrink(blank, dpi, COARSE_DPI)
    field = to_field(halve(print_signal(small)[0]))
    spectrum = scipy.fft.rfft2(field)
    whitened = spectrum / (np.abs(spectrum) + np.abs(spectrum).mean())
    own_peak = float(scipy.fft.irfft2(spectrum * np.conj(whitened)).max() / np.linalg.norm(field))
    half, _ = _shrink(blank, dpi, HALF_DPI)
    return Reference(
        form=form,
        side=side,
        blank=blank,
        dpi=dpi,
        polar=polar_spectrum(spectrum),
        whitened=np.conj(whitened).astype(np.complex64),
        own_peak=own_peak,
        field_px_per_mm=(px_per_mm[0] / 2, px_per_mm[1] / 2),
        field_size=(small.shape[1] // 2, small.shape[0] // 2),
        tiles_coarse=_cut_tiles(blank, dpi, COARSE_DPI, TILES_COARSE),
        tiles_half=_cut_tiles(blank, dpi, HALF_DPI, TILES_HALF),
        half=half,
        unprinted=cv2.erode(half, np.ones((7, 7), np.uint8)) > PAPER,
        boxes=make_box_prints(blank, dpi, side),
    )


def _shrink(blank: Grey, dpi: float, to_dpi: float) -> tuple[Grey, tuple[float, float]]:
    """The blank at about ``to_dpi``, and exactly how many of its pixels make a millimetre (x, y)."""
    height, width = blank.shape
    size = (round(width * to_dpi / dpi), round(height * to_dpi / dpi))
    small = cv2.resize(blank, size, interpolation=cv2.INTER_AREA)
    px_per_mm = dpi / MM_PER_INCH
    return small, (size[0] / width * px_per_mm, size[1] / height * px_per_mm)


def to_field(signal: Floats) -> Floats:
    """Put a signal in the middle of a square field of FIELD_PX; what is larger is cut."""
    field = np.zeros((FIELD_PX, FIELD_PX), np.float32)
    height, width = min(signal.shape[0], FIELD_PX), min(signal.shape[1], FIELD_PX)
    top, left = (FIELD_PX - height) // 2, (FIELD_PX - width) // 2
    field[top : top + height, left : left + width] = signal[:height, :width]
    return field


def polar_spectrum(spectrum: Complexes) -> Complexes:
    """Fourier transform of the log-polar amplitude spectrum: rotation and scale become a shift of it.

    Reddy & Chatterji, IEEE Trans. Image Processing 5(8), 1996. Each ring is freed of its mean, so that blur
    and resolution, which are the same in all directions, do not weigh.
    """
    log_amplitude = np.log1p(np.abs(spectrum)).astype(np.float32)
    polar = cv2.remap(log_amplitude, *_POLAR_MAP, cv2.INTER_LINEAR)
    polar = polar - polar.mean(axis=0, keepdims=True)
    polar /= np.linalg.norm(polar) + 1e-9
    padded = np.zeros((ANGLES, PADDED_RADII), np.float32)
    padded[:, :RADII] = polar
    return scipy.fft.rfft2(padded).astype(np.complex64)


def _polar_map() -> tuple[Floats, Floats]:
    """Where in the half spectrum of rfft2 (rows: all y frequencies, columns: x from 0) each sample lies."""
    angles = np.arange(ANGLES) * np.pi / ANGLES - np.pi / 2  # -90 to 90 degrees: x frequencies from 0 up
    radii = RADIUS_MIN * RADIUS_STEP ** np.arange(RADII)
    x = np.cos(angles)[:, None] * radii[None, :]
    y = np.sin(angles)[:, None] * radii[None, :]
    return x.astype(np.float32), (y % FIELD_PX).clip(0, FIELD_PX - 1).astype(np.float32)


_POLAR_MAP = _polar_map()


def _cut_tiles(blank: Grey, dpi: float, tile_dpi: float, sizes: tuple[float, float, int]) -> Tiles:
    tile_mm, pitch_mm, search = sizes
    small, (fx, fy) = _shrink(blank, dpi, tile_dpi)
    half = round(tile_mm * tile_dpi / MM_PER_INCH / 2)
    centres, patches = [], []
    for y in _grid(small.shape[0], half, pitch_mm * fy):
        for x in _grid(small.shape[1], half, pitch_mm * fx):
            patch = small[y - half : y + half, x - half : x + half]
            if patch.std() >= TILE_MIN_SPREAD:
                centres.append((x, y))
                patches.append(patch.astype(np.float32))
    size = 2 * (half + search)
    cut = np.array(patches, np.float32).reshape(-1, 2 * half, 2 * half)
    return Tiles(
        px_per_mm=(fx, fy),
        centres_mm=np.array(centres).reshape(-1, 2) / np.array([fx, fy]),
        tile_px=2 * half,
        search_px=search,
        window=Grid(size, 1 / fx, ((np.arange(size) + 0.5 - size / 2) / fx).astype(np.float32)),
        spectra=_spectra(cut, size),
        grip=_grip(cut),
    )


def _spectra(patches: Floats, size: int) -> Complexes:
    """Conjugate spectra of patches (N, S, S), mean 0 and norm 1, in fields of ``size``."""
    plain = patches - patches.mean(axis=(1, 2), keepdims=True)
    plain /= np.linalg.norm(plain, axis=(1, 2), keepdims=True) + 1e-6
    return np.conj(scipy.fft.rfft2(plain, s=(size, size)))


def _grip(patches: Floats) -> Floats:
    """How much each patch changes when moved by a pixel, along x and y, against FIRM."""
    spread = np.maximum(patches.var(axis=(1, 2)), 1.0)
    along_x = np.square(np.diff(patches, axis=2)).mean(axis=(1, 2)) / (2 * spread)
    along_y = np.square(np.diff(patches, axis=1)).mean(axis=(1, 2)) / (2 * spread)
    return np.clip(np.stack([along_x, along_y], axis=1) / FIRM, 0, 1)


FIRM = 0.15
"""Loss of correlation when a patch of plain text at 75 dpi is moved by a pixel: 0.2 to 0.4. A table's line
alone loses less than 0.05 along itself."""


def _grid(length_px: int, half_px: int, pitch_px: float) -> list[int]:
    """Tile centres along one axis, evenly spread from edge to edge."""
    room = length_px - 2 * half_px
    count = max(2, round(room / pitch_px) + 1)
    return [half_px + round(room * step / (count - 1)) for step in range(count)]
