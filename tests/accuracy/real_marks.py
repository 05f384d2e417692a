"""Real filled forms of other people's through the reader, against what was seen by eye.

    python -m tests.accuracy.real_marks [--out DIR] [SET ...]

Each blank of ``../shared/data/sheets`` is taken in as an office's own (``template add``): the picture of the
blank and a list of boxes. The sources do not say which boxes make a question, so neighbours in a row or in a
column are taken together as a multiple choice. Nothing of the data is kept here.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ballotscan.forms.blanks import add_blank
from ballotscan.forms.form import Form
from ballotscan.forms.prints import load_print
from ballotscan.intake.files import open_source
from ballotscan.model import Answer
from ballotscan.reading import SideNotRead, read_side
from ballotscan.rules.answers import decide_answers
from ballotscan.vision.reference import Reference, build_references
from tests.accuracy.cases import Case, report, summarise
from tests.accuracy.reading import crop_corners, write_contact_sheet
from tests.accuracy.real_ink import shared_data

MM_PER_INCH = 25.4
PLAIN_LABELS = frozenset({"x", "tick", "fill", "empty"})
NEIGHBOUR_SIZES = 3.5
"""Boxes whose centres are at most this many box sizes apart in a row or column belong together."""


COMPOSITE_BLANKS = frozenset({"formscanner_questionnaire", "votingworks_28lb_pens"})
"""Their blanks are the median of filled pages: what most people marked is in them and is taken out here."""


@dataclass(frozen=True, slots=True)
class RealForm:
    """One blank taken in: its form, its references, and the question of each labelled box."""

    form: Form
    references: tuple[Reference, ...]
    question_of: dict[str, str]


def _in_line(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two boxes are near neighbours in a row or in a column."""
    dx = abs(one["x"] + one["w"] / 2 - other["x"] - other["w"] / 2)
    dy = abs(one["y"] + one["h"] / 2 - other["y"] - other["h"] / 2)
    in_row = dy < 0.4 * one["h"] and dx < NEIGHBOUR_SIZES * one["w"]
    in_column = dx < 0.4 * one["w"] and dy < NEIGHBOUR_SIZES * one["h"]
    return in_row or in_column


def group_boxes(boxes: Sequence[dict[str, Any]]) -> dict[str, str]:
    """The question ("q01", ...) of each box: rows first, and lone boxes by column."""
    group = {box["id"]: box["id"] for box in boxes}
    for same_row in (True, False):
        lone = {each for each in group if sum(other == group[each] for other in group.values()) == 1}
        for number, one in enumerate(boxes):
            for other in boxes[number + 1 :]:
                in_row = abs(one["y"] - other["y"]) < 0.4 * one["h"]
                wanted = in_row if same_row else one["id"] in lone and other["id"] in lone
                if wanted and _in_line(one, other):
                    kept, lost = group[one["id"]], group[other["id"]]
                    group = {each: kept if found == lost else found for each, found in group.items()}
    names = {found: f"q{number:03d}" for number, found in enumerate(dict.fromkeys(group.values()), 1)}
    return {each: names[found] for each, found in group.items()}


def clean_blank(grey: NDArray[np.uint8], boxes: Sequence[dict[str, Any]]) -> NDArray[np.uint8]:
    """The blank with the inside of every oval box white, up to a fifth of its size from the outline."""
    cleaned = grey.copy()
    for box in boxes:
        centre = (round(box["x"] + box["w"] / 2), round(box["y"] + box["h"] / 2))
        axes = (round(0.3 * box["w"]), round(0.3 * box["h"]))
        cv2.ellipse(cleaned, centre, axes, 0, 0, 360, 255, -1)
    return cleaned


def _box_list(
    name: str, blank: dict[str, Any], size_px: tuple[int, int], boxes: Sequence[dict[str, Any]]
) -> str:
    mm = MM_PER_INCH / blank["dpi"]
    question_of = group_boxes(boxes)
    listed = [
        {
            "page": 1,
            "question": question_of[box["id"]],
            "option": box["id"],
            "x_mm": box["x"] * mm,
            "y_mm": box["y"] * mm,
            "w_mm": box["w"] * mm,
            "h_mm": box["h"] * mm,
            "multiple": True,
        }
        for box in boxes
    ]
    page = {"page": 1, "width_mm": size_px[0] * mm, "height_mm": size_px[1] * mm}
    return json.dumps({"template": name, "edition": "1", "pages": [page], "boxes": listed, "fields": []})


def take_in(folder: Path, truth: dict[str, Any], scratch: Path) -> dict[str, RealForm]:
    """Every blank of a set as a form, by the blank's file name."""
    forms = {}
    for number, blank in enumerate(truth["blank"], 1):
        boxes = next(image["boxes"] for image in truth["images"] if image["blank"] == blank["file"])
        with open_source(folder / blank["file"]) as source:
            grey = source.page(1).grey
        height, width = grey.shape
        if truth["name"] in COMPOSITE_BLANKS:
            grey = clean_blank(grey, boxes)
        name = f"{truth['name'].replace('_', '-')}-{number}"
        listed = scratch / f"{name}.json"
        listed.write_text(_box_list(name, blank, (width, height), boxes), encoding="utf-8")
        picture = scratch / f"{name}.png"
        picture.write_bytes(cv2.imencode(".png", grey)[1].tobytes())
        taken = add_blank(name, picture, listed, scratch / "templates")
        references = tuple(build_references(load_print(taken.folder)))
        forms[blank["file"]] = RealForm(taken.form, references, group_boxes(boxes))
    return forms


