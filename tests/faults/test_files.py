"""Cases 1 to 4, 8 to 10, 17, 18 and 21 to 24: what is wrong with a whole file, or with its name."""

from __future__ import annotations

import errno
import os
import socket
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name

from ballotscan.errors import BallotscanError, UsageError
from ballotscan.intake import files
from ballotscan.intake.faults import FileFault
from ballotscan.intake.files import count_skipped, list_files, open_source, still_written
from ballotscan.model import Reason
from tests.faults.making import (
    add_page,
    bitonal_picture,
    encoded,
    far_apart,
    file_fault,
    jpeg,
    jpeg_image,
    made_pdf,
    outcomes,
    page_fault,
    page_of,
    picture,
    saved,
    scan_pdf,
    tiff,
    without_roots_rights,
)

POSIX = pytest.mark.skipif(os.name != "posix", reason="needs links, pipes and names of raw bytes")
MAKERS: dict[str, Callable[[Path], object]] = {
    "pdf": lambda path: scan_pdf(path, jpeg(0), jpeg(1)),
    "tif": lambda path: saved(path, tiff(bitonal_picture(0), bitonal_picture(1))),
    "jpg": lambda path: saved(path, jpeg()),
    "png": lambda path: saved(path, encoded(picture(), "PNG")),
}


@pytest.mark.parametrize("ending", MAKERS)
def test_case_01_empty_file(tmp_path: Path, ending: str) -> None:
    assert file_fault(saved(tmp_path / f"a.{ending}", b"")).reason is Reason.EMPTY_FILE


