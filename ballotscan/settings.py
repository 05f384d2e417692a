"""What an office sets once: where its database is, its language and its calendar. Read once per command.

From, the later winning: the defaults, ``ballotscan.toml`` in the current folder (or the file named by
BALLOTSCAN_SETTINGS), the environment variable BALLOTSCAN_DB, the option ``--db``.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from ballotscan.errors import UsageError
from ballotscan.i18n import LANGUAGES, why
from ballotscan.i18n import gettext as _
from ballotscan.model import ACCEPTED_RISK

SETTINGS_FILE: Final = "ballotscan.toml"
CLOCK_MAY_BE_BEHIND: Final = timedelta(hours=1)
"""The record: several computers of one office do not agree to the minute. UTC knows no summer time."""

DEFAULT_DATABASE: Final = "ballotscan.sqlite"
PERIOD_RULES: Final = ("nd09", "calendar")
SWITCHES: Final = ("daily_check", "mask_one_way", "one_person_review")
NUMBERS: Final = ("least_cell", "retention_months")
SHARES: Final = ("accepted_risk",)
KNOWN_KEYS: Final = ("database", "folder", "language", "period_rule", *SWITCHES, *NUMBERS, *SHARES)
MOST_RISK: Final = 0.05
"""Beyond one wrong answer in twenty nothing is asked any more: no office can want that."""

LEAST_CELL: Final = 5
"""Smaller counts are not shown in cross-tables: agencies use 3, 5 or 10 (OECD statistical glossary, 7010)."""


@dataclass(frozen=True, slots=True)
class Settings:
    """An office's settings.

    ``database`` is the path of a SQLite file or an SQLAlchemy URL; ``folder`` is where the originals and the
    office's own templates lie: beside the file, or for a database server the setting ``folder``.
    """

    database: str
    folder: Path
    language: str | None = None
    period_rule: str = "nd09"
    daily_check: bool = False  # a scan needs a scanner's profile that was made today
    least_cell: int = LEAST_CELL  # 1 shows every count
    mask_one_way: bool = False  # whether the tables over all sheets are masked likewise
    one_person_review: bool = False  # one person settles an answer; every report says so
    accepted_risk: float = ACCEPTED_RISK  # answers more likely to be wrong than this go to a person
    retention_months: int | None = None  # how long originals are kept; closing a period asks for it


def load_settings(
    db: str | None = None,
    environment: Mapping[str, str] = os.environ,
    current: Path | None = None,
) -> Settings:
    """Read the settings; ``db`` is the command line's own choice and wins.

    Raises ``UsageError`` naming the file and what is wrong in it.
    """
    here = current or Path.cwd()
    values, base = _read_file(environment, here)
    if "database" in values:
        _refuse_password(values["database"], _("the settings file"))
    if db:
        _refuse_password(db, "--db")
    _refuse_odd_password(environment.get("BALLOTSCAN_DB", ""))
    chosen = db or environment.get("BALLOTSCAN_DB")
    database = chosen or values.get("database", DEFAULT_DATABASE)
    if not is_url(database):
        database = str((here if chosen else base) / Path(database).expanduser())
    return Settings(
        database=database,
        folder=_folder_beside(database, values.get("folder"), base),
        language=values.get("language"),
        period_rule=values.get("period_rule", "nd09"),
        daily_check=values.get("daily_check") == "true",
        least_cell=int(values.get("least_cell", LEAST_CELL)),
        mask_one_way=values.get("mask_one_way") == "true",
        one_person_review=values.get("one_person_review") == "true",
        accepted_risk=float(values.get("accepted_risk", ACCEPTED_RISK)),
        retention_months=int(values["retention_months"]) if "retention_months" in values else None,
    )


def retention_of(settings: Settings) -> int:
    """For how many months originals are kept. No default: a rule or the archive's list must say.

    Raises ``UsageError`` where it is not set.
    """
    if settings.retention_months is None:
        raise UsageError(
            _("It is not set for how long scans are kept."),
            _("Write for example 'retention_months = 60' into {file}.").format(file=SETTINGS_FILE),
        )
    return settings.retention_months


def template_folders(settings: Settings) -> list[Path]:
    """Where forms are looked for: the office's own beside its database, then those shipped."""
    return [settings.folder / "templates", shipped("templates")]


def shipped(name: str) -> Path:
    """The folder ``templates`` or ``calibration`` as installed, or as it lies in a checkout."""
    installed = Path(__file__).parent / "shipped" / name
    return installed if installed.is_dir() else Path(__file__).parent.parent / name


def is_url(database: str) -> bool:
    """Whether a database is named by an SQLAlchemy URL rather than by the path of a file."""
    return "://" in database


def without_password(database: str) -> str:
    """The database's name as it may be shown or logged."""
    return re.sub(r"(://[^/@:]*):[^/]*@", r"\1:***@", database)


