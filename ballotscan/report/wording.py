"""Numbers, days and names as a reader of the language in use writes them."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

from ballotscan.i18n import gettext as _
from ballotscan.rules.periods import Period
from ballotscan.tally.figures import AWAITING, NOT_GIVEN
from ballotscan.tally.named import Named
from ballotscan.tally.rounding import Rounding, rounded

NOT_SHOWN = "*"


def decimal_mark() -> str:
    """What stands between units and tenths: a comma in Vietnamese."""
    return _("0.1").strip("01")


def number(value: Fraction, rule: Rounding, decimals: int = 2) -> str:
    """An exact value, rounded once by the declared rule."""
    cut = rounded(value, rule, decimals)
    text = f"{int(cut * 10**decimals):0{decimals + 1}d}"
    return f"{text[:-decimals]}{decimal_mark()}{text[-decimals:]}"


def percent(value: Fraction | None, rule: Rounding) -> str:
    """A share from 0 to 1 as a percentage; ``*`` where it is not shown."""
    return NOT_SHOWN if value is None else f"{number(value * 100, rule)}%"


def share(part: int, of: int, rule: Rounding) -> str:
    """``part`` of ``of`` as a percentage; a dash of nothing."""
    return percent(Fraction(part, of), rule) if of else "-"


def index_value(index: Named | None, rule: Rounding) -> str:
    """An index's value: a percentage, or the level that a mean score is."""
    if index is None or index.value is None:
        return NOT_SHOWN
    return number(index.value, rule) if index.name == "mean_score" else percent(index.value, rule)


def interval(index: Named | None, rule: Rounding) -> str:
    """The 95 % interval, one decimal; a dash where there is none."""
    if index is None or index.low is None or index.high is None:
        return "-"
    low, high = (number(Fraction(end) * 100, "half_up", 1) for end in (index.low, index.high))
    return f"{low}–{high}%"


def count(value: int | None) -> str:
    """A whole number with the language's mark of thousands; a dash for None."""
    mark = "." if decimal_mark() == "," else ","
    return "-" if value is None else f"{value:,}".replace(",", mark)


def day(value: date) -> str:
    return value.strftime("%d/%m/%Y")


def group_name(value: str) -> str:
    """A unit's, channel's or field's name; what is not known in words."""
    return {NOT_GIVEN: _("not given"), AWAITING: _("awaiting review")}.get(value, value)


def index_name(name: str) -> str:
    """An index in words, formula included."""
    return {
        "top2_of_answers": _("Satisfied answers over all answers"),
        "top2_of_ballots": _("Satisfied answers over all ballots"),
        "mean_score": _("Mean level, 1 is worst"),
        "all_satisfied": _("Ballots satisfied in every answer"),
        "mean_of_factor_rates": _("Mean of the factors' satisfied shares"),
        "points": _("Points reached of those possible (2, 1, 0)"),
    }[name]


def period_text(period: Period) -> str:
    """A period with its days; two dates need no name."""
    about = {"name": period.name, "first": day(period.first), "last": day(period.last)}
    if period.rule == "dates":
        return _("Ballots received from {first} to {last}, both days included.").format(**about)
    return _("Period {name}: ballots received from {first} to {last}, both days included.").format(**about)