@pytest.mark.parametrize("ending", MAKERS)
def test_case_02_file_still_being_written(
    tmp_path: Path, ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = tmp_path / f"whole.{ending}"
    MAKERS[ending](whole)
    path = saved(tmp_path / f"a.{ending}", whole.read_bytes()[:-40])
    before_s = time.time()
    monkeypatch.setattr(files.time, "sleep", lambda _s: saved(path, whole.read_bytes()))
    fault = still_written(path)
    assert fault is not None
    assert fault.reason is Reason.STILL_WRITTEN
    assert still_written(path) is None, "it is whole now"
    assert time.time() - before_s < 60


@pytest.mark.parametrize("ending", MAKERS)
def test_case_02_a_damaged_file_that_lies_still_is_not_taken_as_being_written(
    tmp_path: Path, ending: str
) -> None:
    MAKERS[ending](tmp_path / "whole")
    path = saved(tmp_path / f"a.{ending}", (tmp_path / "whole").read_bytes()[:-40])
    an_hour_ago = time.time() - 3600
    os.utime(path, (an_hour_ago, an_hour_ago))
    assert still_written(path) is None


def test_case_02_a_fresh_damaged_file_is_watched_and_then_left_to_the_opener(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(files.time, "sleep", waits.append)
    path = saved(tmp_path / "a.jpg", jpeg()[:-40])
    assert still_written(path) is None
    assert len(waits) == 1
    assert 0 < waits[0] <= 2


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_case_03_pdf_cut_off(tmp_path: Path, share: float) -> None:
    whole = scan_pdf(tmp_path / "whole.pdf", *(jpeg(seed) for seed in range(5))).read_bytes()
    assert (
        file_fault(saved(tmp_path / "a.pdf", whole[: int(len(whole) * share)])).reason is Reason.DAMAGED_FILE
    )


def test_case_03_tiff_cut_off_loses_no_page_silently(tmp_path: Path) -> None:
    whole = tiff(*(bitonal_picture(seed) for seed in range(5)))
    for share in (0.3, 0.6, 0.9, 0.999):
        path = saved(tmp_path / "a.tif", whole[: int(len(whole) * share)])
        try:
            found = outcomes(path)
        except FileFault as fault:
            assert fault.reason is Reason.DAMAGED_FILE
        else:
            assert len(found) == 5
            for number, reason in enumerate(found, start=1):  # what was read is whole
                if reason is None:
                    assert far_apart(page_of(path, number).grey, bitonal_picture(number - 1)) == 0


def test_case_03_jpeg_and_png_cut_off(tmp_path: Path) -> None:
    assert page_fault(saved(tmp_path / "a.jpg", jpeg()[:-300])).reason is Reason.CUT_OFF
    assert page_fault(saved(tmp_path / "a.png", encoded(picture(), "PNG")[:-300])).reason is Reason.CUT_OFF


def test_case_04_pdf_that_opens_only_after_repair(tmp_path: Path) -> None:
    whole = scan_pdf(tmp_path / "whole.pdf", jpeg(0), jpeg(1)).read_bytes()
    at = whole.rindex(b"startxref")
    wrong_table = whole[:at] + b"startxref\n17\n%%EOF\n"
    assert file_fault(saved(tmp_path / "a.pdf", wrong_table)).reason is Reason.DAMAGED_FILE
    with pikepdf.open(tmp_path / "a.pdf") as repaired:
        assert len(repaired.pages) == 2, "the case must be one that others repair"


def test_case_04_pdf_whose_objects_are_not_where_they_should_be(tmp_path: Path) -> None:
    whole = bytearray(scan_pdf(tmp_path / "whole.pdf", jpeg(0), jpeg(1)).read_bytes())
    table = whole.rindex(b"xref\n", 0, whole.rindex(b"startxref"))
    for line in range(3, 7):  # shift what four objects' entries say
        entry = table + len(b"xref\n0 N\n") + 20 * line
        whole[entry + 8 : entry + 10] = b"99"
    assert file_fault(saved(tmp_path / "a.pdf", bytes(whole))).reason is Reason.DAMAGED_FILE


def test_case_08_pdf_with_no_pages(tmp_path: Path) -> None:
    assert file_fault(made_pdf(tmp_path / "a.pdf", lambda pdf: None)).reason is Reason.NO_PAGES


def test_case_08_tiff_with_no_pages(tmp_path: Path) -> None:
    assert file_fault(saved(tmp_path / "a.tif", b"II*\0" + bytes(4))).reason is Reason.NO_PAGES


def test_case_09_every_page_is_counted_whatever_is_wrong_with_it(tmp_path: Path) -> None:
    """The comparison with the declared number of sheets is the command's (tests/cli)."""
    path = scan_pdf(tmp_path / "a.pdf", jpeg(0), jpeg(1)[:-200], b"", jpeg(3))
    assert outcomes(path) == [None, Reason.CUT_OFF, Reason.DAMAGED_IMAGE, None]


@pytest.mark.parametrize("strength", [3, 4, 6])
def test_case_10_pdf_with_a_password(tmp_path: Path, strength: int) -> None:
    lock = pikepdf.Encryption(owner="o", user="u", R=strength, aes=strength >= 4, metadata=strength >= 4)  # type: ignore[arg-type]
    path = made_pdf(
        tmp_path / "a.pdf", lambda pdf: add_page(pdf, {"Im0": jpeg_image(pdf, jpeg())}), encryption=lock
    )
    assert file_fault(path).reason is Reason.ENCRYPTED


@pytest.mark.parametrize("ending", MAKERS)
@pytest.mark.parametrize("name", ["a.pdf", "a.docx", "a", "a.exe"])
def test_case_17_the_content_decides_and_not_the_name(tmp_path: Path, ending: str, name: str) -> None:
    MAKERS[ending](tmp_path / name)
    expected = picture() if ending in ("pdf", "jpg", "png") else bitonal_picture()
    assert far_apart(page_of(tmp_path / name).grey, expected) < 60  # JPEG's loss


def test_case_17_a_file_that_is_two_things_at_once(tmp_path: Path) -> None:
    pdf = scan_pdf(tmp_path / "whole.pdf").read_bytes()
    data = jpeg()
    both = (
        data[:2] + b"\xff\xfe" + (len(b"%PDF-1.7\n") + 2).to_bytes(2, "big") + b"%PDF-1.7\n" + data[2:] + pdf
    )
    fault = file_fault(saved(tmp_path / "a.jpg", both))
    assert (fault.reason, fault.detail) == (Reason.UNSUPPORTED_TYPE, "the file is both JPEG and PDF")


def office_document() -> bytes:
    import io

    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("word/document.xml", "<w/>")
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"),
        (office_document(), "Word, Excel or other Office document"),
        (b"PK\x03\x04" + bytes(26) + b"scan.jpg", "ZIP archive"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "EPS or PostScript"),
        (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
        (b"<svg/>".replace(b"/", b" /"), "SVG"),
        (b"GIF89a", "GIF"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "WebP"),
        (b"just text", "neither PDF, TIFF, PNG nor JPEG"),
        (b"\0" * 5000, "neither PDF, TIFF, PNG nor JPEG"),
    ],
)
@pytest.mark.parametrize("name", ["scan.jpg", "scan.pdf"])
def test_case_18_other_kinds_are_refused_by_their_names(
    tmp_path: Path, data: bytes, words: str, name: str
) -> None:
    fault = file_fault(saved(tmp_path / name, data))
    assert (fault.reason, fault.detail) == (Reason.UNSUPPORTED_TYPE, words)


@POSIX
def test_case_21_links_pipes_sockets_and_folders_named_like_scans(tmp_path: Path) -> None:
    outside = saved(tmp_path / "outside.jpg", jpeg())
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    (inbox / "link.jpg").symlink_to(outside)
    (inbox / "dead.jpg").symlink_to(tmp_path / "nothing")
    (inbox / "linked folder").symlink_to(tmp_path, target_is_directory=True)
    os.mkfifo(inbox / "pipe.jpg")
    (inbox / "x.pdf").mkdir()
    saved(inbox / "x.pdf" / "good.jpg", jpeg())
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(inbox / "socket.jpg"))
        found = list_files([inbox])
    refused = {file.shown: file.fault.reason for file in found if file.fault}
    assert refused == dict.fromkeys(
        ("link.jpg", "dead.jpg", "linked folder", "pipe.jpg", "socket.jpg"), Reason.NOT_A_FILE
    )
    assert [file.shown for file in found if not file.fault] == ["x.pdf/good.jpg"]
    for name in ("link.jpg", "pipe.jpg", "linked folder", "x.pdf"):  # and nobody opens them by mistake
        assert file_fault(inbox / name).reason is Reason.NOT_A_FILE


