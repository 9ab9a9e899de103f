"""A run's client of an OpenAI-compatible endpoint: many questions at once, nothing paid for twice.

What belongs here: what lasts for a run: settings, ledger, budget, counts. What does not: one question's way (`session`), HTTP
(`transport`), which dialect the endpoint speaks (`negotiation`), prompts.
A request that fails gives a named failure and the others go on; a refusal of the whole endpoint stops the run at once.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from wow_flywheel.llm.budget import Budget
from wow_flywheel.llm.keeper import Keeper
from wow_flywheel.llm.ledger import Ledger
from wow_flywheel.llm.negotiation import Negotiator
from wow_flywheel.llm.requests import Failure, LlmRequest, Outcome, S, Success, Usage
from wow_flywheel.llm.session import Counts, Session
from wow_flywheel.llm.settings import LlmSettings
from wow_flywheel.llm.throttle import Throttle
from wow_flywheel.llm.transport import Transport

if TYPE_CHECKING:
    from wow_flywheel.llm.batch_queue import BatchQueue

__all__ = ["Failure", "LlmClient", "LlmRequest", "Outcome", "Session", "Success", "Usage"]


@dataclass(slots=True)
class LlmClient:
    """A client for one run. It is used from one thread; event loops may come and go.

    Attributes:
        settings: The endpoint.
        ledger: Where answers are kept.
        budget: What this run may spend.
        batch: Where questions that the ledger cannot answer are put instead of being asked; None asks them.
        counts: Calls of this run.
        negotiator: What the endpoint is known to take, remembered from run to run.
        in_flight: How many calls at once the endpoint took last, kept from session to session; None before the first.
    """

    settings: LlmSettings
    ledger: Ledger
    budget: Budget = field(default_factory=Budget)
    batch: "BatchQueue | None" = None
    counts: Counts = field(default_factory=Counts)
    negotiator: Negotiator = field(default_factory=Negotiator)
    in_flight: float | None = None

    def spending(self) -> dict[str, int | float]:
        """What this run has spent so far, for a stage's counts."""
        return {f"llm_{name}": value for name, value in asdict(self.counts).items()}

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
    async def session(self) -> AsyncIterator[Session]:
        """Open connections, for several rounds of questions in one event loop."""
        import aiohttp

        settings = self.settings
        throttle = Throttle(settings.max_in_flight, self.in_flight or float(settings.start_in_flight))
        with Keeper(self.ledger) as keeper:
            connections = aiohttp.TCPConnector(limit=0, keepalive_timeout=60)
            unlimited = aiohttp.ClientTimeout(total=None)  # each call has its own limit, in `Transport`
            async with aiohttp.ClientSession(connector=connections, timeout=unlimited, trust_env=True) as http:
                transport = Transport(settings, http, throttle)
                try:
                    yield Session(settings, self.budget, self.batch, self.negotiator, self.counts, transport, keeper)
                finally:
                    self.counts.retries += transport.retries
                    self.counts.pushbacks += throttle.pushbacks
                    self.in_flight = throttle.limit
