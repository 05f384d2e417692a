"""The samples read as they are registered: every answer that is accepted is the one that was meant."""

from __future__ import annotations

import csv
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from ballotscan.forms.load import shipped_templates
from ballotscan.forms.prints import FormPrint, load_print
from ballotscan.intake import PageFault
from ballotscan.intake.files import open_source
from ballotscan.model import Answer, PageState, Reason, SideReading, Status
from ballotscan.reading import SideNotRead, read_side
from ballotscan.rules.answers import decide_answers
from ballotscan.vision.reference import Reference, build_references
from tests.simulator.make_samples import box_places

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
EXPECTED: dict[str, Any] = json.loads((SAMPLES / "expected.json").read_text(encoding="utf-8"))

NOT_READ = {
    "mirrored.jpg": (Reason.MIRRORED,),
    "another-form.jpg": (Reason.NOT_THIS_FORM,),
    "cover-letter.jpg": (Reason.NOT_THIS_FORM,),
    "blank-page.jpg": (Reason.BLANK_PAGE,),
}
"""Files whose page must not be read as a ballot, and why."""

READ_WELL = {
    "plain.jpg", "two-sides.pdf", "hue-2019.jpg", "upside-down.jpg", "90-degrees.jpg", "skewed-5-degrees.jpg",
    "copied-at-97-percent.pdf", "folded.jpg", "felt-pen.jpg", "ticks.jpg", "fills.jpg", "colour.jpg",
    "red-pen.jpg", "low-quality.jpg", "150-dpi.jpg", "wrong-dpi-tag.jpg",
    "dog-ear.jpg",
}  # fmt: skip
"""Files of which nine ordinary answers in ten need no person."""

MOVED_MM = 0.3
"""A box that is further off was moved in the template; a fonts' rounding moves one by less than 0.1 mm."""

PageRead = SideReading | SideNotRead | PageFault


@cache
def _prints() -> dict[str, FormPrint]:
    return {name: load_print(shipped_templates() / name) for name in ("appendix-i", "hue-2019")}


@cache
def _references() -> tuple[Reference, ...]:
    return tuple(reference for each in _prints().values() for reference in build_references(each))


@cache
def _read(file: str) -> tuple[PageRead, ...]:
    found: list[PageRead] = []
    with open_source(SAMPLES / file) as source:
        for number in range(1, source.page_count + 1):
            try:
                page = source.page(number)
            except PageFault as fault:
                found.append(fault)
            else:
                found.append(read_side(page, page.bitonal, _references()))
    return tuple(found)


def _answers(reading: SideReading) -> dict[str, Answer]:
    form = _prints()[reading.form].form
    places = [reading if side.number == reading.side else None for side in form.sides]
    decided = {answer.question: answer for answer in decide_answers(form, places)}
    return {question: answer for question, answer in decided.items() if answer.side == reading.side}


def test_the_samples_were_made_from_these_templates() -> None:
    """When this fails: python -m tests.simulator.make_samples."""
    for name, each in _prints().items():
        now, then = box_places(each.form), EXPECTED["boxes"][name]
        assert now.keys() == then.keys()
        assert all(now[box] == pytest.approx(then[box], abs=MOVED_MM) for box in now)


def test_every_file_is_registered() -> None:
    files = {path.name for path in SAMPLES.iterdir() if path.is_file()}
    beside = {"README.md", "expected.json", "small-quarter.expected.csv", "small-quarter.pages.csv"}
    assert files - beside == set(EXPECTED["files"])


def test_samples_stay_small() -> None:
    assert sum(path.stat().st_size for path in SAMPLES.rglob("*") if path.is_file()) < 25_000_000


@pytest.mark.parametrize("file", sorted(EXPECTED["files"]))
def test_accepted_answers_are_those_meant(file: str) -> None:
    for page, reading in zip(EXPECTED["files"][file]["pages"], _read(file), strict=True):
        if not isinstance(reading, SideReading):
            continue
        assert (reading.form, reading.side) == (page["form"], page["side"])
        for question, answer in _answers(reading).items():
            if answer.status is Status.ACCEPTED:
                assert list(answer.codes) == page["answers"][question], question


@pytest.mark.parametrize("file", sorted(NOT_READ))
def test_what_is_no_ballot_is_not_read(file: str) -> None:
    (reading,) = _read(file)
    assert isinstance(reading, SideNotRead)
    assert reading.reason in NOT_READ[file]
    assert (reading.state is PageState.NON_BALLOT) == (file == "blank-page.jpg")


def test_a_page_cut_off_in_its_image_is_set_aside_alone() -> None:
    faults = [isinstance(reading, PageFault) for reading in _read("cut-off.pdf")]
    assert faults == [False, True, False, False]


@pytest.mark.parametrize("file", sorted(READ_WELL))
def test_ordinary_answers_need_no_person(file: str) -> None:
    ordinary, accepted = 0, 0
    for page, reading in zip(EXPECTED["files"][file]["pages"], _read(file), strict=True):
        assert isinstance(reading, SideReading)
        for question, answer in _answers(reading).items():
            if page["kinds"].get(question, "blank") == "blank":
                ordinary += 1
                accepted += answer.status is Status.ACCEPTED
    assert accepted >= 0.9 * ordinary > 0


def test_a_ballot_without_any_mark_is_looked_at() -> None:
    """Its pen may be one that this scanner does not see."""
    (reading,) = _read("all-blank-answers.jpg")
    assert isinstance(reading, SideReading)
    assert {answer.reason for answer in _answers(reading).values()} == {Reason.NOTHING_MARKED}


def test_answers_below_the_cut_are_unreadable_not_blank() -> None:
    (reading,) = _read("cut-short.jpg")
    assert isinstance(reading, SideReading)
    answers = _answers(reading)
    lost = ("B1_1", "B1_2", "B1_3", "B1_4")
    assert all(answers[question].status is Status.REVIEW for question in lost)


def test_the_register_of_the_small_quarter_is_whole() -> None:
    with (SAMPLES / "small-quarter.pages.csv").open(encoding="utf-8", newline="") as lines:
        pages = list(csv.DictReader(lines))
    for file in {page["file"] for page in pages}:
        if file != "scan0015.jpg":
            with open_source(SAMPLES / "small-quarter" / file) as source:
                assert source.page_count == sum(page["file"] == file for page in pages)
    with (SAMPLES / "small-quarter.expected.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    questions = [question.id for question in _prints()["appendix-i"].form.questions]
    assert len(rows) == 40 * len(questions)
    assert {row["question"] for row in rows} == set(questions)
