"""An office's own print is taken in, and read the same as if it had been drawn here."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ballotscan.errors import TemplateError
from ballotscan.forms.blanks import add_blank, outline_score
from ballotscan.forms.boxlist import form_as_json
from ballotscan.forms.drawing import draw_pdf
from ballotscan.forms.form import BoxPlace, Rect
from ballotscan.forms.load import load_form, shipped_templates
from ballotscan.forms.prints import load_print, printable_pdf

Change = Callable[[dict[str, Any]], None]


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The shipped hue-2019 as an office would bring it: a PDF and a list of boxes."""
    folder = tmp_path_factory.mktemp("given")
    shipped = shipped_templates() / "hue-2019"
    (folder / "form.pdf").write_bytes(draw_pdf(shipped))
    (folder / "form.json").write_text(
        json.dumps(form_as_json(load_form(shipped)), indent="\t"), encoding="utf-8"
    )
    return folder / "form.pdf", folder / "form.json"


def listed(given: tuple[Path, Path], tmp_path: Path, change: Change) -> Path:
    """The list of boxes with a change, one value to a line."""
    data = json.loads(given[1].read_text("utf-8"))
    change(data)
    path = tmp_path / "changed.json"
    path.write_text(json.dumps(data, indent=1, ensure_ascii=False), encoding="utf-8")
    return path


def test_a_pdf_is_taken_in_with_every_box_in_its_place(given: tuple[Path, Path], tmp_path: Path) -> None:
    taken = add_blank("phuong-duc", *given, tmp_path / "templates", title="PHIẾU LẤY Ý KIẾN")
    shipped = load_print(shipped_templates() / "hue-2019")
    own = load_print(tmp_path / "templates" / "phuong-duc")
    assert taken.without_outline == ()
    assert own.form.sides == shipped.form.sides
    assert np.array_equal(own.pages[0], shipped.pages[0])
    assert [question.id for question in own.form.questions] == ["H1", "H2", "H3", "H4", "H5"]
    assert {field.id: field.expected for field in own.form.fields}["title"] == "PHIẾU LẤY Ý KIẾN"
    assert printable_pdf(taken.folder) == given[0].read_bytes()


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif"])
def test_a_scan_of_the_blank_is_taken_in_at_any_resolution(
    given: tuple[Path, Path], tmp_path: Path, suffix: str
) -> None:
    (page,) = load_print(shipped_templates() / "hue-2019").pages
    Image.fromarray(page).resize((1240, 1754), Image.Resampling.BOX).save(tmp_path / f"blank.{suffix}")
    taken = add_blank("scanned", tmp_path / f"blank.{suffix}", given[1], tmp_path / "templates")
    own = load_print(taken.folder)
    assert taken.without_outline == ()
    assert own.pages[0].shape == page.shape
    assert np.abs(own.pages[0].astype(int) - page).mean() < 3
    assert printable_pdf(taken.folder).startswith(b"%PDF-")


def test_our_own_code_on_an_offices_blank_counts_only_under_its_own_name(tmp_path: Path) -> None:
    shipped = shipped_templates() / "appendix-i"
    (tmp_path / "form.pdf").write_bytes(draw_pdf(shipped))
    (tmp_path / "form.json").write_text(json.dumps(form_as_json(load_form(shipped))), encoding="utf-8")
    both = tmp_path / "form.pdf", tmp_path / "form.json"
    assert add_blank("appendix-i", *both, tmp_path / "templates").form.has_codes
    assert not add_blank("renamed", *both, tmp_path / "templates").form.has_codes


def test_several_answers_are_allowed_where_the_list_says_so(given: tuple[Path, Path], tmp_path: Path) -> None:
    def several(data: dict[str, Any]) -> None:
        for box in data["boxes"]:
            box["multiple"] = box["question"] == "H2"

    form = add_blank("own", given[0], listed(given, tmp_path, several), tmp_path / "templates").form
    assert [question.id for question in form.questions if question.multiple] == ["H2"]


def test_a_box_without_an_outline_is_named(given: tuple[Path, Path], tmp_path: Path) -> None:
    def misplace(data: dict[str, Any]) -> None:
        data["boxes"][4].update(x_mm=100.0, y_mm=255.0)  # nothing is printed there

    taken = add_blank("own", given[0], listed(given, tmp_path, misplace), tmp_path / "templates")
    assert taken.without_outline == ("H2/2",)


def put(path: str, value: object) -> Change:
    """Sets the value at a path such as ``boxes.0.x_mm``; ``None`` removes it."""

    def change(data: Any) -> None:
        *way, last = [int(part) if part.isdigit() else part for part in path.split(".")]
        for part in way:
            data = data[part]
        if value is None:
            del data[last]
        else:
            data[last] = value

    return change


