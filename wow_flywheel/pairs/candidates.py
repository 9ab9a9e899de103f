"""Grounded candidates for a rewrite without an endpoint: Good-Case replies to the same need, and procedure templates.

What belongs here: finding them. What does not: deciding on them (`verify`, `solution`). Nothing is invented: a candidate is
what was said in a Good Case at the same point of the same scenario, or what the procedure says next, with this conversation's
values.
"""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import polars as pl

from wow_flywheel.dialogue import DialogueAction, Message
from wow_flywheel.inspection.procedure import next_step
from wow_flywheel.inspection.results import calls
from wow_flywheel.inspection.wording import PUSHBACK, QUESTION, UPSET, folded
from wow_flywheel.pairs.borrowed import Vocabulary, context_words
from wow_flywheel.pairs.sites import Site, outputs_at
from wow_flywheel.pairs.slots import context_values, delexicalise, fill

MIN_SIMILARITY = 0.5
MAX_NEAR = 20
MAX_CANDIDATES = 6
"""Of each source, so that none crowds out another."""
Point = tuple[str, str, tuple[str, ...]]
"""Where in its procedure a conversation stands: scenario, role of the last message, tools called so far with their outcome."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """What could have been said instead.

    Attributes:
        output: The rewrite.
        source: `person`, `endpoint`, `policy`, `good_case` or `procedure`.
        source_conversation_id: The Good Case, or the policy and reply id, that it comes from; who edited; the model and sample.
        against: Why it cannot be used, where that is known without inspecting it; empty if nothing is.
        malformed: The text as it came, where it is no valid output; empty otherwise.
    """

    output: DialogueAction
    source: str
    source_conversation_id: str
    against: str = ""
    malformed: str = ""

    @property
    def text(self) -> str:
        """The output as JSON, or what came in its place."""
        return self.malformed or self.output.to_json()


@dataclass(slots=True)
class _Said:
    """A template as Good Cases said it: how often, first where, and the words that were always their customers' own."""

    count: int
    origin: str
    somebodys: frozenset[str]


@dataclass(slots=True)
class GoodCases:
    """Good-Case outputs by the point of the procedure and by what the customer had just said."""

    vocabulary: Vocabulary = field(default_factory=Vocabulary)
    _by_point: dict[Point, dict[frozenset[str], dict[str, _Said]]] = field(default_factory=lambda: defaultdict(dict))

    @classmethod
    def of(cls, conversations: pl.DataFrame, public: frozenset[str] = frozenset()) -> "GoodCases":
        """Index the assistant turns of Good Cases.

        Args:
            conversations: Contract `conversations`; their order does not matter.
            public: Words of knowledge and procedures, see `borrowed.words_of`.
        """
        index = cls(Vocabulary(public))
        for row in conversations.select("conversation_id", "scenario", "messages").iter_rows(named=True):
            index.vocabulary.learn(row["messages"])
            for turn in range(1, len(row["messages"])):
                if row["messages"][turn]["role"] == "assistant":
                    index._add(row["conversation_id"], row["scenario"], row["messages"], turn)
        return index

    def candidates(self, site: Site) -> list[Candidate]:
        """Outputs given at the same point to the most similar customer messages, values filled in from the site.

        What was said more often, to more similar words, comes first; ties go by the words themselves. Those with words of
        another customer come with a reason against them.
        """
        words, here = heard(site.prompt), context_words(site.prompt)
        at_point = self._by_point.get(point(site.scenario, site.prompt), {})
        near = [(jaccard(words, other), other) for other in at_point]
        near = sorted((pair for pair in near if pair[0] >= MIN_SIMILARITY), key=lambda pair: (-pair[0], sorted(pair[1])))
        scores: dict[str, int] = defaultdict(int)
        said: dict[str, _Said] = {}
        for similarity, other in near[:MAX_NEAR]:
            for template, each in at_point[other].items():
                scores[template] += int(1000 * similarity) * each.count
                said[template] = _joined(said[template], each) if template in said else each
        values, found = context_values(site.prompt), []
        for template in sorted(scores, key=lambda text: (-scores[text], text)):
            output = fill(DialogueAction.model_validate_json(template), values)
            if output is not None:
                foreign = self.vocabulary.foreign(said[template].somebodys, here)
                against = f"carries words of another customer: {', '.join(foreign)}" if foreign else ""
                found.append(Candidate(output, "good_case", said[template].origin, against))
        return found

    def _add(self, conversation_id: str, scenario: str, messages: Sequence[Message], turn: int) -> None:
        for prompt, output in outputs_at(messages, turn):
            template = delexicalise(output, context_values(prompt))
            if template is None or (template.action and "_raw" in template.action.arguments):
                continue
            said = _Said(1, conversation_id, self.vocabulary.somebodys(template, context_words(prompt)))
            at_need = self._by_point[point(scenario, prompt)].setdefault(heard(prompt), {})
            text = template.to_json()
            at_need[text] = _joined(at_need[text], said) if text in at_need else said


