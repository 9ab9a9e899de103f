"""Words of another customer in a reply that is taken from a Good Case: a name, an item, a number that was only theirs.

What belongs here: telling such words from those that agents use of their own accord. What does not: values that became slots
(`slots`).

A word is somebody else's if the Good Case's own customer or tools brought it up, nothing in the new conversation or in the
public texts (knowledge, procedures) does, and agents do not say it unprompted. So is a capitalised word inside a sentence that
hardly any other conversation knows: a name that the log does not give.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from wow_flywheel.dialogue import DialogueAction, Message
from wow_flywheel.inspection.values import leaves
from wow_flywheel.pairs.slots import SLOT

UNPROMPTED_TIMES: Final = 2
UNPROMPTED_SHARE: Final = 0.2
"""Agents say a word of their own accord if in so many conversations, and this share of those where they say it, nobody had."""
COMMON_NAME: Final = 3
"""A capitalised word that agents say in so many conversations is no customer's name."""
INSIDE: Final = re.compile(r"(?:(?<=[a-z0-9,;:] )|(?<=\bMr\. )|(?<=\bMs\. )|(?<=\bMrs\. ))[A-Z][a-z]+")
COMMON: Final = (
    "a about above after again all already also always am an and another any anything are as at back be because"
    " been before being below between both but by can cannot could d did do does doing don done down during each"
    " else every few for from further get give go got had has have having he hello help her here hers hi him his how"
    " however i if in into is it its just know let like ll m make may me mean might more most much must my need no"
    " nor not now of off ok okay on once one only or other our out over own please re right s same see she should so"
    " some something soon sorry still such sure t take tell than thank thanks that the their them then there these"
    " they this those through to too under until up us ve very want was we well were what when where which while who"
    " whom why will with within without would yes yet you your yours"
)
FUNCTION_WORDS: Final = frozenset(COMMON.split())


@dataclass(slots=True)
class Vocabulary:
    """In how many conversations agents say each word, and in how many of them before anybody else does.

    Attributes:
        public: Words of knowledge and procedures, which anybody may say.
    """

    public: frozenset[str] = frozenset()
    _said: Counter[str] = field(default_factory=Counter)
    _unprompted: Counter[str] = field(default_factory=Counter)

    def learn(self, messages: Sequence[Message]) -> None:
        """Count one conversation's words."""
        heard: set[str] = set()
        said: set[str] = set()
        unprompted: set[str] = set()
        for message in messages:
            if message["role"] == "assistant":
                words = words_of(message.get("content") or "")
                unprompted |= words - heard
                said |= words
            else:
                heard |= context_words([message])
        self._said.update(said)
        self._unprompted.update(unprompted)

    def somebodys(self, template: DialogueAction, source: frozenset[str]) -> frozenset[str]:
        """The words of a template that its conversation's context brought up, or that look like a name.

        Args:
            template: A Good Case's output after `slots.delexicalise`.
            source: Words of its context: see `context_words`.
        """
        texts = _texts(template)
        words = frozenset().union(*map(words_of, texts)) if texts else frozenset()
        return (words & source) | frozenset(name.lower() for text in texts for name in _names(text))

    def foreign(self, words: Iterable[str], here: frozenset[str]) -> list[str]:
        """Which of such words a conversation may not be told, in order.

        Args:
            words: See `somebodys`.
            here: Words of the new conversation's context.
        """
        return sorted(word for word in words if word not in here and word not in self.public and not self._free(word))

    def _free(self, word: str) -> bool:
        times = self._unprompted[word]
        if word in FUNCTION_WORDS:
            return True
        return times >= UNPROMPTED_TIMES and times >= UNPROMPTED_SHARE * self._said[word] and self._said[word] >= COMMON_NAME


def context_words(messages: Iterable[Message]) -> frozenset[str]:
    """What customers and tools brought up, and what was looked up: the words of their texts, results and arguments."""
    texts: list[str] = []
    for message in messages:
        content = message.get("content") or ""
        if message["role"] == "tool":
            values = _values(content)
            texts += [content] if values is None else values
        elif message["role"] != "assistant":
            texts.append(content)
        texts += [value for call in message.get("tool_calls") or [] for value in _values(call["arguments"]) or []]
    return frozenset().union(*map(words_of, texts)) if texts else frozenset()


def words_of(text: str) -> frozenset[str]:
    """Lower-case words and numbers; Chinese as pairs of neighbouring characters."""
    chinese = re.findall(r"[\u3400-\u9fff]+", text)
    pairs = {run[i : i + 2] for run in chinese for i in range(len(run) - 1)}
    return frozenset(re.findall(r"[^\W\u3400-\u9fff]+", SLOT.sub(" ", text).lower())) | pairs


def _texts(output: DialogueAction) -> list[str]:
    arguments = output.action.arguments if output.action else {}
    return [*([output.reply] if output.reply else []), *_argument_texts(arguments)]


def _argument_texts(node: Any) -> list[str]:
    if isinstance(node, dict):
        children = [] if set(node) == {"slot", "number"} else list(node.values())
        return [text for child in children for text in _argument_texts(child)]
    if isinstance(node, list):
        return [text for child in node for text in _argument_texts(child)]
    return [] if node is None or isinstance(node, bool) else [str(node)]


def _names(text: str) -> list[str]:
    return INSIDE.findall(text)


def _values(text: str) -> list[str] | None:
    """The scalars of a JSON text; None if it is none."""
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return [value for _, value in leaves(parsed, "value")]
