"""The check service: a conversation in, findings out.

What belongs here: routes, and errors as HTTP. What does not: checking (`online`), who waits (`queue`), a conversation's shape
(`incoming`).

    POST /v1/check     a conversation in log form → {"findings": [...]}
    GET  /v1/rules     the rules that are on
    GET  /healthz      up, and the rules that are not compiled, with the reason: each check waits for DuckDB to run them

422 names the field at fault; 429 with Retry-After says that too many wait; 413 that the body is too large.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from wow_flywheel.errors import FlywheelError
from wow_flywheel.rules.incoming import BadConversation, parse_json
from wow_flywheel.rules.online import Checker
from wow_flywheel.rules.queue import CheckQueue, Overloaded

LARGEST_BODY: Final = 4 * 1024 * 1024


def create_app(checker: Checker, *, most_waiting: int = 128) -> Starlette:
    """The service as an ASGI application.

    Args:
        checker: The rules.
        most_waiting: How many conversations may wait before others are turned away with 429.
    """
    queue = CheckQueue(checker, most_waiting)

    async def check(request: Request) -> Response:
        return JSONResponse({"findings": await queue.check(parse_json(await request.body()))})

    async def rules(_: Request) -> Response:
        return JSONResponse({"rules": checker.rules()})

    async def health(_: Request) -> Response:
        return JSONResponse({"status": "ok", "not_compiled": checker.left})

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        task = asyncio.create_task(queue.run())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    routes = [Route("/v1/check", check, methods=["POST"]), Route("/v1/rules", rules), Route("/healthz", health)]
    handlers: Any = {BadConversation: _bad, Overloaded: _overloaded, FlywheelError: _failed}
    return Starlette(routes=routes, lifespan=lifespan, exception_handlers=handlers, max_body_size=LARGEST_BODY)


async def _bad(_: Request, error: BadConversation) -> Response:
    return _error(422, error, error.field)


async def _overloaded(_: Request, error: Overloaded) -> Response:
    return _error(429, error, None, {"Retry-After": "1"})


async def _failed(_: Request, error: FlywheelError) -> Response:
    return _error(500, error, None)


def _error(status: int, error: FlywheelError, field: str | None, headers: dict[str, str] | None = None) -> Response:
    body = {"kind": type(error).__name__, "field": field, "message": error.message, "hint": error.hint}
    return JSONResponse({"error": body}, status_code=status, headers=headers)
