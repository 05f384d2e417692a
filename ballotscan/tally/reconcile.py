"""No tally before everything adds up: pages and sheets of every batch, and every question's answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ballotscan.errors import NotBalancedError
from ballotscan.i18n import gettext as _
from ballotscan.store.rows import CountedSheet, SheetAnswers
from ballotscan.tally.accounting import agree
from ballotscan.tally.figures import Account, BatchLine, FormTally, Group, Item


def check_batches(batches: Iterable[BatchLine], pending: Mapping[str, int]) -> None:
    """Every page of every batch has its place. ``pending`` is the number of pages not yet put on a sheet.

    Raises ``NotBalancedError`` naming the batch to scan again.
    """
    for batch in batches:
        balance = batch.balance
        placed = balance.pages_on_sheets + balance.pages_non_ballot + balance.pages_repeat
        missing = balance.pages_in - placed - balance.pages_set_aside
        waiting = max(pending.get(batch.name, 0), missing)
        if waiting > 0:
            raise NotBalancedError(
                _("The batch '{batch}' was not read to its end: {count} pages have no place yet.").format(
                    batch=batch.name, count=waiting
                ),
                _("Run its scan again; what was read stays, and the tally follows."),
            )
        if not balance.holds:
            raise NotBalancedError(
                _("The pages or sheets of the batch '{batch}' do not add up: {balance}.").format(
                    batch=batch.name, balance=balance
                ),
                _("The database was changed from outside or is damaged: take the last good copy of it."),
            )


def check_sheets(batches: Iterable[BatchLine], forms: Iterable[FormTally]) -> None:
    """The sheets counted are those of the batches' balances. Raises ``NotBalancedError``."""
    in_batches = sum(b.balance.sheets_read + b.balance.sheets_review for b in batches)
    counted = sum(form.counted for form in forms)
    if in_batches != counted:
        raise NotBalancedError(
            _("{counted} sheets were counted, but the batches hold {sheets}.").format(
                counted=counted, sheets=in_batches
            ),
            _("If a scan is running, wait for its end and tally again."),
        )


def check_rows(sheets: Iterable[CountedSheet], answers: Sequence[SheetAnswers]) -> None:
    """Each sheet and each answer is there once. Raises ``NotBalancedError`` naming the first that is not."""
    doubled = _first_doubled(sheet.sheet for sheet in sheets) or _first_doubled(a.sheet for a in answers)
    asked = {each.questions: each.sheet for each in answers}
    for questions, sheet in asked.items():
        question = _first_doubled(questions.split(","))
        doubled = doubled or (question and f"{sheet} {question}")
    if doubled:
        raise NotBalancedError(
            _("The database holds {name} more than once.").format(name=doubled), _damaged_or_foreign()
        )


def _first_doubled(names: Iterable[str]) -> str:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return ""


def check_accounts(channels: Sequence[Account], fields: Sequence[Account]) -> None:
    """Each channel's lĩnh vực add up to it, and each line's ballots all went somewhere.

    Raises ``NotBalancedError`` naming the channel.
    """
    wrong = agree(channels, fields)
    lost = next((a.channel for a in channels if a.received != _placed(a)), "")
    if wrong or lost:
        raise NotBalancedError(
            _("The ballots of the channel '{channel}' do not add up.").format(channel=wrong or lost),
            _damaged_or_foreign(),
        )


def _placed(each: Account) -> int:
    return each.valid + each.void + each.duplicates + each.held_back


def check_forms(forms: Iterable[FormTally]) -> None:
    """Every question of every group balances. Raises ``NotBalancedError`` naming the first that does not."""
    for form in forms:
        for group in form.groups:
            for item in group.items:
                if not balances(item):
                    raise _unbalanced(form, group, item)


def balances(item: Item) -> bool:
    """Whether answered, blank, invalid and awaiting make up the ballots, and the options the answered.

    Where several options may be chosen, no option can have been chosen more often than the question answered,
    and each answer chose at least one.
    """
    places = item.answered + item.blank + item.invalid + item.awaiting
    chosen = sum(option.count for option in item.options)
    if not item.multiple:
        return places == item.ballots and chosen == item.answered
    most = max((option.count for option in item.options), default=0)
    return places == item.ballots and most <= item.answered <= chosen


def _unbalanced(form: FormTally, group: Group, item: Item) -> NotBalancedError:
    where = group.value if group.by != "all" else _("all sheets")
    return NotBalancedError(
        _(
            "{form} {edition}, {group}: the answers to {item} do not add up: options {options}, "
            "answered {answered}, blank {blank}, invalid {invalid}, awaiting review {awaiting}, "
            "sheets counted {ballots}."
        ).format(
            form=form.form,
            edition=form.edition,
            group=where,
            item=item.id,
            options=sum(option.count for option in item.options),
            answered=item.answered,
            blank=item.blank,
            invalid=item.invalid,
            awaiting=item.awaiting,
            ballots=item.ballots,
        ),
        _damaged_or_foreign(),
    )


def _damaged_or_foreign() -> str:
    return _(
        "No tally is printed. The database was changed from outside or is damaged: take the last good copy."
    )
