"""The queue: which answers a person is asked for, in which order, one card after the other.

A person's line is laid out once, when they begin, and again at its end; each card is looked up anew when it
is shown. Known answers are mixed in, and look like all the others.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from ballotscan.four_eyes import MAY_DECIDE, PERSONS, Opinion, Person, Turn, differing, same_person, turn
from ballotscan.model import Proposal, SheetId, Standing
from ballotscan.store import proposals, users
from ballotscan.store import review_queries as queries
from ballotscan.store.review_queries import ItemKey, ReviewAnswer
from ballotscan.store.reviews import Reviews

ONE_CONTROL_IN: Final = 25
"""A person who errs once in 100 is known after a day's 2,000 answers; it costs 4 % of the time."""
_CONTROLS_AT_HAND: Final = 200
_SHEETS_FOR_CONTROLS: Final = 60


class Known(NamedTuple):
    """What is known to be right of a control."""

    codes: tuple[str, ...]
    invalid: bool


@dataclass(frozen=True, slots=True)
class Card:
    """One answer a person is asked for. ``blind``: neither the machine's nor anybody's answer is shown."""

    item: ItemKey
    sheet: SheetId
    batch: str
    blind: bool
    seen: int  # the ruling that stood when it was laid out
    known: Known | None = None


@dataclass(slots=True)
class Line:
    """A person's cards in their order, and those that were answered."""

    cards: list[Card] = field(default_factory=list)
    done: dict[int, Standing] = field(default_factory=dict)

    def at(self, number: int) -> Card | None:
        """The card of that number."""
        return self.cards[number] if 0 <= number < len(self.cards) else None


class Progress(NamedTuple):
    """How many answers wait: for this person, and altogether."""

    mine: int
    waiting: int
    differing: int


def lay_out(reviews: Reviews, name: str, chance: random.Random) -> Line:
    """A person's line as things stand: what another has spoken on comes first, then as the sheets lie.

    Each person begins at another sheet, so that two who work at once do not give the first of two opinions
    on the same answers.
    """
    asked = asked_of(reviews, name)
    first = [_card(row, blind=True) for row, its in asked if its is not Turn.FIRST]
    fresh = [_card(row, blind=False) for row, its in asked if its is Turn.FIRST]
    fresh = _from_own_place(fresh, _place_of(reviews, name))
    blind_controls, open_controls = controls_for(reviews, name)
    return Line([*_mixed(first, blind_controls, chance), *_mixed(fresh, open_controls, chance)])


def _place_of(reviews: Reviews, name: str) -> float:
    """Where among the sheets a person begins, from 0 to 1: as many places as there are people who decide."""
    people = [each for each in reviews.accounts() if each.active and MAY_DECIDE & set(each.roles)]
    names = [each.name for each in sorted(people, key=lambda each: each.login)]
    found = [number for number, each in enumerate(names) if same_person(each, name)]
    return found[0] / len(names) if found else 0.0


def _from_own_place(cards: list[Card], place: float) -> list[Card]:
    start = int(len(cards) * place)
    while start > 0 and cards[start].sheet == cards[start - 1].sheet:
        start -= 1
    return cards[start:] + cards[:start]


def look_again(reviews: Reviews, line: Line, number: int, name: str) -> Card | None:
    """A card as it is to be shown now: blind, where another person has spoken since the line was laid out."""
    card = line.at(number)
    if card is None or card.blind or card.known or persons(reviews) < PERSONS:
        return card
    opinions = reviews.look(queries.opinions_on, [card.item[0]]).get(card.item, [])
    if any(not same_person(each.by, name) for each in opinions):
        line.cards[number] = replace(card, blind=True)
    return line.cards[number]


def must_say_why(reviews: Reviews, line: Line, number: int, name: str) -> bool:
    """Whether a person has answered it while another's answer stood, so that a note must say why again."""
    card = line.cards[number]
    if card.known:
        return card.blind and number in line.done  # as any other card, so that nobody learns what it is
    return answers_anew(reviews, card.item, name)


def answers_anew(reviews: Reviews, item: ItemKey, name: str) -> bool:
    """The same of an answer by itself."""
    opinions = reviews.look(queries.opinions_on, [item[0]]).get(item, [])
    others = [each.key for each in opinions if not same_person(each.by, name)]
    return bool(others) and reviews.look(proposals.spoke_beside, *item, name, others)


