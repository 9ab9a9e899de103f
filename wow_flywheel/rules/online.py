"""Checks live conversations: the same rule files as for the daily partition, compiled (`compiled`).

What belongs here: which rules hold for a conversation, and findings as users get them. What does not: what a conversation may
look like (`incoming`), HTTP (`server`). A rule with SQL that is not compiled runs on a warm DuckDB (`warm`), which costs each
check some 20 ms: `Checker.left` says which and why, and the service says it at start-up.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import Any, Final

import polars as pl

from wow_flywheel.queries import Session
from wow_flywheel.rules.compiled.asked import asked
from wow_flywheel.rules.compiled.program import Program
from wow_flywheel.rules.compiled.tables import Table
from wow_flywheel.rules.incoming import Conversation, parse
from wow_flywheel.rules.overrides import NONE, Overrides, Profile
from wow_flywheel.rules.registry import Rule
from wow_flywheel.rules.relations import KNOWN_FACTS, TURNS, knowledge_facts, on_knowledge
from wow_flywheel.rules.warm import WarmSession

Finding = dict[str, Any]
LIVE: Final = "turns"
FIRST: Final = {"messages": [{"role": "user", "content": "Hello?"}, {"role": "assistant", "content": "您好, 1.5"}]}
"""A conversation that is checked at start-up, so that no user waits for what is made at first use."""
KNOWLEDGE: Final = pl.Schema(dict.fromkeys(("unit_id", "title", "content"), pl.String))
PROCEDURES: Final = pl.Schema(dict.fromkeys(("policy_id", "scenario", "reply_id", "text", "next_reply_id"), pl.String))


class Checker:
    """Checks conversations as they are; safe to share between threads.

    Args:
        knowledge: Columns unit_id, title, content; None for none.
        procedures: Columns policy_id, scenario, reply_id, text, next_reply_id; None for none.
        overrides: What differs from the rules' headers, by scenario.

    Raises:
        QueryError: A rule or relation is malformed or cannot be planned.
    """

    def __init__(
        self, knowledge: pl.DataFrame | None = None, procedures: pl.DataFrame | None = None, overrides: Overrides = NONE
    ) -> None:
        units = KNOWLEDGE.to_frame() if knowledge is None else knowledge
        steps = PROCEDURES.to_frame() if procedures is None else procedures
        self._checks = {scenario: Live(overrides.profile(scenario), units, steps) for scenario in {None, *overrides.changes}}

    @property
    def left(self) -> dict[str, str]:
        """The rules that DuckDB runs for each conversation, by id, and which SQL in them is not compiled."""
        return {rule: reason for each in self._checks.values() for rule, reason in each.left.items()}

    def check(self, conversation: Mapping[str, Any]) -> list[Finding]:
        """What the rules find in one conversation.

        Args:
            conversation: In log form: `messages` as a list of OpenAI chat messages, and optionally `scenario`; whatever else a
                log record has may be there.

        Returns:
            Findings by turn and rule: rule_id, rule_version, issue_type, severity, turn, quote, evidence.

        Raises:
            BadConversation: It is not in log form; names the field.
        """
        return self.check_parsed(parse(conversation))

    def check_parsed(self, conversation: Conversation) -> list[Finding]:
        """What the rules find in a conversation that was read already; see `check`."""
        own = conversation.scenario if conversation.scenario in self._checks else None
        return self._checks[own].findings(conversation)

    def rules(self) -> list[dict[str, str]]:
        """The rules that are on where no scenario changes them: id, version, issue type, severity, what each finds."""
        names = ("rule_id", "version", "issue_type", "severity", "finds")
        return [{name: getattr(rule, name) for name in names} for rule in self._checks[None].profile.rules]


class Live:
    """The rules of one profile for live conversations.

    Args:
        profile: The rules.
        knowledge: See `Checker`.
        procedures: See `Checker`.
    """

    def __init__(self, profile: Profile, knowledge: pl.DataFrame, procedures: pl.DataFrame) -> None:
        self.profile = profile
        frames = lasting(profile, knowledge, procedures)
        self._program = Program(profile, {LIVE: TURNS}, frames)
        self.left = self._program.left
        rest = tuple(rule for rule in profile.rules if rule.rule_id in self.left)
        self._warm = WarmSession(replace(profile, rules=rest), frames) if rest else None
        asked()
        self.findings(Conversation.model_validate(FIRST))

    def findings(self, conversation: Conversation) -> list[Finding]:
        """See `Checker.check`."""
        rows = Table(conversation.rows())
        found: dict[tuple[int, str, str], tuple[Rule, str]] = {}
        for rule, turn, quote, evidence in self._found(rows):
            found.setdefault((turn, rule.rule_id, quote), (rule, evidence))
        return [_finding(key, *found[key]) for key in sorted(found)]

    def _found(self, rows: Table) -> Iterator[tuple[Rule, int, str, str]]:
        yield from self._program.find({LIVE: rows})
        if self._warm:
            yield from self._warm.find(rows)


def lasting(profile: Profile, knowledge: pl.DataFrame, procedures: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """The relations that are the same for all conversations."""
    facts = next(query for query in profile.relations if query.header["relation"] == "facts")
    frames = {"knowledge": knowledge, "procedures": procedures, KNOWN_FACTS: knowledge_facts(facts, knowledge)}
    with Session(frames) as session:
        return frames | {query.header["relation"]: session.run(query) for query in filter(on_knowledge, profile.relations)}


def _finding(key: tuple[int, str, str], rule: Rule, evidence: str) -> Finding:
    turn, rule_id, quote = key
    return {
        "rule_id": rule_id,
        "rule_version": rule.version,
        "issue_type": rule.issue_type,
        "severity": rule.severity,
        "turn": turn,
        "quote": quote,
        "evidence": evidence,
    }


@cache
def _default() -> Checker:
    return Checker()


def check(conversation: Mapping[str, Any], checker: Checker | None = None) -> list[Finding]:
    """What the rules find in one conversation; see `Checker.check`.

    Args:
        conversation: In log form.
        checker: One with a knowledge base, procedures or overrides; without it, the rules as they are, made at the first call.
    """
    return (checker or _default()).check(conversation)
