"""Whether a number in a reply stands for what it is: money, a time, a share or the name of a thing.

What belongs here: the kind of a number where it is said, the kinds that sources give it, and numbers in words. What does not:
whether a number is known at all in digits (`grounding`, `examine`).
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final, Literal

from wow_flywheel.dialogue import Message
from wow_flywheel.inspection.grounding import CHINESE_STATED, ENGLISH, NUMBER, numbers, plain
from wow_flywheel.inspection.values import leaves, parsed
from wow_flywheel.inspection.wording import text_of

Kind = Literal["money", "time", "share", "name"]
UNITS: Final[tuple[tuple[Kind, str], ...]] = (
    ("money", r"dollars?|bucks|usd|euros?|eur|pounds?|yuan|rmb|cents?|元|块|美元|欧元"),
    ("time", r"minutes?|mins?|hours?|days?|weeks?|months?|years?|working days?|business days?|分钟|小时|天|日|周|个?月|年"),
    ("share", r"percent|per cent|%|折"),
)
NAMED: Final = re.compile(
    r"(?:\b(?:order|booking|reservation|number|no\.|nr\.?|id|code|ticket|reference|account|room|flight|table|apartment)|#"
    r"|订单|单号|编号|号码|房间)(?: number| no\.?| id| is|:|：|号|是)*[ #]*$",
    re.IGNORECASE,
)
BEFORE: Final = re.compile(
    r"(?:[$¥￥€£]|\b(?:costs?|pay|price (?:is|of)|charge[sd]?(?: of)?|fee (?:is|of)|refund of)(?: you)?"
    r"|价格[是为]?|费用[是为]?|一共|总共) *$",
    re.IGNORECASE,
)
MONEY: Final = (
    "amount|price|fee|cost|total|refund|voucher|balance|charge|payment|deposit|fare|rent|discount|金额|价格?|费用?|余额|总价|款"
)
KEYS: Final[tuple[tuple[Kind, re.Pattern[str]], ...]] = (
    ("money", re.compile(rf"^(?:{MONEY})s?$")),
    ("time", re.compile(r"^(?:minutes?|mins?|hours?|days?|weeks?|months?|duration|eta|wait|time|时间|天数?|分钟|小时)$")),
    ("share", re.compile(r"^(?:percent|rate|share|ratio|percentage|折扣?|比例)$")),
    ("name", re.compile(r"^(?:order|id|number|no|code|booking|reference|phone|account|ticket|订单号?|编号|单号|电话|订单)$")),
)
NEGATED: Final = re.compile(r"\b(?:not|never|no|nor|without|cannot|neither)\b|n['’]t\b|[不没未无]|并非|别", re.IGNORECASE)
SPELLED: Final = re.compile(rf"\b(?:(?:{'|'.join(ENGLISH)}|thousand)(?:[ -]and)?[ -]?)+\b", re.IGNORECASE)
CLAUSE_ENDS: Final = re.compile(r"[,.](?=\s|$)|[;:!?，。；：！？、]|\bbut\b|而是|但", re.IGNORECASE)
INDEFINITE: Final = 10
"""A spelled number below ten carries information only with a unit: `one moment`, `two things`."""


def clauses(text: str) -> list[str]:
    """The parts of a text between its commas, stops and the words that turn it round; numbers keep their commas."""
    return [part for part in CLAUSE_ENDS.split(text) if part.strip()]


def wrong(reply: str, messages: Sequence[Message], public: str) -> Iterator[str]:
    """What is wrong with the numbers of a reply, in words.

    Args:
        reply: What is said.
        messages: The conversation before it.
        public: Texts of knowledge and procedures.
    """
    known = numbers(public).union(*(numbers(text) for text in _given(messages)))
    for clause in clauses(reply):
        for number, start, end in _said(clause):
            kind = kind_of(clause, start, end)
            spelled = not clause[start].isdecimal()
            if spelled and number not in known and (kind or float(number) >= INDEFINITE):
                yield f"says {clause[start:end].strip()}, which nothing gives"
            elif (held := _holders(number, messages)) and number not in numbers(public):
                yield from _misplaced(clause, number, kind, held, messages)
            if NEGATED.search(clause[:start]) and any(_key_kind(key) != "name" for key in _held_by_tools(number, messages)):
                yield f"denies {number}, which a tool gave"


def kind_of(clause: str, start: int, end: int) -> Kind | None:
    """What a number is of, by the words around it; None where they do not say."""
    before, after = clause[:start], clause[end:]
    for kind, units in UNITS:
        if re.match(rf"[ -]?(?:{units})(?![a-z])", after, re.IGNORECASE):
            return kind
    if NAMED.search(before):
        return "name"
    return "money" if BEFORE.search(before) else None


def _misplaced(
    clause: str, number: str, kind: Kind | None, held: Sequence[Kind | None], messages: Sequence[Message]
) -> Iterator[str]:
    if kind is not None and None not in held and kind not in held:
        yield f"says {number} as {kind}, but it is {' and '.join(sorted({each for each in held if each}))}"
        return
    named = {key for key, _ in _results(messages) if _is_named(key, clause)}
    values = {plain(value) for key, value in _results(messages) if key in named and NUMBER.fullmatch(value)}
    if values and kind != "name" and number not in values and _held_by_tools(number, messages):
        yield f"says {number} of {', '.join(sorted(named))}, which is {', '.join(sorted(values))}"


def _holders(number: str, messages: Sequence[Message]) -> list[Kind | None]:
    """The kinds that sources give a number: by their keys in results and calls, by the customer's words around it."""
    by_key = [_key_kind(key) for key, value in [*_results(messages), *_arguments(messages)] if _same(value, number)]
    said = [
        kind_of(clause, start, end)
        for message in messages
        if message["role"] == "user"
        for clause in clauses(text_of(message))
        for found, start, end in _said(clause)
        if found == number
    ]
    return [*by_key, *(kind for kind in said if kind is not None or not by_key)]


