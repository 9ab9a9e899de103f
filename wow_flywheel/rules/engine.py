"""Runs all rules over a day's conversations on one in-memory DuckDB.

What belongs here: the relations that rules may name, computed once, and the findings frame. What does not: any rule.
"""

import polars as pl

from wow_flywheel.contracts import RULE_FINDINGS
from wow_flywheel.dialogue import turns
from wow_flywheel.errors import QueryError
from wow_flywheel.queries import Session, load_folder
from wow_flywheel.rules.registry import Rule, load_rules

FINDING_COLUMNS = ["conversation_id", "turn", "quote", "evidence"]


def find(conversations: pl.DataFrame, knowledge: pl.DataFrame, procedures: pl.DataFrame) -> pl.DataFrame:
    """Run every rule.

    Args:
        conversations: Contract `conversations`.
        knowledge: Columns unit_id, title, content.
        procedures: Columns policy_id, scenario, reply_id, text, next_reply_id.

    Returns:
        Contract `rule_findings`, sorted by conversation, turn and rule.

    Raises:
        QueryError: A rule is malformed or does not run; the message names its file.
    """
    rules = load_rules()
    if conversations.is_empty():
        return RULE_FINDINGS.empty()
    with open_session(conversations, knowledge, procedures) as session:
        found = [_findings(session, rule) for rule in rules]
    days = conversations.select("conversation_id", "dt", "scenario")
    rows = pl.concat(found).join(days, on="conversation_id", how="inner")
    return RULE_FINDINGS.conform(rows.sort("conversation_id", "turn", "rule_id", "quote"))


def open_session(conversations: pl.DataFrame, knowledge: pl.DataFrame, procedures: pl.DataFrame) -> Session:
    """A DuckDB session with the relations of `sql/relations/` computed; see each file for its columns."""
    session = Session(
        {
            "conversations": conversations.drop("messages"),
            "turns": turns(conversations),
            "knowledge": knowledge,
            "procedures": procedures,
        }
    )
    for query in load_folder("relations"):
        session.materialise(query.header["relation"], query)
    return session


def _findings(session: Session, rule: Rule) -> pl.DataFrame:
    rows = session.run(rule.query)
    if sorted(rows.columns) != sorted(FINDING_COLUMNS):
        raise QueryError(
            f"sql/{rule.query.name}.sql gives the columns {rows.columns}", hint=f"a rule's SELECT gives {FINDING_COLUMNS}"
        )
    return (
        rows.select(FINDING_COLUMNS)
        .cast({"conversation_id": pl.String, "turn": pl.Int64, "quote": pl.String, "evidence": pl.String})
        .with_columns(
            rule_id=pl.lit(rule.rule_id),
            rule_version=pl.lit(rule.version),
            issue_type=pl.lit(rule.issue_type),
            severity=pl.lit(rule.severity),
        )
        .unique(["conversation_id", "turn", "quote"], keep="first", maintain_order=True)
    )
