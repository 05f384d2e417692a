"""Cases 14, 16, 19 and 20: bombs among single images, TIFF directories, kinds of pixels, orientation."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name
from PIL import Image

from ballotscan.model import Reason
from tests.faults.making import (
    HEIGHT_PX,
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
    png_chunk,
    saved,
    tiff,
)
from tests.faults.test_pdf import fax_bytes, fax_image

JPEG_LOSS = 60


# --- 14 and 16: too much ------------------------------------------------------------------------------------


def test_case_14_png_of_too_many_pixels(tmp_path: Path) -> None:
    header = struct.pack(">IIBBBBB", 30_000, 30_000, 1, 0, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header)
    data += png_chunk(b"IDAT", flate(bytes(30_000 * 3751))) + png_chunk(b"IEND", b"")
    assert page_fault(saved(tmp_path / "a.png", data)).reason is Reason.TOO_LARGE


def test_case_14_jpeg_of_too_many_pixels(tmp_path: Path) -> None:
    data = bytearray(jpeg())
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", 65_000, 65_000)
    assert page_fault(saved(tmp_path / "a.jpg", bytes(data))).reason is Reason.TOO_LARGE


def test_case_14_tiff_of_too_many_pixels(tmp_path: Path) -> None:
    assert (
        page_fault(saved(tmp_path / "a.tif", tiff_header(1, width=40_000, height=40_000))).reason
        is Reason.TOO_LARGE
    )


def test_case_14_tiff_whose_strips_all_lie_on_one_another(tmp_path: Path) -> None:
    count = 1000
    entries = {256: 8, 257: count, 258: 8, 259: 1, 262: 1, 277: 1, 278: 1}
    at = 8 + 2 + 12 * (len(entries) + 2) + 4
    block = struct.pack("<H", len(entries) + 2)
    for tag, value in sorted({**entries, 273: at, 279: at + 4 * count}.items()):
        block += struct.pack("<HHII", tag, 4, count if tag in (273, 279) else 1, value)
    arrays = struct.pack("<I", 8) * count + struct.pack("<I", 4000) * count
    path = saved(tmp_path / "a.tif", b"II*\0" + struct.pack("<I", 8) + block + bytes(4) + arrays)
    assert page_fault(path).reason is Reason.DAMAGED_IMAGE


def tiff_header(pages: int, width: int = 8, height: int = 8, loop: bool = False) -> bytes:
    """A TIFF of nothing but directories, one after the other; in a loop the last points to the first."""
    size = 2 + 12 * 2 + 4
    data = b"II*\0" + struct.pack("<I", 8)
    for number in range(pages):
        last = number == pages - 1
        link = (8 if loop else 0) if last else 8 + size * (number + 1)
        data += struct.pack("<HHHIIHHIII", 2, 256, 4, 1, width, 257, 4, 1, height, link)
    return data


def test_case_16_tiff_of_ten_thousand_directories(tmp_path: Path) -> None:
    assert file_fault(saved(tmp_path / "a.tif", tiff_header(10_001))).reason is Reason.TOO_MANY_PAGES


@pytest.mark.parametrize("pages", [1, 2, 50])
def test_case_16_tiff_directories_in_a_loop(tmp_path: Path, pages: int) -> None:
    fault = file_fault(saved(tmp_path / "a.tif", tiff_header(pages, loop=True)))
    assert (fault.reason, fault.detail) == (Reason.DAMAGED_FILE, "TIFF: the pages run in a loop")


def test_case_16_tiff_directory_of_nothing_or_past_the_end(tmp_path: Path) -> None:
    for count, link in ((0, 0), (60_000, 0), (2, 5_000_000)):
        data = bytearray(tiff_header(1))
        struct.pack_into("<H", data, 8, count)
        struct.pack_into("<I", data, len(data) - 4, link)
        assert file_fault(saved(tmp_path / "a.tif", bytes(data))).reason is Reason.DAMAGED_FILE


def damaged_strip(whole: bytes, page: int, filling: bytes) -> bytes:
    """The TIFF with the middle of the page's first strip overwritten."""
    with Image.open(io.BytesIO(whole)) as opened:
        opened.seek(page)
        offset, count = opened.tag_v2[273][0], opened.tag_v2[279][0]  # type: ignore[attr-defined]
    middle, length = offset + count // 2, count // 4
    return whole[:middle] + (filling * length)[:length] + whole[middle + length :]


