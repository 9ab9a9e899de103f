"""Whether a reply does what its turn owes to the customer.

What belongs here: what may be owed, and whether a reply does some of it. What does not: what a turn owes (`owed`), whether a
reply is free of faults (`examine`).
"""

import re
from dataclasses import dataclass
from typing import Final

from wow_flywheel.dialogue import DialogueAction
from wow_flywheel.inspection.results import SUCCEEDED_TEXT
from wow_flywheel.inspection.values import plain_arguments, stands_in
from wow_flywheel.inspection.wording import QUESTION, REFUSED, WRAPPED_UP, folded

SHARED_WORDS: Final = 2
"""Of a knowledge unit or of the log's own answer a reply must share so many words that the customer had not said."""
ASKS: Final = re.compile(
    rf"{QUESTION.pattern}|\bplease (?:tell|give|provide|share|confirm|let me know|send|name)\b|\b(?:i|we)(?: wi|')?ll? need\b"
    r"|请(?:提供|告诉|告知|问|说|给|发)",
    re.IGNORECASE,
)
_STOPWORDS: Final = """
a about again all also am an and any are as at be been but by can could did do does for from get give had has have hello hi
how i if in is it its just like may me might more my need no not now of ok okay on one or our out please see she should so sorry
tell than thank thanks that the their them then there these they this to too us very want was we well were what when where which
who why will with would yes you your
"""
STOPWORDS: Final = frozenset(_STOPWORDS.split())
Fact = tuple[str, str]
"""A tool result's key and value."""


@dataclass(frozen=True, slots=True)
class Owed:
    """What a turn owes: a right reply does any one of these.

    Attributes:
        calls: Tool calls: name, and plain arguments or None where any will do.
        facts: Keys and values of tool results.
        asks: Words of which a question to the customer must have one; empty if no question is owed.
        words: Sets of words (of a knowledge unit, a long result, the procedure's step, the log's own answer); a reply must
            share some of one of them.
        closing: True where the customer wraps up.
        success: True where a tool has just said that it worked.
        refusal: True where a tool has just failed.
        before: What was said before, folded: the customer's last words first. Saying it again does nothing.
        may_repeat: True where a tool result stands between: the same facts may be right again.
    """

    calls: frozenset[tuple[str, str | None]] = frozenset()
    facts: tuple[Fact, ...] = ()
    asks: frozenset[str] = frozenset()
    words: tuple[frozenset[str], ...] = ()
    closing: bool = False
    success: bool = False
    refusal: bool = False
    before: tuple[str, ...] = ()
    may_repeat: bool = False

    @property
    def sentence(self) -> str:
        """All that would do, in words."""
        parts = [f"call {name}" for name, _ in sorted(self.calls, key=str)]
        parts += [f"tell {key} ({value})" for key, value in self.facts]
        parts += [f"ask for {', '.join(sorted(self.asks))}"] if self.asks else []
        parts += [f"say something of {', '.join(sorted(words))}" for words in self.words]
        parts += ["say goodbye"] if self.closing else []
        parts += ["say that it is done"] if self.success else []
        return " or ".join([*parts, *(["say that it failed"] if self.refusal else [])])


def met(owed: Owed, output: DialogueAction) -> str | None:
    """None if a reply does something of what its turn owes, else why not.

    Args:
        owed: What the turn owes.
        output: The reply.
    """
    action, reply = output.action, output.reply or ""
    if action is not None and any(
        name == action.name and arguments in {None, plain_arguments(action.arguments)} for name, arguments in owed.calls
    ):
        return None
    repeats = _repeats(reply, owed)
    if reply and ((not repeats and _speaks(reply, owed)) or ((not repeats or owed.may_repeat) and _tells(reply, owed))):
        return None
    return f"does nothing of what the turn owes: {owed.sentence}"


def content_words(text: str) -> frozenset[str]:
    """The words of a text that say what it is about, each cut to its first five letters; Chinese gives pairs of characters."""
    chinese = re.findall(r"[\u3400-\u9fff]+", text)
    pairs = {run[i : i + 2] for run in chinese for i in range(len(run) - 1)}
    latin = re.findall(r"[^\W_\u3400-\u9fff]+", text.lower())
    return frozenset(stem(word) for word in latin if word not in STOPWORDS and len(word) > 1) | pairs


def stem(word: str) -> str:
    """The first five letters: `refunded`, `refunds` and `refund_order` are about the same; numbers stay whole."""
    return word if word.isdecimal() else word[:5]


def _tells(reply: str, owed: Owed) -> bool:
    """True if a reply tells a fact, or how a call ended."""
    if any(stands_in(value, reply) for _, value in owed.facts):
        return True
    return bool((owed.success and SUCCEEDED_TEXT.search(reply)) or (owed.refusal and REFUSED.search(reply)))


def _speaks(reply: str, owed: Owed) -> bool:
    """True if a reply asks, says or wraps up what it should."""
    spoken, heard = content_words(reply), content_words(owed.before[0])
    if owed.asks and ASKS.search(reply) and any(_names(word, spoken, reply) for word in owed.asks):
        return True
    if any(len((spoken & words) - heard) >= min(SHARED_WORDS, len(words)) for words in owed.words):
        return True
    return owed.closing and WRAPPED_UP.search(reply) is not None


def _names(word: str, spoken: frozenset[str], reply: str) -> bool:
    return word in reply if re.search(r"[\u3400-\u9fff]", word) else stem(word) in spoken


def _repeats(reply: str, owed: Owed) -> bool:
    """True for what was said before, by the assistant or in the customer's own last words."""
    said, (asked, *replies) = folded(reply), owed.before
    mine, theirs = content_words(reply), content_words(asked)
    parrot = bool(theirs) and mine <= theirs and len(mine) >= 0.8 * len(theirs)
    return said == asked or parrot or said in replies
