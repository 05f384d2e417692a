"""The minute of opening a ballot box (biên bản mở hòm phiếu): read from a small file and checked.

Survey boxes have no form of minute of their own in law; this one counts what that of election boxes counts
(given out, unused, spoiled, taken out) and asks besides who scans and who reviews.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final
from unicodedata import normalize

from ballotscan.errors import UsageError
from ballotscan.forms.nodes import Node, read_source
from ballotscan.i18n import gettext as _
from ballotscan.model import BoxOpening

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


def faults_of(minute: BoxOpening) -> Sequence[str]:
    """What does not add up in the minute itself, in words; none is well."""
    more = -minute.not_returned
    if more <= 0:
        return ()
    return (_("{count} more ballots are accounted for than were given out.").format(count=more),)