def read_image(path: Path, forms: dict[str, RealForm], blank: str) -> tuple[dict[str, Answer], str]:
    """The answers of one filled page against all forms of its set, and why it was refused, if it was."""
    with open_source(path) as source:
        page = source.page(1)
    references = [reference for each in forms.values() for reference in each.references]
    reading = read_side(page, page.bitonal, references)
    form = forms[blank].form
    refused = ""
    if isinstance(reading, SideNotRead):
        refused = reading.reason.value
    elif reading.form != form.id:
        refused = "taken_for_another_form"
    found = None if refused or isinstance(reading, SideNotRead) else reading
    return {answer.question: answer for answer in decide_answers(form, [found])}, refused


def image_cases(
    name: str, image: dict[str, Any], form: RealForm, read: tuple[dict[str, Answer], str]
) -> Iterator[Case]:
    """One case per question of one filled page."""
    answers, refused = read
    for question in form.form.questions:
        labelled = {box["id"]: box for box in image["boxes"] if form.question_of[box["id"]] == question.id}
        labels = {box["label"] for box in labelled.values()}
        answer = answers[question.id]
        yield Case(
            source=name,
            sheet=image["image"],
            side=1,
            question=question.id,
            kind="odd" if labels - PLAIN_LABELS else "blank" if labels == {"empty"} else "plain",
            shape="+".join(sorted(labels - {"empty"})),
            pen=str(image.get("pen", "")),
            meant=tuple(option.code for option in question.options if labelled[option.code]["marked"]),
            read=answer.codes,
            outcome=answer.outcome.value,
            status=answer.status.value,
            confidence=answer.confidence,
            reason=answer.reason.value if answer.reason else "",
            ordinary=labels <= PLAIN_LABELS,
            refused=refused,
            boxes=len(labelled),
            inked=sum(box["label"] != "empty" for box in labelled.values()),
        )


def read_set(folder: Path, pictures: Path | None = None) -> list[Case]:
    """All filled pages of one set. Where ``pictures`` is given, every wrong and every doubtful answer is
    drawn on a contact sheet there, PICTURES_A_SHEET to one."""
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    cases, crops = [], []
    with tempfile.TemporaryDirectory() as scratch:
        forms = take_in(folder, truth, Path(scratch))
        dpi_of = {blank["file"]: float(blank["dpi"]) for blank in truth["blank"]}
        for image in truth["images"]:
            form = forms[image["blank"]]
            read = read_image(folder / image["image"], forms, image["blank"])
            found = list(image_cases(truth["name"], image, form, read))
            cases += found
            if pictures:
                shown = [each for each in found if each.silent or not each.accepted]
                crops += _crops(folder, image, form, shown, dpi_of[image["blank"]])
    for number, first in enumerate(range(0, len(crops), PICTURES_A_SHEET), 1):
        assert pictures is not None
        pictures.mkdir(parents=True, exist_ok=True)
        path = pictures / f"{truth['name']}-{number:02d}.png"
        write_contact_sheet(path, crops[first : first + PICTURES_A_SHEET])
    return cases


PICTURES_A_SHEET = 60


def _crops(
    folder: Path, image: dict[str, Any], form: RealForm, cases: Sequence[Case], dpi: float
) -> list[tuple[str, NDArray[np.uint8]]]:
    """A line of text and a picture for each of some answers of one page, where the labels say they lie."""
    if not cases:
        return []
    with open_source(folder / image["image"]) as source:
        grey = source.page(1).grey
    to_image = np.array(image["H_blank_to_image"], np.float64)
    crops = []
    for case in cases:
        boxes = [box for box in image["boxes"] if form.question_of[box["id"]] == case.question]
        corners = [
            (box["x"] + right * box["w"], box["y"] + down * box["h"])
            for box in boxes for right in (0, 1) for down in (0, 1)
        ]  # fmt: skip
        lying = cv2.perspectiveTransform(np.array([corners], np.float64), to_image)[0]
        scale = float(np.sqrt(abs(np.linalg.det(to_image[:2, :2]))))
        crops.append((_caption(case), crop_corners(grey, lying, dpi * scale)))
    return crops


def _caption(case: Case) -> str:
    meant, read = "|".join(case.meant) or "-", "|".join(case.read) or "-"
    silent = "WRONG " if case.silent else ""
    return f"{silent}{case.sheet} {case.question} {meant}>{read} {case.refused or case.reason}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 1 where there was a silent error on an ordinary mark, 4 where the data is absent."""
    parser = argparse.ArgumentParser(prog="python -m tests.accuracy.real_marks")
    parser.add_argument("sets", nargs="*")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args(arguments)
    data = shared_data()
    if data is None:
        sys.stderr.write("The folder of real marks (../shared/data) is absent; set BALLOTSCAN_SHARED_DATA.\n")
        return 4
    names = given.sets or sorted(path.name for path in (data / "sheets").iterdir() if path.is_dir())
    cases: list[Case] = []
    for name in names:
        found = read_set(data / "sheets" / name)
        sys.stdout.write("\n".join(report(found, name)) + "\n\n")
        cases += found
    if given.out:
        given.out.mkdir(parents=True, exist_ok=True)
        text = json.dumps(summarise(cases), ensure_ascii=False, indent=1)
        (given.out / "real_marks.json").write_text(text, encoding="utf-8")
    return 1 if any(case.silent and case.ordinary for case in cases) else 0


if __name__ == "__main__":
    sys.exit(main())
