"""An OpenAI-compatible endpoint on loopback that misbehaves as told, and counts.

Every request takes the next fault of the script; when the script is empty, or the fault says so, it gets a proper answer.
"""

import asyncio
import json
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from uvicorn.protocols.http.h11_impl import H11Protocol

Body = dict[str, Any]
Answer = Callable[[Body], str]


@dataclass(frozen=True)
class Fault:
    """How one request is treated.

    Attributes:
        status: HTTP status; 200 answers.
        headers: Beside the usual ones.
        message: Of an error, as OpenAI words it.
        content: Of the answer, instead of the proper one.
        finish_reason: Of the answer.
        refusal: Of the answer.
        raw: The whole body of the response, instead of JSON.
        reset: The connection is reset instead of an answer.
        hang_s: Silence before the answer.
        drip_s: The answer never ends: one blank in so many seconds.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    message: str = "scripted"
    content: str | None = None
    finish_reason: str = "stop"
    refusal: str | None = None
    raw: str | None = None
    reset: bool = False
    hang_s: float = 0.0
    drip_s: float = 0.0


class FaultyEndpoint:
    """The endpoint; a context manager.

    Args:
        answer: Gives the proper answer's content.
        api_key: Others get 401.
        model: Others get 404.
        formats: Response formats that are taken; others get 400.
        latency_s: Of every proper answer.
    """

    def __init__(
        self,
        answer: Answer = lambda _: "{}",
        *,
        api_key: str | None = None,
        model: str = "judge",
        formats: Iterable[str | None] = ("json_schema", "json_object", None),
        latency_s: float = 0.0,
    ) -> None:
        self.answer, self.api_key, self.model, self.formats, self.latency_s = answer, api_key, model, set(formats), latency_s
        self.refuses: dict[str, str] = {}
        """Parameters that get 400, with the words."""
        self.counts_tokens = True
        """False leaves `usage` out of every answer."""
        self.capacity: int | None = None
        """Requests under way beyond this many get 429."""
        self.script: deque[Fault] = deque()
        self.requests: list[Body] = []
        self.answered: list[Body] = []
        self.arrived: list[float] = []
        self.under_way = 0
        self.peak = 0
        self._connections: dict[Any, asyncio.Transport] = {}

    @property
    def base_url(self) -> str:
        """What a client is given."""
        return f"http://127.0.0.1:{self._port}/v1"

    def __enter__(self) -> Self:
        listening = socket.socket()
        listening.bind(("127.0.0.1", 0))
        self._port = int(listening.getsockname()[1])
        app = Starlette(routes=[Route("/v1/chat/completions", self._complete, methods=["POST"])])
        config = uvicorn.Config(
            app, log_level="critical", ws="none", lifespan="off", http=self._protocol(), timeout_graceful_shutdown=1
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [listening]})
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.should_exit = True
        self._thread.join()

    def _protocol(self) -> type[H11Protocol]:
        connections = self._connections

        class Remembering(H11Protocol):
            def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
                connections[transport.get_extra_info("peername")] = transport
                super().connection_made(transport)

        return Remembering

    async def _complete(self, request: Request) -> Response:
        body: Body = json.loads(await request.body())
        self.requests.append(body)
        self.arrived.append(time.monotonic())
        self.under_way += 1
        self.peak = max(self.peak, self.under_way)
        try:
            return await self._respond(request, body, self.script.popleft() if self.script else Fault())
        finally:
            self.under_way -= 1

    async def _respond(self, request: Request, body: Body, fault: Fault) -> Response:
        if (refused := self._refused(request, body)) is not None:
            return refused
        if self.capacity is not None and self.under_way > self.capacity:
            return JSONResponse(_error("too many requests"), 429)
        if fault.reset:
            self._reset(request)
        if fault.drip_s:
            return StreamingResponse(self._drip(fault.drip_s), media_type="application/json")
        await asyncio.sleep(fault.hang_s or self.latency_s)
        if fault.status != 200:
            return JSONResponse(_error(fault.message), fault.status, headers=dict(fault.headers))
        if fault.raw is not None:
            return Response(fault.raw, media_type="application/json")
        self.answered.append(body)
        answer = _completion(body, self.answer(body) if fault.content is None else fault.content, fault)
        return JSONResponse(answer if self.counts_tokens else {key: value for key, value in answer.items() if key != "usage"})

    def _refused(self, request: Request, body: Body) -> Response | None:
        if self.api_key is not None and request.headers["authorization"] != f"Bearer {self.api_key}":
            return JSONResponse(_error("Incorrect API key provided"), 401)
        if body["model"] != self.model:
            return JSONResponse(_error("The model does not exist"), 404)
        if (refused := next((name for name in self.refuses if name in body), None)) is not None:
            return JSONResponse(_error(self.refuses[refused]), 400)
        wanted = dialect(body)
        if wanted not in self.formats:
            return JSONResponse(_error(f"response_format {wanted} is not supported"), 400)
        return None

    def _reset(self, request: Request) -> None:
        connection = self._connections[tuple(request.scope["client"])]
        linger_not = struct.pack("ii", 1, 0)
        connection.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_not)
        connection.abort()

    async def _drip(self, seconds: float) -> AsyncIterator[bytes]:
        for _ in range(1000):
            if self._server.should_exit:
                return
            yield b" "
            await asyncio.sleep(seconds)


def dialect(body: Body) -> str | None:
    """In which dialect of structured output a request asks; None for plain text."""
    extension = next((name for name in ("structured_outputs", "guided_json") if name in body), None)
    kind: str | None = body.get("response_format", {}).get("type")
    return extension or kind


def _error(message: str) -> Body:
    return {"error": {"message": message, "type": "scripted", "param": None, "code": None}}


def _completion(body: Body, content: str, fault: Fault) -> Body:
    message = {"role": "assistant", "content": content, "refusal": fault.refusal}
    return {
        "id": "c1",
        "object": "chat.completion",
        "created": 0,
        "model": body["model"],
        "choices": [{"index": 0, "message": message, "finish_reason": fault.finish_reason, "logprobs": None}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110},
    }
