"""A scanner's profile: its scan of the test deck, read, measured, judged and kept as a file to look at.

Profiles lie in ``calibration/`` beside the database, one TOML file per scanner, the newest scan of the deck.
A batch records which profile it was scanned under, and the store keeps that file among the originals.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np

from ballotscan import ENGINE
from ballotscan.errors import BallotscanError, UsageError
from ballotscan.forms.deck import DECK_ID, EDITION, load_deck
from ballotscan.i18n import gettext as _
from ballotscan.i18n import why
from ballotscan.intake import FileFault, PageFault
from ballotscan.intake.files import list_files, open_source
from ballotscan.intake.jpeg_quality import file_quality
from ballotscan.intake.page_image import Grey, PageImage
from ballotscan.model import KnownMarks, ScannerMeasures, SideReading
from ballotscan.reading import SideNotRead, read_side
from ballotscan.reasons import advice, reason_text
from ballotscan.rules.answers import decide_answers
from ballotscan.rules.scanner import Check, Verdict, judge, known_marks, overall
from ballotscan.settings import Settings, shipped
from ballotscan.vision.calibrate import measure_charts
from ballotscan.vision.reference import Reference, build_references

FOLDER: Final = "calibration"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_NEWEST_FORMAT: Final = 1


@dataclass(frozen=True, slots=True)
class Profile:
    """What one scan of the deck showed. ``day`` is the day of that reading, here, by the office's clock."""

    name: str
    day: date
    deck: str  # edition of the deck
    engine: str
    verdict: Verdict
    measures: ScannerMeasures
    marks: KnownMarks
    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True)
class KeptProfile:
    """A profile as it lies in a file; ``sha256`` is of the file's bytes."""

    profile: Profile
    path: Path
    sha256: str

    @property
    def label(self) -> str:
        """How a batch records it."""
        return f"{self.profile.name} {self.sha256}"


@dataclass(frozen=True)
class _DeckSide:
    """A page that is a side of the deck, turned so that it stands upright or on its head."""

    page: PageImage
    grey: Grey
    reading: SideReading
    jpeg_quality: int | None


# --- from a scan to a profile ------------------------------------------------------------------------------


def make_profile(name: str, paths: Sequence[Path], day: date) -> Profile:
    """Read a scan of the deck: one file or several, or a folder. Of each side the first page counts.

    Raises ``BallotscanError`` where a side is not found, ``UsageError`` for a name that cannot be used.
    """
    check_name(name)
    deck = load_deck()
    charts, boxes = _find_sides(paths, build_references(deck.print))
    measures = measure_charts(
        charts.grey,
        charts.reading.map_px,
        deck.targets,
        bitonal=charts.page.bitonal,
        dpi_tag=charts.page.dpi_tag,
        jpeg_quality=charts.jpeg_quality,
    )
    marks = known_marks(deck.rows, decide_answers(deck.print.form, (charts.reading, boxes.reading)))
    checks = judge(measures, marks)
    return Profile(name, day, EDITION, ENGINE, overall(checks), measures, marks, checks)


def check_name(name: str) -> None:
    """Raise ``UsageError`` for a name that is no file's name everywhere."""
    if not _NAME.fullmatch(name) or name.endswith("."):
        raise UsageError(
            _("--name: '{name}' is not a name for a scanner.").format(name=name),
            _("Use letters without accents, digits, dots and hyphens, for example fi-8170."),
        )


def _find_sides(paths: Sequence[Path], references: Sequence[Reference]) -> tuple[_DeckSide, _DeckSide]:
    """Side 1 and side 2 of the deck. Says of every page why it is neither, where one of them is missing."""
    found: dict[int, _DeckSide] = {}
    refused: list[str] = []
    for place, page, quality in _pages(paths):
        side = _read(page, references, quality)
        if isinstance(side, SideNotRead):
            refused.append(f"{place}: {reason_text(side.reason)}")
        else:
            found.setdefault(side.reading.side, side)
        if len(found) == len(references):
            return found[1], found[2]
    missing = ", ".join(str(side) for side in (1, 2) if side not in found)
    why = "; ".join(refused)
    raise BallotscanError(
        _("{path}: side {side} of the test deck was not found.").format(
            path=", ".join(map(str, paths)), side=missing
        )
        + (f" ({why})" if why else ""),
        _("Print it with 'ballotscan calibrate deck' and scan both sides."),
    )


def _pages(paths: Sequence[Path]) -> Iterator[tuple[str, PageImage, int | None]]:
    """Every page with its place and the JPEG quality of its file. A file that cannot be opened ends it."""
    for source in list_files(paths):
        try:
            if source.fault:
                raise source.fault
            with open_source(source.path) as file:
                quality = file_quality(source.path)
                for number in range(1, file.page_count + 1):
                    yield f"{source.shown}, {number}", file.page(number), quality
        except (FileFault, PageFault) as fault:
            reason = reason_text(fault.reason)
            raise BallotscanError(f"{source.shown}: {reason}.", advice(fault.reason)) from fault


def _read(page: PageImage, references: Sequence[Reference], quality: int | None) -> _DeckSide | SideNotRead:
    """Read a page; one that lies on its side is turned first, so that the feed runs down the image."""
    grey = page.grey
    reading = read_side(grey, page.bitonal, references)
    if isinstance(reading, SideReading) and abs(_quarters(reading)) == 1:
        grey = np.ascontiguousarray(np.rot90(grey, _quarters(reading)))
        reading = read_side(grey, page.bitonal, references)
    if isinstance(reading, SideNotRead):
        return reading
    return _DeckSide(page, grey, reading, quality)


