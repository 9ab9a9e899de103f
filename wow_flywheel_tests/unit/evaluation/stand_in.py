"""An engine that says what a test wrote down, with the methods of `serving.engine.ReplyEngine`."""

from collections.abc import Mapping, Sequence
from typing import Any

from wow_flywheel.dialogue import Action, ChatMessage, DialogueAction
from wow_flywheel.serving.protocol import Reply


class StandIn:
    """Answers by the length of the history that it gets, and remembers what it was asked."""

    def __init__(self, said: Mapping[int, str], losses: Sequence[float | None] = (), longest: int = 1000) -> None:
        self._said, self._losses, self._longest = said, losses, longest
        self.prompts: list[list[ChatMessage]] = []
        self.scored: list[list[ChatMessage]] = []

    def respond(self, conversations: Sequence[Sequence[ChatMessage]]) -> list[Reply]:
        self.prompts += [list(conversation) for conversation in conversations]
        texts = [self._said[len(conversation)] for conversation in conversations]
        return [Reply(text, DialogueAction.from_json(text), 10, 5) for text in texts]

    def fits(self, conversations: Sequence[Sequence[ChatMessage]]) -> list[bool]:
        return [len(conversation) <= self._longest for conversation in conversations]

    def text_losses(self, texts: Sequence[str]) -> list[float | None]:
        return [None if not text.strip() else float(len(text.split())) for text in texts]

    def losses(self, dialogues: Sequence[Sequence[ChatMessage]]) -> list[float | None]:
        self.scored += [list(dialogue) for dialogue in dialogues]
        return list(self._losses or [0.5] * len(dialogues))


def reply(text: str) -> str:
    return DialogueAction(reply=text).to_json()


def act(tool: str, text: str | None = None, /, **arguments: Any) -> str:
    return DialogueAction(reply=text, action=Action(name=tool, arguments=arguments)).to_json()


def user(text: str) -> ChatMessage:
    return {"role": "user", "content": text}


def gold(content: str) -> ChatMessage:
    return {"role": "assistant", "content": content}


def result(content: str) -> ChatMessage:
    return {"role": "tool", "content": content}
