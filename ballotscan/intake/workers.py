"""A small pool of worker processes for hostile input: what dies, hangs or eats memory takes one task with it.

Python's own pools either wait for ever or give up altogether when a worker is killed by the system; this one
kills, replaces, tries the task once more alone, and then hands it back as a ``WorkerFault``. Workers are
walled in once they have started (``intake.sandbox``), and what comes back from one can run no code here.
"""

from __future__ import annotations

import builtins
import importlib
import io
import multiprocessing
import os
import pickle
import shutil
import signal
import tempfile
import time
import traceback
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, is_dataclass
from enum import Enum
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Generic, Literal, Self, TypeVar

from ballotscan.errors import BallotscanError
from ballotscan.i18n import gettext as _
from ballotscan.intake.sandbox import confine
from ballotscan.model import Reason

State = TypeVar("State")
Task = TypeVar("Task")
Result = TypeVar("Result")

_AHEAD: Final = 8  # tasks per worker, from the oldest unfinished one: busy workers, flat memory
_AT_HAND: Final = 3  # tasks a worker holds, so that it goes on while the parent commits (20 to 80 ms)
_START_LIMIT_S: Final = 120.0  # importing and building references takes 2 to 10 s on a slow machine
_FAILED_STARTS: Final = 3  # in a row: then it is no accident
_STOP_WAIT_S: Final = 2.0
_OPENCV_NO_MEMORY: Final = -4  # cv2.error's own code (cv::Error::StsNoMem)
_MAX_FILE_BYTES: Final = 2_000_000_000  # what a worker may write: only a renderer's temporary picture
_MAX_OPEN_FILES: Final = 256
_MAX_ANSWER_BYTES: Final = 64_000_000  # a page's evidence is 10 kB
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
class Limits:
    """What one task may use. ``memory_mb`` is counted beyond what the worker holds once it has started.

    The defaults leave room for a page of 100 million pixels in colour (some 1.5 GB, 20 s). Where the system
    can keep a worker in (``intake.sandbox``), it reads only below ``readable`` and the program's own folders.
    """

    wall_s: float = 120.0
    memory_mb: int = 3_000
    cpu_s: int = 100
    readable: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class WorkerFault:
    """A task that cost a worker its life twice. ``reason`` is TIME_LIMIT or RESOURCE_LIMIT."""

    reason: Reason
    detail: str


class RemoteTracebackError(Exception):
    """The traceback of an exception in a worker; stands as the cause of the exception itself."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}" if self.args else ""


_Answer = tuple[Literal["ready", "result", "memory", "error"], Any]


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
    limits: Limits = Limits(),
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
    limits: Limits = Limits()
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
            target=_serve,
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
            kind, value = _unpacked(received)
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


class _Unpickler(pickle.Unpickler):
    """Makes nothing but plain values, our own frozen classes and errors: pickle could run anything."""

    def find_class(self, module: str, name: str) -> Any:
        if module == "builtins":
            found = getattr(builtins, name, None)
            if isinstance(found, type) and issubclass(found, BaseException):
                return found
        elif module.startswith("ballotscan."):
            found = getattr(importlib.import_module(module), name, None)
            if isinstance(found, type) and (issubclass(found, Enum | BaseException) or is_dataclass(found)):
                return found
        raise pickle.UnpicklingError(f"{module}.{name}")


def _unpacked(received: bytes) -> Any:
    return _Unpickler(io.BytesIO(received)).load()


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
    """The environment with these changes, for a child that is started meanwhile."""
    before = {name: os.environ.get(name) for name in changes}
    os.environ.update(changes)
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


# --- in the worker ------------------------------------------------------------------------------------------


def _serve(
    pipe: Connection,
    initialise: Callable[..., State],
    initialise_args: tuple[Any, ...],
    function: Callable[[State, Task], Result],
    limits: Limits,
    scratch: Path,
) -> None:
    """A worker's whole life: start, then one task after the other until the pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    if hasattr(os, "setpgid"):
        os.setpgid(0, 0)  # so that a renderer started here is killed together with the worker
    try:
        state = initialise(*initialise_args)
        _tame_opencv()
        tempfile.tempdir = os.environ["TMPDIR"] = str(scratch)
        memory = _memory_bytes()
        confine(limits.readable, [scratch])
        pipe.send(("ready", None))
    except Exception as error:
        _send_error(pipe, error)
        return
    while True:
        try:
            task = pipe.recv()
        except (EOFError, OSError):
            return
        _limit_resources(limits, memory)
        try:
            pipe.send_bytes(_packed(_answer(function, state, task)))
        except BrokenPipeError:
            return


def _packed(answer: _Answer) -> bytes:
    """The answer as bytes. One with a number of numpy's, which may not come back, is a fault of ours."""
    packed = pickle.dumps(answer)
    if b"numpy" in packed:
        try:
            _unpacked(packed)
        except pickle.UnpicklingError as error:
            return pickle.dumps(("error", _portable(TypeError(f"{error} in a result"))))
    return packed


def _answer(function: Callable[[State, Task], Result], state: State, task: Task) -> _Answer:
    try:
        return "result", function(state, task)
    except MemoryError:
        return "memory", "it needs more memory than a page may use"
    except RecursionError:
        return "memory", "it is nested without end"
    except Exception as error:
        if getattr(error, "code", None) == _OPENCV_NO_MEMORY:
            return "memory", "it needs more memory than a page may use"
        return "error", _portable(error)


def _send_error(pipe: Connection, error: Exception) -> None:
    with suppress(BrokenPipeError):
        pipe.send(("error", _portable(error)))


def _portable(error: Exception) -> tuple[Exception, str]:
    """The exception, or one that says the same where it does not pickle, and its traceback as text."""
    text = "".join(traceback.format_exception(error))
    try:
        _unpacked(pickle.dumps(error))
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}"), text
    return error, text


def _tame_opencv() -> None:
    """OpenCV keeps threads of its own, which no variable rules."""
    try:
        import cv2
    except ImportError:
        return
    cv2.setNumThreads(1)


def _memory_bytes() -> int | None:
    """The size of this process now; unknown beyond Linux."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        return pages * resource.getpagesize()
    return None


def _limit_resources(limits: Limits, memory: int | None) -> None:
    """Bounds for the next task, where the system knows them (not on Windows): computing time from now on,
    memory beyond what was held at the start, files and their size. What is beyond ends the worker."""
    try:
        import resource
    except ImportError:
        return
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_FSIZE, _MAX_FILE_BYTES)
    _lower(resource.RLIMIT_NOFILE, _MAX_OPEN_FILES)
    if memory is not None:
        _lower(resource.RLIMIT_AS, memory + limits.memory_mb * 1_000_000)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    _soft, hard = resource.getrlimit(resource.RLIMIT_CPU)
    with suppress(OSError, ValueError):
        resource.setrlimit(
            resource.RLIMIT_CPU, (int(usage.ru_utime + usage.ru_stime) + limits.cpu_s + 1, hard)
        )


def _lower(which: int, value: int) -> None:
    """Lower a soft limit; one that is lower already stays."""
    import resource

    soft, hard = resource.getrlimit(which)
    bounds = [bound for bound in (soft, hard, value) if bound != resource.RLIM_INFINITY]
    with suppress(OSError, ValueError):
        resource.setrlimit(which, (min(bounds), hard))
