"""Requests that come together share one call."""

import asyncio
from collections.abc import Sequence

import pytest

from wow_flywheel.dialogue import ChatMessage
from wow_flywheel.errors import EndpointUnavailable
from wow_flywheel.serving.batching import Batcher
from wow_flywheel.serving.protocol import Engine, Reply
from wow_flywheel_tests.unit.serving.scripted import ScriptedEngine


def chat(text: str) -> list[ChatMessage]:
    return [{"role": "user", "content": text}]


async def answers(batcher: Batcher, texts: Sequence[str]) -> list[Reply | BaseException]:
    worker = asyncio.create_task(batcher.run())
    found = await asyncio.gather(*(batcher.respond(chat(text)) for text in texts), return_exceptions=True)
    worker.cancel()
    await asyncio.gather(worker, return_exceptions=True)
    return found


def test_those_that_come_together_are_answered_together_and_apart() -> None:
    engine = ScriptedEngine()
    found = asyncio.run(answers(Batcher(engine, window_s=0.05), ["a", "b", "c"]))
    assert [reply.output.reply for reply in found if isinstance(reply, Reply) and reply.output] == [
        "You said: a",
        "You said: b",
        "You said: c",
    ]
    assert [len(batch) for batch in engine.batches] == [3]


def test_a_batch_has_a_largest_size() -> None:
    engine = ScriptedEngine()
    asyncio.run(answers(Batcher(engine, max_size=2), list("abcde")))
    assert [len(batch) for batch in engine.batches] == [2, 2, 1]


class Failing:
    """Fails on its first call only."""

    def __init__(self) -> None:
        self.calls = 0

    def respond(self, conversations: Sequence[Sequence[ChatMessage]]) -> list[Reply]:
        self.calls += 1
        if self.calls == 1:
            raise EndpointUnavailable("the model is down")
        return [Reply("x", None, 1, 1) for _ in conversations]


def test_a_failure_reaches_its_requests_and_the_next_are_served() -> None:
    found = asyncio.run(answers(Batcher(Failing(), max_size=2), ["a", "b", "c"]))
    assert [type(each) for each in found] == [EndpointUnavailable, EndpointUnavailable, Reply]


class Forgetful:
    """Answers one conversation too few."""

    def respond(self, conversations: Sequence[Sequence[ChatMessage]]) -> list[Reply]:
        return [Reply("x", None, 1, 1) for _ in conversations[1:]]


def test_a_missing_reply_is_an_error_not_a_mix_up() -> None:
    engine: Engine = Forgetful()
    found = asyncio.run(answers(Batcher(engine), ["a", "b"]))
    assert [str(each) for each in found] == ["the model gave 1 replies to 2 conversations"] * 2


def test_a_request_that_gave_up_does_not_stop_the_others() -> None:
    async def scenario() -> Reply:
        engine = ScriptedEngine()
        engine.gate.clear()
        batcher = Batcher(engine)
        worker = asyncio.create_task(batcher.run())
        gone, stays = (asyncio.create_task(batcher.respond(chat(text))) for text in "ab")
        await asyncio.sleep(0.05)
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)
        engine.gate.set()
        reply = await stays
        worker.cancel()
        return reply

    assert asyncio.run(scenario()).raw == '{"knowledge":[],"reply":"You said: b","action":null}'


@pytest.mark.parametrize("window", [0.0, 0.01])
def test_a_lone_request_waits_no_longer_than_the_window(window: float) -> None:
    async def timed() -> float:
        loop = asyncio.get_running_loop()
        start = loop.time()
        await answers(Batcher(ScriptedEngine(), window_s=window), ["a"])
        return loop.time() - start

    assert asyncio.run(timed()) < window + 0.5
