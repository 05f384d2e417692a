"""The pages put together: who may see them, signing in and out, the overview."""

from __future__ import annotations

from collections.abc import Collection
from importlib.resources import as_file, files
from typing import Final

from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, JSONResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from ballotscan.errors import BallotscanError, StaleError, StoreError
from ballotscan.four_eyes import USER_ROLES
from ballotscan.i18n import LANGUAGES, speaking
from ballotscan.i18n import gettext as _
from ballotscan.review import (
    audit_pages,
    bulk_pages,
    overview,
    queue_pages,
    sheet_pages,
    text_pages,
)
from ballotscan.review.guard import Guard
from ballotscan.review.sessions import Session
from ballotscan.review.web import (
    COOKIE,
    HERE,
    Administrator,
    AnySession,
    Desk,
    Form_,
    NotAllowedError,
    NotSignedInError,
    SignedIn,
    TheDesk,
    chosen,
    go,
    page,
    set_cookie,
    wants_data,
)
from ballotscan.store.users import Account, SignInAct

FONTS: Final = ("BeVietnamPro-Regular.ttf", "BeVietnamPro-SemiBold.ttf")


def make_app(desk: Desk, hosts: Collection[str]) -> ASGIApp:
    """The whole of it as one ASGI application. ``hosts``: what the Host header may be, to the letter."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.state.desk = desk
    app.mount("/static", StaticFiles(directory=HERE / "static"))
    for room in (queue_pages, bulk_pages, sheet_pages, text_pages, audit_pages):
        app.include_router(room.router)
    _add_own(app)
    _add_faults(app)
    return Guard(_Speaking(app, desk), hosts, "https" if desk.secure else "http")


class _Speaking:
    """Every request in the language of its session."""

    def __init__(self, app: ASGIApp, desk: Desk) -> None:
        self._app = app
        self._desk = desk

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        session = self._desk.sessions.find(Request(scope).cookies.get(COOKIE))
        with speaking(session.language if session else self._desk.sessions.language):
            await self._app(scope, receive, send)


def _add_own(app: FastAPI) -> None:
    app.add_api_route("/", _overview, methods=["GET"])
    app.add_api_route("/sign-in", _sign_in_page, methods=["GET"])
    app.add_api_route("/sign-in", _sign_in, methods=["POST"])
    app.add_api_route("/sign-out", _sign_out, methods=["POST"])
    app.add_api_route("/language", _language, methods=["POST"])
    app.add_api_route("/people", _people, methods=["GET"])
    app.add_api_route("/people", _set_person, methods=["POST"])
    app.add_api_route("/font/{number}", _font, methods=["GET"])


def _overview(desk: TheDesk, session: SignedIn) -> Response:
    told = overview.overview(desk, session)
    return page(desk, session, "overview", told=told)


# --- signing in and out -----------------------------------------------------------------------------------


def _sign_in_page(desk: TheDesk, session: AnySession) -> Response:
    return page(desk, session, "sign_in", fault="", login="")


def _sign_in(desk: TheDesk, session: AnySession, form: Form_) -> Response:
    login, password = form.text("login").lower(), str(form.values.get("password", ""))
    known = next((each for each in desk.reviews.accounts() if each.login == login), None)
    account = known if known and known.active else None
    verdict = desk.passwords.check(login, password, account.password if account else "")
    if verdict.tried:
        act: SignInAct = "in" if account and verdict.right else "locked" if verdict.locked else "wrong"
        desk.reviews.sign_in(known.login if known else "", known.name if known else "", act)
    if account is None or not verdict.right:
        fault = _("Login or password is wrong.")
        if verdict.locked:
            fault = _("This account is locked. An administrator sets another password.")
        elif verdict.wait_s:
            fault = _("Too many tries. Wait {seconds} seconds.").format(seconds=int(verdict.wait_s) + 1)
        return page(desk, session, "sign_in", 403, fault=fault, login=login)
    answer = go("/")
    set_cookie(desk, answer, desk.sessions.sign_in(session, account))
    return answer


def _sign_out(desk: TheDesk, session: SignedIn, _form: Form_) -> Response:
    desk.sessions.end(session)
    desk.reviews.sign_in(session.login, session.name, "out")
    answer = go("/sign-in")
    answer.delete_cookie(COOKIE, path="/")
    return answer


def _language(desk: TheDesk, session: AnySession, form: Form_) -> Response:
    wanted = form.text("language")
    session.language = next((each for each in LANGUAGES if each == wanted), session.language)
    where = form.text("where")
    answer = go(where if where.startswith("/") and not where.startswith(("//", "/\\")) else "/")
    set_cookie(desk, answer, session)
    return answer


# --- people -----------------------------------------------------------------------------------------------


def _people(desk: TheDesk, session: Administrator) -> Response:
    return _people_page(desk, session, "")


def _people_page(desk: Desk, session: Session, fault: str) -> Response:
    people = desk.reviews.accounts()
    return page(desk, session, "people", 400 if fault else 200, people=people, roles=USER_ROLES, fault=fault)


def _set_person(desk: TheDesk, session: Administrator, form: Form_) -> Response:
    login, password = form.text("login").lower(), str(form.values.get("password", ""))
    known = next((each for each in desk.reviews.accounts() if each.login == login), None)
    roles = chosen(form.texts("role"), USER_ROLES)
    wanted = Account(login, form.text("name"), roles, form.text("active") == "yes", "")
    try:
        if password or known is None:
            desk.reviews.check_account(wanted)
            wanted = wanted._replace(password=desk.passwords.set(login, password))
        else:
            wanted = wanted._replace(password=known.password)
        desk.reviews.set_account(wanted, session.name)
    except BallotscanError as fault:
        return _people_page(desk, session, str(fault))
    return go("/people")


def _font(number: int) -> Response:
    """One of the forms' own typefaces, which has every Vietnamese letter."""
    if not 0 <= number < len(FONTS):
        raise HTTPException(404)
    with as_file(files("fontpkg_be_vietnam_pro") / "files" / FONTS[number]) as path:
        return FileResponse(path, media_type="font/ttf", headers={"Cache-Control": "private, max-age=86400"})


# --- faults -----------------------------------------------------------------------------------------------


def _add_faults(app: FastAPI) -> None:
    app.add_exception_handler(NotSignedInError, _not_signed_in)
    app.add_exception_handler(NotAllowedError, _not_allowed)
    app.add_exception_handler(BallotscanError, _our_fault)
    app.add_exception_handler(HTTPException, _http_fault)


def _not_signed_in(request: Request, _fault: Exception) -> Response:
    if wants_data(request):
        return JSONResponse({"said": _("You are signed out. Sign in again.")}, 401)
    return go("/sign-in")


def _not_allowed(request: Request, _fault: Exception) -> Response:
    return _say(request, 403, _("You have no right to do this."))


def _our_fault(request: Request, fault: Exception) -> Response:
    status = 409 if isinstance(fault, StaleError) else 503 if isinstance(fault, StoreError) else 400
    return _say(request, status, str(fault))


def _http_fault(request: Request, fault: Exception) -> Response:
    status = fault.status_code if isinstance(fault, HTTPException) else 400
    return _say(request, status, _("There is no such page."))


def _say(request: Request, status: int, text: str) -> Response:
    if wants_data(request):
        return JSONResponse({"said": text}, status)
    desk: Desk = request.app.state.desk
    session = desk.sessions.find(request.cookies.get(COOKIE)) or desk.sessions.begin()
    return page(desk, session, "fault", status, text=text)
