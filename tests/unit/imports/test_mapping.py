"""Mappings: read strictly, proposed from each tool's own columns, and checked against form and export."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from ballotscan.errors import TemplateError
from ballotscan.forms.form import Form
from ballotscan.forms.load import load_form
from ballotscan.imports.answers import read_answers
from ballotscan.imports.mapping import faults_of, folded, read_mapping
from ballotscan.imports.propose import propose
from ballotscan.imports.tables import read_table
from ballotscan.programme.load import load_programme, shipped_programmes
from ballotscan.programme.samples import _WRITERS, TOOLS, make_ballots
from ballotscan.rules.periods import parse_period
from ballotscan.settings import shipped


def form_named(name: str) -> Form:
    return load_form(shipped("templates") / name)


@pytest.mark.parametrize("tool", TOOLS)
def test_what_a_tool_writes_is_recognised(tmp_path: Path, tool: str) -> None:
    """The proposed mapping of every tool's export reads all its answers as they were given."""
    programme = load_programme(shipped_programmes()["hai-phong-2018"])
    form = form_named("appendix-i")
    ballots = make_ballots(programme, form, parse_period("2018", "calendar"), 8, random.Random(tool))
    file, _own = _WRITERS[tool](tmp_path / "export", form, ballots)
    table = read_table(file)
    (tmp_path / "m.yaml").write_text(propose(table, form), encoding="utf-8")
    mapping = read_mapping(tmp_path / "m.yaml")
    assert faults_of(mapping, form, table) == []
    assert mapping.not_asked == ()
    assert mapping.time
    export = read_answers(table, mapping, form, "x", None)
    assert export.faults == ()
    for given, ballot in zip(export.rows, ballots, strict=True):
        assert {a.question: "".join(a.codes) for a in given.sheet.answers} == dict(ballot.codes)
        assert given.day == ballot.at.date()


def test_likeness_takes_numbers_and_grids_for_the_question(tmp_path: Path) -> None:
    form = form_named("hanoi-2017")
    head = [
        "Timestamp",
        "1. Tiếp cận thông tin về thủ tục hành chính",
        "Đánh giá [Nội dung thủ tục hành chính]",
        "Email",
    ]
    (tmp_path / "a.csv").write_text(",".join(f'"{name}"' for name in head) + "\n1,2,3,4\n", encoding="utf-8")
    text = propose(read_table(tmp_path / "a.csv"), form)
    assert 'G1: "1. Tiếp cận thông tin về thủ tục hành chính"' in text
    assert 'G3: "Đánh giá [Nội dung thủ tục hành chính]"' in text
    assert "not_asked: [A1, G2, G4, G5, G6]" in text
    assert '  - "Email"' in text


def test_every_misfit_is_named(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text(
        "form: hue-2019\ntime: at\nquestions: {H1: q1, H9: q9}\nnot_asked: [H3, H4, H5]\n", encoding="utf-8"
    )
    (tmp_path / "a.csv").write_text("at,q1,extra\n1,2,3\n", encoding="utf-8")
    found = faults_of(
        read_mapping(tmp_path / "m.yaml"), form_named("hue-2019"), read_table(tmp_path / "a.csv")
    )
    assert len(found) == 4
    assert "'H9'" in found[0]
    assert "H2" in found[1]
    assert "'q9'" in found[2]
    assert "'extra'" in found[3]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("form: a\nquestions: {}\nfrom: b\n", 3),
        ("form: a\n", 1),
        ("form: a\nquestions: {H1: {column: a, answer: {x: 1}}}\n", 2),
        ("form: a\nrespondent: {column: b, within_days: 0}\nquestions: {}\n", 2),
    ],
)
def test_a_wrong_mapping_is_refused_with_its_line(tmp_path: Path, text: str, line: int) -> None:
    (tmp_path / "m.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(TemplateError, match=rf"m\.yaml:{line}:"):
        read_mapping(tmp_path / "m.yaml")


def test_folding_drops_case_marks_and_signs() -> None:
    assert folded("  Đánh giá: Rất   HÀI LÒNG! ") == "danh gia rat hai long"
