"""Micro-batching: requests that arrive within a few milliseconds share one call of the model.

What belongs here: the queue. What does not: HTTP (`app`), the model (`engine`).
"""

import asyncio
from dataclasses import dataclass, field

from wow_flywheel.dialogue import ChatMessage
from wow_flywheel.serving.protocol import Engine, Reply


@dataclass(slots=True)
class _Waiting:
    conversation: list[ChatMessage]
    answer: "asyncio.Future[Reply]"


@dataclass(slots=True, eq=False)
class Batcher:
    """Collects conversations for at most `window_s` seconds and answers them in one call, in a thread of its own.

    Attributes:
        engine: The model.
        window_s: How long the first of a batch waits for others. Default 10 ms.
        max_size: Most conversations in one call. Default 16.
    """

    engine: Engine
    window_s: float = 0.01
    max_size: int = 16
    pending: int = field(default=0, init=False)
    """Conversations that wait for their reply."""
    _queue: "asyncio.Queue[_Waiting]" = field(default_factory=asyncio.Queue, init=False)

    async def respond(self, conversation: list[ChatMessage]) -> Reply:
        """The model's reply to one conversation; raises what the model raised."""
        waiting = _Waiting(conversation, asyncio.get_running_loop().create_future())
        self._queue.put_nowait(waiting)
        self.pending += 1
        try:
            return await waiting.answer
        finally:
            self.pending -= 1

    async def run(self) -> None:
        """Answer batches until cancelled."""
        while True:
            await self._answer(await self._collect())

    async def _collect(self) -> list[_Waiting]:
        batch = [await self._queue.get()]
        if self._queue.qsize() < self.max_size - 1:
            await asyncio.sleep(self.window_s)
        while len(batch) < self.max_size and not self._queue.empty():
            batch.append(self._queue.get_nowait())
        return batch

    async def _answer(self, batch: list[_Waiting]) -> None:
        call = asyncio.ensure_future(asyncio.to_thread(self._call, [waiting.conversation for waiting in batch]))
        await asyncio.wait([call])
        error = call.exception()
        replies = [None] * len(batch) if error else call.result()
        for waiting, reply in zip(batch, replies, strict=True):
            if waiting.answer.done():
                continue
            if reply is None:
                waiting.answer.set_exception(error or RuntimeError("the model gave no reply"))
            else:
                waiting.answer.set_result(reply)

    def _call(self, conversations: list[list[ChatMessage]]) -> list[Reply]:
        replies = self.engine.respond(conversations)
        if len(replies) != len(conversations):
            raise RuntimeError(f"the model gave {len(replies)} replies to {len(conversations)} conversations")
        return replies
