"""What a PDF page's content stream paints, and in which order. Reads the drawing orders, draws nothing."""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import pikepdf
from pikepdf import Array, Dictionary, Name, Object, Stream

from ballotscan.intake.faults import PageFault
from ballotscan.model import Reason

_MAX_CONTENT_BYTES: Final = 20_000_000  # a dense drawing; a scanner's own page needs 100 bytes
_MAX_FORM_DEPTH: Final = 8
_MAX_IMAGES: Final = 5_000  # strips of one row each on an A4 page at 400 dpi
_PAINTS_PATH: Final = {"f", "F", "f*", "B", "B*", "b", "b*", "S", "s"}
_SETS_COLOUR: Final = {"g", "rg", "k", "cs", "sc", "scn"}
_SHOWS_TEXT: Final = {"Tj", "TJ", "'", '"'}
_INVISIBLE_TEXT: Final = {3, 7}
_NO_MARK_ANNOTATIONS: Final = {Name.Link, Name.Popup}
_HIDDEN_FLAGS: Final = 0b100010  # bits Hidden and NoView of an annotation's /F

Matrix = tuple[float, float, float, float, float, float]


@dataclass(frozen=True)
class DrawnImage:
    """An image and where it is drawn. ``matrix`` maps its unit square to points on the page."""

    image: Stream
    matrix: Matrix

    @property
    def box_pt(self) -> tuple[float, float, float, float]:
        """Left, bottom, right, top."""
        a, b, c, d, e, f = self.matrix
        xs, ys = (e, e + a, e + c, e + a + c), (f, f + b, f + d, f + b + d)
        return min(xs), min(ys), max(xs), max(ys)

    def quarter_turns_clockwise(self) -> int:
        """How the matrix turns the image, to the nearest quarter. Raises PageFault where it is mirrored."""
        a, b, c, d, _e, _f = self.matrix
        if a * d - b * c < 0:
            raise PageFault(Reason.MIRRORED, "PDF: the image is drawn mirrored")
        return -round(math.atan2(b, a) / (math.pi / 2)) % 4

    @property
    def area_pt2(self) -> float:
        """Area as drawn, in square points."""
        a, b, c, d, _e, _f = self.matrix
        return abs(a * d - b * c)

    def dpi(self) -> float:
        """Resolution across the image as drawn, in pixels per inch; infinite where it is drawn as nothing."""
        a, b, *_ = self.matrix
        drawn_in = math.hypot(a, b) / 72
        return int(self.image.get("/Width", 0)) / drawn_in if drawn_in > 0 else math.inf


@dataclass(frozen=True)
class PageContent:
    """Everything a page paints. The texts say in English what was found, or are empty."""

    images: tuple[DrawnImage, ...]
    painted_under: str  # visible painting before the first image: an image over the whole page hides it
    painted_over: str  # visible painting after the first image
    annotated: str
    hidden_text: bool  # a text layer that nobody sees
    unplain: str  # anything that makes the picture more than its image: blending, clipping, layers


@dataclass
class _Painter:
    """The part of the graphics state that matters here, and what was found so far."""

    images: list[DrawnImage] = field(default_factory=list)
    under: str = ""
    over: str = ""
    hidden_text: bool = False
    unplain: str = ""
    coloured: bool = False  # whether the pen for stencils was ever given another colour than black

    def paints(self, what: str) -> None:
        if self.images:
            self.over = self.over or what
        else:
            self.under = self.under or what


@dataclass(frozen=True)
class _State:
    matrix: Matrix
    text_mode: int = 0


