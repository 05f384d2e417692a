"""A bad source is refused at load, with file, line and reason."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ballotscan.errors import TemplateError
from ballotscan.forms.load import load_form
from ballotscan.forms.source import parse_source
from tests.unit.forms.conftest import SMALL

Small = Callable[..., Path]


def line_of(text: str, source: str = SMALL) -> int:
    """The line, from 1, on which the text first stands."""
    return source[: source.index(text)].count("\n") + 1


def test_what_the_source_says_is_what_the_form_is(small: Small) -> None:
    form = load_form(small())
    first, second = form.questions
    assert (form.id, form.edition, form.title) == ("small", "1", "PHIẾU")
    assert (form.valid_from, form.valid_to) == ("2024-01-01", None)
    assert [(option.code, option.label) for option in first.options] == [("a", "Có"), ("b", "Không")]
    assert (first.multiple, second.multiple) == (False, True)
    assert form.policy.select == ("x", "tick")
    assert {field.id: field.kind for field in form.fields} == {"title": "printed_text", "F1": "free_text"}
    assert not form.has_codes


REFUSED = [
    ("language: vi", "language: vi\ncolour: red", 5, 'unknown key "colour"'),
    ("language: vi", "language: Vietnamese", 4, "two letters"),
    ("title: PHIẾU", "title: PHIẾU\ntitle: PHIẾU", 4, "stands here twice"),
    ("title: PHIẾU\n", "", 1, 'the key "title" is missing'),
    ("title: PHIẾU", "title: [PHIẾU]", 3, "a text is expected"),
    ("title: PHIẾU", "title: ' '", 3, "a text is expected"),
    ("2024-01-01", "01/01/2024", 5, "a date such as"),
    ("valid_to: null", "valid_to: 2023-12-31", 6, "ends before it begins"),
    ("sides: 1", "sides: 3", 7, "a number from 1 to 2"),
    ("sides: 1", "sides: one", 7, "a number is expected"),
    ("sides: 1", "sides: 1.5", 7, "a whole number"),
    ("box_mm: 4", "box_mm: .nan", line_of("box_mm"), "a number"),
    ("box_mm: 4", "box_mm: 1", line_of("box_mm"), "a number from 3 to 8"),
    ("font: Be Vietnam Pro", "font: Comic Sans", 1, "no font"),
    ("select: [x, tick]", "select: [x, star]", line_of("select: [x"), '"star" is not known'),
    ("select_if_whole_sheet: [circle]", "select_if_whole_sheet: [x]", line_of("select_if"), "already"),
    ("cancel: []", "cancel: {}", line_of("cancel"), "a list is expected"),
    ("id: Q2", "id: Q1", line_of("id: Q2"), 'the id "Q1" is taken'),
    ("id: F1", "id: Q1", line_of("id: F1"), 'the id "Q1" is taken'),
    ("id: F1", "id: title", line_of("id: F1"), 'the id "title" is taken'),
    (
        "{code: b, label: Không}",
        "{code: a, label: Không}",
        line_of("{code: b"),
        'the code "a" stands here twice',
    ),
    ("{code: b, label: Không}", "{code: a|b, label: Không}", line_of("{code: b"), "not allowed"),
    ("multiple: true", "multiple: 1", line_of("multiple"), "true or false"),
    ("multiple: true", "in_index: true", line_of("id: Q2"), "codes that count as satisfied"),
    ("multiple: true", "satisfied: [c]", line_of("multiple"), '"c" is not known'),
    ("multiple: true", "scale: S5", line_of("id: Q2"), "exactly one of"),
    ("kind: free_text", "kind: drawing", line_of("kind: free"), '"drawing" is not known'),
    ("kind: free_text", "kind: printed_text", line_of("kind: free"), '"expected"'),
    ("id: small", "id: Small Form", 1, "lower-case"),
    ("id: small", "id: other", 1, "folder"),
    ('edition: "1"', 'edition: "1/2"', 2, "not allowed"),
    ("sides: 1", "sides: 1\nlinh_vuc_question: A9", 8, 'no question "A9"'),
    ("code_mm: 0", "code_mm: 21\nblank: {print: a.pdf, boxes: b.json}", 1, "exactly one of"),
    ("sides: 1", "sides: 2", 1, "takes 1 sides, 2 are stated"),
    ("option_row_mm: 8", "option_row_mm: 8\n  typeface: x", line_of("option_row") + 1, "unknown key"),
    ("language: vi", "language: vi: vi", 4, ""),
]


@pytest.mark.parametrize(("old", "new", "line", "reason"), REFUSED)
def test_bad_sources_are_refused_by_line(small: Small, old: str, new: str, line: int, reason: str) -> None:
    folder = small((old, new))
    with pytest.raises(TemplateError) as refused:
        load_form(folder)
    assert refused.value.message.startswith(f"{folder / 'template.yaml'}:{line}: ")
    assert reason in refused.value.message
    assert "\n" not in str(refused.value)
    assert refused.value.remedy


def test_boxes_that_touch_are_refused_by_the_line_of_their_question(small: Small) -> None:
    folder = small(("box_mm: 4", "box_mm: 8"))
    with pytest.raises(TemplateError, match="Q1/a and Q1/b overlap or touch") as refused:
        load_form(folder)
    assert f"template.yaml:{line_of('id: Q1')}:" in refused.value.message


def test_boxes_off_the_paper_are_refused_by_the_line_of_their_question(small: Small) -> None:
    two = "          - {code: b, label: Không}\n"
    four = two + "          - {code: c, label: Ít}\n          - {code: d, label: Vừa}\n"
    folder = small(
        ("  - questions:", "  - layout: table\n    questions:"),
        ("answer_column_mm: 15", "answer_column_mm: 60"),
        (two + "      - id: Q2", four + "      - id: Q2"),
        (two + "    fields", four + "    fields"),
    )
    with pytest.raises(TemplateError, match="Q1/d leaves the page") as refused:
        load_form(folder)
    assert f"template.yaml:{line_of('id: Q1') + 1}:" in refused.value.message


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b"", 1),
        (b"id: a\ntitle: \xff\n", 2),
        (b"[1, 2]", 1),
        (b"id: &a [*a]", 1),
        (b"id: [1,\nx", 3),
        (b"x" * 2_000_000, None),
    ],
)
def test_files_that_are_no_source(tmp_path: Path, data: bytes, line: int | None) -> None:
    path = tmp_path / "template.yaml"
    path.write_bytes(data)
    with pytest.raises(TemplateError) as refused:
        parse_source(path)
    assert refused.value.message.startswith(f"{path}:" + (f"{line}:" if line else ""))


def test_a_source_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match=r"nowhere.*template\.yaml"):
        load_form(tmp_path / "nowhere")


def test_a_source_cannot_run_anything(small: Small) -> None:
    folder = small(("title: PHIẾU", "title: !!python/object/apply:os.getcwd []"))
    with pytest.raises(TemplateError, match=r"template\.yaml:3: a text is expected"):
        load_form(folder)


def test_the_correction_rule_can_be_switched_off(office_copy: Path) -> None:
    source = office_copy / "template.yaml"
    printed = parse_source(source).instructions
    source.write_text(source.read_text("utf-8").replace("print: true", "print: false"), encoding="utf-8")
    assert len(parse_source(source).instructions) == len(printed) - 1


def test_an_office_sets_its_own_list(office_copy: Path) -> None:
    source = office_copy / "template.yaml"
    text = source.read_text("utf-8").replace("{code: 8, label: Lĩnh vực khác}", "{code: 9, label: Thuế}")
    source.write_text(text, encoding="utf-8")
    form = load_form(office_copy)
    assert [option.code for option in form.question("A2").options] == ["1", "2", "3", "4", "5", "6", "7", "9"]
    assert dict(form.lists)["linh_vuc"][-1] == "Thuế"