def _quarters(reading: SideReading) -> int:
    """Quarter turns against the clock that bring the page upright: -1, 0, 1 or 2."""
    return (round(reading.rotation_deg / 90) + 1) % 4 - 1


# --- files -------------------------------------------------------------------------------------------------


def write_profile(profile: Profile, folder: Path) -> Path:
    """Write ``<folder>/calibration/<name>.toml``, whole or not at all. Raises ``BallotscanError``."""
    path = folder / FOLDER / f"{profile.name}.toml"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_suffix(".new")
        new.write_bytes(_to_toml(profile).encode())
        new.replace(path)
    except OSError as error:
        raise BallotscanError(
            _("{path}: the profile cannot be written: {reason}.").format(path=path, reason=why(error)),
            _("Check the folder's permissions."),
        ) from error
    return path


def read_profile(path: Path) -> KeptProfile:
    """Read a profile back. Raises ``BallotscanError`` where the file is not one."""
    try:
        data = path.read_bytes()
        profile = _from_toml(tomllib.loads(data.decode()))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise BallotscanError(
            _("{path}: this is not a scanner's profile that can be read.").format(path=path),
            _("Scan the test deck again: ballotscan calibrate scan."),
        ) from error
    return KeptProfile(profile, path, hashlib.sha256(data).hexdigest())


def find_profile(settings: Settings, name: str) -> KeptProfile:
    """The office's own profile of that name, else one that ships. Raises ``UsageError`` listing the known."""
    folders = [settings.folder / FOLDER, shipped(FOLDER)]
    known: dict[str, Path] = {}
    for folder in folders:
        for path in sorted(folder.glob("*.toml")):
            known.setdefault(path.stem, path)
    if name not in known:
        raise UsageError(
            _("There is no scanner's profile '{name}'.").format(name=name),
            _("Known profiles: {names}. Make one with 'ballotscan calibrate scan'.").format(
                names=", ".join(sorted(known)) or "-"
            ),
        )
    return read_profile(known[name])


def profile_for_scan(settings: Settings, name: str | None, today: date) -> KeptProfile | None:
    """The profile under which a batch is scanned, and whether it may be. Raises ``UsageError``.

    With the setting ``daily_check`` there must be one, made today, in the office's own folder.
    """
    if name is None:
        if settings.daily_check:
            raise UsageError(
                _("This office checks its scanner every day (daily_check), and no profile is named."),
                _("Scan the test deck ('ballotscan calibrate scan'), then name it with --calibration."),
            )
        return None
    kept = find_profile(settings, name)
    again = _("Scan the test deck again: ballotscan calibrate scan PATH --name {name}").format(name=name)
    if kept.profile.verdict is Verdict.FAIL:
        failed = ", ".join(check.name for check in kept.profile.checks if check.verdict is Verdict.FAIL)
        raise UsageError(
            _("{path}: this scanner failed its check of {day}: {checks}.").format(
                path=kept.path, day=kept.profile.day, checks=failed
            ),
            again,
        )
    if settings.daily_check and (kept.profile.day != today or kept.path.parent != settings.folder / FOLDER):
        raise UsageError(
            _("{path}: the scanner was last checked on {day}, and must be every day (daily_check).").format(
                path=kept.path, day=kept.profile.day
            ),
            again,
        )
    return kept


def _to_toml(profile: Profile) -> str:
    """The profile as TOML. What is None is left out, as TOML has no word for it."""
    lines = [
        "# Written by 'ballotscan calibrate scan'; docs/calibration.md explains the measures.",
        f"format = {_NEWEST_FORMAT}",
        f"name = {_value(profile.name)}",
        f"day = {profile.day.isoformat()}",
        f"deck = {_value(f'{DECK_ID} {profile.deck}')}",
        f"engine = {_value(profile.engine)}",
        f"verdict = {_value(str(profile.verdict))}",
        *_table("measures", asdict(profile.measures)),
        *_table("marks", asdict(profile.marks)),
    ]
    for check in profile.checks:
        lines += ["", "[[check]]", *_entries(asdict(check))]
    return "\n".join(lines) + "\n"


def _table(name: str, values: Mapping[str, Any]) -> list[str]:
    return ["", f"[{name}]", *_entries(values)]


def _entries(values: Mapping[str, Any]) -> list[str]:
    return [f"{key} = {_value(value)}" for key, value in values.items() if value is not None]


def _value(value: Any) -> str:
    """Texts, numbers, truth values and lists are written alike in JSON and TOML."""
    return json.dumps(value, ensure_ascii=False)


def _from_toml(found: Mapping[str, Any]) -> Profile:
    measures = {each.name: None for each in fields(ScannerMeasures)} | dict(found["measures"])
    return Profile(
        name=found["name"],
        day=found["day"],
        deck=found["deck"].removeprefix(f"{DECK_ID} "),
        engine=found["engine"],
        verdict=Verdict(found["verdict"]),
        measures=ScannerMeasures(**{key: _frozen(value) for key, value in measures.items()}),
        marks=KnownMarks(**{key: _frozen(value) for key, value in found["marks"].items()}),
        checks=tuple(Check(**(check | {"verdict": Verdict(check["verdict"])})) for check in found["check"]),
    )


def _frozen(value: Any) -> Any:
    return tuple(_frozen(each) for each in value) if isinstance(value, list) else value
