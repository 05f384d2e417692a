"""Which sides make a sheet. Plain Python over small rows, for the whole stack at once.

Two ways, in this order:

1. A printed serial joins the sides that carry it, wherever they lie.
2. All other sides are joined by their order in the stack. Every way to cut the stack into sheets has a cost
   (a missing side, a sheet lying the other way round, an unreadable page standing for a side), and the
   cheapest way is found by dynamic programming. Where several ways cost the same, the sheets in doubt are
   left incomplete: a person decides, luck never does.

Where a side is lone, a page may as well have been put in: of ``1 1 2`` either front may own the back. So the
whole sheets beside a lone side are unsure and go to a person, and so does a whole run of sheets that would be
no worse explained if it lay the other way round (``1 2 1 2 1``: the last back lost, or the first page).

A stack is taken to lie front first unless its pages say otherwise. The cost of turning over is charged where
the stack turns, not per sheet, so that a handful of sheets laid in upside down stays a handful of sheets.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from ballotscan.model import PageRef, Reason
from ballotscan.rules.two_hands import plainly_one

# Costs of the ways a stack may have come about. Only their order matters; the reasons for it:
_BACK_FIRST = 1  # scanners deliver front first, so back first must be shown by the pages
_STAND_IN = 1  # an unreadable page where exactly one side is wanting is almost surely that side
_TURNED = 2  # sheets laid in the other way round are common; a lost side is not
_LONE_UNREADABLE = 4  # an unreadable page that belongs to no sheet we know
_MISSING = 8  # per missing side: dearer than turning a run of sheets over and back

_ASKED = 40  # neighbours whose hands are compared where a run may lie either way

DAMAGED = frozenset(
    {
        Reason.DAMAGED_IMAGE,
        Reason.CUT_OFF,
        Reason.TOO_LARGE,
        Reason.TOO_COARSE,
        Reason.DRAWN_ON,
        Reason.UNSUPPORTED_IMAGE,
        Reason.TIME_LIMIT,
        Reason.RESOURCE_LIMIT,
        Reason.MIRRORED,
        Reason.POOR_FIT,
    }
)
"""Faults of a page that may well be a side of the form; a page seen to be something else has none of them."""


@dataclass(frozen=True, slots=True)
class PagePlace:
    """What pairing needs to know of one page.

    ``key`` is the store's; ``side`` counts from 1; ``place`` is where the page lies in the stack: neighbours
    differ by 1. ``read`` is false for a page that could not be read; ``reason`` then says why. Pages that are
    no ballot (blank, another form, a repeat, a file that could not be opened) come along because no sheet
    lies across them.
    """

    key: int
    ref: PageRef
    form: str | None
    edition: str | None
    side: int | None
    serial: str | None
    read: bool
    reason: Reason | None
    place: int


@dataclass(frozen=True, slots=True)
class SheetPlan:
    """The sides of one sheet, one place per side of its form, None where the side is missing.

    ``reason`` is None for a whole sheet; otherwise it says why the sheet is incomplete or set aside.
    ``unsure``: it is whole, but its sides were joined by their order at a place where that tells too little.
    """

    form: str
    edition: str
    serial: str | None
    pages: tuple[PagePlace | None, ...]
    reason: Reason | None
    unsure: bool = False


_Group = tuple[int, ...]
"""Places in the stack (indices) that make one sheet, in stack order."""


Unlike = Callable[[Sequence[tuple[int, int]]], Sequence[float | None]]
"""How unlike the hands on two pages each are, by their keys; None where a page does not tell."""


def pair_sides(
    places: Sequence[PagePlace],
    sides_of: Mapping[str, int],
    unlike: Unlike = lambda pairs: [None] * len(pairs),
) -> list[SheetPlan]:
    """Join the pages of a stack, given in stack order, into sheets, in the order of their first pages.

    Every page whose form and side are known is on exactly one sheet. A damaged page of unknown form is on a
    sheet only where it stands for the one missing side; otherwise it is on none and stays set aside itself.
    ``sides_of`` gives the number of sides of every form that occurs. ``unlike`` is asked only where the order
    of the pages leaves open which way a whole run of them lies.
    """
    by_serial, doubled = _groups_by_serial(places, sides_of)
    taken = {index for group in (*by_serial, *doubled) for index in group}
    by_order = _groups_by_order(places, taken, sides_of)
    differing = _serials_differ(places, by_order)
    unsure = _unsure(places, by_order, sides_of, unlike)
    plans: list[tuple[int, SheetPlan]] = []
    for group in (*by_serial, *doubled, *by_order):
        members = [places[index] for index in group]
        if all(member.side is None for member in members):
            continue  # a damaged page on its own
        plan = _plan(members, sides_of)
        if group in doubled:
            plan = replace(plan, reason=Reason.SIDE_DOUBLED)
        elif group in differing:
            plan = replace(plan, reason=Reason.SERIALS_DIFFER)
        elif group in unsure:
            plan = replace(plan, unsure=plan.reason is None)
        plans.append((group[0], plan))
    return [plan for _, plan in sorted(plans, key=lambda entry: entry[0])]


def _plan(members: Sequence[PagePlace], sides_of: Mapping[str, int]) -> SheetPlan:
    """Put the members of one group on their sides; an unreadable stand-in takes the side that is left."""
    known = next(member for member in members if member.side is not None)
    assert known.form is not None, "a side without a form"
    by_side = {member.side: member for member in members if member.side is not None}
    stand_in = next((member for member in members if member.side is None), None)
    pages = tuple(by_side.get(side, stand_in) for side in range(1, sides_of[known.form] + 1))
    serial = next((member.serial for member in members if member.serial), None)
    return SheetPlan(known.form, known.edition or "", serial, pages, _reason(pages, stand_in))


def _reason(pages: Sequence[PagePlace | None], stand_in: PagePlace | None) -> Reason | None:
    if None in pages:
        return Reason.SIDE_MISSING
    damaged = next((page for page in pages if page is not None and not page.read), None)
    if damaged is None:
        return None
    return Reason.SIDE_UNREADABLE if damaged is stand_in else damaged.reason or Reason.SIDE_UNREADABLE


# --- by serial -------------------------------------------------------------------------------------------


def _groups_by_serial(
    places: Sequence[PagePlace], sides_of: Mapping[str, int]
) -> tuple[list[_Group], set[_Group]]:
    """Whole sheets by serial, and the groups of serials on which some side occurs too often.

    A serial that occurs once on each side is a sheet. If it occurs equally often on every side and each copy
    lies together, the sheet was scanned several times: each copy is a sheet (the caller flags the serial).
    Otherwise every piece of it is doubled. A serial with a side missing is left to the order of the stack.
    """
    by_serial: dict[tuple[str, str | None, str], list[int]] = defaultdict(list)
    for index, place in enumerate(places):
        if place.form and place.side and place.serial and sides_of[place.form] > 1:
            by_serial[place.form, place.edition, place.serial].append(index)
    whole: list[_Group] = []
    doubled: set[_Group] = set()
    for (form, _, _), indices in by_serial.items():
        count = Counter(places[index].side for index in indices)
        if max(count.values()) == 1:
            if len(count) == sides_of[form]:
                whole.append(tuple(indices))
            continue
        copies = list(_copies(indices, places))
        if all(len(copy) == sides_of[form] for copy in copies):
            whole.extend(copies)
        else:
            doubled.update(copies)
    return whole, doubled


def _copies(indices: Sequence[int], places: Sequence[PagePlace]) -> Iterator[_Group]:
    """Cut the pages of one serial where a side comes again."""
    copy: list[int] = []
    for index in indices:
        if places[index].side in {places[other].side for other in copy}:
            yield tuple(copy)
            copy = []
        copy.append(index)
    yield tuple(copy)


def _serials_differ(places: Sequence[PagePlace], groups: Sequence[_Group]) -> set[_Group]:
    """Lone sides that lie as one sheet would, but with different serials: a double feed, or a mix-up."""
    found: set[_Group] = set()
    for first, second in pairwise(groups):
        if len(first) != 1 or len(second) != 1 or second[0] != first[0] + 1:
            continue
        left, right = places[first[0]], places[second[0]]
        if (
            left.serial
            and right.serial
            and left.serial != right.serial
            and left.form == right.form
            and left.side != right.side
        ):
            found |= {first, second}
    return found


# --- by order --------------------------------------------------------------------------------------------


def _groups_by_order(
    places: Sequence[PagePlace], taken: set[int], sides_of: Mapping[str, int]
) -> list[_Group]:
    """Cut what no serial joins into sheets, by the cheapest explanation of the whole stack."""
    stack = _Stack(
        places,
        sides_of,
        closed=frozenset(i for i, place in enumerate(places) if i in taken or not _may_be_a_side(place)),
        long_files=frozenset(place.ref.file for place in places if place.ref.page > 1),
    )
    groups = [group for group in _certain(_cheapest(stack), len(places)) if group[0] not in stack.closed]
    return _without_nested(places, groups)


def _may_be_a_side(place: PagePlace) -> bool:
    """A side of a known form, or a damaged page that may be one (a whole file that failed is neither)."""
    if place.form is not None and place.side is not None:
        return True
    return not place.read and place.ref.page > 0 and place.reason in DAMAGED


@dataclass(frozen=True, slots=True)
class _Stack:
    places: Sequence[PagePlace]
    sides_of: Mapping[str, int]
    closed: frozenset[int]  # pages no sheet made by order may hold or lie across
    long_files: frozenset[str]  # files of several pages: no sheet lies across their ends


_Node = tuple[int, int]
"""A cut in the stack before page i, and how the sheets lie there: 0 front first, 1 back first."""


def _cheapest(stack: _Stack) -> set[tuple[int, int]]:
    """Every piece (first, after last) that is part of some cheapest way to cut the stack."""
    end = len(stack.places)
    far = (end + 1) * (_MISSING + 1) * max(stack.sides_of.values(), default=1)  # beyond any real cost
    edges = [list(_edges(stack, index)) for index in range(end)]
    forward = {(index, lie): far for index in range(end + 1) for lie in (0, 1)}
    forward[0, 0], forward[0, 1] = 0, _BACK_FIRST
    for index in range(end):
        for lie, after, new_lie, cost in edges[index]:
            forward[after, new_lie] = min(forward[after, new_lie], forward[index, lie] + cost)
    backward = {(index, lie): far for index in range(end + 1) for lie in (0, 1)}
    backward[end, 0] = backward[end, 1] = 0
    for index in reversed(range(end)):
        for lie, after, new_lie, cost in edges[index]:
            backward[index, lie] = min(backward[index, lie], cost + backward[after, new_lie])
    total = min(forward[end, 0], forward[end, 1])
    return {
        (index, after)
        for index in range(end)
        for lie, after, new_lie, cost in edges[index]
        if forward[index, lie] + cost + backward[after, new_lie] == total
    }


def _edges(stack: _Stack, first: int) -> Iterator[tuple[int, int, int, int]]:
    """All pieces that may begin at a page: (lie before, after last, lie after, cost)."""
    longest = max(stack.sides_of.values(), default=1)
    for after in range(first + 1, min(first + longest, len(stack.places)) + 1):
        piece = _piece(stack, first, after)
        if piece is None:
            continue
        cost, lies = piece
        for lie in (0, 1):
            for new_lie in lies or (lie,):
                yield lie, after, new_lie, cost + (_TURNED if new_lie != lie else 0)


def _piece(stack: _Stack, first: int, after: int) -> tuple[int, tuple[int, ...]] | None:
    """Cost of pages first..after-1 as one sheet, and how such a sheet lies (nothing: a lone page).

    None if these pages cannot be of one sheet.
    """
    members = [stack.places[index] for index in range(first, after)]
    if len(members) == 1:
        return _cost_alone(stack, first), ()
    if any(index in stack.closed for index in range(first, after)) or not _of_one_sheet(stack, members):
        return None
    sides = stack.sides_of[next(member.form for member in members if member.form)]
    order = [member.side for member in members]
    if None in order:
        if len(members) != sides:
            return None
        order[order.index(None)] = (set(range(1, sides + 1)) - set(order)).pop()
    numbers = [side for side in order if side is not None]
    if numbers != sorted(numbers) and numbers != sorted(numbers, reverse=True):
        return None
    stand_in = _STAND_IN if any(member.side is None for member in members) else 0
    return _MISSING * (sides - len(members)) + stand_in, (0,) if numbers == sorted(numbers) else (1,)


def _cost_alone(stack: _Stack, index: int) -> int:
    place = stack.places[index]
    if index in stack.closed:
        return 0
    if place.form is None or place.side is None:
        return _LONE_UNREADABLE
    return _MISSING * (stack.sides_of[place.form] - 1)


def _of_one_sheet(stack: _Stack, members: Sequence[PagePlace]) -> bool:
    """Whether several neighbouring pages may be sides of one sheet, whatever their order."""
    forms = {(member.form, member.edition) for member in members if member.form is not None}
    known = [member.side for member in members if member.side is not None]
    serials = {member.serial for member in members if member.serial}
    files = {member.ref.file for member in members}
    return (
        len(forms) == 1
        and members[-1].place - members[0].place == len(members) - 1
        and len(members) <= stack.sides_of[next(form for form, _ in forms if form)]
        and len(set(known)) == len(known) >= len(members) - 1  # at most one stands for a side
        and len(known) > 0
        and len(serials) <= 1
        and (len(files) == 1 or not files & stack.long_files)
    )


def _certain(pieces: set[tuple[int, int]], end: int) -> list[_Group]:
    """Keep the pieces on which all cheapest ways agree; every other page stands alone."""
    cover = [0] * end
    for first, after in pieces:
        for index in range(first, after):
            cover[index] += 1
    agreed = [piece for piece in pieces if all(cover[index] == 1 for index in range(*piece))]
    doubtful = set(range(end)) - {index for piece in agreed for index in range(*piece)}
    return sorted([tuple(range(*piece)) for piece in agreed] + [(index,) for index in doubtful])


def _without_nested(places: Sequence[PagePlace], groups: Sequence[_Group]) -> list[_Group]:
    """Take apart a sheet that lies between two lone sides like its own: 1 (1 2) 2.

    Fronts and backs scanned one after the other (1 1 1 2 2 2) look so at the turn, and then the pair is one
    by chance.
    """
    kept: list[_Group] = []
    for number, group in enumerate(groups):
        before = groups[number - 1] if number else ()
        after = groups[number + 1] if number + 1 < len(groups) else ()
        nested = (
            len(group) > 1
            and len(before) == len(after) == 1
            and before[0] == group[0] - 1
            and after[0] == group[-1] + 1
            and _alike(places[before[0]], places[group[0]])
            and _alike(places[after[0]], places[group[-1]])
        )
        kept.extend([(index,) for index in group] if nested else [group])
    return kept


def _alike(one: PagePlace, other: PagePlace) -> bool:
    return (one.form, one.edition) == (other.form, other.edition) and one.side == other.side is not None


# --- whole, but unsure -----------------------------------------------------------------------------------


def _unsure(
    places: Sequence[PagePlace], groups: Sequence[_Group], sides_of: Mapping[str, int], unlike: Unlike
) -> set[_Group]:
    """The sheets made by order that lie beside a lone side, and those of a run that may lie either way."""
    found: set[_Group] = set()
    for run in _runs(places, groups):
        sides = sides_of[places[run[0][0]].form or ""]
        whole = {group for group in run if len(group) == sides}
        for one, other in pairwise(run):
            found |= {one, other} & whole if (one in whole) != (other in whole) else set()
        order = [places[index].side or 0 for group in run for index in group]
        either_way = len(whole) < len(run) and _lies_either_way(order, sides, len(run) - len(whole))
        if either_way and not (sides == 2 and _plainly_so(places, run, unlike)):
            found |= whole
    return found


def _runs(places: Sequence[PagePlace], groups: Sequence[_Group]) -> Iterator[list[_Group]]:
    """Sheets and lone sides of one form that lie one behind the other, with nothing between."""
    long_files = frozenset(place.ref.file for place in places if place.ref.page > 1)
    run: list[_Group] = []
    for group in groups:
        before, here = places[run[-1][-1]] if run else None, places[group[0]]
        files = {before.ref.file, here.ref.file} if before else set()
        goes_on = (
            before is not None
            and here.place == before.place + 1
            and (here.form, here.edition) == (before.form, before.edition)
            and (len(files) == 1 or not files & long_files)
        )
        if not goes_on and run:
            yield run
            run = []
        if all(places[index].side is not None for index in group):
            run.append(group)
    if run:
        yield run


def _plainly_so(places: Sequence[PagePlace], run: Sequence[_Group], unlike: Unlike) -> bool:
    """Whether the hands on the pages say that a run's sheets are those that its order says."""
    joined = [(group[0], group[-1]) for group in run if len(group) == 2][:_ASKED]
    apart = [(one[-1], other[0]) for one, other in pairwise(run)][:_ASKED]
    found = unlike([(places[one].key, places[other].key) for one, other in (*joined, *apart)])
    return plainly_one(found[: len(joined)], found[len(joined) :])


def _lies_either_way(order: Sequence[int], sides: int, lone: int) -> bool:
    """Whether sheets all laid the one way, and all the other, explain these sides with no more lone ones."""
    for numbers in (order, [-number for number in order]):  # front first, back first
        ends = [index + 1 for index, (one, other) in enumerate(pairwise(numbers)) if other <= one]
        pieces = [after - first for first, after in pairwise([0, *ends, len(numbers)])]
        if sum(length < sides for length in pieces) > lone:
            return False
    return True
