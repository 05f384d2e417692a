"""The table of faults in ``tests/README.md``: all 68 are there once, and every test it names exists."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
ROWS = re.findall(r"^\| (\d+) \|(.*)\|$", (TESTS / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
NOT_YET = {37}
"""Cases without any test; others of which a part is missing say so in the table."""


def names_in(file: str) -> set[str]:
    text = (TESTS / file).read_text(encoding="utf-8")
    return set(re.findall(r"(?:def|as) (test_\w+)", text))


def test_every_case_stands_there_once() -> None:
    assert [int(number) for number, _text in ROWS] == list(range(1, 69))


def test_every_test_that_is_named_is_there() -> None:
    for number, text in ROWS[24:]:
        named = re.findall(r"`([\w/]+\.py)`: ((?:`\w+`(?:, )?)+)", text)
        assert named or (int(number) in NOT_YET and "not yet" in text), number
        for file, names in named:
            assert set(re.findall(r"`(\w+)`", names)) <= names_in(file), number


def test_what_has_a_number_is_in_the_table() -> None:
    table = (TESTS / "README.md").read_text(encoding="utf-8")
    for file in ("test_sets.py", "test_storage.py", "test_people.py", "test_kill.py"):
        for name in names_in(f"faults/{file}"):
            assert not name.startswith("test_case_") or name in table, name
