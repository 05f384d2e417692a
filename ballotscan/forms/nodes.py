"""Reads YAML (and JSON, which is a subset) strictly: every refusal names file, line and reason."""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import yaml

from ballotscan.errors import TemplateError
from ballotscan.i18n import gettext as _
from ballotscan.i18n import why

_LOADER: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the same loader in C, ten times as fast
MAX_SOURCE_BYTES = (
    1_000_000  # the shipped sources have 10 kB; a "billion laughs" file stays small all the same
)


@dataclass(frozen=True)
class Node:
    """One value of a source file, with the place it stands at."""

    file: str
    raw: yaml.Node

    @property
    def line(self) -> int:
        """Line in the file, from 1."""
        return int(self.raw.start_mark.line) + 1

    def refuse(self, reason: str, remedy: str = "") -> NoReturn:
        """Raise ``TemplateError`` with file, line and reason."""
        raise TemplateError(f"{self.file}:{self.line}: {reason}", remedy or _("Correct this line."))

    def fields(self, required: Sequence[str], optional: Sequence[str] = ()) -> dict[str, Node]:
        """The values of a mapping by key. Unknown, repeated and missing keys are refused."""
        found = self.entries()
        for key, value in found.items():
            if key not in required and key not in optional:
                known = ", ".join([*required, *optional])
                value.refuse(
                    _('unknown key "{key}".').format(key=key), _("Known here: {keys}.").format(keys=known)
                )
        for key in required:
            if key not in found:
                self.refuse(_('the key "{key}" is missing.').format(key=key), _("Add it."))
        return found

    def entries(self) -> dict[str, Node]:
        """The values of a mapping whose keys are free; a repeated key is refused."""
        if not isinstance(self.raw, yaml.MappingNode):
            self.refuse(_("a mapping (key: value) is expected here."))
        found: dict[str, Node] = {}
        for raw_key, raw_value in self.raw.value:
            key = Node(self.file, raw_key).text()
            if key in found:
                Node(self.file, raw_key).refuse(_('the key "{key}" stands here twice.').format(key=key))
            found[key] = Node(self.file, raw_value)
        return found

    def items(self) -> list[Node]:
        """The values of a list."""
        if not isinstance(self.raw, yaml.SequenceNode):
            self.refuse(_("a list is expected here."))
        return [Node(self.file, item) for item in self.raw.value]

    def text(self) -> str:
        """A single value as it is written; a number or a date too. Not empty."""
        if not isinstance(self.raw, yaml.ScalarNode) or not self.raw.value.strip() or self.is_null():
            self.refuse(_("a text is expected here."))
        return str(self.raw.value)

    def matching(self, pattern: re.Pattern[str], meaning: str) -> str:
        """A text that the whole pattern fits; ``meaning`` says in words what that is."""
        text = self.text()
        if not pattern.fullmatch(text):
            self.refuse(_('"{text}" is not allowed here: {meaning}.').format(text=text, meaning=meaning))
        return text

    def is_null(self) -> bool:
        """True where the source says ``null`` or leaves the value out."""
        return str(self.raw.tag) == "tag:yaml.org,2002:null"

    def flag(self) -> bool:
        """``true`` or ``false``."""
        if not isinstance(self.raw, yaml.ScalarNode) or self.raw.value not in {"true", "false"}:
            self.refuse(_("true or false is expected here."))
        return bool(self.raw.value == "true")

    def number(self, least: float, most: float) -> float:
        """A finite number from ``least`` to ``most``."""
        try:
            value = float(self.text())
        except ValueError:
            self.refuse(_("a number is expected here."))
        if not least <= value <= most:  # also refuses nan
            self.refuse(
                _("a number from {least:g} to {most:g} is expected here.").format(least=least, most=most)
            )
        return value

    def whole(self, least: int, most: int) -> int:
        """A whole number from ``least`` to ``most``."""
        value = self.number(least, most)
        if value != int(value):
            self.refuse(_("a whole number is expected here."))
        return int(value)

    def date(self) -> str | None:
        """An ISO date as text, or None for ``null``."""
        if self.is_null():
            return None
        try:
            return datetime.date.fromisoformat(self.text()).isoformat()
        except ValueError:
            self.refuse(_("a date such as 2026-03-15, or null, is expected here."))


def read_source(path: Path) -> Node:
    """Parse a YAML or JSON file. Raises ``TemplateError`` naming file and line; nothing in it is executed."""
    try:
        data = path.read_bytes()
        if len(data) > MAX_SOURCE_BYTES:
            raise TemplateError(_("{file}: too large for a template's source.").format(file=path))
        text = data.decode("utf-8-sig").replace("\t", " ")  # JSON may be indented by tabs, YAML may not
    except OSError as error:
        reason = why(error)
        raise TemplateError(f"{path}: {reason}.", _("Check the path and its permissions.")) from error
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise TemplateError(f"{path}:{line}: " + _("not UTF-8."), _("Save the file as UTF-8.")) from error
    return _compose(path, text)


def _compose(path: Path, text: str) -> Node:
    try:
        raw = yaml.compose(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise TemplateError(f"{path}:{line}: {error.problem}.", _("Correct this line.")) from error
    except (yaml.YAMLError, RecursionError) as error:
        raise TemplateError(f"{path}:1: " + _("this is not YAML."), _("Correct the file.")) from error
    if raw is None:
        raise TemplateError(f"{path}:1: " + _("the file is empty."), _("Write the form into it."))
    return Node(str(path), raw)
