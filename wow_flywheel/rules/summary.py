"""What a day's findings come to, rule by rule: for people who read the asset.

What belongs here: counting. What does not: finding (`engine`), showing (`defs`).
"""

import polars as pl

from wow_flywheel.rules.registry import load_rules


def by_rule(findings: pl.DataFrame, conversations: int) -> pl.DataFrame:
    """Each rule with its findings, those without any as well.

    Args:
        findings: Contract `rule_findings`.
        conversations: How many conversations were looked at.

    Returns:
        Columns rule, issue type, severity (the header's), languages, findings, conversations (with at least one), share (of all
        conversations, in percent, one decimal), finds; most findings first.
    """
    header = pl.DataFrame(
        [
            (rule.rule_id, rule.issue_type, rule.severity, ", ".join(rule.languages) or "any", rule.finds)
            for rule in load_rules()
        ],
        schema=["rule", "issue type", "severity", "languages", "finds"],
        orient="row",
    )
    counted = findings.group_by(rule="rule_id").agg(
        findings=pl.len().cast(pl.Int64), conversations=pl.col("conversation_id").n_unique().cast(pl.Int64)
    )
    share = (100 * pl.col("conversations") / max(conversations, 1)).round(1).cast(pl.String)
    return (
        header.join(counted, on="rule", how="left")
        .with_columns(pl.col("findings", "conversations").fill_null(0))
        .with_columns(share=pl.format("{} %", share))
        .sort(["findings", "rule"], descending=[True, False])
        .select("rule", "issue type", "severity", "languages", "findings", "conversations", "share", "finds")
    )
