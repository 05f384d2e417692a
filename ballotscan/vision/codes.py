"""The machine-readable code of a side, read by zxing-cpp."""

from __future__ import annotations

import numpy as np

from ballotscan.forms.codes import SideCode, parse_payload
from ballotscan.vision.align import Alignment
from ballotscan.vision.arrays import Grey
from ballotscan.vision.flat import cut_out, grown
from ballotscan.vision.page import Page, Scan

CODE_DPI = 200.0
"""A module of 0.8 mm is 6 px: zxing needs three."""

MARGIN_MM = 3.0


def read_code_in_place(scan: Scan, page: Page, alignment: Alignment) -> SideCode | None:
    """The code where the form prints it; ``None`` where the form has none or it cannot be read.

    The copy that the reader works on will do for most; the whole scan is looked at where it does not.
    """
    kinds = {field.id: field.kind for field in alignment.reference.form.fields}
    for place in alignment.reference.side.fields:
        if kinds[place.field] == "code":
            rect = grown(place.rect, MARGIN_MM)
            small = np.diag([page.fine_scale, page.fine_scale, 1.0]) @ alignment.matrix
            return read_code(cut_out(page.fine, small, rect, CODE_DPI)) or read_code(
                cut_out(scan.grey, alignment.matrix, rect, CODE_DPI)
            )
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
