"""The endpoint's answers and errors, in process."""

import datetime as dt
import errno
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from wow_flywheel import storage
from wow_flywheel.errors import EndpointUnavailable, ReleaseError, StorageUnavailable
from wow_flywheel.serving.app import create_app
from wow_flywheel.serving.log_writer import LogWriter
from wow_flywheel_tests.unit.serving.scripted import ScriptedEngine

HI = {"role": "user", "content": "hi"}
CALL = {"id": "call_1", "type": "function", "function": {"name": "refund", "arguments": '{"order": "7"}'}}


@pytest.fixture
def engine() -> ScriptedEngine:
    return ScriptedEngine()


@pytest.fixture
def client(tmp_path: Path, engine: ScriptedEngine) -> Iterator[TestClient]:
    with TestClient(create_app(engine, "0001-c1", LogWriter(str(tmp_path), pid=7))) as client:
        yield client


def post(client: TestClient, *messages: dict[str, Any], headers: dict[str, str] | None = None, **body: Any) -> Any:
    return client.post("/v1/chat/completions", json={"messages": list(messages), **body}, headers=headers)


def logged(root: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for path in root.glob("dt=*/*.jsonl") for line in path.read_text().splitlines()]


def test_a_reply(client: TestClient) -> None:
    answer = post(client, HI, model="0001-c1", temperature=0.3, tools=[{"type": "function", "function": {"name": "x"}}])
    assert answer.status_code == 200
    body = answer.json()
    assert body["object"] == "chat.completion"
    assert body["model"] == "0001-c1"
    message = {"role": "assistant", "content": "You said: hi"}
    assert body["choices"] == [{"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}]
    assert body["usage"] == {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    assert answer.headers["x-conversation-id"].startswith("conv-")


def test_an_action_becomes_a_tool_call_and_its_result_goes_to_the_model(client: TestClient, engine: ScriptedEngine) -> None:
    ask = {"role": "user", "content": "refund order 7"}
    choice = post(client, ask).json()["choices"][0]
    (call,) = choice["message"]["tool_calls"]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"] == "One moment."
    assert call["function"] == {"name": "refund", "arguments": '{"order": "7"}'}
    result = {"role": "tool", "tool_call_id": call["id"], "content": "ok"}
    assert post(client, ask, choice["message"], result).json()["choices"][0]["message"]["content"] == "Done."
    assert [message["role"] for message in engine.batches[-1][0]] == ["user", "assistant", "tool"]
    action = '"action":{"name":"refund","arguments":{"order":"7"}}'
    assert engine.batches[-1][0][1]["content"] == f'{{"knowledge":[],"reply":"One moment.",{action}}}'


def test_output_that_is_no_object_is_passed_on_as_it_is(client: TestClient) -> None:
    assert post(client, {"role": "user", "content": "break it"}).json()["choices"][0]["message"]["content"] == "not json"


def test_a_stream_gives_the_same_in_pieces(client: TestClient) -> None:
    answer = post(client, {"role": "user", "content": "refund"}, stream=True, stream_options={"include_usage": True})
    assert answer.headers["content-type"].startswith("text/event-stream")
    events = answer.text.removesuffix("\n\n").split("\n\n")
    assert events[-1] == "data: [DONE]"
    chunks = [json.loads(event.removeprefix("data: ")) for event in events[:-1]]
    assert len({chunk["id"] for chunk in chunks}) == 1
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks[:-1]]
    assert "".join(delta.get("content", "") for delta in deltas) == "One moment."
    assert [delta["tool_calls"][0]["function"]["name"] for delta in deltas if "tool_calls" in delta] == ["refund"]
    assert chunks[-2]["choices"][0]["finish_reason"] == "tool_calls"
    assert (chunks[-1]["choices"], chunks[-1]["usage"]["total_tokens"]) == ([], 3)


def test_the_log_holds_both_sides_and_the_feedback(client: TestClient, tmp_path: Path) -> None:
    about = {"scenario": "greeting", "locale": "en", "channel": "app"}
    answer = post(client, HI, headers={"x-conversation-id": "c/1"}, user="ada", metadata=about)
    assert answer.headers["x-conversation-id"] == "c/1"
    closed = client.post("/v1/conversations/c/1/close", json={"feedback": {"thumb": "down", "score": 2, "comment": "slow"}})
    assert (closed.status_code, closed.json()) == (200, {"conversation_id": "c/1", "closed": True})
    (record,) = logged(tmp_path)
    for message in record["messages"]:
        assert message.pop("created_at").endswith("Z")
    assert record["messages"] == [
        HI,
        {"role": "assistant", "content": "You said: hi", "usage": {"prompt_tokens": 1, "completion_tokens": 2}},
    ]
    del record["messages"], record["started_at"], record["ended_at"]
    assert record == {
        "conversation_id": "c/1", "user_id": "ada", "scenario": "greeting", "locale": "en", "channel": "app",
        "model": "0001-c1", "feedback": {"thumb": "down", "score": 2.0, "comment": "slow"},
    }  # fmt: skip


def test_a_conversation_without_id_goes_on_for_its_user_only(client: TestClient) -> None:
    first = post(client, HI, user="ada")
    grown = [HI, first.json()["choices"][0]["message"], {"role": "user", "content": "more"}]
    name = first.headers["x-conversation-id"]
    assert post(client, *grown, user="bo").headers["x-conversation-id"] != name
    assert post(client, *grown).headers["x-conversation-id"] != name
    assert post(client, *grown, user="ada").headers["x-conversation-id"] == name
    assert post(client, HI, user="ada").headers["x-conversation-id"] != name


def test_the_id_may_come_in_the_metadata(client: TestClient) -> None:
    assert post(client, HI, metadata={"conversation_id": "m-1"}).headers["x-conversation-id"] == "m-1"
    both = post(client, HI, metadata={"conversation_id": "m-1"}, headers={"x-conversation-id": "h-1"})
    assert both.headers["x-conversation-id"] == "h-1"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ("{", "body"),
        ("[]", "body"),
        ("{}", "messages"),
        ('{"messages": []}', "messages"),
        ('{"messages": [{"role": "robot", "content": "x"}]}', "messages.0.role"),
        ('{"messages": [{"role": "user"}]}', "messages.0"),
        ('{"messages": [{"role": "user", "content": 3}]}', "messages.0.content"),
        ('{"messages": [{"role": "tool", "content": "x"}]}', "messages.0"),
        ('{"messages": [{"role": "user", "content": "x"}], "n": 2}', "n"),
        ('{"messages": [{"role": "user", "content": "x"}], "stream": "perhaps"}', "stream"),
        ('{"messages": [{"role": "user", "content": "x"}], "metadata": {"scenario": 3}}', "metadata.scenario"),
        ('{"messages": [{"role": "user", "content": "x"}], "metadata": {"conversation_id": "\\u0007"}}', "conversation_id"),
        ('{"messages": [{"role": "user", "content": "x"}], "metadata": {"conversation_id": "会话"}}', "conversation_id"),
        ('{"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}]}', "body"),
        ('{"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}', "messages.0.content.0.type"),
    ],
)
def test_bad_input_is_422_and_names_the_field(client: TestClient, body: str, field: str) -> None:
    answer = client.post("/v1/chat/completions", content=body.encode())
    assert answer.status_code == 422
    error = answer.json()["error"]
    assert (error["type"], error["param"]) == ("invalid_request_error", field)


