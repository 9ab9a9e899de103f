"""Redaction of JSON that stays JSON: tool arguments, tool results, broken lines.

What belongs here: which part of a JSON text is a value, and what its key says about it. What does not: replacing in prose
(`placeholders`).
"""

import json
import re
from typing import Final

from wow_flywheel.conversations.redaction.kinds import digits_of, narrow
from wow_flywheel.conversations.redaction.names import is_json_text, names_in_json
from wow_flywheel.conversations.redaction.numbers import chinese_id, is_card
from wow_flywheel.conversations.redaction.placeholders import Redactor
from wow_flywheel.conversations.redaction.screen import key_tells

_TOKEN: Final = re.compile(
    r'"(?P<text>[^"\\]*(?:\\.[^"\\]*)*)"(?P<colon>\s*:)?|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?', re.DOTALL | re.ASCII
)
_STRING: Final = re.compile(r'("[^"\\]*(?:\\.[^"\\]*)*")', re.DOTALL)
_COLON: Final = re.compile(r"\s*:", re.ASCII)
_NUMBER: Final = re.compile(r"\s*-?\d+\s*", re.ASCII)
_ESCAPE: Final = re.compile(r"\\u([0-9a-fA-F]{4})")
_NUMBER_OF: Final = r"(?:_?(?:number|num|no)|号码?)"
_PHONE_LIKE: Final = r"\+?\(?\d(?:[ ().-]{0,3}\d){6,18}[Xx]?"
_DOCUMENT_LIKE: Final = r"(?=(?:[A-Za-z -]{0,8}\d){5})[A-Za-z0-9][A-Za-z0-9 -]{4,24}"
_TELLS_WORD: Final = r"(?:pass(?:word|code|phrase|wd)|pwd|密码|口令)$"
_TELLS_KEY: Final = r"(?:client|app|api|secret|access|private|auth|refresh|session|bearer)_?(?:secret|key|token)$"
_DATE_LIKE: Final = (
    r"\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2}日?(?:T.*)?|\d{1,2}[-/. ]\d{1,2}[-/. ]\d{2,4}|(?:19|20)\d{6}|.*(?i:jan|feb|mar|apr"
    r"|may|jun|jul|aug|sep|oct|nov|dec).*(?:19|20)\d\d"
)
_KEYS: Final = tuple(
    (kind, re.compile(key, re.IGNORECASE), re.compile(value, re.ASCII))
    for kind, key, value in (
        ("PHONE", rf"(?:phone|mobile|^tel|_tel|cell|fax|msisdn|电话|手机){_NUMBER_OF}?s?$", _PHONE_LIKE),
        ("CARD", rf"(?:card|卡){_NUMBER_OF}s?$", _PHONE_LIKE),
        ("ID", rf"(?:(?:^|_)(?:ssn|social_?security|id_?card)|身份证){_NUMBER_OF}?$", _PHONE_LIKE),
        ("PASSPORT", rf"(?:passport|护照){_NUMBER_OF}?$", _DOCUMENT_LIKE),
        ("LICENCE", rf"(?:(?:driver'?s?|driving)[_ ]?licen[sc]e|驾驶证|驾照){_NUMBER_OF}?$", _DOCUMENT_LIKE),
        ("TAX", rf"(?:tax(?:payer)?_?id|税号|纳税人识别号|(?:^|_)(?:tin|ein|itin|vat_?id)){_NUMBER_OF}?$", _DOCUMENT_LIKE),
        ("KEY", _TELLS_WORD, r"(?!<)(?=.*[A-Za-z0-9])\S{4,200}"),
        ("KEY", _TELLS_KEY, r"(?!<)(?=\S*\d)\S{12,4000}"),
        ("BIRTH", r"(?:date_?of_?birth|birth_?(?:date|day)|(?:^|_)dob|出生日期|生日|出生年月)$", _DATE_LIKE),
        (
            "ADDRESS",
            (
                r"(?:(?:street|shipping|delivery|billing|home|mailing|postal|residential)_?address|(?:^|_)address_?(?:line_?)?[12]"
                r"|^street|(?:收货|收件|家庭|配送|邮寄|户籍|通讯)地址|住址)$"
            ),
            r"(?!.*<[A-Z]+_\d)(?=.*\d).{3,200}",
        ),
    )
)
"""JSON keys that say what kind a value is which no pattern could tell, and what such a value looks like."""
_NESTING: Final = 4


def redact_text(text: str) -> tuple[str, int]:
    """Redact one text on its own; a text that is a JSON object or array stays JSON.

    Returns:
        The redacted text, and how many values were replaced.
    """
    redactor = Redactor()
    if looks_like_json(text):
        learn_names(redactor, text)
    return redact_content(redactor, text), redactor.count


def redact_content(redactor: Redactor, text: str, question: str = "") -> str:
    """Redact what someone wrote: prose, unless it is a JSON object or array, maybe in answer to a question."""
    return redact_json(redactor, text) if looks_like_json(text) else redactor.redact(text, question)


def learn_names(redactor: Redactor, text: str) -> None:
    """Take note of the names under JSON keys that tell a customer's name, to be replaced in every text redacted from now on."""
    for personal in names_in_json(text):
        redactor.people.add(personal)