@POSIX
def test_case_21_device(tmp_path: Path) -> None:
    (device,) = list_files([Path("/dev/zero")])
    assert device.fault is not None
    assert device.fault.detail == "a device; it is not followed"


def test_case_21_a_link_named_on_the_command_line(tmp_path: Path) -> None:
    """A folder reached by a link may be named; a file that is a link may not: ``inbox/*`` names it too."""
    (tmp_path / "real").mkdir()
    saved(tmp_path / "real" / "a.jpg", jpeg())
    try:
        (tmp_path / "folder").symlink_to(tmp_path / "real", target_is_directory=True)
        (tmp_path / "b.jpg").symlink_to(tmp_path / "real" / "a.jpg")
    except OSError:
        pytest.skip("links may not be made here")
    assert [(file.shown, file.fault) for file in list_files([tmp_path / "folder"])] == [("a.jpg", None)]
    (link,) = list_files([tmp_path / "b.jpg"])
    assert link.fault is not None


@POSIX
@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a\nb.jpg", "a\\u{a}b.jpg"),
        ("a\u202egpj.exe", "a\\u{202e}gpj.exe"),
        ("a\u2066b\u2069.jpg", "a\\u{2066}b\\u{2069}.jpg"),
        ("a\\..\\..\\etc.jpg", "a\\\\..\\\\..\\\\etc.jpg"),
        (os.fsdecode(b"phi\xfeu.jpg"), "phi\\xfeu.jpg"),
        ("\x1b[31mred.jpg", "\\u{1b}[31mred.jpg"),
        ("=cmd|'calc'!A1.jpg", "=cmd|'calc'!A1.jpg"),  # the exports see to it (case 22 in tests/unit/store)
        ("phiếu số 1.jpg", "phiếu số 1.jpg"),
        ("p" * 251 + ".jpg", "p" * 251 + ".jpg"),
    ],
)
def test_case_22_odd_names_are_shown_escaped_and_opened_all_the_same(
    tmp_path: Path, name: str, shown: str
) -> None:
    saved(tmp_path / name, jpeg())
    (file,) = list_files([tmp_path])
    assert file.shown == shown
    shown.encode("utf-8")
    assert far_apart(page_of(file.path).grey, picture()) < 60


