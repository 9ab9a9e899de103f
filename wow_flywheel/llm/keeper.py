"""The ledger's work beside the event loop.

What belongs here: threads for reading and writing entries. What does not: entries and their files (`ledger`).
Handing a call's answer to a thread of its own costs the event loop more than the call: on a disk, what came meanwhile is handed
over together. In S3, where waiting is what takes time, many threads write one each.
"""

import asyncio
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self, TypeVar, cast

from wow_flywheel.llm.ledger import Entry, Ledger
from wow_flywheel.storage import is_s3

A = TypeVar("A")
THREADS = 32
DISK_WRITERS, DISK_GROUP = 3, 32

Put = tuple[str, Entry, "asyncio.Future[None]"]


@dataclass(slots=True)
class Keeper:
    """Reads and writes a ledger in threads of its own, so that waiting for a disk or an object store holds up no call."""

    ledger: Ledger
    threads: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(THREADS, "ledger"))
    _waiting: list[Put] = field(default_factory=list)
    _writers: set["asyncio.Task[None]"] = field(default_factory=set)  # the loop itself does not keep a task alive

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.threads.shutdown()

    async def get(self, key: str) -> Entry | None:
        """See `Ledger.get`. On a disk, that there is none costs one look and no thread."""
        if not is_s3(self.ledger.root) and not os.path.exists(self.ledger.path(key)):  # noqa: PTH110 - a third of the time
            return None
        return await self.run(self.ledger.get, key)

    async def put(self, key: str, entry: Entry) -> None:
        """See `Ledger.put`; done when the entry is durable."""
        done = asyncio.get_running_loop().create_future()
        self._waiting.append((key, entry, done))
        if len(self._writers) < (THREADS if is_s3(self.ledger.root) else DISK_WRITERS):
            self._writers.add(asyncio.ensure_future(self._write()))
        await done

    async def run(self, work: Callable[..., A], *arguments: object) -> A:
        """Anything that waits for the ledger's storage."""
        return await asyncio.get_running_loop().run_in_executor(self.threads, work, *arguments)

    async def _write(self) -> None:
        """Write until nothing waits. That nothing waits and that this writer is gone come to pass in one step of the loop: a
        writer that still counted would be relied on by the next `put`, which would wait for ever."""
        size = 1 if is_s3(self.ledger.root) else DISK_GROUP
        try:
            while self._waiting:
                group, self._waiting = self._waiting[:size], self._waiting[size:]
                failures = await self.run(self._put_all, group)
                for (_, _, done), failure in zip(group, failures, strict=True):
                    if done.done():  # the call was given up meanwhile; its answer is kept all the same
                        continue
                    if failure is None:
                        done.set_result(None)
                    else:
                        done.set_exception(failure)
        finally:
            self._writers.discard(cast("asyncio.Task[None]", asyncio.current_task()))

    def _put_all(self, group: Sequence[Put]) -> list[Exception | None]:
        return [self._put(key, entry) for key, entry, _ in group]

    def _put(self, key: str, entry: Entry) -> Exception | None:
        try:
            self.ledger.put(key, entry)
        except Exception as error:  # noqa: BLE001 - raised where it is waited for; kept here, it would be waited for in vain
            return error
        return None
