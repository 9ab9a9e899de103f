"""Names of the customer that a record gives in a field of its own, wherever the conversation says them.

What belongs here: which fields name a customer, and finding those names in a text. What does not: names that no field gives
(`presidio`), and what can be told from its looks (`contacts`, `numbers`).
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from wow_flywheel.conversations.redaction.common_words import COMMON_WORDS
from wow_flywheel.conversations.redaction.kinds import narrow

Personal = tuple[str, str]
"""Kind (NAME or USER) and value."""

_FIELDS: Final = (
    "customer_name", "user_name", "contact_name", "full_name", "first_name", "last_name", "passenger", "passenger_name", "姓名",
    "联系人",
)  # fmt: skip
_HOLDERS: Final = ("customer", "user", "metadata")
DEFAULT_PATHS: Final = (
    *_FIELDS,
    *(f"{holder}.{name}" for holder in _HOLDERS for name in (*_FIELDS, *(("name",) if holder != "metadata" else ()))),
)
"""Where a record may name its customer, as dotted paths."""

_WHO: Final = (
    r"(?:customer|client|buyer|patient|guest|renter|host|passenger|recipient|receiver|contact|cardholder|card_?holder"
    r"|account_?holder|holder|member|subscriber|payer|payee|sender|consignee|attendee|traveler|traveller)"
)
_NAME_KEY: Final = (
    rf"{_WHO}[_ ]?(?:full[_ ]?)?names?|{_WHO}|(?:full|first|last|given|family|middle|legal|maiden)[_ ]?name|surname"
    rf"|user[_ ]?name"
    r"|(?:客户|用户|顾客|乘客|收货人|收件人|联系人|持卡人|订票人|入住人|患者|寄件人)?姓名|(?:客户|用户|顾客|乘客)名称?|收货人|收件人|联系人|乘客|入住人"
)
_USER_KEY: Final = (
    r"user[_ ]?name|screen[_ ]?name|nick[_ ]?name|handle|login(?:[_ ]?name)?|(?:we?chat|weixin|qq|twitter|telegram"
    r"|skype)[_ ]?(?:id|handle|name)|微信号|用户名|昵称|登录名|QQ号"
)
_OBJECT_KEY: Final = r"customer|client|user|passenger|guest|patient|recipient|contact|member|subscriber|客户|用户|乘客|联系人"
TELLING_KEYS: Final = (
    rf'(?i)"(?:{_NAME_KEY}|{_USER_KEY})\\*"[ \t\r\n]*:[ \t\r\n]*\\*"|"(?:{_OBJECT_KEY})\\*"[ \t\r\n]*:[ \t\r\n]*\{{'
)
"""A JSON key whose text names a person. For Python's `re` and Rust's `regex` alike."""
NAMED_BY_KEY: Final = (
    rf'(?i)"(?:(?P<user>{_USER_KEY})|{_NAME_KEY})\\*"[ \t\r\n]*:[ \t\r\n]*\\*"(?P<value>[^"\\]{{2,80}})\\*"'
    rf'|"(?:{_OBJECT_KEY})\\*"[ \t\r\n]*:[ \t\r\n]*\{{[^{{}}]{{0,300}}?"name\\*"'
    rf'[ \t\r\n]*:[ \t\r\n]*\\*"(?P<inner>[^"\\]{{2,80}})\\*"'
)
"""Such a key and its text, or an object with its `name`. For Python's `re` and Rust's `regex` alike."""
_PAIR: Final = re.compile(NAMED_BY_KEY)
_ESCAPE: Final = re.compile(r"\\+u([0-9a-fA-F]{4})")
_SCRIPT: Final = "A-Za-z\u00c0-\u024f\u0370-\u1fff"
_HAN: Final = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
_LATIN_NAME: Final = re.compile(rf"[{_SCRIPT}][{_SCRIPT}'’.-]*(?:[ ,]{{1,2}}[{_SCRIPT}'’.-]+){{0,4}}")
_HAN_NAME: Final = re.compile(rf"[{_HAN}]{{2,4}}|[{_HAN}]{{1,6}}(?:·[{_HAN}]{{1,6}}){{1,3}}")
_HANDLE: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@-]{2,39}")
_WORD: Final = re.compile(rf"(?<![{_SCRIPT}0-9_<])[{_SCRIPT}]+(?![{_SCRIPT}0-9_])")
_PART: Final = re.compile(rf"[{_SCRIPT}]+")
_TITLE: Final = re.compile(r"(?i)(?:mr|mrs|ms|miss|dr|prof|sir|madam)\b\.?\s*|(?:先生|女士|小姐|太太)$")
_NOBODY_WORDS: Final = """
null none unknown anonymous guest customer user name test admin true false yes no undefined string n/a nobody client you me
匿名 未知 客户 用户 先生 女士 本人 无
"""
_NOBODY: Final = frozenset(_NOBODY_WORDS.split())
_COMPOUND_SURNAMES: Final = "欧阳 上官 司马 诸葛 东方 皇甫 尉迟 公孙 慕容 司徒 夏侯 令狐 长孙 宇文 端木"
_COMPOUND: Final = frozenset(_COMPOUND_SURNAMES.split())
_MAY_JOIN: Final = re.compile(r"[ .'’-]{1,2}")


def personal_paths(extra: Sequence[str] = ()) -> tuple[str, ...]:
    """The dotted paths of a record whose texts name its customer: the usual ones, and those of `WOW_PERSONAL_FIELDS`."""
    return tuple(dict.fromkeys((*DEFAULT_PATHS, *extra)))


def personal_values(record: Mapping[str, Any], paths: Iterable[str] = DEFAULT_PATHS) -> list[Personal]:
    """The names in a record's own fields, in the order of the paths.

    Args:
        record: A record as logged.
        paths: Dotted paths, as `personal_paths` gives them; what they lead to counts if it is a text or a list of texts.
    """
    found: dict[Personal, None] = {}
    for path in paths:
        for text in _texts_at(record, path.split(".")):
            if personal := as_personal(text):
                found[personal] = None
    return list(found)


def personal_texts(record: Mapping[str, Any], paths: Iterable[str]) -> list[str]:
    """The texts at these paths, whether or not they are names that can be found again."""
    return [text for path in paths for text in _texts_at(record, path.split(".")) if text]


def as_personal(text: str, *, user: bool = False) -> Personal | None:
    """What a field's text is: a name, a user name, or nothing that could be found again.

    Args:
        text: The field's text.
        user: True if the field holds user names rather than people's names.
    """
    plain = _TITLE.sub("", narrow(text).strip()).strip()
    if plain.lower() in _NOBODY or len(plain) < 2:
        return None
    if _HAN_NAME.fullmatch(plain) or (_LATIN_NAME.fullmatch(plain) and (plain[0].isupper() or not user)):
        return "NAME", plain
    if _HANDLE.fullmatch(plain) and (user or re.search(r"[0-9_]", plain)) and not plain.isdigit():
        return "USER", plain
    return None


def names_in_json(text: str) -> list[Personal]:
    """The names under JSON keys that tell a customer's name, in JSON or in what is left of it, nested texts included."""
    plain = _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text) if "\\u" in text else text
    found = []
    for match in _PAIR.finditer(plain):
        personal = as_personal(match["value"] or match["inner"], user=match["user"] is not None and " " not in match["value"])
        if personal:
            found.append(personal)
    return found


