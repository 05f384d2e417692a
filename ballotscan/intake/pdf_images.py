"""An image object of a PDF into grey pixels, from its own bytes and strictly."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import numpy as np
import pikepdf
from numpy.typing import NDArray
from pikepdf import Array, Dictionary, Name, Object, Stream

from ballotscan.intake.faults import PageFault
from ballotscan.intake.fax import decode_group_4
from ballotscan.intake.jpeg import pixels_of_jpeg
from ballotscan.intake.page_image import (
    MAX_PAGE_PX,
    Grey,
    Pixels,
    all_pixels,
    check_size,
    grey_from_cmyk,
    grey_from_rgb,
    sha_of_bytes,
)
from ballotscan.intake.pdf_content import unpacked_size
from ballotscan.model import Reason, Sha256

_LONG_NAMES: Final = {
    "/DCT": "/DCTDecode",
    "/CCF": "/CCITTFaxDecode",
    "/Fl": "/FlateDecode",
    "/LZW": "/LZWDecode",
    "/RL": "/RunLengthDecode",
    "/A85": "/ASCII85Decode",
    "/AHx": "/ASCIIHexDecode",
}
_PLAIN_FILTERS: Final = {
    "/FlateDecode",
    "/LZWDecode",
    "/RunLengthDecode",
    "/ASCII85Decode",
    "/ASCIIHexDecode",
}
_CHANNELS: Final = {"/DeviceGray": 1, "/CalGray": 1, "/G": 1, "/DeviceRGB": 3, "/CalRGB": 3, "/RGB": 3}
_CMYK: Final = {"/DeviceCMYK", "/CMYK"}


class UnplainImageError(Exception):
    """The image can be shown by a renderer only; nothing is wrong with it."""


@dataclass(frozen=True)
class DecodedImage:
    """Grey pixels as stored, and the hash of the bytes they came from."""

    pixels: Pixels
    sha: Sha256


def check_image(image: Stream) -> None:
    """Refuse what is too large, empty, damaged or cut off, before a renderer hides it. Raises PageFault."""
    with suppress(UnplainImageError):
        decode_image(image)


def has_mask(image: Stream) -> bool:
    """Whether parts of the image are see-through."""
    return "/SMask" in image or "/Mask" in image


def decode_image(image: Stream) -> DecodedImage:
    """The image's grey pixels. Raises PageFault where damaged, UnplainImageError where it must be drawn."""
    check_size(int(image.get("/Width", 0)), int(image.get("/Height", 0)))
    if not len(image.get_raw_stream_buffer()):
        raise PageFault(Reason.DAMAGED_IMAGE, "PDF: the image is empty")
    filters = _filters(image)
    if filters and filters[-1] == "/DCTDecode":
        return _decode_dct(image, filters)
    if filters == ["/CCITTFaxDecode"]:
        return _decode_fax(image)
    if filters == ["/JPXDecode"]:
        _check_jpx(image)
    if all(name in _PLAIN_FILTERS for name in filters):
        return _decode_samples(image)
    raise UnplainImageError


def _check_jpx(image: Stream) -> None:
    """JPEG 2000 is left to the renderer, which shows cut-off data as if it were whole."""
    data = bytes(image.get_raw_stream_buffer())
    if not data.rstrip(b"\0").endswith(b"\xff\xd9"):
        raise PageFault(Reason.CUT_OFF, "PDF: the JPEG 2000 image ends before its end mark")


def _filters(image: Stream) -> list[str]:
    held = image.get("/Filter", Array([]))
    names = [str(name) for name in held] if isinstance(held, Array) else [str(held)]
    return [_LONG_NAMES.get(name, name) for name in names]


def _parameters(image: Stream) -> Object:
    """The decoding parameters of the only or last filter."""
    held = image.get("/DecodeParms", image.get("/DP", Dictionary()))
    if isinstance(held, Array):
        held = held[-1] if len(held) else Dictionary()
    return held if isinstance(held, Dictionary) else Dictionary()


