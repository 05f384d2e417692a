"""File names: in the order people count in, and as text that can be shown anywhere."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from pathlib import PurePath

_NUMBERS = re.compile(r"([0-9]+)")
_UNSEEN = {
    "Cc",
    "Cf",
    "Cn",
    "Co",
    "Zl",
    "Zp",
    "Zs",
}  # control, format (bidi overrides), unassigned, private, separators; of spaces only the plain one is shown

NaturalKey = tuple[tuple[tuple[int, int, str], ...], ...]


def natural_key(parts: Sequence[str]) -> tuple[NaturalKey, tuple[str, ...]]:
    """Sorts ``scan2`` before ``scan10``, folder by folder, whatever the case; ties by the bare names."""
    return tuple(_part_key(part) for part in parts), tuple(parts)


def _part_key(name: str) -> tuple[tuple[int, int, str], ...]:
    """Numbers before words at the same place, so that any two keys can be compared."""
    pieces = (piece for piece in _NUMBERS.split(name.casefold()) if piece)
    return tuple(
        (0, int(piece), "") if piece.isascii() and piece.isdigit() else (1, 0, piece) for piece in pieces
    )


def shown_path(path: PurePath) -> str:
    """The path with ``/`` between its parts, in printable characters only, and never two paths alike.

    Bytes that are no UTF-8 appear as ``\\xNN``, what cannot be seen or would turn the line round as
    ``\\u{NN}``, a backslash in a name as ``\\\\``.
    """
    return "/".join(escape_name(part) for part in path.parts)


def escape_name(name: str) -> str:
    """One part of a path as printable text; see ``shown_path``."""
    return "".join(_escape(character) for character in name)


def _escape(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # how Python carries a byte that is no UTF-8
        return f"\\x{code - 0xDC00:02x}"
    if character == "\\":
        return "\\\\"
    if (unicodedata.category(character) in _UNSEEN and character != " ") or 0xD800 <= code <= 0xDFFF:
        return f"\\u{{{code:x}}}"
    return character
