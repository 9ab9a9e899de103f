"""The chat endpoint: OpenAI-compatible, and the source of the logs of the next turn.

What belongs here: routes and errors as HTTP. What does not: the wire format (`openai_api`), the model (`engine`), logging
(`log_writer`).

    POST /v1/chat/completions            messages in, a reply or a tool call out; `stream` for server-sent events
    POST /v1/conversations/{id}/close    the conversation is over; optional feedback
    GET  /v1/models, GET /healthz

A conversation's id comes from the header `x-conversation-id` or from `metadata.conversation_id`. Without one, a request whose
messages continue an open conversation of the same `user` belongs to that one, and any other opens a new one. The id is in every
answer's header `x-conversation-id`. Each request carries the whole history, as OpenAI's clients send it.
"""

import asyncio
import datetime as dt
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar
from uuid import uuid4

from pydantic import BaseModel, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from wow_flywheel.dialogue import to_chat
from wow_flywheel.errors import FlywheelError, RetryableError
from wow_flywheel.release.canary import Canary
from wow_flywheel.serving import openai_api as api
from wow_flywheel.serving.batching import Batcher
from wow_flywheel.serving.conversation import About, LoggedMessage
from wow_flywheel.serving.live import Live, Releases
from wow_flywheel.serving.log_writer import LogWriter, utc_now
from wow_flywheel.serving.protocol import Engine
from wow_flywheel.serving.split import Served, Split

LOG: Final = logging.getLogger(__name__)
CONVERSATION_HEADER: Final = "x-conversation-id"
LONGEST_ID: Final = 200
LARGEST_BODY: Final = 8 * 1024 * 1024
Body = TypeVar("Body", bound=BaseModel)


class BadRequest(Exception):
    """A request that the client has to change: HTTP status, the field at fault, and what is wrong with it."""

    def __init__(self, status: int, field: str | None, message: str) -> None:
        super().__init__(message)
        self.status, self.field, self.message = status, field, message


@dataclass(frozen=True, slots=True)
class _Endpoint:
    live: Live
    writer: LogWriter

    @property
    def split(self) -> Split:
        return self.live.split

    async def complete(self, request: Request) -> Response:
        body = await _body(request, api.ChatRequest)
        if body.model is not None and body.model not in self.split.models:
            names = " and ".join(map(repr, self.split.models))
            raise BadRequest(404, "model", f"this endpoint serves {names}, not {body.model!r}")
        received = utc_now()
        history = [message.record() for message in body.messages]
        about = self._about(body)
        name = await self._conversation(request, body, about, history)
        served = self.split.of(name)
        about = replace(about, model=served.model)
        reply = await served.batcher.respond(to_chat([message.logged() for message in body.messages]))
        message, tokens = api.assistant_message(reply, f"call_{uuid4().hex[:12]}"), api.usage(reply)
        logged = {**message, "usage": {key: tokens[key] for key in ("prompt_tokens", "completion_tokens")}}
        await asyncio.to_thread(self.writer.turn, name, about, history, logged, received)
        identity = {"id": f"chatcmpl-{uuid4().hex}", "created": int(time.time()), "model": served.model}
        headers = {CONVERSATION_HEADER: name}
        if not body.stream:
            return JSONResponse(api.completion(identity, message, tokens), headers=headers)
        counted = tokens if body.stream_options and body.stream_options.include_usage else None
        return StreamingResponse(api.stream(identity, message, counted), media_type="text/event-stream", headers=headers)

    async def close(self, request: Request) -> Response:
        name = request.path_params["id"]
        body = await _body(request, api.CloseRequest) if await request.body() else api.CloseRequest()
        feedback = body.feedback.model_dump(exclude_none=True) if body.feedback else None
        if await asyncio.to_thread(self.writer.close, name, feedback) is None:
            raise BadRequest(404, "id", f"no conversation {name!r} is open")
        return JSONResponse({"conversation_id": name, "closed": True})

    async def models(self, _: Request) -> Response:
        data = [{"id": name, "object": "model", "created": 0, "owned_by": "wow-flywheel"} for name in self.split.models]
        return JSONResponse({"object": "list", "data": data})

    async def health(self, _: Request) -> Response:
        return JSONResponse({"status": "ok", "model": self.split.current.model})

    def _about(self, body: api.ChatRequest) -> About:
        about = body.metadata
        user = body.user or about.user_id or "anonymous"
        return About(user, about.scenario or "unknown", about.channel or "api", self.split.current.model, about.locale)

    async def _conversation(self, request: Request, body: api.ChatRequest, about: About, history: list[LoggedMessage]) -> str:
        named = request.headers.get(CONVERSATION_HEADER) or body.metadata.conversation_id
        if named and (len(named) > LONGEST_ID or not named.isprintable() or not named.isascii()):
            raise BadRequest(422, "conversation_id", f"a conversation id is at most {LONGEST_ID} printable ASCII characters")
        if named:
            return named
        known = body.user or body.metadata.user_id
        continued = await asyncio.to_thread(self.writer.conversation_of, about.user_id, history) if known else None
        return continued or f"conv-{uuid4().hex}"


