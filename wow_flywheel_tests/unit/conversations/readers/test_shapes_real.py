"""Real traces of 11 agent frameworks give the messages that their exporter expects."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from wow_flywheel.conversations.readers.shapes import chat_messages
from wow_flywheel_tests.unit.conversations.readers.samples import SAMPLES, needs_samples

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
