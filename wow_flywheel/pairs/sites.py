"""Where Bad Cases went wrong: the turns to rewrite.

What belongs here: choosing turns. What does not: what should have been said there (`candidates`).
"""

import datetime as dt
from dataclasses import dataclass
from typing import Any

import polars as pl

from wow_flywheel.dialogue import DialogueAction, Message, assistant_actions

MAX_SITES_A_CONVERSATION = 3


@dataclass(frozen=True, slots=True)
class Site:
    """One assistant turn of a Bad Case with an accepted finding.

    Attributes:
        prompt: The messages before it.
        said: What the model said or did there; the rejected side.
    """

    dt: dt.date
    conversation_id: str
    user_id: str
    scenario: str
    turn: int
    issue_type: str
    prompt: tuple[Message, ...]
    said: DialogueAction

    @property
    def pair_id(self) -> str:
        """Unique and stable: a rerun names the same pair the same."""
        return f"{self.conversation_id}#{self.turn}"


def find_sites(cases: pl.DataFrame, conversations: pl.DataFrame, inspections: pl.DataFrame) -> list[Site]:
    """The turns of Bad Cases that carry an accepted finding of severity major or above, the earliest first.

    Args:
        cases: Contract `cases`.
        conversations: Contract `conversations`.
        inspections: Contract `inspections`.

    Returns:
        One site a turn, at most three a conversation; where findings compete for a turn, the most severe and surest names the
        issue.
    """
    bad = cases.filter(pl.col("label") == "bad").select("conversation_id")
    findings = (
        inspections.filter(pl.col("decision") == "accepted", pl.col("severity").is_in(["major", "critical"]))
        .join(bad, on="conversation_id", how="semi")
        .sort(pl.col("severity") == "critical", "confidence", "issue_type", descending=[True, True, False])
        .unique(["conversation_id", "turn"], keep="first", maintain_order=True)
        .sort("conversation_id", "turn")
        .group_by("conversation_id", maintain_order=True)
        .head(MAX_SITES_A_CONVERSATION)
        .select("conversation_id", "turn", "issue_type")
        .join(conversations.select("dt", "conversation_id", "user_id", "scenario", "messages"), on="conversation_id")
        .sort("conversation_id", "turn")
    )
    return [site for row in findings.iter_rows(named=True) if (site := _site(row)) is not None]


def _site(row: dict[str, Any]) -> Site | None:
    """A site, unless its turn is none that a model could have said otherwise (no assistant turn, or nothing before it)."""
    messages: list[Message] = row["messages"]
    turn: int = row["turn"]
    outputs = assistant_actions(messages[turn]) if 0 < turn < len(messages) and messages[turn]["role"] == "assistant" else []
    if not outputs or not any(m["role"] == "user" for m in messages[:turn]):
        return None
    return Site(
        dt=row["dt"],
        conversation_id=row["conversation_id"],
        user_id=row["user_id"],
        scenario=row["scenario"],
        turn=turn,
        issue_type=row["issue_type"],
        prompt=tuple(messages[:turn]),
        said=outputs[0],
    )
