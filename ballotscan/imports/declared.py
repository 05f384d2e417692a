"""Numbers that an office declares: dossiers it returned, ballots it sent out, counts it published."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

from ballotscan.errors import BallotscanError
from ballotscan.forms.form import Question
from ballotscan.forms.nodes import Node, read_source
from ballotscan.i18n import gettext as _
from ballotscan.imports.mapping import folded
from ballotscan.imports.tables import Table, read_table
from ballotscan.rules.periods import Period, parse_period

_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "unit": ("unit", "don vi", "co quan"),
    "linh_vuc": ("linh vuc", "field"),
    "count": ("so ho so", "ho so", "dossiers", "count", "so luong"),
}
_MOST: Final = 100_000_000


def read_dossiers(path: Path, period: Period) -> dict[str, Any]:
    """How many dossiers were returned, by unit and field of procedure. The columns are ``unit`` (đơn vị),
    ``linh_vuc`` (lĩnh vực), either of which may lack, and ``count`` (số hồ sơ). Raises ``BallotscanError``
    naming file, row and column.
    """
    table = read_table(path)
    columns = {what: _column(table, names) for what, names in _NAMES.items()}
    if columns["count"] is None:
        raise BallotscanError(
            _("{file}: there is no column with the number of dossiers.").format(file=path),
            _("Name it 'so_ho_so' or 'count'."),
        )
    rows: Counter[tuple[str, str]] = Counter()
    for row in table.rows:
        text = row.cells[columns["count"]]
        digits = text.replace(".", "").replace(",", "").replace(" ", "")
        if not digits.isascii() or not digits.isdigit() or int(digits) > _MOST:
            raise BallotscanError(
                _("{file}, row {row}, column '{column}': '{text}' is no number of dossiers.").format(
                    file=path, row=row.number, column=columns["count"], text=text[:60]
                ),
                _("Nothing was imported. Correct it and import the file again."),
            )
        unit, field = (row.cells[name] if (name := columns[w]) else "" for w in ("unit", "linh_vuc"))
        rows[unit, field] += int(digits)
    return {
        **_of_period(period),
        "name": period.name,
        "file": path.name,
        "sha256": _hash_of(path),
        "rows": [[unit, field, count] for (unit, field), count in sorted(rows.items())],
    }


def read_dispatch(path: Path, channel: str, period: Period) -> dict[str, Any]:
    """A list of those to whom ballots were sent on a channel. Only how many, by unit, is taken over: names
    stay in the office's file, whose hash is kept."""
    table = read_table(path)
    unit = _column(table, _NAMES["unit"])
    sent = Counter(row.cells[unit] if unit else "" for row in table.rows)
    return {
        **_of_period(period),
        "name": f"{channel} {period.name}",
        "channel": channel,
        "file": path.name,
        "sha256": _hash_of(path),
        "rows": [[name, count] for name, count in sorted(sent.items())],
    }


def _column(table: Table, names: tuple[str, ...]) -> str | None:
    return next((column for name in names for column in table.columns if folded(column) == name), None)


def _of_period(period: Period) -> dict[str, str]:
    return {"first": period.first.isoformat(), "last": period.last.isoformat()}


def _hash_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


# --- published counts ------------------------------------------------------------------------------------


def read_counts(path: Path, rule: str) -> dict[str, Any]:
    """Published counts from YAML: name, form, edition, period, collected, counts (question: its options'
    counts in printed order), and if printed issued, index (percent), unit, source.

    Raises ``TemplateError`` naming file and line.
    """
    optional = ("issued", "index", "unit", "source")
    found = read_source(path).fields(("name", "form", "edition", "period", "collected", "counts"), optional)
    period = parse_period(found["period"].text(), rule)
    return {
        **_of_period(period),
        **{name: found[name].text() for name in ("name", "form", "edition")},
        **{name: found[name].text() if name in found else "" for name in ("unit", "source")},
        "collected": found["collected"].whole(1, _MOST),
        "issued": found["issued"].whole(0, _MOST) if "issued" in found else None,
        "index": str(_percent(found["index"])) if "index" in found else None,
        "counts": {
            name: [item.whole(0, _MOST) for item in node.items()]
            for name, node in found["counts"].entries().items()
        },
        "sha256": _hash_of(path),
    }


def _percent(node: Node) -> Fraction:
    node.number(0, 100)
    return Fraction(node.text())


def check_counts(path: Path, counts: Mapping[str, list[int]], questions: Mapping[str, Question]) -> None:
    """Each question is the form's and has as many counts as options. Raises ``BallotscanError``."""
    for name, given in counts.items():
        options = len(questions[name].options) if name in questions else 0
        if len(given) != options:
            raise BallotscanError(
                _("{file}: {question} has {given} counts, but the form has {options} options there.").format(
                    file=path, question=name, given=len(given), options=options
                ),
                _("Write one count for each option, in printed order."),
            )
