"""What is accepted without a person, and what never is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ballotscan.model import Outcome, Reason, SideReading, Status
from ballotscan.rules.answers import decide_answers
from tests.unit.rules.marks import CROSS, all_marked, decided, form, read_sheet, times

Q = "B3_2"  # some question with five options
FIRST, SECOND = (option.code for option in form().question(Q).options[:2])
ONLY = frozenset({Q})


def test_plain_marks_and_blanks_are_accepted() -> None:
    answers = decided(all_marked(but=ONLY))
    assert answers[Q].outcome is Outcome.BLANK and answers[Q].codes == ()
    assert {answer.status for answer in answers.values()} == {Status.ACCEPTED}
    assert all(
        answer.codes == (FIRST,) for name, answer in answers.items() if name.startswith("B3") and name != Q
    )


@pytest.mark.parametrize("option", range(5))
def test_the_same_mark_reads_the_same_in_every_box(option: int) -> None:
    code = form().question(Q).options[option].code
    answer = decided({**all_marked(but=ONLY), (Q, code): CROSS})[Q]
    assert (answer.codes, answer.status) == ((code,), Status.ACCEPTED)


def test_two_marks_are_never_guessed() -> None:
    answer = decided({**all_marked(), (Q, SECOND): CROSS})[Q]
    assert (answer.outcome, answer.codes, answer.reason) == (
        Outcome.SEVERAL, (FIRST, SECOND), Reason.SEVERAL_MARKS
    )  # fmt: skip


@pytest.mark.parametrize(
    ("what", "ink"),
    [
        ("erased", times(CROSS, 0.45)),
        ("a dot", {**CROSS, "ink": 0.05, "extent": 0.25, "near_peak": 0.02}),
        ("a fold", {**CROSS, "through": 0.4}),
        ("a staple", times(CROSS, 1.8)),
        ("a hole over a dark lid", {**times(CROSS, 1.4), "near_peak": 0.7, "ring_peak": 0.7, "outline": 0.2}),
        (
            "scribbled over",
            {**times(CROSS, 2.5), "cover": 0.6, "peak": 0.55, "choice": 0.02, "taken_back": 0.98},
        ),
        ("circled", {**CROSS, "encircled": 0.4, "ring_peak": 0.45}),
    ],
)
def test_a_lone_mark_unlike_the_hand_goes_to_a_person(what: str, ink: dict[str, float]) -> None:
    answer = decided({**all_marked(), (Q, FIRST): ink})[Q]
    assert answer.status is Status.REVIEW, what


@pytest.mark.parametrize(
    ("what", "ink"),
    [
        ("a pale stroke", {"ink": 0.012, "peak": 0.05, "extent": 0.85}),
        ("a stroke beside the box", {"near_peak": 0.12}),
        ("a circle", {"encircled": 0.4, "ring_peak": 0.45}),
        ("a stroke further off", {"ring_peak": 0.4}),
    ],
)
def test_no_blank_where_there_may_be_a_mark(what: str, ink: dict[str, float]) -> None:
    answer = decided({**all_marked(but=ONLY), (Q, SECOND): ink})[Q]
    assert answer.status is Status.REVIEW, what


def test_a_pale_dot_is_ignored() -> None:
    dot = {"ink": 0.004, "peak": 0.08, "extent": 0.2}
    assert decided({**all_marked(), (Q, SECOND): dot})[Q].codes == (FIRST,)
    assert decided({**all_marked(but=ONLY), (Q, SECOND): dot})[Q].status is Status.ACCEPTED


def test_light_pencil_is_read_where_the_whole_sheet_is_marked_so() -> None:
    pencil = times(CROSS, 0.22)
    whole = decided(all_marked(pencil))
    assert {answer.status for answer in whole.values()} == {Status.ACCEPTED}
    alone = decided({(Q, FIRST): pencil})
    assert alone[Q].status is Status.REVIEW


def test_noise_as_dark_as_the_pen_hides_blanks() -> None:
    noisy = {
        (question.id, option.code): {"peak": 0.06 + 0.02 * (number % 3)}
        for question in form().questions
        for number, option in enumerate(question.options)
    }
    answer = decided({**noisy, **all_marked(times(CROSS, 0.4), but=ONLY)})[Q]
    assert answer.outcome is Outcome.BLANK and answer.status is Status.REVIEW


def test_no_blank_is_accepted_in_black_and_white() -> None:
    solid = {**CROSS, "peak": 0.95}
    answers = decided(all_marked(solid, but=ONLY), bitonal=True)
    assert answers[Q].reason is Reason.BITONAL_BLANK
    assert answers["B3_1"].status is Status.ACCEPTED


def test_a_pen_broken_up_by_the_threshold_goes_to_a_person() -> None:
    answers = decided(all_marked({**CROSS, "peak": 0.4}), bitonal=True)
    assert {answer.status for answer in answers.values()} == {Status.REVIEW}


def test_a_sheet_without_any_mark_goes_to_a_person() -> None:
    answers = decided({})
    assert {answer.reason for answer in answers.values()} == {Reason.NOTHING_MARKED}


def test_each_side_is_seen_by_its_own_lamp() -> None:
    front = {question.id for question in form().questions if form().side_of_question[question.id] == 1}
    put = {place: times(ink, 0.5 if place[0] in front else 1) for place, ink in all_marked().items()}
    assert {answer.status for answer in decided(put).values()} == {Status.ACCEPTED}


def test_traces_of_the_other_side_are_no_hand() -> None:
    front = frozenset(
        question.id for question in form().questions if form().side_of_question[question.id] == 1
    )
    put = all_marked() | {place: times(CROSS, 0.2) for place in all_marked() if place[0] in front}
    answers = decided(put)
    assert {answers[question].status for question in front} == {Status.REVIEW}


@pytest.mark.parametrize(
    ("sides", "status"),
    [
        ({"weakest_side": 0.0, "next_side": 0.9, "outline": 0.5}, Status.ACCEPTED),
        ({"weakest_side": 0.0, "next_side": 0.5, "outline": 0.5}, Status.REVIEW),
        ({"weakest_side": 0.0, "next_side": float("nan"), "outline": 0.5}, Status.REVIEW),
    ],
)
def test_a_streak_may_take_one_side_of_a_box_but_not_two(sides: dict[str, float], status: Status) -> None:
    assert decided({**all_marked(), (Q, SECOND): sides})[Q].status is status


def test_a_sheet_of_circles_is_read_by_its_circles() -> None:
    circle = {"encircled": 0.5, "ring_peak": 0.6, "nothing": 0.0}
    answers = decided(all_marked(circle))
    assert {answer.status for answer in answers.values()} == {Status.ACCEPTED}
    assert decided({**all_marked(), (Q, FIRST): circle})[Q].status is Status.REVIEW


def test_the_accepted_risk_is_one_number() -> None:
    readings: tuple[SideReading | None, ...] = read_sheet({**all_marked(), (Q, SECOND): CROSS})
    by_risk = {
        risk: sum(a.status is Status.ACCEPTED for a in decide_answers(form(), readings, risk))
        for risk in (1e-6, 1e-3, 0.2)
    }
    assert by_risk[1e-6] == 0
    assert by_risk[1e-3] == len(form().questions) - 1
    assert by_risk[0.2] == len(form().questions)


def test_a_missing_side_is_unreadable() -> None:
    front, _back = read_sheet(all_marked())
    for answer in decide_answers(form(), (front, None)):
        missing = form().side_of_question[answer.question] == 2
        assert (answer.reason is Reason.SIDE_MISSING) == missing
        assert (answer.status is Status.REVIEW) == missing


RINGED = {**CROSS, "encircled": 0.4, "ring_peak": 0.45, "choice": 0.02, "taken_back": 0.98}
SCRIBBLED = {**times(CROSS, 2.5), "cover": 0.6, "peak": 0.55, "choice": 0.02, "taken_back": 0.98}


@pytest.mark.parametrize("taken_back", [RINGED, SCRIBBLED])
def test_a_correction_counts_where_the_form_prints_the_rule(taken_back: dict[str, float]) -> None:
    put = {**all_marked(), (Q, FIRST): taken_back, (Q, SECOND): CROSS}
    answer = decided(put)[Q]
    assert (answer.outcome, answer.codes, answer.status) == (Outcome.CORRECTED, (SECOND,), Status.ACCEPTED)


BLOT = {**CROSS, "choice": 0.1, "nothing": 0.0}
"""Looks unusual at 0.9."""


def test_a_blot_is_a_choice_where_the_whole_sheet_is_marked_by_blots() -> None:
    assert {answer.status for answer in decided(all_marked(BLOT)).values()} == {Status.ACCEPTED}


def test_a_blot_among_crosses_goes_to_a_person() -> None:
    answer = decided({**all_marked(), (Q, FIRST): BLOT})[Q]
    assert (answer.status, answer.reason) == (Status.REVIEW, Reason.UNUSUAL_MARK)


@pytest.mark.parametrize(("looks_so", "accepted"), [(0.98, True), (0.9, False)])
def test_a_doubted_correction_counts_if_it_looks_like_one_beyond_doubt(
    looks_so: float, accepted: bool
) -> None:
    half_ringed = {**RINGED, "encircled": 0.15, "through": 0.4, "taken_back": looks_so}
    put = {**all_marked(), (Q, FIRST): half_ringed, (Q, SECOND): {**CROSS, "choice": 0.99}}
    answer = decided(put)[Q]
    assert (answer.codes == (SECOND,) and answer.outcome is Outcome.CORRECTED) == accepted
    assert (answer.status is Status.ACCEPTED) == accepted


def test_a_correction_is_only_proposed_where_the_form_is_silent() -> None:
    question = form("hue-2019").questions[0]
    first, second = (option.code for option in question.options[:2])
    put = {**all_marked(name="hue-2019"), (question.id, first): RINGED, (question.id, second): CROSS}
    answer = decided(put, "hue-2019")[question.id]
    assert (answer.codes, answer.reason) == ((second,), Reason.CORRECTED)


@pytest.mark.parametrize("kept", [times(CROSS, 0.62), RINGED, {**CROSS, "encircled": 0.2}])
def test_a_correction_needs_a_plain_mark_beside_it(kept: dict[str, float]) -> None:
    answer = decided({**all_marked(), (Q, FIRST): SCRIBBLED, (Q, SECOND): kept})[Q]
    assert answer.status is Status.REVIEW


@pytest.mark.parametrize(
    ("what", "ink"),
    [
        ("erased and smeared", {**CROSS, "peak": 0.27, "ink": 0.1, "near_peak": 0.08}),
        ("coffee", {**CROSS, "ink": 0.2, "peak": 0.35, "cover": 0.5, "near_peak": 0.34, "ring_peak": 0.36}),
        ("the rim of a hole", {**CROSS, "weakest_side": 0.45, "next_side": 0.5}),
    ],
)
def test_what_lies_over_a_box_is_no_mark(what: str, ink: dict[str, float]) -> None:
    assert decided({**all_marked(), (Q, FIRST): ink})[Q].status is Status.REVIEW, what


def test_a_seal_over_two_boxes_is_no_correction() -> None:
    seal = {**CROSS, "near_peak": 0.5, "ring_peak": 0.52}
    answer = decided({**all_marked(), (Q, FIRST): {**seal, **SCRIBBLED}, (Q, SECOND): seal})[Q]
    assert answer.status is Status.REVIEW


def test_paper_made_white_hides_light_marks_of_a_light_pen() -> None:
    light, dark = (read_sheet(all_marked(times(CROSS, times_), but=ONLY)) for times_ in (1.0, 1.6))
    for readings, white, status in (
        (light, 0.9, Status.REVIEW), (light, 0.1, Status.ACCEPTED), (dark, 0.9, Status.ACCEPTED)
    ):  # fmt: skip
        answers = decide_answers(form(), [replace(reading, white=white) for reading in readings])
        assert {a.status for a in answers if a.question == Q} == {status}
        assert {a.status for a in answers if a.question != Q} == {Status.ACCEPTED}


@pytest.mark.parametrize(
    ("looks", "reason"),
    [
        ({"choice": 0.4, "nothing": 0.6}, Reason.UNUSUAL_MARK),
        ({"choice": float("nan"), "nothing": float("nan")}, Reason.UNUSUAL_MARK),
    ],
)
def test_a_mark_by_measures_must_look_like_one(looks: dict[str, float], reason: Reason) -> None:
    answer = decided({**all_marked(), (Q, FIRST): {**CROSS, **looks}})[Q]
    assert (answer.codes, answer.status, answer.reason) == ((FIRST,), Status.REVIEW, reason)


def test_a_box_that_looks_marked_is_not_left_empty() -> None:
    answer = decided({**all_marked(), (Q, SECOND): {"choice": 0.7, "nothing": 0.3}})[Q]
    assert (answer.status, answer.reason) == (Status.REVIEW, Reason.STRAY_INK)


def test_ink_that_plainly_looks_like_nothing_does_not_matter_beside_a_mark() -> None:
    stray = times(CROSS, 0.4) | {"choice": 0.0}
    plainly = decided({**all_marked(), (Q, SECOND): {**stray, "nothing": 0.97}})[Q]
    hardly = decided({**all_marked(), (Q, SECOND): {**stray, "nothing": 0.7}})[Q]
    assert (plainly.status, hardly.status) == (Status.ACCEPTED, Status.REVIEW)


def test_where_most_marks_seem_to_be_missing_the_threshold_took_them() -> None:
    few = dict(list(all_marked({**CROSS, "peak": 0.95}).items())[::3])
    answers = decided(few, bitonal=True)
    assert {answer.status for answer in answers.values()} == {Status.REVIEW}
