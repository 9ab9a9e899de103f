"""Asks an OpenAI-compatible endpoint: many questions at once, each with an outcome of its own, nothing paid for twice.

What belongs here: the ledger's use, negotiating structured output, repair. What does not: HTTP (`transport`), prompts.
A request that fails gives a named failure and the others go on; a refusal of the whole endpoint stops the run at once.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from pydantic import BaseModel, ValidationError

from wow_flywheel.llm.fanout import bounded_map
from wow_flywheel.llm.formats import DIALECTS, json_text, response_format, strict_schema, with_schema
from wow_flywheel.llm.ledger import Entry, Ledger, request_key
from wow_flywheel.llm.requests import (
    Failure,
    FormatRefusedError,
    LlmRequest,
    Outcome,
    RequestFailedError,
    S,
    Success,
    Usage,
)
from wow_flywheel.llm.settings import LlmSettings
from wow_flywheel.llm.transport import Transport

__all__ = ["Failure", "LlmClient", "LlmRequest", "Outcome", "Session", "Success", "Usage"]

Messages = list[dict[str, str]]


@dataclass(slots=True)
class LlmClient:
    """A client for one run. It is used from one thread; event loops may come and go.

    Attributes:
        settings: The endpoint.
        ledger: Where answers are kept.
        calls: Calls that the endpoint answered in this run.
        from_ledger: Answers that were there already.
        retries: Tries after the first.
        spent_usd: What this run's calls cost.
        dialect: Index into `DIALECTS`: what the endpoint is known to take, remembered for the run.
    """

    settings: LlmSettings
    ledger: Ledger
    calls: int = 0
    from_ledger: int = 0
    retries: int = 0
    spent_usd: float = 0.0
    dialect: int = 0

    def spending(self) -> dict[str, int | float]:
        """What this run has spent so far, for a stage's counts."""
        return {
            "llm_calls": self.calls,
            "llm_from_ledger": self.from_ledger,
            "llm_retries": self.retries,
            "llm_spent_usd": self.spent_usd,
        }

    def complete_all(self, requests: Sequence[LlmRequest], schema: type[S]) -> list[Outcome[S]]:
        """`complete_many`, for code that is not asynchronous."""
        return asyncio.run(self.complete_many(requests, schema))

    async def complete(self, request: LlmRequest, schema: type[S]) -> Outcome[S]:
        """Ask for one answer; see `complete_many`."""
        return (await self.complete_many([request], schema))[0]

    async def complete_many(self, requests: Sequence[LlmRequest], schema: type[S]) -> list[Outcome[S]]:
        """Ask for many answers, a bounded number at once.

        Args:
            requests: The questions.
            schema: What each answer must be.

        Returns:
            One outcome a request, in order.

        Raises:
            EndpointRefused: The endpoint refuses for good; calls under way are given up.
            EndpointUnavailable: It is down: many calls in a row got no answer.
        """
        async with self.session() as session:
            return await session.complete_many(requests, schema)

    @asynccontextmanager
    async def session(self) -> AsyncIterator["Session"]:
        """Open connections, for several rounds of questions in one event loop."""
        import openai

        settings = self.settings
        api = openai.AsyncOpenAI(
            base_url=settings.base_url,
            api_key=settings.api_key,
            timeout=settings.timeout_s,
            max_retries=0,
            http_client=openai.DefaultAioHttpClient(timeout=settings.timeout_s),
        )
        transport = Transport(settings, api)
        async with api:
            try:
                yield Session(self, transport, asyncio.Semaphore(settings.max_in_flight))
            finally:
                self.retries += transport.retries


