"""The blind comparison by the endpoint: two replies in an order that a hash decides, neither of them named as the original.

What belongs here: asking, and what follows from the answer. What does not: re-inspection of one side alone (`verify`).
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Literal

from pydantic import BaseModel, ConfigDict

from wow_flywheel.contracts.vocabulary import ISSUE_TYPES
from wow_flywheel.dialogue import DialogueAction
from wow_flywheel.inspection.transcript import KnowledgeIndex, as_data, render
from wow_flywheel.llm.client import Failure, LlmClient, LlmRequest
from wow_flywheel.pairs.candidates import Candidate
from wow_flywheel.pairs.rewrite import MEANINGS
from wow_flywheel.pairs.sites import Site

Letter = Literal["A", "B"]
Issue = Literal[
    "unclarified_demand", "hallucination", "script_repetition", "incomplete_solution", "policy_violation", "knowledge_misuse",
    "poor_empathy", "action_mismatch",
]  # fmt: skip


class Side(BaseModel):
    """What is found in one reply."""

    model_config = ConfigDict(extra="forbid")

    issues: list[Issue]
    grounded: bool


class Comparison(BaseModel):
    """The endpoint's answer."""

    model_config = ConfigDict(extra="forbid")

    a: Side
    b: Side
    better: Literal["A", "B", "neither"]


def compare(client: LlmClient, rewrites: Sequence[tuple[Site, Candidate]], index: KnowledgeIndex) -> list[str | None]:
    """For each rewrite None if the endpoint prefers it and finds nothing in it, else why not.

    Raises:
        EndpointRefused: The endpoint refuses for good.
        EndpointUnavailable: It is down: many calls in a row got no answer.
    """
    answers = client.complete_all([request(*each, index) for each in rewrites], Comparison)
    return [
        f"comparison failed: {answer}" if isinstance(answer, Failure) else ruling(*rewrite, answer.value)
        for rewrite, answer in zip(rewrites, answers, strict=True)
    ]


def letter(site: Site, candidate: Candidate) -> Letter:
    """Under which letter the rewrite is shown: decided by a hash, so that neither letter means anything."""
    text = f"{site.pair_id}\n{candidate.output.to_json()}"
    return "A" if sha256(text.encode()).digest()[0] % 2 else "B"


def request(site: Site, candidate: Candidate, index: KnowledgeIndex) -> LlmRequest:
    """The question: both replies under neutral names."""
    sides = [candidate.output, site.said] if letter(site, candidate) == "A" else [site.said, candidate.output]
    values = {
        "turns": as_data(site.prompt),
        "knowledge": index.relevant(site.prompt),
        "a": _shown(sides[0]),
        "b": _shown(sides[1]),
        "issues": "\n".join(f"- {name}: {MEANINGS[name]}" for name in ISSUE_TYPES),
    }
    return LlmRequest(render("pairs", "compare.jinja", values), system=render("pairs", "judge.jinja", {}), about=site.pair_id)


def ruling(site: Site, candidate: Candidate, said: Comparison) -> str | None:
    """Why a rewrite is refused by a comparison; None if it is preferred and sound."""
    mine = letter(site, candidate)
    side = said.a if mine == "A" else said.b
    if site.issue_type in side.issues:
        return f"the blind comparison still finds {site.issue_type}"
    if side.issues:
        return f"the blind comparison finds a new {side.issues[0]}"
    if not side.grounded:
        return "the blind comparison finds a claim without ground"
    return (
        None
        if said.better == mine
        else f"the blind comparison prefers {'neither side' if said.better == 'neither' else 'what was said'}"
    )


def _shown(output: DialogueAction) -> str:
    return as_data([{"reply": output.reply, "action": output.action.model_dump() if output.action else None}])