def read_content(page: pikepdf.Page) -> PageContent:
    """What the page paints, form XObjects included. Raises PageFault where it is damaged or without end."""
    painter = _Painter()
    contents = page.obj.get("/Contents")
    resources = inherited(page.obj, "/Resources")
    if contents is not None:
        for stream in contents if isinstance(contents, Array) else [contents]:
            check_stream_size(stream)
        _paint(painter, page, resources, _State((1, 0, 0, 1, 0, 0)), 0)
    nothing_shown = not (painter.images or painter.under)
    if nothing_shown and _has_images(resources):  # else a lost content stream would read as a blank page
        raise PageFault(Reason.DAMAGED_IMAGE, "PDF: the page has an image and does not draw it")
    return PageContent(
        tuple(painter.images),
        painter.under,
        painter.over,
        _visible_annotation(page.obj),
        painter.hidden_text,
        painter.unplain,
    )


def inherited(node: Object, key: str, default: Any = None) -> Any:
    """A page's own entry, or that of the nearest node above it in the page tree."""
    for _ in range(50):  # deeper page trees do not occur, and a loop must end
        if not isinstance(node, Dictionary):
            break
        if key in node:
            return node[key]
        node = node.get("/Parent", Name.Null)
    return default


def _has_images(resources: Object | None) -> bool:
    held = resources.get("/XObject") if isinstance(resources, Dictionary) else None
    things = [thing for _, thing in held.items()] if isinstance(held, Dictionary) else []
    return any(isinstance(thing, Stream) and thing.get("/Subtype") == Name.Image for thing in things)


def check_stream_size(stream: Object) -> None:
    """Refuse a content stream that would unpack to a flood. Raises PageFault."""
    if not isinstance(stream, Stream):
        raise PageFault(Reason.DAMAGED_IMAGE, "PDF: the page's content is missing")
    unpacked_size(stream, _MAX_CONTENT_BYTES)


def unpacked_size(stream: Stream, limit_bytes: int) -> None:
    """Unpack a stream's Flate layers and throw them away. Raises PageFault past the limit or where cut."""
    filters = stream.get("/Filter", Array([]))
    names = list(filters) if isinstance(filters, Array) else [filters]
    data = stream.read_raw_bytes()
    for name in names:
        if name not in (Name.FlateDecode, Name.Fl) or not data:
            return
        unpacker = zlib.decompressobj()
        try:
            data = unpacker.decompress(data, limit_bytes + 1)
        except zlib.error as error:
            raise PageFault(Reason.DAMAGED_IMAGE, f"PDF: packed data is damaged: {error}") from error
        if len(data) > limit_bytes:
            raise PageFault(
                Reason.RESOURCE_LIMIT, f"PDF: packed data unpacks to more than {limit_bytes} bytes"
            )
        if not unpacker.eof:
            raise PageFault(Reason.CUT_OFF, "PDF: packed data ends too early")


def _paint(painter: _Painter, source: Any, resources: Object | None, state: _State, depth: int) -> None:
    """Follow the drawing orders of a page or a form XObject."""
    stack: list[_State] = []
    for instruction in pikepdf.parse_content_stream(source):
        operands, operator = instruction.operands, str(instruction.operator)
        if operator == "q":
            stack.append(state)
        elif operator == "Q":
            state = stack.pop() if stack else state
        elif operator == "cm":
            state = replace(state, matrix=_multiply(_numbers(operands), state.matrix))
        elif operator == "Tr":
            state = replace(state, text_mode=int(operands[0]))
        elif operator == "Do":
            _paint_object(painter, resources, str(operands[0]), state, depth)
        else:
            _note(painter, operator, operands, resources, state)


def _note(painter: _Painter, operator: str, operands: Any, resources: Object | None, state: _State) -> None:
    """Remember what any other order paints or changes."""
    if operator in _PAINTS_PATH:
        painter.paints("a line or an area")
    elif operator == "sh":
        painter.paints("a shading")
    elif operator in _SHOWS_TEXT:
        if state.text_mode in _INVISIBLE_TEXT:
            painter.hidden_text = True
        else:
            painter.paints("text")
    elif operator == "INLINE IMAGE":
        painter.paints("an image inside the page's content")
    elif operator in ("W", "W*"):
        pass  # a clip can only hide a part of the image, which is taken whole
    elif operator == "gs" and _blends(_resource(resources, "/ExtGState", str(operands[0]))):
        painter.unplain = painter.unplain or "something see-through"
    elif operator in _SETS_COLOUR and _is_colour(operator, operands):
        painter.coloured = True
    elif operator == "BDC" and str(operands[0]) == "/OC":
        painter.unplain = painter.unplain or "a layer"


