"""The small run of the bench against the committed record: no new silent error, no more work for people.

``python -m tests.accuracy.bench --short --record`` renews the record; read it before committing it.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from tests.accuracy.bench import SHORT_SERIES, full_jobs, load_results, run_short, sum_shards
from tests.accuracy.rows import ROWS, SEEDS_FROM, SEEDS_PER_ROW, SEEDS_PER_SERIES, seed_of
from tests.accuracy.table import reliability
from tests.accuracy.tally import Tally, from_json, total

MARGIN = 0.05
"""Ordinary answers more in review than on record: of few sheets, where one odd writer weighs 1 to 4 %."""

LEAST_MARGIN = 2


@cache
def _short(name: str) -> dict[str, Tally]:
    return {template: tally for row, template, tally in run_short(name) if row.name == name}


def _recorded(name: str, template: str) -> Tally:
    rows: dict[str, Any] = load_results()["short"]["rows"]
    return from_json(rows[name][template])


def _errors(tally: Tally) -> set[tuple[str, str]]:
    return {(case["sheet"], case["question"]) for case in tally.silent_cases}


@pytest.mark.parametrize("name", [row.name for row in ROWS])
def test_row(name: str) -> None:
    for template, tally in _short(name).items():
        before = _recorded(name, template)
        assert _errors(tally) <= _errors(before)
        assert tally.not_flagged <= before.not_flagged
        margin = max(LEAST_MARGIN, round(MARGIN * tally.ordinary))
        assert tally.ordinary_review + tally.ordinary_refused <= (
            before.ordinary_review + before.ordinary_refused + margin
        )


def test_no_seed_serves_twice() -> None:
    """Neither among rows nor between series; the last row of the last template ends within its series."""
    firsts = [seed_of(row, template, 0, SHORT_SERIES) for row in ROWS for template in row.full]
    assert sorted(set(firsts)) == firsts
    assert firsts[0] == SEEDS_FROM
    assert firsts[-1] + SEEDS_PER_ROW <= SEEDS_FROM + SEEDS_PER_SERIES
    assert max(max(row.full.values()) for row in ROWS) * 3 < SEEDS_PER_ROW


@pytest.mark.parametrize("part", [0.1, 0.37, 0.9])
def test_a_run_that_is_stopped_has_advanced_all_rows_alike(part: float) -> None:
    """Up to one shard of each; and all shards together are every sheet once."""
    jobs = full_jobs("")
    stopped = round(part * len(jobs))
    reached = jobs[stopped].first / ROWS[jobs[stopped].row].full[jobs[stopped].template]
    for number, row in enumerate(ROWS):
        for template, sheets in row.full.items():
            of_row = [job for job in jobs if (job.row, job.template) == (number, template)]
            assert sum(job.sheets for job in of_row) == sheets
            done = sum(job.sheets for job in jobs[:stopped] if (job.row, job.template) == (number, template))
            assert abs(done / sheets - reached) <= of_row[0].sheets / sheets


def test_sums_are_sums() -> None:
    one = Tally(sheets=1, positions=135, silent=1, wrong_positions=2, confidence={"asked 0.9000": [3, 2]})
    other = Tally(
        sheets=2,
        positions=270,
        reasons={"faint": 4},
        confidence={"asked 0.9000": [1, 1], "accepted 0.9900": [5, 5]},
    )
    both = total([one, other])
    assert (both.sheets, both.positions, both.silent, both.reasons) == (3, 405, 1, {"faint": 4})
    assert both.confidence == {"asked 0.9000": [4, 3], "accepted 0.9900": [5, 5]}
    assert both.upper_95 == pytest.approx(6.3 / 405, rel=0.02)
    assert from_json(both.as_json()) == both
    assert "| 0.9 to 0.95 | 0 | - | 4 | 75.00 % |" in list(reliability([both]))


def test_unfinished_long_runs_are_no_error() -> None:
    assert isinstance(sum_shards(), dict)
