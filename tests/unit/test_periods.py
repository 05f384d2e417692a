"""Periods: the decree's own examples, and that parts tile the whole under either rule."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ballotscan.errors import UsageError
from ballotscan.rules.periods import RULES, Period, next_period, parse_period, previous_period

YEARS = st.integers(1990, 2100)
DATES = st.dates(date(1990, 1, 1), date(2100, 12, 31))


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2023-03", date(2023, 2, 15), date(2023, 3, 14)),
        ("2023-01", date(2022, 12, 15), date(2023, 1, 14)),
        ("2023Q1", date(2022, 12, 15), date(2023, 3, 14)),
        ("2023q3", date(2023, 6, 15), date(2023, 9, 14)),
        ("2023H1", date(2022, 12, 15), date(2023, 6, 14)),
        ("2023H2", date(2023, 6, 15), date(2023, 12, 14)),
        (" 2023 ", date(2022, 12, 15), date(2023, 12, 14)),
        ("2023M9", date(2022, 12, 15), date(2023, 9, 14)),
    ],
)
def test_nd09_is_the_decrees_calendar(text: str, first: date, last: date) -> None:
    period = parse_period(text)
    assert (period.first, period.last, period.rule) == (first, last, "nd09")


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2024-02", date(2024, 2, 1), date(2024, 2, 29)),
        ("2023Q1", date(2023, 1, 1), date(2023, 3, 31)),
        ("2023H2", date(2023, 7, 1), date(2023, 12, 31)),
        ("2023", date(2023, 1, 1), date(2023, 12, 31)),
        ("2023m9", date(2023, 1, 1), date(2023, 9, 30)),
    ],
)
def test_calendar_takes_months_as_they_are(text: str, first: date, last: date) -> None:
    period = parse_period(text, "calendar")
    assert (period.first, period.last, period.rule) == (first, last, "calendar")


@given(DATES, DATES, st.sampled_from(RULES))
def test_two_dates_are_taken_outright(one: date, other: date, rule: str) -> None:
    first, last = sorted((one, other))
    assert parse_period(f"{first}..{last}", rule) == Period(f"{first}..{last}", "dates", first, last)


NO_PERIODS = """
Q1 2023Q0 2023Q5 2023H3 2023-13 2023-00 2023-3 23Q1 2023Q1,2023Q2 0001 0000 2023M6 .. 2023-01-01..
2023-02-30..2023-03-01 2023Q1..2023Q2 ٢٠٢٣ 2023²
"""


@pytest.mark.parametrize("text", ["", *NO_PERIODS.split()])
def test_what_is_no_period_is_refused_with_its_name(text: str) -> None:
    with pytest.raises(UsageError) as refusal:
        parse_period(text)
    assert f"'{text}'" in str(refusal.value)
    assert "2023Q1" in refusal.value.remedy


def test_dates_in_the_wrong_order_and_unknown_rules_are_refused() -> None:
    with pytest.raises(UsageError, match="ends before it begins"):
        parse_period("2023-03-02..2023-03-01")
    with pytest.raises(UsageError, match="lunar"):
        parse_period("2023Q1", "lunar")


def tiles(whole: Period, parts: list[Period]) -> bool:
    """Whether the parts follow one another without gap or overlap from the whole's first day to its last."""
    starts = [part.first for part in parts] + [whole.last + timedelta(days=1)]
    ends = [whole.first - timedelta(days=1)] + [part.last for part in parts]
    return all(end + timedelta(days=1) == start for start, end in zip(starts, ends, strict=True))


@given(YEARS, st.sampled_from(RULES))
def test_parts_tile_the_year(year: int, rule: str) -> None:
    def periods(*names: str) -> list[Period]:
        return [parse_period(name, rule) for name in names]

    months = periods(*(f"{year}-{month:02}" for month in range(1, 13)))
    quarters = periods(*(f"{year}Q{quarter}" for quarter in range(1, 5)))
    halves = periods(f"{year}H1", f"{year}H2")
    whole, after = periods(str(year), str(year + 1))
    assert tiles(whole, months)
    assert tiles(whole, quarters)
    assert tiles(whole, halves)
    assert all(tiles(quarters[n], months[3 * n : 3 * n + 3]) for n in range(4))
    assert all(tiles(halves[n], quarters[2 * n : 2 * n + 2]) for n in range(2))
    assert after.first == whole.last + timedelta(days=1)


@given(DATES, st.sampled_from(RULES))
def test_every_day_lies_in_exactly_one_month(day: date, rule: str) -> None:
    names = [f"{year}-{month:02}" for year in (day.year, day.year + 1) for month in range(1, 13)]
    holding = [name for name in names if (p := parse_period(name, rule)).first <= day <= p.last]
    assert len(holding) == 1


@pytest.mark.parametrize(
    ("name", "before"),
    [
        ("2023-01", "2022-12"),
        ("2023Q1", "2022Q4"),
        ("2023H2", "2023H1"),
        ("2023", "2022"),
        ("2023M9", "2022M9"),
        ("2023-07-27..2023-10-27", "2023-04-25..2023-07-26"),
    ],
)
def test_the_period_to_compare_with_is_the_one_before(name: str, before: str) -> None:
    for rule in RULES:
        assert previous_period(parse_period(name, rule)) == parse_period(before, rule)


def test_what_comes_after_nine_months_is_the_last_quarter() -> None:
    nine = parse_period("2023M9")
    after = parse_period(next_period(nine))
    assert (after.name, after.first) == ("2023Q4", nine.last + timedelta(days=1))
