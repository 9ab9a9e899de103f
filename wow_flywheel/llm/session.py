"""One question's way: ledger, else batch or call within the budget, then reading, and repair where it does not fit.

What belongs here: that way, with connections open. What does not: what lasts for a run (`client`), HTTP (`transport`), which
dialect the endpoint speaks (`negotiation`).
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, NoReturn

from pydantic import BaseModel, ValidationError

from wow_flywheel.llm.budget import NOTHING, Budget, Tries, most_of, prompt_of, spent_on
from wow_flywheel.llm.fanout import bounded_map
from wow_flywheel.llm.formats import is_bare_json, json_text, strict_schema
from wow_flywheel.llm.keeper import Keeper
from wow_flywheel.llm.ledger import Entry, request_key
from wow_flywheel.llm.negotiation import Negotiator
from wow_flywheel.llm.requests import Answered, Failure, LlmRequest, Outcome, RequestFailedError, S, Success, Usage
from wow_flywheel.llm.settings import LlmSettings
from wow_flywheel.llm.transport import Transport

if TYPE_CHECKING:
    from wow_flywheel.llm.batch_queue import BatchQueue

Messages = list[dict[str, str]]


@dataclass(slots=True)
class Counts:
    """What a run has done so far.

    Attributes:
        calls: Calls that the endpoint answered.
        from_ledger: Answers that were there already.
        retries: Tries after the first.
        spent_usd: What the calls cost, as the budget counts it.
        uncounted: Answers whose tokens the endpoint did not count: these are charged by estimate.
        lost_tries: Tries that timed out or came back garbled: each is charged as one whole call, for it may be billed.
        pushbacks: How often the endpoint wanted fewer calls at once.
    """

    calls: int = 0
    from_ledger: int = 0
    retries: int = 0
    spent_usd: float = 0.0
    uncounted: int = 0
    lost_tries: int = 0
    pushbacks: int = 0


@dataclass(frozen=True, slots=True)
class Session:
    """A client with its connections open; see `LlmClient.session`, which says what the attributes are."""

    settings: LlmSettings
    budget: Budget
    batch: "BatchQueue | None"
    negotiator: Negotiator
    counts: Counts
    transport: Transport
    keeper: Keeper
    probing: asyncio.Lock = field(default_factory=asyncio.Lock)
    first_of_batch: asyncio.Lock = field(default_factory=asyncio.Lock)
    _under_way: dict[str, "asyncio.Task[tuple[Entry, int | None]]"] = field(default_factory=dict)

    async def complete_many(self, requests: Sequence[LlmRequest], schema: type[S]) -> list[Outcome[S]]:
        """See `LlmClient.complete_many`."""

        async def one(request: LlmRequest) -> Outcome[S]:
            return await self.complete(request, schema)

        return await bounded_map(one, requests, min(len(requests), self.settings.max_in_flight))

    async def complete(self, request: LlmRequest, schema: type[S]) -> Outcome[S]:
        """One answer, sent back for repair if it does not fit.

        Raises:
            EndpointRefused: The endpoint refuses for good, or its model gave many answers of which none fits.
            EndpointUnavailable: It is down: many calls in a row got no answer.
        """
        messages, usage, cost, cached, problem, floor = request.messages(), Usage(), 0.0, True, "", 0
        failure = Failure("unparsable", "")
        for repairs in range(self.settings.max_repairs + 1):
            try:
                key, entry, step = await self._answer(messages, schema, request.about, floor)
            except RequestFailedError as error:
                return replace(error.failure, usage=usage, cost_usd=cost, prompt_hash=failure.prompt_hash, said=failure.said)
            usage += Usage(entry.prompt_tokens, entry.completion_tokens)
            cost, cached = cost + entry.cost_usd, cached and step is None
            said = Answered(entry.content, entry.latency_s, entry.at)
            failure = replace(failure, usage=usage, cost_usd=cost, prompt_hash=key, said=said)
            if (reason := _cut_or_declined(entry)) is not None:
                return self._unfit(replace(failure, reason=reason, detail=_said(reason, self.settings)))
            try:
                value = schema.model_validate_json(json_text(entry.content))
            except ValidationError as error:
                problem = _problem(error)
                floor = self.negotiator.after_misfit(step, bare=is_bare_json(entry.content))
                messages = _with_repair(messages, entry.content, problem)
                continue
            self.negotiator.fitted = True
            await self._fits(entry, step)
            return Success(value, usage, cost, key, cached, said, repairs)
        return self._unfit(replace(failure, detail=f"after {self.settings.max_repairs} repairs: {problem}"))

    def _unfit(self, failure: Failure) -> Failure:
        if failure.reason != "refused":
            self.negotiator.note_unfit(self.settings, failure)
        return failure

    async def _fits(self, entry: Entry, step: int | None) -> None:
        if step is not None and self.negotiator.fits(step, bare=is_bare_json(entry.content)):
            await self.keeper.run(self.negotiator.remember, self.keeper.ledger, self.settings)

    async def _answer(
        self, messages: Messages, schema: type[BaseModel], about: str, floor: int
    ) -> tuple[str, Entry, int | None]:
        """The answer to messages, its key, and the dialect it was paid for in, None if it was not paid for now.

        Equal questions under way are asked once.
        """
        key = self._key(messages, schema)
        if (task := self._under_way.get(key)) is not None:
            return key, (await asyncio.shield(task))[0], None
        task = self._under_way[key] = asyncio.ensure_future(self._kept_or_asked(key, messages, schema, about, floor))
        try:
            entry, step = await task
            return key, entry, step
        finally:
            del self._under_way[key]

    def _key(self, messages: Messages, schema: type[BaseModel]) -> str:
        settings = self.settings
        return request_key(settings.base_url, settings.model, messages, strict_schema(schema), settings.parameters())

    async def _kept_or_asked(
        self, key: str, messages: Messages, schema: type[BaseModel], about: str, floor: int
    ) -> tuple[Entry, int | None]:
        """The ledger works in threads, so that a slow disk or object store does not hold up the calls under way."""
        if (kept := await self.keeper.get(key)) is not None:
            self.counts.from_ledger += 1
            return kept, None
        if self.batch is not None:
            async with self.first_of_batch:
                if not self.negotiator.settled:
                    await self.keeper.run(self.negotiator.recall, self.keeper.ledger, self.settings)
                if not self.negotiator.settled:
                    return await self._called(key, messages, schema, about, floor)
            if self.batch.takes(key):
                self._queued(self.batch, key, messages, schema, about)
        return await self._called(key, messages, schema, about, floor)

    async def _called(
        self, key: str, messages: Messages, schema: type[BaseModel], about: str, floor: int
    ) -> tuple[Entry, int | None]:
        async with self.transport.throttle.slot():  # kept while a call waits to be retried, and until it is recorded
            entry, step = await self._paid(messages, schema, floor)
            entry = replace(entry, about=about)
            self.counts.calls += 1
            await self.keeper.put(key, entry)
        return entry, step

    def _queued(self, batch: "BatchQueue", key: str, messages: Messages, schema: type[BaseModel], about: str) -> NoReturn:
        """Into the batch, within the budget; what a line will cost is set aside for the rest of the run."""
        if batch.holds(key):
            raise RequestFailedError("pending", "its batch is not done")
        most = most_of(self.settings, messages, _schema_text(schema)).times(self.settings.batch_price_share)
        if not self.budget.reserve(most):
            raise _over(self.budget)
        batch.add(key, messages, schema, about)
        raise RequestFailedError("pending", "its batch is not done")

    async def _paid(self, messages: Messages, schema: type[BaseModel], floor: int) -> tuple[Entry, int]:
        """A call within the budget. What the endpoint does not count, and tries that gave nothing, are charged by estimate."""
        budget, most = self.budget, most_of(self.settings, messages, _schema_text(schema))
        if not budget.reserve(most):
            raise _over(budget)
        tries, spent = Tries(budget, most), NOTHING
        try:
            entry, step = await self._asked(messages, schema, floor, tries)
            asked = prompt_of(self.settings, messages, _schema_text(schema))
            spent = spent_on(self.settings, asked, entry.content, entry.prompt_tokens, entry.completion_tokens)
            self.counts.uncounted += not (entry.prompt_tokens and entry.completion_tokens)
            return entry, step
        finally:
            budget.settle(most, spent)
            self.counts.lost_tries += tries.lost
            self.counts.spent_usd += spent.usd + tries.lost * most.usd

    async def _asked(self, messages: Messages, schema: type[BaseModel], floor: int, tries: Tries) -> tuple[Entry, int]:
        """The first call of all finds out alone what the endpoint takes; the others wait for that."""
        negotiator = self.negotiator
        if not negotiator.settled:
            async with self.probing:
                if not negotiator.settled:
                    await self.keeper.run(negotiator.recall, self.keeper.ledger, self.settings)
                if not negotiator.settled:
                    return await self._negotiated(messages, schema, floor, tries)
        return await self._negotiated(messages, schema, floor, tries)

    async def _negotiated(self, messages: Messages, schema: type[BaseModel], floor: int, tries: Tries) -> tuple[Entry, int]:
        entry, step = await self.negotiator.ask(self.transport, messages, schema, floor, tries)
        if self.negotiator.answered(step):
            await self.keeper.run(self.negotiator.remember, self.keeper.ledger, self.settings)
        return entry, step


def _over(budget: Budget) -> RequestFailedError:
    return RequestFailedError("over_budget", f"the budget of {budget.shown()} is used up")


@cache
def _schema_text(schema: type[BaseModel]) -> str:
    return json.dumps(strict_schema(schema), ensure_ascii=False)


def _cut_or_declined(entry: Entry) -> str | None:
    if entry.finish_reason == "length":
        return "truncated"
    return "refused" if entry.finish_reason in {"refusal", "content_filter"} else None


def _said(reason: str, settings: LlmSettings) -> str:
    return (
        f"the answer was cut at {settings.max_tokens} tokens (WOW_LLM_MAX_TOKENS)"
        if reason == "truncated"
        else "the model declined to answer"
    )


def _problem(error: ValidationError) -> str:
    """The first few errors in words, without the input's values."""
    return "; ".join(f"{'.'.join(map(str, e['loc'])) or 'answer'}: {e['msg']}" for e in error.errors(include_input=False)[:5])


def _with_repair(messages: Sequence[Mapping[str, str]], content: str, problem: str) -> Messages:
    ask = f"That does not fit the schema ({problem}). Answer with the corrected JSON object only."
    return [*map(dict, messages), {"role": "assistant", "content": content}, {"role": "user", "content": ask}]
