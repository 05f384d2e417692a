"""A worker's own side of ``intake.workers``: its limits, its walls, its life task by task, and the answers it
sends, which can run no code where they are read."""

from __future__ import annotations

import builtins
import importlib
import io
import os
import pickle
import shutil
import signal
import tempfile
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, is_dataclass
from enum import Enum
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

from ballotscan.intake.sandbox import confine

State = TypeVar("State")
Task = TypeVar("Task")
Result = TypeVar("Result")

_OPENCV_NO_MEMORY: Final = -4  # cv2.error's own code (cv::Error::StsNoMem)
_MAX_FILE_BYTES: Final = 2_000_000_000  # what a worker may write: only a renderer's temporary picture
_MAX_OPEN_FILES: Final = 256

_Answer = tuple[Literal["ready", "result", "memory", "error"], Any]


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


def serve(
    pipe: Connection,
    initialise: Callable[..., State],
    initialise_args: tuple[Any, ...],
    function: Callable[[State, Task], Result],
    limits: Limits,
    scratch: Path,
) -> None:
    """A worker's whole life: start, then one task after the other until the pipe is closed.

    What is left in ``scratch`` goes with it, also where the program itself was killed.
    """
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
    try:
        while True:
            task = pipe.recv()
            _limit_resources(limits, memory)
            pipe.send_bytes(_packed(_answer(function, state, task)))
    except (EOFError, OSError):  # the work is done, or the program was killed
        _empty(scratch)


def _empty(folder: Path) -> None:
    """Remove what a renderer or OCR may have left: pictures of ballots. The folder itself stays."""
    with suppress(OSError):
        for each in folder.iterdir():
            if each.is_dir() and not each.is_symlink():
                shutil.rmtree(each, ignore_errors=True)
            else:
                each.unlink(missing_ok=True)


def _packed(answer: _Answer) -> bytes:
    """The answer as bytes. One with a number of numpy's, which may not come back, is a fault of ours."""
    packed = pickle.dumps(answer)
    if b"numpy" in packed:
        try:
            unpacked(packed)
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
        unpacked(pickle.dumps(error))
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


# --- answers ------------------------------------------------------------------------------------------------


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


def unpacked(received: bytes) -> Any:
    return _Unpickler(io.BytesIO(received)).load()
