"""Small counts are not shown, and cannot be had from what is shown: asked of linear algebra."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ballotscan.tally.counts import count_forms
from ballotscan.tally.figures import HIDDEN, FormTally, Group, Tally
from ballotscan.tally.files import as_csv, as_data
from ballotscan.tally.render import render
from ballotscan.tally.small_cells import hide, mask_tally
from tests.unit.tally.tables import FORM, FORMS, answer, as_rows, sheet, tables

LEAST = 5
REST = ("blank", "invalid", "awaiting")
SATISFIED = {question.id: set(question.satisfied) for question in FORM.questions}
numbers = st.integers(1, 5).flatmap(
    lambda width: st.lists(
        st.lists(st.integers(0, 9), min_size=width, max_size=width), min_size=2, max_size=5
    )
)


def determined(known: list[dict[Any, int]], cells: list[Any]) -> set[Any]:
    """The cells that follow from sums that are known; each sum is its cells with how often they enter."""
    places = {cell: number for number, cell in enumerate(cells)}
    matrix = np.zeros((len(known), len(cells)))
    for row, parts in enumerate(known):
        for cell, times in parts.items():
            matrix[row, places[cell]] = times
    _left, sizes, right = np.linalg.svd(matrix, full_matrices=True)
    free = right[int((sizes > 1e-9).sum()) :]  # what can change without any sum telling
    return {cell for cell in cells if not np.any(np.abs(free[:, places[cell]]) > 1e-9)}


def test_a_small_count_takes_others_with_it() -> None:
    table = [[3, 9, 20], [30, 40, 50], [8, 60, 70]]
    assert hide(table, LEAST) == {(0, 0), (0, 1), (2, 0), (2, 1)}
    assert hide(table, 3) == set()


@settings(max_examples=150, deadline=None)
@given(numbers, st.booleans())
def test_no_total_gives_a_small_count_away(table: list[list[int]], rows: bool) -> None:
    hidden = hide(table, LEAST, rows=rows)
    cells = [(r, c) for r, row in enumerate(table) for c in range(len(row))]
    small = {(r, c) for r, c in cells if 0 < table[r][c] < LEAST}
    assert small <= hidden
    columns = [{(r, c): 1 for r in range(len(table))} for c in range(len(table[0]))]
    lines = columns + ([{(r, c): 1 for c in range(len(row))} for r, row in enumerate(table)] if rows else [])
    known = [{cell: 1} for cell in cells if cell not in hidden] + lines
    if len(table[0]) > 1 or not rows:  # of one column every row's total is its cell
        assert not small & determined(known, cells)
    for line in lines:
        mine = [table[r][c] for r, c in line if (r, c) in hidden]
        assert not mine or len(mine) == len(line) or (len(mine) >= 2 and sum(mine) >= LEAST)


def shown_sums(form: FormTally, by: str) -> tuple[list[dict[Any, int]], list[Any]]:
    """Everything a masked tally shows of an attribute's groups, as sums of cells; and the cells."""
    groups = [group for group in form.groups if group.by == by]
    known: list[dict[Any, int]] = []
    cells: dict[Any, None] = {}
    for group in groups:
        for item in group.items:
            parts = {
                option.code: [(group.value, q, option.code) for q in item.questions]
                for option in item.options
            }
            parts |= {name: [(group.value, q, name) for q in item.questions] for name in REST}
            answered = [(group.value, q, "answered") for q in item.questions]
            if not item.multiple:
                answered = [cell for option in item.options for cell in parts[option.code]]
            cells |= dict.fromkeys([*answered, *(cell for each in parts.values() for cell in each)])
            counts = {option.code: option.count for option in item.options}
            counts |= {name: getattr(item, name) for name in REST}
            known += [dict.fromkeys(parts[name], 1) for name, count in counts.items() if count != HIDDEN]
            known += [dict.fromkeys(answered, 1)] if item.answered != HIDDEN else []
            known.append(dict.fromkeys([*answered, *(cell for name in REST for cell in parts[name])], 1))
        for index in group.indices:
            asked = [(q, code) for q in index.questions for code in SATISFIED[q]]
            if index.satisfied != HIDDEN:
                known.append({(group.value, q, code): 1 for q, code in asked})
    for _value, question, line in list(cells):
        known.append({(group.value, question, line): 1 for group in groups})  # the one-way table
    return known, list(cells)


def counted(rows: list[tuple[str, str]]) -> Tally:
    """Each sheet: its own field of procedure, and one code for every scale."""
    sheets = [sheet(number) for number in range(len(rows))]
    answers = []
    for each, (field, code) in zip(sheets, rows, strict=True):
        for asked in FORM.questions:
            value = field if asked.id == "A1" else code
            known = value in {option.code for option in asked.options}
            answers.append(answer(each["sheet"], asked.id, value if known else ""))
    return Tally(None, "b", (), count_forms(*as_rows(sheets, answers), FORMS))


def true_cells(form: FormTally, by: str) -> dict[Any, int]:
    found = {}
    for group in (group for group in form.groups if group.by == by):
        for item in group.of_level("question"):
            found |= {(group.value, item.id, option.code): option.count for option in item.options}
            found |= {(group.value, item.id, name): getattr(item, name) for name in (*REST, "answered")}
    return found


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("12"), st.sampled_from("123x")), min_size=1, max_size=60))
def test_no_small_count_follows_from_a_whole_tally(rows: list[tuple[str, str]]) -> None:
    """From counts, factors, indices and totals together. (A field alone is all sheets: there is no other.)"""
    tally = counted(rows)
    masked = mask_tally(tally, LEAST)
    (form,), (shown,) = tally.forms, masked.forms
    assert form.groups[0] == shown.groups[0]
    groups = [group for group in shown.groups if group.by == "linh_vuc"]
    if len(groups) < 2:
        return
    truth = true_cells(form, "linh_vuc")
    known, cells = shown_sums(shown, "linh_vuc")
    own = {cell for cell in cells if cell[1] == "A1"}  # whose lines are the groups themselves
    given_away = {c for c in determined(known, cells) - own if 0 < truth.get(c, 0) < LEAST}
    assert given_away == set()


@given(tables())
@settings(max_examples=20, deadline=None)
def test_nothing_small_is_written(rows: tuple[list[Any], list[Any]]) -> None:
    tally = Tally(None, "b", (), count_forms(*as_rows(*rows), FORMS))
    masked = mask_tally(tally, LEAST, one_way=True)
    for form in masked.forms:
        for group in form.groups:
            assert not any(0 < count < LEAST for count in _counts(group))
    assert "-1" not in json.dumps(as_data(masked))
    assert ",-1," not in as_csv(masked)
    assert list(render(masked))


def _counts(group: Group) -> list[int]:
    items = group.of_level("question")
    options = [option.count for item in items for option in item.options]
    return options + [getattr(item, name) for item in items for name in REST]


def test_other_attributes_stay_unless_one_way_tables_are_masked_too() -> None:
    sheets = [sheet(number, unit="north" if number < 3 else "south", linh_vuc="x") for number in range(20)]
    answers = [answer(each["sheet"], q.id, "1") for each in sheets for q in FORM.questions]
    tally = Tally(None, "b", (), count_forms(*as_rows(sheets, answers), FORMS))
    by_unit = [group for group in mask_tally(tally, LEAST).forms[0].groups if group.by == "unit"]
    assert [group.items[0].options[0].count for group in by_unit] == [3, 17]
    by_unit = [group for group in mask_tally(tally, LEAST, True).forms[0].groups if group.by == "unit"]
    assert [group.items[0].options[0].count for group in by_unit] == [HIDDEN, HIDDEN]
