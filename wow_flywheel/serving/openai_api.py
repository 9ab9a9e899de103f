"""The OpenAI chat-completion format: requests checked, replies rendered, whole or as a stream.

What belongs here: the wire format. What does not: HTTP routes (`app`), the model (`engine`).
"""

import json
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from wow_flywheel.dialogue import Message, ToolCall, openai_message
from wow_flywheel.serving.protocol import Reply

Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class _Lenient(BaseModel):
    """Fields that this endpoint does not use are accepted: clients send many."""

    model_config = ConfigDict(extra="ignore")


class TextPart(_Lenient):
    """A part of a message's content; only text is understood."""

    type: Literal["text"]
    text: str


class Function(_Lenient):
    """The called function; `arguments` is JSON text."""

    name: Name
    arguments: str = "{}"


class Call(_Lenient):
    """A tool call of an earlier assistant message."""

    id: Name
    type: Literal["function"] = "function"
    function: Function


class RequestMessage(_Lenient):
    """One message of the history."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[TextPart] | None = None
    tool_calls: list[Call] | None = None
    tool_call_id: str | None = None

    @model_validator(mode="after")
    def _complete(self) -> "RequestMessage":
        if self.role == "tool" and not self.tool_call_id:
            raise ValueError("a tool message needs tool_call_id")
        if self.role == "assistant" and self.content is None and not self.tool_calls:
            raise ValueError("an assistant message needs content or tool_calls")
        if self.role != "assistant" and self.content is None:
            raise ValueError(f"a {self.role} message needs content")
        return self

    @property
    def kind(self) -> str:
        """The role as the log knows it: a developer message is a system message under its newer name."""
        return "system" if self.role == "developer" else self.role

    def text(self) -> str | None:
        """The content as one text."""
        return "".join(part.text for part in self.content) if isinstance(self.content, list) else self.content

    def logged(self) -> Message:
        """The message in the form of the tables, which `dialogue` renders for the model."""
        calls: list[ToolCall] = [
            {"id": call.id, "name": call.function.name, "arguments": call.function.arguments} for call in self.tool_calls or []
        ]
        return {"role": self.kind, "content": self.text(), "tool_calls": calls or None, "tool_call_id": self.tool_call_id}

    def record(self) -> dict[str, Any]:
        """The message in the form of the log: OpenAI's, without empty fields."""
        message: dict[str, Any] = {"role": self.kind, "content": self.text()}
        if self.tool_calls:
            message["tool_calls"] = [call.model_dump() for call in self.tool_calls]
        if self.tool_call_id:
            message["tool_call_id"] = self.tool_call_id
        return message


class Metadata(_Lenient):
    """What a client may say about the conversation."""

    conversation_id: Name | None = None
    user_id: Name | None = None
    scenario: Name | None = None
    channel: Name | None = None
    locale: Name | None = None


class StreamOptions(_Lenient):
    """Options of a stream."""

    include_usage: bool = False


class ChatRequest(_Lenient):
    """The body of `POST /v1/chat/completions`. Sampling parameters and `tools` are accepted and not used."""

    model: str | None = None
    messages: list[RequestMessage] = Field(min_length=1)
    stream: bool = False
    stream_options: StreamOptions | None = None
    n: Literal[1] | None = None
    user: Name | None = None
    metadata: Metadata = Field(default_factory=Metadata)

    @model_validator(mode="after")
    def _last_message(self) -> "ChatRequest":
        if self.messages[-1].role == "assistant":
            raise ValueError("the last message must be from user, tool or system: there is nothing to answer")
        return self


class Feedback(BaseModel):
    """The customer's explicit feedback at the end."""

    model_config = ConfigDict(extra="forbid")

    thumb: Literal["up", "down"] | None = None
    score: float | None = Field(default=None, ge=1, le=5)
    comment: str | None = None


class CloseRequest(BaseModel):
    """The body of `POST /v1/conversations/{id}/close`; it may be left out."""

    model_config = ConfigDict(extra="forbid")

    feedback: Feedback | None = None


def assistant_message(reply: Reply, call_id: str) -> dict[str, Any]:
    """The reply as an OpenAI message. Output that is no dialogue-action object is passed on as it is, not mended."""
    return {"role": "assistant", "content": reply.raw} if reply.output is None else openai_message(reply.output, call_id)


def usage(reply: Reply) -> dict[str, int]:
    """Token counts of a reply."""
    return {
        "prompt_tokens": reply.prompt_tokens,
        "completion_tokens": reply.completion_tokens,
        "total_tokens": reply.prompt_tokens + reply.completion_tokens,
    }


def completion(identity: dict[str, Any], message: dict[str, Any], tokens: dict[str, int]) -> dict[str, Any]:
    """A whole chat completion; `identity` holds its id, time and model."""
    choice = {"index": 0, "message": message, "finish_reason": finish_reason(message), "logprobs": None}
    return {**identity, "object": "chat.completion", "choices": [choice], "usage": tokens}


def finish_reason(message: dict[str, Any]) -> str:
    """`tool_calls` when the assistant acts, else `stop`."""
    return "tool_calls" if message.get("tool_calls") else "stop"


def stream(identity: dict[str, Any], message: dict[str, Any], tokens: dict[str, int] | None) -> Iterator[str]:
    """The same as server-sent events: role, text word by word, tool calls, end, token counts if asked for, `[DONE]`."""
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": piece} for piece in _pieces(message["content"] or "")]
    deltas += [{"tool_calls": [{"index": i, **call}]} for i, call in enumerate(message.get("tool_calls", []))]
    for delta in deltas:
        yield _event(identity, [{"index": 0, "delta": delta, "finish_reason": None}])
    yield _event(identity, [{"index": 0, "delta": {}, "finish_reason": finish_reason(message)}])
    if tokens is not None:
        yield _event(identity, [], usage=tokens)
    yield "data: [DONE]\n\n"


def _pieces(text: str, size: int = 24) -> Iterator[str]:
    return (text[start : start + size] for start in range(0, len(text), size))


def _event(identity: dict[str, Any], choices: list[dict[str, Any]], **more: Any) -> str:
    chunk = {**identity, "object": "chat.completion.chunk", "choices": choices, **more}
    return f"data: {json.dumps(chunk, ensure_ascii=False)}\n\n"
