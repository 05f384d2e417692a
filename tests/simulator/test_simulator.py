"""The simulator itself: its truth must be true, and a seed must always give the same sheet."""

from __future__ import annotations

import numpy as np
import pytest

from ballotscan.forms.load import shipped_templates
from ballotscan.forms.prints import FormPrint, load_print
from tests.simulator import ScannedSide, simulate_sheet
from tests.simulator.conditions import EFFECTS, find_condition
from tests.simulator.scanner import Geometry, to_bitonal


@pytest.fixture(scope="module")
def hue() -> FormPrint:
    return load_print(shipped_templates() / "hue-2019")


def _outline_error_px(scanned: ScannedSide) -> float:
    """How far the darkest ring lies from the true corners: the worst of all boxes, searched within 6 px."""
    grey = scanned.grey.astype(float)
    worst = 0.0
    for box in scanned.boxes:
        corners = np.array(box.corners_px)
        along = np.linspace(0.25, 0.75, 30)[:, None]
        inside = (corners.mean(axis=0) - corners) / np.linalg.norm(corners.mean(axis=0) - corners, axis=1)[
            :, None
        ]
        scores = []
        for shift in np.arange(-6, 6.5, 0.5):
            moved = corners + inside * (shift + 0.0)
            ring = np.vstack([moved[k] * (1 - along) + moved[(k + 1) % 4] * along for k in range(4)])
            x, y = np.round(ring).astype(int).T
            scores.append(grey[y, x].mean())
        worst = max(worst, abs(float(np.arange(-6, 6.5, 0.5)[int(np.argmin(scores))])))
    return worst


@pytest.mark.parametrize("effects", [(), ("upside_down",), ("quarter_turn",), ("skew_5", "stretched_feed")])
def test_boxes_lie_where_the_truth_says(hue: FormPrint, effects: tuple[str, ...]) -> None:
    """The outline's dark line is half a line (1 to 2 px) inside its outer corner, never further."""
    sheet = simulate_sheet(hue, 5, "clean", ("all_blank", "dpi_300", *effects))
    assert _outline_error_px(sheet.sides[0]) <= 4.0


def test_the_same_seed_is_the_same_sheet(hue: FormPrint) -> None:
    one, other = (simulate_sheet(hue, 6, "office") for _ in range(2))
    assert one.sides[0].encoded == other.sides[0].encoded
    assert one.truth == other.truth
    assert simulate_sheet(hue, 7, "office").sides[0].encoded != one.sides[0].encoded


def test_the_scanner_does_not_change_what_was_meant(hue: FormPrint) -> None:
    plain = simulate_sheet(hue, 8, "office")
    turned = simulate_sheet(hue, 8, "office", ("upside_down", "bitonal", "skew_5"))
    assert plain.truth.answers == turned.truth.answers


def test_shares_are_those_of_the_condition(hue: FormPrint) -> None:
    """Over 150 sheets blank answers are near their 6 %, and every other kind turns up but stays rare."""
    from tests.simulator.people import write_sheet

    kinds = [
        answer.kind
        for seed in range(150)
        for answer in write_sheet(hue.form, np.random.default_rng(seed), find_condition("office"))[2]
    ]
    share = {kind: kinds.count(kind) / len(kinds) for kind in set(kinds)}
    assert share["plain"] > 0.8
    assert 0.04 < share["blank"] < 0.085
    assert 0.005 < share["several"] < 0.04
    assert share["circle_writer"] < 0.08


def test_every_answer_meant_leaves_ink_in_or_round_its_box(hue: FormPrint) -> None:
    """A sheet against the same sheet with nothing marked: the marked boxes, and only they, are darker."""
    effects = ("no_extras", "ballpoint", "crosses")
    marked = simulate_sheet(hue, 9, "clean", effects)
    blank = simulate_sheet(hue, 9, "clean", (*effects, "all_blank"))
    codes = {(answer.question, code) for answer in marked.truth.answers for code in answer.codes}
    assert codes
    for box in marked.sides[0].boxes:
        corners = np.array(box.corners_px)
        (x0, y0), (x1, y1) = (
            np.ceil(corners.min(axis=0)).astype(int),
            np.floor(corners.max(axis=0)).astype(int),
        )
        lost = blank.sides[0].grey[y0:y1, x0:x1].mean() - marked.sides[0].grey[y0:y1, x0:x1].mean()
        assert (lost > 8) == ((box.question, box.option) in codes)


def test_geometry_can_be_walked_both_ways() -> None:
    waves = ((0.4, 120.0, 1.0, 1), (0.2, 80.0, 2.0, 0))
    geometry = Geometry((210, 297), (0.97, 0.96), (1, -2), 4.0, (3, 2), 0.006, waves, 200, (1654, 2339))
    there = np.array([[10.0, 12.0], [200.0, 280.0], [105.0, 148.0]])
    back = geometry.scan_to_template_mm(geometry.template_to_scan_px(there))
    assert np.abs(back - there).max() < 1e-3


def test_bitonal_keeps_print_and_paper_apart() -> None:
    grey = np.full((200, 200), 230, np.uint8)
    grey[50:60] = 40
    assert set(np.unique(to_bitonal(grey, 0.0))) == {0, 255}


def test_effects_name_real_fields() -> None:
    for name in EFFECTS:
        assert find_condition("office", (name,)).name == "office"
