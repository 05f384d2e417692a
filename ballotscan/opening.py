"""The minute of opening a ballot box (biên bản mở hòm phiếu): read from a small file, checked, and drawn.

Survey boxes have no form of minute of their own in law; this one counts what that of election boxes counts
(given out, unused, spoiled, taken out) and asks besides who scans and who reviews.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final
from unicodedata import normalize

from ballotscan.errors import BallotscanError, UsageError
from ballotscan.forms.drawing import font_folders
from ballotscan.forms.nodes import Node, read_source
from ballotscan.i18n import gettext as _
from ballotscan.model import BoxOpening

DRAWING: Final = Path(__file__).parent / "forms" / "minute.typ"

_COUNTS: Final = ("issued", "unused", "spoiled", "taken_out")
_PERSONS: Final = ("opened_by", "scanned_by", "reviewed_by", "handle_procedures")
_TEXTS: Final = ("box", "seal", "batch")
_OPTIONAL: Final = ("unit", "place", "note")
_MOST: Final = 10_000_000  # ballots; more is a slip of the pen


def read_minute(path: Path, known: Iterable[BoxOpening] = ()) -> BoxOpening:
    """A minute from its YAML file. ``known`` are the record's: who handles a unit's procedures stays known.

    Raises ``TemplateError`` naming file and line, or ``UsageError`` where a person may not take part.
    """
    found = read_source(path).fields((*_TEXTS, "opened", *_COUNTS, *_PERSONS), _OPTIONAL)
    opened = found["opened"].date() or found["opened"].refuse(_("the day is missing."))
    values: dict[str, Any] = {"opened": opened}
    values |= {name: _plain(found[name].text()) for name in (*_TEXTS, *_OPTIONAL) if name in found}
    values |= {name: found[name].whole(0, _MOST) for name in _COUNTS}
    values |= {name: _persons(found[name]) for name in _PERSONS}
    minute = BoxOpening(**values)
    _refuse_persons(path, minute, known)
    return minute


def _persons(node: Node) -> tuple[str, ...]:
    names = tuple(_plain(item.text()) for item in node.items())
    if not names:
        node.refuse(_("nobody is named here."), _("Name at least one person."))
    return names


def _plain(text: str) -> str:
    return " ".join(normalize("NFC", text).split())


def _refuse_persons(path: Path, minute: BoxOpening, known: Iterable[BoxOpening]) -> None:
    """Who handles a unit's procedures neither opens its boxes nor scans or reviews its ballots."""
    listed = [*minute.handle_procedures]
    listed += [name for other in known if other.unit == minute.unit for name in other.handle_procedures]
    barred = {_folded(name) for name in listed}
    for name in (*minute.opened_by, *minute.scanned_by, *minute.reviewed_by):
        if _folded(name) in barred:
            raise UsageError(
                _("{file}: {name} handles procedures of the unit.").format(file=path, name=name),
                _("Another person must open the box, scan and review."),
            )


def _folded(name: str) -> str:
    return "".join(name.split()).casefold()


# --- on paper --------------------------------------------------------------------------------------------


def draw_minute(minute: BoxOpening, sheets: int | None) -> bytes:
    """The minute as a PDF on A4, with the ``sheets`` found in the scan beside (None: not scanned).

    In the language in use. Raises ``BallotscanError`` if it cannot be drawn.
    """
    import typst

    plan = {"title": _("Minute of opening a ballot box"), **_rows(minute, sheets)}
    try:
        pdf = typst.compile(
            DRAWING,
            font_paths=typst.Fonts(include_system_fonts=False, font_paths=list(font_folders())),
            ignore_system_fonts=True,
            sys_inputs={"minute": json.dumps(plan)},
        )
    except typst.TypstError as error:
        raise BallotscanError(_("The minute cannot be drawn: {reason}.").format(reason=error)) from error
    assert isinstance(pdf, bytes)
    return pdf


def _rows(minute: BoxOpening, sheets: int | None) -> dict[str, Any]:
    day = "/".join(reversed(minute.opened.split("-")))
    about = [
        (_("Box"), minute.box),
        (_("Seal number"), minute.seal),
        (_("Opened on"), day),
        (_("Unit"), minute.unit),
        (_("Place"), minute.place),
        (_("Scanned as batch"), minute.batch),
    ]
    counts = [
        (_("Ballots given out"), minute.issued),
        (_("Unused, brought back"), minute.unused),
        (_("Spoiled and replaced"), minute.spoiled),
        (_("Taken out of the box"), minute.taken_out),
        (_("Not returned"), minute.not_returned),
        (_("Sheets found in the scan"), "-" if sheets is None else sheets),
    ]
    people = [
        (_("Opened by"), minute.opened_by),
        (_("Scanned by"), minute.scanned_by),
        (_("Reviewed by"), minute.reviewed_by),
    ]
    agrees = sheets is None or sheets == minute.taken_out
    return {
        "about": [[name, text] for name, text in about if text],
        "counts": [[name, str(count)] for name, count in counts],
        "people": [[name, list(names)] for name, names in people],
        "note": minute.note,
        "declared": _(
            "None of the persons named above handles procedures of the unit. These do: {names}."
        ).format(names=", ".join(minute.handle_procedures)),
        "differs": "" if agrees else _("The scan does not agree with the number taken out of the box."),
        "sign": _("Signature"),
    }


def faults_of(minute: BoxOpening) -> Sequence[str]:
    """What does not add up in the minute itself, in words; none is well."""
    more = -minute.not_returned
    if more <= 0:
        return ()
    return (_("{count} more ballots are accounted for than were given out.").format(count=more),)
