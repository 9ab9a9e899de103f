"""Damaged lines of every format: kept aside with the reason, or read exactly; never read in part."""

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from wow_flywheel.conversations.ingest import DayRead
from wow_flywheel_tests.unit.conversations.logs import DAY, read

NOON = 1_793_880_000
GOOD = [{"role": "user", "content": "Hello?"}]
REPLY = {"role": "assistant", "content": "Yes."}
HI = {"role": "user", "content": "Hi"}
Make = Callable[[str, list[Any], Any, Any], Any]


def openai(name: str, asked: list[Any], reply: Any, started: Any) -> Any:
    response = {"id": f"r-{name}", "choices": [{"message": reply}]}
    return {"timestamp": started, "session_id": name, "request": {"messages": asked}, "response": response}


def span(name: str, attributes: dict[str, Any], started: Any) -> Any:
    listed = [{"key": key, "value": {"stringValue": value}} for key, value in attributes.items()]
    told = {"traceId": f"t-{name}", "spanId": f"s-{name}", "startTimeUnixNano": started, "attributes": listed}
    return {"resourceSpans": [{"scopeSpans": [{"spans": [told]}]}]}


def otel(name: str, asked: list[Any], reply: Any, started: Any) -> Any:
    def with_parts(message: Any) -> Any:
        said = message.get("content")
        parts = said if isinstance(said, list) else [{"type": "text", "content": said}]
        return {key: each for key, each in message.items() if key != "content"} | {"parts": parts}

    about = {"gen_ai.operation.name": "chat", "session.id": name}
    about["gen_ai.input.messages"] = json.dumps([with_parts(each) for each in asked])
    about["gen_ai.output.messages"] = json.dumps([with_parts(reply)])
    return span(name, about, started)


def openinference(name: str, asked: list[Any], reply: Any, started: Any) -> Any:
    about = {"openinference.span.kind": "LLM", "session.id": name}
    for side, messages in (("input", asked), ("output", [reply])):
        for number, message in enumerate(messages):
            about |= {f"llm.{side}_messages.{number}.message.{key}": value for key, value in message.items()}
    return span(name, about, started)


def events(name: str, asked: list[Any], reply: Any, started: Any) -> Any:
    """The legacy events, in one attribute."""
    told = [each | {"event.name": f"gen_ai.{each.get('role')}.message"} for each in asked]
    told.append({"event.name": "gen_ai.choice", "index": 0, "message": reply})
    about = {"gen_ai.operation.name": "chat", "session.id": name, "events": json.dumps(told)}
    return span(name, about, started)


def langfuse(name: str, asked: list[Any], reply: Any, started: Any) -> Any:
    row = {"id": f"o-{name}", "traceId": f"t-{name}", "type": "GENERATION", "startTime": started, "sessionId": name}
    return row | {"input": {"messages": asked}, "output": reply}


def langfuse_database(name: str, asked: list[Any], reply: Any, started: Any) -> Any:
    row = {"id": f"o-{name}", "trace_id": f"t-{name}", "type": "GENERATION", "start_time": started, "session_id": name}
    return row | {"input": json.dumps(asked), "output": json.dumps(reply)}


def tensorzero(name: str, asked: list[Any], reply: Any, started: Any) -> Any:
    row = {"id": f"i-{name}", "function_name": "f", "tags": {"session_id": name}, "timestamp": started}
    content = reply.get("content")
    blocks = [{"type": "text", "text": content}] if content else []
    return row | {"input": json.dumps({"messages": asked}), "output": json.dumps(blocks)}


def langsmith(name: str, asked: list[Any], reply: Any, started: Any) -> Any:
    run = {"id": f"run-{name}", "run_type": "llm", "start_time": started, "extra": {"metadata": {"session_id": name}}}
    return run | {"inputs": {"messages": asked}, "outputs": {"choices": [{"message": reply}]}}


MAKE: dict[str, Make] = {
    each.__name__: each
    for each in (openai, otel, openinference, events, langfuse, langfuse_database, tensorzero, langsmith)
}  # fmt: skip
WITH_JSON_MESSAGES = [name for name in MAKE if name != "openinference"]
"""OpenInference has one attribute for each field of a message."""


