"""One byte wrong anywhere in the record is found. The long form: ``python -m tests.faults.mutate``."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from tests.faults.mutate import RESULTS, SHARES, closed_office, contents, cut_and_put_back, found, mutate

FLIPS = 200
SEED = 20230314


def test_every_flip_that_changes_the_record_is_found(tmp_path: Path) -> None:
    whole = closed_office(tmp_path)
    assert not found(whole)
    before = contents(whole.office.database)
    results = list(mutate(whole, FLIPS, SEED))
    assert [flip for flip, differs, seen in results if differs and not seen] == []
    assert sum(differs for _flip, differs, _seen in results) > FLIPS / 4  # the flips do hit the record
    assert set(Counter(flip.where for flip, _differs, _seen in results)) == {*SHARES, "database"}
    assert contents(whole.office.database) == before
    assert not found(whole)


def test_a_cut_record_and_an_older_one_are_found_given_the_head(tmp_path: Path) -> None:
    whole = closed_office(tmp_path)
    results = list(cut_and_put_back(whole))
    assert len(results) > 20
    assert [name for name, seen in results if not seen] == []
    assert not found(whole)


def test_the_long_run_that_is_kept_found_all() -> None:
    """``mutations.json`` is what the documents quote; the long run itself takes some minutes."""
    kept = json.loads(RESULTS.read_text(encoding="utf-8"))
    of_flips = [kept[where] for where in (*SHARES, "database")]
    assert sum(each["flips"] for each in of_flips) == kept["flips"] >= 10_000
    assert all(each["found"] == each["changed"] > 0 for each in of_flips)
    assert kept["cut or put back"]["found"] == kept["cut or put back"]["tried"]
