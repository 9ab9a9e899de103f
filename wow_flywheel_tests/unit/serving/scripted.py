"""An engine that follows a script, for tests of what surrounds the model."""

import threading
from collections.abc import Callable, Sequence

from wow_flywheel.dialogue import Action, ChatMessage, DialogueAction
from wow_flywheel.serving.protocol import Reply

Answer = Callable[[Sequence[ChatMessage]], DialogueAction | str]


def by_last_message(conversation: Sequence[ChatMessage]) -> DialogueAction | str:
    """`refund …` acts, `break …` writes what is no JSON, a tool result is confirmed, anything else is echoed."""
    last = conversation[-1]
    if last["role"] == "tool":
        return DialogueAction(reply="Done.")
    if last["content"].startswith("refund"):
        return DialogueAction(reply="One moment.", action=Action(name="refund", arguments={"order": "7"}))
    if last["content"].startswith("break"):
        return "not json"
    return DialogueAction(reply=f"You said: {last['content']}")


class ScriptedEngine:
    """Answers by a function; remembers the batches that it was given."""

    def __init__(self, answer: Answer = by_last_message) -> None:
        self._answer = answer
        self.batches: list[list[list[ChatMessage]]] = []
        self.gate = threading.Event()
        self.gate.set()

    def respond(self, conversations: Sequence[Sequence[ChatMessage]]) -> list[Reply]:
        self.gate.wait(10)
        self.batches.append([list(conversation) for conversation in conversations])
        return [self._reply(conversation) for conversation in conversations]

    def _reply(self, conversation: Sequence[ChatMessage]) -> Reply:
        answer = self._answer(conversation)
        if isinstance(answer, str):
            return Reply(answer, None, len(conversation), 2)
        return Reply(answer.to_json(), answer, len(conversation), 2)
