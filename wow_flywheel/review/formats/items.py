"""The cases to export: the talk, the findings, and what rules and inspectors suggest.

What belongs here: gathering, and a turn as plain text. What does not: any tool's format.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wow_flywheel.cases.review import reviewed
from wow_flywheel.dialogue import Message
from wow_flywheel.lake import Lake
from wow_flywheel.review.page import Finding, findings_of
from wow_flywheel.review.queue import queue


@dataclass(frozen=True, slots=True)
class Item:
    """One case.

    Attributes:
        case: Its row of `cases`.
        value: What a look at it is worth; see `review.value`.
        messages: The talk.
        findings: See `page.Finding`.
    """

    case: Mapping[str, Any]
    value: float
    messages: Sequence[Message]
    findings: Sequence[Finding]

    @property
    def name(self) -> str:
        """Names the case in other tools: `<dt>/<conversation_id>`."""
        return f"{self.case['dt']}/{self.case['conversation_id']}"


def gather(lake: Lake, since: dt.date, until: dt.date, limit: int) -> list[Item]:
    """The cases that wait, the most valuable first."""
    rows = queue(lake, since, until).head(limit).select("dt", "conversation_id", "value")
    return [_item(lake, day, conversation_id, value) for day, conversation_id, value in rows.iter_rows()]


def turn_text(message: Message) -> str:
    """A turn as text: what was said, then a line for each call."""
    calls = [f"→ {call['name']} {call['arguments']}" for call in message.get("tool_calls") or []]
    said = message.get("content")
    return "\n".join([said, *calls] if said else calls)


def split_name(name: str) -> tuple[dt.date, str]:
    """The day and conversation of `Item.name`.

    Raises:
        ValueError: It is none.
    """
    day, slash, conversation_id = name.partition("/")
    if not slash or not conversation_id:
        raise ValueError(name)
    return dt.date.fromisoformat(day), conversation_id


def _item(lake: Lake, day: dt.date, conversation_id: str, value: float) -> Item:
    found = reviewed(lake, day, conversation_id)
    return Item(found["case"], value, found["messages"], findings_of(lake, day, conversation_id))
