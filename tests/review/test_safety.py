"""Each line of safety by itself: what a foreign page, a foreign name or a forged form gets."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from ballotscan.cli import main
from ballotscan.errors import ExitCode, UsageError
from ballotscan.four_eyes import USER_ROLES
from ballotscan.review import sessions as sessions_room
from ballotscan.review.guard import LARGEST_BODY_BYTES
from ballotscan.review.passwords import FREE_TRIES, TRIES_AT_MOST, Passwords
from ballotscan.review.pictures import Picture
from ballotscan.review.sessions import Sessions
from ballotscan.settings import LANGUAGES
from ballotscan.store import review_queries as queries
from ballotscan.store import users
from ballotscan.store.users import Account
from tests.review.conftest import Person
from tests.review.desk import PASSWORD, Served, add_sheets, office, running

ACCOUNT = Account("an", "An", USER_ROLES, True, "x")


@pytest.fixture(scope="module")
def office_at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with office(tmp_path_factory.mktemp("safety")) as running:
        yield running


def client(served: Served, **headers: str) -> httpx.Client:
    return httpx.Client(base_url=served.address, headers={"Origin": served.address, **headers}, timeout=60)


def token(answer: httpx.Response) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', answer.text)
    assert found
    return found[1]


def signed_in(served: Served, login: str = "an") -> tuple[httpx.Client, str]:
    """A client with a person's session, and the token of its forms."""
    who = client(served)
    sent = {"csrf": token(who.get("/sign-in")), "login": login, "password": PASSWORD}
    assert who.post("/sign-in", data=sent).status_code == 303
    return who, token(who.get("/"))


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "localhost:1", "127.0.0.1.evil.example", ""])
def test_a_foreign_host_is_turned_away(office_at: Served, host: str) -> None:
    """A name server that points a foreign name here gains nothing."""
    answer = client(office_at).get("/sign-in", headers={"Host": host})
    assert answer.status_code in (400, 403)
    assert "csrf" not in answer.text


def test_our_own_two_names_are_let_in(office_at: Served) -> None:
    port = office_at.address.rpartition(":")[2]
    assert client(office_at).get("/sign-in", headers={"Host": f"localhost:{port}"}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://127.0.0.1:1"},
    ],
)
def test_a_foreign_origin_changes_nothing(office_at: Served, headers: dict[str, str]) -> None:
    who, csrf = signed_in(office_at)
    head = office_at.reviews.store.head()
    answer = who.post("/language", data={"csrf": csrf, "language": "en"}, headers=headers)
    assert answer.status_code == 403
    assert office_at.reviews.store.head() == head


def test_without_any_origin_nothing_is_posted(office_at: Served) -> None:
    who, csrf = signed_in(office_at)
    bare = httpx.Client(base_url=office_at.address, cookies=who.cookies)
    assert bare.post("/sign-out", data={"csrf": csrf}).status_code == 403


@pytest.mark.parametrize("csrf", ["", "x", "0" * 43])
def test_a_form_without_our_token_is_refused(office_at: Served, csrf: str) -> None:
    who, right = signed_in(office_at)
    who.get("/queue")
    sent = {"code": "1"} | ({"csrf": csrf} if csrf else {})
    head = office_at.reviews.store.head()
    assert who.post("/queue/0/answer", data=sent).status_code == 403
    assert office_at.reviews.store.head() == head
    other, _csrf = signed_in(office_at, "binh")
    other.get("/queue")
    assert other.post("/queue/0/answer", data={"code": "1", "csrf": right}).status_code == 403


def test_looking_writes_nothing(office_at: Served) -> None:
    who, _csrf = signed_in(office_at, "cuong")
    head = office_at.reviews.store.head()
    for where in ("/", "/queue", "/queue/0/card", "/bulk", "/sheets", "/texts", "/audit"):
        assert who.get(where).status_code == 200, where
    for where in ("/queue/0/answer", "/sign-out", "/language"):
        assert who.get(where).status_code in (404, 405), where
    assert office_at.reviews.store.head() == head


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_other_methods_are_unknown(office_at: Served, method: str) -> None:
    assert client(office_at).request(method, "/").status_code == 403


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py",
        "/static/%2e%2e/app.py",
        "/static/..%2fapp.py",
        "/static/....//app.py",
        "/static//etc/passwd",
        "/static/%00",
        "/queue/..%2f..%2fpasswords.json/clip.png",
        "/queue/0/side/..%2f1.png",
        "/texts/1/..%2fpasswords.json.png",
        "/bulk/clip/1/..%2f..%2fpasswords.json",
        "/font/-1",
        "/font/99",
        "/sheets/999999",
        "/sheets/1/side/1.png",
        "/passwords.json",
        "/docs",
        "/openapi.json",
    ],
)
def test_paths_lead_nowhere(office_at: Served, path: str) -> None:
    who, _csrf = signed_in(office_at)
    who.get("/queue")
    with socket.create_connection(("127.0.0.1", int(office_at.address.rpartition(":")[2])), 10) as line:
        host = office_at.address.removeprefix("http://")
        cookie = f"ballotscan={who.cookies['ballotscan']}"
        request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n"
        line.sendall(request.encode())  # raw: a client would tidy the path up
        answer = b"".join(iter(lambda: line.recv(65536), b""))
    status = int(answer.split()[1])
    assert status in (400, 404, 405, 422), answer[:80]
    assert b"argon2" not in answer
    assert b"root:" not in answer


