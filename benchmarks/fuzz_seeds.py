"""Small valid documents of every format: what the fuzzer of the readers begins with.

What belongs here: documents. What does not: writing them as files (`fuzz_packings`), spoiling them (`fuzz_mutations`).
"""

import gzip
import json
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, Final

from wow_flywheel.conversations.readers.registry import detect

Documents = list[Any]
START: Final = 1_793_865_600
"""2026-11-05T08:00:00Z."""
TIME: Final = "2026-11-05T08:00:{:02d}Z"
LARGEST: Final = 6_000
"""Characters of a sample's document: larger ones would make the fuzzer slow."""
TOOL_CALL: Final = {"id": "t1", "type": "function", "function": {"name": "find", "arguments": '{"order": 7}'}}
TURNS: Final[Documents] = [
    {"role": "user", "content": "Where is my order? Mail ann.lee@mail.example"},
    {"role": "assistant", "content": None, "tool_calls": [TOOL_CALL]},
    {"role": "tool", "tool_call_id": "t1", "content": '{"eta": "2 days"}'},
    {"role": "assistant", "content": "In two days. 好"},
]
ENDS: Final = (2, 4)
"""After how many turns a call ends."""


def native() -> Documents:
    """Two conversations, the first again after it went on, and a line of feedback."""
    timed = [turn | {"created_at": TIME.format(number)} for number, turn in enumerate(TURNS)]
    about = {
        "user_id": "u-1",
        "channel": "chat",
        "scenario": "order",
        "model": "m",
        "locale": "en",
        "metadata": {"a": [1, None]},
    }
    times = {"started_at": TIME.format(0), "ended_at": TIME.format(30)}
    rated = {"feedback": {"thumb": "up", "rating": 4, "comment": "ok"}}
    first = {"conversation_id": "c-1"} | about | times
    return [
        first | {"messages": timed[:2]},
        first | {"messages": timed} | rated,
        {"conversation_id": "c-2"} | about | {"started_at": str(START), "ended_at": str(START + 9), "messages": timed[:1]},
        {"conversation_id": "c-2", "feedback": {"thumb": "down"}},
    ]


def openai() -> Documents:
    """A session of two calls, and a call of a customer without a session."""
    return [_call(number, TURNS[:end], session_id="s-1") for number, end in enumerate(ENDS)] + [
        _call(9, [TURNS[0], TURNS[3]], user_id="u-1")
    ]


def _call(number: int, turns: Documents, **about: Any) -> dict[str, Any]:
    asked = [{"role": "system", "content": "Be kind."}, *turns[:-1]]
    answer = {"index": 0, "message": turns[-1], "finish_reason": "stop"}
    usage = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
    return {
        "timestamp": START + number,
        "workload_id": "support",
        "request": {"model": "m", "messages": asked, "temperature": 0.5},
        "response": {"id": f"r-{number}", "object": "chat.completion", "model": "m", "choices": [answer], "usage": usage},
    } | about


def otel() -> Documents:
    """Spans of the GenAI conventions, as they are and as they were, and of OpenInference; and one of a tool."""
    current = {
        "gen_ai.operation.name": "chat",
        "gen_ai.conversation.id": "s-1",
        "user.id": "u-1",
        "gen_ai.usage.input_tokens": 3,
    }
    spans = [_span(number, current | _messages(TURNS[:end])) for number, end in enumerate(ENDS)]
    legacy = {"gen_ai.system": "x", "gen_ai.prompt.0.role": "user", "gen_ai.prompt.0.content": "Hi",
              "gen_ai.completion.0.role": "assistant", "gen_ai.completion.0.content": "Hello"}  # fmt: skip
    inference = {"openinference.span.kind": "LLM", "llm.model_name": "m", "session.id": "s-2",
                 "llm.input_messages.0.message.role": "user", "llm.input_messages.0.message.content": "Hi",
                 "llm.output_messages.0.message.role": "assistant",
                 "llm.output_messages.0.message.content": "Hello"}  # fmt: skip
    tool = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "find"}
    return [_export(*spans), _export(_span(5, legacy), _span(6, tool)), _export(_span(7, inference))]


def _messages(turns: Documents) -> dict[str, str]:
    said = json.dumps([_parts(turn) for turn in turns[:-1]])
    answered = json.dumps([_parts(turns[-1]) | {"finish_reason": "stop"}])
    return {"gen_ai.input.messages": said, "gen_ai.output.messages": answered}


def _parts(turn: dict[str, Any]) -> dict[str, Any]:
    if turn["role"] == "tool":
        held = [{"type": "tool_call_response", "id": turn["tool_call_id"], "response": turn["content"]}]
    else:
        held = [{"type": "text", "content": turn["content"]}] if turn["content"] else []
        held += [{"type": "tool_call", "id": call["id"], **call["function"]} for call in turn.get("tool_calls", ())]
    return {"role": turn["role"], "parts": held}


def _span(number: int, attributes: dict[str, Any]) -> dict[str, Any]:
    nanoseconds = (START + number) * 10**9
    values = {str: "stringValue", int: "intValue"}
    return {
        "traceId": f"trace-{number}",
        "spanId": f"span-{number}",
        "startTimeUnixNano": str(nanoseconds),
        "endTimeUnixNano": str(nanoseconds + 5),
        "attributes": [{"key": key, "value": {values[type(value)]: value}} for key, value in attributes.items()],
    }


def _export(*spans: dict[str, Any]) -> dict[str, Any]:
    return {"resourceSpans": [{"scopeSpans": [{"spans": list(spans)}]}]}


