"""What a turn owed its customer: an action, a fact, a question or a procedure's step; and whether an output gives it.

What belongs here: reading the positive out of an output that is known to be right, and testing other outputs for it. What does
not: finding that right output (`references`), inspecting (`repair`).

An output need not sound like the right one. It must call the same tool with the same arguments; or state, outside of questions
and negations, each fact that the right reply told anew; or ask for what the right reply asked for; or be nearest, of all
templates of the procedure, to its next step. Words that the customer just said are never what is owed: a parrot gives nothing.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from wow_flywheel.dialogue import Action, DialogueAction, Message
from wow_flywheel.evaluation.slots import same_action
from wow_flywheel.inspection.values import leaves, parsed, stands_in
from wow_flywheel.inspection.wording import QUESTION
from wow_flywheel.pairs.sites import Site
from wow_flywheel.pairs.slots import NUMBER, SLOT

Kind = Literal["action", "facts", "question", "step"]
NEAR: Final = 0.5
"""Share of a question's or a template's words that an output must have."""
SENTENCE: Final = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])|\n+")
NEGATED: Final = re.compile(r"\b(?:not|never|no|cannot|without)\b|n['’]t\b|[不没]", re.IGNORECASE)
WORDS: Final = re.compile(r"[^\W\d_\u3400-\u9fff]{3,}")
CHINESE: Final = re.compile(r"(?=([\u3400-\u9fff]{2}))")
_ASKING: Final = """and are but can could did does first for from give get has have help here how into just kindly know let like
may more need please provide sure tell than that the then there they this want was what when where which who will with would you
your"""
ASKING: Final = frozenset(_ASKING.split())
"""Words that any question may have: asking for more of whatever is no question for what is missing."""


@dataclass(frozen=True, slots=True)
class Owed:
    """What one turn owed.

    Attributes:
        kind: What is demanded.
        source: Where it is known from: log, good_case, procedure, said.
        action: Of `action`, the call.
        facts: Of `facts`, the values to state, all of them.
        words: Of `question`, what it must ask about; of `step`, the words of the right template.
        others: Of `step`, the words of the procedure's other templates.
    """

    kind: Kind
    source: str
    action: Action | None = None
    facts: tuple[str, ...] = ()
    words: frozenset[str] = frozenset()
    others: tuple[frozenset[str], ...] = ()

    @property
    def text(self) -> str:
        """The demand for people, and for a judge."""
        if self.action is not None:
            return f"call {self.action.name} with {json.dumps(self.action.arguments, ensure_ascii=False, sort_keys=True)}"
        if self.kind == "facts":
            return f"state {', '.join(self.facts)}"
        verb = "ask about" if self.kind == "question" else "take the procedure's step with the words"
        return f"{verb} {', '.join(sorted(self.words))}"

    def unmet(self, output: DialogueAction) -> str | None:
        """Why an output does not give what is owed; None if it does."""
        if self.kind == "action":
            given = same_action(self.action, output.action) if self.action is not None else False
        elif self.kind == "facts":
            told = statements(output.reply or "")
            given = all(any(_states(sentence, fact) for sentence in told) for fact in self.facts)
        elif self.kind == "question":
            asked = [words(sentence) for sentence in questions(output.reply or "")]
            given = output.action is None and any(len(self.words & each) >= NEAR * len(self.words) for each in asked)
        else:
            given = self._is_step(words(output.reply or ""))
        return None if given else f"does not do what was owed: {self.text}"

    def _is_step(self, said: frozenset[str]) -> bool:
        near = _alike(said, self.words)
        return near >= NEAR and all(near > _alike(said, other) for other in self.others)


def owed_by(site: Site, right: DialogueAction, source: str, known: Iterable[str] = ()) -> Owed | None:
    """What a turn owed, read from an output that would have been right there; None if nothing certain can be read.

    Args:
        site: The turn.
        right: The right output.
        source: Where it is known from.
        known: Numbers of the knowledge, beside the values of tool results.
    """
    if right.action is not None:
        ready = _established(right.action, site.prompt)
        return Owed("action", source, action=right.action) if ready else None
    reply = right.reply or ""
    told = [sentence.casefold() for m in site.prompt if m["role"] != "tool" for sentence in statements(m.get("content") or "")]
    told_by_units = frozenset(known)
    values = dict.fromkeys([*_values(site.prompt), *(n for n in NUMBER.findall(reply) if n in told_by_units)])
    mine = " ".join(sentence for sentence in statements(reply) if not NEGATED.search(sentence)).casefold()
    new = [v for v in values if stands_in(v.casefold(), mine) and not any(stands_in(v.casefold(), each) for each in told)]
    if new:
        return Owed("facts", source, facts=tuple(new))
    asked = [content for sentence in questions(reply) if (content := words(sentence) - words(_last_said(site.prompt)))]
    return Owed("question", source, words=asked[-1]) if asked else None


def step_owed(step: str | None, texts: Mapping[str, str | None], source: str = "procedure") -> Owed | None:
    """A procedure's step as what is owed; None for a tool's, whose arguments no procedure knows, or one of few words.

    Args:
        step: The step that is due.
        texts: Template by step, None for a tool's.
        source: Where it is known from.
    """
    due = words(SLOT.sub(" ", texts.get(step) or "")) if step is not None else frozenset[str]()
    if len(due) < 2:
        return None
    others = {words(SLOT.sub(" ", text)) for name, text in texts.items() if text and name != step}
    return Owed("step", source, words=due, others=tuple(sorted(others - {due}, key=sorted)))


def words(text: str) -> frozenset[str]:
    """The words of a text that carry what it is about, in lower case; Chinese text gives pairs of characters."""
    return frozenset({*WORDS.findall(text.lower()), *CHINESE.findall(text)} - ASKING)


def statements(reply: str) -> list[str]:
    """The sentences that ask nothing."""
    return [sentence for sentence in SENTENCE.split(reply) if sentence.strip() and not QUESTION.search(sentence)]


def questions(reply: str) -> list[str]:
    """The sentences that ask."""
    return [sentence for sentence in SENTENCE.split(reply) if QUESTION.search(sentence)]


def _values(prompt: Sequence[Message]) -> list[str]:
    """What tool results gave: numbers, and words that are long enough to be no accident (in Chinese, two characters)."""
    results = [m.get("content") or "" for m in prompt if m["role"] == "tool"]
    found = [value for text in results for _, value in leaves(parsed(text))]
    return [value for value in found if NUMBER.fullmatch(value) or WORDS.search(value) or CHINESE.search(value)]


def _states(sentence: str, fact: str) -> bool:
    return stands_in(fact.casefold(), sentence.casefold()) and not NEGATED.search(sentence)


def _established(action: Action, prompt: Sequence[Message]) -> bool:
    """Whether everything in a call's arguments had been said or found before: else it would be a guess to make it there."""
    said = "\n".join(m.get("content") or "" for m in prompt).casefold()
    return all(stands_in(value.casefold(), said) for _, value in leaves(action.arguments))


def _last_said(prompt: Sequence[Message]) -> str:
    return next((m.get("content") or "" for m in reversed(prompt) if m["role"] == "user"), "")


def _alike(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / len(one | other) if one | other else 0.0
