"""One candidate on its way: what decided on it, and the rows that it becomes.

What belongs here: the record and its rows. What does not: the steps (`build`, `selection`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from wow_flywheel.contracts import PREFERENCE_PAIRS, REWRITE_CANDIDATES
from wow_flywheel.contracts.contract import Contract
from wow_flywheel.pairs.candidates import Candidate
from wow_flywheel.pairs.sites import Site

PASSED: Final = "passed re-inspection"
Knowledge = Sequence[dict[str, Any]]


@dataclass(slots=True)
class Attempt:
    """A candidate for a site.

    Attributes:
        stage: What decided on it: malformed, same as said, same as another, over the cap, source, solution, grounds, owed,
            thought, re-inspection, comparison, not needed; selection where it passed them all and is no pair; pair. Empty while
            nothing has.
        reason: Why.
        doubts: Severe suspicions of the inspectors that only a reader could clear; fewer rank first.
        verified_by: Who verified it.
    """

    site: Site
    candidate: Candidate
    stage: str = ""
    reason: str = ""
    doubts: int = 0
    verified_by: str = ""

    def refuse(self, stage: str, reason: str) -> None:
        """It is no pair, and this is why."""
        self.stage, self.reason = stage, reason

    @property
    def accepted(self) -> bool:
        """It passed every check, whether a pair was made of it or not."""
        return self.stage in {"selection", "pair"}

    @property
    def chosen(self) -> str:
        """The rewrite as the pair's chosen side, as JSON.

        Its thought and its list of knowledge units are left out where what was said has none: a side that alone begins with
        them would be told by that.
        """
        said = self.site.said
        bare: dict[str, Any] = {}
        if said.thought is None:
            bare["thought"] = None
        if not said.knowledge:
            bare["knowledge"] = []
        return self.candidate.output.model_copy(update=bare).to_json()

    @property
    def length(self) -> int:
        """Characters of the chosen side's JSON."""
        return len(self.chosen)

    @property
    def said_length(self) -> int:
        """Characters of the rejected side's JSON."""
        return len(self.site.said.to_json())


def candidate_row(attempt: Attempt) -> dict[str, Any]:
    """A row of `rewrite_candidates`."""
    return _common(attempt) | {
        "pair_id": attempt.site.pair_id,
        "candidate": attempt.candidate.text,
        "accepted": attempt.accepted,
        "stage": attempt.stage,
        "reason": attempt.reason,
    }


def pair_row(attempt: Attempt, knowledge: Knowledge = ()) -> dict[str, Any]:
    """A row of `preference_pairs`, with the knowledge units that were to be had for it."""
    site = attempt.site
    return _common(attempt) | {
        "pair_id": site.pair_id,
        "user_id": site.user_id,
        "scenario": site.scenario,
        "locale": site.locale,
        "prompt": [{**dict.fromkeys(MESSAGE_FIELDS), **message} for message in site.prompt],
        "knowledge": list(knowledge),
        "chosen": attempt.chosen,
        "rejected": site.said.to_json(),
        "length_ratio": attempt.length / attempt.said_length,
        "verified_by": attempt.verified_by,
    }


MESSAGE_FIELDS: Final = ("role", "content", "created_at", "action", "tool_calls", "tool_call_id", "usage")


def frame(rows: Sequence[dict[str, Any]], contract: Contract) -> pl.DataFrame:
    """Rows as a frame of a contract's columns."""
    return pl.DataFrame(list(rows), schema=pl.Schema(contract.columns))


def tables(attempts: Sequence[Attempt], pairs: Sequence[dict[str, Any]]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The tables `rewrite_candidates` and `preference_pairs` of a day."""
    return frame([candidate_row(each) for each in attempts], REWRITE_CANDIDATES), frame(pairs, PREFERENCE_PAIRS)


def _common(attempt: Attempt) -> dict[str, Any]:
    site, candidate = attempt.site, attempt.candidate
    return {
        "dt": site.dt,
        "conversation_id": site.conversation_id,
        "turn": site.turn,
        "issue_type": site.issue_type,
        "source": candidate.source,
        "source_conversation_id": candidate.source_conversation_id,
    }
