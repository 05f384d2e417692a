"""Cases 40 and 59 with real ends, and an error at some of the writes; the long form is ``kill.py``."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.kill import (
    CRASHED,
    DONE,
    KILLED,
    RESULTS,
    SAID,
    WRITING,
    Office,
    count_calls,
    fail_at,
    has_strace,
    kill_at,
    kills,
    look_at,
    make_office,
    scan_into,
    told_pages,
)

pytestmark = pytest.mark.skipif(os.name == "nt", reason="fork and kill -9 are POSIX")
RUNS = 15
"""Each takes half a second of computing; ``python -m tests.faults.kill --runs 1000`` makes more."""


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with told_pages():
        yield make_office(tmp_path_factory.mktemp("office"))


def test_case_40_kill_9_at_random_moments(undisturbed: Office, tmp_path: Path) -> None:
    found = list(kills(undisturbed, range(RUNS), 7, tmp_path))
    assert [wrong for _code, _pages, wrong in found if wrong] == []
    assert sum(code == KILLED for code, _pages, _wrong in found) > RUNS / 2


def test_case_59_ctrl_c(undisturbed: Office, tmp_path: Path) -> None:
    """What the shell makes of it, exit code 130 and one line, is in ``cli/test_shell.py``."""
    code, _pages, wrong = kill_at(undisturbed, tmp_path / "a", undisturbed.seconds / 2, signal.SIGINT)
    assert wrong == ""
    assert code in (DONE, CRASHED)  # KeyboardInterrupt comes through to the caller


@pytest.mark.skipif(not has_strace(), reason="strace is not installed, or may not be used")
def test_case_42_43_an_error_at_a_write_a_sync_a_rename(undisturbed: Office, tmp_path: Path) -> None:
    counts = count_calls(undisturbed, tmp_path / "counted")
    assert all(counts[call] for call in ("write", "pwrite64", "fsync", "fdatasync", "rename", "unlink")), (
        counts
    )
    codes = set()
    for number, call in enumerate(call for call in WRITING if counts[call]):
        when, error = 1 + counts[call] * 2 // 3, ("EIO", "ENOSPC")[number % 2]
        code, wrong = fail_at(undisturbed, tmp_path / call, call, error, when, for_good=number % 2 == 0)
        assert wrong == "", (call, when, error)
        codes.add(code)
    assert SAID in codes


def test_what_is_lost_or_doubled_is_seen(undisturbed: Office, tmp_path: Path) -> None:
    """The check itself: a page that was acknowledged and is not there, and other answers."""
    assert "were acknowledged" in look_at(undisturbed, tmp_path / "none", 1)
    scan_into(tmp_path / "whole", undisturbed.inbox)
    assert "1000 pages were acknowledged" in look_at(undisturbed, tmp_path / "whole", 1000)
    other = Office(undisturbed.inbox, (b"", b""), 1.0)
    assert "differ" in look_at(other, tmp_path / "whole", 0)


def test_the_long_runs_lost_and_doubled_nothing() -> None:
    kept = json.loads(RESULTS.read_text(encoding="utf-8"))
    assert kept["kills"]["wrong"] == kept["errors"]["wrong"] == 0
    assert kept["kills"]["runs"] >= 1_000
    assert kept["kills"]["killed in the middle"] > 500
    errors = kept["errors"]  # the run is not at its end yet, see README
    assert sum(errors["failed"].values()) >= 500
    assert all(errors["failed"][call] <= errors["calls"][call] for call in errors["failed"])
    assert sum(errors["calls"].values()) > 500
