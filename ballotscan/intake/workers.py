"""A small pool of worker processes for hostile input: what dies, hangs or eats memory takes one task with it.

Python's own pools either wait for ever or give up altogether when a worker is killed by the system; this one
kills, replaces, tries the task once more alone, and then hands it back as a ``WorkerFault``. Workers are
walled in once they have started (``intake.sandbox``), and what comes back from one can run no code here.
"""

from __future__ import annotations

import multiprocessing
import os
import re
import shutil
import signal
import tempfile
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Generic, Self, TypeVar

from ballotscan.errors import BallotscanError
from ballotscan.i18n import gettext as _
from ballotscan.intake.serving import Limits, serve, unpacked
from ballotscan.model import Reason

State = TypeVar("State")
Task = TypeVar("Task")
Result = TypeVar("Result")

__all__ = ["Limits", "RemoteTracebackError", "WorkerFault", "WorkerPool", "run_tasks"]

_USUAL: Final = Limits()
_AHEAD: Final = 8  # tasks per worker, from the oldest unfinished one: busy workers, flat memory
_AT_HAND: Final = 3  # tasks a worker holds, so that it goes on while the parent commits (20 to 80 ms)
_START_LIMIT_S: Final = 120.0  # importing and building references takes 2 to 10 s on a slow machine
_FAILED_STARTS: Final = 3  # in a row: then it is no accident
_STOP_WAIT_S: Final = 2.0
_MAX_ANSWER_BYTES: Final = 64_000_000  # a page's evidence is 10 kB
_SECRET: Final = re.compile(r"PG(PASSWORD|PASSFILE|SERVICE.*)|BALLOTSCAN_(DB|.*PASSWORD|.*PASSPHRASE)")
"""What opens the record or signs for a person: no reader of other people's files needs it."""
_SINGLE_THREADED: Final = (
    dict.fromkeys(  # a process per core already: threads inside would fight for the cores
        (
            "OMP_NUM_THREADS",
            "OMP_THREAD_LIMIT",
            "OPENBLAS_NUM_THREADS",
            "MKL_NUM_THREADS",
            "NUMEXPR_NUM_THREADS",
            "VECLIB_MAXIMUM_THREADS",
        ),
        "1",
    )
)


@dataclass(frozen=True, slots=True)
class WorkerFault:
    """A task that cost a worker its life twice. ``reason`` is TIME_LIMIT or RESOURCE_LIMIT."""

    reason: Reason
    detail: str


