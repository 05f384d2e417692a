"""Exports as the tools really write them: their headings, times, codes, several answers and odd rows."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ballotscan.errors import BallotscanError
from ballotscan.forms.form import Form
from ballotscan.forms.load import load_form
from ballotscan.imports.answers import Export, read_answers
from ballotscan.imports.mapping import faults_of, read_mapping
from ballotscan.imports.propose import propose
from ballotscan.imports.tables import Table, read_table
from ballotscan.imports.times import day_of, guess_format
from ballotscan.settings import shipped

FORM = load_form(shipped("templates") / "hue-2019")
SEVERAL = replace(FORM, questions=tuple(replace(q, multiple=q.id == "H4") for q in FORM.questions))


def proposed(folder: Path, text: str, name: str = "a.csv", form: Form = FORM) -> tuple[Table, Export, str]:
    """An export read by the mapping that is proposed for it."""
    file = folder / name
    file.write_text(text, encoding="utf-8")
    table = read_table(file)
    (folder / "m.yaml").write_text(propose(table, form), encoding="utf-8")
    mapping = read_mapping(folder / "m.yaml")
    assert faults_of(mapping, form, table) == []
    return table, read_answers(table, mapping, form, "web", None), mapping.text


def codes(export: Export) -> list[list[str]]:
    return [["|".join(answer.codes) for answer in row.sheet.answers] for row in export.rows]


def test_google_forms_own_csv(tmp_path: Path) -> None:
    """Quoted throughout, times with morning and afternoon in Vietnamese, and a time zone."""
    head = ",".join(f'"{i}. {q.text}"' for i, q in enumerate(FORM.questions, start=1))
    text = (
        f'"Dấu thời gian",{head}\n'
        '"2023/03/10 9:05:12 SA GMT+7","Hài lòng","Rất hài lòng","Không hài lòng","Đúng hẹn","Đơn giản"\n'
        '"2023/03/10 12:05:12 CH GMT+7","","Hài lòng","Hài lòng","Không đúng hẹn","Phức tạp"\n'
    )
    _table, export, mapping = proposed(tmp_path, text)
    assert export.faults == ()
    assert [row.day for row in export.rows] == [date(2023, 3, 10)] * 2
    assert codes(export) == [["2", "1", "3", "1", "1"], ["", "2", "2", "3", "3"]]
    assert 'format: "google"' in mapping


def test_limesurvey_with_codes_of_answers_and_unfinished_rows(tmp_path: Path) -> None:
    text = (
        "\ufeff"
        '"id";"submitdate";"lastpage";"startlanguage";"DONVI";"H1";"H2";"H3";"H4";"H5"\n'
        '"5";"2023-03-10 09:05:12";"2";"vi";"Ward";"A1";"A2";"A3";"AO01";"N/A"\n'
        '"6";"";"1";"vi";"";"A1";"";"";"";""\n'
        '"7";"1980-01-01 00:00:00";"2";"vi";"";"A1";"A1";"A1";"AO02";"A1"\n'
    )
    _table, export, mapping = proposed(tmp_path, text)
    assert codes(export) == [["1", "2", "3", "1", ""]]
    assert [fault.split(":")[0] for fault in export.faults] == ["a.csv, row 3", "a.csv, row 4"]
    assert "not finished" in export.faults[0]
    assert "1980-01-01 cannot be" in export.faults[1]
    assert 'answers: {"A1": "1"' in mapping
    assert 'blank: ["N/A"]' in mapping
    assert export.rows[0].unit == "Ward"


def test_limesurvey_with_codes_and_texts_in_the_heading(tmp_path: Path) -> None:
    names = ['"id. Response ID"', '"submitdate. Date submitted"']
    names += [f'"{q.id}. {q.text}"' for q in FORM.questions[:3]]
    names += [f'"DANHGIA[{q.id}]. Đánh giá [{q.text}]"' for q in FORM.questions[3:]]
    text = ",".join(names) + '\n"1","2023-03-10 09:05:12","1","2","3","1","2"\n'
    _table, export, mapping = proposed(tmp_path, text)
    assert codes(export) == [["1", "2", "3", "1", "2"]]
    assert 'id: "id. Response ID"' in mapping


def test_odk_central_puts_groups_before_a_dash_and_keeps_utc(tmp_path: Path) -> None:
    names = ",".join(f"danh_gia-{q.id}" for q in FORM.questions)
    text = (
        f"SubmissionDate,{names},meta-instanceID,KEY,ReviewState\n"
        "2023-03-14T23:30:00.123Z,1,2,3,1,2,uuid:1,uuid:1,\n"
    )
    _table, export, mapping = proposed(tmp_path, text)
    assert export.faults == ()
    assert export.rows[0].day == date(2023, 3, 15)  # half past six in the morning: another quarter
    assert 'id: "KEY"' in mapping


def test_kobotoolbox_by_semicolons_keeps_utc_without_saying_so(tmp_path: Path) -> None:
    names = ";".join(f"danh_gia/{q.id}" for q in FORM.questions)
    text = f"{names};_id;_uuid;_submission_time\n1;2;3;1;2;77;aa;2023-03-14T23:30:00\n"
    _table, export, mapping = proposed(tmp_path, text)
    assert export.rows[0].day == date(2023, 3, 15)
    assert 'id: "_id"' in mapping


def test_a_heading_may_be_broken_and_full_of_commas(tmp_path: Path) -> None:
    """Microsoft Forms breaks headings, and a question's commas are no delimiters."""
    text = 'ID;Ngày;"Nơi đón, tiếp\ncủa\u00a0Trung tâm, ở đây, v.v."\n1;10/03/2023;1\n'
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    table = read_table(tmp_path / "a.csv")
    assert table.columns == ("ID", "Ngày", "Nơi đón, tiếp của Trung tâm, ở đây, v.v.")
    unquoted = "id;Một, hai, ba, bốn;b\n1;2;3\n4;5;6\n"
    (tmp_path / "b.csv").write_text("sep=;\n" + unquoted, encoding="utf-8")
    table = read_table(tmp_path / "b.csv")
    assert table.columns == ("id", "Một, hai, ba, bốn", "b")
    assert [row.number for row in table.rows] == [3, 4]  # as a text editor counts


