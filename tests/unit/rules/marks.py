"""Measured boxes for tests of deciding: a form's sides with clean paper, on which marks are put by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from typing import Any

from ballotscan.forms.form import Form
from ballotscan.forms.load import load_form, shipped_templates
from ballotscan.model import Answer, Mark, SideReading
from ballotscan.rules.answers import decide_answers

Place = tuple[str, str]

EMPTY = {"peak": 0.015, "cover": 0.3, "extent": 0.85, "near_peak": 0.016, "ring_peak": 0.03, "outline": 0.95,
         "weakest_side": 0.95, "next_side": 0.97, "held": 1.0, "nothing": 1.0}  # fmt: skip
"""An empty box of an ordinary scan, as simulated office scans show it; its ink is about 0."""

CROSS = {
    "ink": 0.12,
    "peak": 0.5,
    "cover": 0.2,
    "extent": 0.9,
    "near_peak": 0.1,
    "ring_peak": 0.1,
    "choice": 0.95,
    "nothing": 0.0,
}
"""A ballpoint's cross."""


@cache
def form(name: str = "appendix-i") -> Form:
    return load_form(shipped_templates() / name)


def times(ink: Mapping[str, float], factor: float) -> dict[str, float]:
    """A paler or darker mark of the same shape."""
    scaled = ("ink", "peak", "near_peak", "ring_peak", "encircled")
    return {name: value * factor if name in scaled else value for name, value in ink.items()}


def read_sheet(
    put: Mapping[Place, Mapping[str, float]],
    name: str = "appendix-i",
    bitonal: bool = False,
) -> tuple[SideReading, ...]:
    """Every side of a form with what ``put`` lays over empty boxes."""
    return tuple(
        SideReading(
            form=form(name).id, edition=form(name).edition, side=side.number, engine="test",
            rotation_deg=0.0, scale_x=1.0, scale_y=1.0, dpi=300.0, fit=0.9, bitonal=bitonal, code=None,
            serial=None, fields=(), flags=(), map_px=(1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0),
            marks=tuple(
                _mark((box.question, box.option), put) for box in side.boxes
            ),
        )
        for side in form(name).sides
    )  # fmt: skip


def _mark(place: Place, put: Mapping[Place, Mapping[str, float]]) -> Mark:
    names = [field.name for field in fields(Mark)][2:]
    values: dict[str, Any] = dict.fromkeys(names, 0.0) | EMPTY | dict(put.get(place, {}))
    return Mark(*place, **values)


def all_marked(
    ink: Mapping[str, float] = CROSS, name: str = "appendix-i", *, but: frozenset[str] = frozenset()
) -> dict[Place, Mapping[str, float]]:
    """The first option of every question marked alike, but for some questions."""
    return {
        (question.id, question.options[0].code): ink
        for question in form(name).questions
        if question.id not in but
    }


def decided(
    put: Mapping[Place, Mapping[str, float]], name: str = "appendix-i", **how: Any
) -> dict[str, Answer]:
    """Every answer of such a sheet."""
    return {answer.question: answer for answer in decide_answers(form(name), read_sheet(put, name, **how))}
