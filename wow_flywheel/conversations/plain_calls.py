"""Calls of a model that are plainly well formed, many at once: no Python per line.

What belongs here: which JSON structures are covered, and running the formats' files under `sql/ingest/` on a block of lines.
What does not: linking calls to conversations (`chains`); the lines that are not plain, which go to the careful `readers`.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import polars as pl

from wow_flywheel.contracts import TIMESTAMP
from wow_flywheel.conversations.lines import Block
from wow_flywheel.conversations.plain import lines_table
from wow_flywheel.conversations.redaction.names import names_in_document
from wow_flywheel.conversations.structures import ANY, EMPTY, NOTHING, NUMBER, OTHERS, TEXT, TIME, TOKENS, fits, transform
from wow_flywheel.queries import Parameter, Session, load

_MESSAGE: Final = {
    "role": TEXT,
    "content": TEXT,
    "name": TEXT,
    "tool_calls": [{"id": TEXT, "type": TEXT, "index": NUMBER, "function": {"name": TEXT, "arguments": TEXT}}],
    "tool_call_id": TEXT,
    "refusal": NOTHING,
    "function_call": NOTHING,
    "audio": NOTHING,
    "reasoning_content": NOTHING,
    "annotations": [NOTHING],
}
_SETTINGS: Final = (
    "tools", "tool_choice", "temperature", "top_p", "n", "stream", "stream_options", "stop", "max_tokens",
    "max_completion_tokens", "presence_penalty", "frequency_penalty", "logit_bias", "seed", "response_format",
    "parallel_tool_calls", "logprobs", "top_logprobs", "service_tier", "reasoning_effort", "store", "verbosity",
    "prompt_cache_key", "top_k", "min_p", "repetition_penalty", "length_penalty", "stop_token_ids", "ignore_eos", "min_tokens",
    "skip_special_tokens", "add_generation_prompt", "chat_template_kwargs", "guided_json", "guided_regex", "guided_choice",
    "prompt_logprobs", "priority",
)  # fmt: skip
_REQUEST: Final[dict[str, Any]] = {"model": TEXT, "user": TEXT, "messages": [_MESSAGE]} | dict.fromkeys(_SETTINGS, ANY)
_RESPONSE: Final[dict[str, Any]] = {
    "id": TEXT,
    "object": TEXT,
    "created": TIME,
    "model": TEXT,
    "choices": [
        {"index": ANY, "message": _MESSAGE, "finish_reason": ANY, "logprobs": ANY}
        | dict.fromkeys(("stop_reason", "matched_stop", "token_ids"), ANY)
    ],
    "usage": {"prompt_tokens": TOKENS, "completion_tokens": TOKENS, "total_tokens": ANY}
    | dict.fromkeys(("prompt_tokens_details", "completion_tokens_details", "queue_time", "prompt_time", "cost"), ANY),
    "system_fingerprint": ANY,
    "prompt_logprobs": ANY,
    "prompt_token_ids": ANY,
    "kv_transfer_params": ANY,
    "service_tier": ANY,
}
_ABOUT: Final = ("session_id", "conversation_id", "thread_id", "user_id", "end_user", "user", "scenario", "workload_id")
_TIMES: Final = ("timestamp", "created_at", "started_at", "start_time", "time", "ended_at", "end_time", "completed_at")
OPENAI: Final[dict[str, Any]] = {
    **dict.fromkeys(_ABOUT, TEXT),
    **dict.fromkeys(_TIMES, TIME),
    "request": _REQUEST,
    "response": _RESPONSE,
    "metadata": NOTHING,
    "feedback": NOTHING,
    "attributes": NOTHING,
    OTHERS: ANY,
}
"""The JSON types of a plain call in an OpenAI call log."""

_VALUE: Final = {"stringValue": TEXT, "intValue": TIME, "doubleValue": ANY, "boolValue": ANY, "arrayValue": ANY}
_ATTRIBUTES: Final = [{"key": TEXT, "value": _VALUE}]
_SPAN: Final[dict[str, Any]] = {
    "traceId": TEXT,
    "spanId": TEXT,
    "startTimeUnixNano": TIME,
    "endTimeUnixNano": TIME,
    "attributes": _ATTRIBUTES,
    "events": [NOTHING],
    OTHERS: ANY,
}
_SCOPE: Final = {"attributes": [NOTHING], OTHERS: ANY, EMPTY: NOTHING}
OTEL: Final[dict[str, Any]] = {
    "resourceSpans": [
        {
            "resource": {"attributes": _ATTRIBUTES, OTHERS: ANY},
            "scopeSpans": [{"spans": [_SPAN], "scope": _SCOPE, "schemaUrl": ANY}],
            "schemaUrl": ANY,
        }
    ],
}
"""The JSON types of a plain OTLP export: attributes, and no events."""

MESSAGE: Final = pl.Struct(
    {
        "role": pl.String,
        "content": pl.String,
        "tool_calls": pl.List(pl.Struct({"id": pl.String, "name": pl.String, "arguments": pl.String})),
        "tool_call_id": pl.String,
    }
)
CALLS: Final[dict[str, pl.DataType | type[pl.DataType]]] = {
    "place": pl.Int64,
    "plain": pl.Boolean,
    "is_call": pl.Boolean,
    "call_id": pl.String,
    "started": TIMESTAMP,
    "ended": TIMESTAMP,
    "session": pl.String,
    "customer": pl.String,
    "model": pl.String,
    "scenario": pl.String,
    "usage": pl.Struct({"prompt_tokens": pl.Int64, "completion_tokens": pl.Int64}),
    "system": pl.List(MESSAGE),
    "said": pl.List(MESSAGE),
    "length": pl.Int64,
    "full": pl.UInt64,
    "parent": pl.UInt64,
    "opening": pl.UInt64,
    "instructions": pl.UInt64,
    "trace": pl.String,
}
"""One call: `said` is what its request repeats, without leading system messages, and its reply; see `sql/ingest`."""


@dataclass(slots=True)
class PlainCalls:
    """Reads blocks of calls; one for all blocks of a day.

    Args:
        name: The format, and the file under `sql/ingest/`: `openai_calls`.
        expected: The JSON types that are covered.
        personal: Dotted paths of fields that name the customer; a line that has one is not plain.
    """

    name: str
    expected: dict[str, Any]
    personal: Sequence[str] = ()
    _known: dict[str, bool] = field(default_factory=dict)
    _session: Session = field(default_factory=lambda: Session({}))

    def read(self, block: Block) -> pl.DataFrame:
        """One row a line, in order, with the columns of `CALLS`, which mean something only where `plain`."""
        self._session.put("lines", lines_table(block))
        rows = self._session.run(load(f"ingest/{self.name}"), self._parameters())
        covered = rows["structure"].is_in([each for each in rows["structure"].unique() if each and self._covers(each)])
        return rows.with_columns(pl.col("plain") & covered).select(list(CALLS)).cast(pl.Schema(CALLS))

    def _covers(self, structure: str) -> bool:
        if structure not in self._known:
            found = json.loads(structure)
            self._known[structure] = fits(found, self.expected) and not self._names(found)
        return self._known[structure]

    def _names(self, structure: Any) -> bool:
        """Whether a line of this structure may name its customer, but for attributes, at which the SQL looks."""
        return any(each != "NULL" for each in names_in_document(structure, self.personal))

    def _parameters(self) -> dict[str, Parameter]:
        shared: dict[str, Parameter] = {"record_structure": json.dumps(transform(self.expected))}
        if self.name != "otel_calls" or not self.personal:
            return shared
        return shared | {"personal": list(self.personal)}
