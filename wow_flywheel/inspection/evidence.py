"""The inspectors that need no endpoint, in order, and how their claims are merged.

What belongs here: the list, and one claim for each defect. What does not: what they look for (`reexamine`, `finders`,
`written`).
"""

from collections.abc import Iterable, Mapping

from wow_flywheel.inspection.finders import FINDERS
from wow_flywheel.inspection.grounding import Grounds, numbers
from wow_flywheel.inspection.protocol import Claim, InspectionContext, Inspector
from wow_flywheel.inspection.reexamine import Reexaminer
from wow_flywheel.inspection.written import ContradictedKnowledge, ForbiddenPromises

PRECEDENCE: Mapping[str, int] = {"accepted": 0, "unresolved": 1, "rejected": 2}


def default_inspectors() -> tuple[Inspector, ...]:
    """What runs without an endpoint: rule findings re-examined, the finders, what is written."""
    return (Reexaminer(), *FINDERS, ForbiddenPromises(), ContradictedKnowledge())


def gather(context: InspectionContext) -> list[Claim]:
    """The claims of all evidence inspectors, merged; see `merged`."""
    texts = [context.knowledge["title"], context.knowledge["content"], context.procedures["text"]]
    knowledge = frozenset().union(*(numbers(text) for column in texts for text in column.drop_nulls()))
    grounds = {key: Grounds(messages, knowledge) for key, messages in context.dialogues().items()}
    return merged(claim for inspector in default_inspectors() for claim in inspector.inspect(context, grounds))


def merged(claims: Iterable[Claim]) -> list[Claim]:
    """One claim for each defect: of several inspectors' accepted claims about one turn and issue type only the first stays.

    All evidence inspectors read the same evidence, so their agreement proves nothing more.
    """
    accepted: set[tuple[str, int, str]] = set()
    kept = []
    for claim in one_each(claims):
        defect = (claim.conversation_id, claim.turn, claim.issue_type)
        if claim.decision != "accepted" or defect not in accepted:
            kept.append(claim)
        if claim.decision == "accepted":
            accepted.add(defect)
    return kept


def one_each(claims: Iterable[Claim]) -> list[Claim]:
    """One claim for each conversation, turn, issue type and inspector: accepted before unresolved before rejected, else the
    first.
    """
    best: dict[tuple[str, int, str, str], Claim] = {}
    for claim in claims:
        key = (claim.conversation_id, claim.turn, claim.issue_type, claim.inspector)
        if key not in best or PRECEDENCE[claim.decision] < PRECEDENCE[best[key].decision]:
            best[key] = claim
    return list(best.values())
