"""Where the boxes of the shipped forms lie, kept: printed ballots are read by these places for years.

A box that moves needs a new edition of the form and a kept list of its own; the lists are written with
``ballotscan template boxes``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ballotscan.forms.boxlist import form_as_json
from ballotscan.forms.load import find_forms, load_form, shipped_templates

KEPT = Path(__file__).parent / "forms"
TOLERANCE_MM = 0.05  # half a pixel at 300 dpi: what another build of the typesetter may round differently


def differences(kept: dict[str, Any], found: dict[str, Any]) -> list[str]:
    """Every place that moved, appeared or went, by name."""
    named = []
    for kind, keys in (("boxes", ("page", "question", "option", "multiple")), ("fields", ("page", "field"))):
        old = {tuple(item[key] for key in keys): item for item in kept[kind]}
        new = {tuple(item[key] for key in keys): item for item in found[kind]}
        named += [str(name) for name in old.keys() ^ new.keys()]
        for name in old.keys() & new.keys():
            if any(
                abs(old[name][key] - new[name][key]) > TOLERANCE_MM
                for key in ("x_mm", "y_mm", "w_mm", "h_mm")
            ):
                named.append(str(name))
    return sorted(named)


@pytest.mark.parametrize("name", find_forms([shipped_templates()]))
def test_the_boxes_lie_where_they_lay_when_the_edition_was_printed(name: str) -> None:
    form = load_form(shipped_templates() / name)
    kept = json.loads((KEPT / f"{name}-{form.edition}.json").read_text("utf-8"))
    found = form_as_json(form)
    assert (found["template"], found["edition"], found["pages"]) == (
        kept["template"],
        kept["edition"],
        kept["pages"],
    )
    assert differences(kept, found) == []


def test_a_box_that_moved_by_a_pixel_is_noticed() -> None:
    found = form_as_json(load_form(shipped_templates() / "hue-2019"))
    moved = json.loads(json.dumps(found))
    moved["boxes"][3]["x_mm"] += 0.085
    del moved["fields"][0]
    assert differences(found, moved) == ["(1, 'H2', '1', False)", "(1, 'title')"]
