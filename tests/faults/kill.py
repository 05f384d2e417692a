"""Kills a scan at random moments, and lets each of its writes fail in turn; then looks at what is left.

After each: the record verifies, nothing that was acknowledged is missing, and the same scan run again gives
the very exports of a scan that nothing disturbed. The stack is ``mixed_stack``, for errors
``small_stack``; pages are told to the reader
(``stub_reader``), and every page is a commit of its own, so that most moments lie within one. Scans are
forked from a process that has everything loaded. From the command line, for the long run:

    python -m tests.faults.kill --runs 1000
    python -m tests.faults.kill --errors

Both go on where they were cut off (``results.json``). The second needs strace, which lets the kernel itself
refuse a system call: SQLite's writes go past Python.
"""

from __future__ import annotations

import argparse
import json
import mmap
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final
from unittest import mock

from ballotscan import pipeline, verify, worklist
from ballotscan.errors import BallotscanError
from ballotscan.forms.load import load_form
from ballotscan.store.csv_files import write_answers, write_pages
from ballotscan.store.database import Store, open_store
from tests.cli import stub_reader
from tests.cli.stub_reader import ONE_SIDED, TWO_SIDED, page, write_stack
from tests.cli.test_scan_stacks import BATCH, mixed_stack, scan

FORMS: Final = [TWO_SIDED, ONE_SIDED]
WRITING: Final = (
    "write",
    "pwrite64",
    "fsync",
    "fdatasync",
    "rename",
    "unlink",
    "ftruncate",
    "mkdir",
    "chmod",
)
"""The system calls by which anything comes onto the disk, or goes."""
ERRORS: Final = ("EIO", "ENOSPC")
KEPT_EVERY: Final = 20
RESULTS: Final = Path(__file__).with_name("results.json")
DONE, SAID, CRASHED, KILLED = 0, 4, 70, -signal.SIGKILL


_load_once = cache(load_form)


@dataclass(frozen=True)
class Office:
    """A stack, and what a scan of it gives that nothing disturbs."""

    inbox: Path
    exports: tuple[bytes, bytes]
    seconds: float


@contextmanager
def told_pages() -> Iterator[None]:
    """The reader that is told, in this process; a commit after every page; every file taken as written."""
    with (
        mock.patch.object(pipeline, "WorkerPool", stub_reader.PoolHere),
        mock.patch.object(worklist, "still_written", lambda path: None),
        mock.patch.object(pipeline, "COMMIT_PAGES", 1),
        mock.patch.object(pipeline, "load_form", _load_once),
        mock.patch.object(stub_reader, "load_form", _load_once),
    ):
        yield


def small_stack(folder: Path) -> Path:
    """A sheet of two sides, a lone side, a page of no form, a copy: every kind of write in few of them."""
    write_stack(folder / "a.tif", [page(1, 1, seed=1), page(1, 2, seed=2), page(1, 1, seed=3)])
    write_stack(folder / "b.png", [page(3, seed=4)])
    shutil.copy(folder / "b.png", folder / "copy.png")
    return folder


def make_office(folder: Path, make_stack: Callable[[Path], Path] = mixed_stack) -> Office:
    inbox = make_stack(folder / "in")
    scan_into(folder / "warm", inbox)
    began = time.monotonic()
    exports = scan_into(folder / "undisturbed", inbox)
    return Office(inbox, exports, time.monotonic() - began)


def scan_into(folder: Path, inbox: Path, tell: Any = None) -> tuple[bytes, bytes]:
    """Scan, or go on with it; returns the bytes of both exports."""
    with open_store(folder / "box.sqlite") as store:
        scan(store, inbox, FORMS, tell=tell)
        return exports_of(store, folder)


def exports_of(store: Store, folder: Path) -> tuple[bytes, bytes]:
    write_answers(folder / "answers.csv", store.answer_rows())
    write_pages(folder / "pages.csv", store.page_rows())
    return (folder / "answers.csv").read_bytes(), (folder / "pages.csv").read_bytes()


@contextmanager
def forked_scan(office: Office, folder: Path, *, traced: bool = False) -> Iterator[tuple[int, mmap.mmap]]:
    """A scan in a process of its own: its number, and a page of memory that counts the pages acknowledged.

    ``traced``: it waits to be woken, so that a tracer can be put on it.
    """
    folder.mkdir()
    shared = mmap.mmap(-1, mmap.PAGESIZE)
    pid = os.fork()
    if pid == 0:
        os._exit(_scan_as_child(office, folder, shared, traced))
    try:
        yield pid, shared
    finally:
        with suppress(ProcessLookupError, ChildProcessError):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def _scan_as_child(office: Office, folder: Path, shared: mmap.mmap, traced: bool) -> int:
    def tell(stage: str, done: int, _total: int) -> None:
        if stage == "read":
            shared[0:4] = done.to_bytes(4, "big")

    try:
        if traced:
            os.kill(os.getpid(), signal.SIGSTOP)
        with open_store(folder / "box.sqlite") as store:
            scan(store, office.inbox, FORMS, tell=tell)
    except BallotscanError:
        return SAID
    except BaseException:
        with suppress(OSError):
            traceback.print_exc()
        return CRASHED
    return DONE


