"""What e-mail, phone, card and id numbers look like, in English and Chinese texts.

What belongs here: patterns and checksums. What does not: replacing (`redact`). A pattern finds a candidate generously; its
finder then says which part of it is personal, so that a number beside it (an expiry date, an amount) neither hides it nor goes
with it. Boundaries are ASCII ones: a Chinese character next to a number does not make it part of a word.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from wow_flywheel.conversations import secret_patterns

Span = tuple[int, int]
Finder = Callable[[re.Match[str]], Span | None]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of personal value: its placeholder's name, where it may be, and the span that it is."""

    name: str
    pattern: re.Pattern[str]
    find: Finder


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


def digits_of(text: str) -> str:
    """The digits of a text."""
    return re.sub(r"\D", "", text)


_BRANDS = re.compile(
    r"4\d{15}|(?:5[1-5]\d\d|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}"
    r"|(?:6011|65\d\d|64[4-9]\d)\d{12}|62\d{14,17}|35[2-8]\d{13}|(?:5018|5020|5038|5893|6304|6759|676[1-3])\d{12,15}"
)
"""Lengths and prefixes of Visa, Mastercard, American Express, Diners, Discover, UnionPay, JCB and Maestro (ISO/IEC 7812)."""


def is_card(text: str) -> bool:
    """True if a text is a payment card number.

    The Luhn digit holds, the groups are those that cards are written in, and the range is known or the groups are four of four.
    """
    groups = tuple(len(group) for group in re.findall(r"\d+", text))
    fours = all(size == 4 for size in groups[:-1]) and groups[-1] <= 4
    if not (len(groups) == 1 or fours or groups in {(4, 6, 5), (4, 6, 4), (6, 10), (6, 13)}):
        return False
    digits = digits_of(text)
    known = groups == (4, 4, 4, 4) or _BRANDS.fullmatch(digits) is not None
    return known and luhn(digits) and len(set(digits)) > 1


def _whole(match: re.Match[str]) -> Span:
    return match.span()


def _value(match: re.Match[str]) -> Span:
    return match.span("value")


def _card(match: re.Match[str]) -> Span | None:
    """The longest run of whole groups that is a card: `4111 1111 1111 1111 12` holds one, and the month beside it."""
    groups = list(re.finditer(r"\d+", match[0]))
    for first, start in enumerate(groups):
        for end in reversed(groups[first : first + 19]):
            if is_card(match[0][start.start() : end.end()]):
                return match.start() + start.start(), match.start() + end.end()
    return None


def _chinese_id(match: re.Match[str]) -> Span | None:
    return match.span() if chinese_id(re.sub(r"[ -]", "", match[0])) else None


def _international(match: re.Match[str]) -> Span | None:
    """Country code and at most 13 digits in whole groups; `+1.25` and `+3 000 000` are amounts."""
    groups = list(re.finditer(r"\d+", match[0]))
    if sum(len(group[0]) == 1 and group[0] != "0" for group in groups[1:]) > 1:
        return None
    longest = 15 if match[0].startswith("00") else 13
    while groups and sum(len(group[0]) for group in groups) > longest:
        groups.pop()
    if sum(len(group[0]) for group in groups) < 9 or (len(groups) == 2 and match[0][groups[0].end()] == "."):
        return None
    return match.start(), match.start() + groups[-1].end()


_DATE = re.compile(r"(?:19|20)\d\d[-. ]\d{1,2}[-. ]\d{1,2}|\d{1,2}[-. ]\d{1,2}[-. ](?:19|20)\d\d|\d+\.\d+$|(?:19|20)\d{6}$")


def _named_phone(match: re.Match[str]) -> Span | None:
    return None if _DATE.match(match["value"]) else match.span("value")


def _kind(name: str, pattern: str, find: Finder = _whole) -> Kind:
    return Kind(name, re.compile(pattern, re.IGNORECASE), find)


_LATIN = "A-Za-z0-9\u00c0-\u024f\ufffd"
_BEFORE = r"(?<![A-Za-z0-9])(?<!\d\.)"
_AFTER = r"(?![A-Za-z0-9])(?!\.\d)"
_NAMED = r"(?:[\s:：#=(\"'-]|\b(?:numbers?|num|no\.?|is|at|on|was|my|me|the|to)\b|号码|号|是|为)*"
_PHONE_VALUE = rf"(?P<value>\+?\(?\d(?:[ ().-]{{0,2}}\d){{6,13}}){_AFTER}"