class RemoteTracebackError(Exception):
    """The traceback of an exception in a worker; stands as the cause of the exception itself."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}" if self.args else ""


@dataclass
class _Worker(Generic[Task]):
    process: BaseProcess
    pipe: Connection
    deadline_s: float  # on the monotonic clock
    ready: bool = False
    jobs: deque[_Job[Task]] = field(default_factory=deque)  # the first is being done, the others wait for it

    def send(self, job: _Job[Task], wall_s: float) -> None:
        self.jobs.append(job)
        if len(self.jobs) == 1:
            self.deadline_s = time.monotonic() + wall_s
        with suppress(OSError):  # a worker that is dead already is found by its pipe
            self.pipe.send(job.task)

    def finish(self, wall_s: float) -> _Job[Task]:
        """The task that was done; the time of the next begins."""
        self.deadline_s = time.monotonic() + wall_s
        return self.jobs.popleft()

    def kill(self) -> None:
        """End the worker and whatever it started, at once. Killing the dead does no harm."""
        _kill_group(self.process)
        self.process.join(_STOP_WAIT_S)
        self.pipe.close()


@dataclass(slots=True)
class _Job(Generic[Task]):
    number: int
    task: Task
    fault: WorkerFault | None = None  # of the first try


def run_tasks(
    tasks: Iterable[Task],
    initialise: Callable[..., State],
    initialise_args: tuple[Any, ...],
    function: Callable[[State, Task], Result],
    workers: int,
    limits: Limits = _USUAL,
) -> Generator[tuple[Task, Result | WorkerFault], None, None]:
    """One list of tasks, done by workers of its own: see ``WorkerPool``. Closing the iterator ends them."""
    with WorkerPool(initialise, initialise_args, function, workers, limits) as pool:
        yield from pool.run(tasks)


@dataclass
class WorkerPool(Generic[State, Task, Result]):
    """Worker processes that do ``function(state, task)``; use in ``with``, which ends them all.

    ``state`` is what ``initialise(*initialise_args)`` returned in that worker. Both functions must be found
    by their module's name, tasks and results must pickle and be small.
    """

    initialise: Callable[..., State]
    initialise_args: tuple[Any, ...]
    function: Callable[[State, Task], Result]
    size: int
    limits: Limits = _USUAL
    crew: list[_Worker[Task]] = field(default_factory=list)
    queue: deque[_Job[Task]] = field(default_factory=deque)
    retries: deque[_Job[Task]] = field(default_factory=deque)
    done: dict[int, tuple[Task, Result | WorkerFault]] = field(default_factory=dict)
    drawn: int = 0
    exhausted: bool = False
    failed_starts: int = 0
    scratch: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="ballotscan-")))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def start(self) -> None:
        """Start all workers now, so that they are ready when their first task comes. Not needed."""
        while len(self.crew) < self.size:
            self.crew.append(self._start())

    def run(self, tasks: Iterable[Task]) -> Iterator[tuple[Task, Result | WorkerFault]]:
        """Do every task; results come in the tasks' order. One run after the other, each to its end.

        Tasks are drawn lazily: never many more than there are workers. An exception in either function is
        raised here, with the worker's traceback as its cause; MemoryError and a worker's death count against
        the task.
        """
        given = self.drawn = 0
        self.exhausted = False
        left = iter(tasks)
        while True:
            while given in self.done:
                yield self.done.pop(given)
                given += 1
            self._hand_out(left, given)
            if self.exhausted and given == self.drawn:
                return
            if given not in self.done:
                self._collect()

    # --- handing out ----------------------------------------------------------------------------------------

    def _hand_out(self, tasks: Iterator[Task], given: int) -> None:
        """Give work to idle workers. A task that is tried again is tried while no other runs."""
        busy = [worker for worker in self.crew if worker.jobs]
        if any(job.fault for worker in busy for job in worker.jobs) or (self.retries and busy):
            return
        if not self.retries:
            self._draw(tasks, given + self.size * _AHEAD)
        queue = self.retries or self.queue
        while len(self.crew) < min(self.size, len(busy) + len(queue)):
            self.crew.append(self._start())
        for held in range(_AT_HAND):  # the idle first
            for worker in self.crew:
                if queue and worker.ready and len(worker.jobs) == held:
                    worker.send(queue.popleft(), self.limits.wall_s)
                    if queue is self.retries:
                        return

    def _draw(self, tasks: Iterator[Task], up_to: int) -> None:
        """Draw tasks for every worker, but none so far ahead that finished results would pile up."""
        while len(self.queue) < self.size * _AT_HAND and self.drawn < up_to and not self.exhausted:
            try:
                self.queue.append(_Job(self.drawn, next(tasks)))
                self.drawn += 1
            except StopIteration:
                self.exhausted = True

    def _start(self) -> _Worker[Task]:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(
            target=serve,
            args=(theirs, self.initialise, self.initialise_args, self.function, self.limits, self.scratch),
            name="ballotscan-worker",
            daemon=True,  # ended with the parent, should the iterator never be closed
        )
        with _environment(_SINGLE_THREADED), _interrupts_held_back():
            process.start()
        theirs.close()
        return _Worker(process, ours, time.monotonic() + _START_LIMIT_S)

    # --- collecting -----------------------------------------------------------------------------------------

    def _collect(self) -> None:
        """Wait for the next answer, death or deadline, and deal with all that came."""
        waiting = [worker for worker in self.crew if worker.jobs or not worker.ready]
        nearest_s = min(worker.deadline_s for worker in waiting) - time.monotonic()
        came = set(wait([worker.pipe for worker in waiting], max(0.0, nearest_s)))
        for worker in waiting:
            if worker.pipe in came:
                self._hear(worker)
            elif time.monotonic() > worker.deadline_s and not worker.pipe.poll():
                self._bury(
                    worker, WorkerFault(Reason.TIME_LIMIT, f"it took more than {self.limits.wall_s:g} s")
                )

    def _hear(self, worker: _Worker[Task]) -> None:
        try:
            received = worker.pipe.recv_bytes(_MAX_ANSWER_BYTES)
        except (EOFError, OSError):
            worker.kill()
            self._bury(worker, _fault_of_exit(worker.process.exitcode, self.limits))
            return
        try:
            kind, value = unpacked(received)
        except Exception as fault:  # whatever a worker sends that has been taken over
            self._bury(worker, WorkerFault(Reason.RESOURCE_LIMIT, f"the reader answered with {fault}"))
            return
        if kind == "error":
            error, text = value
            raise error from RemoteTracebackError(text)
        if kind == "memory":  # it may hold on to much of it, so it is replaced
            self._bury(worker, WorkerFault(Reason.RESOURCE_LIMIT, value))
        elif kind == "ready":
            worker.ready = True
            self.failed_starts = 0
        elif worker.jobs:
            job = worker.finish(self.limits.wall_s)
            self.done[job.number] = (job.task, value)

    def _bury(self, worker: _Worker[Task], fault: WorkerFault) -> None:
        """Take a worker out; its task is tried once more, alone, or comes back as a fault. Those that waited
        behind it are given to others."""
        worker.kill()
        self.crew.remove(worker)
        if not worker.jobs:
            self._count_failed_start(fault)
            return
        job = worker.jobs.popleft()
        self.queue.extendleft(reversed(worker.jobs))
        if job.fault is None:
            job.fault = fault
            self.retries.append(job)
        else:
            self.done[job.number] = (job.task, fault)

    def _count_failed_start(self, fault: WorkerFault) -> None:
        self.failed_starts += 1
        if self.failed_starts >= _FAILED_STARTS:
            raise BallotscanError(
                _("The reading processes cannot be started: {detail}.").format(detail=fault.detail),
                _("Close other programs, or use fewer of them with --workers 1."),
            )

    def _stop(self) -> None:
        """End all workers: the idle ones leave by themselves, those at work are killed."""
        for worker in self.crew:
            if worker.ready and not worker.jobs:
                worker.pipe.close()
        for worker in self.crew:
            if worker.pipe.closed:
                worker.process.join(_STOP_WAIT_S)
            _kill_group(worker.process)
            worker.process.join(_STOP_WAIT_S)
            worker.pipe.close()
        self.crew.clear()
        shutil.rmtree(self.scratch, ignore_errors=True)


def _fault_of_exit(exit_code: int | None, limits: Limits) -> WorkerFault:
    """What a death without a word means. A negative exit code is a signal (POSIX)."""
    if hasattr(signal, "SIGXCPU") and exit_code == -signal.SIGXCPU:
        return WorkerFault(Reason.TIME_LIMIT, f"it used more than {limits.cpu_s} s of computing time")
    if exit_code is not None and exit_code < 0:
        with suppress(ValueError):
            return WorkerFault(
                Reason.RESOURCE_LIMIT, f"the reader was ended by {signal.Signals(-exit_code).name}"
            )
    return WorkerFault(Reason.RESOURCE_LIMIT, f"the reader ended with exit code {exit_code}")


def _kill_group(process: BaseProcess) -> None:
    """Kill a worker and the programs it started; on Windows the worker alone."""
    if process.pid and hasattr(os, "killpg"):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    with suppress(AttributeError, OSError):
        process.kill()


@contextmanager
def _environment(changes: dict[str, str]) -> Iterator[None]:
    """The environment with these changes and without secrets, for a child that is started meanwhile."""
    secret = [name for name in os.environ if _SECRET.fullmatch(name)]
    before = {name: os.environ.get(name) for name in (*changes, *secret)}
    os.environ.update(changes)
    for name in secret:
        del os.environ[name]
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """Hold Ctrl-C back for a moment: a child that starts meanwhile is born with it blocked, for good."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
