"""Passwords: argon2 hashes in a file beside the database, that only its owner can read.

The record holds each line's SHA-256 (see ``store.users``), so a line put into the file by hand opens nothing.
Failed tries are kept here too: starting the program anew does not give a guesser new tries.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from unicodedata import normalize

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from ballotscan.errors import StoreError, UsageError
from ballotscan.i18n import gettext as _

FILE: Final = "passwords.json"
SHORTEST: Final = 10
LONGEST: Final = 200  # beyond it hashing is only work for us
FREE_TRIES, FIRST_WAIT_S, TRIES_AT_MOST = 5, 15.0, 15
"""As VotingWorks locks: from the fifth failure on a wait of 15 s that doubles; after 15 the account is locked
until an administrator sets another password."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a password is right; else for how long none is tried, or that none is any more."""

    right: bool
    wait_s: float = 0.0
    locked: bool = False


class Passwords:
    """The file, under a lock: pages are served by several threads."""

    def __init__(self, folder: Path, now: Callable[[], float] = time.time) -> None:
        self._path = folder / FILE
        self._now = now
        self._lock = threading.Lock()
        self._hasher = PasswordHasher()  # argon2id with the library's own parameters (RFC 9106)
        self._nobody = self._hasher.hash("nobody has this password")

    def set(self, login: str, password: str) -> str:
        """Keep a new password, and return the SHA-256 for the record. Raises ``UsageError``."""
        typed = _typed(password)
        if not SHORTEST <= len(typed) <= LONGEST:
            raise UsageError(
                _("The password is too short or too long."),
                _("Take {least} to {most} letters.").format(least=SHORTEST, most=LONGEST),
            )
        line = self._hasher.hash(typed)
        with self._lock:
            kept = self._read()
            kept[login] = {"hash": line, "failures": 0, "last": 0.0}
            self._write(kept)
        return _digest(line)

    def check(self, login: str, password: str, digest: str) -> Verdict:
        """Try a password of a login whose line the record knows by ``digest``; empty: no such login."""
        with self._lock:
            kept = self._read()
            entry = kept.get(login) if digest else None
            if entry and entry["failures"] >= TRIES_AT_MOST:
                return Verdict(False, locked=True)
            wait_s = self._wait_s(entry)
            if wait_s > 0:
                return Verdict(False, wait_s)
            right = self._verify(entry["hash"] if entry else self._nobody, password)
            if entry is None or _digest(entry["hash"]) != digest:
                return Verdict(False)
            if not right or entry["failures"]:
                entry["failures"] = 0 if right else entry["failures"] + 1
                entry["last"] = self._now()
                self._write(kept)
            return Verdict(right)

    def _wait_s(self, entry: dict[str, Any] | None) -> float:
        if entry is None or entry["failures"] < FREE_TRIES:
            return 0.0
        pause_s = FIRST_WAIT_S * 2.0 ** (entry["failures"] - FREE_TRIES)
        return float(max(0.0, entry["last"] + pause_s - self._now()))

    def _verify(self, line: str, password: str) -> bool:
        try:
            return self._hasher.verify(line, _typed(password[:LONGEST]))
        except (VerificationError, InvalidHashError):
            return False

    def _read(self) -> dict[str, dict[str, Any]]:
        if not self._path.exists():
            return {}
        try:
            kept = json.loads(self._path.read_text(encoding="utf-8"))
            return {str(login): dict(entry) for login, entry in kept.items()}
        except (OSError, ValueError, AttributeError, TypeError) as fault:
            raise StoreError(
                _("{file}: the passwords cannot be read.").format(file=self._path),
                _("Take the file away and set them anew with 'ballotscan users add'."),
            ) from fault

    def _write(self, kept: dict[str, dict[str, Any]]) -> None:
        """Whole or not at all."""
        new = self._path.with_suffix(".new")
        try:
            handle = os.open(new, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(kept, file, indent=1, sort_keys=True)
                file.flush()
                os.fsync(file.fileno())
            new.replace(self._path)
        except OSError as fault:
            raise StoreError(f"{self._path}: {fault.strerror}") from fault


def _typed(password: str) -> str:
    return normalize("NFC", password)


def _digest(line: str) -> str:
    return hashlib.sha256(line.encode()).hexdigest()
