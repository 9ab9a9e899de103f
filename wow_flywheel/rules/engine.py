"""Runs all rules over a day's conversations on one in-memory DuckDB.

What belongs here: making each relation once, running the rules one after another, and the findings frame. What does not:
any rule; live conversations (`online`).
"""

from collections.abc import Iterator

import polars as pl

from wow_flywheel.contracts import RULE_FINDINGS
from wow_flywheel.errors import QueryError
from wow_flywheel.queries import Session
from wow_flywheel.rules.overrides import NONE, Overrides, Profile
from wow_flywheel.rules.registry import FINDING_COLUMNS, Rule
from wow_flywheel.rules.relations import KNOWN_FACTS, knowledge_facts, numbered_turns


def find(
    conversations: pl.DataFrame, knowledge: pl.DataFrame, procedures: pl.DataFrame, overrides: Overrides = NONE
) -> pl.DataFrame:
    """Run every rule.

    Args:
        conversations: Contract `conversations`.
        knowledge: Columns unit_id, title, content.
        procedures: Columns policy_id, scenario, reply_id, text, next_reply_id.
        overrides: What differs from the rules' headers, by scenario.

    Returns:
        Contract `rule_findings`, sorted by conversation, turn and rule.

    Raises:
        QueryError: A rule is malformed or does not run; the message names its file.
    """
    if conversations.is_empty():
        return RULE_FINDINGS.empty()
    groups = overrides.grouped(conversations["scenario"].fill_null(""))
    found = [
        rows
        for profile, scenarios in groups
        for rows in _found(_of(conversations, scenarios, len(groups)), knowledge, procedures, profile)
    ]
    rows = pl.concat(found) if found else RULE_FINDINGS.empty()
    return RULE_FINDINGS.conform(rows.sort("conversation_id", "turn", "rule_id", "quote"))


def _of(conversations: pl.DataFrame, scenarios: list[str], groups: int) -> pl.DataFrame:
    if groups == 1:
        return conversations
    return conversations.filter(pl.col("scenario").fill_null("").is_in(scenarios))


def _found(
    conversations: pl.DataFrame, knowledge: pl.DataFrame, procedures: pl.DataFrame, profile: Profile
) -> Iterator[pl.DataFrame]:
    days = conversations.select("conversation_id", "dt", "scenario").with_row_index("number")
    with open_session(conversations, knowledge, procedures, profile) as session:
        for rule in profile.rules:
            rows = findings(session.run(rule.query), rule)
            yield (
                rows.join(days, left_on="conversation_id", right_on="number", how="inner")
                .drop("conversation_id")
                .rename({"conversation_id_right": "conversation_id"})
            )


def open_session(conversations: pl.DataFrame, knowledge: pl.DataFrame, procedures: pl.DataFrame, profile: Profile) -> Session:
    """A DuckDB session with the relations of `sql/relations/` made; see each file for its columns."""
    relations = {query.header["relation"]: query for query in profile.relations}
    session = Session(
        {
            "turns": numbered_turns(conversations),
            "knowledge": knowledge,
            "procedures": procedures,
            KNOWN_FACTS: knowledge_facts(relations["facts"], knowledge),
        }
    )
    for relation, query in relations.items():
        session.materialise(relation, query)
    return session


def findings(rows: pl.DataFrame, rule: Rule) -> pl.DataFrame:
    """A rule's rows with what its header says of them, one a quote.

    Raises:
        QueryError: The rule gives other columns than a finding's.
    """
    if sorted(rows.columns) != sorted(FINDING_COLUMNS):
        raise QueryError(
            f"sql/{rule.query.name}.sql gives the columns {rows.columns}", hint=f"a rule's SELECT gives {FINDING_COLUMNS}"
        )
    return (
        rows.select(FINDING_COLUMNS)
        .cast({"conversation_id": pl.UInt32, "turn": pl.Int64, "quote": pl.String, "evidence": pl.String})
        .with_columns(
            rule_id=pl.lit(rule.rule_id),
            rule_version=pl.lit(rule.version),
            issue_type=pl.lit(rule.issue_type),
            severity=pl.lit(rule.severity),
        )
        .unique(["conversation_id", "turn", "quote"], keep="first", maintain_order=True)
    )
