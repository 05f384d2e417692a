"""The watch over a batch: silent on clean batches, quick to notice each planted fault.

Batches are made at the level of readings, through the real rules: a form of one side with eight questions of
five boxes, as many people as sheets, and a scanner that is never quite the same twice.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace

import pytest

from ballotscan.forms.form import BoxPlace, Form, MarkPolicy, Option, Question, Rect, Side
from ballotscan.i18n import use_language
from ballotscan.model import BatchWarning, Mark, PageRef, Sha256, SideReading, WarningKind
from ballotscan.rules.watch import RECENT, Watch, warning_text

QUESTIONS, CODES = tuple("ABCDEFGH"), tuple("12345")
BEFORE = 40
"""Clean sheets before a fault begins."""
_CLEAR = {"outline": 0.95, "weakest_side": 1.0, "next_side": 1.0, "held": 1.0, "nothing": 1.0}
LIKES = (0.04, 0.06, 0.15, 0.45, 0.3)


def make_form() -> Form:
    options = tuple(Option(code, code) for code in CODES)
    boxes = tuple(
        BoxPlace(question, code, Rect(20 + 10 * column, 20 + 10 * row, 4, 4))
        for row, question in enumerate(QUESTIONS)
        for column, code in enumerate(CODES)
    )
    return Form(
        id="test",
        edition="1",
        title="Test",
        language="vi",
        valid_from=None,
        valid_to=None,
        sides=(Side(1, 210, 297, boxes, ()),),
        questions=tuple(Question(q, q, False, False, options, None, ("4", "5"), True) for q in QUESTIONS),
        fields=(),
        policy=MarkPolicy(("x",), (), ()),
        lists=(),
        linh_vuc_question="A",
        has_codes=False,
        hash="",
    )


FORM = make_form()


def make_mark(chance: random.Random, question: str, code: str, marked: bool) -> Mark:
    values = {each.name: 0.0 for each in fields(Mark)[2:]} | _CLEAR
    values["ink"] = chance.gauss(0.0, 0.001)
    values["peak"] = abs(chance.gauss(0.0, 0.005))
    if marked:
        values |= {"choice": 1.0, "nothing": 0.0}
        values |= {"ink": chance.gauss(0.3, 0.03), "peak": chance.gauss(0.8, 0.05)}
        values |= {"cover": 0.3, "extent": 0.9}
    return Mark(question, code, **values)


def make_reading(chance: random.Random) -> SideReading:
    """One person's sheet: one in twelve people leaves most of it empty, one answer in fifty is double."""
    blank = 0.7 if chance.random() < 0.08 else 0.03
    marks = []
    for question in QUESTIONS:
        chosen = set(chance.choices(CODES, LIKES)) if chance.random() > blank else set()
        if chosen and chance.random() < 0.02:
            chosen |= set(chance.choices(CODES))
        if question == "A":
            chosen = {"2"}
        marks += [make_mark(chance, question, code, code in chosen) for code in CODES]
    odd = chance.random() < 0.05
    return SideReading(
        form="test",
        edition="1",
        side=1,
        engine="test",
        rotation_deg=chance.choice((0, 180)) + chance.gauss(0, 0.7),
        scale_x=1.0 + chance.gauss(0, 0.002),
        scale_y=1.0 + chance.gauss(0, 0.002),
        dpi=300 * chance.gauss(0.98, 0.01),
        fit=0.95,
        bitonal=False,
        code=None,
        serial=None,
        marks=tuple(marks),
        fields=(),
        flags=(),
        map_px=(11.8, 0, 0, 0, 11.8, 0, 0, 0, 1),
        streaks_mm=(round(chance.uniform(3, 207), 1),) if chance.random() < 0.1 else (),
        paper=0.7 if odd else chance.gauss(0.93, 0.02),
        print_dark=0.6 if odd else chance.gauss(0.85, 0.04),
    )


