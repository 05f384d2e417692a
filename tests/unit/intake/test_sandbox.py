"""What a worker can no longer do once it is walled in, and what it still must be able to do."""

from __future__ import annotations

import os
import pickle
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest

from ballotscan.intake import sandbox
from ballotscan.intake.workers import Limits, WorkerFault, run_tasks
from ballotscan.model import PageRef, Sha256
from tests.faults.making import scan_pdf

HELD: Final = sandbox.available()
FILES = pytest.mark.skipif(not HELD.files, reason="the kernel has no Landlock")
NETWORK = pytest.mark.skipif(not HELD.network, reason="the kernel has no seccomp")


def nothing() -> None:
    return None


def attempt(what: Callable[[], object]) -> str:
    try:
        what()
    except OSError as error:
        return type(error).__name__
    return "done"


def try_to(_state: None, task: tuple[str, str]) -> str:
    """Do it as a worker that has been taken over would; says what came of it."""
    what, where = task
    path = Path(where)
    acts: dict[str, Callable[[], object]] = {
        "internet": lambda: socket.create_connection(("127.0.0.1", int(where)), 5),
        "datagram": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
        "local socket": lambda: socket.socket(socket.AF_UNIX),
        "write": lambda: path.write_text("x", encoding="utf-8"),
        "append": lambda: os.open(path, os.O_WRONLY | os.O_APPEND),
        "read": path.read_bytes,
        "list": lambda: list(path.iterdir()),
        "remove": path.unlink,
        "rename": lambda: path.rename(path.with_name("other")),
        "link": lambda: path.with_name("link").symlink_to(path),
        "open up": lambda: path.chmod(0o666),
        "kill": lambda: os.kill(os.getppid(), 0),
        "escape": os.setsid,
        "scratch": lambda: os.write(tempfile.mkstemp()[0], b"x"),
        "draw": lambda: subprocess.run(["pdftoppm", "-r", "20", where], check=True, capture_output=True),
        "read text": lambda: subprocess.run(["tesseract", "--list-langs"], check=True, capture_output=True),
        "shell": lambda: subprocess.run(["/bin/sh", "-c", f'echo x > "{where}"'], check=True, timeout=20),
    }
    try:
        return attempt(acts[what])
    except subprocess.CalledProcessError:
        return "CalledProcessError"


LIMITS: Final = Limits(wall_s=30, memory_mb=800, cpu_s=20)


def tried(*acts: tuple[str, object], readable: tuple[Path, ...] = ()) -> list[Any]:
    """What came of each act in one worker."""
    tasks = [(what, str(where)) for what, where in acts]
    limits = replace(LIMITS, readable=readable)
    return [found for _task, found in run_tasks(tasks, nothing, (), try_to, 1, limits)]


@NETWORK
def test_no_socket_can_be_opened() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        acts = [(what, str(port)) for what in ("internet", "datagram", "local socket")]
        assert tried(*acts) == ["PermissionError"] * 3
        assert [try_to(None, act) for act in acts] == ["done"] * 3  # outside it can


