"""A conversation as it goes before the panel: its windows, what it is held against, and who is asked about it.

What belongs here: gathering that. What does not: which conversations are heard (`cascade`), the hearing (`hearing`), which
policies applied (`wow_flywheel.policies.apply`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import polars as pl

from wow_flywheel.dialogue import Message
from wow_flywheel.inspection.answers import Shown
from wow_flywheel.inspection.attempts import Attempt, find_attempts
from wow_flywheel.inspection.protocol import Claim, InspectionContext, Verdict
from wow_flywheel.inspection.transcript import KnowledgeIndex, as_data, procedure_steps
from wow_flywheel.inspection.windows import Window, windows
from wow_flywheel.policies.units import Policy

SPECIALISTS: Final[Mapping[str, tuple[str, ...]]] = {
    "demand": ("unclarified_demand",),
    "grounding": ("hallucination", "knowledge_misuse"),
    "policy": ("policy_violation",),
    "repetition": ("script_repetition",),
    "empathy": ("poor_empathy",),
    "action": ("action_mismatch",),
    "solution": ("incomplete_solution",),
}
"""The issue types of each specialist; each has a template of its name in `prompts/`."""

BY_POLICY: Final = "policy"
"""The specialist that has nothing to say where no policy applied."""

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Case:
    """One conversation before the panel.

    Attributes:
        key: Its id.
        messages: All of it.
        windows: The same in pieces that fit a prompt.
        materials: Knowledge and procedure as data.
        shown: Ids of what these show.
        known: The evidence inspectors' claims, less those rejected.
        evidence: What evidence concludes.
        attempts: Words in it that try to instruct the judge.
        specialists: Who is asked.
        texts: What each shown unit and step says, by its id.
    """

    key: str
    messages: Sequence[Message]
    windows: Sequence[Window]
    materials: Mapping[str, str]
    shown: Shown
    known: Sequence[Claim]
    evidence: Verdict
    attempts: Sequence[Attempt]
    specialists: Sequence[str] = tuple(SPECIALISTS)
    texts: Mapping[str, str] = field(default_factory=dict)


def cases(
    context: InspectionContext, claims: Sequence[Claim], verdicts: Mapping[str, Verdict], max_conversation_tokens: int
) -> list[Case]:
    """Every conversation of a context as a case.

    Args:
        context: See there. Where it says what applied to each conversation, exactly those policies are shown, and where none
            applied the policy specialist is not asked; else the procedure of the logged scenario is shown.
        claims: The evidence inspectors' claims.
        verdicts: What evidence concludes, by conversation.
        max_conversation_tokens: Of one window.
    """
    known: dict[str, list[Claim]] = {}
    for claim in claims:
        if claim.decision != "rejected":
            known.setdefault(claim.conversation_id, []).append(claim)
    scenarios = dict(context.conversations.select("conversation_id", "scenario").iter_rows())
    index = KnowledgeIndex.of(context.knowledge)

    def case(key: str, messages: Sequence[Message]) -> Case:
        units, steps = index.best(messages), _followed(context, key, scenarios[key])
        return Case(
            key,
            messages,
            windows(messages, max_conversation_tokens),
            {"knowledge": as_data(units), "procedure": as_data(steps)},
            Shown(frozenset(str(unit["unit_id"]) for unit in units), frozenset(map(_cited_by, steps))),
            known.get(key, []),
            verdicts[key],
            find_attempts(messages),
            asked(context, key),
            {
                **{_cited_by(step): " ".join(map(str, step.values())) for step in steps},
                **{str(unit["unit_id"]): f"{unit['title']} {unit['content']}" for unit in units},
            },
        )

    return [case(key, messages) for key, messages in context.dialogues().items()]


def asked(context: InspectionContext, key: str) -> tuple[str, ...]:
    """The specialists of a conversation: all, but for the policy specialist where no policy applied."""
    none_applied = context.applied is not None and not (key in context.applied and context.applied[key].policies)
    return tuple(name for name in SPECIALISTS if not (name == BY_POLICY and none_applied))


def _followed(context: InspectionContext, key: str, scenario: str) -> list[Row]:
    """Steps of procedures and policy units that a conversation was to follow."""
    if context.applied is None:
        return procedure_steps(context.procedures, scenario)
    if key not in context.applied:
        return []
    return [row for policy in context.applied[key].policies for row in _policy_rows(context.procedures, policy)]


def _policy_rows(procedures: pl.DataFrame, policy: Policy) -> list[Row]:
    """A procedure step by step; a unit as one row, without the fields that it leaves empty."""
    steps = procedures.filter(pl.col("policy_id") == policy.policy_id).select("reply_id", "text", "next_reply_id")
    if steps.height:
        return list(steps.iter_rows(named=True))
    unit: dict[str, Any] = {"policy_id": policy.policy_id, "title": policy.title, "text": policy.own_text}
    lists = {
        "required_steps": policy.steps, "forbidden_promises": policy.forbidden, "conditions": policy.conditions,
    }  # fmt: skip
    return [unit | {name: list(items) for name, items in lists.items() if items}]


def _cited_by(row: Row) -> str:
    return str(row["reply_id"] if "reply_id" in row else row["policy_id"])
