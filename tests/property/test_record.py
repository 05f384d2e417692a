"""Whatever is stored, the record and the tables agree; whatever is written to CSV comes back."""

from __future__ import annotations

import csv
import math
import tempfile
from dataclasses import replace
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ballotscan.model import PageResult, Ruling, SheetId
from ballotscan.store.csv_files import plain_cell, safe_cell, write_csv
from ballotscan.store.database import open_store
from ballotscan.store.rulings_file import read_rows
from tests.unit.store import makers

CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
NASTY = st.text(st.sampled_from("=+-@'\t\r\n;, \"a1＝＠|"))


@given(CELLS | NASTY)
def test_a_safe_cell_begins_no_formula_and_comes_back(text: str) -> None:
    safe = safe_cell(text)
    assert plain_cell(safe) == text
    for separator in ";,\t\r\n":
        assert all(part[:1] not in tuple("=+-@＝＋－＠") for part in safe.split(separator) if part)


@given(st.lists(st.tuples(CELLS | NASTY, CELLS | NASTY, CELLS | NASTY), min_size=1))
@settings(max_examples=60, deadline=None)
def test_a_file_of_any_texts_comes_back(rows: list[tuple[str, str, str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.csv"
        write_csv(path, ("sheet", "question", "ruling"), rows)
        with path.open(encoding="utf-8-sig", newline="") as file:
            back = [tuple(plain_cell(cell) for cell in row) for row in csv.reader(file, strict=True)][1:]
        assert back == rows
        assert len(read_rows(path)) <= len(rows)


MEASURES = st.floats(-100, 100) | st.just(math.nan)


@st.composite
def pages(draw: st.DrawFn, number: int) -> PageResult:
    if draw(st.booleans()):
        form = draw(st.sampled_from([None, "hue"]))
        return makers.bad_page(number, form=form, side=1 if form else None)
    values = draw(st.lists(MEASURES, min_size=makers.MEASURES, max_size=makers.MEASURES))
    mark = type(makers.mark())("1", "1", *values)
    return replace(makers.page(number), reading=makers.side_reading(marks=(mark,)))


@given(st.data())
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_scan_balances_and_can_be_rebuilt(data: st.DataObject) -> None:
    """Pages come in pieces, some twice; sheets and rulings too. The two equations hold at the end."""
    count = data.draw(st.integers(1, 8))
    results = [data.draw(pages(number)) for number in range(1, count + 1)]
    with tempfile.TemporaryDirectory() as folder, open_store(makers.database(Path(folder))) as store:
        store.start_batch(makers.settings(), "test 1")
        store.add_file("box", "scan.pdf", makers.sha("scan.pdf"), count)
        some = st.lists(st.sampled_from(results), unique_by=lambda result: result.ref.page)
        for piece in (data.draw(some), data.draw(some), results):
            store.add_pages("box", piece)
        sheets = []
        for row in store.pending("box"):
            if row.form:
                doubtful = data.draw(st.sampled_from([(), ("1",), ("1", "2", "3")]))
                sheets.append((makers.sheet(row.ref, doubtful=doubtful), (row.key,)))
        store.add_sheets("box", sheets)
        in_review = list(store.answer_rows(in_review=True))
        ruled = [row for row in in_review if data.draw(st.booleans())]
        store.add_rulings(
            [Ruling(SheetId(row.sheet), row.question, ("2",), False, "Lan", "paper") for row in ruled]
        )
        balance = store.balance("box")
        assert balance.holds
        open_sheets = {row.sheet for row in store.answer_rows(in_review=True)}
        assert balance.sheets_review == len(open_sheets)
        assert store.check_projections() == ()
        assert store.verify_chain().whole


@given(st.lists(MEASURES, min_size=makers.MEASURES, max_size=makers.MEASURES))
@settings(max_examples=30, deadline=None)
def test_measures_come_back_to_half_a_thousandth(values: list[float]) -> None:
    from ballotscan.store.bodies import read_reading, reading_body

    mark = type(makers.mark())("1", "1", *values)
    (back,) = read_reading(reading_body(makers.side_reading(marks=(mark,)))).marks
    for name in mark.__slots__[2:]:
        before, after = getattr(mark, name), getattr(back, name)
        assert math.isnan(after) if math.isnan(before) else abs(before - after) <= 0.000501
