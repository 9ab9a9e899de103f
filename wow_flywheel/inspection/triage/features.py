"""Numbers that describe a conversation without saying what it is about.

What belongs here: gathering what is known of each conversation, and its features: of its shape, of how people talk, and of
what rules, inspectors and signals said. What does not: words (`words`), the estimator (`estimator`). Nothing here is about one
task or one company; a feature is a float, NaN where the log does not say.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import polars as pl

from wow_flywheel.contracts import ISSUE_TYPES
from wow_flywheel.dialogue import Message
from wow_flywheel.inspection.triage.arithmetic import NAN
from wow_flywheel.inspection.triage.speech import speech
from wow_flywheel.inspection.triage.structure import structure

SIGNALS = ("asked_for_human", "complained", "abandoned", "repeat_contact", "thanked", "repeated_reply")
KEY: Final = ("dt", "conversation_id")
"""What tells conversations apart: one that goes on past midnight has a row on each day, with one id."""


@dataclass(frozen=True, slots=True)
class Observed:
    """What is known of one conversation.

    Attributes:
        messages: The messages.
        signals: Its row of `satisfaction`; may be empty.
        claims: Its rows of `inspections`.
        findings: Its rows of `rule_findings`.
        verdict: Its row of `verdicts` by evidence; may be empty.
    """

    messages: Sequence[Message]
    signals: Mapping[str, Any] = field(default_factory=dict)
    claims: Sequence[Mapping[str, Any]] = ()
    findings: Sequence[Mapping[str, Any]] = ()
    verdict: Mapping[str, Any] = field(default_factory=dict)


def observe(
    conversations: pl.DataFrame,
    satisfaction: pl.DataFrame,
    inspections: pl.DataFrame,
    verdicts: pl.DataFrame,
    findings: pl.DataFrame,
) -> list[Observed]:
    """What is known of each conversation, in the order of `conversations`.

    Args:
        conversations: Contract `conversations`.
        satisfaction: Contract `satisfaction`; like the tables that follow it may lack conversations.
        inspections: Contract `inspections`; only claims of deterministic inspectors are read, so that the triage may come
            before the panel.
        verdicts: Contract `verdicts`.
        findings: Contract `rule_findings`.
    """
    judged = (satisfaction, inspections.filter(pl.col("kind") == "deterministic"), findings, verdicts)
    signals, claims, found, verdict = (table.rows_by_key(KEY, named=True, include_key=True) for table in judged)
    return [
        Observed(
            messages,
            next(iter(signals.get(key, ())), {}),
            claims.get(key, ()),
            found.get(key, ()),
            next(iter(verdict.get(key, ())), {}),
        )
        for key, messages in zip(conversations.select(KEY).rows(), conversations["messages"].to_list(), strict=True)
    ]


def features(observed: Observed) -> dict[str, float]:
    """All features of one conversation by name; the names are the same for every conversation."""
    return {**structure(observed.messages), **speech(observed.messages), **_judgements(observed)}


def _judgements(observed: Observed) -> dict[str, float]:
    accepted = Counter(claim["issue_type"] for claim in observed.claims if claim["decision"] == "accepted")
    decisions = Counter(claim["decision"] for claim in observed.claims)
    found = Counter(finding["issue_type"] for finding in observed.findings)
    return {
        **{f"claim_{kind}": float(accepted[kind]) for kind in ISSUE_TYPES},
        **{f"finding_{kind}": float(found[kind]) for kind in ISSUE_TYPES},
        **{f"claims_{decision}": float(decisions[decision]) for decision in ("accepted", "rejected", "unresolved")},
        **{f"signal_{name}": float(bool(observed.signals.get(name))) for name in SIGNALS},
        "solved_score": float(observed.verdict.get("solved_score", NAN)),
        "satisfied_score": float(observed.verdict.get("satisfied_score", NAN)),
    }
