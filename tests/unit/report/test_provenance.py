"""What a report says of its own grounds: hashes, how reviewers agreed, and what an audit bounds."""

from __future__ import annotations

import hashlib
from fractions import Fraction

import pytest

from ballotscan.audit.report import make_report
from ballotscan.audit.work import (
    Reading,
    draw,
    enter_readings,
    make_plan,
    settled_answers,
)
from ballotscan.model import Proposal, SheetId
from ballotscan.rules.periods import parse_period
from ballotscan.settings import shipped
from ballotscan.store.reviews import Reviews
from ballotscan.store.users import Account
from tests.unit.record import Office
from tests.unit.report.test_figures import figures_of, grid, office, report_of, texts

__all__ = ["office"]

PEOPLE = ("Lan", "Minh", "Hoa")


@pytest.fixture
def reviewed(office: Office) -> Office:
    """Four doubtful answers: two agreed on at once, one by a third person, one left open."""
    office.add_batch("doubts", "?1 1 1 1 1", "1 ?2 1 1 1", "1 1 ?3 1 1", "1 1 1 ?1 1")
    with office.open() as store:
        reviews = Reviews(store)
        for name in PEOPLE:
            reviews.set_account(Account(name.lower(), name, ("reviewer",), active=True, password="0" * 64))
        say(reviews, "doubts/00001", "H1", "1", "1")
        say(reviews, "doubts/00002", "H2", "2", "2")
        say(reviews, "doubts/00003", "H3", "3", "1", "1")
    return office


def say(reviews: Reviews, sheet: str, question: str, *codes: str) -> None:
    for name, code in zip(PEOPLE, codes, strict=False):
        reviews.propose([Proposal(SheetId(sheet), question, (code,), False, name)])


def agreement(office: Office) -> tuple[tuple[str, ...], ...]:
    return tuple(row[1:] for row in grid(report_of(figures_of(office)), "Agreement of reviewers").rows)


def test_agreement_of_reviewers(reviewed: Office) -> None:
    assert agreement(reviewed) == (("3", "-"), ("2", "66.67%"), ("1", "33.33%"), ("0", "-"))


def test_where_nobody_decided_that_is_said(office: Office) -> None:
    assert agreement(office) == (("0", "-"),) * 4
    assert "No answer of the period was settled by people." in texts(report_of(figures_of(office)))


def test_review_by_one_person_is_said_plainly(reviewed: Office) -> None:
    said = "Review by one person is switched on"
    assert said not in texts(report_of(figures_of(reviewed)))
    with reviewed.open() as store:
        reviews = Reviews(store)
        reviews.set_persons(1)
        say(reviews, "doubts/00004", "H4", "1")
    document = report_of(figures_of(reviewed))
    assert texts(document).count(said) == 2  # with the method, and with the provenance
    assert "1 answer was settled by one person alone." in texts(document)
    assert agreement(reviewed)[3] == ("1", "-")


def test_templates_settings_and_chain_are_named_by_their_hashes(office: Office) -> None:
    (office.folder / "ballotscan.toml").write_text("least_cell = 2\n", encoding="utf-8")
    rows = {
        row[0]: row[1].replace(" ", "").lower() for row in grid(report_of(figures_of(office)), "Prov").rows
    }
    assert rows["Settings ballotscan.toml"] == hashlib.sha256(b"least_cell = 2\n").hexdigest()
    assert rows["Head of the chain"] == office.head()
    with office.open() as store:
        assert rows["Template hue-2019 2019"] == store.form_hashes()["hue-2019", "2019"]


# --- the audit -------------------------------------------------------------------------------------------


def audit(office: Office, *, missing: int = 0, images: bool = False, unit: str = "") -> None:
    """An audit of every sheet by Hoa, who finds all right but so many missing."""
    period = parse_period("2023Q1")
    with office.open() as store:
        reviews = Reviews(store)
        reviews.set_account(Account("hoa", "Hoa", ("auditor",), active=True, password="0" * 64))
        plan = make_plan(reviews, period, unit, 0.05, Fraction(0), staged=False, images=images)
        papers = draw(reviews, plan, "12345612345612345612")
        readings = []
        for number, paper in enumerate(papers):
            settled = settled_answers(reviews, SheetId(paper.sheet))
            state = "missing" if number < missing else "found"
            answers = {} if state == "missing" else settled
            readings.append(Reading((paper.batch, paper.place), state, answers, "Hoa"))
        enter_readings(reviews, plan, readings)
        make_report(reviews, [shipped("templates")], plan)


def audited(office: Office) -> str:
    return texts(report_of(figures_of(office))).rpartition("if nothing was changed.")[2]


def test_no_audit_is_said(office: Office) -> None:
    assert "No audit was made" in audited(office)


def test_the_bound_of_the_periods_last_audit(office: Office) -> None:
    audit(office, missing=2)
    audit(office)
    said = audited(office)
    assert (
        "Audit on the paper ballots: of 5 sheets 5 were drawn at random and read again; 0 differed, 0 of them"
        " not found. With 95% confidence at most 0 sheets (0.00%) are wrong." in said
    )
    assert "Not every batch was counted by hand" in said  # the second was not
    assert "NOT shown" not in said
    assert "No audit" not in said


def test_an_audit_of_images_is_called_weaker_and_a_limit_that_is_not_kept_is_said(office: Office) -> None:
    audit(office, missing=2, images=True)
    said = audited(office)
    assert "Audit on the scanned images (weaker than on paper" in said
    assert "2 differed, 2 of them not found. With 95% confidence at most 2 sheets (40.00%) are wrong." in said
    assert "The limit of 0 % is NOT shown to be kept." in said


def test_an_audit_of_one_unit_or_another_period_is_no_audit_of_all(office: Office) -> None:
    audit(office, unit="Phòng Đất đai")
    assert "The audit covers the unit Phòng Đất đai only." in audited(office)
    office.add_batch("before", "1 1 1 1 1", received="2022-10-01")
    assert "No audit was made" in texts(report_of(figures_of(office, "2022Q4")))
    audit(office)
    assert "covers the unit" not in audited(office)  # one of all units stands for the period


def test_what_was_changed_after_the_audit_is_said(office: Office) -> None:
    audit(office)
    office.void("box 1/00001")
    assert "Answers were changed after the audit" in audited(office)
