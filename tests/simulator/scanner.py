"""The scanner: where the paper lay, what the optics and the feed did, and the file it wrote.

Pixel coordinates have whole numbers at pixel centres, so the top left corner of the image is (-0.5, -0.5).
"""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tests.simulator import fields
from tests.simulator.conditions import Camera, Condition
from tests.simulator.fields import window
from tests.simulator.hands import Rng, choose
from tests.simulator.paper import SHADE_PX

MM_PER_INCH = 25.4
MAP_STEP_PX = 16
CLOSE_MM = 1e-7
LIDS = {"white": (240, 255), "grey": (120, 190), "black": (5, 45)}

Pixels = NDArray[np.uint8]
Coordinates = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Geometry:
    """From the template's millimetres to the scan's pixels, through the paper's millimetres.

    ``scale`` and ``print_shift_mm`` are the printer's, about the middle of the page; the rest the scanner's.
    ``waves`` are (amplitude mm, period mm, phase, axis) of the feed's wobble along y.
    """

    page_mm: tuple[float, float]
    scale: tuple[float, float]
    print_shift_mm: tuple[float, float]
    skew_deg: float
    shift_mm: tuple[float, float]
    stretch: float
    waves: tuple[tuple[float, float, float, int], ...]
    dpi: int
    size_px: tuple[int, int]  # width, height
    shear: float = 0.0
    tilt: tuple[float, float] = (0.0, 0.0)  # a camera's: change of size per mm from the middle
    curl_mm: float = 0.0  # the paper's, at 100 mm from the middle
    dents: tuple[tuple[float, float, float, float], ...] = ()  # a crumpled sheet's: x, y, by x, by y; mm

    def _wobble(self, y_mm: Coordinates) -> Coordinates:
        moved = np.zeros((*y_mm.shape, 2))
        for amplitude, period, phase, axis in self.waves:
            moved[..., axis] += amplitude * np.sin(2 * np.pi * y_mm / period + phase)
        return moved

    def _bend(self, seen_mm: Coordinates) -> Coordinates:
        """What makes a straight line crooked: feed, curl of the paper, and dents 18 mm wide."""
        moved = self._wobble(seen_mm[..., 1])
        if self.curl_mm:
            moved[..., 1] += self.curl_mm * ((seen_mm[..., 0] - self.page_mm[0] / 2) / 100) ** 2
        for x_mm, y_mm, by_x, by_y in self.dents:
            away = (seen_mm[..., 0] - x_mm) ** 2 + (seen_mm[..., 1] - y_mm) ** 2
            near = np.exp(-away / (2 * 18.0**2))
            moved[..., 0] += by_x * near
            moved[..., 1] += by_y * near
        return moved

    def scan_to_paper_mm(self, scan_px: Coordinates) -> Coordinates:
        """(..., 2) pixels to (..., 2) mm on the paper."""
        seen_mm = (scan_px + 0.5) / self.dpi * MM_PER_INCH
        middle = np.array(self.page_mm) / 2
        angle = np.deg2rad(self.skew_deg)
        back = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        lying = (seen_mm - middle - np.array(self.shift_mm)) * np.array([1.0, 1 / (1 + self.stretch)])
        if any(self.tilt):
            lying = lying / (1 + lying @ np.array(self.tilt))[..., None]
        lying = lying + self._bend(seen_mm)
        if self.shear:
            lying = lying @ np.array([[1.0, 0.0], [self.shear, 1.0]])
        return np.asarray(lying @ back.T + middle)

    def scan_to_template_mm(self, scan_px: Coordinates) -> Coordinates:
        """(..., 2) pixels to (..., 2) mm of the template."""
        paper_mm = self.scan_to_paper_mm(scan_px)
        middle = np.array(self.page_mm) / 2
        return np.asarray((paper_mm - middle - np.array(self.print_shift_mm)) / np.array(self.scale) + middle)

    def _invert(self, target_mm: Coordinates, paper: bool) -> Coordinates:
        """Solve for the pixels by Newton steps with the wobble-free slope; exact to far below 0.01 px."""
        forward = self.scan_to_paper_mm if paper else self.scan_to_template_mm
        about = np.array(self.size_px) / 2
        origin = forward(about)
        slope = np.column_stack(
            [forward(about + np.array([1.0, 0.0])) - origin, forward(about + np.array([0.0, 1.0])) - origin]
        )
        step = np.linalg.inv(slope)
        scan_px = about + (target_mm - origin) @ step.T
        for _ in range(12):
            missed = target_mm - forward(scan_px)
            if float(np.abs(missed).max(initial=0.0)) < CLOSE_MM:
                break
            scan_px = scan_px + missed @ step.T
        return np.asarray(scan_px)

    def template_to_scan_px(self, template_mm: Coordinates) -> Coordinates:
        """(..., 2) mm of the template to (..., 2) pixels of the scan."""
        return self._invert(template_mm, paper=False)

    def paper_to_scan_px(self, paper_mm: Coordinates) -> Coordinates:
        """(..., 2) mm on the paper to (..., 2) pixels of the scan."""
        return self._invert(paper_mm, paper=True)


