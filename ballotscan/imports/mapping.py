"""What each column of an export means: a small YAML file, read strictly, and proposed from an export.

tool: google-forms            # for people only
form: hue-2019
time: {column: Dấu thời gian, format: "%d/%m/%Y %H:%M:%S"}   # without: import with --received; see times.py
                              # clock: utc beside it where the tool writes UTC without saying so
id: Mã phiếu                  # a column that tells each row from all others, if the tool has one
respondent: {column: Email, within_days: 365}
unit: Đơn vị                  # a column; or unit: {value: UBND phường}
linh_vuc: Lĩnh vực            # likewise
comment: Ý kiến khác
ignore: [Họ tên]              # columns that are not taken in; every other must be named here
blank: [N/A]                  # texts that stand for no answer, beside an empty cell
separator: ";"                # between the answers of a question with several; or the word space
questions:
  H1: Nơi đón tiếp ...        # a column; its cells hold codes or the options' own texts
  H2: {column: ..., answers: {Tốt: 1, Khá: 2}}
  H3: {columns: {1: "H3[SQ001]", 2: "H3[SQ002]"}}   # several answers: a column for each code, yes or no in it
not_asked: [H5]               # questions of the form that this channel does not ask: counted as blank
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from unicodedata import combining, normalize

from ballotscan.forms.form import Form
from ballotscan.forms.nodes import Node, read_source
from ballotscan.i18n import gettext as _
from ballotscan.imports.tables import Table, heading

_OPTIONAL: Final = (
    "tool", "time", "id", "respondent", "unit", "linh_vuc", "comment", "ignore", "not_asked", "separator",
    "blank",
)  # fmt: skip
ONCE_IN_DAYS: Final = 365
SPACE: Final = "space"  # a separator that could not be seen


@dataclass(frozen=True, slots=True)
class Source:
    """Where a value comes from: a column, or the same for every row."""

    column: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question's column, and texts in it that stand for codes beside the options' own; or, where several
    answers may be given, a column for each code."""

    column: str
    answers: Mapping[str, str]
    columns: Mapping[str, str] = field(default_factory=dict)  # by code


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """A mapping as read. ``text`` is the file's own, kept with every import."""

    form: str
    questions: Mapping[str, Asked]
    text: str
    time: str = ""
    time_format: str = ""
    utc: bool = False
    id: str = ""
    respondent: str = ""
    within_days: int = ONCE_IN_DAYS
    unit: Source = Source()
    linh_vuc: Source = Source()
    comment: str = ""
    ignore: tuple[str, ...] = ()
    not_asked: tuple[str, ...] = ()
    separator: str = ";"
    blank: tuple[str, ...] = ()  # folded

    def columns(self) -> set[str]:
        """Every column it speaks of."""
        named = [self.time, self.id, self.respondent, self.unit.column, self.linh_vuc.column, self.comment]
        asked = [name for q in self.questions.values() for name in (q.column, *q.columns.values())]
        return {name for name in (*named, *self.ignore, *asked) if name}


def read_mapping(path: Path) -> ColumnMap:
    """Read a mapping. Raises ``TemplateError`` naming file, line and reason."""
    found = read_source(path).fields(("form", "questions"), _OPTIONAL)
    time, time_format, utc = _time(found.get("time"))
    respondent, days = _with(found.get("respondent"), "within_days")
    return ColumnMap(
        form=found["form"].text(),
        questions={name: _asked(node) for name, node in found["questions"].entries().items()},
        text=path.read_text(encoding="utf-8-sig"),
        time=time,
        time_format=time_format,
        utc=utc,
        id=_column(found.get("id")),
        respondent=respondent,
        within_days=days.whole(1, 36_500) if isinstance(days, Node) else ONCE_IN_DAYS,
        unit=_source(found.get("unit")),
        linh_vuc=_source(found.get("linh_vuc")),
        comment=_column(found.get("comment")),
        ignore=tuple(_column(item) for item in found["ignore"].items()) if "ignore" in found else (),
        not_asked=tuple(item.text() for item in found["not_asked"].items()) if "not_asked" in found else (),
        separator=_separator(found.get("separator")),
        blank=tuple(folded(item.text()) for item in found["blank"].items()) if "blank" in found else (),
    )  # fmt: skip


def _column(node: Node | None) -> str:
    return heading(node.text()) if node is not None else ""


def _separator(node: Node | None) -> str:
    text = node.text() if node is not None else ";"
    return " " if text == SPACE else text


def _time(node: Node | None) -> tuple[str, str, bool]:
    """Column, format, and whether times without an offset are of UTC."""
    if node is None or isinstance(node.raw.value, str):
        return _column(node), "", False
    found = node.fields(("column",), ("format", "clock"))
    clock = found["clock"].text() if "clock" in found else "office"
    if clock not in ("office", "utc"):
        found["clock"].refuse(_("the clock is office or utc."))
    return _column(found["column"]), found["format"].text() if "format" in found else "", clock == "utc"


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
    found = node.fields((), ("column", "columns", "answers"))
    if ("column" in found) == ("columns" in found):
        node.refuse(_("a question has a column, or columns by code."))
    if "columns" in found:
        return Asked("", {}, {code: _column(each) for code, each in found["columns"].entries().items()})
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
    faults += [
        _("{question} has no option with the code '{code}', or only one answer may be given to it.").format(
            question=question.id, code=code
        )
        for question in form.questions
        for code in (mapping.questions[question.id].columns if question.id in mapping.questions else ())
        if not question.multiple or code not in {option.code for option in question.options}
    ]
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
