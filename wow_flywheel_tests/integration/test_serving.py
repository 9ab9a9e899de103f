"""The endpoint as its users meet it: a real server on loopback, the real `openai` client, kills."""

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

Start = Callable[[], tuple[subprocess.Popen[bytes], openai.OpenAI]]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a scripted server on the same logs; called again, another one."""
    running: list[subprocess.Popen[bytes]] = []
    clients: list[openai.OpenAI] = []

    def begin() -> tuple[subprocess.Popen[bytes], openai.OpenAI]:
        port = free_port()
        command = [sys.executable, "-m", "wow_flywheel_tests.integration.scripted_server", str(port), str(tmp_path)]
        process = subprocess.Popen(command, cwd=Path(__file__).parents[2])
        running.append(process)
        wait_until_listening(port, process)
        client = openai.OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="none", max_retries=0)
        clients.append(client)
        return process, client

    yield begin
    for client in clients:
        client.close()
    for process in running:
        process.kill()
        process.wait()


def wait_until_listening(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        assert process.poll() is None, "the server ended at once"
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("the server does not listen")


def logged(root: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for path in sorted(root.glob("dt=*/*.jsonl")) for line in path.read_text().splitlines()]


def ask(client: openai.OpenAI, conversation_id: str, *messages: Any) -> Any:
    answer = client.chat.completions.create(
        model="scripted", messages=list(messages), user="ada", extra_headers={"x-conversation-id": conversation_id}
    )
    return answer.choices[0].message


def test_a_conversation_with_a_tool_call_ends_up_in_the_logs(start: Start, tmp_path: Path) -> None:
    process, client = start()
    question: Any = {"role": "user", "content": "refund order 7"}
    called = ask(client, "c1", question)
    assert called.tool_calls[0].function.name == "refund"
    result: Any = {"role": "tool", "tool_call_id": called.tool_calls[0].id, "content": "ok"}
    assert ask(client, "c1", question, called.model_dump(exclude_none=True), result).content == "Done."
    assert client.models.list().data[0].id == "scripted"
    client.post("/conversations/c1/close", body={"feedback": {"thumb": "up"}}, cast_to=object)
    (record,) = logged(tmp_path)
    assert [message["role"] for message in record["messages"]] == ["user", "assistant", "tool", "assistant"]
    assert record["messages"][1]["tool_calls"][0]["id"] == called.tool_calls[0].id
    assert record["messages"][2]["tool_call_id"] == called.tool_calls[0].id
    assert (record["conversation_id"], record["user_id"], record["feedback"]) == ("c1", "ada", {"thumb": "up"})
    assert record["started_at"] <= record["ended_at"]
    process.send_signal(signal.SIGTERM)
    process.wait(10)
    assert len(logged(tmp_path)) == 1
    assert list((tmp_path / ".journal").iterdir()) == []


def test_streaming_through_the_client(start: Start) -> None:
    _, client = start()
    with client.chat.completions.create(
        model="scripted", messages=[{"role": "user", "content": "hello there"}], stream=True
    ) as chunks:
        assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "You said: hello there"


def test_the_client_sees_which_field_is_wrong(start: Start) -> None:
    _, client = start()
    robot: Any = {"role": "robot", "content": "x"}
    with pytest.raises(openai.UnprocessableEntityError, match=r"messages\.0\.role"):
        client.chat.completions.create(model="scripted", messages=[robot])
    with pytest.raises(openai.NotFoundError, match="this endpoint serves 'scripted'"):
        client.chat.completions.create(model="other", messages=[{"role": "user", "content": "x"}])


def test_what_a_kill_leaves_is_recovered_and_goes_on(start: Start, tmp_path: Path) -> None:
    first, client = start()
    hi: Any = {"role": "user", "content": "hi"}
    answer = ask(client, "goes-on", hi)
    ask(client, "ends", hi)
    ask(client, "logged", hi)
    client.post("/conversations/logged/close", cast_to=object)
    first.kill()
    first.wait()
    assert [record["conversation_id"] for record in logged(tmp_path)] == ["logged"]

    second, client = start()
    more: Any = {"role": "user", "content": "more"}
    ask(client, "goes-on", hi, {"role": "assistant", "content": answer.content}, more)
    second.send_signal(signal.SIGTERM)
    second.wait(10)
    found = {record["conversation_id"]: [m["content"] for m in record["messages"]] for record in logged(tmp_path)}
    assert found == {
        "logged": ["hi", "You said: hi"],
        "ends": ["hi", "You said: hi"],
        "goes-on": ["hi", "You said: hi", "more", "You said: more"],
    }
    assert len(logged(tmp_path)) == 3
    assert list((tmp_path / ".journal").iterdir()) == []
