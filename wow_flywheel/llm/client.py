"""Calls an OpenAI-compatible endpoint: many at once, each with an outcome of its own.

What belongs here: concurrency, retries, structured output, the ledger's use. What does not: prompts. A request that fails for
good gives a named failure and the others go on; a refusal of the whole endpoint (wrong key, unknown model) stops the run.
"""

import asyncio
import datetime as dt
import random
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from wow_flywheel.errors import EndpointRefused
from wow_flywheel.llm.formats import DIALECTS, json_text, response_format, with_schema
from wow_flywheel.llm.ledger import Entry, Ledger, request_key
from wow_flywheel.llm.settings import LlmSettings

S = TypeVar("S", bound=BaseModel)
Messages = Sequence[Mapping[str, str]]
MAX_BACKOFF_S = 30.0
REFUSALS: Mapping[int, tuple[str, str]] = {
    401: ("the key is refused", "check WOW_LLM_API_KEY: it may be wrong or expired"),
    403: ("access is denied", "check WOW_LLM_API_KEY and what it may use"),
    404: (
        "there is no such model or path",
        "check WOW_LLM_MODEL, and that WOW_LLM_BASE_URL ends as the endpoint wants (often /v1)",
    ),
}


@dataclass(frozen=True, slots=True)
class Success(Generic[S]):
    """An answer that fits its schema.

    Attributes:
        value: The answer.
        prompt_hash: The request's key in the ledger.
        prompt_tokens: Of all calls that it took, repairs included.
        completion_tokens: The same.
        cost_usd: The same; answers from the ledger cost nothing now.
        calls: Calls made now; 0 if the ledger had every answer.
    """

    value: S
    prompt_hash: str
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float
    calls: int


@dataclass(frozen=True, slots=True)
class Failure:
    """A request that got no usable answer.

    Attributes:
        reason: `unparsable`, `truncated`, `refused`, `rejected`, or `unavailable`.
        detail: What happened, in plain words, without the prompt.
    """

    reason: str
    detail: str


class _RequestFailedError(Exception):
    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.failure = Failure(reason, detail)


class _DialectRefusedError(Exception):
    """The endpoint does not take this response_format."""


@dataclass(slots=True)
class LlmClient:
    """A client for one run.

    Attributes:
        settings: The endpoint.
        ledger: Where answers are kept.
        calls: Calls that reached the endpoint and were answered.
        from_ledger: Answers that the ledger had.
        retries: Tries after the first.
        dialect_step: Which of `formats.DIALECTS` the endpoint takes, as far as is known.
        waiting: Requests under way by key.
    """

    settings: LlmSettings
    ledger: Ledger
    calls: int = 0
    from_ledger: int = 0
    retries: int = 0
    dialect_step: int = 0
    waiting: dict[str, "asyncio.Task[tuple[Entry, bool]]"] = field(default_factory=dict)

    def complete_all(self, requests: Sequence[Messages], schema: type[S]) -> list[Success[S] | Failure]:
        """`complete_many`, for code that is not asynchronous."""
        return asyncio.run(self.complete_many(requests, schema))

    async def complete_many(self, requests: Sequence[Messages], schema: type[S]) -> list[Success[S] | Failure]:
        """Ask for many answers, a bounded number at once.

        Args:
            requests: Chat messages of each request.
            schema: What each answer must be.

        Returns:
            One outcome a request, in order.

        Raises:
            EndpointRefused: The endpoint refuses for good; calls under way are given up.
        """
        async with self.session() as session:
            return await session.complete_many(requests, schema)

    @asynccontextmanager
    async def session(self) -> AsyncIterator["Session"]:
        """Open connections, for several rounds of requests in one event loop."""
        import openai

        http = openai.DefaultAioHttpClient(timeout=self.settings.timeout_s)
        api = openai.AsyncOpenAI(
            base_url=self.settings.base_url,
            api_key=self.settings.api_key,
            timeout=self.settings.timeout_s,
            max_retries=0,
            http_client=http,
        )
        self.waiting.clear()
        async with api:
            yield Session(self, api, asyncio.Semaphore(self.settings.max_in_flight))