@POSIX
def test_case_22_no_two_names_are_shown_alike(tmp_path: Path) -> None:
    for name in (os.fsdecode(b"\xfe.jpg"), "\\xfe.jpg", "\u200b.jpg", "\\u{200b}.jpg"):
        saved(tmp_path / name, jpeg())
    assert len({file.shown for file in list_files([tmp_path])}) == 4


def test_case_22_dots_in_an_argument_never_reach_the_name(tmp_path: Path) -> None:
    (tmp_path / "inbox" / "sub").mkdir(parents=True)
    saved(tmp_path / "inbox" / "a.jpg", jpeg())
    (file,) = list_files([tmp_path / "inbox" / "sub" / ".." / ".." / "inbox"])
    assert file.shown == "a.jpg"


def test_case_23_two_files_of_one_name_stay_two(tmp_path: Path) -> None:
    """Keeping both under their hashes is the store's (tests/unit/store)."""
    for folder, seed in (("box 1", 1), ("box 2", 2)):
        (tmp_path / folder).mkdir()
        saved(tmp_path / folder / "scan.jpg", jpeg(seed))
    found = list_files([tmp_path])
    assert [file.shown for file in found] == ["box 1/scan.jpg", "box 2/scan.jpg"]
    assert len({page_of(file.path).image_sha for file in found}) == 2
    assert len(list_files([tmp_path / "box 1", tmp_path / "box 2"])) == 2


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOENT, errno.ESTALE])
def test_case_24_drive_that_vanishes_is_a_clean_stop(
    tmp_path: Path, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = saved(tmp_path / "a.jpg", jpeg())

    def gone(*_args: object, **_options: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(Path, "open", gone)
    with pytest.raises(BallotscanError, match=r"a\.jpg: can no longer be read") as caught:
        open_source(path)
    assert "run the same command again" in caught.value.remedy
    assert "\n" not in str(caught.value)


def test_case_24_drive_that_vanishes_between_two_pages(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.jpg", jpeg())
    with open_source(path) as source:
        path.unlink()
        with pytest.raises(BallotscanError, match=r"a\.jpg: can no longer be read"):
            source.page(1)


def test_case_24_folder_that_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="no such file or folder"):
        list_files([tmp_path / "nothing"])

    def gone(_self: Path) -> None:
        raise OSError(errno.EHOSTDOWN, "Host is down")

    monkeypatch.setattr(Path, "iterdir", gone)
    with pytest.raises(BallotscanError, match="can no longer be read"):
        list_files([tmp_path])


@POSIX
def test_a_file_that_may_not_be_read_stops_nothing_else() -> None:
    with without_roots_rights() as folder:
        path = saved(folder / "a.jpg", jpeg())
        path.chmod(0)
        assert file_fault(path).reason is Reason.NOT_A_FILE


def test_system_leftovers_are_passed_over_and_counted(tmp_path: Path) -> None:
    for name in ("Thumbs.db", "desktop.ini", ".DS_Store", "~$list.docx", ".hidden.jpg", "a.jpg"):
        saved(tmp_path / name, jpeg())
    assert [file.shown for file in list_files([tmp_path])] == ["a.jpg"]
    assert count_skipped([tmp_path]) == 5


def test_an_action_that_only_shows_the_first_page_is_harmless(tmp_path: Path) -> None:
    def make(pdf: pikepdf.Pdf) -> None:
        page = add_page(pdf, {"Im0": jpeg_image(pdf, jpeg())})
        pdf.Root["/OpenAction"] = Array([page, Name.Fit])
        pdf.Root["/PageLabels"] = Dictionary(Nums=Array([0, Dictionary(S=Name.D)]))

    assert outcomes(made_pdf(tmp_path / "a.pdf", make)) == [None]