def day_of(root: Path, name: str, *lines: bytes) -> DayRead:
    """A day with a good line and others of one format."""
    good = json.dumps(MAKE[name]("good", GOOD, REPLY, NOON * 10**9)).encode()
    path = root / f"dt={DAY}" / "a.jsonl"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"\n".join([good, *lines]))
    return read(root)


def damaged(name: str, conversation: str, message: dict[str, Any]) -> bytes:
    """A line of its own conversation with a message in whose keys and values `~` marks what is no valid JSON."""
    text = json.dumps(MAKE[name](conversation, [message], REPLY, NOON * 10**9))
    for quote in ('"', '\\"', '\\\\\\"'):
        text = text.replace(f"{quote}~NaN{quote}", "NaN")
    return text.replace("~", "").encode()


def kept_aside(day: DayRead, bad: int) -> list[str]:
    """Why each of the bad lines was kept aside; the good one is read whatever lies beside it, and all are accounted for."""
    (row,) = day.conversations.to_dicts()
    assert row["conversation_id"] == "good"
    assert [each["content"] for each in row["messages"]] == ["Hello?", "Yes."]
    assert (day.counts["lines"], day.counts["conversation_lines"], day.counts["ignored"]) == (1 + bad, 1, 0)
    assert day.quarantine["source_line"].to_list() == list(range(2, 2 + bad))
    return day.quarantine["reason"].to_list()


BAD_LINES = [
    (b"Hi", b"H\xff", "bad_encoding"),
    (b"Hi", b"H\x00i", "not_json"),
    (b"Hi", b"H\ti", "not_json"),
    (b"}", b', "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "too_deep"),
    (b"}", b', "x": NaN}', "not_json"),
    (b"}", b', "x": [-Infinity, "y"]}', "not_json"),
    (b"}", b', "x": 1, "x": 2}', "duplicate_key"),
    (b"}", b', "x": {"tools": [{"y": 1, "y": 2}]}}', "duplicate_key"),
    (b"}", b"", "not_json"),
]
"""Bytes of a line of which the last ones are replaced, by what, and why the line is kept aside."""


@pytest.mark.parametrize("name", MAKE)
def test_lines_that_are_no_trustworthy_json(tmp_path: Path, name: str) -> None:
    whole = json.dumps(MAKE[name]("bad", [HI], REPLY, NOON * 10**9)).encode()
    lines = [new.join(whole.rsplit(old, 1)) for old, new, _ in BAD_LINES]
    day = day_of(tmp_path, name, *lines)
    assert kept_aside(day, len(lines)) == [reason for _, _, reason in BAD_LINES]


LOSING: list[tuple[dict[str, Any], str]] = [
    ({"role": "user", "content": "LOST", "content~": "Hi"}, "duplicate_key"),
    ({"role": "user", "role~": "assistant", "content": "Hi"}, "duplicate_key"),
    ({"role": "user", "content": "Hi", "index": "~NaN"}, "not_json"),
]


@pytest.mark.parametrize("name", WITH_JSON_MESSAGES)
def test_a_message_that_would_lose_something(tmp_path: Path, name: str) -> None:
    words = "parts" if name == "otel" else "content"
    messages = [{key.replace("content", words): value for key, value in message.items()} for message, _ in LOSING]
    day = day_of(tmp_path, name, *(damaged(name, f"bad-{number}", message) for number, message in enumerate(messages)))
    assert kept_aside(day, len(messages)) == [reason for _, reason in LOSING]


STRANGE = {"role": "narrator", "content": "He waits."}
OF_NOBODY: list[list[dict[str, Any]]] = [
    [HI, STRANGE],
    [STRANGE, HI],
    [STRANGE],
    [HI, {"content": "He waits."}],
    [HI, {"role": None, "content": "He waits."}],
]


@pytest.mark.parametrize("name", MAKE)
def test_a_message_of_nobody(tmp_path: Path, name: str) -> None:
    lines = [
        json.dumps(MAKE[name](f"bad-{number}", asked, REPLY, NOON * 10**9)).encode() for number, asked in enumerate(OF_NOBODY)
    ]
    assert kept_aside(day_of(tmp_path, name, *lines), len(lines)) == ["unknown_role"] * len(lines)


@pytest.mark.parametrize("name", [name for name in MAKE if name != "tensorzero"])
def test_a_reply_of_nobody(tmp_path: Path, name: str) -> None:
    line = json.dumps(MAKE[name]("bad", [HI], {"role": "narrator", "content": "Yes."}, NOON * 10**9)).encode()
    assert kept_aside(day_of(tmp_path, name, line), 1) == ["unknown_role"]


@pytest.mark.parametrize("name", MAKE)
def test_an_escaped_nul_is_kept_as_it_is(tmp_path: Path, name: str) -> None:
    line = json.dumps(MAKE[name]("nul", [{"role": "user", "content": "H\x00i"}], REPLY, NOON * 10**9)).encode()
    assert said(day_of(tmp_path, name, line), "nul") == ["H\x00i", "Yes."]


@pytest.mark.parametrize("name", MAKE)
def test_an_empty_text_is_a_turn_without_text(tmp_path: Path, name: str) -> None:
    line = json.dumps(MAKE[name]("empty", [{"role": "user", "content": ""}], REPLY, NOON * 10**9)).encode()
    assert said(day_of(tmp_path, name, line), "empty") == [None, "Yes."]


IMAGES = {
    "otel": {"type": "uri", "mime_type": "image/png", "uri": "https://x.example/i.png"},
    "tensorzero": {"type": "image", "url": "https://x.example/i.png"},
}
INLINE = {
    "otel": {"type": "blob", "mime_type": "image/png", "content": "AAAA"},
    "tensorzero": {"type": "image", "mime_type": "image/png", "data": "AAAA"},
}


@pytest.mark.parametrize("name", WITH_JSON_MESSAGES)
def test_images_are_kept_as_references(tmp_path: Path, name: str) -> None:
    text = {"type": "text", "content" if name == "otel" else "text": "See"}
    image = IMAGES.get(name, {"type": "image_url", "image_url": {"url": "https://x.example/i.png"}})
    inline = INLINE.get(name, {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}})
    line = json.dumps(MAKE[name]("seen", [{"role": "user", "content": [text, image, inline]}], REPLY, NOON * 10**9)).encode()
    assert said(day_of(tmp_path, name, line), "seen") == ["See\n<IMAGE: https://x.example/i.png>\n<IMAGE: inline>", "Yes."]


