"""Whether a scanner is fit for ballots: each measure of its test deck against a limit, with the reason.

Limits say up to where the reader was tried on simulated sheets (tests/simulator/conditions.py): beyond that
nobody knows how often it errs. Where a limit has another source it is named beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Final, Protocol

from ballotscan.i18n import gettext as _
from ballotscan.model import Answer, KnownMarks, ScannerMeasures, Status


class Verdict(StrEnum):
    PASS = "pass"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Check:
    """One measure judged. ``value`` and ``limit`` as people read them; the texts are ``words_of(name)``."""

    name: str
    verdict: Verdict
    value: str
    limit: str


@dataclass(frozen=True, slots=True)
class Words:
    """A check in the language in use: what it is, why its limit is what it is, and what mends it."""

    title: str
    why: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Limits:
    """The band that passes, and the wider one beyond which the scanner fails; None where there is no end."""

    good: tuple[float | None, float | None]
    tried: tuple[float | None, float | None]

    def judge(self, value: float) -> Verdict:
        if not _within(value, self.tried):
            return Verdict.FAIL
        return Verdict.PASS if _within(value, self.good) else Verdict.WARN


DPI: Final = Limits((195.0, None), (145.0, None))  # 200 and 150 nominal; the accuracy bench goes down to 150
DPI_TAG: Final = Limits((0.97, 1.03), (None, None))  # geometry never rests on the tag: a warning only
RATIO: Final = Limits((0.99, 1.01), (0.98, 1.02))  # 0.8 % feed stretch and 0.6 % of the copier were tried
SKEW_DEG: Final = Limits((-2.0, 2.0), (-5.0, 5.0))
SHEAR_DEG: Final = Limits((-0.5, 0.5), (-1.0, 1.0))
FEED_MM: Final = Limits((None, 0.5), (None, 1.0))  # wobble of 0.8 mm was tried; outlines are sought in 0.8 mm
WHITE: Final = Limits((180.0, None), (140.0, None))  # paper of tone 0.72 under a lamp that lost a fifth: 147
CONTRAST: Final = Limits((120.0, None), (80.0, None))  # tone 0.72 with print that reflects 0.45: 100
GAMMA: Final = Limits((0.7, 1.5), (0.5, 2.0))  # 0.7 to 1.4 were tried; 0.1 for the printer's own curve
LAMP_LOSS: Final = Limits((None, 0.15), (None, 0.30))
NOISE: Final = Limits((None, 8.0), (None, 12.0))
EDGE_MM: Final = Limits((None, 0.45), (None, 0.70))  # a ball pen's line; blur of 1.4 px at 150 dpi is 0.61
LINE_CONTRAST: Final = Limits((0.4, None), (0.2, None))  # of lines of 0.5 mm
INK: Final = Limits((0.45, None), (0.25, None))  # a ball pen's ink on grey is at 0.64 to 0.88 (deck, no loss)
JPEG: Final = Limits((75.0, None), (30.0, None))

STEP_RISE: Final = 2.0  # levels between neighbouring greys up to 80 %, or they are one and the same
PALE_STEP, FAINT_STEP = 0.8, 0.9
"""A pencil line of 1 mm as VVSG wants it sensed is at 0.65 to 0.75; a light pencil's smear at 0.9."""
PALE_RISE: Final = 4.0  # levels by which such greys must stand out of the paper: twice a good scanner's noise
BITONAL_BLACK, BITONAL_WHITE = 0.5, 0.9
"""In black and white: a pencil's grey must come out black, the paper's shades white."""


class KnownRow(Protocol):
    """What ``known_marks`` asks of a row of the deck."""

    @property
    def id(self) -> str: ...
    @property
    def truth(self) -> str: ...
    @property
    def code(self) -> str: ...
    @property
    def plain(self) -> bool: ...


def known_marks(rows: Sequence[KnownRow], answers: Sequence[Answer]) -> KnownMarks:
    """Compare what was read on the deck with what is printed there."""
    found = {answer.question: answer for answer in answers}
    accepted = {row.id: found[row.id].status is Status.ACCEPTED for row in rows}
    return KnownMarks(
        plain=sum(row.plain for row in rows),
        plain_asked=sum(row.plain and not accepted[row.id] for row in rows),
        hard=sum(not row.plain for row in rows),
        hard_asked=sum(not row.plain and not accepted[row.id] for row in rows),
        wrong=tuple(row.id for row in rows if accepted[row.id] and not _right(row, found[row.id])),
    )