KINDS = (
    _kind("KEY", secret_patterns.KEY, secret_patterns.access_key),
    _kind("KEY", secret_patterns.BEARER, _value),
    _kind("KEY", secret_patterns.URL_SECRET, _value),
    _kind("KEY", secret_patterns.URL_LOGIN, _value),
    _kind("IBAN", secret_patterns.IBAN, secret_patterns.iban),
    _kind("IP", secret_patterns.IP, secret_patterns.ip),
    _kind("EMAIL", rf"[{_LATIN}._%+-]{{1,64}}@[{_LATIN}-]{{1,63}}(?:\.[{_LATIN}-]{{1,63}})*\.[A-Za-z\u00c0-\u024f]{{2,24}}"),
    _kind(
        "ID",
        r"(?<!\d)(?<!\d\.)[1-9]\d{5}[ -]?(?:18|19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])[ -]?\d{3}[\dX]" + _AFTER,
        _chinese_id,
    ),
    _kind("ID", r"(?<![A-Za-z0-9-])(?!000|666)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![A-Za-z0-9-])"),
    _kind("ID", rf"\b(?:ssn|social security){_NAMED}(?P<value>\d{{3}}[ -]?\d{{2}}[ -]?\d{{4}}){_AFTER}", _value),
    _kind("CARD", r"(?<!\d)(?<!\d\.)\d(?:[ -]?\d){12,}(?![A-Za-z0-9])(?!\.\d)", _card),
    _kind("PHONE", r"(?<![A-Za-z0-9+])(?<!\d\.)(?:(?:\+|00)?86[ -]?)?1[3-9]\d[ -]?\d{4}[ -]?\d{4}" + _AFTER),
    _kind("PHONE", r"(?<![A-Za-z0-9+])(?:\+|00)86[ -]?(?:\(0?\d{2,3}\)|0?\d{2,3})[ -]?\d{3,4}[ -]?\d{4}" + _AFTER),
    _kind("PHONE", _BEFORE + r"(?:\(0\d{2,3}\)|0(?:10|2\d|[3-9]\d{2})[ -]?)[ ]?[2-9]\d{2,3}[ -]?\d{4}" + _AFTER),
    _kind("PHONE", r"(?<![A-Za-z0-9+])\+1[ .-]?\(?\d{3}\)?[ .-]?\d{3}[ .-]?\d{4}" + _AFTER),
    _kind("PHONE", r"(?<![A-Za-z0-9])(?<!\d[.-])(?:1[ .-]?)?(?:\(\d{3}\)[ .-]?|\d{3}-)\d{3}[ .-]\d{4}(?![A-Za-z0-9-])"),
    _kind("PHONE", r"(?<![A-Za-z0-9])(?<!\d[.-])(?:1[ .])?[2-9]\d{2}(?P<gap>[ .])\d{3}(?P=gap)\d{4}(?![A-Za-z0-9-])(?!\.\d)"),
    _kind("PHONE", r"(?<![A-Za-z0-9])(?<!\d[.-])(?:\(\d{3}\) ?|[2-9]\d{2}-)\d{7}(?![A-Za-z0-9-])(?!\.\d)"),
    _kind(
        "PHONE",
        r"(?<![A-Za-z0-9+])(?:\+|00(?=[1-9]\d{0,2}[ -]))(?!1\d{10}|86)[1-9](?:[ ().-]{0,2}\d){7,18}(?![A-Za-z0-9])",
        _international,
    ),
    _kind("PHONE", r"(?<![A-Za-z0-9-])[48]00-\d{3,4}-\d{3,4}(?![A-Za-z0-9-])"),
    _kind(
        "PHONE",
        r"(?:(?<![a-z])(?:(?:tele)?phone|mobile|cell|tel|fax|whatsapp|call me|text me|reach me)(?![a-z])"
        rf"|电话|手机|联系方式|微信|传真){_NAMED}{_PHONE_VALUE}",
        _named_phone,
    ),
    _kind("PHONE", rf"<PHONE_\d+>(?:[\s,;/、，；]|\b(?:and|or)\b|和|或){{1,5}}{_PHONE_VALUE}", _named_phone),
)  # fmt: skip
"""In this order, so that a value is read as the most specific kind it can be. The last two need a neighbour that names them."""

_SEVEN_DIGITS = re.compile(r"@|\d(?:[ .()-]{0,2}\d){6}")
_TELLING = re.compile(
    r"@|\d{11}|(?<!\d)0\d{8}|(?<!\d)(?!(?:19|20)\d\d-\d\d-\d\d(?!\d))\d(?=\d{0,5}[ .()-])(?:[ .()-]{0,2}\d){6}"
)
_ACCOUNT = re.compile(r"[A-Za-z]{2}\d{2} ?[A-Za-z0-9]{4}")
_NAMING = (
    "phone",
    "mobile",
    "cell",
    "tel",
    "fax",
    "whatsapp",
    " me",
    "ssn",
    "social",
    "电话",
    "手机",
    "联系方式",
    "微信",
    "传真",
)
_WIDE = {
    **{0xFF10 + digit: ord("0") + digit for digit in range(10)},
    0xFF20: ord("@"),
    0xFF0E: ord("."),
    0xFF0B: ord("+"),
    0xFF08: ord("("),
    0xFF09: ord(")"),
    **dict.fromkeys((0xFF0D, 0x2010, 0x2011, 0x2012, 0x2013, 0x2212), ord("-")),
    **dict.fromkeys((0x00A0, 0x2002, 0x2003, 0x2009, 0x202F, 0x3000), ord(" ")),
}
_HAS_WIDE = re.compile(f"[{''.join(map(chr, _WIDE))}]")


def narrow(text: str) -> str:
    """Full-width digits, signs, dashes and spaces, each as the one ASCII character that it stands for: positions stay."""
    return text.translate(_WIDE) if not text.isascii() and _HAS_WIDE.search(text) else text


def some_sign(plain: str) -> bool:
    """False if a text holds neither an at sign, nor seven digits with little between them, nor a sign of a machine's value.

    Args:
        plain: The text after `narrow`.
    """
    return _SEVEN_DIGITS.search(plain) is not None or secret_patterns.hinted(plain)


def worth_a_look(plain: str) -> bool:
    """False if no kind matches a text, as of most texts: it is quick, the kinds are not.

    Seven to ten digits in a row are personal only next to a word that says so, or as a landline that starts with 0.

    Args:
        plain: The text after `narrow`.
    """
    if secret_patterns.hinted(plain):
        return True
    if not _SEVEN_DIGITS.search(plain):
        return False
    if _TELLING.search(plain) or _ACCOUNT.search(plain):
        return True
    lowered = plain.lower()
    return any(word in lowered for word in _NAMING)
