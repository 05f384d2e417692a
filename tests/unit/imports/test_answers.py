"""Rows into the record: strict, whole or not at all, once, and counted by the checker too."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ballotscan import ENGINE, verify
from ballotscan.errors import BallotscanError, ClosedError
from ballotscan.forms.load import load_form
from ballotscan.imports.answers import KEY_FILE, Taken, answered_of, read_answers, store_answers
from ballotscan.imports.dispatch import remaining
from ballotscan.imports.mapping import read_mapping
from ballotscan.imports.tables import read_table
from ballotscan.rules.periods import parse_period
from ballotscan.settings import shipped
from ballotscan.store.database import open_store
from ballotscan.store.reviews import Reviews
from ballotscan.store.rows import Scope
from ballotscan.store.texts import written_texts
from tests.unit.record import Office, rewrite

FORM = load_form(shipped("templates") / "hue-2019")
MAPPING = """
form: hue-2019
time: at
id: id
respondent: {column: mail, within_days: 30}
unit: unit
comment: note
questions: {H1: H1, H2: H2, H3: H3, H4: H4, H5: {column: H5, answers: {Ổn: 2}}}
"""
HEAD = "id,at,mail,unit,note,H1,H2,H3,H4,H5"
ROWS = (
    "1,2023-03-01T08:00:00,an@x.vn,Một cửa,,1,Hài lòng,3,2,ổn",
    "2,2023-03-02T08:00:00,binh@x.vn,Một cửa,gọi 0912345678,1,,1,1,1",
    "3,2023-03-15T08:00:00,,Một cửa,,2,2,2,2,2",
)


class Desk:
    """A folder with a mapping, and a way to import rows."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "m.yaml").write_text(MAPPING, encoding="utf-8")

    def take(self, rows: Sequence[str], channel: str = "kiosk", mapping: str = "m.yaml") -> Taken:
        file = self.folder / "export.csv"
        file.write_text("\n".join([HEAD, *rows]) + "\n", encoding="utf-8")
        read = read_mapping(self.folder / mapping)
        export = read_answers(read_table(file), read, FORM, channel, None)
        assert export.faults == ()
        with open_store(self.folder / "ballotscan.sqlite") as store:
            return store_answers(store, export, read, FORM, channel, file, ENGINE)

    def counted(self) -> list[tuple[str, str]]:
        with open_store(self.folder / "ballotscan.sqlite") as store:
            return [(sheet.channel, sheet.state) for sheet in store.counted()[0]]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_rows_become_sheets_of_their_day(desk: Desk) -> None:
    assert desk.take(ROWS) == Taken(added=3, known=0, repeated=0, unsaid=1)
    with open_store(desk.folder / "ballotscan.sqlite") as store:
        batches = {batch.received: batch for batch in store.batches()}
        assert sorted(batches) == ["2023-03-01", "2023-03-02", "2023-03-15"]
        assert {(b.channel, b.unit) for b in batches.values()} == {("kiosk", "Một cửa")}
        assert all(store.balance(batch.name).holds for batch in batches.values())
        (answers,) = store.counted(Scope(batch=batches["2023-03-01"].name))[1]
        assert (answers.questions, answers.answers) == ("H1,H2,H3,H4,H5", "1,2,3,2,2")
        assert store.rebuild_projections() == ()
        note = store.imports()[0]
        assert (note["rows"], note["added"], len(note["batches"])) == (3, 3, 3)
        (written,) = Reviews(store).look(written_texts, _day("2023-01-01"), _day("2023-12-31"))
        assert written.text == "gọi ***"
    assert verify.verify(str(desk.folder / "ballotscan.sqlite"), desk.folder).entries > 0
    whole = (desk.folder / "ballotscan.sqlite").read_bytes()
    assert b"an@x.vn" not in whole
    assert b"0912345678" not in whole


def _day(text: str):  # type: ignore[no-untyped-def]
    from datetime import date

    return date.fromisoformat(text)


def test_the_same_again_adds_nothing_and_a_longer_export_only_what_is_new(desk: Desk) -> None:
    desk.take(ROWS[:2])
    with open_store(desk.folder / "ballotscan.sqlite") as store:
        head = store.head()
    assert desk.take(ROWS[:2]) == Taken(0, 2, 0, 0)
    with open_store(desk.folder / "ballotscan.sqlite") as store:
        assert store.head() == head
    assert desk.take(ROWS) == Taken(1, 2, 0, 1)
    assert len(desk.counted()) == 3


def test_a_row_that_says_something_else_stops_the_import(desk: Desk) -> None:
    desk.take(ROWS[:1])
    with pytest.raises(BallotscanError, match=r"row 2: it was imported before with other answers"):
        desk.take([ROWS[0].replace("ổn", "3"), *ROWS[1:]])
    assert len(desk.counted()) == 1


def test_rows_without_an_id_are_told_by_their_place_among_twins(desk: Desk) -> None:
    (desk.folder / "m2.yaml").write_text(MAPPING.replace("id: id\n", "ignore: [id]\n"), encoding="utf-8")
    twins = [ROWS[2], ROWS[2]]
    assert desk.take(twins, mapping="m2.yaml").added == 2
    assert desk.take(twins, mapping="m2.yaml").added == 0
    assert desk.take([*twins, ROWS[2]], mapping="m2.yaml").added == 1


