"""Calls linked without Python per call give what the careful readers give, and leave them what is not plain."""

import datetime as dt
import io
import json
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wow_flywheel.conversations.call_structures import OPENAI
from wow_flywheel.conversations.chains import HEAVY, LIGHT, LINE, UNCLEAR, link, rows
from wow_flywheel.conversations.lines import read_blocks
from wow_flywheel.conversations.plain import SHAPE
from wow_flywheel.conversations.plain_calls import PlainCalls
from wow_flywheel.conversations.readers.registry import read as read_carefully
from wow_flywheel.conversations.record import parse_record
from wow_flywheel_tests.effort import examples

READER = PlainCalls("openai_calls", OPENAI)
START = 1_762_329_600
TOOL_CALL = {"id": "t1", "type": "function", "function": {"name": "find", "arguments": '{"order":7}'}}
TURNS: list[dict[str, Any]] = [
    {"role": "user", "content": "Where is my order?"},
    {"role": "assistant", "content": None, "tool_calls": [TOOL_CALL]},
    {"role": "tool", "tool_call_id": "t1", "content": '{"eta": "2 days"}'},
    {"role": "assistant", "content": "In two days. 好"},
    {"role": "user", "content": "Thanks"},
    {"role": "assistant", "content": "Bye", "refusal": None, "annotations": []},
]


def document(said: list[dict[str, Any]], number: int, **about: Any) -> dict[str, Any]:
    """A call whose request is all but the last of what was said."""
    return {
        "timestamp": START + number,
        "workload_id": "support",
        "request": {"model": "m", "messages": [{"role": "system", "content": "Be kind."}, *said[:-1]], "temperature": 0.5},
        "response": {
            "id": f"r-{number}",
            "object": "chat.completion",
            "model": "m-1",
            "choices": [{"index": 0, "message": said[-1], "finish_reason": "stop"}],
            "usage": {"prompt_tokens": number, "completion_tokens": 3, "total_tokens": number + 3},
        },
    } | about


def conversation(first: int = 0, turns: list[dict[str, Any]] = TURNS, **about: Any) -> list[dict[str, Any]]:
    ends = [index + 1 for index, turn in enumerate(turns) if turn["role"] == "assistant"]
    return [document(turns[:end], first + number, **about) for number, end in enumerate(ends)]


