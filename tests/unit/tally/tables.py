"""A small form, and tables of sheets and answers as the store gives them out."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from ballotscan.forms.form import Form, MarkPolicy, Option, Question
from ballotscan.store.rows import CountedSheet, SheetAnswers

LEVELS = (Option("1", "Bad"), Option("2", "Fair"), Option("3", "Good"))
FIELDS = (Option("1", "Land"), Option("2", "Building"))


def question(name: str, options: tuple[Option, ...] = LEVELS, **changes: Any) -> Question:
    values: dict[str, Any] = {"multiple": False, "required": True, "factor": None, "satisfied": ()}
    values |= {"in_index": False} | changes
    return Question(name, f"Text of {name}", options=options, **values)


FORM = Form(
    id="small",
    edition="2",
    title="A small form",
    language="en",
    valid_from=None,
    valid_to=None,
    sides=(),
    questions=(
        question("A1", FIELDS),
        question("B1", factor="access", satisfied=("3",), in_index=True),
        question("B2", factor="access", satisfied=("3",), in_index=True),
        question("B3", factor="result", satisfied=("2", "3"), in_index=True),
        question("B4", FIELDS, factor="result"),
        question("C1", multiple=True, factor="result"),
        question("D1", satisfied=("3",)),
    ),
    fields=(),
    policy=MarkPolicy((), (), ()),
    lists=(),
    linh_vuc_question="A1",
    has_codes=False,
    hash="0" * 64,
)
FORMS = {(FORM.id, FORM.edition): FORM}
Row = dict[str, Any]


def as_rows(sheets: list[Row], answers: list[Row]) -> tuple[list[CountedSheet], list[SheetAnswers]]:
    """The two tables as the store gives them out: a sheet's answers in one row."""
    of_sheet: dict[str, list[Row]] = {}
    for row in answers:
        of_sheet.setdefault(row["sheet"], []).append(row)
    return [CountedSheet(**row) for row in sheets], [
        SheetAnswers(name, ",".join(row["question"] for row in mine), ",".join(_written(row) for row in mine))
        for name, mine in of_sheet.items()
    ]


def _written(row: Row) -> str:
    if row["status"] == "review":
        return f"{row['codes']}?"
    if row["outcome"] in ("unsure", "unreadable"):
        return f"{row['codes']}#"
    return f"{row['codes']}!" if row["invalid"] else str(row["codes"])


def sheet(number: int, **changes: str) -> Row:
    values = {"sheet": f"b/{number:05}", "unit": "", "channel": "", "linh_vuc": ""}
    return values | {"form": FORM.id, "edition": FORM.edition, "state": "read"} | changes


def answer(of: str, name: str, codes: str = "", **changes: Any) -> Row:
    values = {"sheet": of, "question": name, "codes": codes}
    outcome = "several" if "|" in codes else "one" if codes else "blank"
    return values | {"outcome": outcome, "status": "accepted", "invalid": False} | changes


@st.composite
def answers_to(draw: st.DrawFn, of: str, asked: Question) -> Row:
    """One answer, of every kind that a machine or a person leaves behind."""
    codes = [option.code for option in asked.options]
    chosen = draw(st.lists(st.sampled_from(codes), unique=True, max_size=3).map(sorted))
    kind = draw(st.sampled_from(["accepted", "accepted", "review", "ruled", "ruled invalid"]))
    row = answer(of, asked.id, "|".join(chosen))
    if kind == "review":
        row["outcome"] = draw(st.sampled_from(["one", "several", "unsure", "unreadable", "corrected"]))
        return row | {"status": "review"}
    if kind.startswith("ruled"):
        row["outcome"] = "ruled"
    return row | {"invalid": kind == "ruled invalid"}


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[Row], list[Row]]:
    """Some sheets of every state with an answer to every question."""
    names = st.sampled_from(["", "north", "south"])
    fields = st.sampled_from(["", "Land", "2", "Trade"])
    states = st.sampled_from(["read", "review", "read", "void", "set_aside", "incomplete"])
    sheets = [
        sheet(n, unit=draw(names), channel=draw(names), linh_vuc=draw(fields), state=draw(states))
        for n in range(draw(st.integers(0, 9)))
    ]
    answers = [draw(answers_to(row["sheet"], asked)) for row in sheets for asked in FORM.questions]
    return sheets, answers