def test_another_model_is_404(client: TestClient) -> None:
    answer = post(client, HI, model="gpt-9")
    assert answer.status_code == 404
    assert answer.json()["error"] == {
        "message": "this endpoint serves '0001-c1', not 'gpt-9'",
        "type": "invalid_request_error",
        "param": "model",
        "code": None,
    }


def test_closing_what_is_not_open_is_404_and_bad_feedback_422(client: TestClient) -> None:
    assert client.post("/v1/conversations/none/close").status_code == 404
    post(client, HI, headers={"x-conversation-id": "c1"})
    bad = client.post("/v1/conversations/c1/close", json={"feedback": {"score": 6}})
    assert (bad.status_code, bad.json()["error"]["param"]) == (422, "feedback.score")
    assert client.post("/v1/conversations/c1/close").status_code == 200


def test_models_and_health(client: TestClient) -> None:
    assert client.get("/v1/models").json()["data"][0]["id"] == "0001-c1"
    assert client.get("/healthz").json() == {"status": "ok", "model": "0001-c1"}


@pytest.mark.parametrize(("error", "status"), [(EndpointUnavailable("busy"), 503), (ReleaseError("gone"), 500)])
def test_errors_of_the_model_are_told_apart(tmp_path: Path, error: Exception, status: int) -> None:
    def fail(_: object) -> str:
        raise error

    with TestClient(create_app(ScriptedEngine(fail), "m", LogWriter(str(tmp_path), pid=7))) as client:
        answer = post(client, HI)
    assert (answer.status_code, answer.json()["error"]["type"]) == (status, type(error).__name__)
    assert logged(tmp_path) == []


def test_shutting_down_logs_what_is_open(tmp_path: Path) -> None:
    with TestClient(create_app(ScriptedEngine(), "m", LogWriter(str(tmp_path), pid=7))) as client:
        post(client, HI, headers={"x-conversation-id": "c1"})
        assert logged(tmp_path) == []
    assert [record["conversation_id"] for record in logged(tmp_path)] == ["c1"]


def test_idle_conversations_are_logged_again_after_the_disk_was_full(
    tmp_path: Path, engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    writer = LogWriter(str(tmp_path), pid=7)
    refusals = iter([StorageUnavailable("logs: the storage does not answer (No space left on device)", hint="try again")])
    close_idle = writer.close_idle

    def refused_once(idle: dt.timedelta) -> int:
        for refusal in refusals:
            raise refusal
        return close_idle(idle)

    monkeypatch.setattr(writer, "close_idle", refused_once)
    with TestClient(create_app(engine, "0001-c1", writer, idle=dt.timedelta(milliseconds=40))) as client:
        post(client, HI)
        for _ in range(500):
            if logged(tmp_path):
                break
            time.sleep(0.01)
        assert len(logged(tmp_path)) == 1
    assert "idle conversations are not logged yet" in caplog.text
    assert "No space left on device" in caplog.text


def test_a_request_that_the_disk_refuses_is_503_and_in_the_log(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(storage.os, "fsync", refuse)
    answer = post(client, HI)
    assert answer.status_code == 503
    assert "the storage does not answer (No space left on device) → try again" in answer.json()["error"]["message"]
    assert "a request failed" in caplog.text
    monkeypatch.undo()
    assert post(client, HI).status_code == 200
