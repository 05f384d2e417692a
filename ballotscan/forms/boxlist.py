"""The list of boxes as JSON (``template boxes``): written for other programs, read for an office's blank."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ballotscan.forms.form import BoxPlace, FieldPlace, Form, Rect, Side
from ballotscan.forms.nodes import Node, read_source
from ballotscan.forms.source import check_code, check_edition
from ballotscan.i18n import gettext as _

MAX_MM: Final = 1000.0  # nothing that a desk scanner takes is longer
RECT_KEYS: Final = ("x_mm", "y_mm", "w_mm", "h_mm")


def form_as_json(form: Form) -> dict[str, Any]:
    """A form's boxes and fields: millimetres, sides from 1, the outside of each printed outline."""
    multiple = {question.id: question.multiple for question in form.questions}
    listed = sides_as_json(form.sides)
    for box in listed["boxes"]:
        box["multiple"] = multiple[box["question"]]
    return {"template": form.id, "edition": form.edition, **listed}


def sides_as_json(sides: Sequence[Side]) -> dict[str, list[dict[str, Any]]]:
    """The same without what the form asks."""
    return {
        "pages": [
            {"page": side.number, "width_mm": side.width_mm, "height_mm": side.height_mm} for side in sides
        ],
        "boxes": [
            {"page": side.number, "question": box.question, "option": box.option, **_rect_as_json(box.rect)}
            for side in sides
            for box in side.boxes
        ],
        "fields": [
            {"page": side.number, "field": field.field, **_rect_as_json(field.rect)}
            for side in sides
            for field in side.fields
        ],
    }


def sides_from_json(listed: dict[str, Any]) -> tuple[Side, ...]:
    """The inverse of ``sides_as_json``. Else ``KeyError``, ``TypeError`` or ``ValueError`` is raised."""
    return tuple(
        Side(
            number=page["page"],
            width_mm=float(page["width_mm"]),
            height_mm=float(page["height_mm"]),
            boxes=tuple(
                BoxPlace(box["question"], box["option"], _rect_from_json(box))
                for box in listed["boxes"]
                if box["page"] == page["page"]
            ),
            fields=tuple(
                FieldPlace(field["field"], _rect_from_json(field))
                for field in listed["fields"]
                if field["page"] == page["page"]
            ),
        )
        for page in listed["pages"]
    )


@dataclass(frozen=True)
class Listed:
    """What a list of boxes says: whose it is, the places, the questions that allow several answers.

    ``lines`` tells on which line of the file each box ("question/option") stands.
    """

    template: str
    edition: str
    sides: tuple[Side, ...]
    multiple: frozenset[str]
    lines: Mapping[str, int]


def read_list(path: Path) -> Listed:
    """Read a list of boxes that someone wrote. Raises ``TemplateError`` ("file:line: reason")."""
    required = ("template", "edition", "pages", "boxes")
    found = read_source(path).fields(required, optional=("fields",))
    sizes = _page_sizes(found["pages"])
    boxes = [(_page_of(node, sizes), _box(node)) for node in found["boxes"].items()]
    nodes = found["fields"].items() if "fields" in found else []
    fields = [(_page_of(node, sizes), _field(node)) for node in nodes]
    several = {
        box.question
        for node, (_page, box) in zip(found["boxes"].items(), boxes, strict=True)
        if _several(node)
    }
    sides = tuple(
        Side(
            number,
            *size,
            tuple(box for page, box in boxes if page == number),
            tuple(field for page, field in fields if page == number),
        )
        for number, size in sorted(sizes.items())
    )
    lines = _box_lines(found["boxes"], [box for _page, box in boxes])
    named = [(page, field.field) for page, field in fields]
    _check_ids(nodes, named, {box.question for _page, box in boxes})
    _check_agreed(found["boxes"], [box.question for _page, box in boxes])
    return Listed(found["template"].text(), check_edition(found["edition"]), sides, frozenset(several), lines)


def _check_ids(nodes: Sequence[Node], named: Sequence[tuple[int, str]], questions: set[str]) -> None:
    """A field's id is no question's, and stands once on a page (a code stands on each)."""
    seen: set[tuple[int, str]] = set()
    for node, (page, name) in zip(nodes, named, strict=True):
        if name in questions:
            node.refuse(_('the id "{id}" is a question\'s already.').format(id=name))
        if (page, name) in seen:
            node.refuse(_('the id "{id}" is another field\'s already.').format(id=name))
        seen.add((page, name))


def _check_agreed(node: Node, questions: Sequence[str]) -> None:
    """All boxes of a question say the same of whether it takes several answers."""
    said: dict[str, bool] = {}
    for item, question in zip(node.items(), questions, strict=True):
        if said.setdefault(question, _several(item)) != _several(item):
            item.refuse(_("the boxes of question {question} differ in “multiple”.").format(question=question))


def _box_lines(node: Node, boxes: Sequence[BoxPlace]) -> dict[str, int]:
    """The line of each box by name; a box that stands there twice is refused."""
    lines: dict[str, int] = {}
    for item, box in zip(node.items(), boxes, strict=True):
        name = f"{box.question}/{box.option}"
        if name in lines:
            item.refuse(_("the box {box} stands here twice.").format(box=name))
        lines[name] = item.line
    return lines


def _page_sizes(node: Node) -> dict[int, tuple[float, float]]:
    """Width and height in millimetres by page."""
    sizes: dict[int, tuple[float, float]] = {}
    for item in node.items():
        page = item.fields(required=("page", "width_mm", "height_mm"))
        number = page["page"].whole(1, 99)
        if number in sizes:
            item.refuse(_("the page {page} stands here twice.").format(page=number))
        sizes[number] = (page["width_mm"].number(10, MAX_MM), page["height_mm"].number(10, MAX_MM))
    return sizes


def _several(node: Node) -> bool:
    entries = node.entries()
    return "multiple" in entries and entries["multiple"].flag()


def _page_of(node: Node, pages: dict[int, tuple[float, float]]) -> int:
    entries = node.entries()
    number = entries["page"].whole(1, 99) if "page" in entries else 0
    if number not in pages:
        node.refuse(_('there is no such page under "pages".'))
    return number


def _box(node: Node) -> BoxPlace:
    found = node.fields(required=("page", "question", "option", *RECT_KEYS), optional=("multiple",))
    return BoxPlace(check_code(found["question"]), check_code(found["option"]), _rect(found))


def _field(node: Node) -> FieldPlace:
    found = node.fields(required=("page", "field", *RECT_KEYS))
    return FieldPlace(check_code(found["field"]), _rect(found))


def _rect(found: dict[str, Node]) -> Rect:
    return Rect(*(found[key].number(-MAX_MM, MAX_MM) for key in RECT_KEYS))


def _rect_as_json(rect: Rect) -> dict[str, float]:
    return {"x_mm": rect.x_mm, "y_mm": rect.y_mm, "w_mm": rect.w_mm, "h_mm": rect.h_mm}


def _rect_from_json(listed: dict[str, Any]) -> Rect:
    return Rect(*(float(listed[key]) for key in RECT_KEYS))
