"""The machine-readable code of a side, read by zxing-cpp."""

from __future__ import annotations

from ballotscan.forms.codes import SideCode, parse_payload
from ballotscan.vision.align import Alignment
from ballotscan.vision.arrays import Grey
from ballotscan.vision.flat import cut_out, grown

CODE_DPI = 200.0
"""A module of 0.8 mm is 6 px: zxing needs three."""

MARGIN_MM = 3.0


def read_code_in_place(scan: Grey, alignment: Alignment) -> SideCode | None:
    """The code where the form prints it; ``None`` where the form has none or it cannot be read."""
    kinds = {field.id: field.kind for field in alignment.reference.form.fields}
    for place in alignment.reference.side.fields:
        if kinds[place.field] == "code":
            region = cut_out(scan, alignment.matrix, grown(place.rect, MARGIN_MM), CODE_DPI)
            return read_code(region)
    return None


def read_code(picture: Grey) -> SideCode | None:
    """The first code of ours in a picture, of any orientation."""
    import zxingcpp

    for found in zxingcpp.read_barcodes(
        picture, formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)
    ):
        code = parse_payload(found.text)
        if code is not None:
            return code
    return None
