"""Marks alone: the same seed gives the same marks; what is read wrong is counted and kept as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ballotscan.forms.form import Form
from ballotscan.model import Answer, SideReading, Status
from tests.accuracy import marks_level
from tests.accuracy.cases import Case
from tests.accuracy.marks_level import KINDS, run_block
from tests.accuracy.reading import load_shipped, references_of
from tests.accuracy.tally import Tally

SEED = 88_000_000


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(marks_level, "BLOCK_SHEETS", 6)


def _run(kind: str, keep: marks_level.Keep = lambda *_: None) -> Tally:
    form_print = load_shipped("appendix-i")
    return run_block(kind, SEED, form_print, references_of(form_print), keep)


@pytest.mark.parametrize("kind", sorted(KINDS.keys() - {"marginal"}))
def test_nothing_is_wrong_and_unflagged(kind: str) -> None:
    wrong: list[Case] = []
    tally = _run(kind, lambda case, page, paper: wrong.append(case))
    assert [case.line() for case in wrong] == []
    assert (tally.sheets, tally.sides, tally.positions) == (6, 12, 6 * 135)
    assert tally.inked > 0.12 * tally.positions


def test_the_same_seed_gives_the_same_marks() -> None:
    assert _run("ignored") == _run("ignored")


def test_what_is_meant_is_where_it_was_put() -> None:
    """Prescribed marks are read without a person nearly all: truth and ink cannot lie apart."""
    tally = _run("prescribed")
    assert tally.ordinary - tally.ordinary_review > 0.85 * tally.ordinary


def test_a_wrong_answer_is_counted_and_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    decide = marks_level.decide_answers

    def wrongly(form: Form, readings: Sequence[SideReading | None]) -> tuple[Answer, ...]:
        first, *others = decide(form, readings)
        codes = () if first.codes else (form.questions[0].options[0].code,)
        return (replace(first, codes=codes, status=Status.ACCEPTED), *others)

    monkeypatch.setattr(marks_level, "decide_answers", wrongly)
    tally = _run("prescribed", lambda *what: marks_level.keep_crop(tmp_path, *what))
    assert tally.silent == 6
    assert tally.wrong_positions >= 6
    assert len(list(tmp_path.glob("*.png"))) == 6


def test_a_long_tail_enters_the_next_box_only_where_marginal() -> None:
    """In the other rows a mark that would enter a second box is not made."""
    form_print = load_shipped("appendix-i")
    condition = replace(marks_level.BACKGROUND, print_shift_mm=0.0)
    unwritten = marks_level.print_unwritten(form_print, 1, condition)
    paper = marks_level._lay_out(unwritten[0], form_print.form.sides[0], references_of(form_print)[0])
    box = next(number for number, near in enumerate(paper.near) if near)
    rects = [paper.side.boxes[number].rect for number in (box, paper.near[box][0])]
    from_to = np.array([[0.0, 0.0], [rects[1].x_mm - rects[0].x_mm, rects[1].y_mm - rects[0].y_mm]])
    nothing = np.ones((1, 1), np.float32)
    reaching, staying = (marks_level.Drawn(points, 0, 0, nothing) for points in (from_to, from_to[:1]))
    assert paper.near[box][0] in marks_level._entered(reaching, paper, box)
    assert marks_level._entered(staying, paper, box) == []
