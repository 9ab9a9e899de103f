"""Where a conversation stands in its procedure: the steps taken, and the next one.

What belongs here: recognising steps. What does not: what a reply makes of the next step (`owed`, `wow_flywheel.pairs`).
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from wow_flywheel.dialogue import Message


def next_step(messages: Sequence[Message], steps: Sequence[Mapping[str, Any]]) -> tuple[str, str | None] | None:
    """What the procedure has after the last step that can be recognised: its id, and its text if it is one to say.

    Args:
        messages: The conversation so far.
        steps: The procedure's rows: reply_id, text, next_reply_id.
    """
    texts = {row["reply_id"]: row["text"] for row in steps if row["text"]}
    following = {row["reply_id"]: row["next_reply_id"] for row in steps if row["next_reply_id"]}
    done = [step for message in messages if (step := _step(message, texts, following))]
    expected = following.get(done[-1]) if done else None
    return None if expected is None else (expected, texts.get(expected))


def _step(message: Message, texts: Mapping[str, str], following: Mapping[str, str]) -> str | None:
    """The procedure's step that a message is: named by the log, or a tool call of that name, or the template's text."""
    if message["role"] != "assistant":
        return None
    if (action := message.get("action")) in following:
        return action
    for call in message.get("tool_calls") or []:
        if call["name"] in following:
            return call["name"]
    content = message.get("content") or ""
    return next((step for step, text in texts.items() if step in following and _matches(text, content)), None)


def _matches(template: str, content: str) -> bool:
    pattern = re.sub(r"\\\{\w+(?::[sd])?\\\}", ".+?", re.escape(template))
    return re.fullmatch(pattern, content) is not None
