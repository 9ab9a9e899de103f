"""Placeholders: personal values and access keys of one conversation are replaced, the same value by the same placeholder.

What belongs here: replacing in prose. What does not: what a value looks like (`catalogue`, `names`), JSON (`json_text`), where
texts come from (`rows`, `frame`). Equal values get equal placeholders within one conversation (`<EMAIL_1>`), so that meaning
survives. Ordinary numbers (amounts, dates, times, order numbers) stay.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from wow_flywheel.conversations.redaction.asked import answers, take
from wow_flywheel.conversations.redaction.catalogue import KINDS
from wow_flywheel.conversations.redaction.kinds import Kind, narrow
from wow_flywheel.conversations.redaction.names import Personal
from wow_flywheel.conversations.redaction.people import People
from wow_flywheel.conversations.redaction.screen import signs_of, suspicious, worth_a_look
from wow_flywheel.conversations.redaction.told import Told

ID_KINDS: Final = tuple(kind for kind in KINDS if kind.name not in {"CARD", "ADDRESS", "PLATE", "PASSPORT", "BIRTH"})
"""The kinds that make an id of a customer or a conversation personal."""
PLACEHOLDER: Final = re.compile(r"<([A-Z]+)_(\d{1,9})>")


@dataclass(slots=True)
class Redactor:
    """Redacts the texts of one conversation with the same placeholder for the same value.

    Attributes:
        people: The customer's names, as the record's own fields give them.
        count: How many values were replaced so far.
        kinds: False while texts are redacted that `screen.suspicious` has found to hold nothing but names.
        told: What was found because it was asked for: nothing else would tell it where it is said again.
        originals: The first spelling of each value that was replaced, by placeholder; for the vault, and nothing else.
    """

    people: People = field(default_factory=People)
    count: int = 0
    kinds: bool = True
    told: Told = field(default_factory=Told, repr=False)
    originals: dict[str, str] = field(default_factory=dict, repr=False)
    _names: dict[tuple[str, str], str] = field(default_factory=dict)
    _last: dict[str, int] = field(default_factory=dict)
    _named: dict[str, tuple[str, int]] = field(default_factory=dict, repr=False)
    """What was made of a text in which only names were looked for, and how many were found: tools say the same ones often."""

    @classmethod
    def knowing(cls, personal: Iterable[Personal]) -> "Redactor":
        """A redactor that also looks for these names."""
        redactor = cls()
        for each in personal:
            redactor.people.add(each)
        return redactor

    @classmethod
    def after(cls, texts: Iterable[str]) -> "Redactor":
        """A redactor that numbers its placeholders after those in these texts, which were redacted before."""
        redactor = cls()
        for text in texts:
            for kind, number in PLACEHOLDER.findall(text):
                redactor._last[kind] = max(redactor._last.get(kind, 0), int(number))
        return redactor

    def redact(self, text: str, question: str = "") -> str:
        """The text with personal values replaced; a text without any is returned as it is.

        Repeats until nothing is found: a value that was hidden beside another one is found once that is gone.

        Args:
            text: What was said.
            question: What the other side said before, which may have asked for a number in it.
        """
        if self.kinds:
            return self._until_nothing(text, question)
        if text not in self._named:
            before = self.count
            redacted = self._until_nothing(text, "")
            self._named[text] = redacted, self.count - before
            return redacted
        redacted, found = self._named[text]
        self.count += found
        return redacted

    def _until_nothing(self, text: str, question: str) -> str:
        before = -1
        while before != self.count:
            before = self.count
            plain = narrow(text)
            signs = signs_of(plain) if self.kinds else frozenset[str]()
            for kind in KINDS if signs else ():
                if kind.sign in signs:
                    text, plain = self._replace_kind(kind, text, plain)
            if self.kinds and (question or self.told.kinds):
                text, plain = self._replace_told(text, plain, question)
            if self.people.may_be_in(plain):
                text = self._replace_people(text, plain)
        return text

    def may_change(self, plain: str) -> bool:
        """False if nothing is to be replaced in a text, after `narrow`: quick."""
        if self.people.may_be_in(plain):
            return True
        return self.kinds and (worth_a_look(plain) or self.told.may_be_in(plain))

    def placeholder(self, kind: str, value: str, original: str) -> str:
        """The placeholder of a value; counts one replacement.

        Args:
            kind: The placeholder's name.
            value: What is replaced, after `narrow`.
            original: What is replaced, as it was written.
        """
        self.count += 1
        key = (kind, canonical(kind, value))
        if key not in self._names:
            self._last[kind] = self._last.get(kind, 0) + 1
            self._names[key] = f"<{kind}_{self._last[kind]}>"
            self.originals[self._names[key]] = original
        return self._names[key]

    def redact_names(self, text: str) -> str:
        """The text, all of it ASCII, with names replaced, where `people.easy`: in JSON these are in strings only."""
        return self._replace_people(text, text)

    def _replace_kind(self, kind: Kind, text: str, plain: str) -> tuple[str, str]:
        spans = [span for match in kind.pattern.finditer(plain) if (span := kind.find(match))]
        if not spans:
            return text, plain
        names = [self.placeholder(kind.name, plain[start:end], text[start:end]) for start, end in spans]
        return _with(text, spans, names), _with(plain, spans, names)

    def _replace_told(self, text: str, plain: str, question: str) -> tuple[str, str]:
        """Replace answers, and those of earlier turns where they are said again."""
        found, taken = answers(plain, question), bytearray(len(plain))
        for start, end, _ in found:
            take(taken, start, end)
        found += self.told.again(plain, taken)
        found.sort()
        for start, end, kind in found:
            self.told.add(plain[start:end], kind)
        names = [self.placeholder(kind, plain[start:end], text[start:end]) for start, end, kind in found]
        spans = [(start, end) for start, end, _ in found]
        return _with(text, spans, names), _with(plain, spans, names)

    def _replace_people(self, text: str, plain: str) -> str:
        found = self.people.spans(plain)
        names = [self.placeholder(*personal, personal[1]) for _, _, personal in found]
        return _with(text, [(start, end) for start, end, _ in found], names)


def _with(text: str, spans: list[tuple[int, int]], names: list[str]) -> str:
    pieces, position = [], 0
    for (start, end), name in zip(spans, names, strict=True):
        pieces += [text[position:start], name]
        position = end
    return "".join([*pieces, text[position:]])


def pseudonym(redactor: Redactor, identifier: str) -> str:
    """A customer or conversation id as it may be stored: one that holds an e-mail, a phone or an id number is hashed.

    A number that might be a card is left: a long order number is one in ten times.

    Equal ids stay equal, and different ones different, across conversations and days, which a placeholder could not give.
    """
    plain = narrow(identifier)
    signs = signs_of(plain)
    if not any(kind.find(match) for kind in ID_KINDS if kind.sign in signs for match in kind.pattern.finditer(plain)):
        return identifier
    redactor.count += 1
    return f"anon-{hashlib.sha256(identifier.encode()).hexdigest()[:16]}"


def stored(identifiers: pl.Series) -> pl.Series:
    """Many ids as they may be stored; Python sees only those in which something may be found."""
    odd = identifiers.filter(suspicious(identifiers)).unique()
    return identifiers.replace(odd, pl.Series([pseudonym(Redactor(), each) for each in odd], dtype=pl.String))


def canonical(kind: str, value: str) -> str:
    """What makes two spellings the same value."""
    if kind in {"EMAIL", "NAME", "USER"}:
        return value.lower()
    if kind in {"KEY", "IP"}:
        return value
    if kind != "PHONE":
        return re.sub(r"[\W_]", "", value).upper()
    plain = re.sub(r"\D", "", value)
    country = r"^(?:00)?86(?=1[3-9]\d{9}$)" if not re.match(r"\+1|1[ .-]", value) else r"^1(?=\d{10}$)"
    return re.sub(country, "", plain)