def _right(row: KnownRow, answer: Answer) -> bool:
    return row.truth != "person" and answer.codes == ((row.code,) if row.truth == "chosen" else ())


def judge(measures: ScannerMeasures, marks: KnownMarks) -> tuple[Check, ...]:
    """Every check, in the order in which they are shown."""
    return (
        _marks(marks),
        _check("dpi", DPI, min(measures.dpi_x, measures.dpi_y), "{:.0f} dpi"),
        *([] if measures.dpi_tag is None else [_tag(measures)]),
        _check("ratio", RATIO, measures.dpi_x / measures.dpi_y, "{:.3f}"),
        _check("skew", SKEW_DEG, measures.skew_deg, "{:.2f}°"),
        _check("shear", SHEAR_DEG, measures.shear_deg, "{:.2f}°"),
        _check("feed", FEED_MM, measures.feed_mm, "{:.2f} mm"),
        *(_of_bitonal(measures) if measures.bitonal else _of_grey(measures)),
        _streaks("dark_streaks", measures.dark_streaks_mm),
        _streaks("bright_streaks", measures.bright_streaks_mm),
        _lost("dots", measures.dots_lost, measures.dots),
        _lost("holes", measures.holes_lost, measures.holes),
        *([] if measures.jpeg_quality is None else [_check("jpeg", JPEG, measures.jpeg_quality, "{:.0f}")]),
    )


def overall(checks: Sequence[Check]) -> Verdict:
    """The worst of them."""
    verdicts = {check.verdict for check in checks}
    return next(verdict for verdict in (Verdict.FAIL, Verdict.WARN, Verdict.PASS) if verdict in verdicts)


def _within(value: float, band: tuple[float | None, float | None]) -> bool:
    low, high = band
    return (low is None or value >= low) and (high is None or value <= high)


def _check(name: str, limits: Limits, value: float, shape: str) -> Check:
    return Check(name, limits.judge(value), shape.format(value), _band(limits.good, shape))


def _band(band: tuple[float | None, float | None], shape: str) -> str:
    low, high = (None if end is None else shape.format(end) for end in band)
    if low is None:
        return f"≤ {high}"
    return f"≥ {low}" if high is None else f"{low} … {high}"


def _marks(marks: KnownMarks) -> Check:
    """A wrong answer fails; a plain mark for which a person is asked is a warning, half of them a failure."""
    right = marks.plain + marks.hard - len(marks.wrong)
    worst = bool(marks.wrong) or marks.plain_asked > marks.plain / 2
    verdict = Verdict.FAIL if worst else Verdict.WARN if marks.plain_asked else Verdict.PASS
    value = f"{right}/{marks.plain + marks.hard}, ? {marks.plain_asked}/{marks.plain}"
    return Check("marks", verdict, value + "".join(f", ✗ {name}" for name in marks.wrong), "100 %, ? 0")


def _tag(measures: ScannerMeasures) -> Check:
    assert measures.dpi_tag is not None
    mean = (measures.dpi_x + measures.dpi_y) / 2
    verdict = DPI_TAG.judge(mean / measures.dpi_tag)
    return Check("dpi_tag", verdict, f"{measures.dpi_tag:.0f} dpi", f"{mean:.0f} dpi ± 3 %")


def _of_bitonal(measures: ScannerMeasures) -> list[Check]:
    """Black and white is a warning as such; greys tell where its threshold lies."""
    levels = dict(measures.steps)
    black, white = levels[BITONAL_BLACK] < 128, levels[BITONAL_WHITE] >= 128
    turns = next((f"{grey:.0%}" for grey, level in measures.steps if level >= 128), "-")
    limit = f"{BITONAL_BLACK:.0%} … {BITONAL_WHITE:.0%}"
    return [
        Check("bitonal", Verdict.WARN, "1 bit", "8 bit"),
        Check("threshold", Verdict.PASS if black and white else Verdict.FAIL, turns, limit),
        _edges(measures),
        *_inks(measures),
    ]


