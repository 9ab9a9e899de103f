"""One conversation between a simulated customer and an agent, and many of them in lock-step.

What belongs here: turn taking, running tool calls, what an episode's outcome is. What does not: what either side says.
"""

import datetime as dt
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from wow_flywheel.closed_world.customers import Customer
from wow_flywheel.closed_world.world import TOOL_OF_NEED
from wow_flywheel.dialogue import Action, DialogueAction, Message

MAX_MESSAGES = 18
MAX_CALLS_IN_A_ROW = 2


@dataclass(slots=True)
class Episode:
    """A conversation under way.

    Attributes:
        episode_id: The conversation's id.
        customer: The simulated customer, with its database.
        messages: What was said and done so far, as logged.
        calls: How many tool calls the agent made.
        right_calls: How many of them were the right tool on the order that the customer means.
        outputs: How many outputs the agent gave.
        malformed: How many of them were no valid dialogue-action object.
    """

    episode_id: str
    customer: Customer
    messages: list[Message] = field(default_factory=list)
    calls: int = 0
    right_calls: int = 0
    outputs: int = 0
    malformed: int = 0
    over: bool = False

    def begin(self) -> None:
        """The customer opens."""
        self.messages.append({"role": "user", "content": self.customer.open()})

    def step(self, output: DialogueAction | None, raw: str = "") -> None:
        """Take the agent's next output; an output that is no valid object reaches the customer as the text it is."""
        self.outputs += 1
        self.malformed += output is None
        output = output or DialogueAction(reply=raw[:200] or "…")
        if output.action is not None:
            self._run(output.action, output.reply)
        else:
            self._say(output.reply)
        self.over = self.over or len(self.messages) >= MAX_MESSAGES

    def _run(self, action: Action, reply: str | None) -> None:
        call_id = f"call_{self.calls + 1}"
        said = " ".join(m["content"] or "" for m in self.messages if m["role"] == "user")
        named = str(action.arguments.get("order")) in re.findall(r"\w+", said)
        goal = self.customer.goal
        self.calls += 1
        right = action.name == TOOL_OF_NEED[goal.need] and str(action.arguments.get("order")) == str(goal.order)
        self.right_calls += right and named
        if not named:
            self.customer.guessed_on()
        arguments = json.dumps(action.arguments)
        self.messages.append(
            {
                "role": "assistant",
                "content": reply,
                "tool_calls": [{"id": call_id, "name": action.name, "arguments": arguments}],
            }
        )
        result = json.dumps(self.customer.database.call(action))
        self.messages.append({"role": "tool", "tool_call_id": call_id, "content": result})
        recent = self.messages[-2 * (MAX_CALLS_IN_A_ROW + 1) :]
        self.over = sum(m["role"] == "tool" for m in recent) > MAX_CALLS_IN_A_ROW or self.calls > 2 * MAX_CALLS_IN_A_ROW

    def _say(self, reply: str | None) -> None:
        self.messages.append({"role": "assistant", "content": reply})
        answer = self.customer.hear(reply)
        if answer is None:
            self.over = True
            return
        self.messages.append({"role": "user", "content": answer})
        self.over = self.customer.intent in {"human", "complain"}

    def record(self, started_at: dt.datetime, model: str) -> dict[str, object]:
        """The conversation as a native log record: what a production system would have written."""
        stamps = [started_at + dt.timedelta(seconds=7 * i) for i in range(len(self.messages))]
        thumb = self.customer.thumb()
        return {
            "conversation_id": self.episode_id,
            "user_id": self.customer.user_id,
            "channel": "app",
            "locale": "en-US",
            "scenario": self.customer.goal.need,
            "model": model,
            "started_at": _rfc3339(stamps[0]),
            "ended_at": _rfc3339(stamps[-1]),
            "messages": [_logged(m, at) for m, at in zip(self.messages, stamps, strict=True)],
            **({"feedback": {"thumb": thumb}} if thumb else {}),
        }


class Agent(Protocol):
    """Whoever serves the customers: a model, or the scripted people of `agents`."""

    def act(self, episodes: Sequence[Episode]) -> "Sequence[DialogueAction | str | None]":
        """The next output for each episode; its bare text where it is no valid object."""
        ...


def play(agent: Agent, episodes: Sequence[Episode]) -> Iterator[int]:
    """Play all episodes to their end, one output each at a time, so that a model can batch them.

    Yields:
        After each round, how many episodes are still under way.
    """
    for episode in episodes:
        episode.begin()
    while active := [episode for episode in episodes if not episode.over]:
        for episode, output in zip(active, agent.act(active), strict=True):
            if isinstance(output, str):
                episode.step(None, output)
            else:
                episode.step(output)
        yield sum(not episode.over for episode in active)


def _logged(message: Message, at: dt.datetime) -> dict[str, object]:
    logged: dict[str, object] = {**message, "created_at": _rfc3339(at)}
    if calls := message.get("tool_calls"):
        logged["tool_calls"] = [
            {"id": call["id"], "type": "function", "function": {"name": call["name"], "arguments": call["arguments"]}}
            for call in calls
        ]
    return logged


def _rfc3339(at: dt.datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
