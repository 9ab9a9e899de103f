"""Redaction: e-mail, phone, card and id numbers become placeholders before anything else sees a text.

What belongs here: patterns, checksums, placeholders. What does not: where texts come from. Equal values get equal placeholders
within one conversation (`<EMAIL_1>`), so that meaning survives. Ordinary numbers (amounts, dates, times, order numbers) stay.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


def luhn(digits: str) -> bool:
    """True if a digit string has a valid Luhn check digit (ISO/IEC 7812-1)."""
    total = 0
    for position, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if position % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def chinese_id(text: str) -> bool:
    """True if 18 characters are a Chinese resident identity number with a valid check character (GB 11643-1999)."""
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    check = sum(int(digit) * weight for digit, weight in zip(text[:17], weights, strict=True)) % 11
    return text[17].upper() == "10X98765432"[check]


def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)


def _card(text: str) -> bool:
    digits = _digits(text)
    return 13 <= len(digits) <= 19 and luhn(digits) and len(set(digits)) > 1


def _always(_: str) -> bool:
    return True


KINDS: tuple[tuple[str, re.Pattern[str], Callable[[str], bool]], ...] = (
    ("EMAIL", re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})*\.[A-Za-z]{2,24}"), _always),
    ("ID", re.compile(r"(?<![A-Za-z0-9])[1-9]\d{5}(?:18|19|20)\d{2}[01]\d[0-3]\d{4}[\dXx](?![A-Za-z0-9])"), chinese_id),
    ("ID", re.compile(r"(?<![\d-])(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\d-])"), _always),
    ("CARD", re.compile(r"(?<![\d.-])\d(?:[ -]?\d){12,18}(?![\d-])(?!\.\d)"), _card),
    ("PHONE", re.compile(r"(?<![\w+])\+\d{1,3}[ .-]?(?:\(\d{1,4}\)[ .-]?)?\d{1,4}(?:[ .-]?\d{2,4}){2,4}(?!\d)"), _always),
    ("PHONE", re.compile(r"(?<![\d.-])(?:\+?86[ -]?)?1[3-9]\d[ -]?\d{4}[ -]?\d{4}(?![\d-])(?!\.\d)"), _always),
    ("PHONE", re.compile(r"(?<![\d-])0\d{2,3}-\d{7,8}(?![\d-])"), _always),
    ("PHONE", re.compile(r"(?<![\w.-])(?:1[ .-])?\(?[2-9]\d{2}\)?[ .-]\d{3}[ .-]\d{4}(?![\w-])(?!\.\d)"), _always),
    ("PHONE", re.compile(r"(?<![\d-])400-?\d{3,4}-?\d{3,4}(?![\d-])"), lambda text: len(_digits(text)) == 10),
)  # fmt: skip
"""Kind, pattern and check; in this order, so that a value is read as the most specific kind it can be."""

WORTH_A_LOOK = re.compile(r"@|\d[ .()-]{0,2}\d[ .()-]{0,2}\d[ .()-]{0,2}\d[ .()-]{0,2}\d[ .()-]{0,2}\d[ .()-]{0,2}\d")
"""No kind matches a text in which this is not found: seven digits in a row, or an at sign."""


@dataclass(slots=True)
class Redactor:
    """Redacts the texts of one conversation with the same placeholder for the same value.

    Attributes:
        count: How many values were replaced so far.
    """

    count: int = 0
    _names: dict[tuple[str, str], str] = field(default_factory=dict)
    _last: dict[str, int] = field(default_factory=dict)

    def redact(self, text: str) -> str:
        """The text with personal values replaced; a text without any is returned as it is."""
        if not WORTH_A_LOOK.search(text):
            return text
        for kind, pattern, check in KINDS:
            text = pattern.sub(lambda match, kind=kind, check=check: self._replace(kind, match[0], check), text)  # type: ignore[misc]
        return text

    def _replace(self, kind: str, value: str, check: Callable[[str], bool]) -> str:
        if not check(value):
            return value
        self.count += 1
        key = (kind, value.lower() if kind == "EMAIL" else re.sub(r"[^\dXx]", "", value).upper())
        if key not in self._names:
            self._last[kind] = self._last.get(kind, 0) + 1
            self._names[key] = f"<{kind}_{self._last[kind]}>"
        return self._names[key]


def redact_text(text: str) -> tuple[str, int]:
    """Redact one text on its own.

    Returns:
        The redacted text, and how many values were replaced.
    """
    redactor = Redactor()
    return redactor.redact(text), redactor.count


def redact_json(redactor: Redactor, text: str) -> str:
    """Redact a text that may be JSON, so that it stays JSON: a number that is personal becomes a string placeholder.

    A text without personal values is returned byte for byte.
    """
    if not WORTH_A_LOOK.search(text):
        return text
    try:
        parsed = json.loads(text)
    except ValueError:
        return redactor.redact(text)
    before = redactor.count
    redacted = _redact_leaves(redactor, parsed)
    return json.dumps(redacted, ensure_ascii=False) if redactor.count > before else text


def _redact_leaves(redactor: Redactor, node: Any) -> Any:
    if isinstance(node, str):
        return redactor.redact(node)
    if isinstance(node, dict):
        return {redactor.redact(key): _redact_leaves(redactor, value) for key, value in node.items()}
    if isinstance(node, list):
        return [_redact_leaves(redactor, value) for value in node]
    if isinstance(node, int) and not isinstance(node, bool):
        text = redactor.redact(str(node))
        return node if text == str(node) else text
    return node
