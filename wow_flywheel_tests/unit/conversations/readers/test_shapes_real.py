"""Real traces of 11 agent frameworks give the messages that their exporter expects."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from wow_flywheel.conversations.readers.shapes import chat_messages
from wow_flywheel_tests.unit.conversations.readers.samples import SAMPLES, needs_samples, reading

LEFTOVERS = {"json", "tools", "type", "name"}
FRAMEWORKS = 11
EXPECTATIONS = 64


def expectations() -> Iterator[tuple[str, Any, str, list[dict[str, Any]]]]:
    """Name, logged value, side and expected messages of every expectation that the exporter could meet."""
    for trace in sorted(SAMPLES.glob("langfuse/*.trace.json")):
        observations = {each["id"]: each for each in json.loads(trace.read_text())["observations"]}
        expected = json.loads(trace.with_name(trace.name.replace(".trace.", ".chatml.")).read_text())
        for key, sides in expected.items():
            for side, outcome in sides.items():
                if outcome["success"]:
                    name = f"{trace.name.removesuffix('.trace.json')}:{observations[key]['name']}:{key}:{side}"
                    yield name, observations[key][side], side, outcome["data"]


def comparable(message: dict[str, Any]) -> dict[str, Any]:
    """What a message says, whatever its spelling: text, calls with parsed arguments, and which call it answers."""
    content, calls = message.get("content"), list(message.get("tool_calls") or ())
    if isinstance(content, list) and all("type" in part for part in content):
        calls += [part | {"arguments": part["input"]} for part in content if part["type"] == "tool_use"]
        content = "\n".join(part["text"] for part in content if part["type"] == "text")
    if isinstance(content, str) and content.startswith('[{"function"'):  # the exporter leaves Koog's calls as text
        calls, content = json.loads(content), None
    return {
        "text": parsed(content or ""),
        "calls": [comparable_call(call) for call in calls],
        "answers": message.get("tool_call_id"),
    }


def comparable_call(call: dict[str, Any]) -> tuple[str | None, str, Any]:
    function = call.get("function", call)
    return call.get("id") or None, function["name"], parsed(function["arguments"])


def parsed(text: Any) -> Any:
    try:
        return json.loads(text) if isinstance(text, str) else text
    except ValueError:
        return text


def expected_role(message: dict[str, Any], ours: dict[str, Any]) -> str:
    """The role to hold ours to: the exporter leaves Gemini's roles, and Koog's calls under `tool`, as they were logged."""
    if message.get("role") is None:
        return str(ours["role"])
    if str(message.get("content")).startswith('[{"function"'):
        return "assistant"
    if message["role"] == "user" and str(message.get("content")).startswith('{"greeting"'):
        return "tool"
    return {"model": "assistant"}.get(message["role"], message["role"])


CASES = list(expectations())


@needs_samples
def test_the_samples_are_complete() -> None:
    assert len({name.partition(":")[0] for name, *_ in CASES}) == FRAMEWORKS
    assert len(CASES) == EXPECTATIONS


@needs_samples
@pytest.mark.parametrize(("logged", "side", "expected"), [pytest.param(*rest, id=name) for name, *rest in CASES])
def test_every_expectation_of_the_samples_is_met(logged: Any, side: str, expected: list[dict[str, Any]]) -> None:
    meant = [each for each in expected if set(each) - LEFTOVERS]
    ours = chat_messages(logged, "user" if side == "input" else "assistant") or []
    if not meant:  # the exporter found only JSON; a model's choice inside it is a message all the same
        assert [each["role"] for each in ours] == (["assistant"] if "gen_ai.choice" in logged else [])
        return
    assert [comparable(each) for each in ours] == [comparable(each) for each in meant]
    assert [each["role"] for each in ours] == [expected_role(*pair) for pair in zip(meant, ours, strict=True)]


TELLING: dict[str, list[tuple[str, int]]] = {
    "claude-agent-2025-12-22": [
        *(("claude.assistant.turn", turn) for turn in (0, 1, 2)),
        *(("mcp__weather__get_weather", call) for call in (0, 1)),
        ("claude.assistant.turn", 3),
    ],
    "csharp-agent-with-gemini-2026-03-09": [("chat gemini-2.5-flash", -1)],
    "google-adk-2025-08-28": [("call_llm", -1)],
    "koog-2025-08-26": [("llm.chat", -1)],
    "langgraph-python-2025-08-22": [("ChatOpenAI", -1)],
    "llamaindex-2025-06-05": [],
    "microsoft-agent-2025-12-17": [("chat gpt-5-mini", 0), ("chat gpt-5-mini", 1)],
    "openai-agents-2025-09-30": [("response", -1)],
    "pydantic-ai-2025-06-06": [("qa_agent run", 0)],
    "pydantic-ai-tools-2025-06-06": [("qa_agent run", 0)],
    "pydantic-ai-with-gemini-2025-12-24": [("chat gemini-2.5-flash", 0)],
    "vercel-aisdk-2025-11-17": [("ai.generateText.doGenerate", 0)],
}
"""For each sample the observations (a name, and which one of that name by time) whose expected messages, one after another,
are the whole conversation: mostly the last call, which repeats what came before. Left out are the other observations, whose
messages are a part of these (earlier calls, agents, graphs and their nodes, tools), and the sides that the exporter itself
could not read (`success` is false): a tool's arguments, state of a graph."""
ASKED = {"claude-agent-2025-12-22": 1, "llamaindex-2025-06-05": 2}
"""How many messages come before or without them: the exporter reads neither Claude's prompt nor anything of LlamaIndex's
completion, both of which are plain text."""
WITHOUT_IDS = {"google-adk-2025-08-28", "koog-2025-08-26", "claude-agent-2025-12-22"}
"""Samples whose calls or results name no id; ours give each call one, and its result the same."""


