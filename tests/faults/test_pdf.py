"""Cases 5 to 7 and 11 to 15: what is wrong inside a PDF that opens well."""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name, Stream, String
from PIL import Image

from ballotscan.intake.faults import PageFault
from ballotscan.intake.files import open_source
from ballotscan.intake.workers import Limits, WorkerFault, run_tasks
from ballotscan.model import Reason
from tests.faults.making import (
    HEIGHT_PX,
    OVER_THE_PAGE,
    WIDTH_PX,
    Grey,
    add_page,
    bitonal_picture,
    encoded,
    far_apart,
    file_fault,
    flate,
    image_object,
    jpeg,
    jpeg_image,
    made_pdf,
    outcomes,
    page_fault,
    page_of,
    picture,
    scan_pdf,
)

NAMED_FONT = Dictionary(F1=Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica))


def grey_image(pdf: pikepdf.Pdf, **entries: Any) -> Stream:
    return image_object(pdf, flate(picture().tobytes()), Name.FlateDecode, **entries)


def one_page(path: Path, content: bytes, **page_entries: Any) -> Path:
    """A page that draws a healthy scan by this content."""

    def make(pdf: pikepdf.Pdf) -> None:
        page = add_page(pdf, {"Im0": jpeg_image(pdf, jpeg())}, content, **page_entries)
        page["/Resources"]["/Font"] = NAMED_FONT

    return made_pdf(path, make)


# --- 5 to 7: the image itself -------------------------------------------------------------------------------


@pytest.mark.parametrize("cut", [3, 300, 3000])
@pytest.mark.parametrize("end", [b"", b"\xff\xd9"], ids=["cut", "cut and closed"])
@pytest.mark.parametrize("progressive", [False, True])
def test_case_05_jpeg_stream_inside_pdf_cut_off(
    tmp_path: Path, cut: int, end: bytes, progressive: bool
) -> None:
    bad = jpeg(1, progressive=progressive)[:-cut] + end
    path = scan_pdf(tmp_path / "a.pdf", jpeg(0), bad, jpeg(2))
    assert outcomes(path) == [None, Reason.CUT_OFF, None]


