"""The review page: a reviewer signs in, sees a case, decides.

What belongs here: routes, and what follows each. What does not: who may (`access`, `forms`), what is shown (`page`,
`templates`), the decisions themselves (`wow_flywheel.cases`).

    GET  /login?token=…   POST /login   POST /logout
    GET  /                the next case that waits     GET /queue   all of them     POST /refresh  the order anew
    GET  /case?dt=&id=    one case
    POST /label  /finding  /rewrite     a decision; then the next case, or the same one at its next finding
"""

import datetime as dt
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from wow_flywheel.cases import typed
from wow_flywheel.cases.decisions import decide
from wow_flywheel.cases.findings import decide_finding
from wow_flywheel.cases.rewrites import edit, parse
from wow_flywheel.contracts import ISSUE_TYPES, LABELS
from wow_flywheel.errors import DecisionError, FlywheelError
from wow_flywheel.review.access import Access, Guarded, Session
from wow_flywheel.review.desk import Desk, Key
from wow_flywheel.review.forms import Refused, case_key, from_here, of_session, read_form, signed_in
from wow_flywheel.review.page import Finding, view, why
from wow_flywheel.review.shown import visible

LARGEST_BODY: Final = 128 * 1024
STATIC: Final = {"review.css": "text/css", "review.js": "text/javascript"}
MOST_LISTED: Final = 200
POSTED: Final = ("logout", "refresh", "label", "finding", "rewrite")
Now = Callable[[], dt.datetime]
Form = Mapping[str, str]


