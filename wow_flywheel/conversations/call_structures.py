"""JSON types of the calls that are read many at once, format by format.

What belongs here: which types and names of fields are covered. What does not: comparing them with a line (`structures`), and
the conditions on values, which the files under `sql/ingest/` keep.
"""

from typing import Any, Final

from wow_flywheel.conversations.readers.envelopes import FINISHED, REPLIES, SYSTEM_FIELDS
from wow_flywheel.conversations.readers.feedback import CORRECTIONS
from wow_flywheel.conversations.readers.roles import ROLE_FIELDS
from wow_flywheel.conversations.readers.single import CALL_FIELDS, RESULT_FIELDS, SAYING
from wow_flywheel.conversations.readers.usage import PROMPT, REPLY
from wow_flywheel.conversations.structures import (
    ANY,
    AS_TEXT,
    EMPTY,
    FLAG,
    NAME,
    NOTHING,
    NUMBER,
    OTHERS,
    TEXT,
    TIME,
    TOKENS,
    Unless,
)

_READ: Final = frozenset({
    *SAYING, *ROLE_FIELDS, *SYSTEM_FIELDS, *FINISHED, *REPLIES, *CALL_FIELDS, *RESULT_FIELDS,
    "role", "kwargs", "additional_kwargs", "source", "config", "choices", "candidates", "generations", "messages", "prompts",
    "new_messages", "all_messages", "new_message", "newMessage", "replies", "aiMessage", "results", "output", "outputs",
    "input", "input_messages", "output_messages", "responseMessages", "prompt", "chat_history", "question", "args", "update",
    "body",
    "gen_ai", "llm", "_role", "_content", "chunks", "created_at", "previous_response_id", "metadata", "toolCallId", "toolName",
    "tool_call_id", "call_id", "name", "object", "usage", "model", "user", "tools", "created", "responses",
})  # fmt: skip
"""Names that the careful reader looks for in a request, a response or a message; it ignores all others."""
_MESSAGE: Final = {
    "role": TEXT,
    "content": AS_TEXT,
    "name": TEXT,
    "tool_calls": [
        {"id": TEXT, "type": TEXT, "index": NUMBER, "function": {"name": TEXT, "arguments": AS_TEXT}},
    ],
    "tool_call_id": TEXT,
    "refusal": NOTHING,
    "function_call": NOTHING,
    OTHERS: Unless(_READ),
}
_SETTINGS: Final = ("tools", "tool_choice", "stop")
_REQUEST: Final[dict[str, Any]] = {
    "model": TEXT,
    "user": NAME,
    "messages": [_MESSAGE],
    "metadata": {
        **dict.fromkeys(("session_id", "conversation_id", "thread_id", "user_id", "end_user", "user"), NAME),
        **dict.fromkeys(("scenario", "workload_id"), TEXT),
        OTHERS: ANY,
        EMPTY: NOTHING,
    },
    **dict.fromkeys(_SETTINGS, ANY),
    OTHERS: Unless(_READ),
}
_RESPONSE: Final[dict[str, Any]] = {
    "id": TEXT,
    "object": TEXT,
    "created": TIME,
    "model": TEXT,
    "choices": [{"message": _MESSAGE, OTHERS: ANY}],
    "usage": {"prompt_tokens": TOKENS, "completion_tokens": TOKENS, OTHERS: Unless(frozenset({*PROMPT, *REPLY}))},
    OTHERS: Unless(_READ),
}
_FEEDBACK: Final[dict[str, Any]] = {
    "thumb": FLAG,
    "rating": NUMBER,
    "score": NUMBER,
    "comment": TEXT,
    OTHERS: Unless(frozenset(CORRECTIONS)),
    EMPTY: NOTHING,
}
_ABOUT: Final = _REQUEST["metadata"]
_TIMES: Final = ("timestamp", "created_at", "started_at", "start_time", "time", "ended_at", "end_time", "completed_at")
OPENAI: Final[dict[str, Any]] = {
    **_ABOUT,
    **dict.fromkeys(_TIMES, TIME),
    "request": _REQUEST,
    "response": _RESPONSE,
    "metadata": _ABOUT,
    "feedback": _FEEDBACK,
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
    "events": [{"name": TEXT, "attributes": _ATTRIBUTES, OTHERS: ANY}],
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
"""The JSON types of a plain OTLP export: messages in attributes, and events that hold none."""
