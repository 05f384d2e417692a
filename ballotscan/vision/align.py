"""Where every box of the form lies in a scan: found from what is printed, coarse to fine.

1. The log-polar spectrum gives rotation and scale, whatever the page shows and wherever it lies.
2. Correlation with the form's whitened spectrum gives the shift, and tells 0 from 180 degrees, one side
   from the other and this form from others (plain correlation does not: a slip by one row of a table
   scores as high as the right place).
3. Patches of print are found again near where they should be, at 75 dpi (at 37.5 dpi first where the guess
   was not near enough), and a robust homography is laid through them.
4. What the homography leaves (feed stretch, folds) is smoothed from the patches around each place.

The printed outline of each box is found again afterwards, by ``boxes``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import scipy.fft

from ballotscan.vision.arrays import Complexes, Floats, Grey, Indices
from ballotscan.vision.page import Page, halve
from ballotscan.vision.patches import inside_share, sample
from ballotscan.vision.reference import (
    ANGLES,
    FIELD_PX,
    RADIUS_STEP,
    Reference,
    Tiles,
    polar_spectrum,
    to_field,
)

Matrix = Floats
"""3x3, from template millimetres to continuous scan pixels unless said otherwise."""

SCALE_RANGE = 1.45
"""Scale is looked for within this factor of the guess that the long side is A4's: an A4 sheet on an A3 lid
is 1.41 smaller than guessed, a page cut to two thirds 1.5 larger."""

CANDIDATES_TRIED = 2
"""How many peaks of each side's log-polar correlation are looked at."""

TILE_LOST = 0.35
"""Patches found with a correlation below this are not used for the fit: patches of other text score up to
0.3 where they happen to fit best."""

WELL_HELD = 0.85
"""Share of the patches found at 75 dpi from the first guess alone, from which it is good enough. The guess is
off by 0.7 mm at the corners of a usual page and by 1.3 mm on one page in twenty; patches are found within
1.7 mm."""

MOST_RESIDUAL_MM = 0.7
"""A patch found further from the page fit than this was mistaken (dotted lines repeat every few mm): paper
and feed do not stretch more from one line to the next, and the outlines' own search covers 0.8 mm."""

NEIGHBOUR_MM = 22.0
"""Width of the Gaussian with which the patches around a place are averaged: about two patches."""


@dataclass(frozen=True)
class Alignment:
    """A side of a form found in a scan.

    ``matrix`` maps template mm to continuous scan px; ``residual_mm`` (N, 2) is what the patches at
    ``patch_mm`` (N, 2) were found off that, to be weighted with ``patch_weight`` (N, 2), 0 to 1.
    ``peak`` is the whitened correlation against the form's own (1 = the blank itself), ``fit`` the median
    correlation of the patches, ``held`` the share of patches found.
    """

    reference: Reference
    matrix: Matrix
    patch_mm: Floats
    residual_mm: Floats
    patch_weight: Floats
    peak: float
    fit: float
    held: float


@dataclass(frozen=True)
class Found:
    """A first guess: similarity from template mm to scan px."""

    reference: Reference
    matrix: Matrix
    peak: float


def align(page: Page, references: Sequence[Reference]) -> Alignment | None:
    """The side of a form that the page agrees with best; None where there is no print to go by.

    Sides that look nearly alike (another edition, the same form for another unit) are all laid over the page,
    and the one whose print agrees best everywhere is taken. Whether the agreement is enough is for the caller
    to decide, by ``peak``, ``fit`` and ``held``.
    """
    guesses = find_candidates(page, references)
    if not guesses:
        return None
    best = max(found.peak for found in guesses)
    alike = {found.reference.side: found for found in sorted(guesses, key=lambda found: found.peak)}
    laid = [refine(page, found) for found in alike.values() if found.peak >= ALIKE * best]
    return laid[0] if len(laid) == 1 else max(laid, key=lambda alignment: likeness(page, alignment))


ALIKE = 0.75
"""Sides with at least this share of the best whitened peak are laid over the page too. Four ballots of one
election that differ in two lines score within 0.95 of each other; sides of different text below 0.4."""


