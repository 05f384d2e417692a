"""Names for the kinds of array that vision passes on."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Grey = NDArray[Any]
"""A picture (H, W) of uint8, 0 black to 255 white. (OpenCV's stubs name no type of number.)"""

Floats = NDArray[Any]
"""Real numbers, single or double precision."""

Complexes = NDArray[Any]
Indices = NDArray[np.intp]
Bools = NDArray[np.bool_]
