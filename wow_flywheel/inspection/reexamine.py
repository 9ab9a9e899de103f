"""Re-examines what the online rules found: each finding becomes a claim that evidence accepts, rejects or leaves open.

What belongs here: turning findings into claims. What does not: finding (`sql/rules`), deciding (`examine`). Rules are quick and
imprecise; only what stands up here counts against a conversation.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wow_flywheel.inspection.examine import BY_ISSUE, BY_RULE, Examined, Suspicion
from wow_flywheel.inspection.grounding import Grounds
from wow_flywheel.inspection.protocol import Claim, InspectionContext, quoted

Finding = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Reexaminer:
    """The inspector behind every rule finding."""

    name: str = "evidence"
    version: str = "2"

    def inspect(self, context: InspectionContext, grounds: Mapping[str, Grounds]) -> list[Claim]:
        """One claim a rule finding, decided; findings about conversations that are not in the context are skipped."""
        return [
            self._claim(finding, grounds[finding["conversation_id"]])
            for finding in context.rule_findings.iter_rows(named=True)
            if finding["conversation_id"] in grounds
        ]

    def _claim(self, finding: Finding, grounds: Grounds) -> Claim:
        examined = _examine(finding, grounds)
        return Claim(
            conversation_id=finding["conversation_id"],
            inspector=f"{self.name}/{finding['rule_id']}",
            inspector_version=f"{self.version}+{finding['rule_version']}",
            kind="deterministic",
            issue_type=finding["issue_type"],
            severity=finding["severity"],
            turn=finding["turn"],
            quote=finding["quote"],
            explanation=finding["evidence"] or "",
            confidence=examined.confidence,
            decision=examined.decision,
            decision_reason=examined.reason,
        )


def _examine(finding: Finding, grounds: Grounds) -> Examined:
    turn, quote = finding["turn"], finding["quote"]
    if not 0 <= turn < len(grounds.messages) or not quoted(grounds.messages[turn], quote):
        return Examined("rejected", "quote not found in that turn", 0.0)
    examination = BY_RULE.get(finding["rule_id"]) or BY_ISSUE[finding["issue_type"]]
    return examination(Suspicion(grounds, turn, quote))