def _texts_at(value: Any, path: Sequence[str]) -> Iterator[str]:
    if isinstance(value, list):
        for each in value:
            yield from _texts_at(each, path)
    elif not path:
        if isinstance(value, str):
            yield value
    elif isinstance(value, Mapping):
        whole = ".".join(path)
        if whole in value and len(path) > 1:
            yield from _texts_at(value[whole], ())
        yield from _texts_at(value.get(path[0]), path[1:])


@dataclass(slots=True)
class People:
    """The people and user names of one conversation, and where a text names them.

    A full name is found in any case, and each of its parts of two letters or more. A part that is also a common word (Will,
    May, An) counts only where it is capitalised and does not merely begin a sentence. A Chinese name is found anywhere; a
    surname alone only before 先生, 女士 and the like.

    Attributes:
        values: Who is looked for.
        needles: A text in whose lower case none of these is names nobody.
    """

    values: list[Personal] = field(default_factory=list)
    _parts: dict[str, Personal] = field(default_factory=dict)
    _whole: dict[str, Personal] = field(default_factory=dict)
    needles: list[str] = field(default_factory=list)

    def add(self, personal: Personal) -> None:
        """Look for one more person from now on."""
        kind, text = personal
        lowered = text.lower()
        if lowered in self._whole:
            return
        self.values.append(personal)
        self._whole[lowered] = personal
        if kind == "USER" or not _LATIN_NAME.fullmatch(text):
            self.needles.append(lowered)
            if kind == "NAME":
                self.needles += [f"{_surname(text)}{title}" for title in _HONORIFICS]
            return
        for part in _PART.findall(lowered):
            self._parts.setdefault(part, personal)
            if len(part) > 1:
                self.needles.append(part)

    def may_be_in(self, plain: str) -> bool:
        """False if a text names none of them, as most: it is quick."""
        if not self.needles:
            return False
        lowered = plain.lower()
        for needle in self.needles:  # noqa: SIM110 - twice as quick as any(), and this is asked of every string
            if needle in lowered:
                return True
        return False

    def spans(self, plain: str) -> list[tuple[int, int, Personal]]:
        """Where a text names whom, from left to right, without overlaps."""
        if not self.may_be_in(plain):
            return []
        if (known := self._whole.get(plain.strip().lower())) is not None:
            start = len(plain) - len(plain.lstrip())
            return [(start, start + len(plain.strip()), known)]
        found = sorted([*self._literal(plain), *self._worded(plain)])
        return [each for place, each in enumerate(found) if place == 0 or each[0] >= max(end for _, end, _ in found[:place])]

    def _literal(self, plain: str) -> Iterator[tuple[int, int, Personal]]:
        lowered = plain.lower()
        for text, personal in self._whole.items():
            if personal[0] == "USER":
                for match in re.finditer(rf"(?<![A-Za-z0-9_.@-]){re.escape(text)}(?![A-Za-z0-9_@-])", lowered):
                    yield *match.span(), personal
            elif not _LATIN_NAME.fullmatch(text):
                surname = _surname(text)
                for match in re.finditer(f"{re.escape(text)}|{surname}(?={'|'.join(_HONORIFICS)})", lowered):
                    yield *match.span(), personal

    def _worded(self, plain: str) -> Iterator[tuple[int, int, Personal]]:
        run: list[re.Match[str]] = []
        for word in _WORD.finditer(plain) if self._parts else ():
            person = self._parts.get(word[0].lower())
            if run and not (
                person is not None
                and person == self._parts[run[0][0].lower()]
                and _MAY_JOIN.fullmatch(plain, run[-1].end(), word.start())
            ):
                yield from self._run(plain, run)
                run = []
            if person is not None:
                run.append(word)
        yield from self._run(plain, run)

    def _run(self, plain: str, run: list[re.Match[str]]) -> Iterator[tuple[int, int, Personal]]:
        """Words in a row that are parts of one name: one placeholder, if any of them is surely meant as a name."""
        if any(_is_name(plain, word) for word in run) or len([word for word in run if len(word[0]) > 1]) > 1:
            yield run[0].start(), run[-1].end(), self._parts[run[0][0].lower()]


_HONORIFICS: Final = ("先生", "女士", "小姐", "太太", "老师")


def _surname(name: str) -> str:
    return name[:2] if name[:2] in _COMPOUND else name[:1]


def _is_name(plain: str, word: re.Match[str]) -> bool:
    text = word[0]
    if len(text) < 2:
        return False
    if text.lower() not in COMMON_WORDS and len(text) > 2:
        return True
    if text[0].islower() or (text.isupper() and len(text) > 1 and plain.isupper()):
        return False
    before = plain[: word.start()].rstrip(" \"'(“‘")
    begins = not before or before[-1] in ".!?\n。！？:"
    return not begins or not re.match(r"\s[a-z]", plain[word.end() : word.end() + 2])


def is_json_text(text: str) -> bool:
    """True if a text is JSON."""
    try:
        json.loads(text)
    except ValueError:
        return False
    except RecursionError:
        return True
    return True
