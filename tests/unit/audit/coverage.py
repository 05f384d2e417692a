"""How often the staged audit's promise holds: ``python -m tests.unit.audit.coverage``, some minutes.

Each simulated period has just one wrong sheet too many, in a random order; the auditor looks after every
sheet and stops as soon as the limit seems kept. Counted are the periods in which it was called kept: at most
the risk. The outcome lies beside this file, ``coverage.json``; ``test_exact.py`` holds it against that,
and has small periods in every order.
"""

from __future__ import annotations

import json
import random
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

from ballotscan.audit.bounds import bound_at_any_time, risk_left, too_many

RESULTS: Final = Path(__file__).with_suffix(".json")
RISK: Final = 0.05
CASES: Final = ((500, "0.02"), (2000, "0.01"), (5000, "0.01"), (5000, "0.005"))
PERIODS: Final = 4000
LOOKED_AT: Final = 0.4  # of all sheets; a period's audit ends long before


def run(population: int, limit: str, periods: int, seed: int) -> dict[str, Any]:
    """Simulate ``periods`` periods with just one wrong sheet too many."""
    share, chance = Fraction(limit), random.Random(f"{seed} {population} {limit}")
    wrong, looked = too_many(population, share), int(population * LOOKED_AT)
    won = 0
    for _ in range(periods):
        bad = set(chance.sample(range(population), wrong))
        right = [number not in bad for number in range(looked)]
        won += risk_left(right, population, share) <= RISK
    return {"sheets": population, "limit": limit, "wrong": wrong, "periods": periods, "called_kept": won}


def too_low_at_some_time(
    right: list[bool], population: int, limit: Fraction, wrong: int, risk: float
) -> bool:
    """Whether the bound that anybody could have read off, after one sheet or another, is below the truth."""
    sizes = range(1, len(right) + 1)
    return any(bound_at_any_time(right[:drawn], population, limit, risk) < wrong for drawn in sizes)


def main() -> int:
    """Run the long form and keep what came of it."""
    found = [run(population, limit, PERIODS, 20261129) for population, limit in CASES]
    RESULTS.write_text(json.dumps({"risk": RISK, "runs": found}, indent=1) + "\n", encoding="utf-8")
    for each in found:
        sys.stdout.write(f"{each}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
