"""What each column of an export means: a small YAML file, read strictly, and proposed from an export.

tool: google-forms            # for people only
form: hue-2019
time: {column: Dấu thời gian, format: "%d/%m/%Y %H:%M:%S"}   # without: import with --received
id: Mã phiếu                  # a column that tells each row from all others, if the tool has one
respondent: {column: Email, within_days: 365}
unit: Đơn vị                  # a column; or unit: {value: UBND phường}
linh_vuc: Lĩnh vực            # likewise
comment: Ý kiến khác
ignore: [Họ tên]              # columns that are not taken in; every other must be named here
questions:
  H1: Nơi đón tiếp ...        # a column; its cells hold codes or the options' own texts
  H2: {column: ..., answers: {Tốt: 1, Khá: 2}}
not_asked: [H5]               # questions of the form that this channel does not ask: counted as blank
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path
from typing import Final
from unicodedata import combining, normalize

from ballotscan.forms.form import Form, Question
from ballotscan.forms.nodes import Node, read_source
from ballotscan.i18n import gettext as _
from ballotscan.imports.tables import Table

_OPTIONAL: Final = (
    "tool", "time", "id", "respondent", "unit", "linh_vuc", "comment", "ignore", "not_asked", "separator",
)  # fmt: skip
ONCE_IN_DAYS: Final = 365
_ALIKE: Final = 0.85
"""Two texts are taken for one question from this similarity on (difflib's ratio). Only proposed: a person
reads the mapping before it is used."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a value comes from: a column, or the same for every row."""

    column: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question's column, and texts in it that stand for codes beside the options' own."""

    column: str
    answers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """A mapping as read. ``text`` is the file's own, kept with every import."""

    form: str
    questions: Mapping[str, Asked]
    text: str
    time: str = ""
    time_format: str = ""
    id: str = ""
    respondent: str = ""
    within_days: int = ONCE_IN_DAYS
    unit: Source = Source()
    linh_vuc: Source = Source()
    comment: str = ""
    ignore: tuple[str, ...] = ()
    not_asked: tuple[str, ...] = ()
    separator: str = ";"

    def columns(self) -> set[str]:
        """Every column it speaks of."""
        named = [self.time, self.id, self.respondent, self.unit.column, self.linh_vuc.column, self.comment]
        return {*(name for name in named if name), *self.ignore, *(q.column for q in self.questions.values())}


def read_mapping(path: Path) -> ColumnMap:
    """Read a mapping. Raises ``TemplateError`` naming file, line and reason."""
    found = read_source(path).fields(("form", "questions"), _OPTIONAL)
    time, time_format = _with(found.get("time"), "format")
    respondent, days = _with(found.get("respondent"), "within_days")
    return ColumnMap(
        form=found["form"].text(),
        questions={name: _asked(node) for name, node in found["questions"].entries().items()},
        text=path.read_text(encoding="utf-8-sig"),
        time=time,
        time_format=time_format.text() if isinstance(time_format, Node) else "",
        id=_column(found.get("id")),
        respondent=respondent,
        within_days=days.whole(1, 36_500) if isinstance(days, Node) else ONCE_IN_DAYS,
        unit=_source(found.get("unit")),
        linh_vuc=_source(found.get("linh_vuc")),
        comment=_column(found.get("comment")),
        ignore=tuple(_column(item) for item in found["ignore"].items()) if "ignore" in found else (),
        not_asked=tuple(item.text() for item in found["not_asked"].items()) if "not_asked" in found else (),
        separator=found["separator"].text() if "separator" in found else ";",
    )  # fmt: skip


def _column(node: Node | None) -> str:
    return normalize("NFC", node.text()).strip() if node is not None else ""


def _with(node: Node | None, key: str) -> tuple[str, Node | str]:
    """A column, written plainly or with one setting beside it."""
    if node is None or (hasattr(node.raw, "value") and isinstance(node.raw.value, str)):
        return _column(node), ""
    found = node.fields(("column",), (key,))
    return _column(found["column"]), found.get(key, "")


def _source(node: Node | None) -> Source:
    if node is None or isinstance(node.raw.value, str):
        return Source(column=_column(node))
    found = node.fields((), ("column", "value"))
    return Source(_column(found.get("column")), _column(found.get("value")))


def _asked(node: Node) -> Asked:
    if isinstance(node.raw.value, str):
        return Asked(_column(node), {})
    found = node.fields(("column",), ("answers",))
    answers = found["answers"].entries() if "answers" in found else {}
    return Asked(_column(found["column"]), {folded(text): code.text() for text, code in answers.items()})


def faults_of(mapping: ColumnMap, form: Form, table: Table) -> list[str]:
    """What in mapping, form and export does not fit together, each in a line."""
    asked = {question.id for question in form.questions}
    faults = []
    for name in [*mapping.questions, *mapping.not_asked]:
        if name not in asked:
            faults.append(
                _("the form {form} has no question '{question}'.").format(form=form.id, question=name)
            )
    for name in sorted(asked - {*mapping.questions, *mapping.not_asked}, key=[*asked].index):
        faults.append(
            _("the question {question} has no column; name it, or write it under not_asked.").format(
                question=name
            )
        )
    for column in sorted(mapping.columns() - set(table.columns)):
        faults.append(_("there is no column '{column}'.").format(column=column))
    for column in table.columns:
        if column not in mapping.columns():
            faults.append(
                _("the column '{column}' is not mapped; write it under ignore to leave it out.").format(
                    column=column
                )
            )
    return faults


def folded(text: str) -> str:
    """A text for comparing: without case, marks of the letters, and whatever is no letter or digit."""
    plain = "".join(c for c in normalize("NFD", text.casefold().replace("đ", "d")) if not combining(c))
    return " ".join(re.findall(r"[a-z0-9]+", plain))


# --- proposing -------------------------------------------------------------------------------------------

_KNOWN: Final[Mapping[str, tuple[str, ...]]] = {
    "time": (
        "dau thoi gian", "timestamp", "completion time", "thoi gian hoan thanh", "submitdate",
        "date submitted", "submission time", "submissiondate", "thoi gian", "time", "ngay", "end",
    ),
    "id": (
        "id", "key", "uuid", "instanceid", "meta instanceid", "response id", "ma phieu", "ma luot",
        "luot", "stt",
    ),
    "unit": ("don vi", "co quan", "unit"),
    "linh_vuc": ("linh vuc", "field"),
    "comment": ("y kien khac", "gop y", "comment", "y kien gop y khac neu co"),
}  # fmt: skip
"""Column names, folded, in the order in which they are preferred. Those of Google Forms, Microsoft Forms,
LimeSurvey, KoboToolbox/ODK and of plain kiosk exports, English and Vietnamese."""


def propose(table: Table, form: Form) -> str:
    """A mapping for this export as YAML, to be read and corrected by a person. What is not recognised lies
    under ``ignore`` or ``not_asked`` with a remark."""
    left = dict.fromkeys(table.columns)
    questions: dict[str, str] = {}
    for question in form.questions:
        column = _best(question, list(left))
        if column is not None:
            questions[question.id] = column
            del left[column]
    known: dict[str, str] = {}
    for what, names in _KNOWN.items():
        column = next((c for name in names for c in left if folded(c) == name), None)
        if column is not None:
            known[what] = column
            del left[column]
    return _as_yaml(form, table, questions, known, list(left))


def _best(question: Question, columns: Sequence[str]) -> str | None:
    """The column that bears the question's id or, nearly, its text."""
    for column in columns:
        last = re.split(r"[/.]", column)[-1]
        if folded(question.id) in {folded(column), folded(last), folded(re.sub(r".*\[|\].*", "", column))}:
            return column
    wanted = folded(question.text)
    scored = [(max(_likeness(wanted, text) for text in _readings(column)), column) for column in columns]
    score, column = max(scored, default=(0.0, ""))
    return column if score >= _ALIKE else None


def _likeness(one: str, other: str) -> float:
    return SequenceMatcher(None, one, other, autojunk=False).ratio() if one and other else 0.0


def _readings(column: str) -> list[str]:
    """A column's name whole, without a number before it, and the row of a grid, which stands in brackets."""
    inside = re.findall(r"\[(.*)\]", column)
    return [folded(text) for text in (column, re.sub(r"^\s*[\w.]{1,6}[.)]\s*", "", column), *inside)]


def _as_yaml(
    form: Form, table: Table, questions: Mapping[str, str], known: Mapping[str, str], left: Sequence[str]
) -> str:
    import yaml

    def quoted(text: str) -> str:
        dumped = yaml.safe_dump(text, allow_unicode=True, default_style='"', width=10**6)
        return str(dumped).strip()

    lines = [f"form: {form.id}"]
    for what, column in known.items():
        lines.append(f"{what}: {quoted(column)}")
    example = next((row.cells[known["time"]] for row in table.rows), "") if "time" in known else ""
    if example:
        written = guess_format(example)
        lines[-len(known) + list(known).index("time")] = (
            f"time: {{column: {quoted(known['time'])}, format: {quoted(written)}}}"
        )
    lines.append("questions:")
    lines += [f"  {name}: {quoted(column)}" for name, column in questions.items()]
    missing = [question.id for question in form.questions if question.id not in questions]
    if missing:
        lines.append("# " + _("No column was recognised for these; they will be counted as blank."))
        lines.append(f"not_asked: [{', '.join(missing)}]")
    if left:
        lines.append("# " + _("These columns are not taken in."))
        lines.append("ignore:")
        lines += [f"  - {quoted(column)}" for column in left]
    return "\n".join(lines) + "\n"


_FORMATS: Final = (
    "%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d/%m/%Y", "%m/%d/%Y %H:%M:%S", "%m/%d/%y %H:%M:%S",
    "%d-%m-%Y %H:%M:%S", "%Y/%m/%d %H:%M:%S",
)  # fmt: skip


def guess_format(example: str) -> str:
    """How a time is written: ``iso``, or a pattern that fits. Day before month, as Vietnam writes it."""
    from datetime import datetime

    try:
        datetime.fromisoformat(example)
    except ValueError:
        for pattern in _FORMATS:
            try:
                datetime.strptime(example, pattern)  # noqa: DTZ007  a day is wanted, of the office's own clock
            except ValueError:
                continue
            return pattern
    return "iso"
