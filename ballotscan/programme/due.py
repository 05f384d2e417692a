"""What must be published when: a programme's calendar."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from ballotscan.programme.load import DueRule, Programme
from ballotscan.rules.periods import Period


@dataclass(frozen=True, slots=True)
class DueDay:
    """A period and the day on which its figures are due; ``early`` where the period is not over by then."""

    day: date
    period: Period

    @property
    def early(self) -> bool:
        return self.day <= self.period.last


def due_days(programme: Programme, year: int) -> list[DueDay]:
    """All due days of a year, in order. A one-off window is due on the day after its end."""
    found = [each for rule in programme.due for each in _of_rule(programme, rule, year)]
    if programme.window:
        window = programme.period(programme.window)
        if window.last.year == year:
            found.append(DueDay(date.fromordinal(window.last.toordinal() + 1), window))
    return sorted(found, key=lambda due: (due.day, due.period.first))


def _of_rule(programme: Programme, rule: DueRule, year: int) -> Iterator[DueDay]:
    if rule.period == "month":
        for month in range(1, 13):
            yield DueDay(date(year, month, rule.day), programme.period(f"{year}-{month:02d}"))
        return
    name = f"{year}" if rule.period == "year" else f"{year}{rule.period}"
    period = programme.period(name)
    # A period that ends in December may be due in the January after it.
    later = rule.month < period.last.month
    yield DueDay(date(year + later, rule.month, rule.day), period)
