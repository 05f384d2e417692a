"""A report as blocks, without any file format: what Word, PDF and the web page are all written from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

COUNTRY: Final = "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM"
MOTTO: Final = "Độc lập - Tự do - Hạnh phúc"


@dataclass(frozen=True, slots=True)
class Heading:
    text: str
    level: int = 1


@dataclass(frozen=True, slots=True)
class Paragraph:
    text: str
    bold: bool = False


@dataclass(frozen=True, slots=True)
class Grid:
    """A table. The first column is text and takes ``first`` parts of the width, each other one part; a row
    that is in ``strong`` is set bold."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    first: float = 3.0
    strong: frozenset[int] = frozenset()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing as SVG; ``text`` says in words what it shows, for whoever cannot see it."""

    caption: str
    svg: str
    width_mm: float
    height_mm: float
    kind: str  # bars, stacks, trend
    text: str = ""


@dataclass(frozen=True, slots=True)
class Appendix:
    """A new page, numbered in Roman figures."""

    number: str
    title: str


Block = Heading | Paragraph | Grid | Chart | Appendix


@dataclass(frozen=True, slots=True)
class Letterhead:
    """The head and foot of an official document, as decree 30/2020/NĐ-CP lays it out."""

    parent: str
    agency: str
    country: str
    motto: str
    number: str
    place_and_day: str
    kind: str
    subject: str
    signer: str
    recipients_title: str
    recipients: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """``stamp`` stands on every page of a provisional report; empty for a final one. ``signatures`` are the
    roles and names of those who sign a minute; where there are none the letterhead's signer signs.
    """

    letterhead: Letterhead
    blocks: tuple[Block, ...]
    stamp: str
    language: str
    title: str
    appendix_word: str
    signatures: tuple[tuple[str, str], ...] = ()
    sign_here: str = ""

    def grids(self) -> tuple[Grid, ...]:
        return tuple(block for block in self.blocks if isinstance(block, Grid))
