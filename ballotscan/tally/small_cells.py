"""Small counts in cross-tables by what respondents said of themselves are not shown.

A count from 1 up to one below the limit could point to a person. Hiding it alone is not enough: it would
follow from the totals. So in every line and column whose total is shown at least two cells are hidden, which
together hold at least the limit, and no hidden cell follows from several totals. Figures made of hidden cells
are hidden too. What this does not guard against: a group of whom all gave one answer, and tables by several
attributes laid beside each other.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any, Final

from ballotscan.tally.figures import HIDDEN, By, FormTally, Group, Index, Item, Tally

RESPONDENT_ATTRIBUTES: Final[tuple[By, ...]] = ("linh_vuc",)
"""What a sheet itself says. Unit and channel are the batch's: a programme publishes each unit's figures."""

_REST: Final = ("blank", "invalid", "awaiting")
Table = Sequence[Sequence[int]]
Cell = tuple[int, int]


def mask_tally(tally: Tally, least: int, one_way: bool = False) -> Tally:
    """The tally with counts below ``least`` put to ``HIDDEN`` in cross-tables by respondents' attributes.

    The tables over all sheets, and those by unit and channel, stay as they are unless ``one_way``.
    """
    forms = tuple(_mask_form(form, least, one_way) for form in tally.forms)
    return replace(tally, forms=forms, least_cell=least)


def hide(table: Table, least: int, *, rows: bool = True, hidden_totals: Sequence[int] = ()) -> set[Cell]:
    """The cells (row, column) not to be shown of a table whose column totals are known, and its rows' totals
    too if ``rows``. ``hidden_totals`` are the columns whose total is hidden: there one cell must be too.
    """
    lines = [[(row, column) for row in range(len(table))] for column in range(len(table[0]) if table else 0)]
    lines += (
        [[(row, column) for column in range(len(line))] for row, line in enumerate(table)] if rows else []
    )
    found = {(r, c) for r, row in enumerate(table) for c, count in enumerate(row) if 0 < count < least}
    for column in hidden_totals:
        if not found & set(lines[column]):
            found |= _smallest(table, lines[column], found)
    while True:
        telling = [line for line in lines if _tells(table, line, found, least)]
        if rows and not telling:
            telling = [lines[column] for row, column in sorted(found) if not _on_a_ring((row, column), found)]
        more = next((cells for line in telling if (cells := _smallest(table, line, found))), None)
        if not more:
            return found
        found |= more


def _tells(table: Table, line: Sequence[Cell], hidden: set[Cell], least: int) -> bool:
    """Whether a line's total gives its hidden cells away."""
    mine = [table[row][column] for row, column in line if (row, column) in hidden]
    return bool(mine) and (len(mine) < 2 or sum(mine) < least)


def _smallest(table: Table, line: Sequence[Cell], hidden: set[Cell]) -> set[Cell]:
    """The cell of a line to hide next: no nought unless nothing else is left; rather one beside what is
    hidden elsewhere, because it asks for no others; the smallest.
    """
    elsewhere = hidden - set(line)

    def cost(cell: Cell) -> tuple[bool, bool, int, Cell]:
        count = table[cell[0]][cell[1]]
        crosses = any(row == cell[0] or column == cell[1] for row, column in elsewhere)
        return not count, not crosses, count, cell

    return {min((cell for cell in line if cell not in hidden), key=cost)} if set(line) - hidden else set()


def _on_a_ring(cell: Cell, hidden: set[Cell]) -> bool:
    """Whether a cell can be another without any total telling: from its row to its column there is a way over
    other hidden cells, taking from one what is given to the next.
    """
    rows, columns = {cell[0]}, set[int]()
    others = hidden - {cell}
    while True:
        reached = {c for r, c in others if r in rows}, {r for r, c in others if c in columns}
        if reached[0] <= columns and reached[1] <= rows:
            return cell[1] in columns
        columns |= reached[0]
        rows |= reached[1]


