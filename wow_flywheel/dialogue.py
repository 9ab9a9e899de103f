"""The unified dialogue-action output, and conversations as flat turns or as training chat.

What belongs here: the one JSON schema that training, serving, evaluation and inspection share, and the renderings of a logged
conversation that they need. What does not: log formats (`conversations`), chat templates (`training`).
"""

import json
from collections.abc import Iterable, Sequence
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


def knowledge_message(unit_id: str, title: str, content: str) -> ChatMessage:
    """A knowledge unit as a model is shown it: the one rendering, for training data and for whoever retrieves before a request.

    The serving process logs such a message like any other, so every prompt that is made of the log has it at its place.
    """
    return {"role": "system", "content": f"Knowledge {unit_id}: {title}\n{content}"}


def to_chat(messages: Sequence[Message]) -> list[ChatMessage]:
    """Render logged messages as training chat: all that the model saw before each of its turns, and nothing else.

    Knowledge that it was shown stands in the log as system messages and results of tools, and stays where it stood. No unit is
    added: a model must not be trained on prompts that it does not get when it serves.

    Assistant messages become `DialogueAction` JSON. Parallel tool calls become one assistant message each, followed by its own
    result, since the unified output carries one action.
    """
    chat: list[ChatMessage] = []
    placed: set[int] = set()
    for turn, message in enumerate(messages):
        if message["role"] != "assistant":
            if turn not in placed:
                chat.append({"role": message["role"], "content": message.get("content") or ""})
            continue
        calls = message.get("tool_calls") or []
        results = tool_results(messages, turn) if len(calls) > 1 else {}
        for index, output in enumerate(assistant_actions(message)):
            chat.append({"role": "assistant", "content": output.to_json()})
            result = results.get(calls[index]["id"]) if results else None
            if result is not None:
                chat.append({"role": "tool", "content": messages[result].get("content") or ""})
                placed.add(result)
    return chat


def tool_results(messages: Sequence[Message], turn: int) -> dict[str | None, int]:
    """Index of the result of each call of an assistant turn, by call id; calls without one are left out.

    A result belongs to the last turn before it that made a call of its id: many systems number their calls anew in every turn.
    """
    waiting = {call["id"] for call in messages[turn].get("tool_calls") or [] if call["id"]}
    found: dict[str | None, int] = {}
    for index, message in enumerate(messages[turn + 1 :], turn + 1):
        if message["role"] == "assistant":
            waiting -= {call["id"] for call in message.get("tool_calls") or []}
        elif message["role"] == "tool" and (call_id := message.get("tool_call_id")) in waiting:
            waiting.discard(call_id)
            found[call_id] = index
    return found


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
    """Arguments as an object; text that is no JSON, or JSON that cannot be written back as such, is kept as it is."""
    try:
        parsed = json.loads(text or "{}")
        json.dumps(parsed, allow_nan=False, ensure_ascii=False).encode()
    except (ValueError, RecursionError):  # also half characters, NaN, huge numbers
        return {"_raw": text}
    return parsed if isinstance(parsed, dict) else {"_raw": parsed}
