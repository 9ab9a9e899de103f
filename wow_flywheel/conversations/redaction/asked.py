"""Numbers that only the turn before names: “Your passport number?” – “512345678”.

What belongs here: what a turn asks for, and what answers it. What does not: numbers that their own turn names, or their looks
(`contacts`, `numbers`). A turn asks for a kind where a sentence of it names the kind and is a question or a request. In the
other side's turns that follow, whatever could be a number of that kind is one, unless the words before it say otherwise.
"""

import re
from dataclasses import dataclass
from typing import Final

from wow_flywheel.conversations.redaction.contacts import is_date
from wow_flywheel.conversations.redaction.kinds import AFTER, narrow
from wow_flywheel.conversations.redaction.numbers import DATE

SPEAKERS: Final = ("user", "assistant")
"""The roles that ask and answer."""
CUE_WORDS: Final = (
    "phone", "mobile", "cell", "whatsapp", "contact number", "call you", "reach you", "电话", "手机", "联系方式", "联系号码",
    "passport", "护照", "ssn", "social security", "id number", "id card", "identity", "national id", "身份证", "证件号",
    "licen", "驾照", "驾驶证", "tax", "vat num", "税号", "纳税人识别号", "card", "卡号", "信用卡", "银行卡", "birth", "born",
    "dob", "d.o.b", "出生", "生日", "password", "passcode", "密码", "口令",
)  # fmt: skip
"""One of these is in every turn that asks; ASCII in any case."""
ANSWERS: Final = "[0-9]"
"""In every answer, after `narrow`; for Python's `re` and Rust's `regex` alike."""
_FOUR_DIGITS: Final = re.compile(r"[0-9](?:[^0-9]{0,20}[0-9]){3}")


@dataclass(frozen=True, slots=True)
class _Kind:
    name: str
    cue: re.Pattern[str]
    answer: re.Pattern[str]


def _kind(name: str, cue: str, answer: str) -> _Kind:
    return _Kind(name, re.compile(cue, re.IGNORECASE | re.ASCII), re.compile(answer, re.IGNORECASE | re.ASCII))


_BEFORE: Final = r"(?<![A-Za-z0-9'’])(?<!\d[.,])"
_GROUP: Final = r"[A-Z]{0,3}\d[A-Z0-9]*"
_DOCUMENT: Final = rf"{_BEFORE}(?=(?:[A-Z -]{{0,6}}\d){{5}}){_GROUP}(?:[ -]{_GROUP}){{0,5}}{AFTER}"
_WHOSE_ID: Final = ("user", "order", "item", "member", "customer", "product", "booking", "account", "reservation")
_ID_NUMBER: Final = "".join(f"(?<!{each} )" for each in _WHOSE_ID) + "(?<![a-z])id number"
_NATIONAL_ID: Final = r"ssn|social security|(?:national|government)(?:[- ]issued)? id|identity (?:card|number|document)|id card"
KINDS: Final = (
    _kind(
        "PASSPORT",
        r"passport|护照",
        rf"{_BEFORE}(?=(?:[A-Z ]*\d){{5}})(?:(?-i:[A-Z]{{1,3}} )\d{{6,9}}|[A-Z0-9]{{7,9}}|[A-Z]{{1,3}}\d{{6,9}}){AFTER}",
    ),
    _kind("LICENCE", r"driv(?:er|ing)[^.?!\n]{0,4} ?licen[sc]e|licen[sc]e number|驾照|驾驶证", _DOCUMENT),
    _kind("TAX", r"tax(?:payer)?[ -]?(?:id|number|identification|no\b)|vat num|税号|纳税人识别号", _DOCUMENT),
    _kind(
        "CARD",
        r"(?<![a-z])card(?: |-)?(?:number|no\b|details)|(?:credit|debit|bank|payment) card|卡号|信用卡|银行卡",
        rf"{_BEFORE}\d(?:[ -]?\d){{12,18}}{AFTER}",
    ),
    _kind(
        "ID",
        rf"(?<![a-z])(?:{_NATIONAL_ID})(?![a-z])|{_ID_NUMBER}|身份证|证件号",
        rf"{_BEFORE}(?:\d{{3}}[ -]\d{{2}}[ -]\d{{4}}|\d{{14,17}}[\dX]|[A-Z]{{0,2}}\d{{6,12}}(?:[A-Z]|\([\dA]\))?){AFTER}",
    ),
    _kind("BIRTH", r"birth|(?<![a-z])(?:born|d\.?o\.?b)(?![a-z])|出生|生日", rf"(?<![A-Za-z0-9]){DATE}(?!\d)"),
    _kind(
        "PHONE",
        r"(?<![a-z])(?:(?:tele|cell|mobile )?phone|mobile|cell|whatsapp|contact number|(?:call|reach) you)(?![a-z])"
        r"|电话|手机|联系方式|联系号码",
        rf"(?<![A-Za-z0-9+])(?<!\d[.,])\+?\(?\d(?:[ ().-]{{0,2}}\d){{6,13}}{AFTER}",
    ),
    _kind(
        "KEY",
        r"password|passcode|密码|口令",
        r"(?<![!-~])(?=[!-~]*\d)(?=[!-~]*[A-Za-z])[!-;=?-~]{5,63}[A-Za-z0-9!@#$%^&*](?![!-~])",
    ),
)
"""In this order, so that a number is read as the most specific kind that was asked for."""