def _is_colour(operator: str, operands: Any) -> bool:
    """Whether the pen for areas is set to anything but plain black."""
    return not (operator in ("g", "rg") and all(float(value) == 0 for value in operands))


def _paint_object(painter: _Painter, resources: Object | None, name: str, state: _State, depth: int) -> None:
    thing = _resource(resources, "/XObject", name)
    if not isinstance(thing, Stream):
        raise PageFault(Reason.DAMAGED_IMAGE, f"PDF: the image {name} is missing")
    if "/OC" in thing:
        painter.unplain = painter.unplain or "a layer"
    if thing.get("/Subtype") == Name.Image:
        if len(painter.images) >= _MAX_IMAGES:
            raise PageFault(Reason.RESOURCE_LIMIT, f"PDF: more than {_MAX_IMAGES} images on a page")
        painter.images.append(DrawnImage(thing, state.matrix))
        if painter.coloured and thing.get("/ImageMask", False):
            painter.unplain = painter.unplain or "a stencil in colour"
    elif thing.get("/Subtype") == Name.Form:
        if depth >= _MAX_FORM_DEPTH:
            raise PageFault(Reason.RESOURCE_LIMIT, "PDF: drawings inside drawings without end")
        check_stream_size(thing)
        if "/Group" in thing and "/SMask" in thing["/Group"]:
            painter.unplain = painter.unplain or "something see-through"
        inner = replace(
            state, matrix=_multiply(_numbers(thing.get("/Matrix", [1, 0, 0, 1, 0, 0])), state.matrix)
        )
        _paint(painter, thing, thing.get("/Resources", resources), inner, depth + 1)


def _resource(resources: Object | None, kind: str, name: str) -> Object | None:
    group = resources.get(kind) if isinstance(resources, Dictionary) else None
    return group.get(name) if isinstance(group, Dictionary) else None


def _blends(state: Object | None) -> bool:
    """Whether a graphics state makes what is drawn see-through or mixes it with what lies below."""
    if not isinstance(state, Dictionary):
        return False
    opaque = all(float(state.get(key, 1)) >= 1 for key in ("/ca", "/CA"))
    plain = state.get("/BM", Name.Normal) in (Name.Normal, Name.Compatible)
    return not (opaque and plain and state.get("/SMask", Name("/None")) == Name("/None"))


def _visible_annotation(page: Dictionary) -> str:
    annotations = page.get("/Annots")
    if not isinstance(annotations, Array):
        return ""
    for note in annotations:
        if isinstance(note, Dictionary) and _is_visible(note):
            return "a form field" if note.get("/Subtype") == Name.Widget else "an annotation"
    return ""


def _is_visible(note: Mapping[str, Any] | Dictionary) -> bool:
    """A signature's empty field, a link and a hidden note show nothing."""
    if note.get("/Subtype") in _NO_MARK_ANNOTATIONS or int(note.get("/F", 0)) & _HIDDEN_FLAGS:
        return False
    left, bottom, right, top = (float(value) for value in note.get("/Rect", [0, 0, 1, 1]))
    return left != right and bottom != top


def _numbers(operands: Any) -> Matrix:
    a, b, c, d, e, f = (float(value) for value in operands)
    return a, b, c, d, e, f


def _multiply(first: Matrix, then: Matrix) -> Matrix:
    """The matrix that does ``first`` and ``then`` the other (ISO 32000-1, 8.3.4)."""
    a, b, c, d, e, f = first
    g, h, i, j, k, m = then
    return a * g + b * i, a * h + b * j, c * g + d * i, c * h + d * j, e * g + f * i + k, e * h + f * j + m
