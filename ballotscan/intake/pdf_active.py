"""Whatever in a PDF would make a reader act: scripts, programs, files inside. Never run, only found."""

from __future__ import annotations

from typing import Final

import pikepdf
from pikepdf import Array, Dictionary, Name, Object

_HARMLESS_ACTIONS: Final = {"/GoTo", "/URI", "/Named"}
_ACTIVE_ACTIONS: Final = {
    "/JavaScript": "a script",
    "/Launch": "a program to start",
    "/SubmitForm": "a form to send",
    "/ImportData": "data to fetch",
    "/GoToR": "another file to open",
    "/GoToE": "an embedded file to open",
    "/Rendition": "a film",
    "/Movie": "a film",
    "/Sound": "a sound",
    "/RichMediaExecute": "rich media",
}
_ACTIVE_NAMES: Final = {"/JavaScript": "a script", "/EmbeddedFiles": "files inside"}


def find_active_content(pdf: pikepdf.Pdf) -> str | None:
    """What active content the file has, in a few words; None where it has none."""
    return _in_catalogue(pdf.Root) or _in_objects(pdf)


def _in_catalogue(root: Object) -> str | None:
    names = root.get("/Names")
    if isinstance(names, Dictionary):
        for key, what in _ACTIVE_NAMES.items():
            if key in names:
                return what
    opening = root.get("/OpenAction")  # a place to show first is harmless, and many scanners write one
    if isinstance(opening, Dictionary) and str(opening.get("/S")) not in _HARMLESS_ACTIONS:
        return "an action on opening"
    if "/AA" in root:
        return "an action on opening"
    form = root.get("/AcroForm")
    if isinstance(form, Dictionary) and "/XFA" in form:
        return "a form that is a program (XFA)"
    return None


def _in_objects(pdf: pikepdf.Pdf) -> str | None:
    """Actions, attachments and the like, wherever in the file they hang."""
    for thing in pdf.objects:
        if what := _in_object(thing):
            return what
    return None


def _in_object(thing: Object, depth: int = 0) -> str | None:
    """The object itself and what it holds directly; what it points to comes by in its own turn."""
    if depth > 8:
        return None
    if isinstance(thing, Array):
        parts = [part for part in thing if isinstance(part, (Array, Dictionary)) and not part.is_indirect]
        return next((what for part in parts if (what := _in_object(part, depth + 1))), None)
    if not isinstance(thing, Dictionary):
        return None
    if (what := _ACTIVE_ACTIONS.get(str(thing.get("/S")))) and _is_action(thing):
        return what
    if "/EF" in thing or thing.get("/Type") == Name.EmbeddedFile:
        return "files inside"
    parts = [
        part for _, part in thing.items() if isinstance(part, (Array, Dictionary)) and not part.is_indirect
    ]
    return next((what for part in parts if (what := _in_object(part, depth + 1))), None)


def _is_action(thing: Dictionary) -> bool:
    """``/S`` also names other things (a structure element's kind), which say so in ``/Type``."""
    return thing.get("/Type", Name.Action) == Name.Action
