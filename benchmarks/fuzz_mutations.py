"""Ways to spoil a log file: its bytes, its JSON, the file as a whole.

What belongs here: mutations, each a function of a random source. What does not: files to begin with (`fuzz_seeds`).

A mutation of JSON may leave texts that `as_json` turns into what no JSON value of Python can say: a key twice, 5,000 digits.
"""

import json
import re
from collections.abc import Callable, Mapping
from random import Random
from typing import Any, Final

RAW: Final = "\x00raw:"
"""Begins a text that is written as it is, with ' for \"."""
TWICE: Final = "\x00twice:"
"""Begins a key that stands for the same one without this."""
_RAW: Final = re.compile(r'"\\u0000raw:([^"]*)"')
Place = tuple[Any, Any]
"""An object or array, and a key or index of it."""


def as_json(document: Any, ascii_only: bool) -> bytes:
    """A document as one line, with the mutations that Python's JSON has no values for."""
    text = json.dumps(document, ensure_ascii=ascii_only)
    text = _RAW.sub(lambda match: match[1].replace("'", '"'), text).replace("\\u0000twice:", "")
    return text.encode(errors="surrogatepass")


def flip(data: bytes, r: Random, _: bytes) -> bytes:
    """One to eight bytes with a bit flipped."""
    changed = bytearray(data)
    for _number in range(r.randint(1, 8)):
        if changed:
            changed[r.randrange(len(changed))] ^= 1 << r.randrange(8)
    return bytes(changed)


def cut(data: bytes, r: Random, _: bytes) -> bytes:
    """A piece left out."""
    at = r.randrange(len(data) + 1)
    return data[:at] + data[at + r.choice((1, 2, 7, 40, 300)) :]


def insert(data: bytes, r: Random, _: bytes) -> bytes:
    """Some bytes put in: random ones, or such as mean something."""
    at = r.randrange(len(data) + 1)
    new = r.choice((b"\n", b"\r", b"\r\n\r\n", b"\x00", b'"', b"\\", b"{", b"]", b"\xff\xfe", b"\xef\xbb\xbf", r.randbytes(5)))
    return data[:at] + new * r.choice((1, 1, 3)) + data[at:]


def splice(data: bytes, r: Random, other: bytes) -> bytes:
    """The beginning of this file and the end of another."""
    return data[: r.randrange(len(data) + 1)] + other[r.randrange(len(other) + 1) :]


def truncate(data: bytes, r: Random, _: bytes) -> bytes:
    """The end left out."""
    return data[: r.randrange(len(data) + 1)]


def concatenate(data: bytes, _: Random, other: bytes) -> bytes:
    """Another file behind it."""
    return data + other


def empty(_data: bytes, _: Random, _other: bytes) -> bytes:
    """Nothing."""
    return b""


BYTES: Final[Mapping[str, Callable[[bytes, Random, bytes], bytes]]] = {
    "flip": flip,
    "cut": cut,
    "insert": insert,
    "splice": splice,
}
FILES: Final[Mapping[str, Callable[[bytes, Random, bytes], bytes]]] = {
    "truncate": truncate,
    "concatenate": concatenate,
    "empty": empty,
}
SCALARS: Final[tuple[Any, ...]] = (
    None, True, False, 0, -1, 3, 1.5, "", " ", "x", [], {}, [{}], [[]], [None], {"a": {}}, "[]", '"x"', "[{}]", "user", "tool",
    "2026-11-05T08:00:00Z", "2026-11-05", "1762329600",
)  # fmt: skip
NUMBERS: Final = (
    2**31, 2**63 - 1, 2**63, 2**64, -(2**63) - 1, 10**30, 1e308, 4_102_444_800, 253_402_300_800, -62_135_596_801,
    f"{RAW}1e999", f"{RAW}-0", f"{RAW}1E+2", f"{RAW}0.1e-400", f"{RAW}{'7' * 5000}", f"{RAW}007", f"{RAW}1.",
)  # fmt: skip
NESTED: Final = (
    f"{RAW}{'[' * 90}{']' * 90}",
    f"{RAW}{'[' * 1100}{']' * 1100}",
    f"{RAW}{'[' * 40_000}{']' * 40_000}",
    RAW + "{'a':" * 300 + "1" + "}" * 300,
    RAW + "{'a':" * 3000 + "[" * 3000,
)
TEXTS: Final[Mapping[str, tuple[Any, ...]]] = {
    "number": NUMBERS,
    "nan": (float("nan"), float("inf"), float("-inf"), f"{RAW}NULL", f"{RAW}nan"),
    "nesting": NESTED,
    "surrogate": ("\ud800", "a\udfffb", f"{RAW}'\\ud800'", f"{RAW}'\\ud83d\\u0041'", f"{RAW}'\\uDE00\\uD83D'"),
    "nul": ("\x00", "a\x00b", f"{RAW}'\\u0000'", f"{RAW}'\x00'"),
    "control": (
        "\u2028",
        "\u0085",
        "\x0b\x0c\x1c",
        "\ufeff",
        "\u200b\u00a0",
        "a\nb\r\nc",
        "\x7f",
        f"{RAW}'\\x'",
        f"{RAW}'\\u12'",
    ),
    "value": SCALARS,
}
"""Values to put in the place of another, by the name of the mutation."""


