"""A real Chromium, and people who sit before it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.review.desk import PASSWORD, Served, office

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
)
FLAGS += ("--disable-component-update", "--disable-sync")
Person = Callable[..., Any]


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Debian's own chromium; playwright's is never downloaded."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("chromium is not installed")
    with playwright.sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=program, headless=True, args=list(FLAGS))
        yield running
        running.close()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """Three sheets with four doubtful answers each."""
    with office(tmp_path) as running:
        yield running


@pytest.fixture
def complaints() -> list[str]:
    """What a browser's console complained of; a test that provokes complaints takes them out."""
    return []


@pytest.fixture
def person(browser: Any, complaints: list[str]) -> Iterator[Person]:
    """Somebody at a browser of their own, signed in. At the end no console may have complained."""
    contexts = []

    def sign_in(served: Served, login: str, password: str = PASSWORD, **size: int) -> Any:
        context = browser.new_context(viewport={"width": 1366, "height": 768} | size)
        context.set_default_timeout(15_000)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda fault: complaints.append(str(fault)))
        page.goto(served.address)
        page.fill("input[name=login]", login)
        page.fill("input[name=password]", password)
        page.click("main button.main")
        page.wait_for_load_state()
        return page

    yield sign_in
    for context in contexts:
        context.close()
    assert complaints == []
