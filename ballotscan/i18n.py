"""Texts in the user's language, from gettext catalogues in ``ballotscan/locale``.

English is the language of the source; a catalogue is needed for every other. Codes (reasons, outcomes,
states) stay the same in every language: only what people read goes through here.
"""

from __future__ import annotations

import errno
import gettext as catalogues
import locale
import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Final, Literal, get_args

Language = Literal["en", "vi"]
LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)
LOCALE_FOLDER: Final = Path(__file__).parent / "locale"
DOMAIN: Final = "ballotscan"
_NAMES: Final[Mapping[str, Language]] = {"vi": "vi", "vietnamese": "vi", "en": "en", "english": "en"}

_texts: catalogues.NullTranslations = catalogues.NullTranslations()


_here: ContextVar[catalogues.NullTranslations | None] = ContextVar("language", default=None)
"""What one request of the review page speaks; two people may read two languages at once."""


def gettext(text: str) -> str:
    """The text in the language in use; the text itself where the catalogue lacks it."""
    return (_here.get() or _texts).gettext(text)


def ngettext(one: str, many: str, count: int) -> str:
    """The form of the text that fits ``count``."""
    return (_here.get() or _texts).ngettext(one, many, count)


@contextmanager
def speaking(language: Language) -> Iterator[None]:
    """Another language for what is said within, in this thread or task only."""
    token = _here.set(_catalogue(language))
    try:
        yield
    finally:
        _here.reset(token)


@cache
def _catalogue(language: Language) -> catalogues.NullTranslations:
    return catalogues.translation(DOMAIN, LOCALE_FOLDER, [language], fallback=True)


def use_language(wanted: str | None) -> Language:
    """Use this language from now on, or the locale's where none is wanted. Returns the one in use.

    Typer's own headings come through the standard library's default domain, so that is bound as well.
    """
    global _texts  # noqa: PLW0603  one process speaks one language
    language = known_language(wanted) or locale_language(os.environ) or "en"
    _texts = catalogues.translation(DOMAIN, LOCALE_FOLDER, [language], fallback=True)
    os.environ["LANGUAGE"] = language
    catalogues.bindtextdomain(DOMAIN, LOCALE_FOLDER)
    catalogues.textdomain(DOMAIN)
    return language


def language_in_use() -> str:
    """What ``use_language`` chose last."""
    return os.environ.get("LANGUAGE", "en")


def known_language(name: str | None) -> Language | None:
    """The language that a name such as ``vi``, ``vi_VN.UTF-8`` or ``Vietnamese_Vietnam.1258`` stands for.

    ``None`` where it is another language, or none (``C``, ``POSIX``, empty).
    """
    word = re.match("[a-z]*", (name or "").lower())
    return _NAMES.get(word[0]) if word else None


def locale_language(environment: Mapping[str, str]) -> Language | None:
    """The language of the locale.

    The first of LC_ALL, LC_MESSAGES and LANG that is set says it, as POSIX orders them.
    Windows sets none of these; there the language of its own menus is taken.
    """
    for variable in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if environment.get(variable):
            return known_language(environment[variable])
    return _windows_language()


def _windows_language() -> Language | None:
    if sys.platform != "win32":
        return None
    import ctypes

    return known_language(locale.windows_locale.get(ctypes.windll.kernel32.GetUserDefaultUILanguage()))


def why(fault: OSError) -> str:
    """Why the system refused a file, in the language in use. What is rare it says in its own words."""
    _ = gettext
    known = {
        errno.ENOENT: _("there is no such file or folder"),
        errno.EACCES: _("you have no right to it"),
        errno.EPERM: _("you have no right to it"),
        errno.ENOSPC: _("the disk is full"),
        errno.EROFS: _("nothing can be written on this disk"),
        errno.EISDIR: _("it is a folder"),
        errno.ENOTDIR: _("a part of its path is no folder"),
        errno.EEXIST: _("it exists already"),
        errno.EBUSY: _("another program has it open"),
        errno.ENAMETOOLONG: _("its name is too long"),
    }
    return known.get(fault.errno or 0) or fault.strerror or type(fault).__name__
