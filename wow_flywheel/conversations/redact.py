"""Redaction: personal values and access keys become placeholders before anything else sees a text.

What belongs here: placeholders, and JSON that stays JSON. What does not: what a value looks like (`patterns`), where texts come
from. Equal values get equal placeholders within one conversation (`<EMAIL_1>`), so that meaning survives. Ordinary numbers
(amounts, dates, times, order numbers) stay.
"""

import hashlib
import json
import re
from dataclasses import dataclass, field

from wow_flywheel.conversations.patterns import KINDS, Kind, chinese_id, digits_of, is_card, narrow, some_sign, worth_a_look

_TOKEN = re.compile(r'"(?P<text>[^"\\]*(?:\\.[^"\\]*)*)"(?P<colon>\s*:)?|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?', re.DOTALL)
_NUMBER = re.compile(r"\s*-?\d+\s*")
_ESCAPE = re.compile(r"\\u00([2-7][0-9a-fA-F])")
_NUMBER_OF = r"(?:_?(?:number|num|no)|号码?)"
_KEYS = (
    ("PHONE", re.compile(rf"(?:phone|mobile|^tel|_tel|cell|fax|msisdn|电话|手机){_NUMBER_OF}?s?$", re.IGNORECASE)),
    ("CARD", re.compile(rf"(?:card|卡){_NUMBER_OF}s?$", re.IGNORECASE)),
    ("ID", re.compile(rf"(?:(?:^|_)(?:ssn|social_?security|id_?card)|身份证){_NUMBER_OF}?$", re.IGNORECASE)),
)
"""JSON keys that say what kind a bare number is, which no pattern could tell from an order number."""
_TELLING_KEY = re.compile(r'(?:msisdn|(?i:card|social|ssn|phone)[A-Za-z_]*|[卡证][号码]*)"\s*:')
_NESTING = 4


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
        """The text with personal values replaced; a text without any is returned as it is.

        Repeats until nothing is found: a value that was hidden beside another one is found once that is gone.
        """
        before = -1
        while before != self.count:
            before = self.count
            plain = narrow(text)
            if not worth_a_look(plain):
                break
            for kind in KINDS:
                text, plain = self._replace_all(kind, text, plain)
        return text

    def placeholder(self, kind: str, value: str) -> str:
        """The placeholder of a value; counts one replacement."""
        self.count += 1
        key = (kind, _canonical(kind, value))
        if key not in self._names:
            self._last[kind] = self._last.get(kind, 0) + 1
            self._names[key] = f"<{kind}_{self._last[kind]}>"
        return self._names[key]

    def _replace_all(self, kind: Kind, text: str, plain: str) -> tuple[str, str]:
        spans = [span for match in kind.pattern.finditer(plain) if (span := kind.find(match))]
        if not spans:
            return text, plain
        pieces, mirrored, position = [], [], 0
        for start, end in spans:
            name = self.placeholder(kind.name, plain[start:end])
            pieces += [text[position:start], name]
            mirrored += [plain[position:start], name]
            position = end
        return "".join([*pieces, text[position:]]), "".join([*mirrored, plain[position:]])


def redact_text(text: str) -> tuple[str, int]:
    """Redact one text on its own; a text that is a JSON object or array stays JSON.

    Returns:
        The redacted text, and how many values were replaced.
    """
    redactor = Redactor()
    return redact_content(redactor, text), redactor.count


def redact_content(redactor: Redactor, text: str) -> str:
    """Redact what someone wrote: prose, unless it is a JSON object or array."""
    return redact_json(redactor, text) if text.lstrip()[:1] in {"{", "["} else redactor.redact(text)


def redact_json(redactor: Redactor, text: str, *, nesting: int = _NESTING) -> str:
    """Redact tool arguments or a tool result: what is JSON stays JSON, and all but the replaced values stays byte for byte.

    In JSON a number is left alone unless it is a payment card, a Chinese id, or its key says that it is a phone, card or id
    number; then a string takes its place. A text that is not JSON is redacted as prose.
    """
    if not _may_hold(text):
        return text
    if not _is_json(text):
        return redactor.redact(text)
    if _NUMBER.fullmatch(text):
        redacted = redactor.redact(text)
        return text if redacted == text else json.dumps(redacted.strip())
    return _JsonTokens(redactor, nesting).redact(text)


