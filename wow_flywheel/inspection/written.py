"""What a reply says against what is written: promises that a policy forbids, knowledge told with another number.

What belongs here: finding a sentence again in other words, and the two inspectors. What does not: which policies applied
(`wow_flywheel.policies`), numbers that nothing gives at all (`examine.ungrounded_numbers`).

A sentence is found again by its content words (in Chinese by characters and pairs of them), whatever their order; other words
for the same thing are not noticed. What is denied or asked is no promise.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from wow_flywheel.inspection.grounding import NUMBER, Grounds, derivation, numbers, plain
from wow_flywheel.inspection.protocol import Claim, InspectionContext
from wow_flywheel.inspection.wording import text_of

ENOUGH: Final = 0.8
"""Share of a written sentence's content words that a reply's sentence must hold."""
ABOUT_IT: Final = 0.5
"""Share of a reply's content words that must be of the written sentence, for the reply to tell it."""
LEAST_WORDS: Final = 3
SENTENCE: Final = re.compile(r"[^.!?。！？；;\n]+(?:\.(?=\d)[^.!?。！？；;\n]+)*[.!?。！？；;]?")
DENIED: Final = re.compile(
    r"\b(?:not|no|never|neither|nor|cannot|without|unable|impossible|against|rather than|instead of)\b"
    r"|\b(?:refus|forbid|prohibit)\w*|n['’]t\b|[不没无未勿别]|禁止|拒绝",
    re.IGNORECASE,
)
ASKED: Final = re.compile(r"[?？]\s*$|吗[。！]?\s*$")
WORDS: Final = (
    "a an and any are as at be been by can could do does for from get gets had has have here i if in is it its just may me more"
    " my of on one or our please shall should so some than that the their them then there these they this those to too up us"
    " was we were what when which who will with would you your yours"
)
COMMON: Final = frozenset(WORDS.split())
COMMON_CHARACTERS: Final = frozenset("的了吗呢吧是在我您你们请和与也都就把被给会个这那")


@dataclass(frozen=True, slots=True)
class Written:
    """One sentence of a policy or a knowledge unit.

    Attributes:
        source: The id of the policy or unit.
        text: The sentence.
        words: Its content words.
        numbers: Its numbers, in every spelling.
        plain_numbers: Its numbers as they are written, as plain digits.
    """

    source: str
    text: str
    words: frozenset[str]
    numbers: frozenset[str]
    plain_numbers: frozenset[str]


def written(source: str, text: str) -> Iterator[Written]:
    """The sentences of a text."""
    for sentence in sentences(text):
        digits = frozenset(plain(number) for number in NUMBER.findall(sentence))
        yield Written(source, sentence, content_words(sentence), numbers(sentence), digits)


def sentences(text: str) -> list[str]:
    """The sentences of a text, with their marks; a point inside a number ends none."""
    return [found for match in SENTENCE.findall(text) if (found := match.strip())]


def content_words(text: str) -> frozenset[str]:
    """Words without those that carry no content, endings cut, numbers left out; in Chinese characters and pairs of them, so
    that a word put in between takes away no more than a pair.
    """
    chinese = re.findall(r"[\u4e00-\u9fff]+", text)
    pairs = {run[i : i + 2] for run in chinese for i in range(len(run) - 1)}
    words = set(re.findall(r"[a-z']+", text.lower())) - COMMON
    return frozenset(_stem(word) for word in words if len(word) > 1) | pairs | (set("".join(chinese)) - COMMON_CHARACTERS)


def _stem(word: str) -> str:
    word = word.removesuffix("'s").strip("'")
    cut = next((word[: -len(end)] for end in ("ing", "ed", "es", "s") if word.endswith(end) and len(word) > len(end) + 2), word)
    return cut.removesuffix("e") if len(cut) > 3 else cut


@dataclass(frozen=True, slots=True)
class ForbiddenPromises:
    """Finds what a policy that applied says may not be promised."""

    name: str = "forbidden_promise"
    version: str = "1"

    def inspect(self, context: InspectionContext, grounds: Mapping[str, Grounds]) -> list[Claim]:
        """One accepted claim a turn; without policies matched there is nothing to hold a reply against."""
        found = []
        for key, applied in (context.applied or {}).items():
            rules = [each for policy in applied.policies for text in policy.forbidden for each in _rule(policy.policy_id, text)]
            if rules and key in grounds:
                found += list(self._claims(key, grounds[key], rules))
        return found

    def _claims(self, key: str, grounds: Grounds, rules: Sequence[Written]) -> Iterator[Claim]:
        for turn, sentence in _said(grounds):
            broken = next((rule for rule in rules if promises(sentence, rule)), None)
            if broken is not None:
                reason = f"policy {broken.source} forbids to promise: {broken.text}"
                yield _claim(self.name, self.version, key, turn, sentence, "policy_violation", reason)


