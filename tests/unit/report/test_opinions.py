"""What people wrote: masked, put under themes, counted once a ballot."""

from __future__ import annotations

from pathlib import Path

import pytest

from ballotscan.model import SheetId
from ballotscan.privacy import without_names
from ballotscan.report.opinions import Opinion, by_theme
from ballotscan.store.reviews import Reviews
from ballotscan.store.users import Account
from tests.unit.record import Office
from tests.unit.report.test_figures import figures_of, grid, office, report_of, texts

__all__ = ["office"]

THEMES = (
    ("Staff", ("thái độ", "cán bộ")),
    ("Waiting", ("chờ", "lâu")),
    ("Parking", ("gửi xe",)),
)


def said(text: str) -> Opinion:
    return Opinion("b/1", "hue-2019", "kiosk", text)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("Cán bộ Nguyễn Văn An nhiệt tình", "Cán bộ *** nhiệt tình"),
        ("chị Lan và ông Đặng Ổn", "chị *** và ông ***"),
        ("Bà Phạm Thị Ánh Ngọc.", "Bà ***."),
        ("[lan] hay cáu", "*** hay cáu"),  # the typist knows what no pattern can
        ("Ở Hà Nội, bà con chờ lâu", "Ở Hà Nội, bà con chờ lâu"),
        ("gọi 0912 345 678, thư a@b.vn", "gọi ***, thư ***"),
    ],
)
def test_who_wrote_or_is_named_is_masked(written: str, shown: str) -> None:
    assert said(written).masked == shown
    assert without_names(shown) == shown


def test_an_opinion_stands_under_each_theme_that_it_touches() -> None:
    opinions = [said(text) for text in ("Thái độ tốt nhưng chờ lâu", "Không có ý kiến", "CHO LAU QUA")]
    found = by_theme(opinions, THEMES)
    assert {theme: [each.text for each in those] for theme, those in found.items()} == {
        "Staff": ["Thái độ tốt nhưng chờ lâu"],
        "Waiting": ["Thái độ tốt nhưng chờ lâu", "CHO LAU QUA"],  # typed without marks, compared without
        "": ["Không có ý kiến"],
    }
    assert by_theme([said("ngoài lâu đài")], (("Old", ("đài lâu",)),)).keys() == {""}  # words in their order


def write(office: Office, sheet: str, text: str, field: str = "F1") -> None:
    with office.open() as store:
        Reviews(store).add_text(SheetId(sheet), field, text, "Lan")


@pytest.fixture
def typed(office: Office) -> Office:
    with office.open() as store:
        Reviews(store).set_account(Account("lan", "Lan", ("reviewer",), active=True, password="0" * 64))
    write(office, "box 1/00001", "Chờ lâu, hỏi [Tám] số 0912345678")
    write(office, "box 1/00002", "Chờ lâu, hỏi [Tám] số 0912345678")
    write(office, "box 1/00003", "thái độ tốt")
    write(office, "box 1/00003", "Đất đai", field="F0")  # one line: a field of procedure
    write(office, "box 1/00004", "")  # scribbles
    write(office, "box 2/00001", "gửi xe khó")
    office.void("box 2/00001")  # it does not count, nor does what stands on it
    return office


def test_what_was_typed_is_in_the_report_by_theme_and_masked(typed: Office) -> None:
    figures = figures_of(typed, themes=THEMES)
    document = report_of(figures)
    assert "3 opinions were written." in texts(document)
    assert grid(document, "Opinions by theme").rows == (("Staff", "1", "33.33%"), ("Waiting", "2", "66.67%"))
    assert grid(document, "Opinions, the most frequent first").rows == (
        ("Chờ lâu, hỏi *** số ***", "Waiting", "2"),
        ("thái độ tốt", "Staff", "1"),
    )


def test_a_text_that_was_typed_again_counts_once(typed: Office) -> None:
    write(typed, "box 1/00003", "thái độ rất tốt")
    rows = grid(report_of(figures_of(typed)), "Opinions, the most frequent first").rows
    assert [row[0] for row in rows] == ["Chờ lâu, hỏi *** số ***", "thái độ rất tốt"]


def test_nothing_is_said_of_opinions_where_there_are_none(office: Office) -> None:
    assert "opinion" not in texts(report_of(figures_of(office)))


def test_the_workbook_shows_texts_to_an_auditor_who_asks_and_to_nobody_else(
    typed: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import openpyxl

    from ballotscan.cli import main
    from ballotscan.errors import ExitCode

    monkeypatch.chdir(typed.folder)
    for name in ("BALLOTSCAN_DB", "BALLOTSCAN_SETTINGS"):
        monkeypatch.delenv(name, raising=False)
    with typed.open() as store:
        Reviews(store).set_account(Account("hoa", "Hoa", ("auditor",), active=True, password="0" * 64))

    def opinions(*options: str) -> tuple[int, list[str]]:
        out = tmp_path / f"out{len(list(tmp_path.iterdir()))}"
        code = main(["--lang", "en", "report", "2023Q1", "--format", "xlsx", "--folder", str(out), *options])
        if code != ExitCode.OK:
            return code, []
        book = openpyxl.load_workbook(next(out.glob("*.xlsx")))
        return code, [row[2] for row in book["Opinions"].iter_rows(min_row=2, values_only=True)]

    assert opinions()[1][0] == "Chờ lâu, hỏi *** số ***"
    assert opinions("--show-text")[0] == ExitCode.USAGE
    assert opinions("--show-text", "--by", "Lan")[0] == ExitCode.USAGE  # a reviewer
    assert "Lan has no account as auditor" in capsys.readouterr().err
    code, shown = opinions("--show-text", "--by", "Hoa")
    assert (code, shown[0]) == (ExitCode.OK, "Chờ lâu, hỏi [Tám] số 0912345678")
    with typed.open() as store:
        asked = [each for each in _exports(store) if each["by"]]
    assert [each["by"] for each in asked] == ["Hoa"]


def _exports(store: object) -> list[dict[str, str]]:
    from ballotscan.store import audits

    with store.looking() as connection:  # type: ignore[attr-defined]
        return [body for _seq, body in audits.bodies(connection, "export")]
