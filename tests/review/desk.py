"""An office with sheets to be reviewed, and the page served for it: what the browser tests begin with."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Final

from ballotscan.forms.form import Form
from ballotscan.forms.load import load_form
from ballotscan.model import (
    Answer,
    BatchName,
    BatchSettings,
    Outcome,
    PageRead,
    PageRef,
    Reason,
    Sha256,
    Sheet,
    SheetState,
    SideReading,
    Status,
)
from ballotscan.review.passwords import Passwords
from ballotscan.review.pictures import Pictures
from ballotscan.review.server import make_server
from ballotscan.review.sessions import Sessions
from ballotscan.review.web import Desk
from ballotscan.rules.answers import decide_answers
from ballotscan.settings import Settings, shipped
from ballotscan.store.database import Store, open_store
from ballotscan.store.reviews import Reviews
from ballotscan.store.rows import NewFile
from ballotscan.store.users import Account

SAMPLES: Final = Path(__file__).parents[2] / "samples"
SIDES: Final = tuple(f"scan{number:04d}.jpg" for number in (1, 2, 3, 4, 9, 10))
"""Three real sheets of the small quarter, as single scans; something is written on the last."""

PASSWORD: Final = "một mật khẩu dài"
PEOPLE: Final = {
    "an": ("Nguyễn Văn An", ("reviewer",)),
    "binh": ("Trần Thị Bình", ("reviewer",)),
    "cuong": ("Lê Văn Cường", ("auditor",)),
    "dung": ("Phạm Thị Dung", ("administrator",)),
    "em": ("Hoàng Em", ("operator",)),
}


@cache
def form() -> Form:
    return load_form(shipped("templates") / "appendix-i")


@cache
def read_sides() -> tuple[SideReading, ...]:
    """The real sides, read once for all tests of a process."""
    from ballotscan.forms.prints import load_print
    from ballotscan.intake.files import open_source
    from ballotscan.reading import SideNotRead, read_side
    from ballotscan.vision.reference import build_references

    references = build_references(load_print(shipped("templates") / "appendix-i"))
    found = []
    for name in SIDES:
        with open_source(SAMPLES / "small-quarter" / name) as source:
            page = source.page(1)
            reading = read_side(page, page.bitonal, references)
        assert not isinstance(reading, SideNotRead)
        found.append(reading)
    return tuple(found)


def add_sheets(store: Store, sheets: int, doubtful: int, name: str = "box", file: str = "scan") -> None:
    """A batch of sheets that show the three real ones again and again, the first ``doubtful`` answers of each
    sent to people.
    """
    store.keep_form(form())
    batch = BatchSettings(BatchName(name), ("appendix-i",), "2023-03-10", "hom-phieu", "", "", sheets)
    store.start_batch(batch, "test 1")
    originals = [store.keep_original(SAMPLES / "small-quarter" / side) for side in SIDES]
    decided: list[tuple[Sheet, tuple[int, ...]]] = []
    pages: list[PageRead] = []
    for number in range(sheets):
        pair = [2 * (number % 3), 2 * (number % 3) + 1]
        refs = [PageRef(f"{file}{2 * number + side:05d}.jpg", 1, originals[pair[side]]) for side in (0, 1)]
        pages += [
            PageRead(ref, Sha256(f"{len(pages) + side:064x}"), read_sides()[pair[side]])
            for side, ref in enumerate(refs)
        ]
    store.add_files(name, [NewFile(page.ref.file, page.ref.original, 1) for page in pages])
    keys = store.add_pages(name, pages)
    for number in range(sheets):
        both = pages[2 * number : 2 * number + 2]
        answers = _doubted(decide_answers(form(), [page.reading for page in both]), doubtful)
        state = SheetState.REVIEW if doubtful else SheetState.READ
        places = tuple(page.ref for page in both)
        sheet = Sheet("appendix-i", form().edition, state, None, None, places, answers)
        decided.append((sheet, (keys[2 * number], keys[2 * number + 1])))
    store.add_sheets(name, decided)


def add_halves(store: Store, name: str = "halves") -> None:
    """Front and back of one paper as two incomplete sheets, as after a stack that fell down."""
    batch = BatchSettings(BatchName(name), ("appendix-i",), "2023-03-10", "hom-phieu", "", "", None)
    store.start_batch(batch, "test 1")
    for side in (0, 1):
        original = store.keep_original(SAMPLES / "small-quarter" / SIDES[side])
        ref = PageRef(f"half{side}.jpg", 1, original)
        store.add_file(name, ref.file, original, 1)
        keys = store.add_pages(name, [PageRead(ref, Sha256(f"{900 + side:064x}"), read_sides()[side])])
        places = tuple(ref if number == side else None for number in (0, 1))
        reason = Reason.SIDE_MISSING
        answers = tuple(
            Answer(
                each.id, form().side_of_question[each.id], Outcome.UNREADABLE, (), Status.REVIEW, 0.0, reason
            )
            for each in form().questions
        )
        sheet = Sheet("appendix-i", form().edition, SheetState.INCOMPLETE, reason, None, places, answers)
        store.add_sheets(name, [(sheet, tuple(keys))])


def _doubted(answers: Sequence[Answer], doubtful: int) -> tuple[Answer, ...]:
    sure = {"status": Status.ACCEPTED, "reason": None, "confidence": 0.9998}
    unsure = {"status": Status.REVIEW, "reason": Reason.FAINT, "confidence": 0.75, "outcome": Outcome.UNSURE}
    single = [replace(each, codes=each.codes[:1], outcome=Outcome.ONE) for each in answers]
    return tuple(replace(each, **(unsure if n < doubtful else sure)) for n, each in enumerate(single))  # type: ignore[arg-type]


@dataclass
class Served:
    """The page as it is served: where, and the store behind it."""

    address: str
    reviews: Reviews
    folder: Path
    desk: Desk

    @property
    def database(self) -> Path:
        return self.folder / "ballots.sqlite"


def add_people(reviews: Reviews, folder: Path) -> None:
    """The accounts of PEOPLE; all have one password."""
    passwords = Passwords(folder)
    digest = passwords.set("an", PASSWORD)
    kept = passwords._read()
    passwords._write(dict.fromkeys(PEOPLE, kept["an"]))
    for login, (name, roles) in PEOPLE.items():
        reviews.set_account(Account(login, name, roles, True, digest))


@contextmanager
def serve(folder: Path, **settings: Any) -> Iterator[Served]:
    """Serve the record in a folder from a thread of this process, on a free port."""
    with (
        open_store(folder / "ballots.sqlite", create=False) as store,
        Pictures(store.originals_folder) as pictures,
    ):
        reviews = Reviews(store)
        about = Settings(str(folder / "ballots.sqlite"), folder, **settings)
        desk = Desk(reviews, pictures, Passwords(folder), Sessions("vi"), about)
        with running(desk) as port:
            yield Served(f"http://127.0.0.1:{port}", reviews, folder, desk)


@contextmanager
def running(desk: Desk, tls: tuple[Path | None, Path | None] = (None, None)) -> Iterator[int]:
    """A server in a thread of this process; gives its port."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        server = make_server(desk, [f"127.0.0.1:{port}", f"localhost:{port}"], tls)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.02)
        yield port
        server.should_exit = True
        thread.join(10)


@contextmanager
def office(folder: Path, sheets: int = 3, doubtful: int = 4) -> Iterator[Served]:
    """An office with people and sheets, served."""
    with open_store(folder / "ballots.sqlite") as store:
        add_people(Reviews(store), folder)
        add_sheets(store, sheets, doubtful)
    with serve(folder) as served:
        yield served
