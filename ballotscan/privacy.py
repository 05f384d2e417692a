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


def without_numbers(text: str) -> str:
    """A text with telephone and identity numbers and mail addresses masked."""
    return _MAIL.sub(MASK, _NUMBER.sub(MASK, text))