def test_one_respondent_counts_once_over_channels(desk: Desk) -> None:
    desk.take(ROWS[:1])
    later = "7,2023-03-20T08:00:00,AN@x.vn ,Một cửa,,1,1,1,1,1"
    assert desk.take([later], channel="zalo").repeated == 1
    month_after = "8,2023-04-10T08:00:00,an@x.vn,Một cửa,,1,1,1,1,1"
    assert desk.take([month_after], channel="web").repeated == 0
    assert desk.counted() == [("kiosk", "read"), ("zalo", "set_aside"), ("web", "read")]
    assert len((desk.folder / KEY_FILE).read_bytes()) == 32


def test_a_wholly_blank_row_is_kept_and_not_counted(desk: Desk) -> None:
    desk.take(["1,2023-03-01T08:00:00,,Một cửa,,,,,,"])
    assert desk.counted() == [("kiosk", "set_aside")]


def test_every_fault_is_named_by_row_and_column(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text(MAPPING, encoding="utf-8")
    wrong = [
        ROWS[0].replace("ổn", "tệ"),
        "2,soon,,Một cửa,,9,1,1,1,1",
        ROWS[2].replace("3,", "1,", 1),
        ",2023-03-01,,,,1,1,1,1,1",
    ]
    (tmp_path / "a.csv").write_text("\n".join([HEAD, *wrong]) + "\n", encoding="utf-8")
    export = read_answers(
        read_table(tmp_path / "a.csv"), read_mapping(tmp_path / "m.yaml"), FORM, "kiosk", None
    )
    assert len(export.faults) == 4
    assert "a.csv, row 2: column 'H5': what stands there is no answer to H5" in export.faults[0]
    assert "a.csv, row 3: column 'H1'" in export.faults[1]
    assert "a.csv, row 3: column 'at': what stands there" in export.faults[2]
    assert "a.csv, row 5: column 'id' is empty" in export.faults[3]


def test_two_rows_with_one_id_are_refused(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text(MAPPING, encoding="utf-8")
    (tmp_path / "a.csv").write_text("\n".join([HEAD, ROWS[0], ROWS[0]]) + "\n", encoding="utf-8")
    export = read_answers(
        read_table(tmp_path / "a.csv"), read_mapping(tmp_path / "m.yaml"), FORM, "kiosk", None
    )
    assert len(export.faults) == 2


def test_nothing_enters_a_closed_period_and_a_close_counts_imports(tmp_path: Path) -> None:
    office = Office(tmp_path / "office")
    desk = Desk(office.folder)
    desk.take(ROWS[:1])
    head = office.close("2023Q1")
    found = verify.verify(str(office.database), office.folder, [head])
    assert found.closes
    with pytest.raises(ClosedError):
        desk.take(ROWS)
    assert ("kiosk", "read") in desk.counted()
    assert sum(channel == "kiosk" for channel, _state in desk.counted()) == 1


@pytest.mark.parametrize("change", ["no row", "twice", "no import"])
def test_a_ballot_that_no_import_vouches_for_is_found(tmp_path: Path, change: str) -> None:
    office = Office(tmp_path / "office")
    Desk(office.folder).take(ROWS[:2])

    def forge(bodies: list[dict[str, Any]]) -> None:
        sheets = [body for body in bodies if body["kind"] == "sheet" and not body["pages"]]
        match change:
            case "no row":
                del sheets[0]["imported"]["row"]
            case "twice":
                sheets[1]["imported"]["row"] = sheets[0]["imported"]["row"]
            case _:
                next(body for body in bodies if body["kind"] == "import")["added"] = 1

    verify.verify(str(office.database), office.folder)
    rewrite(office.database, forge)
    with pytest.raises(verify.Fault, match="no page belongs"):
        verify.verify(str(office.database), office.folder)


def test_who_is_called_anonymous_is_nobody(tmp_path: Path) -> None:
    """Microsoft Forms writes so in every row of a form that asks for no account."""
    rows = [f"{n},2023-03-01T08:00:00,anonymous,Một cửa,,1,1,1,1,1" for n in range(3)]
    assert Desk(tmp_path).take(rows) == Taken(added=3, known=0, repeated=0, unsaid=3)


def test_whom_to_remind_is_told_by_keys_and_by_marks_only(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.take(ROWS)
    path = tmp_path / "list.csv"
    path.write_text("Tên,Email,Đã về\nAn,AN@x.vn,x\nHoa,hoa@x.vn,\n+84 9,binh@x.vn,\n", encoding="utf-8")
    table, first = read_table(path), parse_period("2023Q1")
    with open_store(tmp_path / "ballotscan.sqlite") as store:
        assert answered_of(store, table, "email", first) == {2, 4}
        assert answered_of(store, table, "email", parse_period("2023Q2")) == set()
        with pytest.raises(BallotscanError, match="no column 'phone'"):
            answered_of(store, table, "phone", first)
    assert remaining(path, table, None, {2, 4}) == ("\ufeffTên,Email,Đã về\r\nHoa,hoa@x.vn,\r\n", 1)
    text, left = remaining(path, table, "da ve", None)
    assert (left, "AN@" in text, "+84 9" in text) == (2, False, True)
    path.write_text("Tên,Đã về\nAn,perhaps\n", encoding="utf-8")
    with pytest.raises(BallotscanError, match="row 2, column 'Đã về': neither"):
        remaining(path, read_table(path), "Đã về", None)


def test_without_any_key_nobody_is_told_apart(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("Email\nan@x.vn\n", encoding="utf-8")
    with (
        open_store(tmp_path / "ballotscan.sqlite") as store,
        pytest.raises(BallotscanError, match="No ballot taken in so far names its respondent"),
    ):
        answered_of(store, read_table(tmp_path / "list.csv"), "Email", parse_period("2023Q1"))