def asked_of(reviews: Reviews, name: str) -> list[tuple[ReviewAnswer, Turn]]:
    """The waiting answers on which this person may speak now, with whose turn that is."""
    waiting = reviews.look(queries.waiting_answers)
    turns = _turns(reviews, name, waiting)
    return [(row, its) for row, its in zip(waiting, turns, strict=True) if its is not Turn.NONE]


def _turns(reviews: Reviews, name: str, rows: Sequence[ReviewAnswer]) -> list[Turn]:
    said = reviews.look(queries.opinions_on, [row.key for row in rows])
    people = persons_of(reviews, name, {row.batch for row in rows})
    return [turn(people[row.batch], said.get(row.item, [])) for row in rows]


def persons_of(reviews: Reviews, name: str, batches: set[str]) -> Mapping[str, Person]:
    """A person as the rules see them before each of these batches."""
    return {batch: reviews.look(users.person, name, batch) for batch in batches}


def progress(reviews: Reviews, name: str) -> Progress:
    """How much there is to do."""
    waiting: list[ReviewAnswer] = reviews.look(queries.waiting_answers)
    said: Mapping[ItemKey, list[Opinion]] = reviews.look(queries.opinions_on, [row.key for row in waiting])
    mine = sum(each is not Turn.NONE for each in _turns(reviews, name, waiting))
    return Progress(mine, len(waiting), sum(differing(said.get(row.item, [])) for row in waiting))


def answer_card(
    reviews: Reviews, line: Line, number: int, name: str, said: tuple[tuple[str, ...], bool], note: str
) -> Standing:
    """Enter what a person says of a card. Raises as ``proposals.propose``."""
    card = line.cards[number]
    codes, invalid = said
    new = Proposal(card.sheet, card.item[1], codes, invalid, name, note, card.seen, not card.blind)
    if card.known is None:
        (standing,) = reviews.propose([new])
    elif number in line.done:
        standing = Standing.KNOWN
    else:
        reviews.add_control(new, card.known)
        standing = Standing.WAITS
    line.done[number] = standing
    return standing


def take_back(reviews: Reviews, line: Line, number: int, name: str) -> None:
    """Take back what was said of a card. A control stays as it was answered first."""
    card = line.cards[number]
    if card.known is None:
        reviews.withdraw(card.sheet, card.item[1], name)
        line.done.pop(number, None)


def persons(reviews: Reviews) -> int:
    """By how many an answer is settled."""
    return reviews.look(proposals.persons_needed)


# --- controls ---------------------------------------------------------------------------------------------


def _card(row: ReviewAnswer, *, blind: bool) -> Card:
    return Card(row.item, row.sheet, row.batch, blind, row.ruling)


def controls_for(reviews: Reviews, name: str) -> tuple[list[Card], list[Card]]:
    """Known answers for the blind part of a line and for the other.

    Known are answers that two others have settled; among blind cards also those that the machine is sure of.
    (Beside the machine's own reading these would be no question.)
    """
    if persons(reviews) < PERSONS:
        return [], []
    settled = [
        Card(row.item, row.sheet, row.batch, False, row.ruling, _known(row))
        for row, *both in reviews.look(queries.settled_answers, _CONTROLS_AT_HAND)
        if not any(same_person(name, other) for other in both)
    ]
    sure = [
        Card(row.item, row.sheet, row.batch, True, 0, Known(tuple(row.codes.split("|")), False))
        for row in reviews.look(queries.sure_answers, _SHEETS_FOR_CONTROLS)
    ]
    opened = closed_batches(reviews)
    both = ([*sure, *settled], settled)
    blind, beside = ([card for card in cards if card.batch not in opened] for cards in both)
    return blind, beside


def _known(row: ReviewAnswer) -> Known:
    return Known(tuple(row.ruled_codes.split("|")) if row.ruled_codes else (), row.ruled_invalid)


def closed_batches(reviews: Reviews) -> set[str]:
    """Batches of closed periods: not even a control enters them."""
    closings = [each for each in reviews.store.closings() if each.standing]
    return {
        batch.name
        for batch in reviews.store.batches()
        for each in closings
        if each.first.isoformat() <= batch.received <= each.last.isoformat() and each.unit in ("", batch.unit)
    }


def _mixed(cards: Sequence[Card], controls: Sequence[Card], chance: random.Random) -> list[Card]:
    """Cards with a control among every ONE_CONTROL_IN or so, at places that nobody can foresee."""
    left = chance.sample(list(controls), len(controls))
    mixed: list[Card] = []
    for card in cards:
        mixed.append(card)
        if left and chance.randrange(ONE_CONTROL_IN) == 0:
            mixed.append(replace(left.pop(), blind=card.blind))
    return mixed
