"""One page of pixels, and how any image becomes grey: white 255, black 0, never inverted or mirrored."""

from __future__ import annotations

import hashlib
import math
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from ballotscan.intake.faults import PageFault
from ballotscan.model import Reason, Sha256

Grey = NDArray[np.uint8]
"""Shape (height, width): 0 is black, 255 is white."""

MAX_PAGE_PX: Final = 100_000_000
"""Pixels a page may have: A3 at 600 dpi is 70 million, A4 at 600 dpi 35 million."""

_RIGHT_DPI: Final = (10.0, 5000.0)  # tags outside are nonsense (0, 1, 72000) and are told as no tag


@dataclass(frozen=True, eq=False)
class Pixels:
    """Grey pixels of an image of ``size_px`` (width, height): ``small`` is the image at a half, a
    quarter or all of that, which was decoded at once, ``whole()`` decodes all of it."""

    size_px: tuple[int, int]
    small: Grey
    whole: Callable[[], Grey]

    def changed(self, change: Callable[[Grey], Grey]) -> Pixels:
        """The same with every pixel changed, none moved."""
        return Pixels(self.size_px, change(self.small), lambda: change(self.whole()))

    def turned(self, quarter_turns: int) -> Pixels:
        """The same turned clockwise by so many times 90 degrees."""
        width, height = self.size_px
        shrink = round(max(width, height) / max(self.small.shape))
        if quarter_turns % 4 == 0:
            return self
        if width % shrink or height % shrink:  # the small copy's edge would come to lie beside the whole's
            return all_pixels(turn_clockwise(self.whole(), quarter_turns))
        size_px = (height, width) if quarter_turns % 2 else (width, height)
        return Pixels(
            size_px,
            turn_clockwise(self.small, quarter_turns),
            lambda: turn_clockwise(self.whole(), quarter_turns),
        )


def all_pixels(grey: Grey) -> Pixels:
    """An image that is decoded wholly."""
    height, width = grey.shape
    return Pixels((width, height), grey, lambda: grey)


@dataclass(frozen=True, eq=False)
class PageImage:
    """One page as it came from the scanner, upright as its file says.

    ``grey`` has shape (height, width), dtype uint8, C-contiguous; it is decoded when first asked for where
    ``small``, the page at a half, a quarter or all of ``size_px`` (width, height), was cheaper to come by.
    ``bitonal`` is set where every pixel is black or white. ``image_sha`` stays the same when the same page
    comes in another file. ``dpi_tag`` is what the file claims: it may be wrong.
    """

    small: Grey
    size_px: tuple[int, int]
    bitonal: bool
    image_sha: Sha256
    dpi_tag: float | None
    _whole: Callable[[], Grey]

    @cached_property
    def grey(self) -> Grey:
        return self.small if self.small.shape[::-1] == self.size_px else np.ascontiguousarray(self._whole())


def check_size(width_px: int, height_px: int) -> None:
    """Refuse a size before anything is decoded. Raises PageFault."""
    if width_px < 1 or height_px < 1:
        raise PageFault(Reason.DAMAGED_IMAGE, f"image of {width_px} x {height_px} pixels")
    if width_px * height_px > MAX_PAGE_PX:
        raise PageFault(Reason.TOO_LARGE, f"{width_px} x {height_px} pixels, the limit is {MAX_PAGE_PX}")


def make_page(pixels: Grey | Pixels, image_sha: Sha256, dpi_tag: float | None) -> PageImage:
    """The page, with its pixels contiguous and its ``bitonal`` flag measured. ``dpi_tag`` is checked.

    Of a JPEG the small copy is looked at: a JPEG of a black and white page has greys around every letter.
    """
    held = pixels if isinstance(pixels, Pixels) else all_pixels(pixels)
    small = np.ascontiguousarray(held.small)
    low, high = _RIGHT_DPI
    tag = dpi_tag if dpi_tag is not None and math.isfinite(dpi_tag) and low <= dpi_tag <= high else None
    return PageImage(small, held.size_px, is_bitonal(small), image_sha, tag, held.whole)


