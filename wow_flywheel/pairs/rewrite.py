"""Rewrites by the endpoint: what the assistant should have said at the turn that went wrong.

What belongs here: asking, and reading the answer as a dialogue-action output. What does not: deciding on it (`verify`).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import polars as pl
from pydantic import BaseModel, ConfigDict

from wow_flywheel.dialogue import Action, DialogueAction
from wow_flywheel.errors import SettingsError
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


class ReasonedRewrite(Rewrite):
    """The same with the steps that lead to it."""

    thought: str


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the endpoint is asked for rewrites.

    Attributes:
        temperatures: One sample of each site at each of these.
        thoughts: Ask for the steps as well; they are checked forward and back before the rewrite is used (`thought`).
    """

    temperatures: tuple[float, ...] = (0.0, 0.7, 1.0)
    thoughts: bool = False

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> "Sampling":
        """`WOW_REWRITE_TEMPERATURES`, numbers from 0 to 2 with commas; `WOW_REWRITE_THOUGHTS`, 1 or 0.

        Raises:
            SettingsError: A value is malformed; the message names its variable.
        """
        text = env.get("WOW_REWRITE_TEMPERATURES", "").strip() or "0,0.7,1"
        thoughts = env.get("WOW_REWRITE_THOUGHTS", "").strip() or "0"
        try:
            temperatures = tuple(float(part) for part in text.split(","))
        except ValueError:
            temperatures = ()
        if not temperatures or len(set(temperatures)) < len(temperatures) or not all(0 <= t <= 2 for t in temperatures):
            raise SettingsError(
                f"WOW_REWRITE_TEMPERATURES={text!r} is no list of different numbers from 0 to 2", hint="write it like 0,0.7,1"
            )
        if thoughts not in {"0", "1"}:
            raise SettingsError(f"WOW_REWRITE_THOUGHTS={thoughts!r} is neither 0 nor 1", hint="set it to 1 to ask for steps")
        return cls(temperatures, thoughts == "1")


@dataclass(frozen=True, slots=True)
class Rewrites:
    """What the endpoint wrote.

    Attributes:
        candidates: By the site's `pair_id`, in the order of the temperatures.
        failures: Sites for which it gave nothing usable.
        malformed: Answers that are no valid output, by `pair_id`: kept as refused candidates.
    """

    candidates: Mapping[str, Sequence[Candidate]]
    failures: int
    malformed: Mapping[str, Sequence[Candidate]] = field(default_factory=dict)


def rewrite(client: LlmClient, sites: Sequence[Site], knowledge: pl.DataFrame, sampling: Sampling | None = None) -> Rewrites:
    """Ask the endpoint for rewrites of each site, one a temperature.

    Args:
        client: The endpoint.
        sites: The turns that went wrong.
        knowledge: Columns unit_id, title, content.
        sampling: How often, how hot, and whether with steps.

    Raises:
        EndpointRefused: The endpoint refuses for good.
        EndpointUnavailable: It is down: many calls in a row got no answer.
    """
    sampling = sampling or Sampling()
    index = KnowledgeIndex.of(knowledge)
    fitting = [site for site in sites if estimated_tokens(as_data(site.prompt)) <= client.settings.max_conversation_tokens]
    requests = [_request(site, index, sampling) for site in fitting]
    schema = ReasonedRewrite if sampling.thoughts else Rewrite
    found: dict[str, list[Candidate]] = {}
    malformed: dict[str, list[Candidate]] = {}
    for temperature in sampling.temperatures:
        for site, answer in zip(fitting, _at(client, temperature).complete_all(requests, schema), strict=True):
            if not isinstance(answer, Success):
                continue
            if (output := output_of(answer.value)) is not None:
                found.setdefault(site.pair_id, []).append(Candidate(output, "endpoint", ""))
            else:
                text = answer.value.model_dump_json()
                malformed.setdefault(site.pair_id, []).append(Candidate(DialogueAction(), "endpoint", "", malformed=text))
    return Rewrites(found, len(sites) - len(found), malformed)


def _at(client: LlmClient, temperature: float) -> LlmClient:
    """The same endpoint, ledger, budget and counts at another temperature."""
    return replace(client, settings=replace(client.settings, temperature=temperature))


def _request(site: Site, index: KnowledgeIndex, sampling: Sampling) -> LlmRequest:
    values = {
        "turns": as_data(site.prompt),
        "knowledge": index.relevant(site.prompt),
        "said": as_data([site.said.model_dump()]),
        "issue": f"{site.issue_type.replace('_', ' ')}: {MEANINGS[site.issue_type]}",
        "thought": "yes" if sampling.thoughts else "",
    }
    system = render("pairs", "system.jinja", {})
    return LlmRequest(render("pairs", "rewrite.jinja", values), system=system, about=site.pair_id)


def output_of(answer: Rewrite) -> DialogueAction | None:
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
    thought = answer.thought.strip() or None if isinstance(answer, ReasonedRewrite) else None
    return DialogueAction(thought=thought, reply=reply, action=action) if reply or action else None