def test_headers_of_every_answer(office_at: Served) -> None:
    who, _csrf = signed_in(office_at)
    who.get("/queue")
    for where in ("/", "/sign-in", "/queue/0/clip.png", "/static/review.js", "/nowhere"):
        headers = who.get(where).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert "access-control-allow-origin" not in headers
        assert "server" not in headers
    cookie = client(office_at).get("/sign-in").headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie


def test_pages_hold_no_script_and_nothing_from_elsewhere(office_at: Served) -> None:
    who, _csrf = signed_in(office_at, "cuong")
    for where in ("/", "/queue", "/bulk", "/sheets", "/texts", "/audit", "/sign-in"):
        page = who.get(where).text
        assert re.findall(r"<script(?![^>]*src=\"/static/)[^>]*>", page) == []
        assert re.findall(r"\son\w+=|\sstyle=|<style", page) == []
        assert re.findall(r"(?:src|href|action)=\"(?!/|#)[^\"]*\"", page) == []


def test_pictures_are_made_anew(office_at: Served) -> None:
    who, _csrf = signed_in(office_at)
    who.get("/queue")
    answer = who.get("/queue/0/clip.png")
    assert answer.headers["content-type"] == "image/png"
    assert answer.content.startswith(b"\x89PNG")
    assert answer.content.count(b"IDAT") == 1
    with pytest.raises(ValueError, match="another size"):
        Picture(10, 10, b"x" * 99).png()


def test_too_much_is_not_read(office_at: Served) -> None:
    who, csrf = signed_in(office_at)
    assert who.post("/language", data={"csrf": csrf, "x": "x" * LARGEST_BODY_BYTES}).status_code == 413
    many = {"csrf": csrf} | {f"field{number}": "" for number in range(3000)}
    assert who.post("/language", data=many).status_code in (400, 403)


def test_a_reply_to_another_place_is_not_followed(office_at: Served) -> None:
    who, csrf = signed_in(office_at)
    for where in ("https://evil.example/", "//evil.example", "/\\evil.example"):
        answer = who.post("/language", data={"csrf": csrf, "language": "vi", "where": where})
        assert answer.headers["location"] == "/"


def test_script_in_texts_and_file_names_stays_text(
    tmp_path: Path, person: Person, complaints: list[str]
) -> None:
    evil = "<script>document.title='taken'</script><img src=x onerror=alert(1)>"
    with office(tmp_path) as served:
        add_sheets(served.reviews.store, 1, 2, name=f"{evil}", file=evil)
        page = person(served, "an")
        key = served.reviews.look(queries.key_of, f"{evil}/00001")
        page.goto(f"{served.address}/sheets/{key}")
        assert "<script>" in page.inner_text("h1")
        page.fill("form[action$=void] input[name=reason]", evil)
        page.click("form[action$=void] button")
        page.wait_for_selector("text=Rút lại")
        for where in ("/", "/queue", "/sheets", "/texts", "/bulk"):
            page.goto(f"{served.address}{where}")
            page.wait_for_load_state("networkidle")
            assert page.title() != "taken"
            assert page.locator("img[onerror]").count() == 0


# --- accounts ---------------------------------------------------------------------------------------------


def test_tries_are_counted_and_the_account_locked(tmp_path: Path) -> None:
    now = [1000.0]
    kept = Passwords(tmp_path, lambda: now[0])
    digest = kept.set("an", PASSWORD)
    for _ in range(FREE_TRIES):
        assert not kept.check("an", "wrong", digest).right
    first = kept.check("an", PASSWORD, digest)
    assert not first.right
    assert 14 < first.wait_s <= 15
    assert Passwords(tmp_path, lambda: now[0]).check("an", PASSWORD, digest).wait_s > 0  # started anew
    now[0] += 15.1
    assert not kept.check("an", "wrong", digest).right
    assert 29 < kept.check("an", PASSWORD, digest).wait_s <= 30
    while kept._read()["an"]["failures"] < TRIES_AT_MOST:
        now[0] += 1e6
        kept.check("an", "wrong", digest)
    now[0] += 1e6
    assert kept.check("an", PASSWORD, digest).locked
    digest = kept.set("an", PASSWORD)
    assert kept.check("an", PASSWORD, digest).right