def find_candidates(page: Page, references: Sequence[Reference]) -> list[Found]:
    """The likeliest places of the likeliest sides, each with its whitened peak.

    Rotation and scale come with a score of their own, so that most sides need not be laid over the page at
    all; where none of the likely ones convinces, all are tried.
    """
    field = to_field(halve(page.coarse))
    if not field.any():
        return []
    polar = polar_spectrum(scipy.fft.rfft2(field))
    turns = [turn for reference in references for turn in _rotations_and_scales(polar, reference)]
    best = max(turn.score for turn in turns)
    found: list[Found] = []
    for turn in turns:
        if turn.score >= LIKELY * best and not any(_is_settled(turn, each) for each in found):
            found.append(_find_shift(page, field, turn))
    if max(each.peak for each in found) < CONVINCING:
        found += [_find_shift(page, field, turn) for turn in turns if turn.score < LIKELY * best]
    return found


LIKELY = 0.7
"""Sides and turns with at least this share of the best log-polar score are tried first. Four ballots of one
election that differ in two lines score within 0.98 of each other."""


def _is_settled(turn: _Turn, found: Found) -> bool:
    """Whether the side was found already so plainly that another turn of it cannot be the right one."""
    return found.reference is turn.reference and found.peak >= PLAIN


PLAIN = 0.4
"""A whitened peak that other forms reach half of. On 52 office and hard pages no second turn of a side was
better than a first one of this peak."""

CONVINCING = 0.3
"""A whitened peak of the form's own pages even when hard to read; other forms stay below 0.2."""


@dataclass(frozen=True)
class _Turn:
    """A rotation and scale of the page against a side of a form, upright or upside down."""

    reference: Reference
    angle_rad: float
    scale: float
    score: float


def _rotations_and_scales(polar: Complexes, reference: Reference) -> list[_Turn]:
    """The likeliest turns for one side, best first."""
    correlation = scipy.fft.irfft2(polar * np.conj(reference.polar))
    limit = int(np.log(SCALE_RANGE) / np.log(RADIUS_STEP))
    near = np.concatenate([correlation[:, -limit:], correlation[:, : limit + 1]], axis=1)
    found = []
    for _ in range(CANDIDATES_TRIED):
        row, column = (int(at) for at in np.unravel_index(int(near.argmax()), near.shape))
        angle = _sub_step(near[:, column], row, wrap=True) * np.pi / ANGLES
        radius = _sub_step(near[row], column, wrap=False) - limit
        found.append(_Turn(reference, float(angle), float(RADIUS_STEP**-radius), float(near[row, column])))
        rows = np.arange(row - 4, row + 5) % ANGLES
        near[np.ix_(rows, np.arange(max(0, column - 3), min(near.shape[1], column + 4)))] = -1
    return found


def _sub_step(values: Floats, at: int, *, wrap: bool) -> float:
    """The place of a peak between samples, by a parabola."""
    if not wrap and not 0 < at < len(values) - 1:
        return float(at)
    before, here, after = (float(values[(at + step) % len(values)]) for step in (-1, 0, 1))
    bend = before - 2 * here + after
    return at + (0.5 * (before - after) / bend if bend < 0 else 0.0)


def _find_shift(page: Page, field: Floats, given: _Turn) -> Found:
    """Turn the page back, correlate it with the whitened print, upright and upside down; keep the better."""
    reference, middle = given.reference, FIELD_PX / 2
    cos, sin = given.scale * np.cos(given.angle_rad), given.scale * np.sin(given.angle_rad)
    turn = np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])
    turn = _shift(middle, middle) @ turn @ _shift(-middle, -middle)
    back = cv2.warpAffine(
        field, _from_centres(turn)[:2], (FIELD_PX, FIELD_PX), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    )
    spectrum = scipy.fft.rfft2(back)
    norm = float(np.linalg.norm(back)) * reference.own_peak + 1e-9
    upright = scipy.fft.irfft2(spectrum * reference.whitened)
    peak, place = float(upright.max()) / norm, _shift(*_peak_place(upright))
    if peak < CONVINCING:
        turned = scipy.fft.irfft2(np.conj(spectrum) * reference.whitened)
        if turned.max() / norm > peak:
            peak, (dx, dy) = float(turned.max()) / norm, _peak_place(turned)
            # the field turned by half a turn about its pixel (0, 0), modulo its size
            place = np.array(
                [[-1.0, 0.0, FIELD_PX + 1 - dx], [0.0, -1.0, FIELD_PX + 1 - dy], [0.0, 0.0, 1.0]]
            )
    return Found(reference, _field_to_scan(page) @ turn @ place @ _mm_to_field(reference), peak)