def _rule(policy_id: str, text: str) -> list[Written]:
    """A forbidden promise as one piece, whatever marks it has."""
    digits = frozenset(plain(number) for number in NUMBER.findall(text))
    words = content_words(text)
    return [Written(policy_id, text, words, numbers(text), digits)] if words and len(words) + len(digits) > 1 else []


def promises(sentence: str, rule: Written) -> bool:
    """Whether a sentence says, and neither denies nor asks, what may not be promised; all its numbers must be there."""
    if ASKED.search(sentence) or (DENIED.search(sentence) and not DENIED.search(rule.text)):
        return False
    said = content_words(sentence)
    return len(rule.words & said) >= ENOUGH * len(rule.words) and rule.plain_numbers <= numbers(sentence)


@dataclass(frozen=True, slots=True)
class ContradictedKnowledge:
    """Finds replies that tell what a knowledge unit says, with another number."""

    name: str = "knowledge_number"
    version: str = "1"

    def inspect(self, context: InspectionContext, grounds: Mapping[str, Grounds]) -> list[Claim]:
        """One accepted claim a turn."""
        units = Units.of(context.knowledge)
        return [claim for key, ground in grounds.items() for claim in self._claims(key, ground, units)]

    def _claims(self, key: str, grounds: Grounds, units: "Units") -> Iterator[Claim]:
        for turn, sentence in _said(grounds):
            unit = units.contradicted(sentence, grounds.before(turn))
            if unit is not None:
                reason = f"knowledge unit {unit.source} says: {unit.text}"
                yield _claim(self.name, self.version, key, turn, sentence, "knowledge_misuse", reason)


class Units:
    """Sentences of a knowledge base that hold a number, found by their words.

    Args:
        told: The sentences.
    """

    def __init__(self, told: Sequence[Written]) -> None:
        self._told = [each for each in told if each.plain_numbers and len(each.words) >= LEAST_WORDS]
        self._by_word: dict[str, list[int]] = defaultdict(list)
        for place, each in enumerate(self._told):
            for word in each.words:
                self._by_word[word].append(place)
        self._same: dict[str, list[Written]] = {}

    @classmethod
    def of(cls, knowledge: pl.DataFrame) -> "Units":
        """Of knowledge units: columns unit_id, content."""
        rows = knowledge.select("unit_id", "content").drop_nulls().iter_rows()
        return cls([each for unit_id, content in rows for each in written(unit_id, content)])

    def contradicted(self, sentence: str, known: set[str]) -> Written | None:
        """The unit that a sentence tells with a number that neither it, nor another such unit, nor the conversation gives.

        Args:
            sentence: Of a reply.
            known: Numbers that the conversation has established before.
        """
        if not self._told or not NUMBER.search(sentence):
            return None
        same = self._telling(sentence)
        if not same:
            return None
        given = frozenset().union(*(unit.numbers for unit in same))
        other = {plain(number) for number in NUMBER.findall(sentence)} - given - known
        if not other or any(derivation(number, known | given) for number in other):
            return None
        said = numbers(sentence)
        return next((unit for unit in same if not unit.plain_numbers <= said), None)

    def _telling(self, sentence: str) -> list[Written]:
        if sentence not in self._same:
            words = content_words(sentence)
            shared = Counter(place for word in words for place in self._by_word.get(word, ()))
            self._same[sentence] = [
                self._told[place]
                for place, count in shared.most_common()
                if count >= ENOUGH * len(self._told[place].words) and count >= ABOUT_IT * len(words)
            ]
        return self._same[sentence]


def _said(grounds: Grounds) -> Iterator[tuple[int, str]]:
    for turn, message in enumerate(grounds.messages):
        if message["role"] == "assistant":
            yield from ((turn, sentence) for sentence in sentences(text_of(message)))


def _claim(name: str, version: str, key: str, turn: int, sentence: str, issue_type: str, reason: str) -> Claim:
    return Claim(
        conversation_id=key,
        inspector=name,
        inspector_version=version,
        kind="deterministic",
        issue_type=issue_type,
        severity="major",
        turn=turn,
        quote=sentence,
        explanation=reason,
        confidence=0.8,
        decision="accepted",
        decision_reason=reason,
    )
