"""Every deliberate error, with its exit code and what to do about it.

Caught once, in ``cli``. Anything else that is raised is a bug: where it was raised is shown, but not what it
says, which may be an answer or a name.
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    OK = 0
    USAGE = 2
    LEFT_OPEN = 3  # finished, with something in review or set aside
    NOTHING_DONE = 4
    UNBALANCED = 5  # not balanced, or not verified
    BUG = 70
    INTERRUPTED = 130


class BallotscanError(Exception):
    """A fault the user can mend. ``message`` names the file or setting; ``remedy`` says what to do."""

    exit_code = ExitCode.NOTHING_DONE

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".rstrip()


class UsageError(BallotscanError):
    exit_code = ExitCode.USAGE


class TemplateError(BallotscanError):
    """A form's source is wrong; the message carries file, line and reason."""


class StoreError(BallotscanError):
    """The database or the folder of originals cannot be used."""


class NotBalancedError(BallotscanError):
    exit_code = ExitCode.UNBALANCED


class NotVerifiedError(BallotscanError):
    """The record does not agree with itself, or with a head kept elsewhere."""

    exit_code = ExitCode.UNBALANCED


class ClosedError(BallotscanError):
    """Something was to enter a period that was closed under two signatures."""


class StaleError(BallotscanError):
    """What a person decided on was decided by others meanwhile."""
