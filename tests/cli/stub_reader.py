"""A reader for tests of everything around the reading: tiny pages that say outright what is on them.

The first pixels of a page hold its kind, side, serial and marked option, so that whole stacks are scanned in
milliseconds, through the real intake, rules and store.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

import numpy as np
from PIL import Image

from ballotscan.forms.form import Form, Side
from ballotscan.forms.load import load_form, shipped_templates
from ballotscan.model import Mark, PageState, Reason, SideReading
from ballotscan.page_work import Worker
from ballotscan.reading import SideNotRead
from ballotscan.vision.page import as_scan

TWO_SIDED = shipped_templates() / "appendix-i"
ONE_SIDED = shipped_templates() / "hue-2019"
FORMS = {1: "appendix-i", 2: "hue-2019"}
_CLEAR = {"outline": 0.95, "weakest_side": 1.0, "next_side": 1.0, "held": 1.0, "nothing": 1.0}
_MARKED = {"ink": 0.4, "peak": 0.9, "cover": 0.4, "extent": 0.9, "choice": 1.0, "nothing": 0.0}


def page(form: int, side: int = 1, *, serial: int = 0, option: int = 0, seed: int = 0) -> Image.Image:
    """A page of form 1 (two sides), 2 (one side), 0 (blank) or 3 (some other form)."""
    pixels = np.random.default_rng(seed).integers(0, 256, (40, 30), dtype=np.uint8)
    pixels[0, :4] = (form, side, serial, option)
    return Image.fromarray(pixels)


def write_stack(path: Path, pages: Sequence[Image.Image]) -> Path:
    """One page as PNG, several as TIFF."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".png":
        pages[0].save(path)
    else:
        pages[0].save(path, save_all=True, append_images=pages[1:], compression="tiff_lzw")
    return path


@dataclass(frozen=True)
class StubReference:
    form: Form
    side: Side


def read_stub(scan: Any, bitonal: bool, references: Sequence[Any]) -> SideReading | SideNotRead:
    form, number, serial, option = (int(value) for value in as_scan(scan).grey[0, :4])
    if form == 0:
        return SideNotRead(PageState.NON_BALLOT, Reason.BLANK_PAGE, "")
    of_form = [reference for reference in references if reference.form.id == FORMS.get(form)]
    found = next((reference for reference in of_form if reference.side.number == number), None)
    if found is None:
        return SideNotRead(PageState.SET_ASIDE, Reason.NOT_THIS_FORM, "")
    return SideReading(
        form=found.form.id,
        edition=found.form.edition,
        side=number,
        engine="stub",
        rotation_deg=0.0,
        scale_x=1.0,
        scale_y=1.0,
        dpi=300.0,
        fit=1.0,
        bitonal=bitonal,
        code=None,
        serial=f"S{serial}" if serial else None,
        marks=tuple(_marks(found.form, found.side, option)),
        fields=(),
        flags=(),
        map_px=(1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0),
    )


def _marks(form: Form, side: Side, option: int) -> Iterator[Mark]:
    for box in side.boxes:
        options = form.question(box.question).options
        chosen = options[option % len(options)].code == box.option
        values: dict[str, Any] = {each.name: 0.0 for each in fields(Mark)[2:]}
        yield Mark(box.question, box.option, **(values | _CLEAR | (_MARKED if chosen else {})))


class PoolHere:
    """Stands for ``WorkerPool``: the same work in this process, with forms but without their pictures."""

    starts = 0  # how often one was told that there will be work

    def __init__(
        self,
        initialise: Any,
        initialise_args: tuple[Any, ...],
        function: Callable[[Any, Any], Any],
        workers: int,
        limits: Any,
    ) -> None:
        folders, read = initialise_args
        forms = [load_form(folder) for folder in folders]
        references = tuple(StubReference(form, side) for form in forms for side in form.sides)
        self._worker = Worker(references, read)  # type: ignore[arg-type]
        self._function = function

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_fault: object) -> None:
        self._worker.close()

    def start(self) -> None:
        PoolHere.starts += 1

    def run(self, tasks: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
        for task in tasks:
            yield task, self._function(self._worker, task)
