"""What inspectors see and say.

What belongs here: the claim, the verdict, the context, the inspector protocol. What does not: any inspector.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import polars as pl

from wow_flywheel.dialogue import Message
from wow_flywheel.inspection.grounding import Grounds
from wow_flywheel.policies.apply import Applied

Decision = Literal["accepted", "rejected", "unresolved"]
Kind = Literal["deterministic", "llm"]


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim about one turn, with its evidence and what was decided on it; a row of the table `inspections`.

    Where a person decided, `decision` is theirs, `adjudication` what evidence or panel had decided. Two attributes are not in
    the table: `window`, the one in which a specialist made it, and `anchored`, whether what it cites is about what it says.
    """

    conversation_id: str
    inspector: str
    inspector_version: str
    kind: Kind
    issue_type: str
    severity: str
    turn: int
    quote: str
    explanation: str
    confidence: float
    decision: Decision
    decision_reason: str
    llm_model: str | None = None
    llm_parameters: str | None = None
    prompt_hash: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cost_usd: float | None = None
    adjudication: Decision | None = None
    decided_by: str | None = None
    window: int | None = None
    anchored: bool = True


@dataclass(frozen=True, slots=True)
class Verdict:
    """What inspection concludes about one conversation as a whole; a row of the table `verdicts`.

    Attributes:
        solved_score: 0 (not solved) to 1 (solved).
        satisfied_score: 0 (dissatisfied) to 1 (satisfied).
        confidence: 0 to 1.
        evidence: Sentences that say why.
        failures: What could not be done, such as a call to the endpoint that failed; empty when all went well.
    """

    conversation_id: str
    solved_score: float
    satisfied_score: float
    confidence: float
    evidence: tuple[str, ...]
    failures: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class InspectionContext:
    """What inspectors may look at.

    Attributes:
        conversations: Contract `conversations`.
        turns: See `dialogue.turns`.
        rule_findings: Contract `rule_findings`.
        satisfaction: Contract `satisfaction`.
        knowledge: Columns unit_id, title, content.
        procedures: Columns policy_id, scenario, reply_id, text, next_reply_id.
        triage: Contract `triage`; None where the day has none.
        applied: What each conversation was to follow; None where policies were not matched: the procedures of the scenario that
            the log names are taken then.
    """

    conversations: pl.DataFrame
    turns: pl.DataFrame
    rule_findings: pl.DataFrame
    satisfaction: pl.DataFrame
    knowledge: pl.DataFrame
    procedures: pl.DataFrame
    triage: pl.DataFrame | None = None
    applied: Mapping[str, Applied] | None = None

    def dialogues(self) -> Mapping[str, Sequence[Message]]:
        """The messages of each conversation by its id."""
        frame = self.conversations.select("conversation_id", "messages")
        return dict(zip(frame["conversation_id"].to_list(), frame["messages"].to_list(), strict=True))


class Inspector(Protocol):
    """Anything that makes claims about a day's conversations.

    Attributes:
        name: Stable, in snake case.
        version: Raised when it would decide otherwise.
    """

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str: ...

    def inspect(self, context: InspectionContext, grounds: Mapping[str, Grounds]) -> list[Claim]:
        """Its claims, each with a verbatim quote of the turn that it is about.

        Args:
            context: See there.
            grounds: Each conversation, by id, with what it has established turn by turn.
        """
        ...


def quoted(message: Mapping[str, Any], quote: str) -> bool:
    """True if a quote is verbatim in a turn: in its text, or in the name or arguments of one of its tool calls."""
    calls = message.get("tool_calls") or []
    sources = [message.get("content") or "", *(text for call in calls for text in (call["name"], call["arguments"]))]
    return bool(quote) and any(quote in source for source in sources)
