"""What a conversation has established before a turn: the numbers that may be stated or used.

What belongs here: reading numbers, dates and times in their many spellings, English and Chinese. What does not: deciding on
claims (`examine`).
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache

from wow_flywheel.dialogue import Message

NUMBER = re.compile(r"\d+(?:[,.]\d+)*")
UNITS = r"days?|hours?|minutes?|mins?|weeks?|months?|dollars?|percent|%|usd|rmb|元|块|天|小时|分钟|折|万|人|位|间"
STATED = re.compile(rf"[$¥￥€£] ?(\d+(?:[,.]\d+)*)|(\d+(?:[,.]\d+)+|\d{{2,}})|(\d+) ?(?:{UNITS})", re.IGNORECASE)
CHINESE_STATED = re.compile(r"([零〇一二两三四五六七八九十百千万]+)(?:元|块|天|小时|分钟|折)")
CLOCK = re.compile(r"\b(\d{1,2}):(\d{2})|\b(\d{1,2}) ?([ap])\.?m\b|(下午|晚上) ?(\d{1,2}) ?[点:]", re.IGNORECASE)
DATE_OR_TIME = re.compile(
    r"\d{4}-\d{1,2}-\d{1,2}|\d{4}年|\d{1,2}/\d{1,2}(?:/\d{2,4})?|\d{1,2}:\d{2}(?::\d{2})?"
    r"|\d{1,2} ?(?:[ap]\.?m\b|o'clock|点|月|日|号)|\d{1,2}(?:st|nd|rd|th)\b"
    r"|(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]* \d{1,2}(?:,? \d{4})?",
    re.IGNORECASE,
)
TIME_IN_WORDS = re.compile(
    r"\b(?:today|tonight|tomorrow|yesterday|now|noon|midnight|morning|afternoon|evening|next|this (?:week|month|year)"
    r"|(?:mon|tues|wednes|thurs|fri|satur|sun)day|half past|quarter|o'clock"
    r"|january|february|march|april|may \d{1,2}|june|july|august|september|october|november|december)\b"
    r"|今天|明天|后天|昨天|现在|早上|上午|中午|下午|晚上|[下这本]?(?:周|星期|礼拜)[一二三四五六日天末]|点半",
    re.IGNORECASE,
)
UP_TO_NINETEEN = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen"
    " nineteen"
)
TENS = "twenty thirty forty fifty sixty seventy eighty ninety hundred"
ENGLISH: Mapping[str, int] = {word: value for value, word in enumerate(UP_TO_NINETEEN.split())} | {
    word: 10 * value for value, word in enumerate(TENS.split(), start=2)
}
CHINESE_DIGITS: Mapping[str, int] = {sign: value for value, sign in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
CHINESE_SCALES: Mapping[str, int] = {"十": 10, "百": 100, "千": 1000, "万": 10000}
COMPUTED = re.compile(
    r"\b(?:sub)?totals?\b|\bdifferen|\bsum\b|\b(?:combined|altogether|remaining)\b|[=×]|合计|总共|一共|总计|差价|剩余",
    re.IGNORECASE,
)
MAX_DERIVED_FROM = 24


@lru_cache(maxsize=50_000)
def numbers(text: str) -> frozenset[str]:
    """The numbers of a text in plain form, with every spelling that a listener takes for the same.

    `1,200.00` is `1200`; `0.15` also gives `15` (per cent); `54.30` also `54`; `14:00` also `2`, `2 pm` also `14`;
    `twenty-five`, `two hundred` and `三百五` give `25`, `200` and `350`; dates give their parts.
    """
    found: set[str] = set()
    for match in NUMBER.findall(text):
        found |= _forms(match)
    return frozenset(found | set(_clock(text)) | set(_english(text)) | set(_chinese(text)))


def stated(text: str) -> list[str]:
    """The numbers of a reply that carry information: two digits and more, prices, and any with a unit; as written, in order.

    List marks such as `1.` at the start of a line and parts of dates and times are left to the caller.
    """
    found = [next(filter(None, groups)) for groups in STATED.findall(text)]
    return list(dict.fromkeys([*found, *CHINESE_STATED.findall(text)]))


def plain(number: str) -> str:
    """A number as plain digits: without thousands separators, leading zeros and an empty fraction; Chinese ones are read."""
    if number[0] in CHINESE_DIGITS or number[0] in CHINESE_SCALES:
        return str(_chinese_value(number))
    text = re.sub(r",(?=\d{3}(?!\d))", "", number)
    if text.count(".") == 1:
        text = text.rstrip("0").rstrip(".")
    return text.lstrip("0") or "0"


class Grounds:
    """The numbers that users, tools, system messages and earlier tool calls put into a conversation, by turn.

    Args:
        messages: The conversation.
        knowledge: Numbers that the knowledge base contains, which count at every turn.
    """

    def __init__(self, messages: Sequence[Message], knowledge: frozenset[str]) -> None:
        self.messages = messages
        self.knowledge = knowledge
        self._before: list[set[str]] = []

    def before(self, turn: int) -> set[str]:
        """What the conversation itself has established before a turn; what the assistant merely said does not count."""
        while len(self._before) <= turn:
            index = len(self._before)
            known = set() if index == 0 else self._before[-1] | self._given(self.messages[index - 1])
            self._before.append(known)
        return self._before[turn]

    def knows(self, number: str, turn: int) -> bool:
        """True if a number, as written, is established before a turn or in the knowledge base."""
        text = plain(number)
        return text in self.before(turn) or text in self.knowledge

    def time_in_words(self, turn: int) -> bool:
        """True if a user gave a date or a time in words before a turn."""
        return any(m["role"] == "user" and TIME_IN_WORDS.search(m.get("content") or "") for m in self.messages[:turn])

    @staticmethod
    def _given(message: Message) -> set[str]:
        texts = [call["arguments"] for call in message.get("tool_calls") or []]
        if message["role"] != "assistant":
            texts.append(message.get("content") or "")
        return set().union(*map(numbers, texts)) if texts else set()


def derivation(number: str, known: Iterable[str], terms: Iterable[str] | None = None) -> str | None:
    """How a number follows from two known ones by a sum, a difference or a product; None if it does not.

    Args:
        number: As written.
        known: Numbers in plain form. Beyond the smallest 24 they are not tried: with many, almost anything can be derived.
        terms: If given, one of the two has to be among these.
    """
    target = _float(plain(number))
    named = None if terms is None else {_float(term) for term in terms} - {target}
    values = sorted(value for text in known if (value := _float(text)) is not None and value > 1)[:MAX_DERIVED_FROM]
    if target is None:
        return None
    for i, one in enumerate(values):
        for other in values[i:]:
            for sign, value in (("+", other + one), ("-", other - one), ("×", other * one)):
                if abs(value - target) < 0.005 and (named is None or one in named or other in named):
                    return f"{other:g} {sign} {one:g}"
    return None


def in_date_or_time(number: str, text: str) -> bool:
    """True if a number stands in a text only as part of a date or a time."""
    spans = [match.span() for match in DATE_OR_TIME.finditer(text)]
    places = [match.span() for match in re.finditer(rf"(?<!\d){re.escape(number)}(?!\d)", text)]
    return bool(places) and all(any(a <= start and end <= b for a, b in spans) for start, end in places)


def is_list_mark(number: str, text: str) -> bool:
    """True if a number only counts the lines of a list."""
    return re.search(rf"(?:^|\n)\s*{re.escape(number)}[.)、]", text) is not None


def _forms(match: str) -> set[str]:
    whole = plain(match)
    value = _float(whole)
    if value is None or match.count(".") > 1:
        return {plain(part) for part in re.split(r"[.,]", match)} | {whole}
    forms = {whole}
    if "." in whole:
        forms |= {str(int(value)), str(round(value))}
        forms |= {f"{value * 100:.4f}".rstrip("0").rstrip(".")} if value < 1 else set()
    return forms


def _clock(text: str) -> Iterator[str]:
    for hour, _, twelve, half, _, chinese in CLOCK.findall(text):
        if hour and 12 < int(hour) < 24:
            yield str(int(hour) - 12)
        if twelve and half.lower() == "p":
            yield str(int(twelve) % 12 + 12)
        if chinese:
            yield str(int(chinese) % 12 + 12)


def _english(text: str) -> Iterator[str]:
    total: int | None = None
    for word in [*re.findall(r"[a-z]+|[^a-z\s-]", text.lower()), ""]:
        value = ENGLISH.get(word)
        if value is not None and total is not None and (joined := _joined(total, value)) is not None:
            total = joined
        elif value is not None or word != "and":
            if total is not None:
                yield str(total)
            total = value


def _joined(total: int, value: int) -> int | None:
    """Two number words that follow each other as one number: `two hundred`, `hundred five`, `twenty five`; else None."""
    if value == 100:
        return total * 100 if 0 < total < 10 else None
    gap = 100 if total and total % 100 == 0 else 10 if total % 100 >= 20 and total % 10 == 0 else 0
    return total + value if 0 < value < gap else None


def _chinese(text: str) -> Iterator[str]:
    for match in re.findall(r"[零〇一二两三四五六七八九十百千万]+", text):
        yield str(_chinese_value(match))
        yield from (str(CHINESE_DIGITS[sign]) for sign in match if sign in CHINESE_DIGITS and len(match) > 1)


def _chinese_value(text: str) -> int:
    if not any(sign in CHINESE_SCALES for sign in text):
        return int("".join(str(CHINESE_DIGITS[sign]) for sign in text))
    total, digit, scale = 0, 0, 1
    for sign in text:
        if sign in CHINESE_SCALES:
            scale = CHINESE_SCALES[sign]
            total = (total + digit) * scale if scale == 10000 else total + (digit or 1) * scale
            digit = 0
        elif CHINESE_DIGITS[sign] == 0:
            scale = 10
        else:
            digit = CHINESE_DIGITS[sign]
    return total + digit * (scale // 10 if scale >= 100 else 1)


def _float(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
