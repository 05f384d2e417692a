"""Small values to store: pages, sheets, batches."""

from __future__ import annotations

import hashlib
from dataclasses import fields
from pathlib import Path

from ballotscan.model import (
    Answer,
    BatchName,
    BatchSettings,
    FieldReading,
    Mark,
    Outcome,
    PageNotRead,
    PageRead,
    PageRef,
    PageState,
    Reason,
    Sha256,
    Sheet,
    SheetState,
    SideReading,
    Status,
)
from ballotscan.store.database import Store

MEASURES = len(fields(Mark)) - 2


def sha(text: str) -> Sha256:
    return Sha256(hashlib.sha256(text.encode()).hexdigest())


def settings(name: str = "box", **changes: object) -> BatchSettings:
    values: dict[str, object] = {
        "name": BatchName(name),
        "forms": ("hue",),
        "received": "2023-03-01",
        "channel": "hom-phieu",
        "unit": "Một cửa",
        "linh_vuc": "",
        "expect": None,
    }
    return BatchSettings(**(values | changes))  # type: ignore[arg-type]


def ref(page: int = 1, file: str = "scan.pdf") -> PageRef:
    return PageRef(file, page, sha(file))


def mark(question: str = "1", option: str = "1", value: float = 0.5) -> Mark:
    return Mark(question, option, *[value] * MEASURES)


def side_reading(side: int = 1, serial: str | None = None, marks: tuple[Mark, ...] = ()) -> SideReading:
    return SideReading(
        form="hue",
        edition="2019",
        side=side,
        engine="test 1",
        rotation_deg=0.25,
        scale_x=1.001,
        scale_y=0.999,
        dpi=199.9,
        fit=0.97,
        bitonal=False,
        code=None,
        serial=serial,
        marks=marks or (mark(), mark(option="2", value=0.0)),
        fields=(FieldReading("title", "PHIẾU KHẢO SÁT", 0.93, 10.0, 20.5, 300.0, 40.0, 0.125),),
        flags=(Reason.POOR_FIT,),
        map_px=(7.87, 0.0, 1.5, 0.0, 7.87, 2.5, 1e-7, 0.0, 1.0),
    )


def page(number: int = 1, side: int = 1, file: str = "scan.pdf", serial: str | None = None) -> PageRead:
    return PageRead(ref(number, file), sha(f"image {file} {number}"), side_reading(side, serial))


def bad_page(
    number: int,
    *,
    file: str = "scan.pdf",
    state: PageState = PageState.SET_ASIDE,
    reason: Reason = Reason.DAMAGED_IMAGE,
    form: str | None = None,
    side: int | None = None,
) -> PageNotRead:
    image = sha(f"image {file} {number}") if number else None
    return PageNotRead(ref(number, file), image, state, reason, "no end", form, form and "2019", side)


def answer(question: str, code: str = "1", side: int = 1, *, open_: bool = False) -> Answer:
    if open_:
        return Answer(question, side, Outcome.UNSURE, (code,), Status.REVIEW, 0.41, Reason.FAINT)
    return Answer(question, side, Outcome.ONE, (code,), Status.ACCEPTED, 0.99, None)


def sheet(*pages: PageRef | None, doubtful: tuple[str, ...] = (), state: SheetState | None = None) -> Sheet:
    """A sheet of questions 1 to 3, all on the last side."""
    return Sheet(
        form="hue",
        edition="2019",
        state=state or (SheetState.REVIEW if doubtful else SheetState.READ),
        reason=None,
        serial=None,
        pages=pages,
        answers=tuple(answer(name, side=len(pages) or 1, open_=name in doubtful) for name in "123"),
    )


def fill(store: Store, pages: int = 3, name: str = "box", doubtful: tuple[str, ...] = ("2",)) -> None:
    """A batch of one-sided sheets in one file; the first has doubtful answers."""
    file = f"{name}.pdf"
    store.start_batch(settings(name), "test 1")
    store.add_file(name, file, sha(file), pages)
    keys = store.add_pages(name, [page(number, file=file) for number in range(1, pages + 1)])
    sheets = [
        (sheet(ref(number, file), doubtful=doubtful if number == 1 else ()), (key,))
        for number, key in enumerate(keys, start=1)
    ]
    store.add_sheets(name, sheets)


def database(folder: Path) -> Path:
    return folder / "ballots.sqlite"
