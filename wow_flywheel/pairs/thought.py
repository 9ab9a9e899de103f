"""Forward and reverse checks of a rewrite's chain of thought: each step is in the input, the steps alone lead to the answer.

What belongs here: both checks. What does not: writing thoughts (`rewrite`). Code looks first: a number that nothing gives ends
it without a question. Without an endpoint a thought is refused: nobody could have read it.
"""

import json
import re
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from wow_flywheel.dialogue import DialogueAction
from wow_flywheel.inspection.grounding import Grounds, numbers, plain, stated
from wow_flywheel.inspection.transcript import KnowledgeIndex, as_data, render
from wow_flywheel.inspection.values import stands_in
from wow_flywheel.llm.client import Failure, LlmClient, LlmRequest
from wow_flywheel.pairs.candidates import Candidate
from wow_flywheel.pairs.rewrite import Rewrite, output_of
from wow_flywheel.pairs.sites import Site
from wow_flywheel.pairs.solution import facts

UNREAD = "its thought cannot be checked without an endpoint"


class Step(BaseModel):
    """What is said of one step."""

    model_config = ConfigDict(extra="forbid")

    supported: bool
    quote: str


class Forward(BaseModel):
    """The endpoint's answer to the forward check, a step each."""

    model_config = ConfigDict(extra="forbid")

    steps: list[Step]


def steps(thought: str) -> list[str]:
    """A thought's steps: its lines, or its sentences where it has one line."""
    lines = [line.strip() for line in thought.splitlines() if line.strip()]
    return (
        lines if len(lines) > 1 else [each for each in re.split(r"(?<=[.!?。！？])\s+|(?<=[。！？])", thought.strip()) if each]
    )


def unfounded(site: Site, thought: str, knowledge: frozenset[str]) -> str | None:
    """The first step with a number that nothing before the turn gives; None if there is none."""
    grounds = Grounds(site.prompt, knowledge)
    given: set[str] = set()
    for place, step in enumerate(steps(thought), 1):
        loose = [n for n in stated(step) if not grounds.knows(n, len(site.prompt)) and plain(n) not in given]
        if loose:
            return f"step {place} of its thought has {', '.join(loose)}, which nothing gives"
        given |= numbers(step)
    return None


def check(client: LlmClient, thoughts: Sequence[tuple[Site, Candidate]], index: KnowledgeIndex) -> list[str | None]:
    """For each rewrite with a thought None if both checks hold, else what does not.

    The reverse check is asked without the rewrite's answer and without what was said.

    Raises:
        EndpointRefused: The endpoint refuses for good.
        EndpointUnavailable: It is down: many calls in a row got no answer.
    """
    forward = client.complete_all([_request("steps.jinja", *each, index) for each in thoughts], Forward)
    reverse = client.complete_all([_request("conclude.jinja", *each, index) for each in thoughts], Rewrite)
    found: list[str | None] = []
    for (site, candidate), ahead, back in zip(thoughts, forward, reverse, strict=True):
        if isinstance(ahead, Failure) or isinstance(back, Failure):
            found.append(f"its thought could not be checked: {ahead if isinstance(ahead, Failure) else back}")
            continue
        found.append(unsupported(site, candidate, ahead.value, index) or inconclusive(site, candidate, output_of(back.value)))
    return found


def unsupported(site: Site, candidate: Candidate, said: Forward, index: KnowledgeIndex) -> str | None:
    """The first step that the forward check does not find in the input; a quote counts only if it stands there."""
    count = len(steps(candidate.output.thought or ""))
    if len(said.steps) != count:
        return f"the forward check answers {len(said.steps)} of {count} steps of its thought"
    source = _source(site, index)
    for place, step in enumerate(said.steps, 1):
        if not step.supported:
            return f"step {place} of its thought is not in the input"
        if step.quote and step.quote not in source:
            return f"step {place} of its thought rests on words that are not in the input"
    return None


def inconclusive(site: Site, candidate: Candidate, concluded: DialogueAction | None) -> str | None:
    """How what follows from the steps differs from the rewrite: in its action, or in a number or fact that it tells."""
    if concluded is None or (concluded.action is None) != (candidate.output.action is None):
        return "its thought leads to something else to do"
    if concluded.action and candidate.output.action and concluded.action != candidate.output.action:
        return "its thought leads to another action"
    one, other = _told(site, candidate.output), _told(site, concluded)
    return None if one == other else f"its thought leads to other facts: {', '.join(sorted(one ^ other))}"


def _told(site: Site, output: DialogueAction) -> set[str]:
    reply = output.reply or ""
    return {plain(number) for number in stated(reply)} | {fact for fact in facts(site.prompt) if stands_in(fact, reply)}


def _request(template: str, site: Site, candidate: Candidate, index: KnowledgeIndex) -> LlmRequest:
    shown = as_data([{"step": i, "text": text} for i, text in enumerate(steps(candidate.output.thought or ""), 1)])
    values = {"turns": as_data(site.prompt), "knowledge": index.relevant(site.prompt), "steps": shown}
    return LlmRequest(render("pairs", template, values), system=render("pairs", "judge.jinja", {}), about=site.pair_id)


def _source(site: Site, index: KnowledgeIndex) -> str:
    """All that a quote may come from, as it is and as the prompt shows it."""
    said = [m.get("content") or "" for m in site.prompt]
    made = [text for m in site.prompt for c in m.get("tool_calls") or [] for text in (c["name"], c["arguments"])]
    units = [f"{unit['title']}\n{unit['content']}" for unit in index.best(site.prompt)]
    shown = json.dumps(said, ensure_ascii=False)
    return "\n".join([*said, *made, *units, shown])