def is_bitonal(grey: Grey) -> bool:
    """Whether all pixels are black or white. A few rows settle it for most grey pages."""
    few = grey[:: max(1, len(grey) // 32)]
    return _two_levels(few) and _two_levels(grey)


def _two_levels(grey: Grey) -> bool:
    return not ((grey + np.uint8(1)) > 1).any()  # 255 + 1 is 0 in a byte


def sha_of_bytes(*parts: bytes) -> Sha256:
    """SHA-256 over the parts one after the other."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return Sha256(digest.hexdigest())


def sha_of_pixels(grey: Grey) -> Sha256:
    """SHA-256 of size and pixels, for images whose encoded bytes are scattered over their file."""
    height, width = grey.shape
    return sha_of_bytes(f"{width}x{height}:".encode(), np.ascontiguousarray(grey).tobytes())


def quarter_turns_of(orientation: int) -> int:
    """Quarter turns clockwise that EXIF and TIFF tag 274 ask for. Raises PageFault for the mirrored ones."""
    if orientation in (2, 4, 5, 7):
        raise PageFault(Reason.MIRRORED, f"orientation tag {orientation} says the image is mirrored")
    return {3: 2, 6: 1, 8: 3}.get(orientation, 0)


def turn_by_exif(grey: Grey, orientation: int) -> Grey:
    """Turn as EXIF and TIFF tag 274 say. Raises PageFault for the mirrored ones."""
    return turn_clockwise(grey, quarter_turns_of(orientation))


def turn_clockwise(grey: Grey, quarter_turns: int) -> Grey:
    """The page turned by so many times 90 degrees clockwise."""
    return np.ascontiguousarray(np.rot90(grey, -quarter_turns % 4))


@contextmanager
def pillow_faults() -> Iterator[None]:
    """Whatever Pillow raises on damaged data becomes a PageFault; its size warning is ours to judge."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        except Image.DecompressionBombError as error:
            raise PageFault(Reason.TOO_LARGE, str(error)) from error
        except UnidentifiedImageError as error:
            raise PageFault(Reason.UNSUPPORTED_IMAGE, "this kind of image data is not known") from error
        except (
            OSError,
            SyntaxError,
            ValueError,
            KeyError,
            IndexError,
            TypeError,
            EOFError,
            OverflowError,
        ) as error:
            raise PageFault(Reason.DAMAGED_IMAGE, str(error) or type(error).__name__) from error


def grey_from_pillow(image: Image.Image) -> Grey:
    """Grey pixels of a decoded Pillow image: see-through parts over white, 16 bits rounded to 8.

    Colours are weighed as in JPEG's own Y (ITU-R BT.601). Raises PageFault for kinds without a plain meaning.
    """
    if image.mode.startswith("I"):
        return grey_from_16_bit(np.asarray(image))
    if image.mode in ("LA", "PA", "RGBA", "La", "RGBa") or "transparency" in image.info:
        see_through = image.convert("RGBA")
        paper = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(paper, see_through).convert("RGB")
    if image.mode in ("P", "CMYK", "YCbCr"):
        image = image.convert("RGB")
    if image.mode not in ("1", "L", "RGB", "RGBX"):
        raise PageFault(Reason.UNSUPPORTED_IMAGE, f"pixels of kind {image.mode}")
    return np.asarray(image.convert("L"))


def grey_from_16_bit(samples: NDArray[np.generic]) -> Grey:
    """8-bit grey from 0 to 65,535, rounded to the nearest."""
    wide = np.clip(samples.astype(np.int64), 0, 65535)
    return ((wide * 255 + 32767) // 65535).astype(np.uint8)


def grey_from_cmyk(inks: Grey) -> Grey:
    """Grey from inks, shape (height, width, 4), 255 full ink: each ink takes its share of the light."""
    light = 255 - inks.astype(np.uint32)
    red, green, blue = (light[:, :, i] * light[:, :, 3] // 255 for i in range(3))
    return grey_from_rgb(red, green, blue)


def grey_from_rgb(red: NDArray[np.uint32], green: NDArray[np.uint32], blue: NDArray[np.uint32]) -> Grey:
    """Grey as JPEG's own Y (ITU-R BT.601), rounded as Pillow and libjpeg do. Values from 0 to 255."""
    grey: Grey = ((19595 * red + 38470 * green + 7471 * blue + 32768) >> 16).astype(np.uint8)
    return grey
