"""A tally as JSON and as CSV, for other programs. The keys and columns are the same in every language.

JSON: ``period`` (name, rule, first, last; null for a batch alone), ``batch``, ``closed`` (period, at,
signers, head; null while it is open), ``awaiting`` (answers, sheets),
``batches`` (name, received, unit, channel, linh_vuc, expect, as_expected,
reason given at the close where not, taken_out of its boxes, pages, sheets), ``accounts`` (ballots by
channel, then by channel and linh_vuc: null for all of the channel; null counts where nobody tells),
``nameless`` (ballots counted that bear no respondent's key) and ``forms``. A form has ``sheets`` by state and
``groups``; a group has ``by`` (all, unit, channel, linh_vuc), ``value`` ("" where not given, "?" where it
awaits review), ``sheets``, ``questions``, ``factors`` and ``indices``. Shares are percentages rounded half up
to two decimals, null of nothing; beside each stands what it is a share of. A
count that is not shown, because it or another in its table is below ``least_cell``, is null; in CSV empty.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Any, Final

from ballotscan.tally.figures import HIDDEN, Account, BatchLine, FormTally, Group, Index, Item, Tally, percent

COLUMNS: Final = (
    "period",
    "rule",
    "first",
    "last",
    "form",
    "edition",
    "by",  # all, unit, channel, linh_vuc
    "group",  # its value; empty where not given, ? where it awaits review
    "level",  # sheets, question, factor, satisfied_question, satisfied_factor, satisfied_all
    "item",
    "text",
    "line",  # option, answered, blank, invalid, awaiting, satisfied; for sheets their state
    "code",
    "label",
    "count",
    "answers",  # what the next is a share of
    "share_of_answers",
    "ballots",  # likewise
    "share_of_ballots",
)

_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")


def as_json(tally: Tally) -> str:
    """The whole tally, indented, with its letters as they are."""
    return json.dumps(as_data(tally), ensure_ascii=False, indent=2) + "\n"


def as_data(tally: Tally) -> dict[str, Any]:
    """The tally as plain lists and dictionaries: what ``as_json`` writes."""
    period = tally.period
    return {
        "period": period
        and {
            "name": period.name,
            "rule": period.rule,
            "first": period.first.isoformat(),
            "last": period.last.isoformat(),
        },
        "batch": tally.batch,
        "closed": tally.closed
        and {
            "period": tally.closed.period,
            "at": tally.closed.at,
            "signers": list(tally.closed.signers),
            "head": tally.closed.head,
        },
        "awaiting": {"answers": tally.awaiting_answers, "sheets": tally.awaiting_sheets},
        "batches": [_batch(batch) for batch in tally.batches],
        "accounts": [_account(each) for each in (*tally.accounts, *tally.field_accounts)],
        "nameless": tally.nameless,
        "ruled_alone": tally.ruled_alone,
        "least_cell": tally.least_cell,
        "forms": [_form(form) for form in tally.forms],
    }


def _batch(batch: BatchLine) -> dict[str, Any]:
    balance = batch.balance
    return {
        "name": batch.name,
        "received": batch.received,
        "unit": batch.unit,
        "channel": batch.channel,
        "linh_vuc": batch.linh_vuc,
        "expect": batch.expect,
        "as_expected": batch.as_expected,
        "reason": batch.excused,
        "taken_out": batch.taken_out,
        "pages": {
            "in": balance.pages_in,
            "on_sheets": balance.pages_on_sheets,
            "non_ballot": balance.pages_non_ballot,
            "repeat": balance.pages_repeat,
            "set_aside": balance.pages_set_aside,
        },
        "sheets": {"all": balance.sheets, **balance.sheets_by_state},
    }


_OF_ACCOUNTS: Final = (
    "channel", "linh_vuc", "issued", "unused", "spoiled", "taken_out",
    "received", "valid", "duplicates", "void", "held_back", "holds",
)  # fmt: skip


def _account(each: Account) -> dict[str, Any]:
    return {name: getattr(each, name) for name in _OF_ACCOUNTS}


def _form(form: FormTally) -> dict[str, Any]:
    return {
        "form": form.form,
        "edition": form.edition,
        "title": form.title,
        "sheets": _sheets(form),
        "awaiting": {"answers": form.awaiting_answers, "sheets": form.awaiting_sheets},
        "groups": [_group(group) for group in form.groups],
    }


def _sheets(form: FormTally) -> dict[str, int]:
    return {
        "counted": form.counted,
        "read": form.read,
        "review": form.review,
        "void": form.void,
        "set_aside": form.set_aside,
        "incomplete": form.incomplete,
    }


def _group(group: Group) -> dict[str, Any]:
    return {
        "by": group.by,
        "value": group.value,
        "sheets": group.sheets,
        "questions": [_item(item) for item in group.of_level("question")],
        "factors": [_item(item) for item in group.of_level("factor")],
        "indices": [_index(index) for index in group.indices],
    }


def _item(item: Item) -> dict[str, Any]:
    return {
        "id": item.id,
        "text": item.text,
        "factor": item.factor,
        "questions": list(item.questions),
        "multiple": item.multiple,
        "ballots": item.ballots,
        **{name: _shown(getattr(item, name)) for name in ("answered", "blank", "invalid", "awaiting")},
        "options": [
            {"code": option.code, "label": option.label, "count": _shown(option.count)}
            | _shares(option.count, item.answered, item.ballots)
            for option in item.options
        ],
    }


def _index(index: Index) -> dict[str, Any]:
    return {
        "level": index.level,
        "id": index.id,
        "questions": list(index.questions),
        "satisfied": _shown(index.satisfied),
        "answers": _shown(index.answered),
        "ballots": index.ballots,
    } | _shares(index.satisfied, index.answered, index.ballots)


def _shown(count: int) -> int | None:
    return None if count == HIDDEN else count


def _shares(count: int, answers: int, ballots: int) -> dict[str, float | None]:
    return {"share_of_answers": percent(count, answers), "share_of_ballots": percent(count, ballots)}


def as_csv(tally: Tally) -> str:
    """One row for each figure. UTF-8 with a byte order mark, so that Excel reads Vietnamese."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for row in as_rows(tally):
        writer.writerow([_plain(row.get(column)) for column in COLUMNS])
    return "\ufeff" + out.getvalue()


