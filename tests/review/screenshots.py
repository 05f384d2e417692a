"""Pictures of the main pages for the documents: ``python -m tests.review.screenshots`` writes them anew."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from ballotscan.model import Proposal
from ballotscan.store import review_queries as queries
from tests.review.desk import PASSWORD, PEOPLE, Served, office

DOCUMENTS: Final = Path(__file__).parents[2] / "ballotscan" / "docs" / "review"
SIZE: Final = {"width": 1366, "height": 768}
PAGES: Final = ("sign-in", "overview", "queue", "whole-sheet", "many-at-once", "sheet", "queue-phone")


def take(browser: Any, served: Served, folder: Path) -> Iterator[Path]:
    """Each picture as it is written. Some of the review is done before, so that there is something to see."""
    _speak(served)
    page = browser.new_context(viewport=SIZE).new_page()
    page.goto(served.address)
    yield _shot(page, folder, "sign-in")
    page.fill("input[name=login]", "cuong")
    page.fill("input[name=password]", PASSWORD)
    page.click("main button.main")
    page.wait_for_selector(".batch")
    yield _shot(page, folder, "overview")
    page.goto(f"{served.address}/queue")
    page.wait_for_selector("article.ask")
    total = int(page.get_attribute("#desk", "data-total"))
    page.goto(f"{served.address}/queue?number={total - 2}")
    page.wait_for_selector(".marks img")
    yield _shot(page, folder, "queue")
    page.keyboard.press("f")
    page.wait_for_selector("dialog[open] .paper img")
    yield _shot(page, folder, "whole-sheet")
    page.goto(f"{served.address}/bulk")
    page.click("tbody a >> nth=0")
    page.wait_for_selector(".odd")
    yield _shot(page, folder, "many-at-once")
    page.goto(f"{served.address}/sheets/{served.reviews.look(queries.key_of, 'box/00005')}")
    yield _shot(page, folder, "sheet")
    page.set_viewport_size({"width": 390, "height": 780})
    page.goto(f"{served.address}/queue?number={total - 2}")
    page.wait_for_selector(".marks img")
    yield _shot(page, folder, "queue-phone")
    page.context.close()


def _speak(served: Served) -> None:
    """Two persons have answered some; on two they differ."""
    rows = served.reviews.look(queries.waiting_answers)[:12]
    for who, codes in (("an", ("1",)), ("binh", ("1",))):
        name = PEOPLE[who][0]
        served.reviews.propose(
            [
                Proposal(row.sheet, row.question, codes if place > 1 or who == "an" else ("2",), False, name)
                for place, row in enumerate(rows)
            ]
        )


def _shot(page: Any, folder: Path, name: str) -> Path:
    page.wait_for_load_state("networkidle")
    path = folder / f"{name}.png"
    page.screenshot(path=path)
    return path


def main() -> int:
    """Write them into the documents."""
    from playwright.sync_api import sync_playwright

    from tests.review.conftest import FLAGS

    program = shutil.which("chromium") or shutil.which("chromium-browser")
    DOCUMENTS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, headless=True, args=list(FLAGS))
        with office(Path(folder), sheets=9, doubtful=9) as served:
            for path in take(browser, served, DOCUMENTS):
                sys.stdout.write(f"{path}\n")
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