def test_a_login_that_is_none_is_answered_as_one_that_is(tmp_path: Path) -> None:
    """Who guesses learns no login from it: tries, waits and the lock are the same."""
    now = [1000.0]
    kept = Passwords(tmp_path, lambda: now[0])
    digest = kept.set("an", PASSWORD)
    told: dict[str, list[Any]] = {"an": [], "nobody": []}
    for _ in range(TRIES_AT_MOST + 3):
        now[0] += 20.0
        told["an"].append(kept.check("an", "wrong", digest))
        told["nobody"].append(kept.check("nobody", "wrong", ""))
    assert told["an"] == told["nobody"]
    assert any(each.wait_s for each in told["an"])
    assert not kept.check("nobody", "nobody has this password", "").right


def test_each_sign_in_and_each_failure_is_an_entry(tmp_path: Path) -> None:
    with office(tmp_path, sheets=1) as served:
        who, csrf = signed_in(served)
        who.post("/sign-out", data={"csrf": csrf})
        wrong = {"csrf": token(who.get("/sign-in")), "login": "an", "password": "not this one"}
        assert who.post("/sign-in", data=wrong).status_code == 403
        typed = wrong | {"login": PASSWORD}  # a password typed into the wrong field
        assert who.post("/sign-in", data=typed).status_code == 403
        found = served.reviews.look(users.last_sign_ins, 9)
        assert [(each.login, each.act) for each in found] == [
            ("", "wrong"),
            ("an", "wrong"),
            ("an", "out"),
            ("an", "in"),
        ]
        ledger = served.database.read_bytes()
        assert PASSWORD.encode() not in ledger
        assert b"not this one" not in ledger


@pytest.mark.parametrize("change", [{"active": False}, {"password": "another"}])
def test_an_account_that_is_ended_meanwhile_opens_nothing_more(
    tmp_path: Path, change: dict[str, Any]
) -> None:
    """By the command line, while the person is signed in; a role that was taken away is gone at once too."""
    with office(tmp_path, sheets=1) as served:
        who, _csrf = signed_in(served, "cuong")
        account = next(each for each in served.reviews.accounts() if each.login == "cuong")
        assert who.get("/audit").status_code == 200
        served.reviews.set_account(account._replace(roles=("operator",)))
        assert who.get("/audit").status_code == 403
        assert who.get("/").status_code == 200
        served.reviews.set_account(account._replace(**change))
        for where in ("/", "/audit", "/queue", "/sheets"):
            assert who.get(where).headers["location"] == "/sign-in"


def test_nothing_tells_the_second_what_the_first_said(tmp_path: Path) -> None:
    """Neither a page nor a picture before deciding, nor the answer to the decision."""
    with office(tmp_path, sheets=1, doubtful=3) as served:
        first, csrf = signed_in(served)
        first.get("/queue")
        for number in range(2):
            first.post(f"/queue/{number}/answer", data={"csrf": csrf, "code": "2"})
        second, csrf = signed_in(served, "binh")
        key = served.reviews.look(queries.key_of, "box/00001")
        kind = re.search(r"/bulk/[0-9a-f]{16}", second.get("/bulk").text)
        assert kind is None  # of one answer there are not several
        pages = {where: second.get(where).text for where in ("/queue", "/queue/0/sheet", f"/sheets/{key}")}
        for where, text in pages.items():
            assert "Máy đọc:" not in text, where
            assert 'class="box chosen"' not in text, where
            assert 'class="box doubtful"' not in text, where
            assert "Nguyễn Văn An" not in text, where
        headers = {"X-Requested-With": "ballotscan"}
        told = [
            second.post(f"/queue/{number}/answer", data={"csrf": csrf, "code": code}, headers=headers)
            for number, code in enumerate("12")
        ]
        assert [(each.status_code, each.json()) for each in told] == [
            (200, {})
        ] * 2  # one differs, one agrees
        again = second.post("/queue/0/take-back", data={"csrf": csrf}, headers=headers)
        assert again.status_code == 200
        silent = second.post("/queue/0/answer", data={"csrf": csrf, "code": "2"}, headers=headers)
        assert silent.status_code == 400  # who tries the other answer says why, and it stays in the record
        assert 'name="note" maxlength="500" autocomplete="off" required' in second.get("/queue/0/card").text