def acknowledged(shared: mmap.mmap) -> int:
    return int.from_bytes(shared[0:4], "big")


def look_at(office: Office, folder: Path, pages: int) -> str:
    """What is wrong with what a disturbed scan left; empty where nothing is. Goes on with the scan."""
    database = folder / "box.sqlite"
    if database.exists() and database.stat().st_size:
        with open_store(database) as store:
            if not store.verify_chain().whole or store.check_projections():
                return "the record does not verify"
            stored = _pages(store)
        if stored < pages:
            return f"{pages} pages were acknowledged, {stored} are there"
        verify.verify(str(database), folder)
    elif pages:
        return f"{pages} pages were acknowledged, no database is there"
    if scan_into(folder, office.inbox) != office.exports:
        return "the exports differ from those of a scan that nothing disturbed"
    head = verify.verify(str(database), folder).head
    scan_into(folder, office.inbox)
    return "" if verify.verify(str(database), folder).head == head else "another scan added something"


def _pages(store: Store) -> int:
    """Pages that came of reading: neither repeats nor files that could not be opened."""
    if BATCH not in {batch.name for batch in store.batches()}:
        return 0
    states = Counter(row.state for row in store.page_rows())
    refused = sum(1 for ref in store.page_keys(BATCH, 1) if ref.page == 0)
    return sum(states.values()) - states["repeat"] - refused


# --- kill -9 ------------------------------------------------------------------------------------------------


def kill_at(office: Office, folder: Path, delay_s: float, end: int = signal.SIGKILL) -> tuple[int, int, str]:
    """End a scan after so long: exit code, pages acknowledged before, and what is wrong afterwards."""
    with forked_scan(office, folder) as (pid, shared):
        time.sleep(delay_s)
        os.kill(pid, end)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return code, acknowledged(shared), look_at(office, folder, acknowledged(shared))


def kills(office: Office, runs: range, seed: int, scratch: Path) -> Iterator[tuple[int, int, str]]:
    """Kills by their numbers: the moment of each is its share of a scan, drawn from seed and number."""
    for number in runs:
        folder = scratch / f"kill-{number}"
        share = random.Random(f"{seed} {number}").uniform(0, 1.05)
        yield kill_at(office, folder, office.seconds * share)
        shutil.rmtree(folder)


# --- every write, fsync and rename ------------------------------------------------------------------------


