"""Rows of TensorZero: inferences of chat functions, datapoints, feedback and demonstrations, in any order.

What belongs here: its columns. What does not: content blocks and messages (`shapes`).
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from wow_flywheel.conversations.readers.records import Feedback, Records, records_of
from wow_flywheel.conversations.readers.scores import feedback_of
from wow_flywheel.conversations.readers.sessions import Call, Session
from wow_flywheel.conversations.readers.shapes import chat_messages
from wow_flywheel.conversations.readers.times import moment, uuid7_moment
from wow_flywheel.conversations.readers.values import JsonObject, Message, as_list, as_object, count_of, decoded, first_text

DEMONSTRATED = "-demonstration"
USER_TAGS = ("user_id", "user", "customer_id")
SESSION_TAGS = ("conversation_id", "session_id")


def recognises(document: Any) -> bool:
    """Whether a document is a row of an inference, of a datapoint or of feedback."""
    if not isinstance(document, dict):
        return False
    inference = "function_name" in document and "input" in document
    return inference or _is_feedback(document) or _is_model_inference(document)


def _is_feedback(row: JsonObject) -> bool:
    return "value" in row and ("target_id" in row or "inference_id" in row)


def _is_model_inference(row: JsonObject) -> bool:
    return "inference_id" in row and "model_name" in row


def read(documents: Iterable[Any]) -> Records:
    """The conversations in rows. Inferences of one function in one episode are one conversation; a demonstration, which is a
    person's better reply, becomes a conversation of its own that ends with it and has a thumb up.
    """
    ignored: Counter[str] = Counter()
    inferences: dict[str, Call] = {}
    feedback: list[JsonObject] = []
    models: dict[str, JsonObject] = {}
    for row in documents:
        if not recognises(row):
            ignored["unknown_document"] += 1
        elif _is_feedback(row):
            feedback.append(row)
        elif _is_model_inference(row):
            models[str(row["inference_id"])] = row
        elif isinstance(call := _call(row), Call):
            inferences[call.id] = call
        else:
            ignored[call] += 1
    calls = {name: _with_model(call, models.get(name)) for name, call in inferences.items()}
    answered = {name: call for name, call in calls.items() if call.reply}
    said, better = _said(feedback, calls, ignored)
    ignored["no_reply"] += sum(1 for name in calls if name not in answered and f"{name}{DEMONSTRATED}" not in better)
    found = records_of([*answered.values(), *better.values()], +ignored, lambda session: _merged(session, said))
    return replace(found, keys=[keys | {_episode(key) for key in keys} for keys in found.keys])


def belongs(row: Any) -> tuple[set[str], str]:
    """By which ids a row belongs to a conversation, and why it gives nothing if none has them."""
    if not recognises(row):
        return set(), "unknown_document"
    if _is_feedback(row):
        target = str(row.get("target_id") or row.get("inference_id"))
        return {target, f"{target}{DEMONSTRATED}"}, "unclear_score"
    if _is_model_inference(row):
        return {str(row["inference_id"])}, "not_a_call"
    call = _call(row)
    if isinstance(call, str):
        return set(), call
    return {call.id, f"{call.id}{DEMONSTRATED}"}, "superseded" if call.reply else "no_reply"


def _call(row: JsonObject) -> Call | str:
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
        session=first_text(tags, *SESSION_TAGS) or (f"{episode}:{function}" if episode else None),
        user=first_text(tags, *USER_TAGS),
        model=first_text(row, "variant_name"),
        scenario=function,
    )


def _reply(output: Any) -> list[Message]:
    output = decoded(output)
    if isinstance(output, str) and output.strip():
        return [{"role": "assistant", "content": output}]
    blocks = as_list(output)
    return [each for each in chat_messages([{"role": "assistant", "content": blocks}]) or [] if _says(each)] if blocks else []


def _says(message: Message) -> bool:
    return bool(message.get("content") or message.get("tool_calls"))


def _ended(started: Any, milliseconds: Any) -> Any:
    took = count_of(milliseconds)
    return moment(started.timestamp() + took / 1000) if took is not None and took < 10**9 else None


def _with_model(call: Call, row: JsonObject | None) -> Call:
    if row is None:
        return call
    usage = {"prompt_tokens": count_of(row.get("input_tokens")), "completion_tokens": count_of(row.get("output_tokens"))}
    return replace(call, model=first_text(row, "model_name"), usage=usage)


def _said(rows: list[JsonObject], calls: dict[str, Call], ignored: Counter[str]) -> tuple[dict[str, Feedback], dict[str, Call]]:
    """What people said, by the id of an inference or an episode, and the calls with their better replies."""
    targets = {*calls, *(_episode(call.session) for call in calls.values())}
    said: dict[str, Feedback] = {}
    better: dict[str, Call] = {}
    for row in sorted(rows, key=lambda row: str(row.get("id"))):
        target = str(row.get("target_id") or row.get("inference_id"))
        if "inference_id" in row and target in calls:
            call = _demonstrated(calls[target], row["value"])
            better[call.id] = call
            found: Feedback = {"thumb": "up"}
            target = call.id
        else:
            found = _feedback(row)
        if not found or (target not in targets and target not in better):
            ignored["unclear_score"] += 1
            continue
        said.setdefault(target, {}).update(found)
    return said, better


def _feedback(row: JsonObject) -> Feedback:
    if "metric_name" in row:
        return feedback_of(str(row["metric_name"]), row["value"])
    return feedback_of("comment", None, row["value"]) if "inference_id" not in row else {}


def _demonstrated(call: Call, value: Any) -> Call:
    name = f"{call.id}{DEMONSTRATED}"
    return replace(call, id=name, session=name, reply=_reply(value), model=None, usage=None, ended=None)


def _episode(session: str | None) -> str:
    return (session or "").partition(":")[0]


def _merged(session: Session, said: dict[str, Feedback]) -> Feedback:
    keys = [_episode(session.id), *(call.id for call in session.calls)]
    return {name: value for key in keys for name, value in said.get(key, {}).items()}