TIMES = [NOON, str(NOON), NOON * 10**3, NOON * 10**6, NOON * 10**9, str(NOON * 10**9), "2026-11-05T13:00:00+01:00"]


@pytest.mark.parametrize("name", MAKE)
def test_times_in_every_unit(tmp_path: Path, name: str) -> None:
    lines = [json.dumps(MAKE[name](f"c-{number}", [HI], REPLY, each)).encode() for number, each in enumerate(TIMES)]
    day = day_of(tmp_path, name, *lines)
    assert said(day, "c-0") == ["Hi", "Yes."]
    assert day.conversations["started_at"].to_list() == [dt.datetime(2026, 11, 5, 12, tzinfo=dt.UTC)] * (len(TIMES) + 1)


@pytest.mark.parametrize("name", MAKE)
def test_a_call_without_a_time_is_counted(tmp_path: Path, name: str) -> None:
    day = day_of(tmp_path, name, json.dumps(MAKE[name]("never", [HI], REPLY, "at noon")).encode())
    assert (day.counts["conversations"], dict(day.ignored)) == (1, {"no_time": 1})


def said(day: DayRead, name: str) -> list[str | None]:
    """What was said in a conversation."""
    assert day.counts["quarantined"] == day.counts["ignored"] == 0
    found = {row["conversation_id"]: row["messages"] for row in day.conversations.to_dicts()}
    return [each["content"] for each in found[name]]


REFUSED: dict[str, tuple[str | None, str]] = {
    "null": (None, "I can't."),
    "empty": ("", "I can't."),
    "said": ("Hm.", "Hm.\nI can't."),
}


@pytest.mark.parametrize("name", [name for name in WITH_JSON_MESSAGES if name not in {"otel", "tensorzero"}])
def test_a_refusal_is_what_the_reply_says(tmp_path: Path, name: str) -> None:
    replies = {case: {"role": "assistant", "content": content, "refusal": "I can't."} for case, (content, _) in REFUSED.items()}
    lines = [json.dumps(MAKE[name](case, [HI], reply, NOON * 10**9)).encode() for case, reply in replies.items()]
    day = day_of(tmp_path, name, *lines)
    assert {case: said(day, case) for case in REFUSED} == {case: ["Hi", text] for case, (_, text) in REFUSED.items()}
