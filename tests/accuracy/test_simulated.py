"""Small simulated batches: no answer wrong and unflagged. The long runs are ``tests.accuracy.run``."""

from __future__ import annotations

from functools import cache

import pytest

from tests.accuracy.cases import Case, upper_bound
from tests.accuracy.real_ink import ink_sources
from tests.accuracy.run import Task, run_many

SHEETS = {"appendix-i": 6, "hue-2019": 16}
LEAST_ACCEPTED = 0.95
"""Of ordinary answers over few sheets, where one odd writer weighs 1 to 4 %; 300 sheets must reach 0.97."""


@cache
def _cases(
    template: str, condition: str, effects: tuple[str, ...] = (), real_ink: bool = False
) -> tuple[Case, ...]:
    tasks = [Task(template, condition, effects, 77_000 + n, real_ink) for n in range(SHEETS[template])]
    return tuple(run_many(tasks, workers=1)[0])


def _lines(cases: tuple[Case, ...]) -> list[str]:
    return [case.line() for case in cases if case.silent]


@pytest.mark.parametrize("template", sorted(SHEETS))
@pytest.mark.parametrize("condition", ["clean", "office"])
def test_nothing_is_wrong_and_unflagged(template: str, condition: str) -> None:
    assert _lines(_cases(template, condition)) == []


@pytest.mark.parametrize("template", sorted(SHEETS))
@pytest.mark.parametrize("condition", ["clean", "office"])
def test_ordinary_answers_need_no_person(template: str, condition: str) -> None:
    ordinary = [case for case in _cases(template, condition) if case.ordinary]
    assert sum(case.accepted for case in ordinary) >= LEAST_ACCEPTED * len(ordinary)


@pytest.mark.parametrize("template", sorted(SHEETS))
def test_office_sheets_are_all_found(template: str) -> None:
    assert {case.refused for case in _cases(template, "office")} == {""}


@pytest.mark.parametrize("effect", ["upside_down", "copied_97", "skew_5"])
def test_how_the_page_lies_does_not_matter(effect: str) -> None:
    cases = _cases("hue-2019", "clean", (effect,))
    assert _lines(cases) == []
    assert {case.refused for case in cases} == {""}


@pytest.mark.skipif(not ink_sources(), reason="../shared/data is absent")
def test_real_ink_on_simulated_sheets() -> None:
    cases = _cases("hue-2019", "office", real_ink=True)
    ordinary = [case for case in cases if case.ordinary]
    assert _lines(cases) == []
    assert sum(case.accepted for case in ordinary) >= 0.9 * len(ordinary)


def test_the_upper_bound_is_the_rule_of_three() -> None:
    """No error in n: 3/n (Hanley and Lippman-Hand 1983)."""
    assert upper_bound(0, 10_000) == pytest.approx(3 / 10_000, rel=0.01)
    assert upper_bound(5, 5) == 1.0