def redact_broken(data: bytes, limit: int) -> str:
    """Redact a line that nobody could read, for quarantine: wrong encodings and broken JSON included.

    NUL bytes are dropped (UTF-16 is ASCII with NULs between), and escapes such as `\\u0040` are resolved, so that neither hides
    a value. A text over the limit loses its last characters with any number that the cut went through.

    Args:
        data: The line.
        limit: Most characters to look at and to keep.
    """
    text = data.replace(b"\x00", b"").decode("utf-8", errors="replace")
    if len(text) > limit:
        text = re.sub(r"[\d .()+-]{0,40}\Z", "", re.sub(r"[^\s,，。]{0,200}\Z", "", text[:limit]))
    if text.lstrip()[:1] in {"{", "["} and _is_json(text):
        return redact_json(Redactor(), text)
    redactor = Redactor()
    return redactor.redact(_ESCAPE.sub(lambda match: chr(int(match[1], 16)), text)) if _may_hold(text) else text


def pseudonym(redactor: Redactor, identifier: str) -> str:
    """A customer or conversation id as it may be stored: one that holds an e-mail, a phone or an id number is hashed.

    A number that might be a card is left: a long order number is one in ten times.

    Equal ids stay equal, and different ones different, across conversations and days, which a placeholder could not give.
    """
    if not worth_a_look(identifier):
        return identifier
    personal = (kind for kind in KINDS if kind.name != "CARD")
    if not any(kind.find(match) for kind in personal for match in kind.pattern.finditer(identifier)):
        return identifier
    redactor.count += 1
    return f"anon-{hashlib.sha256(identifier.encode()).hexdigest()[:16]}"


class _JsonTokens:
    """Redacts JSON text token by token."""

    def __init__(self, redactor: Redactor, nesting: int) -> None:
        self._redactor = redactor
        self._nesting = nesting
        self._key = ""

    def redact(self, text: str) -> str:
        return _TOKEN.sub(self._token, text)

    def _token(self, match: re.Match[str]) -> str:
        token = match[0]
        if match["text"] is None:
            return self._number(token)
        colon = match["colon"] or ""
        encoded = token.removesuffix(colon)
        if colon:
            self._key = json.loads(encoded, strict=False) if "\\" in encoded else match["text"]
        if "\\u" not in token and not some_sign(narrow(token)):
            return token
        value = json.loads(encoded, strict=False)
        redacted = self._redactor.redact(value) if colon else self._string(value)
        return token if redacted == value else json.dumps(redacted, ensure_ascii="\\u" in encoded) + colon

    def _string(self, value: str) -> str:
        if value.lstrip()[:1] in {"{", "["} and self._nesting:
            return redact_json(self._redactor, value, nesting=self._nesting - 1)
        kind = self._kind_of_key()
        if kind and re.fullmatch(r"\+?[\d ().-]{7,30}[Xx]?", value) and 7 <= len(digits_of(value)) <= 19:
            return self._redactor.placeholder(kind, value)
        return self._redactor.redact(value)

    def _number(self, token: str) -> str:
        if not 7 <= len(token) <= 19 or not token.isdigit():
            return token
        kind = self._kind_of_key() or ("CARD" if is_card(token) else None)
        if len(token) == 18 and token[6:8] in {"18", "19", "20"} and chinese_id(token):
            kind = "ID"
        return json.dumps(self._redactor.placeholder(kind, token)) if kind else token

    def _kind_of_key(self) -> str | None:
        return next((kind for kind, pattern in _KEYS if pattern.search(self._key)), None)


def _may_hold(text: str) -> bool:
    """Whether a text, which may be JSON and hide values behind escapes, may hold one."""
    plain = narrow(text)
    return "\\u" in text or worth_a_look(plain) or (_TELLING_KEY.search(plain) is not None and some_sign(plain))


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    except RecursionError:
        return True
    return True


def _canonical(kind: str, value: str) -> str:
    """What makes two spellings the same value."""
    if kind == "EMAIL":
        return value.lower()
    if kind in {"KEY", "IP", "IBAN"}:
        return value.replace(" ", "")
    plain = re.sub(r"[^\dXx]", "", value).upper()
    if kind == "PHONE":
        country = r"^(?:00)?86(?=1[3-9]\d{9}$)" if not re.match(r"\+1|1[ .-]", value) else r"^1(?=\d{10}$)"
        return re.sub(country, "", plain)
    return plain
