"""Walls round a worker that opens other people's files: no network, nobody else's files.

On Linux two things of the kernel itself are used, which need no rights, no library and no program: Landlock
(Linux 5.13) for files, a seccomp filter for sockets. Both hold for every program that the worker starts and
cannot be taken off again. Where the kernel has only one of them, that one is used; elsewhere, as on Windows,
only the limits of ``intake.workers`` hold. ``ballotscan doctor`` says which.

Numbers are those of Linux' own headers: uapi/linux/landlock.h, seccomp.h, filter.h, audit.h, unistd.h.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final


@dataclass(frozen=True, slots=True)
class Walls:
    """What keeps a worker in. ``files``: only named folders; ``network``: no socket can be opened."""

    files: bool = False
    network: bool = False


_NO_NEW_PRIVS: Final = 38  # prctl; asked for by both

# --- Landlock --------------------------------------------------------------------------------------------

_CREATE, _ADD, _RESTRICT = 444, 445, 446  # the same on every machine Linux runs on
_PATH_BENEATH: Final = 1
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 1 << 1, 1 << 2, 1 << 3
_TRUNCATE, _IOCTL = 1 << 14, 1 << 15
_READING: Final = _EXECUTE | _READ_FILE | _READ_DIR
_OF_A_FILE: Final = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL
_RIGHTS_BY_ABI: Final = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}  # how many rights on files each version knows
_TCP: Final = 0b11  # bind and connect, from ABI 4
_SCOPES: Final = 0b11  # signals and abstract sockets beyond the worker's own, from ABI 6
_O_PATH: Final = getattr(os, "O_PATH", 0)

_OF_THE_SYSTEM: Final = (
    *("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/opt", "/etc"),
    *("/var/cache/fontconfig", "/proc/self", "/sys/devices/system/cpu"),
    *("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom"),
)
"""What Python, Poppler and Tesseract read: programs, libraries, fonts, language data."""

# --- seccomp ---------------------------------------------------------------------------------------------

_FILTER, _ACTION_AVAILABLE, _ALL_THREADS = 1, 2, 1
_ALLOW: Final = 0x7FFF0000
_REFUSE: Final = 0x00050000 | 1  # with EPERM
_LOAD_WORD, _IF_EQUAL, _IF_AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_X32: Final = 0x40000000  # a second set of numbers on x86-64

_MACHINES: Final = {"x86_64": (0xC000003E, 317), "aarch64": (0xC00000B7, 277)}
"""The machine's number in audit.h, and that of the call ``seccomp`` itself."""

_REFUSED: Final = """
    socket 41 198, connect 42 203, accept 43 202, accept4 288 242, bind 49 200, listen 50 201,
    socketpair 53 199,
    io_uring_setup 425 425, io_uring_enter 426 426, io_uring_register 427 427,
    ptrace 101 117, process_vm_readv 310 270, process_vm_writev 311 271, pidfd_getfd 438 438,
    setpgid 109 154, setsid 112 157,
    chmod 90 -, fchmod 91 52, fchmodat 268 53, fchmodat2 452 452, chown 92 -, lchown 94 -, fchown 93 55,
    fchownat 260 54, setxattr 188 5, lsetxattr 189 6, fsetxattr 190 7,
    mount 165 40, pivot_root 155 41, unshare 272 97, setns 308 268, open_by_handle_at 304 265,
    add_key 248 217, request_key 249 218, keyctl 250 219,
    bpf 321 280, userfaultfd 323 282, perf_event_open 298 241
"""
"""Calls with their numbers on x86-64 and ARM: sockets; io_uring, which opens sockets without asking; other
processes' memory; leaving the group of processes that is killed together; rights and owners of files, which
Landlock does not know; namespaces, keys and parts of the kernel that no reader needs."""


def available() -> Walls:
    """What this system has, without putting up anything."""
    return Walls(files=_landlock_version() > 0, network=_has_seccomp())


