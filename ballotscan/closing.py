"""Closing a period: what two persons sign, and what is refused until it may be signed.

A statement holds the balance of every batch, the tally, the templates' hashes, the settings, the version, the
chain's head before it and the close before it. Operator and auditor sign its canonical JSON after a fixed
prefix. It becomes the body of one ledger entry, together with the signatures. ``verify.py`` counts all of it
again from the ledger alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ballotscan import ENGINE, __version__
from ballotscan.errors import BallotscanError, NotBalancedError, NotVerifiedError, UsageError
from ballotscan.i18n import gettext as _
from ballotscan.keys import ROLES, Signer
from ballotscan.rules.periods import Period, next_period
from ballotscan.settings import CLOCK_MAY_BE_BEHIND, Settings

if TYPE_CHECKING:
    from ballotscan import verify
    from ballotscan.store.database import Store
    from ballotscan.store.rows import Closing
    from ballotscan.tally.figures import BatchLine, FormTally, Tally

_COUNTING_SETTINGS: Final = ("period_rule", "daily_check")
"""Settings that can change what a period holds. Places and the language cannot."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which period of which unit (empty: all) is to be closed or opened again; why, where that is asked."""

    period: Period
    unit: str = ""
    reason: str = ""


def close_period(
    store: Store, settings: Settings, templates: Sequence[Path], wanted: Wanted, signers: Sequence[Signer]
) -> str:
    """Close a period; returns the chain's new head. ``wanted.reason`` is why a batch may be unbalanced.

    Raises ``NotVerifiedError`` if the record does not verify, ``NotBalancedError`` if something is unsettled,
    ``UsageError`` if the period is closed already or the signers are not two persons.
    """
    from ballotscan.tally.make import make_tally

    check_signers(signers)
    check_everything(store, settings)
    if standing(store.closings(), wanted):
        raise UsageError(_("The period {period} is closed already.").format(period=wanted.period.name))
    _refuse_wrong_period(store.closings(), wanted)
    figures = make_tally(store, templates, wanted.period, None, wanted.unit)
    _refuse_unsettled(figures, wanted.reason)
    _refuse_scanner(store, figures, signers)
    return _sign(store, "close", _statement(store, settings, wanted, figures), wanted, signers)


def amend_period(store: Store, settings: Settings, wanted: Wanted, signers: Sequence[Signer]) -> str:
    """Open a closed period again; returns the chain's new head. The former close stays in the record. What is
    then added is stated by the next close. Raises as ``close_period``.
    """
    check_signers(signers)
    if not wanted.reason.strip():
        raise UsageError(_("--reason: the reason is empty."), _("Say why the period must be opened again."))
    check_everything(store, settings)
    former = standing(store.closings(), wanted)
    if former is None:
        raise UsageError(
            _("The period {period} is not closed.").format(period=wanted.period.name),
            _("Name the period, and the unit if any, exactly as it was closed."),
        )
    return _sign(store, "amendment", {"amends": former.head}, wanted, signers)


def standing(closings: Sequence[Closing], wanted: Wanted) -> Closing | None:
    """The close by which exactly this period and unit is closed now."""
    scope = (wanted.period.first, wanted.period.last, wanted.unit)
    return next((each for each in closings if each.standing and each[3:6] == scope), None)


# --- checks ----------------------------------------------------------------------------------------------


def _refuse_wrong_period(closings: Sequence[Closing], wanted: Wanted) -> None:
    """Raises ``UsageError`` for a period that goes on, and for one that shares some days with a closed one,
    as a calendar quarter does with an administrative one: their sheets would stand in both. A month within a
    quarter, or one unit within all, is another thing."""
    first, last = wanted.period.first, wanted.period.last
    if last > datetime.now().astimezone().date():
        raise UsageError(
            _("The period {period} lasts until {last}.").format(period=wanted.period.name, last=last),
            _("Close it when it is over; if it is, set this computer's clock."),
        )
    for other in (each for each in closings if each.standing):
        apart = (
            other.last < first or last < other.first or (wanted.unit and other.unit not in ("", wanted.unit))
        )
        within = other.first <= first and last <= other.last
        around = first <= other.first and other.last <= last
        if not (apart or within or around):
            raise UsageError(
                _("{period}, {first} to {last}, shares some days with {other}, which is closed.").format(
                    period=wanted.period.name, first=first, last=last, other=other.period
                ),
                _("Close by the same --rule as before, or amend the other first."),
            )


def _refuse_slow_clock(last: datetime) -> None:
    """The time of a close is signed, so it may not lie before ``last``, that of the record's last entry."""
    if last > datetime.now(UTC) + CLOCK_MAY_BE_BEHIND:
        raise BallotscanError(
            _("This computer's clock is behind: the last entry of the record was made on {day}.").format(
                day=last.astimezone().strftime("%Y-%m-%d %H:%M")
            ),
            _("Set the clock: two persons sign the time of a close."),
        )


