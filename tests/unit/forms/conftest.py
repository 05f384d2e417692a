"""The forms under test, and a cache of its own for every test that looks at caching."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ballotscan.forms import cache
from ballotscan.forms.load import load_form, shipped_templates
from ballotscan.forms.prints import FormPrint, load_print

SMALL = """\
id: small
edition: "1"
title: PHIẾU
language: vi
valid_from: 2024-01-01
valid_to: null
sides: 1
layout:
  font: Be Vietnam Pro
  size_pt: 10
  table_size_pt: 10
  margin_left_mm: 20
  margin_right_mm: 20
  margin_top_mm: 20
  margin_bottom_mm: 20
  box_mm: 4
  outline_mm: 0.3
  indent_mm: 5
  number_column_mm: 10
  answer_column_mm: 15
  row_mm: 10
  option_row_mm: 8
  corner_mark_mm: 0
  corner_inset_mm: 10
  code_mm: 0
marking:
  select: [x, tick]
  select_if_whole_sheet: [circle]
  cancel: []
sections:
  - questions:
      - id: Q1
        text: Một
        options:
          - {code: a, label: Có}
          - {code: b, label: Không}
      - id: Q2
        text: Hai
        multiple: true
        options:
          - {code: a, label: Có}
          - {code: b, label: Không}
    fields:
      - {id: F1, kind: free_text, label: Ý kiến, lines: 2}
"""


@pytest.fixture(scope="session", autouse=True)
def _cache_of_the_tests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One cache for all tests here, and nothing of theirs in the user's own."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cache, "cache_folder", lambda: folder)
        yield


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder."""
    folder = tmp_path / "cache"
    monkeypatch.setattr(cache, "cache_folder", lambda: folder)
    return folder


@pytest.fixture
def small(tmp_path: Path) -> Callable[..., Path]:
    """Writes a small form's folder; pairs of texts are replaced in its source first."""

    def write(*changes: tuple[str, str]) -> Path:
        text = SMALL
        for old, new in changes:
            assert old in text
            text = text.replace(old, new, 1)
        folder = tmp_path / "small"
        folder.mkdir(exist_ok=True)
        (folder / "template.yaml").write_text(text, encoding="utf-8")
        return folder

    return write


@pytest.fixture(scope="session", params=["appendix-i", "hue-2019"])
def shipped_print(request: pytest.FixtureRequest) -> FormPrint:
    """Each form that ships, with its blank sides."""
    return load_print(shipped_templates() / str(request.param))


@pytest.fixture
def office_copy(tmp_path: Path) -> Path:
    """A copy of the shipped appendix-i in a folder of the office's own."""
    folder = tmp_path / "office" / "appendix-i"
    shutil.copytree(shipped_templates() / "appendix-i", folder)
    load_form(folder)
    return folder
