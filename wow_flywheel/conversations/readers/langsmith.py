"""Runs of LangSmith, one a document, and their feedback, in any order.

What belongs here: which runs are calls, the tree of runs, where a run keeps user, session and model. What does not: messages
(`shapes`), what a score means (`scores`).

A run's `session_id` is the project that it was filed under. The conversation is what its metadata call it, or those of a run
above it: `session_id`, `thread_id` or `conversation_id`.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from wow_flywheel.conversations.fields import BrokenRecordError
from wow_flywheel.conversations.readers.calls import Call
from wow_flywheel.conversations.readers.corrections import Corrections
from wow_flywheel.conversations.readers.feedback import reply_in
from wow_flywheel.conversations.readers.provenance import Documents, LeftOut
from wow_flywheel.conversations.readers.records import Records, records_of
from wow_flywheel.conversations.readers.said import Said
from wow_flywheel.conversations.readers.scores import feedback_of
from wow_flywheel.conversations.readers.shapes import messages_or_text
from wow_flywheel.conversations.readers.times import moment
from wow_flywheel.conversations.readers.usage import usage_of
from wow_flywheel.conversations.readers.values import JsonObject, Message, as_list, as_object, first_name, first_text

CALL = "llm"
OTHERS = {"tool", "retriever", "embedding", "prompt", "parser"}
"""Types of runs that never tell a conversation."""
SESSION = ("session_id", "thread_id", "conversation_id")
USER = ("user_id", "langgraph_auth_user_id", "customer_id", "user")
AUTOMATIC = {"model", "auto_eval", "evaluator", "code"}
STARS = ("rating", "star", "csat", "satisfaction")
DIGITS = 36
"""Characters of the id at the end of a step of `dotted_order`; the time comes before it."""


@dataclass(frozen=True, slots=True)
class _Run:
    id: str
    parents: tuple[str, ...]
    value: JsonObject
    index: int

    @property
    def trace(self) -> str:
        return first_text(self.value, "trace_id") or (self.parents[0] if self.parents else self.id)

    @property
    def metadata(self) -> JsonObject:
        return as_object(as_object(self.value.get("extra")).get("metadata"))


def recognises(document: Any) -> bool:
    """Whether a document is a run or feedback on one."""
    return _is_run(document) or _is_feedback(document)


def time_of(document: Any, _zone: dt.tzinfo = dt.UTC) -> dt.datetime | None:
    """When a run began or feedback was given."""
    return moment(document.get("start_time")) or moment(document.get("created_at")) if isinstance(document, dict) else None


def _is_run(document: Any) -> bool:
    return isinstance(document, dict) and isinstance(document.get("run_type"), str) and "id" in document


def _is_feedback(document: Any) -> bool:
    if not isinstance(document, dict) or "key" not in document or not ({"run_id", "trace_id"} & set(document)):
        return False
    return bool({"score", "value", "comment", "correction"} & set(document))


def read(documents: Documents, _zone: dt.tzinfo = dt.UTC) -> Records:
    """The conversations in runs `{id, run_type, inputs, outputs, dotted_order, extra, …}` and feedback `{run_id, key, …}`.

    Of a trace the runs of type `llm` are the calls; where they do not say what the customer asked, the highest chain that does.
    """
    left, said = LeftOut(), Said()
    runs: dict[str, _Run] = {}
    feedback: list[tuple[int, JsonObject]] = []
    for index, document in documents:
        if _is_run(document):
            with left.reading([index]):
                _add(runs, document, index, left)
        elif _is_feedback(document):
            feedback.append((index, document))
        else:
            left.add("unknown_document", [index])
    traces: dict[str, list[_Run]] = {}
    for run in runs.values():
        traces.setdefault(run.trace, []).append(run)
    calls = [call for trace in traces.values() for call in _calls(trace, runs, left)]
    better = _hear(feedback, runs, calls, said, left)
    return records_of([*calls, *better.calls(said)], left, said)


def _add(runs: dict[str, _Run], value: JsonObject, index: int, left: LeftOut) -> None:
    """Take in a run; of several with one id the one that ended, else the last, counts."""
    name = str(value["id"])
    steps = [step[-DIGITS:] for step in str(value.get("dotted_order") or "").split(".") if step]
    named = [*steps[:-1]] or [str(each) for each in as_list(value.get("parent_run_ids"))]
    parent = first_text(value, "parent_run_id")
    run = _Run(name, tuple(named or ([parent] if parent else [])), value, index)
    before = runs.get(name)
    if before is not None and _ended(before.value) and not _ended(value):
        left.add("repeated", [index])
        return
    if before is not None:
        left.add("repeated", [before.index])
    runs[name] = run


def _ended(value: JsonObject) -> bool:
    return bool(as_object(value.get("outputs")))


def _calls(trace: list[_Run], runs: dict[str, _Run], left: LeftOut) -> list[Call]:
    calls: list[Call] = []
    ordered = sorted(trace, key=lambda run: (len(run.parents), str(run.value.get("start_time")), run.id))
    for run in ordered:
        with left.reading([run.index]):
            call = _call(run, runs) if run.value["run_type"] == CALL else "not_a_call"
            if isinstance(call, Call):
                calls.append(call)
            else:
                left.add(call, [run.index])
    if any(message["role"] == "user" for call in calls for message in call.request):
        return calls
    chain = _highest([run for run in ordered if run.value["run_type"] not in OTHERS | {CALL}], runs, left)
    if chain is None:
        return calls
    for call in calls:
        left.add("superseded", call.sources)
    return [chain]


def _highest(chains: list[_Run], runs: dict[str, _Run], left: LeftOut) -> Call | None:
    """The first chain that tells a conversation; where none does, the first that is damaged goes to quarantine."""
    damaged: list[tuple[BrokenRecordError, _Run]] = []
    for run in chains:
        try:
            call = _call(run, runs)
        except BrokenRecordError as error:
            damaged.append((error, run))
        else:
            if isinstance(call, Call):
                return call
    for damage, run in damaged[:1]:
        left.refuse(damage, [run.index])
    return None


def _call(run: _Run, runs: dict[str, _Run]) -> Call | str:
    asked = messages_or_text(run.value.get("inputs"), "user")
    reply = messages_or_text(run.value.get("outputs"), "assistant")
    started, ended = moment(run.value.get("start_time")), moment(run.value.get("end_time"))
    if not asked:
        return "no_messages"
    reply = _added(asked, reply)
    if not reply:
        return "no_reply"
    if started is None:
        return "no_time"
    above = [runs[name] for name in (*reversed(run.parents), run.trace) if name in runs]
    about = [each.metadata for each in (run, *above)]
    return Call(
        id=run.id,
        started=started,
        ended=ended if ended is not None and ended >= started else None,
        request=asked,
        reply=reply,
        sources=frozenset({run.index}),
        session=_named(about, SESSION),
        trace=run.trace,
        user=_named(about, USER),
        model=_model(run),
        scenario=first_text(above[-1].value if above else run.value, "name") or first_text(run.value, "session_name"),
        usage=_usage(run.value),
        aliases=(*run.parents, run.trace),
    )


def _added(asked: list[Message], reply: list[Message]) -> list[Message]:
    """What a reply adds: a graph gives back the whole conversation that it was given."""
    return reply[len(asked) :] if len(reply) > len(asked) and reply[: len(asked)] == asked else reply


def _named(about: list[JsonObject], names: tuple[str, ...]) -> str | None:
    return next((found for each in about if (found := first_name(each, *names))), None)


def _model(run: _Run) -> str | None:
    invocation = as_object(as_object(run.value.get("extra")).get("invocation_params"))
    return first_text(run.metadata, "ls_model_name") or first_text(invocation, "model", "model_name")


def _usage(value: JsonObject) -> dict[str, int | None] | None:
    outputs = as_object(value.get("outputs"))
    for held in (outputs.get("usage_metadata"), outputs.get("usage"), as_object(outputs.get("llm_output")).get("token_usage")):
        if found := usage_of(as_object(held)):
            return found
    return usage_of({name: value.get(name) for name in ("prompt_tokens", "completion_tokens")})


def _hear(
    rows: list[tuple[int, JsonObject]], runs: dict[str, _Run], calls: list[Call], said: Said, left: LeftOut
) -> Corrections:
    """Note what people said of runs and traces, from the earliest to the latest."""
    better = Corrections()
    for index, row in sorted(rows, key=lambda each: (str(each[1].get("created_at")), str(each[1].get("id")))):
        with left.reading([index]):
            _hear_row(index, row, runs, calls, said, better, left)
    return better


def _hear_row(
    index: int,
    row: JsonObject,
    runs: dict[str, _Run],
    calls: list[Call],
    said: Said,
    better: Corrections,
    left: LeftOut,
) -> None:
    if str(as_object(row.get("feedback_source")).get("type") or "").lower() in AUTOMATIC:
        left.add("automatic_score", [index])
        return
    run, trace = first_text(row, "run_id"), first_text(row, "trace_id")
    trace = trace or (runs[run].trace if run in runs else None)
    name = str(row["key"])
    reply = reply_in(row.get("correction"))
    found = feedback_of(name, row.get("value")) or feedback_of(name, _score(name, row.get("score")))
    found |= feedback_of(name, None, row.get("comment"))
    call = _last(calls, run, trace) if reply else None
    if call is not None:
        better.add(call, reply, frozenset({index}), left)
    elif reply:
        left.wait([run, trace], {}, reply, [index])
    if found:
        said.add([run, trace], found, [index])
    elif call is None:
        left.add("no_conversation" if reply else "unclear_score", [index])


def _score(name: str, value: Any) -> Any:
    """A score is from 0 to 1 here, so `user_score` is a thumb, unless its name says that it is a rating."""
    if isinstance(value, int | float) and value in {0, 1} and not any(word in name.lower() for word in STARS):
        return bool(value)
    return value


def _last(calls: list[Call], run: str | None, trace: str | None) -> Call | None:
    """The call that a run is or ended with, else the last one of its trace."""
    for name in (run, trace):
        own = [call for call in calls if name and name in {call.id, *call.aliases}]
        if own:
            return max(own, key=lambda call: (call.id == name, call.started, call.id))
    return None
