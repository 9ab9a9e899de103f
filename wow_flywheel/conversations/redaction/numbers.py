"""What payment cards, identity, passport, licence and tax numbers, plates and dates of birth look like.

What belongs here: numbers that an office or a bank gave, and their checksums. What does not: phones (`contacts`), keys
(`secrets`). A number without a check digit is personal only next to a word that says what it is.
"""

import re
from typing import Final

from wow_flywheel.conversations.redaction.kinds import AFTER, NAMED, Kind, Span, digits_of, kind, signed, value, whole


def luhn(digits: str) -> bool:
    """True if a digit string has a valid Luhn check digit (ISO/IEC 7812-1)."""
    total = 0
    for position, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (2 if position % 2 else 1)
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0


def chinese_id(text: str) -> bool:
    """True if 18 characters are a Chinese resident identity number with a valid check character (GB 11643-1999)."""
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    check = sum(int(digit) * weight for digit, weight in zip(text[:17], weights, strict=True)) % 11
    return text[17].upper() == "10X98765432"[check]


_BRANDS: Final = re.compile(
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


def _document(match: re.Match[str]) -> Span | None:
    """A document's number has five digits or more, and is no date."""
    found = match["value"]
    if len(digits_of(found)) < 5 or len(re.sub(r"\W", "", found)) > 20 or _YEAR_FIRST.fullmatch(found):
        return None
    return match.span("value")


def _plate(match: re.Match[str]) -> Span | None:
    return match.span() if sum(character.isdigit() for character in match[0]) >= 2 else None


def _birth(match: re.Match[str]) -> Span | None:
    year = re.search(r"(?:19|20)\d\d", match["value"])
    return None if year and int(year[0]) > LAST_YEAR_OF_BIRTH else match.span("value")


LAST_YEAR_OF_BIRTH: Final = 2026
_YEAR_FIRST: Final = re.compile(r"(?:19|20)\d\d[-/. ]?(?:0[1-9]|1[0-2])[-/. ]?(?:[0-2]\d|3[01])")
_GAP: Final = r"(?:no\.|[^0-9\n.!?。！？;；]){0,30}?(?<![A-Za-z0-9])"
"""What may stand between the word that names a document and its number: a few words, but no other number or sentence."""
_GROUP: Final = r"[A-Z]{0,6}\d[A-Z0-9]*"
_DOCUMENT: Final = rf"{_GAP}(?P<value>(?:[A-Z]{{2}}[ -])?{_GROUP}(?:[ -]{_GROUP}|-[A-Z]{{1,2}}(?![A-Za-z]))*){AFTER}"
_MONTH: Final = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|sept|oct|nov|dec)[a-z]{0,6}\.?"
DATE: Final = (
    r"(?:(?:19|20)\d\d ?[-/.年 ] ?\d{1,2} ?[-/.月 ] ?\d{1,2}[日号]?|\d{1,2}[-/. ]\d{1,2}[-/. ](?:(?:19|20)\d\d|\d\d)"
    rf"|\d{{1,2}}(?:st|nd|rd|th)?[ -](?:of )?{_MONTH},?[ -](?:19|20)\d\d|{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?,? (?:19|20)\d\d"
    r"|(?:19|20)\d{6})"
)
_BORN: Final = r"(?:(?<![a-z])(?:born|d\.?o\.?b\.?|date[ _-]?of[ _-]?birth|birth[ _-]?(?:date|day))(?![a-z])|出生|生日|生于)"
_PROVINCE: Final = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"

_CHINESE_PASSPORT: Final = rf"(?<![A-Za-z0-9_#-])(?:[EG]\d{{8}}|E[A-HJ-NP-Z]\d{{7}}){AFTER}"

IDENTITIES: Final = signed(
    "number",
    kind(
        "ID",
        r"(?<!\d)(?<!\d\.)[1-9]\d{5}[ -]?(?:18|19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])[ -]?\d{3}[\dX]" + AFTER,
        _chinese_id,
    ),
    kind("ID", r"(?<![A-Za-z0-9-])(?!000|666)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![A-Za-z0-9-])"),
    kind(
        "ID",
        rf"(?:身份证|证件号码?|(?<![a-z])id (?:card|number)){NAMED}"
        rf"(?P<value>[1-9]\d{{7}}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{{3}}){AFTER}",
        value,
    ),
    kind("ID", rf"(?<![A-Za-z])(?:ssn|social security){NAMED}(?P<value>\d{{3}}[ -]?\d{{2}}[ -]?\d{{4}}){AFTER}", value),
)
DOCUMENTS: Final = (
    *signed(
        "birth",
        kind("BIRTH", rf"{_BORN}(?:[^0-9\n!?。！？;；]){{0,25}}?(?<![A-Za-z0-9])(?P<value>{DATE})(?!\d)", _birth),
        kind("BIRTH", rf"(?<![A-Za-z0-9])(?P<value>{DATE}) ?(?:出生|生人|\((?:dob|date of birth)\))", _birth),
    ),
    *signed(
        "document",
        kind(
            "PASSPORT",
            rf"(?:passport|护照){_GAP}(?P<value>(?=(?:[A-Z]*\d){{4}})(?:[A-Z0-9]{{7,9}}|\d{{2}} ?[A-Z]{{2}} ?\d{{5}}"
            rf"|[A-Z]{{1,3}} ?\d{{6,8}})){AFTER}",
            _document,
        ),
    ),
    *signed("passport", Kind("PASSPORT", re.compile(_CHINESE_PASSPORT, re.ASCII), whole)),
    *signed(
        "document",
        kind(
            "LICENCE",
            rf"(?:(?:driver'?s?'?|driver’s|driving)[ _-]?licen[sc]e|(?<![a-z])dl (?:number|no|#)|驾驶证|驾照){_DOCUMENT}",
            _document,
        ),
        kind(
            "TAX",
            r"(?:tax(?:payer)?[ _-]?(?:id|identification|number|no\b|code)|(?-i:\b(?:TIN|EIN|ITIN|UTR|NINO)\b)"
            rf"|national insurance|vat[ _-]?(?:id|reg|number|no\b)|税号|纳税人识别号|纳税识别号){_DOCUMENT}",
            _document,
        ),
    ),
    *signed(
        "plate",
        kind(
            "PLATE",
            rf"(?:[{_PROVINCE}][A-HJ-NP-Z]|WJ[{_PROVINCE}])[ ·•・-]?(?:[A-HJ-NP-Z0-9]{{4}}[A-HJ-NP-Z0-9挂学警港澳]"
            r"|[DF][A-HJ-NP-Z0-9]\d{4}|\d{5}[DF])(?![A-Za-z0-9])",
            _plate,
        ),
    ),
)  # fmt: skip
CARDS: Final = signed("number", kind("CARD", r"(?<!\d)(?<!\d\.)\d(?:[ -]?\d){12,}(?![A-Za-z0-9])(?!\.\d)", _card))
