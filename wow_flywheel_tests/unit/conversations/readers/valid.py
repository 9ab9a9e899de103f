"""Small valid documents of every format: a conversation of two calls, feedback on it, and what belongs to neither."""

import json
from typing import Any

NOON = 1_762_344_000
ASKED = [{"role": "user", "content": "Hi"}]
AGAIN = [*ASKED, {"role": "assistant", "content": "Hello!"}, {"role": "user", "content": "Where is order 7?"}]
EPISODE = "019a53e3-5a00-7000-8000-00000000000e"
INFERENCE = "019a53e3-5a00-7000-8000-00000000000{}"


def _call(number: int, messages: list[Any], reply: str) -> dict[str, Any]:
    response = {"id": f"r-{number}", "choices": [{"message": {"role": "assistant", "content": reply}}]}
    return {"timestamp": NOON + number, "session_id": "s-1", "request": {"messages": messages}, "response": response}


def _chunk(text: str) -> dict[str, Any]:
    response = {"id": "r-9", "object": "chat.completion.chunk", "choices": [{"delta": {"content": text}}]}
    return {"timestamp": NOON, "user_id": "u-9", "request": {"messages": ASKED}, "response": response}


def _span(number: int, attributes: dict[str, Any]) -> dict[str, Any]:
    listed = [{"key": key, "value": {"stringValue": value}} for key, value in attributes.items()]
    times = {"startTimeUnixNano": str((NOON + number) * 10**9), "endTimeUnixNano": str((NOON + number) * 10**9 + 9)}
    span = {"traceId": "t-1", "spanId": f"s-{number}", "attributes": listed} | times
    return {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}


def _llm(number: int, messages: list[Any], reply: str) -> dict[str, Any]:
    said = [{"role": each["role"], "parts": [{"type": "text", "content": each["content"]}]} for each in messages]
    answer = [{"role": "assistant", "parts": [{"type": "text", "content": reply}]}]
    about = {"gen_ai.operation.name": "chat", "gen_ai.conversation.id": "s-1"}
    return _span(number, about | {"gen_ai.input.messages": json.dumps(said), "gen_ai.output.messages": json.dumps(answer)})


def _evaluation(span: str, name: str, trace: str = "t-1") -> dict[str, Any]:
    about = {"gen_ai.evaluation.name": name, "gen_ai.evaluation.score.label": "good"}
    listed = [{"key": key, "value": {"stringValue": value}} for key, value in about.items()]
    record = {"eventName": "gen_ai.evaluation.result", "traceId": trace, "spanId": span, "attributes": listed}
    return {"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}


def _observation(number: int, messages: list[Any], reply: str) -> dict[str, Any]:
    times = {"startTime": f"2026-11-05T08:0{number}:00Z", "endTime": f"2026-11-05T08:0{number}:09Z"}
    row = {"id": f"o-{number}", "traceId": "t-1", "type": "GENERATION", "input": messages, "output": reply}
    return row | times


def _score(number: int, **more: Any) -> dict[str, Any]:
    return {"id": f"sc-{number}", "traceId": "t-1", "name": "thumb", "value": 1, "source": "API", "dataType": "NUMERIC"} | more


def _run(number: int, kind: str, inputs: Any, outputs: Any) -> dict[str, Any]:
    root = f"20261105T080000000000Z{'0' * 35}0"
    order = root if number == 0 else f"{root}.20261105T080{number}00000000Z{'0' * 35}{number}"
    times = {"start_time": f"2026-11-05T08:0{number}:00", "end_time": f"2026-11-05T08:0{number}:05"}
    run = {"id": f"{'0' * 35}{number}", "trace_id": "0" * 36, "run_type": kind, "name": "support", "dotted_order": order}
    extra = {"metadata": {"thread_id": "s-1", "ls_model_name": "m-1"}}
    return run | times | {"inputs": inputs, "outputs": outputs, "extra": extra, "session_id": "project"}


def _inference(number: int, messages: list[Any], reply: str) -> dict[str, Any]:
    row = {"id": INFERENCE.format(number), "function_name": "support", "episode_id": EPISODE, "tags": {"user_id": "u-1"}}
    return row | {"input": json.dumps({"messages": messages}), "output": json.dumps([{"type": "text", "text": reply}])}


DOCUMENTS: dict[str, list[dict[str, Any]]] = {
    "openai": [
        _call(1, ASKED, "Hello!"),
        _call(2, AGAIN, "On its way."),
        _call(3, AGAIN, "On its way!"),
        _chunk("One "),
        _chunk("moment."),
        {"response_id": "r-3", "feedback": {"thumb": "up", "correction": "It is on its way."}},
        {"session_id": "s-1", "feedback": {"comment": "Nice."}},
        {"call_id": "elsewhere", "feedback": {"rating": 5}},
    ],
    "otel": [
        _llm(1, ASKED, "Hello!"),
        _llm(2, AGAIN, "On its way."),
        _span(3, {"gen_ai.operation.name": "execute_tool"}),
        _evaluation("s-2", "user_feedback"),
        _evaluation("s-1", "faithfulness"),
        _evaluation("s-9", "human label", "elsewhere"),
        {"resourceSpans": []},
    ],
    "langfuse": [
        _observation(1, ASKED, "Hello!"),
        _observation(2, AGAIN, "On its way."),
        _observation(3, ASKED, "Title: greeting") | {"type": "SPAN"},
        {"id": "t-1", "timestamp": "2026-11-05T08:00:00Z", "sessionId": "s-1", "userId": "u-1", "name": "support"},
        {"trace": {"id": "t-2", "timestamp": "2026-11-05T08:00:00Z"}, "observations": []},
        _score(1),
        _score(2, source="EVAL"),
        _score(3, traceId="elsewhere"),
        _score(4, dataType="CORRECTION", value=None, stringValue="It is on its way.", observationId="o-2"),
    ],
    "tensorzero": [
        _inference(1, ASKED, "Hello!"),
        _inference(2, AGAIN, "On its way."),
        {"inference_id": INFERENCE.format(1), "model_name": "m-1", "input_tokens": 3, "output_tokens": 4},
        {"id": "1", "target_id": EPISODE, "metric_name": "solved", "value": True},
        {"id": "2", "inference_id": INFERENCE.format(2), "value": '[{"type": "text", "text": "It is on its way."}]'},
        {"id": "3", "target_id": "elsewhere", "metric_name": "solved", "value": True},
    ],
    "langsmith": [
        _run(1, "llm", {"messages": [ASKED]}, {"generations": [[{"text": "Hello!"}]]}),
        _run(2, "llm", {"messages": AGAIN}, {"choices": [{"message": {"role": "assistant", "content": "On its way."}}]}),
        _run(0, "chain", {"input": "Hi"}, {"output": "Hello!"}),
        _run(3, "tool", {"input": "{}"}, {"output": "sent"}),
        {"id": "f-1", "run_id": "0" * 35 + "2", "key": "user_score", "score": 1, "comment": "Nice."},
        {"id": "f-2", "run_id": "0" * 36, "key": "note", "correction": {"output": "It is on its way."}},
        {"id": "f-3", "run_id": "0" * 36, "key": "judge", "score": 0.2, "feedback_source": {"type": "model"}},
        {"id": "f-4", "run_id": "elsewhere", "key": "user_score", "score": 0},
    ],
}
"""By format; of each the first two make one conversation."""
