"""What people say of answers and sheets, and what follows from it. Functions of an open writing transaction.

A proposal is one person's. Where two persons have said the same of an answer (``four_eyes``), the ruling
follows in the same transaction and names both proposals. Nothing is overwritten: a changed mind is another
proposal, a withdrawn one an entry.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Row, select

from ballotscan.errors import StaleError, UsageError
from ballotscan.four_eyes import (
    PERSONS,
    Opinion,
    agreeing,
    differing,
    mine,
    refuse_barred,
    same_person,
)
from ballotscan.i18n import gettext as _
from ballotscan.model import Proposal, Sheet, SheetId, SheetProposal, SheetState, Standing, Status
from ballotscan.store import ledger
from ballotscan.store.bodies import composed, join_codes, split_codes
from ballotscan.store.decisions import add_sheets, counting_key
from ballotscan.store.queries import questions
from ballotscan.store.rows import QuestionCodes
from ballotscan.store.schema import answers, proposals, rulings, sheets
from ballotscan.store.schema import ledger as entries
from ballotscan.store.users import person
from ballotscan.store.writing import record

LONGEST_NOTE: Final = 500
LONGEST_TEXT: Final = 4000  # a free text field holds five lines of handwriting


class Outcome(NamedTuple):
    """What follows where people agree about a sheet.

    ``readable``: question and codes of the answers that were held back for the sheet's sake alone; they are
    ruled to be as they were read, and the others wait for review. ``joined``: the sheet that two become, and
    its pages' keys.
    """

    readable: Sequence[tuple[str, tuple[str, ...]]] = ()
    joined: tuple[Sheet, tuple[int, ...]] | None = None


NOTHING: Final = Outcome()


def persons_needed(connection: Connection) -> int:
    """2, or 1 where the office has switched to review by one person."""
    query = select(entries.c.body).where(entries.c.kind == "review_rule").order_by(entries.c.seq.desc())
    body = connection.execute(query.limit(1)).scalar_one_or_none()
    return PERSONS if body is None else int(ledger.read_body(body)["persons"])


def set_persons(connection: Connection, persons: int) -> None:
    """Enter by how many persons answers are settled from now on, where that changes."""
    if persons != persons_needed(connection):
        record(connection, "review_rule", [{"persons": persons}])


# --- answers ---------------------------------------------------------------------------------------------


def propose(connection: Connection, new: Sequence[Proposal]) -> list[Standing]:
    """Enter what one person says of answers, all or none, and what is settled by it.

    Raises ``UsageError`` where this person may not decide or what is said cannot be an answer, ``StaleError``
    where others have settled the answer since this person looked.
    """
    persons = persons_needed(connection)
    known = questions(connection)
    return [_propose(connection, each, persons, known) for each in new]


def _propose(
    connection: Connection,
    new: Proposal,
    persons: int,
    known: Mapping[tuple[str, str], Sequence[QuestionCodes]],
) -> Standing:
    sheet = _sheet(connection, new.sheet)
    what = _("Sheet {sheet}, question {question}").format(sheet=new.sheet, question=new.question)
    answer = _answer(connection, sheet, new.question, what)
    said = _checked(new, known[sheet.form, sheet.edition], what)
    opinions = open_opinions(connection, sheet.key, new.question)
    who = person(connection, new.by, sheet.batch)
    own = mine(who.name, opinions)
    if own is not None and own.said == said:
        return Standing.KNOWN
    ruling = _standing_ruling(connection, sheet.key, new.question)
    if ruling is not None and ruling.key > new.seen:
        if _own_in(connection, ruling.key, who.name, said):
            return Standing.KNOWN
        raise StaleError(
            _("{what}: others have settled it meanwhile.").format(what=what), _("Nothing was entered.")
        )
    refuse_barred(who, opinions, what)
    note = _plain(new.note, LONGEST_NOTE)
    _refuse_knowing(connection, sheet.key, new, note, opinions, what)
    if answer.status == Status.ACCEPTED.value and not note:
        raise UsageError(
            _("{what}: the answer was accepted.").format(what=what),
            _("Say in a note why it is ruled on."),
        )
    codes, invalid = said
    body = {"sheet": sheet.key, "id": new.sheet, "question": new.question, "by": who.name, "note": note}
    beside = {"beside": True} if new.beside else {}
    record(connection, "proposal", [body | {"codes": list(codes), "invalid": invalid} | beside])
    return _settle(connection, sheet, new.question, persons, answer.reason or "")


def _refuse_knowing(
    connection: Connection, sheet: int, new: Proposal, note: str, opinions: Sequence[Opinion], what: str
) -> None:
    """Who comes second has seen nobody's answer; who says another thing than before says why.

    The second is needed because the other's word may have been guessed from what came of one's own. Raises
    ``StaleError`` and ``UsageError``.
    """
    others = [each.key for each in opinions if not same_person(each.by, new.by)]
    if others and new.beside:
        raise StaleError(
            _("{what}: another person has answered meanwhile.").format(what=what),
            _("Nothing was entered; it comes again, without the machine's answer."),
        )
    if others and not note and spoke_beside(connection, sheet, new.question, new.by, others):
        raise UsageError(
            _("{what}: you have answered it before, as another has.").format(what=what),
            _("Say in a note why you answer it anew."),
        )


def spoke_beside(connection: Connection, sheet: int, question: str, name: str, others: Sequence[int]) -> bool:
    """Whether a person had an opinion on an answer while one of these (their keys) stood beside it."""
    query = select(proposals).where(proposals.c.sheet == sheet, proposals.c.question == question)
    query = query.where(proposals.c.settled.is_(None))
    return any(
        same_person(row.by_name, name) and (row.withdrawn is None or row.withdrawn > min(others))
        for row in connection.execute(query)
    )


def _settle(connection: Connection, sheet: Row[Any], question: str, persons: int, reason: str) -> Standing:
    """Enter the ruling that follows from the opinions that stand, if one does."""
    opinions = open_opinions(connection, sheet.key, question)
    agreed = agreeing(opinions, persons)
    if not agreed:
        return Standing.DIFFERS if differing(opinions) else Standing.WAITS
    notes = [note for each in agreed if (note := _note_of(connection, each.key))]
    body = {
        "sheet": sheet.key,
        "id": sheet.id,
        "question": question,
        **_said(connection, agreed[0].key),
        "ruled_by": agreed[0].by,
        "reason": "; ".join(notes) or reason or "review",
        "proposals": [each.key for each in agreed],
    }
    record(connection, "ruling", [body | _second(agreed)])
    return Standing.SETTLED


def _said(connection: Connection, key: int) -> dict[str, Any]:
    row = connection.execute(select(proposals).where(proposals.c.key == key)).one()
    return {"codes": list(split_codes(row.codes)), "invalid": bool(row.invalid)}


def _second(agreed: Sequence[Opinion]) -> dict[str, str]:
    return {"second": agreed[1].by} if len(agreed) > 1 else {}


def withdraw(connection: Connection, sheet_id: SheetId, question: str, by: str) -> None:
    """Take back one's own last decision on an answer, or (``question`` empty) on a sheet. Did it settle the
    answer, that is open again. Raises ``UsageError`` where there is none, or it was built upon since.
    """
    sheet = _sheet(connection, sheet_id)
    query = (
        select(proposals)
        .where(proposals.c.sheet == sheet.key, proposals.c.question == question)
        .where(proposals.c.withdrawn.is_(None))
        .order_by(proposals.c.key.desc())
    )
    own = next((row for row in connection.execute(query) if same_person(row.by_name, by)), None)
    standing = _standing_ruling(connection, sheet.key, question)
    spent = own is not None and own.settled is not None
    if own is None or (spent and (standing is None or standing.key != own.settled)):
        raise UsageError(
            _("Sheet {sheet}: there is nothing of yours to take back.").format(sheet=sheet_id),
            _("What two persons settled is changed by two persons."),
        )
    body = {"sheet": sheet.key, "id": sheet_id, "question": question, "proposal": own.key, "by": own.by_name}
    record(connection, "withdrawn", [body])


def add_control(connection: Connection, new: Proposal, expected: tuple[tuple[str, ...], bool]) -> bool:
    """Enter what a person said of an answer that is known; it counts nowhere. True: it was right."""
    sheet = _sheet(connection, new.sheet)
    codes, invalid = _checked(new, questions(connection)[sheet.form, sheet.edition], new.sheet)
    right = (codes, invalid) == expected
    body = {
        "sheet": sheet.key,
        "id": new.sheet,
        "question": new.question,
        "codes": list(codes),
        "invalid": invalid,
        "expected": list(expected[0]),
        "expected_invalid": expected[1],
        "right": right,
        "by": person(connection, new.by, sheet.batch).name,
    }
    record(connection, "control", [body])
    return right


# --- whole sheets ----------------------------------------------------------------------------------------


def propose_sheet(connection: Connection, new: SheetProposal, outcome: Outcome = NOTHING) -> Standing:
    """Enter what one person says of a sheet. To make it void always takes two persons.

    ``outcome`` is what follows where it is settled. Raises as ``propose``.
    """
    sheet = _sheet(connection, new.sheet)
    what = _("Sheet {sheet}").format(sheet=new.sheet)
    reason = _plain(new.reason, LONGEST_NOTE)
    if sheet.state == SheetState.VOID.value:
        raise StaleError(_("Sheet {sheet} is void already.").format(sheet=new.sheet))
    if not reason:
        raise UsageError(_("{what}: a reason is missing.").format(what=what), _("Say why."))
    opinions = open_opinions(connection, sheet.key, "")
    who = person(connection, new.by, sheet.batch)
    own = mine(who.name, opinions)
    if own is not None and own.said == (new.act, new.same_as):
        return Standing.KNOWN
    refuse_barred(who, opinions, what)
    body = {"sheet": sheet.key, "id": new.sheet, "act": new.act, "by": who.name, "reason": reason}
    if new.act == "count":
        _refuse_uncountable(connection, sheet, what)
    elif new.act == "pair":
        other = _other_side(connection, sheet, new.same_as, what)
        body |= {"same_as": other, "same_as_id": new.same_as}
    elif new.same_as:
        body |= {"same_as": counting_key(connection, new.sheet, new.same_as), "same_as_id": new.same_as}
    record(connection, "sheet_proposal", [body])
    persons = PERSONS if new.act == "void" else persons_needed(connection)
    opinions = open_opinions(connection, sheet.key, "")
    agreed = agreeing(opinions, persons)
    if not agreed:
        return Standing.DIFFERS if differing(opinions) else Standing.WAITS
    _settle_sheet(connection, sheet, body, agreed, outcome)
    return Standing.SETTLED


def _other_side(connection: Connection, sheet: Row[Any], other_id: str, what: str) -> int:
    """The sheet that holds the other sides. Raises ``UsageError`` unless the two fit together."""
    other = _sheet(connection, other_id)
    both = (sheet, other)
    alike = len({(each.batch, each.form, each.edition) for each in both}) == 1
    whole = any(each.state != SheetState.INCOMPLETE.value for each in both)
    ruled = connection.execute(select(rulings.c.key).where(rulings.c.sheet.in_([each.key for each in both])))
    if not alike or whole or ruled.first() or not sheet.key < other.key:
        raise UsageError(
            _("{what}: it cannot be joined to {other}.").format(what=what, other=other_id),
            _("Both must be incomplete, of one batch and form, and not ruled on."),
        )
    return int(other.key)


def _refuse_uncountable(connection: Connection, sheet: Row[Any], what: str) -> None:
    if sheet.reason is None or is_counted(connection, sheet.key):
        raise StaleError(_("{what}: there is no doubt about the sheet as a whole.").format(what=what))


def _settle_sheet(
    connection: Connection,
    sheet: Row[Any],
    body: Mapping[str, Any],
    agreed: Sequence[Opinion],
    outcome: Outcome,
) -> None:
    about = {"sheet": body["sheet"], "id": body["id"], "proposals": [each.key for each in agreed]}
    reasons = "; ".join(dict.fromkeys(_note_of(connection, each.key) for each in agreed))
    same = {name: body[name] for name in ("same_as", "same_as_id") if name in body}
    said = {"by": agreed[0].by, "reason": reasons} | _second(agreed)
    if body["act"] == "void":
        record(connection, "void", [about | said | same])
    elif body["act"] == "pair":
        if outcome.joined is None:
            raise UsageError(_("Sheet {sheet}: its sides cannot be read together.").format(sheet=sheet.id))
        record(connection, "paired", [about | said | same])
        both = ((body["sheet"], sheet.id), (body["same_as"], body["same_as_id"]))
        released = [{"batch": sheet.batch, "sheet": key, "id": name} for key, name in both]
        record(connection, "released", released)
        add_sheets(connection, sheet.batch, [outcome.joined])
    else:
        record(connection, "counted", [about | said])
        ruled = {"invalid": False, "ruled_by": agreed[0].by, "reason": reasons} | _second(agreed)
        answers_read = [
            about | ruled | {"question": question, "codes": list(codes)}
            for question, codes in outcome.readable
        ]
        record(connection, "ruling", answers_read)


def is_counted(connection: Connection, sheet: int) -> bool:
    """Whether two persons settled that a sheet counts in spite of a doubt about it."""
    query = select(proposals.c.key).where(proposals.c.sheet == sheet, proposals.c.act == "count")
    return connection.execute(query.where(proposals.c.settled.is_not(None))).first() is not None


# --- free text -------------------------------------------------------------------------------------------


def add_text(connection: Connection, sheet_id: SheetId, field: str, text: str, by: str) -> bool:
    """Enter what is written in a field, as a person typed it; False where the very same stands already."""
    from ballotscan.store.review_queries import text_of

    sheet = _sheet(connection, sheet_id)
    who = person(connection, by, sheet.batch)
    refuse_barred(who, (), _("Sheet {sheet}").format(sheet=sheet_id))
    typed = _plain(text, LONGEST_TEXT)
    if text_of(connection, sheet.key, field) == typed:
        return False
    body = {"sheet": sheet.key, "id": sheet_id, "field": field, "text": typed, "by": who.name}
    record(connection, "text", [body])
    return True


# --- small things ----------------------------------------------------------------------------------------


def open_opinions(connection: Connection, sheet: int, question: str) -> list[Opinion]:
    """Those that stand on an answer, or (``question`` empty) on a sheet, in the order in which they came."""
    query = (
        select(proposals)
        .where(proposals.c.sheet == sheet, proposals.c.question == question)
        .where(proposals.c.withdrawn.is_(None), proposals.c.settled.is_(None))
        .order_by(proposals.c.key)
    )
    return [opinion_of(row) for row in connection.execute(query)]


def opinion_of(row: Row[Any]) -> Opinion:
    """A row of ``proposals`` as an opinion."""
    said = (split_codes(row.codes), bool(row.invalid)) if row.act == "answer" else (row.act, row.same_as)
    return Opinion(row.key, row.by_name, said)


def _sheet(connection: Connection, sheet_id: str) -> Row[Any]:
    row = connection.execute(select(sheets).where(sheets.c.id == sheet_id)).first()
    if row is None:
        raise UsageError(_("There is no sheet '{sheet}'.").format(sheet=sheet_id))
    return row


def _answer(connection: Connection, sheet: Row[Any], question: str, what: str) -> Row[Any]:
    mine_only = (answers.c.sheet == sheet.key, answers.c.reading == 1, answers.c.question == question)
    row = connection.execute(select(answers).where(*mine_only)).first()
    if row is None:
        raise UsageError(_("{what}: the form has no such question.").format(what=what))
    if sheet.state == SheetState.VOID.value:
        raise StaleError(_("Sheet {sheet} is void already.").format(sheet=sheet.id))
    return row


def _checked(new: Proposal, known: Sequence[QuestionCodes], what: str) -> tuple[tuple[str, ...], bool]:
    """The codes in printed order, and whether the answer is invalid. Raises ``UsageError`` for no answer."""
    asked = next((each for each in known if each.question == new.question), None)
    named = set(new.codes)
    fits = asked is not None and named <= set(asked.codes) and len(named) == len(new.codes)
    several = asked is not None and len(named) > 1 and not asked.multiple
    if asked is None or not fits or several or (new.invalid and named):
        raise UsageError(
            _("{what}: this cannot be an answer: {codes}.").format(what=what, codes=join_codes(new.codes)),
            _("One of the printed options, blank, or invalid."),
        )
    return tuple(code for code in asked.codes if code in named), new.invalid


def _standing_ruling(connection: Connection, sheet: int, question: str) -> Row[Any] | None:
    query = select(rulings).where(rulings.c.sheet == sheet, rulings.c.question == question)
    return connection.execute(query.where(rulings.c.superseded_by.is_(None))).first()


def _own_in(connection: Connection, ruling: int, name: str, said: object) -> bool:
    """Whether a ruling rests on this person's having said the same."""
    rows = connection.execute(select(proposals).where(proposals.c.settled == ruling))
    return any(same_person(row.by_name, name) and opinion_of(row).said == said for row in rows)


def _note_of(connection: Connection, key: int) -> str:
    return str(connection.execute(select(proposals.c.note).where(proposals.c.key == key)).scalar_one())


def _plain(text: str, longest: int) -> str:
    kept = composed(text).strip()
    if len(kept) > longest:
        raise UsageError(
            _("The text is longer than {count} letters.").format(count=longest), _("Shorten it.")
        )
    return kept
