"""Redaction of one conversation, as the careful reader makes it.

What belongs here: which texts of a row are redacted, and in which order. What does not: the same for many rows (`frame`).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from wow_flywheel.conversations.redaction.asked import SPEAKERS
from wow_flywheel.conversations.redaction.columns import OF_CALLS, OF_CONVERSATIONS, OF_MESSAGES, redact_label
from wow_flywheel.conversations.redaction.json_text import learn_names, looks_like_json, redact_content, redact_json
from wow_flywheel.conversations.redaction.names import Personal
from wow_flywheel.conversations.redaction.placeholders import Redactor, pseudonym

Row = dict[str, Any]
Keep = Callable[[str, Mapping[str, str]], None]
"""Is given a conversation's id, as stored, and its originals by placeholder."""


def redact_row(row: Row, personal: Iterable[Personal] = (), *, keep: Keep | None = None) -> Row:
    """The row with every text redacted, tool arguments and results included, and the count in `redactions`.

    Args:
        row: The columns of a record.
        personal: Names that the record gives in fields of its own, as `personal_values` finds them.
        keep: What is given the originals, if they are kept at all.
    """
    redactor = Redactor.knowing(personal)
    for text in (*_tool_texts(row["messages"]), *_json_labels(row)):
        learn_names(redactor, text)
    redacted = row | {
        "conversation_id": pseudonym(redactor, row["conversation_id"]),
        "user_id": pseudonym(redactor, row["user_id"]),
        "messages": [_redacted(redactor, *each) for each in zip(row["messages"], questions(row["messages"]), strict=True)],
    }
    feedback = row["feedback"]
    if feedback and feedback["comment"]:
        redacted["feedback"] = feedback | {"comment": redactor.redact(feedback["comment"])}
    for holders, names in _labelled(redacted):
        for name in names:
            for holder in holders:
                if holder.get(name):
                    holder[name] = redact_label(redactor, holder[name])
    if keep is not None and redactor.originals:
        keep(redacted["conversation_id"], redactor.originals)
    return redacted | {"redactions": redactor.count}


def _tool_texts(messages: Iterable[Row]) -> Iterator[str]:
    for each in messages:
        if each["content"] and (each["role"] == "tool" or looks_like_json(each["content"])):
            yield each["content"]
        for call in each["tool_calls"] or ():
            yield call["arguments"]


def _json_labels(row: Row) -> Iterator[str]:
    """Labels that were kept as JSON, in the order in which they are redacted."""
    for holders, names in _labelled(row):
        yield from (each[name] for name in names for each in holders if each.get(name) and looks_like_json(each[name]))


def _labelled(row: Row) -> tuple[tuple[list[Row], tuple[str, ...]], ...]:
    """What has labels, and their names."""
    messages = row["messages"]
    return ([row], OF_CONVERSATIONS), (messages, OF_MESSAGES), (_calls(messages), OF_CALLS)


def _calls(messages: Iterable[Row]) -> list[Row]:
    return [call for each in messages for call in each["tool_calls"] or ()]


def questions(messages: Iterable[Row]) -> Iterator[str]:
    """For each message what the other side said before it: all of its turns in a row, or nothing."""
    before, said, speaker = "", list[str](), ""
    for each in messages:
        if each["role"] not in SPEAKERS or not each["content"]:
            yield ""
            continue
        if each["role"] != speaker:
            before, said, speaker = "\n".join(said), [], each["role"]
        said.append(each["content"])
        yield before


def _redacted(redactor: Redactor, each: Row, question: str) -> Row:
    content, calls = each["content"], each["tool_calls"]
    redacted = dict(each)
    if content:
        tool = each["role"] == "tool"
        redacted["content"] = redact_json(redactor, content) if tool else redact_content(redactor, content, question)
    if calls:
        redacted["tool_calls"] = [
            call | _pseudonym_at(redactor, call, "id") | {"arguments": redact_json(redactor, call["arguments"])}
            for call in calls
        ]
    return redacted | _pseudonym_at(redactor, each, "tool_call_id")


def _pseudonym_at(redactor: Redactor, holder: Row, name: str) -> Row:
    return {name: pseudonym(redactor, holder[name])} if holder.get(name) else {}
