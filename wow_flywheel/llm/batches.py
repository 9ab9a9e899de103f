"""Work in rounds, with a batch of its open questions between one round and the next.

What belongs here: the rounds and the waiting. What does not: handing in and collecting (`batch_queue`), the API (`batch_api`).
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from wow_flywheel.llm.batch_api import BatchApi
from wow_flywheel.llm.batch_queue import BatchQueue, Collected
from wow_flywheel.llm.client import LlmClient

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Batches:
    """A client's questions through the Batch API.

    Attributes:
        queue: What waits, and what is handed in.
        api: The endpoint's Batch API.
        wait_s: Seconds to wait for batches at most; 0 hands in what is open and ends.
        poll_s: Seconds between two looks at open batches.
    """

    queue: BatchQueue
    api: BatchApi
    wait_s: float
    poll_s: float = 60.0

    @classmethod
    def of(cls, uri: str, client: LlmClient, wait_s: float) -> "Batches":
        """Let a client's questions wait for a batch from now on; what was handed in lies under the lake's URI."""
        queue = client.batch = BatchQueue.at(uri, client.settings, client.negotiator)
        return cls(queue, BatchApi.of(client.settings), wait_s)

    def rounds(self, work: Callable[[], T], say: Callable[[str], None] = lambda _: None) -> T:
        """Do some work again and again, with a batch of its open questions in between, until none is open or the time is up.

        Args:
            work: The whole work, which finds in the ledger what is known.
            say: Told in words how it goes.

        Returns:
            What the last round gave: questions still open show in it as failures of the reason `pending`.

        Raises:
            EndpointRefused: The endpoint refuses for good, or has no Batch API.
            EndpointUnavailable: It does not answer.
        """
        deadline = time.monotonic() + self.wait_s
        _tell(say, self.queue.collect(self.api))
        while True:
            result = work()
            if made := self.queue.hand_in(self.api):
                say(f"{made} batches handed in")
            if not self._came(deadline, say):
                return result

    def _came(self, deadline: float, say: Callable[[str], None]) -> bool:
        """Wait until some batch ends; False if none is open, or when the time is up."""
        while self.queue.open_batches and time.monotonic() < deadline:
            time.sleep(min(self.poll_s, max(0.0, deadline - time.monotonic())))
            before = self.queue.open_batches
            _tell(say, self.queue.collect(self.api))
            if self.queue.open_batches < before:
                return True
        return False


def _tell(say: Callable[[str], None], collected: Collected) -> None:
    if collected.answers or collected.failed or collected.problems:
        problems = "".join(f"; {problem}" for problem in collected.problems)
        say(f"{collected.answers} answers collected, {collected.failed} lines failed{problems}")
