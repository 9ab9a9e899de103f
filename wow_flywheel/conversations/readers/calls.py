"""A call of a model, and the conversation that calls make, as every reader hands them on.

What belongs here: the two values. What does not: which calls continue each other (`tree`, `sessions`), formats.
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, replace

from wow_flywheel.conversations.readers.values import Message

DEMONSTRATED = "-demonstration"
"""Ends the id of the conversation that a person's better reply makes."""
ANONYMOUS = "anonymous-"
"""Begins the id of the customer of a conversation whose log names none, before the conversation's own id: each is a customer of
its own."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a model.

    Attributes:
        id: Of the call; the same id twice is the same call.
        started: When it was asked.
        request: The messages that it was asked with.
        reply: What it answered.
        sources: Indexes of the documents that it was read from.
        ended: When it answered, if that is known.
        session: Of the conversation, if the log knows it.
        trace: Of the turn, if the log knows it.
        previous: Id of the call whose conversation it continues without repeating it, if the log says so.
        user: Who was served.
        model: Which model answered.
        scenario: The task that the log files it under.
        usage: prompt_tokens and completion_tokens.
        aliases: Other ids by which feedback may name it or what it is part of.
    """

    id: str
    started: dt.datetime
    request: list[Message]
    reply: list[Message]
    sources: frozenset[int] = frozenset()
    ended: dt.datetime | None = None
    session: str | None = None
    trace: str | None = None
    previous: str | None = None
    user: str | None = None
    model: str | None = None
    scenario: str | None = None
    usage: dict[str, int | None] | None = None
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Session:
    """One conversation.

    Attributes:
        id: The log's session, or the id of its first call.
        messages: Every turn once, with `created_at` and, on replies, `usage`.
        calls: The calls that it is made of, in order; repeats of a call that count for it are among them.
        sources: Indexes of the documents from which its messages come; those of repeats are not among them.
        user: Who was served.
        model: Of its last call.
        scenario: Of its first call that names one.
        started: Of its first call.
        ended: Of its last call.
        ids: The ids by which the log names its calls and what they are part of, each with the index of the last message that
            it stands for; in order of these.
    """

    id: str
    messages: list[Message]
    calls: tuple[Call, ...]
    sources: frozenset[int]
    user: str | None
    model: str | None
    scenario: str | None
    started: dt.datetime
    ended: dt.datetime
    ids: tuple[tuple[str, int], ...] = ()


def ids_of(name: str, turns: Iterable[tuple[Call, int]]) -> tuple[tuple[str, int], ...]:
    """The ids of a conversation's calls as `Session.ids` has them.

    Args:
        name: The conversation's own id, which is among them only where it is a call's.
        turns: Its calls, each with the index of its last message.
    """
    found: dict[str, int] = {}
    for call, turn in turns:
        session = call.session if call.session != name else None
        for each in (call.id, call.trace, session, *call.aliases):
            if each and _can_be_stored(each):
                found[each] = max(turn, found.get(each, turn))
    return tuple(sorted(found.items(), key=lambda each: (each[1], each[0])))


def _can_be_stored(text: str) -> bool:
    """False for the lone surrogates that JSON escapes can smuggle in, which UTF-8 cannot hold."""
    return text.encode(errors="ignore").decode() == text


def demonstrated(call: Call, reply: list[Message], sources: frozenset[int]) -> Call:
    """A person's better reply to what a call was asked: the one call of a conversation of its own, `<call>-demonstration`.

    Args:
        call: The call that was answered otherwise.
        reply: What the person wrote.
        sources: Indexes of the documents that hold it.
    """
    name = f"{call.id}{DEMONSTRATED}"
    return replace(
        call,
        id=name,
        session=name,
        reply=reply,
        sources=call.sources | sources,
        trace=None,
        previous=None,
        model=None,
        usage=None,
        ended=None,
        aliases=(),
    )
