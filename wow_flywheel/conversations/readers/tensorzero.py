"""Rows of TensorZero: inferences of chat functions, datapoints, feedback and demonstrations, in any order.

What belongs here: its columns. What does not: content blocks and messages (`shapes`).
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from wow_flywheel.conversations.readers.calls import Call
from wow_flywheel.conversations.readers.corrections import Corrections
from wow_flywheel.conversations.readers.provenance import Documents, LeftOut
from wow_flywheel.conversations.readers.records import Records, records_of
from wow_flywheel.conversations.readers.said import Feedback, Said
from wow_flywheel.conversations.readers.scores import feedback_of
from wow_flywheel.conversations.readers.shapes import chat_messages
from wow_flywheel.conversations.readers.times import moment, uuid7_moment
from wow_flywheel.conversations.readers.values import JsonObject, Message, as_list, as_object, count_of, first_text, structured

USER_TAGS = ("user_id", "user", "customer_id")
SESSION_TAGS = ("conversation_id", "session_id")


def recognises(document: Any) -> bool:
    """Whether a document is a row of an inference, of a datapoint or of feedback."""
    if not isinstance(document, dict):
        return False
    inference = "function_name" in document and "input" in document
    return inference or _is_feedback(document) or _is_model_inference(document)


def time_of(document: Any, _zone: dt.tzinfo = dt.UTC) -> dt.datetime | None:
    """When an inference was asked or feedback was given; a model's row goes with its inference."""
    if not isinstance(document, dict):
        return None
    name = document.get("inference_id" if _is_model_inference(document) else "id")
    return uuid7_moment(name) or moment(document.get("timestamp")) or moment(document.get("updated_at"))


def _is_feedback(row: JsonObject) -> bool:
    return "value" in row and ("target_id" in row or "inference_id" in row)


def _is_model_inference(row: JsonObject) -> bool:
    return "inference_id" in row and "model_name" in row


def read(documents: Documents, _zone: dt.tzinfo = dt.UTC) -> Records:
    """The conversations in rows. Inferences of one function in one episode are one conversation; a demonstration, which is a
    person's better reply, becomes a conversation of its own that ends with it and has a thumb up.
    """
    left, said = LeftOut(), Said()
    calls: dict[str, Call] = {}
    feedback: list[tuple[int, JsonObject]] = []
    models: list[tuple[int, JsonObject]] = []
    for index, row in documents:
        with left.reading([index]):
            if not recognises(row):
                left.add("unknown_document", [index])
            elif _is_feedback(row):
                feedback.append((index, row))
            elif _is_model_inference(row):
                models.append((index, row))
            elif isinstance(call := _call(row, index), Call):
                _replace(calls, call, left)
            else:
                left.add(call, [index])
    for index, row in models:
        _add_model(calls, row, index, left)
    better = _hear(feedback, calls, said, left)
    for call in calls.values():
        if not call.reply and not better.of(call.id):
            left.add("no_reply", call.sources)
    return records_of([*(call for call in calls.values() if call.reply), *better.calls(said)], left, said)


def _replace(calls: dict[str, Call], call: Call, left: LeftOut) -> None:
    """Of rows with one id the last one counts, unless it lacks the answer that an earlier one has."""
    before = calls.get(call.id)
    if before is not None and before.reply and not call.reply:
        left.add("repeated", call.sources)
        return
    if before is not None:
        left.add("repeated", before.sources)
    calls[call.id] = call


def _add_model(calls: dict[str, Call], row: JsonObject, index: int, left: LeftOut) -> None:
    """Which model answered, from the row of its call."""
    call = calls.get(str(row["inference_id"]))
    if call is None:
        left.add("not_a_call", [index])
        return
    usage = {"prompt_tokens": count_of(row.get("input_tokens")), "completion_tokens": count_of(row.get("output_tokens"))}
    calls[call.id] = replace(call, model=first_text(row, "model_name"), usage=usage, sources=call.sources | {index})


def _call(row: JsonObject, index: int) -> Call | str:
    name = first_text(row, "id", "inference_id")
    if "output_schema" in row:
        return "not_a_call"
    started = uuid7_moment(name) or moment(row.get("timestamp")) or moment(row.get("updated_at"))
    asked = chat_messages(as_object(row.get("input")), "user")
    if name is None or not asked:
        return "no_messages"
    if started is None:
        return "no_time"
    tags = as_object(row.get("tags"))
    episode, function = first_text(row, "episode_id"), first_text(row, "function_name")
    return Call(
        id=name,
        started=started,
        ended=_ended(started, row.get("processing_time_ms")),
        request=asked,
        reply=_reply(row.get("output")),
        sources=frozenset({index}),
        aliases=(episode,) if episode else (),
        session=first_text(tags, *SESSION_TAGS) or (f"{episode}:{function}" if episode else None),
        user=first_text(tags, *USER_TAGS),
        model=first_text(row, "variant_name"),
        scenario=function,
    )


def _reply(output: Any) -> list[Message]:
    output = structured(output)
    if isinstance(output, str) and output.strip():
        return [{"role": "assistant", "content": output}]
    blocks = as_list(output)
    return [each for each in chat_messages([{"role": "assistant", "content": blocks}]) or [] if _says(each)] if blocks else []


def _says(message: Message) -> bool:
    return bool(message.get("content") or message.get("tool_calls"))


def _ended(started: Any, milliseconds: Any) -> Any:
    took = count_of(milliseconds)
    return moment(started.timestamp() + took / 1000) if took is not None and took < 10**9 else None


def _hear(rows: Iterable[tuple[int, JsonObject]], calls: dict[str, Call], said: Said, left: LeftOut) -> Corrections:
    """Note what people said of inferences and episodes."""
    better = Corrections()
    for index, row in sorted(rows, key=lambda each: str(each[1].get("id"))):
        target = str(row.get("target_id") or row.get("inference_id"))
        with left.reading([index]):
            reply = _reply(row["value"]) if "inference_id" in row else []
            if reply and target in calls:
                better.add(calls[target], reply, frozenset({index}), left)
            elif found := _feedback(row):
                said.add([target], found, [index])
            else:
                left.add("no_conversation" if reply else "unclear_score", [index])
                if reply:
                    left.wait([target], {}, reply, [index])
    return better


def _feedback(row: JsonObject) -> Feedback:
    if "metric_name" in row:
        return feedback_of(str(row["metric_name"]), row["value"])
    return feedback_of("comment", None, row["value"]) if "inference_id" not in row else {}
