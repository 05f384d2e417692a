"""Numbers, days and names as a reader of the language in use writes them."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import TYPE_CHECKING

from ballotscan.i18n import gettext as _
from ballotscan.rules.periods import Period
from ballotscan.rules.targets import Target
from ballotscan.tally.figures import AWAITING, NOT_GIVEN
from ballotscan.tally.named import Named
from ballotscan.tally.rounding import Rounding, rounded

if TYPE_CHECKING:
    from ballotscan.report.figures import Figures

NOT_SHOWN = "*"


def rule_of(figures: Figures) -> Rounding:
    """The programme's rounding rule."""
    return "truncate" if figures.programme.index.rounding == "truncate" else "half_up"


def lower(text: str) -> str:
    """As it stands within a sentence."""
    return text[:1].lower() + text[1:]


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


def place_and_day(place: str, today: date) -> str:
    """As decree 30/2020/NĐ-CP writes it: days below 10, January and February with a nought before."""
    month = f"{today.month:02d}" if today.month < 3 else str(today.month)
    return _("{place}, {day}/{month}/{year}").format(
        place=place, day=f"{today.day:02d}", month=month, year=today.year
    )


def target_text(target: Target, by: str) -> str:
    """A target's rule and its numbers in words."""
    texts = {
        "slovin": _("The number of ballots wanted is Slovin's, with an error of {error}").format(
            error=_plain_percent(target.error)
        ),
        "quota": _("{quota} ballots were wanted").format(quota=count(target.quota)),
        "share": _("Ballots were wanted of {share} of the dossiers").format(
            share=_plain_percent(target.share)
        ),
        "tiers": _("Ballots were wanted by the number of dossiers: {tiers}").format(
            tiers="; ".join(_tier_text(bound, of) for bound, of in target.tiers)
        ),
    }
    each = _("of each field of procedure") if by == "linh_vuc" else _("of each unit")
    return f"{texts[target.rule]}, {each}."


def _tier_text(bound: int | None, of: Fraction) -> str:
    wanted = _plain_percent(of)
    if bound is None:
        return _("{share} of more").format(share=wanted)
    return _("{share} of up to {count}").format(share=wanted, count=count(bound))


def _plain_percent(value: Fraction) -> str:
    return f"{float(value * 100):g}%".replace(".", decimal_mark())


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


def period_name(name: str) -> str:
    """A period's name in words: ``2023Q1`` as the first quarter of 2023."""
    if ".." in name:
        return " – ".join(day(date.fromisoformat(each)) for each in name.split(".."))
    year, part, number = name[:4], name[4:5], name[5:]
    match part:
        case "":
            return _("Year {year}").format(year=year)
        case "-":
            return _("Month {month}/{year}").format(month=number, year=year)
        case "Q":
            return _("Quarter {quarter} of {year}").format(quarter=_QUARTERS[int(number) - 1], year=year)
        case "H":
            first, second = _("First six months of {year}"), _("Last six months of {year}")
            return (first if number == "1" else second).format(year=year)
        case _:
            return _("Nine months of {year}").format(year=year)


_QUARTERS = ("I", "II", "III", "IV")


def period_text(period: Period) -> str:
    """A period with its days; two dates need no name."""
    about = {"name": period_name(period.name), "first": day(period.first), "last": day(period.last)}
    if period.rule == "dates":
        return _("Ballots received from {first} to {last}, both days included.").format(**about)
    return _("{name}: ballots received from {first} to {last}, both days included.").format(**about)
