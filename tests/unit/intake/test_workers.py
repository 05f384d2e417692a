"""The pool of workers: order, deaths, hangs, hunger, bugs, and a clean end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ballotscan.errors import UsageError
from ballotscan.intake import workers as pool
from ballotscan.intake.workers import Limits, RemoteTracebackError, WorkerFault, WorkerPool, run_tasks
from ballotscan.model import Reason

POSIX = pytest.mark.skipif(os.name != "posix", reason="needs signals and rlimits")
QUICK = Limits(wall_s=20, memory_mb=600, cpu_s=20)


def start(offset: int) -> dict[str, int]:
    return {"offset": offset, "pid": os.getpid()}


def add(state: dict[str, int], task: int) -> int:
    time.sleep(0.02 * (task % 3))  # so that results are finished out of order
    return state["offset"] + task


def misbehave(state: dict[str, int], task: str) -> str | int:
    if task == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    elif task == "exit":
        os._exit(7)
    elif task == "hang":
        time.sleep(600)
    elif task == "spin":
        while True:
            pass
    elif task == "eat":
        return len(bytearray(50_000_000_000))
    elif task == "hang with a child":
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        Path(os.environ["BALLOTSCAN_TEST_PID"]).write_text(str(child.pid), encoding="ascii")
        time.sleep(600)
    elif task == "leave":
        (Path(tempfile.gettempdir()) / "ballot.png").touch()
        return tempfile.gettempdir()
    return state["pid"] if task == "pid" else task


def die_once(folder: Path, task: str) -> str:
    if task == "unlucky" and not (folder / "died").exists():
        (folder / "died").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return task


def note_and_die(folder: Path, task: int) -> int:
    """The marked task dies whenever another runs beside it; alone it lives."""
    (folder / f"running{task}").touch()
    time.sleep(0.2)
    if task == 0 and len(list(folder.glob("running*"))) > 1:
        os._exit(1)
    (folder / f"running{task}").unlink()
    return task


def same(folder: Path) -> Path:
    return folder


def break_down(_state: object, task: int) -> int:
    return 1 // task


def refuse(_state: object, _task: int) -> int:
    raise UsageError("x.pdf: no.", "Do this.")


def fail_to_start(_reason: str) -> None:
    raise UsageError("The form cannot be loaded.")


def die_at_start(_reason: str) -> None:
    os._exit(3)


def threads(_state: object, _task: int) -> tuple[str | None, str | None, bool]:
    return os.environ.get("OMP_NUM_THREADS"), os.environ.get("OPENBLAS_NUM_THREADS"), "numpy" in sys.modules


def outcomes(
    function: Callable[..., Any], tasks: list[str], limits: Limits = QUICK, workers: int = 2
) -> list[Any]:
    return list(run_tasks(tasks, start, (0,), function, workers, limits))


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The workers' scratch folder, which is kept when they are gone."""
    monkeypatch.setattr(pool.tempfile, "mkdtemp", lambda prefix: str(tmp_path))
    monkeypatch.setattr(pool.shutil, "rmtree", lambda path, ignore_errors: None)
    return tmp_path


@pytest.mark.parametrize("workers", [1, 3])
def test_results_come_in_the_order_of_the_tasks(workers: int) -> None:
    results = list(run_tasks(range(30), start, (100,), add, workers, QUICK))
    assert results == [(task, 100 + task) for task in range(30)]


def test_no_tasks_give_no_results() -> None:
    assert outcomes(misbehave, []) == []


def test_tasks_are_drawn_lazily() -> None:
    drawn = []

    def tasks() -> Iterator[int]:
        for number in range(1000):
            drawn.append(number)
            yield number

    results = run_tasks(tasks(), start, (0,), add, 2, QUICK)
    for _ in range(5):
        next(results)
    assert len(drawn) < 25
    results.close()  # type: ignore[attr-defined]


