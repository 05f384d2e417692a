"""Where a database lies: whether that is another machine's disk, whose locks do not hold."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Final

_OF_THE_NET: Final = frozenset(
    {
        *("9p", "afs", "ceph", "cifs", "davfs", "fuse.davfs2", "fuse.glusterfs", "fuse.rclone", "fuse.sshfs"),
        *("glusterfs", "lustre", "ncpfs", "nfs", "nfs4", "smb3", "smbfs", "vboxsf"),
    }
)
"""File systems that reach over a network or out of a virtual machine. SQLite advises to trust the locks of
none of them (sqlite.org/howtocorrupt.html, 2.1)."""

_REMOTE: Final = 4  # DRIVE_REMOTE of GetDriveTypeW


def network_drive(path: Path) -> str:
    """The kind of network drive that a path lies on; empty for a disk of this machine, or where unknown."""
    if sys.platform == "win32":
        return _windows_drive(path)
    try:
        mounted = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return ""
    kind = kind_of_mount(mounted, path.resolve())
    return kind if kind in _OF_THE_NET else ""


def kind_of_mount(mounted: str, path: Path) -> str:
    """The file system that a path lies on, by the text of Linux' ``mountinfo``: the deepest, the last."""
    found, depth = "", -1
    for line in mounted.splitlines():
        before, _dash, after = line.partition(" - ")
        point = Path(re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), before.split()[4]))
        if (path == point or point in path.parents) and len(point.parts) >= depth:
            found, depth = after.split()[0], len(point.parts)
    return found


def _windows_drive(path: Path) -> str:
    import ctypes

    anchor = os.path.splitdrive(path.absolute())[0]
    if anchor.startswith("\\\\"):
        return "UNC"
    windll = getattr(ctypes, "windll")  # noqa: B009  unknown to mypy elsewhere than on Windows
    return "remote" if windll.kernel32.GetDriveTypeW(f"{anchor}\\") == _REMOTE else ""
