"""Requests and responses of a gateway become conversations."""

from typing import Any

from wow_flywheel_tests.unit.conversations.readers.samples import reading

read = reading("openai")


USER = {"role": "user", "content": "Where is order 7?"}
TOOL_CALL = {"id": "c1", "type": "function", "function": {"name": "order", "arguments": '{"number": 7}'}}
NOON = 1_762_344_000


def document(minute: int, messages: list[Any], reply: Any, **more: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": reply} if isinstance(reply, str) else reply
    response = {"id": f"chatcmpl-{minute}", "choices": [{"message": message}], "model": "m-1"}
    response["usage"] = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    request = {"model": "m", "messages": messages}
    return {
        "timestamp": NOON + 60 * minute,
        "workload_id": "support",
        "client_id": "shop",
        "request": request,
        "response": response,
    } | more


def test_a_tool_loop_in_two_calls_is_one_record() -> None:
    asked = {"role": "assistant", "content": None, "tool_calls": [TOOL_CALL]}
    result = {"role": "tool", "content": "sent", "tool_call_id": "c1"}
    found = read([document(1, [USER, asked, result], "On its way."), document(0, [USER], asked)])
    (record,) = found.records
    assert found.parts == {}
    assert (record["conversation_id"], record["scenario"], record["model"]) == ("chatcmpl-0", "support", "m-1")
    assert (record["started_at"], record["ended_at"]) == ("2025-11-05T12:00:00Z", "2025-11-05T12:01:00Z")
    assert [message["role"] for message in record["messages"]] == ["user", "assistant", "tool", "assistant"]
    assert record["messages"][1]["tool_calls"] == [{"id": "c1", "name": "order", "arguments": '{"number": 7}'}]
    assert record["messages"][3]["usage"] == {"prompt_tokens": 10, "completion_tokens": 5}


def test_user_session_and_feedback_are_found_beside_the_request() -> None:
    more = {"metadata": {"session_id": "s-1", "user_id": "u-1"}, "feedback": {"thumb": "up", "rating": 5, "comment": "Nice."}}
    (record,) = read([document(0, [USER], "On its way.", **more)]).records
    assert (record["conversation_id"], record["user_id"]) == ("s-1", "u-1")
    assert record["feedback"] == {"thumb": "up", "score": 5, "comment": "Nice."}


def test_the_chunks_of_a_stream_are_joined() -> None:
    def chunk(delta: dict[str, Any]) -> dict[str, Any]:
        response = {"id": "chatcmpl-9", "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": delta}]}
        return {"timestamp": NOON, "request": {"messages": [USER]}, "response": response}

    pieces = ["{", '"number"', ": 7}"]
    calls = [{"tool_calls": [{"index": 0, "id": "c1", "function": {"name": "order", "arguments": pieces[0]}}]}]
    calls += [{"tool_calls": [{"index": 0, "function": {"arguments": piece}}]} for piece in pieces[1:]]
    (record,) = read(map(chunk, [{"role": "assistant", "content": "One "}, {"content": "moment."}, *calls])).records
    assert record["messages"][1]["content"] == "One moment."
    assert record["messages"][1]["tool_calls"] == [{"id": "c1", "name": "order", "arguments": '{"number": 7}'}]


def test_responses_that_continue_one_another_are_one_record() -> None:
    first = {"id": "resp_1", "created_at": NOON, "output": [{"type": "message", "role": "assistant", "content": "Which one?"}]}
    second = {"id": "resp_2", "created_at": NOON + 9, "output": [{"type": "message", "role": "assistant", "content": "Sent."}]}
    documents = [
        {"request": {"model": "m", "input": "Where is my order?"}, "response": first},
        {"request": {"model": "m", "input": "7", "previous_response_id": "resp_1"}, "response": second},
    ]
    (record,) = read(documents).records
    assert [message["content"] for message in record["messages"]] == ["Where is my order?", "Which one?", "7", "Sent."]


def test_what_is_left_out_is_counted_by_reason() -> None:
    documents = [
        {"hello": "world"},
        document(0, [], "On its way."),
        document(0, [USER], "On its way.") | {"response": {"error": {"code": 500}}},
        document(0, [USER], "On its way.") | {"timestamp": None},
        document(0, [{"role": "system", "content": "Be kind."}], "Hello."),
    ]
    found = read(documents)
    assert found.records == []
    assert found.parts == {"unknown_document": 1, "no_messages": 1, "no_reply": 1, "no_time": 1, "no_user_turn": 1}
