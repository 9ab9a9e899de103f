"""Who may use the page: one-time links, sessions, and the checks of every request.

What belongs here: secrets, and which requests are refused and why. What does not: pages (`app`), decisions.

The page listens on loopback only, but other pages in the same browser, and other people on the same machine, can reach that
too. So: a request's Host must be this server's (a foreign name that resolves to 127.0.0.1 is refused); without the cookie that
only the one-time link gives, nothing is shown; a request that changes something must come from this origin and carry its
session's token; and no other page may frame or read this one.
"""

import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

IDLE_SECONDS: Final = 12 * 3600.0
HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""`same-origin`, not `no-referrer`: with the latter, browsers send `Origin: null` with the page's own forms."""


@dataclass(slots=True)
class Session:
    """One reviewer in one browser.

    Attributes:
        name: Who decides.
        csrf: What forms of this session carry.
        seen: When it was last used, in seconds of the clock.
        said: What was done last, for the next page to tell.
    """

    name: str
    csrf: str
    seen: float
    said: str = ""


@dataclass(slots=True)
class Access:
    """Links and sessions of one server; they end with it.

    Attributes:
        port: Where it listens, on loopback.
        say: Told each new link, for the terminal.
        clock: Seconds.
    """

    port: int
    say: Callable[[str], None] = lambda _: None
    clock: Callable[[], float] = time.monotonic
    _link: str = field(default="", repr=False)
    _sessions: dict[str, Session] = field(default_factory=dict, repr=False)

    @property
    def hosts(self) -> tuple[str, ...]:
        """The values of Host that are this server's."""
        return tuple(f"{name}:{self.port}" for name in ("127.0.0.1", "localhost", "[::1]"))

    @property
    def cookie(self) -> str:
        """The cookie's name: browsers share cookies between ports, so it says which."""
        return f"wow_review_{self.port}"

    def new_link(self) -> str:
        """A link that lets one browser in, once; an earlier one that was not used is void."""
        self._link = secrets.token_urlsafe(32)
        url = f"http://127.0.0.1:{self.port}/login?token={self._link}"
        self.say(url)
        return url

    def opens(self, token: str) -> bool:
        """Whether a token is that of the link that was not used yet."""
        return bool(self._link) and hmac.compare_digest(token.encode(), self._link.encode())

    def enter(self, name: str) -> str:
        """Use the link up and begin a session; returns the cookie's value. The terminal is told a new link."""
        key = secrets.token_urlsafe(32)
        self._sessions[key] = Session(name, secrets.token_urlsafe(32), self.clock())
        self.new_link()
        return key

    def leave(self, request: Request) -> None:
        """End the session of a request."""
        self._sessions.pop(request.cookies.get(self.cookie, ""), None)

    def session(self, request: Request) -> Session | None:
        """The session of a request; None without one, or once it was idle for half a day."""
        now = self.clock()
        self._sessions = {key: each for key, each in self._sessions.items() if now - each.seen < IDLE_SECONDS}
        found = self._sessions.get(request.cookies.get(self.cookie, ""))
        if found is not None:
            found.seen = now
        return found

    def from_here(self, request: Request) -> bool:
        """Whether a browser says that a request comes from a page of this server."""
        origin = request.headers.get("origin")
        site = request.headers.get("sec-fetch-site", "same-origin")
        return origin == f"http://{request.headers.get('host', '')}" and site in {"same-origin", "none"}


@dataclass(frozen=True, slots=True)
class Guarded:
    """An ASGI application behind the Host check, with the headers that keep other pages out."""

    app: ASGIApp
    access: Access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse a foreign Host, or pass the request on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        hosts = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
        known = len(hosts) == 1 and hosts[0] in self.access.hosts
        refused = PlainTextResponse(f"this server is {self.access.hosts[0]}, and answers to no other name", 421)
        await (self.app if known else refused)(scope, receive, _with_headers(send))


def _with_headers(send: Send) -> Send:
    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).update(HEADERS)
        await send(message)

    return sent
