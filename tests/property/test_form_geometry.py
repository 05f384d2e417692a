"""What holds for every layout of boxes: the checker finds each fault, and none where there is none."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from ballotscan.forms.boxlist import sides_as_json, sides_from_json
from ballotscan.forms.check import SMALLEST_GAP_MM, find_faults, gap_mm, inside
from ballotscan.forms.codes import SideCode, make_payload, parse_payload
from ballotscan.forms.form import BoxPlace, FieldPlace, MarkPolicy, Option, Question, Rect, Side
from ballotscan.forms.source import Blank, PrintedQuestion, Section, Source

PITCH_MM = 10.0
rects = st.builds(
    Rect,
    x_mm=st.floats(-300, 300),
    y_mm=st.floats(-300, 300),
    w_mm=st.floats(0.1, 100),
    h_mm=st.floats(0.1, 100),
)


@st.composite
def grids(draw: st.DrawFn) -> Side:
    """An A4 side with boxes in some cells of a grid, each shifted a little: apart and on the paper."""
    cells = draw(st.sets(st.tuples(st.integers(0, 18), st.integers(0, 26)), min_size=2, max_size=12))
    boxes = []
    for column, row in sorted(cells):
        width, height = draw(st.floats(2, 8)), draw(st.floats(2, 8))
        x, y = draw(st.floats(0.5, 1.4)), draw(st.floats(0.5, 1.4))
        rect = Rect(5 + column * PITCH_MM + x, 5 + row * PITCH_MM + y, width, height)
        boxes.append(BoxPlace(f"Q{row}", str(column), rect))
    return Side(1, 210.0, 297.0, tuple(boxes), (FieldPlace("F1", Rect(1, 1, 100, 3)),))


def source_of(side: Side) -> Source:
    """A form that asks exactly what the side has boxes for."""
    questions = []
    for number, name in enumerate(dict.fromkeys(box.question for box in side.boxes), start=1):
        options = tuple(Option(box.option, box.option) for box in side.boxes if box.question == name)
        question = Question(name, name, False, False, options, None, (), False)
        questions.append(PrintedQuestion(question, number, 1, False, number))
    section = Section("", False, (), False, tuple(questions), ())
    return Source(
        "own", "1", "Own", "", "vi", None, None, 1, None, None, Blank("blank.pdf", "boxes.json"),
        (), (), (), (), MarkPolicy((), (), ()), (), (section,), "", (),
    )  # fmt: skip


def faults(side: Side, source: Source) -> list[str | None]:
    """The boxes at fault; the field of the test's own is declared by nobody and left out."""
    return [fault.box for fault in find_faults(source, [side]) if "F1" not in fault.reason]


@given(grids())
def test_boxes_that_lie_apart_on_the_paper_are_no_fault(side: Side) -> None:
    assert faults(side, source_of(side)) == []


@given(grids(), st.data())
def test_a_box_laid_on_another_is_found(side: Side, data: st.DataObject) -> None:
    first, second = data.draw(st.permutations(side.boxes))[:2]
    shift = data.draw(st.floats(-1, 1)), data.draw(st.floats(-1, 1))
    moved = replace(
        second, rect=replace(second.rect, x_mm=first.rect.x_mm + shift[0], y_mm=first.rect.y_mm + shift[1])
    )
    changed = replace(side, boxes=tuple(moved if box == second else box for box in side.boxes))
    found = faults(changed, source_of(side))
    assert f"{first.question}/{first.option}" in found or f"{second.question}/{second.option}" in found


@given(grids(), st.data(), st.sampled_from(["x_mm", "y_mm"]), st.floats(0.01, 500))
def test_a_box_pushed_off_the_paper_is_found(
    side: Side, data: st.DataObject, axis: str, by_mm: float
) -> None:
    box = data.draw(st.sampled_from(side.boxes))
    edge = side.width_mm - box.rect.w_mm if axis == "x_mm" else side.height_mm - box.rect.h_mm
    place = data.draw(st.sampled_from([-by_mm, edge + by_mm]))
    moved = replace(box, rect=replace(box.rect, **{axis: place}))
    changed = replace(side, boxes=tuple(moved if one == box else one for one in side.boxes))
    assert f"{box.question}/{box.option}" in faults(changed, source_of(side))


@given(grids(), st.data())
def test_a_box_left_out_or_listed_twice_is_found(side: Side, data: st.DataObject) -> None:
    box = data.draw(st.sampled_from(side.boxes))
    name = f"{box.question}/{box.option}"
    source = source_of(side)
    assert name in faults(replace(side, boxes=tuple(one for one in side.boxes if one != box)), source)
    far = replace(box, rect=Rect(200, 285, 4, 4))
    assert name in faults(replace(side, boxes=(*side.boxes, far)), source)


@given(rects, rects, st.floats(-50, 50), st.floats(-50, 50))
def test_the_gap_is_the_same_both_ways_and_anywhere(one: Rect, other: Rect, x_mm: float, y_mm: float) -> None:
    def moved(rect: Rect) -> Rect:
        return replace(rect, x_mm=rect.x_mm + x_mm, y_mm=rect.y_mm + y_mm)

    assert gap_mm(one, other) == gap_mm(other, one)
    assert abs(gap_mm(one, other) - gap_mm(moved(one), moved(other))) < 1e-9


@given(rects)
def test_nothing_is_apart_from_itself(rect: Rect) -> None:
    assert gap_mm(rect, rect) < SMALLEST_GAP_MM


@given(rects)
def test_inside_means_all_four_corners(rect: Rect) -> None:
    side = Side(1, 210.0, 297.0, (), ())
    corners = [(rect.x_mm + across, rect.y_mm + down) for across in (0, rect.w_mm) for down in (0, rect.h_mm)]
    margin = [(x, y) for x, y in corners if not (-0.002 <= x <= 210.002 and -0.002 <= y <= 297.002)]
    if margin:
        assert not inside(rect, side)
    elif all(0 <= x <= 210 and 0 <= y <= 297 for x, y in corners):
        assert inside(rect, side)


@settings(max_examples=30)
@given(grids())
def test_a_list_of_boxes_comes_back_as_it_went(side: Side) -> None:
    assert sides_from_json(sides_as_json([side])) == (side,)


@given(
    st.from_regex(r"[a-z][a-z0-9]{0,8}(-[a-z0-9]{1,4}){0,2}", fullmatch=True),
    st.from_regex(r"[A-Z0-9][A-Z0-9.-]{0,5}", fullmatch=True),
    st.integers(1, 9),
    st.none() | st.from_regex(r"[A-Z0-9]{1,8}", fullmatch=True),
)
def test_a_code_comes_back_as_it_went(form: str, edition: str, side: int, serial: str | None) -> None:
    assert parse_payload(make_payload(form, edition, side, serial)) == SideCode(form, edition, side, serial)


@given(st.text(max_size=50))
def test_any_text_is_a_code_or_none(text: str) -> None:
    found = parse_payload(text)
    if found is not None:
        assert make_payload(found.form, found.edition, found.side, found.serial) == text