def test_a_line_put_into_the_file_by_hand_opens_nothing(tmp_path: Path) -> None:
    kept = Passwords(tmp_path)
    digest = kept.set("an", PASSWORD)
    Passwords(tmp_path).set("an", "another password")  # as who can write the file, but not the record
    assert not kept.check("an", "another password", digest).right
    assert not kept.check("nobody", PASSWORD, "").right
    assert (tmp_path / "passwords.json").stat().st_mode & 0o077 == 0
    assert PASSWORD not in (tmp_path / "passwords.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("password", ["", "short", "x" * 201])
def test_passwords_have_a_length(tmp_path: Path, password: str) -> None:
    with pytest.raises(UsageError):
        Passwords(tmp_path).set("an", password)
    assert not (tmp_path / "passwords.json").exists()


def test_who_is_idle_is_signed_out() -> None:
    now = [0.0]
    kept = Sessions(LANGUAGES[0], lambda: now[0])
    session = kept.sign_in(kept.begin(), ACCOUNT)
    now[0] += sessions_room.IDLE_S - 1
    assert kept.find(session.token) is session
    now[0] += sessions_room.IDLE_S + 1
    assert kept.find(session.token) is None
    busy = kept.sign_in(kept.begin(), ACCOUNT)
    for _ in range(200):
        now[0] += sessions_room.IDLE_S / 2
        if kept.find(busy.token) is None:
            break
    assert kept.find(busy.token) is None  # nobody is signed in for ever


def test_the_token_of_before_signing_in_is_worth_nothing() -> None:
    kept = Sessions(LANGUAGES[0])
    before = kept.begin()
    after = kept.sign_in(before, ACCOUNT)
    assert kept.find(before.token) is None
    assert after.token != before.token
    assert len(after.token) >= 43  # 256 bits


def test_who_asks_again_and_again_fills_no_memory() -> None:
    kept = Sessions(LANGUAGES[0])
    person = kept.sign_in(kept.begin(), ACCOUNT)
    for _ in range(3 * sessions_room.MOST_SESSIONS):
        kept.begin()
    assert len(kept._open) <= sessions_room.MOST_SESSIONS
    assert kept.find(person.token) is person


def test_others_come_in_only_through_tls(office_at: Served, capsys: pytest.CaptureFixture[str]) -> None:
    db = ("--db", str(office_at.database), "--lang", "en")
    assert main(["review", "--host", "0.0.0.0", "--no-browser", *db]) == ExitCode.USAGE
    assert "only through TLS" in capsys.readouterr().err


def test_behind_tls_the_cookie_never_goes_in_the_clear(office_at: Served, tmp_path: Path) -> None:
    certificate, key = own_certificate(tmp_path)
    desk = replace(office_at.desk, secure=True)
    with running(desk, (certificate, key)) as port:
        trusted = ssl.create_default_context(cafile=str(certificate))
        with httpx.Client(base_url=f"https://localhost:{port}", verify=trusted) as who:
            answer = who.get("/sign-in")
            assert answer.status_code == 200
            assert "secure" in answer.headers["set-cookie"].lower()
            assert "max-age" in answer.headers["strict-transport-security"]
            sent = {"csrf": token(answer), "login": "an", "password": PASSWORD}
            assert (
                who.post("/sign-in", data=sent, headers={"Origin": f"http://localhost:{port}"}).status_code
                == 403
            )
            assert (
                who.post("/sign-in", data=sent, headers={"Origin": f"https://localhost:{port}"}).status_code
                == 303
            )


def own_certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for localhost that vouches for itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate, private = folder / "tls.pem", folder / "tls.key"
    certificate.write_bytes(made.public_bytes(Encoding.PEM))
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return certificate, private


def test_a_port_in_use_is_said(office_at: Served, capsys: pytest.CaptureFixture[str]) -> None:
    port = office_at.address.rpartition(":")[2]
    code = main(["review", "--port", port, "--no-browser", "--db", str(office_at.database), "--lang", "en"])
    assert code == ExitCode.NOTHING_DONE
    assert "running already" in capsys.readouterr().err


def test_the_page_listens_on_this_computer_only(office_at: Served) -> None:
    own: Any = socket.gethostbyname(socket.gethostname())
    port = int(office_at.address.rpartition(":")[2])
    if own.startswith("127."):
        pytest.skip("this computer has no other address")
    with pytest.raises(OSError), socket.create_connection((own, port), 2):
        pass
