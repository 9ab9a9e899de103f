"""The conversations that wait to be checked: those that arrive while others are being checked go together next.

What belongs here: who waits, who is turned away. What does not: rules (`online`), HTTP (`server`).
"""

import asyncio
from dataclasses import dataclass, field

from wow_flywheel.errors import FlywheelError, RetryableError
from wow_flywheel.rules.incoming import Conversation
from wow_flywheel.rules.online import Checker, Finding

MOST_TOGETHER = 64
Waiting = tuple[Conversation, "asyncio.Future[list[Finding]]"]


class Overloaded(RetryableError):
    """More conversations wait than may."""


@dataclass(slots=True)
class CheckQueue:
    """Checks what arrives, a few at once.

    Args:
        checker: Does the work, in a thread of its own.
        most_waiting: How many conversations may wait; one more is turned away.
    """

    checker: Checker
    most_waiting: int = 128
    _waiting: list[Waiting] = field(default_factory=list)
    _arrived: asyncio.Event = field(default_factory=asyncio.Event)

    async def check(self, conversation: Conversation) -> list[Finding]:
        """What the rules find in it.

        Raises:
            Overloaded: Too many wait already.
            QueryError: A rule cannot be run on it.
        """
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
            taken, self._waiting = self._waiting[:MOST_TOGETHER], self._waiting[MOST_TOGETHER:]
            if not self._waiting:
                self._arrived.clear()
            await self._answer([each for each in taken if not each[1].cancelled()])

    async def _answer(self, taken: list[Waiting]) -> None:
        try:
            found = await asyncio.to_thread(self.checker.check_many, [conversation for conversation, _ in taken])
        except FlywheelError as error:
            await self._after_failure(taken, error)
            return
        for (_, answer), findings in zip(taken, found, strict=True):
            if not answer.done():
                answer.set_result(findings)

    async def _after_failure(self, taken: list[Waiting], error: FlywheelError) -> None:
        """One of them is at fault: each is checked alone, so that the others get their answers."""
        if len(taken) > 1:
            for each in taken:
                await self._answer([each])
        elif not taken[0][1].done():
            taken[0][1].set_exception(error)