@POSIX
@pytest.mark.parametrize(
    ("task", "reason", "words"),
    [
        ("die", Reason.RESOURCE_LIMIT, "SIGKILL"),
        ("exit", Reason.RESOURCE_LIMIT, "exit code 7"),
        ("eat", Reason.RESOURCE_LIMIT, "memory"),
        ("hang", Reason.TIME_LIMIT, "more than 1 s"),
        ("spin", Reason.TIME_LIMIT, "computing time"),
    ],
)
def test_a_task_that_costs_its_worker_comes_back_as_a_fault(task: str, reason: Reason, words: str) -> None:
    limits = Limits(wall_s=1 if task == "hang" else 30, memory_mb=600, cpu_s=1)
    results = outcomes(misbehave, ["a", task, "b", "c", "d"], limits)
    assert [given for given, _ in results] == ["a", task, "b", "c", "d"]
    fault = results[1][1]
    assert isinstance(fault, WorkerFault)
    assert fault.reason is reason
    assert words in fault.detail
    assert [result for _, result in results[:1] + results[2:]] == ["a", "b", "c", "d"]


@POSIX
def test_a_task_whose_worker_was_killed_from_outside_is_tried_again(scratch: Path) -> None:
    results = list(run_tasks(["a", "unlucky", "b"], same, (scratch,), die_once, 2, QUICK))
    assert results == [("a", "a"), ("unlucky", "unlucky"), ("b", "b")]


@POSIX
def test_the_second_try_is_made_alone(scratch: Path) -> None:
    results = list(run_tasks(range(6), same, (scratch,), note_and_die, 2, QUICK))
    assert [result for _, result in results[1:]] == [1, 2, 3, 4, 5]
    died_alone = [path.name for path in scratch.glob("running*")]
    assert results[0][1] == 0 or died_alone == ["running0"]


