"""From measures to a verdict: a good scanner passes, and each measure beyond its limit is told by name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ballotscan.forms.deck import deck_rows
from ballotscan.i18n import use_language
from ballotscan.model import Answer, KnownMarks, Outcome, Reason, ScannerMeasures, Status
from ballotscan.rules.scanner import Check, Verdict, check_names, judge, known_marks, overall, words_of

GOOD = ScannerMeasures(
    bitonal=False, dpi_tag=300, jpeg_quality=90, dpi_x=300.1, dpi_y=299.9, skew_deg=0.2, shear_deg=0.0,
    feed_mm=0.05, white=240.0, black=10.0, gamma=1.0,
    steps=tuple((grey / 100, 10 + 230 * grey / 100) for grey in (0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95)),
    colours=(("blue", 0.8), ("black", 0.9), ("red", 0.64), ("green", 0.68), ("yellow", 0.1)),
    lamp=(0.98, 1.0, 0.99), lamp_loss=0.02, noise=1.5, edge_x_mm=0.2, edge_y_mm=0.2,
    lines=((0.5, 0.95), (0.35, 0.9), (0.25, 0.7)), dark_streaks_mm=(), bright_streaks_mm=(),
    dots_lost=0, dots=16, holes_lost=0, holes=16,
)  # fmt: skip
MARKS = KnownMarks(plain=16, plain_asked=0, hard=8, hard_asked=3, wrong=())
CRUSHED = tuple((grey, 240.0 if grey > 0.5 else 10.0) for grey, _level in GOOD.steps)
PALE_LOST = tuple((grey, 240.0 if grey >= 0.9 else level) for grey, level in GOOD.steps)


def not_passed(checks: tuple[Check, ...]) -> dict[str, Verdict]:
    return {check.name: check.verdict for check in checks if check.verdict is not Verdict.PASS}


def test_a_good_scanner_passes() -> None:
    checks = judge(GOOD, MARKS)
    assert not_passed(checks) == {}
    assert overall(checks) is Verdict.PASS


@pytest.mark.parametrize(
    ("changed", "name", "verdict"),
    [
        ({"dpi_x": 170.0, "dpi_y": 170.0, "dpi_tag": None}, "dpi", "warn"),
        ({"dpi_x": 120.0, "dpi_y": 120.0, "dpi_tag": None}, "dpi", "fail"),
        ({"dpi_tag": 200.0}, "dpi_tag", "warn"),
        ({"dpi_y": 304.5}, "ratio", "warn"),
        ({"dpi_y": 308.0}, "ratio", "fail"),
        ({"skew_deg": -3.0}, "skew", "warn"),
        ({"skew_deg": 5.5}, "skew", "fail"),
        ({"shear_deg": 0.7}, "shear", "warn"),
        ({"shear_deg": -1.2}, "shear", "fail"),
        ({"feed_mm": 0.7}, "feed", "warn"),
        ({"feed_mm": 1.2}, "feed", "fail"),
        ({"white": 170.0, "black": 5.0}, "white", "warn"),
        ({"white": 130.0, "black": 5.0}, "white", "fail"),
        ({"black": 130.0}, "contrast", "warn"),
        ({"black": 180.0}, "contrast", "fail"),
        ({"gamma": 0.6}, "gamma", "warn"),
        ({"gamma": 2.3}, "gamma", "fail"),
        ({"steps": CRUSHED}, "steps", "fail"),
        ({"steps": CRUSHED}, "pale", "fail"),
        ({"steps": PALE_LOST}, "pale", "warn"),
        ({"colours": (("red", 0.35),)}, "ink_red", "warn"),
        ({"colours": (("blue", 0.2),)}, "ink_blue", "fail"),
        ({"lamp_loss": 0.2}, "lamp", "warn"),
        ({"lamp_loss": 0.35}, "lamp", "fail"),
        ({"noise": 9.0}, "noise", "warn"),
        ({"noise": 13.0}, "noise", "fail"),
        ({"edge_y_mm": 0.5}, "sharpness", "warn"),
        ({"edge_x_mm": 0.8}, "sharpness", "fail"),
        ({"lines": ((0.5, 0.3), (0.35, 0.1))}, "lines", "warn"),
        ({"lines": ((0.5, 0.1), (0.35, 0.0))}, "lines", "fail"),
        ({"dark_streaks_mm": (62.5,)}, "dark_streaks", "fail"),
        ({"bright_streaks_mm": (62.5,)}, "bright_streaks", "fail"),
        ({"dots_lost": 1}, "dots", "warn"),
        ({"dots_lost": 8}, "dots", "fail"),
        ({"holes_lost": 1}, "holes", "warn"),
        ({"holes_lost": 8}, "holes", "fail"),
        ({"jpeg_quality": 60}, "jpeg", "warn"),
        ({"jpeg_quality": 20}, "jpeg", "fail"),
        ({"bitonal": True}, "bitonal", "warn"),
        ({"bitonal": True, "steps": tuple((g, 255.0) for g, _l in GOOD.steps)}, "threshold", "fail"),
        ({"bitonal": True, "steps": tuple((g, 0.0) for g, _l in GOOD.steps)}, "threshold", "fail"),
    ],
)
def test_each_limit(changed: dict[str, Any], name: str, verdict: str) -> None:
    checks = judge(replace(GOOD, **changed), MARKS)
    assert not_passed(checks)[name] == verdict
    assert overall(checks) is max(not_passed(checks).values(), key=["pass", "warn", "fail"].index)


@pytest.mark.parametrize(
    ("changed", "verdict"),
    [
        ({"plain_asked": 1}, "warn"),
        ({"plain_asked": 9}, "fail"),
        ({"wrong": ("q3",)}, "fail"),
    ],
)
def test_known_marks_decide(changed: dict[str, Any], verdict: str) -> None:
    (found,) = not_passed(judge(GOOD, replace(MARKS, **changed))).items()
    assert found == ("marks", verdict)


def right_answers() -> dict[str, Answer]:
    """What a reader that asks about nothing but double marks makes of the deck."""
    return {
        row.id: Answer(
            row.id, 1, Outcome.ONE if row.code else Outcome.BLANK, (row.code,) if row.code else (),
            Status.REVIEW if row.truth == "person" else Status.ACCEPTED, 0.99, None,
        )
        for row in deck_rows()
    }  # fmt: skip


def test_all_right() -> None:
    assert known_marks(deck_rows(), list(right_answers().values())) == KnownMarks(16, 0, 8, 1, ())


@pytest.mark.parametrize(
    ("question", "codes"),
    [
        ("q1", ("2",)),  # another box
        ("q1", ()),  # a mark lost
        ("q4", ("1",)),  # a mark out of nothing
        ("line4", ()),  # a pale line taken for nothing
        ("dot-in", ("3",)),  # a pen's rest taken for a mark
        ("two", ("1",)),  # guessed between two
        ("two", ("1", "4")),
        ("two", ()),
    ],
)
def test_an_accepted_error_is_wrong(question: str, codes: tuple[str, ...]) -> None:
    answers = right_answers()
    answers[question] = replace(answers[question], codes=codes, status=Status.ACCEPTED)
    assert known_marks(deck_rows(), list(answers.values())).wrong == (question,)


def test_asking_is_never_wrong() -> None:
    asked = [
        replace(each, codes=(), status=Status.REVIEW, reason=Reason.FAINT)
        for each in right_answers().values()
    ]
    assert known_marks(deck_rows(), asked) == KnownMarks(16, 16, 8, 8, ())


@pytest.mark.parametrize("language", ["en", "vi"])
def test_every_check_has_its_words(language: str) -> None:
    used = {check.name for bitonal in (True, False) for check in judge(replace(GOOD, bitonal=bitonal), MARKS)}
    assert used == set(check_names())
    try:
        use_language(language)
        words = [words_of(name) for name in check_names()]
    finally:
        use_language("en")
    assert all(each.title and each.why.endswith(".") and each.remedy.endswith(".") for each in words)
    assert len({each.title for each in words}) == len(words)
