"""A little of ``damage.py``, and what the long run kept."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path

import pytest

from tests.faults.damage import KINDS, OFTEN, Bases, damage, image_data, make_bases, run_shard
from tests.faults.kill import RESULTS

PAGES, FILES = range(9_001, 9_003), 70


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> Bases:
    return make_bases(PAGES, tmp_path_factory.mktemp("whole"))


def test_damaged_pages_give_no_wrong_answer(bases: Bases, tmp_path: Path) -> None:
    outcomes = Counter(found for _kind, _damage, found, _data in run_shard(bases, 9_000, FILES, tmp_path))
    assert outcomes["WRONG"] == 0
    assert outcomes["refused"] > FILES / 3
    assert outcomes["read"] > FILES / 10  # a bit among a million may well change nothing that counts


def test_damage_lies_within_the_image_data(bases: Bases) -> None:
    """Else it would try how headers are checked. Undamaged they are read, else nothing would be tried."""
    assert all(bases[kind] for kind in KINDS)
    for kind, (first, *_others) in bases.items():
        start, end = image_data(first.data)
        assert end - start > len(first.data) / 2, kind
        _name, changed = damage(first.data, random.Random(kind))
        assert changed[:start] == first.data[:start]
        assert changed[len(changed) - (len(first.data) - end) :] == first.data[end:]


def test_the_long_run_accepted_nothing_wrong() -> None:
    kept = json.loads(RESULTS.read_text(encoding="utf-8"))["damage"]
    assert kept["wrong"] == 0
    assert kept["files"] >= 4_500
    assert set(kept["kinds"]) == set(KINDS)
    for kind in list(KINDS)[:OFTEN]:
        assert kept["kinds"][kind]["read"] > 100, kind
