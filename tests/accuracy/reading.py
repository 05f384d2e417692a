"""Simulated sheets through the reader, as the program would read them from files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ballotscan.forms.load import shipped_templates
from ballotscan.forms.prints import FormPrint, load_print
from ballotscan.intake.faults import PageFault
from ballotscan.intake.jpeg import open_jpeg
from ballotscan.model import Answer, SideReading
from ballotscan.reading import SideNotRead, read_side
from ballotscan.rules.answers import decide_answers
from ballotscan.vision.page import Scan, as_scan
from ballotscan.vision.reference import Reference, build_references
from tests.accuracy.cases import Case
from tests.simulator import ScannedSide, SimulatedSheet

CROP_HEIGHT_PX = 150
CROP_MARGIN_MM = 6.0


def load_shipped(name: str) -> FormPrint:
    """The print of a shipped template."""
    return load_print(shipped_templates() / name)


def references_of(form_print: FormPrint) -> tuple[Reference, ...]:
    """The reader's references of one form."""
    return tuple(build_references(form_print))


def as_opened(scanned: ScannedSide) -> Scan:
    """The side as the program gets it out of its file: a large JPEG is decoded small."""
    return open_jpeg(scanned.encoded) if scanned.suffix == ".jpg" else as_scan(scanned.grey)


def read_sheet(
    sheet: SimulatedSheet, form_print: FormPrint, references: Sequence[Reference]
) -> tuple[tuple[Answer, ...], dict[int, str]]:
    """The answers read, and for every side that was not read (or taken for another) why."""
    readings: list[SideReading | None] = []
    refused: dict[int, str] = {}
    for scanned in sheet.sides:
        try:
            reading = read_side(as_opened(scanned), scanned.bitonal, references)
        except PageFault as fault:  # its file is taken for a damaged one
            refused[scanned.side] = fault.reason.value
            readings.append(None)
            continue
        if isinstance(reading, SideNotRead):
            refused[scanned.side] = reading.reason.value
            readings.append(None)
        elif reading.side != scanned.side:
            refused[scanned.side] = "taken_for_another_side"
            readings.append(None)
        else:
            readings.append(reading)
    return decide_answers(form_print.form, readings), refused


def crop_question(scanned: ScannedSide, case: Case) -> NDArray[np.uint8]:
    """The boxes of one question as they lie in the scan, with a line of text above: (h, w, 3)."""
    corners = [box.corners_px for box in scanned.boxes if box.question == case.question]
    return crop_corners(scanned.grey, np.array(corners).reshape(-1, 2), scanned.dpi)


def crop_corners(grey: NDArray[np.uint8], corners_px: NDArray[np.float64], dpi: float) -> NDArray[np.uint8]:
    """What lies round points (N, 2) of a scan, at 150 dpi, with room for a line of text above: (h, w, 3)."""
    margin = CROP_MARGIN_MM / 25.4 * dpi
    low = np.maximum(np.floor(corners_px.min(axis=0) - margin), 0).astype(int)
    high = np.ceil(corners_px.max(axis=0) + margin).astype(int)
    part = grey[low[1] : high[1], low[0] : high[0]]
    crop = cv2.cvtColor(np.ascontiguousarray(part), cv2.COLOR_GRAY2BGR)
    if dpi != 150:
        crop = cv2.resize(crop, None, fx=150 / dpi, fy=150 / dpi, interpolation=cv2.INTER_AREA)
    return np.asarray(
        cv2.copyMakeBorder(crop, 18, 2, 0, 0, cv2.BORDER_CONSTANT, value=(255, 255, 255)), np.uint8
    )


def write_contact_sheet(
    path: Path, crops: Sequence[tuple[str, NDArray[np.uint8]]], width_px: int = 1400
) -> None:
    """All crops on one PNG, a line of text over each; nothing is written where there are none."""
    if not crops:
        return
    rows: list[NDArray[np.uint8]] = []
    row = np.full((0, 0, 3), 255, np.uint8)
    for text, picture in crops:
        wide = max(picture.shape[1], 9 * len(text) // 1)
        cell = np.full((picture.shape[0] + 8, min(wide, width_px) + 8, 3), 255, np.uint8)
        fitting = picture[:, : cell.shape[1] - 8]
        cell[: fitting.shape[0], : fitting.shape[1]] = fitting
        cv2.putText(cell, text, (2, 13), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (160, 0, 0), 1, cv2.LINE_AA)
        if row.shape[1] and row.shape[1] + cell.shape[1] > width_px:
            rows.append(row)
            row = np.full((0, 0, 3), 255, np.uint8)
        row = _beside(row, cell)
    rows.append(row)
    canvas = np.full((sum(r.shape[0] for r in rows), max(r.shape[1] for r in rows), 3), 255, np.uint8)
    top = 0
    for each in rows:
        canvas[top : top + each.shape[0], : each.shape[1]] = each
        top += each.shape[0]
    path.write_bytes(cv2.imencode(".png", canvas)[1].tobytes())


def _beside(left: NDArray[np.uint8], right: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height = max(left.shape[0], right.shape[0])
    out = np.full((height, left.shape[1] + right.shape[1], 3), 255, np.uint8)
    out[: left.shape[0], : left.shape[1]] = left
    out[: right.shape[0], left.shape[1] :] = right
    return out
