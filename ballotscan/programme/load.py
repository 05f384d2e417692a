"""A programme's source (``programme.yaml``) as frozen values, read strictly."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final, TypeVar

from ballotscan.errors import UsageError
from ballotscan.forms.nodes import Node, read_source
from ballotscan.i18n import gettext as _
from ballotscan.rules.periods import RULES, Period, Rule, parse_period
from ballotscan.rules.targets import TARGET_RULES, Target

SOURCE_NAME: Final = "programme.yaml"
SHIPPED: Final = Path(__file__).parent / "shipped"
FORMATS: Final = (
    *("docx", "pdf", "notice-a4", "notice-a3", "minutes", "html", "xlsx", "csv", "json", "sav"),
)
T = TypeVar("T", bound=str)

_REQUIRED: Final = ("id", "title", "agency", "period_rule", "forms", "channels", "reports")
_OPTIONAL: Final = (
    *("subject", "legal", "window", "units", "linh_vuc", "due", "targets", "index", "sub_indices", "method"),
    *("groups", "officials"),
    *("rank_units", "least_n", "roles", "themes", "samples"),
)


@dataclass(frozen=True, slots=True)
class Agency:
    """Who publishes, as decree 30/2020/NĐ-CP has it printed at the head."""

    parent: str
    name: str
    abbreviation: str  # after "BC-" in a report's number
    place: str
    signer: str  # the post of who signs
    recipients: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AskedForm:
    """A form and the group of respondents that is asked with it."""

    form: str
    group: str


@dataclass(frozen=True, slots=True)
class Channel:
    id: str
    name: str
    electronic: bool  # nothing is given out on it, so nothing can be returned


@dataclass(frozen=True, slots=True)
class DueRule:
    """When a kind of period is published: ``month`` on a day of its own month, another on a day and month."""

    period: str  # month, Q1 to Q4, H1, H2, M9, year
    day: int
    month: int = 0


@dataclass(frozen=True, slots=True)
class Chosen:
    """How the programme's own index is made and written."""

    name: str
    rounding: str
    weighted: bool  # by dossiers of each field of procedure or, where there are none, of each unit


@dataclass(frozen=True, slots=True)
class Officials:
    """Figures by official or counter, which an office must switch on: the question that names them, and how
    many ballots each must have to be shown."""

    question: str
    least_n: int


@dataclass(frozen=True, slots=True)
class Programme:
    id: str
    title: str
    subject: str
    agency: Agency
    legal: tuple[str, ...]
    period_rule: Rule
    window: str  # the one-off period; empty where it is periodic
    units: tuple[str, ...]
    linh_vuc: tuple[str, ...]
    forms: tuple[AskedForm, ...]
    channels: tuple[Channel, ...]
    due: tuple[DueRule, ...]
    target: Target | None
    target_by: str  # unit or linh_vuc
    index: Chosen
    sub_indices: tuple[tuple[str, tuple[str, ...]], ...]  # name, factors
    groups: tuple[str, ...]  # questions by whose answers respondents are told apart
    officials: Officials | None  # None: no figures by official
    method: tuple[str, ...]
    rank_units: bool
    least_n: int
    roles: tuple[tuple[str, str], ...]
    themes: tuple[tuple[str, tuple[str, ...]], ...]  # of opinions: name, words that tell it
    reports: tuple[str, ...]

    def channel_name(self, channel: str) -> str:
        return next((each.name for each in self.channels if each.id == channel), channel)

    def group_of(self, form: str) -> str:
        return next((each.group for each in self.forms if each.form == form), "")

    def period(self, name: str) -> Period:
        """A period under the programme's rule."""
        return parse_period(name, self.period_rule)


def shipped_programmes() -> dict[str, Path]:
    """The programmes that come with the program, by name."""
    return {path.stem: path for path in sorted(SHIPPED.glob("*.yaml"))}


def programme_in(folder: Path) -> Programme | None:
    """The programme of an office's folder, if it has one."""
    path = folder / SOURCE_NAME
    return load_programme(path) if path.exists() else None


def load_programme(path: Path) -> Programme:
    """Read a programme. Raises ``TemplateError`` naming file, line and reason."""
    found = read_source(path).fields(_REQUIRED, _OPTIONAL)
    target, target_by = _targets(found.get("targets"))
    sub = found["sub_indices"].entries() if "sub_indices" in found else {}
    roles = found["roles"].entries() if "roles" in found else {}
    themes = found["themes"].entries() if "themes" in found else {}
    window = _text(found, "window")
    rule = _one_of(found["period_rule"], RULES)
    if window:
        _check_window(found["window"], window, rule)
    return Programme(
        id=found["id"].text(),
        title=found["title"].text(),
        subject=_text(found, "subject"),
        agency=_agency(found["agency"]),
        legal=_texts(found.get("legal")),
        period_rule=rule,
        window=window,
        units=_texts(found.get("units")),
        linh_vuc=_texts(found.get("linh_vuc")),
        forms=tuple(_form(node) for node in found["forms"].items()),
        channels=tuple(_channel(node) for node in found["channels"].items()),
        due=tuple(_due(node) for node in found["due"].items()) if "due" in found else (),
        target=target,
        target_by=target_by,
        index=_chosen(found.get("index")),
        sub_indices=tuple((name, _texts(node)) for name, node in sub.items()),
        groups=_texts(found.get("groups")),
        officials=_officials(found.get("officials")),
        method=_texts(found.get("method")),
        rank_units=found["rank_units"].flag() if "rank_units" in found else False,
        least_n=found["least_n"].whole(1, 10_000) if "least_n" in found else 30,
        roles=tuple((name, node.text()) for name, node in roles.items()),
        themes=tuple((name, _texts(node)) for name, node in themes.items()),
        reports=tuple(_one_of(node, FORMATS) for node in found["reports"].items()),
    )


