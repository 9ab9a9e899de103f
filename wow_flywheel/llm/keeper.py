"""The ledger's work beside the event loop.

What belongs here: threads for reading and writing entries. What does not: entries and their files (`ledger`).
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self, TypeVar

from wow_flywheel.llm.ledger import Entry, Ledger

A = TypeVar("A")
THREADS = 32


@dataclass(slots=True)
class Keeper:
    """Reads and writes a ledger in threads of its own, so that waiting for a disk or an object store holds up no call."""

    ledger: Ledger
    threads: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(THREADS, "ledger"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.threads.shutdown()

    async def get(self, key: str) -> Entry | None:
        """See `Ledger.get`."""
        return await self.run(self.ledger.get, key)

    async def put(self, key: str, entry: Entry) -> None:
        """See `Ledger.put`; done when the entry is durable."""
        await self.run(self.ledger.put, key, entry)

    async def run(self, work: Callable[..., A], *arguments: object) -> A:
        """Anything that waits for the ledger's storage."""
        return await asyncio.get_running_loop().run_in_executor(self.threads, work, *arguments)
