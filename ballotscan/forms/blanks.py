"""An office's own print as a form: its blank (PDF or image) beside a list of boxes, taken in and checked."""

from __future__ import annotations

import io
import json
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ballotscan.errors import TemplateError
from ballotscan.forms.boxlist import Listed, read_list
from ballotscan.forms.check import box_name
from ballotscan.forms.form import BoxPlace, Form
from ballotscan.forms.prints import MM_PER_INCH, PRINT_DPI, FormPrint, load_print, rasterise
from ballotscan.forms.source import (
    CODE_FIELD,
    EDITION_FIELD,
    ID_PATTERN,
    SOURCE_NAME,
    TITLE_FIELD,
    edition_line,
)
from ballotscan.i18n import gettext as _
from ballotscan.i18n import why

BOXES_NAME: Final = "boxes.json"
# How dark, of full black, the weakest side of a box's outline must be on the blank. Measured on appendix-i:
# its boxes score 1.0 at 300 dpi and 0.54 at 150 dpi with a blur of one pixel; of 2,000 places picked at
# random on the printed page half score 0.0 and nineteen in twenty below 0.32.
FAINTEST_OUTLINE: Final = 0.4
OUTLINE_REACH_MM: Final = 0.8  # how far from its listed place an outline is looked for


@dataclass(frozen=True)
class TakenIn:
    """The form that was taken in, where it lies, and the boxes whose outline was not found on the blank."""

    form: Form
    folder: Path
    without_outline: tuple[str, ...]


def add_blank(name: str, blank: Path, boxes: Path, templates: Path, title: str | None = None) -> TakenIn:
    """Copy a blank and its list of boxes to ``templates/NAME`` with a source to be completed by hand.

    Nothing is left behind where it fails. Raises ``TemplateError`` naming the file at fault.
    """
    if not ID_PATTERN.fullmatch(name):
        raise TemplateError(
            _('"{name}" is no name for a template.').format(name=name),
            _('Use lower-case letters, digits and "-", beginning with a letter.'),
        )
    target = templates / name
    if target.exists():
        raise TemplateError(
            _("{folder}: there is such a template already.").format(folder=target),
            _("Choose another name: what was read with a form must stay readable."),
        )
    listed = read_list(boxes)
    data = _read(blank)
    print_name = "blank" + _suffix(blank, data)
    try:
        templates.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=templates, prefix=".new-") as scratch:
            folder = Path(scratch) / name
            folder.mkdir()
            (folder / print_name).write_bytes(data)
            (folder / BOXES_NAME).write_bytes(_read(boxes))
            (folder / SOURCE_NAME).write_text(_source(name, title, listed, print_name), encoding="utf-8")
            taken = _try_out(folder, {folder / print_name: blank, folder / BOXES_NAME: boxes})
            folder.rename(target)
    except OSError as error:
        raise TemplateError(
            f"{templates}: {why(error)}.", _("Check the folder and its permissions.")
        ) from error
    return TakenIn(taken.form, target, find_missing_outlines(taken.form, taken.pages))


def _try_out(folder: Path, given: Mapping[Path, Path]) -> FormPrint:
    """Load what was put together; a fault names the file that was given rather than its copy."""
    try:
        return load_print(folder)
    except TemplateError as error:
        message = error.message
        for copy, original in given.items():
            message = message.replace(str(copy), str(original))
        raise TemplateError(message, error.remedy) from error


def open_blank(path: Path) -> list[NDArray[np.uint8]]:
    """Every page of a blank as a grey picture: a PDF at 300 dpi, an image as it is.

    Raises ``TemplateError``.
    """
    data = _read(path)
    try:
        return rasterise(data) if _suffix(path, data) == ".pdf" else _open_image(data)
    except Exception as error:  # poppler, PDFium and pillow raise their own kinds for damage of every sort
        raise TemplateError(
            f"{path}: " + _("the blank cannot be opened ({reason}).").format(reason=type(error).__name__),
            _("Export it anew as PDF or PNG."),
        ) from error


def outline_score(page: NDArray[np.uint8], box: BoxPlace) -> float:
    """Darkness, 0 to 1, of the weakest side of the box's outline on a 300 dpi page, looked for nearby.

    Each side is the darkest straight line of the box's length within ``OUTLINE_REACH_MM`` of its place.
    """
    px = PRINT_DPI / MM_PER_INCH
    reach = round(OUTLINE_REACH_MM * px)
    left, top = round(box.rect.x_mm * px), round(box.rect.y_mm * px)
    right, bottom = round((box.rect.x_mm + box.rect.w_mm) * px), round((box.rect.y_mm + box.rect.h_mm) * px)

    def darkest(near: int, lines: NDArray[np.uint8]) -> float:
        band = lines[max(0, near - reach) : near + reach + 1]
        return 1 - float(band.mean(axis=1).min()) / 255 if band.size else 0.0

    rows, columns = page[:, left:right], page[top:bottom, :].T
    return min(darkest(top, rows), darkest(bottom, rows), darkest(left, columns), darkest(right, columns))