Fault = Callable[[SideReading, random.Random, int], SideReading]


def run_watch(seed: int, sheets: int, fault: Fault | None = None) -> list[tuple[int, BatchWarning]]:
    """Warnings with the number of sheets since the fault began."""
    chance, watch = random.Random(seed), Watch({"test": FORM})
    found = []
    for number in range(sheets):
        reading = make_reading(chance)
        if fault and number >= BEFORE:
            reading = fault(reading, chance, number - BEFORE + 1)
        ref = PageRef("a.pdf", number + 1, Sha256("0" * 64))
        found += [(number - BEFORE + 1, warning) for warning in watch.look(ref, reading)]
    return found


@pytest.mark.parametrize("seed", range(20))
def test_silent_on_a_clean_batch(seed: int) -> None:
    assert run_watch(seed, 60) == []


def test_silent_on_a_long_clean_batch() -> None:
    assert run_watch(99, 600) == []


def ink_in(question: str, code: str) -> Fault:
    """A flaw in the print, dark as a mark, in one box of every sheet."""

    def spoil(reading: SideReading, chance: random.Random, _since: int) -> SideReading:
        marks = [
            make_mark(chance, question, code, True) if (m.question, m.option) == (question, code) else m
            for m in reading.marks
        ]
        return replace(reading, marks=tuple(marks))

    return spoil


def only_in(question: str, code: str) -> Fault:
    """A fault of print that moves every answer of a question into one box."""

    def spoil(reading: SideReading, chance: random.Random, _since: int) -> SideReading:
        marks = [
            make_mark(chance, question, m.option, m.option == code) if m.question == question else m
            for m in reading.marks
        ]
        return replace(reading, marks=tuple(marks))

    return spoil


def faded(reading: SideReading, chance: random.Random, _since: int) -> SideReading:
    """Two marks in three are no longer seen."""
    marks = [
        make_mark(chance, m.question, m.option, False) if chance.random() < 0.67 else m for m in reading.marks
    ]
    return replace(reading, marks=tuple(marks))


def doubtful(reading: SideReading, _chance: random.Random, _since: int) -> SideReading:
    """Outlines are no longer found in half of the questions."""
    lost = QUESTIONS[::2]
    marks = [
        replace(m, outline=0.1, weakest_side=0.1, next_side=0.1) if m.question in lost else m
        for m in reading.marks
    ]
    return replace(reading, marks=tuple(marks))


FAULTS: dict[str, tuple[WarningKind, str, Fault]] = {
    "dust": (
        WarningKind.STREAK,
        "88",
        lambda r, c, n: replace(r, streaks_mm=(*r.streaks_mm, 87.6 if n % 2 else 88.4)),
    ),
    "dust under one lamp of two": (
        WarningKind.STREAK,
        "88",
        lambda r, c, n: replace(r, streaks_mm=(88.0,)) if n % 2 else r,
    ),
    "a lamp that fades": (
        WarningKind.PAPER,
        "",
        lambda r, c, n: replace(r, paper=r.paper - 0.01 * n),
    ),
    "a brighter setting": (WarningKind.PRINT, "", lambda r, c, n: replace(r, print_dark=r.print_dark - 0.25)),
    "hardly any contrast": (WarningKind.CONTRAST, "", lambda r, c, n: replace(r, print_dark=0.3)),
    "black and white": (
        WarningKind.BITONAL,
        "",
        lambda r, c, n: replace(r, bitonal=True, paper=1.0, print_dark=1.2),
    ),
    "background removal": (WarningKind.WHITENED, "", lambda r, c, n: replace(r, white=0.85)),
    "a guide that is loose": (
        WarningKind.SKEW,
        "",
        lambda r, c, n: replace(r, rotation_deg=r.rotation_deg + 3.5),
    ),
    "rollers that slip": (WarningKind.STRETCH, "", lambda r, c, n: replace(r, scale_y=r.scale_y * 1.03)),
    "another resolution": (WarningKind.RESOLUTION, "", lambda r, c, n: replace(r, dpi=r.dpi * 2 / 3)),
    "a flaw in a seldom box": (WarningKind.BOX_JUMP, "C / 1", ink_in("C", "1")),
    "a flaw beside the usual answer": (WarningKind.BOX_DOUBLED, "C / 4", ink_in("C", "4")),
    "all answers in one box": (WarningKind.BOX_JUMP, "D / 2", only_in("D", "2")),
    "marks that are lost": (WarningKind.BLANKS, "", faded),
    "outlines that are lost": (WarningKind.REVIEW, "", doubtful),
}


