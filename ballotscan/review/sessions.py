"""Who is signed in: kept in memory, so that stopping the program signs everybody out."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from ballotscan.i18n import Language
from ballotscan.review.cards import Card, Line
from ballotscan.store.review_queries import ItemKey
from ballotscan.store.users import Account

IDLE_S: Final = 15 * 60.0
"""As ASVS 3.3 has it for work with personal data; a clip takes seconds."""

LONGEST_S: Final = 12 * 3600.0
MOST_SESSIONS: Final = 500
_TOKEN_BYTES: Final = 32


@dataclass(slots=True)
class Session:
    """One browser. ``name`` is empty before signing in. ``csrf`` goes into every form."""

    token: str
    csrf: str
    language: Language
    made_s: float
    seen_s: float
    login: str = ""
    name: str = ""
    roles: tuple[str, ...] = ()
    password: str = ""  # the digest that the record holds
    line: Line = field(default_factory=Line)
    controls: dict[tuple[str, int], Card | None] = field(default_factory=dict)  # by screen of many at once
    controls_met: set[ItemKey] = field(default_factory=set)  # answered there
    lock: threading.Lock = field(default_factory=threading.Lock)

    def may(self, *roles: str) -> bool:
        """Whether the person has one of these roles."""
        return bool(set(roles) & set(self.roles))


class Sessions:
    """All of them, by the token in the browser's cookie."""

    def __init__(self, language: Language, clock: Callable[[], float] = time.monotonic) -> None:
        self.language = language
        self._clock = clock
        self._open: dict[str, Session] = {}
        self._lock = threading.Lock()

    def begin(self) -> Session:
        """A session of nobody yet."""
        now = self._clock()
        session = Session(_token(), _token(), self.language, now, now)
        with self._lock:
            self._drop_old(now)
            self._open[session.token] = session
        return session

    def find(self, token: str | None) -> Session | None:
        """The session of a cookie, if it is neither unknown nor idle for too long nor too old."""
        now = self._clock()
        with self._lock:
            session = self._open.get(token or "")
            if session is None or self._over(session, now):
                self._open.pop(token or "", None)
                return None
            session.seen_s = now
            return session

    def sign_in(self, session: Session, account: Account) -> Session:
        """A new session for a person: the token from before signing in is worth nothing any more."""
        signed_in = self.begin()
        signed_in.login, signed_in.name = account.login, account.name
        signed_in.roles, signed_in.password = account.roles, account.password
        signed_in.language = session.language
        self.end(session)
        return signed_in

    def end(self, session: Session) -> None:
        """Forget a session."""
        with self._lock:
            self._open.pop(session.token, None)

    def _over(self, session: Session, now: float) -> bool:
        return now - session.seen_s > IDLE_S or now - session.made_s > LONGEST_S

    def _drop_old(self, now: float) -> None:
        for token in [token for token, each in self._open.items() if self._over(each, now)]:
            del self._open[token]
        while len(self._open) >= MOST_SESSIONS:  # who only asks for the first page again and again
            nobody = next((token for token, each in self._open.items() if not each.login), None)
            del self._open[nobody or next(iter(self._open))]


def _token() -> str:
    return secrets.token_urlsafe(_TOKEN_BYTES)