@pytest.mark.parametrize(
    ("change", "reason", "text_on_line"),
    [
        (put("boxes.0.x_mm", 207.0), "H1/1 leaves the page", '"question": "H1"'),
        (put("boxes.1.w_mm", 0.5), "H1/2 is not 2 to 20 mm", None),
        (put("boxes.1.x_mm", "left"), "a number is expected", '"x_mm": "left"'),
        (put("boxes.1.x_mm", None), '"x_mm" is missing', None),
        (put("boxes.1.colour", "red"), 'unknown key "colour"', '"colour": "red"'),
        (put("boxes.1.page", 2), "no such page", None),
        (put("boxes.1.option", "1"), "H1/1 stands here twice", None),
        (put("boxes.1.option", "Câu 1"), "not allowed", "Câu 1"),
        (put("edition", "bản 1"), "not allowed", "bản 1"),
        (put("fields.0.field", "H1"), 'the id "H1"', None),
        (put("pages.0.width_mm", 250.0), "page 1 is not 250 x 297 mm", None),
        (put("fields", None), "", None),
        (put("fields.0.x_mm", -5.0), "leaves the page", None),
        (put("pages", []), "no such page", None),
        (put("boxes", {}), "a list is expected", None),
    ],
)
def test_faults_of_the_list_are_named_and_leave_nothing_behind(
    given: tuple[Path, Path], tmp_path: Path, change: Change, reason: str, text_on_line: str | None
) -> None:
    path = listed(given, tmp_path, change)
    templates = tmp_path / "templates"
    if not reason:  # fields may be left out
        assert add_blank("own", given[0], path, templates).form.fields == ()
        return
    with pytest.raises(TemplateError) as refused:
        add_blank("own", given[0], path, templates)
    assert reason in refused.value.message
    assert refused.value.message.startswith((f"{path}:", f"{given[0]}:"))
    if text_on_line:
        line = int(refused.value.message.removeprefix(f"{path}:").split(":")[0])
        lines = path.read_text("utf-8").splitlines()
        assert any(text_on_line in text for text in lines[line - 1 : line + 2])
    assert not templates.exists() or list(templates.iterdir()) == []


def test_boxes_that_overlap_are_refused(given: tuple[Path, Path], tmp_path: Path) -> None:
    def overlap(data: dict[str, Any]) -> None:
        data["boxes"][1]["x_mm"] = data["boxes"][0]["x_mm"] + 2

    with pytest.raises(TemplateError, match="H1/1 and H1/2 overlap"):
        add_blank("own", given[0], listed(given, tmp_path, overlap), tmp_path / "templates")


@pytest.mark.parametrize(
    "data", [b"", b"hello", b"%PDF-1.7\nnothing", b"\x89PNG\r\n\x1a\n\0\0", b"II*\0\1\2\3\4"]
)
def test_a_damaged_blank_is_named(given: tuple[Path, Path], tmp_path: Path, data: bytes) -> None:
    blank = tmp_path / "damaged.pdf"
    blank.write_bytes(data)
    with pytest.raises(TemplateError, match=r"damaged\.pdf: "):
        add_blank("own", blank, given[1], tmp_path / "templates")
    assert not list((tmp_path / "templates").glob("*")) or not (tmp_path / "templates").exists()


def test_a_blank_with_too_few_pages_is_refused(given: tuple[Path, Path], tmp_path: Path) -> None:
    shipped = form_as_json(load_form(shipped_templates() / "appendix-i"))
    (tmp_path / "two.json").write_text(json.dumps(shipped), encoding="utf-8")
    with pytest.raises(TemplateError, match=r"form\.pdf: 1 pages, but the form has 2 sides"):
        add_blank("own", given[0], tmp_path / "two.json", tmp_path / "templates")


@pytest.mark.parametrize("name", ["", "My Form", "../up", "Own", "a/b", ".hidden"])
def test_names_that_are_no_folder(given: tuple[Path, Path], tmp_path: Path, name: str) -> None:
    with pytest.raises(TemplateError, match="no name for a template"):
        add_blank(name, *given, tmp_path / "templates")


def test_a_template_is_never_written_over(given: tuple[Path, Path], tmp_path: Path) -> None:
    add_blank("own", *given, tmp_path / "templates")
    before = sorted((path.name, path.read_bytes()) for path in (tmp_path / "templates" / "own").iterdir())
    with pytest.raises(TemplateError, match="there is such a template already"):
        add_blank("own", *given, tmp_path / "templates", title="Other")
    assert sorted((p.name, p.read_bytes()) for p in (tmp_path / "templates" / "own").iterdir()) == before


def test_a_blank_outside_its_folder_is_refused(given: tuple[Path, Path], tmp_path: Path) -> None:
    folder = add_blank("own", *given, tmp_path / "templates").folder
    source = folder / "template.yaml"
    source.write_text(source.read_text("utf-8").replace("blank.pdf", "../../form.pdf"), encoding="utf-8")
    with pytest.raises(TemplateError, match="only a file's name"):
        load_form(folder)


def test_the_score_of_an_outline() -> None:
    page = np.full((3508, 2480), 255, np.uint8)
    box = BoxPlace("q", "o", Rect(50, 50, 4, 4))
    left = round(50 * 300 / 25.4)
    assert outline_score(page, box) == 0
    page[left : left + 47, left : left + 3] = 0
    page[left : left + 47, left + 44 : left + 47] = 0
    page[left : left + 3, left : left + 47] = 0
    assert outline_score(page, box) < 0.2  # three sides are no box
    page[left + 44 : left + 47, left : left + 47] = 128
    assert outline_score(page, box) == pytest.approx(0.5, abs=0.05)
