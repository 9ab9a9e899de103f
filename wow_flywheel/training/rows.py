"""The training files, read and checked line by line before anything heavy is loaded.

What belongs here: the shape of a line and the errors about it, which name file and line but never content. What does not:
tokens (`encoding`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from wow_flywheel.errors import TrainingError

if TYPE_CHECKING:  # dialogue imports polars, which a trainer does not need
    from wow_flywheel.dialogue import ChatMessage

ROLES = ("system", "user", "assistant", "tool")


class Pair(NamedTuple):
    """One preference pair; `chosen` and `rejected` are the contents of the two assistant answers.

    `issue_type` is what was wrong with the rejected one, empty where the file does not say.
    """

    prompt: list[ChatMessage]
    chosen: str
    rejected: str
    issue_type: str = ""


class Labelled(NamedTuple):
    """One reply with a label; `completion` is the content of the assistant message."""

    prompt: list[ChatMessage]
    completion: str
    good: bool


def read_dialogues(path: Path) -> list[list[ChatMessage]]:
    """The dialogues of an SFT file, each with at least one assistant message.

    Raises:
        TrainingError: The file is missing or empty, or a line is not of the shape; the message names the line.
    """
    return [_dialogue(path, number, row) for number, row in _rows(path)]


def read_pairs(path: Path) -> list[Pair]:
    """The pairs of a DPO file.

    Raises:
        TrainingError: The file is missing or empty, a line is not of the shape, or chosen equals rejected.
    """
    return [_pair(path, number, row) for number, row in _rows(path)]


def read_labelled(path: Path) -> list[Labelled]:
    """The replies of a KTO file.

    Raises:
        TrainingError: The file is missing or empty, a line is not of the shape, or all labels are the same.
    """
    replies = [_labelled(path, number, row) for number, row in _rows(path)]
    if len({reply.good for reply in replies}) == 1:
        raise TrainingError(f"{path}: all replies have the same label", hint="KTO learns from good and bad ones together")
    return replies


def _labelled(path: Path, number: int, row: dict[str, Any]) -> Labelled:
    completion, label = _messages(path, number, row, "completion"), row.get("label")
    if len(completion) != 1 or completion[0]["role"] != "assistant" or not isinstance(label, bool):
        raise TrainingError(
            f"{path}, line {number}: needs a completion of one assistant message, and a label that is true or false",
            hint='write {"prompt": …, "completion": [{"role": "assistant", "content": …}], "label": true}',
        )
    return Labelled(_messages(path, number, row, "prompt"), completion[0]["content"], label)


def _rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        lines = path.read_text("utf-8").split("\n")
    except OSError as error:
        raise TrainingError(f"data file {path} cannot be read ({error.strerror})", hint="check the path") from error
    if not any(line.strip() for line in lines):
        raise TrainingError(f"data file {path} has no rows", hint="build the dataset again, or check why nothing was selected")
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield number, _object(path, number, line)


def _object(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise TrainingError(f"{path}, line {number}: not JSON ({error.msg})", hint="write one JSON object a line") from error
    if not isinstance(row, dict):
        raise TrainingError(f"{path}, line {number}: not a JSON object", hint="write one JSON object a line")
    return row


def _dialogue(path: Path, number: int, row: dict[str, Any]) -> list[ChatMessage]:
    messages = _messages(path, number, row, "messages")
    if not any(message["role"] == "assistant" for message in messages):
        raise TrainingError(f"{path}, line {number}: no assistant message to learn from", hint="leave such dialogues out")
    return messages


def _pair(path: Path, number: int, row: dict[str, Any]) -> Pair:
    prompt = _messages(path, number, row, "prompt")
    answers = [_messages(path, number, row, name) for name in ("chosen", "rejected")]
    if any(len(answer) != 1 or answer[0]["role"] != "assistant" for answer in answers):
        raise TrainingError(
            f"{path}, line {number}: chosen and rejected must each be one assistant message",
            hint='write them as [{"role": "assistant", "content": …}]',
        )
    chosen, rejected = (answer[0]["content"] for answer in answers)
    if chosen == rejected:
        raise TrainingError(f"{path}, line {number}: chosen equals rejected", hint="a tie teaches nothing: leave it out")
    issue_type = row.get("issue_type") or ""
    if not isinstance(issue_type, str):
        raise TrainingError(f"{path}, line {number}: issue_type is not a string", hint="mend the line, or leave the field out")
    return Pair(prompt, chosen, rejected, issue_type)


def _messages(path: Path, number: int, row: dict[str, Any], name: str) -> list[ChatMessage]:
    messages = row.get(name)
    if not isinstance(messages, list) or not messages:
        raise TrainingError(f"{path}, line {number}: {name!r} is not a list of messages", hint="see the trainer's --help")
    return [_message(path, number, message) for message in messages]


def _message(path: Path, number: int, message: Any) -> ChatMessage:
    role = message.get("role") if isinstance(message, dict) else None
    if role not in ROLES:
        raise TrainingError(f"{path}, line {number}: a message has no role among {', '.join(ROLES)}", hint="mend the line")
    content = message.get("content")
    if not isinstance(content, str) or (role == "assistant" and not content.strip()):
        raise TrainingError(f"{path}, line {number}: a message of role {role} has no text", hint="content is a string")
    return {"role": role, "content": content}