@dataclass(frozen=True, slots=True)
class Session:
    """A client with its connections open; see `LlmClient.session`."""

    client: LlmClient
    api: Any
    free: asyncio.Semaphore

    async def complete_many(self, requests: Sequence[Messages], schema: type[S]) -> list[Success[S] | Failure]:
        """See `LlmClient.complete_many`."""
        tasks = [asyncio.ensure_future(self.complete(request, schema)) for request in requests]
        try:
            return list(await asyncio.gather(*tasks))
        except BaseException:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            raise

    async def complete(self, messages: Messages, schema: type[S]) -> Success[S] | Failure:
        """One answer, repaired if need be.

        Raises:
            EndpointRefused: The endpoint refuses for good.
        """
        asked: list[dict[str, str]] = [dict(message) for message in messages]
        prompt_tokens = completion_tokens = calls = 0
        cost = 0.0
        problem = ""
        for _ in range(self.client.settings.max_repairs + 1):
            try:
                key, entry, fresh = await self._answer(asked, schema)
            except _RequestFailedError as error:
                return error.failure
            prompt_tokens += entry.prompt_tokens
            completion_tokens += entry.completion_tokens
            calls += fresh
            cost += entry.cost_usd if fresh else 0.0
            try:
                value = schema.model_validate_json(json_text(entry.content))
            except ValidationError as error:
                problem = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'answer'}: {e['msg']}" for e in error.errors()[:5])
                asked = [
                    *asked,
                    {"role": "assistant", "content": entry.content},
                    {
                        "role": "user",
                        "content": f"That does not fit the schema ({problem}). Answer with the corrected JSON object only.",
                    },
                ]
                continue
            return Success(value, key, prompt_tokens, completion_tokens, cost, calls)
        return Failure("unparsable", f"after {self.client.settings.max_repairs} repairs: {problem}")

    async def _answer(self, messages: list[dict[str, str]], schema: type[BaseModel]) -> tuple[str, Entry, bool]:
        """The answer in the strictest dialect that the endpoint takes."""
        while True:
            step = self.client.dialect_step
            dialect = DIALECTS[step]
            body: dict[str, Any] = {
                "model": self.client.settings.model,
                "temperature": self.client.settings.temperature,
                "max_tokens": self.client.settings.max_tokens,
            }
            if wanted := response_format(dialect, schema):
                body["response_format"] = wanted
            sent = with_schema(dialect, messages, schema)
            key = request_key(self.client.settings.base_url, body, sent)
            try:
                entry, fresh = await self._once(key, body, sent)
            except _DialectRefusedError:
                self.client.dialect_step = max(self.client.dialect_step, step + 1)
                continue
            if entry.finish_reason == "length":
                raise _RequestFailedError("truncated", f"the answer was cut at {self.client.settings.max_tokens} tokens")
            if entry.finish_reason in {"refusal", "content_filter"}:
                raise _RequestFailedError("refused", "the model declined to answer")
            return key, entry, fresh

    async def _once(self, key: str, body: dict[str, Any], messages: list[dict[str, str]]) -> tuple[Entry, bool]:
        """Send a request unless the ledger has its answer; equal requests under way are sent once."""
        if (kept := self.client.ledger.get(key)) is not None:
            self.client.from_ledger += 1
            return kept, False
        if key in self.client.waiting:
            entry, _ = await asyncio.shield(self.client.waiting[key])
            return entry, False
        task = asyncio.ensure_future(self._send(key, body, messages))
        self.client.waiting[key] = task
        return await task

    async def _send(self, key: str, body: dict[str, Any], messages: list[dict[str, str]]) -> tuple[Entry, bool]:
        async with self.free:
            started = time.monotonic()
            response = await self._with_retries(body, messages)
            entry = self._entry(response, time.monotonic() - started)
        self.client.ledger.put(key, entry)
        self.client.calls += 1
        return entry, True

    async def _with_retries(self, body: dict[str, Any], messages: list[dict[str, str]]) -> Any:
        import openai

        settings = self.client.settings
        for attempt in range(settings.max_attempts):
            try:
                return await self.api.chat.completions.create(messages=messages, **body)
            except openai.APIStatusError as error:
                self._refuse_for_good(error.status_code, body, str(error.message))
                problem, pause = f"HTTP {error.status_code}", _retry_after(error.response.headers)
            except openai.APIConnectionError as error:
                problem, pause = type(error).__name__, None
            if attempt + 1 < settings.max_attempts:
                self.client.retries += 1
                backoff = min(settings.backoff_s * 2**attempt * random.uniform(0.5, 1.5), MAX_BACKOFF_S)
                await asyncio.sleep(min(pause, MAX_BACKOFF_S) if pause is not None else backoff)
        raise _RequestFailedError("unavailable", f"{problem} after {settings.max_attempts} tries")

    def _refuse_for_good(self, status: int, body: Mapping[str, Any], message: str) -> None:
        settings = self.client.settings
        if status in REFUSALS:
            what, hint = REFUSALS[status]
            raise EndpointRefused(f"{settings.base_url}, model {settings.model}: {what} (HTTP {status})", hint=hint)
        about_format = "response_format" in message or "json_schema" in message or "grammar" in message
        if "response_format" in body and (status in {400, 422} or (status >= 500 and about_format)):
            raise _DialectRefusedError
        if 400 <= status < 500 and status not in {408, 409, 425, 429}:
            raise _RequestFailedError("rejected", f"HTTP {status}")

    def _entry(self, response: Any, seconds: float) -> Entry:
        settings = self.client.settings
        if not getattr(response, "choices", None):
            raise _RequestFailedError("unparsable", "the endpoint's answer has no choices")
        choice = response.choices[0]
        usage = response.usage
        prompt, completion = (usage.prompt_tokens, usage.completion_tokens) if usage else (0, 0)
        refused = getattr(choice.message, "refusal", None)
        return Entry(
            model=settings.model,
            content=choice.message.content or "",
            finish_reason="refusal" if refused else str(choice.finish_reason),
            prompt_tokens=prompt,
            completion_tokens=completion,
            cost_usd=settings.cost_usd(prompt, completion),
            latency_s=round(seconds, 3),
            at=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        )


def _retry_after(headers: Mapping[str, str]) -> float | None:
    try:
        return max(0.0, float(headers.get("retry-after", "")))
    except ValueError:
        return None
