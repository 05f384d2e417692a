"""The text of the code on each side: which form, edition and side, and the sheet's serial where it has one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

PREFIX: Final = "BS"
# Only characters of QR's alphanumeric mode, so that a code of 25 modules carries all of it (38 at level M).
_PAYLOAD: Final = re.compile(
    r"BS/(?P<form>[A-Z][A-Z0-9]*(?:-[A-Z0-9]+)*)/(?P<edition>[A-Z0-9][A-Z0-9.-]{0,9})/(?P<side>[1-9])"
    r"(?:/(?P<serial>[A-Z0-9]{1,12}))?"
)
MAX_PAYLOAD: Final = 38  # characters: version 2, error level M, ISO/IEC 18004 table 7


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


def parse_payload(text: str) -> SideCode | None:
    """What a code says, or ``None`` where it is none of ours (a parcel's label, say)."""
    found = _PAYLOAD.fullmatch(text)
    if found is None:
        return None
    return SideCode(found["form"].lower(), found["edition"], int(found["side"]), found["serial"])
