"""Grounded candidates for a rewrite without an endpoint: Good-Case replies to the same need, and procedure templates.

What belongs here: finding them. What does not: deciding on them (`verify`). Nothing is invented: a candidate is what was said
in a Good Case at the same point of the same scenario, or what the procedure says next, with this conversation's values.
"""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import polars as pl

from wow_flywheel.dialogue import DialogueAction, Message, assistant_actions
from wow_flywheel.pairs.sites import Site
from wow_flywheel.pairs.slots import context_values, delexicalise, fill

MIN_SIMILARITY = 0.5
MAX_CANDIDATES = 4
Point = tuple[str, str, tuple[str, ...]]
"""Where in its procedure a conversation stands: scenario, role of the last message, tools called so far with their outcome."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """What could have been said instead.

    Attributes:
        output: The rewrite.
        source: `good_case`, `procedure` or `endpoint`.
        source_conversation_id: The Good Case, or the policy and reply id, that it comes from; empty for the endpoint.
    """

    output: DialogueAction
    source: str
    source_conversation_id: str


@dataclass(slots=True)
class GoodCases:
    """Good-Case outputs by the point of the procedure and by what the customer had just said."""

    _by_point: dict[Point, dict[frozenset[str], Counter[str]]] = field(default_factory=lambda: defaultdict(dict))
    _origin: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, conversations: pl.DataFrame) -> "GoodCases":
        """Index the assistant turns of Good Cases (contract `conversations`)."""
        index = cls()
        for row in conversations.select("conversation_id", "scenario", "messages").iter_rows(named=True):
            for turn in range(1, len(row["messages"])):
                index._add(row["conversation_id"], row["scenario"], row["messages"][:turn], row["messages"][turn])
        return index

    def candidates(self, site: Site) -> list[Candidate]:
        """Outputs given at the same point to the most similar customer messages, values filled in from the site."""
        words = heard(site.prompt)
        near = [(jaccard(words, other), other) for other in self._by_point.get(point(site.scenario, site.prompt), {})]
        near = sorted((pair for pair in near if pair[0] >= MIN_SIMILARITY), key=lambda pair: (-pair[0], sorted(pair[1])))
        templates = Counter[str]()
        for similarity, other in near[:20]:
            for template, count in self._by_point[point(site.scenario, site.prompt)][other].items():
                templates[template] += int(1000 * similarity) * count
        values = context_values(site.prompt)
        found = (
            (template, fill(DialogueAction.model_validate_json(template), values)) for template, _ in templates.most_common()
        )
        return [Candidate(output, "good_case", self._origin[template]) for template, output in found if output is not None]

    def _add(self, conversation_id: str, scenario: str, prompt: Sequence[Message], message: Message) -> None:
        if message["role"] != "assistant":
            return
        values = context_values(prompt)
        for output in assistant_actions(message)[:1]:
            template = delexicalise(output, values)
            if template is None:
                continue
            text = template.to_json()
            self._by_point[point(scenario, prompt)].setdefault(heard(prompt), Counter())[text] += 1
            self._origin.setdefault(text, conversation_id)


def procedure_candidates(site: Site, procedures: pl.DataFrame) -> list[Candidate]:
    """What the scenario's procedure says after the last step that can be recognised in the conversation.

    Args:
        site: The turn to rewrite.
        procedures: Columns policy_id, scenario, reply_id, text, next_reply_id.
    """
    steps = procedures.filter(pl.col("scenario") == site.scenario)
    texts = {row["reply_id"]: row["text"] for row in steps.iter_rows(named=True) if row["text"]}
    following = {row["reply_id"]: row["next_reply_id"] for row in steps.iter_rows(named=True) if row["next_reply_id"]}
    done = [step for message in site.prompt if (step := _step(message, texts, following))]
    expected = following.get(done[-1]) if done else None
    values = context_values(site.prompt)
    policy = steps["policy_id"].item(0) if steps.height else ""
    output = fill(DialogueAction(reply=texts[expected]), values) if expected in texts else None
    return [Candidate(output, "procedure", f"{policy}#{expected}")] if output is not None else []


def distinct(candidates: Iterable[Candidate], said: DialogueAction) -> list[Candidate]:
    """The first few candidates that differ from each other and from what was said."""
    seen = {said.to_json()}
    kept = [c for c in candidates if not (c.output.to_json() in seen or seen.add(c.output.to_json()))]  # type: ignore[func-returns-value]
    return kept[:MAX_CANDIDATES]


def point(scenario: str, prompt: Sequence[Message]) -> Point:
    """Where in its procedure a conversation stands."""
    called = {call["id"]: call["name"] for message in prompt for call in message.get("tool_calls") or []}
    results = [
        f"{called.get(message.get('tool_call_id'), '?')}:{','.join(_result_keys(message.get('content')))}"
        for message in prompt
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


def _result_keys(content: str | None) -> list[str]:
    try:
        parsed = json.loads(content or "")
    except json.JSONDecodeError:
        return ["text"]
    return sorted(map(str, parsed)) if isinstance(parsed, dict) else [type(parsed).__name__]


def _step(message: Message, texts: dict[str, str], following: dict[str, str]) -> str | None:
    """The procedure's step that a message is: named by the log, or a tool call of that name, or the template's text."""
    if message["role"] != "assistant":
        return None
    if (action := message.get("action")) in following:
        return action
    for call in message.get("tool_calls") or []:
        if call["name"] in following:
            return call["name"]
    content = message.get("content") or ""
    return next((step for step, text in texts.items() if step in following and _matches(text, content)), None)


def _matches(template: str, content: str) -> bool:
    pattern = re.sub(r"\\\{\w+(?::[sd])?\\\}", ".+?", re.escape(template))
    return re.fullmatch(pattern, content) is not None