def _of_grey(measures: ScannerMeasures) -> list[Check]:
    lines = dict(measures.lines)
    return [
        _check("white", WHITE, measures.white, "{:.0f}"),
        _check("contrast", CONTRAST, measures.white - measures.black, "{:.0f}"),
        _check("gamma", GAMMA, measures.gamma, "{:.2f}"),
        _steps(measures),
        _pale(measures),
        *_inks(measures),
        _check("lamp", LAMP_LOSS, measures.lamp_loss, "{:.0%}"),
        _check("noise", NOISE, measures.noise, "{:.1f}"),
        _edges(measures),
        _check("lines", LINE_CONTRAST, lines[max(lines)], "{:.2f}"),
    ]


def _edges(measures: ScannerMeasures) -> Check:
    return _check("sharpness", EDGE_MM, max(measures.edge_x_mm, measures.edge_y_mm), "{:.2f} mm")


def _steps(measures: ScannerMeasures) -> Check:
    """Each printed grey up to PALE_STEP lighter than the one before. A printer drowns one or two in toner."""
    levels = [level for grey, level in measures.steps if grey <= PALE_STEP]
    rises = [after - before for before, after in pairwise(levels)]
    flat = sum(rise < STEP_RISE for rise in rises)
    verdict = Verdict.PASS if not flat else Verdict.WARN if flat <= 2 else Verdict.FAIL
    return Check("steps", verdict, f"{flat}/{len(rises)}", f"0/{len(rises)}")


def _pale(measures: ScannerMeasures) -> Check:
    """A grey as pale as light pencil must not turn into paper."""
    levels = dict(measures.steps)
    pale, faint = measures.white - levels[PALE_STEP], measures.white - levels[FAINT_STEP]
    verdict = Verdict.FAIL if pale < PALE_RISE else Verdict.WARN if faint < PALE_RISE else Verdict.PASS
    return Check("pale", verdict, f"{pale:.0f}, {faint:.0f}", f"≥ {PALE_RISE:.0f}")


def _inks(measures: ScannerMeasures) -> list[Check]:
    """Pens that people write with; yellow is a marker's and only recorded."""
    return [
        _check(f"ink_{name}", INK, darkness, "{:.0%}")
        for name, darkness in measures.colours
        if name != "yellow"
    ]


def _streaks(name: str, places_mm: Sequence[float]) -> Check:
    """Any streak fails: it goes through every sheet, and cleaning the glass takes a minute."""
    places = ", ".join(f"{place:.0f} mm" for place in places_mm)
    return Check(name, Verdict.FAIL if places_mm else Verdict.PASS, places or "0", "0")


def _lost(name: str, lost: int, count: int) -> Check:
    """A filter takes a whole size away: half of all; a single one may be the printer's."""
    verdict = Verdict.PASS if not lost else Verdict.WARN if lost < count / 4 else Verdict.FAIL
    return Check(name, verdict, f"{lost}/{count}", f"0/{count}")


# --- words -------------------------------------------------------------------------------------------------


def words_of(name: str) -> Words:
    """The texts of a check in the language in use."""
    return _texts()[name]()


def check_names() -> tuple[str, ...]:
    """Every check there is."""
    return tuple(_texts())