def _held_by_tools(number: str, messages: Sequence[Message]) -> list[str]:
    return [key for key, value in _results(messages) if _same(value, number)]


def _said(clause: str) -> Iterator[tuple[str, int, int]]:
    """The numbers of a clause in plain form, with their places, digits and words alike."""
    for match in NUMBER.finditer(clause):
        yield plain(match[0]), match.start(), match.end()
    for match in SPELLED.finditer(clause):
        text = match[0].rstrip(" -")
        if values := [value for value in numbers(text) if value.isdecimal()]:
            yield max(values, key=int), match.start(), match.start() + len(text)
    for match in CHINESE_STATED.finditer(clause):
        yield plain(match[1]), match.start(1), match.end(1)


def _key_kind(key: str) -> Kind | None:
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", key).lower().replace("_", " ").split()
    return next((kind for kind, pattern in KEYS if any(pattern.match(word) for word in words)), None)


def _is_named(key: str, clause: str) -> bool:
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", key).lower().replace("_", " ").strip()
    if _key_kind(key) in {"name", "time"} or len(words) < (2 if re.search(r"[\u4e00-\u9fff]", words) else 3):
        return False
    return re.search(rf"(?<![a-z]){re.escape(words)}s?(?![a-z])", clause.lower()) is not None


def _same(value: str, number: str) -> bool:
    return NUMBER.fullmatch(value) is not None and plain(value) == number


def _results(messages: Sequence[Message]) -> list[tuple[str, str]]:
    return [leaf for message in messages if message["role"] == "tool" for leaf in leaves(parsed(message.get("content")))]


def _arguments(messages: Sequence[Message]) -> list[tuple[str, str]]:
    return [
        leaf for message in messages for call in message.get("tool_calls") or [] for leaf in leaves(parsed(call["arguments"]))
    ]


def _given(messages: Sequence[Message]) -> Iterator[str]:
    for message in messages:
        if message["role"] != "assistant":
            yield text_of(message)
        yield from (call["arguments"] for call in message.get("tool_calls") or [])