@POSIX
def test_a_hung_worker_takes_its_child_program_with_it(
    scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    note = scratch / "pid"
    monkeypatch.setenv("BALLOTSCAN_TEST_PID", str(note))
    outcomes(misbehave, ["hang with a child"], Limits(wall_s=2, memory_mb=600, cpu_s=20), workers=1)
    assert not is_alive(int(note.read_text(encoding="ascii")))


def test_a_bug_is_raised_with_the_traceback_of_the_worker() -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        list(run_tasks([3, 2, 0, 1], start, (0,), break_down, 2, QUICK))
    assert isinstance(caught.value.__cause__, RemoteTracebackError)
    assert "in break_down" in str(caught.value.__cause__)


def test_an_error_for_the_user_keeps_its_words_and_its_remedy() -> None:
    with pytest.raises(UsageError) as caught:
        list(run_tasks([1], start, (0,), refuse, 1, QUICK))
    assert (caught.value.message, caught.value.remedy) == ("x.pdf: no.", "Do this.")


def test_an_error_at_the_start_is_raised() -> None:
    with pytest.raises(UsageError, match="The form cannot be loaded"):
        list(run_tasks([1], fail_to_start, ("",), add, 2, QUICK))


def test_workers_that_never_start_end_in_one_clear_error() -> None:
    with pytest.raises(Exception, match="cannot be started: the reader ended with exit code 3"):
        list(run_tasks([1], die_at_start, ("",), add, 2, QUICK))


def test_workers_are_single_threaded_before_numpy_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    ((_, found),) = run_tasks([1], start, (0,), threads, 1, QUICK)
    assert found[:2] == ("1", "1")
    assert "OMP_NUM_THREADS" not in os.environ


@POSIX
def test_leaving_the_loop_ends_the_workers() -> None:
    results = run_tasks(["pid", "pid", "hang", "hang"], start, (0,), misbehave, 2, QUICK)
    pids = {pid for _, pid in (next(results), next(results))}
    results.close()  # type: ignore[attr-defined]
    assert not any(is_alive(pid) for pid in pids)


@POSIX
def test_ctrl_c_goes_on_to_the_caller_and_leaves_no_worker_behind(tmp_path: Path) -> None:
    script = tmp_path / "program.py"
    script.write_text(CONSOLE_SCRIPT.format(tests=str(Path(__file__).parent)), encoding="utf-8")
    program = subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert program.stdout
    pids = [int(program.stdout.readline()) for _ in range(2)]
    os.killpg(program.pid, signal.SIGINT)  # what a terminal does: to the whole foreground group
    _, errors = program.communicate(timeout=30)
    assert program.returncode == 130, errors
    assert "Traceback" not in errors
    assert not any(is_alive(pid) for pid in pids)


@POSIX
def test_kill_9_of_the_program_leaves_no_idle_worker_and_no_picture_behind(tmp_path: Path) -> None:
    script = tmp_path / "program.py"
    stays = CONSOLE_SCRIPT.replace("flush=True)", "flush=True); time.sleep(300 if task == 'leave' else 0)")
    program_text = stays.format(tests=str(Path(__file__).parent)).replace("'hang'", "'leave'")
    script.write_text(program_text, encoding="utf-8")
    program = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
    assert program.stdout
    pids = [int(program.stdout.readline()) for _ in range(2)]
    left = Path(program.stdout.readline().strip())
    assert [path.name for path in left.iterdir()] == ["ballot.png"]
    program.kill()
    program.wait()
    end = time.monotonic() + 20
    while any(is_alive(pid) for pid in pids) and time.monotonic() < end:
        time.sleep(0.05)
    assert not any(is_alive(pid) for pid in pids)
    assert list(left.iterdir()) == []
    left.rmdir()


def secrets(_state: object, _task: int) -> list[str]:
    """What a worker's own environment, as the system shows it, holds of these."""
    environment = Path("/proc/self/environ").read_bytes().decode()
    return [word for word in ("hunter2", "open sesame") if word in environment + str(dict(os.environ))]


@POSIX
def test_a_worker_is_told_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever takes a reader over by a malicious file finds neither the server's password nor a key's."""
    monkeypatch.setenv("PGPASSWORD", "hunter2")
    monkeypatch.setenv("BALLOTSCAN_DB", "postgresql://clerk:hunter2@server/ballots")
    monkeypatch.setenv("BALLOTSCAN_AUDITOR_PASSPHRASE", "open sesame")
    assert [found for _task, found in run_tasks([1], start, (0,), secrets, 1, QUICK)] == [[]]
    assert os.environ["PGPASSWORD"] == "hunter2"


CONSOLE_SCRIPT = """
import sys, time
sys.path.insert(0, {tests!r})
from ballotscan.intake.workers import Limits, run_tasks
from test_workers import misbehave, start

def main():
    try:
        tasks = ["pid", "pid", 'hang', 'hang']
        for task, result in run_tasks(tasks, start, (0,), misbehave, 2, Limits(wall_s=300)):
            print(result, flush=True)
        time.sleep(300)
    except KeyboardInterrupt:
        return 130

if __name__ == "__main__":
    sys.exit(main())
"""


def is_alive(pid: int) -> bool:
    """Whether the process runs; a zombie that nobody has collected yet does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not status.exists() or status.read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"


@POSIX
def test_tasks_that_waited_behind_a_fatal_one_are_done_by_others() -> None:
    found = [result for _task, result in outcomes(misbehave, ["a", "die", "b", "c", "d"], workers=1)]
    assert isinstance(found.pop(1), WorkerFault)
    assert found == ["a", "b", "c", "d"]


def test_one_pool_does_one_list_after_the_other() -> None:
    with WorkerPool(start, (100,), misbehave, 1, QUICK) as pool:
        pool.start()
        pids = {found for _task, found in (*pool.run(["pid", "pid"]), *pool.run(["pid"]))}
        assert list(pool.run([])) == []
    assert len(pids) == 1