@FILES
def test_nobody_elses_file_can_be_touched(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("secret", encoding="utf-8")
    path.chmod(0o600)
    acts = ("write", "append", "read", "rename", "link", "open up", "shell", "remove")
    found = tried(*[(what, path) for what in acts])
    assert found == ["PermissionError"] * 6 + ["CalledProcessError", "PermissionError"]
    assert [each.name for each in tmp_path.iterdir()] == ["secret"]
    assert path.read_text(encoding="utf-8") == "secret"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [try_to(None, (what, str(path))) for what in ("write", "open up", "shell", "remove")] == [
        "done"
    ] * 4


@FILES
def test_what_is_to_be_read_can_be_read_and_no_more(tmp_path: Path) -> None:
    (tmp_path / "originals").mkdir()
    original, database = tmp_path / "originals" / "a.pdf", tmp_path / "office.sqlite"
    for path in (original, database):
        path.write_bytes(b"x")
    acts = [("read", original), ("write", original), ("read", database), ("list", Path.home())]
    refused = ["PermissionError"] * 3
    assert tried(*acts, readable=(tmp_path / "originals",)) == ["done", *refused]


@FILES
@NETWORK
def test_the_program_above_cannot_be_reached() -> None:
    acts = [("read", f"/proc/{os.getpid()}/environ"), ("escape", "")]
    assert tried(*acts) == ["PermissionError"] * 2


def test_scratch_files_can_be_written_and_are_gone_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    make = tempfile.mkdtemp
    monkeypatch.setattr(tempfile, "mkdtemp", lambda prefix: made.append(make(prefix=prefix)) or made[-1])
    assert tried(("scratch", "")) == ["done"]
    assert [Path(each).exists() for each in made] == [False]


@pytest.mark.skipif(shutil.which("pdftoppm") is None, reason="Poppler is not installed")
def test_a_renderer_runs_within_the_walls(tmp_path: Path) -> None:
    assert tried(("draw", scan_pdf(tmp_path / "a.pdf")), readable=(tmp_path,)) == ["done"]


@pytest.mark.skipif(shutil.which("tesseract") is None, reason="Tesseract is not installed")
def test_text_is_read_within_the_walls() -> None:
    assert tried(("read text", "")) == ["done"]


def threads_and_walls(_state: None, _task: str) -> tuple[int, str]:
    import cv2  # noqa: F401
    import numpy as np

    np.ones((200, 200)) @ np.ones((200, 200))
    status = Path("/proc/self/status").read_text(encoding="ascii")
    found = re.search(r"^Seccomp:\s*(\d)", status, re.MULTILINE)
    return len(list(Path("/proc/self/task").iterdir())), found[1] if found else ""


@NETWORK
def test_a_worker_has_one_thread_and_a_filter() -> None:
    """Landlock holds for the thread that asks for it and those it starts, so there must be no other."""
    assert list(run_tasks([""], nothing, (), threads_and_walls, 1, LIMITS)) == [("", (1, "2"))]


@pytest.mark.skipif(sys.platform != "linux", reason="numbers of Linux")
def test_the_numbers_are_those_of_this_systems_headers() -> None:
    header = Path("/usr/include/asm-generic/unistd.h")
    if not header.is_file():
        pytest.skip("the kernel's headers are not installed")
    known = dict(re.findall(r"#define __NR\d?\d?_(\w+) (\d+)\n", header.read_text(encoding="utf-8")))
    calls = [call.split() for call in sandbox._REFUSED.split(",")]
    assert {name: arm for name, _x86, arm in calls if arm != "-" and name in known} == {
        name: known[name] for name, _x86, arm in calls if arm != "-" and name in known
    }


class Bomb:
    """What pickle would run when it is read."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(BOMB),)


BOMB = Path(tempfile.gettempdir()) / "ballotscan-test-bomb"


def send(_state: None, what: str) -> object:
    answers: dict[str, object] = {
        "bomb": Bomb(),
        "flood": bytes(70_000_000),
        "page": PageRef("a.pdf", 1, Sha256("0")),
        "class": subprocess.Popen,
    }
    return answers[what]


def test_what_comes_back_can_run_nothing() -> None:
    found = list(run_tasks(["bomb", "class", "flood", "page"], nothing, (), send, 1, LIMITS))
    assert [isinstance(result, WorkerFault) for _task, result in found] == [True, True, True, False]
    assert found[3][1] == PageRef("a.pdf", 1, Sha256("0"))
    assert not BOMB.exists()
    pickle.loads(pickle.dumps(Bomb()))  # it is one
    BOMB.rmdir()


def give_numpy(_state: None, _task: str) -> object:
    return PageRef("a.pdf", np.int64(1), Sha256("0"))  # type: ignore[arg-type]


def test_a_number_of_numpys_in_a_result_shows_itself_at_once() -> None:
    with pytest.raises(TypeError, match="numpy"):
        list(run_tasks([""], nothing, (), give_numpy, 1, LIMITS))


def test_the_filter_lets_all_else_pass() -> None:
    """The program of a filter, run here: only the numbers named, foreign machines and x32 are refused."""
    program = sandbox._filter(7, [41, 42])
    steps = [program[at : at + 8] for at in range(0, len(program), 8)]

    def run(machine: int, call: int) -> int:
        word, place = 0, 0
        while True:
            code, yes, no = int.from_bytes(steps[place][:2], sys.byteorder), *steps[place][2:4]
            value = int.from_bytes(steps[place][4:], sys.byteorder)
            if code == 0x06:
                return value
            if code == 0x20:
                word, skip = (machine if value == 4 else call), 0
            else:
                skip = yes if (word == value if code == 0x15 else word >= value) else no
            place += 1 + skip

    allowed = {call for call in range(100) if run(7, call) == 0x7FFF0000}
    assert allowed == set(range(100)) - {41, 42}
    assert run(8, 1) == run(7, 0x40000001) == 0x50001
