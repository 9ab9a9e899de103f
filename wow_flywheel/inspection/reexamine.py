"""Re-examines what the online rules found: each finding becomes a claim that evidence accepts or rejects.

What belongs here: one examination an issue type. What does not: finding (`sql/rules`). Rules are quick and imprecise; only
what stands up here counts against a conversation.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from wow_flywheel.dialogue import Message
from wow_flywheel.inspection.grounding import derivable, established, in_date_or_time, numbers, plain
from wow_flywheel.inspection.protocol import Claim, Decision, InspectionContext, quoted

Finding = Mapping[str, Any]


class Examined(NamedTuple):
    """The outcome of an examination."""

    decision: Decision
    reason: str
    confidence: float


@dataclass(slots=True)
class Reexaminer:
    """The inspector behind every rule finding."""

    name: str = "evidence"
    version: str = "1"
    _knowledge: frozenset[str] = field(default_factory=frozenset)

    def inspect(self, context: InspectionContext, dialogues: Mapping[str, Sequence[Message]]) -> list[Claim]:
        """One claim a rule finding, decided."""
        self._knowledge = frozenset().union(*map(numbers, context.knowledge["content"].drop_nulls().to_list()), ())
        return [
            self._claim(finding, dialogues[finding["conversation_id"]])
            for finding in context.rule_findings.iter_rows(named=True)
            if finding["conversation_id"] in dialogues
        ]

    def _claim(self, finding: Finding, messages: Sequence[Message]) -> Claim:
        examined = self._examine(finding, messages)
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

    def _examine(self, finding: Finding, messages: Sequence[Message]) -> Examined:
        turn = finding["turn"]
        if not 0 <= turn < len(messages) or not quoted(messages[turn], finding["quote"]):
            return Examined("rejected", "the quote is not in that turn", 0.0)
        examine = EXAMINATIONS.get(finding["rule_id"])
        if examine is None:
            return Examined("accepted", "the quote is in that turn; no examination of its own doubts this rule", 0.6)
        return examine(finding, messages, self._knowledge)


Examination = Callable[[Finding, Sequence[Message], frozenset[str]], Examined]


def _repetition(finding: Finding, messages: Sequence[Message], _: frozenset[str]) -> Examined:
    turn = finding["turn"]
    content = messages[turn].get("content") or ""
    earlier = max((i for i in range(turn) if _said(messages[i]) == _said(messages[turn])), default=None)
    between = messages[earlier + 1 : turn] if earlier is not None else []
    if earlier is None:
        return Examined("accepted", "nearly the words of an earlier reply", 0.6)
    if content.rstrip().endswith(("?", "？")) and any(message["role"] == "tool" for message in between):
        return Examined("rejected", "a question asked again because a tool result made it necessary", 0.7)
    if not any(message["role"] == "user" for message in between):
        return Examined("rejected", "sent twice in a row with no user turn in between: a delivery matter", 0.6)
    return Examined("accepted", f"word for word the reply at turn {earlier}, although the user had spoken since", 0.95)


def _number_in_reply(finding: Finding, messages: Sequence[Message], knowledge: frozenset[str]) -> Examined:
    turn = finding["turn"]
    content = messages[turn].get("content") or ""
    known = established(messages, turn) | knowledge
    stated = [number for number in re.findall(r"\d+(?:[,.]\d+)*", finding["evidence"] or "") if plain(number) not in known]
    loose = [number for number in stated if not in_date_or_time(number, content) and not _list_mark(number, content)]
    if not loose:
        return Examined("rejected", "dates, times, list marks or numbers given in words", 0.8)
    unexplained = [number for number in loose if derivable(plain(number), known) is None]
    if not unexplained and len(known) > 6:
        return Examined("unresolved", "the numbers can be derived from known ones", 0.4)
    missing = ", ".join(unexplained or loose)
    return Examined("accepted", f"no user turn, tool result, call or knowledge unit gives {missing}", 0.9)


def _guess(finding: Finding, messages: Sequence[Message], knowledge: frozenset[str]) -> Examined:
    turn = finding["turn"]
    known = established(messages, turn) | knowledge
    arguments = " ".join(call["arguments"] for call in messages[turn].get("tool_calls") or [])
    used = [number for number in re.findall(r"\d+(?:\.\d+)?", arguments) if plain(number) not in known]
    guessed = [number for number in used if not in_date_or_time(number, arguments)]
    if not guessed:
        return Examined("rejected", "dates, times or values that the user gave in words", 0.8)
    if all(derivable(plain(number), known) for number in guessed) and len(known) > 6:
        return Examined("unresolved", "the value can be derived from known ones", 0.4)
    return Examined(
        "accepted", f"called with {', '.join(guessed)}, which nobody had named", 0.9 if max(map(len, guessed)) > 2 else 0.75
    )


def _claimed(finding: Finding, messages: Sequence[Message], _: frozenset[str]) -> Examined:
    results = {message.get("tool_call_id") for message in messages if message["role"] == "tool"}
    calls = [call["id"] for message in messages[: finding["turn"]] for call in message.get("tool_calls") or []]
    if any(call not in results for call in calls):
        return Examined("unresolved", "the log lacks the result of a tool call", 0.3)
    return Examined("accepted", "no tool call before it succeeded", 0.85)


def _upset(finding: Finding, messages: Sequence[Message], _: frozenset[str]) -> Examined:
    user = next((m.get("content") or "" for m in reversed(messages[: finding["turn"]]) if m["role"] == "user"), "")
    if re.search(r"\bnot (?:at all )?(?:angry|annoyed|upset|disappointed|terrible|useless|frustrated)", user.lower()):
        return Examined("rejected", "the user says the contrary", 0.7)
    return Examined("accepted", "the user was upset and nothing in the answer takes it up", 0.8)


def _asked_again(finding: Finding, messages: Sequence[Message], _: frozenset[str]) -> Examined:
    turn = finding["turn"]
    earlier = max((i for i in range(turn) if _said(messages[i]) == _said(messages[turn])), default=0)
    if any(message["role"] == "tool" for message in messages[earlier:turn]):
        return Examined("rejected", "asked again because a tool result made it necessary", 0.7)
    return Examined("accepted", f"the user had answered since turn {earlier}", 0.7)


def _needs_a_reader(reason: str) -> Examination:
    return lambda *_: Examined("unresolved", reason, 0.3)


def _stands(reason: str, confidence: float) -> Examination:
    return lambda *_: Examined("accepted", reason, confidence)


def _said(message: Message) -> str | None:
    if message["role"] != "assistant" or not message.get("content"):
        return None
    return " ".join(re.findall(r"\w+", (message["content"] or "").lower()))


def _list_mark(number: str, text: str) -> bool:
    return re.search(rf"(?:^|\n)\s*{re.escape(number)}[.)]", text) is not None


EXAMINATIONS: Mapping[str, Examination] = {
    "repeated_reply": _repetition,
    "near_repeated_reply": _stands("nearly the words of an earlier reply", 0.6),
    "ungrounded_number": _number_in_reply,
    "ungrounded_name": _needs_a_reader("whether a name is made up needs a reader"),
    "guessed_argument": _guess,
    "asked_twice": _asked_again,
    "pushed_back": _stands("the user says so in the next turn", 0.8),
    "question_left_open": _stands("nothing follows the user's question", 0.7),
    "promise_left_open": _stands("nothing follows the promise", 0.7),
    "skipped_step": _needs_a_reader("agents may leave the procedure for good reasons: needs a reader"),
    "no_apology": _upset,
    "blaming": _stands("the words are in the reply", 0.7),
    "claimed_not_done": _claimed,
    "malformed_arguments": _stands("the arguments do not parse", 0.99),
    "failing_call_repeated": _stands("the same call had just failed", 0.9),
}
"""The examination of each rule's findings by rule id."""
