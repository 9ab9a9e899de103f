"""What e-mail addresses and phone numbers look like, in English and Chinese texts.

What belongs here: how a person is reached, but for the post (`addresses`). What does not: numbers of documents (`numbers`).
"""

import re
from typing import Final

from wow_flywheel.conversations.redaction.kinds import AFTER, NAMED, Kind, Span, kind, signed


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


_DATE: Final = re.compile(
    r"(?:19|20)\d\d[-. ]\d{1,2}[-. ]\d{1,2}|\d{1,2}[-. ]\d{1,2}[-. ](?:19|20)\d\d|\d+\.\d+$"
    r"|(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01])$"
)


def is_date(digits: str) -> bool:
    """Whether what might be a phone's number is a date or an amount."""
    return _DATE.match(digits) is not None


def _named_phone(match: re.Match[str]) -> Span | None:
    return None if is_date(match["value"]) else match.span("value")


_LATIN: Final = "A-Za-z0-9\u00c0-\u024f\ufffd"
_BEFORE: Final = r"(?<![A-Za-z0-9])(?<!\d\.)"
_PHONE_VALUE: Final = rf"(?P<value>\+?\(?\d(?:[ ().-]{{0,2}}\d){{6,13}}){AFTER}"

_CJK: Final = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
_CJK_ENDS: Final = (
    "公司|网络|网址|网店|中国|中國|香港|台湾|台灣|在线|中文网|集团|商城|商店|购物|政务|公益|世界|信息|网站|移动|我爱你"
    "|みんな|コム|한국|닷컴"
)
"""Top-level domains, since a sentence goes on right behind one."""
_ANY_EMAIL: Final = re.compile(
    rf"[\w.%+-]{{1,64}}@(?:[^\W_][\w-]{{0,62}}\.)+(?:[A-Za-z]{{2,24}}|{_CJK_ENDS}|[^\W\d_A-Za-z{_CJK}]{{2,24}})"
)
_LED_BY: Final = re.compile(rf".*[{_CJK}](?=[A-Za-z0-9._%+-]+$)|.*[是为到给箱址件](?=.)")


def _mailbox(match: re.Match[str]) -> Span:
    """Without the words before it: Chinese is written without spaces, so they are one word with the mailbox."""
    lead = _LED_BY.match(match[0].partition("@")[0])
    return match.start() + (lead.end() if lead else 0), match.end()


EMAILS: Final = signed(
    "at",
    kind("EMAIL", rf"[{_LATIN}._%+-]{{1,64}}@[{_LATIN}-]{{1,63}}(?:\.[{_LATIN}-]{{1,63}})*\.[A-Za-z\u00c0-\u024f]{{2,24}}"),
    Kind("EMAIL", _ANY_EMAIL, _mailbox),
)
"""In Latin letters, then in any script, with internationalised domains."""
PHONES: Final = signed(
    "number",
    kind("PHONE", r"(?<![A-Za-z0-9+])(?<!\d\.)(?:(?:\+|00)?86[ -]?)?1[3-9]\d[ -]?\d{4}[ -]?\d{4}" + AFTER),
    kind("PHONE", r"(?<![A-Za-z0-9+])(?:\+|00)86[ -]?(?:\(0?\d{2,3}\)|0?\d{2,3})[ -]?\d{3,4}[ -]?\d{4}" + AFTER),
    kind("PHONE", _BEFORE + r"(?:\(0\d{2,3}\)|0(?:10|2\d|[3-9]\d{2})[ -]?)[ ]?[2-9]\d{2,3}[ -]?\d{4}" + AFTER),
    kind("PHONE", r"(?<![A-Za-z0-9+])\+1[ .-]?\(?\d{3}\)?[ .-]?\d{3}[ .-]?\d{4}" + AFTER),
    kind("PHONE", r"(?<![A-Za-z0-9])(?<!\d[.-])(?:1[ .-]?)?(?:\(\d{3}\)[ .-]?|\d{3}-)\d{3}[ .-]\d{4}(?![A-Za-z0-9-])"),
    kind("PHONE", r"(?<![A-Za-z0-9])(?<!\d[.-])(?:1[ .])?[2-9]\d{2}(?P<gap>[ .])\d{3}(?P=gap)\d{4}(?![A-Za-z0-9-])(?!\.\d)"),
    kind("PHONE", r"(?<![A-Za-z0-9])(?<!\d[.-])(?:\(\d{3}\) ?|[2-9]\d{2}-)\d{7}(?![A-Za-z0-9-])(?!\.\d)"),
    kind(
        "PHONE",
        r"(?<![A-Za-z0-9+])(?:\+|00(?=[1-9]\d{0,2}[ -]))(?!1\d{10}|86)[1-9](?:[ ().-]{0,2}\d){7,18}(?![A-Za-z0-9])",
        _international,
    ),
    kind("PHONE", r"(?<![A-Za-z0-9-])[48]00-\d{3,4}-\d{3,4}(?![A-Za-z0-9-])"),
    kind(
        "PHONE",
        r"(?:(?<![a-z])(?:(?:tele)?phone|mobile|cell|tel|fax|whatsapp|call me|text me|reach me)(?![a-z])"
        rf"|电话|手机|联系方式|微信|传真){NAMED}{_PHONE_VALUE}",
        _named_phone,
    ),
    kind("PHONE", rf"<PHONE_\d+>(?:[\s,;/、，；]|\b(?:and|or)\b|和|或){{1,5}}{_PHONE_VALUE}", _named_phone),
)  # fmt: skip
"""In this order. The last two need a neighbour that names them."""