_SENTENCE: Final = re.compile(r"[^.!?\n。！？；;]*(?:[.!?\n。！？；;]+|$)")
_REQUEST: Final = re.compile(
    r"[?？]|(?<![a-z])(?:please|provide|give|share|tell|send|enter|type|confirm|verify|need|require|may i|can i|could|have|what"
    r"|which|know)(?![a-z])|请|提供|告诉|告知|报一下|说一下|发一下|发我|给我|多少|什么|输入|核实|核对|需要|吗|呢|麻烦",
    re.IGNORECASE,
)
_OTHER: Final = re.compile(
    r"(?:(?:order|booking|reservation|confirmation|tracking|reference|invoice|ticket|flight|case|item|zip|postal|post ?code"
    r"|amount|price|total|room|pin|extension)(?![a-z])|订单|预订|运单|快递|单号|航班|房间|邮编|金额|价格|[#$€£¥￥])[^0-9.!?。！？]{0,20}$",
    re.IGNORECASE,
)
"""What says, before a number, that it is something else."""


def asked_for(question: str) -> tuple[_Kind, ...]:
    """The kinds that a turn asks for, in the order in which answers are read."""
    asking = [sentence for sentence in _SENTENCE.findall(question) if _REQUEST.search(sentence)]
    return tuple(kind for kind in KINDS if any(kind.cue.search(sentence) for sentence in asking))


def may_answer(text: str, question: str) -> bool:
    """False if a text surely holds no answer, as most that follow a question: it is quick."""
    asked = asked_for(question)
    return bool(asked) and (_FOUR_DIGITS.search(narrow(text)) is not None or any(kind.name == "KEY" for kind in asked))


def answers(plain: str, question: str) -> list[tuple[int, int, str]]:
    """Where a text answers a question with a personal number, and of which kind.

    Args:
        plain: The text after `narrow`, in which what can be told by its looks is already replaced.
        question: The turn before.

    Returns:
        Start, end and kind, from left to right, without overlaps.
    """
    found: list[tuple[int, int, str]] = []
    taken = bytearray(len(plain))
    for kind in asked_for(question) if re.search(ANSWERS, plain) else ():
        for match in kind.answer.finditer(plain):
            start, end = match.span()
            other = _OTHER.search(plain, max(0, start - 60), start) or (kind.name != "BIRTH" and is_date(match[0]))
            if not other and take(taken, start, end):
                found.append((start, end, kind.name))
    return sorted(found)


def take(taken: bytearray, start: int, end: int) -> bool:
    """Mark a part of a text as taken; False, and nothing is marked, if any character of it was."""
    if taken.find(1, start, end) >= 0:
        return False
    taken[start:end] = b"\x01" * (end - start)
    return True
