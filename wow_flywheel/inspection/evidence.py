"""The inspectors that need no endpoint, in order, and how their claims are merged.

What belongs here: the list, and one claim for each defect. What does not: what they look for (`reexamine`, `finders`).
"""

from collections.abc import Iterable, Mapping

from wow_flywheel.inspection.finders import FINDERS
from wow_flywheel.inspection.grounding import Grounds, numbers
from wow_flywheel.inspection.protocol import Claim, InspectionContext, Inspector
from wow_flywheel.inspection.reexamine import Reexaminer

PRECEDENCE: Mapping[str, int] = {"accepted": 0, "unresolved": 1, "rejected": 2}


def default_inspectors() -> tuple[Inspector, ...]:
    """What runs without an endpoint: rule findings re-examined, then the finders."""
    return (Reexaminer(), *FINDERS)


def gather(context: InspectionContext) -> list[Claim]:
    """The claims of all evidence inspectors, merged; see `merged`."""
    knowledge = frozenset().union(*map(numbers, context.knowledge["content"].drop_nulls().to_list()))
    grounds = {key: Grounds(messages, knowledge) for key, messages in context.dialogues().items()}
    return merged(claim for inspector in default_inspectors() for claim in inspector.inspect(context, grounds))


def merged(claims: Iterable[Claim]) -> list[Claim]:
    """One claim for each conversation, turn, issue type and inspector: accepted before unresolved before rejected.

    An accepted claim of another inspector that only repeats an accepted one at the same turn is left out: both read the same
    evidence, so agreement proves nothing more.
    """
    best: dict[tuple[str, int, str, str], Claim] = {}
    accepted: set[tuple[str, int, str]] = set()
    for claim in claims:
        defect = (claim.conversation_id, claim.turn, claim.issue_type)
        key = (*defect, claim.inspector)
        known = best.get(key)
        if known is not None and PRECEDENCE[known.decision] <= PRECEDENCE[claim.decision]:
            continue
        if claim.decision == "accepted":
            if defect in accepted:
                continue
            accepted.add(defect)
        best[key] = claim
    return list(best.values())
