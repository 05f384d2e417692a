"""How long a person waits for the next card, and how many a keyboard can settle: in a real Chromium.

    python -m tests.review.bench            a queue of 5,000 answers, some minutes
    python -m tests.review.bench --queue 200 --keys 60

Two figures. At a person's pace (a key every 0.4 s) the time from the key to the next card painted. And as
fast as the page goes: the next key as soon as the next card is there, until every decision is stored.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from ballotscan.store import review_queries as queries
from tests.review.desk import PASSWORD, Served, office

DOUBTFUL_A_SHEET = 20
PACE_S = 0.4


def measure(browser: Any, served: Served, keys: int) -> dict[str, float]:
    """Milliseconds at a person's pace, and decisions a minute at the page's own."""
    page = browser.new_context(viewport={"width": 1366, "height": 768}).new_page()
    page.set_default_timeout(120_000)  # others may keep the computer busy
    page.goto(served.address)
    page.fill("input[name=login]", "an")
    page.fill("input[name=password]", PASSWORD)
    page.click("main button.main")
    page.wait_for_load_state()
    begun = time.perf_counter()
    page.goto(f"{served.address}/queue")
    page.wait_for_selector("article.ask img")
    opened_s = time.perf_counter() - begun
    time.sleep(3)
    waited = [_press(page, number, pause_s=PACE_S) for number in range(keys)]
    begun = time.perf_counter()
    for number in range(keys, 2 * keys):
        _press(page, number)
    page.wait_for_selector('#desk[data-unsent="0"]', timeout=600_000)
    fast_s = time.perf_counter() - begun
    page.context.close()
    return {
        "opened_s": opened_s,
        "median_ms": statistics.median(waited),
        "slowest of 20 (95 %)_ms": sorted(waited)[int(len(waited) * 0.95)],
        "most_ms": max(waited),
        "a minute": 60 * keys / fast_s,
    }


def _press(page: Any, number: int, pause_s: float = 0.0) -> float:
    page.keyboard.press("1")
    page.wait_for_selector(f'article.ask[data-number="{number + 1}"]', timeout=60_000)
    time.sleep(pause_s)
    return float(page.get_attribute("#desk", "data-shown-ms") or "nan") if pause_s else 0.0


def main() -> int:
    """Print what was measured."""
    from playwright.sync_api import sync_playwright

    from tests.review.conftest import FLAGS

    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--queue", type=int, default=5000)
    options.add_argument("--keys", type=int, default=150)
    given = options.parse_args()
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, headless=True, args=list(FLAGS))
        with office(Path(folder), given.queue // DOUBTFUL_A_SHEET, DOUBTFUL_A_SHEET) as served:
            waiting = len(served.reviews.look(queries.waiting_answers))
            sys.stdout.write(f"queue {waiting}, {given.keys} keys twice, load {os.getloadavg()[0]:.1f}\n")
            for name, value in measure(browser, served, given.keys).items():
                sys.stdout.write(f"{name}: {value:.1f}\n")
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
