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
from pathlib import Path
from typing import Any, Final, NamedTuple
from unicodedata import normalize

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from ballotscan.errors import StoreError, UsageError
from ballotscan.i18n import gettext as _
from ballotscan.i18n import why

FILE: Final = "passwords.json"
SHORTEST: Final = 10
LONGEST: Final = 200  # beyond it hashing is only work for us
STRANGERS_KEPT: Final = 1000
FREE_TRIES, FIRST_WAIT_S, TRIES_AT_MOST = 5, 15.0, 15
"""As VotingWorks locks: from the fifth failure on a wait of 15 s that doubles; after 15 the account is locked
until an administrator sets another password."""


class Verdict(NamedTuple):
    """Whether a password is right; else for how long none is tried, or that none is any more. ``tried``:
    this one was.
    """

    right: bool
    wait_s: float = 0.0
    locked: bool = False
    tried: bool = True


class Passwords:
    """The file, under a lock: pages are served by several threads."""

    def __init__(self, folder: Path, now: Callable[[], float] = time.time) -> None:
        self._path = folder / FILE
        self._now = now
        self._lock = threading.Lock()
        self._hasher = PasswordHasher()  # argon2id with the library's own parameters (RFC 9106)
        self._nobody = self._hasher.hash("nobody has this password")
        self._strangers: dict[str, dict[str, Any]] = {}

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
            if entry is None or _digest(entry["hash"]) != digest:
                return self._stranger(login, password)
            verdict = self._try(entry, password)
            if verdict.tried and (entry["failures"] or not verdict.right):
                self._count(entry, verdict.right)
                self._write(kept)
            return self._told(entry, verdict)

    def _stranger(self, login: str, password: str) -> Verdict:
        """A login that opens nothing is answered as one that does, tries and waits too: nobody can find out
        here which logins there are.
        """
        entry = self._strangers.setdefault(
            login[:LONGEST], {"hash": self._nobody, "failures": 0, "last": 0.0}
        )
        while len(self._strangers) > STRANGERS_KEPT:
            del self._strangers[next(iter(self._strangers))]
        verdict = self._try(entry, password)
        if verdict.tried:
            self._count(entry, right=False)
        return self._told(entry, verdict._replace(right=False))

    def _try(self, entry: dict[str, Any], password: str) -> Verdict:
        if entry["failures"] >= TRIES_AT_MOST:
            return Verdict(False, tried=False)
        wait_s = self._wait_s(entry)
        if wait_s > 0:
            return Verdict(False, wait_s, tried=False)
        return Verdict(self._verify(entry["hash"], password))

    def _count(self, entry: dict[str, Any], right: bool) -> None:
        entry["failures"] = 0 if right else entry["failures"] + 1
        entry["last"] = self._now()

    def _told(self, entry: dict[str, Any], verdict: Verdict) -> Verdict:
        return verdict._replace(locked=entry["failures"] >= TRIES_AT_MOST)

    def _wait_s(self, entry: dict[str, Any]) -> float:
        if entry["failures"] < FREE_TRIES:
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
            raise StoreError(f"{self._path}: {why(fault)}") from fault


def _typed(password: str) -> str:
    return normalize("NFC", password)


def _digest(line: str) -> str:
    return hashlib.sha256(line.encode()).hexdigest()
