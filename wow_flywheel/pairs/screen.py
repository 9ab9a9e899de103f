"""What code alone knows against a candidate, beside its inspection: one check after the other.

What belongs here: their order, and which sources each holds for. What does not: the checks themselves, re-inspection
(`verify`), the endpoint's questions.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import polars as pl

from wow_flywheel.inspection.claims import Sources, unsupported
from wow_flywheel.inspection.grounding import numbers
from wow_flywheel.inspection.met import met
from wow_flywheel.inspection.owed import owed
from wow_flywheel.inspection.transcript import KnowledgeIndex, procedure_steps
from wow_flywheel.pairs.attempt import Attempt
from wow_flywheel.pairs.solution import lost
from wow_flywheel.pairs.thought import UNREAD, unfounded

FREE_SOURCES = frozenset({"policy", "endpoint", "model"})
"""Their words are their own: neither a Good Case nor a procedure vouches for them."""
UNKNOWN_DEBT = "nothing shows what the turn owes to the customer, and without an endpoint nobody can tell whether this answers"


def public_texts(knowledge: pl.DataFrame, procedures: pl.DataFrame) -> Iterable[str]:
    """The texts of knowledge units and procedures, which anybody may say."""
    return (text for column in (knowledge["title"], knowledge["content"], procedures["text"]) for text in column.drop_nulls())


@dataclass(slots=True)
class Screen:
    """Refuses attempts before and after their inspection. A person's edit passes unread.

    Attributes:
        knowledge: Columns unit_id, title, content.
        procedures: Columns policy_id, scenario, reply_id, text, next_reply_id.
        with_endpoint: An endpoint will read what passes: then it judges whether a candidate answers, and thoughts may pass.
    """

    knowledge: pl.DataFrame
    procedures: pl.DataFrame
    with_endpoint: bool
    index: KnowledgeIndex = field(init=False)
    public: str = field(init=False)
    numbers: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        """What all attempts share."""
        texts = list(public_texts(self.knowledge, self.procedures))
        self.index = KnowledgeIndex.of(self.knowledge)
        self.public = "\n".join(texts)
        self.numbers = frozenset().union(*map(numbers, texts))

    def decide(self, attempt: Attempt) -> None:
        """Refuse an attempt at the first stage that has something against it."""
        if attempt.candidate.source == "person":
            return
        for stage, check in (
            ("source", self._against),
            ("solution", self._lost),
            ("grounds", self._unsupported),
            ("thought", self._thought),
        ):
            if (reason := check(attempt)) is not None:
                attempt.refuse(stage, reason)
                return

    def answers(self, attempt: Attempt) -> None:
        """Without an endpoint: refuse an attempt that does nothing of what its turn owes.

        Where nobody can say what that is, a Good Case's reply or the procedure's step may stand, which were right at the same
        point; free words may not.
        """
        if self.with_endpoint:
            return
        site = attempt.site
        steps = procedure_steps(self.procedures, site.scenario)
        debt = owed([*site.prompt, *site.rest], len(site.prompt), self.index, steps)
        free = attempt.candidate.source in FREE_SOURCES
        reason = met(debt, attempt.candidate.output) if debt is not None else UNKNOWN_DEBT if free else None
        if reason is not None:
            attempt.refuse("owed", reason)

    def _against(self, attempt: Attempt) -> str | None:
        return attempt.candidate.against or None

    def _lost(self, attempt: Attempt) -> str | None:
        return lost(attempt.site, attempt.candidate.output)

    def _unsupported(self, attempt: Attempt) -> str | None:
        return unsupported(attempt.candidate.output, Sources(attempt.site.prompt, self.public))

    def _thought(self, attempt: Attempt) -> str | None:
        thought = attempt.candidate.output.thought
        if not thought:
            return None
        return unfounded(attempt.site, thought, self.numbers) or (None if self.with_endpoint else UNREAD)