def test_a_quote_that_never_closes_is_refused(tmp_path: Path) -> None:
    rows = "".join(f"{n};x,y\n" for n in range(20_000))
    (tmp_path / "a.csv").write_text('id;a,"b\n' + rows, encoding="utf-8")
    assert len(read_table(tmp_path / "a.csv").rows) == 20_000
    (tmp_path / "b.csv").write_text('id;"a\n' + rows, encoding="utf-8")
    with pytest.raises(BallotscanError, match=r"b\.csv: row 2 has more cells"):
        read_table(tmp_path / "b.csv")


def test_codes_and_days_that_a_spreadsheet_made_numbers(tmp_path: Path) -> None:
    text = "thoi_gian;H1;H2;H3;H4;H5\n44995,3785;1,0;2.0;3;1;2\n"
    _table, export, mapping = proposed(tmp_path, text)
    assert export.faults == ()
    assert (export.rows[0].day, codes(export)) == (date(2023, 3, 10), [["1", "2", "3", "1", "2"]])
    assert 'format: "excel"' in mapping


def test_day_and_month_are_told_by_all_rows(tmp_path: Path) -> None:
    assert guess_format(["03/04/2023 08:00:00", "13/04/2023 08:00:00"]) == ("%d/%m/%Y %H:%M:%S", False)
    assert guess_format(["03/04/2023 08:00:00", "04/13/2023 08:00:00"]) == ("%m/%d/%Y %H:%M:%S", False)
    assert guess_format(["03/04/2023 08:00:00"]) == ("%d/%m/%Y %H:%M:%S", True)
    _table, _export, mapping = proposed(tmp_path, "ngay,H1,H2,H3,H4,H5\n03/04/2023,1,1,1,1,1\n")
    assert "Day and month may be the other way round" in mapping


def test_a_day_to_come_is_refused(tmp_path: Path) -> None:
    later = (date.today() + timedelta(days=3)).isoformat()  # noqa: DTZ011  the office's own calendar
    _table, export, _mapping = proposed(tmp_path, f"time,H1,H2,H3,H4,H5\n{later},1,1,1,1,1\n")
    assert export.rows == ()
    assert f"{later} cannot be" in export.faults[0]


