"""Open data: the masked tally as CSV and JSON, each with its schema; and SPSS files for statisticians."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from ballotscan.i18n import gettext as _
from ballotscan.report.figures import Figures
from ballotscan.report.rows import ABOUT, Ballots
from ballotscan.settings import Settings
from ballotscan.tally.figures import Tally
from ballotscan.tally.files import COLUMNS, as_csv, as_data
from ballotscan.tally.rounding import as_percent
from ballotscan.tally.small_cells import mask_tally

_NUMBERS: Final = {
    "count": "integer", "answers": "integer", "ballots": "integer", "share_of_answers": "number",
    "share_of_ballots": "number", "first": "date", "last": "date",
}  # fmt: skip


def masked_tally(figures: Figures, settings: Settings) -> Tally:
    """The tally as it may be published."""
    return mask_tally(figures.tally, settings.least_cell, settings.mask_one_way)


def open_csv(masked: Tally) -> str:
    """Every figure, a row each."""
    return as_csv(masked)


def csv_schema() -> str:
    """A Frictionless table schema of the CSV."""
    fields = [{"name": name, "type": _NUMBERS.get(name, "string")} for name in COLUMNS]
    schema = {"fields": fields, "missingValues": [""], "encoding": "utf-8", "dialect": {"delimiter": ","}}
    return json.dumps(schema, ensure_ascii=False, indent=2) + "\n"


def open_json(figures: Figures, masked: Tally) -> str:
    """The tally with the named indices, in percent (levels for a mean score)."""
    data = as_data(masked) | {"programme": figures.programme.id, "provisional": figures.provisional}
    rounding = figures.programme.index.rounding
    data["indices"] = [
        {
            "form": form.form.id,
            "group": form.group,
            "name": index.name,
            "value": _value(index.value, index.name, rounding),
            "out_of": index.out_of,
            "ballots": index.ballots,
            "low": None if index.low is None else round(100 * index.low, 1),
            "high": None if index.high is None else round(100 * index.high, 1),
        }
        for form in figures.forms
        for index in form.indices
    ]
    data["sub_indices"] = [
        {
            "form": form.form.id,
            "name": part.name,
            "value": _value(part.index.value, part.index.name, rounding) if part.index else None,
            "out_of": part.index.out_of if part.index else 0,
            "ballots": part.ballots,
        }
        for form in figures.forms
        for part in form.subs
    ]
    return json.dumps(data, ensure_ascii=False, indent=2) + "\n"


def _value(value: Any, name: str, rounding: Any) -> float | None:
    if value is None:
        return None
    return as_percent(value / 100 if name == "mean_score" else value, rounding)


def json_schema() -> str:
    """A JSON Schema (draft 7) of the whole document: every key, and which counts may be hidden (null)."""
    awaiting = _object(answers=_COUNT, sheets=_COUNT)
    number = {"type": ["number", "null"]}
    index = {"form": _TEXT, "name": _TEXT, "value": number, "out_of": _COUNT, "ballots": _COUNT}
    document = _object(
        programme=_TEXT,
        provisional=_FLAG,
        awaiting=awaiting,
        ruled_alone=_COUNT,
        least_cell=_COUNT,
        period=_object(name=_TEXT, rule=_TEXT, first=_TEXT, last=_TEXT),
        forms=_list(_form_schema(awaiting)),
        indices=_list(_object(**index, group=_TEXT, low=number, high=number)),
        sub_indices=_list(_object(**index)),
    )
    # what is not named here tells of batches and the close, see ballotscan/tally/files.py
    document["additionalProperties"] = True
    schema = {"$schema": "http://json-schema.org/draft-07/schema#", **document}
    return json.dumps(schema, indent=2) + "\n"


_TEXT: Final = {"type": "string"}
_FLAG: Final = {"type": "boolean"}
_COUNT: Final = {"type": "integer", "minimum": 0}


def _form_schema(awaiting: Any) -> dict[str, Any]:
    text, whole = _TEXT, _COUNT
    hidden = {"type": ["integer", "null"], "minimum": 0}
    share = {"type": ["number", "null"], "minimum": 0, "maximum": 100}
    shares = {"share_of_answers": share, "share_of_ballots": share}
    texts = _list(text)
    option = _object(code=text, label=text, count=hidden, **shares)
    places = dict.fromkeys(("answered", "blank", "invalid", "awaiting"), hidden)
    item = _object(
        id=text, text=text, factor={"type": ["string", "null"]}, questions=texts, multiple=_FLAG,
        ballots=whole, **places, options=_list(option),
    )  # fmt: skip
    level = _object(
        level={"enum": ["question", "factor", "all"]}, id=text, questions=texts, satisfied=hidden,
        answers=hidden, ballots=whole, **shares,
    )  # fmt: skip
    group = _object(
        by={"enum": ["all", "unit", "channel", "linh_vuc"]}, value=text, sheets=whole, questions=_list(item),
        factors=_list(item), indices=_list(level),
    )  # fmt: skip
    states = ("counted", "read", "review", "void", "set_aside", "incomplete")
    sheets = _object(**dict.fromkeys(states, whole))
    return _object(form=text, edition=text, title=text, sheets=sheets, awaiting=awaiting, groups=_list(group))


def _object(**properties: Any) -> dict[str, Any]:
    """An object that has all of these and no others."""
    return {
        "type": "object",
        "required": list(properties),
        "additionalProperties": False,
        "properties": properties,
    }


def _list(of: Any) -> dict[str, Any]:
    return {"type": "array", "items": of}


def write_sav(path: Path, ballots: Ballots) -> None:
    """One form's ballots as an SPSS file with labels. An answer is its code; blank, invalid and awaiting are
    missing, told apart by a second column, because SPSS would count a code of their own.
    """
    import pandas as pd
    import pyreadstat

    columns: dict[str, list[Any]] = {name: [] for name in ABOUT}
    for row in ballots.rows:
        for name, text in zip(ABOUT, row, strict=False):
            columns[name].append(text)
    labels = {
        "ballot": _("Ballot"),
        "unit": _("Unit"),
        "channel": _("Channel"),
        "linh_vuc": _("Field of procedure"),
    }
    values: dict[str, dict[Any, str]] = {}
    for place, question in enumerate(ballots.form.questions, start=len(ABOUT)):
        cells = [row[place] for row in ballots.rows]
        columns[question.id] = [float(c) if c.isdigit() else float("nan") for c in cells]
        columns[f"{question.id}_x"] = ["" if c.isdigit() else c or "-" for c in cells]
        labels[question.id] = question.text[:250]
        labels[f"{question.id}_x"] = _("Why there is none: - blank, ! invalid, ? awaits review")
        if all(option.code.isdigit() for option in question.options):
            values[question.id] = {float(option.code): option.label for option in question.options}
    frame = pd.DataFrame(columns)
    names: Sequence[str] = [labels.get(name, name) for name in frame.columns]
    pyreadstat.write_sav(
        frame,
        str(path),
        column_labels=list(names),
        variable_value_labels=values,
        file_label=ballots.form.title[:60],
    )
