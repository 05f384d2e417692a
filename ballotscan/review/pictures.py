"""Pictures of what people are asked about, cut out of the originals by a worker that is walled in.

The worker opens the original and sends back grey pixels of the size that was asked for; the PNG is made here,
from those, so nothing of the file itself ever reaches a browser. What people wrote is grey, unless it is what
is asked for.
"""

from __future__ import annotations

import struct
import threading
import zlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from ballotscan.forms.form import Form, Rect, Side
from ballotscan.intake.faults import FileFault, PageFault
from ballotscan.intake.workers import Limits, WorkerFault, WorkerPool
from ballotscan.model import Reason
from ballotscan.privacy import WRITTEN_IN

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Grey = NDArray[np.uint8]

CLIP_DPI: Final = 200.0
SHEET_DPI: Final = 110.0
BOX_PX: Final = 72
BOX_MM: Final = 9.0
TILES_AT_MOST: Final = 12
_HIDDEN: Final = 200
_HIDE_MARGIN_MM: Final = 3.0  # as ``vision.overlay`` has it
_PAGES_OPEN: Final = 6  # of 9 MB each: a sheet's sides, and those of the next ones
_KEPT: Final = 400  # PNGs of some 40 kB: those of the next cards, and of the last ones for going back
_MM_PER_INCH: Final = 25.4
_WALL_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Cut:
    """Rectangles of the form (mm) to be cut out of a page; ``hide`` is painted over.

    ``map_px``: see ``SideReading``. Several rectangles become tiles of BOX_PX in a row.
    """

    path: Path
    page: int
    map_px: tuple[float, ...]
    rects: tuple[Rect, ...]
    dpi: float
    hide: tuple[Rect, ...] = ()


@dataclass(frozen=True, slots=True)
class WholePage:
    """A page as it lies, of which the form was not found: at most ``longest_px`` on its longer side."""

    path: Path
    page: int
    longest_px: int = 1400


@dataclass(frozen=True, slots=True)
class ReadText:
    """What tesseract makes of one rectangle: a suggestion for the person who types it."""

    path: Path
    page: int
    map_px: tuple[float, ...]
    rect: Rect


@dataclass(frozen=True, slots=True)
class Picture:
    """Grey pixels, row by row."""

    width: int
    height: int
    grey: bytes

    def png(self) -> bytes:
        """As a PNG of 8 bits (ISO/IEC 15948)."""
        if len(self.grey) != self.width * self.height:  # whatever took the worker over: this is no picture
            raise ValueError("the picture has another size than it says")
        rows = (self.grey[start : start + self.width] for start in range(0, len(self.grey), self.width))
        head = struct.pack(">IIBBBBB", self.width, self.height, 8, 0, 0, 0, 0)
        data = zlib.compress(b"".join(b"\0" + row for row in rows), 1)
        chunks = ((b"IHDR", head), (b"IDAT", data), (b"IEND", b""))
        return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, body) for kind, body in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


@dataclass(frozen=True, slots=True)
class NoPicture:
    """The original can no longer be read."""

    reason: Reason


Task = Cut | WholePage | ReadText
Made = Picture | NoPicture | str


def written_in(form: Form, side: Side, but: str = "") -> tuple[Rect, ...]:
    """Where people write on a side, with a margin: it may say who they are. ``but``: the field asked for."""
    kinds = {each.id for each in form.fields if each.kind in WRITTEN_IN and each.id != but}
    return tuple(_grown(place.rect, _HIDE_MARGIN_MM) for place in side.fields if place.field in kinds)


def _grown(rect: Rect, by_mm: float) -> Rect:
    return Rect(rect.x_mm - by_mm, rect.y_mm - by_mm, rect.w_mm + 2 * by_mm, rect.h_mm + 2 * by_mm)


# --- the worker -------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Pages:
    """The pages that the worker has at hand."""

    open: OrderedDict[tuple[Path, int], Grey] = field(default_factory=OrderedDict)

    def grey(self, path: Path, page: int) -> Grey:
        key = (path, page)
        if key not in self.open:
            from ballotscan.intake.files import open_source

            with open_source(path) as source:
                self.open[key] = source.page(page).grey
            while len(self.open) > _PAGES_OPEN:
                self.open.popitem(last=False)
        self.open.move_to_end(key)
        return self.open[key]


