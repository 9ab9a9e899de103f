"""Verdicts against people's own answers and a checked database, on real conversations."""

import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from wow_flywheel.cases.satisfaction import signals
from wow_flywheel.contracts import CONVERSATIONS, RULE_FINDINGS
from wow_flywheel.conversations.ingest import read_day
from wow_flywheel.conversations.sources import LogSource
from wow_flywheel.inspection.run import inspect

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
NO_KNOWLEDGE = pl.DataFrame(schema={"unit_id": pl.String, "title": pl.String, "content": pl.String})
NO_PROCEDURES = pl.DataFrame(schema=dict.fromkeys(("policy_id", "scenario", "reply_id", "text", "next_reply_id"), pl.String))

pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/data is missing: real conversations with gold labels")


def verdicts(name: str) -> list[dict[str, Any]]:
    """The verdicts joined with the gold labels."""
    source = LogSource.at(str(SHARED / name / "logs"))
    conversations = pl.concat([read_day(source, day).conversations for day in source.days()])
    satisfaction = signals(conversations, CONVERSATIONS.empty())
    done = inspect(
        conversations,
        rule_findings=RULE_FINDINGS.empty(),
        satisfaction=satisfaction,
        knowledge=NO_KNOWLEDGE,
        procedures=NO_PROCEDURES,
    )
    with gzip.open(SHARED / name / "gold.jsonl.gz", "rt", encoding="utf-8") as lines:
        gold = {row["conversation_id"]: row for row in map(json.loads, lines)}
    found = done.verdicts.iter_rows(named=True)
    return [gold[row["conversation_id"]] | row for row in found if row["conversation_id"] in gold]


def auroc(scores: Sequence[float], labels: Sequence[bool]) -> float:
    """The share of pairs of a true and a false case that the scores put in the right order; ties count half."""
    ranked = pl.DataFrame({"score": scores, "label": labels}).with_columns(rank=pl.col("score").rank("average"))
    positives = sum(labels)
    total = float(ranked.filter("label")["rank"].sum())
    return (total - positives * (positives + 1) / 2) / (positives * (len(labels) - positives))


@pytest.mark.slow
def test_people_who_say_that_their_task_was_achieved_score_higher_and_the_dissatisfied_lower() -> None:
    rows = verdicts("star")
    rated = [row for row in rows if not row["feedback_in_log"]]
    asked = [row for row in rated if row["task_achieved"] is not None]
    judged = [row for row in rated if row["user_annoyed"] is not None or row["agent_calm_and_helpful"] is not None]
    unhappy = [row["user_annoyed"] is True or row["agent_calm_and_helpful"] is False for row in judged]
    assert len(asked) > 1000
    assert auroc([row["solved_score"] for row in asked], [row["task_achieved"] for row in asked]) > 0.77
    assert auroc([-row["satisfied_score"] for row in judged], unhappy) > 0.68


@pytest.mark.slow
def test_on_agents_judged_by_a_database_the_talk_says_little_but_not_the_contrary() -> None:
    rows = verdicts("tau")
    assert len(rows) == 519
    assert auroc([row["solved_score"] for row in rows], [row["solved"] for row in rows]) > 0.52
