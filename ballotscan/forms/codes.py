"""The text of the code on each side: form, edition, side, and the sheet's serial where it has one."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from typing import Final

PREFIX: Final = "BS"
# Only characters of QR's alphanumeric mode, so that a code of 25 modules carries all of it (38 at level M).
_PAYLOAD: Final = re.compile(
    r"BS/(?P<form>[A-Z][A-Z0-9]*(?:-[A-Z0-9]+)*)/(?P<edition>[A-Z0-9][A-Z0-9.-]{0,9})/(?P<side>[1-9])"
    r"(?:/(?P<serial>[A-Z0-9]{1,12}))?"
)
MAX_PAYLOAD: Final = 38  # characters: version 2, error level M, ISO/IEC 18004 table 7
SERIAL_LENGTH: Final = 8
_SERIAL_LETTERS: Final = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # no 0/O, 1/I: people copy serials by hand


@dataclass(frozen=True, slots=True)
class SideCode:
    """What a side's code says; ``form`` is the form's id as it stands in its source."""

    form: str
    edition: str
    side: int
    serial: str | None


def make_payload(form: str, edition: str, side: int, serial: str | None = None) -> str:
    """The text to print as a code. Raises ``ValueError`` where it is no valid code or too long to print."""
    parts = [PREFIX, form.upper(), edition, str(side)] + ([] if serial is None else [serial])
    payload = "/".join(parts)
    if len(payload) > MAX_PAYLOAD or parse_payload(payload) != SideCode(form, edition, side, serial):
        raise ValueError(payload)
    return payload


def fits_code(form: str, edition: str) -> bool:
    """Whether the code has room for a serial too: serials can then be added without a new layout."""
    try:
        make_payload(form, edition, 1, _SERIAL_LETTERS[:SERIAL_LENGTH])
    except ValueError:
        return False
    return True


def parse_payload(text: str) -> SideCode | None:
    """What a code says, or ``None`` where it is none of ours (a parcel's label, say)."""
    found = _PAYLOAD.fullmatch(text)
    if found is None or len(text) > MAX_PAYLOAD:
        return None
    return SideCode(found["form"].lower(), found["edition"], int(found["side"]), found["serial"])


def make_serials(count: int) -> list[str]:
    """So many serials, random and in no order, all different; nothing about them is kept."""
    serials: set[str] = set()
    while len(serials) < count:
        serials.add("".join(secrets.choice(_SERIAL_LETTERS) for _ in range(SERIAL_LENGTH)))
    return list(serials)
