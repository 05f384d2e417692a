"""Points of print that are known again from another angle (SIFT of OpenCV)."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ballotscan.vision.arrays import Floats, Grey

MOST_FEATURES = 2000
"""1,000 lost the cubic on a page in twenty; 4,000 gain nothing and take three times as long to compare."""

LEAST_CONTRAST = 0.03
"""OpenCV's usual 0.04 leaves too few points on photographs in shade."""


@dataclass(frozen=True)
class Features:
    """``points`` (N, 2) and unit ``descriptors`` (N, 128), the square roots of SIFT's."""

    points: Floats
    descriptors: Floats


def find_features(picture: Grey) -> Features:
    """The strongest points of a picture, in continuous px."""
    points, descriptors = cv2.SIFT_create(  # type: ignore[attr-defined]
        nfeatures=MOST_FEATURES, contrastThreshold=LEAST_CONTRAST
    ).detectAndCompute(picture, None)
    if not points:
        return Features(np.zeros((0, 2)), np.zeros((0, 128), np.float32))
    share = descriptors / (descriptors.sum(axis=1, keepdims=True) + 1e-6)
    return Features(np.array([point.pt for point in points]) + 0.5, np.sqrt(share).astype(np.float32))
