"""What a telephone adds to a picture of a sheet: uneven light, shadows, glare, an unsteady hand.

Where the sheet lies in the picture is ``scanner.Geometry``'s.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from tests.simulator.conditions import Camera
from tests.simulator.hands import Rng

Pixels = NDArray[np.uint8]
Light = NDArray[np.float32]
STEP_PX = 16


def _slope(rng: Rng, x: Light, y: Light, lost: float) -> Light:
    """Light that falls off towards one side of the picture, and a little more towards the corners."""
    angle = float(rng.uniform(0, 2 * np.pi))
    along = (x * np.cos(angle) + y * np.sin(angle) + 1) / 2
    return np.asarray(1 - lost * np.clip(0.85 * along + 0.15 * (x**2 + y**2) / 2, 0, 1), np.float32)


def _shadow(rng: Rng, x: Light, y: Light, lost: float) -> Light:
    """The soft-edged shadow of a hand or of the telephone, from one side into the sheet."""
    angle, edge = float(rng.uniform(0, 2 * np.pi)), float(rng.uniform(-0.4, 0.5))
    bow = 0.25 * np.sin(2.5 * (x * np.sin(angle) - y * np.cos(angle)) + float(rng.uniform(0, 6)))
    depth = (x * np.cos(angle) + y * np.sin(angle) - edge - bow) / float(rng.uniform(0.05, 0.2))
    return np.asarray(1 - lost / (1 + np.exp(-depth)), np.float32)


def _glare(rng: Rng, x: Light, y: Light, strength: float) -> Light:
    """Light a ceiling lamp adds: a broad spot, as a share of white."""
    at = rng.uniform(-0.7, 0.7, 2)
    away = ((x - at[0]) / 0.35) ** 2 + ((y - at[1]) / 0.25) ** 2
    return np.asarray(strength * np.exp(-away / 2), np.float32)


def _shake(picture: Pixels, rng: Rng, length_px: float) -> Pixels:
    """Motion during the exposure: a mean along a short line."""
    size = 2 * int(np.ceil(length_px / 2)) + 1
    if size < 3:
        return picture
    kernel = np.zeros((size, size), np.float32)
    angle, half = float(rng.uniform(0, np.pi)), length_px / 2
    for part in np.linspace(-half, half, 4 * size):
        kernel[round(size // 2 + part * np.sin(angle)), round(size // 2 + part * np.cos(angle))] += 1
    return np.asarray(cv2.filter2D(picture, -1, kernel / kernel.sum()), np.uint8)


def light_photograph(picture: Pixels, camera: Camera, rng: Rng) -> Pixels:
    """One channel (H, W) of an evenly lit picture as a telephone would have taken it."""
    height, width = picture.shape
    grid = (
        np.linspace(-1, 1, width // STEP_PX, dtype=np.float32),
        np.linspace(-1, 1, height // STEP_PX, dtype=np.float32),
    )
    x, y = np.meshgrid(*grid)
    light = _slope(rng, x, y, float(rng.uniform(*camera.shade)))
    if any(camera.shadow):
        light *= _shadow(rng, x, y, float(rng.uniform(*camera.shadow)))
    lit = cv2.multiply(picture, cv2.resize(light, (width, height)), dtype=cv2.CV_8U)
    if any(camera.glare):
        glare = _glare(rng, x, y, float(rng.uniform(*camera.glare)))
        lit = cv2.add(lit, cv2.resize(cv2.convertScaleAbs(glare, alpha=255), (width, height)))
    return _shake(np.asarray(lit, np.uint8), rng, float(rng.uniform(*camera.motion_px)))
