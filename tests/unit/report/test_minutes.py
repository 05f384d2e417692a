"""The minute of opening a box, as a document of the report set."""

from __future__ import annotations

from pathlib import Path

import pypdfium2
import pytest

from ballotscan.cli import main
from ballotscan.errors import ExitCode
from tests.unit.record import Office
from tests.unit.report.test_figures import minute, office

__all__ = ["office"]


@pytest.fixture
def boxes(office: Office, monkeypatch: pytest.MonkeyPatch) -> Office:
    counts = {"issued": 12, "unused": 6, "spoiled": 1}
    people = {"opened_by": ("Nguyễn Văn An", "Trần Thị Bình")}
    with office.open() as store:
        first = minute(box="Hòm số 1", batch="box 1", taken_out=4, place="Huế", **counts, **people)
        store.add_box_opening(first)
        store.add_box_opening(minute(box="Hòm số 2", batch="box 2", taken_out=1))
        store.add_box_opening(minute(box="Hòm số 3", opened="2022-10-01", batch="box 9", taken_out=1))
    monkeypatch.chdir(office.folder)
    for name in ("BALLOTSCAN_DB", "BALLOTSCAN_SETTINGS"):
        monkeypatch.delenv(name, raising=False)
    return office


def words_of(path: Path) -> tuple[int, str]:
    pdf = pypdfium2.PdfDocument(path)
    text = " ".join(" ".join(page.get_textpage().get_text_range().split()) for page in pdf)
    pages = len(pdf)
    pdf.close()
    return pages, text


def test_each_box_of_the_period_has_its_minute(boxes: Office) -> None:
    main(["--lang", "vi", "report", "2023Q1", "--format", "minutes", "--folder", "out"])
    written = sorted(path.name for path in (boxes.folder / "out").iterdir())
    assert written == [
        "bao-cao-2023Q1-bien-ban-Hòm-số-1-2023-03-01.pdf",
        "bao-cao-2023Q1-bien-ban-Hòm-số-2-2023-03-01.pdf",
    ]
    pages, text = words_of(boxes.folder / "out" / written[0])
    assert pages == 1
    for said in (
        "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM",
        "BIÊN BẢN Mở hòm phiếu Hòm số 1",
        "Ngày 01/03/2023, tại Huế.",
        "Số phiếu quét được khớp với số phiếu lấy ra khỏi hòm.",
        "Trần Thị Bình",
        "(Ký, ghi rõ họ tên)",
    ):
        assert said in text, said
    # issued 12 = unused 6 + spoiled 1 + taken out 4 + not returned 1; four sheets in the scan
    rows = text[text.index("Số phiếu của hòm") :].partition("Số phiếu quét")[0]
    assert [int(word) for word in rows.split() if word.isdigit()] == [12, 6, 1, 4, 1, 4]


def test_another_number_in_the_scan_is_said_in_the_minute(boxes: Office) -> None:
    with boxes.open() as store:
        store.add_box_opening(minute(box="Hòm số 2", batch="box 2", taken_out=3), "counted again")
    assert main(["--lang", "en", "box", "minute", "Hòm số 2", "-o", "m.pdf"]) == ExitCode.OK
    assert "The scan does not agree with the number taken out of the box." in words_of(Path("m.pdf"))[1]
