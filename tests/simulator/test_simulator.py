"""The simulator itself: its truth must be true, and a seed must always give the same sheet."""

from __future__ import annotations

import numpy as np
import pytest

from ballotscan.forms.load import shipped_templates
from ballotscan.forms.prints import FormPrint, load_print
from tests.simulator import ScannedSide, simulate_sheet
from tests.simulator.classes import CLASSES, PHOTOGRAPHS
from tests.simulator.cleanup import clean_up
from tests.simulator.conditions import EFFECTS, find_condition
from tests.simulator.scanner import Geometry, to_bitonal

WAYS = sorted(
    {"+".join(way.effects) for each in (*CLASSES.values(), PHOTOGRAPHS) for way in each.ways if way.effects}
)
NEEDS_TWO_SIDES = {"show_through"}


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


def test_every_optical_class_can_be_made_by_name() -> None:
    assert list(CLASSES) == list(range(1, 38))
    for optical in (*CLASSES.values(), PHOTOGRAPHS):
        assert optical.ways
        for way in optical.ways:
            assert bool(way.stack) != bool(way.effects)
            assert find_condition("office", way.effects).name == "office"


@pytest.fixture(scope="module")
def plain(hue: FormPrint) -> ScannedSide:
    return simulate_sheet(hue, 14, "office").sides[0]


@pytest.mark.parametrize("effect", WAYS)
def test_every_way_to_make_a_class_shows_in_the_scan(hue: FormPrint, plain: ScannedSide, effect: str) -> None:
    """The same seed with and without: an effect that changes nothing is no effect."""
    changed = simulate_sheet(hue, 14, "office", tuple(effect.split("+"))).sides[0]
    same = plain.encoded == changed.encoded and plain.dpi_tag == changed.dpi_tag
    assert same == (effect in NEEDS_TWO_SIDES)


@pytest.mark.parametrize("effect", ["phone_curl", "crumpled", "sheared", "auto_cropped", "cut_side"])
def test_boxes_lie_where_the_truth_says_on_bent_pages(hue: FormPrint, effect: str) -> None:
    sheet = simulate_sheet(hue, 5, "clean", (effect, "all_blank", "dpi_300"))
    assert _outline_error_px(sheet.sides[0]) <= 4.0


def test_clean_up_takes_small_things_and_keeps_large_ones() -> None:
    image = np.full((300, 300), 255, np.uint8)
    image[50:52, 50:52] = 0
    image[100:200, 100:200] = 0
    image[150:152, 150:152] = 255
    points = np.zeros((1, 2))
    despeckled, _ = clean_up(image, points, ("despeckle",), 200)
    assert despeckled[50, 50] == 255 and despeckled[120, 120] == 0 and despeckled[150, 150] == 255
    filled, _ = clean_up(image, points, ("fill_holes",), 200)
    assert filled[50, 50] == 0 and filled[150, 150] == 0
