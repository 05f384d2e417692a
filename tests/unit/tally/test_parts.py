"""Groups by an answer and indices over several forms, against counts of their own and each other."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings

from ballotscan.tally.counts import count_forms, groups_by_answer
from ballotscan.tally.figures import AWAITING, NOT_GIVEN, Group, percent
from ballotscan.tally.named import INDEX_NAMES, joint_indices, named_indices
from ballotscan.tally.reconcile import balances
from tests.unit.tally.tables import FORM, FORMS, Row, answer, as_rows, question, sheet, tables
from tests.unit.tally.test_counts import count_again, figures_of


@given(tables())
@settings(max_examples=100, deadline=None)
def test_groups_by_an_answer_are_as_counted_again(rows: tuple[list[Row], list[Row]]) -> None:
    sheets, answers = rows
    found = groups_by_answer(*as_rows(sheets, answers), FORM, "B1")
    said = {"Bad": "1", "Fair": "2", "Good": "3"}
    plain = {r["sheet"]: r for r in answers if r["question"] == "B1"}
    for group in found:
        if group.value in (NOT_GIVEN, AWAITING):
            continue
        mine = {
            name
            for name, row in plain.items()
            if row["codes"] == said[group.value] and row["status"] == "accepted" and not row["invalid"]
        }
        assert figures_of(group) == count_again(
            [row for row in sheets if row["sheet"] in mine], [row for row in answers if row["sheet"] in mine]
        )
    counted = [row for row in sheets if row["state"] in ("read", "review")]
    assert sum(group.sheets for group in found) == len(counted)


@given(tables())
@settings(max_examples=100, deadline=None)
def test_options_blank_invalid_and_awaiting_are_the_ballots_of_every_group(
    rows: tuple[list[Row], list[Row]],
) -> None:
    """And every share has something it is a share of, or is none."""
    forms = count_forms(*as_rows(*rows), FORMS)
    groups = [group for form in forms for group in form.groups]
    groups += groups_by_answer(*as_rows(*rows), FORM, "A1")
    for item in (item for group in groups for item in group.items):
        assert balances(item)
        chosen = sum(option.count for option in item.options)
        if not item.multiple:
            assert chosen + item.blank + item.invalid + item.awaiting == item.ballots
        assert (percent(chosen, item.answered) is None) == (item.answered == 0)


@given(tables())
@settings(max_examples=100, deadline=None)
def test_parts_of_a_form_together_are_the_form(rows: tuple[list[Row], list[Row]]) -> None:
    """An index over all units' parts is that of the whole: every answer weighs the same."""
    for form in count_forms(*as_rows(*rows), FORMS):
        parts = [(group, FORM) for group in form.groups if group.by == "unit"]
        if parts:
            whole = named_indices(form.groups[0], FORM, 50)
            assert joint_indices(parts, 50) == whole


def test_two_forms_together_by_hand() -> None:
    """Four of five satisfied on one, one of two on the other; a factor of one name is one factor."""
    other = replace(
        FORM,
        id="other",
        linh_vuc_question=None,
        questions=(
            question("P1", factor="access", satisfied=("3",), in_index=True),
            question("P2", factor="coordination", satisfied=("3",), in_index=True),
        ),
    )
    rows = [sheet(0), sheet(1), sheet(2, form="other")]
    answers = [answer("b/00000", name, codes) for name, codes in (("B1", "3"), ("B2", "3"), ("B3", "3"))]
    answers += [answer("b/00001", name, codes) for name, codes in (("B1", "1"), ("B2", "3"), ("B3", ""))]
    answers += [answer("b/00000", n, "") for n in ("A1", "B4", "C1", "D1")]
    answers += [answer("b/00001", n, "") for n in ("A1", "B4", "C1", "D1")]
    answers += [answer("b/00002", "P1", "3"), answer("b/00002", "P2", "2")]
    forms = {**FORMS, ("other", FORM.edition): other}
    found = {form.form: form.groups[0] for form in count_forms(*as_rows(rows, answers), forms)}
    joint = joint_indices([(found["small"], FORM), (found["other"], other)])
    values = {index.name: (index.value, index.ballots) for index in joint}
    assert values["top2_of_answers"] == (Fraction(5, 7), 3)
    assert values["top2_of_ballots"] == (Fraction(5, 8), 3)
    assert values["all_satisfied"] == (Fraction(1, 3), 3)
    # access: 4 of 5 over both forms, result: 1 of 1, coordination: 0 of 1
    assert values["mean_of_factor_rates"] == ((Fraction(4, 5) + 1 + 0) / 3, 3)


@pytest.mark.parametrize("population", [None, 1, 2])
def test_nothing_and_next_to_nothing(population: int | None) -> None:
    """No ballot, one ballot, no answer at all, and fewer people than ballots."""
    empty = Group("all", "", 0, (), (), 0, 0)
    assert [index.value for index in joint_indices([], population)] == [None] * len(INDEX_NAMES)
    assert empty.sheets == 0
    rows = [sheet(0)]
    blank = [answer("b/00000", q.id) for q in FORM.questions]
    (form,) = count_forms(*as_rows(rows, blank), FORMS)
    values = {index.name: index for index in named_indices(form.groups[0], FORM, population)}
    assert values["top2_of_answers"].value is None
    assert values["top2_of_ballots"].value == 0
    rows = [sheet(n) for n in range(3)]
    full = [answer(r["sheet"], q.id, q.options[-1].code) for r in rows for q in FORM.questions]
    (form,) = count_forms(*as_rows(rows, full), FORMS)
    (index, *_rest) = named_indices(form.groups[0], FORM, population)
    assert index.value == 1
    assert index.low is not None
    assert (index.low == 1) == (population == 2)  # all of so few answered: nothing is left to chance
