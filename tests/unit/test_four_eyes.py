"""The rule itself: who may decide, and when two have agreed."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ballotscan.four_eyes import Barred, Opinion, Person, Turn, agreeing, barred, differing, turn

AN, BINH, CUONG = "Nguyễn Văn An", "Trần Thị Bình", "Lê Cường"


def opinions(*said: tuple[str, str]) -> list[Opinion]:
    return [Opinion(number, by, what) for number, (by, what) in enumerate(said, start=1)]


def reviewer(name: str, *, scanned: bool = False, handles: bool = False) -> Person:
    return Person(name, ("reviewer",), scanned, handles)


def test_one_person_is_not_two() -> None:
    assert agreeing(opinions((AN, "1"))) == ()
    assert agreeing(opinions((AN, "1"), ("nguyễn  văn an", "1"))) == ()
    assert [each.by for each in agreeing(opinions((AN, "1"), (BINH, "1")))] == [AN, BINH]


def test_a_third_settles_what_two_differ_on() -> None:
    two = opinions((AN, "1"), (BINH, "2"))
    assert differing(two)
    assert [each.by for each in agreeing([*two, Opinion(3, CUONG, "2")])] == [BINH, CUONG]
    assert differing([*two, Opinion(3, CUONG, "3")])


def test_an_office_of_one() -> None:
    assert [each.by for each in agreeing(opinions((AN, "1")), persons=1)] == [AN]


@given(st.lists(st.tuples(st.sampled_from([AN, BINH, CUONG]), st.sampled_from("123")), max_size=5))
def test_whatever_is_settled_two_persons_said(said: list[tuple[str, str]]) -> None:
    found = agreeing(opinions(*said))
    assert len(found) in (0, 2)
    if found:
        assert found[0].by != found[1].by
        assert found[0].said == found[1].said
    else:
        pairs = permutations(said, 2)
        assert not any(one[0] != other[0] and one[1] == other[1] for one, other in pairs)


@pytest.mark.parametrize(
    ("person", "said", "why"),
    [
        (Person(AN, ("operator", "administrator")), (), Barred.NO_ROLE),
        (Person(AN, ()), (), Barred.NO_ROLE),
        (reviewer(AN, handles=True), (), Barred.HANDLES),
        (reviewer(AN, scanned=True), ((BINH, "1"),), Barred.SCANNED),
        (reviewer(AN, scanned=True), (), None),
        (reviewer(AN, scanned=True), ((AN, "1"),), None),
        (Person(AN, ("auditor",)), ((BINH, "1"), (CUONG, "2")), None),
    ],
)
def test_who_may_decide(person: Person, said: tuple[tuple[str, str], ...], why: Barred | None) -> None:
    assert barred(person, opinions(*said)) is why


def test_whose_turn_it_is() -> None:
    assert turn(reviewer(AN), []) is Turn.FIRST
    assert turn(reviewer(AN), opinions((AN, "1"))) is Turn.NONE
    assert turn(reviewer(BINH), opinions((AN, "1"))) is Turn.SECOND
    assert turn(reviewer(CUONG), opinions((AN, "1"), (BINH, "2"))) is Turn.THIRD
    assert turn(reviewer(BINH, scanned=True), opinions((AN, "1"))) is Turn.NONE