def confine(readable: Sequence[Path], writable: Sequence[Path]) -> Walls:
    """Confine this process and all that it starts, for good; returns what holds.

    It may read the program, the system's libraries and below ``readable``, and write below ``writable`` (and
    read there). Paths that do not exist are passed over. Files that are open already stay open.
    """
    if not sys.platform.startswith("linux"):
        return Walls()
    if _libc().prctl(_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return Walls()
    return Walls(files=_confine_files(readable, writable), network=_refuse_calls())


def try_out() -> Walls:
    """What holds this very process, tried out: does it get at the user's own folder, at a socket?"""
    return Walls(
        files=_is_refused(lambda: next(Path.home().iterdir(), None)), network=_is_refused(_open_socket)
    )


def _open_socket() -> None:
    import socket

    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close()


def _is_refused(act: Callable[[], object]) -> bool:
    try:
        act()
    except PermissionError:
        return True
    except OSError:
        return False
    return False


def _confine_files(readable: Sequence[Path], writable: Sequence[Path]) -> bool:
    version = _landlock_version()
    if version <= 0:
        return False
    every = (1 << _RIGHTS_BY_ABI.get(version, _RIGHTS_BY_ABI[5])) - 1
    attributes = struct.pack("=Q", every)
    attributes += struct.pack("=Q", _TCP) if version >= 4 else b""
    attributes += struct.pack("=Q", _SCOPES) if version >= 6 else b""
    rules = _libc().syscall(_CREATE, attributes, len(attributes), 0)
    if rules < 0:
        return False
    try:
        for path in (*_of_the_program(), *readable):
            _allow(rules, path, _READING)
        _allow(rules, Path("/dev/null"), _READ_FILE | _WRITE_FILE)
        for path in writable:
            _allow(rules, path, every & ~_IOCTL)
        return bool(_libc().syscall(_RESTRICT, rules, 0) == 0)
    finally:
        os.close(rules)


def _of_the_program() -> Iterable[Path]:
    """Where Python, the libraries and this program lie, and what the system's programs read."""
    own = [sys.prefix, sys.base_prefix, str(Path(__file__).parents[1]), *filter(None, sys.path)]
    named = [os.environ.get("TESSDATA_PREFIX") or "/usr"]
    return dict.fromkeys(Path(path) for path in (*own, *named, *_OF_THE_SYSTEM))


def _allow(rules: int, path: Path, rights: int) -> None:
    with suppress(OSError):
        handle = os.open(path, _O_PATH | os.O_CLOEXEC)
        try:
            allowed = rights if path.is_dir() else rights & _OF_A_FILE
            _libc().syscall(_ADD, rules, _PATH_BENEATH, struct.pack("=Qi", allowed, handle), 0)
        finally:
            os.close(handle)


def _landlock_version() -> int:
    """The version that the kernel has and has switched on; 0 or less for none."""
    if not sys.platform.startswith("linux") or sys.maxsize < 1 << 32:
        return 0
    return int(_libc().syscall(_CREATE, None, 0, 1))


def _refuse_calls() -> bool:
    if not _has_seccomp():
        return False
    audit, number = _MACHINES[platform.machine()]
    column = 1 + list(_MACHINES).index(platform.machine())
    calls = [call.split()[column] for call in _REFUSED.split(",")]
    program = _filter(audit, [int(call) for call in calls if call != "-"])
    code = ctypes.create_string_buffer(program)
    described = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(code))
    return bool(_libc().syscall(number, _FILTER, _ALL_THREADS, described) == 0)


def _filter(audit: int, calls: Iterable[int]) -> bytes:
    """The program that the kernel runs at every call: refuse these numbers, and any other set of numbers."""
    refused = sorted(calls)
    steps = [(_LOAD_WORD, 0, 0, 4), (_IF_EQUAL, 0, len(refused) + 3, audit), (_LOAD_WORD, 0, 0, 0)]
    steps.append((_IF_AT_LEAST, len(refused) + 1, 0, _X32))
    steps += [(_IF_EQUAL, len(refused) - place, 0, call) for place, call in enumerate(refused)]
    steps += [(_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _REFUSE)]
    return b"".join(struct.pack("=HBBI", *step) for step in steps)


def _has_seccomp() -> bool:
    if not sys.platform.startswith("linux") or sys.maxsize < 1 << 32:
        return False
    if platform.machine() not in _MACHINES:
        return False
    number = _MACHINES[platform.machine()][1]
    return bool(_libc().syscall(number, _ACTION_AVAILABLE, 0, struct.pack("=I", _REFUSE & ~1)) == 0)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