def procedure_candidates(site: Site, procedures: pl.DataFrame) -> list[Candidate]:
    """What the scenario's procedure says after the last step that can be recognised in the conversation.

    None where the customer has just asked something, pushed back or is upset: the next step of a script is no answer to that.

    Args:
        site: The turn to rewrite.
        procedures: Columns policy_id, scenario, reply_id, text, next_reply_id.
    """
    if is_open(site.prompt):
        return []
    steps = procedures.filter(pl.col("scenario") == site.scenario)
    expected = next_step(site.prompt, list(steps.iter_rows(named=True)))
    if expected is None or expected[1] is None:
        return []
    output = fill(DialogueAction(reply=expected[1]), context_values(site.prompt))
    return [Candidate(output, "procedure", f"{steps['policy_id'].item(0)}#{expected[0]}")] if output is not None else []


def is_open(prompt: Sequence[Message]) -> bool:
    """True if the customer spoke last, and asked, pushed back or was upset."""
    text = prompt[-1].get("content") or ""
    return prompt[-1]["role"] == "user" and any(pattern.search(text) for pattern in (QUESTION, PUSHBACK, UPSET))


def sorted_out(candidates: Iterable[Candidate], said: DialogueAction) -> list[tuple[Candidate, str, str]]:
    """Each candidate with the stage and the reason that keep it from being tried; both are empty where nothing does.

    Of what a reader would take for what was said, or for another candidate, none is tried; of each source the first six that
    may be used, and as many of those that something is known against.
    """
    seen = {heard_as(said): ("same as said", "it says and does what was said")}
    tried: Counter[tuple[str, bool]] = Counter()
    found = []
    for candidate in candidates:
        alike, kind = heard_as(candidate.output), (candidate.source, bool(candidate.against))
        if candidate.malformed:
            found.append((candidate, "malformed", "it is no valid output, or neither says nor does anything"))
        elif alike in seen:
            found.append((candidate, *seen[alike]))
        elif tried[kind] >= MAX_CANDIDATES:
            found.append((candidate, "over the cap", f"{MAX_CANDIDATES} others of its source came before it"))
        else:
            tried[kind] += 1
            seen[alike] = ("same as another", f"an earlier candidate, from {candidate.source}, says and does the same")
            found.append((candidate, "", ""))
    return found


def heard_as(output: DialogueAction) -> tuple[str, str]:
    """An output as it is heard: the reply's words without case and punctuation, and the action with its arguments in order."""
    action = json.dumps(output.action.model_dump(), sort_keys=True, ensure_ascii=False) if output.action else ""
    return folded(output.reply or ""), action


def point(scenario: str, prompt: Sequence[Message]) -> Point:
    """Where in its procedure a conversation stands."""
    by_place = {call.result_turn: call.name for call in calls(prompt) if call.result_turn is not None}
    results = [
        f"{by_place.get(place, '?')}:{','.join(_result_keys(message.get('content')))}"
        for place, message in enumerate(prompt)
        if message["role"] == "tool"
    ]
    return scenario, prompt[-1]["role"], tuple(results)


def heard(prompt: Sequence[Message]) -> frozenset[str]:
    """The words of the last user message with numbers masked; Chinese text gives pairs of characters."""
    last = next((m.get("content") or "" for m in reversed(prompt) if m["role"] == "user"), "") if prompt else ""
    if prompt and prompt[-1]["role"] == "tool":
        return frozenset()
    masked = re.sub(r"\d+", "0", last.lower())
    chinese = "".join(re.findall(r"[\u4e00-\u9fff]", masked))
    return frozenset(re.findall(r"[a-z0-9']+", masked)) | {chinese[i : i + 2] for i in range(len(chinese) - 1)}


def jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    """Shared words as a share of all words; two empty sets are equal."""
    return len(one & other) / len(one | other) if one | other else 1.0


def _joined(one: _Said, other: _Said) -> _Said:
    return _Said(one.count + other.count, min(one.origin, other.origin), one.somebodys & other.somebodys)


def _result_keys(content: str | None) -> list[str]:
    try:
        parsed = json.loads(content or "")
    except json.JSONDecodeError:
        return ["text"]
    return sorted(map(str, parsed)) if isinstance(parsed, dict) else [type(parsed).__name__]
