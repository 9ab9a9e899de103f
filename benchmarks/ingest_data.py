"""The data of `benchmarks.ingest`: conversations of the STAR logs, repeated under new ids, all of one day.

What belongs here: building files of native records, OpenAI call logs and OTLP spans, a line at a time. What does not: reading
them.

Each repetition of a log has other ids, long ones as in production (Arrow and Polars hold short texts in another way), other
customers, and other numbers of four digits and more, so no two lines are equal. Dates are moved by whole days, so the hours
stay as they were.
"""

import datetime as dt
import gzip
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

STAR: Final = Path(__file__).parents[2] / "shared" / "data" / "star" / "logs"
DAY: Final = dt.date(2026, 1, 5)
_DATE: Final = re.compile(r'(?<=")\d{4}-\d\d-\d\d(?=T)')
_NUMBER: Final = re.compile(r"(?<![\du])\d{4,}(?![\d-])")
"""Not part of a date, nor of an escape such as \\u2019."""


@dataclass(frozen=True, slots=True)
class Template:
    """A logged conversation, cut where repetitions differ.

    Attributes:
        conversation_id, user_id: As logged.
        texts: What stays, in JSON; between two of them stands a number.
        numbers: These numbers, one fewer.
    """

    conversation_id: str
    user_id: str
    texts: list[str]
    numbers: list[int]

    def line(self, repetition: int) -> str:
        """The record of one repetition, as JSON."""
        numbers = [str(number + repetition) for number in self.numbers] + [""]
        rest = "".join(part for pair in zip(self.texts, numbers, strict=True) for part in pair)
        ids = {
            "conversation_id": f"{self.conversation_id}-{_hash(str(repetition)):032x}",
            "user_id": f"{self.user_id}-{_hash(str(repetition)):032x}",
        }
        return f"{_compact(ids)[:-1]},{rest}"


def build(logs: Path, count: int, file: Path, form: Callable[[str], Iterator[str]]) -> int:
    """Write some conversations as lines of JSON, one held in memory at a time.

    Args:
        logs: Folder of `dt=…/*.jsonl.gz` to repeat.
        count: How many conversations.
        file: Where; its folder is made.
        form: What to write of a native record: `as_it_is`, `openai_calls` or `otel_spans`.

    Returns:
        The file's size in bytes.

    Raises:
        SystemExit: The logs are not there.
    """
    templates = read_templates(logs)
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", encoding="utf-8") as written:
        for number in range(count):
            repetition, place = divmod(number, len(templates))
            written.writelines(f"{line}\n" for line in form(templates[place].line(repetition)))
    return file.stat().st_size


def read_templates(logs: Path) -> list[Template]:
    """Every conversation of the logs, its dates moved to `DAY`."""
    files = sorted(logs.glob("dt=*/*.jsonl.gz"))
    if not files:
        raise SystemExit(f"{logs}: no logs there; name a folder of dt=…/*.jsonl.gz with --logs")
    return [template(json.loads(line)) for path in files for line in gzip.decompress(path.read_bytes()).splitlines()]


def template(record: dict[str, Any]) -> Template:
    """One conversation of the logs, its dates moved to `DAY`."""
    moved = DAY - dt.date.fromisoformat(record["started_at"][:10])
    rest = {name: value for name, value in record.items() if name not in {"conversation_id", "user_id"}}
    text = _DATE.sub(lambda found: str(dt.date.fromisoformat(found[0]) + moved), _compact(rest)[1:])
    return Template(
        record["conversation_id"], record["user_id"], _NUMBER.split(text), [int(each) for each in _NUMBER.findall(text)]
    )


def as_it_is(line: str) -> Iterator[str]:
    """A native record."""
    yield line


def openai_calls(line: str) -> Iterator[str]:
    """A conversation as its calls of a model, one an assistant's turn, each repeating what was said before it.

    One line a call: `{timestamp, workload_id, client_id, session_id, request, response}`, the schema of NVIDIA's data flywheel.
    """
    record = json.loads(line)
    for place, said, reply in _turns(record):
        response = {
            "id": f"{record['conversation_id']}-call-{place}",
            "object": "chat.completion",
            "model": record["model"],
            "choices": [{"index": 0, "finish_reason": "stop", "message": _chat(reply)}],
        }
        call = {
            "timestamp": reply["created_at"],
            "workload_id": record["scenario"],
            "client_id": "support",
            "session_id": record["conversation_id"],
            "request": {"model": record["model"], "user": record["user_id"], "messages": [_chat(each) for each in said]},
            "response": response,
        }
        yield _compact(call)


def otel_spans(line: str) -> Iterator[str]:
    """A conversation as OTLP JSON, an export with one span a call, by the current conventions for generative AI."""
    record = json.loads(line)
    for place, said, reply in _turns(record):
        texts = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": record["model"],
            "gen_ai.agent.name": record["scenario"],
            "gen_ai.conversation.id": record["conversation_id"],
            "user.id": record["user_id"],
            "gen_ai.input.messages": json.dumps([_parts(each) for each in said]),
            "gen_ai.output.messages": json.dumps([_parts(reply) | {"finish_reason": "stop"}]),
        }
        nanoseconds = str(int(dt.datetime.fromisoformat(reply["created_at"]).timestamp()) * 10**9)
        span = {
            "traceId": f"{_hash(record['conversation_id']):032x}",
            "spanId": f"{_hash(record['conversation_id'] + str(place)) % 2**64:016x}",
            "name": "chat",
            "kind": 3,
            "startTimeUnixNano": nanoseconds,
            "endTimeUnixNano": nanoseconds,
            "attributes": [{"key": name, "value": {"stringValue": text}} for name, text in texts.items()],
        }
        yield _compact({"resourceSpans": [{"resource": {"attributes": []}, "scopeSpans": [{"scope": {}, "spans": [span]}]}]})


def _turns(record: dict[str, Any]) -> Iterator[tuple[int, list[dict[str, Any]], dict[str, Any]]]:
    """Place, what was said before, and the turn, for each assistant's turn that has something before it.

    Times in the logs are whole seconds, and calls of a conversation must follow one another, so a call is at least a second
    after the one before it.
    """
    last = dt.datetime.min.replace(tzinfo=dt.UTC)
    for place, message in enumerate(record["messages"]):
        if place and message["role"] == "assistant":
            last = max(last + dt.timedelta(seconds=1), dt.datetime.fromisoformat(message["created_at"]))
            yield place, record["messages"][:place], message | {"created_at": last.isoformat()}


def _chat(message: dict[str, Any]) -> dict[str, Any]:
    return {name: message[name] for name in ("role", "content", "tool_calls", "tool_call_id") if name in message}


def _parts(message: dict[str, Any]) -> dict[str, Any]:
    if message["role"] == "tool":
        return {
            "role": "tool",
            "parts": [{"type": "tool_call_response", "id": message["tool_call_id"], "response": message["content"]}],
        }
    parts = [{"type": "text", "content": message["content"]}] if message.get("content") else []
    for call in message.get("tool_calls") or []:
        function = call["function"]
        parts.append(
            {"type": "tool_call", "id": call["id"], "name": function["name"], "arguments": json.loads(function["arguments"])}
        )
    return {"role": message["role"], "parts": parts}


def _hash(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=16).digest())


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