def test_case_05_one_of_a_hundred(tmp_path: Path) -> None:
    stack = [jpeg(seed) for seed in range(100)]
    stack[36] = stack[36][: len(stack[36]) // 2]
    found = outcomes(scan_pdf(tmp_path / "a.pdf", *stack))
    assert found == [None] * 36 + [Reason.CUT_OFF] + [None] * 63


def test_case_05_progressive_jpeg_that_lacks_its_last_scans(tmp_path: Path) -> None:
    whole = jpeg(0, progressive=True)
    scans = [at for at in range(len(whole) - 1) if whole[at : at + 2] == b"\xff\xda"]
    assert len(scans) > 3
    for at in scans[1:]:
        assert outcomes(scan_pdf(tmp_path / "a.pdf", whole[:at] + b"\xff\xd9")) == [Reason.CUT_OFF]


def test_case_05_cut_off_image_among_several_is_found_before_the_renderer_hides_it(tmp_path: Path) -> None:
    def make(pdf: pikepdf.Pdf) -> None:
        halves = {"Im0": jpeg_image(pdf, jpeg(0)), "Im1": jpeg_image(pdf, jpeg(1)[:-500])}
        add_page(pdf, halves, b"q 595 0 0 421 0 421 cm /Im0 Do Q q 595 0 0 421 0 0 cm /Im1 Do Q")

    assert outcomes(made_pdf(tmp_path / "a.pdf", make)) == [Reason.CUT_OFF]


def test_case_05_packed_samples_cut_off(tmp_path: Path) -> None:
    packed = flate(picture().tobytes())

    def make(pdf: pikepdf.Pdf) -> None:
        for data in (
            packed[:-100],
            flate(picture().tobytes()[:-5000]),
            packed[:-4] + b"abcd",
            b"not packed",
        ):
            add_page(pdf, {"Im0": image_object(pdf, data, Name.FlateDecode)})

    assert outcomes(made_pdf(tmp_path / "a.pdf", make)) == [
        Reason.CUT_OFF,
        Reason.CUT_OFF,
        Reason.DAMAGED_IMAGE,
        Reason.DAMAGED_IMAGE,
    ]


@pytest.mark.parametrize("length", [8, 60, 400])
def test_case_06_jpeg_stream_damaged_in_the_middle(tmp_path: Path, length: int) -> None:
    """Whole pages, damaged so that no decoder notices: ``test_damage.py``."""
    whole = jpeg(1)
    at = len(whole) // 2
    torn = whole[:at] + bytes([0xFF, 0xC8] * (length // 2)) + whole[at + length :]
    assert outcomes(scan_pdf(tmp_path / "a.pdf", jpeg(0), torn))[1] in (Reason.DAMAGED_IMAGE, Reason.CUT_OFF)


@pytest.mark.parametrize(
    "filling", [b"\0", b"\xff", b"\x5a", b"\x00\x10\x01"], ids=["zeros", "ones", "noise", "end mark"]
)
@pytest.mark.parametrize("share", [0.05, 0.5, 0.95])
def test_case_06_fax_stream_damaged_in_the_middle(tmp_path: Path, filling: bytes, share: float) -> None:
    """An end mark in the middle is taken without a word by libtiff, and the rest of the page is white."""
    data = bytearray(fax_bytes())
    at = int(len(data) * share)
    data[at : at + 30] = (filling * 30)[:30]

    def make(pdf: pikepdf.Pdf) -> None:
        add_page(pdf, {"Im0": fax_image(pdf, bytes(data[: len(fax_bytes())]))})

    assert set(outcomes(made_pdf(tmp_path / "a.pdf", make))) <= {Reason.DAMAGED_IMAGE, Reason.CUT_OFF}


def test_case_06_fax_stream_without_an_end_mark_is_read(tmp_path: Path) -> None:
    """PDF allows it (EndOfBlock false)."""
    without = without_end_mark(fax_bytes())
    assert without != fax_bytes()

    def make(pdf: pikepdf.Pdf) -> None:
        add_page(pdf, {"Im0": fax_image(pdf, without, EndOfBlock=False)})

    assert far_apart(page_of(made_pdf(tmp_path / "a.pdf", make)).grey, bitonal_picture()) == 0


def test_case_06_fax_stream_with_rows_missing_or_too_many(tmp_path: Path) -> None:
    def make(pdf: pikepdf.Pdf) -> None:
        for rows in (slice(0, -1), slice(5, None)):
            add_page(pdf, {"Im0": fax_image(pdf, fax_bytes(bitonal_picture()[rows]))})
        taller = np.vstack([bitonal_picture(), bitonal_picture()[:4]])
        add_page(pdf, {"Im0": fax_image(pdf, fax_bytes(taller))})

    assert outcomes(made_pdf(tmp_path / "a.pdf", make)) == [Reason.CUT_OFF] * 3


def fax_bytes(grey: Grey | None = None) -> bytes:
    """The group 4 code of a picture, out of a TIFF of one strip. Pillow writes fax white for 0."""
    negative = Image.fromarray(255 - (bitonal_picture() if grey is None else grey)).convert("1")
    whole = encoded(negative, "TIFF", compression="group4", strip_size=10**6)
    with Image.open(io.BytesIO(whole)) as opened:
        ((offset,), (count,)) = opened.tag_v2[273], opened.tag_v2[279]  # type: ignore[attr-defined]
    return whole[offset : offset + count]


def without_end_mark(code: bytes) -> bytes:
    """The code up to its end mark, which is its last 24 bits before the padding."""
    bits = bin(int.from_bytes(b"\1" + code, "big"))[3:]
    bits = bits[: bits.rindex("000000000001" * 2)]
    return int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8), "big")


def fax_image(pdf: pikepdf.Pdf, data: bytes, **parameters: Any) -> Stream:
    parms = Dictionary(K=-1, Columns=WIDTH_PX, Rows=HEIGHT_PX, **parameters)
    return image_object(pdf, data, Name.CCITTFaxDecode, DecodeParms=parms, BitsPerComponent=1)


def test_case_07_image_stream_empty_or_missing(tmp_path: Path) -> None:
    def make(pdf: pikepdf.Pdf) -> None:
        add_page(pdf, {"Im0": jpeg_image(pdf, jpeg())})
        add_page(pdf, {"Im0": jpeg_image(pdf, b"")})
        add_page(pdf, {"Im0": image_object(pdf, b"", Name.FlateDecode)})
        add_page(pdf, {"Im0": image_object(pdf, flate(b""), Name.FlateDecode)})
        add_page(pdf, {"Im0": image_object(pdf, b"")})
        add_page(pdf, {})  # the content draws an image that the page does not have
        add_page(pdf, {"Im0": Dictionary(Subtype=Name.Image)})

    found = outcomes(made_pdf(tmp_path / "a.pdf", make))
    assert found[0] is None
    assert set(found[1:]) <= {Reason.DAMAGED_IMAGE, Reason.CUT_OFF}


def test_case_07_object_that_is_not_in_the_file(tmp_path: Path) -> None:
    """A reference to nothing is ``null`` in PDF, and the page would be white."""
    for lost in ("/Im0", "/Contents"):
        path = scan_pdf(tmp_path / "a.pdf")
        with pikepdf.open(path, allow_overwriting_input=True) as pdf:
            pdf.save(
                tmp_path / "plain.pdf", object_stream_mode=pikepdf.ObjectStreamMode.disable, static_id=True
            )
        assert outcomes(without_object(tmp_path / "plain.pdf", lost)) == [Reason.DAMAGED_IMAGE]


def without_object(path: Path, key: str) -> Path:
    """Make the entry ``key`` refer to an object that does not exist."""
    data = path.read_bytes()
    start = data.index(f"{key} ".encode()) + len(key) + 1
    end = data.index(b" 0 R", start)
    path.write_bytes(data[:start] + b"9" * (end - start) + data[end:])
    return path


def test_a_page_with_nothing_on_it_is_a_blank_page(tmp_path: Path) -> None:
    def make(pdf: pikepdf.Pdf) -> None:
        add_page(pdf, {}, b"")
        page = add_page(pdf, {}, b"")
        del page["/Contents"]
        add_page(pdf, {}, b"q Q 1 1 1 rg")

    path = made_pdf(tmp_path / "a.pdf", make)
    assert outcomes(path) == [None] * 3
    assert page_of(path, 2).grey.min() == 255


# --- 11: drawn on in software -------------------------------------------------------------------------------

MARK = b" 0 0 1 RG 3 w 100 100 m 120 120 l S"
TEXT = b" BT /F1 12 Tf 100 100 Td (X) Tj ET"


@pytest.mark.parametrize(
    "drawing",
    [
        MARK,
        b" 0 g 100 100 12 12 re f",
        b" 1 1 1 rg 100 100 200 200 re f",  # white over marks hides them
        b" 1 1 1 rg 100 100 m 200 100 l 150 200 l b*",
        TEXT,
        b" BT /F1 12 Tf 1 Tr 100 100 Td [(X)] TJ ET",
        b" BT /F1 12 Tf 100 100 Td (X) ' ET",
        b" q 10 0 0 10 100 100 cm BI /W 1 /H 1 /BPC 8 /CS /G ID \x00 EI Q",
    ],
)
def test_case_11_drawing_over_a_scan(tmp_path: Path, drawing: bytes) -> None:
    assert page_fault(one_page(tmp_path / "a.pdf", OVER_THE_PAGE + drawing)).reason is Reason.DRAWN_ON


def test_case_11_drawing_inside_a_form_object(tmp_path: Path) -> None:
    def make(pdf: pikepdf.Pdf) -> None:
        drawing = Stream(pdf, MARK)
        drawing.stream_dict = Dictionary(Type=Name.XObject, Subtype=Name.Form, BBox=Array([0, 0, 595, 842]))
        add_page(pdf, {"Im0": jpeg_image(pdf, jpeg()), "Fm0": drawing}, OVER_THE_PAGE + b" /Fm0 Do")

    assert page_fault(made_pdf(tmp_path / "a.pdf", make)).reason is Reason.DRAWN_ON


def annotation(kind: str, **entries: Any) -> Dictionary:
    return Dictionary(Type=Name.Annot, Subtype=Name(f"/{kind}"), Rect=Array([100, 100, 120, 120]), **entries)


@pytest.mark.parametrize("kind", ["Ink", "Stamp", "FreeText", "Square", "Highlight", "Widget", "Text"])
def test_case_11_annotations_and_form_fields(tmp_path: Path, kind: str) -> None:
    notes = Array([annotation(kind)])
    assert page_fault(one_page(tmp_path / "a.pdf", OVER_THE_PAGE, Annots=notes)).reason is Reason.DRAWN_ON


def test_case_11_annotations_that_show_nothing_do_no_harm(tmp_path: Path) -> None:
    signature = annotation("Widget", FT=Name.Sig)
    signature["/Rect"] = Array([0, 0, 0, 0])
    notes = Array([signature, annotation("Link"), annotation("Stamp", F=2)])
    assert outcomes(one_page(tmp_path / "a.pdf", OVER_THE_PAGE, Annots=notes)) == [None]


@pytest.mark.parametrize("under", [b" 1 g 0 0 595 842 re f ", TEXT, MARK])
def test_case_11_what_an_image_over_the_whole_page_hides_does_no_harm(tmp_path: Path, under: bytes) -> None:
    path = one_page(tmp_path / "a.pdf", under + b" " + OVER_THE_PAGE)
    assert far_apart(page_of(path).grey, picture()) < 60


def test_case_11_what_shows_beside_a_small_image_is_drawn_on(tmp_path: Path) -> None:
    path = one_page(tmp_path / "a.pdf", MARK + b" q 500 0 0 700 40 70 cm /Im0 Do Q")
    assert page_fault(path).reason is Reason.DRAWN_ON


@pytest.mark.parametrize("content", [TEXT, MARK, TEXT + b" q 100 0 0 50 40 700 cm /Im0 Do Q"])
def test_case_11_a_document_made_by_a_program_is_no_scan(tmp_path: Path, content: bytes) -> None:
    assert page_fault(one_page(tmp_path / "a.pdf", content)).reason is Reason.NOT_A_SCAN


def test_several_strips_and_an_unseen_text_layer_are_rendered(tmp_path: Path) -> None:
    def make(pdf: pikepdf.Pdf) -> None:
        upper, lower = picture()[:176], picture()[176:]
        strips = {
            "Im0": image_object(pdf, flate(upper.tobytes()), Name.FlateDecode, Height=176),
            "Im1": image_object(pdf, flate(lower.tobytes()), Name.FlateDecode, Height=HEIGHT_PX - 176),
        }
        size = WIDTH_PX / 150 * 72, HEIGHT_PX / 150 * 72
        low = (HEIGHT_PX - 176) / 150 * 72
        draw = f"q {size[0]} 0 0 {size[1] - low} 0 {low} cm /Im0 Do Q q {size[0]} 0 0 {low} 0 0 cm /Im1 Do Q"
        page = add_page(pdf, strips, draw.encode(), MediaBox=Array([0, 0, *size]))
        page = add_page(
            pdf, {"Im0": grey_image(pdf)}, b"BT 3 Tr /F1 9 Tf 9 9 Td (hidden) Tj ET " + OVER_THE_PAGE
        )
        page["/Resources"]["/Font"] = NAMED_FONT

    path = made_pdf(tmp_path / "a.pdf", make)
    strips = page_of(path, 1)
    assert np.abs(strips.grey[:HEIGHT_PX, :WIDTH_PX].astype(int) - picture()).mean() < 3
    assert strips.dpi_tag == 150
    layered = np.asarray(
        Image.fromarray(page_of(path, 2).grey).resize((WIDTH_PX, HEIGHT_PX), Image.Resampling.BOX)
    )
    assert np.abs(layered.astype(int) - picture()).mean() < 8


@pytest.mark.skipif(find_spec("pypdfium2") is None, reason="pypdfium2 is installed where poppler is not")
def test_pages_are_rendered_by_pdfium_where_poppler_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def make(pdf: pikepdf.Pdf) -> None:
        page = add_page(
            pdf, {"Im0": grey_image(pdf)}, b"BT 3 Tr /F1 9 Tf 9 9 Td (hidden) Tj ET " + OVER_THE_PAGE
        )
        page["/Resources"]["/Font"] = NAMED_FONT

    path = made_pdf(tmp_path / "a.pdf", make)
    by_poppler = page_of(path).grey.astype(int)
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    by_pdfium = page_of(path).grey
    height, width = (min(sizes) for sizes in zip(by_poppler.shape, by_pdfium.shape, strict=True))
    assert np.abs(by_poppler[:height, :width] - by_pdfium[:height, :width]).mean() < 8


# --- 12: active content -------------------------------------------------------------------------------------


def script() -> Dictionary:
    return Dictionary(S=Name.JavaScript, JS=String("app.alert(1)"))


def with_attachment(pdf: pikepdf.Pdf, _page: Dictionary) -> None:
    pdf.attachments["evil.exe"] = b"MZ"


def put_in_root(key: str, make: Callable[[], Any]) -> Callable[[pikepdf.Pdf, Dictionary], None]:
    def put(pdf: pikepdf.Pdf, _page: Dictionary) -> None:
        pdf.Root[key] = make()

    return put


def put_in_page(key: str, make: Callable[[], Any]) -> Callable[[pikepdf.Pdf, Dictionary], None]:
    def put(_pdf: pikepdf.Pdf, page: Dictionary) -> None:
        page[key] = make()

    return put


ACTIVE = {
    "script on opening": put_in_root("/OpenAction", script),
    "program on opening": put_in_root("/OpenAction", lambda: Dictionary(S=Name.Launch, F=String("calc.exe"))),
    "named script": put_in_root(
        "/Names", lambda: Dictionary(JavaScript=Dictionary(Names=Array([String("a"), script()])))
    ),
    "script on closing": put_in_root("/AA", lambda: Dictionary(WC=script())),
    "script on showing a page": put_in_page("/AA", lambda: Dictionary(O=script())),
    "script in a link": put_in_page("/Annots", lambda: Array([annotation("Link", A=script())])),
    "program in a link": put_in_page(
        "/Annots", lambda: Array([annotation("Link", A=Dictionary(S=Name.Launch, F=String("calc.exe")))])
    ),
    "form that is a program": put_in_root("/AcroForm", lambda: Dictionary(XFA=String("<xdp/>"))),
    "attachment": with_attachment,
    "attachment in a note": put_in_page(
        "/Annots", lambda: Array([annotation("FileAttachment", FS=Dictionary(EF=Dictionary()))])
    ),
}


@pytest.mark.parametrize("name", ACTIVE)
def test_case_12_active_content_is_never_run_and_told(tmp_path: Path, name: str) -> None:
    def make(pdf: pikepdf.Pdf) -> None:
        page = add_page(pdf, {"Im0": jpeg_image(pdf, jpeg())})
        ACTIVE[name](pdf, page)

    assert file_fault(made_pdf(tmp_path / "a.pdf", make)).reason is Reason.ACTIVE_CONTENT


# --- 13 to 15: too much -------------------------------------------------------------------------------------


@pytest.mark.parametrize("box", [[0, 0, 200_000, 200_000], [0, 0, 1e8, 1], [0, 0, 0, 842], [5, 5, 5, 5]])
def test_case_13_absurd_page_box(tmp_path: Path, box: list[float]) -> None:
    path = one_page(tmp_path / "a.pdf", OVER_THE_PAGE, MediaBox=Array(box))
    assert page_fault(path).reason in (Reason.TOO_LARGE, Reason.DAMAGED_IMAGE)


def test_case_13_large_page_that_must_be_rendered_is_refused_before(tmp_path: Path) -> None:
    def make(pdf: pikepdf.Pdf) -> None:
        two = {"Im0": jpeg_image(pdf, jpeg()), "Im1": jpeg_image(pdf, jpeg())}
        add_page(
            pdf,
            two,
            b"q 9 0 0 9 0 0 cm /Im0 Do Q q 9 0 0 9 9 0 cm /Im1 Do Q",
            MediaBox=Array([0, 0, 9000, 9000]),
        )

    assert page_fault(made_pdf(tmp_path / "a.pdf", make)).reason is Reason.TOO_LARGE


def test_case_14_image_of_too_many_pixels(tmp_path: Path) -> None:
    flood = flate(bytes(50_000_000))

    def make(pdf: pikepdf.Pdf) -> None:
        add_page(pdf, {"Im0": image_object(pdf, flood, Name.FlateDecode, Width=60_000, Height=60_000)})
        add_page(pdf, {"Im0": image_object(pdf, flate(flood), Array([Name.FlateDecode, Name.FlateDecode]))})

    assert outcomes(made_pdf(tmp_path / "a.pdf", make)) == [Reason.TOO_LARGE, Reason.RESOURCE_LIMIT]


def test_case_15_content_that_unpacks_to_a_flood(tmp_path: Path) -> None:
    def make(pdf: pikepdf.Pdf) -> None:
        page = add_page(pdf, {"Im0": jpeg_image(pdf, jpeg())})
        flood = Stream(pdf, flate(b"q Q " * 10_000_000))
        flood["/Filter"] = Name.FlateDecode
        page["/Contents"] = flood

    assert page_fault(made_pdf(tmp_path / "a.pdf", make)).reason is Reason.RESOURCE_LIMIT


def test_case_15_drawings_inside_drawings_without_end(tmp_path: Path) -> None:
    def make(pdf: pikepdf.Pdf) -> None:
        loop = pdf.make_indirect(Stream(pdf, b"/Fm0 Do /Fm0 Do"))
        loop["/Subtype"] = Name.Form
        loop["/BBox"] = Array([0, 0, 595, 842])
        loop["/Resources"] = Dictionary(XObject=Dictionary(Fm0=loop))
        add_page(pdf, {"Fm0": loop}, b"/Fm0 Do")

    assert page_fault(made_pdf(tmp_path / "a.pdf", make)).reason is Reason.RESOURCE_LIMIT


def test_case_15_page_tree_in_a_loop(tmp_path: Path) -> None:
    path = scan_pdf(tmp_path / "a.pdf", jpeg(0), jpeg(1))
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        pages = pdf.Root["/Pages"]
        pages["/Kids"] = Array([pages["/Kids"][0], pages])
        pdf.save(path)
    assert file_fault(path).reason is Reason.DAMAGED_FILE


def test_case_15_half_a_million_objects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ballotscan.intake.pdf._MAX_OBJECTS", 20)
    path = scan_pdf(tmp_path / "a.pdf", *(jpeg(seed) for seed in range(10)))
    assert file_fault(path).reason is Reason.RESOURCE_LIMIT


def open_in_worker(path: str, _task: str) -> str:
    with open_source(Path(path)) as source:
        try:
            return f"read {source.page(1).grey.shape}"
        except PageFault as fault:
            return fault.reason


def as_it_is(path: str) -> str:
    return path


@pytest.mark.skipif(os.name != "posix", reason="needs a limit on memory")
def test_case_15_what_no_check_foresees_ends_at_the_worker_limits(tmp_path: Path) -> None:
    """A run-length image is not unpacked beforehand: the memory limit of the worker stops it."""

    def make(pdf: pikepdf.Pdf) -> None:
        runs = flate(b"\x81\x00" * 20_000_000)  # 128 zeros for every two bytes: 2.5 GB
        filters = Array([Name.FlateDecode, Name.RunLengthDecode])
        entries = {"Width": 9_990, "Height": 9_990, "ColorSpace": Name.DeviceCMYK}
        add_page(pdf, {"Im0": image_object(pdf, runs, filters, **entries)})

    path = made_pdf(tmp_path / "a.pdf", make)
    limits = Limits(wall_s=60, memory_mb=700, cpu_s=40, readable=(tmp_path,))
    ((_, found),) = run_tasks(["page"], as_it_is, (str(path),), open_in_worker, 1, limits)
    assert isinstance(found, WorkerFault)
    assert found.reason is Reason.RESOURCE_LIMIT
