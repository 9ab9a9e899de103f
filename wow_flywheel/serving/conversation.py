"""A conversation under way, and the journal events that it is made of.

What belongs here: state, events, and the log record. What does not: files (`journal`, `log_writer`).

Events are JSON objects: `turn` (cut the messages to `keep`, then add some), `close` (with the feedback and the log file that
will hold the record), `written` (the record is in that file).
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

LoggedMessage = dict[str, Any]
Event = dict[str, Any]
COMPARED = ("role", "content", "tool_calls", "tool_call_id")


@dataclass(frozen=True, slots=True)
class About:
    """Whose conversation it is, where, and with which model."""

    user_id: str
    scenario: str
    channel: str
    model: str
    locale: str | None = None


@dataclass(slots=True)
class Conversation:
    """An open conversation; every message has its `created_at`."""

    conversation_id: str
    about: About
    messages: list[LoggedMessage] = field(default_factory=list)

    @property
    def ended_at(self) -> dt.datetime:
        """When the last message was made."""
        return dt.datetime.fromisoformat(self.messages[-1]["created_at"])

    def begins(self, history: list[LoggedMessage]) -> bool:
        """True if a history continues this conversation."""
        return len(self.messages) < len(history) and all(map(same, self.messages, history))

    def dated(self, history: list[LoggedMessage], now: dt.datetime) -> list[LoggedMessage]:
        """The history as messages of the log: those already known keep their time and token counts, the others are new."""
        known = self.messages
        return [
            known[i] if i < len(known) and same(known[i], message) else {**message, "created_at": rfc3339(now)}
            for i, message in enumerate(history)
        ]

    def day(self, timezone: str) -> dt.date:
        """The business day on which it began."""
        return dt.datetime.fromisoformat(self.messages[0]["created_at"]).astimezone(ZoneInfo(timezone)).date()

    def record(self, feedback: dict[str, Any] | None) -> dict[str, Any]:
        """The conversation as one native log record."""
        about = {key: value for key, value in asdict(self.about).items() if value is not None}
        return {
            "conversation_id": self.conversation_id,
            **about,
            "started_at": self.messages[0]["created_at"],
            "ended_at": self.messages[-1]["created_at"],
            "messages": self.messages,
            **({"feedback": feedback} if feedback else {}),
        }

    def turn_event(self, messages: list[LoggedMessage]) -> Event:
        """The event after which the conversation has the given messages: only what differs is in it."""
        keep = 0
        while keep < min(len(self.messages), len(messages)) and self.messages[keep] == messages[keep]:
            keep += 1
        added = {"keep": keep, "add": messages[keep:]}
        return {"event": "turn", "conversation_id": self.conversation_id, "about": asdict(self.about), **added}


@dataclass(frozen=True, slots=True)
class Closing:
    """A closed conversation whose record may not be in its file yet; `file` is relative to the root of the logs."""

    conversation: Conversation
    feedback: dict[str, Any] | None
    file: str

    def event(self) -> Event:
        """The event that makes a conversation this."""
        about = {"conversation_id": self.conversation.conversation_id, "feedback": self.feedback, "file": self.file}
        return {"event": "close", **about}


@dataclass(slots=True)
class State:
    """What a journal's events add up to."""

    open: dict[str, Conversation] = field(default_factory=dict)
    closing: dict[str, Closing] = field(default_factory=dict)

    @classmethod
    def of(cls, events: Iterable[Event]) -> "State":
        """Replay events in order."""
        state = cls()
        for event in events:
            state.apply(event)
        return state

    def apply(self, event: Event) -> None:
        """One more event."""
        name = event["conversation_id"]
        if event["event"] == "turn":
            conversation = self.open.setdefault(name, Conversation(name, About(**event["about"])))
            conversation.about = About(**event["about"])
            conversation.messages = [*conversation.messages[: event["keep"]], *event["add"]]
        elif event["event"] == "close":
            self.closing[name] = Closing(self.open.pop(name), event["feedback"], event["file"])
        else:
            self.closing.pop(name, None)

    def adopt(self, other: "State") -> None:
        """Take over another journal's open conversations; where both have one, the later wins."""
        for name, conversation in other.open.items():
            mine = self.open.get(name)
            if mine is None or mine.ended_at < conversation.ended_at:
                self.open[name] = conversation

    def snapshot(self) -> list[Event]:
        """The fewest events that give the conversations which are open or not yet in their file."""
        closing = [each for closed in self.closing.values() for each in (_whole(closed.conversation), closed.event())]
        return [*closing, *map(_whole, self.open.values())]


def _whole(conversation: Conversation) -> Event:
    return Conversation(conversation.conversation_id, conversation.about).turn_event(conversation.messages)


def same(a: LoggedMessage, b: LoggedMessage) -> bool:
    """True if two messages say the same, whatever their times and token counts."""
    return all((a.get(key) or None) == (b.get(key) or None) for key in COMPARED)


def rfc3339(moment: dt.datetime) -> str:
    """A time as the log writes it: UTC, to the millisecond."""
    return moment.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
