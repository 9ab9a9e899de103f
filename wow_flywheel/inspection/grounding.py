"""What a conversation has established before a turn: the numbers that may be stated or used.

What belongs here: reading numbers in their many spellings. What does not: deciding on claims (`reexamine`).
"""

import re
from collections.abc import Iterable, Mapping, Sequence

from wow_flywheel.dialogue import Message

NUMBER = re.compile(r"\d+(?:[,.]\d+)*")
DATE_OR_TIME = re.compile(
    r"\d{4}-\d{1,2}-\d{1,2}|\d{1,2}/\d{1,2}(?:/\d{2,4})?|\d{1,2}:\d{2}|\d{1,2} ?(?:am|pm|o'clock|点|月|日|号)"
    r"|\d{1,2}(?:st|nd|rd|th)\b",
    re.IGNORECASE,
)
ENGLISH = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
    "twenty",
]
TENS = {"thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90, "hundred": 100}
CHINESE = {digit: value for value, digit in enumerate("零一二三四五六七八九")} | {"两": 2, "十": 10, "百": 100}
WORDS: Mapping[str, int] = {word: value for value, word in enumerate(ENGLISH)} | TENS


def numbers(text: str) -> set[str]:
    """The numbers of a text in plain form: `1,200.00` is `1200`, `twelve` is `12`, `三百五` gives its digits."""
    found = {plain(match) for match in NUMBER.findall(text)}
    found |= {part for match in NUMBER.findall(text) for part in map(plain, re.split(r"[.,]", match))}
    found |= {str(WORDS[word]) for word in re.findall(r"[a-z]+", text.lower()) if word in WORDS}
    return found | {str(CHINESE[sign]) for sign in text if sign in CHINESE}


def plain(number: str) -> str:
    """A number without thousands separators, leading zeros and an empty fraction."""
    text = number.replace(",", "")
    if "." in text:
        text = text.rstrip("0").rstrip(".") if text.count(".") == 1 else text
    return text.lstrip("0") or "0"


def established(messages: Sequence[Message], turn: int, knowledge: Iterable[str] = ()) -> set[str]:
    """The numbers that users, tools, and earlier tool calls put into the conversation before a turn, and the knowledge base."""
    texts = list(knowledge)
    for message in messages[:turn]:
        if message["role"] != "assistant":
            texts.append(message.get("content") or "")
        texts.extend(call["arguments"] for call in message.get("tool_calls") or [])
    return set().union(*map(numbers, texts)) if texts else set()


def derivable(number: str, known: Iterable[str]) -> str | None:
    """How a number follows from two known ones by a sum, a difference or a product; None if it does not.

    Known numbers beyond the first 80 are not tried: with many numbers almost anything can be derived, which proves nothing.
    """
    values = [value for text in sorted(known)[:80] if (value := _float(text)) is not None and value > 1]
    target = _float(number)
    if target is None:
        return None
    for i, one in enumerate(values):
        for other in values[i:]:
            for sign, value in (("+", one + other), ("-", abs(one - other)), ("×", one * other)):
                if abs(value - target) < 0.005:
                    return f"{one:g} {sign} {other:g}"
    return None


def in_date_or_time(number: str, text: str) -> bool:
    """True if a number stands in a text only as part of a date or a time, which people put into words."""
    spans = [match.span() for match in DATE_OR_TIME.finditer(text)]
    places = [match.span() for match in re.finditer(re.escape(number), text)]
    return bool(places) and all(any(a <= start and end <= b for a, b in spans) for start, end in places)


def _float(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