def _undo_plain_filters(image: Stream, filters: list[str]) -> bytes:
    """The bytes under all filters but the last."""
    raw = image.read_raw_bytes()
    if len(filters) == 1:
        return raw
    if not all(name in _PLAIN_FILTERS for name in filters[:-1]):
        raise UnplainImageError
    with pikepdf.new() as scratch:
        outer = Stream(scratch, raw)
        outer["/Filter"] = Array([Name(name) for name in filters[:-1]])
        unpacked_size(outer, MAX_PAGE_PX)
        return outer.read_bytes(decode_level=pikepdf.StreamDecodeLevel.specialized)


# --- JPEG and fax -------------------------------------------------------------------------------------------


def _decode_dct(image: Stream, filters: list[str]) -> DecodedImage:
    data = _undo_plain_filters(image, filters)
    inverted = _inverted(image)
    pixels = pixels_of_jpeg(data)
    if pixels.size_px != (int(image["/Width"]), int(image["/Height"])):
        raise PageFault(Reason.DAMAGED_IMAGE, "PDF: the JPEG is not of the size that the file says")
    if _base_space(image) not in (*_CHANNELS, *_CMYK, "/ICCBased", ""):
        raise UnplainImageError
    # A CMYK JPEG with an Adobe mark holds light instead of ink, and PDF says so in /Decode once more.
    cmyk = _channel_count(image) == 4
    light = pixels if cmyk or not inverted else pixels.changed(lambda grey: 255 - grey)
    return DecodedImage(light, sha_of_bytes(data))


def _decode_fax(image: Stream) -> DecodedImage:
    """ISO 32000-1, 7.4.6. The default for the columns is 1728, and 0 bits are black unless said otherwise."""
    parameters = _parameters(image)
    width_px, height_px = int(image["/Width"]), int(image["/Height"])
    if parameters.get("/EncodedByteAlign", False) or int(parameters.get("/K", 0)) >= 0:
        raise PageFault(Reason.UNSUPPORTED_IMAGE, "PDF: fax group 3 cannot be checked; scan as group 4")
    if int(parameters.get("/Columns", 1728)) != width_px:
        raise PageFault(Reason.DAMAGED_IMAGE, "PDF: the fax rows are not as long as the image is wide")
    data = image.read_raw_bytes()
    grey = decode_group_4(width_px, [height_px], [data])
    # In the fax code black is black. PDF hands it over as 0 (or as 1), and 0 is black unless inverted.
    black_is_1 = bool(parameters.get("/BlackIs1", False))
    light = 255 - grey if black_is_1 != _inverted(image) else grey
    return DecodedImage(all_pixels(light), sha_of_bytes(data))


# --- plain samples ------------------------------------------------------------------------------------------


def _decode_samples(image: Stream) -> DecodedImage:
    data = _plain_bytes(image)
    raw = image.read_raw_bytes()
    width_px, height_px, bits = int(image["/Width"]), int(image["/Height"]), _bits(image)
    channels = _channel_count(image)
    rows = np.frombuffer(data, np.uint8).reshape(height_px, -1)
    samples = _unpack(rows, bits, width_px * channels).reshape(height_px, width_px, channels)
    grey = _grey_of_samples(image, samples, bits)
    head = f"{width_px}x{height_px}x{bits}x{channels}:".encode()
    return DecodedImage(all_pixels(grey), sha_of_bytes(head, raw))


def _plain_bytes(image: Stream) -> bytes:
    """Unpacked samples of exactly the size that the image needs. Raises PageFault."""
    row_bytes = math.ceil(int(image["/Width"]) * _channel_count(image) * _bits(image) / 8)
    expected = row_bytes * int(image["/Height"])
    unpacked_size(
        image, 2 * expected + 1_000_000
    )  # PNG predictors add a byte a row, some writers a little more
    data = image.read_bytes(decode_level=pikepdf.StreamDecodeLevel.specialized)  # run lengths included
    if len(data) < expected:
        raise PageFault(Reason.CUT_OFF, f"PDF: the image has {len(data)} bytes and should have {expected}")
    return data[:expected]


