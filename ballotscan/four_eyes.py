"""When people's decisions count: two persons must say the same, neither knowing what the other said.

Plain values in, plain values out. ``store.proposals`` asks these rules before anything is entered, the review
page before anything is shown; ``verify`` has rules of its own for the same.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal, get_args
from unicodedata import normalize

from ballotscan.errors import UsageError
from ballotscan.i18n import gettext as _

UserRole = Literal["operator", "reviewer", "auditor", "administrator"]
USER_ROLES: Final[tuple[UserRole, ...]] = get_args(UserRole)
MAY_DECIDE: Final = frozenset({"reviewer", "auditor"})
PERSONS: Final = 2


class Turn(StrEnum):
    """Which opinion of an answer a person may give now."""

    FIRST = "first"
    SECOND = "second"
    THIRD = "third"  # two that differ are there
    NONE = "none"


class Barred(StrEnum):
    """Why a person may not decide something."""

    NO_ROLE = "no_role"
    SCANNED = "scanned"  # who ran the scan is not the second of two
    HANDLES = "handles"  # who handles the unit's procedures does not review its ballots


@dataclass(frozen=True, slots=True)
class Person:
    """Someone who would decide, and what they have to do with the sheet's batch."""

    name: str
    roles: tuple[str, ...]
    scanned: bool = False
    handles: bool = False


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one person said of one answer or sheet: ``key`` is the entry, ``said`` is compared."""

    key: int
    by: str
    said: Hashable


def same_person(name: str, other: str) -> bool:
    """Whether two names are one but for case, blanks and ways to put letters together, or one is empty."""
    one, two = ("".join(normalize("NFKC", each).casefold().split()) for each in (name, other))
    return one == two or not one or not two


def mine(name: str, opinions: Sequence[Opinion]) -> Opinion | None:
    """A person's own opinion among those that stand."""
    return next((each for each in opinions if same_person(each.by, name)), None)


def agreeing(opinions: Sequence[Opinion], persons: int = PERSONS) -> tuple[Opinion, ...]:
    """The opinions that settle it, in the order in which they came; none where nothing is settled.

    ``opinions`` are those that stand, at most one of each person. Where ``persons`` is 1 one is enough.
    """
    if persons == 1:
        return tuple(opinions[-1:])
    for number, later in enumerate(opinions):
        for earlier in opinions[:number]:
            if earlier.said == later.said and not same_person(earlier.by, later.by):
                return earlier, later
    return ()


def differing(opinions: Sequence[Opinion]) -> bool:
    """Whether two persons or more have spoken and no two agree."""
    return len(opinions) > 1 and not agreeing(opinions)


def barred(person: Person, opinions: Sequence[Opinion]) -> Barred | None:
    """Why a person may not decide, if so. Their own opinion, if it stands, may be changed."""
    others = [each for each in opinions if not same_person(each.by, person.name)]
    if not MAY_DECIDE & set(person.roles):
        return Barred.NO_ROLE
    if person.handles:
        return Barred.HANDLES
    if person.scanned and others:
        return Barred.SCANNED
    return None


def turn(person: Person, opinions: Sequence[Opinion]) -> Turn:
    """Which opinion is this person's to give; one who has given theirs has none to give."""
    if barred(person, opinions) or mine(person.name, opinions):
        return Turn.NONE
    return (Turn.FIRST, Turn.SECOND, Turn.THIRD)[min(len(opinions), 2)]


def refuse_barred(person: Person, opinions: Sequence[Opinion], what: str) -> None:
    """Raises ``UsageError`` that names the sheet or answer and why this person may not decide it."""
    texts = {
        Barred.NO_ROLE: _("{what}: {name} has no account as reviewer or auditor."),
        Barred.SCANNED: _("{what}: {name} ran the scan and cannot be the second of two."),
        Barred.HANDLES: _("{what}: {name} handles procedures of the unit and reviews none of its ballots."),
    }
    why = barred(person, opinions)
    if why:
        text = texts[why].format(what=what, name=person.name)
        raise UsageError(text, _("Another person must decide."))
