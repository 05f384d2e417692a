"""All boxes of a batch in order of their ink, as contact sheets: so that a person sees where the border lies.

    scores and verdicts from the store -> order -> cut each box from the originals -> draw page by page

Some 20 bytes per box are held in memory; the cut boxes wait on the disk beside the output, at the place in
which they will be drawn. Each original is opened once.
"""

from __future__ import annotations

import tempfile
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import chain, count, groupby, islice
from pathlib import Path
from typing import IO, Final, Literal

import numpy as np
import pikepdf
from numpy.typing import NDArray
from PIL import Image

from ballotscan.errors import BallotscanError, StoreError
from ballotscan.forms.form import Form
from ballotscan.i18n import gettext as _
from ballotscan.intake.faults import FileFault, PageFault
from ballotscan.intake.files import OpenFile, open_source
from ballotscan.model import Answer, Mark, SheetId, SideReading, Status
from ballotscan.store.database import Store
from ballotscan.store.rows import Scope, SheetPage
from ballotscan.vision.arrays import Grey, Indices
from ballotscan.vision.contact_sheet import CROP_PX, PER_PAGE, Caption, cut_boxes, draw_contact_sheet
from ballotscan.vision.overlay import Verdict, mask_fields

Stage = Literal["gather", "cut", "draw"]
Tell = Callable[[Stage, int, int], None]

AT_ONCE: Final = 100
"""Readings fetched together: 1 MB."""

BORDER_PAGES: Final = 3
PAGE_DPI: Final = 150.0
PAGES_PER_PART: Final = 20
"""Pages of a PDF drawn in memory together: 130 MB."""

_CROP_BYTES: Final = CROP_PX * CROP_PX
_VERDICTS: Final[tuple[Verdict, ...]] = ("empty", "doubtful", "chosen")
_EMPTY, _DOUBTFUL, _CHOSEN = range(3)


@dataclass(slots=True)
class _Boxes:
    """Every box in stack order. ``page`` counts in ``pages``, ``place`` among the marks of that page."""

    pages: Sequence[SheetPage]
    ink: array[float] = field(default_factory=lambda: array("f"))
    verdict: bytearray = field(default_factory=bytearray)
    page: array[int] = field(default_factory=lambda: array("I"))
    place: array[int] = field(default_factory=lambda: array("H"))
    names: list[tuple[str, ...]] = field(default_factory=list)  # of each page's boxes; shared by like pages
    batches: dict[str, int] = field(default_factory=dict)  # numbered from 1


def make_gallery(
    store: Store,
    scope: Scope,
    forms: Mapping[tuple[str, str], Form],
    output: Path,
    title: str,
    *,
    question: str | None = None,
    masked: bool = True,
    tell: Tell = lambda stage, done, total: None,
) -> int:
    """Write the gallery to a folder (PNG pages) or a PDF; returns how many boxes it shows.

    ``forms`` by id and edition holds all that occur. ``masked``: without what people wrote. The pages around
    the border come first, then all others from the least ink on. Raises ``BallotscanError`` where there is
    nothing to show, and ``StoreError`` where an original is gone.
    """
    boxes = _gather(store, scope, question, tell)
    store.check_originals(page.ref for page in boxes.pages)
    if not boxes.ink:
        raise BallotscanError(_("There are no boxes to show."), _("Scan a batch first, or name another one."))
    order = np.argsort(np.asarray(boxes.ink), kind="stable")
    folder = output.parent if output.suffix.lower() == ".pdf" else output
    with tempfile.TemporaryFile(dir=folder) as crops:
        _cut(store, boxes, order, forms, question, masked, crops, tell)
        pages = _draw(boxes, order, crops, title, tell)
        (_write_pdf if output.suffix.lower() == ".pdf" else _write_pngs)(pages, output)
    return len(boxes.ink)


# --- what is to be shown ---------------------------------------------------------------------------------


def _gather(store: Store, scope: Scope, question: str | None, tell: Tell) -> _Boxes:
    boxes = _Boxes(store.sheet_pages(scope))
    known: dict[tuple[str, ...], tuple[str, ...]] = {}
    last: SheetId | None = None
    answers: dict[str, Answer] = {}
    for number, (page, reading) in enumerate(_readings(store, boxes.pages)):
        tell("gather", number, len(boxes.pages))
        boxes.batches.setdefault(_batch_of(page), len(boxes.batches) + 1)
        if page.sheet != last:
            last, answers = page.sheet, {each.question: each for each in store.answers_of(page.sheet)}
        marks = _wanted(reading, question)
        names = tuple(f"{mark.question}.{mark.option}" for mark in marks)
        boxes.names.append(known.setdefault(names, names))
        for place, mark in enumerate(marks):
            boxes.ink.append(mark.ink)
            boxes.verdict.append(_verdict(answers.get(mark.question), mark))
            boxes.page.append(number)
            boxes.place.append(place)
    return boxes


def _readings(store: Store, pages: Sequence[SheetPage]) -> Iterator[tuple[SheetPage, SideReading]]:
    for start in range(0, len(pages), AT_ONCE):
        part = pages[start : start + AT_ONCE]
        readings = store.readings([page.key for page in part])
        yield from ((page, readings[page.key]) for page in part)


def _wanted(reading: SideReading, question: str | None) -> list[Mark]:
    return [mark for mark in reading.marks if question in (None, mark.question)]


def _verdict(answer: Answer | None, mark: Mark) -> int:
    """The machine's: what people ruled later does not move its border."""
    if answer is None or answer.status is Status.REVIEW:
        return _DOUBTFUL
    return _CHOSEN if mark.option in answer.codes else _EMPTY


