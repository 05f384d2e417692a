"""A mapping proposed from an export, for a person to read and correct. Nothing is taken in by it alone.

Column names are those that the tools write: Google Forms and Sheets (a grid's rows in brackets), Microsoft
Forms, LimeSurvey (codes as ``H1`` or ``GRID[H1]``, texts, or both as ``H1. text``), KoboToolbox (groups
before a ``/``), ODK Central (groups before a ``-``), and plain kiosk exports; English and Vietnamese.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

from ballotscan.forms.form import Form, Question
from ballotscan.i18n import gettext as _
from ballotscan.imports.mapping import SPACE, folded
from ballotscan.imports.tables import Table
from ballotscan.imports.times import guess_format

_ALIKE: Final = 0.85
"""Two texts are taken for one question from this similarity on (difflib's ratio)."""

_SHOWN: Final = 8  # texts that are no answers are named up to so many

_KNOWN: Final[Mapping[str, tuple[str, ...]]] = {
    "time": (
        "dau thoi gian", "timestamp", "completion time", "thoi gian hoan thanh", "submitdate",
        "submitdate date submitted", "date submitted", "submission time", "submissiondate",
        "system submissiondate", "thoi gian", "time", "ngay", "end",
    ),
    "id": (
        "id", "id response id", "response id", "key", "uuid", "instanceid", "meta instanceid", "ma phieu",
        "ma luot", "luot", "stt",
    ),
    "unit": ("don vi", "co quan", "unit"),
    "linh_vuc": ("linh vuc", "field"),
    "comment": ("y kien khac", "gop y", "comment", "y kien gop y khac neu co"),
}  # fmt: skip
"""Column names, folded, in the order in which they are preferred. KoboToolbox's ``_id`` goes before its
``_uuid``, which changes when a submission is edited."""

_UTC: Final = ("submission time", "submissiondate", "system submissiondate")
"""What KoboToolbox and ODK write in UTC; KoboToolbox without saying so."""

_NUMBERED: Final = re.compile(r"(?:a|ao|sq|l)0*(\d+)")
"""LimeSurvey's own codes of answers: A1, AO01; the number is the option's place."""

_NOT_SHOWN: Final = ("n a", "not shown")


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question's column or columns, and how its cells are to be understood."""

    column: str = ""
    columns: Mapping[str, str] | None = None
    answers: Mapping[str, str] | None = None
    unknown: tuple[str, ...] = ()  # texts that are no answers and stand in several rows
    others: int = 0  # how many more that stand in one row only, which may be somebody's own words


def propose(table: Table, form: Form) -> str:
    """A mapping for this export as YAML. What is not recognised lies under ``ignore`` or ``not_asked`` with a
    remark, and so does whatever in it was only guessed. The mapping is kept in the record: no single person's
    words are in it."""
    left = dict.fromkeys(table.columns)
    questions: dict[str, _Asked] = {}
    for question in form.questions:
        asked = _find(question, list(left), table)
        if asked is not None:
            questions[question.id] = asked
            for column in (asked.column, *(asked.columns or {}).values()):
                left.pop(column, None)
    known: dict[str, str] = {}
    for what, names in _KNOWN.items():
        named = next((c for name in names for c in left if _joined(folded(c)) == _joined(name)), None)
        if named is not None:
            known[what] = named
            del left[named]
    return "\n".join(_lines(form, table, questions, known, list(left))) + "\n"


def _joined(text: str) -> str:
    """Without blanks, which codes of LimeSurvey and ODK cannot hold: ``DONVI`` is đơn vị."""
    return text.replace(" ", "")


def _find(question: Question, columns: Sequence[str], table: Table) -> _Asked | None:
    by_code = _by_code(question, columns) if question.multiple else None
    if by_code:
        return _Asked(columns=by_code)
    column = _best(question, columns)
    return None if column is None else _understood(question, column, table)


def _best(question: Question, columns: Sequence[str]) -> str | None:
    """The column that bears the question's id or, nearly, its text."""
    for column in columns:
        if folded(question.id) in _ids(column):
            return column
    wanted = folded(question.text)
    scored = [(max(_likeness(wanted, text) for text in _readings(column)), column) for column in columns]
    score, column = max(scored, default=(0.0, ""))
    return column if score >= _ALIKE else None


def _ids(column: str) -> set[str]:
    """What in a column's name may be a question's id."""
    inside = re.findall(r"\[([^\]]*)\]", column)
    parts = [column, re.split(r"[/.]", column)[-1], column.rsplit("-", 1)[-1], re.split(r"[.:] ", column)[0]]
    return {folded(text) for text in (*parts, *inside)}


def _by_code(question: Question, columns: Sequence[str]) -> dict[str, str]:
    """A column for each option: ``H9/1``, ``H9[1]``, ``H9[SQ001]``, or the option's text in their place."""
    found: dict[str, str] = {}
    for column in columns:
        fitting = re.fullmatch(r"(?:.*[/.-])?([^/\[]+)(?:/|\[)([^\]/]+)\]?", column)
        if fitting and folded(fitting[1].split(".")[0]) == folded(question.id):
            code = _code_of(question, fitting[2])
            if code is not None:
                found[code] = column
    return found if len(found) == len(question.options) else {}


def _code_of(question: Question, text: str) -> str | None:
    """The option that a text names: by code, by label, or by its place among LimeSurvey's codes."""
    known = {folded(option.label): option.code for option in question.options}
    known |= {folded(option.code): option.code for option in question.options}
    if folded(text) in known:
        return known[folded(text)]
    place = _NUMBERED.fullmatch(folded(text))
    if place and 1 <= int(place[1]) <= len(question.options):
        return question.options[int(place[1]) - 1].code
    return None


def _understood(question: Question, column: str, table: Table) -> _Asked:
    """The texts of a column that need a word in the mapping: LimeSurvey's codes, and what is no answer."""
    texts = Counter(row.cells[column] for row in table.rows)
    if question.multiple:
        between = _separator(list(texts))
        texts = Counter(part.strip() for row in table.rows for part in row.cells[column].split(between))
    known = {folded(name) for option in question.options for name in (option.label, option.code)}
    odd = [text for text in texts if text and folded(text) not in known | set(_NOT_SHOWN)]
    codes = {text: code for text in odd if (code := _code_of(question, text)) is not None}
    unknown = [text for text in odd if text not in codes]
    often = tuple(text for text in unknown if texts[text] > 1)
    return _Asked(column, answers=codes or None, unknown=often, others=len(unknown) - len(often))


def _separator(texts: Sequence[str]) -> str:
    """Between several answers: Google Sheets and others ``, ``, Google's and Microsoft's own files ``;``, and
    KoboToolbox and ODK a blank between codes."""
    for separator in (";", ", "):
        if any(separator in text for text in texts):
            return separator
    return " " if any(re.fullmatch(r"\w+( \w+)+", text) for text in texts) else ";"


def _likeness(one: str, other: str) -> float:
    return SequenceMatcher(None, one, other, autojunk=False).ratio() if one and other else 0.0


def _readings(column: str) -> list[str]:
    """A column's name whole, without a number or code before it, and the row of a grid, in brackets."""
    inside = re.findall(r"\[(.*)\]", column)
    return [folded(text) for text in (column, re.sub(r"^\s*[\w.\[\]]{1,14}[.)]\s*", "", column), *inside)]


# --- as YAML ---------------------------------------------------------------------------------------------


def _lines(
    form: Form, table: Table, questions: Mapping[str, _Asked], known: Mapping[str, str], left: Sequence[str]
) -> Iterator[str]:
    yield f"form: {form.id}"
    for what, column in known.items():
        yield from _time_lines(table, column) if what == "time" else [f"{what}: {_quoted(column)}"]
    yield from _cell_lines(form, table, questions)
    yield "questions:"
    for name, asked in questions.items():
        if asked.unknown:
            shown = ", ".join(_quoted(text) for text in asked.unknown[:_SHOWN])
            yield "  # " + _("No answers of the form; name their codes under answers: {texts}").format(
                texts=shown
            )
        if asked.others:
            yield "  # " + _("Texts that are no answers and stand in one row only: {count}.").format(
                count=asked.others
            )
        if asked.answers:
            yield "  # " + _("Taken by their place among the options: compare them with the tool's.")
        yield f"  {name}: {_asked_text(asked)}"
    missing = [question.id for question in form.questions if question.id not in questions]
    if missing:
        yield "# " + _("No column was recognised for these; they will be counted as blank.")
        yield f"not_asked: [{', '.join(missing)}]"
    if left:
        yield "# " + _("These columns are not taken in.")
        yield "ignore:"
        yield from (f"  - {_quoted(column)}" for column in left)


def _time_lines(table: Table, column: str) -> Iterator[str]:
    written, either = guess_format([row.cells[column] for row in table.rows])
    if either:
        yield "# " + _("Day and month may be the other way round: compare with what you know of a row.")
    clock = ", clock: utc" if folded(column) in _UTC else ""
    yield f"time: {{column: {_quoted(column)}, format: {_quoted(written)}{clock}}}"


def _cell_lines(form: Form, table: Table, questions: Mapping[str, _Asked]) -> Iterator[str]:
    """What holds for the cells of all questions."""
    columns = [asked.column for asked in questions.values() if asked.column]
    texts = {row.cells[column] for row in table.rows for column in columns}
    blank = sorted(text for text in texts if folded(text) in _NOT_SHOWN)
    if blank:
        yield f"blank: [{', '.join(map(_quoted, blank))}]"
    several = [questions[q.id].column for q in form.questions if q.multiple and q.id in questions]
    between = _separator([row.cells[name] for row in table.rows for name in several if name])
    if between != ";":
        yield f"separator: {SPACE if between == ' ' else _quoted(between)}"


def _asked_text(asked: _Asked) -> str:
    if asked.columns:
        each = ", ".join(f"{_quoted(code)}: {_quoted(column)}" for code, column in asked.columns.items())
        return f"{{columns: {{{each}}}}}"
    if asked.answers:
        each = ", ".join(f"{_quoted(text)}: {_quoted(code)}" for text, code in asked.answers.items())
        return f"{{column: {_quoted(asked.column)}, answers: {{{each}}}}}"
    return _quoted(asked.column)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)  # a JSON text is a YAML text