@dataclass(frozen=True, slots=True)
class Session:
    """A client with its connections open; see `LlmClient.session`."""

    client: LlmClient
    transport: Transport
    slots: asyncio.Semaphore
    _under_way: dict[str, "asyncio.Task[tuple[Entry, bool]]"] = field(default_factory=dict)

    async def complete_many(self, requests: Sequence[LlmRequest], schema: type[S]) -> list[Outcome[S]]:
        """See `LlmClient.complete_many`."""

        async def one(request: LlmRequest) -> Outcome[S]:
            return await self.complete(request, schema)

        return await bounded_map(one, requests, self.client.settings.max_in_flight)

    async def complete(self, request: LlmRequest, schema: type[S]) -> Outcome[S]:
        """One answer, sent back for repair if it does not fit.

        Raises:
            EndpointRefused: The endpoint refuses for good.
            EndpointUnavailable: It is down: many calls in a row got no answer.
        """
        messages, usage, cost, cached, problem = request.messages(), Usage(), 0.0, True, ""
        for _ in range(self.client.settings.max_repairs + 1):
            try:
                key, entry, fresh = await self._answer(messages, schema, request.about)
            except RequestFailedError as error:
                return error.failure
            usage += Usage(entry.prompt_tokens, entry.completion_tokens)
            cost, cached = cost + entry.cost_usd, cached and not fresh
            if (failure := self._cut_or_declined(entry)) is not None:
                return failure
            try:
                return Success(schema.model_validate_json(json_text(entry.content)), usage, cost, key, cached)
            except ValidationError as error:
                problem = _problem(error)
                messages = _with_repair(messages, entry.content, problem)
        return Failure("unparsable", f"after {self.client.settings.max_repairs} repairs: {problem}")

    async def _answer(self, messages: Messages, schema: type[BaseModel], about: str) -> tuple[str, Entry, bool]:
        """The answer to messages and its key, and whether it was paid for now; equal questions under way are asked once."""
        settings = self.client.settings
        key = request_key(settings.base_url, settings.model, messages, strict_schema(schema), settings.parameters())
        if (task := self._under_way.get(key)) is not None:
            return key, (await asyncio.shield(task))[0], False
        task = self._under_way[key] = asyncio.ensure_future(self._kept_or_asked(key, messages, schema, about))
        try:
            entry, fresh = await task
            return key, entry, fresh
        finally:
            del self._under_way[key]

    async def _kept_or_asked(self, key: str, messages: Messages, schema: type[BaseModel], about: str) -> tuple[Entry, bool]:
        """The ledger works in a thread, so that a slow disk or object store does not hold up the calls under way."""
        client = self.client
        if (kept := await asyncio.to_thread(client.ledger.get, key)) is not None:
            client.from_ledger += 1
            return kept, False
        async with (
            self.slots
        ):  # kept while a call waits to be retried, which eases a strained endpoint, and until it is recorded
            entry = replace(await self._asked(messages, schema), about=about)
            client.calls += 1
            client.spent_usd += entry.cost_usd
            await asyncio.to_thread(client.ledger.put, key, entry)
        return entry, True

    async def _asked(self, messages: Messages, schema: type[BaseModel]) -> Entry:
        """Ask in the strictest dialect that the endpoint takes.

        A dialect is given up for the run only once a plainer one gets an answer: a request that is refused in all of them is at
        fault itself.
        """
        problem = ""
        for step in range(self.client.dialect, len(DIALECTS)):
            dialect = DIALECTS[step]
            try:
                entry = await self.transport.send(with_schema(dialect, messages, schema), response_format(dialect, schema))
            except FormatRefusedError as error:
                problem = error.detail
                continue
            self.client.dialect = max(self.client.dialect, step)
            return entry
        raise RequestFailedError("rejected", problem)

    def _cut_or_declined(self, entry: Entry) -> Failure | None:
        if entry.finish_reason == "length":
            return Failure("truncated", f"the answer was cut at {self.client.settings.max_tokens} tokens")
        if entry.finish_reason in {"refusal", "content_filter"}:
            return Failure("refused", "the model declined to answer")
        return None


def _problem(error: ValidationError) -> str:
    """The first few errors in words, without the input's values."""
    return "; ".join(f"{'.'.join(map(str, e['loc'])) or 'answer'}: {e['msg']}" for e in error.errors(include_input=False)[:5])


def _with_repair(messages: Sequence[Mapping[str, str]], content: str, problem: str) -> Messages:
    ask = f"That does not fit the schema ({problem}). Answer with the corrected JSON object only."
    return [*map(dict, messages), {"role": "assistant", "content": content}, {"role": "user", "content": ask}]
