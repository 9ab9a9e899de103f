"""Whatever calls a log holds, reading many lines at once and reading each with care give the same conversations and counts."""

import json
import tempfile
from pathlib import Path
from typing import Any
from unittest.mock import patch

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wow_flywheel.conversations import foreign
from wow_flywheel.conversations.fields import REASONS
from wow_flywheel.conversations.ingest import DayRead
from wow_flywheel.conversations.readers.provenance import IGNORED
from wow_flywheel_tests.effort import examples
from wow_flywheel_tests.unit.conversations.logs import DAY, read
from wow_flywheel_tests.unit.conversations.test_foreign import OTHER, TURNS, export, put, span
from wow_flywheel_tests.unit.conversations.test_plain_calls import conversation

WHERE = ("source_file", "source_line")
CALLS = [*conversation(session_id="s"), *conversation(10, user_id="u"), *conversation(20, OTHER, user_id="u")]
SESSION = {"session.id": "s"}
SPANS = [
    *(span(number, TURNS[:end], **SESSION) for number, end in enumerate((2, 4, 6))),
    *(
        span(number + 10, TURNS[:end], **{"user.id": "u", "gen_ai.usage.input_tokens": "3"})
        for number, end in enumerate((2, 4))
    ),
    span(20, OTHER, **{"user.id": "u", "gen_ai.system_instructions": json.dumps([{"type": "text", "content": "Be kind."}])}),
    span(30, OTHER) | {"attributes": []},
]
CALL_FIELDS = ["customer_name", "context", "timestamp", "session_id", "user_id", "content", "role", "id", "choices"]
SPAN_FIELDS = [
    "startTimeUnixNano", "spanId", "traceId", "events", "session.id", "gen_ai.operation.name", "gen_ai.input.messages",
    "user.name", "gen_ai.output.messages", "gen_ai.usage.input_tokens", "gen_ai.prompt", "gen_ai.system_instructions", "llm.x",
]  # fmt: skip
ROLES = ["user", "assistant", "tool", "system", "bot"]
VALUES = st.none() | st.integers(-1, 3) | st.sampled_from(["", " ", "s", "chat", "[{}]", '{"a":1}', "[]", "1e3", '"x"'])


def whole(documents: list[Any]) -> DayRead:
    with tempfile.TemporaryDirectory() as folder:
        put(Path(folder), "a.jsonl", documents)
        return read(Path(folder))


def same(documents: list[Any]) -> None:
    quick = whole(documents)
    with patch.object(foreign, "PLAIN", {}):
        careful = whole(documents)
    found, expected = (each.conversations.drop(WHERE).to_dicts() for each in (quick, careful))
    assert found == expected
    assert (quick.counts, quick.ignored) == (careful.counts, careful.ignored)
    assert quick.quarantine.equals(careful.quarantine)
    assert quick.counts["lines"] == len(documents)
    assert set(quick.ignored) <= set(IGNORED)
    assert set(quick.quarantine["reason"]) <= set(REASONS)


@settings(max_examples=examples(25), deadline=None)
@given(
    st.lists(st.sampled_from(range(len(CALLS))), min_size=1, max_size=8),
    st.lists(
        st.tuples(
            st.integers(0, 8),
            st.sampled_from(CALL_FIELDS),
            VALUES,
        ),
        max_size=2,
    ),
)
def test_any_calls_of_a_gateway(picked: list[int], changes: list[tuple[int, str, Any]]) -> None:
    documents = [json.loads(json.dumps(CALLS[number])) for number in picked]
    for place, name, value in changes:
        changed = documents[place % len(documents)]
        if name in {"role", "content"}:
            changed["request"]["messages"][-1][name] = value
        elif name in {"id", "choices"}:
            changed["response"][name] = value
        elif name == "context":
            changed[name] = {"user": {"name": value}}
        else:
            changed[name] = value
    same(documents)


@settings(max_examples=examples(25), deadline=None)
@given(
    st.lists(st.lists(st.sampled_from(range(len(SPANS))), min_size=1, max_size=3), min_size=1, max_size=4),
    st.lists(
        st.tuples(
            st.integers(0, 8),
            st.sampled_from(SPAN_FIELDS),
            VALUES,
        ),
        max_size=2,
    ),
)  # fmt: skip
def test_any_spans(lines: list[list[int]], changes: list[tuple[int, str, Any]]) -> None:
    documents = [json.loads(json.dumps(export(*(SPANS[number] for number in picked)))) for picked in lines]
    spans = [each for document in documents for each in document["resourceSpans"][0]["scopeSpans"][0]["spans"]]
    for place, name, value in changes:
        changed = spans[place % len(spans)]
        if "." in name:
            kind = "intValue" if isinstance(value, int) else "stringValue"
            changed["attributes"] = [each for each in changed["attributes"] if each["key"] != name]
            changed["attributes"].append({"key": name, "value": {kind: value}})
        else:
            changed[name] = value
    same(documents)