@pytest.mark.parametrize("seed", range(1000, 1004))
@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_noticed_within_twenty_sheets(name: str, seed: int) -> None:
    kind, place, fault = FAULTS[name]
    found = run_watch(seed, BEFORE + RECENT, fault)
    assert [since for since, _warning in found if since < 1] == [], "nothing before it began"
    same = [warning for _since, warning in found if warning.kind is kind]
    near = [
        w for w in same if w.place == place or (kind is WarningKind.STREAK and abs(float(w.place) - 88) < 2)
    ]
    assert len(near) == 1, "said once"


def test_black_and_white_is_no_other_light() -> None:
    kinds = {warning.kind for _since, warning in run_watch(7, BEFORE + RECENT, FAULTS["black and white"][2])}
    assert WarningKind.BITONAL in kinds
    assert not kinds & {WarningKind.PAPER, WarningKind.PRINT, WarningKind.CONTRAST}


def test_marks_lost_from_the_first_sheet_on() -> None:
    def from_the_first(seed: int) -> Iterator[WarningKind]:
        chance, watch = random.Random(seed), Watch({"test": FORM})
        for number in range(RECENT):
            reading = faded(make_reading(chance), chance, 1)
            noticed = watch.look(PageRef("a.pdf", number + 1, Sha256("")), reading)
            yield from (warning.kind for warning in noticed)

    assert WarningKind.BLANKS in set(from_the_first(1))


@dataclass(frozen=True)
class Past:
    key: tuple[str, str, int]
    questions: int
    blank: int
    in_review: int
    sheets: int


def test_what_is_usual_in_an_office_is_no_news() -> None:
    def blanks(past: list[Past]) -> list[WarningKind]:
        chance, watch = random.Random(3), Watch({"test": FORM}, past)
        found = []
        for number in range(60):
            reading = faded(make_reading(chance), chance, 1)
            found += watch.look(PageRef("a.pdf", number + 1, Sha256("")), reading)
        return [warning.kind for warning in found if warning.kind is WarningKind.BLANKS]

    assert blanks([]) == [WarningKind.BLANKS]
    assert blanks([Past(("test", "1", 1), 8, 5, 0, 400), Past(("test", "1", 1), 8, 0, 0, 40)]) == []


def test_another_edition_is_watched_without_its_boxes() -> None:
    chance, watch = random.Random(5), Watch({"test": replace(FORM, edition="2")})
    for number in range(BEFORE + RECENT):
        reading = replace(faded(make_reading(chance), chance, 1), streaks_mm=(50.0,))
        found = watch.look(PageRef("a.pdf", number + 1, Sha256("")), reading)
        assert {warning.kind for warning in found} <= {WarningKind.STREAK}


@pytest.mark.parametrize("language", ["en", "vi"])
def test_every_warning_is_one_line_with_a_remedy(language: str) -> None:
    use_language(language)
    try:
        lines = [warning_text(BatchWarning(kind, "a.pdf", 7, "C / 1", 0.9, 0.2)) for kind in WarningKind]
    finally:
        use_language("en")
    assert len(set(lines)) == len(lines)
    assert all(line.startswith("a.pdf") and line.endswith(".") for line in lines)
    assert all("\n" not in line and "{" not in line for line in lines)
