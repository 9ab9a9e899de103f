"""What the panel's answers and claims came to: valid at once or not, refuted by code, upheld, and what all of it took.

What belongs here: counts from the tables that an inspection leaves. What does not: agreement with gold (`labels_panel`).
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

import polars as pl

from wow_flywheel.inspection.case import SPECIALISTS
from wow_flywheel.inspection.run import Inspection

NOT_REFUTED: Final = "not ruled on"
INVALID: Final = ("unparsable", "truncated")
"""Failures in which the model did answer, but nothing that fits."""


def counted(name: str, keys: Sequence[str], done: Inspection) -> Iterator[str]:
    """Markdown: one table of a set."""
    yield f"\n### {name}: what became of the answers and the claims, {len(keys)} conversations\n"
    yield "| | |"
    yield "|---|---|"
    for title, count in {**answers(done), **claims(done), **effort(done)}.items():
        yield f"| {title} | {count} |"


def answers(done: Inspection) -> dict[str, str]:
    """How many answers fitted their schema, and when."""
    counts = {key: int(number) for key, number in done.counts.items()}
    failed = {key.removeprefix("llm_failed_"): number for key, number in counts.items() if key.startswith("llm_failed_")}
    others = [f"{number} {reason}" for reason, number in failed.items() if reason not in INVALID]
    never = [f"{failed[reason]} {reason}" for reason in INVALID if reason in failed]
    return {
        "answers that fitted at once": str(counts["llm_answers"] - counts["llm_repaired"]),
        "after they were sent back": str(counts["llm_repaired"]),
        "never": " + ".join(never) or "0",
        "not answered": " + ".join(others) or "0",
        "conversations that failed so, decided by evidence and a person": str(counts["failures"]),
    }


def claims(done: Inspection) -> dict[str, str]:
    """What became of the specialists' claims. Equal ones of one specialist about one turn are one where they were ruled on."""
    checks = done.calls.filter(pl.col("step").is_in(list(SPECIALISTS)))["checks"].to_list()
    reasons = [check.partition(": ")[2] for each in checks for check in each]
    refuted = Counter(kind(reason) for reason in reasons if reason != NOT_REFUTED)
    rows = done.inspections.filter(pl.col("kind") == "llm").select("decision", "decision_reason", "severity").rows()
    upheld = [severity for decision, _, severity in rows if decision == "accepted"]
    severe = sum(severity != "minor" for severity in upheld)
    return {
        "claims made": str(len(reasons)),
        "refuted by code": str(refuted.total()),
        **{f"– {reason}": str(count) for reason, count in refuted.most_common()},
        "rejected by the adjudicator": str(_reasoned(rows, "rejected", "adjudicator")),
        "fell in the reverse check": str(_reasoned(rows, "rejected", "reverse check")),
        "left open": str(sum(decision == "unresolved" for decision, _, _ in rows)),
        "upheld": f"{len(upheld)} ({severe} severe)",
    }


def effort(done: Inspection) -> dict[str, str]:
    """Questions, tokens and seconds, whenever they were spent."""
    calls, counts = done.calls, done.counts
    waited = calls["latency_s"].sum() or 0.0
    return {
        "questions": f"{calls.height} ({counts['llm_calls']:.0f} calls now, {counts['llm_from_ledger']:.0f} from the ledger)",
        "tokens of prompts": f"{calls['prompt_tokens'].sum():,}",
        "tokens of answers": f"{calls['completion_tokens'].sum():,}",
        "seconds of the answers' calls": f"{waited:,.0f}",
        "tries lost, endpoint pushed back": f"{counts['llm_lost_tries']:.0f}, {counts['llm_pushbacks']:.0f}",
    }


def kind(reason: str) -> str:
    """A reason of the code's check without what is different each time."""
    patterns = {
        r"unknown issue type .*": "unknown issue type",
        r"\w+ is not in the brief of this specialist": "not in this specialist's brief",
        r"the conversation has no turn \d+": "there is no such turn",
        r"turn \d+ is not the assistant's": "the turn is not the assistant's",
        r"it cites its own turn \d+ .*": "it cites its own turn as what contradicts it",
        r"it cites .*, which is not there": "it cites what is not there",
    }
    return next((name for pattern, name in patterns.items() if re.fullmatch(pattern, reason, re.DOTALL)), reason)


def _reasoned(rows: Sequence[tuple[str, str, str]], decision: str, by: str) -> int:
    return sum(each == decision and reason.startswith(by) for each, reason, _ in rows)