def check_signers(signers: Sequence[Signer]) -> None:
    """One operator and one auditor, two persons with two keys; else ``UsageError``."""
    if sorted(signer.role for signer in signers) != sorted(ROLES):
        raise UsageError(_("One key must be an operator's and the other an auditor's."))
    from ballotscan import verify

    one, other = signers
    if one.public == other.public or verify.same_person(one.name, other.name):
        raise UsageError(
            _("Operator and auditor are the same person: {name}.").format(name=one.name),
            _("Two persons must sign."),
        )


def check_everything(store: Store, settings: Settings) -> None:
    """The independent checker over all, and every table. Raises ``NotVerifiedError``."""
    from ballotscan import verify

    try:
        verify.verify(settings.database, settings.folder)
    except verify.Fault as fault:
        raise _not_verified(fault_text(fault)) from fault
    refuse_differing(store.check_projections())


def check_before_tally(store: Store) -> None:
    """What was added since the last check, the tables, and every signature. Raises ``NotVerifiedError``."""
    found = store.check_since_verified()
    if found.fault == "head":
        raise _not_verified(
            _("entry {seq}, which was verified before, is no longer there").format(seq=found.seq)
        )
    if found.fault == "chain":
        raise _not_verified(_("entry {seq}: its content was changed").format(seq=found.seq))
    refuse_differing(found.tables)
    signed = store.signed_entries()
    if signed:
        _check_signatures(signed)


def _check_signatures(signed: Sequence[Any]) -> None:
    from ballotscan import verify  # only here: it loads the library of signatures

    try:
        verify.check_signatures(signed, verify.Report(0, "", []), ())
    except verify.Fault as fault:
        raise _not_verified(fault_text(fault)) from fault
    except (KeyError, TypeError, ValueError) as fault:
        raise _not_verified(_("a close is damaged")) from fault


def refuse_differing(tables: Sequence[str]) -> None:
    """Raises ``NotVerifiedError`` naming tables that do not hold what the ledger says."""
    if tables:
        raise NotVerifiedError(
            _("The tables do not agree with the record: {tables}.").format(tables=", ".join(tables)),
            _("'ballotscan rebuild' makes them anew; find out who changed them."),
        )


def fault_text(fault: verify.Fault) -> str:
    """The checker's finding in the user's language."""
    texts = {
        "database": _("the database cannot be read: {what}"),
        "gap": _("entry {seq}: it does not follow the entry before it; entries are missing, or were put in"),
        "hash": _("entry {seq}: its content was changed"),
        "body": _("entry {seq}: its columns do not fit its content"),
        "anchor": _(
            "the head {what} is not in the record: it was cut, put back to an older state, or replaced"
        ),
        "signature": _("entry {seq}: the signature of the {what} is not right"),
        "signers": _("entry {seq}: it is not signed by an operator and an auditor who are two persons"),
        "scanned": _("entry {seq}: {what} signed as auditor what he or she scanned"),
        "key": _("entry {seq}: the key of {what} is not one that was known or vouched for"),
        "trust": _("entry {seq}: {what} signed with a key that was not named as trusted"),
        "place": _("entry {seq}: its statement was made for another place in the record"),
        "time": _("entry {seq}: its time is not the one that was signed"),
        "previous": _("entry {seq}: its statement names another close before it"),
        "closed": _("entry {seq}: it was added to the period {what} after that was closed"),
        "foreign": _("entry {seq}: it changes what belongs to another batch: {what}"),
        "again": _("entry {seq}: it would count once more, or otherwise, what is in the record: {what}"),
        "invented": _("entry {seq}: no page belongs to the sheet {what}"),
        "void": _("entry {seq}: the sheet was made void without a reason and two persons"),
        "eyes": _("entry {seq}: what {what} rests on was not said alike by two persons who may decide it"),
        "drawn": _("entry {seq}: this audit's plan, seed and stacks of paper give another sample: {what}"),
        "audit": _("entry {seq}: what the audit found does not follow from what was read: {what}"),
        "removed": _(
            "entry {seq}: originals were removed without a reason and two persons, or of no closed batch"
        ),
        "statement": _("entry {seq}: what was signed does not agree with the record in: {what}"),
        "missing": _("the original {what} is missing"),
        "original": _("the original {what} was changed"),
        "export": _("the file {what} is not as it was written, or is not from this record"),
    }
    return texts[fault.code].format(seq=fault.seq, what=fault.what)


