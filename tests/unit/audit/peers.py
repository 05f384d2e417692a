"""Arlo's formula for the sample of a ballot-level comparison audit (super-simple, Stark 2010), as its
documentation writes it: something to hold our own sizes against.
"""

from __future__ import annotations

import math

GAMMA = 1.03905


def arlo_size(margin: float, risk: float, o1: float = 0, o2: float = 0, u1: float = 0, u2: float = 0) -> int:
    """Sheets to draw at a diluted margin, with so many one- and two-vote over- and understatements."""
    errors = o1 * math.log(1 - 1 / (2 * GAMMA)) + o2 * math.log(1 - 1 / GAMMA)
    errors += u1 * math.log(1 + 1 / (2 * GAMMA)) + u2 * math.log(1 + 1 / GAMMA)
    return math.ceil(-2 * GAMMA * (math.log(risk) + errors) / margin)
