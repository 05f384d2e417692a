"""``ballotscan doctor``: is this computer fit for scanning? One line for each thing, with its remedy."""

from __future__ import annotations

import os
import platform
import shutil
import stat
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import typer

from ballotscan import ENGINE, __version__
from ballotscan.cli.options import Database
from ballotscan.errors import BallotscanError, ExitCode
from ballotscan.i18n import gettext as _
from ballotscan.settings import CLOCK_MAY_BE_BEHIND, Settings, is_url, load_settings, template_folders

if TYPE_CHECKING:
    from ballotscan.intake.sandbox import Walls

_LOW_BYTES: Final = 5_000_000_000  # a box of 500 sheets at 300 dpi in colour is 1 to 2 GB
_NO_ROOM_BYTES: Final = 100_000_000  # below this a scan does not begin (``pipeline.SPARE_BYTES``)
_BUILT: Final = datetime(2026, 1, 1, tzinfo=UTC)  # no clock that goes right shows an earlier day
_LANGUAGES: Final = ("vie", "eng")
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at and found. ``fail``: scanning cannot or must not go on; ``warn``: it can."""

    level: Literal["ok", "warn", "fail"]
    text: str
    remedy: str = ""


def doctor(*, db: Database = None) -> None:
    """Look at everything a scan needs on this computer; nothing is added to the record."""
    settings = load_settings(db)
    signs = {"ok": _("ok"), "warn": _("WARNING"), "fail": _("FAULT")}
    width = max(map(len, signs.values()))
    levels = set()
    for check in _CHECKS:
        for found in check(settings):
            levels.add(found.level)
            typer.echo(f"{signs[found.level]:<{width}}  {found.text} {found.remedy}".rstrip())
    raise typer.Exit(ExitCode.NOTHING_DONE if "fail" in levels else ExitCode.OK)


# --- the program and what it calls -----------------------------------------------------------------------


def _program(_settings: Settings) -> Iterator[Finding]:
    import sqlite3

    yield Finding(
        "ok",
        _("ballotscan {version} ({engine}), Python {python}, SQLite {sqlite}.").format(
            version=__version__,
            engine=ENGINE,
            python=platform.python_version(),
            sqlite=sqlite3.sqlite_version,
        ),
    )


def _walls(_settings: Settings) -> Iterator[Finding]:
    """Tried out in a worker such as scans are read in."""
    from ballotscan.intake.workers import run_tasks

    try:
        ((_task, held),) = run_tasks(["try"], _nothing, (), _try_walls, 1)
    except BallotscanError as fault:
        yield Finding("fail", fault.message, fault.remedy)
        return
    has = {name: getattr(held, name, False) is True for name in ("files", "network")}
    if all(has.values()):
        yield Finding(
            "ok", _("Reading processes: no network, no files but scans; limits on memory and time.")
        )
        return
    missing = {"files": _("files (Landlock)"), "network": _("network (seccomp)")}
    yield Finding(
        "warn",
        _("Reading processes: limits on memory and time, but no walls against: {missing}.").format(
            missing=", ".join(text for name, text in missing.items() if not has[name])
        ),
        _("Linux 5.13 or newer has them; without, scan only what your own scanner made."),
    )


def _nothing() -> None:
    return None


def _try_walls(_state: None, _task: str) -> Walls:
    from ballotscan.intake.sandbox import try_out

    return try_out()


def _poppler(_settings: Settings) -> Iterator[Finding]:
    if shutil.which("pdftoppm") is None:
        yield Finding(
            "warn",
            _("Poppler is not installed; PDFium draws the pages that are not plain images."),
            _("Install it: apt install poppler-utils."),
        )
        return
    said = _said("pdftoppm", "-v").split("\n")[0].split()
    yield Finding("ok", _("Poppler {version}.").format(version=said[-1] if said else "?"))


def _tesseract(_settings: Settings) -> Iterator[Finding]:
    if shutil.which("tesseract") is None:
        yield Finding(
            "warn",
            _("Tesseract is not installed; typed texts are not read."),
            _("Install it: apt install tesseract-ocr tesseract-ocr-vie."),
        )
        return
    languages = _said("tesseract", "--list-langs").split()
    missing = [name for name in _LANGUAGES if name not in languages]
    if missing:
        yield Finding(
            "warn",
            _("Tesseract lacks its language data: {missing}.").format(missing=", ".join(missing)),
            _("Install them: apt install {packages}.").format(
                packages=" ".join(f"tesseract-ocr-{name}" for name in missing)
            ),
        )
        return
    version = _said("tesseract", "--version").split()[1:2]
    yield Finding("ok", _("Tesseract {version}, with Vietnamese.").format(version=" ".join(version)))


def _said(*command: str) -> str:
    try:
        run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return (run.stdout or run.stderr).strip()


def _templates(settings: Settings) -> Iterator[Finding]:
    """Fonts and forms: every template is loaded, which draws it where that was not done yet."""
    from ballotscan.forms.drawing import font_folders
    from ballotscan.forms.load import find_forms, load_form

    try:
        fonts = [path for folder in font_folders() for path in folder.rglob("*.ttf")]
        fonts += [path for folder in font_folders() for path in folder.rglob("*.otf")]
        names = [load_form(folder).id for folder in find_forms(template_folders(settings)).values()]
    except BallotscanError as fault:
        yield Finding("fail", fault.message, fault.remedy)
        return
    if not fonts:
        yield Finding("fail", _("The fonts of the forms are missing."), _("Install the program again."))
        return
    yield Finding("ok", _("Forms: {names}; their fonts are there.").format(names=", ".join(sorted(names))))


# --- the place --------------------------------------------------------------------------------------------


def _folder(settings: Settings) -> Iterator[Finding]:
    folder = _existing(settings.folder)
    if not os.access(folder, os.W_OK):
        yield Finding(
            "fail",
            _("{folder}: you may not write here.").format(folder=folder),
            _("Choose another folder with --db, or ask for the rights."),
        )
    private = [path for path in _private_paths(settings) if path.exists()]
    open_to_others = [path for path in private if os.name == "posix" and path.stat().st_mode & _OTHERS]
    for path in open_to_others:
        yield Finding(
            "warn",
            _("{path}: others on this computer can get at it.").format(path=path),
            _("Ballots are confidential: chmod go-rwx '{path}'.").format(path=path),
        )
    if private and not open_to_others and os.access(folder, os.W_OK):
        yield Finding("ok", _("{folder}: yours alone, and writable.").format(folder=folder))


def _private_paths(settings: Settings) -> list[Path]:
    paths = [settings.folder / "originals"]
    return paths if is_url(settings.database) else [Path(settings.database), *paths]


def _existing(folder: Path) -> Path:
    """The folder, or the one above it in which it would be made."""
    return next(path for path in (folder, *folder.absolute().parents) if path.exists())


def _disk(settings: Settings) -> Iterator[Finding]:
    from ballotscan.store.disks import network_drive

    folder = _existing(settings.folder)
    free = shutil.disk_usage(folder).free
    level: Literal["ok", "warn", "fail"] = (
        "fail" if free < _NO_ROOM_BYTES else "warn" if free < _LOW_BYTES else "ok"
    )
    text = _("{folder}: {free:.1f} GB free.").format(folder=folder, free=free / 1e9)
    yield Finding(level, text, _("Make room, or put the database on another disk.") if level != "ok" else "")
    if not is_url(settings.database) and (kind := network_drive(Path(settings.database))):
        yield Finding(
            "fail",
            _("{database}: this is a network drive ({kind}), where locks do not hold.").format(
                database=settings.database, kind=kind
            ),
            _("Put the database on a disk of this computer; make backups to the network drive."),
        )


# --- the record -------------------------------------------------------------------------------------------


def _record(settings: Settings) -> Iterator[Finding]:
    from ballotscan.settings import without_password
    from ballotscan.store.database import open_store

    name = without_password(settings.database)
    now = datetime.now(UTC)
    if now < _BUILT:
        yield _clock_is_behind(now)
    if not is_url(settings.database) and not Path(settings.database).exists():
        yield Finding("ok", _("{database}: no database yet; the first scan makes it.").format(database=name))
        return
    try:
        with open_store(settings.database, settings.folder, create=False) as store:
            found, last = store.check_since_verified(), store.last_at()
        damage = "" if is_url(settings.database) else _damage(Path(settings.database))
    except BallotscanError as fault:
        yield Finding("fail", fault.message, fault.remedy)
        return
    if last > now + CLOCK_MAY_BE_BEHIND and now >= _BUILT:
        yield _clock_is_behind(now)
    elif now >= _BUILT:
        yield Finding("ok", _("The clock is not behind the record."))
    if found.fault or found.tables or damage:
        yield Finding(
            "fail",
            _("{database}: the record does not verify.").format(database=name),
            _("Run 'ballotscan verify': it names what is wrong."),
        )
    else:
        yield Finding("ok", _("{database}: whole.").format(database=name))


def _clock_is_behind(now: datetime) -> Finding:
    return Finding(
        "fail",
        _("The clock is behind: it shows {time}.").format(time=now.astimezone().strftime("%Y-%m-%d %H:%M")),
        _("Set it: the day of receipt is taken from it."),
    )


def _damage(database: Path) -> str:
    """What SQLite finds wrong in its own file; empty where nothing is."""
    import sqlite3
    from contextlib import closing

    try:
        with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            (state,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as fault:
        return str(fault)
    return "" if state == "ok" else str(state)


_CHECKS: Final[tuple[Callable[[Settings], Iterator[Finding]], ...]] = (
    _program,
    _walls,
    _poppler,
    _tesseract,
    _templates,
    _folder,
    _disk,
    _record,
)