def _not_verified(what: str) -> NotVerifiedError:
    return NotVerifiedError(
        _("The record does not verify: {what}.").format(what=what),
        _("Keep the file as it is, and take the last backup that verifies."),
    )


def _refuse_unsettled(figures: Tally, reason: str) -> None:
    waiting = sum(form.review for form in figures.forms)
    if figures.awaiting_answers or waiting:
        raise NotBalancedError(
            _("{answers} answers on {sheets} sheets still await review.").format(
                answers=figures.awaiting_answers, sheets=max(waiting, figures.awaiting_sheets)
            ),
            _("Settle them with 'ballotscan review', then close."),
        )
    unbalanced = [batch for batch in figures.batches if not batch.as_expected]
    if unbalanced and not reason.strip():
        batch = unbalanced[0]
        raise NotBalancedError(
            _("The batch '{batch}' has {sheets} sheets, but {expect} were expected.").format(
                batch=batch.name, sheets=batch.balance.papers, expect=batch.unexpected
            ),
            _("Find the sheets, or close with --reason-unbalanced and the reason."),
        )


def _refuse_scanner(store: Store, figures: Tally, signers: Sequence[Signer]) -> None:
    """Who ran a scan is not the auditor who signs it."""
    (auditor,) = (signer.name for signer in signers if signer.role == "auditor")
    for batch in figures.batches:
        if store.scanned(batch.name, auditor):
            raise UsageError(
                _("{name} scanned the batch '{batch}' and cannot sign as auditor.").format(
                    name=auditor, batch=batch.name
                ),
                _("Another person must sign."),
            )


# --- statements ------------------------------------------------------------------------------------------


def _sign(store: Store, act: str, about: Mapping[str, Any], wanted: Wanted, signers: Sequence[Signer]) -> str:
    from ballotscan import verify
    from ballotscan.store.ledger import now

    _refuse_slow_clock(store.last_at())
    seq, head = store.head()
    closings = store.closings()
    following = next_period(wanted.period)
    statement = {
        **about,
        "act": act,
        "at": now(),
        "period": wanted.period.name,
        "rule": wanted.period.rule,
        "first": wanted.period.first.isoformat(),
        "last": wanted.period.last.isoformat(),
        "next": following,
        "next_day": (wanted.period.last + timedelta(days=1)).isoformat(),
        "unit": wanted.unit,
        "reason": wanted.reason.strip(),
        "head": {"seq": seq, "hash": head},
        "previous": closings[-1].head if closings else None,
        "signers": [{"role": s.role, "name": s.name, "key": s.public} for s in signers],
    }
    message = verify.PREFIX + verify.canonical(statement)
    return store.add_signed(act, statement, {signer.role: signer.sign(message) for signer in signers})


def _statement(store: Store, settings: Settings, wanted: Wanted, figures: Tally) -> dict[str, Any]:
    from ballotscan import verify

    hashes = store.form_hashes()
    chosen = {name: value for name, value in asdict(settings).items() if name in _COUNTING_SETTINGS}
    return {
        "batches": [_batch(batch) for batch in figures.batches],
        "tally": [_form(form) for form in figures.forms],
        "boxes": [asdict(box) for batch in figures.batches for box in batch.boxes],
        "templates": [
            {"form": form.form, "edition": form.edition, "hash": hashes[form.form, form.edition]}
            for form in figures.forms
        ],
        "ruled_alone": figures.ruled_alone,
        "settings": chosen,
        "settings_hash": hashlib.sha256(verify.canonical(chosen)).hexdigest(),
        "version": __version__,
        "engine": ENGINE,
    }


def _batch(batch: BatchLine) -> dict[str, Any]:
    balance = batch.balance
    return {
        "batch": batch.name,
        "received": batch.received,
        "unit": batch.unit,
        "channel": batch.channel,
        "linh_vuc": batch.linh_vuc,
        "expect": batch.expect,
        "pages_in": balance.pages_in,
        "pages": {
            "on_sheet": balance.pages_on_sheets,
            "non_ballot": balance.pages_non_ballot,
            "repeat": balance.pages_repeat,
            "set_aside": balance.pages_set_aside,
        },
        "sheets": balance.sheets_by_state,
    }


def _form(form: FormTally) -> dict[str, Any]:
    states = ("read", "review", "void", "set_aside", "incomplete")
    return {
        "form": form.form,
        "edition": form.edition,
        "sheets": {state: getattr(form, state) for state in states},
        "questions": [
            {
                "question": item.id,
                "answered": item.answered,
                "blank": item.blank,
                "invalid": item.invalid,
                "awaiting": item.awaiting,
                "options": {option.code: option.count for option in item.options},
            }
            for item in form.groups[0].of_level("question")
        ],
    }
