"""Large JPEGs are decoded small: the same page, and the same damage found."""

from __future__ import annotations

import io
import math

import numpy as np
import pikepdf
import pytest
import simplejpeg
from numpy.typing import NDArray
from PIL import Image

from ballotscan.intake.faults import PageFault
from ballotscan.intake.jpeg import READ_LONG_PX, decode_jpeg, open_jpeg, pixels_of_jpeg
from ballotscan.intake.page_image import turn_clockwise
from ballotscan.intake.pdf_images import decode_image
from ballotscan.model import Reason
from ballotscan.vision.page import A4_LONG_MM, FINE_MIN_DPI, MM_PER_INCH, make_page

LARGE = (3501, 2476)


def picture(height: int, width: int) -> NDArray[np.uint8]:
    """Soft patches with noise, as unlike themselves when turned as can be."""
    rng = np.random.default_rng(5)
    coarse = rng.integers(0, 256, (height // 50 + 1, width // 50 + 1), dtype=np.uint8)
    smooth = np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC), np.int16)
    return (smooth + rng.integers(-6, 7, smooth.shape)).clip(0, 255).astype(np.uint8)


def encoded(pixels: NDArray[np.uint8], **options: object) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=80, **options)
    return file.getvalue()


@pytest.fixture(scope="module")
def large() -> bytes:
    return encoded(picture(*LARGE))


def halved(grey: NDArray[np.uint8]) -> NDArray[np.float64]:
    height, width = (side // 2 * 2 for side in grey.shape)
    means: NDArray[np.float64] = (
        grey[:height, :width].reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3))
    )
    return means


def test_a_large_page_is_decoded_small_and_whole_when_asked_for(large: bytes) -> None:
    page = open_jpeg(large)
    assert page.size_px == (2476, 3501) and page.small.shape == (1750, 1238)
    assert np.abs(page.small - halved(page.grey)).mean() < 1.0
    assert np.array_equal(page.grey, simplejpeg.decode_jpeg(large, "GRAY")[:, :, 0])
    assert page.grey.flags.c_contiguous and page.small.flags.c_contiguous


def test_a_page_at_600_dpi_is_decoded_at_a_quarter() -> None:
    page = open_jpeg(encoded(picture(7016, 400)))
    assert page.small.shape == (1754, 100) and page.grey.shape == (7016, 400)


def test_a_page_no_finer_than_it_is_read_is_decoded_as_it_is() -> None:
    page = open_jpeg(encoded(picture(3279, 400)))
    assert page.small is page.grey and page.small.shape == (3279, 400)


def test_small_pages_are_still_as_fine_as_they_are_read() -> None:
    assert math.ceil(FINE_MIN_DPI * A4_LONG_MM / MM_PER_INCH) <= READ_LONG_PX


def test_the_reader_sees_the_same_page_either_way(large: bytes) -> None:
    image = open_jpeg(large)
    small, whole = make_page(image), make_page(image.grey)
    assert (small.width_px, small.height_px) == (whole.width_px, whole.height_px) == image.size_px
    assert small.fine_scale == whole.fine_scale == 0.5 and small.fine.shape == whole.fine.shape
    assert small.coarse_scale == pytest.approx(whole.coarse_scale)
    assert np.abs(small.half.astype(float) - whole.half).mean() < 1.0


@pytest.mark.parametrize(("orientation", "quarters"), [(3, 2), (6, 1), (8, 3)])
@pytest.mark.parametrize("shape", [LARGE, (3500, 2476)])
def test_a_turned_page_is_small_and_whole_in_the_same_place(
    shape: tuple[int, int], orientation: int, quarters: int
) -> None:
    exif = Image.Exif()
    exif[274] = orientation
    data = encoded(picture(*shape), exif=exif)
    page = open_jpeg(data)
    assert np.array_equal(page.grey, turn_clockwise(decode_jpeg(data), quarters))
    assert page.size_px == page.grey.shape[::-1]
    seen = make_page(page)
    assert np.abs(seen.fine.astype(float) - make_page(page.grey).fine).mean() < 1.0


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_a_cut_off_large_page_is_found(large: bytes, share: float) -> None:
    with pytest.raises(PageFault) as fault:
        open_jpeg(large[: int(len(large) * share)] + b"\xff\xd9")
    assert fault.value.reason is Reason.CUT_OFF


