"""Texts in the user's language, from gettext catalogues in ``ballotscan/locale``.

English is the language of the source; a catalogue is needed for every other. Codes (reasons, outcomes,
states) stay the same in every language: only what people read goes through here.
"""

from __future__ import annotations

import gettext as catalogues
import locale
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal, get_args

from ballotscan.model import Reason

Language = Literal["en", "vi"]
LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)
LOCALE_FOLDER: Final = Path(__file__).parent / "locale"
DOMAIN: Final = "ballotscan"
_NAMES: Final[Mapping[str, Language]] = {"vi": "vi", "vietnamese": "vi", "en": "en", "english": "en"}

_texts: catalogues.NullTranslations = catalogues.NullTranslations()


def gettext(text: str) -> str:
    """The text in the language in use; the text itself where the catalogue lacks it."""
    return _texts.gettext(text)


def ngettext(one: str, many: str, count: int) -> str:
    """The form of the text that fits ``count``."""
    return _texts.ngettext(one, many, count)


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


def reason_text(reason: Reason) -> str:
    """What a reason means, for people. The code itself stays beside it wherever rows are written."""
    return _reason_texts()[reason]


def _reason_texts() -> dict[Reason, str]:
    _ = gettext
    return {
        Reason.EMPTY_FILE: _("the file is empty"),
        Reason.DAMAGED_FILE: _("the file is damaged"),
        Reason.ENCRYPTED: _("the file is protected by a password"),
        Reason.UNSUPPORTED_TYPE: _("the file is of a type that is not read"),
        Reason.NO_PAGES: _("the file has no pages"),
        Reason.TOO_MANY_PAGES: _("the file has too many pages"),
        Reason.ACTIVE_CONTENT: _("the file carries programs or attachments"),
        Reason.STILL_WRITTEN: _("the file is still being written"),
        Reason.NOT_A_FILE: _("this is not an ordinary file"),
        Reason.DAMAGED_IMAGE: _("the page's image is damaged"),
        Reason.CUT_OFF: _("the page's image is cut off"),
        Reason.TOO_LARGE: _("the page's image is too large"),
        Reason.TOO_COARSE: _("the page's image is too coarse to be read"),
        Reason.DRAWN_ON: _("something was drawn over the scan in software"),
        Reason.NOT_A_SCAN: _("the page is not a scan"),
        Reason.UNSUPPORTED_IMAGE: _("the page's image is of a kind that is not read"),
        Reason.TIME_LIMIT: _("reading took too long"),
        Reason.RESOURCE_LIMIT: _("reading needed too much memory"),
        Reason.BLANK_PAGE: _("the page is blank"),
        Reason.NOT_THIS_FORM: _("the page is of no known form"),
        Reason.OTHER_EDITION: _("the page is of another edition of the form"),
        Reason.MIRRORED: _("the page is mirrored"),
        Reason.POOR_FIT: _("the page's print does not fit the form well enough"),
        Reason.REPEAT: _("the same image was read before"),
        Reason.SIDE_MISSING: _("a side of the sheet is missing"),
        Reason.SIDE_DOUBLED: _("a side of the sheet is there twice"),
        Reason.SIDE_UNREADABLE: _("a side of the sheet could not be read"),
        Reason.SERIALS_DIFFER: _("the sides carry different serial numbers"),
        Reason.DUPLICATE: _("the sheet may have been scanned twice"),
        Reason.TITLE_DIFFERS: _("the printed title is not the form's"),
        Reason.FIELD_DIFFERS: _("a printed text is not the form's"),
        Reason.SEVERAL_MARKS: _("several boxes are marked"),
        Reason.FAINT: _("the mark is faint"),
        Reason.CORRECTED: _("the answer seems to have been corrected"),
        Reason.UNUSUAL_MARK: _("the mark is an unusual one"),
        Reason.STRAY_INK: _("there is ink that may not be a mark"),
        Reason.OUTLINE_LOST: _("a box was not found where it should be"),
        Reason.OUTSIDE_IMAGE: _("a box lies outside the image"),
        Reason.COVERED: _("a box is covered"),
        Reason.BITONAL_BLANK: _("a faint mark may be lost in black and white"),
        Reason.LOW_CONFIDENCE: _("the reading is not certain"),
        Reason.LINH_VUC_CONFLICT: _("the sheet's field of procedure is not the batch's"),
    }