def has_strace() -> bool:
    """Whether a process may be traced here, with calls refused."""
    if shutil.which("strace") is None:
        return False
    command = ["strace", "-qq", "-o", os.devnull, "-e", "inject=getppid:error=EIO", "true"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def count_calls(office: Office, folder: Path) -> Counter[str]:
    """How often a scan that nothing disturbs makes each of the calls."""
    log = folder.with_suffix(".log")
    with _traced(office, folder, ["-o", str(log), "-e", f"trace={','.join(WRITING)}"]) as (code, _shared):
        if code != DONE:
            raise RuntimeError(f"a scan that nothing disturbs ended with {code}")
    text = log.read_text(encoding="utf-8", errors="replace")
    return Counter(re.findall(r"^\d+ +(\w+)\(", text, re.MULTILINE))


@contextmanager
def _traced(office: Office, folder: Path, options: list[str]) -> Iterator[tuple[int, mmap.mmap]]:
    with forked_scan(office, folder, traced=True) as (pid, shared):
        os.waitpid(pid, os.WUNTRACED)
        tracer = subprocess.Popen(["strace", "-qq", "-f", "-p", str(pid), *options], stderr=subprocess.PIPE)
        while not _tracer_of(pid):
            time.sleep(0.002)
        os.kill(pid, signal.SIGCONT)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        tracer.wait(30)
        yield code, shared


def _tracer_of(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    found = re.search(r"^TracerPid:\s*(\d+)", status, re.MULTILINE)
    return int(found[1]) if found else 0


def fail_at(
    office: Office, folder: Path, call: str, error: str, when: int, *, for_good: bool
) -> tuple[int, str]:
    """Let the n-th of these calls fail (and all after it); the exit code, and what is wrong afterwards."""
    inject = f"inject={call}:error={error}:when={when}{'+' if for_good else ''}"
    log = folder.with_suffix(".log")
    with _traced(office, folder, ["-o", str(log), "-e", f"trace={call}", "-e", inject]) as (code, shared):
        pass
    if code not in (DONE, SAID):
        return code, f"exit code {code}"
    return code, look_at(office, folder, acknowledged(shared))


def errors(
    office: Office, scratch: Path, calls: Counter[str], failed: Counter[str]
) -> Iterator[tuple[str, int, str]]:
    """Every call of every kind but those that have failed already: its kind, the exit code, what is wrong.

    It fails once or with all after it, by one error or the other, by turns.
    """
    for call in WRITING:
        for when in range(failed[call] + 1, calls[call] + 1):
            folder = scratch / f"{call}-{when}"
            for_good = when // 2 % 2 == 0
            yield (call, *fail_at(office, folder, call, ERRORS[when % 2], when, for_good=for_good))
            shutil.rmtree(folder)


# --- the long run -------------------------------------------------------------------------------------------


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--runs", type=int, default=0, help="kills at random moments")
    parser.add_argument("--errors", action="store_true", help="an error at every write, fsync and rename")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    memory = Path("/dev/shm")  # neither a kill nor a refused call needs a disk, and a disk is shared
    scratch = Path(tempfile.mkdtemp(prefix="ballotscan-kill-", dir=memory if memory.is_dir() else None))
    wrong = 0
    try:
        with told_pages():
            office = make_office(scratch / "office")
            if given.runs:
                wrong += _keep_each("kills", _count_kills(office, given.runs, given.seed, scratch))
            if given.errors:
                small = make_office(scratch / "small", small_stack)
                wrong += _keep_each("errors", _count_errors(small, scratch))
    finally:
        shutil.rmtree(scratch)
    return 1 if wrong else 0


def _keep_each(name: str, results: Iterator[dict[str, Any]]) -> int:
    """Keep what is known from time to time, as a long run may be cut off; returns how many were wrong."""
    wrong = 0
    for number, result in enumerate(results, start=1):
        wrong = result["wrong"]
        if number % KEPT_EVERY == 0 or result["done"]:
            keep(name, {key: value for key, value in result.items() if key != "done"})
    return wrong


def _count_kills(office: Office, runs: int, seed: int, scratch: Path) -> Iterator[dict[str, Any]]:
    counts, done = _kept_kills(seed)
    for number, (code, pages, wrong) in enumerate(
        kills(office, range(done, runs), seed, scratch), start=done + 1
    ):
        counts["killed in the middle" if code == KILLED else "ended before"] += 1
        counts["with pages acknowledged"] += code == KILLED and pages > 0
        counts["wrong"] += bool(wrong)
        if wrong:
            sys.stdout.write(f"WRONG: {wrong}\n")
        yield {"runs": number, "of": runs, "seed": seed, **counts, "done": number == runs}


def _kept_kills(seed: int, path: Path = RESULTS) -> tuple[Counter[str], int]:
    """What the runs of this seed that were kept came to, and how many they were."""
    kept = json.loads(path.read_text(encoding="utf-8"))["kills"] if path.exists() else {}
    if kept.get("seed") != seed:
        return Counter(), 0
    counted = {name: count for name, count in kept.items() if name not in ("runs", "of", "seed")}
    return Counter(counted), kept["runs"]


def _count_errors(office: Office, scratch: Path) -> Iterator[dict[str, Any]]:
    """Goes on where it was cut off. ``calls`` are those of a scan, ``failed`` how many were made to fail."""
    kept = json.loads(RESULTS.read_text(encoding="utf-8")).get("errors", {})
    calls = Counter(kept.get("calls") or count_calls(office, scratch / "counted"))
    failed, ends, wrong = Counter(kept.get("failed")), Counter(kept.get("ends")), kept.get("wrong", 0)
    for call, code, fault in errors(office, scratch, calls, failed):
        failed[call] += 1
        ends[f"{call}: {'stopped with one line' if code == SAID else 'went on'}"] += 1
        wrong += bool(fault)
        if fault:
            sys.stdout.write(f"WRONG: {call} {failed[call]}: {fault}\n")
        result = {"calls": dict(calls), "failed": dict(failed), "ends": dict(ends), "wrong": wrong}
        yield result | {"done": failed == calls}


def keep(name: str, result: dict[str, Any], path: Path = RESULTS) -> int:
    """Print a result, and put it into the file of results; returns how many were wrong."""
    sys.stdout.write(f"{name}: {json.dumps(result)}\n")
    sys.stdout.flush()
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    known[name] = result
    path.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return int(result["wrong"])


if __name__ == "__main__":
    sys.exit(main())