def environment() -> Environment:
    """The templates; every value is escaped, and a name that a template does not get is an error."""
    made = Environment(
        loader=PackageLoader("wow_flywheel.review"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    made.filters["visible"] = lambda text: list(visible(str(text)))
    made.filters["tojson_text"] = lambda value: json.dumps(value, ensure_ascii=False)
    made.globals.update(issue_types=ISSUE_TYPES, labels=LABELS)
    return made


@dataclass(frozen=True, slots=True)
class Pages:
    """The routes of one server."""

    desk: Desk
    access: Access
    templates: Environment
    now: Now

    async def login(self, request: Request) -> Response:
        if request.method == "GET":
            token = request.query_params.get("token", "")
            self._must_open(token)
            return self._page("login.html", token=token, name="", problem=None)
        from_here(request, self.access)
        form = await read_form(request)
        self._must_open(form.get("token", ""))
        try:
            name = typed.who(form.get("name", ""))
        except DecisionError as problem:
            return self._page("login.html", 422, token=form["token"], name=form.get("name", ""), problem=problem)
        entered = RedirectResponse("/", 303)
        entered.set_cookie(self.access.cookie, self.access.enter(name), httponly=True, samesite="strict", path="/")
        return entered

    async def logout(self, request: Request) -> Response:
        await self._form(request)
        self.access.leave(request)
        return self._page("message.html", title="Signed out", message="You are signed out", hint="the terminal has a link")

    async def start(self, request: Request) -> Response:
        session = signed_in(request, self.access)
        waiting = await run_in_threadpool(self.desk.waiting)
        if not waiting:
            return self._page("queue.html", session=session, rows=[], count=0, desk=self.desk)
        return RedirectResponse(case_url(waiting[0]), 303)

    async def queue(self, request: Request) -> Response:
        session = signed_in(request, self.access)
        waiting = await run_in_threadpool(self.desk.waiting)
        rows = waiting[:MOST_LISTED]
        return self._page("queue.html", session=session, rows=rows, count=len(waiting), desk=self.desk, url=case_url)

    async def refresh(self, request: Request) -> Response:
        await self._form(request)
        await run_in_threadpool(self.desk.refresh)
        return RedirectResponse("/queue", 303)

    async def case(self, request: Request) -> Response:
        session = signed_in(request, self.access)
        return await run_in_threadpool(self._case, session, case_key(request.query_params))

    async def label(self, request: Request) -> Response:
        session, form = await self._form(request)

        def decided(key: Key) -> str:
            decide(self.desk.lake, *key, form.get("label", ""), session.name, form.get("note", ""), self.now())
            session.said = f"{key[1]} is {form['label']}"
            following = self.desk.following(key, self.desk.waiting())
            return case_url(following) if following else "/"

        return await run_in_threadpool(self._decided, session, form, decided)

    async def finding(self, request: Request) -> Response:
        session, form = await self._form(request)

        def decided(key: Key) -> str:
            findings: list[Finding] = view(self.desk.lake, *key)["findings"]
            at = next((each for each in findings if each.key == form.get("finding")), None)
            if at is None:
                raise DecisionError("this finding is gone", hint="the day was inspected again since: load the page again")
            place, decision = (at.turn, at.issue_type, at.quote), form.get("decision", "")
            decide_finding(self.desk.lake, *key, place, decision, session.name, form.get("note", ""), self.now())
            session.said = f"{at.issue_type} at turn {at.turn} is {decision}"
            return f"{case_url(key)}#finding-{min(at.number + 1, len(findings) - 1)}"

        return await run_in_threadpool(self._decided, session, form, decided)

    async def rewrite(self, request: Request) -> Response:
        session, form = await self._form(request)

        def decided(key: Key) -> str:
            turn = int(form["turn"]) if form.get("turn", "").isdecimal() else -1
            chosen = parse(form.get("reply", ""), form.get("action", ""))
            place = (turn, form.get("issue_type", ""))
            edit(self.desk.lake, *key, place, chosen, session.name, form.get("note", ""), self.now())
            session.said = f"turn {turn} is rewritten"
            return f"{case_url(key)}#turn-{turn}"

        return await run_in_threadpool(self._decided, session, form, decided)

    async def refused(self, _: Request, error: Exception) -> Response:
        """An error page: for refusals, for addresses that lead nowhere, and for what the lake cannot give."""
        status, message, hint = _told(error)
        return self._page("message.html", status, title="Not possible", message=message, hint=hint)

    def _decided(self, session: Session, form: Form, decide_it: Callable[[Key], str]) -> Response:
        """Decide, and go on; or the same case again with what is wrong, and with what was typed."""
        key = case_key(form)
        try:
            return RedirectResponse(decide_it(key), 303)
        except DecisionError as problem:
            return self._case(session, key, 422, problem, form)

    def _case(
        self, session: Session, key: Key, status: int = 200, problem: FlywheelError | None = None, form: Form | None = None
    ) -> Response:
        shown = view(self.desk.lake, *key)
        waiting = self.desk.waiting()
        row = self.desk.row(key)
        said, session.said = session.said, ""
        about = {"waiting": len(waiting), "row": row, "why": why(row) if row else []}
        links = {"next": _url(self.desk.following(key, waiting)), "previous": _url(self.desk.before(key))}
        told = {"said": said, "problem": problem, "form": form or {}}
        return self._page("case.html", status, session=session, **shown, **about, **links, **told)

    async def _form(self, request: Request) -> tuple[Session, Form]:
        session = signed_in(request, self.access)
        from_here(request, self.access)
        form = await read_form(request)
        of_session(form, session)
        return session, form

    def _must_open(self, token: str) -> None:
        if not self.access.opens(token):
            raise Refused(403, "this link was used, or is not of this server", "take the newest one from the terminal")

    def _page(self, template: str, status: int = 200, **values: Any) -> Response:
        return HTMLResponse(self.templates.get_template(template).render(**values), status)


def create_app(desk: Desk, access: Access, now: Now = lambda: dt.datetime.now(dt.UTC)) -> ASGIApp:
    """The page as an ASGI application.

    Args:
        desk: The queue; it is computed once here.
        access: Links and sessions.
        now: The clock of decisions, with a timezone.
    """
    desk.refresh()
    pages = Pages(desk, access, environment(), now)
    routes = [
        Route("/", pages.start),
        Route("/login", pages.login, methods=["GET", "POST"]),
        Route("/queue", pages.queue),
        Route("/case", pages.case),
        *(
            Route(f"/{name}", getattr(pages, name), methods=["POST"])
            for name in ("logout", "refresh", "label", "finding", "rewrite")
        ),
        Route("/static/{name}", _static),
        Route("/favicon.ico", _no_icon),
    ]
    handlers: Any = dict.fromkeys((Refused, HTTPException, FlywheelError), pages.refused)
    return Guarded(Starlette(routes=routes, exception_handlers=handlers, max_body_size=LARGEST_BODY), access)


def case_url(of: Key | Mapping[str, Any]) -> str:
    """The address of a case, by its key or its row."""
    day, name = (of["dt"], of["conversation_id"]) if isinstance(of, Mapping) else of
    return f"/case?{urlencode({'dt': day, 'id': name})}"


def _told(error: Exception) -> tuple[int, str, str]:
    if isinstance(error, HTTPException):
        return error.status_code, error.detail, "go back to the queue"
    if isinstance(error, Refused):
        return error.status, error.message, error.hint
    if isinstance(error, FlywheelError):
        return 404 if isinstance(error, DecisionError) else 503, error.message, error.hint
    raise error


def _url(row: Mapping[str, Any] | None) -> str | None:
    return None if row is None else case_url(row)


async def _no_icon(_: Request) -> Response:
    return Response(status_code=204)


async def _static(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in STATIC:
        raise HTTPException(404, "there is no such file")
    return Response((files("wow_flywheel.review") / "static" / name).read_bytes(), media_type=STATIC[name])
