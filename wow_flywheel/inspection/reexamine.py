"""Re-examines what the online rules found: each finding becomes a claim that evidence accepts, rejects or leaves open.

What belongs here: turning findings into claims, and which examination each rule's findings get. What does not: finding
(`sql/rules`), deciding (`examine`). Rules are quick and imprecise; only what stands up here counts against a conversation.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wow_flywheel.inspection.examine import (
    Examination,
    Examined,
    Suspicion,
    asked_again,
    claimed_not_done,
    guess_or_question,
    guessed_arguments,
    near_repetition,
    repetition,
    unanswered,
    unapologetic,
    ungrounded_numbers,
    unproven_action,
)
from wow_flywheel.inspection.grounding import Grounds
from wow_flywheel.inspection.protocol import Claim, InspectionContext, quoted

Finding = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Reexaminer:
    """The inspector behind every rule finding."""

    name: str = "evidence"
    version: str = "3"

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


def needs_a_reader(reason: str) -> Examination:
    """An examination that leaves every suspicion open, for the given reason."""
    return lambda _: Examined("unresolved", reason, 0.3)


def stands(reason: str, confidence: float) -> Examination:
    """An examination for rules whose finding is its own proof."""
    return lambda _: Examined("accepted", reason, confidence)


UNWEIGHED = (
    "call_loop", "contradicted_number", "dead_end", "denied_knowledge", "empty_reply", "goodbye_on_complaint", "greeted_again",
    "injection_attempt", "language_switch", "leaked_markup", "overlong_reply", "placeholder_left", "refund_promised",
    "tool_error_shown", "transfer_untried",
)  # fmt: skip
"""Rules whose findings are shown and decide nothing: how often they are right has not been measured against people."""

BY_RULE: Mapping[str, Examination] = {
    **dict.fromkeys(UNWEIGHED, needs_a_reader("this rule has not been calibrated: needs a reader")),
    "near_repeated_reply": near_repetition,
    "asked_twice": asked_again,
    "guessed_argument": guessed_arguments,
    "malformed_arguments": stands("the arguments do not parse", 0.99),
    "ungrounded_name": needs_a_reader("whether a name is made up needs a reader"),
    "claimed_not_done": claimed_not_done,
    "failing_call_repeated": stands("the same call had just failed", 0.9),
    "question_left_open": stands("nothing follows the user's question", 0.7),
    "promise_left_open": stands("nothing follows the promise", 0.7),
    "blaming": stands("the words are in the reply", 0.7),
}
"""The examination of the rules whose findings need another one than their issue type's."""

BY_ISSUE: Mapping[str, Examination] = {
    "unclarified_demand": guess_or_question,
    "hallucination": ungrounded_numbers,
    "script_repetition": repetition,
    "incomplete_solution": unanswered,
    "policy_violation": needs_a_reader("agents may leave the procedure for good reasons: needs a reader"),
    "knowledge_misuse": needs_a_reader("whether knowledge was used rightly needs a reader"),
    "poor_empathy": unapologetic,
    "action_mismatch": unproven_action,
}
"""The examination of each issue type, for every rule that `BY_RULE` does not name."""