def create_app(
    engine: Engine,
    model: str,
    writer: LogWriter,
    *,
    idle: dt.timedelta = dt.timedelta(minutes=30),
    canary: tuple[Engine, Canary] | None = None,
    releases: Releases | None = None,
) -> Starlette:
    """The endpoint as an ASGI application.

    Args:
        engine: The model.
        model: Its name: what clients ask for and what the logs say.
        writer: Keeps and logs the conversations; stopped with the application.
        idle: A conversation without a turn for this long is over.
        canary: Another model and the share of the conversations that it serves, all turns of each; the logs name which it was.
        releases: Where to look for a moved pointer while it runs; None serves these models for good.
    """
    other = (Served(canary[1].release, Batcher(canary[0])), canary[1]) if canary else None
    endpoint = _Endpoint(Live(Split(Served(model, Batcher(engine)), other)), writer)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        endpoint.live.start()
        tasks = [asyncio.create_task(_close_idle(writer, idle))]
        tasks += [asyncio.create_task(endpoint.live.follow(releases))] if releases is not None else []
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await endpoint.live.stop()
            await asyncio.to_thread(writer.stop)

    routes = [
        Route("/v1/chat/completions", endpoint.complete, methods=["POST"]),
        Route("/v1/conversations/{id:path}/close", endpoint.close, methods=["POST"]),
        Route("/v1/models", endpoint.models),
        Route("/healthz", endpoint.health),
    ]
    handlers: Any = {BadRequest: _bad_request, FlywheelError: _flywheel_error}
    return Starlette(routes=routes, lifespan=lifespan, exception_handlers=handlers, max_body_size=LARGEST_BODY)


async def _close_idle(writer: LogWriter, idle: dt.timedelta) -> None:
    """Until cancelled: one that ended at an error would leave all later conversations without a log, unnoticed."""
    while True:
        await asyncio.sleep(min(30.0, idle.total_seconds() / 4))
        try:
            await asyncio.to_thread(writer.close_idle, idle)
        except Exception:
            LOG.exception("idle conversations are not logged yet; tried again soon")


async def _body(request: Request, shape: type[Body]) -> Body:
    try:
        return shape.model_validate_json(await request.body())
    except ValidationError as error:
        field, message = _first_fault(error)
        raise BadRequest(422, field or "body", f"{field or 'body'}: {message}") from None


def _first_fault(error: ValidationError) -> tuple[str, str]:
    """The first field at fault and what is wrong with it; where alternatives were tried, the one that came furthest."""
    faults = [(_field(each["loc"]), each["msg"]) for each in error.errors(include_url=False, include_context=False)]
    first, _ = faults[0]
    return max((fault for fault in faults if fault[0].startswith(first)), key=lambda fault: fault[0].count("."))


def _field(place: tuple[int | str, ...]) -> str:
    """The path to a field, without pydantic's names for the alternatives of a union."""
    return ".".join(str(part) for part in place if part != "str" and not str(part).startswith("list["))


async def _bad_request(_: Request, error: BadRequest) -> Response:
    body = {"message": error.message, "type": "invalid_request_error", "param": error.field, "code": None}
    return JSONResponse({"error": body}, status_code=error.status)


async def _flywheel_error(_: Request, error: FlywheelError) -> Response:
    LOG.error("a request failed: %s", error)
    body = {"message": str(error), "type": type(error).__name__, "param": None, "code": None}
    return JSONResponse({"error": body}, status_code=503 if isinstance(error, RetryableError) else 500)
