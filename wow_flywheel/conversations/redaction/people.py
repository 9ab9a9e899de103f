"""Where a text names the people of a conversation.

What belongs here: finding known names in a text, however they are written there. What does not: who is known (`names`), what
takes a name's place (`placeholders`).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from wow_flywheel.conversations.redaction.common_words import COMMON_WORDS
from wow_flywheel.conversations.redaction.names import LATIN_NAME, SCRIPT, Personal

_WORD: Final = re.compile(rf"(?<![{SCRIPT}0-9_<])[{SCRIPT}]+(?![{SCRIPT}0-9_])")
_PART: Final = re.compile(rf"[{SCRIPT}]+")
_EASY: Final = re.compile(r"[a-z]{3,}(?:[ .'-]{1,2}[a-z]{3,})*")
_HARD: Final = COMMON_WORDS | {"nan", "infinity", "true", "false", "null"}
_NO_END: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_")
_NO_START: Final = _NO_END | {"<"}
_MAY_JOIN: Final = re.compile(r"[ .'’-]{1,2}")


_COMPOUND_SURNAMES: Final = "欧阳 上官 司马 诸葛 东方 皇甫 尉迟 公孙 慕容 司徒 夏侯 令狐 长孙 宇文 端木"
_COMPOUND: Final = frozenset(_COMPOUND_SURNAMES.split())


@dataclass(slots=True)
class People:
    """The people and user names of one conversation, and where a text names them.

    A full name is found in any case, and each of its parts of two letters or more. A part that is also a common word (Will,
    May, An) counts only where it is capitalised and does not merely begin a sentence. A Chinese name is found anywhere; a
    surname alone only before 先生, 女士 and the like.

    Attributes:
        values: Who is looked for.
        needles: A text in whose lower case none of these is names nobody.
        easy: Whether all are ASCII names of which every part counts wherever it stands, and is one person's.
    """

    values: list[Personal] = field(default_factory=list)
    _parts: dict[str, Personal] = field(default_factory=dict)
    _whole: dict[str, Personal] = field(default_factory=dict)
    needles: list[str] = field(default_factory=list)
    easy: bool = True

    def add(self, personal: Personal) -> None:
        """Look for one more person from now on."""
        kind, text = personal
        lowered = text.lower()
        if lowered in self._whole:
            return
        self.values.append(personal)
        self._whole[lowered] = personal
        self.easy &= _is_easy(kind, lowered) and self._parts.keys().isdisjoint(_PART.findall(lowered))
        if kind == "USER" or not LATIN_NAME.fullmatch(text):
            self.needles.append(lowered)
            if kind == "NAME":
                self.needles += [f"{_surname(text)}{title}" for title in _HONORIFICS]
            return
        for part in _PART.findall(lowered):
            self._parts.setdefault(part, personal)
            if len(part) > 1 and part not in self.needles:
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
        if self.easy and plain.isascii():
            return self.easy_spans(plain.lower())
        if not self.may_be_in(plain):
            return []
        if (known := self._whole.get(plain.strip().lower())) is not None:
            start = len(plain) - len(plain.lstrip())
            return [(start, start + len(plain.strip()), known)]
        found = sorted([*self._literal(plain), *self._worded(plain)])
        return [each for place, each in enumerate(found) if place == 0 or each[0] >= max(end for _, end, _ in found[:place])]

    def easy_spans(self, lowered: str) -> list[tuple[int, int, Personal]]:
        """What `spans` finds in ASCII where all are easy: parts of names that are whole words; one span for parts in a row."""
        found: list[tuple[int, int, Personal]] = []
        for start, end in sorted(self._whole_words(lowered)) if len(self.needles) > 1 else self._whole_words(lowered):
            person = self._parts[lowered[start:end]]
            if found and found[-1][2] is person and _MAY_JOIN.fullmatch(lowered, found[-1][1], start):
                found[-1] = (found[-1][0], end, person)
            else:
                found.append((start, end, person))
        return found

    def _whole_words(self, lowered: str) -> Iterator[tuple[int, int]]:
        for needle in self.needles:
            start = lowered.find(needle)
            while start >= 0:
                end = start + len(needle)
                if not (start and lowered[start - 1] in _NO_START) and not (end < len(lowered) and lowered[end] in _NO_END):
                    yield start, end
                start = lowered.find(needle, end)

    def _literal(self, plain: str) -> Iterator[tuple[int, int, Personal]]:
        lowered = plain.lower()
        for text, personal in self._whole.items():
            if personal[0] == "USER":
                for match in re.finditer(rf"(?<![A-Za-z0-9_.@-]){re.escape(text)}(?![A-Za-z0-9_@-])", lowered):
                    yield *match.span(), personal
            elif not LATIN_NAME.fullmatch(text):
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


def _is_easy(kind: str, lowered: str) -> bool:
    """Whether every part of a name counts wherever it stands, and no number or constant of JSON looks like one."""
    return kind == "NAME" and _EASY.fullmatch(lowered) is not None and _HARD.isdisjoint(_PART.findall(lowered))


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