def redact_json(redactor: Redactor, text: str, *, nesting: int = _NESTING) -> str:
    """Redact tool arguments or a tool result: what is JSON stays JSON, and all but the replaced values stays byte for byte.

    In JSON a number is left alone unless it is a payment card, a Chinese id, or its key says that it is a phone, card or id
    number; then a string takes its place. A text that is not JSON is redacted as prose.
    """
    if not redactor.kinds and "\\u" not in text:
        return _redact_named(redactor, text, nesting)
    if not _may_hold(redactor, text):
        return text
    if not is_json_text(text):
        return redactor.redact(text)
    if _NUMBER.fullmatch(text):
        redacted = redactor.redact(text)
        return text if redacted == text else json.dumps(redacted.strip())
    return _JsonTokens(redactor, nesting).redact(text)


def _redact_named(redactor: Redactor, text: str, nesting: int) -> str:
    """What `redact_json` makes of a text in which nothing but names is looked for: most texts with a name.

    No letter of a name can be escaped but by `\\u`, so only the strings that show one are read.
    """
    if redactor.people.easy and text.isascii() and text.count("\\") == text.count('\\"'):
        return redactor.redact_names(text)
    plain = narrow(text)
    if not redactor.people.may_be_in(plain):
        return text
    if not is_json_text(text):
        return redactor.redact(text)
    pieces, lowered = _STRING.split(text), _STRING.split(plain.lower())
    for place in range(1, len(pieces), 2):
        for needle in redactor.people.needles:
            if needle in lowered[place]:
                is_key = _COLON.match(pieces[place + 1]) is not None
                pieces[place] = _redact_named_string(redactor, pieces[place], 0 if is_key else nesting)
                break
    return "".join(pieces)


def _redact_named_string(redactor: Redactor, encoded: str, nesting: int) -> str:
    value = _decoded(encoded)
    if value is None:
        return redactor.redact(encoded)
    if nesting and looks_like_json(value):
        redacted = redact_json(redactor, value, nesting=nesting - 1)
    else:
        redacted = redactor.redact(value)
    return encoded if redacted == value else json.dumps(redacted, ensure_ascii=False)


def _decoded(encoded: str) -> str | None:
    """The text of a JSON string; None if it is none, as may be in what is nested too deep to be parsed as a whole."""
    if "\\" not in encoded:
        return encoded[1:-1]
    try:
        return str(json.loads(encoded, strict=False))
    except ValueError:
        return None


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
    redactor = Redactor()
    learn_names(redactor, text)
    if looks_like_json(text) and is_json_text(text):
        return redact_json(redactor, text)
    return redactor.redact(_ESCAPE.sub(_unescaped, text)) if _may_hold(redactor, text) else text


def _unescaped(match: re.Match[str]) -> str:
    code = int(match[1], 16)
    return match[0] if code < 0x20 or 0xD800 <= code <= 0xDFFF else chr(code)


def looks_like_json(text: str) -> bool:
    """Whether a text begins as a JSON object or array does."""
    return text.lstrip()[:1] in {"{", "["}


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
            return self._number(token) if self._redactor.kinds else token
        if not self._redactor.kinds and "\\" not in token and not self._redactor.people.may_be_in(narrow(token)):
            return token
        colon = match["colon"] or ""
        encoded = token.removesuffix(colon)
        value = _decoded(encoded)
        if value is None:
            return self._redactor.redact(token)
        if colon:
            self._key = value
        redacted = self._redactor.redact(value) if colon else self._string(value)
        return token if redacted == value else json.dumps(redacted, ensure_ascii="\\u" in encoded) + colon

    def _string(self, value: str) -> str:
        if looks_like_json(value) and self._nesting:
            return redact_json(self._redactor, value, nesting=self._nesting - 1)
        plain = narrow(value)
        kind = self._kind_of_key(plain) if self._redactor.kinds else None
        if kind and (kind not in {"PHONE", "CARD", "ID"} or 7 <= len(digits_of(plain)) <= 19):
            return self._redactor.placeholder(kind, plain, value)
        return self._redactor.redact(value)

    def _number(self, token: str) -> str:
        if (told := self._redactor.told.kinds.get(token)) is not None:
            return json.dumps(self._redactor.placeholder(told, token, token))
        if not 7 <= len(token) <= 19 or not token.isdigit():
            return token
        kind = self._kind_of_key(token) or ("CARD" if is_card(token) else None)
        if len(token) == 18 and token[6:8] in {"18", "19", "20"} and chinese_id(token):
            kind = "ID"
        return json.dumps(self._redactor.placeholder(kind, token, token)) if kind else token

    def _kind_of_key(self, plain: str) -> str | None:
        """What the key says that its value is, if the value looks like it."""
        fits = (kind for kind, key, shape in _KEYS if key.search(self._key) and shape.fullmatch(plain.strip()))
        return next(fits, None)


def _may_hold(redactor: Redactor, text: str) -> bool:
    """Whether a text, which may be JSON and hide values behind escapes, may hold one."""
    plain = narrow(text)
    if redactor.may_change(plain) or "\\u" in text:
        return True
    return redactor.kinds and ("\\/" in text or key_tells(plain))
