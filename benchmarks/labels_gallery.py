"""Ten findings with their evidence, from the closed world: docs/gallery.md.

What belongs here: playing a day, choosing findings, showing them. What does not: finding anything (`wow_flywheel.rules`,
`wow_flywheel.inspection`). Equal seeds show the same.
"""

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import polars as pl

from wow_flywheel.cases.label import label
from wow_flywheel.cases.satisfaction import signals
from wow_flywheel.closed_world.agents import FaultRates
from wow_flywheel.contracts import CONVERSATIONS, DECISIONS
from wow_flywheel.defs.calibration.sources import played_day
from wow_flywheel.dialogue import Message
from wow_flywheel.inspection.run import inspect
from wow_flywheel.rules.engine import find

DAY: Final = dt.date(2026, 1, 5)
SERVED: Final = 600
SEED: Final = 7
SHOWN: Final = 10
BEFORE, AFTER = 3, 1
HEAD: Final = f"""# Ten findings with their evidence

One day of the closed world ({SERVED} conversations, agents with the faults of people), labelled without an endpoint; printed
by `python -m benchmarks.labels gallery`. Of each kind of claim (issue type, inspector, decision) the shortest conversation is
shown, then further ones of other scenarios. How labels come about: [labelling.md](labelling.md). `▶` marks the turn of the
finding, «…» its quote; turns that do not bear on it are left out. Policy, knowledge and action faults are not among them:
this world's agents make none that is found without an endpoint ([measured](labelling/calibration.md#planted-defects))."""

Row = Mapping[str, Any]


def lines() -> Iterator[str]:
    """Markdown."""
    conversations, claims, labels = labelled_day()
    messages = dict(conversations.select("conversation_id", "messages").iter_rows())
    yield HEAD
    for number, claim in enumerate(chosen(claims, messages), 1):
        yield from shown(number, claim, messages[claim["conversation_id"]], labels[claim["conversation_id"]])


def labelled_day() -> tuple[pl.DataFrame, pl.DataFrame, dict[str, Row]]:
    """A day's conversations, its claims, and its cases by conversation."""
    _, played = played_day(DAY, SERVED, FaultRates(), SEED)
    rows, materials = played.conversations, {"knowledge": played.knowledge, "procedures": played.procedures}
    satisfaction = signals(rows, CONVERSATIONS.empty())
    findings = find(rows, played.knowledge, played.procedures)
    done = inspect(rows, rule_findings=findings, satisfaction=satisfaction, **materials)
    cases = label(rows, satisfaction, done.inspections, done.verdicts, DECISIONS.empty())
    return rows, done.inspections, {row["conversation_id"]: row for row in cases.iter_rows(named=True)}


def chosen(claims: pl.DataFrame, messages: Mapping[str, Sequence[Message]]) -> list[Row]:
    """One claim of each kind, then one of each kind and scenario; no conversation twice."""
    rows = sorted(
        claims.iter_rows(named=True), key=lambda c: (len(messages[c["conversation_id"]]), c["conversation_id"], c["turn"])
    )
    kind = ("issue_type", "inspector", "decision")
    found: list[Row] = []
    for columns in (kind, (*kind, "scenario")):
        for row in rows:
            taken = {tuple(each[name] for name in columns) for each in found}
            fresh = row["conversation_id"] not in {each["conversation_id"] for each in found}
            if fresh and len(found) < SHOWN and tuple(row[name] for name in columns) not in taken:
                found.append(row)
    return sorted(found, key=lambda c: (c["issue_type"], c["inspector"], c["decision"], c["conversation_id"]))


def shown(number: int, claim: Row, messages: Sequence[Message], case: Row) -> Iterator[str]:
    """One finding."""
    yield f"\n## {number}. {claim['issue_type']}, {claim['severity']}: {claim['decision']}\n"
    yield "```text"
    last = -1
    for turn in _turns(claim, len(messages)):
        if turn > last + 1:
            yield "        …"
        text, here = said(messages[turn]), turn == claim["turn"]
        line = f"{turn:>2} {messages[turn]['role']:<9} {_marked(text, claim['quote']) if here else text}"
        yield f"▶ {line}" if here else f"  {line}"
        last = turn
    yield "```\n"
    yield f"- **Inspector:** `{claim['inspector']}`, confidence {claim['confidence']:.2f}"
    yield f"- **Claim:** {claim['explanation']}"
    yield f"- **Held against the rest:** {claim['decision_reason']} → **{claim['decision']}**"
    yield f"- **Label:** {case['label']} — {'; '.join(case['reasons'])}"


def said(message: Message) -> str:
    """What a turn says and calls, on one line."""
    calls = [f"{call['name']}({call['arguments']})" for call in message.get("tool_calls") or []]
    return " ".join([*(message.get("content") or "").split(), *calls])


def _turns(claim: Row, count: int) -> list[int]:
    """The turn of a claim with those around it, and the turns that the decision names."""
    around = range(claim["turn"] - BEFORE, claim["turn"] + AFTER + 1)
    named = [int(turn) for turn in re.findall(r"\bturn (\d+)", claim["decision_reason"])]
    return sorted({turn for turn in (*around, *named) if 0 <= turn < count})


def _marked(text: str, quote: str) -> str:
    flat = " ".join(quote.split())
    place = re.search(rf"(?<!\w){re.escape(flat)}(?!\w)", text) or re.search(re.escape(flat), text)
    return f"{text[: place.start()]}«{place[0]}»{text[place.end() :]}" if place else text
