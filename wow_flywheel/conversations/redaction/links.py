"""Secrets that what is around them tells: parameters and paths of links, passwords beside that word, private keys in armour.

What belongs here: what may stand around such a secret. What does not: keys that are told by their own shape (`secrets`).
"""

import re
from itertools import pairwise
from typing import Final

from wow_flywheel.conversations.redaction.kinds import Span, kind, signed, value

_PARAMETERS: Final = (
    r"(?:access|refresh|id|auth|session|api|csrf)?[_-]?(?:token|secret)|api[_-]?key|password|passwd|pwd|sig|signature"
    r"|x-amz-(?:signature|credential|security-token)|sessionid|session_id"
)
_CODES: Final = r"code|auth|key|ticket|otp|sid|jwt|magic|invite|reset"
"""Parameters that may as well hold a word or a discount code: only what is long and has digits and letters is a secret."""
_URL_SECRET: Final = rf"[?&#;](?:{_PARAMETERS})=(?P<value>[^&\s#\"'<>，。]{{6,}})"
_URL_CODE: Final = (
    rf"[?&#;](?:{_CODES})=(?P<value>(?=[A-Z._~%/+-]*\d)(?=[0-9._~%/+-]*[A-Z])[A-Z0-9._~%/+-]{{16,}})(?![A-Z0-9._~%/+-])"
)
_URL_LOGIN: Final = r"://[^/\s:@]{1,64}:(?P<value>[^/\s@<>]{3,128})@"
_URL: Final = r"://(?:[^\s\"'<>]|<[A-Z]+_\d+>)+"
_SEGMENT: Final = re.compile(r"(?<=/)[A-Za-z0-9_-]{16,}(?![A-Za-z0-9_%~-])(?!\.[A-Za-z])")
_LEADS_TO_SECRET: Final = re.compile(
    r"(?i)(?:reset|verif[a-z]*|confirm[a-z]*|invit[a-z]*|magic|login|signin|token|unsubscribe|activat[a-z]*|share|auth|password"
    r"|session)[a-z_-]{0,20}/$"
)


def _path_token(match: re.Match[str]) -> Span | None:
    """The first part of a path that opens a door: after `reset`, `verify` and the like, or drawn by chance as it looks."""
    for segment in _SEGMENT.finditer(match[0]):
        found = segment[0]
        digits = sum(before.isdigit() != after.isdigit() for before, after in pairwise(found))
        capitals = sum(before.islower() and after.isupper() for before, after in pairwise(found))
        by_chance = len(found) >= 24 and digits >= 2 and capitals >= 2 and digits + capitals >= 5
        told = digits > 0 and _LEADS_TO_SECRET.search(match[0], 0, segment.start()) is not None
        if by_chance or told:
            return match.start() + segment.start(), match.start() + segment.end()
    return None


_WORD: Final = r"(?<![a-z])(?:pass(?:word|code|phrase|wd)|pwd)(?![a-z])"
_IS: Final = r"[\"']?(?:\s{0,2}[:=：]|\s(?:is|was)(?![a-z])){1,2}\s{0,2}"
_QUOTE: Final = r"[\"'`“「]?"
_PASSWORD: Final = rf"{_WORD}{_IS}{_QUOTE}(?P<value>[!-~]{{4,64}})"
_PASSWORD_ZH: Final = rf"(?:密码|口令)(?:是|为|[:：=]|\s){{1,3}}{_QUOTE}(?P<value>[!-~]{{4,64}})"
_ENDS: Final = ".,;:?)]}\"'`"
_NO_PASSWORD: Final = re.compile(r"[<${%\[(*]|https?:|\d{1,2}-\d{1,2}$")
"""A placeholder, a variable, asterisks, a link, or how long it must be."""


def _password(match: re.Match[str]) -> Span | None:
    """In English a password has a digit or a sign in it, for `password is wrong` has none."""
    span = _password_zh(match)
    return span if span and re.search(r"[0-9@#$%^&*_+=~]|!.", match.string[slice(*span)]) else None


def _password_zh(match: re.Match[str]) -> Span | None:
    """Among Chinese characters any word of ASCII is one."""
    found = match["value"].rstrip(_ENDS)
    if len(found) < 4 or _NO_PASSWORD.match(found) or not re.search(r"[A-Za-z0-9]", found):
        return None
    return match.start("value"), match.start("value") + len(found)


_ARMOUR: Final = r"[A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
_LINE: Final = r"(?:\s|\\[nr])*"
_PEM: Final = (
    rf"-----BEGIN {_ARMOUR}(?:(?:[^-]|-(?!----))*-----END {_ARMOUR}|{_LINE}(?:[A-Za-z0-9+/=]{{16,}}{_LINE})+[A-Za-z0-9+/=]*)"
)
"""Up to its end, or as far as it goes on in a text that was cut."""

PRIVATE_KEYS: Final = signed("armour", kind("KEY", _PEM))
LINKS: Final = (
    *signed("parameter", kind("KEY", _URL_SECRET, value), kind("KEY", _URL_CODE, value)),
    *signed("at", kind("KEY", _URL_LOGIN, value)),
    *signed("path", kind("KEY", _URL, _path_token)),
)
PASSWORDS: Final = signed("password", kind("KEY", _PASSWORD, _password), kind("KEY", _PASSWORD_ZH, _password_zh))
