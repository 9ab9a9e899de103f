"""Work on the next items while this one is used.

What belongs here: one thread ahead of a loop. What does not: what is done there. It is worth it where the work leaves the
interpreter free, as DuckDB, Arrow and Polars do.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, TypeVar

Item = TypeVar("Item")
Made = TypeVar("Made")
DEPTH: Final = 2
"""Items ahead; each holds memory."""


def ahead(items: Iterable[Item], work: Callable[[Item], Made]) -> Iterator[tuple[Item, Made]]:
    """Each item with what the work makes of it, in order; the work runs in one thread, at most `DEPTH` items ahead.

    What the work or the items raise is raised here.
    """
    waiting: deque[tuple[Item, Future[Made]]] = deque()
    with ThreadPoolExecutor(1, thread_name_prefix="ahead") as thread:
        try:
            for item in items:
                waiting.append((item, thread.submit(work, item)))
                if len(waiting) > DEPTH:
                    given, made = waiting.popleft()
                    yield given, made.result()
            while waiting:
                given, made = waiting.popleft()
                yield given, made.result()
        finally:
            thread.shutdown(cancel_futures=True)
