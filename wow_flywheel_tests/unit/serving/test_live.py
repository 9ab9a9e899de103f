"""A running endpoint follows the pointers, drops no request, and survives a release that cannot be loaded."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from wow_flywheel.errors import ReleaseError
from wow_flywheel.release.canary import Canary
from wow_flywheel.serving import live as live_module
from wow_flywheel.serving.app import create_app
from wow_flywheel.serving.batching import Batcher
from wow_flywheel.serving.live import Live, Pointers, Releases
from wow_flywheel.serving.log_writer import LogWriter
from wow_flywheel.serving.protocol import Engine
from wow_flywheel.serving.split import Served, Split
from wow_flywheel_tests.unit.serving.scripted import ScriptedEngine

HI = [{"role": "user", "content": "Hi"}]


class Store:
    """Pointers that a test moves, and engines by release; `0009-broken` and `0009-odd` cannot be loaded."""

    def __init__(self) -> None:
        self.pointers: Pointers = ("0001-a", None)
        self.loaded: list[str] = []

    def load(self, name: str) -> Engine:
        if name == "0009-broken":
            raise ReleaseError("release '0009-broken' is not as it was sealed", hint="roll back")
        if name == "0009-odd":
            raise MemoryError("4 GiB")
        self.loaded.append(name)
        return ScriptedEngine()

    @property
    def releases(self) -> Releases:
        return Releases(lambda: self.pointers, self.load)


async def until(met: Callable[[], bool]) -> None:
    for _ in range(400):
        if met():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never came")


def test_promotion_canary_stop_and_rollback_are_followed_and_nothing_is_loaded_twice() -> None:
    async def run() -> None:
        store, live = Store(), Live(Split(Served("0001-a", Batcher(ScriptedEngine()))))
        live.start()
        following = asyncio.create_task(live.follow(store.releases, 0.01))
        store.pointers = ("0001-a", Canary("0002-b", 0.5))
        await until(lambda: live.split.models == ["0001-a", "0002-b"])
        assert (await live.split.batchers[1].respond(list(HI))).output is not None
        store.pointers = ("0001-a", Canary("0002-b", 0.2))
        await until(lambda: live.split.canary is not None and live.split.canary[1].share == 0.2)
        store.pointers = ("0002-b", None)
        await until(lambda: live.split.models == ["0002-b"])
        assert (await live.split.current.batcher.respond(list(HI))).output is not None
        assert store.loaded == ["0002-b"]
        store.pointers = ("0001-a", None)
        await until(lambda: live.split.models == ["0001-a"])
        assert store.loaded == ["0002-b", "0001-a"]
        following.cancel()
        await live.stop()

    asyncio.run(run())


def test_what_a_model_has_taken_it_still_answers() -> None:
    async def run() -> None:
        slow = ScriptedEngine()
        slow.gate.clear()
        store, live = Store(), Live(Split(Served("0001-a", Batcher(slow))))
        live.start()
        asked = asyncio.create_task(live.split.current.batcher.respond(list(HI)))
        await until(lambda: live.split.current.batcher.pending == 1)
        following = asyncio.create_task(live.follow(store.releases, 0.01))
        store.pointers = ("0002-b", None)
        await until(lambda: live.split.models == ["0002-b"])
        slow.gate.set()
        output = (await asyncio.wait_for(asked, 5)).output
        assert output is not None
        assert output.reply == "You said: Hi"
        following.cancel()
        await live.stop()

    asyncio.run(run())


@pytest.mark.parametrize(
    ("name", "why"), [("0009-broken", "release '0009-broken' is not as it was sealed"), ("0009-odd", "MemoryError('4 GiB')")]
)
def test_a_release_that_cannot_be_loaded_changes_nothing_and_is_told_once(
    caplog: pytest.LogCaptureFixture, name: str, why: str
) -> None:
    async def run() -> None:
        store, live = Store(), Live(Split(Served("0001-a", Batcher(ScriptedEngine()))))
        live.start()
        following = asyncio.create_task(live.follow(store.releases, 0.01))
        store.pointers = (name, None)
        await until(lambda: "still serving" in caplog.text)
        await asyncio.sleep(0.1)
        assert live.split.models == ["0001-a"]
        store.pointers = ("0002-b", None)
        await until(lambda: live.split.models == ["0002-b"])
        following.cancel()
        await live.stop()

    with caplog.at_level(logging.WARNING):
        asyncio.run(run())
    assert caplog.text.count(f"still serving 0001-a: {why}") == 1


def test_the_endpoint_follows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_module.Live.follow, "__defaults__", (0.01,))
    store = Store()
    app = create_app(ScriptedEngine(), "0001-a", LogWriter(str(tmp_path), pid=7), releases=store.releases)
    with TestClient(app) as client:
        assert client.get("/healthz").json()["model"] == "0001-a"
        store.pointers = ("0002-b", None)
        for _ in range(400):
            if client.get("/healthz").json()["model"] == "0002-b":
                break
        answer = client.post("/v1/chat/completions", json={"messages": HI, "model": "0002-b"})
    assert (answer.status_code, answer.json()["model"]) == (200, "0002-b")