def _text(found: Mapping[str, Node], key: str) -> str:
    return found[key].text() if key in found and not found[key].is_null() else ""


def _texts(node: Node | None) -> tuple[str, ...]:
    return tuple(item.text() for item in node.items()) if node is not None else ()


def _one_of(node: Node, known: tuple[T, ...]) -> T:
    text = node.text()
    if text not in known:
        node.refuse(
            _("'{text}' is not known here.").format(text=text),
            _("Choose one of: {choices}.").format(choices=", ".join(known)),
        )
    return known[known.index(text)]


def _check_window(node: Node, window: str, rule: Rule) -> None:
    try:
        parse_period(window, rule)
    except UsageError as fault:
        node.refuse(fault.message, fault.remedy)


def _agency(node: Node) -> Agency:
    found = node.fields(("parent", "name", "abbreviation", "place", "signer"), ("recipients",))
    texts = {name: found[name].text() for name in ("parent", "name", "abbreviation", "place", "signer")}
    return Agency(**texts, recipients=_texts(found.get("recipients")))


def _form(node: Node) -> AskedForm:
    found = node.fields(("form",), ("group",))
    return AskedForm(found["form"].text(), _text(found, "group"))


def _channel(node: Node) -> Channel:
    found = node.fields(("id", "name"), ("electronic",))
    electronic = found["electronic"].flag() if "electronic" in found else False
    return Channel(found["id"].text(), found["name"].text(), electronic)


def _officials(node: Node | None) -> Officials | None:
    if node is None:
        return None
    found = node.fields(("question", "least_n"), ())
    return Officials(found["question"].text(), found["least_n"].whole(_LEAST_BALLOTS, 10_000))


_LEAST_BALLOTS: Final = 10
"""No official is judged by fewer ballots, whatever a programme says: of 10 the interval round 90 % is 60 to
98 %."""

_DUE: Final = re.compile(r"month|Q[1-4]|H[12]|M9|year")


def _due(node: Node) -> DueRule:
    found = node.fields(("period", "day"), ("month",))
    period = found["period"].matching(_DUE, "month, Q1, H1, M9, year")
    month = found["month"].whole(1, 12) if "month" in found else 0
    if (period == "month") == bool(month):
        node.refuse(_("a month has a day of its own, every other period a day and a month."))
    return DueRule(period, found["day"].whole(1, 28 if period == "month" else 31), month)


def _targets(node: Node | None) -> tuple[Target | None, str]:
    if node is None:
        return None, "unit"
    found = node.fields(("rule", "by"), ("error", "quota", "share", "tiers"))
    rule = _one_of(found["rule"], TARGET_RULES)
    target = Target(
        rule=rule,
        error=_fraction(found["error"]) if "error" in found else Fraction(5, 100),
        quota=found["quota"].whole(0, 10_000_000) if "quota" in found else 0,
        share=_fraction(found["share"]) if "share" in found else Fraction(0),
        tiers=tuple(_tier(item) for item in found["tiers"].items()) if "tiers" in found else (),
    )
    if rule in ("quota", "share", "tiers") and rule not in found:
        node.refuse(_("the rule {rule} lacks its numbers.").format(rule=rule))
    return target, _one_of(found["by"], ("unit", "linh_vuc"))


def _tier(node: Node) -> tuple[int | None, Fraction]:
    found = node.fields(("share",), ("up_to",))
    bound = found["up_to"].whole(1, 100_000_000) if "up_to" in found else None
    return bound, _fraction(found["share"])


def _fraction(node: Node) -> Fraction:
    node.number(0, 1)
    return Fraction(node.text())


_INDEX_NAMES: Final = (
    *("top2_of_answers", "top2_of_ballots", "mean_score", "all_satisfied", "mean_of_factor_rates", "points"),
)


def _chosen(node: Node | None) -> Chosen:
    if node is None:
        return Chosen("top2_of_answers", "half_up", False)
    found = node.fields(("name",), ("rounding", "weighting"))
    rounding = _one_of(found["rounding"], ("half_up", "truncate")) if "rounding" in found else "half_up"
    weighting = _one_of(found["weighting"], ("none", "dossiers")) if "weighting" in found else "none"
    return Chosen(_one_of(found["name"], _INDEX_NAMES), rounding, weighting == "dossiers")
