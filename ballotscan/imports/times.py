"""The days on which answers were given, as form tools write their times.

What the tools write (their exports, 2023 to 2026):

``iso``      LimeSurvey ``2023-03-10 09:05:12``, KoboToolbox and ODK ``2023-03-10T02:05:12.123Z``, cells of a
             workbook that are times. With an offset it is brought to the office's clock
``google``   Google Forms' own CSV: ``2023/03/10 9:05:12 SA GMT+7``, in English with AM or PM
``excel``    a workbook's number of days, where the column was not formatted: ``44995.3785`` or ``44995,3785``
a pattern    of ``strptime``: Google Sheets ``%d/%m/%Y %H:%M:%S``, or whatever a kiosk writes
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Final

OFFICE_CLOCK: Final = timezone(timedelta(hours=7))
"""Vietnam's, all year round. KoboToolbox and ODK keep their times in UTC: a ballot of half past six in the
morning would fall on the day before, and on the 15th into another period."""

EARLIEST: Final = date(2000, 1, 1)
"""LimeSurvey writes 1980-01-01 for surveys that keep no times."""

_PATTERNS: Final = (
    "%d/%m/%Y %H:%M:%S", "%m/%d/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M", "%d/%m/%Y", "%m/%d/%Y",
    "%m/%d/%y %H:%M:%S", "%m/%d/%y %H:%M", "%d-%m-%Y %H:%M:%S", "%d-%m-%Y", "%Y/%m/%d %H:%M:%S",
    "%H:%M:%S %d/%m/%Y", "%H:%M %d/%m/%Y",
)  # fmt: skip
"""Day before month, as Vietnam writes it, before month before day."""

_GOOGLE: Final = re.compile(
    r"(\d{4})/(\d{1,2})/(\d{1,2}) (\d{1,2}):(\d\d):(\d\d) (SA|CH|AM|PM)"
    r" (?:GMT|UTC)([+-]\d{1,2})?(?::?(\d\d))?",
    re.IGNORECASE,
)
_EXCEL: Final = re.compile(r"\d{5}(?:[.,]\d+)?")
_EXCEL_EPOCH: Final = datetime(1899, 12, 30, tzinfo=OFFICE_CLOCK)  # day 0 of Excel's calendar of 1900


def day_of(text: str, written: str, *, utc: bool = False) -> date:
    """The day by the office's clock. ``utc``: times without an offset are of UTC. Raises ``ValueError``."""
    time = _time_of(text, written or "iso")
    if time.tzinfo is None:
        time = time.replace(tzinfo=UTC if utc else OFFICE_CLOCK)
    return time.astimezone(OFFICE_CLOCK).date()


def _time_of(text: str, written: str) -> datetime:
    match written:
        case "iso":
            return datetime.fromisoformat(text)
        case "excel":
            if not _EXCEL.fullmatch(text):
                raise ValueError(text)
            return _EXCEL_EPOCH + timedelta(days=float(text.replace(",", ".")))
        case "google":
            return _of_google(text)
        case _:
            return datetime.strptime(text, written)  # noqa: DTZ007  its clock is set by the caller


def _of_google(text: str) -> datetime:
    found = _GOOGLE.fullmatch(text)
    if found is None:
        raise ValueError(text)
    year, month, day, hour, minute, second = (int(part) for part in found.groups()[:6])
    afternoon = found[7].upper() in ("CH", "PM")
    hours = int(found[8] or 0)
    offset = timedelta(hours=hours, minutes=int(found[9] or 0) * (-1 if hours < 0 else 1))
    return datetime(year, month, day, hour % 12 + 12 * afternoon, minute, second, tzinfo=timezone(offset))


def guess_format(examples: Sequence[str]) -> tuple[str, bool]:
    """How these times are written, and whether day and month may be the other way round."""
    fitting = [written for written in ("iso", "google", "excel", *_PATTERNS) if _fits(examples, written)]
    if not fitting:
        return "iso", False
    return fitting[0], fitting[0].startswith("%d/%m") and any(each.startswith("%m/%d") for each in fitting)


def _fits(examples: Sequence[str], written: str) -> bool:
    with suppress(ValueError):
        return bool([day_of(text, written) for text in examples if text])
    return False
