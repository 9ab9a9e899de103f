"""Work in rounds, with a batch of its open questions between one round and the next.

What belongs here: the rounds and the waiting. What does not: handing in and collecting (`batch_queue`), the API (`batch_api`).
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from wow_flywheel.errors import EndpointUnavailable
from wow_flywheel.llm.batch_api import BatchApi
from wow_flywheel.llm.batch_queue import BatchQueue, Collected
from wow_flywheel.llm.client import LlmClient

T = TypeVar("T")


MOST_FAILED = 3
"""So many batches in a row that the endpoint gives up on end the run."""


@dataclass(frozen=True, slots=True)
class Batches:
    """The questions of some clients through the Batch API.

    Attributes:
        queues: Of each client, what waits and what is handed in, and its endpoint's Batch API.
        wait_s: Seconds to wait for batches at most; 0 hands in what is open and ends.
        poll_s: Seconds between two looks at open batches.
    """

    queues: Sequence[tuple[BatchQueue, BatchApi]]
    wait_s: float
    poll_s: float = 60.0

    @classmethod
    def of(cls, uri: str, clients: Sequence[LlmClient], wait_s: float) -> "Batches":
        """Let clients' questions wait for a batch from now on; what was handed in lies under the lake's URI."""
        queues = []
        for client in clients:
            client.batch = BatchQueue.at(uri, client.settings, client.negotiator)
            queues.append((client.batch, BatchApi.of(client.settings)))
        return cls(queues, wait_s)

    def rounds(self, work: Callable[[], T], say: Callable[[str], None] = lambda _: None) -> T:
        """Do some work again and again, with batches of its open questions in between, until none is open or the time is up.

        Args:
            work: The whole work, which finds in the ledger what is known.
            say: Told in words how it goes.

        Returns:
            What the last round gave: questions still open show in it as failures of the reason `pending`.

        Raises:
            EndpointRefused: The endpoint refuses for good, or has no Batch API.
            EndpointUnavailable: It does not answer, or gives up on one batch after the other.
        """
        deadline, failed = time.monotonic() + self.wait_s, 0
        _tell(say, self._collect())
        while True:
            result = work()
            if made := sum(queue.hand_in(api) for queue, api in self.queues):
                say(f"{made} batches handed in")
            collected = self._came(deadline, say)
            if collected is None:
                return result
            failed = failed + 1 if collected.problems and not collected.answers else 0
            if failed:
                self._back_off(failed, collected, deadline)

    def _came(self, deadline: float, say: Callable[[str], None]) -> Collected | None:
        """Wait until some batch ends; None if none is open, or when the time is up."""
        while self._open and time.monotonic() < deadline:
            time.sleep(min(self.poll_s, max(0.0, deadline - time.monotonic())))
            before = self._open
            collected = self._collect()
            _tell(say, collected)
            if self._open < before:
                return collected
        return None

    def _back_off(self, failed: int, collected: Collected, deadline: float) -> None:
        """Wait twice as long after each batch in a row that the endpoint gave up on: the same questions would fail again."""
        if failed >= MOST_FAILED:
            raise EndpointUnavailable(
                f"{self.queues[0][0].settings.base_url}, Batch API: it gave up on {failed} batches in a row; the last: "
                f"{', '.join(collected.problems)}",
                hint="see that reason at the endpoint; run it again later, or unset WOW_LLM_BATCH_HOURS to ask directly",
            )
        time.sleep(min(self.poll_s * 2**failed, max(0.0, deadline - time.monotonic())))

    def _collect(self) -> Collected:
        total = Collected()
        for queue, api in self.queues:
            total = total.plus(queue.collect(api))
        return total

    @property
    def _open(self) -> int:
        return sum(queue.open_batches for queue, _ in self.queues)


def _tell(say: Callable[[str], None], collected: Collected) -> None:
    if collected.answers or collected.failed or collected.problems:
        problems = "".join(f"; {problem}" for problem in collected.problems)
        say(f"{collected.answers} answers collected, {collected.failed} lines failed{problems}")