def _peak_place(correlation: Floats) -> tuple[float, float]:
    row, column = np.unravel_index(int(correlation.argmax()), correlation.shape)
    dy = _sub_step(correlation[:, column], int(row), wrap=True)
    dx = _sub_step(correlation[row], int(column), wrap=True)
    return (dx + FIELD_PX / 2) % FIELD_PX - FIELD_PX / 2, (dy + FIELD_PX / 2) % FIELD_PX - FIELD_PX / 2


def _mm_to_field(reference: Reference) -> Matrix:
    (fx, fy), (width, height) = reference.field_px_per_mm, reference.field_size
    return _shift((FIELD_PX - width) // 2, (FIELD_PX - height) // 2) @ np.diag([fx, fy, 1.0])


def _field_to_scan(page: Page) -> Matrix:
    height, width = page.coarse.shape[0] // 2, page.coarse.shape[1] // 2
    left, top = (FIELD_PX - min(width, FIELD_PX)) // 2, (FIELD_PX - min(height, FIELD_PX)) // 2
    sx, sy = page.coarse_scale
    return np.diag([2 / sx, 2 / sy, 1.0]) @ _shift(-left, -top)


def _shift(dx: float, dy: float) -> Matrix:
    return np.array([[1.0, 0.0, dx], [0.0, 1.0, dy], [0.0, 0.0, 1.0]])


def _from_centres(matrix: Matrix) -> Matrix:
    """The same map for OpenCV, which counts from pixel centres."""
    return _shift(-0.5, -0.5) @ matrix @ _shift(0.5, 0.5)


def refine(page: Page, found: Found) -> Alignment:
    """Lay the form through its patches of print: at 75 dpi where the first guess is near enough, else at
    37.5 dpi first."""
    reference = found.reference
    matrix = found.matrix
    last = _match(page, matrix, reference.tiles_half)
    if (last.fit >= TILE_LOST).mean() < WELL_HELD:
        coarse = _match(page, matrix, reference.tiles_coarse)
        matrix = matrix @ _fit(reference.tiles_coarse, coarse, affine=True)
        last = _match(page, matrix, reference.tiles_half)
    step = _fit(reference.tiles_half, last, affine=False)
    centres = reference.tiles_half.centres_mm.astype(float)
    residual = last.offset_mm - (project(step, centres) - centres)
    used = np.where(last.fit >= TILE_LOST, last.fit, 0.0)
    believed = (np.abs(residual).max(axis=1) < MOST_RESIDUAL_MM)[:, None]
    return Alignment(
        reference=reference,
        matrix=matrix @ step,
        patch_mm=reference.tiles_half.centres_mm,
        residual_mm=residual,
        patch_weight=used[:, None] * reference.tiles_half.grip * believed,
        peak=found.peak,
        fit=float(np.median(last.fit)) if len(last.fit) else 0.0,
        held=float((used > 0).mean()) if len(used) else 0.0,
    )


def likeness(page: Page, alignment: Alignment) -> float:
    """Structural similarity (-1 to 1) of the whole page to the blank, wherever the blank prints something.

    Wang et al., IEEE Trans. Image Processing 13(4), 2004, by scikit-image. It costs more than all the rest of
    the alignment, so it is asked only where two sides look alike.
    """
    from skimage.metrics import structural_similarity

    reference, seen = alignment.reference, flatten_half(page, alignment)
    levels = [np.percentile(picture, (1, 60)) for picture in (seen, reference.half)]
    (dark, light), (ink, paper) = levels
    even = (seen - dark) / max(light - dark, 1.0) * (paper - ink) + ink
    _mean, everywhere = structural_similarity(  # type: ignore[no-untyped-call]
        even.clip(0, 255), reference.half.astype(float), win_size=LIKENESS_PX, data_range=255, full=True
    )
    return float(everywhere[~reference.unprinted].mean())


LIKENESS_PX = 15
"""5 mm at 75 dpi: one line of text."""


def flatten_half(page: Page, alignment: Alignment) -> Grey:
    """The whole side laid upright upon ``reference.half``, at 75 dpi."""
    fx, fy = alignment.reference.tiles_half.px_per_mm
    height, width = alignment.reference.half.shape
    return cv2.warpPerspective(
        page.half,
        _from_centres(_to_half(page, alignment.matrix) @ np.diag([1 / fx, 1 / fy, 1.0])),
        (width, height),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )


@dataclass(frozen=True)
class _Matches:
    offset_mm: Floats  # (N, 2) found minus expected
    fit: Floats  # (N,) correlation


def _match(page: Page, matrix: Matrix, tiles: Tiles) -> _Matches:
    """Look for each patch around where ``matrix`` puts it, all at once.

    The place is that of the largest product with the patch (freed of its mean, so the paper's level does not
    weigh), the fit the normalised correlation there.
    """
    search = tiles.search_px
    to_half = _to_half(page, matrix)
    centres, maps = project(to_half, tiles.centres_mm), local_maps(to_half, tiles.centres_mm)
    windows = sample(page.half, centres, maps, tiles.window).astype(np.float32)
    spectra = scipy.fft.rfft2(windows) * tiles.spectra
    places = 2 * search + 1
    products = scipy.fft.irfft2(spectra, s=windows.shape[1:])[:, :places, :places]
    row, column = np.divmod(products.reshape(len(products), -1).argmax(axis=1), places)
    each = np.arange(len(products))
    dx = _peaks(products[each, row], column) - search
    dy = _peaks(products[each, :, column], row) - search
    whole = inside_share(page.half.shape, centres, maps, tiles.tile_px / 2 / tiles.px_per_mm[0]) == 1
    fit = products[each, row, column] / _norms(windows, row, column, tiles.tile_px)
    return _Matches(np.stack([dx, dy], axis=1) / np.array(tiles.px_per_mm), np.where(whole, fit, 0.0))


def _norms(windows: Floats, row: Indices, column: Indices, size: int) -> Floats:
    """Norm, freed of the mean, of the square of ``size`` at each window's (row, column)."""
    steps = np.arange(size)
    each = np.arange(len(windows))[:, None, None]
    squares = windows[each, (row[:, None] + steps)[:, :, None], (column[:, None] + steps)[:, None, :]]
    return np.maximum(squares.std(axis=(1, 2)), 1.0) * size


def _peaks(scores: Floats, at: Indices) -> Floats:
    """The places (N,) of peaks between samples of scores (N, K), by a parabola; on the edge as they are."""
    each, middle = np.arange(len(scores)), at.clip(1, scores.shape[1] - 2)
    before, here, after = scores[each, middle - 1], scores[each, middle], scores[each, middle + 1]
    bend = np.minimum(before - 2 * here + after, -1e-9)
    return np.where(at == middle, middle + 0.5 * (before - after) / bend, at)


def _to_half(page: Page, matrix: Matrix) -> Matrix:
    """From template mm to continuous px of the half-size copy."""
    scale = page.fine_scale / 2
    return np.diag([scale, scale, 1.0]) @ matrix


def local_maps(matrix: Matrix, points_mm: Floats) -> Floats:
    """The (N, 2, 2) local change of px per mm at each point."""
    half_x, half_y = np.array([0.5, 0.0]), np.array([0.0, 0.5])
    along_x = project(matrix, points_mm + half_x) - project(matrix, points_mm - half_x)
    along_y = project(matrix, points_mm + half_y) - project(matrix, points_mm - half_y)
    return np.stack([along_x, along_y], axis=2)


def _fit(tiles: Tiles, matches: _Matches, *, affine: bool) -> Matrix:
    """The map in template mm that carries each patch to where it was found; robust against patches lost.

    Iteratively reweighted least squares with Tukey's biweight (Holland & Welsch 1977); the map is affine or
    a homography linearised about the identity, which is exact enough for the fractions of a mm left.
    """
    x, y = tiles.centres_mm.T
    weights = np.where(matches.fit >= TILE_LOST, np.maximum(matches.fit, 0.0) ** 2, 0.0)[:, None] * tiles.grip
    if (weights.min(axis=1) > 0).sum() < MIN_PATCHES:
        return np.eye(3)
    middle, spread = np.array([x.mean(), y.mean()]), max(float(np.hypot(x.std(), y.std())), 1.0)
    u, v = (x - middle[0]) / spread, (y - middle[1]) / spread
    zero, one = np.zeros_like(u), np.ones_like(u)
    rows_x = [u, v, one, zero, zero, zero]
    rows_y = [zero, zero, zero, u, v, one]
    if not affine:
        rows_x += [-u * u, -u * v]
        rows_y += [-u * v, -v * v]
    design = np.concatenate([np.stack(rows_x, 1), np.stack(rows_y, 1)])
    solution = _reweighted(design, matches.offset_mm.T.ravel() / spread, weights.T.ravel())
    step = np.eye(3)
    step[0] += solution[:3]
    step[1] += solution[3:6]
    if not affine:
        step[2, :2] = solution[6:8]
    normalise = np.diag([1 / spread, 1 / spread, 1.0]) @ _shift(-middle[0], -middle[1])
    return np.linalg.inv(normalise) @ step @ normalise


MIN_PATCHES = 6
"""Fewer patches than this do not fix a page; the first guess is kept and the fit will be judged poor."""

TUKEY = 4.685
"""Tukey's constant: 95 % efficient for normal errors."""

ROUNDS = 4

RIDGE = 1e-6
"""Keeps the equations solvable where all patches found lie in a line."""


def _reweighted(design: Matrix, target: Floats, weights: Floats) -> Floats:
    robust = np.ones(len(target))
    solution = np.zeros(design.shape[1])
    steady = RIDGE * np.eye(design.shape[1])
    for _ in range(ROUNDS):
        root = np.sqrt(robust * weights)
        weighted = design * root[:, None]
        solution = np.linalg.solve(weighted.T @ weighted + steady, weighted.T @ (target * root))
        miss = np.abs(design @ solution - target)
        scale = 1.4826 * float(np.median(miss[weights > GRIPPED])) + 1e-6
        robust = np.clip(1 - (miss / (TUKEY * scale)) ** 2, 0, None) ** 2
    return solution


GRIPPED = 0.1
"""Weight from which a patch tells how well the others agree."""


def places(alignment: Alignment, points_mm: Floats) -> Floats:
    """Where template points (N, 2) in mm lie in the scan, in continuous px (N, 2), residuals included."""
    moved = points_mm + smooth_residual(alignment, points_mm)
    return project(alignment.matrix, moved)


def project(matrix: Matrix, points: Floats) -> Floats:
    """Points (N, 2) through a 3x3 map."""
    mapped = points @ matrix[:, :2].T + matrix[:, 2]
    return mapped[:, :2] / mapped[:, 2:]


def smooth_residual(alignment: Alignment, points_mm: Floats) -> Floats:
    """What the patches around each point (N, 2) were found off the page fit, in mm (N, 2)."""
    gap = points_mm[:, None, :] - alignment.patch_mm[None, :, :]
    near = np.exp(-0.5 * (gap**2).sum(axis=2) / NEIGHBOUR_MM**2)
    return (
        near @ (alignment.residual_mm * alignment.patch_weight) / (near @ alignment.patch_weight + SMOOTHING)
    )


SMOOTHING = 0.3
"""Weight of a patch that says "no residual": where hardly any patch is near, the page fit stands."""
