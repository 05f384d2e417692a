"""A tally for people, as lines of text and tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Final

from ballotscan.i18n import gettext as _
from ballotscan.i18n import ngettext
from ballotscan.model import BoxOpening
from ballotscan.rules.targets import Progress
from ballotscan.rules.watch import warning_text
from ballotscan.tally.figures import (
    AWAITING,
    HIDDEN,
    NOT_GIVEN,
    Account,
    BatchLine,
    By,
    FormTally,
    Group,
    Index,
    Item,
    Tally,
    percent,
)
from ballotscan.tally.rounding import Rounding
from ballotscan.tally.text_table import TextTable

_NOT_SHOWN: Final = "*"
PLAIN_WIDTH: Final = 100  # columns of a tally in a file or pipe: A4 on its side in a fixed font


def render(tally: Tally, by: By | None = None) -> Iterator[str | TextTable]:
    """The tally line by line and table by table; ``by`` adds every figure of each unit, channel or lĩnh vực.

    The first line says whether answers await review.
    """
    yield first_line(tally)
    if tally.ruled_alone:
        yield alone_line(tally)
    yield from _header(tally)
    yield ""
    yield from _accounting(tally)
    for form in tally.forms:
        yield ""
        yield f"{form.title} ({form.form} {form.edition})"
        yield _sheets_line(form)
        yield from _group_tables(form.groups[0])
        yield from _breakdowns(form)
        for group in form.groups:
            if group.by == by:
                yield ""
                yield f"{_by_text(group.by)}: {_value_text(group.value)}"
                yield from _group_tables(group)
    if tally.forms:
        yield _(
            "Shares are rounded half up to two decimals. An answer is never counted while it awaits review."
        )
    if _hides(tally):
        yield _("* not shown: fewer than {least}, or it would tell another that is.").format(
            least=tally.least_cell
        )


def _hides(tally: Tally) -> bool:
    groups = [group for form in tally.forms for group in form.groups]
    counts = (count for group in groups for item in group.items for count in (item.answered, item.blank))
    options = (option.count for group in groups for item in group.items for option in item.options)
    return HIDDEN in (*counts, *options)


def first_line(tally: Tally) -> str:
    """Whether the figures are final, in one line."""
    if not tally.awaiting_answers:
        return _("No answer awaits review: these figures are final.")
    answers = ngettext("{count} answer", "{count} answers", tally.awaiting_answers).format(
        count=tally.awaiting_answers
    )
    sheets = ngettext("{count} sheet", "{count} sheets", tally.awaiting_sheets).format(
        count=tally.awaiting_sheets
    )
    return _("PROVISIONAL: {answers} on {sheets} await review and are not counted.").format(
        answers=answers, sheets=sheets
    )


def alone_line(tally: Tally) -> str:
    """That answers rest on one person's word, which every report says."""
    return ngettext(
        "{count} answer was settled by one person alone.",
        "{count} answers were settled by one person alone.",
        tally.ruled_alone,
    ).format(count=tally.ruled_alone)


def _header(tally: Tally) -> Iterator[str]:
    if tally.period and tally.period.rule == "dates":
        yield _("From {first} to {last}, both included.").format(
            first=_day(tally.period.first), last=_day(tally.period.last)
        )
    elif tally.period:
        yield _("Period {name}, rule {rule}: from {first} to {last}, both included.").format(
            name=tally.period.name,
            rule=tally.period.rule,
            first=_day(tally.period.first),
            last=_day(tally.period.last),
        )
    if tally.closed:
        yield _("Closed by {names} on {day}. Head {head}.").format(
            names=", ".join(tally.closed.signers),
            day=_day(date.fromisoformat(tally.closed.at[:10])),
            head=tally.closed.head_in_groups,
        )
    elif tally.period:
        yield _("The period is not closed.")
    if tally.batch is not None:
        yield _("Batch {name} only.").format(name=tally.batch)
    for batch in tally.batches:
        if not batch.imported:
            yield from _batch_lines(batch)
    yield from _imported_lines(tally.batches)


def _accounting(tally: Tally) -> Iterator[str | TextTable]:
    """Where every ballot went, by channel and below it by lĩnh vực; and what does not add up."""
    given = [name for name in _GIVEN if any(getattr(each, name) is not None for each in tally.accounts)]
    columns = (*given, *_GOT)
    caption = _("A dash: nothing is issued on this channel, or no minute and no dispatch list tells.")
    names = _account_names()
    table = TextTable(_("Channel"), *(names[each] for each in columns), caption=caption if given else "")
    for each in tally.accounts:
        table.add_row(_value_text(each.channel), *_account_figures(each, columns))
        for field in (field for field in tally.field_accounts if field.channel == each.channel):
            name = f"  {_value_text(field.linh_vuc or NOT_GIVEN)}"
            table.add_row(name, *_account_figures(field, columns))
    yield table
    for each in tally.accounts:
        if not each.holds:
            yield unequal_line(each)
    if len(tally.accounts) > 1 and tally.nameless:
        yield nameless_line(tally)