ARGUMENTS = [{"a": [1, 2.5, None, True, {"b": "x, y: \u00e9"}]}, '{"a":1}', "x", {}, None, {"a": 1e30}, []]
PARTS = st.fixed_dictionaries(
    {"type": st.sampled_from(["text", "tool_call", "tool_call_response", "reasoning", "image"])},
    optional={
        "content": st.sampled_from(["hi", "", None, [], '{"a": 1}']),
        "id": st.sampled_from(["t1", "", None]),
        "name": st.sampled_from(["find", "", None]),
        "arguments": st.sampled_from(ARGUMENTS),
        "response": st.sampled_from([{"eta": "2 days", "n": [1, -2]}, "text", None, {"value": 1}, [1], 5]),
        "result": st.sampled_from([{"k": "v"}, None]),
    },
)


@settings(max_examples=examples(25), deadline=None)
@given(st.lists(st.tuples(st.sampled_from(ROLES), st.lists(PARTS, max_size=2)), max_size=4))
def test_any_messages_in_spans(said: list[tuple[str, list[dict[str, Any]]]]) -> None:
    messages = [{"role": "user", "parts": [{"type": "text", "content": "hello"}]}]
    messages += [{"role": role, "parts": parts} for role, parts in said]
    changed = span(0, OTHER, **SESSION, **{"gen_ai.input.messages": json.dumps(messages)})
    same([export(changed), export(span(40, OTHER, **{"session.id": "other"}))])


def test_what_is_plain_is_read_so() -> None:
    """The properties above would hold if nothing were plain."""
    calls = {name: foreign.PlainCalls(query, expected) for name, (query, expected, _) in foreign.PLAIN.items()}
    with tempfile.TemporaryDirectory() as folder:
        for name, documents in (("openai", CALLS), ("otel", [export(each) for each in SPANS])):
            put(Path(folder), name, documents)
            path = next(Path(folder).glob(f"*/{name}"))
            with path.open("rb") as stream:
                found = pl.concat(map(calls[name].read, foreign.read_blocks(stream, name)))
            assert found["plain"].all(), name


@pytest.mark.parametrize(("scope", "plain"), [({}, True), ({"name": "sdk"}, True), ({"attributes": []}, True), ("sdk", False), (
    {"attributes": [{"key": "user.name", "value": {"stringValue": "Nora"}}]}, False)])  # fmt: skip
def test_scopes_of_spans(scope: Any, plain: bool) -> None:
    documents = [
        {"resourceSpans": [{"scopeSpans": [{"scope": scope, "spans": SPANS[:2]}, {"scope": {}, "spans": SPANS[2:3]}]}]}
    ]
    same(documents)
    with tempfile.TemporaryDirectory() as folder:
        put(Path(folder), "a.jsonl", documents)
        with (Path(folder) / f"dt={DAY}" / "a.jsonl").open("rb") as stream:
            query, expected, _ = foreign.PLAIN["otel"]
            (found,) = map(foreign.PlainCalls(query, expected).read, foreign.read_blocks(stream, "a.jsonl"))
    assert found["plain"].all() is plain


def objects_in(value: Any) -> list[dict[str, Any]]:
    """All objects in a JSON value."""
    inner = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    return [*([value] if isinstance(value, dict) else []), *(found for each in inner for found in objects_in(each))]


WITH_ARGUMENTS = [*OTHER[:1], {"role": "assistant", "tool_calls": [
    {"id": "t", "type": "function", "function": {"name": "f", "arguments": {"a": [{"b": 1}]}}}]}]  # fmt: skip
DAMAGED = [*CALLS[:3], *conversation(30, WITH_ARGUMENTS, session_id="t", tools=[{"x": {"y": 1}}], metadata={"k": "v"})]


@settings(max_examples=examples(25), deadline=None)
@given(st.integers(0, 3), st.integers(0, 99), st.booleans(), st.booleans())
def test_what_a_line_would_lose_is_kept_aside_on_both_ways(number: int, place: int, repeated: bool, inside: bool) -> None:
    """A key twice or NaN, in any object of a line, or of JSON text in it that holds messages."""
    documents = [json.loads(json.dumps(each)) for each in DAMAGED]
    changed = documents[number]
    if inside:
        documents = [json.loads(json.dumps(export(each))) for each in SPANS[:4]]
        attributes = documents[number]["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["attributes"]
        (value,) = (each["value"] for each in attributes if each["key"] == "gen_ai.input.messages")
        changed = json.loads(value["stringValue"])
    found = objects_in(changed)
    where = found[place % len(found)]
    where |= {f"{next(iter(where), 'x')}~": 1, "x": 2} if repeated else {"nan": "~NaN"}
    if inside:
        value["stringValue"] = json.dumps(changed)
    line = json.dumps(documents[number]).replace('\\"~NaN\\"', "NaN").replace('"~NaN"', "NaN").replace("~", "")
    lines = [line.encode() + b"\n" if index == number else each for index, each in enumerate(documents)]
    same(lines)
    quarantine = whole(lines).quarantine
    assert quarantine.select("source_line", "reason").rows() == [(number + 1, "duplicate_key" if repeated else "not_json")]