def _read_file(environment: Mapping[str, str], here: Path) -> tuple[dict[str, str], Path]:
    """The settings file's values and the folder its relative paths start from."""
    named = environment.get("BALLOTSCAN_SETTINGS")
    path = here / Path(named).expanduser() if named else here / SETTINGS_FILE
    if not named and not path.exists():
        return {}, here
    try:
        text = path.read_text(encoding="utf-8-sig")
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        raise UsageError(
            _("{file}: this is not valid TOML: {reason}.").format(file=path, reason=fault),
            _("Correct the line or remove the file."),
        ) from fault
    except UnicodeDecodeError as fault:
        raise UsageError(
            _("{file}: the settings are not UTF-8 text.").format(file=path), _("Save the file as UTF-8.")
        ) from fault
    except OSError as fault:
        raise UsageError(
            _("{file}: the settings cannot be read: {reason}.").format(file=path, reason=why(fault)),
            _("Check BALLOTSCAN_SETTINGS and the file's permissions."),
        ) from fault
    return _check(values, text, path), path.parent


def _check(values: Mapping[str, object], text: str, path: Path) -> dict[str, str]:
    """Every key known, every value a text that the key allows."""
    allowed = {"language": LANGUAGES, "period_rule": PERIOD_RULES}
    checked: dict[str, str] = {}
    for key, value in values.items():
        place = f"{path}:{_line_of(key, text)}"
        if key not in KNOWN_KEYS:
            raise UsageError(
                _("{place}: the setting '{key}' is not known.").format(place=place, key=key),
                _("Known settings: {keys}.").format(keys=", ".join(KNOWN_KEYS)),
            )
        if key in (*SWITCHES, *NUMBERS, *SHARES):
            checked[key] = _plain_value(key, value, place)
            continue
        if not isinstance(value, str) or not value:
            raise UsageError(
                _("{place}: the setting '{key}' must be a text.").format(place=place, key=key),
                _("Write it in quotation marks."),
            )
        if key in allowed and value not in allowed[key]:
            raise UsageError(
                _("{place}: '{value}' is not a value of '{key}'.").format(place=place, value=value, key=key),
                _("Choose one of: {choices}.").format(choices=", ".join(allowed[key])),
            )
        checked[key] = value
    return checked


def _plain_value(key: str, value: object, place: str) -> str:
    """A truth value, a whole number from 1 on or a small share, as a text."""
    if key in SWITCHES and isinstance(value, bool):
        return "true" if value else "false"
    if key in NUMBERS and isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return str(value)
    if key in SHARES and isinstance(value, float) and 0 < value <= MOST_RISK:
        return repr(value)
    text = _("{place}: the setting '{key}' must be a whole number from 1 on.")
    if key in SHARES:
        text = _("{place}: the setting '{key}' must be a share above 0 and up to 0.05, such as 0.001.")
    if key in SWITCHES:
        text = _("{place}: the setting '{key}' must be true or false.")
    raise UsageError(text.format(place=place, key=key), _("Write it without quotation marks."))


def _line_of(key: str, text: str) -> int:
    """The line, from 1, on which a key of the first level stands."""
    pattern = re.compile(rf"""\s*(\[+\s*)?["']?{re.escape(key)}["']?\s*[=\].]""")
    numbered = enumerate(text.splitlines(), start=1)
    return next((number for number, line in numbered if pattern.match(line)), 1)


def _folder_beside(database: str, folder: str | None, base: Path) -> Path:
    if folder:
        return base / Path(folder).expanduser()
    if not is_url(database):
        return Path(database).parent
    if database.startswith("sqlite:///"):
        return (base / database.removeprefix("sqlite:///")).parent
    raise UsageError(
        _("The database is on a server, but no folder is set for the originals and templates."),
        _("Set 'folder' in {file}.").format(file=SETTINGS_FILE),
    )


def _refuse_password(database: str, where: str) -> None:
    if _holds_password(database):
        raise UsageError(
            _("The database's address in {where} holds a password.").format(where=where),
            _("Take it out and set the environment variable PGPASSWORD instead."),
        )


def _holds_password(database: str) -> bool:
    """Whatever signs stand in it unquoted: before the last ``@``, or among the options. Empty, it is none."""
    user, at, _host = database.partition("://")[2].rpartition("@")
    named = re.search(r"[?&](ssl)?password=", database, re.IGNORECASE)
    return bool(at and user.partition(":")[2]) or named is not None


def _refuse_odd_password(database: str) -> None:
    """In the environment a password may stand, where every driver sees it end at the same sign: what one of
    them took for the server's name would be said in an error."""
    plain = r"[\w+]+://[^:@/?#]*:(?:[^:@/?#%]|%[0-9A-Fa-f]{2})*@[^@]*"
    if _holds_password(database) and (
        not re.fullmatch(plain, database) or "password=" in database.rpartition("@")[2].lower()
    ):
        raise UsageError(
            _("The password in BALLOTSCAN_DB cannot be told from the rest of the address."),
            _("Take it out and set the environment variable PGPASSWORD instead."),
        )