_GIVEN: Final = ("issued", "unused", "spoiled", "taken_out")
_GOT: Final = ("received", "valid", "duplicates", "void", "held_back")


def _account_names() -> dict[str, str]:
    return {
        "issued": _("Issued"), "unused": _("Unused"), "spoiled": _("Spoiled"), "taken_out": _("Taken out"),
        "received": _("Received"), "valid": _("Valid"), "duplicates": _("Duplicate"), "void": _("Void"),
        "held_back": _("Held back"),
    }  # fmt: skip


def _account_figures(each: Account, columns: Sequence[str]) -> tuple[str, ...]:
    counts = (getattr(each, name) for name in columns)
    return tuple("-" if count is None else str(count) for count in counts)


def progress_table(progress: Sequence[Progress]) -> TextTable:
    """Ballots against their targets, and the sums."""
    table = TextTable(_("Unit or field"), _("Dossiers"), _("Target"), _("Counted"), _("Missing"))
    for each in progress:
        counts = (each.dossiers, each.wanted, each.counted, each.missing)
        table.add_row(_value_text(each.name), *(str(count) for count in counts))
    table.add_section()
    names = ("dossiers", "wanted", "counted", "missing")
    table.add_row(_("Total"), *(str(sum(getattr(each, name) for each in progress)) for name in names))
    return table


def unequal_line(account: Account) -> str:
    """That a channel's ballots taken out and received differ, and why, if a reason was given."""
    return _("Channel {channel} does not balance: taken out {taken}, received {received}; {reason}.").format(
        channel=_value_text(account.channel),
        taken=account.taken_out,
        received=account.received,
        reason="; ".join(account.reasons) or _("no reason was given"),
    )


def nameless_line(tally: Tally) -> str:
    """That persons may be in a total of several channels more than once."""
    return _(
        "{count} of {all} ballots name nobody, as paper never does: whether one person answered on several"
        " channels cannot be told."
    ).format(count=tally.nameless, all=sum(form.counted for form in tally.forms))


def _imported_lines(batches: Sequence[BatchLine]) -> Iterator[str]:
    """One line a channel: answers that were imported make a batch for every day."""
    imported = [batch for batch in batches if batch.imported]
    for channel in dict.fromkeys(batch.channel for batch in imported):
        mine = [batch for batch in imported if batch.channel == channel]
        yield _(
            "Channel {channel}, imported: {sheets} ballots on {days} days; set aside {set_aside}."
        ).format(
            channel=channel,
            sheets=sum(batch.balance.sheets for batch in mine),
            days=len({batch.received for batch in mine}),
            set_aside=sum(batch.balance.sheets_set_aside for batch in mine),
        )


def _batch_lines(batch: BatchLine) -> Iterator[str]:
    balance = batch.balance
    yield _(
        "Batch {name}, received {day}: {pages} pages in, {sheets} sheets; pages set aside {set_aside}, "
        "repeated {repeat}, no ballot {non_ballot}."
    ).format(
        name=batch.name,
        day=_day(date.fromisoformat(batch.received)),
        pages=balance.pages_in,
        sheets=balance.sheets,
        set_aside=balance.pages_set_aside,
        repeat=balance.pages_repeat,
        non_ballot=balance.pages_non_ballot,
    )
    for warning in batch.warnings:
        yield _("Warning: {message}").format(message=warning_text(warning))
    for box in batch.boxes:
        yield box_line(box)
    if not batch.as_expected:
        yield unexpected_line(batch)


def unexpected_line(batch: BatchLine) -> str:
    """That a batch has not as many sheets as were counted by hand, and the reason, once it was given."""
    about = {"name": batch.name, "expect": batch.unexpected, "sheets": batch.balance.papers}
    if batch.settled:
        return _(
            "The batch {name} should have {expect} sheets, but {sheets} were found. Reason given at the"
            " close: {reason}"
        ).format(**about, reason=batch.excused)
    return _("NOT BALANCED: the batch {name} should have {expect} sheets, but {sheets} were found.").format(
        **about
    )


def box_line(box: BoxOpening) -> str:
    """A box's minute in one line."""
    return _(
        "Box {box}, seal {seal}, opened {day} by {names}: issued {issued}, unused {unused}, spoiled"
        " {spoiled}, taken out {taken_out}, not returned {missing}."
    ).format(
        box=box.box,
        seal=box.seal,
        day=_day(date.fromisoformat(box.opened)),
        names=", ".join(box.opened_by),
        issued=box.issued,
        unused=box.unused,
        spoiled=box.spoiled,
        taken_out=box.taken_out,
        missing=box.not_returned,
    )