def langfuse() -> Documents:
    """A trace with its observation and score, and the same as rows of another trace."""
    trace = {"id": "t-1", "name": "support", "timestamp": TIME.format(0), "sessionId": "s-1", "userId": "u-1"}
    generation = {"id": "o-1", "traceId": "t-1", "type": "GENERATION", "startTime": TIME.format(1), "endTime": TIME.format(2),
                  "model": "m", "input": json.dumps(TURNS[:3]), "output": json.dumps(TURNS[3]),
                  "usageDetails": {"input": 7, "output": 3}}  # fmt: skip
    score = {"id": "x-1", "traceId": "t-1", "timestamp": TIME.format(9), "name": "thumb", "value": 1, "dataType": "NUMERIC",
             "source": "ANNOTATION"}  # fmt: skip
    rows = [trace | {"id": "t-2", "sessionId": "s-2"}, generation | {"id": "o-2", "traceId": "t-2"}]
    return [{"trace": trace | {"scores": [score]}, "observations": [generation]}, *rows, score | {"traceId": "t-2"}]


def tensorzero() -> Documents:
    """Two inferences of an episode, what its model was, a score and a demonstration."""
    ids = [f"019a53e3-5a00-7000-8000-00000000000{number}" for number in range(3)]
    asked = [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]
    call = {"type": "tool_call", "id": "c1", "name": None, "raw_name": "find", "arguments": {"order": 7}}
    result = {"role": "user", "content": [{"type": "tool_result", "id": "c1", "name": "find", "result": "sent"}]}
    answer = [{"type": "text", "text": "Hello"}]
    about = {"function_name": "support", "variant_name": "v", "episode_id": ids[0], "tags": {"user_id": "u-1"}}
    longer = [*asked, {"role": "assistant", "content": [call]}, result]
    return [
        {"id": ids[1], "input": json.dumps({"system": "Be kind.", "messages": asked}), "output": json.dumps([call])} | about,
        {"id": ids[2], "input": {"messages": longer}, "output": answer, "processing_time_ms": 5} | about,
        {"inference_id": ids[2], "model_name": "m", "input_tokens": 7, "output_tokens": 3},
        {"id": "1", "target_id": ids[2], "metric_name": "solved", "value": True},
        {"id": "2", "inference_id": ids[2], "value": json.dumps(answer)},
    ]


def langsmith() -> Documents:
    """The runs of a trace: its root, a call with messages as LangChain writes them, and one as OpenAI does."""
    trace = "00000000-0000-0000-0000-0000000000a0"
    said = {
        "lc": 1,
        "type": "constructor",
        "id": ["langchain", "schema", "messages", "HumanMessage"],
        "kwargs": {"content": "Hi"},
    }
    called = {"name": "find", "args": {"order": 7}, "id": "t1", "type": "tool_call"}
    replied = said | {"id": [*said["id"][:3], "AIMessage"], "kwargs": {"content": "", "tool_calls": [called]}}

    def run(number: int, kind: str, inputs: Any, outputs: Any, **about: Any) -> dict[str, Any]:
        name = f"{trace[:-1]}{number}"
        above = f"20261105T080000000000Z{trace[:-1]}0." if number else ""
        order = f"{above}20261105T08000{number}000000Z{name}"
        times = {"start_time": TIME.format(number)[:-1], "end_time": TIME.format(number)[:-1] + ".5"}
        ids = {"id": name, "trace_id": f"{trace[:-1]}0", "run_type": kind, "name": "agent", "dotted_order": order}
        return ids | times | {"inputs": inputs, "outputs": outputs} | about

    user = {"extra": {"metadata": {"thread_id": "s-1", "user_id": "u-1", "ls_model_name": "m"}}}
    usage = {"token_usage": {"prompt_tokens": 9, "completion_tokens": 4}}
    return [
        run(0, "chain", {"input": "Hi"}, {"output": "In two days. 好"}, **user),
        run(
            1, "llm", {"messages": [[said]]}, {"generations": [[{"text": "", "message": replied}]], "llm_output": usage}, **user
        ),
        run(2, "llm", json.dumps({"messages": TURNS[:3]}), {"choices": [{"message": TURNS[3]}]}),
    ]


BUILT: Final[Mapping[str, Callable[[], Documents]]] = {
    "native": native,
    "openai": openai,
    "otel": otel,
    "langfuse": langfuse,
    "tensorzero": tensorzero,
    "langsmith": langsmith,
}


def seeds(data: Path) -> dict[str, list[Documents]]:
    """Lists of documents by format.

    Args:
        data: A folder with `log_formats/`, `star/`, `tau/` and `crosswoz/`, from which small documents are taken as well.
    """
    found = {name: [build()] for name, build in BUILT.items()}
    for path in sorted(data.glob("log_formats/*/*.json*")):
        documents = [each for each in islice(_documents(path), 12) if len(json.dumps(each)) <= LARGEST][:3]
        if documents and (name := detect(documents[0])):
            found.setdefault(name, []).append(documents)
    for name in ("star", "tau", "crosswoz"):
        for path in sorted(data.glob(f"{name}/logs/*/*.jsonl.gz"))[:2]:
            found["native"].append([each for each in islice(_documents(path), 12) if len(json.dumps(each)) <= LARGEST][:3])
    return {name: [each for each in lists if each] for name, lists in found.items()}


def _documents(path: Path) -> Iterator[Any]:
    if path.suffix == ".json":
        whole = json.loads(path.read_bytes())
        yield from whole if isinstance(whole, list) else [whole]
        return
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as lines:
        yield from map(json.loads, lines)
