"""Named conditions of work, and single effects that can be mixed into any of them.

A ``Condition`` is ranges and weights only; every sheet draws its own values from them with its own seed.
Pairs are (low, high) of an even draw; mappings weigh names. An effect is a set of fields that it replaces.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

Span = tuple[float, float]


@dataclass(frozen=True)
class Camera:
    """A photograph from above. ``tilt``: change of size per mm from the middle; ``shade``: light lost."""

    tilt: float = 0.0006
    curl_mm: Span = (0.0, 4.0)  # at 100 mm from the middle
    margin_mm: Span = (8.0, 25.0)  # of table round the sheet
    shade: Span = (0.05, 0.3)  # slow fall of light over the picture
    shadow: Span = (0.0, 0.0)  # of a hand or the telephone, soft-edged
    glare: Span = (0.0, 0.0)  # of a ceiling lamp
    motion_px: Span = (0.0, 1.0)


@dataclass(frozen=True)
class Condition:
    """From how people mark to what the scanner does. Lengths in mm, angles in degrees, shares 0 to 1."""

    name: str
    # people
    pens: Mapping[str, float]
    habits: Mapping[str, float]
    cancels: Mapping[str, float] = field(default_factory=lambda: {"circle": 0.6, "scribble": 0.4})
    blank_share: float = 0.06
    several_share: float = 0.0
    corrected_share: float = 0.0
    faint_share: float = 0.0
    withdrawn_share: float = 0.0  # marked, taken back, and nothing marked instead
    overshoot: Span | None = None  # of ticks' tails, in box sides; None: the hand's own
    dots_per_side: float = 0.0  # where the pen rested, anywhere on the page
    box_dots_per_side: float = 0.0  # and inside some box
    text_share: float = 0.25  # of sheets with handwriting in a free-text field
    # printing
    scale: Span = (1.0, 1.0)
    full_size_share: float = 0.5  # of sheets printed at 100 %, whatever ``scale`` says
    scale_split: float = 0.0  # x against y
    print_shift_mm: float = 0.5
    toner: Span = (0.04, 0.12)  # reflectance of the print
    line_gain: Span = (-0.1, 0.1)  # print grown (+) or shrunk (-)
    print_mottle: Span = (0.0, 0.0)
    copied: float = 0.0  # share of sheets that are a copy of a copy
    halftone: Span = (0.0, 0.0)  # share of light that a screened tint takes
    copy_border_mm: Span = (0.0, 0.0)  # black round a copied sheet
    # paper
    tone: Span = (0.93, 0.98)
    shading: Span = (0.0, 0.01)
    specks: Span = (0.0, 5.0)  # per side
    fold_share: float = 0.0
    fold_strength: Span = (0.02, 0.06)
    show_through: Span = (0.0, 0.0)
    bleed: Span = (0.0, 0.0)  # ink of the other side that soaked through
    crumple_mm: float = 0.0  # how far parts of a crumpled sheet lie from their place
    objects: tuple[str, ...] = ()  # things lying on the paper: see things.OBJECTS
    # scanner
    dpi: Mapping[int, float] = field(default_factory=lambda: {300: 1.0})
    turn_deg: int = 0  # 0, 90, 180, 270
    mirrored: bool = False
    skew_deg: Span = (-0.3, 0.3)
    shift_mm: float = 0.5
    shear: float = 0.0  # share: x slips with y
    stretch: float = 0.0  # of the feed, share
    wobble_mm: Span = (0.0, 0.0)
    lids: Mapping[str, float] = field(default_factory=lambda: {"white": 1.0})
    lamp: Span = (0.0, 0.02)  # light lost towards the ends of the lamp
    noise: Span = (1.0, 2.0)  # grey levels
    blur_px: Span = (0.4, 0.6)
    gamma: Span = (1.0, 1.0)
    dark_streaks: Span = (0.0, 0.0)  # per side
    white_streaks: Span = (0.0, 0.0)
    bitonal_share: float = 0.0
    threshold: Span = (0.0, 0.0)  # against the middle between paper and print, in halves of their distance
    colour: bool = False
    drop_out_red: bool = False
    jpeg: Span = (85.0, 95.0)
    cut_mm: float = 0.0  # length of paper lost at the foot
    cut_side_mm: float = 0.0  # and at the right
    dpi_tag: float | None = -1.0  # -1: the true one; None: no tag
    cleanup: tuple[str, ...] = ()  # what the driver "improves": see cleanup.FILTERS
    camera: Camera | None = None  # a photograph instead of a scan


CLEAN = Condition(
    name="clean",
    pens={"ballpoint": 0.7, "gel": 0.3},
    habits={"x": 0.6, "tick": 0.3, "slash": 0.05, "fill": 0.05},
    blank_share=0.06,
)

OFFICE = Condition(
    name="office",
    pens={"ballpoint": 0.66, "gel": 0.18, "pencil": 0.08, "felt": 0.08},
    habits={"x": 0.56, "tick": 0.29, "fill": 0.07, "slash": 0.05, "circle": 0.03},
    blank_share=0.06,
    several_share=0.02,
    corrected_share=0.02,
    faint_share=0.004,
    dots_per_side=0.35,
    box_dots_per_side=0.12,
    scale=(0.96, 1.02),
    scale_split=0.002,
    print_shift_mm=1.5,
    toner=(0.04, 0.25),
    line_gain=(-0.25, 0.35),
    print_mottle=(0.0, 0.10),
    tone=(0.86, 0.98),
    shading=(0.0, 0.03),
    specks=(0.0, 40.0),
    fold_share=0.3,
    show_through=(0.0, 0.03),
    dpi={200: 0.5, 240: 0.1, 300: 0.4},
    skew_deg=(-1.5, 1.5),
    shift_mm=1.5,
    stretch=0.002,
    wobble_mm=(0.0, 0.15),
    lids={"white": 0.55, "grey": 0.2, "black": 0.25},
    lamp=(0.0, 0.06),
    noise=(1.0, 4.0),
    blur_px=(0.4, 0.9),
    gamma=(0.85, 1.2),
    jpeg=(60.0, 92.0),
)

HARD = replace(
    OFFICE,
    name="hard",
    pens={"ballpoint": 0.4, "gel": 0.12, "pencil": 0.12, "light_pencil": 0.1, "felt": 0.12,
          "failing_ballpoint": 0.07, "red_ballpoint": 0.07},
    habits={"x": 0.45, "tick": 0.28, "fill": 0.08, "slash": 0.07, "circle": 0.07, "dot": 0.02,
            "scribble": 0.03},
    cancels={"circle": 0.45, "scribble": 0.4, "strike": 0.15},
    several_share=0.03,
    corrected_share=0.04,
    faint_share=0.02,
    dots_per_side=1.0,
    box_dots_per_side=0.5,
    scale=(0.93, 1.04),
    full_size_share=0.2,
    scale_split=0.006,
    print_shift_mm=3.0,
    toner=(0.05, 0.45),
    line_gain=(-0.6, 0.8),
    print_mottle=(0.0, 0.3),
    copied=0.3,
    tone=(0.72, 0.97),
    shading=(0.0, 0.08),
    specks=(0.0, 200.0),
    fold_share=0.6,
    fold_strength=(0.04, 0.25),
    show_through=(0.0, 0.08),
    dpi={150: 0.25, 200: 0.3, 300: 0.3, 400: 0.1, 600: 0.05},
    skew_deg=(-5.0, 5.0),
    shift_mm=3.0,
    stretch=0.006,
    wobble_mm=(0.0, 0.6),
    lamp=(0.0, 0.2),
    noise=(1.0, 10.0),
    blur_px=(0.4, 1.4),
    gamma=(0.7, 1.4),
    dark_streaks=(0.0, 1.6),
    white_streaks=(0.0, 0.7),
    bitonal_share=0.25,
    threshold=(-0.35, 0.35),
    jpeg=(30.0, 90.0),
)  # fmt: skip

DESK = replace(
    OFFICE,
    name="desk",
    scale=(0.985, 0.985),
    full_size_share=0.0,
    scale_split=0.0005,
    toner=(0.08, 0.12),
    line_gain=(0.05, 0.15),
    print_mottle=(0.0, 0.02),
    tone=(0.93, 0.95),
    specks=(0.0, 15.0),
    show_through=(0.0, 0.02),
    dpi={200: 1.0},
    skew_deg=(-1.0, 1.0),
    lids={"white": 1.0},
    lamp=(0.02, 0.02),
    noise=(0.6, 0.9),
    blur_px=(0.5, 0.6),
    gamma=(0.95, 1.0),
    threshold=(0.25, 0.35),
    jpeg=(55.0, 55.0),
)
"""One desk: all its ballots from one copier, all through one scanner. Made for the samples."""

CONDITIONS: Mapping[str, Condition] = {"clean": CLEAN, "office": OFFICE, "hard": HARD, "desk": DESK}

PHONE: Mapping[str, Any] = {
    "dpi": {160: 0.3, 200: 0.4, 240: 0.3},
    "skew_deg": (-4.0, 4.0),
    "shift_mm": 3.0,
    "stretch": 0.0,
    "wobble_mm": (0.0, 0.0),
    "lids": {"grey": 0.6, "black": 0.4},
    "blur_px": (0.6, 1.1),
    "noise": (2.0, 6.0),
    "bitonal_share": 0.0,
    "jpeg": (75.0, 93.0),
    "dpi_tag": 72.0,
}
"""What every photograph has: 9 to 12 megapixels for a sheet of A4, and some table round it."""

EFFECTS: Mapping[str, Mapping[str, Any]] = {
    "upside_down": {"turn_deg": 180},
    "quarter_turn": {"turn_deg": 90},
    "quarter_turn_back": {"turn_deg": 270},
    "mirrored": {"mirrored": True},
    "skew_3": {"skew_deg": (3.0, 3.0)},
    "skew_5": {"skew_deg": (-5.0, -5.0)},
    "copied_97": {"scale": (0.97, 0.97), "full_size_share": 0.0, "scale_split": 0.0, "copied": 1.0},
    "copied_94": {"scale": (0.94, 0.94), "full_size_share": 0.0, "copied": 1.0},
    "copied_104": {"scale": (1.04, 1.04), "full_size_share": 0.0, "copied": 1.0},
    "unequal_scale": {"scale_split": 0.01},
    "dust_streak": {"dark_streaks": (1.0, 2.0)},
    "white_streak": {"white_streaks": (1.0, 2.0)},
    "stretched_feed": {"stretch": 0.008, "wobble_mm": (0.5, 0.8)},
    "shifted": {"shift_mm": 6.0},
    "cut_short": {"cut_mm": 90.0},
    "folded": {"fold_share": 1.0, "fold_strength": (0.15, 0.4)},
    "show_through": {"show_through": (0.08, 0.14)},
    "dog_ear": {"objects": ("dog_ear",)},
    "stamp": {"objects": ("stamp",)},
    "holes": {"objects": ("holes",)},
    "staple": {"objects": ("staple",)},
    "coffee": {"objects": ("coffee",)},
    "note": {"objects": ("note",)},
    "correction_fluid": {"objects": ("correction_fluid",)},
    "light_pencil": {"pens": {"light_pencil": 1.0}, "habits": {"x": 0.6, "tick": 0.4}},
    "felt_pen": {"pens": {"felt": 1.0}},
    "pencil": {"pens": {"pencil": 1.0}},
    "ballpoint": {"pens": {"ballpoint": 1.0}},
    "failing_pen": {"pens": {"failing_ballpoint": 1.0}},
    "grey": {"bitonal_share": 0.0},
    "slashes": {"habits": {"slash": 1.0}},
    "red_pen": {"pens": {"red_ballpoint": 1.0}},
    "red_drop_out": {"drop_out_red": True},
    # a nib of 2 to 3.5 mm that rests in a box has filled it: nobody could tell that from a mark
    "highlighter": {"pens": {"highlighter": 1.0}, "dots_per_side": 0.0, "box_dots_per_side": 0.0},
    "plain_hands": {"habits": {"x": 0.6, "tick": 0.3, "slash": 0.05, "fill": 0.05}},
    "crosses": {"habits": {"x": 1.0}},
    "ticks": {"habits": {"tick": 1.0}},
    "fills": {"habits": {"fill": 1.0}},
    "circles": {"habits": {"circle": 1.0}},
    "dots": {"habits": {"dot": 1.0}},
    "no_extras": {"several_share": 0.0, "corrected_share": 0.0, "faint_share": 0.0,
                  "dots_per_side": 0.0, "box_dots_per_side": 0.0},
    "all_blank": {"blank_share": 1.0, "text_share": 0.0},
    "all_answered": {"blank_share": 0.0},
    "overvotes": {"several_share": 0.3},
    "faint_marks": {"faint_share": 0.15},
    "circled_corrections": {"corrected_share": 0.3, "cancels": {"circle": 1.0}},
    "scribbled_corrections": {"corrected_share": 0.3, "cancels": {"scribble": 1.0}},
    "pen_rests": {"box_dots_per_side": 8.0},
    "bitonal": {"bitonal_share": 1.0},
    "bitonal_pale": {"bitonal_share": 1.0, "threshold": (-0.7, -0.6)},
    "bitonal_dark": {"bitonal_share": 1.0, "threshold": (0.6, 0.7)},
    "colour": {"colour": True},
    "low_quality_50": {"jpeg": (30.0, 50.0)},
    "halftone": {"halftone": (0.04, 0.16)},
    "black_border": {"copied": 1.0, "copy_border_mm": (2.0, 9.0), "tone": (0.72, 0.9)},
    "sheared": {"shear": 0.006},
    "crumpled": {"crumple_mm": 0.5, "objects": ("creases",)},
    "taped": {"crumple_mm": 0.3, "objects": ("tape",)},
    "bleeding": {"pens": {"felt": 1.0}, "bleed": (0.15, 0.5)},
    "green_pen": {"pens": {"green_ballpoint": 1.0}},
    "shiny_gel": {"pens": {"shiny_gel": 1.0}},
    "labels": {"habits": {"label": 1.0}},
    "arrows": {"habits": {"arrow": 1.0}},
    "long_ticks": {"habits": {"tick": 1.0}, "overshoot": (2.2, 4.2)},
    "erased": {"pens": {"pencil": 1.0}, "corrected_share": 0.2, "withdrawn_share": 0.1,
               "cancels": {"erase": 1.0}},
    "fluid": {"corrected_share": 0.2, "withdrawn_share": 0.1, "cancels": {"fluid": 1.0}},
    "struck_corrections": {"corrected_share": 0.3, "cancels": {"strike": 1.0}},
    "cut_side": {"cut_side_mm": 40.0},
    "cut_little": {"cut_mm": 35.0},
    "seal_on_boxes": {"objects": ("seal_on_boxes",)},
    "black_seal_on_boxes": {"objects": ("black_seal_on_boxes",)},
    "deep_dog_ear": {"objects": ("deep_dog_ear",)},
    "torn_corner": {"objects": ("torn_corner",)},
    "hole_in_box": {"objects": ("hole_in_box",) * 3 + ("holes",)},
    "staple_on_box": {"objects": ("staple_on_box",) * 3 + ("staple",)},
    "fold_through_box": {"objects": ("fold_through_box",)},
    "wet": {"objects": ("wet",) * 3},
    "fingerprint": {"objects": ("fingerprint",)},
    "dirt": {"objects": ("dirt",)},
    "note_on_boxes": {"objects": ("note_on_boxes",)},
    "label": {"objects": ("label",) * 2},
    "clip": {"objects": ("clip",)},
    "copied_95": {"scale": (0.94, 0.96), "full_size_share": 0.0, "copied": 1.0},
    "bitonal_off": {"bitonal_share": 1.0, "threshold": (-0.7, 0.7)},
    "uneven_light": {"lamp": (0.12, 0.4), "shading": (0.03, 0.12)},
    "skew_any": {"skew_deg": (-5.0, 5.0)},
    "zero_dpi_tag": {"dpi_tag": 1.0},
    "dpi_75": {"dpi": {75: 1.0}},
    "despeckled": {"bitonal_share": 1.0, "threshold": (-0.2, 0.3), "cleanup": ("despeckle",)},
    "holes_filled": {"bitonal_share": 1.0, "threshold": (-0.2, 0.3), "cleanup": ("fill_holes",)},
    "background_removed": {"cleanup": ("remove_background",)},
    "auto_cropped": {"cleanup": ("crop",), "lids": {"black": 1.0}},
    "phone": {**PHONE, "camera": Camera()},
    "phone_shade": {**PHONE, "camera": Camera(shade=(0.2, 0.45), shadow=(0.2, 0.45))},
    "phone_curl": {**PHONE, "camera": Camera(curl_mm=(3.0, 9.0))},
    "phone_glare": {**PHONE, "camera": Camera(glare=(0.2, 0.5))},
    "phone_blur": {**PHONE, "blur_px": (1.2, 1.8), "camera": Camera(motion_px=(1.5, 3.5))},
    "low_quality": {"jpeg": (30.0, 30.0)},
    "noisy": {"noise": (12.0, 12.0)},
    "dark_band": {"lamp": (0.3, 0.3)},
    "black_lid": {"lids": {"black": 1.0}},
    "dpi_150": {"dpi": {150: 1.0}},
    "dpi_200": {"dpi": {200: 1.0}},
    "dpi_300": {"dpi": {300: 1.0}},
    "dpi_400": {"dpi": {400: 1.0}},
    "dpi_600": {"dpi": {600: 1.0}},
    "wrong_dpi_tag": {"dpi_tag": 72.0},
    "no_dpi_tag": {"dpi_tag": None},
}  # fmt: skip


def find_condition(name: str, effects: tuple[str, ...] = ()) -> Condition:
    """The named condition with the named effects laid over it, in order. KeyError for an unknown name."""
    condition = CONDITIONS[name]
    for effect in effects:
        condition = replace(condition, **EFFECTS[effect])
    return condition