def test_what_is_no_answer_is_named_in_the_proposal(tmp_path: Path) -> None:
    rows = "2023-03-01,Tuyệt,1,1,1,1\n2023-03-01,Tuyệt,1,1,1,Ôi trời\n"
    _table, export, mapping = proposed(tmp_path, "time,H1,H2,H3,H4,H5\n" + rows)
    assert 'name their codes under answers: "Tuyệt"' in mapping
    assert "stand in one row only: 1" in mapping
    assert "trời" not in mapping  # somebody's own words
    assert export.faults == tuple(
        f"a.csv, row {row}: column '{question}': what stands there is no answer to {question}."
        for row, question in ((2, "H1"), (3, "H1"), (3, "H5"))
    )


@pytest.mark.parametrize(
    ("cell", "between"),
    [
        ("Đúng hẹn;Không đúng hẹn;", ";"),  # Microsoft Forms, and Google Forms' own CSV without the last
        ("Đúng hẹn, Không đúng hẹn", ", "),  # Google Sheets
        ("1 3", " "),  # KoboToolbox and ODK
    ],
)
def test_several_answers_in_one_cell(tmp_path: Path, cell: str, between: str) -> None:
    text = f'time,H1,H2,H3,H4,H5\n2023-03-01,1,1,1,"{cell}",1\n2023-03-01,1,1,1,,1\n'
    _table, export, mapping = proposed(tmp_path, text, form=SEVERAL)
    assert export.faults == ()
    assert [row[3] for row in codes(export)] == ["1|3", ""]
    assert ("separator: " in mapping) == (between != ";")


@pytest.mark.parametrize(
    ("names", "marks"),
    [
        ("H4[SQ001],H4[SQ002],H4[SQ003]", "Y,N,Y"),  # LimeSurvey by codes
        ("H4[Đúng hẹn],H4[Chậm hẹn nhưng chấp nhận được],H4[Không đúng hẹn]", "Có,Không,Có"),  # and by texts
        ("g/H4/1,g/H4/2,g/H4/3", "1,0,1"),  # KoboToolbox
    ],
)
def test_several_answers_in_a_column_each(tmp_path: Path, names: str, marks: str) -> None:
    text = f"time,H1,H2,H3,{names},H5\n2023-03-01,1,1,1,{marks},1\n2023-03-01,1,1,1,,,,1\n"
    _table, export, mapping = proposed(tmp_path, text, form=SEVERAL)
    assert export.faults == ()
    assert [row[3] for row in codes(export)] == ["1|3", ""]
    assert "columns: {" in mapping
    (tmp_path / "a.csv").write_text(text.replace(marks, "maybe,0,1"), encoding="utf-8")
    again = read_answers(
        read_table(tmp_path / "a.csv"), read_mapping(tmp_path / "m.yaml"), SEVERAL, "w", None
    )
    assert again.faults[0].endswith("neither yes nor no.")


@given(st.dates(date(2000, 1, 2), date(2099, 12, 30)), st.integers(0, 23), st.integers(0, 59))
def test_every_way_of_writing_a_time_gives_its_day(day: date, hour: int, minute: int) -> None:
    half, twelve = ("SA", "CH")[hour >= 12], hour % 12 or 12
    google = f"{day.year}/{day.month}/{day.day} {twelve}:{minute:02d}:00 {half} GMT+7"
    assert day_of(google, "google") == day
    serial = (day - date(1899, 12, 30)).days + (hour * 60 + minute + 0.5) / 1440
    assert day_of(f"{serial:.6f}".replace(".", ","), "excel") == day
    assert day_of(f"{day.isoformat()}T{hour:02d}:{minute:02d}:00+07:00", "iso") == day
    shifted = day + timedelta(days=hour >= 17)
    assert day_of(f"{day.isoformat()}T{hour:02d}:{minute:02d}:00Z", "iso") == shifted
    assert day_of(f"{day.isoformat()}T{hour:02d}:{minute:02d}:00", "iso", utc=True) == shifted