def _plain(value: object) -> object:
    """No cell may start a formula in a spreadsheet; an apostrophe before it shows it as text."""
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return f"'{value}"
    return value


def as_rows(tally: Tally) -> Iterator[dict[str, object]]:
    """The rows of the CSV, by column."""
    period = tally.period
    common: dict[str, object] = {}
    if period:
        common = {"period": period.name, "rule": period.rule, "first": period.first, "last": period.last}
    for form in tally.forms:
        of_form = common | {"form": form.form, "edition": form.edition}
        for state, count in _sheets(form).items():
            yield of_form | {"by": "all", "level": "sheets", "line": state, "count": count}
        for group in form.groups:
            for row in _group_rows(group):
                yield of_form | {"by": group.by, "group": group.value} | row


def _group_rows(group: Group) -> Iterator[dict[str, object]]:
    for item in group.items:
        named = {"level": item.level, "item": item.id, "text": item.text}
        for option in item.options:
            line = {"line": "option", "code": option.code, "label": option.label}
            yield named | line | _counted(option.count, item.answered, item.ballots)
        places = {"answered": item.answered, "blank": item.blank, "invalid": item.invalid}
        for line_name, count in (places | {"awaiting": item.awaiting}).items():
            figures = {"ballots": item.ballots, "share_of_ballots": percent(count, item.ballots)}
            yield {**named, "line": line_name, "count": _shown(count), **figures}
    for index in group.indices:
        named = {"level": f"satisfied_{index.level}", "item": index.id, "line": "satisfied"}
        yield named | _counted(index.satisfied, index.answered, index.ballots)


def _counted(count: int, answers: int, ballots: int) -> dict[str, object]:
    shares: dict[str, object] = {**_shares(count, answers, ballots)}
    return {"count": _shown(count), "answers": _shown(answers), "ballots": ballots, **shares}