def test_damage_is_found_in_the_small_page_as_in_the_whole(large: bytes) -> None:
    """Every flip that the whole decoder complains of, the small one complains of; most are found by both."""
    rng = np.random.default_rng(11)
    found = 0
    for at in rng.integers(1000, len(large) - 2, 25):
        flipped = bytearray(large)
        flipped[at] ^= 1 << int(rng.integers(8))
        assert complains(pixels_of_jpeg, flipped) == complains(decode_jpeg, flipped)
        found += complains(pixels_of_jpeg, flipped)
    assert found > 0


def complains(decode: object, data: bytearray) -> bool:
    assert callable(decode)
    try:
        decode(bytes(data))
    except PageFault:
        return True
    return False


def test_a_scanners_pdf_gives_the_same_small_page(large: bytes) -> None:
    with pikepdf.new() as pdf:
        image = pikepdf.Stream(pdf, large)
        image["/Width"], image["/Height"] = 2476, 3501
        image["/ColorSpace"], image["/BitsPerComponent"] = pikepdf.Name.DeviceGray, 8
        image["/Filter"] = pikepdf.Name.DCTDecode
        pixels = decode_image(image).pixels
        image["/Decode"] = pikepdf.Array([1, 0])
        inverted = decode_image(image).pixels
    assert np.array_equal(pixels.small, open_jpeg(large).small)
    assert np.array_equal(inverted.small, 255 - pixels.small)
    assert np.array_equal(inverted.whole(), 255 - pixels.whole())


def written_page() -> NDArray[np.uint8]:
    """Pure white paper with dark strokes all over, as scanners that remove the background give it."""
    page = np.full((1700, 1200), 255, np.uint8)
    for top in range(60, 1640, 40):
        page[top : top + 22, 80:1120:25] = 30
    return page


@pytest.mark.parametrize("paper", [255, 235])
@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"optimize": True}])
def test_a_rest_that_changed_its_level_is_damage(options: dict[str, bool], paper: int) -> None:
    """Of the flips of which the decoder does not complain, all are refused after which the ink below is
    paler, or the paper another; none that leaves both as they were."""
    page = np.minimum(written_page(), paper)
    whole = encoded(page, **options)
    rng = np.random.default_rng(2)
    refused = 0
    for at in rng.integers(whole.rindex(b"\xff\xda") + 20, len(whole) - 2, 60):
        flipped = bytearray(whole)
        flipped[at] ^= 1 << int(rng.integers(8))
        try:
            seen = simplejpeg.decode_jpeg(bytes(flipped), "GRAY", strict=True)[:, :, 0]
        except ValueError:
            continue
        below = seen[1400:1640]  # wherever the strokes have come to lie
        changed = max(abs(np.percentile(below, 1) - 30), abs(np.percentile(below, 80) - paper))
        if complains(decode_jpeg, flipped):
            refused += 1
            assert changed >= 3 or not np.array_equal(seen, decode_jpeg(whole)), at
        else:
            assert changed < 8, at
    assert refused > 1 or "progressive" in options  # of that, decoders complain themselves


@pytest.mark.parametrize("quality", [30, 75, 95, 100])
def test_honest_white_is_no_damage(quality: int) -> None:
    """Nor are greys, black, and noise cut off at white."""
    rng = np.random.default_rng(3)
    noisy = (written_page() + rng.normal(0, 30, (1700, 1200))).clip(0, 255).astype(np.uint8)
    for page in (written_page(), noisy, 255 - written_page()):
        file = io.BytesIO()
        Image.fromarray(page).save(file, "JPEG", quality=quality)
        assert open_jpeg(file.getvalue()).size_px == (1200, 1700)