def lay_paper(
    condition: Condition, print_rng: Rng, scan_rng: Rng, page_mm: tuple[float, float], dpi: int
) -> Geometry:
    """Draw how one side was printed and how it lay in the scanner."""
    scale = (
        1.0 if print_rng.random() < condition.full_size_share else float(print_rng.uniform(*condition.scale))
    )
    split = float(print_rng.normal(0, 1)) * condition.scale_split
    shift = print_rng.uniform(-1, 1, 2) * condition.print_shift_mm
    amplitude = float(scan_rng.uniform(*condition.wobble_mm))
    waves = tuple(
        (amplitude * part, float(scan_rng.uniform(60, 280)), float(scan_rng.uniform(0, 6.3)), axis)
        for part, axis in ((0.6, 1), (0.4, 1), (0.3, 0))
    )
    geometry = Geometry(
        page_mm=page_mm,
        scale=(scale * (1 + split / 2), scale * (1 - split / 2)),
        print_shift_mm=(float(shift[0]), float(shift[1])),
        skew_deg=float(scan_rng.uniform(*condition.skew_deg)),
        shift_mm=tuple(float(v) for v in scan_rng.uniform(-1, 1, 2) * condition.shift_mm),  # type: ignore[arg-type]
        stretch=float(scan_rng.uniform(-1, 1)) * condition.stretch,
        waves=waves if amplitude > 0 else (),
        dpi=dpi,
        size_px=(round(page_mm[0] / MM_PER_INCH * dpi), round(page_mm[1] / MM_PER_INCH * dpi)),
        shear=float(scan_rng.uniform(-1, 1)) * condition.shear if condition.shear else 0.0,
    )
    if condition.crumple_mm:
        geometry = replace(geometry, dents=_dents(condition.crumple_mm, scan_rng, page_mm))
    return geometry if condition.camera is None else hold_camera(geometry, condition.camera, scan_rng)


def _dents(
    most_mm: float, rng: Rng, page_mm: tuple[float, float]
) -> tuple[tuple[float, float, float, float], ...]:
    places = rng.uniform(0, 1, (14, 2)) * np.array(page_mm)
    by = rng.uniform(-most_mm, most_mm, (14, 2))
    return tuple((float(x), float(y), float(a), float(b)) for (x, y), (a, b) in zip(places, by, strict=True))


def hold_camera(geometry: Geometry, camera: Camera, rng: Rng) -> Geometry:
    """The same sheet from a camera held nearly above it, with some table round it."""
    width, height = geometry.page_mm
    margins = rng.uniform(*camera.margin_mm, 4)  # left, right, top, bottom
    size_mm = (width + margins[0] + margins[1], height + margins[2] + margins[3])
    tilt = rng.uniform(-camera.tilt, camera.tilt, 2)
    return replace(
        geometry,
        size_px=(
            round(size_mm[0] / MM_PER_INCH * geometry.dpi),
            round(size_mm[1] / MM_PER_INCH * geometry.dpi),
        ),
        shift_mm=(geometry.shift_mm[0] + float(margins[0]), geometry.shift_mm[1] + float(margins[2])),
        tilt=(float(tilt[0]), float(tilt[1])),
        curl_mm=float(rng.uniform(*camera.curl_mm)) * float(rng.choice([-1, 1])),
    )


def _nodes(geometry: Geometry, page_dpi: int) -> NDArray[np.float32]:
    """Where a coarse grid over the scan, MAP_STEP_PX apart, looks on the composed page: two (rows, columns),
    x and y in px of it. The grid begins half a step outside."""
    width, height = geometry.size_px
    columns, rows = width // MAP_STEP_PX + 3, height // MAP_STEP_PX + 3
    x = (np.arange(columns) - 0.5) * MAP_STEP_PX - 0.5
    y = (np.arange(rows) - 0.5) * MAP_STEP_PX - 0.5
    grid = np.stack(np.meshgrid(x, y), axis=-1)
    where = geometry.scan_to_template_mm(grid) * page_dpi / MM_PER_INCH - 0.5
    return np.ascontiguousarray(where.transpose(2, 0, 1), np.float32)


