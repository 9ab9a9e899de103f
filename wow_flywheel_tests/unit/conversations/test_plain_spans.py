"""What ordinary instrumentations add to a span, in any mixture, gives the same on the quick and on the careful way."""

import io
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wow_flywheel.conversations.call_structures import OTEL
from wow_flywheel.conversations.lines import read_blocks
from wow_flywheel.conversations.plain_calls import PlainCalls
from wow_flywheel.conversations.redaction.names import personal_paths
from wow_flywheel_tests.effort import examples
from wow_flywheel_tests.unit.conversations.test_foreign import OTHER, export, span
from wow_flywheel_tests.unit.conversations.test_foreign_any import same


def attribute(key: str, value: str) -> dict[str, Any]:
    return {"key": key, "value": {"stringValue": value}}


def event(name: str, *attributes: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "timeUnixNano": "1762329600000000000", "attributes": list(attributes)}


def called(*ids: str) -> dict[str, Any]:
    return {"role": "assistant", "parts": [{"type": "tool_call", "id": each, "name": "f", "arguments": {}} for each in ids]}


def answered(*results: tuple[str, Any]) -> dict[str, Any]:
    return {"role": "tool", "parts": [{"type": "tool_call_response", "id": each, "response": said} for each, said in results]}


def asked(*messages: dict[str, Any], **more: Any) -> dict[str, Any]:
    first = {"role": "user", "parts": [{"type": "text", "content": "hello"}]}
    return span(0, OTHER, **{"gen_ai.input.messages": json.dumps([first, *messages]), "session.id": "s"}) | more


EVALUATION = event("gen_ai.evaluation.result", attribute("gen_ai.evaluation.name", "thumb"),
                   attribute("gen_ai.evaluation.score.label", "up"))  # fmt: skip
SHARES = {
    "an event": (asked(events=[event("exception", attribute("exception.type", "E"))]), True),
    "an event with messages beside attributes that have them": (
        asked(events=[event("gen_ai.user.message", attribute("content", "hello"))]), True
    ),
    "an evaluation": (asked(events=[event("x"), EVALUATION]), False),
    "an event that names the customer": (asked(events=[event("x", attribute("customer.name", "Nora Quist"))]), False),
    "two results in one message": (asked(called("a", "b"), answered(("b", "2"), ("a", {"n": 1}))), True),
    "a result and a number": (asked(called("a", "b"), answered(("b", "2"), ("a", 1))), False),
}  # fmt: skip


@pytest.mark.parametrize("name", SHARES)
def test_what_is_plain(name: str) -> None:
    found, plain = SHARES[name]
    same([export(found)])
    reader = PlainCalls("otel_calls", OTEL, personal_paths())
    (rows,) = map(reader.read, read_blocks(io.BytesIO(json.dumps(export(found)).encode() + b"\n"), "a.jsonl"))
    assert rows["plain"].to_list() == [plain]


EVENTS = st.lists(
    st.builds(
        event,
        st.sampled_from(["x", "exception", "gen_ai.user.message", "gen_ai.choice", "gen_ai.evaluation.result"]),
        st.builds(
            attribute,
            st.sampled_from(["role", "content", "gen_ai.input.messages", "gen_ai.evaluation.name", "session.id"]),
            st.sampled_from(["user", "thumb", "up", "s", '[{"role": "user", "parts": [{"type": "text", "content": "x"}]}]']),
        ),
    ),
    max_size=2,
) | st.sampled_from([None, [{}], [None], "x", [{"name": 5}]])
RESULTS = st.lists(
    st.tuples(st.sampled_from(["a", "b", ""]), st.sampled_from(["1", "", {"n": [1, None]}, None, [1], {"value": 1}])),
    max_size=3,
)


@settings(max_examples=examples(60), deadline=None)
@given(st.lists(st.tuples(EVENTS, RESULTS, st.booleans()), min_size=1, max_size=3))
def test_any_events_and_parallel_results(spans: list[tuple[Any, list[tuple[str, Any]], bool]]) -> None:
    made = []
    for number, (events, results, silent) in enumerate(spans):
        said = [called("a", "b"), answered(*results)] if results else []
        found = asked(*said, events=events, spanId=f"s{number}")
        found["attributes"][:3] = found["attributes"][: 1 if silent else 3]
        made.append(found | {"startTimeUnixNano": str((1_762_329_600 + number) * 10**9)})
    same([export(each) for each in made])