def _texts() -> dict[str, Callable[[], Words]]:
    grey = _("Scan in grey at 200 to 300 dpi.")
    clean = _("Clean the glass strip and the rollers, then scan the deck again.")
    off = _("Turn off despeckle, hole fill, background removal and text enhancement in the driver.")
    service = _("Clean and warm up the scanner; if it stays so, have it serviced.")
    feed = _("Straighten the paper guides and clean the rollers.")
    lighter = _("Set brightness and contrast to the middle and turn automatic settings off.")
    drop_out = _("Turn drop-out colour off in the driver, or scan in colour.")

    def ink(title: str) -> Callable[[], Words]:
        why = _("An ink that comes out pale is not told from the paper: its marks are lost.")
        return lambda: Words(title, why, drop_out)

    return {
        "marks": lambda: Words(
            _("Known marks read"),
            _("What is printed in the boxes must be read right, plain marks without asking (?) a person."),
            _("Mend what else is listed here; do not scan ballots until then."),
        ),
        "dpi": lambda: Words(
            _("Real resolution"),
            _("Below 200 dpi thin strokes fade; below 150 dpi the reader was not tried."),
            grey,
        ),
        "dpi_tag": lambda: Words(
            _("Resolution the file claims"),
            _("Reading does not rest on it, but a wrong one hints at a driver that rescales pages."),
            _("Turn page scaling off in the driver; print the deck at 100 %."),
        ),
        "ratio": lambda: Words(
            _("Width against height"),
            _("Beyond 2 % boxes drift away from where they should be."),
            feed,
        ),
        "skew": lambda: Words(_("Skew"), _("Beyond 5° corners of the sheet are cut off."), feed),
        "shear": lambda: Words(
            _("Shear"),
            _("Print that is no longer square shows that the paper turned while it was fed."),
            feed,
        ),
        "feed": lambda: Words(
            _("Unevenness of the feed"),
            _("Box outlines are looked for within 0.8 mm of their place."),
            feed,
        ),
        "bitonal": lambda: Words(
            _("Grey or black and white"),
            _("Black and white loses light pencil, so blank answers go to a person."),
            grey,
        ),
        "threshold": lambda: Words(
            _("Grey at which black turns white"),
            _("Set too pale, pencil is lost; set too dark, the paper's shades fill boxes."),
            grey,
        ),
        "white": lambda: Words(_("Level of white paper"), _("On dark paper pale marks drown."), lighter),
        "contrast": lambda: Words(
            _("Contrast of black and white"), _("With less than 80 levels thin outlines are lost."), lighter
        ),
        "gamma": lambda: Words(
            _("Tone curve (gamma)"),
            _("0.7 to 1.4 were tried; others hide pale or dark marks. The printer has a part in it."),
            lighter,
        ),
        "steps": lambda: Words(
            _("Grey steps that fall together"),
            _("Where greys fall together, pencil and dirt cannot be told apart either."),
            lighter,
        ),
        "pale": lambda: Words(
            _("Pale greys against paper (80 %, 90 %)"),
            _("Where pale grey turns into white, light pencil does too: the driver removes backgrounds."),
            off,
        ),
        "ink_blue": ink(_("Darkness of blue ink")),
        "ink_black": ink(_("Darkness of black ink")),
        "ink_red": ink(_("Darkness of red ink")),
        "ink_green": ink(_("Darkness of green ink")),
        "lamp": lambda: Words(
            _("Light lost across the page"),
            _("A loss of 30 % was tried. One that grows from day to day is an ageing lamp."),
            service,
        ),
        "noise": lambda: Words(
            _("Noise (levels)"), _("Up to 12 levels were tried; in more, pale marks drown."), service
        ),
        "sharpness": lambda: Words(
            _("Width of an edge"),
            _("A ball pen's line is 0.4 mm wide; blurred over 0.7 mm it is half as dark."),
            _("Clean the glass, lay the paper flat, and scan at 200 to 300 dpi."),
        ),
        "lines": lambda: Words(
            _("Contrast of lines of 0.5 mm"),
            _("A pen's strokes and the outlines of boxes are as thin as that."),
            _("Clean the glass, lay the paper flat, and scan at 200 to 300 dpi."),
        ),
        "dark_streaks": lambda: Words(
            _("Dark streaks, from the left edge"),
            _("Dust on the glass draws a line through the same boxes of every sheet."),
            clean,
        ),
        "bright_streaks": lambda: Words(
            _("Bright streaks, from the left edge"),
            _("A bright streak wipes marks out of the same boxes of every sheet."),
            clean,
        ),
        "dots": lambda: Words(
            _("Tiny dots lost"), _("What takes dots of 0.35 mm away also takes thin and broken strokes."), off
        ),
        "holes": lambda: Words(
            _("Tiny holes lost"), _("What fills holes also fills boxes and loops of writing."), off
        ),
        "jpeg": lambda: Words(
            _("JPEG quality (estimated)"),
            _("Below 75 % thin strokes blur; below 30 % the reader was not tried."),
            _("Set the quality to 75 % or more."),
        ),
    }