def start_worker() -> _Pages:
    """A worker with no page open; what it needs is loaded before the walls go up."""
    import cv2  # noqa: F401

    import ballotscan.intake.files
    import ballotscan.vision.flat
    import ballotscan.vision.ocr  # noqa: F401

    return _Pages()


def do_task(pages: _Pages, task: Task) -> Made:
    """One picture or text. An original that cannot be read is a result."""
    try:
        scan = pages.grey(task.path, task.page)
    except (FileFault, PageFault) as fault:
        return NoPicture(fault.reason)
    if isinstance(task, WholePage):
        return _as_picture(_shrunk(scan, task.longest_px))
    if isinstance(task, ReadText):
        from ballotscan.vision.ocr import OCR_DPI, read_block

        return read_block(_cut_out(scan, task.map_px, task.rect, OCR_DPI))[0]
    if len(task.rects) == 1:
        return _as_picture(_hidden(_cut_out(scan, task.map_px, task.rects[0], task.dpi), task))
    return _as_picture(_tiles(scan, task))


def _cut_out(scan: Grey, map_px: Sequence[float], rect: Rect, dpi: float) -> Grey:
    import numpy as np

    from ballotscan.vision.flat import cut_out

    return cut_out(scan, np.array(map_px).reshape(3, 3), rect, dpi)


def _tiles(scan: Grey, task: Cut) -> Grey:
    import numpy as np

    tiles = [_cut_out(scan, task.map_px, rect, BOX_PX / rect.w_mm * _MM_PER_INCH) for rect in task.rects]
    return np.hstack([tile[:BOX_PX, :BOX_PX] for tile in tiles])


def _hidden(picture: Grey, task: Cut) -> Grey:
    """The picture with what is not to be seen painted over."""
    here, scale = task.rects[0], task.dpi / _MM_PER_INCH
    for rect in task.hide:
        left, top = (rect.x_mm - here.x_mm) * scale, (rect.y_mm - here.y_mm) * scale
        right, bottom = left + rect.w_mm * scale, top + rect.h_mm * scale
        picture[max(0, round(top)) : max(0, round(bottom)), max(0, round(left)) : max(0, round(right))] = (
            _HIDDEN
        )
    return picture


def _shrunk(scan: Grey, longest_px: int) -> Grey:
    import cv2
    import numpy as np

    share = min(1.0, longest_px / max(scan.shape))
    size = (max(1, round(scan.shape[1] * share)), max(1, round(scan.shape[0] * share)))
    return np.asarray(cv2.resize(scan, size, interpolation=cv2.INTER_AREA), np.uint8)


def _as_picture(grey: Grey) -> Picture:
    return Picture(int(grey.shape[1]), int(grey.shape[0]), grey.tobytes())


# --- the program ------------------------------------------------------------------------------------------


class Pictures:
    """Makes pictures one after the other, and keeps the last ones. Use in ``with``."""

    def __init__(self, originals: Path) -> None:
        self._pool: WorkerPool[_Pages, Task, Made] = WorkerPool(
            start_worker, (), do_task, 1, Limits(wall_s=_WALL_S, readable=(originals,))
        )
        self._kept: OrderedDict[Task, Picture | str] = OrderedDict()
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        self._pool.__enter__()
        self._pool.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.__exit__(kind, fault, trace)

    def picture(self, task: Cut | WholePage) -> Picture | None:
        """The picture, or ``None`` where the original cannot be read."""
        made = self._make(task)
        return made if isinstance(made, Picture) else None

    def text(self, task: ReadText) -> str:
        """What tesseract suggests; nothing where it is not installed or reads nothing."""
        made = self._make(task)
        return made if isinstance(made, str) else ""

    def _make(self, task: Task) -> Picture | str | None:
        with self._lock:
            if task in self._kept:
                self._kept.move_to_end(task)
                return self._kept[task]
            ((_task, made),) = self._pool.run([task])
            if isinstance(made, NoPicture | WorkerFault):
                return None
            self._kept[task] = made
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
            return made
