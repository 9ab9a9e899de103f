"""What holds where evidence in code and the panel's models both have their say.

What belongs here: which of the two decides. What does not: either's reasons (`outcome`, `hearing`), the labels (`cases`).
A model can be talked into anything by the text that it reads, so its word alone never turns over what evidence decided:
where the two decide differently, and no second model sides with the first, a person decides. In a conversation that tries to
instruct the judge only evidence decides.
"""

import dataclasses
from typing import Final

from wow_flywheel.cases.label import CaseRules
from wow_flywheel.inspection.protocol import Verdict

FOR_A_PERSON: Final = 0.3
"""Confidence of a verdict on which a person decides; below the threshold of `CaseRules`."""

DIFFERENT: Final = "panel and evidence decide differently on"

RULES: Final = CaseRules()


def sides(verdict: Verdict) -> tuple[int, int]:
    """Solved and satisfied as 1 (yes), -1 (no) or 0 (undecided), by the thresholds of the case rules."""
    return (
        _side(verdict.solved_score, below=RULES.failed, yes=RULES.solved),
        _side(verdict.satisfied_score, below=RULES.dissatisfied, yes=RULES.satisfied),
    )


def opposed(one: Verdict, other: Verdict) -> list[str]:
    """On which of the two questions, `solved` and `satisfied`, two verdicts decide differently."""
    pairs = zip(("solved", "satisfied"), sides(one), sides(other), strict=True)
    return [question for question, a, b in pairs if a * b == -1]


def for_a_person(verdict: Verdict, why: str) -> Verdict:
    """The verdict, too unsure to decide a label, and why."""
    confidence = min(verdict.confidence, FOR_A_PERSON)
    return dataclasses.replace(verdict, confidence=confidence, evidence=(*verdict.evidence, why))


def alone(evidence: Verdict, panel: Verdict) -> list[str]:
    """What of `solved` and `satisfied`, as far as it makes the label, the panel says beyond what evidence decided.

    Where it calls the demand unsolved, satisfied makes no label; where it does not know, neither does.
    """
    said = sides(panel)
    sure = sides(evidence) if evidence.confidence >= RULES.confidence else (0, 0)
    makes = {1: ("solved", "satisfied"), -1: ("solved",), 0: ()}[said[0]]
    pairs = zip(("solved", "satisfied"), said, sure, strict=True)
    return [question for question, word, decided in pairs if question in makes and word not in {0, decided}]


def combined(evidence: Verdict, panel: Verdict, *, instructed: bool, outvoted: bool, severe: bool, cited: bool) -> Verdict:
    """The verdict of both.

    Args:
        evidence: What evidence in code concludes.
        panel: What the panel concludes; where something failed, it says so.
        instructed: The conversation tries to instruct the judge.
        outvoted: Two models agree against the evidence.
        severe: A severe claim of the panel's passed all checks.
        cited: The adjudicator cites words that can prove what it says, see `proof`. Without any, its word decides nothing that
            evidence leaves undecided: a person does.
    """
    if panel.failures:
        return dataclasses.replace(evidence, failures=panel.failures, confidence=min(evidence.confidence, panel.confidence))
    if instructed:
        said = "the conversation tries to instruct the judge: only evidence in code decides"
        unheard = dataclasses.replace(evidence, evidence=(*evidence.evidence, said))
        return for_a_person(unheard, "a severe claim of the panel stands all checks") if severe else unheard
    both = dataclasses.replace(panel, evidence=(*panel.evidence, *evidence.evidence))
    questions = opposed(evidence, panel) if evidence.confidence >= RULES.confidence else []
    if questions and not outvoted:
        return for_a_person(both, f"{DIFFERENT} {' and '.join(questions)}")
    unproven = [] if cited else alone(evidence, panel)
    if unproven:
        return for_a_person(both, f"the panel alone decides {' and '.join(unproven)}, and cites no words that prove it")
    return both


def _side(score: float, *, below: float, yes: float) -> int:
    return 1 if score >= yes else -1 if score <= below else 0