def whole(name: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]]]:
    """The messages of a sample's one conversation, those that the exporter expects, and the sample's observations."""
    trace = json.loads((SAMPLES / "langfuse" / f"{name}.trace.json").read_text())
    outcomes = json.loads((SAMPLES / "langfuse" / f"{name}.chatml.json").read_text())
    observations = sorted(trace["observations"], key=lambda each: each["startTime"])
    (record,) = reading("langfuse")([trace]).records
    expected: list[dict[str, Any]] = []
    for telling, place in TELLING[name]:
        sides = outcomes[[each["id"] for each in observations if each["name"] == telling][place]]
        for side in ("input", "output"):
            if sides.get(side, {}).get("success"):
                expected += [each for each in sides[side]["data"] if set(each) - LEFTOVERS]
    return record["messages"], expected, observations


@needs_samples
@pytest.mark.parametrize("name", TELLING)
def test_the_whole_conversation_of_every_sample(name: str) -> None:
    messages, expected, observations = whole(name)
    before = ASKED.get(name, 0)
    ours, theirs = [comparable(each) for each in messages[before:]], [comparable(each) for each in expected]
    if name in WITHOUT_IDS:
        called = [call["id"] for each in messages for call in each.get("tool_calls") or ()]
        assert all(called)
        assert [each["tool_call_id"] for each in messages if each["role"] == "tool"] == called
        ours, theirs = without_ids(ours), without_ids(theirs)
    assert ours == theirs
    assert [each["role"] for each in messages[before:]] == [
        expected_role(*pair) for pair in zip(expected, messages[before:], strict=True)
    ]
    logged = json.dumps(observations, ensure_ascii=False)
    for message in messages[:before]:
        assert message["content"]
        assert json.dumps(message["content"], ensure_ascii=False)[1:-1] in logged


def without_ids(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [each | {"calls": [call[1:] for call in each["calls"]], "answers": None} for each in messages]


@needs_samples
def test_every_sample_with_expectations_is_among_them() -> None:
    assert set(TELLING) == {path.name.removesuffix(".chatml.json") for path in SAMPLES.glob("langfuse/*.chatml.json")}
