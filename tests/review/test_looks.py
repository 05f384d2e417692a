"""The main pages as they look: light, legible, within the window, and readable by those who see badly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.review.conftest import Person
from tests.review.desk import Served, office
from tests.review.screenshots import DOCUMENTS, PAGES, take

PLACES = ("/", "/queue", "/bulk", "/sheets", "/texts", "/audit", "/sign-in")


def test_screenshots_are_light_and_of_every_page(tmp_path: Path, browser: Any) -> None:
    """Those of the documents are made by the same function: ``python -m tests.review.screenshots``."""
    folder = tmp_path / "shots"
    folder.mkdir()
    with office(tmp_path, sheets=9, doubtful=9) as served:
        made = list(take(browser, served, folder))
    assert [path.stem for path in made] == list(PAGES)
    for path in made:
        grey = np.asarray(Image.open(path).convert("L"), np.float64)
        assert grey.mean() > (100 if path.stem == "whole-sheet" else 215), path.stem  # darkened behind it
        assert grey.std() > 8, path.stem  # something is on it


@pytest.mark.parametrize("name", PAGES)
def test_the_documents_hold_every_page(name: str) -> None:
    path = DOCUMENTS / f"{name}.png"
    assert Image.open(path).size == ((390, 780) if name == "queue-phone" else (1366, 768))


def test_nothing_runs_out_of_the_window(served: Served, person: Person) -> None:
    for size in ({"width": 1366, "height": 768}, {"width": 390, "height": 780}):
        page = person(served, "cuong", **size)
        for place in PLACES:
            page.goto(f"{served.address}{place}")
            page.wait_for_load_state("networkidle")
            wide = page.evaluate_handle("() => document.documentElement.scrollWidth").json_value()
            assert wide <= size["width"], (place, size)


def test_the_card_fits_one_screen(served: Served, person: Person) -> None:
    page = person(served, "cuong")
    page.goto(f"{served.address}/queue")
    page.wait_for_load_state("networkidle")
    height = page.evaluate_handle(
        "() => document.querySelector('footer.keys').getBoundingClientRect().bottom"
    )
    assert height.json_value() <= 768


CONTRAST = """() => {
  const channel = (v) => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; };
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] > 0.99) return colour;
    }
    return [255, 255, 255];
  };
  const poor = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || !element.checkVisibility() || element.closest("svg")) continue;
    const style = getComputedStyle(element);
    const [one, other] = [light(parse(style.color)), light(behind(element))].sort((a, b) => b - a);
    const large = parseFloat(style.fontSize) >= 24;
    const contrast = (one + 0.05) / (other + 0.05);
    if (contrast < (large ? 3 : 4.5)) poor.push(`${element.className}: ${element.textContent}`);
  }
  return poor;
}"""
"""WCAG 2.1, 1.4.3, computed for every element that holds text of its own."""


def test_contrast_is_that_of_wcag_aa(served: Served, person: Person) -> None:
    page = person(served, "cuong")
    for place in PLACES:
        page.goto(f"{served.address}{place}")
        page.wait_for_load_state("networkidle")
        assert page.evaluate_handle(CONTRAST).json_value() == [], place


def test_everything_is_reached_by_the_tab_key(served: Served, person: Person) -> None:
    page = person(served, "an")
    page.goto(f"{served.address}/queue")
    page.wait_for_selector("article.ask")
    page.wait_for_load_state("networkidle")
    count = page.locator("a:visible, button:visible, input:visible").count()
    reached = set()
    for _ in range(count + 6):
        page.keyboard.press("Tab")
        active = "() => [...document.querySelectorAll('a, button, input')].indexOf(document.activeElement)"
        reached.add(page.evaluate_handle(active).json_value())
    assert len(reached - {-1}) >= count


def test_every_field_and_picture_has_a_name(served: Served, person: Person) -> None:
    page = person(served, "cuong")
    nameless = """() => [...document.querySelectorAll("input:not([type=hidden]), select, textarea")]
      .filter((field) => !field.labels?.length && !field.ariaLabel).map((field) => field.name)
      .concat([...document.querySelectorAll("img:not([alt])")].map((image) => image.src))"""
    for place in PLACES:
        page.goto(f"{served.address}{place}")
        assert page.evaluate_handle(nameless).json_value() == [], place
