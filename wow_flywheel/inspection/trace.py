"""A trace of every question that the panel put: prompt, reply, what code checked, what was decided.

What belongs here: the rows of the table `panel_calls`. What does not: the questions (`hearing`).
Traces hold what the tables of conversations hold, redacted as it is there, and what models answered, redacted by `redaction`.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import polars as pl

from wow_flywheel.contracts import PANEL_CALLS
from wow_flywheel.inspection.redaction import Redacted
from wow_flywheel.llm.requests import Failure, LlmRequest, Outcome, S


@dataclass(frozen=True, slots=True)
class Trace:
    """One question to the panel; a row of `panel_calls`."""

    conversation_id: str
    step: str
    window: int
    outcome: str
    prompt: str
    reply: str | None
    checks: list[str]
    decision: str
    llm_model: str
    prompt_hash: str | None
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float
    latency_s: float | None
    answered_at: str | None


def traced(
    step: str,
    window: int,
    request: LlmRequest,
    outcome: Outcome[S],
    model: str,
    checks: Sequence[str],
    decision: str,
    own: Redacted,
) -> Trace:
    """A question and what came of it.

    Args:
        step: A specialist's name, `adjudicator`, `second adjudicator`, `reverse check` or `summary`.
        window: Which window of the conversation it was about, from 0.
        request: The question.
        outcome: What came of it.
        model: Who was asked.
        checks: What code checked of the answer, in words.
        decision: What follows from it, in words.
        own: Redacts the reply.
    """
    said = outcome.said
    return Trace(
        conversation_id=request.about,
        step=step,
        window=window,
        outcome=str(outcome) if isinstance(outcome, Failure) else "answered",
        prompt=request.user,
        reply=own.words(said.text) if said else None,
        checks=list(checks),
        decision=decision,
        llm_model=model,
        prompt_hash=outcome.prompt_hash or None,
        prompt_tokens=outcome.usage.prompt_tokens,
        completion_tokens=outcome.usage.completion_tokens,
        cost_usd=outcome.cost_usd,
        latency_s=said.latency_s if said else None,
        answered_at=said.at if said else None,
    )


def traces_frame(conversations: pl.DataFrame, traces: Sequence[Trace]) -> pl.DataFrame:
    """Contract `panel_calls`."""
    schema = {name: kind for name, kind in PANEL_CALLS.columns.items() if name != "dt"}
    rows = pl.DataFrame([asdict(trace) for trace in traces], schema=schema)
    days = conversations.select("conversation_id", "dt")
    return PANEL_CALLS.conform(rows.join(days, on="conversation_id").sort("conversation_id", "window", "step", "prompt_hash"))
