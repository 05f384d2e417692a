"""Whatever does not add up stops the tally, with a line that names it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ballotscan.errors import ExitCode, NotBalancedError
from ballotscan.model import Balance
from ballotscan.tally.counts import count_forms
from ballotscan.tally.figures import BatchLine, OptionCount
from ballotscan.tally.reconcile import (
    balances,
    check_batches,
    check_forms,
    check_rows,
    check_sheets,
)
from tests.unit.tally.tables import FORM, FORMS, Row, answer, as_rows, sheet, tables

WHOLE = Balance(
    pages_in=10,
    pages_on_sheets=6,
    pages_non_ballot=1,
    pages_repeat=1,
    pages_set_aside=2,
    sheets=3,
    sheets_read=1,
    sheets_review=1,
    sheets_void=0,
    sheets_set_aside=1,
    sheets_incomplete=0,
)
BATCH = BatchLine("box 3", "2023-03-01", "", "", "", None, WHOLE)


@given(tables(), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_a_lost_or_doubled_answer_is_always_found(rows: tuple[list[Row], list[Row]], choose: object) -> None:
    sheets, answers = rows
    counted = {row["sheet"] for row in sheets if row["state"] in ("read", "review")}
    mine = [place for place, row in enumerate(answers) if row["sheet"] in counted]
    assume(mine)
    place = choose.choice(mine)  # type: ignore[attr-defined]
    with pytest.raises(NotBalancedError, match=answers[place]["question"]):
        check_forms(count_forms(*as_rows(sheets, answers[:place] + answers[place + 1 :]), FORMS))
    with pytest.raises(NotBalancedError, match="more than once"):
        check_rows(*as_rows(sheets, [*answers, answers[place]]))


def test_a_doubled_answer_does_not_make_up_for_a_lost_one() -> None:
    sheets = [sheet(1), sheet(2)]
    rows = [answer(row["sheet"], question.id) for row in sheets for question in FORM.questions]
    rows[[row["question"] for row in rows].index("B1")]["sheet"] = "b/00002"
    check_forms(count_forms(*as_rows(sheets, rows), FORMS))  # the sums alone do not tell
    with pytest.raises(NotBalancedError, match="b/00002 B1"):
        check_rows(*as_rows(sheets, rows))


def test_an_accepted_answer_that_was_not_decided_is_found() -> None:
    for outcome in ("unsure", "unreadable"):
        rows = [answer("b/00001", question.id, "1", outcome=outcome) for question in FORM.questions]
        with pytest.raises(NotBalancedError, match="A1"):
            check_forms(count_forms(*as_rows([sheet(1)], rows), FORMS))


@pytest.mark.parametrize(("name", "codes"), [("B1", "4"), ("C1", "1|9"), ("Z9", "1"), ("Z9", "")])
def test_what_the_template_does_not_know_is_found(name: str, codes: str) -> None:
    with pytest.raises(NotBalancedError, match=name) as refusal:
        count_forms(*as_rows([sheet(1)], [answer("b/00001", name, codes)]), FORMS)
    assert "template" in refusal.value.remedy


def test_options_must_make_up_the_answers() -> None:
    rows = [
        answer("b/00001", question.id, "1|2" if question.multiple else "1") for question in FORM.questions
    ]
    (form,) = count_forms(*as_rows([sheet(1)], rows), FORMS)
    single, multiple = (next(i for i in form.groups[0].items if i.id == name) for name in ("B1", "C1"))
    assert balances(single)
    assert balances(multiple)
    assert not balances(replace(single, options=(OptionCount("1", "", 2),)))
    assert not balances(replace(multiple, options=(OptionCount("1", "", 2), OptionCount("2", "", 0))))
    assert not balances(replace(multiple, options=(OptionCount("1", "", 0),)))
    for place in ("answered", "blank", "invalid", "awaiting", "ballots"):
        for item in (single, multiple):
            assert not balances(replace(item, **{place: getattr(item, place) + 1}))


def test_batches_must_be_read_to_their_end() -> None:
    check_batches([BATCH], {"box 3": 0})
    with pytest.raises(NotBalancedError, match=r"box 3.* 4 pages") as refusal:
        check_batches([BATCH], {"box 3": 4})
    assert "again" in refusal.value.remedy
    assert refusal.value.exit_code == ExitCode.UNBALANCED
    with pytest.raises(NotBalancedError, match=r"box 3.* 5 pages"):
        check_batches([replace(BATCH, balance=replace(WHOLE, pages_in=15))], {})
    for broken in (replace(WHOLE, pages_in=9), replace(WHOLE, sheets=4)):
        with pytest.raises(NotBalancedError, match="do not add up"):
            check_batches([replace(BATCH, balance=broken)], {})


def test_sheets_counted_are_those_of_the_batches() -> None:
    rows = [answer(f"b/0000{n}", question.id) for n in (1, 2) for question in FORM.questions]
    forms = count_forms(*as_rows([sheet(1), sheet(2)], rows), FORMS)
    check_sheets([BATCH], forms)
    with pytest.raises(NotBalancedError, match="2 sheets were counted"):
        check_sheets([BATCH, BATCH], forms)
