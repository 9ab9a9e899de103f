"""What access keys, bank account numbers and network addresses look like.

What belongs here: patterns and checksums of values that machines write. What does not: secrets that links carry or that people
write beside their name (`links`), other values that people write (`contacts`, `numbers`).
"""

import ipaddress
import re
from typing import Final

from wow_flywheel.conversations.redaction.kinds import Kind, Span, kind, signed, value
from wow_flywheel.conversations.redaction.links import LINKS, PASSWORDS, PRIVATE_KEYS

_START, _END = r"(?<![A-Za-z0-9_-])", r"(?![A-Za-z0-9_-])"
_KEY_SHAPES: Final = (
    r"sk-(?:[a-z]{2,6}-)?(?:[a-z]{2,4}\d\d-)?[A-Za-z0-9_-]{20,}",  # OpenAI, Anthropic, OpenRouter
    r"(?:AKIA|ASIA)[0-9A-Z]{16}",  # AWS
    r"gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{22,}",
    r"xox[abprs]-[A-Za-z0-9-]{10,}",  # Slack
    r"AIza[0-9A-Za-z_-]{35}",  # Google
    r"(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{16,}",  # Stripe
    r"hf_[A-Za-z0-9]{30,}",  # Hugging Face
    r"glpat-[A-Za-z0-9_-]{20,}",  # GitLab
    r"npm_[A-Za-z0-9]{30,}|pypi-[A-Za-z0-9_-]{40,}",
    r"SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}",  # SendGrid
    r"LTAI[A-Za-z0-9]{12,24}|AKID[A-Za-z0-9]{20,}",  # Alibaba, Tencent
    r"gsk_[A-Za-z0-9]{30,}|ya29\.[A-Za-z0-9_-]{20,}",  # Groq, Google OAuth
    r"eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{5,}",  # JSON Web Token (RFC 7519)
)
_KEY: Final = rf"{_START}(?:{'|'.join(_KEY_SHAPES)}){_END}"
_BEARER: Final = r"\bbearer\s+(?P<value>[A-Za-z0-9._~+/-]{20,}=*)"
_IBAN: Final = r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![A-Za-z0-9])"
_IPV4: Final = r"(?<![A-Za-z0-9_.-])(?<!version )(?<!section )(?:\d{1,3}\.){3}\d{1,3}(?![\w-])(?!\.\d)"
_IPV6: Final = r"(?:(?<![\w.:])|(?<=[a-z]:))(?=[0-9a-f]*:[0-9a-f]*:)[0-9a-f:]{6,39}(?![\w:])"


def is_iban(text: str) -> bool:
    """True if a text is an International Bank Account Number: 15 to 34 characters whose check digits hold (ISO 13616)."""
    plain = text.replace(" ", "").upper()
    if not 15 <= len(plain) <= 34:
        return False
    return int("".join(str(int(character, 36)) for character in plain[4:] + plain[:4])) % 97 == 1


def _iban(match: re.Match[str]) -> Span | None:
    """The longest part, in whole groups, that is an IBAN: words in capitals may follow it."""
    for end in range(len(match[0]), 14, -1):
        if (end == len(match[0]) or match[0][end] == " ") and is_iban(match[0][:end]):
            return match.start(), match.start() + end
    return None


def _ip(match: re.Match[str]) -> Span | None:
    """A network address, but none that every machine has; `face::b` without a digit is none either."""
    if not re.search(r"\d", match[0]):
        return None
    try:
        address = ipaddress.ip_address(match[0])
    except ValueError:
        return None
    return None if address.is_loopback or address.is_unspecified else match.span()


def _access_key(match: re.Match[str]) -> Span | None:
    """A key has a digit in it; a hyphenated name that begins like one has none."""
    return match.span() if any(character.isdigit() for character in match[0]) else None


_MAC: Final = (
    r"(?<![A-Za-z0-9:-])(?=[a-f:-]*\d)(?=[0-9a-f:-]*[a-f:])[0-9a-f]{2}([:-])(?:[0-9a-f]{2}\1){4}[0-9a-f]{2}(?![A-Za-z0-9:-])"
    r"|(?<![A-Za-z0-9.])(?=[a-f.]*\d)(?=[0-9a-f.]*[a-f])[0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4}(?![A-Za-z0-9.])"
)
SECRETS: Final[tuple[Kind, ...]] = (
    *PRIVATE_KEYS,
    *signed("key", kind("KEY", _KEY, _access_key), kind("KEY", _BEARER, value)),
    *LINKS,
    *PASSWORDS,
    *signed("iban", kind("IBAN", _IBAN, _iban)),
    *signed("mac", kind("MAC", _MAC)),
    *signed("ipv4", kind("IP", _IPV4, _ip)),
    *signed("ipv6", kind("IP", _IPV6, _ip)),
)
