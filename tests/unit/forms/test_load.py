"""Finding, hashing and caching of forms; damage to the cache costs time only."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ballotscan.errors import TemplateError
from ballotscan.forms import cache, drawing
from ballotscan.forms.load import find_forms, load_form, shipped_templates
from ballotscan.forms.prints import load_print, rasterise

Small = Callable[..., Path]


def no_drawing(monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on, drawing anything fails the test."""

    def refuse(*_arguments: object) -> None:
        raise AssertionError("drawn again")

    monkeypatch.setattr(drawing, "_compiler", refuse)


def test_four_templates_ship() -> None:
    shipped = ["appendix-i", "coordination", "hanoi-2017", "hue-2019"]
    assert list(find_forms([shipped_templates()])) == shipped


def test_an_offices_own_hides_the_shipped_one(office_copy: Path, tmp_path: Path) -> None:
    found = find_forms([office_copy.parent, shipped_templates(), tmp_path / "nowhere"])
    assert found["appendix-i"] == office_copy
    assert found["hue-2019"] == shipped_templates() / "hue-2019"


@pytest.mark.usefixtures("own_cache")
def test_what_was_drawn_once_is_not_drawn_again(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = small()
    form, shown = load_form(folder), load_print(folder)
    no_drawing(monkeypatch)
    assert load_form(folder) == form
    again = load_print(folder)
    assert all(np.array_equal(one, other) for one, other in zip(again.pages, shown.pages, strict=True))


def test_every_change_of_the_source_is_another_form(
    small: Small, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = load_form(small())
    moved = load_form(small(("margin_top_mm: 20", "margin_top_mm: 25")))
    assert first.hash != moved.hash
    assert first.sides[0].boxes[0].rect.y_mm + 5 == pytest.approx(moved.sides[0].boxes[0].rect.y_mm, abs=0.01)
    assert len(list(own_cache.iterdir())) == 2
    no_drawing(monkeypatch)
    with pytest.raises(AssertionError, match="drawn again"):
        load_form(small(("margin_top_mm: 20", "margin_top_mm: 26")))


@pytest.mark.parametrize("damage", [b"", b"{}", b'{"pages": 3}', b"\x00" * 500])
def test_a_damaged_cache_is_made_anew(small: Small, own_cache: Path, damage: bytes) -> None:
    folder = small()
    shown = load_print(folder)
    kept = sorted(own_cache.iterdir())
    assert [path.suffix for path in kept] == [".npz", ".json"] or len(kept) == 2
    for path in kept:
        path.write_bytes(damage)
    again = load_print(folder)
    assert again.form == shown.form
    assert np.array_equal(again.pages[0], shown.pages[0])
    assert all(path.read_bytes() != damage for path in kept)


def test_one_flipped_byte_in_a_kept_picture_is_noticed(small: Small, own_cache: Path) -> None:
    folder = small()
    shown = load_print(folder)
    (kept,) = own_cache.glob("*.npz")
    data = bytearray(kept.read_bytes())
    data[len(data) // 2] ^= 0x10
    kept.write_bytes(data)
    assert np.array_equal(load_print(folder).pages[0], shown.pages[0])


def test_a_cache_that_cannot_be_written_is_no_error(
    small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    monkeypatch.setattr(cache, "cache_folder", lambda: tmp_path / "file")
    assert len(load_print(small()).pages) == 1


@pytest.mark.usefixtures("own_cache")
def test_nothing_faulty_is_kept(small: Small, own_cache: Path) -> None:
    folder = small(("box_mm: 4", "box_mm: 8"))
    for _attempt in range(2):
        with pytest.raises(TemplateError, match="touch"):
            load_form(folder)
    assert not own_cache.exists()


def test_the_picture_is_grey_at_300_dpi_with_white_paper(shipped_print: object) -> None:
    for page in shipped_print.pages:  # type: ignore[attr-defined]
        assert page.shape == (3508, 2480)
        assert page.dtype == np.uint8
        assert page[:90].min() == 255  # 7.6 mm of paper that no printer reaches
        assert 0.01 < (page < 128).mean() < 0.15


def test_both_renderers_give_the_same_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without poppler, as on most Windows machines, PDFium draws the blank: the same within a pixel."""
    shown = load_print(shipped_templates() / "hue-2019")
    monkeypatch.setattr("ballotscan.forms.prints.shutil.which", lambda _program: None)
    (page,) = rasterise(drawing.draw_pdf(shipped_templates() / "hue-2019"))
    rows, columns = shown.pages[0].shape
    assert page.ndim == 2
    assert abs(page.shape[0] - rows) <= 1
    assert abs(page.shape[1] - columns) <= 1

    def likeness(shift: int) -> float:
        """Correlation of the two pictures, one pushed sideways by so many pixels."""
        ours = shown.pages[0][100:3400, 100 + shift : 2300 + shift]
        return float(np.corrcoef(ours.ravel(), page[100:3400, 100:2300].ravel())[0, 1])

    best = max(range(-3, 4), key=likeness)
    assert abs(best) <= 1  # poppler moves thin lines to whole pixels, PDFium does not
    assert likeness(best) > 0.9
