"""What a file is, by its content and never by its name."""

from __future__ import annotations

import re
from typing import Final, Literal, TypeGuard, get_args

from ballotscan.intake.faults import FileFault
from ballotscan.model import Reason

Kind = Literal["PDF", "TIFF", "PNG", "JPEG"]
SNIFFED_BYTES: Final = 4096

_TIFF = rb"(?:II\x2a\x00|MM\x00\x2a|II\x2b\x00\x08\x00|MM\x00\x2b\x00\x08)"
_SIGNS: Final[tuple[tuple[str, re.Pattern[bytes]], ...]] = tuple(
    (name, re.compile(pattern, re.DOTALL | re.IGNORECASE if name in ("SVG", "web page") else re.DOTALL))
    for name, pattern in (
        ("JPEG", rb"\xff\xd8\xff"),
        ("PNG", rb"\x89PNG\r\n\x1a\n"),
        ("TIFF", _TIFF),
        ("HEIC", rb"....ftyp(?:hei[cxmsf]|hev[cmsx]|mif1|msf1|avif)"),
        ("film", rb"....ftyp"),
        (
            "Word, Excel or other Office document",
            rb"PK\x03\x04.{0,2000}(?:\[Content_Types\]\.xml|word/|xl/|ppt/)",
        ),
        ("OpenDocument", rb"PK\x03\x04.{26}mimetypeapplication/vnd\.oasis"),
        ("ZIP archive", rb"PK(?:\x03\x04|\x05\x06|\x07\x08)"),
        ("7z archive", rb"7z\xbc\xaf\x27\x1c"),
        ("RAR archive", rb"Rar!\x1a\x07"),
        ("gzip archive", rb"\x1f\x8b"),
        ("old Office document", rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
        ("EPS or PostScript", rb"(?:%!PS|\xc5\xd0\xd3\xc6)"),
        ("SVG", rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml.{0,1000})?<svg[\s>]"),
        ("web page", rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype html|html)"),
        ("GIF", rb"GIF8[79]a"),
        ("BMP", rb"BM.{4}\0\0\0\0"),
        ("WebP", rb"RIFF....WEBP"),
        ("JPEG 2000", rb"(?:\x00\x00\x00\x0cjP  |\xff\x4f\xff\x51)"),
        ("JBIG2", rb"\x97JB2\r\n\x1a\n"),
        ("DjVu", rb"AT&TFORM"),
        ("Windows program", rb"MZ"),
        ("Linux program", rb"\x7fELF"),
    )
)
_PDF_HEADER = re.compile(rb"%PDF-[0-9]")
_PDF_HEADER_WITHIN = 1024  # readers take a PDF header anywhere in the first 1,024 bytes


def kind_of(head: bytes) -> Kind:
    """The kind of a file from its first ``SNIFFED_BYTES``. Raises FileFault for any but the four read."""
    if not head:
        raise FileFault(Reason.EMPTY_FILE, "0 bytes")
    first = next((name for name, pattern in _SIGNS if pattern.match(head)), None)
    pdf = _PDF_HEADER.search(head[: _PDF_HEADER_WITHIN + 8])
    if pdf and first:
        raise FileFault(Reason.UNSUPPORTED_TYPE, f"the file is both {first} and PDF")
    if pdf:
        return "PDF"
    if _is_kind(first):
        return first
    raise FileFault(Reason.UNSUPPORTED_TYPE, first or "neither PDF, TIFF, PNG nor JPEG")


def _is_kind(name: str | None) -> TypeGuard[Kind]:
    return name in get_args(Kind)
