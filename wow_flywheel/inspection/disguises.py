"""Reads a text as it reads without its disguises: codes, escapes, games with letters, and these one within another.

What belongs here: the codes that people hide words in. What does not: which words are looked for (`attempts`).
A code within a code is read `DEPTH` deep. Games with letters, which turn any text into another one, are tried on each reading
and end there.
"""

import base64
import binascii
import codecs
import html
import quopri
import re
import unicodedata
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple
from urllib.parse import unquote

DEPTH: Final = 3
MOST_CHARACTER: Final = 0x10FFFF
HIDDEN: Final = re.compile(
    r"[\u00ad\u0300-\u036f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f\ue000-\uf8ff]"
)
BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]{24,}={0,2}")
BASE32: Final = re.compile(r"[A-Z2-7]{24,}={0,6}")
ASCII85: Final = re.compile(r"[!-u]{30,}")
HEX: Final = re.compile(r"(?:(?:\\x|0x)?[0-9a-fA-F]{2}[\s,:]?){16,}")
DECIMAL: Final = re.compile(r"(?<!\d)(?:\d{2,6}[\s,;]+){11,}\d{2,6}(?!\d)")
BINARY: Final = re.compile(r"(?<![01])(?:[01]{8}[\s,]*){8,}(?![01])")
QUOTED_PRINTABLE: Final = re.compile(r"(?:=[0-9A-Fa-f]{2}){8,}")
JSON_ESCAPE: Final = re.compile(r"\\([\"\\/])")
UNICODE_ESCAPE: Final = re.compile(r"\\u([0-9a-fA-F]{4})")
SPACED: Final = re.compile(r"(?<!\w)\w(?:[ ._*-]\w)+(?!\w)")
LOOKALIKES: Final = str.maketrans(
    "аеорсухіѕјԁɡӏոαεορτυικνΑΒΕΗΙΚΜΝΟΡΤΧАВЕНКМОРСТХ013457@$", "aeopcyxisjdglnaeoptuiknABEHIKMNOPTXABEHKMOPCTXoieastas"
)


class Reading(NamedTuple):
    """What a text says under a disguise: its name, what it then says, and the words that hide it."""

    disguise: str
    shown: str
    source: str


def readings(text: str) -> Iterator[Reading]:
    """A text as it stands, and as it reads without each disguise."""
    yield Reading("none", text, text)
    visible = text
    if not text.isascii():
        shown = "".join(map(_visible, text)) if HIDDEN.search(text) else text
        visible = unicodedata.normalize("NFKC", shown)
    if visible != text:
        yield Reading("invisible or unusual characters", visible, text)
    yield from _games(visible, text)
    yield from _decoded(visible, None, DEPTH)


def _decoded(visible: str, outer: str | None, depth: int) -> Iterator[Reading]:
    """What is hidden in codes, and in these again; `outer` is the disguised text as it stands, once it is known."""
    if depth == 0:
        return
    for disguise, shown, words in _codes(visible):
        source = outer or words
        yield Reading(disguise, shown, source)
        yield from _games(shown, source)
        yield from _decoded(shown, source, depth - 1)


def _codes(visible: str) -> Iterator[Reading]:
    for disguise, read in WHOLE.items():
        if (shown := read(visible)) != visible:
            yield Reading(disguise, shown, visible)
    for disguise, (pattern, decode) in PARTS.items():
        for match in pattern.finditer(visible):
            if shown := decode(match[0]):
                yield Reading(disguise, shown, match[0])


def _games(visible: str, source: str) -> Iterator[Reading]:
    for disguise, read in LETTER_GAMES.items():
        if (shown := read(visible)) != visible:
            yield Reading(disguise, shown, source)


def _visible(character: str) -> str:
    """Tag characters (U+E0000) as the ASCII that they hide; other format characters not at all."""
    code = ord(character)
    if 0xE0020 <= code <= 0xE007E:
        return chr(code - 0xE0000)
    return "" if unicodedata.category(character) in {"Cf", "Mn", "Co"} else character


def _text(data: bytes) -> str:
    """Bytes as text: UTF-8, or UTF-16 in either order where that reads as text; empty if neither does."""
    for encoding in ("utf-8", "utf-16-le", "utf-16-be"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if text.replace("\n", " ").replace("\r", " ").replace("\t", " ").isprintable():
            return text
    return ""


def _base64(text: str) -> str:
    core = text.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return _text(base64.b64decode(core + "=" * (-len(core) % 4), validate=True))
    except binascii.Error:
        return ""


def _base32(text: str) -> str:
    core = text.rstrip("=")
    try:
        return _text(base64.b32decode(core + "=" * (-len(core) % 8)))
    except binascii.Error:
        return ""


def _ascii85(text: str) -> str:
    try:
        return _text(base64.a85decode(text.removeprefix("<~").removesuffix("~>")))
    except ValueError:
        return ""


def _hex(text: str) -> str:
    digits = re.sub(r"\\x|0x|[\s,:]", "", text)
    return _text(bytes.fromhex(digits[: len(digits) // 2 * 2]))


def _decimal(text: str) -> str:
    """Numbers as the characters that they count: Unicode's, or bytes where all are small."""
    codes = [int(code) for code in re.findall(r"\d+", text)]
    if max(codes) > MOST_CHARACTER:
        return ""
    return (_text(bytes(codes)) if max(codes) < 256 else "") or _printable("".join(map(chr, codes)))


def _binary(text: str) -> str:
    digits = re.sub(r"[\s,]", "", text)
    return _text(bytes(int(digits[i : i + 8], 2) for i in range(0, len(digits), 8)))


def _printable(text: str) -> str:
    return text if text.replace("\n", " ").isprintable() else ""


WHOLE: Final[dict[str, Callable[[str], str]]] = {
    "JSON escapes": lambda text: JSON_ESCAPE.sub(r"\1", text) if "\\" in text else text,
    "HTML escapes": lambda text: html.unescape(text) if "&" in text else text,
    "percent escapes": lambda text: unquote(text) if "%" in text else text,
    "unicode escapes": lambda text: UNICODE_ESCAPE.sub(lambda found: chr(int(found[1], 16)), text) if "\\u" in text else text,
}
"""Escapes anywhere in a text."""

PARTS: Final[dict[str, tuple[re.Pattern[str], Callable[[str], str]]]] = {
    "base64": (BASE64, _base64),
    "hex": (HEX, _hex),
    "base32": (BASE32, _base32),
    "ascii85": (ASCII85, _ascii85),
    "decimal codes": (DECIMAL, _decimal),
    "binary codes": (BINARY, _binary),
    "quoted-printable": (QUOTED_PRINTABLE, lambda text: _text(quopri.decodestring(text.encode()))),
}
"""Stretches of a text that are a code as a whole."""

LETTER_GAMES: Final[dict[str, Callable[[str], str]]] = {
    "look-alike characters": lambda text: text.translate(LOOKALIKES),
    "rot13": lambda text: codecs.encode(text, "rot13"),
    "spaced letters": lambda text: SPACED.sub(lambda found: re.sub(r"[ .\-_*]", "", found[0]), text),
    "spaced look-alike characters": lambda text: SPACED.sub(lambda found: re.sub(r"[ .\-_*]", "", found[0]), text).translate(
        LOOKALIKES
    ),
    "backwards": lambda text: text[::-1],
    "marks between letters": lambda text: re.sub(r"(?<=\w)[*_~`.\-|](?=\w)", "", text),
}
"""Readings of any text whatever."""