def _bits(image: Stream) -> int:
    bits = 1 if image.get("/ImageMask", False) else int(image.get("/BitsPerComponent", 8))
    if bits not in (1, 2, 4, 8, 16):
        raise PageFault(Reason.UNSUPPORTED_IMAGE, f"PDF: {bits} bits a sample")
    return bits


def _unpack(rows: Grey, bits: int, per_row: int) -> NDArray[np.uint16]:
    """Samples out of packed rows, the high bits first, as 16-bit numbers."""
    if bits == 16:
        return rows.copy().view(">u2")[:, :per_row].astype(np.uint16)
    if bits == 8:
        return rows[:, :per_row].astype(np.uint16)
    single = np.unpackbits(rows, axis=1)[:, : per_row * bits].reshape(len(rows), per_row, bits)
    weights = (1 << np.arange(bits - 1, -1, -1)).astype(np.uint16)
    samples: NDArray[np.uint16] = (single * weights).sum(axis=2, dtype=np.uint16)
    return samples


def _grey_of_samples(image: Stream, samples: NDArray[np.uint16], bits: int) -> Grey:
    if _base_space(image) in ("/Indexed", "/I"):
        return _grey_of_palette(image, samples[:, :, 0])
    eight_bit = ((samples.astype(np.uint32) * 255 + ((1 << bits) - 1) // 2) // ((1 << bits) - 1)).astype(
        np.uint8
    )
    return _grey_of_channels(255 - eight_bit if _inverted(image) else eight_bit)


def _grey_of_channels(channels: Grey) -> Grey:
    """Grey from 1, 3 or 4 channels in the last axis."""
    count = channels.shape[-1]
    if count == 1:
        grey: Grey = channels[..., 0]
        return grey
    if count == 4:
        return grey_from_cmyk(channels)
    red, green, blue = (channels[..., i].astype(np.uint32) for i in range(3))
    return grey_from_rgb(red, green, blue)


def _grey_of_palette(image: Stream, index: NDArray[np.uint16]) -> Grey:
    """``[/Indexed base highest table]``."""
    _kind, base, highest, table = list(image["/ColorSpace"])
    channels = _channels_of(base)
    if "/Decode" in image or channels is None:
        raise UnplainImageError
    colours = table.read_bytes() if isinstance(table, Stream) else bytes(table)
    needed = (int(highest) + 1) * channels
    if len(colours) < needed or int(index.max(initial=0)) > int(highest):
        raise PageFault(Reason.DAMAGED_IMAGE, "PDF: the image's palette is too short")
    palette = np.frombuffer(colours[:needed], np.uint8).reshape(1, -1, channels)
    looked_up: Grey = _grey_of_channels(palette)[0][index]
    return looked_up


# --- colour spaces ------------------------------------------------------------------------------------------


def _base_space(image: Stream) -> str:
    space = image.get("/ColorSpace")
    if space is None:
        return ""
    return str(space[0] if isinstance(space, Array) else space)


def _channel_count(image: Stream) -> int:
    """Samples per pixel in the stream. Raises UnplainImageError for colour spaces that need a renderer."""
    if image.get("/ImageMask", False):
        return 1
    if _base_space(image) in ("/Indexed", "/I"):
        return 1
    channels = _channels_of(image.get("/ColorSpace"))
    if channels is None:
        raise UnplainImageError
    return channels


def _channels_of(space: Object | None) -> int | None:
    name = str(space[0] if isinstance(space, Array) else space)
    if name in _CMYK:
        return 4
    if name == "/ICCBased" and isinstance(space, Array):
        count = int(space[1].get("/N", 0))
        return count if count in (1, 3, 4) else None
    return _CHANNELS.get(name)


def _inverted(image: Stream) -> bool:
    """Whether ``/Decode`` turns light and dark round. Raises UnplainImageError for any other use of it."""
    held = image.get("/Decode")
    if held is None:
        return False
    pairs = [float(value) for value in held]
    ways = {(low, high) for low, high in zip(pairs[::2], pairs[1::2], strict=True)}
    if ways == {(0.0, 1.0)}:
        return False
    if ways == {(1.0, 0.0)}:
        return True
    raise UnplainImageError
