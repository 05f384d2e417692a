"""A small quarter in a store: ballots of the shipped form ``hue-2019``, without any picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ballotscan.forms.load import load_form
from ballotscan.model import Answer, BatchName, BatchSettings, Outcome, PageState, Reason, Sheet, Status
from ballotscan.model import SheetState as State
from ballotscan.settings import shipped
from ballotscan.store.database import Store
from tests.unit.store.makers import bad_page, page, ref, sha

QUESTIONS = ("H1", "H2", "H3", "H4", "H5")


def batch_settings(name: str, **changes: object) -> BatchSettings:
    values: dict[str, object] = {"name": BatchName(name), "forms": ("hue-2019",), "received": "2023-03-01"}
    values |= {"channel": "hom-phieu", "unit": "", "linh_vuc": "", "expect": None}
    return BatchSettings(**(values | changes))  # type: ignore[arg-type]


def decided(question: str, codes: str) -> Answer:
    """An answer from a short text: ``1`` one code, ``13`` several, ``-`` blank, ``?2`` in review."""
    chosen = tuple(code for code in codes if code.isdigit())
    if codes.startswith("?"):
        return Answer(question, 1, Outcome.UNSURE, chosen, Status.REVIEW, 0.4, Reason.FAINT)
    outcome = (Outcome.BLANK, Outcome.ONE, Outcome.SEVERAL)[min(len(chosen), 2)]
    return Answer(question, 1, outcome, chosen, Status.ACCEPTED, 0.99, None)


def fill(store: Store, settings: BatchSettings, ballots: Sequence[str], set_aside: int = 0) -> None:
    """One batch. A ballot is its five answers, as ``1 2 - ?3 13``; some pages more are of no known form."""
    form = load_form(shipped("templates") / "hue-2019")
    name, file = settings.name, f"{settings.name}.pdf"
    store.keep_form(form)
    store.start_batch(settings, "test 1")
    store.add_file(name, file, sha(file), len(ballots) + set_aside)
    reading = replace(page().reading, form=form.id, edition=form.edition)
    read = [replace(page(n + 1, file=file), reading=reading) for n in range(len(ballots))]
    unknown = {"state": PageState.SET_ASIDE, "reason": Reason.NOT_THIS_FORM}
    bad = [bad_page(len(ballots) + n + 1, file=file, **unknown) for n in range(set_aside)]  # type: ignore[arg-type]
    keys = store.add_pages(name, [*read, *bad])[: len(ballots)]
    sheets = []
    for number, (ballot, key) in enumerate(zip(ballots, keys, strict=True), start=1):
        answers = tuple(decided(*pair) for pair in zip(QUESTIONS, ballot.split(), strict=True))
        state = State.REVIEW if "?" in ballot else State.READ
        place = ref(number, file)
        sheets.append((Sheet(form.id, form.edition, state, None, None, (place,), answers), (key,)))
    store.add_sheets(name, sheets)
