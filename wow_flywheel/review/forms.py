"""What a browser sends: a form's fields, read strictly.

What belongs here: reading forms, and refusing requests. What does not: what follows from them (`app`).
"""

import datetime as dt
import hmac
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

from starlette.requests import Request

from wow_flywheel.review.access import Access, Session

FORM: Final = "application/x-www-form-urlencoded"
MOST_FIELDS: Final = 20


class Refused(Exception):
    """A request that is answered with an error page: the HTTP status, what is wrong, and what to do."""

    def __init__(self, status: int, message: str, hint: str) -> None:
        super().__init__(message)
        self.status, self.message, self.hint = status, message, hint


async def read_form(request: Request) -> Mapping[str, str]:
    """The fields of a form.

    Raises:
        Refused: The body is no form.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip() != FORM:
        raise Refused(415, "this is no form", "use the page's own buttons and keys")
    try:
        pairs = parse_qsl((await request.body()).decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict")
    except ValueError:
        raise Refused(400, "the form cannot be read", "load the page again") from None
    return dict(pairs)


def signed_in(request: Request, access: Access) -> Session:
    """The session of a request.

    Raises:
        Refused: It has none.
    """
    session = access.session(request)
    if session is None:
        raise Refused(401, "you are not signed in", "open the link that the terminal shows; each works once")
    return session


def from_here(request: Request, access: Access) -> None:
    """Let only requests through that a page of this server made.

    Raises:
        Refused: Another page did.
    """
    if not access.from_here(request):
        raise Refused(403, "this request comes from another page", "nothing was changed; use this server's own page")


def of_session(form: Mapping[str, str], session: Session) -> None:
    """Let only forms through that carry their session's token.

    Raises:
        Refused: This one does not.
    """
    if not hmac.compare_digest(form.get("csrf", "").encode(), session.csrf.encode()):
        raise Refused(403, "this form is of another session", "nothing was changed; load the page again")


def case_key(fields: Mapping[str, str]) -> tuple[dt.date, str]:
    """The day and the conversation that `dt` and `id` name.

    Raises:
        Refused: They name none.
    """
    try:
        return dt.date.fromisoformat(fields.get("dt", "")), fields["id"]
    except (ValueError, KeyError):
        raise Refused(400, "the address names no case", "go back to the queue") from None