def places(document: Any) -> list[Place]:
    """All places of a document."""
    found: list[Place] = []
    waiting = [document]
    while waiting:
        each = waiting.pop()
        keys = list(each) if isinstance(each, dict) else range(len(each))
        found += [(each, key) for key in keys]
        waiting += [each[key] for key in keys if isinstance(each[key], dict | list)]
    return found


def change_json(document: Any, kind: str, r: Random) -> Any:
    """A document, changed in place, with one thing spoilt; JSON inside of a text is, half the time, changed there.

    Args:
        document: Changed.
        kind: One of `JSON`.
        r: Decides where and how.
    """
    found = places(document) if isinstance(document, dict | list) else []
    if not found:
        return document
    holder, key = r.choice(found)
    inner = _inside(holder[key])
    if inner is not None and r.random() < 0.5:
        holder[key] = as_json(change_json(inner, kind, r), ascii_only=True).decode()
    elif kind in TEXTS:
        holder[key] = r.choice(TEXTS[kind])
    else:
        STRUCTURE[kind](found, (holder, key), r)
    return document


def _inside(value: Any) -> Any:
    if not isinstance(value, str) or value[:1] not in {"{", "["}:
        return None
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return None


def _swap(found: list[Place], place: Place, r: Random) -> None:
    """Two values change places; where one holds the other it is copied, as JSON has no circles."""
    (one, here), (other, there) = place, r.choice(found)
    one[here], other[there] = json.loads(json.dumps(other[there])), json.loads(json.dumps(one[here]))


def _delete(_: list[Place], place: Place, _r: Random) -> None:
    del place[0][place[1]]


def _duplicate(_: list[Place], place: Place, r: Random) -> None:
    holder, key = place
    if isinstance(holder, dict):
        holder[f"{TWICE}{key}"] = r.choice((holder[key], *SCALARS))
    else:
        holder.insert(key, json.loads(json.dumps(holder[key])))


def _rename(found: list[Place], place: Place, r: Random) -> None:
    holder, key = place
    if isinstance(holder, dict):
        names = [name for _, name in found if isinstance(name, str)]
        holder[r.choice((key.upper(), f"{key} ", "", "\x00", r.choice(names)))] = holder.pop(key)
    else:
        r.shuffle(holder)


def _long(_: list[Place], place: Place, r: Random) -> None:
    place[0][place[1]] = r.choice(("a", "好", "7", "a@b.co ", "\\", "\x01")) * r.choice((10_000, 100_000))


def _space(_: list[Place], place: Place, r: Random) -> None:
    holder, key = place
    space = r.choice((" ", "\t", "\r", "\r\n", "\u00a0", "\u3000", "\x0b", "\ufeff"))
    holder[key] = RAW + space * r.choice((1, 500)) + json.dumps(holder[key]).replace('"', "'") + space


STRUCTURE: Final[Mapping[str, Callable[[list[Place], Place, Random], None]]] = {
    "swap": _swap,
    "delete": _delete,
    "duplicate": _duplicate,
    "rename": _rename,
    "long": _long,
    "space": _space,
}
JSON: Final = (*TEXTS, *STRUCTURE)
