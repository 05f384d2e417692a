"""What every page needs: who asks, what was posted, and how an answer is made."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Final
from unicodedata import normalize

import jinja2
from fastapi import Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.datastructures import FormData

from ballotscan.forms.form import Field, Form, Rect
from ballotscan.forms.load import find_forms, load_form
from ballotscan.i18n import gettext, ngettext
from ballotscan.model import SideReading
from ballotscan.review.passwords import Passwords
from ballotscan.review.pictures import Picture, Pictures
from ballotscan.review.sessions import Session, Sessions
from ballotscan.settings import Settings, template_folders
from ballotscan.store.reviews import Reviews

HERE: Final = Path(__file__).parent
COOKIE: Final = "ballotscan"
_FIELDS_AT_MOST: Final = 2000  # a bulk page has some hundred
_READINGS_KEPT: Final = 100  # of some 30 kB
_EMPTY_W_PX, _EMPTY_H_PX, _EMPTY_GREY = 300, 40, 235


class NotSignedInError(Exception):
    """Nobody is signed in, or not any more."""


class NotAllowedError(Exception):
    """The person has no role for this, or the form was not ours."""


@dataclass
class Desk:
    """The things that the pages work with, for as long as the program runs."""

    reviews: Reviews
    pictures: Pictures
    passwords: Passwords
    sessions: Sessions
    settings: Settings
    secure: bool = False

    @cached_property
    def texts(self) -> jinja2.Environment:
        """The pages' templates; everything that goes into them is escaped."""
        made = jinja2.Environment(
            loader=jinja2.FileSystemLoader(HERE / "pages"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        made.globals.update(_=gettext, ngettext=ngettext)
        return made

    @cached_property
    def _folders(self) -> dict[str, Path]:
        return dict(find_forms(template_folders(self.settings)))

    @cached_property
    def _forms(self) -> dict[tuple[str, str], Form | None]:
        return {}

    def reading(self, key: int) -> SideReading:
        """A page's evidence. It never changes, and every card asks for it several times."""
        if key not in self._readings:
            while len(self._readings) >= _READINGS_KEPT:
                self._readings.pop(next(iter(self._readings)), None)
            self._readings[key] = self.reviews.store.reading(key)
        return self._readings[key]

    @cached_property
    def written(self) -> dict[int, tuple[tuple[Field, Rect], ...]]:
        """By page the fields that hold handwriting, once they were asked for."""
        return {}

    @cached_property
    def _readings(self) -> dict[int, SideReading]:
        return {}

    def form(self, name: str, edition: str) -> Form | None:
        """The template of an edition, or ``None`` where it is no longer there."""
        key = (name, edition)
        if key not in self._forms:
            form = load_form(self._folders[name]) if name in self._folders else None
            self._forms[key] = form if form and form.edition == edition else None
        return self._forms[key]


def desk_of(request: Request) -> Desk:
    """The desk that this program serves."""
    desk: Desk = request.app.state.desk
    return desk


TheDesk = Annotated[Desk, Depends(desk_of)]


def any_session(request: Request, desk: TheDesk) -> Session:
    """The browser's session; of nobody, where it has none."""
    return desk.sessions.find(request.cookies.get(COOKIE)) or desk.sessions.begin()


AnySession = Annotated[Session, Depends(any_session)]


def signed_in(session: AnySession, desk: TheDesk) -> Session:
    """The session of a person, with the rights of now: an account can be ended, or get another password or
    other roles, while somebody is signed in. Raises ``NotSignedInError``.
    """
    account = next((each for each in desk.reviews.accounts() if each.login == session.login), None)
    if account is None or not account.active or account.password != session.password:
        raise NotSignedInError
    session.roles = account.roles
    return session


SignedIn = Annotated[Session, Depends(signed_in)]


def with_role(*roles: str) -> Callable[[Session], Session]:
    """Only who has one of these roles comes further."""

    def check(session: SignedIn) -> Session:
        if not session.may(*roles):
            raise NotAllowedError
        return session

    return check


Reviewer = Annotated[Session, Depends(with_role("reviewer", "auditor"))]
Auditor = Annotated[Session, Depends(with_role("auditor"))]
Administrator = Annotated[Session, Depends(with_role("administrator"))]


@dataclass(frozen=True)
class Posted:
    """What a form of ours sent."""

    values: FormData

    def text(self, name: str) -> str:
        """A field's text, composed letters, without blanks around it; empty where it is not there."""
        value = self.values.get(name, "")
        return normalize("NFC", value).strip() if isinstance(value, str) else ""

    def texts(self, name: str) -> list[str]:
        """Every value of a field that is there several times."""
        return [normalize("NFC", each) for each in self.values.getlist(name) if isinstance(each, str)]


async def posted(request: Request, session: AnySession) -> Posted:
    """A form that carries the session's own token. Raises ``NotAllowedError`` for any other."""
    values = await request.form(max_files=0, max_fields=_FIELDS_AT_MOST)
    token = request.headers.get("x-csrf-token") or values.get("csrf") or ""
    if not isinstance(token, str) or not secrets.compare_digest(token.encode(), session.csrf.encode()):
        raise NotAllowedError
    return Posted(values)


Form_ = Annotated[Posted, Depends(posted)]


# --- answers ----------------------------------------------------------------------------------------------


def page(desk: Desk, session: Session, name: str, status: int = 200, **values: Any) -> Response:
    """A page from its template, and the session's cookie with it."""
    template = desk.texts.get_template(f"{name}.html")
    told = {"session": session, "csrf": session.csrf, "here": name, **values}
    response = HTMLResponse(template.render(told), status)
    set_cookie(desk, response, session)
    return response


def set_cookie(desk: Desk, response: Response, session: Session) -> None:
    """The session's token, for this site's own requests only and out of reach of scripts."""
    response.set_cookie(COOKIE, session.token, httponly=True, samesite="strict", secure=desk.secure, path="/")


def go(where: str) -> RedirectResponse:
    """On to another page after something was posted, so that reloading posts nothing again."""
    return RedirectResponse(where, 303)


def png(picture: Picture | None) -> Response:
    """A picture, or an empty one where the original cannot be read: the page says why."""
    shown = picture or Picture(_EMPTY_W_PX, _EMPTY_H_PX, bytes([_EMPTY_GREY]) * (_EMPTY_W_PX * _EMPTY_H_PX))
    return Response(shown.png(), media_type="image/png")


def wants_data(request: Request) -> bool:
    """Whether our script asks, rather than a person's browser."""
    return request.headers.get("x-requested-with") == "ballotscan"


def chosen(values: Sequence[str], allowed: Sequence[str]) -> tuple[str, ...]:
    """Those of the values that are allowed, in the order of the allowed ones."""
    return tuple(each for each in allowed if each in values)
