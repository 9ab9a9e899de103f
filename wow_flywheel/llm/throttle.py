"""How many calls are under way at once: more while the endpoint keeps up, half when it pushes back.

What belongs here: the limit and the queue before it. What does not: what counts as pushing back (`transport`).
Source: additive increase, multiplicative decrease with a slow start, as TCP does it (M. Allman and others, RFC 5681, 3.1).
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

DECREASE = 0.5


@dataclass(slots=True)
class Throttle:
    """Lets a number of calls through at once that follows what the endpoint can take.

    Attributes:
        ceiling: Never more than this.
        limit: How many now; 1 to `ceiling`. A call that succeeds raises it by 1 until the endpoint first pushes back, and by
            1 / limit after, which is about 1 for each round of calls.
        under_way: Calls let through and not yet done.
        pushbacks: How often the limit was cut.
        lowest: The lowest limit so far.
    """

    ceiling: int
    limit: float
    under_way: int = 0
    pushbacks: int = 0
    lowest: float = field(init=False)
    _round: int = 0
    _waiting: deque["asyncio.Future[None]"] = field(default_factory=deque)

    def __post_init__(self) -> None:
        self.limit = max(1.0, min(self.limit, float(self.ceiling)))
        self.lowest = self.limit

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[int]:
        """Wait for a place; gives the round in which the call begins, for `pushed_back`."""
        while self.under_way >= int(self.limit):
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            try:
                await turn
            except asyncio.CancelledError:
                self._wake()  # the place that may have been meant for this one
                raise
        self.under_way += 1
        try:
            yield self._round
        finally:
            self.under_way -= 1
            self._wake()

    @property
    def round(self) -> int:
        """The present round: it ends with each cut."""
        return self._round

    def succeeded(self) -> None:
        """A call got its answer."""
        step = 1.0 / self.limit if self.pushbacks else 1.0
        self.limit = min(float(self.ceiling), self.limit + step)
        self._wake()

    def pushed_back(self, began: int) -> None:
        """The endpoint wants fewer calls. Calls that began before the last cut say nothing new.

        Args:
            began: The round in which the call was sent.
        """
        if began < self._round:
            return
        self._round += 1
        self.pushbacks += 1
        self.limit = max(1.0, self.limit * DECREASE)
        self.lowest = min(self.lowest, self.limit)

    def _wake(self) -> None:
        free = int(self.limit) - self.under_way
        while free > 0 and self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                free -= 1
