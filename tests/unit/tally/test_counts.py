"""The counts, held against an independent count in plain Python and against cases worked out by hand."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings

from ballotscan.tally.counts import count_forms
from ballotscan.tally.figures import AWAITING, Group
from ballotscan.tally.reconcile import check_forms, check_rows
from tests.unit.tally.tables import FORM, FORMS, Row, answer, as_rows, sheet, tables

ASKED = {question.id: question for question in FORM.questions}


def count_again(sheets: list[Row], answers: list[Row]) -> dict[tuple[str, ...], int]:
    """The same figures in ten lines that share nothing with the program's."""
    counted = {row["sheet"] for row in sheets if row["state"] in ("read", "review")}
    found: Counter[tuple[str, ...]] = Counter()
    for row in answers:
        codes = row["codes"].split("|") if row["codes"] else []
        if row["sheet"] not in counted:
            continue
        if row["status"] == "review":
            found[row["question"], "awaiting"] += 1
        elif row["invalid"] or (len(codes) > 1 and not ASKED[row["question"]].multiple):
            found[row["question"], "invalid"] += 1
        else:
            found[row["question"], "answered" if codes else "blank"] += 1
            found.update((row["question"], "option", code) for code in codes)
    return found


def figures_of(group: Group) -> dict[tuple[str, ...], int]:
    """A group's figures of single questions, those that are not nought."""
    found: dict[tuple[str, ...], int] = {}
    for item in group.of_level("question"):
        places = {"answered": item.answered, "blank": item.blank}
        places |= {"invalid": item.invalid, "awaiting": item.awaiting}
        found |= {(item.id, place): count for place, count in places.items()}
        found |= {(item.id, "option", option.code): option.count for option in item.options}
    return {key: count for key, count in found.items() if count}


@given(tables())
@settings(max_examples=120, deadline=None)
def test_every_group_is_as_counted_again(rows: tuple[list[Row], list[Row]]) -> None:
    sheets, answers = rows
    forms = count_forms(*as_rows(sheets, answers), FORMS)
    check_rows(*as_rows(sheets, answers))
    check_forms(forms)
    assert len(forms) == bool(sheets)
    for form in forms:
        assert figures_of(form.groups[0]) == count_again(sheets, answers)
        assert form.counted == sum(row["state"] in ("read", "review") for row in sheets)
        for group in form.groups[1:]:
            if group.by != "linh_vuc":
                of_group = [row for row in sheets if row[group.by] == group.value]
                names = {row["sheet"] for row in of_group}
                mine = [row for row in answers if row["sheet"] in names]
                assert figures_of(group) == count_again(of_group, mine)


@given(tables())
@settings(max_examples=60, deadline=None)
def test_groups_and_factors_add_up_to_the_whole(rows: tuple[list[Row], list[Row]]) -> None:
    for form in count_forms(*as_rows(*rows), FORMS):
        whole = form.groups[0]
        for by in {group.by for group in form.groups} - {"all"}:
            parts = [group for group in form.groups if group.by == by]
            summed: Counter[tuple[str, ...]] = Counter()
            for part in parts:
                summed.update(figures_of(part))
            assert dict(summed) == figures_of(whole)
            assert sum(part.sheets for part in parts) == whole.sheets
        factors = whole.of_level("factor")
        assert [item.questions for item in factors] == [("B1", "B2"), ("B3",), ("B4",), ("C1",)]
        for factor in factors:
            members = [item for item in whole.of_level("question") if item.id in factor.questions]
            assert factor.answered == sum(item.answered for item in members)
            assert [option.count for option in factor.options] == [
                sum(item.options[place].count for item in members) for place in range(len(factor.options))
            ]


def test_a_proposal_in_review_is_never_counted() -> None:
    rows = [answer("b/00001", name) for name in ASKED if name != "B1"]
    rows.append(answer("b/00001", "B1", "3", status="review", outcome="one"))
    (form,) = count_forms(*as_rows([sheet(1, state="review")], rows), FORMS)
    item = next(item for item in form.groups[0].items if item.id == "B1")
    assert (item.answered, item.awaiting, sum(option.count for option in item.options)) == (0, 1, 0)
    assert (form.awaiting_answers, form.awaiting_sheets) == (1, 1)


def test_the_sheets_own_linh_vuc_goes_before_the_batchs() -> None:
    said = [("1", "accepted"), ("", "accepted"), ("1", "review"), ("1|2", "accepted"), ("2", "accepted")]
    said.append(("1", "ruled invalid"))
    of_batch = ["Building", "2", "Building", "Trade", "", "Trade"]
    sheets = [sheet(n, linh_vuc=name) for n, name in enumerate(of_batch)]
    answers = []
    for row, (codes, status) in zip(sheets, said, strict=True):
        answers += [answer(row["sheet"], name) for name in ASKED if name != "A1"]
        settled = {"status": "accepted", "invalid": True} if status == "ruled invalid" else {"status": status}
        answers.append(answer(row["sheet"], "A1", codes, **settled))
    (form,) = count_forms(*as_rows(sheets, answers), FORMS)
    found = {group.value: group.sheets for group in form.groups if group.by == "linh_vuc"}
    assert found == {"Building": 2, "Land": 1, "Trade": 2, AWAITING: 1}
    assert list(found)[-1] == AWAITING


def test_nothing_given_makes_no_groups_but_a_sheets_own_answer_does() -> None:
    sheets = [sheet(1)]
    blanks = [answer("b/00001", name) for name in ASKED]
    (form,) = count_forms(*as_rows(sheets, blanks), FORMS)
    assert [group.by for group in form.groups] == ["all"]
    told = [answer("b/00001", name, "1" if name == "A1" else "") for name in ASKED]
    (form,) = count_forms(*as_rows(sheets, told), FORMS)
    assert [(group.by, group.value) for group in form.groups] == [("all", ""), ("linh_vuc", "Land")]


def test_satisfied_shares_have_both_denominators_and_follow_the_form() -> None:
    sheets = [sheet(n) for n in range(4)]
    given_answers = {"B1": ["3", "3", "1", ""], "B2": ["3", "2", "", ""], "B3": ["2", "3", "1", "1|3"]}
    given_answers |= {"C1": ["1|2", "3", "", ""], "D1": ["3", "", "", ""]}
    answers = [
        answer(row["sheet"], name, given_answers.get(name, [""] * 4)[n])
        for n, row in enumerate(sheets)
        for name in ASKED
    ]
    (form,) = count_forms(*as_rows(sheets, answers), FORMS)
    found = {
        (index.level, index.id): (index.satisfied, index.answered, index.ballots)
        for index in form.groups[0].indices
    }
    assert found == {
        ("question", "B1"): (2, 3, 4),
        ("question", "B2"): (1, 2, 4),
        ("question", "B3"): (2, 3, 4),
        ("question", "D1"): (1, 1, 4),  # a scale, but not one of the index
        ("factor", "access"): (3, 5, 8),
        ("factor", "result"): (2, 3, 4),
        ("all", "all"): (5, 8, 12),
    }