def _border(verdicts: NDArray[np.uint8]) -> int:
    """The place in the order that best parts empty boxes from chosen ones; the middle of all equally good."""
    chosen_below = np.concatenate(([0], np.cumsum(verdicts == _CHOSEN)))
    empty_below = np.concatenate(([0], np.cumsum(verdicts == _EMPTY)))
    misplaced = chosen_below + empty_below[-1] - empty_below
    best = np.flatnonzero(misplaced == misplaced.min())
    return int(best[len(best) // 2])


# --- cutting ---------------------------------------------------------------------------------------------


def _cut(
    store: Store,
    boxes: _Boxes,
    order: Indices,
    forms: Mapping[tuple[str, str], Form],
    question: str | None,
    masked: bool,
    crops: IO[bytes],
    tell: Tell,
) -> None:
    """Cut every box, and put it where it stands in the order."""
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    begun = 0
    for done, (reading, marks, scan) in enumerate(_scans(store, boxes.pages, question)):
        tell("cut", done, len(boxes.pages))
        form = forms[reading.form, reading.edition]
        shown = mask_fields(scan, form, reading) if masked else scan
        crops_of_page = cut_boxes(shown, form.sides[reading.side - 1], reading, marks)
        for number, crop in enumerate(crops_of_page, start=begun):
            crops.seek(int(rank[number]) * _CROP_BYTES)
            crops.write(crop.tobytes())
        begun += len(marks)


def _scans(
    store: Store, pages: Sequence[SheetPage], question: str | None
) -> Iterator[tuple[SideReading, list[Mark], Grey]]:
    """Each page that has boxes to show, with its pixels; a file of many pages is opened once."""
    for original, group in groupby(_readings(store, pages), lambda each: each[0].ref.original):
        source: OpenFile | None = None
        try:
            for page, reading in group:
                if marks := _wanted(reading, question):
                    source = source or open_source(store.original_path(original))
                    yield reading, marks, source.page(page.ref.page).grey
        except (FileFault, PageFault) as fault:
            raise StoreError(
                _("{file}: its original can no longer be read.").format(file=page.ref.file),
                _("Put the folder of originals back from the backup."),
            ) from fault
        finally:
            if source is not None:
                source.close()


# --- drawing ---------------------------------------------------------------------------------------------


def _draw(boxes: _Boxes, order: Indices, crops: IO[bytes], title: str, tell: Tell) -> Iterator[Image.Image]:
    """Page by page, those around the border first."""
    border = _border(np.frombuffer(boxes.verdict, np.uint8)[order])
    last = (len(order) - 1) // PER_PAGE
    first = max(0, min(border // PER_PAGE - BORDER_PAGES // 2, last + 1 - BORDER_PAGES))
    around = range(first, min(first + BORDER_PAGES, last + 1))
    rest = (number for number in range(last + 1) if number not in around)
    for done, number in enumerate(chain(around, rest)):
        tell("draw", done, last + 1)
        begin = number * PER_PAGE
        shown = order[begin : begin + PER_PAGE]
        crops.seek(begin * _CROP_BYTES)
        pixels = np.frombuffer(crops.read(len(shown) * _CROP_BYTES), np.uint8)
        head = [_("{title}: page {page} of {count}").format(title=title, page=number + 1, count=last + 1)]
        head += _head(boxes, shown, begin, border)
        captions = [_caption(boxes, int(index)) for index in shown]
        yield draw_contact_sheet(pixels.reshape(-1, CROP_PX, CROP_PX), captions, head)


def _head(boxes: _Boxes, shown: Indices, begin: int, border: int) -> Iterator[str]:
    low, high = boxes.ink[int(shown[0])], boxes.ink[int(shown[-1])]
    line = _("Ink {low:.1f} to {high:.1f} % of the print; chosen green, empty blue, for a person red.")
    if begin < border < begin + len(shown):
        line += " " + _("The border lies on this page, after box {number}.")
    yield line.format(low=100 * low, high=100 * high, number=border - begin)
    if len(boxes.batches) > 1:
        here = {_batch_of(boxes.pages[boxes.page[int(index)]]) for index in shown}
        yield "; ".join(f"{number} = {name}" for name, number in boxes.batches.items() if name in here)


def _batch_of(page: SheetPage) -> str:
    return page.sheet.rpartition("/")[0]


def _caption(boxes: _Boxes, index: int) -> Caption:
    """Ink in hundredths of the print; below it sheet, question and option."""
    page = boxes.pages[boxes.page[index]]
    sheet = f"{int(page.sheet.rpartition('/')[2])}"
    if len(boxes.batches) > 1:
        sheet = f"{boxes.batches[_batch_of(page)]}/{sheet}"
    place = f"{sheet} {boxes.names[boxes.page[index]][boxes.place[index]]}"
    return Caption(f"{100 * boxes.ink[index]:.1f}", place, _VERDICTS[boxes.verdict[index]])


# --- writing ---------------------------------------------------------------------------------------------


def _write_pngs(pages: Iterator[Image.Image], folder: Path) -> None:
    for number, page in enumerate(pages, start=1):
        path = folder / f"{number:05d}.png"
        path.touch(mode=0o600)  # ballots are their owner's only
        page.save(path)


def _write_pdf(pages: Iterator[Image.Image], output: Path) -> None:
    """In parts, joined at the end: a PDF of thousands of pages would not fit into memory."""
    with ExitStack() as opened, pikepdf.new() as whole:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(dir=output.parent)))
        for number in count():
            part = list(islice(pages, PAGES_PER_PART))
            if not part:
                break
            path = folder / f"{number}.pdf"
            part[0].save(path, save_all=True, append_images=part[1:], resolution=PAGE_DPI)
            whole.pages.extend(opened.enter_context(pikepdf.open(path)).pages)
        output.touch(mode=0o600)
        whole.save(output)
