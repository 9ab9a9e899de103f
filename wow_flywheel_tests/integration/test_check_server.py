"""The check service as its users meet it: the console command, a real server on loopback, real requests."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from wow_flywheel.errors import QueryError
from wow_flywheel.rules.incoming import Conversation, parse
from wow_flywheel.rules.queue import CheckQueue, Overloaded
from wow_flywheel_tests.integration.test_serving import free_port, wait_until_listening

ROOT = Path(__file__).parents[2]
RUDE = {"messages": [{"role": "user", "content": "It broke."}, {"role": "assistant", "content": "It is your own fault."}]}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The service by its console command, with a queue of one and a rule switched off for one scenario."""
    port, folder = free_port(), tmp_path_factory.mktemp("service")
    (folder / "rules.yaml").write_text("taxi:\n  blaming: off\n")
    script = "from wow_flywheel.cli import app; app()"
    command = [sys.executable, "-c", script, "check-server", "--port", str(port), "--most-waiting", "1"]
    names = {"WOW_RULES": str(folder / "rules.yaml"), "WOW_KNOWLEDGE_URI": str(folder), "WOW_POLICIES_URI": str(folder)}
    process = subprocess.Popen(command, cwd=ROOT, env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), **names})
    wait_until_listening(port, process)
    yield f"http://127.0.0.1:{port}"
    process.kill()
    process.wait()


def asked(url: str, body: Any) -> tuple[int, dict[str, Any], str | None]:
    """Status, answer and Retry-After of one request."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    try:
        with urlopen(Request(f"{url}/v1/check", data=data, method="POST"), timeout=30) as answer:  # noqa: S310 loopback
            return answer.status, json.load(answer), None
    except HTTPError as error:
        with error:
            return error.code, json.load(error), error.headers["Retry-After"]


def test_findings_come_back_by_turn(url: str) -> None:
    status, answer, _ = asked(url, RUDE)
    assert status == 200
    assert [(f["rule_id"], f["turn"], f["quote"]) for f in answer["findings"]] == [("blaming", 1, "your own fault")]


def test_health_says_which_rules_wait_for_duckdb(url: str) -> None:
    with urlopen(f"{url}/healthz", timeout=30) as answer:  # noqa: S310 loopback
        assert json.load(answer) == {"status": "ok", "not_compiled": {}}


def test_the_rules_are_those_of_the_scenario(url: str) -> None:
    assert asked(url, RUDE | {"scenario": "taxi"})[1] == {"findings": []}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"nope", "body"),
        ({"messages": [{"role": "human", "content": "Hi"}]}, "messages.0.role"),
        ({"scenario": "taxi"}, "messages"),
    ],
)
def test_bad_input_is_422_with_the_field(url: str, body: Any, field: str) -> None:
    status, answer, _ = asked(url, body)
    assert (status, answer["error"]["field"]) == (422, field)
    assert answer["error"]["hint"]


def test_too_many_at_once_get_429_and_the_others_their_findings(url: str) -> None:
    long = {"messages": RUDE["messages"] * 200}
    with ThreadPoolExecutor(24) as pool:
        answers = list(pool.map(lambda _: asked(url, long), range(48)))
    statuses = {status for status, _, _ in answers}
    assert statuses == {200, 429}
    assert {retry for status, _, retry in answers if status == 429} == {"1"}
    assert all(answer["findings"] for status, answer, _ in answers if status == 200)


class Picky:
    """A checker that cannot run on a conversation of the scenario `bad` or `worse`."""

    def check_parsed(self, conversation: Conversation) -> list[dict[str, Any]]:
        if conversation.scenario == "bad":
            raise QueryError("no")
        if conversation.scenario == "worse":
            raise RecursionError
        return [{"scenario": conversation.scenario}]


def test_one_conversation_that_fails_takes_no_other_with_it() -> None:
    async def served() -> list[Any]:
        queue = CheckQueue(Picky(), most_waiting=4)
        waiting = [
            asyncio.ensure_future(queue.check(parse({"messages": [], "scenario": name})))
            for name in ("a", "bad", "worse", "b", "c")
        ]
        await asyncio.sleep(0)
        task = asyncio.create_task(queue.run())
        async with asyncio.timeout(5):
            answers = await asyncio.gather(*waiting, return_exceptions=True)
        task.cancel()
        return answers

    first, failed, odd, second, refused = asyncio.run(served())
    assert (first, second) == ([{"scenario": "a"}], [{"scenario": "b"}])
    assert isinstance(failed, QueryError)
    assert isinstance(odd, RecursionError)
    assert isinstance(refused, Overloaded)


def test_who_gives_up_waiting_is_not_checked() -> None:
    async def served() -> list[Any]:
        queue = CheckQueue(Picky())
        gone, there = (asyncio.ensure_future(queue.check(parse({"messages": [], "scenario": name}))) for name in ("bad", "a"))
        await asyncio.sleep(0)
        gone.cancel()
        task = asyncio.create_task(queue.run())
        answers = await asyncio.gather(gone, there, return_exceptions=True)
        task.cancel()
        return answers

    gone, there = asyncio.run(served())
    assert isinstance(gone, asyncio.CancelledError)
    assert there == [{"scenario": "a"}]
