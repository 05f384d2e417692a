"""A region of the form cut straight out of a scan, upright and at a chosen resolution."""

from __future__ import annotations

import cv2
import numpy as np

from ballotscan.forms.form import Rect
from ballotscan.vision.align import Matrix
from ballotscan.vision.arrays import Floats, Grey
from ballotscan.vision.page import MM_PER_INCH


def cut_out(scan: Grey, matrix: Matrix, rect: Rect, dpi: float) -> Grey:
    """The rectangle (template mm) as a grey picture at ``dpi``; white where the scan ends.

    ``matrix`` maps template mm to continuous px of ``scan``.
    """
    px_per_mm = dpi / MM_PER_INCH
    size = (max(1, round(rect.w_mm * px_per_mm)), max(1, round(rect.h_mm * px_per_mm)))
    to_mm = np.array([[1 / px_per_mm, 0, rect.x_mm], [0, 1 / px_per_mm, rect.y_mm], [0, 0, 1.0]])
    centre = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1.0]])
    mapped = np.linalg.inv(centre) @ matrix @ to_mm @ centre
    return cv2.warpPerspective(
        scan, mapped, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderValue=255.0
    )


def grown(rect: Rect, by_mm: float) -> Rect:
    return Rect(rect.x_mm - by_mm, rect.y_mm - by_mm, rect.w_mm + 2 * by_mm, rect.h_mm + 2 * by_mm)


def bounds_px(matrix: Matrix, rect: Rect) -> tuple[float, float, float, float]:
    """The upright box (x, y, w, h) in scan px that holds the rectangle."""
    corners = [
        (rect.x_mm + dx * rect.w_mm, rect.y_mm + dy * rect.h_mm, 1.0)
        for dx, dy in ((0, 0), (1, 0), (1, 1), (0, 1))
    ]
    mapped = np.array(corners) @ matrix.T
    points: Floats = mapped[:, :2] / mapped[:, 2:]
    left, top, right, bottom = map(float, (*points.min(axis=0), *points.max(axis=0)))
    return round(left, 1), round(top, 1), round(right - left, 1), round(bottom - top, 1)
