"""What a street address looks like, in English and Chinese.

What belongs here: addresses that lead to one house, flat or box. What does not: places without a number (a city, a street, a
station). A Chinese house number alone is mostly a shop's that the conversation is about, so there a flat, or a word that says
whose it is, must be with it.
"""

import re
from typing import Final

from wow_flywheel.conversations.redaction.kinds import Kind, Span, kind, signed, value, whole

_CLEAR: Final = "street|avenue|road|lane|drive|boulevard|terrace|crescent|highway|parkway|blvd|ave|rd|cres|hwy|pkwy|straße"
_SHORT: Final = "st|dr|ln|ct|court|pl|place|way|circle|cir|square|sq|ter|close|mews|row|grove|gardens|trail|walk|hill"
_DIRECTION: Final = r"(?:[NS]\.?[EW]\.?|[NSEW]\.?|North|South|East|West|Northeast|Northwest|Southeast|Southwest)"
_UNIT: Final = (
    r"(?:(?:,|\s|,\s|\s-\s|\s\()(?i:apt|apartment|suite|ste|unit|flat|floor|fl|room|rm|#)\.?\s?(?:(?i:no\.?)\s?)?#?"
    r"[A-Za-z]?-?\d{1,5}[A-Za-z]?\b|,?\s#\s?\d{1,5}[A-Za-z]?\b|,?\s(?i:apt|unit|suite|ste|flat)\.?\s#?[A-Z]\b)"
)
_CITY: Final = r"[A-Z][A-Za-z.'-]+(?: [A-Z][A-Za-z.'-]+){0,2}"
_ZIP: Final = rf"(?:,?\s{_CITY})?,?\s(?:[A-Z]{{2}},?\s\d{{5}}(?:-\d{{4}})?|[A-Z]{{1,2}}\d[A-Z\d]?\s\d[A-Z]{{2}})(?![A-Za-z0-9])"
_NUMBER: Final = r"(?<![A-Za-z0-9$€£¥.,:/#-])(?<![$€£¥] )(?P<number>\d{1,5}(?:[A-Za-z]|-\d{1,4}|/\d{1,3})?)"
_TAIL: Final = rf"(?:,?\s{_DIRECTION}(?![A-Za-z]))?(?:{_UNIT})?(?:{_ZIP})?"
_NAME: Final = r"(?:[A-Z][A-Za-z.'’-]*|\d{1,3}(?:st|nd|rd|th|ST|ND|RD|TH))"
_CAPITALISED: Final = (
    rf"(?:(?i:flat|unit|apt\.?) [A-Za-z0-9]{{1,4}},? )?{_NUMBER},? (?:{_DIRECTION} )?{_NAME}(?: {_NAME}){{0,3}}? "
    rf"(?i:{_CLEAR}|{_SHORT})(?:\.(?=[\s,]|$)|\b)(?! (?i:met|feet|foot|inch|mile))"
    rf"{_TAIL}"
)
_SPOKEN: Final = rf"{_NUMBER} (?P<words>(?:[a-z.'’]+ ){{1,2}})(?:{_CLEAR})\b{_TAIL}"
_NO_STREET: Final = re.compile(
    r"(?i)\b(?:the|a|an|on|of|from|down|up|at|to|in|off|by|and|or|is|are|this|that|my|your|his|her|our|their|for|with|near|per|"
    r"min|mins|minutes?|hours?|hrs?|days?|weeks?|blocks?|miles?|mi|km|ft|feet|m|meters?|metres?|yards?|people|persons?|guests?|"
    r"stars?|rooms?|nights?|left|right|am|pm|percent|times?|more|long|other|different|big|main|same|next|first|second|"
    r"dollars?|usd|cars?|lanes?|lane|way|new|old|good)\b"
)


def _spoken(match: re.Match[str]) -> Span | None:
    """In lower case a number and `road` may be a distance: `5 minutes down the road`."""
    return None if _NO_STREET.search(match["words"]) else match.span()


def _chinese(match: re.Match[str]) -> Span:
    """Without the words that lead to the address: `我的地址是北京市…` begins at the city."""
    lead = _LEAD.match(match[0])
    return match.start() + (lead.end() if lead else 0), match.end()


_LEAD: Final = re.compile(
    r"[^路街道巷村园苑省市]{0,20}?(?:地址[是为]?|住在|寄到|寄给|送到|发到|位于|我住|是|在|到|给)(?=[\u4e00-\u9fff])"
)
_DIGITS: Final = r"[\dA-Za-z零一二三四五六七八九十百]"
_HOUSE: Final = rf"(?:{_DIGITS}{{1,6}}(?:[-—]\d{{1,4}})?(?:号院|号楼|号|弄|栋|幢|座|楼|期|区|院|巷))"
_FLAT: Final = (
    rf"(?:{_DIGITS}{{1,4}}单元(?:{_DIGITS}{{1,4}}(?:层|楼))?[ -]?{_DIGITS}{{1,5}}(?:室|号|户)?"
    rf"|{_DIGITS}{{1,5}}(?:室|户|房(?!间)))"
)
_PLACE: Final = r"[\u4e00-\u9fff]{0,24}?(?:路|街|道|巷|胡同|里|村|庄|园|苑|小区|花园|公寓|大厦|城|镇|乡|庭|府|湾|居)"
_HOME: Final = (
    r"(?:(?:我|他|她|您|你)家|住在|住址|家庭地址|收货地址|收件地址|寄到|寄给|送到|邮寄地址|配送地址|通讯地址|户籍地址)(?:地址)?"
    r"(?:[\s::：,，是为在]|\"|')*"
)
_CHINESE_FLAT: Final = rf"{_PLACE}(?:[东西南北中]?段?)?{_HOUSE}{{0,5}}[ ,，]?{_FLAT}"
_CHINESE_HOME: Final = rf"{_HOME}(?P<value>{_PLACE}(?:[东西南北中]?段?){_HOUSE}{{1,5}}(?:[ ,，]?{_FLAT}|\d{{2,5}}(?!\d))?)"

ADDRESSES: Final = (
    *signed("box", kind("ADDRESS", r"(?<![A-Za-z0-9])p\.?\s?o\.?\s?box\s?(?:no\.?\s?|#\s?)?\d{1,6}(?![A-Za-z0-9])")),
    *signed("home", kind("ADDRESS", _CHINESE_HOME, value)),
    *signed("flat", kind("ADDRESS", _CHINESE_FLAT, _chinese)),
    *signed(
        "street",
        Kind("ADDRESS", re.compile(_CAPITALISED, re.ASCII), whole),
        Kind("ADDRESS", re.compile(_SPOKEN, re.ASCII), _spoken),
    ),
)
