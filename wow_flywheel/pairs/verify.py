"""Blind re-inspection of rewrites: the conversation is cut after the rewritten turn and inspected as any other.

What belongs here: building the cut conversations, judging the result. What does not: the inspectors, which cannot tell a
rewrite from an original.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from wow_flywheel.cases.satisfaction import signals
from wow_flywheel.contracts import CONVERSATIONS
from wow_flywheel.dialogue import DialogueAction, Message, ToolCall
from wow_flywheel.inspection.panel import Panel
from wow_flywheel.inspection.run import inspect
from wow_flywheel.pairs.candidates import Candidate
from wow_flywheel.pairs.sites import Site
from wow_flywheel.rules.engine import find

SEVERE = ("major", "critical")


@dataclass(frozen=True, slots=True)
class Verifier:
    """Re-inspects candidate rewrites.

    Attributes:
        conversations: The day's conversations, contract `conversations`.
        knowledge: Columns unit_id, title, content.
        procedures: Columns policy_id, scenario, reply_id, text, next_reply_id.
        panel: The LLM panel, if an endpoint is configured.
    """

    conversations: pl.DataFrame
    knowledge: pl.DataFrame
    procedures: pl.DataFrame
    panel: Panel | None = None

    @property
    def name(self) -> str:
        """What a pair says it was verified by."""
        return "rules+evidence" if self.panel is None else "rules+evidence+panel"

    def verdicts(self, rewrites: Sequence[tuple[Site, Candidate]]) -> list[str | None]:
        """For each rewrite None if it passes, else why not.

        Args:
            rewrites: At most one a site.
        """
        if not rewrites:
            return []
        cut = self._cut(rewrites)
        findings = find(cut, self.knowledge, self.procedures)
        inspected = inspect(
            cut,
            rule_findings=findings,
            satisfaction=signals(cut, CONVERSATIONS.empty()),
            knowledge=self.knowledge,
            procedures=self.procedures,
            panel=self.panel,
        )
        sites = pl.DataFrame(
            {
                "conversation_id": [site.pair_id for site, _ in rewrites],
                "turn": [site.turn for site, _ in rewrites],
                "sought": [site.issue_type for site, _ in rewrites],
            }
        )
        claims = inspected.inspections.join(sites, on=["conversation_id", "turn"]).filter(
            pl.col("severity").is_in(SEVERE),
            (pl.col("decision") == "accepted")
            | ((pl.col("decision") == "unresolved") & (pl.col("issue_type") == pl.col("sought"))),
        )
        issues = {key[0]: rows["issue_type"].to_list() for key, rows in claims.group_by("conversation_id")}
        failed = {
            row["conversation_id"]: row["failures"] for row in inspected.verdicts.iter_rows(named=True) if row["failures"]
        }
        return [_reason(site, issues.get(site.pair_id, []), failed.get(site.pair_id)) for site, _ in rewrites]

    def _cut(self, rewrites: Sequence[tuple[Site, Candidate]]) -> pl.DataFrame:
        frame = pl.DataFrame(
            {
                "conversation_id": [site.conversation_id for site, _ in rewrites],
                "pair_id": [site.pair_id for site, _ in rewrites],
                "messages": [[*site.prompt, as_message(candidate.output)] for site, candidate in rewrites],
            },
            schema={"conversation_id": pl.String, "pair_id": pl.String, "messages": CONVERSATIONS.columns["messages"]},
        )
        rest = self.conversations.drop("messages", "feedback")
        joined = (
            frame.join(rest, on="conversation_id", how="left").drop("conversation_id").rename({"pair_id": "conversation_id"})
        )
        return CONVERSATIONS.conform(joined)


def as_message(output: DialogueAction) -> Message:
    """An output as the logged message that it would become."""
    calls: list[ToolCall] = []
    if output.action is not None:
        arguments = json.dumps(output.action.arguments, ensure_ascii=False)
        calls = [{"id": "rewrite", "name": output.action.name, "arguments": arguments}]
    return {
        "role": "assistant", "content": output.reply, "created_at": None, "action": None, "tool_calls": calls or None,
        "tool_call_id": None, "usage": None,
    }  # fmt: skip


def _reason(site: Site, issues: Sequence[str], failures: Sequence[str] | None) -> str | None:
    if failures:
        return f"re-inspection failed: {', '.join(failures)}"
    if site.issue_type in issues:
        return f"re-inspection still finds {site.issue_type}"
    return f"re-inspection finds a new {issues[0]}" if issues else None
