"""A form as data: what is printed, where, and what each answer means. No numpy, no drawing."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

FieldKind = Literal["printed_text", "typed_text", "free_text", "write_in", "code"]
MarkShape = Literal["x", "tick", "slash", "fill", "circle", "dot", "scribble"]
CancelShape = Literal["circled_mark", "scribbled_mark"]


@dataclass(frozen=True, slots=True)
class Rect:
    """In millimetres from the top left corner of the side."""

    x_mm: float
    y_mm: float
    w_mm: float
    h_mm: float


@dataclass(frozen=True, slots=True)
class Option:
    code: str
    label: str
    write_in: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    id: str
    text: str
    multiple: bool
    required: bool
    options: tuple[Option, ...]  # in printed order
    factor: str | None
    satisfied: tuple[str, ...]  # option codes that count as satisfied; empty where the question is no scale
    in_index: bool


@dataclass(frozen=True, slots=True)
class Field:
    id: str
    kind: FieldKind
    label: str
    expected: str | None  # the text that must be there, for printed_text


@dataclass(frozen=True, slots=True)
class MarkPolicy:
    """What a mark means on this form. Shapes named nowhere go to a person."""

    select: tuple[MarkShape, ...]
    select_if_whole_sheet: tuple[MarkShape, ...]
    cancel: tuple[CancelShape, ...]


@dataclass(frozen=True, slots=True)
class BoxPlace:
    """``rect`` is the outside of the box's printed outline."""

    question: str
    option: str
    rect: Rect


@dataclass(frozen=True, slots=True)
class FieldPlace:
    field: str
    rect: Rect


@dataclass(frozen=True, slots=True)
class Side:
    """One printed page of the form: number from 1, and where everything lies on it."""

    number: int
    width_mm: float
    height_mm: float
    boxes: tuple[BoxPlace, ...]
    fields: tuple[FieldPlace, ...]


@dataclass(frozen=True)
class Form:
    """One edition of a form. ``hash`` is the SHA-256 of everything it is made of, print included."""

    id: str
    edition: str
    title: str
    language: str
    valid_from: str | None  # ISO dates
    valid_to: str | None
    sides: tuple[Side, ...]
    questions: tuple[Question, ...]
    fields: tuple[Field, ...]
    policy: MarkPolicy
    lists: tuple[tuple[str, tuple[str, ...]], ...]  # office-configurable lists: name, labels
    linh_vuc_question: str | None  # the question whose answer is the sheet's field of procedure
    has_codes: bool  # a machine-readable code is printed on each side
    hash: str
    files: tuple[Path, ...] = ()  # the template's own, to be kept beside what was read with it

    @cached_property
    def side_of_question(self) -> dict[str, int]:
        return {box.question: side.number for side in self.sides for box in side.boxes}

    def question(self, question_id: str) -> Question:
        return next(question for question in self.questions if question.id == question_id)
