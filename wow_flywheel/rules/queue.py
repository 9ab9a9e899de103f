"""The conversations that wait to be checked, one after another.

What belongs here: who waits, who is turned away. What does not: rules (`online`), HTTP (`server`).

A check is a few milliseconds of Python, so it runs in the event loop itself: a thread would only add the wait for its turn.
Between two checks the loop takes in what has arrived, or turns it away.
"""

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import Final

from wow_flywheel.errors import RetryableError
from wow_flywheel.rules.incoming import Conversation
from wow_flywheel.rules.online import Checker, Finding

TURNS_TO_ARRIVE: Final = 4
"""Turns of the event loop from a connection to its conversation in the queue: accept, read, start, ask."""
Waiting = tuple[Conversation, "asyncio.Future[list[Finding]]"]


class Overloaded(RetryableError):
    """More conversations wait than may."""


@dataclass(slots=True)
class CheckQueue:
    """Checks what arrives, in the order in which it does.

    Args:
        checker: Does the work.
        most_waiting: How many conversations may wait; one more is turned away.
    """

    checker: Checker
    most_waiting: int = 128
    _waiting: deque[Waiting] = field(default_factory=deque)
    _arrived: asyncio.Event = field(default_factory=asyncio.Event)
    _arrivals: int = 0

    async def check(self, conversation: Conversation) -> list[Finding]:
        """What the rules find in it.

        Raises:
            Overloaded: Too many wait already.
            QueryError: A rule cannot be run on it.
        """
        self._arrivals += 1
        if len(self._waiting) >= self.most_waiting:
            raise Overloaded(
                f"{self.most_waiting} conversations wait already", hint="try again after a second, or start another server"
            )
        answer: asyncio.Future[list[Finding]] = asyncio.get_running_loop().create_future()
        self._waiting.append((conversation, answer))
        self._arrived.set()
        return await answer

    async def run(self) -> None:
        """Check what waits, for ever; cancel it to stop."""
        while True:
            await self._arrived.wait()
            while self._waiting:
                self._answer(*self._waiting.popleft())
                await self._take_in()
            self._arrived.clear()

    async def _take_in(self) -> None:
        """Let in what has arrived at the sockets: what waits there waits unseen, and would never be turned away."""
        most = self._arrivals + self.most_waiting
        seen = -1
        while seen < self._arrivals < most:
            seen = self._arrivals
            for _ in range(TURNS_TO_ARRIVE):
                await asyncio.sleep(0)

    def _answer(self, conversation: Conversation, answer: "asyncio.Future[list[Finding]]") -> None:
        if answer.done():  # who asked has gone
            return
        try:
            answer.set_result(self.checker.check_parsed(conversation))
        except Exception as error:  # noqa: BLE001 - raised to who asked; here it would end the queue, and all would wait for ever
            answer.set_exception(error)