def plainly(documents: list[Any]) -> tuple[list[dict[str, Any]], list[int]]:
    """Rows of the plain chains, and the places of what is left."""
    data = b"".join(json.dumps(each, ensure_ascii=False).encode() + b"\n" for each in documents)
    (block,) = read_blocks(io.BytesIO(data), "a.jsonl")
    calls = READER.read(block)
    unclear = pl.DataFrame(
        [_known(documents[place // LINE]) for place in calls.filter(~pl.col("plain"))["place"]], schema=pl.Schema(UNCLEAR)
    )
    linked = link(calls.select(list(LIGHT)), unclear)
    found = rows(calls.select("place", *HEAVY), linked.calls)
    left = linked.left.sort() // LINE
    assert sorted([*left, *(found["places"].explode().drop_nulls() // LINE)]) == list(range(len(documents)))
    return found.select(list(SHAPE)).sort("conversation_id").to_dicts(), left.to_list()


def _known(found: Any) -> dict[str, Any]:
    if not isinstance(found, dict):
        return {}
    request = found.get("request")
    user = request.get("user") if isinstance(request, dict) else None
    response = found.get("response")
    texts = {
        "session": found.get("session_id"),
        "customer": user or found.get("user_id"),
        "scenario": found.get("workload_id"),
        "call_id": response.get("id") if isinstance(response, dict) else None,
    }
    return {name: value if isinstance(value, str) and value.strip() else None for name, value in texts.items()}


def carefully(documents: list[Any]) -> list[dict[str, Any]]:
    parsed = [parse_record(json.dumps(each).encode()) for each in read_carefully("openai", enumerate(documents)).records]
    return pl.DataFrame(parsed, schema=pl.Schema(SHAPE)).sort("conversation_id").to_dicts()


def same(documents: list[Any]) -> list[int]:
    """Checks that plain rows and the careful reader of what is left say together what the careful reader says of all."""
    plain, left = plainly(documents)
    rest = carefully([documents[place] for place in left])
    assert sorted([*plain, *rest], key=lambda row: row["conversation_id"]) == carefully(documents)
    return left


def test_a_conversation_is_what_its_last_call_says() -> None:
    found, left = plainly(conversation(session_id="s-1", user_id="u-1"))
    assert left == []
    (row,) = found
    at = [dt.datetime.fromtimestamp(START + second, dt.UTC) for second in range(3)]
    spoken = [(each["role"], each["content"], each["created_at"]) for each in row["messages"]]
    assert spoken == [
        ("system", "Be kind.", at[0]), ("user", "Where is my order?", at[0]), ("assistant", None, at[0]),
        ("tool", '{"eta": "2 days"}', at[1]), ("assistant", "In two days. 好", at[1]), ("user", "Thanks", at[2]),
        ("assistant", "Bye", at[2]),
    ]  # fmt: skip
    assert row["messages"][2]["tool_calls"] == [{"id": "t1", "name": "find", "arguments": '{"order":7}'}]
    assert row["messages"][4]["usage"] == {"prompt_tokens": 1, "completion_tokens": 3}
    told = {name: row[name] for name in ("conversation_id", "user_id", "scenario", "model", "started_at", "ended_at")}
    assert told == {
        "conversation_id": "s-1", "user_id": "u-1", "scenario": "support", "model": "m-1",
        "started_at": at[0], "ended_at": at[2],
    }  # fmt: skip


OTHER = [{"role": "user", "content": "Cancel it"}, {"role": "assistant", "content": "Done"}]
IMAGE = {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}
BOTH = {"role": "assistant", "content": "", "tool_calls": [TOOL_CALL, TOOL_CALL | {"id": "t2"}]}


def named(answered: str) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": answered, "name": "find", "content": "{}"}


def text(*texts: str, **more: Any) -> dict[str, Any]:
    """A customer's message whose content is a list of parts."""
    return {"role": "user", "content": [{"type": "text", "text": each} | more for each in texts]}


def with_arguments(turn: dict[str, Any], arguments: Any) -> dict[str, Any]:
    return turn | {"tool_calls": [TOOL_CALL | {"function": {"name": "find", "arguments": arguments}}]}


def as_objects(turns: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [with_arguments(each, {"order": 7, "why": ["é", None, 1.5]}) if "tool_calls" in each else each for each in turns]


def rated(documents: list[dict[str, Any]], *given: Any) -> list[dict[str, Any]]:
    return [each | {"feedback": feedback} for each, feedback in zip(documents, given, strict=True)]


PLAIN = {
    "one session": conversation(session_id="s"),
    "two sessions, their calls mixed": [
        each
        for pair in zip(conversation(session_id="a"), conversation(10, session_id="b"), strict=True)
        for each in pair
    ],
    "no session, one customer, two openings": [*conversation(user_id="u"), *conversation(10, OTHER, user_id="u")],
    "no session, two customers, one opening": [*conversation(user_id="u"), *conversation(10, user_id="v")],
    "nothing is known of them": conversation(workload_id=None),
    "the customer in the request": [each | {"request": each["request"] | {"user": "w"}} for each in conversation()],
    "an end": [each | {"ended_at": START + 90.25} for each in conversation()],
    "milliseconds": [each | {"timestamp": each["timestamp"] * 1000 + 250} for each in conversation()],
    "fractions": [each | {"timestamp": each["timestamp"] + 0.125} for each in conversation()],
    "RFC 3339": [each | {"timestamp": f"2026-11-05T08:00:0{n}.5+08:00"} for n, each in enumerate(conversation())],
    "the time of the response": [
        {k: v for k, v in each.items() if k != "timestamp"} | {"response": each["response"] | {"created": START + n}}
        for n, each in enumerate(conversation())
    ],
    "fields of vLLM and SGLang": [
        each | {
            "request": each["request"] | {"top_k": 5, "min_p": 0.1, "chat_template_kwargs": {"enable_thinking": False}},
            "response": each["response"] | {
                "prompt_logprobs": None, "kv_transfer_params": None,
                "choices": [
                    each["response"]["choices"][0] | {"stop_reason": 151645, "matched_stop": "x", "logprobs": {"content": []}}
                ],
                "usage": each["response"]["usage"] | {"cost": 0.1},
            },
        }
        for each in conversation()
    ],
    "feedback": rated(conversation(session_id="s"), {"thumb": "up"}, {}, {"thumb": "thumbs_down", "score": 2, "comment": "No"}),
    "metadata": [each | {"metadata": {"session_id": "s", "user_id": 7, "tags": ["a"]}} for each in conversation()],
    "empty metadata": [each | {"metadata": {}} for each in conversation(session_id="s")],
    "metadata of the request": [
        each | {"request": each["request"] | {"metadata": {"thread_id": "t", "scenario": "refunds", "k": {"v": 1}}}}
        for each in conversation()
    ],
    "numbers that name session and user": conversation(session_id=12, user_id=34),
    "content as parts": conversation(turns=[text(each["content"]) if each["role"] == "user" else each for each in TURNS]),
    "all content as parts": conversation(turns=[
        text("hi", "there", "", cache_control={"type": "ephemeral"}), *TURNS[1:2],
        TURNS[2] | {"content": text("a", "", "b")["content"]}, TURNS[3],
    ]),
    "a name of a tool": conversation(turns=[*TURNS[:2], TURNS[2] | {"name": "find"}, *TURNS[3:]]),
    "parallel calls": conversation(turns=[TURNS[0], BOTH, named("t2"), named("t1"), TURNS[3]]),
    "arguments as objects": conversation(turns=as_objects(TURNS)),
    "objects in the request, text in the reply": [
        document([TURNS[0], with_arguments(TURNS[1], '{"order": 7, "why": ["é", null, 1.5]}')], 0, session_id="s"),
        document(as_objects(TURNS)[:4], 1, session_id="s"),
    ],
    "the role developer": [
        each | {"request": each["request"] | {"messages": [{"role": "developer", "content": "Be kind."}, *TURNS[:1]]}}
        for each in conversation()[:1]
    ],
    "fields that come with a vendor": [
        each | {
            "request": each["request"] | {"provider": {"order": ["x"]}, "safety_identifier": "y", "extra": [1, {"z": None}]},
            "response": each["response"] | {
                "provider": "x", "x_groq": {"id": "y"}, "choices": [
                    {"native_finish_reason": "stop", "message": each["response"]["choices"][0]["message"] | {
                        "reasoning_content": "hm", "reasoning": "hm", "reasoning_details": [{"text": "hm"}],
                        "provider_specific_fields": {"refusal": None}, "annotations": [{"url": "x"}], "audio": None}}],
                "usage": each["response"]["usage"] | {"prompt_cache_hit_tokens": 3},
            },
        }
        for each in conversation(session_id="s")
    ],
    "fields that nobody reads": [each | {"latency": 0.5, "tags": ["x"]} for each in conversation()],
}  # fmt: skip
LEFT = {
    "a retry": [*conversation(session_id="s"), document(TURNS[:4], 9, session_id="s")],
    "a branch": [*conversation(session_id="s"), document([*TURNS[:4], *OTHER], 9, session_id="s")],
    "a call that repeats nothing": [*conversation(session_id="s"), document(OTHER, 9, session_id="s")],
    "the end of a history only": [*conversation(session_id="s"), document([TURNS[5], *OTHER], 9, session_id="s")],
    "a call is missing": [conversation(session_id="s")[0], conversation(session_id="s")[2]],
    "two customers say the same": [*conversation(), *conversation(10)],
    "time goes back": [each | {"timestamp": START - n} for n, each in enumerate(conversation())],
    "the instructions change": [
        *conversation(session_id="s")[:2],
        document(TURNS, 2, session_id="s") | {"request": {"messages": TURNS[:-1]}},
    ],
    "a correction": [
        *conversation(session_id="s")[:2],
        conversation(session_id="s")[2] | {"feedback": {"thumb": "down", "correction": "Bye!"}},
    ],
    "a session whose name is a number with a point": [each | {"metadata": {"session_id": 1.5}} for each in conversation()],
    "metadata that is text": [each | {"metadata": '{"session_id": "s"}'} for each in conversation()],
    "an image": [document([{"role": "user", "content": [*text("hi")["content"], IMAGE]}, OTHER[1]], 0)],
    "text that looks like parts beside parts": [
        document([text("hi"), {"role": "user", "content": '[{"type":"text","text":"x"}]'}, OTHER[1]], 0)
    ],
    "a tool of another turn": conversation(turns=[*TURNS[:2], named("t2"), TURNS[3]], session_id="s"),
    "two answers of one name to one call": conversation(
        turns=[TURNS[0], BOTH, named("t1"), named("t1"), TURNS[3]], session_id="s"
    ),
    "arguments as an object and as text": conversation(
        turns=[*TURNS[:4], *as_objects(TURNS)[:4], *TURNS[4:]], session_id="s"
    ),
    "a piece of a stream": [
        each | {"response": each["response"] | {"object": "chat.completion.chunk"}} for each in conversation(session_id="s")[:1]
    ],
    "the history says the reply otherwise": [
        conversation(session_id="s")[0],
        document([TURNS[0], {"role": "assistant", "tool_calls": [TOOL_CALL | {"id": "t9"}]}, *TURNS[2:4]], 1, session_id="s"),
    ],
    "a message that says nothing": [document([*OTHER[:1], {"role": "user"}, OTHER[1]], 0)],
    "a history that begins with the assistant": [document([OTHER[1], *OTHER], 0)],
    "no reply": [document(OTHER, 0) | {"response": {"id": "x", "choices": []}}],
}  # fmt: skip


@pytest.mark.parametrize("name", PLAIN)
def test_plain_calls(name: str) -> None:
    assert same(PLAIN[name]) == []


@pytest.mark.parametrize("name", LEFT)
def test_what_is_not_plain_is_left_with_its_whole_scope(name: str) -> None:
    other = conversation(100, session_id="other")
    documents = [*LEFT[name], *other]
    assert same(documents) == list(range(len(LEFT[name])))


FIELDS = ["timestamp", "session_id", "user_id", "workload_id", "role", "content", "tool_calls", "id", "usage", "name"]
CALLS = [*conversation(session_id="s"), *conversation(10, user_id="u"), *conversation(20, OTHER, user_id="u")]
values = st.none() | st.integers(-1, 3) | st.sampled_from(["", " ", "s", "hi", "[{", '{"a":1}']) | st.just([]) | st.just({})


@settings(max_examples=examples(50), deadline=None)
@given(
    st.lists(st.sampled_from(range(len(CALLS))), min_size=1, max_size=9),
    st.lists(
        st.tuples(
            st.integers(0, 8),
            st.sampled_from(FIELDS),
            values,
        ),
        max_size=2,
    ),
)  # fmt: skip
def test_any_calls(picked: list[int], changes: list[tuple[int, str, Any]]) -> None:
    documents = [json.loads(json.dumps(CALLS[number])) for number in picked]
    for place, name, value in changes:
        changed = documents[place % len(documents)]
        if name in {"role", "content", "tool_calls", "name"}:
            changed["request"]["messages"][-1][name] = value
        elif name in {"id", "usage"}:
            changed["response"][name] = value
        else:
            changed[name] = value
    same(documents)
