"""Tables of text: nothing is cut off, and every line is as wide as it may be."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ballotscan.tally.text_table import TextTable

words = st.text("aăâđêôơư ", min_size=1, max_size=60).map(lambda text: " ".join(text.split()))


@given(st.lists(st.tuples(words, st.integers(0, 10**9)), max_size=8), st.integers(40, 120))
def test_no_letter_and_no_number_is_lost(rows: list[tuple[str, int]], width: int) -> None:
    table = TextTable("Question and option", "Count of ballots")
    for text, number in rows:
        table.add_row(text, str(number))
    lines = list(table.lines(width))
    assert max(map(len, lines)) <= width
    body = " ".join(lines[lines.index("─" * width) + 1 :])
    shown = body.replace(" ", "")
    for _text, number in rows:
        assert str(number) in body.split()
    assert sorted(c for c in shown if not c.isdigit()) == sorted(
        c for text, _number in rows for c in text if c != " "
    )


def test_headings_end_in_one_line_and_long_texts_are_folded() -> None:
    table = TextTable("Unit", "Comments and complaints", caption="Of answers")
    table.add_row("UBND huyện Bạch Long Vĩ", "1")
    table.add_section()
    assert list(table.lines(35)) == [
        "                       Comments and",
        "Unit                     complaints",
        "─" * 35,
        "UBND huyện Bạch Long              1",
        "  Vĩ",
        "Of answers",
    ]