def _between(node: NDArray[np.float32], width: int, height: int) -> NDArray[np.float32]:
    """One coordinate of every pixel (height, width) of the scan: exact at the nodes, even between."""
    size = (node.shape[1] * MAP_STEP_PX, node.shape[0] * MAP_STEP_PX)
    full = cv2.resize(node, size, interpolation=cv2.INTER_LINEAR)
    return full[MAP_STEP_PX : MAP_STEP_PX + height, MAP_STEP_PX : MAP_STEP_PX + width]


def _lay_on_lid(image: Pixels, geometry: Geometry, lid: int, rng: Rng) -> None:
    """Paint the lid where there is no paper, with a thin shadow along the paper's edge, in place."""
    width_mm, height_mm = geometry.page_mm
    along = np.linspace(0, 1, 25)[:, None]
    corners = np.array([[0, 0], [width_mm, 0], [width_mm, height_mm], [0, height_mm], [0, 0]])
    edge_mm = np.vstack([a * (1 - along) + b * along for a, b in pairwise(corners)])
    edge_px = (geometry.paper_to_scan_px(edge_mm) * 16).round().astype(np.int32)
    height, width = image.shape
    beyond = 16 * np.array([[-9, -9], [width + 9, -9], [width + 9, height + 9], [-9, height + 9]], np.int32)
    cv2.fillPoly(image, [beyond, edge_px], lid, shift=4)  # even-odd: what lies between the two
    if rng.random() < 0.6:
        shade = int(rng.integers(90, 200))
        thick = max(1, round(geometry.dpi / 150))
        for side in range(4):
            _shadow(image, edge_px[25 * side : 25 * side + 26], shade, thick)


