"""A live conversation as it arrives: checked, and as rows of the relation `turns`.

What belongs here: the shapes of a message that logs carry too. What does not: log files (`conversations`), rules. Unlike a log
record it need not have ended, so only its messages are needed.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from wow_flywheel.errors import PermanentError
from wow_flywheel.rules.compiled.letters import plain

MOST_MESSAGES = 1000
BRANCHES = frozenset({"str", "constrained-str", "Call", "FlatCall"})
"""What pydantic calls the alternatives of a union."""
Text = Annotated[str, Field(max_length=1_000_000)]


class BadConversation(PermanentError):
    """What was given is no conversation in log form; `field` names the part at fault."""

    def __init__(self, field: str, fault: str) -> None:
        super().__init__(f"{field}: {fault}", hint="give a conversation as a log record has it: messages in OpenAI chat form")
        self.field, self.fault = field, fault


class _Model(BaseModel):
    model_config = ConfigDict(extra="ignore")


class Part(_Model):
    """A part of a message's content; what is not text says nothing to the rules."""

    type: str
    text: Text | None = None


class Function(_Model):
    """What a tool call calls."""

    name: Annotated[str, Field(min_length=1)]
    arguments: str | dict[str, Any] | None = None


class Call(_Model):
    """A tool call as OpenAI has it."""

    id: str | None = None
    function: Function

    def row(self) -> tuple[str | None, ...]:
        """The call as an element of `tool_calls`: id, name, arguments."""
        arguments = self.function.arguments
        text = arguments if isinstance(arguments, str) else json.dumps(arguments or {}, ensure_ascii=False)
        return self.id, self.function.name, text


class FlatCall(Function):
    """A tool call as the table `conversations` has it."""

    id: str | None = None

    def row(self) -> tuple[str | None, ...]:
        """See `Call.row`."""
        return Call(id=self.id, function=Function(name=self.name, arguments=self.arguments)).row()


class IncomingMessage(_Model):
    """One message."""

    role: Literal["system", "user", "assistant", "tool"]
    content: Text | list[Part] | None = None
    action: str | None = None
    tool_calls: list[Call | FlatCall] | None = None
    tool_call_id: str | None = None

    def text(self) -> str | None:
        """Its content as one text."""
        if isinstance(self.content, list):
            return "\n".join(part.text or f"[{part.type}]" for part in self.content)
        return self.content


class Conversation(_Model):
    """A conversation that may still go on."""

    messages: Annotated[list[IncomingMessage], Field(max_length=MOST_MESSAGES)]
    conversation_id: str | None = None
    scenario: str | None = None

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """One row a message: the columns of the relation `turns`, with the number 0 for the conversation."""
        for turn, message in enumerate(self.messages):
            text = message.text()
            calls = tuple(call.row() for call in message.tool_calls) if message.tool_calls else None
            yield 0, self.scenario, turn, message.role, text, message.action, calls, message.tool_call_id, plain(text)


def parse(conversation: Mapping[str, Any]) -> Conversation:
    """A conversation given as a Python mapping.

    Raises:
        BadConversation: It is not in log form.
    """
    try:
        return Conversation.model_validate(conversation)
    except ValidationError as error:
        raise bad(error) from None


def parse_json(body: bytes) -> Conversation:
    """A conversation given as JSON; see `parse`."""
    try:
        return Conversation.model_validate_json(body)
    except ValidationError as error:
        raise bad(error) from None


def bad(error: ValidationError) -> BadConversation:
    """The first fault of a conversation, with the path to its field; of tried alternatives, the one that came furthest."""
    faults = [
        (path(each["loc"]), each["msg"]) for each in error.errors(include_url=False, include_context=False, include_input=False)
    ]
    first, _ = faults[0]
    field, fault = max((each for each in faults if each[0].startswith(first)), key=lambda each: each[0].count("."))
    return BadConversation(field or "body", fault)


def path(place: tuple[int | str, ...]) -> str:
    """The path to a field, without pydantic's names for the alternatives of a union."""
    parts = [part for part in place if part not in BRANCHES and not str(part).startswith(("list[", "dict["))]
    return ".".join(map(str, parts))
