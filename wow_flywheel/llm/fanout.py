"""Many pieces of work at once, a bounded number at a time.

What belongs here: the bound and the clean stop. What does not: what the work is.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")


async def bounded_map(work: Callable[[A], Awaitable[B]], items: Iterable[A], limit: int) -> list[B]:
    """Run `work` on every item, at most `limit` at once; items beyond these are not even begun, so memory stays bounded.

    Returns:
        The results in the order of the items.

    Raises:
        Exception: The first that `work` raises; all other work is cancelled first.
    """
    waiting = enumerate(items)
    done: dict[int, B] = {}

    async def worker() -> None:
        for index, item in waiting:
            done[index] = await work(item)

    workers = [asyncio.ensure_future(worker()) for _ in range(limit)]
    try:
        await asyncio.gather(*workers)
    finally:
        for task in workers:
            task.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
    return [done[index] for index in sorted(done)]