@pytest.mark.parametrize(
    "filling", [b"\0", b"\xff\xd9", b"\x13\x57\x9b"], ids=["zeros", "end marks", "noise"]
)
@pytest.mark.parametrize("compression", ["group4", "tiff_lzw", "tiff_adobe_deflate", "jpeg"])
def test_case_16_damage_on_one_page_leaves_the_others(
    tmp_path: Path, compression: str, filling: bytes
) -> None:
    pages = [bitonal_picture(seed) if compression == "group4" else picture(seed) for seed in range(4)]
    whole = damaged_strip(tiff(*pages, compression=compression), 1, filling)
    found = outcomes(saved(tmp_path / "a.tif", whole))
    assert (found[0], found[2:]) == (None, [None, None])
    assert found[1] in (Reason.DAMAGED_IMAGE, Reason.CUT_OFF)


def test_case_16_fax_group_3_is_refused_because_it_cannot_be_checked(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.tif", tiff(bitonal_picture(), compression="group3"))
    assert page_fault(path).reason is Reason.UNSUPPORTED_IMAGE


# --- 19: kinds of pixels ------------------------------------------------------------------------------------


def palette_image() -> Image.Image:
    """Few colours, numbered so that the index itself would read as the negative."""
    image = Image.fromarray((bitonal_picture() == 0).astype(np.uint8), "P")
    image.putpalette([255, 255, 255, 0, 0, 0])
    return image


def see_through_image() -> Image.Image:
    """Black everywhere, and see-through where the picture is white."""
    black = np.zeros((HEIGHT_PX, WIDTH_PX), np.uint8)
    return Image.merge("LA", (Image.fromarray(black), Image.fromarray(255 - picture())))


def colour_key_png() -> bytes:
    """Light pixels are declared see-through by their value, and one black stays."""
    return encoded(Image.fromarray(bitonal_picture()), "PNG", transparency=255)


def white_is_zero(compression: str, bits: int) -> bytes:
    """An uncompressed or fax TIFF in which 0 is white, as most fax machines write it."""
    if bits == 1:
        rows = np.packbits(bitonal_picture() == 0, axis=1).tobytes()
    elif bits == 4:
        fours = np.pad((255 - picture()) // 17, ((0, 0), (0, WIDTH_PX % 2)))
        rows = (fours[:, ::2] * 16 + fours[:, 1::2]).astype(np.uint8).tobytes()
    else:
        rows = ((255 - picture()).astype(f"<u{bits // 8}") * (257 if bits == 16 else 1)).tobytes()
    assert compression == "raw"
    entries = {
        256: WIDTH_PX,
        257: HEIGHT_PX,
        258: bits,
        259: 1,
        262: 0,
        277: 1,
        278: HEIGHT_PX,
        279: len(rows),
    }
    at = 8 + 2 + 12 * (len(entries) + 1) + 4
    block = struct.pack("<H", len(entries) + 1)
    for tag, value in sorted({**entries, 273: at}.items()):
        block += struct.pack("<HHII", tag, 4, 1, value)
    return b"II*\0" + struct.pack("<I", 8) + block + bytes(4) + rows


def rgb_of(grey: Grey) -> Image.Image:
    return Image.merge("RGB", [Image.fromarray(grey)] * 3)


def sixteen_bit() -> Image.Image:
    return Image.fromarray(picture().astype(np.uint16) * 257)


EXACT: dict[str, tuple[Callable[[], bytes], Callable[[], Grey]]] = {
    "PNG grey": (lambda: encoded(picture(), "PNG"), picture),
    "PNG colour": (lambda: encoded(rgb_of(picture()), "PNG"), picture),
    "PNG 16-bit": (lambda: encoded(sixteen_bit(), "PNG"), picture),
    "PNG 1-bit": (lambda: encoded(Image.fromarray(bitonal_picture()).convert("1"), "PNG"), bitonal_picture),
    "PNG palette": (lambda: encoded(palette_image(), "PNG"), bitonal_picture),
    "PNG alpha": (lambda: encoded(see_through_image(), "PNG"), picture),
    "PNG RGBA": (lambda: encoded(see_through_image().convert("RGBA"), "PNG"), picture),
    "PNG colour key": (colour_key_png, bitonal_picture),
    "TIFF grey": (lambda: tiff(picture(), compression="raw"), picture),
    "TIFF LZW": (lambda: tiff(picture(), compression="tiff_lzw"), picture),
    "TIFF Deflate": (lambda: tiff(picture(), compression="tiff_adobe_deflate"), picture),
    "TIFF PackBits": (lambda: tiff(picture(), compression="packbits"), picture),
    "TIFF group 4": (lambda: tiff(bitonal_picture(), compression="group4"), bitonal_picture),
    "TIFF colour": (lambda: encoded(rgb_of(picture()), "TIFF", compression="tiff_lzw"), picture),
    "TIFF 16-bit": (lambda: encoded(sixteen_bit(), "TIFF"), picture),
    "TIFF palette": (lambda: encoded(palette_image(), "TIFF"), bitonal_picture),
    "TIFF RGBA": (lambda: encoded(see_through_image().convert("RGBA"), "TIFF"), picture),
    "TIFF white is 0, 1 bit": (lambda: white_is_zero("raw", 1), bitonal_picture),
    "TIFF white is 0, 4 bits": (lambda: white_is_zero("raw", 4), lambda: 255 - (255 - picture()) // 17 * 17),
    "TIFF white is 0, 8 bits": (lambda: white_is_zero("raw", 8), picture),
    "TIFF white is 0, 16 bits": (lambda: white_is_zero("raw", 16), picture),
}


@pytest.mark.parametrize("name", EXACT)
def test_case_19_kinds_of_pixels_give_the_same_grey(tmp_path: Path, name: str) -> None:
    data, expected = EXACT[name]
    assert far_apart(page_of(saved(tmp_path / "a", data())).grey, expected()) == 0


LOSSY: dict[str, Callable[[], bytes]] = {
    "JPEG grey": jpeg,
    "JPEG 4:4:4": lambda: encoded(rgb_of(picture()), "JPEG", quality=90, subsampling=0),
    "JPEG 4:1:1": lambda: encoded(rgb_of(picture()), "JPEG", quality=90, subsampling=2),
    "JPEG RGB": lambda: encoded(rgb_of(picture()), "JPEG", quality=90, keep_rgb=True),
    "JPEG CMYK": lambda: encoded(rgb_of(picture()).convert("CMYK"), "JPEG", quality=90),
    "JPEG progressive": lambda: jpeg(progressive=True),
    "TIFF JPEG grey": lambda: tiff(picture(), compression="jpeg"),
    "TIFF JPEG colour": lambda: encoded(rgb_of(picture()), "TIFF", compression="jpeg"),
    "TIFF CMYK": lambda: encoded(rgb_of(picture()).convert("CMYK"), "TIFF"),
}


@pytest.mark.parametrize("name", LOSSY)
def test_case_19_kinds_of_pixels_with_a_little_loss(tmp_path: Path, name: str) -> None:
    grey = page_of(saved(tmp_path / "a", LOSSY[name]())).grey
    assert far_apart(grey, picture()) < JPEG_LOSS
    assert abs(float(grey.mean()) - float(picture().mean())) < 2, "a negative would be far off"


def test_case_19_what_has_no_plain_meaning_is_refused(tmp_path: Path) -> None:
    twelve_bit = bytearray(jpeg())
    twelve_bit[twelve_bit.index(b"\xff\xc0") + 4] = 12
    lossless = bytearray(jpeg())
    lossless[lossless.index(b"\xff\xc0") + 1] = 0xC3
    floats = Image.fromarray(picture().astype(np.float32) / 255)
    for data in (bytes(twelve_bit), bytes(lossless), encoded(floats, "TIFF")):
        assert page_fault(saved(tmp_path / "a", data)).reason is Reason.UNSUPPORTED_IMAGE


def samples(grey: Grey, bits: int) -> bytes:
    """Rows of packed samples as PDF holds them, the grey rounded down to so many bits."""
    coarse = grey.astype(np.uint16) >> (8 - bits) if bits < 8 else grey
    single = (coarse[:, :, None] >> np.arange(bits - 1, -1, -1)) & 1
    return np.packbits(single.reshape(len(grey), -1), axis=1).tobytes()


def indexed() -> Array:
    return Array([Name.Indexed, Name.DeviceRGB, 1, pikepdf.String(b"\xff\xff\xff\0\0\0")])


IN_PDF: dict[str, tuple[Callable[[pikepdf.Pdf], Any], Callable[[], Grey]]] = {
    "grey": (lambda pdf: image_object(pdf, flate(picture().tobytes()), Name.FlateDecode), picture),
    "grey, not packed": (lambda pdf: image_object(pdf, picture().tobytes()), picture),
    "grey, Decode inverted": (
        lambda pdf: image_object(
            pdf, flate((255 - picture()).tobytes()), Name.FlateDecode, Decode=Array([1, 0])
        ),
        picture,
    ),
    "colour": (
        lambda pdf: image_object(pdf, rgb_of(picture()).tobytes(), ColorSpace=Name.DeviceRGB),
        picture,
    ),
    "run lengths": (lambda pdf: image_object(pdf, run_lengths(picture()), Name.RunLengthDecode), picture),
    "16-bit": (
        lambda pdf: image_object(pdf, (picture().astype(">u2") * 257).tobytes(), BitsPerComponent=16),
        picture,
    ),
    "1-bit": (
        lambda pdf: image_object(pdf, samples(bitonal_picture(), 1), BitsPerComponent=1),
        bitonal_picture,
    ),
    "4-bit": (
        lambda pdf: image_object(pdf, samples(picture(), 4), BitsPerComponent=4),
        lambda: (picture() >> 4) * 17,
    ),
    "stencil": (
        lambda pdf: image_object(pdf, samples(bitonal_picture(), 1), BitsPerComponent=1, ImageMask=True),
        bitonal_picture,
    ),
    "palette": (
        lambda pdf: image_object(
            pdf, (bitonal_picture() == 0).astype(np.uint8).tobytes(), ColorSpace=indexed()
        ),
        bitonal_picture,
    ),
    "ICC grey": (
        lambda pdf: image_object(
            pdf, picture().tobytes(), ColorSpace=Array([Name.ICCBased, pdf.make_stream(b"profile", N=1)])
        ),
        picture,
    ),
    "CMYK black only": (
        lambda pdf: image_object(pdf, cmyk_black(), ColorSpace=Name.DeviceCMYK),
        picture,
    ),
    "fax": (lambda pdf: fax_image(pdf, fax_bytes()), bitonal_picture),
    "fax, BlackIs1 and Decode": (
        lambda pdf: with_decode(fax_image(pdf, fax_bytes(), BlackIs1=True)),
        bitonal_picture,
    ),
    "fax stencil": (lambda pdf: as_stencil(fax_image(pdf, fax_bytes())), bitonal_picture),
    "PNG predictor": (
        lambda pdf: image_object(
            pdf,
            flate(b"".join(b"\0" + row.tobytes() for row in picture())),
            Name.FlateDecode,
            DecodeParms=Dictionary(Predictor=15, Columns=WIDTH_PX),
        ),
        picture,
    ),
    "JPEG in Flate": (
        lambda pdf: image_object(pdf, flate(jpeg()), Array([Name.FlateDecode, Name.DCTDecode])),
        lambda: np.asarray(page_from_jpeg()),
    ),
    "JPEG, Decode inverted": (
        lambda pdf: jpeg_image(pdf, encoded(255 - picture(), "JPEG", quality=100), Decode=Array([1, 0])),
        lambda: 255 - decoded(encoded(255 - picture(), "JPEG", quality=100)),
    ),
}


def run_lengths(grey: Grey) -> bytes:
    """Literal runs of up to 128 bytes, and the end mark (ISO 32000-1, 7.4.5)."""
    data = grey.tobytes()
    runs = (data[at : at + 128] for at in range(0, len(data), 128))
    return b"".join(bytes([len(run) - 1]) + run for run in runs) + b"\x80"


def page_from_jpeg() -> Grey:
    return decoded(jpeg())


def decoded(data: bytes) -> Grey:
    return np.asarray(Image.open(io.BytesIO(data)).convert("L"))


def cmyk_black() -> bytes:
    inks = np.zeros((HEIGHT_PX, WIDTH_PX, 4), np.uint8)
    inks[:, :, 3] = 255 - picture()
    return inks.tobytes()


def with_decode(image: Any) -> Any:
    image["/Decode"] = Array([1, 0])
    return image


def as_stencil(image: Any) -> Any:
    image["/ImageMask"] = True
    del image["/ColorSpace"]
    return image


@pytest.mark.parametrize("name", IN_PDF)
def test_case_19_kinds_of_pixels_in_a_pdf_are_taken_as_they_are(tmp_path: Path, name: str) -> None:
    make, expected = IN_PDF[name]
    path = made_pdf(tmp_path / "a.pdf", lambda pdf: add_page(pdf, {"Im0": make(pdf)}))
    assert far_apart(page_of(path).grey, expected()) == 0


@pytest.mark.parametrize(
    "name", ["1-bit", "stencil", "fax", "fax, BlackIs1 and Decode", "palette", "JPEG, Decode inverted"]
)
def test_case_19_what_is_taken_out_is_what_a_renderer_shows(tmp_path: Path, name: str) -> None:
    """The meaning of stencils, fax and inverted codes, asked of Poppler."""
    from ballotscan.intake.pdf_render import render_page

    make, _ = IN_PDF[name]
    path = made_pdf(tmp_path / "a.pdf", lambda pdf: add_page(pdf, {"Im0": make(pdf)}))
    shown = Image.fromarray(render_page(path, 1, 595, 842, 150, 0)).resize(
        (WIDTH_PX, HEIGHT_PX), Image.Resampling.BOX
    )
    assert np.abs(np.asarray(shown).astype(int) - page_of(path).grey).mean() < 12


# --- 20: turned and mirrored --------------------------------------------------------------------------------

QUARTERS_STORED = {1: 0, 3: 2, 6: 1, 8: 3}
"""Orientation tag, and how many quarters counter-clockwise the stored image must lie for an upright page."""


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
@pytest.mark.parametrize("orientation", QUARTERS_STORED)
def test_case_20_orientation_tag_is_honoured(tmp_path: Path, kind: str, orientation: int) -> None:
    stored = Image.fromarray(np.ascontiguousarray(np.rot90(picture(), QUARTERS_STORED[orientation])))
    exif = Image.Exif()
    exif[274] = orientation
    options: dict[str, Any] = (
        {"quality": 95, "exif": exif} if kind == "JPEG" else {"tiffinfo": {274: orientation}}
    )
    page = page_of(saved(tmp_path / "a", encoded(stored, kind, **options)))
    assert far_apart(page.grey, picture()) < JPEG_LOSS


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
@pytest.mark.parametrize("orientation", [2, 4, 5, 7])
def test_case_20_mirrored_orientation_tag_is_refused(tmp_path: Path, kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[274] = orientation
    options: dict[str, Any] = {"exif": exif} if kind == "JPEG" else {"tiffinfo": {274: orientation}}
    path = saved(tmp_path / "a", encoded(Image.fromarray(picture()), kind, **options))
    assert page_fault(path).reason is Reason.MIRRORED


def turned_pdf(path: Path, content: bytes, **entries: Any) -> Path:
    def make(pdf: pikepdf.Pdf) -> None:
        add_page(
            pdf, {"Im0": image_object(pdf, flate(picture().tobytes()), Name.FlateDecode)}, content, **entries
        )

    return made_pdf(path, make)


@pytest.mark.parametrize("turn_deg", [0, 90, 180, 270, -90, 450])
def test_case_20_turned_page_is_honoured(tmp_path: Path, turn_deg: int) -> None:
    path = turned_pdf(tmp_path / "a.pdf", b"q 595 0 0 842 0 0 cm /Im0 Do Q", Rotate=turn_deg)
    assert far_apart(page_of(path).grey, np.rot90(picture(), -turn_deg // 90)) == 0


MATRICES = {  # the drawing matrix, and the quarter turns clockwise that it makes
    "upright": (b"595 0 0 842 0 0", 0),
    "upside down": (b"-595 0 0 -842 595 842", 2),
    "clockwise": (b"0 -842 595 0 0 842", 1),
    "counter-clockwise": (b"0 842 -595 0 595 0", 3),
    "upright, a little askew": (b"594 9 -13 841 5 0", 0),
}


@pytest.mark.parametrize("name", MATRICES)
def test_case_20_drawing_matrix_is_honoured(tmp_path: Path, name: str) -> None:
    matrix, turns = MATRICES[name]
    path = turned_pdf(tmp_path / "a.pdf", b"q " + matrix + b" cm /Im0 Do Q")
    assert far_apart(page_of(path).grey, np.rot90(picture(), -turns)) == 0


@pytest.mark.parametrize("matrix", [b"-595 0 0 842 595 0", b"595 0 0 -842 0 842", b"0 842 595 0 0 0"])
def test_case_20_mirrored_matrix_is_refused(tmp_path: Path, matrix: bytes) -> None:
    assert (
        page_fault(turned_pdf(tmp_path / "a.pdf", b"q " + matrix + b" cm /Im0 Do Q")).reason
        is Reason.MIRRORED
    )


def test_case_20_what_is_turned_is_what_a_renderer_shows(tmp_path: Path) -> None:
    from ballotscan.intake.pdf_render import render_page

    for matrix, _ in MATRICES.values():
        for turns in range(4):
            path = turned_pdf(tmp_path / "a.pdf", b"q " + matrix + b" cm /Im0 Do Q", Rotate=90 * turns)
            taken = page_of(path).grey
            shown = Image.fromarray(render_page(path, 1, 595, 842, 150, turns))
            small = np.asarray(shown.resize(taken.shape[::-1], Image.Resampling.BOX)).astype(int)
            assert np.abs(small - taken).mean() < 20
            assert np.abs(small - taken[::-1, ::-1]).mean() > 20
