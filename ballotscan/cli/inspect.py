"""``ballotscan inspect``: a picture of what the reader saw on a page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ballotscan.cli.giving import check_asker, enter
from ballotscan.cli.options import By, Database, ShowText
from ballotscan.cli.template import find_template
from ballotscan.errors import BallotscanError, ExitCode, UsageError
from ballotscan.i18n import gettext as _
from ballotscan.i18n import why

if TYPE_CHECKING:
    from ballotscan.forms.form import Form
    from ballotscan.forms.prints import FormPrint
    from ballotscan.intake.page_image import PageImage
    from ballotscan.model import Answer, SideReading
    from ballotscan.reading import SideNotRead
    from ballotscan.store.database import Store
    from ballotscan.vision.overlay import Verdict


def inspect(
    image: Annotated[Path, typer.Argument(help=_("A scan: PDF, TIFF, JPEG or PNG."), metavar="IMAGE")],
    *,
    template: Annotated[
        list[str], typer.Option("--template", help=_("The form it may be; may be repeated."))
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help=_("The picture to write (PNG)."), metavar="FILE")
    ],
    show_text: ShowText = False,
    by: By = "",
    db: Database = None,
) -> None:
    """Write a picture of what was seen: the page upright, each box with its score and verdict."""
    from ballotscan.forms.prints import load_print
    from ballotscan.reading import SideNotRead, read_side
    from ballotscan.vision.reference import build_references

    if output.suffix.lower() != ".png":
        raise UsageError(
            _("{file}: the picture is a PNG.").format(file=output), _("Give it a name that ends in .png.")
        )
    asker = check_asker(show_text, by)
    if asker:
        _open_record(db).close()  # else it could not be entered who asked
    prints = [load_print(find_template(name, db)) for name in template]
    references = [reference for each in prints for reference in build_references(each)]
    read_all = True
    for number, page in _pages(image):
        reading = read_side(page, page.bitonal, references, always_ocr=True)
        if isinstance(reading, SideNotRead):
            read_all = False
            typer.echo(_not_read(image, number, reading))
        else:
            _write_picture(page, reading, prints, _numbered(output, number), masked=not asker)
            if asker:
                with _open_record(db) as store:
                    enter(store, "inspect", _numbered(output, number), by=asker)
    if not read_all:
        raise typer.Exit(ExitCode.LEFT_OPEN)


def _open_record(db: str | None) -> Store:
    from ballotscan.settings import load_settings
    from ballotscan.store.database import open_store

    settings = load_settings(db)
    return open_store(settings.database, settings.folder, create=False)


def _pages(image: Path) -> Iterator[tuple[int, PageImage]]:
    from ballotscan.intake import FileFault, PageFault
    from ballotscan.intake.files import open_source
    from ballotscan.reasons import advice, reason_text

    try:
        with open_source(image) as source:
            for number in range(1, source.page_count + 1):
                yield number, source.page(number)
    except (FileFault, PageFault) as fault:
        raise BallotscanError(f"{image}: {reason_text(fault.reason)}.", advice(fault.reason)) from fault


def _not_read(image: Path, number: int, reading: SideNotRead) -> str:
    from ballotscan.reasons import advice, reason_text

    line = _("{file}, page {page}: {reason}.").format(
        file=image, page=number, reason=reason_text(reading.reason)
    )
    return f"{line} {advice(reading.reason)}"


def _write_picture(
    page: PageImage, reading: SideReading, prints: list[FormPrint], output: Path, *, masked: bool
) -> None:
    from ballotscan.privacy import MASK, without_numbers
    from ballotscan.rules.answers import decide_answers
    from ballotscan.vision.overlay import draw_overlay, mask_fields

    form = next(
        each.form for each in prints if (each.form.id, each.form.edition) == (reading.form, reading.edition)
    )
    side = form.sides[reading.side - 1]
    places: list[SideReading | None] = [None] * len(form.sides)
    places[reading.side - 1] = reading
    answers = [answer for answer in decide_answers(form, places) if answer.side == reading.side]
    grey = mask_fields(page.grey, form, reading) if masked else page.grey
    picture = draw_overlay(grey, side, reading, _verdicts(form, answers), _head(reading, answers))
    _keep(picture, output)
    typer.echo(_("{file}: written.").format(file=output))
    printed = {field.id for field in form.fields if field.kind == "printed_text"}
    for field in reading.fields:
        if field.text:
            line = _("{field}: “{text}”, confidence {confidence:.0%}")
            shown = without_numbers(field.text) if field.field in printed else MASK
            text = shown if masked else field.text
            typer.echo("  " + line.format(field=field.field, text=text, confidence=field.confidence))


def _keep(picture: bytes, output: Path) -> None:
    try:
        output.touch(mode=0o600)  # a ballot is its owner's only; a file that exists keeps its rights
        output.write_bytes(picture)
    except OSError as fault:
        raise BallotscanError(
            f"{output}: {why(fault)}.", _("Name a file in a folder you may write to, with -o.")
        ) from fault


def _verdicts(form: Form, answers: list[Answer]) -> dict[tuple[str, str], Verdict]:
    """Each box chosen or empty where its question is accepted, doubtful where a person must look."""
    found: dict[tuple[str, str], Verdict] = {}
    for answer in answers:
        for option in form.question(answer.question).options:
            verdict: Verdict = "chosen" if option.code in answer.codes else "empty"
            found[answer.question, option.code] = "doubtful" if answer.reason else verdict
    return found


def _head(reading: SideReading, answers: list[Answer]) -> list[str]:
    what = _(
        "{form} {edition}, side {side}: fit {fit:.2f}, turned {turned:.1f}°, {dpi:.0f} dpi, {x:.1%} × {y:.1%}"
    )
    review = [answer.question for answer in answers if answer.reason]
    read = _("Boxes: chosen green, empty blue, for a person red; numbers are ink in % of the print.")
    asked = _("For a person: {questions}").format(questions=", ".join(review) or "–")
    size = {"x": reading.scale_x, "y": reading.scale_y}
    return [
        what.format(
            form=reading.form,
            edition=reading.edition,
            side=reading.side,
            fit=reading.fit,
            turned=reading.rotation_deg,
            dpi=reading.dpi,
            **size,
        ),
        read,
        asked,
    ]


def _numbered(output: Path, number: int) -> Path:
    """The name itself for the first page, with ``-2`` and so on for those that follow."""
    return output if number == 1 else output.with_name(f"{output.stem}-{number}{output.suffix}")
