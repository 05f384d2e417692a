"""What people wrote, as opinions under themes: typed from the ballots' clips, or given on other channels."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ballotscan.forms.form import Form
from ballotscan.privacy import without_names, without_numbers
from ballotscan.rules.periods import Period
from ballotscan.store.reviews import Reviews
from ballotscan.store.texts import written_texts

if TYPE_CHECKING:
    from ballotscan.store.database import Store

LEAST_HEIGHT_MM: Final = 14.0
"""A field less high is one line for a name, a place or a field of procedure, not for an opinion: the shipped
forms' single lines are 6 mm high, their fields for opinions 29 mm and more."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """One text of one ballot that counts, as it is stored. Only ``masked`` may be published."""

    ballot: str
    form: str
    channel: str
    text: str

    @property
    def masked(self) -> str:
        """Without numbers, mail addresses and what was marked as a name, or looks like one."""
        return without_names(without_numbers(self.text))


def gather_opinions(store: Store, period: Period, forms: Iterable[Form]) -> tuple[Opinion, ...]:
    """Every opinion on a ballot of these forms that counts, in the order of the ballots."""
    fields = {(form.id, form.edition): _fields(form) for form in forms}
    rows = Reviews(store).look(written_texts, period.first, period.last)
    return tuple(
        Opinion(row.ballot, row.form, row.channel, row.text)
        for row in rows
        if (row.form, row.edition) in fields and row.field in {"", *fields[row.form, row.edition]}
    )


def _fields(form: Form) -> frozenset[str]:
    """The fields of a form that ask for an opinion."""
    free = {field.id for field in form.fields if field.kind == "free_text"}
    places = (place for side in form.sides for place in side.fields)
    return frozenset(p.field for p in places if p.field in free and p.rect.h_mm >= LEAST_HEIGHT_MM)


Themes = Sequence[tuple[str, Sequence[str]]]
"""Theme and the words that put an opinion under it."""


def by_theme(opinions: Sequence[Opinion], themes: Themes) -> Mapping[str, tuple[Opinion, ...]]:
    """Opinions by theme in the themes' order, and last, under an empty name, those that touch none. One that
    touches several stands under each of them. Themes that none touches are left out.
    """
    found = {
        name: tuple(each for each in opinions if any(_says(each.text, word) for word in words))
        for name, words in themes
    }
    placed = {each for those in found.values() for each in those}
    found[""] = tuple(each for each in opinions if each not in placed)
    return {name: those for name, those in found.items() if those}


def _says(text: str, word: str) -> bool:
    """Whether whole words stand in a text. One typed without any mark is compared without them."""
    said, wanted = _words(text), _words(word)
    if said == _bare(said):
        wanted = _bare(wanted)
    return f" {wanted} " in f" {said} "


def _words(text: str) -> str:
    folded = unicodedata.normalize("NFC", text).casefold()
    return " ".join("".join(c if c.isalnum() else " " for c in folded).split())


def _bare(text: str) -> str:
    """Without Vietnamese marks."""
    apart = unicodedata.normalize("NFD", text.replace("đ", "d"))
    return "".join(c for c in apart if not unicodedata.combining(c))
