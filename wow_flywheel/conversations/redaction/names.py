"""Names of the customer that a record gives in a field of its own.

What belongs here: which fields name a customer, and what is a name. What does not: finding those names in a text (`people`),
names that no field gives (`presidio`), and what can be told from its looks (`contacts`, `numbers`).
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

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
SCRIPT: Final = "A-Za-z\u00c0-\u024f\u0370-\u1fff"
"""Letters that names are written in, but for Chinese, Japanese and Korean ones."""
_HAN: Final = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
LATIN_NAME: Final = re.compile(rf"[{SCRIPT}][{SCRIPT}'’.-]*(?:[ ,]{{1,2}}[{SCRIPT}'’.-]+){{0,4}}")
_HAN_NAME: Final = re.compile(rf"[{_HAN}]{{2,4}}|[{_HAN}]{{1,6}}(?:·[{_HAN}]{{1,6}}){{1,3}}")
_HANDLE: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@-]{2,39}")
_TITLE: Final = re.compile(r"(?i)(?:mr|mrs|ms|miss|dr|prof|sir|madam)\b\.?\s*|(?:先生|女士|小姐|太太)$")
_NOBODY_WORDS: Final = """
null none unknown anonymous guest customer user name test admin true false yes no undefined string n/a nobody client you me
匿名 未知 客户 用户 先生 女士 本人 无
"""
_NOBODY: Final = frozenset(_NOBODY_WORDS.split())


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


def names_in_document(document: Any, paths: Sequence[str]) -> list[str]:
    """The texts at these paths of a JSON document, looked for in every object of it, and as keys of its attributes.

    Args:
        document: As decoded, however deep; attributes are `{"key": …, "value": …}`, as OpenTelemetry writes them.
        paths: Dotted paths, as `personal_paths` gives them.
    """
    found: dict[str, None] = {}
    first = {*paths, *(path.split(".")[0] for path in paths)}
    waiting = [document]
    while waiting:
        each = waiting.pop()
        if isinstance(each, Mapping):
            if each.get("key") in paths:
                found.update(dict.fromkeys(personal_texts({"value": _said(each.get("value"))}, ["value"])))
            if not first.isdisjoint(each):
                found.update(dict.fromkeys(personal_texts(each, paths)))
            waiting += reversed(list(each.values()))
        elif isinstance(each, list):
            waiting += reversed(each)
    return list(found)


def _said(value: Any) -> Any:
    return value.get("stringValue") if isinstance(value, Mapping) else value


def as_personal(text: str, *, user: bool = False) -> Personal | None:
    """What a field's text is: a name, a user name, or nothing that could be found again.

    Args:
        text: The field's text.
        user: True if the field holds user names rather than people's names.
    """
    plain = _TITLE.sub("", narrow(text).strip()).strip()
    if plain.lower() in _NOBODY or len(plain) < 2:
        return None
    if _HAN_NAME.fullmatch(plain) or (LATIN_NAME.fullmatch(plain) and (plain[0].isupper() or not user)):
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


def is_json_text(text: str) -> bool:
    """True if a text is JSON."""
    try:
        json.loads(text)
    except ValueError:
        return False
    except RecursionError:
        return True
    return True
