"""A little of ``fuzz.py``: damaged input to every reader, and damaged files the whole way."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path

import pytest

from ballotscan.model import PageNotRead
from ballotscan.page_work import start_worker
from tests.faults.fuzz import (
    CORPUS,
    FORM,
    INGESTED,
    REAL,
    Reader,
    change,
    fuzz_ingest,
    fuzz_reader,
    outcome_of,
    readers,
    scans,
    whole_file,
)
from tests.faults.kill import RESULTS

pytestmark = pytest.mark.skipif(os.name == "nt", reason="a limit of time by signals is POSIX")
INPUTS, SLOW_INPUTS, FILES = 1_500, 40, 150
SEED = 20230910


def test_every_reader_reads_or_refuses(tmp_path: Path) -> None:
    found = {}
    for reader in readers(tmp_path):
        inputs = SLOW_INPUTS if reader.name == "entry of the record" else INPUTS
        counts, wrong = fuzz_reader(reader, inputs, SEED, tmp_path)
        assert wrong == []
        assert sum(counts.values()) == inputs
        found[reader.name] = counts
    refusing = {name for name, counts in found.items() if counts["refused"]}
    assert len(refusing) > 8


def test_what_is_kept_is_read_as_it_is(tmp_path: Path) -> None:
    """Else the changes would only try how rubbish is refused."""
    for reader in readers(tmp_path):
        for seed in reader.seeds:
            reader.read(seed, tmp_path)
    assert sum(path.stat().st_size for path in CORPUS.iterdir()) < 10_000


def test_damaged_files_break_nothing_and_give_no_wrong_answer(tmp_path: Path) -> None:
    counts, wrong = fuzz_ingest(FILES, SEED, tmp_path)
    assert wrong == []
    assert counts["file refused"] > FILES / 10
    assert counts["page set aside"] > FILES / 10
    assert counts["page read"] + counts["page read, some answers in review"] > 0


def test_the_paler_rest_of_a_damaged_jpeg_is_not_read(tmp_path: Path) -> None:
    """Once found by ``--seed 1``: no decoder complains, paper below the damage is white, a pale mark is gone,
    H5 was accepted as blank beside questions whose outlines are lost."""
    small, real = scans(tmp_path)
    chance = random.Random("ingest 1")
    worker = start_worker((FORM,))
    found = []
    for number in range(2902):
        path = tmp_path / "a.jpg"
        data = real if chance.random() < REAL else chance.choice(list(small.values()))
        changed = change(data, list(small.values()), chance)
        if number in (859, 1012, 2901):
            path.write_bytes(changed)
            found += whole_file(worker, path)[1:]
    assert [outcome_of(each) for each in found] == ["page set aside"] * 3
    assert all("whiter than white" in each.detail for each in found if isinstance(each, PageNotRead))


def test_crashes_and_hangs_are_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def break_down(data: bytes, _folder: Path) -> None:
        raise ZeroDivisionError(len(data))

    def hang(_data: bytes, _folder: Path) -> None:
        while True:
            pass

    monkeypatch.setattr("tests.faults.fuzz.HANGS_S", 0.05)
    for read, words in ((break_down, "ZeroDivisionError"), (hang, "more than")):
        _counts, wrong = fuzz_reader(Reader("x", 1, (b"abc",), read), 2, SEED, tmp_path)
        assert len(wrong) == 2
        assert all(words in each for each in wrong)


def test_changes_are_the_same_for_a_seed() -> None:
    def some() -> list[bytes]:
        chance = random.Random(3)
        return [change(b"abcdefgh" * 10, [b"other"], chance) for _ in range(50)]

    assert some() == some()
    assert len(set(some())) > 45


def test_the_long_run_found_nothing_wrong() -> None:
    kept = json.loads(RESULTS.read_text(encoding="utf-8"))
    assert (kept["fuzz"]["wrong"], kept["ingest"]["wrong"]) == (0, 0)
    assert kept["fuzz"]["inputs"] >= 1_000_000
    assert kept["ingest"]["inputs"] >= INGESTED
