"""Blind re-inspection of rewrites: the conversation is cut after the rewritten turn and inspected as any other.

What belongs here: building the cut conversations, judging the result. What does not: the inspectors, which cannot tell a
rewrite from an original.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from wow_flywheel.cases.satisfaction import signals
from wow_flywheel.contracts import CONVERSATIONS
from wow_flywheel.dialogue import DialogueAction, Message, ToolCall
from wow_flywheel.inspection.panel import Panel
from wow_flywheel.inspection.run import inspect
from wow_flywheel.pairs.candidates import Candidate
from wow_flywheel.pairs.sites import Site
from wow_flywheel.policies.apply import Applied
from wow_flywheel.rules.engine import find
from wow_flywheel.rules.overrides import NONE, Overrides

SEVERE = ("major", "critical")


@dataclass(frozen=True, slots=True)
class Judgement:
    """What re-inspection makes of one rewrite.

    Attributes:
        reason: Why it is refused; None if it passes.
        doubts: Severe suspicions that stay open: they refuse it only where they are of the site's own issue type.
    """

    reason: str | None
    doubts: int


@dataclass(frozen=True, slots=True)
class Standards:
    """What the day's inspection held the conversations to, so that rewrites are held to the same.

    Attributes:
        applied: What each conversation of the day was to follow; None without policy matches: the procedures of the logged
            scenario are taken then.
        overrides: What differs from the rules' headers, by scenario.
    """

    applied: Mapping[str, Applied] | None = None
    overrides: Overrides = NONE

    def of_rewrites(self, rewrites: Sequence[tuple[Site, Candidate]]) -> dict[str, Applied] | None:
        """What each cut conversation is to follow: what its origin was."""
        if self.applied is None:
            return None
        named = ((_name(i, site), self.applied.get(site.conversation_id)) for i, (site, _) in enumerate(rewrites))
        return {name: applied for name, applied in named if applied is not None}

    def told(self, cut: pl.DataFrame, applied: Mapping[str, Applied] | None) -> pl.DataFrame:
        """The cut conversations under the scenarios that rules go by: the recognised one where the log names none."""
        scenarios = {name: each.scenario for name, each in (applied or {}).items()}
        by_name = pl.col("conversation_id").replace_strict(scenarios, default=None, return_dtype=pl.String)
        return cut.with_columns(scenario=pl.coalesce(by_name, "scenario"))


@dataclass(frozen=True, slots=True)
class Verifier:
    """Re-inspects candidate rewrites.

    Attributes:
        conversations: The day's conversations, contract `conversations`.
        knowledge: Columns unit_id, title, content.
        procedures: Columns policy_id, scenario, reply_id, text, next_reply_id.
        panel: The LLM panel, if an endpoint is configured.
        standards: What the day was inspected by.
    """

    conversations: pl.DataFrame
    knowledge: pl.DataFrame
    procedures: pl.DataFrame
    panel: Panel | None = None
    standards: Standards = Standards()

    @property
    def name(self) -> str:
        """What a pair says it was verified by."""
        return "rules+evidence" if self.panel is None else "rules+evidence+panel"

    def verdicts(self, rewrites: Sequence[tuple[Site, Candidate]]) -> list[str | None]:
        """For each rewrite None if it passes, else why not."""
        return [judgement.reason for judgement in self.judge(rewrites)]

    def judge(self, rewrites: Sequence[tuple[Site, Candidate]]) -> list["Judgement"]:
        """What inspection makes of each rewrite, several of one site among them or not."""
        if not rewrites:
            return []
        cut, applied = self._cut(rewrites), self.standards.of_rewrites(rewrites)
        told = self.standards.told(cut, applied)
        inspected = inspect(
            cut,
            rule_findings=find(told, self.knowledge, self.procedures, self.standards.overrides),
            satisfaction=signals(cut, CONVERSATIONS.empty()),
            knowledge=self.knowledge,
            procedures=self.procedures,
            applied=applied,
            panel=self.panel,
        )
        places = pl.DataFrame(
            {
                "conversation_id": [_name(i, site) for i, (site, _) in enumerate(rewrites)],
                "turn": [len(site.prompt) for site, _ in rewrites],
            },
            schema={"conversation_id": pl.String, "turn": pl.Int64},
        )
        severe = inspected.inspections.filter(pl.col("severity").is_in(SEVERE), pl.col("decision") != "rejected")
        claims: dict[str, list[tuple[str, str]]] = {}
        for name, issue, decision in (
            severe.join(places, on=["conversation_id", "turn"]).select("conversation_id", "issue_type", "decision").iter_rows()
        ):
            claims.setdefault(name, []).append((issue, decision))
        failed = {
            row["conversation_id"]: row["failures"] for row in inspected.verdicts.iter_rows(named=True) if row["failures"]
        }
        return [
            _judgement(site, claims.get(name, []), failed.get(name))
            for i, (site, _) in enumerate(rewrites)
            for name in [_name(i, site)]
        ]

    def _cut(self, rewrites: Sequence[tuple[Site, Candidate]]) -> pl.DataFrame:
        frame = pl.DataFrame(
            {
                "conversation_id": [site.conversation_id for site, _ in rewrites],
                "pair_id": [_name(i, site) for i, (site, _) in enumerate(rewrites)],
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


def _name(index: int, site: Site) -> str:
    """The cut conversation's id: it begins with its origin's, so that what is kept of it can be found and deleted with it."""
    return f"{site.pair_id}/{index}"


def _judgement(site: Site, claims: Sequence[tuple[str, str]], failures: Sequence[str] | None) -> Judgement:
    open_claims = sum(decision == "unresolved" for _, decision in claims)
    accepted = [issue for issue, decision in claims if decision == "accepted"]
    if failures:
        return Judgement(f"re-inspection failed: {', '.join(failures)}", open_claims)
    if site.issue_type in [issue for issue, _ in claims]:
        return Judgement(f"re-inspection still finds {site.issue_type}", open_claims)
    return Judgement(f"re-inspection finds a new {accepted[0]}" if accepted else None, open_claims)
