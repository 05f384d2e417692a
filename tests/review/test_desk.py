"""People at the review page, in a real browser: every scenario from signing in to the audit's report."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ballotscan import verify
from ballotscan.cli import main
from ballotscan.errors import ExitCode
from ballotscan.model import Proposal, SheetId, SheetState
from ballotscan.rules.answers import decide_answers
from ballotscan.store import review_queries as queries
from tests.review.conftest import Person
from tests.review.desk import PASSWORD, PEOPLE, Served, add_halves, add_people, form, office, read_sides

AN, BINH, CUONG = (PEOPLE[login][0] for login in ("an", "binh", "cuong"))


def at(page: Any, number: int | str) -> None:
    """Wait until the card of that number is shown."""
    page.wait_for_selector(f'article.ask[data-number="{number}"]')


def queue(page: Any, served: Served) -> None:
    page.goto(f"{served.address}/queue")
    page.wait_for_selector("article.ask")


def stored(page: Any) -> None:
    """Wait until everything that was decided has arrived."""
    page.wait_for_selector('#desk[data-unsent="0"]')


def said(served: Served) -> dict[tuple[int, str], list[str]]:
    """Who has spoken on which answers that wait."""
    rows = served.reviews.look(queries.waiting_answers)
    found = served.reviews.look(queries.opinions_on, {row.key for row in rows})
    return {item: [each.by for each in opinions] for item, opinions in found.items()}


def check(served: Served) -> verify.Report:
    assert served.reviews.store.check_projections() == ()
    return verify.verify(str(served.database), served.folder)


# --- signing in -------------------------------------------------------------------------------------------


def test_signing_in_and_out(served: Served, person: Person, complaints: list[str]) -> None:
    page = person(served, "an", "a wrong password")
    assert "Sai tên đăng nhập" in page.inner_text("[role=alert]")
    complaints.clear()  # the browser logs the answer 403
    page.fill("input[name=password]", PASSWORD)
    page.click("main button.main")
    page.wait_for_selector("nav")
    assert page.inner_text(".person") == AN
    page.click("text=Đăng xuất")
    page.wait_for_selector("input[name=login]")
    page.goto(f"{served.address}/queue")
    assert page.url.endswith("/sign-in")


def test_everybody_sees_their_own_pages(served: Served, person: Person, complaints: list[str]) -> None:
    seen = {}
    for login in ("an", "cuong", "dung", "em"):
        page = person(served, login)
        page.wait_for_selector("nav")
        seen[login] = [link.get_attribute("href") for link in page.query_selector_all("nav a")]
        for where in {"/queue", "/audit", "/people"} - set(seen[login]):
            assert page.goto(f"{served.address}{where}").status == 403
    complaints.clear()
    assert seen["an"] == ["/", "/queue", "/bulk", "/sheets", "/texts"]
    assert seen["cuong"] == ["/", "/queue", "/bulk", "/sheets", "/texts", "/audit"]
    assert seen["dung"] == ["/", "/people"]
    assert seen["em"] == ["/"]


def test_the_language_is_switched(served: Served, person: Person) -> None:
    page, other = person(served, "an"), person(served, "binh")
    queue(page, served)
    assert "Máy đọc" in page.inner_text(".machine")
    page.click("button[lang=en]")
    page.wait_for_selector("article.ask")
    assert "The machine read" in page.inner_text(".machine")
    assert page.get_attribute("html", "lang") == "en"
    queue(other, served)
    assert "Máy đọc" in other.inner_text(".machine")  # another person's language is their own


def test_an_account_is_made_on_the_page(served: Served, person: Person, complaints: list[str]) -> None:
    page = person(served, "dung")
    page.goto(f"{served.address}/people")
    page.fill("input[name=login]", "giang")
    page.fill("input[name=name]", "Vũ Giang")
    page.fill("input[name=password]", "mật khẩu của Giang")
    page.click("form.card button.main")
    page.wait_for_selector("text=Vũ Giang")
    fresh = person(served, "giang", "mật khẩu của Giang")
    queue(fresh, served)
    page.fill("input[name=login]", "hai")
    page.fill("input[name=name]", "vũ  giang")
    page.fill("input[name=password]", "mật khẩu thứ hai")
    page.click("form.card button.main")
    assert "đã có tài khoản" in page.inner_text("[role=alert]")
    complaints.clear()


# --- the queue --------------------------------------------------------------------------------------------


def test_a_queue_of_two_hundred_by_keyboard(tmp_path: Path, person: Person) -> None:
    with office(tmp_path, sheets=10, doubtful=20) as served:
        page = person(served, "an")
        queue(page, served)
        assert page.inner_text(".count").split()[-1] == "200"
        for number in range(200):
            at(page, number)
            page.keyboard.press("2" if number % 10 else "0")
        at(page, "end")
        stored(page)
        spoken = said(served)
        assert len(spoken) == 200
        assert {by for names in spoken.values() for by in names} == {AN}
        waiting = served.reviews.look(queries.waiting_answers)
        served.reviews.propose([_second(row, place % 10 == 0) for place, row in enumerate(waiting)])
        assert served.reviews.look(queries.waiting_answers) == []
        assert check(served).alone == 0


def _second(row: Any, blank: bool) -> Proposal:
    codes = () if blank else ("2",)
    return Proposal(row.sheet, row.question, codes, False, BINH)


def test_the_card_shows_what_is_asked(served: Served, person: Person) -> None:
    page = person(served, "an")
    queue(page, served)
    card = served.reviews.look(queries.waiting_answers)[0]
    assert page.inner_text(".badge.code") == card.question
    assert "dấu mờ" in page.inner_text(".machine")
    assert "75%" in page.inner_text(".machine")
    size = page.evaluate_handle("() => document.querySelector('.clip img').naturalWidth").json_value()
    assert size > 1000
    assert page.locator(".clip .box").count() == 2  # A1 has two options
    page.keyboard.press("f")
    page.wait_for_selector("dialog[open] .paper img")
    assert page.locator("dialog .box").count() == len(_boxes())
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog:not([open])", state="attached")


def _boxes() -> list[Any]:
    return [box for side in form().sides for box in side.boxes]


def test_several_unreadable_skip_undo_and_note(served: Served, person: Person) -> None:
    page = person(served, "an")
    queue(page, served)
    page.keyboard.press("m")
    at(page, 1)
    page.keyboard.press("k")
    at(page, 2)
    page.keyboard.press("s")
    at(page, 3)
    page.keyboard.press("g")
    page.keyboard.type("có hai dấu 12")  # digits in a note are no answers
    page.keyboard.press("Enter")
    page.keyboard.press("1")
    at(page, 4)
    stored(page)
    rows = served.reviews.look(queries.waiting_answers)
    opinions = served.reviews.look(queries.opinions_on, {row.key for row in rows})
    first, second, skipped, noted = rows[:4]
    assert opinions[first.item][0].said == opinions[second.item][0].said == ((), True)
    assert skipped.item not in opinions
    notes = served.reviews.look(queries.notes_on, [opinions[noted.item][0].key])
    assert list(notes.values()) == ["có hai dấu 12"]
    page.keyboard.press("u")
    at(page, 3)
    stored(page)
    assert noted.item not in said(served)


def test_two_who_differ_and_a_third_who_settles(served: Served, person: Person) -> None:
    an, binh, cuong = (person(served, login) for login in ("an", "binh", "cuong"))
    queue(an, served)
    an.keyboard.press("1")
    at(an, 1)
    stored(an)
    queue(binh, served)  # what another has spoken on comes first, blind
    assert "Máy đọc" not in binh.inner_text("article.ask")
    assert "Máy hỏi" not in binh.inner_text("article.ask")
    binh.keyboard.press("2")
    at(binh, 1)
    stored(binh)
    assert binh.inner_text("#said") == ""  # whether they agree is not told
    queue(cuong, served)
    assert "Máy đọc" not in cuong.inner_text("article.ask")
    cuong.keyboard.press("2")
    at(cuong, 1)
    stored(cuong)
    settled = served.reviews.store.answers_of(SheetId("box/00001"))[0]
    row = next(served.reviews.store.answer_rows())
    assert (row.codes, row.outcome, settled.codes) == ("2", "ruled", settled.codes)
    assert check(served).alone == 0
    cuong.goto(f"{served.address}/")
    figures = cuong.inner_text(f"tr:has-text('{AN}')").split("\t")
    assert figures[-1] == "1"  # overruled once


def test_a_browser_that_is_closed_half_way(served: Served, person: Person) -> None:
    page = person(served, "an")
    queue(page, served)
    for number in range(3):
        page.keyboard.press("1")
        at(page, number + 1)
    stored(page)
    page.keyboard.press("g")
    page.keyboard.type("half a thought")
    page.context.close()
    assert len(said(served)) == 3  # what was not decided is not there, what was is
    again = person(served, "an")
    queue(again, served)
    assert again.inner_text(".count").split()[-1] == "9"
    again.keyboard.press("1")
    at(again, 1)
    stored(again)
    assert {len(names) for names in said(served).values()} == {1}
    assert len(said(served)) == 4


def test_two_browsers_at_once_and_a_stale_card(served: Served, person: Person, complaints: list[str]) -> None:
    an, binh, cuong = (person(served, login) for login in ("an", "binh", "cuong"))
    cards = ((an, 0), (binh, 8), (cuong, 4))  # each begins at another sheet, so it is another number
    for page, number in cards:
        queue(page, served)
        page.goto(f"{served.address}/queue?number={number}")  # all three look at the same card
        at(page, number)
    an.keyboard.press("1")
    stored(an)
    binh.keyboard.press("1")
    binh.wait_for_selector("#said:has-text('không kèm câu máy đọc')")  # the card had shown that: not entered
    assert list(said(served).values()) == [[AN]]
    binh.goto(f"{served.address}/queue?number=8")
    assert "Máy đọc" not in binh.inner_text("article.ask")
    binh.keyboard.press("1")
    stored(binh)
    head = served.reviews.store.head()
    cuong.keyboard.press("2")
    cuong.wait_for_selector("#said:has-text('vừa quyết định')")
    assert served.reviews.store.head() == head
    assert next(served.reviews.store.answer_rows()).codes == "1"
    complaints.clear()  # the browser logs the answer 409
    check(served)


def test_a_double_click_is_one_decision(served: Served, person: Person) -> None:
    page = person(served, "an")
    queue(page, served)
    form = page.get_attribute("form.answers", "action")
    token = page.get_attribute("body", "data-csrf")
    sent = {"csrf": token, "code": "1"}
    for _ in range(2):
        answer = page.request.post(
            f"{served.address}{form}", form=sent, headers={"Origin": served.address}, max_redirects=0
        )
        assert answer.status == 303
    assert list(said(served).values()) == [[AN]]


def test_while_a_scan_writes_decisions_wait(served: Served, person: Person, complaints: list[str]) -> None:
    from ballotscan.store.database import open_store

    page = person(served, "an")
    queue(page, served)
    with open_store(served.database) as scan:
        scan.add_warnings("box", [])
        page.keyboard.press("1")
        at(page, 1)  # one goes on meanwhile
        page.wait_for_selector("#said:has-text('chưa lưu')", timeout=20_000)
        assert said(served) == {}
    page.wait_for_selector("#said:not(:has-text('chưa lưu'))", state="attached")
    stored(page)
    assert list(said(served).values()) == [[AN]]
    complaints.clear()  # the browser logs the answers 503


def test_without_script_it_goes_by_forms(served: Served, browser: Any) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(served.address)
    page.fill("input[name=login]", "an")
    page.fill("input[name=password]", PASSWORD)
    page.click("main button.main")
    page.goto(f"{served.address}/queue")
    page.click("button[data-key='1']")
    assert page.get_attribute("article.ask", "data-number") == "1"
    assert list(said(served).values()) == [[AN]]
    context.close()


def test_many_at_once(tmp_path: Path, person: Person) -> None:
    with office(tmp_path, sheets=6, doubtful=1) as served:
        page = person(served, "an")
        page.goto(f"{served.address}/bulk")
        page.click("tbody a >> nth=0")
        page.wait_for_selector(".odd")
        count = page.locator(".odd").count()
        page.locator(".odd input[type=checkbox]").first.check()
        page.click("button.main")
        page.wait_for_load_state("networkidle")
        assert len(said(served)) == count - 1
        read = {row.item: row.codes for row in served.reviews.look(queries.waiting_answers)}
        opinions = served.reviews.look(queries.opinions_on, {key for key, _question in read})
        assert all(each[0].said == ((read[item],), False) for item, each in opinions.items())
        other = person(served, "binh")
        other.goto(f"{served.address}/bulk")
        row = other.inner_text("tbody tr >> nth=0")
        assert "ý kiến thứ hai" in row
        other.click("tbody a >> nth=0")
        other.wait_for_selector(".odd")
        assert other.locator(".odd").count() == count - 1
        for told in ("Máy đọc", "dấu mờ", AN):
            assert told not in other.inner_text("main")
        other.locator(".odd input[type=checkbox]").first.check()
        other.click("button[name=rest][value='=1']")
        other.wait_for_load_state("networkidle")
        settled = [row for row in served.reviews.store.answer_rows() if row.outcome == "ruled"]
        assert [row.codes for row in settled] == ["1"] * (count - 2)
        check(served)


# --- sheets, texts ----------------------------------------------------------------------------------------


def test_a_sheet_is_made_void_by_two(served: Served, person: Person) -> None:
    key = served.reviews.look(queries.key_of, "box/00002")
    for login in ("an", "binh"):
        page = person(served, login)
        page.goto(f"{served.address}/sheets/{key}")
        page.fill("form[action$=void] input[name=reason]", "phiếu thử <b>máy quét</b>")
        page.click("form[action$=void] button")
        page.wait_for_load_state("networkidle")
        states = {row.sheet: row.state for row in served.reviews.store.sheet_rows()}
        expected = SheetState.VOID if login == "binh" else SheetState.REVIEW
        assert states["box/00002"] is expected
    assert served.reviews.store.balance("box").holds
    check(served)


def test_two_sides_are_paired_by_hand(served: Served, person: Person) -> None:
    store = served.reviews.store
    add_halves(store)
    first, other = (served.reviews.look(queries.key_of, f"halves/0000{number}") for number in (1, 2))
    for login, key in (("an", first), ("binh", other)):  # each from the other's side
        page = person(served, login)
        page.goto(f"{served.address}/sheets/{key}")
        page.fill("form[action$=pair] input[name=reason]", "cùng một tờ giấy")
        page.click("form[action$=pair] button")
        page.wait_for_selector("h1")
    balance = store.balance("halves")
    assert (balance.sheets, balance.sheets_incomplete, balance.pages_on_sheets) == (1, 0, 2)
    assert balance.holds
    read = {row.question: row.codes for row in store.answer_rows() if row.batch == "halves"}
    assert read == {each.question: "|".join(each.codes) for each in decide_answers(form(), read_sides()[:2])}
    check(served)


def test_what_somebody_wrote_is_typed(served: Served, person: Person) -> None:
    page = person(served, "an")
    page.goto(f"{served.address}/texts")
    size = page.evaluate_handle("() => document.querySelector('.clip img').naturalWidth").json_value()
    assert size > 200
    page.fill("textarea", "làm nghề tự do")
    page.keyboard.press("Control+Enter")
    page.wait_for_load_state("networkidle")
    assert len(served.reviews.look(queries.typed_fields)) == 1


# --- the audit --------------------------------------------------------------------------------------------


def test_an_audit_from_plan_to_report(
    tmp_path: Path, person: Person, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with office(tmp_path, sheets=3, doubtful=0) as served:
        db = ("--db", str(served.database), "--lang", "en")
        plan = ("audit", "plan", "2023Q1", "--risk", "0.2", "--max-wrong", "40%")
        assert main([*plan, *db]) == ExitCode.OK
        size = int(re.search(r"Sheets to draw: (\d+)", capsys.readouterr().out)[1])  # type: ignore[index]
        assert size == 2  # of three sheets at most one may be wrong: two draws miss two of three never
        assert main(["audit", "draw", "2023Q1", "--seed", "61" * 10, *db]) == ExitCode.OK
        page = person(served, "cuong")
        page.goto(f"{served.address}/audit")
        assert page.locator("tbody tr").count() == 2
        for number in (1, 2):
            _read_paper(page, served, number)
        assert main(["audit", "report", "2023Q1", *db]) == ExitCode.OK
        report = capsys.readouterr().out
        assert "at most 1 of 3 sheets" in report
        assert "The satisfaction index of" in report
        page.goto(served.address)
        assert "2023Q1" in page.inner_text("main")
        check(served)


def _read_paper(page: Any, served: Served, number: int) -> None:
    """Enter what the record holds: the auditor of this test reads the paper without a fault."""
    page.goto(f"{served.address}/audit/{number}")
    assert page.locator("img").count() == 0  # the paper is to be read, not the scan
    place = int(re.search(r"\d+", page.inner_text("h1"))[0])  # type: ignore[index]
    for row in served.reviews.look(queries.answers_of_sheet, f"box/{place:05d}"):
        code = row.codes or "blank"
        page.check(f"input[name='answer-{row.question}'][value='{code}']")
    page.click("button[value=found]")
    page.wait_for_selector("tbody")


# --- the program itself -----------------------------------------------------------------------------------


def test_the_command_serves_and_ends(tmp_path: Path, person: Person) -> None:
    from ballotscan.store.database import open_store
    from ballotscan.store.reviews import Reviews
    from tests.review.desk import add_sheets

    with open_store(tmp_path / "ballots.sqlite") as store:
        add_people(Reviews(store), tmp_path)
        add_sheets(store, 1, 2)
    command = [sys.executable, "-c", "from ballotscan.cli import main; raise SystemExit(main())"]
    options = ["review", "--no-browser", "--port", "0", "--db", str(tmp_path / "ballots.sqlite")]
    running = subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True)
    try:
        line = running.stdout.readline()  # type: ignore[union-attr]
        address = re.search(r"http://127\.0\.0\.1:\d+", line)[0]  # type: ignore[index]
        page = person(_At(address), "an")
        page.goto(f"{address}/queue")
        page.wait_for_selector("article.ask img")
    finally:
        running.terminate()
        assert running.wait(20) is not None


class _At:
    """Just the address, as ``person`` wants it."""

    def __init__(self, address: str) -> None:
        self.address = address
