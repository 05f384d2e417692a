"""What may say who a person is: fields that people write in, and numbers of telephones and identity cards."""

from __future__ import annotations

import re
from typing import Final

WRITTEN_IN: Final = ("free_text", "write_in")
"""Kinds of a form's fields that people fill by hand."""

MASK: Final = "***"
_NUMBER: Final = re.compile(r"\+?\d(?:[ .\-]?\d){8,}")
"""Nine digits or more: telephones have 10 or 11, identity cards 9 or 12. A date has 8."""
_MAIL: Final = re.compile(r"[^\s@<>()]+@[^\s@<>()]+\.\w+")


_MARKED: Final = re.compile(r"\[[^\[\]]*\]")
"""What a typist put into brackets: a person's name."""
_FAMILY: Final = (
    *("Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Huỳnh", "Phan", "Vũ", "Võ", "Đặng", "Bùi", "Đỗ", "Hồ", "Ngô"),
    *("Dương", "Lý", "Đinh", "Trịnh", "Đoàn", "Trương"),
)
"""The commonest family names; with the first fourteen some nine of ten Vietnamese are called."""
_TITLE: Final = r"(?:[Ôô]ng|[Bb]à|[Aa]nh|[Cc]hị|[Cc]ô|[Cc]hú|[Bb]ác|[Ee]m|[Đđ]ồng chí|[Đđ]/c)"
_CAPITAL: Final = f"[{''.join(chr(code) for code in range(0x41, 0x1F00) if chr(code).isupper())}]"
_GIVEN: Final = rf"{_CAPITAL}\w*"
_NAME: Final = re.compile(
    rf"\b(?:{'|'.join(_FAMILY)})(?: {_GIVEN}){{1,4}}|\b({_TITLE})((?: {_GIVEN}){{1,5}})"
)


def without_names(text: str) -> str:
    """A text with names masked: those in brackets, and what looks like one, a capital after a family name or
    a form of address. What looks like one may be a street, and a name in small letters stays: so a person
    must read what is published.
    """
    return _NAME.sub(lambda found: f"{found[1]} {MASK}" if found[1] else MASK, _MARKED.sub(MASK, text))


def without_numbers(text: str) -> str:
    """A text with telephone and identity numbers and mail addresses masked."""
    return _MAIL.sub(MASK, _NUMBER.sub(MASK, text))
