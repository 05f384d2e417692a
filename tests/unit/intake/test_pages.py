"""What a page carries besides its pixels: whether it is bitonal, its hash, its resolution tag."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pikepdf
import pytest

from ballotscan.intake.faults import PageFault
from ballotscan.intake.fax import decode_group_4
from ballotscan.intake.files import open_source
from ballotscan.intake.page_image import grey_from_16_bit, is_bitonal, make_page, sha_of_bytes
from tests.faults.making import (
    HEIGHT_PX,
    WIDTH_PX,
    add_page,
    bitonal_picture,
    encoded,
    jpeg,
    jpeg_image,
    made_pdf,
    page_of,
    picture,
    saved,
    scan_pdf,
    tiff,
)
from tests.faults.test_pdf import fax_bytes, without_end_mark


def test_pixels_are_contiguous_bytes(tmp_path: Path) -> None:
    exif_turned = encoded(picture(), "TIFF", tiffinfo={274: 6})
    for data in (jpeg(), encoded(picture(), "PNG"), exif_turned, tiff(bitonal_picture())):
        grey = page_of(saved(tmp_path / "a", data)).grey
        assert grey.dtype == np.uint8
        assert grey.ndim == 2
        assert grey.flags.c_contiguous


def test_bitonal_pages_are_told(tmp_path: Path) -> None:
    assert page_of(saved(tmp_path / "a", tiff(bitonal_picture()))).bitonal
    assert page_of(saved(tmp_path / "a", encoded(bitonal_picture(), "PNG"))).bitonal
    assert not page_of(saved(tmp_path / "a", encoded(picture(), "PNG"))).bitonal
    one_grey_pixel = bitonal_picture()
    one_grey_pixel[HEIGHT_PX - 2, 3] = 128
    assert not is_bitonal(one_grey_pixel)


def test_one_image_has_one_hash_whatever_file_holds_it(tmp_path: Path) -> None:
    alone = page_of(saved(tmp_path / "a.jpg", jpeg(1)))
    with open_source(scan_pdf(tmp_path / "a.pdf", jpeg(0), jpeg(1), jpeg(1))) as source:
        shas = [source.page(number).image_sha for number in (1, 2, 3)]
    assert alone.image_sha == sha_of_bytes(jpeg(1)) == shas[1] == shas[2]
    assert shas[0] != shas[1]


def test_a_tiff_page_has_one_hash_however_it_is_packed(tmp_path: Path) -> None:
    by_lzw = page_of(saved(tmp_path / "a", tiff(bitonal_picture(), compression="tiff_lzw")))
    by_fax = page_of(saved(tmp_path / "b", tiff(bitonal_picture(), compression="group4")))
    assert by_lzw.image_sha == by_fax.image_sha


@pytest.mark.parametrize(("tag", "told"), [(300, 300), (72, 72), (0, None), (1, None), (None, None)])
def test_resolution_tags_as_the_file_says_and_none_where_it_says_nonsense(
    tmp_path: Path, tag: int | None, told: float | None
) -> None:
    options = {} if tag is None else {"dpi": (tag, tag)}
    assert page_of(saved(tmp_path / "a", encoded(picture(), "JPEG", **options))).dpi_tag == told
    assert make_page(picture(), sha_of_bytes(b""), float("nan")).dpi_tag is None


def test_resolution_of_a_pdf_page_is_that_of_the_image_as_drawn(tmp_path: Path) -> None:
    def make(pdf: pikepdf.Pdf) -> None:
        add_page(
            pdf, {"Im0": jpeg_image(pdf, jpeg())}, b"q %f 0 0 842 0 0 cm /Im0 Do Q" % (WIDTH_PX / 200 * 72)
        )

    assert page_of(made_pdf(tmp_path / "a.pdf", make)).dpi_tag == pytest.approx(200, abs=0.01)


def test_sixteen_bits_are_rounded_to_the_nearest() -> None:
    assert grey_from_16_bit(np.array([[0, 128, 129, 257, 65535, 65407, 65406]])).tolist() == [
        [0, 0, 1, 1, 255, 255, 254]
    ]


@pytest.mark.parametrize("low_bit_first", [False, True])
def test_fax_code_in_both_orders_of_bits(low_bit_first: bool) -> None:
    code = fax_bytes()
    if low_bit_first:
        code = bytes(int(f"{byte:08b}"[::-1], 2) for byte in code)
    assert np.array_equal(decode_group_4(WIDTH_PX, [HEIGHT_PX], [code], low_bit_first), bitonal_picture())


def test_fax_code_in_strips_with_and_without_end_marks() -> None:
    heights = [100, 100, 100, HEIGHT_PX - 300]
    tops = [0, 100, 200, 300]
    strips = [fax_bytes(bitonal_picture()[top : top + h]) for top, h in zip(tops, heights, strict=True)]
    assert np.array_equal(decode_group_4(WIDTH_PX, heights, strips), bitonal_picture())
    unmarked = [without_end_mark(strips[0]), *strips[1:]]
    assert np.array_equal(decode_group_4(WIDTH_PX, heights, unmarked), bitonal_picture())
    with pytest.raises(PageFault):
        decode_group_4(WIDTH_PX, heights, [strips[1], strips[0], strips[2][: len(strips[2]) // 2], strips[3]])


@pytest.mark.parametrize("height_px", [1, HEIGHT_PX - 1, HEIGHT_PX + 1, 2 * HEIGHT_PX])
def test_fax_code_of_another_height_is_refused(height_px: int) -> None:
    with pytest.raises(PageFault):
        decode_group_4(WIDTH_PX, [height_px], [fax_bytes()])


def test_every_single_byte_lost_from_fax_code_is_noticed_or_changes_no_row_count() -> None:
    """A lost byte may by chance give other legal rows, but never fewer rows passed off as a whole page."""
    code = fax_bytes()
    read = 0
    for at in range(0, len(code) - 3, 7):
        try:
            grey = decode_group_4(WIDTH_PX, [HEIGHT_PX], [code[:at] + code[at + 1 :]])
        except PageFault:
            continue
        read += 1
        assert grey.shape == (HEIGHT_PX, WIDTH_PX)
    assert read <= len(code) // 7 // 20


def test_a_page_number_outside_the_file_is_a_mistake_of_the_caller(tmp_path: Path) -> None:
    with open_source(saved(tmp_path / "a.jpg", jpeg())) as source:
        for number in (0, 2, -1):
            with pytest.raises(IndexError):
                source.page(number)
