"""Rewrites by the endpoint: what the assistant should have said at the turn that went wrong.

What belongs here: asking, and reading the answer as a dialogue-action output. What does not: deciding on it (`verify`).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl
from pydantic import BaseModel, ConfigDict

from wow_flywheel.dialogue import Action, DialogueAction
from wow_flywheel.inspection.transcript import KnowledgeIndex, as_data, render
from wow_flywheel.llm.client import LlmClient, LlmRequest, Success
from wow_flywheel.llm.settings import estimated_tokens
from wow_flywheel.pairs.candidates import Candidate
from wow_flywheel.pairs.sites import Site

MEANINGS: Mapping[str, str] = {
    "unclarified_demand": "it acts on, or answers, a demand that should have been asked about",
    "hallucination": "it states something that no knowledge, tool result or customer supports",
    "script_repetition": "it says again what had been said",
    "incomplete_solution": "it leaves a part of the demand unanswered",
    "policy_violation": "it breaks a business rule or skips a required step",
    "knowledge_misuse": "it ignores or misreads the knowledge or a tool result",
    "poor_empathy": "it is cold, blaming or unapologetic to a customer who is upset",
    "action_mismatch": "what it says it did is not what it did, or the action is wrong or malformed",
}
"""What the endpoint is told of each issue type."""


class RewrittenAction(BaseModel):
    """A tool call; `arguments` is a JSON object as text, since strict schemas allow no free objects."""

    model_config = ConfigDict(extra="forbid")

    name: str
    arguments: str


class Rewrite(BaseModel):
    """The endpoint's answer."""

    model_config = ConfigDict(extra="forbid")

    reply: str | None
    action: RewrittenAction | None


@dataclass(frozen=True, slots=True)
class Rewrites:
    """What the endpoint wrote.

    Attributes:
        candidates: By the site's `pair_id`.
        failures: Sites for which it gave nothing usable.
    """

    candidates: Mapping[str, Sequence[Candidate]]
    failures: int


def rewrite(client: LlmClient, sites: Sequence[Site], knowledge: pl.DataFrame) -> Rewrites:
    """Ask the endpoint for a rewrite of each site.

    Args:
        client: The endpoint.
        sites: The turns that went wrong.
        knowledge: Columns unit_id, title, content.

    Raises:
        EndpointRefused: The endpoint refuses for good.
        EndpointUnavailable: It is down: many calls in a row got no answer.
    """
    index = KnowledgeIndex.of(knowledge)
    fitting = [site for site in sites if estimated_tokens(as_data(site.prompt)) <= client.settings.max_conversation_tokens]
    answers = client.complete_all([_request(site, index) for site in fitting], Rewrite)
    found = {
        site.pair_id: [Candidate(output, "endpoint", "")]
        for site, answer in zip(fitting, answers, strict=True)
        if isinstance(answer, Success) and (output := _output(answer.value)) is not None
    }
    return Rewrites(found, len(sites) - len(found))


def _request(site: Site, index: KnowledgeIndex) -> LlmRequest:
    values = {
        "turns": as_data(site.prompt),
        "knowledge": index.relevant(site.prompt),
        "said": as_data([site.said.model_dump()]),
        "issue": f"{site.issue_type.replace('_', ' ')}: {MEANINGS[site.issue_type]}",
    }
    system = render("pairs", "system.jinja", {})
    return LlmRequest(render("pairs", "rewrite.jinja", values), system=system, about=site.pair_id)


def _output(answer: Rewrite) -> DialogueAction | None:
    """The answer as an output; None if it says and does nothing, or its arguments are no JSON object."""
    action = None
    if answer.action is not None:
        try:
            arguments = json.loads(answer.action.arguments or "{}")
        except json.JSONDecodeError:
            return None
        if not isinstance(arguments, dict) or not answer.action.name:
            return None
        action = Action(name=answer.action.name, arguments=arguments)
    reply = (answer.reply or "").strip() or None
    return DialogueAction(reply=reply, action=action) if reply or action else None