def find_missing_outlines(form: Form, pages: Sequence[NDArray[np.uint8]]) -> tuple[str, ...]:
    """The boxes ("question/option") of which no outline is printed where the list says."""
    return tuple(
        box_name(box)
        for side, page in zip(form.sides, pages, strict=True)
        for box in side.boxes
        if outline_score(page, box) < FAINTEST_OUTLINE
    )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise TemplateError(f"{path}: {why(error)}.", _("Check the path and its permissions.")) from error


def _suffix(path: Path, data: bytes) -> str:
    """What a blank is, told by its first bytes."""
    kinds = {
        b"%PDF-": ".pdf",
        b"\x89PNG\r\n": ".png",
        b"\xff\xd8\xff": ".jpg",
        b"II*\0": ".tif",
        b"MM\0*": ".tif",
    }
    for start, suffix in kinds.items():
        if data.startswith(start):
            return suffix
    raise TemplateError(
        f"{path}: " + _("this is no PDF, PNG, JPEG or TIFF."), _("Export the blank as PDF or PNG.")
    )


def _open_image(data: bytes) -> list[NDArray[np.uint8]]:
    from PIL import Image, ImageSequence

    pages = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # odd metadata; what cannot be decoded raises
        image = Image.open(io.BytesIO(data))
        for frame in ImageSequence.Iterator(image):
            whole = frame.convert("RGBA")
            paper = Image.new("RGBA", whole.size, "white")
            pages.append(np.asarray(Image.alpha_composite(paper, whole).convert("L"), dtype=np.uint8))
    return pages


def _source(name: str, title: str | None, listed: Listed, print_name: str) -> str:
    """The source of a form that was taken in: complete enough to read with, plain enough to edit."""
    sides = {side.number for side in listed.sides}
    lines = [
        "# The office's own form. Its print and the places of its boxes are the files named under `blank`.",
        "# Complete this by hand: the texts, the labels, `factor`, `satisfied`, `in_index`, `required`;",
        "# shipped templates show how. The order of the options is that of the list of boxes.",
        f"id: {name}",
        f"edition: {_quoted(listed.edition)}",
        f"title: {_quoted(title or name)}",
        "language: vi",
        "valid_from: null",
        "valid_to: null",
        f"sides: {max(sides, default=1)}",
        f"blank: {{print: {print_name}, boxes: {BOXES_NAME}}}",
        "marking:",
        "  select: [x, tick, slash, fill]",
        "  select_if_whole_sheet: [circle, dot, scribble]",
        "  cancel: []   # nothing cancels unless the form prints a rule for it: such answers go to a person",
        "sections:",
        "  - questions:",
        *_question_lines(listed),
        *_field_lines(name, title, listed),
    ]
    return "\n".join(lines) + "\n"


def _question_lines(listed: Listed) -> list[str]:
    boxes = [box for side in listed.sides for box in side.boxes]
    order = {question: place for place, question in enumerate(dict.fromkeys(box.question for box in boxes))}
    lines = []
    for question, found in groupby(
        sorted(boxes, key=lambda box: order[box.question]), lambda box: box.question
    ):
        lines += [f"      - id: {_quoted(question)}", f"        text: {_quoted(question)}"]
        if question in listed.multiple:
            lines.append("        multiple: true")
        lines.append("        options:")
        for box in found:
            lines.append(f"          - {{code: {_quoted(box.option)}, label: {_quoted(box.option)}}}")
    return lines


def _field_lines(name: str, title: str | None, listed: Listed) -> list[str]:
    """What the fields hold that have a meaning of their own: a title where it is known, and our own prints.

    All else, another form's code among it, is kept as a picture like any free text.
    """
    names = dict.fromkeys(field.field for side in listed.sides for field in side.fields)
    lines = ["    fields:"] if names else []
    ours = listed.template == name
    printed = {TITLE_FIELD: title, EDITION_FIELD: edition_line(name, listed.edition) if ours else None}
    for field in names:
        expected = printed.get(field)
        kind = "printed_text" if expected else "free_text"
        if field == CODE_FIELD and ours:
            kind = "code"
        tail = f", expected: {_quoted(expected)}" if expected else ""
        lines.append(f"      - {{id: {_quoted(field)}, kind: {kind}, label: {_quoted(field)}{tail}}}")
    return lines


def _quoted(text: str) -> str:
    """A text as JSON, which YAML reads the same."""
    return json.dumps(text, ensure_ascii=False)
