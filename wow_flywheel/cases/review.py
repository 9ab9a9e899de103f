"""What a person sees who decides a case: the list, and one conversation with its findings.

What belongs here: gathering rows of several tables, and laying one conversation out as text. What does not: arguments
(`commands`), writing decisions (`decisions`).
"""

import datetime as dt
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from wow_flywheel.cases.decisions import case, current
from wow_flywheel.contracts import LABELS
from wow_flywheel.errors import DecisionError
from wow_flywheel.lake import Lake

ALL = "all"
FINDING = ("turn", "issue_type", "severity", "decision", "inspector", "confidence", "quote", "explanation")
HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def listed(lake: Lake, day: dt.date, label: str) -> list[dict[str, Any]]:
    """A day's cases of one label (or `all`) as `cases` has them, those nearest to the middle of solved first.

    Raises:
        DecisionError: The label is unknown.
    """
    if label not in (*LABELS, ALL):
        raise DecisionError(f"{label!r} is no label", hint=f"use one of {[*LABELS, ALL]}")
    rows = current(lake, day).filter(pl.lit(label == ALL) | (pl.col("label") == label))
    return rows.sort((pl.col("solved_score") - 0.5).abs(), "conversation_id").to_dicts()


def reviewed(lake: Lake, day: dt.date, conversation_id: str) -> dict[str, Any]:
    """All that is known of one case.

    Returns:
        Keys `case` (a row of `cases`), `messages`, `findings` (of `inspections`: see `FINDING`), `evidence` (of `verdicts`) and
        `decisions` (oldest first).

    Raises:
        DecisionError: The day has no such case.
    """
    the_case = case(lake, day, conversation_id).row(0, named=True)
    of_it = pl.col("conversation_id") == conversation_id
    conversation = lake.read("conversations", day).filter(of_it)
    verdict = lake.read("verdicts", day).filter(of_it)
    return {
        "case": the_case,
        "messages": conversation["messages"].explode().drop_nulls().to_list(),
        "findings": lake.read("inspections", day).filter(of_it).select(FINDING).sort("turn", "issue_type").to_dicts(),
        "evidence": verdict["evidence"].explode().drop_nulls().to_list(),
        "decisions": lake.read("decisions", day).filter(of_it).sort("decided_at").drop("conversation_id").to_dicts(),
    }


def transcript(found: Mapping[str, Any]) -> str:
    """What `reviewed` gives, as text for a terminal: control characters become escapes such as `\\x1b`."""
    return "\n".join(printable(line) for line in _lines(found))


def printable(text: str) -> str:
    """The text with every character that is not to be seen (control, bidirectional, line ends) as its escape."""
    return "".join(char.encode("unicode_escape").decode() if unicodedata.category(char) in HIDDEN else char for char in text)


def _lines(found: Mapping[str, Any]) -> Iterator[str]:
    the_case = found["case"]
    yield f"{the_case['conversation_id']}  {the_case['scenario']}  {the_case['dt']}"
    yield f"label {the_case['label']}, by {the_case['decided_by']}"
    yield from (f"  - {reason}" for reason in the_case["reasons"])
    yield from (f"  evidence: {sentence}" for sentence in found["evidence"])
    for decision in found["decisions"]:
        note = f": {decision['note']}" if decision["note"] else ""
        yield f"  {decision['decided_at']:%Y-%m-%d %H:%M} {decision['decided_by']} decided {decision['label']}{note}"
    yield ""
    for turn, message in enumerate(found["messages"]):
        yield from _turn_lines(turn, message)
        yield from (_finding_line(finding) for finding in found["findings"] if finding["turn"] == turn)


def _turn_lines(turn: int, message: Mapping[str, Any]) -> Iterator[str]:
    first, *rest = (message["content"] or "").splitlines() or [""]
    yield f"{turn:>3} {message['role']:<9} {first}".rstrip()
    yield from (f"{'':13} {line}" for line in rest)
    for call in message["tool_calls"] or []:
        yield f"{'':13} → {call['name']} {call['arguments']}"


def _finding_line(finding: Mapping[str, Any]) -> str:
    what = f"{finding['issue_type']} ({finding['severity']}, {finding['decision']}, by {finding['inspector']})"
    return f"{'':6} ▲ {what}: {finding['explanation'] or ''} “{finding['quote']}”"
