"""The minute of opening a ballot box (biên bản), in the layout of decree 30/2020/NĐ-CP, form 1.9."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date

from ballotscan.i18n import gettext as _
from ballotscan.model import BoxOpening
from ballotscan.programme.load import Programme
from ballotscan.report import wording
from ballotscan.report.content import letterhead
from ballotscan.report.document import Block, Document, Grid, Heading, Paragraph
from ballotscan.tally.figures import BatchLine


def boxes_of(batches: Iterable[BatchLine]) -> Iterator[tuple[BoxOpening, int | None]]:
    """Every minute of these batches, with the sheets found in the scan where its box is the only one."""
    for batch in batches:
        for box in batch.boxes:
            yield box, batch.balance.papers if len(batch.boxes) == 1 else None


def file_name(box: BoxOpening) -> str:
    """What a minute's file is called."""
    return "-".join(re.findall(r"\w+", f"{box.box} {box.opened}"))


def write_minute(box: BoxOpening, sheets: int | None, programme: Programme, language: str) -> Document:
    """A box's minute, to be printed and signed. ``sheets`` were found in the scan; None: not known."""
    opened = date.fromisoformat(box.opened)
    head = letterhead(programme, opened)
    return Document(
        letterhead=replace(
            head,
            number=_("No.: ……/BB-{agency}").format(agency=programme.agency.abbreviation),
            place_and_day="",  # a minute says place and day in its text
            kind=_("MINUTE"),
            subject=_("Opening of the ballot box {box}").format(box=box.box),
        ),
        blocks=(*_about(box, opened), *_counts(box, sheets), *_closing_words(box)),
        stamp="",
        language=language,
        title=_("Minute of opening a ballot box"),
        appendix_word=_("Appendix"),
        signatures=tuple((role, name) for role, names in _people(box) for name in names),
        sign_here=_("(signature)"),
    )


def _people(box: BoxOpening) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return (
        (_("Opened by"), box.opened_by),
        (_("Scanned by"), box.scanned_by),
        (_("Reviewed by"), box.reviewed_by),
    )


def _about(box: BoxOpening, opened: date) -> Iterator[Block]:
    yield Heading(_("I. TIME AND PLACE"))
    where = box.place or "……………………"
    yield Paragraph(_("On {day}, at {place}.").format(day=wording.day(opened), place=where))
    lines = [(_("Unit"), box.unit), (_("Box"), box.box), (_("Seal number"), box.seal)]
    lines += [(_("Scanned as batch"), str(box.batch))]
    yield Paragraph("; ".join(f"{name}: {text}" for name, text in lines if text) + ".")
    yield Heading(_("II. WHO TOOK PART"))
    yield Paragraph("; ".join(f"{role}: {', '.join(names)}" for role, names in _people(box)) + ".")
    yield Paragraph(
        _("None of the persons named above handles procedures of the unit. These do: {names}.").format(
            names=", ".join(box.handle_procedures)
        )
    )


def _counts(box: BoxOpening, sheets: int | None) -> Iterator[Block]:
    yield Heading(_("III. COUNT OF THE BALLOTS"))
    rows = (
        (_("Ballots given out"), wording.count(box.issued)),
        (_("Unused, brought back"), wording.count(box.unused)),
        (_("Spoiled and replaced"), wording.count(box.spoiled)),
        (_("Taken out of the box"), wording.count(box.taken_out)),
        (_("Not returned"), wording.count(box.not_returned)),
        (_("Sheets found in the scan"), wording.count(sheets)),
    )
    yield Grid(_("Ballots of the box"), (_("What"), _("Count")), rows, 3)
    if sheets is not None and sheets != box.taken_out:
        yield Paragraph(_("The scan does not agree with the number taken out of the box."), bold=True)
    elif sheets is not None:
        yield Paragraph(_("The scan agrees with the number taken out of the box."))
    if box.note:
        yield Paragraph(_("Note: {note}").format(note=box.note))


def _closing_words(_box: BoxOpening) -> Iterator[Block]:
    yield Paragraph(_("The minute was read out to the persons named above, who sign it./."))