def _mask_form(form: FormTally, least: int, one_way: bool) -> FormTally:
    whole, *others = form.groups
    names = [_names(item) for item in whole.of_level("question")]
    totals: list[set[str]] = [set() for _item in names]
    if one_way:
        totals = _hidden_names([whole], names, least, totals)[0]
    hidden: dict[tuple[str, str], list[set[str]]] = {(whole.by, whole.value): totals}
    for by in dict.fromkeys(group.by for group in others):
        if one_way or by in RESPONDENT_ATTRIBUTES:
            groups = [group for group in others if group.by == by]
            for group, of_group in zip(groups, _hidden_names(groups, names, least, totals), strict=True):
                hidden[group.by, group.value] = of_group
    masked = (_mask_group(g, hidden[g.by, g.value]) if (g.by, g.value) in hidden else g for g in form.groups)
    return replace(form, groups=tuple(masked))


def _names(item: Item) -> tuple[tuple[str, ...], ...]:
    """The lines of a question's figures, in tables of their own: where one answer may be given, all lines add
    up to the ballots; where several may, the options do not, and only whether it was answered does.
    """
    options = tuple(f"={option.code}" for option in item.options)
    return (("answered", *_REST), options) if item.multiple else ((*options, *_REST),)


def _hidden_names(
    groups: Sequence[Group],
    names: Sequence[tuple[tuple[str, ...], ...]],
    least: int,
    totals: Sequence[set[str]],
) -> list[list[set[str]]]:
    """For each group, of each question, the lines not to be shown."""
    found: list[list[set[str]]] = [[set() for _question in names] for _group in groups]
    for place, tables in enumerate(names):
        for lines in tables:
            table = [[_count(group.of_level("question")[place], line) for line in lines] for group in groups]
            gone = [number for number, line in enumerate(lines) if line in totals[place]]
            adds_up = not lines[0].startswith("=") or len(tables) == 1
            for row, column in hide(table, least, rows=adds_up, hidden_totals=gone):
                found[row][place].add(lines[column])
    return found


def _count(item: Item, line: str) -> int:
    counts = {f"={option.code}": option.count for option in item.options}
    counts |= {name: getattr(item, name) for name in ("answered", *_REST)}
    return counts[line]


def _mask_group(group: Group, hidden: Sequence[set[str]]) -> Group:
    questions = group.of_level("question")
    masked = {item.id: _mask_item(item, gone) for item, gone in zip(questions, hidden, strict=True)}
    factors = [
        _mask_factor(item, [masked[name] for name in item.questions]) for item in group.of_level("factor")
    ]
    indices = [_mask_index(index, masked) for index in group.indices]
    by_question = {index.id: index for index in indices if index.level == "question"}
    pooled = [
        _mask_pooled(i, [by_question[name] for name in i.questions]) if i.level != "question" else i
        for i in indices
    ]
    return replace(group, items=(*masked.values(), *factors), indices=tuple(pooled))


def _mask_item(item: Item, hidden: set[str]) -> Item:
    options = tuple(
        replace(option, count=HIDDEN) if f"={option.code}" in hidden else option for option in item.options
    )
    gone = hidden & {"answered", *_REST}
    if gone:
        gone.add("answered")  # it and the rest add up to the ballots
    return _without(replace(item, options=options), gone)


def _mask_factor(item: Item, parts: Sequence[Item]) -> Item:
    options = tuple(
        replace(option, count=HIDDEN)
        if any(part.options[place].count == HIDDEN for part in parts)
        else option
        for place, option in enumerate(item.options)
    )
    gone = [name for name in ("answered", *_REST) if any(getattr(part, name) == HIDDEN for part in parts)]
    return _without(replace(item, options=options), gone)


def _without(item: Item, lines: Collection[str]) -> Item:
    counts: dict[str, Any] = dict.fromkeys(lines, HIDDEN)
    return replace(item, **counts)


def _mask_index(index: Index, questions: dict[str, Item]) -> Index:
    if index.level != "question":
        return index
    item = questions[index.id]
    gone = any(option.count == HIDDEN for option in item.options if option.code in index.codes)
    return replace(index, satisfied=HIDDEN if gone else index.satisfied, answered=item.answered)


def _mask_pooled(index: Index, parts: Sequence[Index]) -> Index:
    satisfied = any(part.satisfied == HIDDEN for part in parts)
    answered = any(part.answered == HIDDEN for part in parts)
    return replace(
        index,
        satisfied=HIDDEN if satisfied else index.satisfied,
        answered=HIDDEN if answered else index.answered,
    )
