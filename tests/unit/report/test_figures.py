"""A report's figures and words on small records whose numbers are worked out by hand."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import docx
import pytest

from ballotscan.i18n import use_language
from ballotscan.model import BatchName, BoxOpening
from ballotscan.programme.load import AskedForm, Chosen, Officials
from ballotscan.report.content import write_report
from ballotscan.report.document import Document, Grid, Paragraph
from ballotscan.report.docx import report_docx
from ballotscan.report.figures import Figures, gather, plain_programme
from ballotscan.report.html import report_html
from ballotscan.report.wording import count, number
from ballotscan.rules.periods import parse_period
from ballotscan.rules.targets import Target
from ballotscan.settings import shipped
from tests.unit.record import Office

TODAY = date(2023, 2, 5)


def figures_of(office: Office, period: str = "2023Q1", **changes: Any) -> Figures:
    with office.open() as store:
        programme = replace(plain_programme(store, "nd09"), **changes)
        return gather(store, programme, [shipped("templates")], parse_period(period), 2)


def minute(**changes: Any) -> BoxOpening:
    values: dict[str, Any] = {"box": "b", "seal": "1", "opened": "2023-03-01", "batch": BatchName("box 1")}
    values |= {"issued": 0, "unused": 0, "spoiled": 0, "taken_out": 0, "opened_by": ("Lan",)}
    values |= {"scanned_by": ("Minh",), "reviewed_by": ("Hoa",), "handle_procedures": ("Tư",)}
    return BoxOpening(**(values | changes))


def report_of(figures: Figures) -> Document:
    return write_report(figures, "en", TODAY)


def texts(document: Document) -> str:
    return "\n".join(block.text for block in document.blocks if isinstance(block, Paragraph))


def grid(document: Document, caption: str) -> Grid:
    return next(each for each in document.grids() if each.caption.startswith(caption))


@pytest.fixture
def office(tmp_path: Path) -> Office:
    use_language("en")
    return Office(tmp_path / "office")


def test_indices_of_the_small_quarter(office: Office) -> None:
    """Five ballots: 1 1 2 1 1, 1 2 - 1 2, 2 2 3 13 1, 3 - - 2 3 and 1 1 1 1 1; 1 and 2 are satisfied."""
    figures = figures_of(office)
    found = {index.name: (index.value, index.out_of) for index in figures.forms[0].indices}
    assert found["top2_of_answers"] == (Fraction(18, 21), 21)
    assert found["top2_of_ballots"] == (Fraction(18, 25), 25)
    assert found["all_satisfied"] == (Fraction(3, 5), 5)
    # levels: 3 is best, so code 1 is worth 3: 12 ones, 6 twos, 3 threes
    assert found["mean_score"] == (Fraction(12 * 3 + 6 * 2 + 3, 21), 21)
    assert found["points"] == (Fraction(12 * 2 + 6, 42), 21)
    document = report_of(figures)
    assert grid(document, "Named indices").rows[0][:3] == (
        "Satisfied answers over all answers",
        "85.71%",
        "21",
    )
    assert "satisfaction is 85.71%" in texts(document)
    assert "too few to publish" in texts(document)


def test_rounding_is_the_programmes(office: Office) -> None:
    figures = figures_of(office, index=Chosen("top2_of_answers", "truncate", weighted=False))
    document = report_of(figures)
    assert grid(document, "Named indices").rows[0][1] == "85.71%"
    assert grid(document, "Named indices").rows[2][1] == "2.42"
    assert "the rest cut off" in grid(document, "Named indices").note


def test_a_provisional_report_says_so_on_every_page_and_a_closed_one_does_not(office: Office) -> None:
    document = report_of(figures_of(office))
    assert document.stamp == "PROVISIONAL"
    assert "PROVISIONAL" in report_html(document)
    office.close("2023Q1", reason="one lost")
    figures = figures_of(office)
    closed = report_of(figures)
    assert closed.stamp == ""
    assert "PROVISIONAL" not in report_html(closed)
    provenance = dict(row[:2] for row in grid(closed, "Provenance").rows)
    assert provenance["Closed by"] == "An, Bình"
    assert provenance["Head of the chain"].replace(" ", "").lower() == office.head()
    word = docx.Document(io.BytesIO(report_docx(closed)))
    assert "PROVISIONAL" not in word.sections[0].header._element.xml


def test_ballots_taken_out_and_received_must_agree_or_be_explained(office: Office) -> None:
    with office.open() as store:
        store.add_box_opening(minute(batch="box 1", issued=20, unused=5, spoiled=1, taken_out=5))
    figures = figures_of(office)
    (account,) = figures.accounts
    assert (account.issued, account.unused, account.spoiled, account.received) == (20, 5, 1, 5)
    assert account.taken_out is None  # the other batch has no minute
    office.add_batch("box 3", "1 1 1 1 1", channel="post")
    with office.open() as store:
        store.add_box_opening(minute(box="p", batch="box 3", issued=3, unused=0, spoiled=0, taken_out=2))
    post = next(each for each in figures_of(office).accounts if each.channel == "post")
    assert (post.taken_out, post.received, post.holds) == (2, 1, False)
    assert "Channel post does not balance: taken out 2, received 1; no reason was given." in texts(
        report_of(figures_of(office))
    )


def test_targets_weights_and_what_is_missing(office: Office) -> None:
    with office.open() as store:
        body = {"name": "2023Q1", "first": "2022-12-15", "last": "2023-03-14", "file": "d.csv", "sha256": ""}
        store.declare("dossiers", body | {"rows": [["", "", 30], ["Phòng Đất đai", "", 90]]})
    chosen = Chosen("top2_of_answers", "half_up", weighted=True)
    figures = figures_of(
        office, target=Target("share", share=Fraction(1, 10)), target_by="unit", index=chosen
    )
    assert {(each.name, each.wanted, each.counted, each.missing) for each in figures.progress} == {
        ("", 3, 4, 0),
        ("Phòng Đất đai", 9, 1, 8),
    }
    weighted = figures.forms[0].weighted
    assert weighted is not None
    assert weighted.value == Fraction(13, 16) * Fraction(30, 120) + Fraction(90, 120)
    assert figures.forms[0].chosen.low is not None
    assert "5 of 12 ballots wanted were counted; 8 are missing." in texts(report_of(figures))


def test_the_period_before_is_compared_in_plain_words(office: Office) -> None:
    office.add_batch("before", *["1 1 1 1 1"] * 30, received="2022-10-01")
    office.add_batch("more", *["3 3 3 3 3"] * 30)
    figures = figures_of(office)
    (name, index), *_ = figures.forms[0].history
    assert (name, index.value) == ("2022Q4", 1)
    change = figures.forms[0].change
    assert change is not None
    assert change.significant
    said = texts(report_of(figures))
    assert (
        "Against quarter IV of 2022 satisfaction fell by 89.5 percentage points." in said
    )  # 18 of 171 answers
    assert "Chance alone seldom makes such a difference (p = 0.000)." in said


def test_small_fields_are_not_shown_nor_told_by_the_rest(tmp_path: Path) -> None:
    use_language("en")
    office = Office(tmp_path / "office")
    office.add_batch("land", *["1 1 1 1 1"] * 20, linh_vuc="Land")
    office.add_batch("trade", *["1 1 1 1 1"] * 20, linh_vuc="Trade")
    office.add_batch("civil", "1 1 1 1 3", linh_vuc="Civil")
    parts = {part.name: part.index for part in figures_of(office).forms[0].fields}
    assert parts["Civil"] is None
    assert sum(index is None for index in parts.values()) >= 2
    table = grid(report_of(figures_of(office)), "By field of procedure")
    assert ("Civil", "1", "*", "*", "*") in table.rows


@pytest.mark.parametrize(
    ("day", "written"), [(date(2023, 2, 5), "05/02/2023"), (date(2023, 11, 28), "28/11/2023")]
)
def test_the_day_is_written_as_the_decree_does(office: Office, day: date, written: str) -> None:
    assert write_report(figures_of(office), "en", day).letterhead.place_and_day.endswith(written)
    assert write_report(figures_of(office), "en", date(2023, 3, 1)).letterhead.place_and_day.endswith(
        "01/3/2023"
    )


def test_numbers_in_both_languages() -> None:
    use_language("vi")
    assert (number(Fraction(98035, 1000), "half_up"), count(1234567)) == ("98,04", "1.234.567")
    use_language("en")
    assert (number(Fraction(98035, 1000), "truncate"), count(1234567), count(None)) == (
        "98.03",
        "1,234,567",
        "-",
    )
    assert number(Fraction(1, 200), "half_up") == "0.01"


def test_fields_of_procedure_have_an_account_of_their_own(tmp_path: Path) -> None:
    use_language("en")
    office = Office(tmp_path / "office")
    office.add_batch("land", "1 1 1 1 1", "1 1 1 1 2", linh_vuc="Land")
    office.void("land/00001")
    document = report_of(figures_of(office))
    account = grid(document, "Ballots by channel and field of procedure")
    assert account.head == ("Channel and field", "Received", "Valid", "Duplicate", "Void", "Held back")
    assert set(account.rows) == {
        ("hom-phieu – Land", "2", "1", "0", "1", "0"),
        ("hom-phieu – not given", "5", "5", "0", "0", "0"),
    }
    assert "6 of the ballots counted name nobody, as paper does" in texts(document)


def test_where_no_field_is_named_there_is_no_such_account(office: Office) -> None:
    captions = [each.caption for each in report_of(figures_of(office)).grids()]
    assert not any("field of procedure" in caption for caption in captions)


def test_respondents_are_told_apart_and_officials_only_where_switched_on(office: Office) -> None:
    """Of 17 ballots 15 say 1 at H4, with 74 answers, all satisfied; H4 stands in for one on the official."""
    office.add_batch("more", *["1 1 1 1 1"] * 12)
    forms = (AskedForm("hue-2019", "Everybody"),)
    apart = report_of(figures_of(office, forms=forms, groups=("H4",)))
    parts = next(each for each in apart.grids() if each.head[0] == "Answer")
    assert {row[0]: row[1] for row in parts.rows} == {
        "Đúng hẹn": "15",
        "Chậm hẹn nhưng chấp nhận được": "1",
        "Không đúng hẹn": "0",
        "not given": "1",
    }
    assert not any("official" in each.caption for each in apart.grids())
    switched = report_of(figures_of(office, forms=forms, officials=Officials("H4", 10)))
    rows = {row[0]: row[1:4] for row in grid(switched, "By official or counter").rows}
    assert rows["Đúng hẹn"] == ("15", "100.00%", "74")
    assert rows["Chậm hẹn nhưng chấp nhận được"] == ("1", "*", "*")
    assert "* fewer than 10 ballots." in texts(switched)
