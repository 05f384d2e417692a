"""What follows from sheets that are alike: which is held back, and what is a stack fed twice."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ballotscan.rules.duplicates import ROW, Alike, Place, choose_former, find_rows, name_sheets


def places(numbers: Iterable[int], batch: str = "b") -> list[Place]:
    return [Place(batch, number) for number in numbers]


def pair(later: Iterable[int], former: Iterable[int]) -> dict[Place, Place]:
    return dict(zip(places(later), places(former, "a"), strict=True))


def shown(rows: object) -> list[tuple[list[int], list[int]]]:
    return [([p.number for p in row.later], [p.number for p in row.former]) for row in rows]  # type: ignore[attr-defined]


def test_a_stack_fed_twice_is_one_row() -> None:
    (row,) = find_rows(pair(range(41, 81), range(1, 41)), ())
    assert (row.is_stack, len(row.later)) == (True, 40)
    assert (row.later[0], row.former[-1]) == (Place("b", 41), Place("a", 40))


def test_and_so_is_one_fed_the_other_way_round() -> None:
    (row,) = find_rows(pair(range(41, 46), range(5, 0, -1)), ())
    assert (row.is_stack, row.former[0].number) == (True, 5)


def test_single_sheets_stay_single() -> None:
    rows = find_rows(pair((3, 9, 10), (1, 30, 12)), ())
    assert shown(rows) == [([3], [1]), ([9], [30]), ([10], [12])]
    assert not any(row.is_stack for row in rows)


def test_a_row_does_not_turn_midway() -> None:
    rows = find_rows(pair(range(1, 7), (7, 8, 9, 8, 7, 6)), ())
    assert shown(rows) == [([1, 2, 3], [7, 8, 9]), ([4, 5, 6], [8, 7, 6])]


def test_empty_ballots_inside_a_stack_are_taken_with_it() -> None:
    assert shown(find_rows(pair((10, 11, 13), (0, 1, 3)), ())) == [([10, 11, 12, 13], [0, 1, 2, 3])]


@pytest.mark.parametrize("marked", [places((12,)), places((2,), "a")])
def test_what_is_marked_on_either_side_ends_a_row(marked: list[Place]) -> None:
    rows = find_rows(pair((10, 11, 13), (0, 1, 3)), marked)
    assert all(12 not in [p.number for p in row.later] for row in rows)


def test_two_pairs_are_no_stack_that_empty_ballots_could_lie_in() -> None:
    assert shown(find_rows(pair((10, 12), (0, 2)), ())) == [([10], [0]), ([12], [2])]


def test_the_earliest_scan_is_the_former_one() -> None:
    first, second, third = places((1, 5, 9))
    found = choose_former(
        [Alike(third, second, {1: 0.9}), Alike(third, first, {1: 0.9}), Alike(second, first, {1: 0.9})],
        {first: 0, second: 1, third: 2},
    )
    assert found == {second: first, third: first}


@given(st.dictionaries(st.integers(50, 90), st.integers(1, 40), max_size=30), st.sets(st.integers(1, 90)))
def test_rows_hold_every_pair_once(numbers: dict[int, int], some: set[int]) -> None:
    former_of = pair(numbers.keys(), numbers.values())
    marked = {*places(some), *places(some, "a"), *former_of.keys(), *former_of.values()}
    rows = find_rows(former_of, marked)
    found = [each for row in rows for each in zip(row.later, row.former, strict=True)]
    assert len({later for later, _ in found}) == len(found)
    assert former_of.items() <= set(found)
    assert not {each for taken in set(found) - former_of.items() for each in taken} & marked
    for row in rows:
        steps = {b.number - a.number for a, b in pairwise(row.former)}
        assert len(row.later) == 1 or steps in ({1}, {-1})
        assert len(row.later) < ROW or row.is_stack


def test_a_row_of_sheets_by_name() -> None:
    assert name_sheets("hòm 1/00007") == ["hòm 1/00007"]
    assert name_sheets("a/b/00009..00011") == ["a/b/00009", "a/b/00010", "a/b/00011"]
    assert name_sheets("b/11..10") == ["b/00011", "b/00010"]
    assert name_sheets("") == []
