"""What a tool call came to, read from its result.

What belongs here: success, failure, nothing found; and whether a call changes something. What does not: what follows from it
for a conversation (`outcome`) or for a claim (`examine`).
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from wow_flywheel.dialogue import Message, tool_results

Result = Literal["succeeded", "answered", "empty", "failed"]

FAILED_TEXT = re.compile(
    r"^\W*(?:error|sorry)|\b(?:not found|no such|invalid|fail(?:ed|ure|s)?|exception|denied|unable to|cannot|could ?n[o']t"
    r"|does not exist|unavailable|rejected|declined|expired|insufficient|not enough|too (?:small|large|many|few|late|early)"
    r"|not (?:available|possible|allowed|permitted|authori[sz]ed|eligible|valid|successful)|unauthori[sz]ed|forbidden"
    r"|unsuccessful|conflict\w*|(?:sold|timed) out|fully booked|try (?:again|another|a different)|must provide)\b"
    r"|失败|不存在|无法|错误|不可用|没有权限|无权|无效|不足|冲突|已满(?![足意])|售罄|拒绝|超时|过期|抱歉|请重试|换一?个",
    re.IGNORECASE,
)
SUCCEEDED_TEXT = re.compile(
    r"\b(?:success\w*|confirmed|completed|accepted|approved|booked|reserved|scheduled|cancell?ed|refunded|updated|changed"
    r"|submitted|sent|done|unlocked)\b|成功|已完成|已(?:经|[为帮替给][您你])?(?:确认|预[订定]|取消|退款|修改|提交|安排)",
    re.IGNORECASE,
)
FLAGS = ("ok", "success", "succeeded")
ERRORS = ("error", "errors", "exception", "错误")
COUNTS = ("total_items", "total", "count", "num_results")
STATUS = ("status", "state", "message", "result", "状态", "消息")
READING = re.compile(
    r"^(?:get|find|search|list|check|look_?up|query|read|fetch|view|show|think|calculate|verify)", re.IGNORECASE
)
WRITING = re.compile(
    r"(?:^|_|(?<=[a-z])(?=[A-Z]))(?:book|cancel|refund|return|exchange|update|modify|change|create|add|remove|delete|send|submit"
    r"|schedule|reserve|pay|transfer|set|reset|enable|disable|order|ship|reship|open|close|register|issue|apply|grant)",
    re.IGNORECASE,
)
HANDING_OVER = re.compile(r"human|escalat|hand_?(?:off|over)|人工", re.IGNORECASE)
ASIDE = re.compile(r"^(?:think|calculate)(?:_|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Call:
    """One tool call with its result.

    Attributes:
        turn: Turn of the assistant message that called.
        name: The tool.
        arguments: JSON text as logged.
        result: What it came to; None if the log has no result.
        result_turn: Turn of the result; None if there is none.
    """

    turn: int
    name: str
    arguments: str
    result: Result | None
    result_turn: int | None

    @property
    def writes(self) -> bool:
        """True if the tool's name says that it changes something rather than looking it up."""
        return self.about_demand and READING.match(self.name) is None and WRITING.search(self.name) is not None

    @property
    def about_demand(self) -> bool:
        """False for thinking aloud and for handing over to a person: that these work says nothing of the demand."""
        return ASIDE.match(self.name) is None and HANDING_OVER.search(self.name) is None

    @property
    def worked(self) -> bool:
        """True if it has a result that is neither a failure nor empty."""
        return self.result in {"succeeded", "answered"}


def calls(messages: Sequence[Message]) -> list[Call]:
    """The tool calls of a conversation in order, each with its result by id, or by order where the log has no ids."""
    found = []
    for turn, message in enumerate(messages):
        results = tool_results(messages, turn)
        for offset, call in enumerate(message.get("tool_calls") or [], start=1):
            place = results.get(call["id"]) if call["id"] else _following(messages, turn + offset)
            text = messages[place].get("content") or "" if place is not None else None
            outcome = None if text is None else read_result(text, looked_up=READING.match(call["name"]) is not None)
            found.append(Call(turn, call["name"], call["arguments"], outcome, place))
    return found


@lru_cache(maxsize=20_000)
def read_result(text: str, *, looked_up: bool = False) -> Result:
    """What a result's text says: `succeeded` and `failed` only where it says so, `empty` where nothing was found, else
    `answered`.

    Args:
        text: The result as logged, JSON or not.
        looked_up: True for a tool that only reads: the status of the thing that it found is data, not the call's outcome.
    """
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        value = text
    result = _read(value)
    is_data = isinstance(value, Mapping) and not _flags(value) and not any(value.get(key) for key in ERRORS)
    return "answered" if looked_up and is_data and result != "empty" else result


def _following(messages: Sequence[Message], place: int) -> int | None:
    return place if place < len(messages) and messages[place]["role"] == "tool" else None


def _read(value: Any) -> Result:
    if isinstance(value, Mapping):
        inner = [part for part in value.values() if isinstance(part, Mapping)]
        return _read_object(inner[0] if len(inner) == 1 and not _says(value) else value)
    if isinstance(value, str):
        return _read_text(value)
    if value is None or value == []:
        return "empty"
    return "failed" if value is False else "answered"


def _read_object(value: Mapping[str, Any]) -> Result:
    flags = _flags(value)
    if False in flags or any(value.get(key) for key in ERRORS):
        return "failed"
    if flags:
        return "succeeded"
    said = " ".join(_statuses(value))
    if FAILED_TEXT.search(said):
        return "failed"
    if SUCCEEDED_TEXT.search(said):
        return "succeeded"
    return "empty" if not value or _counted_none(value) else "answered"


def _says(value: Mapping[str, Any]) -> bool:
    """True if an object speaks for itself, so that an object inside it need not be asked."""
    return bool(_flags(value) or any(value.get(key) for key in ERRORS) or list(_statuses(value)) or _counted_none(value))


def _flags(value: Mapping[str, Any]) -> list[bool]:
    return [value[key] for key in FLAGS if isinstance(value.get(key), bool)]


def _counted_none(value: Mapping[str, Any]) -> bool:
    """A count of 0 means that nothing was found; negative counts mean that nobody counted."""
    return any(value.get(key) == 0 and not isinstance(value[key], bool) for key in COUNTS if key in value)


def _statuses(value: Mapping[str, Any]) -> Iterator[str]:
    return (text for key, text in value.items() if key.lower().endswith(STATUS) and isinstance(text, str))


def _read_text(text: str) -> Result:
    if not text.strip():
        return "empty"
    if FAILED_TEXT.search(text[:300]):
        return "failed"
    return "succeeded" if SUCCEEDED_TEXT.search(text[:300]) else "answered"