def _sheets_line(form: FormTally) -> str:
    return _(
        "Sheets counted: {counted} ({review} of them with answers in review). "
        "Not counted: set aside {set_aside}, incomplete {incomplete}, void {void}."
    ).format(
        counted=form.counted,
        review=form.review,
        set_aside=form.set_aside,
        incomplete=form.incomplete,
        void=form.void,
    )


def _group_tables(group: Group) -> Iterator[str | TextTable]:
    yield _figures_table(group)
    yield ""
    yield _index_table(group)


def _figures_table(group: Group) -> TextTable:
    """Criterion, level, count and share, as offices publish them, with both denominators."""
    table = TextTable(_("Question and option"), _("Count"), _("% of answers"), _("% of ballots"))
    for item in group.items:
        _add_item(table, item)
    return table


def _add_item(table: TextTable, item: Item) -> None:
    name = f"{item.id}. {item.text}"
    if item.level == "factor":
        several = len(item.questions)
        name = ngettext(
            "Factor: {factor} ({count} question)", "Factor: {factor} ({count} questions)", several
        ).format(factor=factor_text(item.id), count=several)
    out_of = [_of(count) for count in (item.answered, item.ballots)]
    table.add_row(name, "", *out_of)
    for option in item.options:
        shares = (_percent(option.count, item.answered), _percent(option.count, item.ballots))
        table.add_row(f"  {option.label}", _count(option.count), *shares)
    rest = ((_("Blank"), item.blank), (_("Invalid"), item.invalid), (_("Awaiting review"), item.awaiting))
    for label, count in rest:
        table.add_row(f"  {label}", _count(count), "", _percent(count, item.ballots))
    table.add_section()


def _index_table(group: Group) -> TextTable:
    table = TextTable(
        _("Satisfied"),
        _("Count"),
        _("Answers"),
        _("% of answers"),
        _("Ballots"),
        _("% of ballots"),
    )
    level = ""
    for index in group.indices:
        if level and index.level != level:
            table.add_section()
        level = index.level
        table.add_row(_index_name(index), *_index_figures(index))
    return table


def _index_figures(index: Index) -> tuple[str, ...]:
    return (
        _count(index.satisfied),
        _count(index.answered),
        _percent(index.satisfied, index.answered),
        str(index.ballots),
        _percent(index.satisfied, index.ballots),
    )


def _index_name(index: Index) -> str:
    if index.level == "question":
        return f"{index.id}. {index.text}"
    if index.level == "factor":
        return _("Factor: {factor}").format(factor=factor_text(index.id))
    return _("All questions of the index")


def _breakdowns(form: FormTally) -> Iterator[str | TextTable]:
    """For each unit, channel and lĩnh vực: its sheets and the satisfied share of answers by factor."""
    for by in dict.fromkeys(group.by for group in form.groups if group.by != "all"):
        yield ""
        yield _breakdown(by, [group for group in form.groups if group.by == by])


def _breakdown(by: By, groups: Sequence[Group]) -> TextTable:
    shown = [index for index in groups[0].indices if index.level != "question"]
    names = [_("All") if index.level == "all" else factor_text(index.id) for index in shown]
    table = TextTable(_by_text(by), _("Sheets"), *names, caption=_("Satisfied, % of answers"))
    for group in groups:
        indices = [index for index in group.indices if index.level != "question"]
        shares = [_percent(index.satisfied, index.answered) for index in indices]
        table.add_row(_value_text(group.value), str(group.sheets), *shares)
        table.add_row("", "", *(_of(index.answered) for index in indices))
    return table


def factor_text(factor: str) -> str:
    """The name of one of the five factors of the ministry's method; another is named as the form names it."""
    return {
        "access": _("Access to the service"),
        "procedure": _("Procedures"),
        "officials": _("Officials"),
        "result": _("Result"),
        "feedback": _("Comments and complaints"),
        "overall": _("Overall"),
        "facilities": _("Facilities"),
        "coordination": _("Coordination"),
    }.get(factor, factor)


def _by_text(by: By) -> str:
    return {"unit": _("Unit"), "channel": _("Channel"), "linh_vuc": _("Field of procedure")}.get(by, by)


def _value_text(value: str) -> str:
    return {NOT_GIVEN: _("not given"), AWAITING: _("awaiting review")}.get(value, value)


def _percent(count: int, of: int) -> str:
    if HIDDEN in (count, of):
        return _NOT_SHOWN
    share = percent(count, of)
    return "-" if share is None else f"{share:.2f}".replace(".", _("."))


def _of(count: int) -> str:
    """What the share above, or those below, are shares of."""
    return _("of {count}").format(count=_count(count))


def _count(count: int) -> str:
    return _NOT_SHOWN if count == HIDDEN else str(count)


def _day(day: date) -> str:
    return day.strftime(_("%Y-%m-%d"))


def rounding_text(rounding: Rounding) -> str:
    """How figures were rounded, in words."""
    return _("rounded half up") if rounding == "half_up" else _("the rest cut off")
