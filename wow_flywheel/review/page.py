"""One case as the page shows it: the conversation with its findings, what was concluded and why, what people said so far.

What belongs here: gathering rows and laying them out for the templates. What does not: HTML, decisions, the queue.
"""

import datetime as dt
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from wow_flywheel.cases.findings import FindingDecisions, same_words
from wow_flywheel.cases.review import reviewed
from wow_flywheel.cases.rewrites import said_at
from wow_flywheel.contracts import ISSUE_TYPES, SEVERITIES
from wow_flywheel.dialogue import DialogueAction, Message
from wow_flywheel.errors import DecisionError
from wow_flywheel.lake import Lake
from wow_flywheel.review.shown import Piece, laid_out, pieces, pretty
from wow_flywheel.review.value import GROUPS, PARTS

Row = Mapping[str, Any]
OUTRANKS: Final = {"accepted": 0, "unresolved": 1, "rejected": 2}


@dataclass(frozen=True, slots=True)
class Finding:
    """What is claimed at one turn by some words, with everyone who claims it.

    Attributes:
        number: Its place among the case's findings, from 0.
        decision: As a person decided, else as adjudicated.
        by_people: All decisions of people about it, the newest first; if the last two differ, they are in conflict.
        claims: Rows of `inspections`.
    """

    number: int
    turn: int
    issue_type: str
    severity: str
    quote: str
    decision: str
    by_people: Sequence[Row]
    claims: Sequence[Row]

    @property
    def key(self) -> str:
        """Names the finding in a form: a quote would not come back as it was, since browsers change line ends."""
        text = json.dumps([self.turn, self.issue_type, self.quote])
        return hashlib.sha256(text.encode()).hexdigest()[:20]

    @property
    def conflict(self) -> bool:
        """Whether people decided differently; the latest counts."""
        return len({row["decision"] for row in self.by_people}) > 1


def view(lake: Lake, day: dt.date, conversation_id: str) -> dict[str, Any]:
    """A case for the template `case.html`.

    Returns:
        case, verdict, decisions, conflict, evidence, findings, stale (see the table `stale_cases`), turns.

    Raises:
        DecisionError: The day has no such case.
    """
    found = reviewed(lake, day, conversation_id)
    of_it = pl.col("conversation_id") == conversation_id
    findings = findings_of(lake, day, conversation_id)
    edits = lake.read("rewrite_edits", day).filter(of_it).sort("decided_at", descending=True).to_dicts()
    pairs = lake.read("preference_pairs", day).filter(of_it)
    verdict = lake.read("verdicts", day).filter(of_it)
    labels = {row["label"] for row in found["decisions"]}
    return {
        "case": found["case"],
        "verdict": verdict.row(0, named=True) if verdict.height else None,
        "decisions": found["decisions"],
        "conflict": len(labels) > 1,
        "evidence": found["evidence"],
        "findings": findings,
        "stale": lake.read("stale_cases", day).filter(of_it).to_dicts(),
        "turns": turns(found["messages"], findings, edits, pairs.to_dicts()),
    }


def findings_of(lake: Lake, day: dt.date, conversation_id: str) -> list[Finding]:
    """The findings of one conversation, with people's decisions on them."""
    of_it = pl.col("conversation_id") == conversation_id
    by_people = FindingDecisions.of(lake.read("finding_decisions", day).filter(of_it))
    return grouped(lake.read("inspections", day).filter(of_it).to_dicts(), by_people)


def grouped(claims: Sequence[Row], by_people: FindingDecisions) -> list[Finding]:
    """Claims about the same words at the same turn as one finding, in the order of the talk, standing ones first."""
    groups: list[list[Row]] = []
    for claim in sorted(claims, key=lambda row: (row["turn"], OUTRANKS[row["decision"]], row["issue_type"], row["inspector"])):
        same = next((group for group in groups if _same(group[0], claim)), None)
        if same is None:
            groups.append([claim])
        else:
            same.append(claim)
    return [_finding(number, group, by_people) for number, group in enumerate(groups)]


def turns(messages: Sequence[Message], findings: Sequence[Finding], edits: Sequence[Row], pairs: Sequence[Row]) -> list[Row]:
    """The messages, each with its number, text and calls in pieces, its findings, and whether and how it was rewritten."""
    return [_turn(number, messages, findings, edits, pairs) for number in range(len(messages))]


def why(row: Row) -> list[Row]:
    """The parts of a queue row's value, for the reviewer: each group with its share and its parts above zero."""
    return [
        {
            "group": group,
            "weight": weight,
            "value": row[group],
            "parts": [
                {"why": part.why, "weight": part.weight, "value": row[part.name]}
                for part in PARTS
                if part.group == group and row[part.name] > 0
            ],
        }
        for group, weight in GROUPS.items()
    ]


def _same(one: Row, other: Row) -> bool:
    at = ("turn", "issue_type")
    return all(one[name] == other[name] for name in at) and same_words(one["quote"], other["quote"])


def _finding(number: int, claims: Sequence[Row], by_people: FindingDecisions) -> Finding:
    first = claims[0]
    people = list(by_people.all_on(first["conversation_id"], first["turn"], first["issue_type"], first["quote"]))
    severity = max((claim["severity"] for claim in claims), key=SEVERITIES.index)
    decision = people[0]["decision"] if people else first["decision"]
    return Finding(number, first["turn"], first["issue_type"], severity, first["quote"], decision, people, claims)


def _turn(
    number: int, messages: Sequence[Message], findings: Sequence[Finding], edits: Sequence[Row], pairs: Sequence[Row]
) -> Row:
    message = messages[number]
    here = [finding for finding in findings if finding.turn == number]
    quotes = {finding.number: finding.quote for finding in here}
    content = message.get("content") or ""
    shown = laid_out(content, quotes.values()) if message["role"] == "tool" else content
    own = [edit for edit in edits if edit["turn"] == number]
    pair = next((pair for pair in pairs if pair["turn"] == number), None)
    said = _said(messages, number)
    return {
        "number": number,
        "role": message["role"],
        "text": pieces(shown, quotes),
        "calls": [_call(call, quotes) for call in message.get("tool_calls") or []],
        "findings": here,
        "edits": [{**edit, "output": DialogueAction.model_validate_json(edit["chosen"])} for edit in own],
        "pair": pair and {**pair, "output": DialogueAction.from_json(pair["chosen"])},
        "said": said,
        "issue_type": next(
            (finding.issue_type for finding in here if finding.issue_type in ISSUE_TYPES), "incomplete_solution"
        ),
    }


def _call(call: Row, quotes: Mapping[int, str]) -> dict[str, list[Piece]]:
    arguments = call["arguments"] or ""
    return {"name": pieces(call["name"], quotes), "arguments": pieces(laid_out(arguments, quotes.values()), quotes)}


def _said(messages: Sequence[Message], turn: int) -> Row | None:
    """What the form for a rewrite begins with; None where a turn cannot be rewritten."""
    try:
        output = said_at(list(messages), turn)
    except DecisionError:
        return None
    return {"reply": output.reply or "", "action": pretty(output.action.model_dump_json()) if output.action else ""}
