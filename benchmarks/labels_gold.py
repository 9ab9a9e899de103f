"""Human gold: what people said of their conversations, joined with what the flywheel sees of them.

What belongs here: reading STAR and tau with their gold, the tasks, the part kept aside. What does not: what is measured
(`labels_agreement`, `labels_saving`). The customer's explicit feedback is removed before anything looks at a conversation.
"""

import gzip
import json
import os
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import polars as pl

from wow_flywheel.cases.satisfaction import signals
from wow_flywheel.contracts import CONVERSATIONS
from wow_flywheel.conversations.ingest import read_day
from wow_flywheel.conversations.sources import LogSource
from wow_flywheel.inspection.run import inspect
from wow_flywheel.inspection.triage.estimator import Examples, Target
from wow_flywheel.inspection.triage.features import observe
from wow_flywheel.inspection.triage.meaning import SentenceEncoder
from wow_flywheel.knowledge.load import load_knowledge, load_procedures
from wow_flywheel.rules.engine import find

SHARED: Final = Path(__file__).resolve().parents[2] / "shared" / "data"
ONE_OF: Final = 5
CUSTOMER: Final = re.compile(r"\b[a-z]+_[a-z]+_\d{4}\b")
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Gold:
    """Conversations with the truth about them.

    Attributes:
        name: Of the question, as printed.
        target: What the triage estimates for it.
        examples: Features and words.
        truths: True where the customer was dissatisfied, or the demand unsolved.
        tasks: The task of each: nothing of a task in training may be in evaluation.
        ids: Of the conversations.
        evidence: What the evidence inspectors' verdict says by itself, as a score of the same direction.
        texts: All that was said, for the bag of words.
        counted: False for rows whose feedback is in the log: trained on, never scored.
    """

    name: str
    target: Target
    examples: Examples
    truths: list[bool]
    tasks: list[str]
    ids: list[str]
    evidence: list[float]
    texts: list[str]
    counted: list[bool]

    def where(self, keep: Callable[[int], bool]) -> list[int]:
        """Positions of the rows to keep."""
        return [i for i in range(len(self.ids)) if keep(i)]

    def aside(self, i: int) -> bool:
        """Whether a row is in the part that was not looked at while features and settings were chosen: one of five."""
        return int(sha256(f"lock{self.ids[i]}".encode()).hexdigest()[:8], 16) % ONE_OF == 0


def low_satisfaction() -> Gold:
    """STAR: the agent was not calm and helpful, or the user annoyed."""

    def truth(gold: Row) -> bool | None:
        calm, annoyed = gold["agent_calm_and_helpful"], gold["user_annoyed"]
        return None if calm is None and annoyed is None else calm is False or annoyed is True

    return _gold("low satisfaction (STAR)", "star", "dissatisfied", truth)


def not_achieved() -> Gold:
    """STAR: the task was not achieved."""
    answers = {None: None, True: False, False: True}
    return _gold("task_achieved (STAR)", "star", "unsolved", lambda gold: answers[gold["task_achieved"]])


def not_solved() -> Gold:
    """tau: the database says that the demand was not solved."""
    return _gold("solved (tau)", "tau", "unsolved", lambda gold: not gold["solved"])


def all_days(name: str) -> pl.DataFrame:
    """All conversations of a set as they are ingested: contract `conversations`."""
    source = LogSource.at(str(SHARED / name / "logs"))
    return pl.concat([read_day(source, day).conversations for day in source.days()])


@cache
def frames(name: str) -> dict[str, pl.DataFrame]:
    """Conversations, satisfaction, findings, inspections and verdicts of a set, with no explicit feedback in them."""
    conversations = all_days(name).with_columns(feedback=pl.lit(None, dtype=CONVERSATIONS.columns["feedback"]))
    procedures = load_procedures(str(SHARED / name / "policies.jsonl.gz"))
    knowledge = load_knowledge(str(SHARED / name / "knowledge"))
    satisfaction = signals(conversations, CONVERSATIONS.empty())
    findings = find(conversations, knowledge, procedures)
    done = inspect(conversations, rule_findings=findings, satisfaction=satisfaction, knowledge=knowledge, procedures=procedures)
    return {
        "conversations": conversations,
        "satisfaction": satisfaction,
        "inspections": done.inspections,
        "verdicts": done.verdicts,
        "findings": findings,
    }


@cache
def answers(name: str) -> dict[str, Row]:
    """The gold rows of a set by conversation."""
    with gzip.open(SHARED / name / "gold.jsonl.gz", "rt", encoding="utf-8") as lines:
        return {row["conversation_id"]: row for row in map(json.loads, lines)}


@cache
def _examples(name: str) -> Examples:
    found = frames(name)
    model = os.environ.get("WOW_EMBEDDINGS_MODEL")
    encoder = SentenceEncoder.load(model) if model else None
    return Examples.of(observe(**found), found["conversations"]["scenario"].to_list(), encoder)


def _gold(title: str, name: str, target: Target, truth: Callable[[Row], bool | None]) -> Gold:
    conversations, gold = frames(name)["conversations"], answers(name)
    ids = conversations["conversation_id"].to_list()
    judged = [i for i, key in enumerate(ids) if key in gold and truth(gold[key]) is not None]
    rows = conversations[judged]
    column = "satisfied_score" if target == "dissatisfied" else "solved_score"
    verdicts = dict(frames(name)["verdicts"].select("conversation_id", column).iter_rows())
    messages = rows["messages"].to_list()
    keys = rows["conversation_id"].to_list()
    return Gold(
        title,
        target,
        _examples(name).take(judged),
        [bool(truth(gold[key])) for key in keys],
        rows["scenario"].to_list() if name == "star" else [_customer(m, key) for m, key in zip(messages, keys, strict=True)],
        keys,
        [1 - verdicts[key] for key in keys],
        ["\n".join(_said(each)) for each in messages],
        [not gold[key].get("feedback_in_log", False) for key in keys],
    )


def _said(messages: Sequence[Row]) -> list[str]:
    return [message["content"] or "" for message in messages]


def _customer(messages: Sequence[Row], key: str) -> str:
    """The simulated customer of a tau conversation: the same one is the same task, whichever agent served it."""
    calls = [call["arguments"] for message in messages for call in message["tool_calls"] or []]
    found = Counter(CUSTOMER.findall(" ".join([*_said(messages), *calls])))
    return found.most_common(1)[0][0] if found else key
