"""A report's figures by answers, by official and over several forms, on ballots whose numbers are known."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from ballotscan import ENGINE
from ballotscan.errors import UsageError
from ballotscan.forms.load import load_form
from ballotscan.i18n import use_language
from ballotscan.imports.answers import read_answers, store_answers
from ballotscan.imports.mapping import read_mapping
from ballotscan.imports.tables import read_table
from ballotscan.programme.load import AskedForm, Officials
from ballotscan.report.figures import Figures, gather, plain_programme
from ballotscan.report.sub_indices import COLUMNS, sub_indices_csv
from ballotscan.rules.periods import parse_period
from ballotscan.settings import shipped
from ballotscan.store.database import open_store

FORMS = ("appendix-i", "coordination")


class Desk:
    """Ballots by the codes of some questions; all others are blank."""

    def __init__(self, folder: Path) -> None:
        use_language("en")
        self.folder = folder

    def take(self, name: str, ballots: list[dict[str, str]]) -> None:
        form = load_form(shipped("templates") / name)
        ids = [question.id for question in form.questions]
        lines = [",".join(["day", *ids])]
        lines += [",".join(["2023-03-01", *(each.get(one, "") for one in ids)]) for each in ballots]
        file = self.folder / f"{name}.csv"
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        asked = "".join(f"  {one}: {one}\n" for one in ids)
        (self.folder / "m.yaml").write_text(f"form: {name}\ntime: day\nquestions:\n{asked}", "utf-8")
        mapping = read_mapping(self.folder / "m.yaml")
        export = read_answers(read_table(file), mapping, form, "web", None)
        assert export.faults == ()
        with open_store(self.folder / "b.sqlite") as store:
            store_answers(store, export, mapping, form, "web", file, ENGINE)

    def figures(self, **changes: Any) -> Figures:
        with open_store(self.folder / "b.sqlite") as store:
            forms = tuple(AskedForm(name, "") for name in FORMS)
            programme = replace(plain_programme(store, "nd09"), forms=forms, **changes)
            return gather(store, programme, [shipped("templates")], parse_period("2023Q1"), 3)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Satisfied: 30 of 40 individuals, 5 of 10 organisations, four of four who do not say who they are;
    on the other form four of six."""
    desk = Desk(tmp_path)
    people = [{"A1": "1", "B1_1": "5" if n < 30 else "1"} for n in range(40)]
    people += [{"A1": "2", "B1_1": "4" if n < 5 else "2"} for n in range(10)]
    desk.take("appendix-i", [*people, *[{"B1_1": "5"}] * 4])
    desk.take("coordination", [{"P1": "5" if n < 4 else "1"} for n in range(6)])
    return desk


def test_forms_apart_and_together(desk: Desk) -> None:
    figures = desk.figures()
    assert [form.chosen.value for form in figures.forms] == [Fraction(39, 54), Fraction(4, 6)]
    assert figures.together is not None
    assert (figures.together.value, figures.together.out_of) == (Fraction(43, 60), 60)
    assert figures.together.ballots == 60


def test_one_form_alone_has_nothing_to_join(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.take("coordination", [{"P1": "5"}])
    figures = desk.figures()
    assert figures.together is None
    assert figures.forms[0].chosen.value == 1  # of one ballot
    assert all(item.answered == 0 for item in figures.forms[0].whole.items if item.id == "P2")


def test_respondents_by_what_they_say_of_themselves(desk: Desk) -> None:
    form = desk.figures(groups=("A1",)).forms[0]
    ((text, parts),) = form.answers
    assert "tư cách" in text
    found = {part.name: (part.ballots, part.index and part.index.value) for part in parts}
    assert found["Cá nhân"] == (40, Fraction(3, 4))
    assert found["Đại diện tổ chức"] == (10, Fraction(1, 2))
    assert desk.figures().forms[0].answers == ()


def test_officials_only_if_switched_on_and_only_with_enough_ballots(desk: Desk) -> None:
    assert desk.figures().forms[0].officials == ()
    form = desk.figures(officials=Officials("A1", 30)).forms[0]
    found = {part.name: part.index for part in form.officials}
    shown = found["Cá nhân"]
    assert shown is not None
    assert shown.value == Fraction(3, 4)
    assert shown.low is not None
    assert found["Đại diện tổ chức"] is None  # ten ballots


def test_a_question_that_no_form_asks_is_refused(desk: Desk) -> None:
    with pytest.raises(UsageError, match="names the question 'A99'"):
        desk.figures(groups=("A99",))
    with pytest.raises(UsageError, match="'Q'"):
        desk.figures(officials=Officials("Q", 30))


def test_sub_indices_stand_with_what_they_are_shares_of(desk: Desk) -> None:
    figures = desk.figures(sub_indices=(("Procedures", ("access",)), ("Officials", ("officials",))))
    head, *rows = [line.split(",") for line in sub_indices_csv(figures).lstrip("\ufeff").splitlines()]
    assert tuple(head) == COLUMNS
    place = {name: head.index(name) for name in ("form", "index", "satisfied_answers", "answers", "percent")}
    said = [[row[n] for n in place.values()] for row in rows]
    assert said == [
        ["appendix-i", "Procedures", "39", "54", "72.22"],  # nobody answered on officials: no row
        ["appendix-i", "top2_of_answers", "39", "54", "72.22"],
        ["coordination", "top2_of_answers", "4", "6", "66.67"],
    ]
