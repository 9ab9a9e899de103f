"""The unified dialogue-action output, and conversations as flat turns or as training chat.

What belongs here: the one JSON schema that training, serving, evaluation and inspection share, and the renderings of a logged
conversation that they need. What does not: log formats (`conversations`), chat templates (`training`).
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypedDict

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, ValidationError


class ToolCall(TypedDict):
    """A logged tool call; `arguments` is JSON text."""

    id: str | None
    name: str
    arguments: str


class Message(TypedDict, total=False):
    """A logged message, as one element of the table's `messages` column."""

    role: str
    content: str | None
    created_at: Any
    action: str | None
    tool_calls: list[ToolCall] | None
    tool_call_id: str | None
    usage: Any


class ChatMessage(TypedDict):
    """A training or prompt message: assistant content is a `DialogueAction` as JSON."""

    role: str
    content: str


class Action(BaseModel):
    """A tool call: its name and its arguments."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1)
    arguments: dict[str, Any] = Field(default_factory=dict)


class DialogueAction(BaseModel):
    """One assistant turn: the reply to the user, the action to take, or both.

    `thought` appears only where a model reasons aloud; `knowledge` lists the ids of the knowledge units that were used.
    """

    model_config = ConfigDict(extra="forbid")

    thought: str | None = None
    knowledge: list[str] = Field(default_factory=list)
    reply: str | None = None
    action: Action | None = None

    def to_json(self) -> str:
        """Canonical JSON: keys in schema order, `thought` left out when absent, no spaces, text not escaped to ASCII."""
        data = self.model_dump(exclude={"thought"} if self.thought is None else set())
        return json.dumps(data, ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> "DialogueAction | None":
        """Parse a model's output; None if it is not one valid object, or neither replies nor acts (the caller counts it)."""
        try:
            parsed = cls.model_validate_json(text)
        except ValidationError:
            return None
        return parsed if parsed.reply or parsed.action else None


def assistant_actions(message: Message) -> list[DialogueAction]:
    """The outputs that produce one logged assistant message: one for each tool call, the reply riding on the first.

    A message with neither text nor a call gives none. Arguments that are not a JSON object are kept under `"_raw"`.
    """
    reply = message.get("content") or None
    calls = message.get("tool_calls") or []
    if not calls:
        return [DialogueAction(reply=reply)] if reply else []
    actions = [Action(name=call["name"], arguments=_arguments(call["arguments"])) for call in calls]
    return [DialogueAction(reply=reply if i == 0 else None, action=action) for i, action in enumerate(actions)]


def openai_message(output: DialogueAction, call_id: str) -> dict[str, Any]:
    """One output as an OpenAI assistant message: `content`, and where it acts, `tool_calls` with the given call id."""
    message: dict[str, Any] = {"role": "assistant", "content": output.reply}
    if output.action is not None:
        arguments = json.dumps(output.action.arguments, ensure_ascii=False)
        function = {"name": output.action.name, "arguments": arguments}
        message["tool_calls"] = [{"id": call_id, "type": "function", "function": function}]
    return message


def to_chat(messages: Sequence[Message]) -> list[ChatMessage]:
    """Render logged messages as training chat.

    Assistant messages become `DialogueAction` JSON. Parallel tool calls become one assistant message each, followed by its own
    result, since the unified output carries one action.
    """
    results = {m.get("tool_call_id"): m for m in messages if m["role"] == "tool" and m.get("tool_call_id")}
    chat: list[ChatMessage] = []
    placed: set[str | None] = set()
    for message in messages:
        if message["role"] != "assistant":
            if message["role"] != "tool" or message.get("tool_call_id") not in placed:
                chat.append({"role": message["role"], "content": message.get("content") or ""})
            continue
        calls = message.get("tool_calls") or []
        for index, output in enumerate(assistant_actions(message)):
            chat.append({"role": "assistant", "content": output.to_json()})
            call_id = calls[index]["id"] if len(calls) > 1 else None
            if call_id in results:
                chat.append({"role": "tool", "content": results[call_id].get("content") or ""})
                placed.add(call_id)
    return chat


def turns(conversations: pl.DataFrame) -> pl.DataFrame:
    """One row a message of the `conversations` table.

    Columns: dt, conversation_id, user_id, scenario, locale, turn (0-based index into `messages`), role, content, created_at,
    action, tool_calls, tool_call_id, norm (content in lower case, with white space folded and punctuation dropped).
    """
    return (
        conversations.select("dt", "conversation_id", "user_id", "scenario", "locale", "messages")
        .with_columns(turn=pl.int_ranges(0, pl.col("messages").list.len()))
        .explode("messages", "turn")
        .drop_nulls("turn")
        .unnest("messages")
        .with_columns(norm=normalised(pl.col("content")))
        .select(
            "dt", "conversation_id", "user_id", "scenario", "locale", "turn", "role", "content", "created_at", "action",
            "tool_calls", "tool_call_id", "norm",
        )
    )  # fmt: skip


def normalised(text: pl.Expr) -> pl.Expr:
    """Lower case, punctuation dropped, white space folded: two texts that a reader hears as the same compare equal."""
    return (
        text.fill_null("")
        .str.to_lowercase()
        .str.replace_all(r"[\p{P}\p{S}]+", " ")
        .str.replace_all(r"\s+", " ")
        .str.strip_chars()
    )


def texts(messages: Iterable[Message], *roles: str) -> list[str]:
    """The contents of the messages with one of the given roles, empty ones left out."""
    return [content for m in messages if m["role"] in roles and (content := m.get("content"))]


def _arguments(text: str) -> dict[str, Any]:
    try:
        parsed = json.loads(text or "{}")
    except json.JSONDecodeError:
        return {"_raw": text}
    return parsed if isinstance(parsed, Mapping) else {"_raw": parsed}  # type: ignore[return-value]
