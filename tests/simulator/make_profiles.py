"""Makes the two example profiles in ``calibration/`` from simulated scanners. Run it from the checkout:

python -m tests.simulator.make_profiles
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from datetime import date
from pathlib import Path

from ballotscan.calibration import make_profile, write_profile
from tests.simulator.conditions import CLEAN, OFFICE, Condition
from tests.simulator.deck import scan_deck, write_scan

DAY = date(2026, 11, 22)
"""Fixed, so that the same program makes the same files. No daily check accepts it."""

EXAMPLES: dict[str, tuple[Condition, int, int]] = {
    "example-good": (CLEAN, 300, 90),
    "example-worn": (
        replace(
            OFFICE, gamma=(1.25, 1.25), lamp=(0.22, 0.22), blur_px=(0.9, 0.9), noise=(5.0, 5.0),
            lids={"white": 1}, full_size_share=1.0, dark_streaks=(1.0, 1.0), white_streaks=(0.0, 0.0),
        ),
        200,
        60,
    ),
}  # fmt: skip
"""Scanner, dpi, JPEG quality: one as it should be, one whose lamp ages, with dust on its glass."""


def make_all(checkout: Path) -> None:
    """Write ``calibration/<name>.toml`` of every example below ``checkout``."""
    for name, (condition, dpi, quality) in EXAMPLES.items():
        with tempfile.TemporaryDirectory() as folder:
            scan = write_scan(scan_deck(condition, dpi, seed=7), Path(folder), dpi_tag=dpi, quality=quality)
            write_profile(make_profile(name, [scan], DAY), checkout)


if __name__ == "__main__":
    make_all(Path(__file__).parents[2])
