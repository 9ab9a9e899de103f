"""What ordinary gateways add to a call, in any mixture, gives the same on the quick and on the careful way."""

import ast
import io
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wow_flywheel.conversations import readers
from wow_flywheel.conversations.call_structures import OPENAI
from wow_flywheel.conversations.lines import read_blocks
from wow_flywheel.conversations.plain_calls import PlainCalls
from wow_flywheel.conversations.redaction.names import personal_paths
from wow_flywheel_tests.effort import examples
from wow_flywheel_tests.unit.conversations.test_foreign_any import same as same_day
from wow_flywheel_tests.unit.conversations.test_plain_calls import OTHER, TURNS, as_objects, conversation, same, text

NAMES = (
    "session_id",
    "conversation_id",
    "thread_id",
    "user_id",
    "end_user",
    "user",
    "scenario",
    "workload_id",
    "k",
    "user_name",
)
WORTH = st.none() | st.booleans() | st.sampled_from([0, 7, -1, 1.5, "s", "t", "", " ", "r-10", {"name": "Nora"}, [{"a": 1}, 2]])
METADATA = st.dictionaries(st.sampled_from(NAMES), WORTH, max_size=3) | st.sampled_from([None, [], "x", '{"user_id": "v"}'])
FEEDBACK = st.fixed_dictionaries(
    {},
    optional={
        "thumb": st.sampled_from(["up", "Down", "thumbs_down", "sideways", "", None, True, 1, -1, 2]),
        "rating": st.sampled_from([1, 5, 4.5, 0, 6, "good", None, True]),
        "score": st.sampled_from([2, 3.5, -1, None, "bad"]),
        "comment": st.sampled_from(["Fine.", "", " ", "\u200b", None, 3]),
        "correction": st.sampled_from(["Rather so.", None]),
        "by": st.just("x"),
    },
)
PART = st.fixed_dictionaries(
    {"type": st.sampled_from(["text", "text", "output_text", "image_url", "thinking"])},
    optional={
        "text": st.sampled_from(["hi", "", "[x", None, 5]),
        "cache_control": st.just({"type": "ephemeral"}),
        "image_url": st.just({"url": "https://example.org/a"}),
        "arguments": st.just({"a": 1}),
        "Text": st.just("loud"),
    },
)
CONTENT = st.lists(PART | st.just("bare"), max_size=3) | st.sampled_from(
    ["[", "[]", '[{"type": "text", "text": "x"}]', {"a": 1}, 5]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
ARGUMENTS = st.dictionaries(st.text(max_size=4), JSON, max_size=3) | st.sampled_from(["{}", '{"a":1}', "", "x", None, [1]])
VARIANTS = st.one_of(
    st.tuples(st.sampled_from(["metadata", "request.metadata"]), METADATA),
    st.tuples(st.just("feedback"), FEEDBACK),
    st.tuples(st.sampled_from(["first", "last", "reply"]), CONTENT),
    st.tuples(st.just("arguments"), ARGUMENTS),
    st.tuples(st.sampled_from(["name", "tool_call_id"]), st.sampled_from(["find", "t1", "t2", "", None])),
    st.tuples(st.just("object"), st.sampled_from(["chat.completion", "chat.completion.chunk", None])),
)
CALLS = [
    *conversation(session_id="s"),
    *conversation(10, turns=as_objects(TURNS), user_id="u"),
    *conversation(20, [text("Cancel it"), OTHER[1]], metadata={"session_id": "t"}),
    *conversation(30, [*TURNS[:2], TURNS[2] | {"name": "find"}, TURNS[3]], feedback={"thumb": "up"}, workload_id="w"),
]


def changed(document: dict[str, Any], what: str, value: Any) -> None:
    messages, response = document["request"]["messages"], document["response"]
    match what:
        case "metadata" | "feedback":
            document[what] = value
        case "request.metadata":
            document["request"]["metadata"] = value
        case "first" | "last":
            messages[1 if what == "first" else -1]["content"] = value
        case "reply":
            response["choices"][0]["message"]["content"] = value
        case "object":
            response["object"] = value
        case "arguments":
            for each in (*messages, response["choices"][0]["message"]):
                for call in each.get("tool_calls") or ():
                    call["function"]["arguments"] = value
        case _:
            for each in messages:
                if each["role"] == "tool":
                    each[what] = value


@settings(max_examples=examples(40), deadline=None)
@given(
    st.lists(st.sampled_from(range(len(CALLS))), min_size=1, max_size=8),
    st.lists(st.tuples(st.integers(0, 8), VARIANTS), max_size=4),
)
def test_any_mixture_of_what_gateways_add(picked: list[int], changes: list[tuple[int, tuple[str, Any]]]) -> None:
    documents = [json.loads(json.dumps(CALLS[number])) for number in picked]
    for place, (what, value) in changes:
        changed(documents[place % len(documents)], what, value)
    same_day(documents)


@settings(max_examples=examples(60), deadline=None)
@given(st.dictionaries(st.text(max_size=4), JSON, max_size=4))
def test_any_object_as_arguments_is_written_as_the_careful_reader_writes_it(arguments: dict[str, Any]) -> None:
    documents: list[Any] = json.loads(json.dumps(conversation(turns=TURNS[:2], session_id="s")))
    changed(documents[0], "arguments", arguments)
    same(documents)


@cache
def names_in_readers() -> list[str]:
    """Every text in the careful readers' code that may be the name of a field."""
    trees = [ast.parse(each.read_text(encoding="utf-8")) for each in Path(readers.__file__).parent.glob("*.py")]
    texts = {each.value for tree in trees for each in ast.walk(tree) if isinstance(each, ast.Constant)}
    return sorted(each for each in texts if isinstance(each, str) and len(each) < 50 and each.strip() and "\n" not in each)


NORA = {"customer": {"name": "Nora Quist"}}


@pytest.mark.parametrize(("about", "plain"), [
    ({"tags": ["x", {"customer": "Nora"}]}, True),
    ({"tags": ["x", NORA]}, False),
    ({"metadata": {"k": [1, {"user_name": "nora_q"}]}}, False),
    ({"context": [NORA]}, False),
    ({"context": {"key": "customer_name", "value": "Nora Quist"}}, False),
    ({"context": {"key": "colour", "value": "blue"}}, True),
])  # fmt: skip
def test_a_line_that_may_name_its_customer_is_not_plain(about: dict[str, Any], plain: bool) -> None:
    """Also where its JSON types do not tell, since a list holds several of them."""
    lines = b"".join(json.dumps(each).encode() + b"\n" for each in conversation(session_id="s", **about))
    reader = PlainCalls("openai_calls", OPENAI, personal_paths())
    (found,) = map(reader.read, read_blocks(io.BytesIO(lines), "a.jsonl"))
    assert found["plain"].to_list() == [plain] * 3


ODD = st.sampled_from([
    "x", "user", "tool", 1, None, [], {}, True, ["x"], [{"role": "user", "content": "y"}], {"role": "user", "content": "y"},
    {"id": "c", "name": "f", "arguments": {}}, [{"id": "c", "name": "f", "arguments": {}}], {"content": "z"}, {"parts": ["z"]},
])  # fmt: skip


@settings(max_examples=examples(100), deadline=None)
@given(
    st.sampled_from(["request", "response", "choice", "usage", "message", "reply"]),
    st.sampled_from(names_in_readers()),
    st.booleans(),
    ODD,
)
def test_any_further_field_that_some_reader_knows(where: str, name: str, capital: bool, value: Any) -> None:
    documents: list[Any] = json.loads(json.dumps(conversation(session_id="s")))
    response = documents[1]["response"]
    places = {
        "request": documents[1]["request"],
        "response": response,
        "choice": response["choices"][0],
        "usage": response["usage"],
        "message": documents[1]["request"]["messages"][-1],
        "reply": response["choices"][0]["message"],
    }
    places[where].setdefault(name[:1].upper() + name[1:] if capital else name, value)
    same_day(documents)
