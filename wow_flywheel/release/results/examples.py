"""Before and after: what both models said at the same turn, the good news and the bad.

What belongs here: which turns are shown, and in what words. What does not: judging (`evaluation.repair`), HTML (`page`).

The choice is by the hash of a turn's name, one of each kind of change in turn, so that nobody picks the flattering ones and
what broke is shown first.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

import polars as pl

from wow_flywheel.dialogue import ChatMessage, DialogueAction

COUNT: Final = 20
SHOWN_TURNS: Final = 6
OUTCOMES: Final = {
    "broken": "went wrong only now",
    "repaired": "went wrong before, not now",
    "still wrong": "goes wrong with both",
    "fine": "right with both, in other words",
}
"""In the order in which the page shows them."""


@dataclass(frozen=True, slots=True)
class Example:
    """One turn of a held-out Bad Case.

    Attributes:
        outcome: A key of `OUTCOMES`.
        user_id: Whose conversation it is, so that it can be found and deleted.
        about: Scenario, language, issue type.
        turns: Role and text of the turns just before.
        left_out: How many earlier turns are not shown.
        said: What was said in production.
        before: What the baseline says now.
        after: What the candidate says.
        why_before: Why the inspectors object to the baseline's; None if they do not.
        why_after: The same of the candidate's.
    """

    outcome: str
    user_id: str
    about: str
    turns: tuple[tuple[str, str], ...]
    left_out: int
    said: str
    before: str
    after: str
    why_before: str | None
    why_after: str | None


def examples(
    sites: pl.DataFrame, replies: pl.DataFrame, judged: pl.DataFrame, baseline: str, candidate: str, count: int = COUNT
) -> list[Example]:
    """Choose turns and put them into words; the same ones for the same tables.

    Args:
        sites: As `evaluation.repair.site_rows` gives them.
        replies: Rows of `evaluation.replies.REPLIES`.
        judged: As `evaluation.repair.judge_sites` gives them.
        baseline: The model in use.
        candidate: The model that may replace it.
        count: How many at most.
    """
    said = {(r["model"], r["episode"]): r["raw"] for r in replies.filter(source="site").iter_rows(named=True)}
    reasons = {(r["model"], r["site"]): r["reason"] for r in judged.iter_rows(named=True)}
    groups: dict[str, list[Mapping[str, Any]]] = {name: [] for name in OUTCOMES}
    for row in sorted(sites.iter_rows(named=True), key=lambda row: sha256(row["site"].encode()).hexdigest()):
        keys = [(model, row["site"]) for model in (baseline, candidate)]
        if all(key in said and key in reasons for key in keys) and len({words(said[key]) for key in keys}) == 2:
            groups[_outcome(*(reasons[key] for key in keys))].append(row)
    chosen = _spread(groups, count)
    return [
        _example(name, row, *(said[model, row["site"]] for model in (baseline, candidate)),
                 *(reasons[model, row["site"]] for model in (baseline, candidate)))
        for name, rows in chosen.items() for row in rows
    ]  # fmt: skip


def words(raw: str | None) -> str:
    """An output as a person reads it: the reply, and the action as a call; what is no valid object as it is."""
    output = DialogueAction.from_json(raw or "")
    if output is None:
        return f"(no valid object) {raw}" if raw else "(refused: the prompt is too long)"
    action = output.action
    call = f"⚙ {action.name}({', '.join(f'{k}={v!r}' for k, v in action.arguments.items())})" if action else ""
    return " ".join(part for part in (output.reply, call) if part)


def _outcome(before: str | None, after: str | None) -> str:
    if before is None:
        return "fine" if after is None else "broken"
    return "repaired" if after is None else "still wrong"


def _spread(groups: Mapping[str, Sequence[Mapping[str, Any]]], count: int) -> dict[str, list[Mapping[str, Any]]]:
    """One of each kind in turn until there are enough."""
    chosen: dict[str, list[Mapping[str, Any]]] = {name: [] for name in groups}
    for place in range(count):
        for name, rows in groups.items():
            if place < len(rows) and sum(map(len, chosen.values())) < count:
                chosen[name].append(rows[place])
    return chosen


def _example(
    outcome: str, row: Mapping[str, Any], before: str, after: str, why_before: str | None, why_after: str | None
) -> Example:
    about = " · ".join(part.replace("_", " ") for part in (row["scenario"], row["locale"], row["issue_type"]) if part)
    prompt: Sequence[ChatMessage] = row["prompt"]
    shown = tuple((turn["role"], _text(turn)) for turn in prompt[-SHOWN_TURNS:])
    texts = (words(row["said"]), words(before), words(after), why_before, why_after)
    return Example(outcome, row["user_id"], about, shown, max(0, len(prompt) - SHOWN_TURNS), *texts)


def _text(turn: ChatMessage) -> str:
    return words(turn["content"]) if turn["role"] == "assistant" else turn["content"]