def _shadow(image: Pixels, line_px: NDArray[np.int32], shade: int, thick: int) -> None:
    """A dark line through points (N, 2) in sixteenths of a pixel, in place; nothing becomes lighter."""
    height, width = image.shape
    low = np.maximum(line_px.min(axis=0) // 16 - thick - 2, 0)
    high = np.minimum(line_px.max(axis=0) // 16 + thick + 3, (width, height))
    if (low >= high).any():
        return
    part = image[low[1] : high[1], low[0] : high[0]]
    line = np.zeros(part.shape, np.uint8)
    cv2.polylines(line, [line_px - 16 * low.astype(np.int32)], False, 255, thick, cv2.LINE_AA, 4)
    np.minimum(part, 255 - cv2.convertScaleAbs(line, alpha=(255 - shade) / 255), out=part)


def _columns(condition: Condition, rng: Rng, width: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Per-column gain (lamp, sensor), and light added or taken by dust on the glass, in grey levels."""
    x = np.linspace(-1, 1, width)
    lost = float(rng.uniform(*condition.lamp))
    gain = 1 - lost * np.clip((x - rng.normal(0, 0.3)) ** 2, 0, 1) + rng.normal(0, 0.003, width)
    added = np.zeros(width)
    for span, sign in ((condition.dark_streaks, -1), (condition.white_streaks, 1)):
        for _ in range(round(float(rng.uniform(*span)))):
            at, wide = int(rng.uniform(0.06, 0.94) * width), int(rng.integers(1, 4))
            added[at : at + wide] += sign * float(rng.uniform(60, 200))
    return gain.astype(np.float32), added.astype(np.float32)


@dataclass(frozen=True, slots=True)
class Optics:
    """One pass of one sheet side through one scanner: drawn once, used for every channel."""

    tone: float
    gamma: float
    blur_px: float
    noise: float
    lid: int
    gain: NDArray[np.float32]  # (W,)
    added: NDArray[np.float32]  # (W,)


def set_optics(condition: Condition, rng: Rng, geometry: Geometry) -> Optics:
    """Draw the optics of one scan."""
    gain, added = _columns(condition, rng, geometry.size_px[0])
    low, high = LIDS[choose(rng, condition.lids)]
    return Optics(
        tone=float(rng.uniform(*condition.tone)),
        gamma=float(rng.uniform(*condition.gamma)),
        blur_px=float(rng.uniform(*condition.blur_px)),
        noise=float(rng.uniform(*condition.noise)),
        lid=int(rng.integers(low, high + 1)),
        gain=gain,
        added=added,
    )


LIGHT_UNIT = 250
"""Levels of the light that are 1: a little above 1 is left to columns of the sensor that see more."""


def _light(
    optics: Optics, veil: NDArray[np.float32] | None, nodes: NDArray[np.float32], shape: tuple[int, int]
) -> Pixels:
    """Lamp, sensor and the paper's shading over the scan (h, w), in levels of LIGHT_UNIT."""
    columns = optics.gain * LIGHT_UNIT
    if veil is None:
        return np.tile(np.rint(columns).astype(np.uint8), (shape[0], 1))
    coarse = cv2.remap(
        veil, *(nodes[:, ::4, ::4] / SHADE_PX), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    across = cv2.resize(coarse, (shape[1], coarse.shape[0])) * columns
    return np.asarray(cv2.resize(np.rint(across).astype(np.uint8), shape[::-1]), np.uint8)


def scan_channel(
    page: Pixels,
    page_dpi: int,
    geometry: Geometry,
    optics: Optics,
    rng: Rng,
    veil: NDArray[np.float32] | None = None,
) -> Pixels:
    """One channel of the composed page (H, W, template frame) as the sensor sees it, (h, w). ``veil`` is the
    paper's shading."""
    reduction = page_dpi / geometry.dpi
    soft = float(np.hypot(optics.blur_px * reduction, 0.35 * max(0.0, reduction - 1)))
    source = np.asarray(cv2.GaussianBlur(page, (0, 0), soft), np.uint8) if soft > 0.25 else page
    tone = (255 * optics.tone * (np.arange(256) / 255) ** optics.gamma).round().astype(np.uint8)
    width, height = geometry.size_px
    nodes = _nodes(geometry, page_dpi)
    seen = cv2.remap(
        source,
        *(_between(node, width, height) for node in nodes),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=255,
    )
    seen = np.asarray(cv2.LUT(seen, tone), np.uint8)
    _lay_on_lid(seen, geometry, optics.lid, rng)
    lit = cv2.multiply(seen, _light(optics, veil, nodes, (height, width)), scale=1 / LIGHT_UNIT)
    for column in np.flatnonzero(optics.added):
        lit[:, column] = np.clip(lit[:, column] + optics.added[column], 0, 255)
    noise = window(fields.noise(), rng, height, width)
    grain = optics.noise / fields.NOISE_UNIT
    return np.asarray(cv2.addWeighted(lit, 1.0, noise, grain, -grain * fields.NOISE_MIDDLE), np.uint8)


def to_bitonal(grey: Pixels, level: float) -> Pixels:
    """0 and 255. ``level``: -1 the darkest print, 0 the middle between print and paper, 1 the paper."""
    dark, paper = (float(v) for v in np.percentile(grey[::7, ::7], (0.5, 70)))
    threshold = (dark + paper) / 2 + level * (paper - dark) / 2
    return np.asarray(np.where(grey > threshold, 255, 0), np.uint8)


def turn(image: Pixels, points_px: Coordinates, turn_deg: int, mirrored: bool) -> tuple[Pixels, Coordinates]:
    """Turn the image (and (..., 2) points in it) clockwise by 0, 90, 180 or 270 degrees; mirror it first."""
    if mirrored:
        width = image.shape[1]
        image = image[:, ::-1]
        points_px = np.stack([width - 1 - points_px[..., 0], points_px[..., 1]], axis=-1)
    for _ in range(turn_deg // 90 % 4):
        height = image.shape[0]
        image = np.rot90(image, -1)
        points_px = np.stack([height - 1 - points_px[..., 1], points_px[..., 0]], axis=-1)
    return np.ascontiguousarray(image), points_px


def encode(image: Pixels, bitonal: bool, quality: int, dpi_tag: float | None) -> tuple[bytes, str]:
    """The file a scanner would write, and its suffix: G4 TIFF for bitonal, else JPEG."""
    out = io.BytesIO()
    tag: dict[str, object] = {} if dpi_tag is None else {"dpi": (dpi_tag, dpi_tag)}
    if bitonal:
        Image.fromarray(image).convert("1", dither=Image.Dither.NONE).save(
            out, "TIFF", compression="group4", **tag
        )
        return out.getvalue(), ".tif"
    Image.fromarray(image).save(out, "JPEG", quality=quality, **tag)
    return out.getvalue(), ".jpg"
