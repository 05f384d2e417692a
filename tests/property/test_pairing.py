"""Which sides make a sheet: written cases, then properties over many stacks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ballotscan.model import PageRef, Reason, Sha256
from ballotscan.rules.sheets import PagePlace, SheetPlan, pair_sides

SIDES_OF = {"two": 2, "one": 1, "three": 3, "four": 4}
ORIGINAL = Sha256("0" * 64)


def place(key: int, side: int | None, form: str = "two", **changes: object) -> PagePlace:
    values: dict[str, object] = {
        "key": key,
        "ref": PageRef("stack.pdf", key + 1, ORIGINAL),
        "form": form if side else None,
        "edition": "1" if side else None,
        "side": side,
        "serial": None,
        "read": bool(side),
        "reason": None if side else Reason.CUT_OFF,
        "place": key,
    }
    return PagePlace(**{**values, **changes})  # type: ignore[arg-type]


def stack(text: str, form: str = "two") -> list[PagePlace]:
    """One page per character: a side, ``X`` damaged, ``B`` blank, ``L`` a letter, ``o`` a one-sided form."""
    pages = []
    for key, character in enumerate(text):
        match character:
            case "X":
                pages.append(place(key, None))
            case "B":
                pages.append(place(key, None, reason=Reason.BLANK_PAGE))
            case "L":
                pages.append(place(key, None, reason=Reason.NOT_THIS_FORM))
            case "o":
                pages.append(place(key, 1, "one"))
            case _:
                pages.append(place(key, int(character), form))
    return pages


def shown(plans: Sequence[SheetPlan], places: Sequence[PagePlace]) -> str:
    """Each sheet as its pages in stack order; ``!`` where it is not whole, ``?`` where it is unsure."""
    letters = {
        page.key: "X" if page.side is None else "o" if page.form == "one" else str(page.side)
        for page in places
    }
    return " ".join(
        "".join(letters[key] for key in sorted(page.key for page in plan.pages if page))
        + ("!" if plan.reason else "?" if plan.unsure else "")
        for plan in plans
    )


@pytest.mark.parametrize(
    ("pages", "sheets"),
    [
        ("", ""),
        ("1212", "12 12"),
        ("2121", "21 21"),
        ("1", "1!"),
        ("122112", "12 21 12"),  # one sheet lies the other way round
        ("12122121212112", "12 12 21 21 21 21 12"),  # and a run of them
        ("1221212", "12? 2! 12? 12"),  # one side lost: never shift on
        ("1212112", "12 12? 1! 12?"),  # or a front put in: which of the two owns the back?
        ("12122", "12 12? 2!"),
        ("12121", "12? 12? 1!"),  # or all lie back first, and the first page is lost
        ("21212", "2! 12? 12?"),
        ("1X1212", "1X! 12 12"),  # a damaged page stands for the side wanting
        ("12X212", "12 X2! 12"),
        ("12X12", "12 12"),  # but not where no side is wanting
        ("1X212", "1! 2! 12?"),  # nor where it might be of either sheet
        ("1L12", "1! 12"),  # a page of another form is no side of this one
        ("1B212", "1! 2! 12?"),  # no sheet lies across another page
        ("1o2", "1! o 2!"),
        ("12oo12o", "12 o o 12 o"),
        ("111222", "1! 1! 1! 2! 2! 2!"),  # fronts, then backs
        ("222111", "2! 2! 2! 1! 1! 1!"),
        ("1122", "1! 1! 2! 2!"),
    ],
)
def test_by_order(pages: str, sheets: str) -> None:
    places = stack(pages)
    assert shown(pair_sides(places, SIDES_OF), places) == sheets


def test_hands_tell_which_way_a_run_lies() -> None:
    """Of two ways to lay a stack with a side lost at its end, where the pages of many sheets agree on one."""
    places = stack("12" * 12 + "1")
    for same in (True, False):  # pages 2n and 2n + 1 by one hand, or 2n + 1 and 2n + 2

        def unlike(pairs: Sequence[tuple[int, int]], same: bool = same) -> list[float]:
            return [0.2 if (min(pair) % 2 == 0) == same else 1.0 for pair in pairs]

        plans = pair_sides(places, SIDES_OF, unlike)
        assert [plan.unsure for plan in plans] == [not same] * 11 + [True, False]
    few = pair_sides(
        places[-9:], SIDES_OF, lambda pairs: [0.2 if pair[0] % 2 == 0 else 1.0 for pair in pairs]
    )
    assert [plan.unsure for plan in few] == [True] * 4 + [False]


def test_pages_stand_on_their_own_sides() -> None:
    places = stack("2121")
    for plan in pair_sides(places, SIDES_OF):
        assert [page.side for page in plan.pages if page] == [1, 2]


def test_several_sides() -> None:
    places = stack("1234124432112X41234", form="four")
    assert shown(pair_sides(places, SIDES_OF), places) == "1234? 124! 4321? 12X4! 1234"


@pytest.mark.parametrize(
    ("pages", "reason"), [("1", Reason.SIDE_MISSING), ("X2", Reason.SIDE_UNREADABLE), ("12", None)]
)
def test_reason(pages: str, reason: Reason | None) -> None:
    [plan] = pair_sides(stack(pages), SIDES_OF)
    assert plan.reason == reason


def test_damaged_page_of_a_known_side_gives_its_own_reason() -> None:
    damaged = place(1, 2, read=False, reason=Reason.CUT_OFF)
    [plan] = pair_sides([place(0, 1), damaged], SIDES_OF)
    assert plan.reason == Reason.CUT_OFF
    assert plan.pages == (place(0, 1), damaged)


def test_a_file_that_could_not_be_opened_is_no_side() -> None:
    broken = place(1, None, ref=PageRef("b.pdf", 0, ORIGINAL), reason=Reason.DAMAGED_IMAGE)
    places = [place(0, 1), broken, place(2, 2)]
    assert shown(pair_sides(places, SIDES_OF), places) == "1! 2!"


def test_no_sheet_lies_across_two_files_of_several_pages() -> None:
    files = ["a.pdf", "a.pdf", "a.pdf", "b.pdf", "b.pdf", "b.pdf"]
    numbers = [1, 2, 3, 1, 2, 3]
    places = [
        place(key, side, ref=PageRef(files[key], numbers[key], ORIGINAL))
        for key, side in enumerate([1, 2, 1, 2, 1, 2])
    ]
    assert shown(pair_sides(places, SIDES_OF), places) == "12? 1! 2! 12?"


def test_single_images_are_one_stack() -> None:
    places = [place(key, 1 + key % 2, ref=PageRef(f"{key}.jpg", 1, ORIGINAL)) for key in range(4)]
    assert shown(pair_sides(places, SIDES_OF), places) == "12 12"


def test_no_sheet_lies_across_pages_that_are_elsewhere() -> None:
    places = [place(0, 1), place(3, 2)]
    assert shown(pair_sides(places, SIDES_OF), places) == "1! 2!"


def test_two_editions_make_no_sheet() -> None:
    places = [place(0, 1), place(1, 2, edition="2")]
    assert shown(pair_sides(places, SIDES_OF), places) == "1! 2!"


def with_serials(text: str) -> list[PagePlace]:
    """Side and serial per page, as in ``1a 2a``; ``-`` for no serial."""
    words = enumerate(text.split())
    return [place(key, int(side), serial=None if serial == "-" else serial) for key, (side, serial) in words]


@pytest.mark.parametrize(
    ("pages", "reasons"),
    [
        ("1a 1b 2b 2a", [None, None]),
        ("1a 2- 1- 2b", [None, None]),
        ("1a 2b", [Reason.SERIALS_DIFFER, Reason.SERIALS_DIFFER]),  # two sheets fed as one
        ("1a 2a 2b 1c 2c", [None, Reason.SIDE_MISSING, None]),
        ("1a 2a 1b 2b 1a 2a", [None, None, None]),  # scanned twice: whole sheets, flagged by the caller
        ("1a 2a 2a", [Reason.SIDE_DOUBLED, Reason.SIDE_DOUBLED]),
        ("1a 1a 2b 2b", [Reason.SIDE_DOUBLED] * 4),
    ],
)
def test_by_serial(pages: str, reasons: list[Reason | None]) -> None:
    plans = pair_sides(with_serials(pages), SIDES_OF)
    assert [plan.reason for plan in plans] == reasons


def test_serial_joins_wherever_the_sides_lie() -> None:
    plans = pair_sides(with_serials("1a 1b 2b 2a"), SIDES_OF)
    assert [[page.key for page in plan.pages if page] for plan in plans] == [[0, 3], [1, 2]]


# --- properties ------------------------------------------------------------------------------------------

PAGES = st.text(alphabet="12XBLo", max_size=40)


def keys_on(plans: Sequence[SheetPlan]) -> Counter[int]:
    return Counter(page.key for plan in plans for page in plan.pages if page is not None)


@given(PAGES)
def test_every_side_is_on_exactly_one_sheet(pages: str) -> None:
    places = stack(pages)
    on_sheets = keys_on(pair_sides(places, SIDES_OF))
    assert max(on_sheets.values(), default=1) == 1
    assert {page.key for page in places if page.side} <= set(on_sheets)
    assert all(places[key].side or places[key].reason == Reason.CUT_OFF for key in on_sheets)


@given(st.lists(st.tuples(st.sampled_from([1, 2]), st.sampled_from("abcd-")), max_size=24))
def test_every_side_is_on_exactly_one_sheet_with_serials(pages: list[tuple[int, str]]) -> None:
    places = with_serials(" ".join(f"{side}{serial}" for side, serial in pages))
    plans = pair_sides(places, SIDES_OF)
    assert keys_on(plans) == Counter(page.key for page in places)
    for plan in plans:
        assert len({page.serial for page in plan.pages if page and page.serial}) <= 1


@given(PAGES)
def test_a_whole_sheet_has_each_side_in_its_place(pages: str) -> None:
    for plan in pair_sides(stack(pages), SIDES_OF):
        if plan.reason is None:
            assert [page.side for page in plan.pages if page] == list(range(1, SIDES_OF[plan.form] + 1))
        else:
            assert None in plan.pages or not all(page.read for page in plan.pages if page)


@given(st.integers(2, 20), st.sampled_from(["two", "three", "four"]), st.data())
def test_dropping_one_page_costs_one_sheet(sheets: int, form: str, data: st.DataObject) -> None:
    sides = SIDES_OF[form]
    whole = [place(key, key % sides + 1, form) for key in range(sheets * sides)]
    lost = data.draw(st.integers(0, len(whole) - 1))
    check_one_lost(whole, lost, sides)


@given(st.integers(3, 20), st.data())
def test_dropping_one_page_of_a_stack_back_first(sheets: int, data: st.DataObject) -> None:
    """Not at the very ends: what is left there looks front first throughout."""
    whole = [place(key, 2 - key % 2) for key in range(2 * sheets)]
    check_one_lost(whole, data.draw(st.integers(1, len(whole) - 2)), 2)


def check_one_lost(whole: list[PagePlace], lost: int, sides: int) -> None:
    left = [page for page in whole if page.key != lost]
    plans = pair_sides([replace(page, place=number) for number, page in enumerate(left)], SIDES_OF)
    for plan in plans:
        assert len({page.key // sides for page in plan.pages if page}) == 1, "two sheets joined"
    assert [plan.reason for plan in plans if plan.reason] == [Reason.SIDE_MISSING]
    assert len(plans) == len(whole) // sides


@given(st.integers(1, 12), st.sampled_from(["two", "three"]), st.booleans(), st.data())
def test_a_page_put_in_anywhere_mixes_no_sheet_that_is_sure(
    sheets: int, form: str, back_first: bool, data: st.DataObject
) -> None:
    """Wherever it comes to lie, between a paper's own sides too, and whichever way the stack lies."""
    sides = SIDES_OF[form]
    pages = [place(key, key % sides + 1, form) for key in range(sheets * sides)]
    pages = pages[::-1] if back_first else pages
    put_in = place(1000, data.draw(st.integers(1, sides)), form)
    pages.insert(data.draw(st.integers(0, len(pages))), put_in)
    for plan in pair_sides([replace(page, place=n) for n, page in enumerate(pages)], SIDES_OF):
        papers = {page.key // sides for page in plan.pages if page}
        assert len(papers) == 1 or plan.unsure or plan.reason


@given(st.integers(1, 12), st.booleans(), st.data())
def test_a_page_lost_anywhere_mixes_no_sheet_that_is_sure(
    sheets: int, back_first: bool, data: st.DataObject
) -> None:
    pages = [place(key, key % 2 + 1) for key in range(2 * sheets)]
    pages = pages[::-1] if back_first else pages
    del pages[data.draw(st.integers(0, len(pages) - 1))]
    for plan in pair_sides([replace(page, place=n) for n, page in enumerate(pages)], SIDES_OF):
        assert len({page.key // 2 for page in plan.pages if page}) == 1 or plan.unsure


@given(st.lists(st.booleans(), min_size=1, max_size=30))
def test_nothing_is_unsure_where_nothing_is_missing(turned: list[bool]) -> None:
    places = stack("".join("21" if back_first else "12" for back_first in turned))
    assert not any(plan.unsure for plan in pair_sides(places, SIDES_OF))


@given(st.integers(1, 20), st.data())
def test_damaging_one_page_costs_one_sheet(sheets: int, data: st.DataObject) -> None:
    places = [place(key, key % 2 + 1) for key in range(2 * sheets)]
    hurt = data.draw(st.integers(0, len(places) - 1))
    places[hurt] = place(hurt, None)
    plans = pair_sides(places, SIDES_OF)
    assert [plan.reason for plan in plans].count(None) == sheets - 1
    assert len(plans) == sheets
    assert keys_on(plans) == Counter(range(2 * sheets))


@given(st.lists(st.booleans(), min_size=1, max_size=30))
def test_turned_sheets_are_still_sheets(turned: list[bool]) -> None:
    places = stack("".join("21" if back_first else "12" for back_first in turned))
    plans = pair_sides(places, SIDES_OF)
    assert [{page.key // 2 for page in plan.pages if page} for plan in plans] == [
        {n} for n in range(len(turned))
    ]
