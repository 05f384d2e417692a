"""From a template's folder to a ``Form``: its source read, its boxes drawn or listed, all of it checked."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Final

from ballotscan.errors import TemplateError
from ballotscan.forms import cache
from ballotscan.forms.boxlist import read_list, sides_as_json, sides_from_json
from ballotscan.forms.check import check_sides
from ballotscan.forms.form import Form, Side
from ballotscan.forms.source import SOURCE_NAME, Source, parse_source
from ballotscan.i18n import gettext as _
from ballotscan.i18n import why
from ballotscan.settings import shipped

# What the look of a drawn form hangs on besides its source: `form.typ`, the typesetter and the fonts.
_DRAWN_BY: Final = ("typst", "fontpkg-be-vietnam-pro", "segno")
_DRAWING: Final = "form.typ"
# What else could change the places that are kept. Not part of the hash: tidying it up makes no other form.
_DRAWING_CODE: Final = ("drawing.py", "source.py", "boxlist.py", "prints.py", "blanks.py")


def shipped_templates() -> Path:
    """The folder of the templates that come with the program, installed or in a checkout."""
    return shipped("templates")


def find_forms(folders: Sequence[Path]) -> dict[str, Path]:
    """The folder of every template by name, in order of names; an earlier folder hides a later one's.

    A folder that does not exist holds none.
    """
    found: dict[str, Path] = {}
    for folder in folders:
        for source in sorted(folder.glob(f"*/{SOURCE_NAME}")):
            found.setdefault(source.parent.name, source.parent)
    return dict(sorted(found.items()))


def load_form(folder: Path) -> Form:
    """Read, draw and check one form. Raises ``TemplateError`` ("file:line: reason").

    The places of the boxes are kept in the user's cache, so that the drawing is done once per edition.
    """
    source = parse_source(folder / SOURCE_NAME)
    if source.id != folder.resolve().name:
        raise TemplateError(
            f"{folder / SOURCE_NAME}:1: "
            + _('the id "{id}" is not the folder\'s name.').format(id=source.id),
            _("Rename the folder, or change the id."),
        )
    fingerprint = hash_form(source, folder)
    return Form(
        id=source.id,
        edition=source.edition,
        title=source.title,
        language=source.language,
        valid_from=source.valid_from,
        valid_to=source.valid_to,
        sides=_checked_sides(source, folder, fingerprint),
        questions=source.questions,
        fields=source.fields,
        policy=source.policy,
        lists=tuple((name, tuple(option.label for option in options)) for name, options in source.lists),
        linh_vuc_question=source.linh_vuc_question,
        has_codes=source.has_codes,
        hash=fingerprint,
        files=form_files(source, folder),
    )


def hash_form(source: Source, folder: Path) -> str:
    """SHA-256 over all that the form is made of: its source, its blank or else whatever draws it."""
    return _digest(_ingredients(source, folder))


def form_files(source: Source, folder: Path) -> tuple[Path, ...]:
    """The files in a template's folder that make the form: its source, its blank and that one's boxes."""
    names = [SOURCE_NAME]
    if source.blank is not None:
        names += [source.blank.print, source.blank.boxes]
    return tuple(folder / name for name in names)


def check_templates(kept: Mapping[tuple[str, str], Mapping[str, str]], folders: Sequence[Path]) -> list[str]:
    """Hold the templates as they lie there against those that pages were read with.

    ``kept``: by form and edition the SHA-256 of each file, by name. Returns the folders of known forms in an
    edition that nothing was read with. Raises ``TemplateError`` naming a file that is another in the same
    edition.
    """
    unused = []
    for name, folder in find_forms(folders).items():
        editions = {edition: files for (form, edition), files in kept.items() if form == name}
        if not any(editions.values()):
            continue
        edition = parse_source(folder / SOURCE_NAME).edition
        if edition not in editions:
            unused.append(f"{folder}: {edition}")
        for file, sha in editions.get(edition, {}).items():
            if hashlib.sha256(_read(folder / file)).hexdigest() != sha:
                raise TemplateError(
                    _("{file}: not the file that ballots of edition {edition} were read with.").format(
                        file=folder / file, edition=edition
                    ),
                    _(
                        "Put it back (it is the original {sha}), or give the change an edition of its own."
                    ).format(sha=sha),
                )
    return unused


def cache_name(form_id: str, fingerprint: str, kind: str) -> str:
    """The name to keep something made from a form under: another form or program, another name."""
    here = Path(__file__).parent
    code = _digest([(name, _read(here / name)) for name in _DRAWING_CODE])
    return f"{form_id}-{fingerprint[:24]}-{code[:8]}{kind}"


def _digest(parts: Sequence[tuple[str, bytes]]) -> str:
    digest = hashlib.sha256()
    for name, data in parts:
        digest.update(f"{name} {len(data)}\n".encode())
        digest.update(data)
    return digest.hexdigest()


def _ingredients(source: Source, folder: Path) -> list[tuple[str, bytes]]:
    parts = [("source", _read(folder / SOURCE_NAME))]
    if source.blank is not None:
        parts += [
            ("blank", _read(folder / source.blank.print)),
            ("boxes", _read(folder / source.blank.boxes)),
        ]
        return parts
    here = Path(__file__).parent
    parts.append((_DRAWING, _read(here / _DRAWING)))
    return parts + [(name, version(name).encode()) for name in _DRAWN_BY]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise TemplateError(f"{path}: {why(error)}.", _("The form's source names this file.")) from error


def _checked_sides(source: Source, folder: Path, fingerprint: str) -> tuple[Side, ...]:
    """The sides with their boxes; only those that passed the check are ever kept."""
    name = cache_name(source.id, fingerprint, ".json")
    kept = cache.read_cached(name)
    if kept is not None:
        try:
            return sides_from_json(json.loads(kept))
        except (ValueError, KeyError, TypeError):
            pass  # damaged: made anew below
    sides, lines = _find_sides(source, folder)
    check_sides(folder / (source.blank.boxes if source.blank else SOURCE_NAME), source, sides, lines)
    cache.keep(name, json.dumps(sides_as_json(sides)).encode())
    return sides


def _find_sides(source: Source, folder: Path) -> tuple[tuple[Side, ...], Mapping[str, int]]:
    """The sides, and the line of the file on which each box or its question is stated."""
    if source.blank is not None:
        listed = read_list(folder / source.blank.boxes)
        return listed.sides, listed.lines
    from ballotscan.forms.drawing import draw_sides

    printed = [printed for section in source.sections for printed in section.questions]
    lines = {
        f"{one.question.id}/{option.code}": one.line for one in printed for option in one.question.options
    }
    return draw_sides(source, folder), lines
