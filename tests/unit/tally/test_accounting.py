"""Ballot accounting against a count of its own, and against minutes worked out by hand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ballotscan.errors import NotBalancedError
from ballotscan.model import Balance, BatchName, BoxOpening
from ballotscan.rules.periods import parse_period
from ballotscan.store.rows import CountedSheet
from ballotscan.tally.accounting import account, account_fields, agree, labels_of, sent_by_channel
from ballotscan.tally.counts import count_forms
from ballotscan.tally.figures import BatchLine
from ballotscan.tally.reconcile import check_accounts
from tests.unit.tally.tables import FORM, FORMS, Row, answer, as_rows, sheet, tables

LABELS = labels_of([FORM])
PLACES = {"read": "valid", "review": "valid", "void": "void", "set_aside": "held_back"}


def lines_of(sheets: Sequence[CountedSheet]) -> list[BatchLine]:
    """A batch for each channel and lĩnh vực, as balances would have it."""
    found = []
    for channel, field in sorted({(each.channel, each.linh_vuc) for each in sheets}):
        states = Counter(s.state for s in sheets if (s.channel, s.linh_vuc) == (channel, field))
        about = ("read", "review", "void", "set_aside", "incomplete")
        balance = Balance(0, 0, 0, 0, 0, states.total(), *(states[name] for name in about))
        found.append(BatchLine(f"{channel} {field}", "2023-03-01", "", channel, field, None, balance))
    return found


@given(tables())
@settings(max_examples=100, deadline=None)
def test_every_ballot_is_in_one_place(rows: tuple[list[Row], list[Row]]) -> None:
    sheets, answers = as_rows(*rows)
    forms = count_forms(sheets, answers, FORMS)
    batches = lines_of(sheets)
    channels = account(batches, sheets, {})
    fields = account_fields(batches, sheets, forms, LABELS)
    check_accounts(channels, fields)
    again = Counter((row["channel"], PLACES.get(row["state"], "held_back")) for row in rows[0])
    for each in channels:
        assert {name: getattr(each, name) for name in ("valid", "void", "held_back")} == {
            name: again[each.channel, name] for name in ("valid", "void", "held_back")
        }
        assert each.holds
    if fields:
        by_field = Counter(each.linh_vuc for each in fields for _ballot in range(each.valid))
        groups = {g.value: g.sheets for form in forms for g in form.groups if g.by == "linh_vuc"}
        # where all valid ballots are of one field, the breakdown has no groups
        assert by_field == Counter(groups) or not groups
        assert by_field.total() == sum(each.valid for each in channels)
        assert groups or len(by_field) <= 1


@given(tables(), st.sampled_from(["valid", "void", "held_back", "received"]))
@settings(max_examples=30, deadline=None)
def test_a_field_that_does_not_add_up_is_named(rows: tuple[list[Row], list[Row]], column: str) -> None:
    sheets, answers = as_rows(*rows)
    forms = count_forms(sheets, answers, FORMS)
    fields = account_fields(lines_of(sheets), sheets, forms, LABELS)
    channels = account(lines_of(sheets), sheets, {})
    if fields:
        changes: dict[str, Any] = {column: getattr(fields[0], column) + 1}
        wrong = [replace(fields[0], **changes), *fields[1:]]
        assert agree(channels, wrong) == (fields[0].channel or "-")
        with pytest.raises(NotBalancedError):
            check_accounts(channels, wrong)


def minute(**counts: int) -> BoxOpening:
    about = ("box", "1", "2023-03-01", BatchName("b"))
    numbers = (counts[name] for name in ("issued", "unused", "spoiled", "taken_out"))
    return BoxOpening(*about, *numbers, ("Lan",), ("Minh",), ("Hoa",), ("Tư",))


def test_a_box_stands_beside_a_field_only_where_all_its_ballots_say_so() -> None:
    """Three ballots from the box of Land; one of them says Building itself."""
    rows = [sheet(n, channel="box", linh_vuc="Land") for n in range(3)]
    said = [answer(row["sheet"], q.id, "1") for row in rows for q in FORM.questions]
    sheets, answers = as_rows(rows, said)
    box = minute(issued=10, unused=4, spoiled=1, taken_out=3)
    batches = [replace(line, boxes=(box,)) for line in lines_of(sheets)]
    (land,) = account_fields(batches, sheets, count_forms(sheets, answers, FORMS), LABELS)
    assert (land.issued, land.unused, land.spoiled, land.taken_out, land.received) == (10, 4, 1, 3, 3)
    assert (land.given_out, land.returned, land.holds) == (5, 3 / 5, True)
    said[0]["codes"] = "2"
    sheets, answers = as_rows(rows, said)
    fields = account_fields(batches, sheets, count_forms(sheets, answers, FORMS), LABELS)
    assert [(f.linh_vuc, f.valid, f.taken_out) for f in fields] == [("Building", 1, None), ("Land", 2, None)]
    (whole,) = account(batches, sheets, {})
    assert (whole.taken_out, whole.received, whole.holds) == (3, 3, True)


def test_no_field_named_gives_no_line_and_dispatch_is_what_was_issued() -> None:
    rows = [sheet(n, channel="zalo") for n in range(2)]
    sheets, answers = as_rows(rows, [answer(r["sheet"], q.id) for r in rows for q in FORM.questions])
    assert account_fields(lines_of(sheets), sheets, count_forms(sheets, answers, FORMS), LABELS) == ()
    lists = [
        {"channel": "zalo", "first": "2023-01-01", "last": "2023-01-31", "rows": [["A", 5], ["B", 3]]},
        {"channel": "zalo", "first": "2022-01-01", "last": "2022-01-31", "rows": [["A", 50]]},
    ]
    period = parse_period("2023Q1", "calendar")
    assert sent_by_channel(lists, period) == {"zalo": 8}
    assert sent_by_channel(lists, period, "A") == {"zalo": 5}
    (zalo,) = account(lines_of(sheets), sheets, {"zalo": 8})
    assert (zalo.issued, zalo.returned) == (8, 1 / 4)
    (nothing,) = account(lines_of(sheets), sheets, {"zalo": 0})
    assert nothing.returned is None
