"""Reporting periods: from ``2023Q1`` to two dates, under a named rule.

Rule ``nd09`` is the calendar of state agencies' periodic reports (decree 09/2019/NĐ-CP, article 12): a month
runs from the 15th of the month before to its own 14th, and quarters, half-years and years are made of such
months. Rule ``calendar`` takes months as they are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal, get_args

from ballotscan.errors import UsageError
from ballotscan.i18n import gettext as _

Rule = Literal["nd09", "calendar"]
RULES: Final[tuple[Rule, ...]] = get_args(Rule)
FIRST_DAY_ND09: Final = 15  # decree 09/2019/NĐ-CP, article 12

_MONTH: Final = re.compile(r"(\d{4})-(\d{2})", re.ASCII)
_PART: Final = re.compile(r"(\d{4})([QH])(\d)", re.ASCII)
_NINE_MONTHS: Final = re.compile(r"(\d{4})M9", re.ASCII)
_YEAR: Final = re.compile(r"(\d{4})", re.ASCII)
_MONTHS_OF_PART: Final = {"Q": 3, "H": 6}


@dataclass(frozen=True, slots=True)
class Period:
    """A span of days, both ends included. ``rule`` is ``dates`` where the two dates were given outright."""

    name: str
    rule: Literal["nd09", "calendar", "dates"]
    first: date
    last: date


def parse_period(text: str, rule: str = "nd09") -> Period:
    """The period a text such as ``2023-03``, ``2023Q1``, ``2023H1``, ``2023M9`` (nine months), ``2023`` or
    ``A..B`` names.

    ``A..B`` are two ISO dates, both included, under no rule. Raises ``UsageError`` where the text is no
    period or the rule is not known.
    """
    name = text.strip().upper()
    if rule not in RULES:
        raise UsageError(
            _("The rule '{rule}' for periods is not known.").format(rule=rule),
            _("Choose one of: {choices}.").format(choices=", ".join(RULES)),
        )
    known_rule: Rule = "nd09" if rule == "nd09" else "calendar"
    try:
        if ".." in name:
            return _between_dates(name)
        year, month, months = _months_named(name)
        first, last = _span(year, month, months, FIRST_DAY_ND09 if known_rule == "nd09" else 1)
    except ValueError:
        raise UsageError(
            _("'{text}' is not a period.").format(text=text),
            _(
                "Write a month 2023-03, a quarter 2023Q1, a half-year 2023H1, nine months 2023M9, a"
                " year 2023, or two dates A..B."
            ),
        ) from None
    return Period(name, known_rule, first, last)


def next_period(period: Period) -> str:
    """The name of the next period of the same kind, such as ``2024Q1``; after two dates its first day. After
    nine months comes the last quarter: that is where what comes late is counted.
    """
    if period.rule == "dates":
        return (period.last + timedelta(days=1)).isoformat()
    if match := _NINE_MONTHS.fullmatch(period.name):
        return f"{match[1]}Q4"
    year, month, months = _months_named(period.name)
    start = year * 12 + month - 1 + months
    return _name_of(start // 12, start % 12 + 1, months)


def _months_named(name: str) -> tuple[int, int, int]:
    """Year, first month (from 1) and number of months. Raises ``ValueError`` where the name is none."""
    if match := _MONTH.fullmatch(name):
        return _existing(int(match[1]), int(match[2]), 1)
    if match := _PART.fullmatch(name):
        months = _MONTHS_OF_PART[match[2]]
        return _existing(int(match[1]), (int(match[3]) - 1) * months + 1, months)
    if match := _YEAR.fullmatch(name):
        return int(match[1]), 1, 12
    if match := _NINE_MONTHS.fullmatch(name):
        return int(match[1]), 1, 9
    raise ValueError(name)


def _existing(year: int, month: int, months: int) -> tuple[int, int, int]:
    if not 1 <= month <= 12:
        raise ValueError(month)
    return year, month, months


def _span(year: int, month: int, months: int, first_day: int) -> tuple[date, date]:
    """First and last day: a month that begins on a later day than the first begins in the month before."""
    start = year * 12 + month - 1 - (first_day > 1)
    end = start + months
    first = date(start // 12, start % 12 + 1, first_day)
    return first, date(end // 12, end % 12 + 1, first_day) - timedelta(days=1)


def _between_dates(name: str) -> Period:
    start, __, end = name.partition("..")
    first, last = date.fromisoformat(start.strip()), date.fromisoformat(end.strip())
    if first > last:
        raise UsageError(
            _("The period {name} ends before it begins.").format(name=name), _("Exchange the two dates.")
        )
    return Period(f"{first}..{last}", "dates", first, last)


def previous_period(period: Period) -> Period:
    """The period to compare with: the one of the same kind before it; of nine months those of the year
    before, of two dates as many days before the first.
    """
    if period.rule == "dates":
        days = period.last - period.first + timedelta(days=1)
        first, last = period.first - days, period.last - days
        return Period(f"{first}..{last}", "dates", first, last)
    year, month, months = _months_named(period.name)
    start = year * 12 + month - 1 - (12 if months == 9 else months)
    name = _name_of(start // 12, start % 12 + 1, months)
    return parse_period(name, period.rule)


def _name_of(year: int, month: int, months: int) -> str:
    """The name of so many months from this one on, which begin a period of that kind."""
    parts = {3: f"Q{(month + 2) // 3}", 6: f"H{(month + 5) // 6}", 9: "M9", 12: ""}
    return f"{year}{parts[months]}" if months > 1 else f"{year}-{month:02d}"
