"""What a kind of personal value is: its placeholder's name, where it may be, and which part of that it is.

What belongs here: the type and the pieces that patterns share. What does not: a kind itself (`contacts`, `numbers`, `secrets`,
`addresses`). A pattern finds a candidate generously; its finder then says which part of it is personal, so that a number
beside it (an expiry date, an amount) neither hides it nor goes with it. Boundaries are ASCII ones: a Chinese character next to
a number does not make it part of a word.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

Span = tuple[int, int]
Finder = Callable[[re.Match[str]], Span | None]

AFTER: Final = r"(?![A-Za-z0-9])(?!\.\d)"
NAMED: Final = r"(?:[\s:：#=(\"'-]|\b(?:numbers?|num|no\.?|is|at|on|was|my|me|the|to)\b|号码|号|是|为)*"
"""What may stand between a word that names a number and the number."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of personal value.

    Attributes:
        name: Its placeholder's name.
        pattern: Where it may be.
        find: The span that it is.
        sign: The sign of `screen.SIGNS` that every text with it has.
    """

    name: str
    pattern: re.Pattern[str]
    find: Finder
    sign: str = ""


def whole(match: re.Match[str]) -> Span:
    """All that the pattern matched."""
    return match.span()


def value(match: re.Match[str]) -> Span:
    """The group `value` of what the pattern matched."""
    return match.span("value")


def kind(name: str, pattern: str, find: Finder = whole) -> Kind:
    """A kind whose pattern takes no notice of case; `narrow` has made other scripts' digits ASCII ones before it looks."""
    return Kind(name, re.compile(pattern, re.IGNORECASE | re.ASCII), find)


def signed(sign: str, *kinds: Kind) -> tuple[Kind, ...]:
    """Kinds that leave one sign in a text."""
    return tuple(replace(each, sign=sign) for each in kinds)


def digits_of(text: str) -> str:
    """The digits of a text."""
    return re.sub(r"\D", "", text)


_LETTERS: Final = {0xFF21 + place: ord("A") + place for place in range(26)} | {
    0xFF41 + place: ord("a") + place for place in range(26)
}
_ZEROS: Final = (
    0x660,
    0x6F0,
    0x966,
    0x9E6,
    0xA66,
    0xAE6,
    0xBE6,
    0xC66,
    0xCE6,
    0xD66,
    0xE50,
    0xED0,
    0xF20,
    0x1040,
    0x17E0,
    0xFF10,
)
"""The digit zero in Arabic, Persian, Indic, Thai, Lao, Tibetan, Burmese, Khmer and full width."""
_WIDE: Final = {
    **{zero + digit: ord("0") + digit for zero in _ZEROS for digit in range(10)},
    **_LETTERS,
    **{
        ord(wide): ord(plain)
        for wide, plain in {
            "\uff20": "@", "\uff0e": ".", "\uff0b": "+", "\uff08": "(", "\uff09": ")", "\uff0f": "/",
            "\uff1d": "=", "\uff3f": "_", "\uff03": "#",
        }.items()
    },
    **dict.fromkeys((0xFF0D, 0x2010, 0x2011, 0x2012, 0x2013, 0x2212), ord("-")),
    **dict.fromkeys((0x00A0, 0x2002, 0x2003, 0x2009, 0x202F, 0x3000), ord(" ")),
}  # fmt: skip
NARROW: Final = {chr(wide): chr(plain) for wide, plain in _WIDE.items()}
"""Full-width digits, letters, signs, dashes and spaces, and the one ASCII character that each stands for."""
_HAS_WIDE: Final = re.compile(f"[{''.join(NARROW)}]")


def narrow(text: str) -> str:
    """Full-width characters, each as the one ASCII character that it stands for: positions stay."""
    return text.translate(_WIDE) if not text.isascii() and _HAS_WIDE.search(text) else text
