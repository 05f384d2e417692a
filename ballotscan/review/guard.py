"""What stands before every request: being on this computer is no right to be let in.

Any page in the same browser can send requests here, and a name server can let a foreign name point here. So
the Host must be ours to the letter, whatever changes something must come from our own pages, and the answer
tells the browser to load nothing from elsewhere and to run no script but ours.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST_BODY_BYTES: Final = 1_000_000
_READING: Final = ("GET", "HEAD")
_POLICY: Final = (
    "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Final = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # with no-referrer our own forms would come from the origin "null"
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


class Guard:
    """ASGI middleware. ``hosts`` are the values that Host may have, ``scheme`` http or https."""

    def __init__(self, app: ASGIApp, hosts: Collection[str], scheme: str) -> None:
        self._app = app
        self._hosts = frozenset(hosts)
        self._origins = frozenset(f"{scheme}://{host}" for host in hosts)
        self._secure = scheme == "https"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if self._secure:
                    headers["Strict-Transport-Security"] = "max-age=31536000"
            await send(message)

        refusal = self._refusal(scope["method"], Headers(scope=scope))
        if refusal:
            await PlainTextResponse(refusal, 403)(scope, receive, with_headers)
            return
        body = await _whole_body(scope["method"], receive)
        if body is None:
            await PlainTextResponse("too large", 413)(scope, receive, with_headers)
            return
        await self._app(scope, _given_again(body, receive), with_headers)

    def _refusal(self, method: str, headers: Headers) -> str:
        """Why a request is turned away before anything looks at it; empty: it is not."""
        if headers.getlist("host") not in [[host] for host in self._hosts]:
            return "unknown host"
        if method in _READING:
            return ""
        if method != "POST":
            return "unknown method"
        origin, site = headers.get("origin"), headers.get("sec-fetch-site")
        if origin is None and site is None:
            return "no origin"
        if origin not in (None, *self._origins) or site not in (None, "same-origin"):
            return "foreign origin"
        return ""


async def _whole_body(method: str, receive: Receive) -> Sequence[Message] | None:
    """The request's messages, or ``None`` if there is more than anybody here has to say."""
    if method in _READING:
        return ()
    messages, size = [], 0
    while True:
        message = await receive()
        messages.append(message)
        size += len(message.get("body", b""))
        if size > LARGEST_BODY_BYTES:
            return None
        if message["type"] != "http.request" or not message.get("more_body"):
            return messages


def _given_again(messages: Sequence[Message], receive: Receive) -> Receive:
    left = list(messages)

    async def give() -> Message:
        return left.pop(0) if left else await receive()

    return give
