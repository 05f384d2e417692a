"""The test deck: its drawing says where everything lies, and what is printed is what is known."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from ballotscan.forms.deck import COLOURS, STEPS, Target, deck_rows, draw_deck, load_deck
from ballotscan.forms.form import Rect
from ballotscan.forms.prints import MM_PER_INCH
from tests.simulator.deck import MASTER_DPI, deck_in_colour


def patch(page: np.ndarray, rect: Rect) -> np.ndarray:
    """The very pixels of a target of the printed deck."""
    x, y, w, h = (
        round(value * MASTER_DPI / MM_PER_INCH) for value in (rect.x_mm, rect.y_mm, rect.w_mm, rect.h_mm)
    )
    return page[y + 2 : y + h - 2, x + 2 : x + w - 2]


def targets(kind: str) -> list[Target]:
    return [target for target in load_deck().targets if target.kind == kind]


def test_the_same_deck_every_time() -> None:
    assert draw_deck() == draw_deck()


def test_greys_lie_where_the_drawing_says() -> None:
    page = deck_in_colour()[0]
    assert [float(step.value) for step in targets("step")] == list(STEPS)
    for step in targets("step"):
        assert np.abs(patch(page, step.rect).astype(float) - float(step.value) * 255).max() <= 1


def test_colours_lie_where_the_drawing_says() -> None:
    page = deck_in_colour()[0]
    wanted = {name: light for name, _label, *light in COLOURS}
    assert {colour.value for colour in targets("colour")} == set(wanted)
    for colour in targets("colour"):
        seen = patch(page, colour.rect).reshape(-1, 3).mean(axis=0) / 255
        assert np.abs(seen - wanted[colour.value]).max() < 0.01


def test_strips_are_empty_paper_from_edge_to_edge() -> None:
    page = deck_in_colour()[0]
    strips = targets("white")
    assert len(strips) == 2
    for strip in strips:
        assert (patch(page, strip.rect) == 255).all()
        assert strip.rect.w_mm == 200


def test_targets_lie_apart_and_on_the_paper() -> None:
    charts = [target for target in load_deck().targets if target.kind not in ("cross", "hole")]
    for target in load_deck().targets:
        rect = target.rect
        assert rect.x_mm >= 4
        assert rect.y_mm >= 4
        assert rect.x_mm + rect.w_mm <= 206
        assert rect.y_mm + rect.h_mm <= 293
    for one, other in combinations(charts, 2):
        assert not overlap(one.rect, other.rect), (one, other)


def overlap(one: Rect, other: Rect) -> bool:
    across = one.x_mm < other.x_mm + other.w_mm and other.x_mm < one.x_mm + one.w_mm
    down = one.y_mm < other.y_mm + other.h_mm and other.y_mm < one.y_mm + one.h_mm
    return across and down


def test_marks_are_printed_where_the_truth_says() -> None:
    """Inside the boxes of the blank there is paper; in print the marked ones hold ink, no others do."""
    deck = load_deck()
    drawn = {(row.id, str(mark.option)) for row in deck_rows() for mark in row.drawn if mark.dx < 2}
    for side in deck.print.form.sides:
        printed = deck_in_colour()[side.number - 1].min(axis=2)
        for box in side.boxes:
            inside = Rect(box.rect.x_mm + 0.4, box.rect.y_mm + 0.4, box.rect.w_mm - 0.8, box.rect.h_mm - 0.8)
            assert patch(deck.print.pages[side.number - 1], inside).min() == 255
            assert (patch(printed, inside).min() < 220) == ((box.question, box.option) in drawn), box


def test_a_known_answer_names_a_printed_mark() -> None:
    for row in deck_rows():
        options = {str(mark.option) for mark in row.drawn}
        assert (row.truth == "chosen") == bool(row.code), row
        assert not row.code or options == {row.code}, row
        assert row.truth != "person" or len(options) == 2, row
    assert sum(row.plain for row in deck_rows()) >= 16
